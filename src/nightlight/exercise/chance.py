# SPDX-License-Identifier: Apache-2.0
"""Repeatable chance: every draw in the exercise comes from a named stream, so one seed gives one world."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: str | int) -> Random:
    """Return the generator of the stream with these names; equal names give equal draws, on every machine."""
    return Random("/".join(str(name) for name in names))  # noqa: S311 - an exercise must repeat, it guards nothing


def moment_between(rng: Random, first: datetime, last: datetime) -> datetime:
    """Return a moment of whole seconds from `first` up to `last` (equal when the span is empty)."""
    span = max(0, int((last - first).total_seconds()))
    return (first + timedelta(seconds=rng.randint(0, span))).replace(microsecond=0)


def hexadecimal(rng: Random, digits: int) -> str:
    """Return that many lower-case hexadecimal digits."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def weighted(rng: Random, choices: dict[T, float]) -> T:
    """Return one key of `choices`, each with the weight it carries."""
    return rng.choices(list(choices), weights=list(choices.values()))[0]
