# SPDX-License-Identifier: Apache-2.0
"""How far an event leads, before any letter: its grade, what to do next, what to ask first, how long there is left.

A to F, X and U, by the kind of address, its port, and how exactly its time is known. The order of work comes from the
grade, the time left, what the event is worth and how many others support it; each of these is shown, never one number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import EventKind, Grade, Label, Transition, Way, Why
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from nightlight.casework.attribution.kinds import Event, Labelled

RED = timedelta(days=30)
MANY = 10  # people that an answer without a port would name, from which on it is said
_EXACT = frozenset({"second", "millisecond", "microsecond", "nanosecond"})
_PROVIDERS = frozenset(label for label in Label if label.anonymises and label is not Label.TOR_EXIT)
_ORGANISATIONS = frozenset({Label.EDUCATION, Label.BUSINESS, Label.SHARED_WIFI})
_EARLIEST_DAY = timedelta(hours=14)  # a day begins that much before UTC's in the zone furthest east


class Warn(StrEnum):
    """What stands beside a grade, always."""

    NO_PORT = "no-port"
    PORT_OTHER_TIME = "port-of-another-time"
    NO_TIME = "no-time"
    NO_ZONE = "no-zone"
    DAY_ONLY = "day-only"
    MINUTE_ONLY = "minute-only"
    FUTURE = "in-future"
    SKEW_UNKNOWN = "skew-unknown"
    RETENTION_UNKNOWN = "retention-unknown"
    RETENTION_RED = "retention-red"
    RETENTION_OVER = "retention-over"
    NO_SNAPSHOT = "no-snapshot"
    NO_LIST = "no-list"
    LISTED_LATER = "listed-later"
    LISTS_DISAGREE = "lists-disagree"
    COUNTRIES_DISAGREE = "countries-disagree"
    STICKINESS_UNKNOWN = "stickiness-unknown"
    MANY_CANDIDATES = "many-candidates"
    REPORTER_SAYS_PROXY = "reporter-says-proxy"
    SHARING_UNKNOWN = "sharing-unknown"
    ADDRESS_UNREADABLE = "address-unreadable"
    TUNNEL = "tunnel"


class AskFor(StrEnum):
    """What a provider is asked for first."""

    ADDRESS = "address"
    PORT = "source-port"
    TIME = "time"
    SECONDS = "seconds"
    ZONE = "zone"
    DESTINATION = "destination-address"
    CUSTOMER = "customer"  # of a VPN, a hosting firm, a relay: its own records


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an operator keeps the records that would answer, counted from the event.

    `keep` None: not known, and then it stays unknown. `source` is the rule or the observation with its date. `minimum`
    says that it is a duty to keep at least so long: what is older may still be there. `said_shorter` is what the
    operator says where that is less than the law: nobody may rely on it, and everybody hurries by it.
    """

    keep: timedelta | None
    source: str = ""
    minimum: bool = False
    said_shorter: timedelta | None = None

    def hurry(self, event_at: datetime, now: datetime) -> timedelta | None:
        """What is left by the shortest of what is said: for the order of work, never to give an event up."""
        known = [one for one in (self.keep, self.said_shorter) if one is not None]
        return event_at + min(known) - now if known else None

    def left(self, event_at: datetime, now: datetime) -> timedelta | None:
        """What is left of it; zero or less: over. None: unknown. Raises TypeError for a time without a zone."""
        return None if self.keep is None else event_at + self.keep - now


@dataclass(frozen=True, slots=True)
class Traceability:
    """How far an event leads. `hours_left`: of the operator's retention, 0 when over, None when not known."""

    grade: Grade
    way: Way
    hours_left: float | None
    warnings: tuple[Warn, ...]
    ask_for: tuple[AskFor, ...]

    @property
    def preserve_first(self) -> bool:
        """Whether a letter that has the records kept goes out before anything else."""
        return Warn.RETENTION_RED in self.warnings


def grade(
    event: Event,
    labelled: Labelled,
    retention: Retention | None,
    *,
    now: datetime,
    shares: bool | None = None,
    clock_stated: bool = False,
    stickiness: float | None = None,
    candidates: float | None = None,
    countries: Collection[str] = (),
) -> Traceability:
    """How far `event` leads, with its label as of its time.

    `shares`: whether the operator is known to share addresses (None: not known); `clock_stated`: whether the error of
    the reporter's clock is stated; `stickiness`: the operator's, 0 to 1 as observed; `candidates`: how many people one
    address of this operator stands for; `countries`: what each country table says. `now` aware.
    """
    label, port = labelled.label, _port(event, labelled)
    missing = _missing_time(event, now)
    shared = label.shared or (shares is True and not _organisation_or_provider(label) and _is_ipv4(event, labelled))
    warnings = [*_time_warnings(event, now), *_list_warnings(event, labelled, countries)]
    ask = list(missing)
    if event.address is None:
        warnings.append(Warn.ADDRESS_UNREADABLE)
        ask.insert(0, AskFor.ADDRESS)
    elif shared:
        warnings.extend(_port_warnings(event, port, stickiness, candidates))
        if port is None:
            ask.insert(0, AskFor.PORT)
        if ask:
            ask.append(AskFor.DESTINATION)
    elif label in {Label.UNKNOWN, Label.FIXED} and port is None and shares is None and _is_ipv4(event, labelled):
        warnings.append(Warn.SHARING_UNKNOWN)
    if not clock_stated:
        warnings.append(Warn.SKEW_UNKNOWN)
    made = _grade(event, label, shared=shared, missing=bool(ask))
    if made in {Grade.F, Grade.X}:
        ask = []
    hours = _hours_left(event, retention, now)
    if made not in {Grade.F, Grade.X}:
        warnings.extend(_retention_warnings(hours, retention is not None and retention.said_shorter is not None))
    if made is Grade.E and hours:
        ask.append(AskFor.CUSTOMER)
    way = _way(made, ask=bool(ask), hours=hours, minimum=retention is not None and retention.minimum)
    return Traceability(made, way, hours, tuple(warnings), tuple(dict.fromkeys(ask)))


def _port(event: Event, labelled: Labelled) -> int | None:
    """The port that finds the subscriber: Teredo's is inside the address (RFC 4380); another time's port is none."""
    if labelled.transition is Transition.TEREDO:
        return labelled.inner_port
    return None if event.port is None or _port_of_other_time(event) else event.port


def _port_of_other_time(event: Event) -> bool:
    if event.port is None or event.port_at is None:
        return False
    return event.utc is None or abs(event.port_at - event.utc) >= timedelta(seconds=1)


def _is_ipv4(event: Event, labelled: Labelled) -> bool:
    return event.version == 4 or bool(labelled.inner)


def _organisation_or_provider(label: Label) -> bool:
    return label in _ORGANISATIONS or label.anonymises or label is Label.RESERVED


def _missing_time(event: Event, now: datetime) -> tuple[AskFor, ...]:
    moment = event.moment
    if moment is None or moment.wall_clock is None:
        return (AskFor.TIME, AskFor.ZONE)
    if moment.utc is not None and moment.utc > now:
        return (AskFor.TIME,)
    asked: list[AskFor] = []
    if moment.precision == "day":
        asked.append(AskFor.TIME)
    elif moment.precision not in _EXACT:
        asked.append(AskFor.SECONDS)
    if moment.zone != "stated":
        asked.append(AskFor.ZONE)
    return tuple(asked)


def _time_warnings(event: Event, now: datetime) -> Iterable[Warn]:
    moment = event.moment
    if moment is None or moment.wall_clock is None:
        yield Warn.NO_TIME
        return
    if moment.zone != "stated":
        yield Warn.NO_ZONE
    if moment.precision == "day":
        yield Warn.DAY_ONLY
    elif moment.precision not in _EXACT:
        yield Warn.MINUTE_ONLY
    if moment.utc is not None and moment.utc > now:
        yield Warn.FUTURE


def _list_warnings(event: Event, labelled: Labelled, countries: Collection[str]) -> Iterable[Warn]:
    whys = {reason.why for reason in labelled.reasons}
    for why, warn in (
        (Why.NOT_COVERED, Warn.NO_SNAPSHOT),
        (Why.NO_LIST, Warn.NO_LIST),
        (Why.LISTED_LATER, Warn.LISTED_LATER),
    ):
        if why in whys:
            yield warn
    if labelled.disagreement:
        yield Warn.LISTS_DISAGREE
    if len(set(countries)) > 1:
        yield Warn.COUNTRIES_DISAGREE
    if event.possible_proxy is Stated.YES:
        yield Warn.REPORTER_SAYS_PROXY
    if labelled.transition is not Transition.NONE:
        yield Warn.TUNNEL


def _port_warnings(
    event: Event, port: int | None, stickiness: float | None, candidates: float | None
) -> Iterable[Warn]:
    if _port_of_other_time(event):
        yield Warn.PORT_OTHER_TIME
    if port is not None:
        return
    yield Warn.NO_PORT
    if stickiness is None:
        yield Warn.STICKINESS_UNKNOWN
    if candidates is None or candidates >= MANY:
        yield Warn.MANY_CANDIDATES


def _retention_warnings(hours: float | None, said_shorter: bool) -> Iterable[Warn]:
    if hours is None:
        yield Warn.RETENTION_UNKNOWN
    elif hours <= 0:
        yield Warn.RETENTION_OVER
    elif hours < RED.total_seconds() / 3600 or said_shorter:
        yield Warn.RETENTION_RED


def ends(event: Event, retention: Retention | None) -> tuple[datetime, ...]:
    """When the records end: by the operator's own shorter word, then by what holds anyway; empty where not known.

    By the earliest instant the event can have been: what is not known shortens the time, never lengthens it.
    """
    if retention is None or retention.keep is None or event.moment is None:
        return ()
    at = event.utc
    try:
        if at is None:
            if event.moment.wall_clock is None:
                return ()
            at = datetime.fromisoformat(event.moment.wall_clock).replace(tzinfo=UTC) - _EARLIEST_DAY
        last = at + retention.keep
        shorter = retention.said_shorter
        return (last,) if shorter is None or shorter >= retention.keep else (at + shorter, last)
    except OverflowError:  # past the end of the calendar, which a mistaken year reaches
        return ()


def _hours_left(event: Event, retention: Retention | None, now: datetime) -> float | None:
    """By the operator's own shorter word while that runs; once it is over, the law's longer time still does."""
    known = ends(event, retention)
    if not known:
        return None
    coming = next((end for end in known if end > now), known[-1])
    return max(0.0, (coming - now).total_seconds() / 3600)


def _grade(event: Event, label: Label, *, shared: bool, missing: bool) -> Grade:
    fixed = {Label.RESERVED: Grade.X, Label.TOR_EXIT: Grade.F, Label.UNKNOWN: Grade.U}
    if event.address is None:
        return Grade.U
    if label in fixed:
        return fixed[label]
    if label in _PROVIDERS:
        return Grade.E
    if label in _ORGANISATIONS:
        return Grade.D
    if missing:
        return Grade.C
    return Grade.B if shared else Grade.A


def _way(made: Grade, *, ask: bool, hours: float | None, minimum: bool) -> Way:
    if made in {Grade.F, Grade.X}:
        return Way.UNTRACEABLE
    if hours == 0.0:  # what is older than a duty to keep may still be there; what is older than a habit is not
        return Way.CORROBORATE if minimum else Way.UNTRACEABLE
    if made is Grade.E:
        return Way.CORROBORATE
    if ask:
        return Way.ASK_FIRST
    return Way.CORROBORATE if made is Grade.U else Way.TRACE


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the order of work, with each part that put it there."""

    event: Event
    traceability: Traceability
    value: int
    only_clean: bool
    corroboration: int

    @property
    def key(self) -> tuple[int, int, int, int, str]:
        """Smaller comes first: grade, time left, value, corroboration; then the event's own key, for a stable order."""
        found = self.traceability
        return (_GRADES[found.grade], _steps_left(found.hours_left), -self.value, -self.corroboration, self.event.key)


_GRADES = {made: place for place, made in enumerate("ABCDEUFX")}
_VALUES = {
    EventKind.UPLOAD: 3,
    EventKind.LOGIN: 2,
    EventKind.PURCHASE: 2,
    EventKind.REGISTRATION: 1,
}
_UNKNOWN_LEFT = 30


def _steps_left(hours: float | None) -> int:
    """Whole days under thirty, then steps of thirty days; unknown between the two, over at the very end."""
    if hours is None:
        return _UNKNOWN_LEFT
    if hours <= 0:
        return 1_000_000
    days = int(hours // 24)
    return days if days < _UNKNOWN_LEFT else _UNKNOWN_LEFT + days // 30


def in_order(
    graded: Iterable[tuple[Event, Traceability]], corroboration: Mapping[str, int] | None = None
) -> list[Place]:
    """The events in the order of work. `corroboration`: by event key, how many independent events support it.

    An upload, or what belongs to the incident itself, counts more than a login, that more than a registration; but the
    only event of an account that leads to a subscriber counts as much as an upload, and is marked.
    """
    rows = list(graded)
    clean = Counter(event.account for event, found in rows if event.account and found.grade in _LEADS)
    places = []
    for event, found in rows:
        only = bool(event.account) and found.grade in _LEADS and clean[event.account] == 1
        value = 3 if event.offence or only else _VALUES.get(event.kind, 0)
        places.append(Place(event, found, value, only, (corroboration or {}).get(event.key, 0)))
    return sorted(places, key=lambda place: place.key)


_LEADS = frozenset({Grade.A, Grade.B, Grade.C})
