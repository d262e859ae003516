# SPDX-License-Identifier: Apache-2.0
"""Reads of received reports for people: the inbox, what has arrived since, and one tip.

Every list takes the viewer first. Lists go by key, not by offset, and counts stop at a cap, so that a page
costs the same at a million tips as at a hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import NotAllowed, NotFound
from nightlight.pipeline.tips.models import State, Summary, Tip
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

PAGE = 50
CAP = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([0-9]{1,17})-([0-9A-Z]{8})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the inbox: after which tip, by its time. Says nothing that the page itself does not say."""

    at: datetime
    public_id: str

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor from an address; raises ValueError for anything `str` would not have written."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise ValueError("This is no place in the list.")
        return cls(_EPOCH + timedelta(microseconds=int(found[1])), f"NL-{found[2][:4]}-{found[2][4:]}")

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.public_id[3:].replace('-', '')}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tips a list holds; `since` is inclusive, `until` exclusive. Production unless asked otherwise."""

    environment: str = Environment.PRODUCTION
    state: str = State.RECEIVED
    reporter: str = ""  # public id
    incident_type: str = ""
    unit: str = ""  # public id of the unit that holds the tip
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One tip in a list. `sentence` is None as long as the tip is still being read."""

    public_id: str
    source: str
    environment: str
    state: str
    state_at: datetime
    incident_type: str
    escalated: bool
    batched: bool
    reporter: str
    sentence: str | None
    people: int | None
    files: int | None
    network_events: int | None
    repeats: str | None
    unit: str  # the name of the unit that holds it

    @property
    def type_label(self) -> str:
        """The incident type in the field's present terms."""
        return type_label(self.incident_type)

    @property
    def told(self) -> str | None:
        """The sentence without the incident type it begins with, for where that stands above it."""
        return self.sentence and shortened(self.sentence, self.type_label)

    @property
    def cursor(self) -> Cursor:
        """This tip's place in the list."""
        return Cursor(self.state_at, self.public_id)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the inbox, newest first, and where the neighbouring pages begin."""

    rows: tuple[Row, ...]
    newer: Cursor | None
    older: Cursor | None


@dataclass(frozen=True, slots=True)
class Counted:
    """A number that stops at a cap; `more` when there are more than `number`."""

    number: int
    more: bool = False


_COLUMNS = (
    "public_id",
    "source",
    "environment",
    "state",
    "state_at",
    "incident_type",
    "escalated",
    "batched",
    "reporter__name",
    "summary__sentence",
    "summary__people",
    "summary__files",
    "summary__network_events",
    "repeats__earlier__public_id",
    "unit__name",
)


def type_label(code: str) -> str:
    """The incident type in the field's present terms; an unknown code stays as it is."""
    try:
        return IncidentType(code).label
    except ValueError:
        return code


def shortened(sentence: str, label: str) -> str:
    """A summary's sentence without the incident type it begins with."""
    rest = sentence.removeprefix(label).lstrip(" :")
    return f"{rest[:1].upper()}{rest[1:]}" if rest else sentence


def inbox(viewer: Viewer, wanted: Filter, *, after: Cursor | None = None, before: Cursor | None = None) -> Page:
    """Return one page of tips, newest first: the first, the one after (older), or the one before (newer)."""
    tips, time = _matching(viewer, wanted), _time(wanted)
    if before is not None:
        oldest_first = tips.filter(_newer_than(before, time)).order_by(time, "id")
        rows = _rows(oldest_first[: PAGE + 1])
        shown = tuple(reversed(rows[:PAGE]))
        return Page(
            shown,
            newer=shown[0].cursor if len(rows) > PAGE else None,
            older=shown[-1].cursor if shown else None,
        )
    if after is not None:
        tips = tips.filter(_older_than(after, time))
    rows = _rows(tips.order_by(f"-{time}", "-id")[: PAGE + 1])
    shown = tuple(rows[:PAGE])
    return Page(
        shown,
        newer=shown[0].cursor if after is not None and shown else None,
        older=shown[-1].cursor if len(rows) > PAGE else None,
    )


def arrived(viewer: Viewer, wanted: Filter, since: Cursor, *, at_most: int = PAGE) -> tuple[Counted, list[Row]]:
    """Return how many tips came after `since`, counted up to 100, and the newest of them."""
    time = _time(wanted)
    newer = _matching(viewer, wanted).filter(_newer_than(since, time))
    rows = _rows(newer.order_by(f"-{time}", "-id")[: max(at_most, 100) + 1])
    return Counted(min(len(rows), 100), len(rows) > 100), rows[:at_most]


def now_read(viewer: Viewer, ids: Iterable[str]) -> list[Row]:
    """Return those of these tips whose summary has been made."""
    must_read_tips(viewer)
    return _rows(Tip.objects.filter(public_id__in=list(ids), summary__isnull=False))


def counted(viewer: Viewer, wanted: Filter, *, cap: int = CAP) -> Counted:
    """Return how many tips match, counted up to the cap."""
    number = _matching(viewer, wanted).order_by()[: cap + 1].count()
    return Counted(min(number, cap), number > cap)


def _by_state(held: str) -> str:
    return " UNION ALL ".join(
        f"SELECT '{state}', count(*) FROM ("  # noqa: S608 - the names of our own states
        f"SELECT 1 FROM tips_tip WHERE environment = %(env)s AND state = '{state}'{held} LIMIT %(stop)s) AS found"
        for state in State.values
    )


_BY_STATE = _by_state("")
_BY_STATE_IN_REACH = _by_state(" AND unit_id = ANY (%(units)s)")


def counted_by_state(viewer: Viewer, environment: str, *, cap: int = 999) -> Mapping[str, Counted]:
    """Return how many tips are in each state, each counted up to the cap; one query."""
    must_read_tips(viewer)
    with connection.cursor() as cursor:
        told: dict[str, Any] = {"env": environment, "stop": cap + 1, "units": list(viewer.reach or ())}
        cursor.execute(_BY_STATE if viewer.reach is None else _BY_STATE_IN_REACH, told)
        return {state: Counted(min(number, cap), number > cap) for state, number in cursor.fetchall()}


def tip(viewer: Viewer, public_id: str) -> Tip:
    """Return one tip with its reporter, and the earlier tip it repeats if any. Raises NotFound."""
    must_read_tips(viewer)
    found = (
        Tip.objects.select_related("reporter", "unit", "summary", "repeats__earlier")
        .filter(public_id=public_id)
        .first()
    )
    if found is None:
        raise NotFound(
            f"There is no tip {public_id} that you may see. Check the identifier; it looks like NL-7F3K-9QTX."
        )
    return found


def repeated_by(viewer: Viewer, earlier: Tip, *, at_most: int = 20) -> list[str]:
    """Return the public ids of tips that repeat this one, oldest first."""
    must_read_tips(viewer)
    repeats = earlier.repeated_by.order_by("tip_id").values_list("tip__public_id", flat=True)
    return list(repeats[:at_most])


def find(viewer: Viewer, text: str) -> list[str]:
    """Return the public ids of the tips that these words name: by our identifier, or by a report number."""
    must_read_tips(viewer)
    try:
        wanted = public_ids.normalise(text)
    except ValueError:
        wanted = ""
    number = "".join(text.split())
    named = Q(public_id=wanted)
    if number.isascii() and number.isdigit() and len(number) < 16:
        named |= Q(report_id=int(number))
    ids = list(Tip.objects.filter(named).values_list("public_id", flat=True))
    if not ids and 0 < len(number) <= 40:
        said = Summary.objects.filter(external_number=number).order_by("tip_id")
        ids = list(said.values_list("tip__public_id", flat=True)[:20])
    return ids


def must_read_tips(viewer: Viewer) -> None:
    if not viewer.reads_tips:
        raise NotAllowed("Your role does not read tips.")


def _matching(viewer: Viewer, wanted: Filter) -> QuerySet[Tip]:
    """The tips of a list. The conditions are those of the indexes of `Tip`, in their order."""
    must_read_tips(viewer)
    tips = Tip.objects.filter(environment=wanted.environment, state=wanted.state)
    # The database shows nothing beyond the viewer's reach anyway; said here as well, it can take the unit's index.
    if viewer.reach is not None:
        tips = tips.filter(unit__in=viewer.reach)
    if wanted.reporter:
        tips = tips.filter(reporter__public_id=wanted.reporter)
    if wanted.unit:
        tips = tips.filter(unit__public_id=wanted.unit)
    if wanted.incident_type:
        tips = tips.filter(incident_type=wanted.incident_type)
    time = _time(wanted)
    if wanted.since:
        tips = tips.filter(**{f"{time}__gte": wanted.since})
    if wanted.until:
        tips = tips.filter(**{f"{time}__lt": wanted.until})
    return tips


def _time(wanted: Filter) -> str:
    """The time a list goes by. For an open report both are the same, and only the first has an index."""
    return "opened_at" if wanted.state == State.OPEN else "state_at"


def _older_than(place: Cursor, time: str) -> Q:
    # The first condition bounds the walk along the index, the second puts the place within one moment.
    return Q(**{f"{time}__lte": place.at}) & (Q(**{f"{time}__lt": place.at}) | Q(id__lt=_key(place)))


def _newer_than(place: Cursor, time: str) -> Q:
    return Q(**{f"{time}__gte": place.at}) & (Q(**{f"{time}__gt": place.at}) | Q(id__gt=_key(place)))


def _key(place: Cursor) -> int:
    """The tip's database key, which does not leave the process; tips are never removed."""
    return Tip.objects.filter(public_id=place.public_id).values_list("pk", flat=True).first() or 0


def _rows(tips: QuerySet[Tip]) -> list[Row]:
    found: Sequence[tuple[object, ...]] = tips.values_list(*_COLUMNS)  # type: ignore[assignment]
    return [Row(*row) for row in found]  # type: ignore[arg-type]
