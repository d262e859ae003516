# SPDX-License-Identifier: Apache-2.0
"""Whether answers to several events lead to the same subscriber, and how easily chance would have done that.

Events of one day, of one lease, and of a pool that deals the same address to the same people, are one event. Expected
coincidences: how many subscribers of the pool would explain all independent events by chance (pool x product of
candidates / pool). What contradicts comes first.

One person has one home line and one telephone, and may move house once. So the lines of one kind, of whichever
operator, are held against each other: a subscriber who explains no more independent times than all the others of that
kind together is one of several doors, and at most one of them is the right one. People behind borrowed lines look like
that. An organisation is no rival of a home, and is never a person: only its own records say who used its line.
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
    MODERATE = (
        "moderate"  # a stable match that leads to one subscriber, and more of them than to all others of its kind
    )
    WEAK = "weak"  # only lists of candidates, as many times at other lines, or an organisation
    NONE = "none"


class Against(StrEnum):
    """What speaks against a subscriber."""

    OTHER_SUBSCRIBER = "other-subscriber"  # the same operator names only others for another event
    GIVEN_TWICE = "given-twice"  # the same port was given to somebody else too
    PROBABLE_ERROR = "probable-error"  # an event would fit only if its time had been taken wrongly
    OTHER_LINES = "other-lines"  # in use in turn with lines of its kind that are other subscribers'
    ORGANISATION = "organisation"  # the operator's records name an organisation


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
    `organisations`: whom of those named the answer says to be a shop, an employer, a school: by a column for the kind
    of customer, by a service address of a business, or as an officer reads the name. Nothing is guessed from names.
    """

    answer: Answer
    grade: Grade
    operator: str
    pool: int | None = None
    sticky: bool | None = None
    offset: int = 330  # minutes east of UTC: whose days are counted
    line: str = ""  # the kind of line, such as fixed or mobile; empty: not known
    organisations: frozenset[str] = frozenset()


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
    organisation: bool = False  # it leads to an organisation, not to a person
    alone: tuple[str, ...] = ()  # keys of the events whose answers lead there alone


@dataclass(frozen=True, slots=True)
class _Person:
    """A subscriber with what names them: independent groups, and those of them that lead there alone."""

    operator: str
    subscriber: str
    line: str
    organisation: bool
    groups: list[list[Finding]]
    firm: list[list[Finding]]

    @property
    def span(self) -> tuple[int, int]:
        times = [one.answer.asked.at for group in self.firm for one in group]
        return min(times), max(times)


def corroborated(findings: Sequence[Finding]) -> tuple[Corroboration, ...]:
    """Every subscriber the answers name, the best supported first."""
    names = sorted({(one.operator, name) for one in findings for name in one.answer.subscribers})
    people = [_person(operator, name, findings) for operator, name in names]
    found = [_weighed(one, people, findings) for one in people]
    order = list(Band)
    return tuple(
        sorted(
            found,
            key=lambda one: (order.index(one.band), len(one.contradictions), -len(one.independent), one.subscriber),
        )
    )


def _person(operator: str, subscriber: str, findings: Sequence[Finding]) -> _Person:
    own = [one for one in findings if one.operator == operator and subscriber in one.answer.subscribers]
    groups = _independent(own, subscriber)
    alone = [[one for one in group if _leads_alone(one)] for group in groups]
    lines = {one.line for one in own}
    line = lines.pop() if len(lines) == 1 else ""
    organisation = any(subscriber in one.organisations for one in own)
    return _Person(operator, subscriber, line, organisation, groups, [group for group in alone if group])


def _weighed(person: _Person, people: Sequence[_Person], findings: Sequence[Finding]) -> Corroboration:
    own = [one for group in person.groups for one in group]
    firm, rivals = person.firm, _rivals(person, people)
    against = _contradictions(person, rivals, findings)
    days = len({_day(one) for group in firm for one in group})
    coincidences = _coincidences(person.groups)
    if not firm or person.organisation or len(firm) <= sum(len(one.firm) for one in rivals):
        band = Band.WEAK
    elif len(firm) >= 2 and days >= 2 and not against and coincidences is not None and coincidences < CHANCE:
        band = Band.STRONG
    else:
        band = Band.MODERATE
    doubts = {
        Doubt.POOL_UNKNOWN: any(one.pool is None for one in own),
        Doubt.STICKINESS_UNKNOWN: any(one.sticky is None for one in own),
        Doubt.STICKY: any(one.sticky for one in own),
        Doubt.ONE_DAY: len({_day(one) for one in own}) < 2,
    }
    return Corroboration(
        person.operator,
        person.subscriber,
        band,
        against,
        tuple(tuple(one.answer.asked.key for one in group) for group in person.groups),
        days,
        coincidences,
        tuple(doubt for doubt, holds in doubts.items() if holds),
        person.organisation,
        tuple(one.answer.asked.key for group in firm for one in group),
    )


def _rivals(person: _Person, people: Sequence[_Person]) -> list[_Person]:
    """Other lines of its kind to which answers lead alone, but for organisations and for a move from one to the other.

    Without a kind, lines of the same operator are of one kind.
    """
    if not person.firm or person.organisation:
        return []
    others = [
        one
        for one in people
        if one is not person
        and one.firm
        and not one.organisation
        and (one.line == person.line if person.line and one.line else one.operator == person.operator)
    ]
    return [] if len(others) == 1 and _moved(person, others[0]) else others


def _moved(one: _Person, other: _Person) -> bool:
    """Whether one of two lines came wholly before the other, each used at two independent times or more."""
    if min(len(one.firm), len(other.firm)) < 2:
        return False
    (first, last), (begins, ends) = one.span, other.span
    return last < begins or ends < first


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
    """Pool x product over groups of the smallest candidate set / the group's own pool; None where one is not known.

    With several pools the largest is the first factor, and the smallest of a group divides it: both err towards chance.
    """
    pools = [one.pool for group in groups for one in group]
    known = [pool for pool in pools if pool]
    if not known or len(known) != len(pools):
        return None
    expected = float(max(known))
    for group in groups:
        own = min(one.pool for one in group if one.pool)
        expected *= min(1.0, min(len(one.answer.named) for one in group) / own)
    return expected


def _contradictions(
    person: _Person, rivals: Sequence[_Person], findings: Sequence[Finding]
) -> tuple[Contradiction, ...]:
    operator, subscriber = person.operator, person.subscriber
    found = []
    if person.organisation:
        found.append(Contradiction(Against.ORGANISATION, person.groups[0][0].answer.asked.key, ()))
    for one in findings:
        if one.operator != operator:
            continue
        key, others = one.answer.asked.key, tuple(name for name in one.answer.subscribers if name != subscriber)
        # A list of several without this one speaks against it as well as a single other name.
        if one.answer.named and subscriber not in one.answer.subscribers:
            found.append(Contradiction(Against.OTHER_SUBSCRIBER, key, others))
        if Mark.GIVEN_TWICE in one.answer.marks and subscriber in one.answer.subscribers:
            found.append(Contradiction(Against.GIVEN_TWICE, key, others))
        if any(subscriber in error.subscribers for error in one.answer.probable_errors):
            found.append(Contradiction(Against.PROBABLE_ERROR, key, ()))
    found += [
        Contradiction(Against.OTHER_LINES, one.firm[0][0].answer.asked.key, (one.subscriber,))
        for one in rivals
        if one.operator != operator
    ]
    return tuple(found)
