# SPDX-License-Identifier: Apache-2.0
"""Patterns in what people did that are worth a question. A finding is a question to be asked, never an accusation.

Pure rules over what was done, when, by which person and to which record, and over who was on duty where. They know
units as opaque marks, and nothing of a person but the identifier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from nightlight.outlook.audit.facts import Act, Broken, Did, Facts, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is worth a question. Defaults are starting points; a centre knows its own work better."""

    # Records opened and not worked on, before anybody asks: a shift of reading is below it.
    idle_records: int = 20
    # And how many times the unit's median of the same: reading much is normal where everybody reads much.
    idle_times_median: float = 3.0
    # Views outside duty within `burst_within`: somebody called in at night opens a few, not fifteen.
    burst_views: int = 15
    burst_within: timedelta = timedelta(hours=1)
    # Early and late around a shift is still duty.
    duty_grace: timedelta = timedelta(minutes=30)
    # For people whom no roster knows: the local hours that count as night. Weak, and said to be.
    night_from: time = time(22)
    night_until: time = time(6)
    # Different searches, or searches that found nothing, within `search_within`.
    searches: int = 20
    empty_searches: int = 8
    search_within: timedelta = timedelta(hours=1)
    # People who opened one record although their own unit did not hold it then.
    outsiders: int = 4
    # Broken glass is answered for within three days (a long weekend), and rarely more than three times a month.
    glass_open: timedelta = timedelta(hours=72)
    glass_in_month: int = 3
    month: timedelta = timedelta(days=30)
    # Failed sign-ins before one that worked from an address not seen before.
    failures: int = 3
    failures_within: timedelta = timedelta(minutes=30)


def findings(facts: Facts, limits: Thresholds | None = None) -> list[Finding]:
    """Return everything worth a question, newest first. The order of the facts does not matter."""
    limits = limits or Thresholds()
    found = [finding for rule in RULES for finding in rule(facts, limits)]
    return sorted(found, key=lambda one: (one.until, one.key), reverse=True)


def views_without_work(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Many records opened by a person who did nothing to them, against the median of the same in the unit."""
    looked = _by_person(facts, Did.LOOKED)
    worked = {(act.person, act.record) for act in facts.acts if act.did in {Did.WORKED, Did.HANDED}}
    idle = {
        person: [act for act in acts if act.record.startswith("tip:") and (person, act.record) not in worked]
        for person, acts in looked.items()
    }
    counts = {person: len({act.record for act in acts}) for person, acts in idle.items()}
    units = defaultdict(set)
    for member in facts.members:
        units[member.person].add(member.unit)
    for person, number in counts.items():
        colleagues = [n for other, n in counts.items() if other != person and units[other] & units[person]]
        usual = median(colleagues) if colleagues else 0
        if number >= limits.idle_records and number > limits.idle_times_median * usual:
            acts = idle[person]
            yield _finding(
                Rule.VIEWS_WITHOUT_WORK,
                acts,
                person=person,
                # A new view tomorrow is a new question; the same ones stay answered.
                mark=acts[-1].ref,
                numbers=(("records", number), ("usual", round(usual)), ("colleagues", len(colleagues))),
                weak=not colleagues,
            )


def off_shift(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Bursts of views outside the duty roster; where nobody keeps one for the person, in the local night."""
    duties = defaultdict(list)
    for duty in facts.duties:
        duties[duty.person].append((duty.starts - limits.duty_grace, duty.ends + limits.duty_grace))
    for person, acts in _by_person(facts, Did.LOOKED).items():
        known = person in duties
        outside = [
            act
            for act in acts
            if (
                not any(starts <= act.at <= ends for starts, ends in duties[person])
                if known
                else _night(act.at.astimezone(facts.zone).time(), limits)
            )
        ]
        for burst in _bursts(outside, limits.burst_within):
            most = _most_within(burst, limits.burst_within, lambda act: act.ref)
            if most >= limits.burst_views:
                yield _finding(
                    Rule.OFF_SHIFT, burst, person=person, numbers=(("views", most), ("all", len(burst))), weak=not known
                )


def mass_search(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Many different searches within an hour, or many that found nothing: somebody may be trying numbers."""
    for person, acts in _by_person(facts, Did.SEARCHED).items():
        for burst in _bursts(acts, limits.search_within):
            different = _most_within(burst, limits.search_within, lambda act: act.search or act.ref)
            nothing = [act for act in burst if act.hits == 0]
            empty = _most_within(nothing, limits.search_within, lambda act: act.ref)
            if different >= limits.searches or empty >= limits.empty_searches:
                numbers = (("searches", different), ("empty", empty))
                yield _finding(Rule.MASS_SEARCH, burst, person=person, numbers=numbers)


def many_outsiders(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """One record opened by many people whose own unit did not hold it at that time."""
    units = defaultdict(set)
    for member in facts.members:
        units[member.person].add(member.unit)
    now_held = dict(sorted(facts.holders))
    moves = defaultdict(list)
    for act in sorted(facts.acts, key=_order):
        if act.did is Did.HANDED:
            moves[act.record].append(act)
    by_record = defaultdict(list)
    for act in sorted(facts.acts, key=_order):
        if act.did is Did.LOOKED and act.record:
            holder = _holder(now_held.get(act.record, ""), moves[act.record], act.at)
            if holder and holder not in units[act.person]:
                by_record[act.record].append(act)
    for record, acts in by_record.items():
        people: dict[str, Act] = {}
        for act in acts:
            people.setdefault(act.person, act)
        if len(people) >= limits.outsiders:
            newcomer = list(people.values())[-1]
            numbers = (("people", len(people)), ("views", len(acts)))
            yield _finding(Rule.MANY_OUTSIDERS, acts, record=record, mark=newcomer.ref, numbers=numbers)


def glass_unanswered(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Broken glass that nobody signed off in time."""
    for one in sorted(facts.glass, key=_glass_order):
        waited = (one.signed_off_at or facts.now) - one.at
        if waited >= limits.glass_open:
            yield Finding(
                Rule.GLASS_UNANSWERED,
                person=one.person,
                record=one.record,
                since=one.at,
                until=one.signed_off_at or facts.now,
                mark=one.ref,
                numbers=(("hours", int(waited.total_seconds() // 3600)), ("open", int(one.signed_off_at is None))),
                glass=(one,),
            )


def glass_often(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """A person who broke the glass more often within a month than emergencies usually ask for."""
    by_person = defaultdict(list)
    for one in sorted(facts.glass, key=_glass_order):
        by_person[one.person].append(one)
    for person, broken in by_person.items():
        # The latest month in which it was too often, as it stood when the last of them was broken.
        for last in reversed(broken):
            month = [one for one in broken if last.at - limits.month < one.at <= last.at]
            if len(month) > limits.glass_in_month:
                yield Finding(
                    Rule.GLASS_OFTEN,
                    person=person,
                    record="",
                    since=month[0].at,
                    until=last.at,
                    mark=last.ref,
                    numbers=(("times", len(month)),),
                    glass=tuple(month),
                )
                break


def new_address(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Failed sign-ins, and then one that worked from an address the person had not signed in from before.

    Says nothing where the log does not tell from where; the first address ever seen of a person is not new.
    """
    failed = _by_person(facts, Did.FAILED)
    for person, signed_in in _by_person(facts, Did.SIGNED_IN).items():
        seen: set[str] = set()
        for act in signed_in:
            if not act.address:
                continue
            if seen and act.address not in seen:
                before = [f for f in failed.get(person, ()) if act.at - limits.failures_within <= f.at <= act.at]
                if len(before) >= limits.failures:
                    numbers = (("failures", len(before)),)
                    yield _finding(
                        Rule.NEW_ADDRESS, [*before, act], person=person, mark=act.ref, numbers=numbers, weak=False
                    )
            seen.add(act.address)


RULES: tuple[Callable[[Facts, Thresholds], Iterator[Finding]], ...] = (
    views_without_work,
    off_shift,
    mass_search,
    many_outsiders,
    glass_unanswered,
    glass_often,
    new_address,
)


def _finding(
    rule: Rule,
    acts: Sequence[Act],
    *,
    numbers: tuple[tuple[str, int], ...],
    person: str = "",
    record: str = "",
    mark: str = "",
    weak: bool = False,
) -> Finding:
    """A finding that these acts, in their order, lie behind; named by the first of them unless said otherwise."""
    first, last = acts[0], acts[-1]
    return Finding(rule, person, record, first.at, last.at, mark or first.ref, numbers, weak, acts=tuple(acts))


def _order(act: Act) -> tuple[datetime, str]:
    return act.at, act.ref


def _glass_order(one: Broken) -> tuple[datetime, str]:
    return one.at, one.ref


def _by_person(facts: Facts, did: Did) -> dict[str, list[Act]]:
    """The acts of one sort by person, oldest first."""
    found: dict[str, list[Act]] = defaultdict(list)
    for act in sorted((act for act in facts.acts if act.did is did), key=_order):
        found[act.person].append(act)
    return dict(found)


def _bursts(acts: Sequence[Act], within: timedelta) -> Iterator[list[Act]]:
    """Split acts, oldest first, wherever more than `within` passed without one."""
    burst: list[Act] = []
    for act in acts:
        if burst and act.at - burst[-1].at > within:
            yield burst
            burst = []
        burst.append(act)
    if burst:
        yield burst


def _most_within(acts: Sequence[Act], within: timedelta, of: Callable[[Act], str]) -> int:
    """The largest number of different things (as `of` tells them apart) in any stretch of that length."""
    here: Counter[str] = Counter()
    most = start = 0
    for act in acts:
        here[of(act)] += 1
        while act.at - acts[start].at > within:
            gone = of(acts[start])
            here[gone] -= 1
            if not here[gone]:
                del here[gone]
            start += 1
        most = max(most, len(here))
    return most


def _night(at: time, limits: Thresholds) -> bool:
    if limits.night_from <= limits.night_until:
        return limits.night_from <= at < limits.night_until
    return at >= limits.night_from or at < limits.night_until


def _holder(now_held: str, moves: Sequence[Act], at: datetime) -> str:
    """The unit that held a record at that moment, from when it was handed over, else the one that holds it now."""
    for before, after in pairwise([None, *moves, None]):
        if (before is None or before.at <= at) and (after is None or at < after.at):
            if before is not None:
                return before.to
            return after.frm if after is not None else now_held
    return now_held


def people_in(found: Iterable[Finding]) -> set[str]:
    """Everybody these findings are about or rest on."""
    people = {one.person for one in found} | {act.person for one in found for act in one.acts}
    return people - {""}
