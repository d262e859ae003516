# SPDX-License-Identifier: Apache-2.0
"""The events of a cluster grouped by what an operator can be asked about, and cut where an address may pass on.

What is at the exit of a tunnel is put apart here, with every other event at an address that was one at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import Apart, Graded, WhyApart
from nightlight.casework.attribution.kinds import EventKind, Grade, Label, Way
from nightlight.casework.attribution.prefixes import Unit, prefix
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.casework.attribution.candidate_kinds import AddressFacts, Facts
    from nightlight.casework.attribution.kinds import Event

APART_FROM = timedelta(hours=12)
"""Two times are independent only on different days (UTC) and at least so far apart: midnight is no new day."""
_GRADES = {grade: place for place, grade in enumerate(Grade)}
_PREFIXES = range(40, 65)  # lengths that operators delegate
# How long an address is taken to stay with one subscriber where the operator does not say.
_HOLDS = {
    Label.MOBILE_SHARED: timedelta(hours=2),
    Label.FIXED_SHARED: timedelta(hours=2),
    Label.MOBILE_IPV6: timedelta(hours=12),
    Label.UNKNOWN: timedelta(days=2),
    Label.FIXED: timedelta(days=14),
}
_HOLDS_LONG = timedelta(days=60)  # a fixed IPv6 prefix (RIPE-690), an organisation


ORGANISATIONS = frozenset({Label.EDUCATION, Label.BUSINESS, Label.SHARED_WIFI})
"""Labels that lead to many people of one organisation."""


@dataclass(frozen=True, slots=True)
class Item:
    """One event, made ready: `target` is what is asked about, `site` what one household has in common."""

    graded: Graded
    event: Event
    at: datetime | None
    address: str
    version: int
    target: str
    site: str
    shared: bool
    port: int | None
    facts: AddressFacts | None
    counts: bool  # its time is exact and certain, and the address leads to a subscriber


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events of one target that are taken for one subscriber's, in order of time; `parts`: how many stretches."""

    target: str
    items: tuple[Item, ...]
    counting: tuple[Item, ...]
    independent: tuple[Item, ...]
    parts: int
    lead: Item  # whose label and grade stand for the candidate
    seldom: bool = False  # a few of its events were called a possible proxy; those do not count


def outweighed(clean: int, concerned: int) -> bool:
    """Whether what is said of single events leaves enough: three independent times without it, and thrice as many."""
    return clean >= 3 and clean >= 3 * concerned


def once(events: Sequence[Graded]) -> tuple[list[Graded], tuple[tuple[str, str], ...]]:
    """Each record once: the same address, port, time, reporter and account again is a copy, in whatever report."""
    first: dict[tuple[object, ...], Graded] = {}
    copies = []
    for one in sorted(events, key=lambda graded: graded.event.key):
        event = one.event
        when = None if event.moment is None else event.utc or event.moment.as_sent
        same = (event.address or event.address_as_sent, event.port, when, event.reporter.casefold(), event.account)
        if (main := first.setdefault(same if when is not None else (event.key,), one)) is one:
            continue
        if main.event.key == event.key and main.event == event:
            continue
        copies.append((event.key, main.event.key))
        proxy = Stated.YES if event.possible_proxy is Stated.YES else main.event.possible_proxy
        kind = event.kind if main.event.kind is EventKind.UNKNOWN else main.event.kind
        merged = replace(
            main.event,
            possible_proxy=proxy,
            kind=kind,
            offence=main.event.offence or event.offence,
            device=main.event.device or event.device,
        )
        # Of two labels of one record the one that speaks of a tunnel stands.
        labelled = one.labelled if one.labelled.label.anonymises else main.labelled
        first[same] = replace(main, event=merged, labelled=labelled)
    return list(first.values()), tuple(sorted(copies))


# What is apart, and what is asked about.


def _address(one: Graded) -> str:
    return one.labelled.inner or one.event.address or ""


def site_of(address: str) -> str:
    return prefix(address, Unit.HOME) if ":" in address else address


def _door(address: str) -> str:
    return prefix(address, Unit.LINK) if ":" in address else address


def leads(kept: Sequence[Graded], facts: Facts | None, now: datetime) -> tuple[list[Item], list[Apart]]:
    exits = set()
    for one in kept:
        if one.labelled.label.anonymises or one.traceability.grade in {Grade.E, Grade.F}:
            exits |= {_door(text) for text in (one.event.address, one.labelled.inner) if text}
    items = []
    kept_apart: dict[tuple[str, WhyApart], list[Graded]] = {}
    for one in kept:
        address = _address(one)
        why = None
        if not address:
            why = WhyApart.NO_ADDRESS
        elif one.labelled.label is Label.RESERVED or one.traceability.grade is Grade.X:
            why = WhyApart.NOT_ROUTABLE
        elif one.labelled.label.anonymises or one.traceability.grade in {Grade.E, Grade.F}:
            why = WhyApart.EXIT
        elif {_door(text) for text in (one.event.address, one.labelled.inner) if text} & exits:
            why = WhyApart.EXIT_AT_ANOTHER_TIME
        if why is None:
            items.append(_item(one, address, facts, now))
        else:
            shown = address or one.event.address_as_sent
            kept_apart.setdefault((shown, why), []).append(one)
    return items, [_apart(target, why, alike) for (target, why), alike in sorted(kept_apart.items())]


def _apart(target: str, why: WhyApart, alike: Sequence[Graded]) -> Apart:
    ordered = sorted(alike, key=lambda one: (one.event.utc or datetime.max.replace(tzinfo=UTC), one.event.key))
    lead = ordered[0].labelled
    asks = any(one.traceability.grade is Grade.E and one.traceability.way is not Way.UNTRACEABLE for one in alike)
    return Apart(target, why, lead.label, lead.network, tuple(one.event.key for one in ordered), ask_provider=asks)


def _item(one: Graded, address: str, facts: Facts | None, now: datetime) -> Item:
    event, label, grade = one.event, one.labelled.label, one.traceability.grade
    at = event.utc
    known: AddressFacts | None = None
    if facts is not None:
        known = facts.get(address) if isinstance(facts, Mapping) else facts(address, at)
    version = 6 if ":" in address else 4
    organisation = label in ORGANISATIONS
    shared = version == 4 and (label.shared or (known is not None and known.shared is True and not organisation))
    # The grade says whether the port is of this event; of a port of another time it says C.
    usable = grade in {Grade.A, Grade.B}
    port = (one.labelled.inner_port or event.port) if usable else None
    target = address
    if version == 6:
        length = known.prefix_length if known is not None else None
        target = prefix(address, length if length in _PREFIXES else Unit.LINK)
    certain = at is not None and at <= now and event.moment is not None and event.moment.zone == "stated"
    # An organisation's grade says nothing of how exact the time is.
    exact = event.moment is not None and event.moment.precision not in {"day", "minute", "none"}
    counts = certain and (usable or (grade is Grade.D and exact)) and (not shared or port is not None)
    return Item(one, event, at, address, version, target, site_of(address), shared, port, known, counts)


def order(item: Item) -> tuple[datetime, str]:
    return (item.at or datetime.max.replace(tzinfo=UTC), item.event.key)


def stretches(items: Sequence[Item]) -> list[Stretch]:
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item in sorted(items, key=order):
        block = item.facts.block if item.facts is not None and item.shared else None
        part = item.port // block if block and item.port is not None else None
        groups.setdefault((item.target, item.shared, part), []).append(item)
    found = []
    for (target, *_rest), group in groups.items():
        runs: list[list[Item]] = []
        for item in (one for one in group if one.at is not None):
            if not runs or _passed_on(runs[-1][-1], item):
                runs.append([])
            runs[-1].append(item)
        untimed = [one for one in group if one.at is None]
        if untimed and len(runs) == 1:
            runs[0] += untimed
        elif untimed:
            runs.append(untimed)
        found += [_stretch(str(target), run, len(runs)) for run in runs]
    return found


def _passed_on(before: Item, after: Item) -> bool:
    """Whether the address may have passed to another subscriber between two events."""
    said = after.facts.holds if after.facts is not None else None
    label = after.graded.labelled.label
    assumed = _HOLDS.get(label, _HOLDS_LONG)
    if label is Label.FIXED and after.version == 6:
        assumed = _HOLDS_LONG
    elif after.shared:
        assumed = _HOLDS[Label.FIXED_SHARED]
    assert before.at is not None and after.at is not None  # noqa: S101 - only events with a time are cut
    return after.at - before.at > (assumed if said is None else said)


def _stretch(target: str, run: Sequence[Item], parts: int) -> Stretch:
    counting = tuple(item for item in run if item.counts)
    marked = sum(item.event.possible_proxy is Stated.YES for item in run)
    clean = tuple(item for item in counting if item.event.possible_proxy is not Stated.YES)
    seldom = marked > 0 and outweighed(len(independent_of(clean)), marked)
    if seldom:
        counting = clean
    lead = min(run, key=lambda item: (_GRADES[item.graded.traceability.grade], not item.counts, order(item)))
    return Stretch(target, tuple(run), counting, independent_of(counting), parts, lead, seldom)


def independent_of(items: Sequence[Item]) -> tuple[Item, ...]:
    """The first event, and each later one on another day that is at least twelve hours after the last taken."""
    taken: list[Item] = []
    for item in items:
        if not taken or independent(taken[-1], item):
            taken.append(item)
    return tuple(taken)


def independent(before: Item, after: Item) -> bool:
    """Whether two events are at independent times."""
    if before.at is None or after.at is None:
        return False
    return apart(before.at, after.at)


def apart(before: datetime, after: datetime) -> bool:
    """Whether two times (UTC) are independent: on different days and at least twelve hours apart."""
    return abs(after - before) >= APART_FROM and after.date() != before.date()
