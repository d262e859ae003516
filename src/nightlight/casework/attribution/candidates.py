# SPDX-License-Identifier: Apache-2.0
"""The correct address: over all events of a cluster, what leads to a subscriber, best first, with all for and against.

"The correct address" is not found by breaking a tunnel; it is chosen. Of the events of one cluster (several platforms,
accounts, devices, months) those at exits of tunnels are put apart, and so is every other event at an address that was
one at any time: behind it lives somebody else. The rest is grouped by what an operator can be asked about, and cut
where an address may have passed to another subscriber. Language, religion and place are not read.

A candidate is called "traceable, corroborated" only if two events on different days count (time exact and with its
zone, a list that covers the time, an operator that is known and known not to share the address, or IPv6), something
else agrees (a third day, a second platform or account, a device, a slip beside a tunnel, an account opened and files
sent), and nothing grave speaks against it. An address shared by many is never called so before the answers: there, each
event is a question of its own (`candidate_answers.with_answers`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import candidate_reasons as reasons
from nightlight.casework.attribution.candidate_kinds import (
    DOUBTFUL,
    GRAVE,
    STANDING,
    Against,
    Candidate,
    Caution,
    Confidence,
    For,
    Graded,
    NothingLeads,
    Ranking,
    State,
    WhyApart,
)
from nightlight.casework.attribution.candidate_seconds import SecondTimes, with_turns
from nightlight.casework.attribution.candidate_stretches import leads, once, order, site_of, stretches
from nightlight.casework.attribution.kinds import EventKind, Grade, Way

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, tzinfo

    from nightlight.casework.attribution.candidate_kinds import Apart, Con, Facts, Pro
    from nightlight.casework.attribution.candidate_stretches import Item, Stretch
    from nightlight.casework.attribution.kinds import Event

__all__ = ["Graded", "confidence", "rank"]

_LEGS = frozenset({For.PLATFORMS, For.ACCOUNTS, For.DEVICE, For.HARDWARE, For.SLIP, For.BOTH_ENDS})
_STATES = {state: place for place, state in enumerate(State)}
_GRADES = {grade: place for place, grade in enumerate(Grade)}
_WAYS = (Way.TRACE, Way.ASK_FIRST, Way.CORROBORATE, Way.UNTRACEABLE)
_OF_WAY = {
    Way.TRACE: State.TRACEABLE,
    Way.ASK_FIRST: State.ASK_FIRST,
    Way.CORROBORATE: State.CORROBORATE,
    Way.UNTRACEABLE: State.UNTRACEABLE,
}
_VALUES = {EventKind.UPLOAD: 0, EventKind.LOGIN: 2, EventKind.REGISTRATION: 3}
_ASKED = 12  # events named for one question; more make no answer better


def rank(
    events: Sequence[Graded],
    facts: Facts | None = None,
    *,
    now: datetime,
    zone: tzinfo | None = None,
    childs: Iterable[Event] = (),
) -> Ranking:
    """The candidates of one cluster, best first, whatever the order of the events.

    `facts`: what is known of an address at a time (a function, or a mapping by canonical address); None: nothing, and
    then nothing is called corroborated. `now` aware. `zone`: for hours of the day, which are left out without it.
    `childs`: events of the child in these reports, to say where the same network was used.
    Raises ValueError for a `now` without its zone.
    """
    if now.tzinfo is None:
        raise ValueError("now needs its zone")
    kept, duplicates = once(events)
    if not kept:
        return Ranking((), (), NothingLeads.NO_EVENTS, duplicates)
    items, apart = leads(kept, facts, now)
    grouped = stretches(items)
    anonymised = [one.event for one in kept if one.labelled.label.anonymises and one.event.utc is not None]
    seen = reasons.Seen.of(grouped, anonymised, {site_of(one.address) for one in childs if one.address}, zone, now)
    found = [_candidate(stretch, seen) for stretch in grouped]
    found = with_turns(sorted(found, key=_rank_of), grouped, zone)
    found = _with_second_times(found, grouped)
    devices = tuple(sorted((one.event.key, one.event.device) for one in kept if one.event.device))
    return Ranking(tuple(found), tuple(apart), _nothing(found, apart), duplicates, devices)


# One candidate.


def _candidate(stretch: Stretch, seen: reasons.Seen) -> Candidate:
    pros, hours = reasons.supporting(stretch, seen)
    cons = reasons.contradicting(stretch, seen)
    lead, state = stretch.lead, _state(stretch, pros, cons)
    ask = _ask(stretch)
    hours_left = [item.graded.traceability.hours_left for item in ask]
    timed = [item.at for item in stretch.items if item.at is not None]
    ports = tuple((port, port) for port in sorted({item.port for item in stretch.items if item.port is not None}))
    block = lead.facts.block if lead.facts is not None else None
    if block and ports:
        first = ports[0][0] // block * block
        ports = ((first, min(first + block - 1, 65_535)),)
    part = f"/{ports[0][0]}" if lead.shared and ports else ""
    return Candidate(
        key=f"{stretch.target}{part}@{timed[0].isoformat() if timed else 'no time'}",
        target=stretch.target,
        version=lead.version,
        ports=ports if lead.shared else (),
        operator=next((item.facts.operator for item in stretch.items if item.facts is not None), ""),
        asn=lead.graded.labelled.asn,
        network=lead.graded.labelled.network,
        label=lead.graded.labelled.label,
        grade=lead.graded.traceability.grade,
        way=min((item.graded.traceability.way for item in stretch.items), key=_WAYS.index),
        state=state,
        confidence=confidence(state, lead.graded.traceability.grade, cons),
        since=timed[0] if timed else None,
        until=timed[-1] if timed else None,
        events=tuple(item.event.key for item in stretch.items),
        independent=tuple(item.event.key for item in stretch.independent),
        platforms=reasons.platforms(stretch.counting),
        accounts=reasons.named(item.event.account for item in stretch.counting),
        devices=reasons.named(item.event.device for item in stretch.counting),
        supporting=pros,
        contradicting=cons,
        cautions=_cautions(stretch),
        ask=tuple(item.event.key for item in ask),
        require=(),
        hours_left=min((left for left in hours_left if left is not None), default=None),
        hours=hours,
    )


def _state(stretch: Stretch, pros: Sequence[Pro], cons: Sequence[Con]) -> State:
    against, reasons_for = {con.why for con in cons}, {pro.why for pro in pros}
    way = min((item.graded.traceability.way for item in stretch.items), key=_WAYS.index)
    if against & DOUBTFUL and way is not Way.UNTRACEABLE:
        return State.CORROBORATE
    if way is not Way.TRACE:
        return _OF_WAY[way]
    several = len(stretch.independent)
    asked = any(item.graded.traceability.way is Way.TRACE for item in stretch.counting)
    leg = several > 2 or bool(reasons_for & _LEGS)
    if asked and several > 1 and leg and not stretch.lead.shared and not against & GRAVE:
        return State.CORROBORATED
    return State.TRACEABLE


def confidence(state: State, grade: Grade, cons: Sequence[Con]) -> Confidence:
    """How strong the evidence is before any answer."""
    if state is State.CORROBORATED:
        return Confidence.STRONG
    grave = {con.why for con in cons} & GRAVE
    if state is State.TRACEABLE and grade in {Grade.A, Grade.B} and not grave:
        return Confidence.MODERATE
    return Confidence.NONE if state is State.UNTRACEABLE or grade is Grade.U else Confidence.WEAK


def _cautions(stretch: Stretch) -> tuple[Caution, ...]:
    made = list(STANDING)
    if len(stretch.independent) < 2:
        made.append(Caution.ONE_EVENT_ALONE)
    if stretch.lead.shared and len(stretch.items) > 1:
        made.append(Caution.EACH_EVENT_ASKED)
    if stretch.lead.version == 6:
        made.append(Caution.COMPARED_IN)
        if any(reasons.lists_without_ipv6(item) for item in stretch.items):
            made.append(Caution.LISTS_WITHOUT_IPV6)
    return tuple(made)


def _ask(stretch: Stretch) -> tuple[Item, ...]:
    """The events to ask with: deep inside the stretch first, where a wrong clock does not reach its ends."""
    asked = [item for item in stretch.counting if item.graded.traceability.way is Way.TRACE]
    if not asked:
        asked = [one for one in stretch.items if one.graded.traceability.way in {Way.TRACE, Way.ASK_FIRST}]
    timed = [item.at for item in stretch.items if item.at is not None]

    def deep(item: Item) -> timedelta:
        return timedelta(0) if item.at is None else -min(item.at - timed[0], timed[-1] - item.at)

    def worth(item: Item) -> tuple[object, ...]:
        return (not item.event.offence, _VALUES.get(item.event.kind, 1), deep(item), *order(item))

    if len(asked) < 3 or stretch.lead.shared:
        return tuple(sorted(asked, key=worth)[:_ASKED])
    inside = min(asked, key=lambda item: (deep(item), *order(item)))
    return (inside, *sorted((item for item in asked if item is not inside), key=worth)[: _ASKED - 1])


def _rank_of(one: Candidate) -> tuple[object, ...]:
    pros = {pro.why for pro in one.supporting}
    grave = {con.why for con in one.contradicting} & GRAVE
    left = one.hours_left if one.hours_left is not None else float("inf")
    value = -len(pros & {*_LEGS, For.OFFENCE, For.REGISTRATION})
    return (
        _STATES[one.state],
        # That another line was used meanwhile is said of the line used longer, and must not put it behind the other.
        len(grave - {Against.ELSEWHERE_BETWEEN}),
        -len(one.independent),
        len(grave),
        _GRADES[one.grade],
        value,
        left,
        one.key,
    )


# All candidates.


def _with_second_times(found: Sequence[Candidate], grouped: Sequence[Stretch]) -> list[Candidate]:
    """Each candidate with the independent times that must be asked beside it."""
    second = SecondTimes(grouped)
    made = []
    for one in found:
        require = one.independent[1:2] or second.beside(one)
        cautions = (*one.cautions, *((Caution.SECOND_TIME_REQUIRED,) if require else ()))
        made.append(replace(one, require=require, cautions=cautions))
    return made


def _nothing(found: Sequence[Candidate], apart: Sequence[Apart]) -> NothingLeads:
    states = {one.state for one in found}
    if states & {State.CORROBORATED, State.TRACEABLE}:
        return NothingLeads.SOMETHING_LEADS
    for state, why in (
        (State.ASK_FIRST, NothingLeads.ASK_FOR_PORTS),
        (State.CORROBORATE, NothingLeads.CORROBORATE),
        (State.UNTRACEABLE, NothingLeads.TOO_OLD),
    ):
        if state in states:
            return why
    exits = any(one.why in {WhyApart.EXIT, WhyApart.EXIT_AT_ANOTHER_TIME} for one in apart)
    return NothingLeads.ONLY_EXITS if exits else NothingLeads.ONLY_UNUSABLE
