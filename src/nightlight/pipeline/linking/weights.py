# SPDX-License-Identifier: Apache-2.0
"""What a shared value is worth: less for each doubling of those who share it, nothing past a ceiling.

The points of each kind are data (``data/weights.toml``), so that they can be tuned; a table with anything missing,
unknown or wrong is refused whole. Whole numbers only: the answer for one value and the answer for an array of
millions are the same to the point, and so are persons worked out one tip at a time and all at once.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

SCHEMA = 1
_FIELDS = frozenset({"schema", "version", "threshold", "kinds"})
_POINTS = ("base", "slope", "ceiling", "verified")
_LARGEST = 2**31  # no count is larger; frexp is exact far beyond


class WeightsRefused(Exception):
    """A table of weights is not usable; ``place`` says where, ``reason`` what is wrong with it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one kind; ``ceiling`` is a number of subjects."""

    base: int
    slope: int
    ceiling: int
    verified: int = 0


@dataclass(frozen=True)
class Weights:
    """A table of weights: the points of each kind, and how many a join needs."""

    version: int
    threshold: int
    kinds: Mapping[str, Points]

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """The number of each kind, 0 up in the order of the table: what arrays hold instead of its name."""
        return {kind: code for code, kind in enumerate(self.kinds)}

    def weight(self, kind: str, count: int, verified: bool = False) -> int:
        """Return what it is worth that ``count`` subjects of one side share a value. Raises KeyError, ValueError."""
        if count < 0:
            raise ValueError(f"{count} subjects cannot share a value")
        points = self.kinds[kind]
        if count > points.ceiling:
            return 0
        steps = max(count - 1, 0).bit_length()
        base = points.base + (points.verified if verified else 0)
        return max(0, base - points.slope * max(0, steps - 1))

    def weigh(
        self, kind: NDArray[Any], count: NDArray[Any], verified: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Return ``weight`` of each place of arrays of one length: codes of kinds, counts, flags. Raises ValueError."""
        if len(kind) != len(count) or (verified is not None and len(verified) != len(kind)):
            raise ValueError("kinds, counts and flags are not of one length")
        if not len(kind):
            return np.zeros(0, np.int64)
        if int(count.min()) < 0 or int(count.max()) > _LARGEST:
            raise ValueError("a count is out of range")
        if int(kind.min()) < 0 or int(kind.max()) >= len(self.kinds):
            raise ValueError("a kind is not in the table")
        # The exponent of a float is the bit length of the whole number it holds: exact below 2**53.
        steps = np.frexp(np.maximum(count, 1) - 1.0)[1].astype(np.int64)
        worth: NDArray[np.int64] = self._column("base")[kind] - self._column("slope")[kind] * np.maximum(steps - 1, 0)
        if verified is not None:
            worth += np.where(verified, self._column("verified")[kind], 0)
        worth[count > self._column("ceiling")[kind]] = 0
        worth[worth < 0] = 0
        return worth

    def _column(self, name: str) -> NDArray[np.int64]:
        return np.array([getattr(points, name) for points in self.kinds.values()], dtype=np.int64)


@cache
def weights() -> Weights:
    """Return the table that comes with Nightlight, read once. Raises WeightsRefused."""
    source = resources.files("nightlight.pipeline.linking") / "data" / "weights.toml"
    return read(source.read_text(encoding="utf-8"), place="weights.toml")


def read(text: str, *, place: str, kinds: Iterable[str] | None = None) -> Weights:
    """Read a table of weights for exactly these kinds (all of ``Kind`` unless given). Raises WeightsRefused."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WeightsRefused(place, f"is no TOML: {error}") from error
    if data.get("schema") != SCHEMA:
        raise WeightsRefused(place, f"schema is {data.get('schema')!r}; this version reads {SCHEMA}")
    _fields(data, _FIELDS, place)
    told = data["kinds"]
    if not isinstance(told, dict):
        raise WeightsRefused(f"{place}, kinds", "is no table")
    _fields(told, frozenset(_kinds() if kinds is None else kinds), f"{place}, kinds")
    threshold = _number(data, "threshold", place, least=1)
    return Weights(
        version=_number(data, "version", place, least=1),
        threshold=threshold,
        kinds={kind: _points(said, f"{place}, {kind}") for kind, said in told.items()},
    )


def _kinds() -> list[str]:
    from nightlight.pipeline.linking.kinds import Kind

    return [str(kind) for kind in Kind]


def _points(said: object, place: str) -> Points:
    if not isinstance(said, dict):
        raise WeightsRefused(place, "is no table")
    _fields(said, frozenset(_POINTS), place)
    # A slope is never below zero: a value that more people share is never worth more, and the arrival of a
    # subject can then dissolve links of others but never make one.
    return Points(*(_number(said, name, place, least=name == "ceiling") for name in _POINTS))


def _fields(data: Mapping[str, object], wanted: frozenset[str], place: str) -> None:
    if missing := sorted(wanted - data.keys()):
        raise WeightsRefused(place, f"{', '.join(missing)} is missing")
    if unknown := sorted(data.keys() - wanted):
        raise WeightsRefused(place, f"{', '.join(unknown)} is not known")


def _number(data: Mapping[str, object], name: str, place: str, *, least: int) -> int:
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise WeightsRefused(f"{place}, {name}", "is no whole number")
    if not least <= value < _LARGEST:
        raise WeightsRefused(f"{place}, {name}", f"{value} is out of range")
    return value
