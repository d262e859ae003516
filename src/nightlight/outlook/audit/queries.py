# SPDX-License-Identifier: Apache-2.0
"""Reads of the custody log for auditors. Row security shows each of them what lies in their reach, and no more."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg.errors
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import NotAllowed, NotFound
from nightlight.outlook.audit import kinds, period
from nightlight.outlook.audit.kinds import Group
from nightlight.trust.accounts.models import User
from nightlight.trust.custody import merkle
from nightlight.trust.custody import queries as custody
from nightlight.trust.custody.models import Event, Leaf, Pending
from nightlight.trust.evidence.models import Item
from nightlight.trust.units.models import Below, Glass, Post, Unit
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from django.db.models import QuerySet

    from nightlight.outlook.audit.period import Period
    from nightlight.trust.custody.queries import EventRow
    from nightlight.trust.units.viewer import Viewer

PAGE = 50
# Row by row the database asks whether an auditor of a part may see the record; some seconds of that are enough.
PATIENCE_MS = 3000
_SUBJECT = {"NL": "tip", "EV": "item", "IM": "import", "OF": "officer", "UN": "unit", "RP": "reporter"}


class TooMuch(Exception):
    """The question covers more than the log can answer in a few seconds: ask for fewer days."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Run statements that are cut off after some seconds each; raises TooMuch for one that is."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            yield
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TooMuch from error
        raise


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a list holds. `person` is "OF-…", `unit` a database key, `record` "NL-…", "EV-…", …"""

    period: Period
    person: str = ""
    unit: int | None = None
    record: str = ""
    group: str = ""  # of Group; "" all that people did; "all" everything


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and where the next older page begins."""

    rows: tuple[EventRow, ...]
    older: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How often somebody, or the people of a unit, looked, searched and exported."""

    name: str
    person: str  # "OF-…", or empty for a unit
    looked: int
    searched: int
    exported: int


def ref_of(row: EventRow) -> str:
    """What leads to an entry: its place in the tree, and before it has one its leaf hash."""
    if row.position is not None:
        return str(row.position)
    return leaf_of(row).hex()


def leaf_of(row: EventRow) -> bytes:
    """The leaf hash of an entry's body."""
    return merkle.leaf_hash(row.body.encode())


def listed(viewer: Viewer, wanted: Filter, *, before: str = "") -> Page:
    """Return one page of entries, newest first; `before` is the reference of the last one of the page before.

    Raises TooMuch.
    """
    with bounded():
        events = _matching(viewer, wanted)
        if before:
            events = events.filter(id__lt=_event_id(before))
        rows = custody.rows(events.order_by("-id")[: PAGE + 1])
    return Page(tuple(rows[:PAGE]), ref_of(rows[PAGE - 1]) if len(rows) > PAGE else "")


def tallies(viewer: Viewer, wanted: Filter) -> tuple[list[Tally], list[Tally]]:
    """Return who looked, searched and exported how often, by person and by unit, the most first.

    A person with posts in two units counts in both. Raises TooMuch.
    """
    which = [*kinds.looks(), *kinds.of_group(Group.SEARCHED), *kinds.of_group(Group.EXPORTED)]
    people: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    with bounded():
        events = _matching(viewer, wanted).filter(kind__in=which, actor__startswith="officer:").order_by()
        for actor, kind, number in events.values_list("actor", "kind").annotate(number=Count("*")):
            people[actor.partition(":")[2]][kinds.group_of(kind)] += number
    names = {user.public_id: str(user) for user in User.objects.filter(public_id__in=people)}
    by_person = [_tally(names.get(person, person), person, counts) for person, counts in people.items()]
    units: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for person, unit in _posts(wanted.period, people):
        for group, number in people[person].items():
            units[unit][group] += number
    by_unit = [_tally(unit, "", counts) for unit, counts in units.items()]
    return sorted(by_person, key=_most_first), sorted(by_unit, key=_most_first)


def entry(viewer: Viewer, ref: str) -> EventRow:
    """Return the entry at a place of the tree, or with a leaf hash. Raises NotFound, and TooMuch for an old hash."""
    _must_audit(viewer)
    with bounded():
        rows = custody.rows(Event.objects.filter(pk=_event_id(ref)))
    if not rows:
        raise NotFound("There is no such entry that you may see. Check its number, or open it from a list.")
    return rows[0]


def person(viewer: Viewer, public_id: str) -> User:
    """Return a person of the installation. Raises NotFound."""
    _must_audit(viewer)
    found = User.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(f"There is nobody with the identifier {public_id}. It looks like OF-7F3K-9QTX.")
    return found


@dataclass(frozen=True, slots=True)
class DayOf:
    """What a person did on one day, by group."""

    day: date
    counts: Mapping[str, int]


def by_day(viewer: Viewer, wanted: Filter, zone: ZoneInfo) -> list[DayOf]:
    """Return a person's acts by day and group, newest day first. Raises TooMuch."""
    days: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    with bounded():
        events = _matching(viewer, wanted).filter(actor=f"officer:{wanted.person}").order_by()
        counted = events.annotate(day=TruncDate("at", tzinfo=zone)).values_list("day", "kind")
        for day, kind, number in counted.annotate(number=Count("*")):
            days[day][kinds.group_of(kind)] += number
    return [DayOf(day, days[day]) for day in sorted(days, reverse=True)]


def acts_of(viewer: Viewer, wanted: Filter, groups: Sequence[Group], *, at_most: int = PAGE) -> list[EventRow]:
    """Return what a person did, or what was done to their sign-in, of some groups; newest first. Raises TooMuch."""
    which = [kind for group in groups for kind in kinds.of_group(group)]
    with bounded():
        return custody.rows(_matching(viewer, wanted).filter(kind__in=which).order_by("-id")[:at_most])


def of_record(viewer: Viewer, record: str, *, at_most: int = 1000) -> list[EventRow]:
    """Return the newest entries about a record and its files, newest first. Raises NotFound and TooMuch."""
    _must_audit(viewer)
    with bounded():
        rows = custody.rows(Event.objects.filter(subject__in=subjects(record)).order_by("-id")[:at_most])
    if not rows:
        raise NotFound(f"There are no entries about {record} that you may see. Check the identifier.")
    return rows


def searched_for(viewer: Viewer, record: str, wanted: Period, digest: str, *, at_most: int = PAGE) -> list[EventRow]:
    """Return searches for this very identifier in the period, newest first. Raises TooMuch."""
    _must_audit(viewer)
    with bounded():
        events = _between(wanted).filter(kind="search.made", body__contains=f'"id_digest":"{digest}"')
        return custody.rows(events.order_by("-id")[:at_most])


def shown_through_others(viewer: Viewer, tip: str, wanted: Period, *, at_most: int = PAGE) -> list[EventRow]:
    """Return looks at other tips, and lists taken away, that held data of this one too. Raises TooMuch."""
    _must_audit(viewer)
    with bounded():
        events = _between(wanted).filter(kind__in=kinds.NAMES_OTHERS, body__contains=f'"{tip}"')
        return custody.rows(events.exclude(subject=f"tip:{tip}").order_by("-id")[:at_most])


def subjects(record: str) -> list[str]:
    """Return how the log names a record, and with a tip its files. Raises NotFound for what is no identifier."""
    kind = _SUBJECT.get(record.partition("-")[0])
    if kind is None:
        raise NotFound(f"{record[:40]} is no identifier of a record; one looks like NL-7F3K-9QTX.")
    found = [f"{kind}:{record}"]
    if kind == "tip":
        items = Item.objects.filter(tip_file__tip__public_id=record).values_list("public_id", flat=True)
        found += [f"item:{item}" for item in items]
    return found


def meant(text: str) -> str:
    """Return the identifier that was typed, or an empty text for none. Raises NotFound with a sentence for a slip."""
    if not text.strip():
        return ""
    try:
        return public_ids.normalise(text)
    except ValueError as slip:
        raise NotFound(f"{str(slip)[:1].upper()}{str(slip)[1:]}.") from None


def broken_glass(viewer: Viewer, *, since: datetime, until: datetime, person: str = "") -> QuerySet[Glass]:
    """Return the glass broken in that time, by one person if named, newest first; row security sets the reach."""
    _must_audit(viewer)
    found = Glass.objects.filter(broken_at__gte=since, broken_at__lt=until).select_related("user", "unit")
    if person:
        found = found.filter(user__public_id=person)
    return found.order_by("-broken_at")


def _must_audit(viewer: Viewer) -> None:
    if not viewer.audits:
        raise NotAllowed("The audit pages are for auditors.")


def between(viewer: Viewer, wanted: Period) -> QuerySet[Event]:
    """Return the entries of a period, for reading inside `bounded`."""
    _must_audit(viewer)
    return _between(wanted)


def since(viewer: Viewer, wanted: Period) -> QuerySet[Event]:
    """Return the entries from the beginning of a period until now, for reading inside `bounded`."""
    _must_audit(viewer)
    return Event.objects.filter(at__gte=wanted.since, id__gt=period.entries(wanted).after)


def _between(wanted: Period) -> QuerySet[Event]:
    numbers = period.entries(wanted)
    events = Event.objects.filter(at__gte=wanted.since, at__lt=wanted.until, id__gt=numbers.after)
    return events if numbers.up_to is None else events.filter(id__lte=numbers.up_to)


def _matching(viewer: Viewer, wanted: Filter) -> QuerySet[Event]:
    """The entries of a list; each condition that an index serves is said so that the index can be taken."""
    _must_audit(viewer)
    events = _between(wanted.period)
    if wanted.record:
        events = events.filter(subject__in=subjects(wanted.record))
    if wanted.person:
        name = f"officer:{wanted.person}"
        events = events.filter(Q(actor=name) | Q(subject=name))
    if wanted.unit is not None:
        events = events.filter(actor__in=_actors(wanted.unit, wanted.period))
    if not wanted.group:
        events = events.filter(kind__in=kinds.of_people())
    elif wanted.group != "all":
        events = events.filter(kind__in=kinds.of_group(wanted.group))
    return events


def _actors(unit: int, during: Period) -> list[str]:
    """The people who held a post in a unit or below it in the period, as the log names them."""
    below = Below.objects.filter(ancestor_id=unit).values("unit_id")
    posts = _held(during).filter(unit_id__in=below).values_list("user__public_id", flat=True).distinct()
    return [f"officer:{person}" for person in posts]


def _held(during: Period) -> QuerySet[Post]:
    ended = Q(ends_at__isnull=True) | Q(ends_at__gt=during.since)
    return Post.objects.filter(ended, starts_at__lt=during.until)


def _posts(during: Period, people: Mapping[str, object]) -> set[tuple[str, str]]:
    """(person, name of the unit) of posts held in the period."""
    posts = _held(during).filter(user__public_id__in=people)
    return set(posts.values_list("user__public_id", "unit__name"))


def _tally(name: str, who: str, counts: Mapping[str, int]) -> Tally:
    return Tally(name, who, counts.get(Group.LOOKED, 0), counts.get(Group.SEARCHED, 0), counts.get(Group.EXPORTED, 0))


def _most_first(tally: Tally) -> tuple[int, str]:
    return -(tally.looked + tally.searched + tally.exported), tally.name


def _event_id(ref: str) -> int:
    """The key of the entry at a place of the tree or with a leaf hash. Raises NotFound."""
    found: int | None = None
    if ref.isascii() and ref.isdigit() and len(ref) < 16:
        found = Leaf.objects.filter(position=int(ref)).values_list("event_id", flat=True).first()
    elif len(ref) == 64 and not set(ref) - set("0123456789abcdef"):
        leaf = bytes.fromhex(ref)
        # What waits for its place first: it is what hashes are used for. Placed leaves have no index on the hash.
        found = Pending.objects.filter(event__leaf_hash=leaf).values_list("event_id", flat=True).first()
        if found is None:
            found = Leaf.objects.filter(hash=leaf).values_list("event_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such entry that you may see. Check its number, or open it from a list.")
    return found


def units(viewer: Viewer) -> list[Unit]:
    """Return the units in the viewer's reach, by name."""
    return reached_units(viewer)
