# SPDX-License-Identifier: Apache-2.0
"""Whether answers to several events lead to the same subscriber, and how easily chance would have done that.

Events of one day, of one lease, and of a pool that deals the same address to the same people, are one event. Expected
coincidences: how many subscribers of the pool would explain all independent events by chance (pool x product of
candidates / pool). What contradicts comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import Grade
from nightlight.casework.attribution.returns.answers import Certainty, Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.casework.attribution.returns.answers import Answer

CHANCE = 0.01  # expected coincidences below which chance is no explanation
_ALONE = frozenset({Grade.A, Grade.B})


class Band(StrEnum):
    """How well a subscriber is supported."""

    STRONG = "strong"  # two independent days or more, nothing against it, hardly by chance
    MODERATE = "moderate"  # one stable match that leads to one subscriber
    WEAK = "weak"  # only lists of candidates
    NONE = "none"


class Against(StrEnum):
    """What speaks against a subscriber."""

    OTHER_SUBSCRIBER = "other-subscriber"  # the same operator names only somebody else for another event
    GIVEN_TWICE = "given-twice"  # the same port was given to somebody else too
    PROBABLE_ERROR = "probable-error"  # an event would fit only if its time had been taken wrongly


class Doubt(StrEnum):
    """What is not known, and so lowers what can be said."""

    POOL_UNKNOWN = "pool-unknown"
    STICKINESS_UNKNOWN = "stickiness-unknown"
    STICKY = "sticky"
    ONE_DAY = "one-day"


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer with what it takes to weigh it.

    `operator` says whose subscriber identifiers these are. `pool` is how many subscribers the answer was drawn
    from, None where unknown. `sticky`: subscribers keep an address over days (None: nobody knows).
    """

    answer: Answer
    grade: Grade
    operator: str
    pool: int | None = None
    sticky: bool | None = None
    offset: int = 330  # minutes east of UTC: whose days are counted


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What speaks against, at which event, and which other subscribers are named there."""

    against: Against
    key: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corroboration:
    """How the answers bear on one subscriber. `independent` are groups of keys of events that count as one each."""

    operator: str
    subscriber: str
    band: Band
    contradictions: tuple[Contradiction, ...]
    independent: tuple[tuple[str, ...], ...]
    days: int
    expected_coincidences: float | None  # None: the pool is not known
    doubts: tuple[Doubt, ...]


def corroborated(findings: Sequence[Finding]) -> tuple[Corroboration, ...]:
    """Every subscriber the answers name, the best supported first."""
    people = sorted({(one.operator, name) for one in findings for name in one.answer.subscribers})
    found = [_weighed(operator, name, findings) for operator, name in people]
    order = list(Band)
    return tuple(
        sorted(
            found,
            key=lambda one: (order.index(one.band), len(one.contradictions), -len(one.independent), one.subscriber),
        )
    )


def _weighed(operator: str, subscriber: str, findings: Sequence[Finding]) -> Corroboration:
    own = [one for one in findings if one.operator == operator and subscriber in one.answer.subscribers]
    groups = _independent(own, subscriber)
    against = _contradictions(operator, subscriber, findings)
    alone = [[one for one in group if _leads_alone(one)] for group in groups]
    firm = [group for group in alone if group]
    days = len({_day(one) for group in firm for one in group})
    coincidences = _coincidences(groups)
    if len(firm) >= 2 and days >= 2 and not against and coincidences is not None and coincidences < CHANCE:
        band = Band.STRONG
    elif firm:
        band = Band.MODERATE
    else:
        band = Band.WEAK
    doubts = {
        Doubt.POOL_UNKNOWN: any(one.pool is None for one in own),
        Doubt.STICKINESS_UNKNOWN: any(one.sticky is None for one in own),
        Doubt.STICKY: any(one.sticky for one in own),
        Doubt.ONE_DAY: len({_day(one) for one in own}) < 2,
    }
    return Corroboration(
        operator,
        subscriber,
        band,
        against,
        tuple(tuple(one.answer.asked.key for one in group) for group in groups),
        days,
        coincidences,
        tuple(doubt for doubt, holds in doubts.items() if holds),
    )


def _leads_alone(one: Finding) -> bool:
    """Whether the answer leads to one subscriber by itself: stable, of a grade that can, and named by the operator."""
    marks = set(one.answer.marks)
    return (
        one.answer.certainty is Certainty.STABLE
        and one.grade in _ALONE
        and not marks & {Mark.GIVEN_TWICE, Mark.INSIDE_ONLY, Mark.PORTS_NOT_STATED}
    )


def _independent(own: Sequence[Finding], subscriber: str) -> list[list[Finding]]:
    """The events in groups that count as one: a day, a lease, a sticky pool. What shares any of them is joined."""
    ordered = sorted(own, key=lambda one: (one.answer.asked.at, one.answer.asked.key))
    leader = list(range(len(ordered)))

    def first(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    by_token: dict[object, list[int]] = {}
    for place, one in enumerate(ordered):
        for token in _tokens(one, subscriber):
            by_token.setdefault(token, []).append(place)
    for places in by_token.values():
        for left, right in pairwise(places):
            a, b = sorted((first(left), first(right)))
            leader[b] = a
    groups: dict[int, list[Finding]] = {}
    for place, one in enumerate(ordered):
        groups.setdefault(first(place), []).append(one)
    return list(groups.values())


def _tokens(one: Finding, subscriber: str) -> list[object]:
    rows = [row for named in one.answer.named if named.subscriber == subscriber for row in named.rows]
    tokens: list[object] = [("day", _day(one))]
    tokens += [("lease", row.address, row.port_low, row.port_high, row.start, row.end) for row in rows]
    if one.sticky:
        tokens.append(("pool", one.operator))
    return tokens


def _day(one: Finding) -> str:
    return (datetime.fromtimestamp(one.answer.asked.at, UTC) + timedelta(minutes=one.offset)).date().isoformat()


def _coincidences(groups: Sequence[Sequence[Finding]]) -> float | None:
    """Pool x product over groups of the smallest candidate set / pool; None where a pool is not known.

    With several pools the largest counts, which errs towards chance.
    """
    pools = [one.pool for group in groups for one in group]
    known = [pool for pool in pools if pool]
    if not known or len(known) != len(pools):
        return None
    pool = max(known)
    expected = float(pool)
    for group in groups:
        expected *= min(1.0, min(len(one.answer.named) for one in group) / pool)
    return expected


def _contradictions(operator: str, subscriber: str, findings: Sequence[Finding]) -> tuple[Contradiction, ...]:
    found = []
    for one in findings:
        if one.operator != operator:
            continue
        key, others = one.answer.asked.key, tuple(name for name in one.answer.subscribers if name != subscriber)
        if one.answer.certainty is Certainty.STABLE and subscriber not in one.answer.subscribers:
            found.append(Contradiction(Against.OTHER_SUBSCRIBER, key, others))
        if Mark.GIVEN_TWICE in one.answer.marks and subscriber in one.answer.subscribers:
            found.append(Contradiction(Against.GIVEN_TWICE, key, others))
        if any(subscriber in error.subscribers for error in one.answer.probable_errors):
            found.append(Contradiction(Against.PROBABLE_ERROR, key, ()))
    return tuple(found)
