# SPDX-License-Identifier: Apache-2.0
"""The rules of routing as data (TOML): what signs weigh, how much confidence a proposal needs, how long units have.

A file is checked whole; one wrong line and it is not used. All numbers are whole, of a hundred where nothing else is
said, so that a proposal comes out the same on every machine.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

import msgspec

from nightlight.pipeline.routing.sign_kinds import KINDS, MARKS, WHOSE

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = "rules-india-1"
BANDS = ("low", "medium", "high", "critical")
"""The bands of triage, as its `Band` numbers them: 0 to 3."""

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=24 * 366)]


class RulesRefused(Exception):
    """A file of routing rules cannot be used; ``place`` says where, ``reason`` is a sentence for who edits it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in a file; an unknown key is refused."""


class Propose(_Written, frozen=True):
    """How signs become candidates; docs/routing.md says what each number does."""

    least: Percent
    least_district: Percent
    tie: Percent
    contradiction: Percent
    support: Percent
    agreement: Percent
    other_side: Percent
    home_prior: Percent
    most_reasons: Annotated[int, msgspec.Meta(ge=1, le=50)]
    events_half_life_days: Annotated[int, msgspec.Meta(ge=1, le=36_600)]
    events_keep: Percent


class Weight(_Written, frozen=True):
    """What a sign of one kind weighs where it says a state, and where it says the country only."""

    state: Percent
    country: Percent


class MarkRule(_Written, frozen=True):
    """How much of its weight a sign with this mark keeps, and how a page says it."""

    keeps: Percent
    words: str


class Times(_Written, frozen=True):
    """Hours to answer an offer, and until a tip is taken up."""

    answer: Hours
    work: Hours


class Rerouting(_Written, frozen=True):
    """How often a tip that came back is offered on without a person deciding."""

    most_automatic: Annotated[int, msgspec.Meta(ge=0, le=10)]
    after: tuple[str, ...]
    """The codes with which a unit sends back (`BounceCode`) after which it is; any other is for a person."""


class StopReason(_Written, frozen=True):
    """A reason why a unit waits, and whether its clock stands still meanwhile."""

    code: str
    label: str
    stops: bool


class RoutingRules(_Written, frozen=True):
    """The rules of routing, checked."""

    version: str
    home: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    propose: Propose
    weights: dict[str, Weight]
    whose: dict[str, Percent]
    marks: dict[str, MarkRule]
    sla: dict[str, Times]
    rerouting: Rerouting
    stop: tuple[StopReason, ...]

    @property
    def answer_hours(self) -> Mapping[int, int]:
        """Hours to answer by band, 0 (low) to 3 (critical)."""
        return {number: self.sla[name].answer for number, name in enumerate(BANDS)}

    @property
    def work_hours(self) -> Mapping[int, int]:
        """Hours until a tip is taken up, by band."""
        return {number: self.sla[name].work for number, name in enumerate(BANDS)}

    @property
    def stop_reasons(self) -> Mapping[str, bool]:
        """Reasons for a stop of the clock, and whether it stops."""
        return {one.code: one.stops for one in self.stop}


@cache
def shipped(name: str = SHIPPED) -> RoutingRules:
    """Return the rules that come with Nightlight, read once. Raises RulesRefused."""
    file = resources.files("nightlight.pipeline.routing") / "data" / f"{name}.toml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise RulesRefused("file", f"no routing rules named {name!r} come with Nightlight")
    return load(file.read_text(encoding="utf-8"))


def load(text: str) -> RoutingRules:
    """Return the rules written in `text`. Raises RulesRefused for anything that is not as it must be."""
    try:
        rules = msgspec.convert(tomllib.loads(text), RoutingRules)
    except tomllib.TOMLDecodeError as error:
        raise RulesRefused("file", f"is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `")
        raise RulesRefused(place.strip("`$.") or "file", said) from error
    except RecursionError:
        raise RulesRefused("file", "is nested too deeply") from None
    for place, written, known in (
        ("weights", rules.weights, KINDS),
        ("whose", rules.whose, WHOSE),
        ("marks", rules.marks, MARKS),
        ("sla", rules.sla, frozenset(BANDS)),
    ):
        if wrong := set(written) ^ known:
            name = min(wrong)
            raise RulesRefused(f"{place}.{name}", "is missing" if name in known else "is not known")
    codes = [one.code for one in rules.stop]
    if len(set(codes)) != len(codes):
        raise RulesRefused("stop", "a code stands there twice")
    if not rules.version.strip() or not all(mark.words.strip() for mark in rules.marks.values()):
        raise RulesRefused("file", "a version or the words of a mark are empty")
    return rules
