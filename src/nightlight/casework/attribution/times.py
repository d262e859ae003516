# SPDX-License-Identifier: Apache-2.0
"""When it was, derived for court: source string, stated rule, UTC, local; refused with an explanation, never guessed.

A time comes in as the text that the evidence holds, with the order of its date and its zone *declared* by whoever knows
the layout. What comes out is aware, keeps the precision that was written, and prints each step. A local time that
happened twice or never (a change of summer time) is refused with the instants that it could mean. Zones are those of
the IANA database (RFC 6557), from the system or the `tzdata` package.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.time_texts import DateOrder, TimeFault, Unread, Written, read_text
from nightlight.casework.attribution.time_zones import (
    Pair,
    Zone,
    called,
    declared_zone,
    first_instant,
    minutes_east,
    offset_words,
    pair,
    shown,
    written_zone,
    zone_info,
)

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = [
    "ClockError",
    "DateOrder",
    "Derivation",
    "Pair",
    "Role",
    "TimeFault",
    "TimeRefused",
    "Times",
    "Window",
    "Zone",
    "derive",
    "derive_parts",
    "offset_words",
    "pair",
    "self_check",
    "shown",
    "zone_info",
]

EARLIEST_YEAR = 1995  # before, no provider kept an address with a time
LATEST_YEAR = 2099
_UNITS = {
    "day": timedelta(days=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "millisecond": timedelta(milliseconds=1),
}
_TEXT, _FORM = "the text itself", "the form itself"
_SMALLEST = timedelta(microseconds=1)
# Years that clocks and software show when nobody set them.
_DEFAULTS = {
    1601: "where the clock of Windows begins",
    1899: "where the days of a spreadsheet begin",
    1900: "where the days of a spreadsheet and the time of NTP begin",
    1904: "where the days of an old spreadsheet begin",
    1970: "where the clock of most computers begins, so it is what a clock shows that was never set",
    1980: "where the clocks of GPS and of FAT disks begin",
    2038: "where the clock of 32 bits with a sign ends",
    2106: "where the clock of 32 bits ends, so it is what a wrong or missing number looks like",
}


@dataclass(frozen=True, slots=True)
class TimeRefused:
    """A text that gives no time for a request. `instants`: what it could mean, where that is known."""

    code: TimeFault
    explanation: str
    source: str = ""
    instants: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """From `earliest` on, up to but not including `latest`; both aware."""

    earliest: datetime
    latest: datetime

    @property
    def width(self) -> timedelta:
        return self.latest - self.earliest

    def widened(self, error: ClockError) -> Window:
        """The window in true time, where the clock that wrote it was off by a stated error."""
        return Window(
            self.earliest - error.ahead - error.plus_minus,
            self.latest - error.ahead + error.plus_minus,
        )

    def holds(self, other: Window) -> bool:
        return self.earliest <= other.earliest and other.latest <= self.latest


@dataclass(frozen=True, slots=True)
class ClockError:
    """What is stated of a clock: by how much it ran `ahead` of true time (negative: behind), and the doubt left."""

    plus_minus: timedelta = timedelta()
    ahead: timedelta = timedelta()
    stated_by: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a doubt below zero."""
        if self.plus_minus < timedelta():
            raise ValueError("a doubt cannot be less than nothing")


@dataclass(frozen=True, slots=True)
class Derivation:
    """A time and how it came about.

    `utc` and `local` are the same instant, None where only a day is known (`window` is the day). `zone_name` and
    `offset_minutes` (east of UTC) are of `local`; `source_offset_minutes` is what the source's own reading used, and
    `zone_written` says that the source itself writes its zone, so that nobody had to declare it.
    """

    source: str
    rule: str
    utc: datetime | None
    local: datetime | None
    zone_name: str
    offset_minutes: int
    source_offset_minutes: int
    zone_written: bool
    precision: str
    window: Window
    steps: tuple[str, ...]

    @property
    def dates_differ(self) -> bool:
        """Whether the day in UTC is another than the local one, which is where requests go wrong."""
        return self.utc is not None and self.local is not None and self.utc.date() != self.local.date()


class Role(StrEnum):
    """What a time is the time of. Only the first may stand in a request for a subscriber."""

    OFFENCE = "offence"  # when the address was used
    DETECTION = "detection"  # when a platform or a person noticed, scanned or reported it


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one incident, kept apart by what they are times of."""

    offence: Derivation | None = None
    detection: Derivation | None = None

    def for_request(self) -> Derivation | TimeRefused:
        """The time of use; never the time of notice in its place."""
        if self.offence is None:
            words = "Only the time at which it was noticed is known; who used the address then may be somebody else."
            known = "No time is known." if self.detection is None else words
            return TimeRefused(TimeFault.ONLY_DETECTION, known, self.detection.source if self.detection else "")
        if self.offence.utc is None:
            return TimeRefused(TimeFault.NOT_AN_INSTANT, "Only a day is known, no clock.", self.offence.source)
        if self.detection is not None and self.detection.window.latest <= self.offence.window.earliest:
            words = f"It was noticed ({self.detection.window.earliest:%Y-%m-%d %H:%M:%S}) before it happened."
            return TimeRefused(TimeFault.ORDER_OF_EVENTS, words, self.offence.source)
        return self.offence


def derive(
    as_sent: str,
    *,
    zone: Zone,
    order: DateOrder | None = None,
    shown_in: str = "",
    where: str = "",
    order_by: str = "",
    now: datetime | None = None,
    not_before: datetime | None = None,
) -> Derivation | TimeRefused:
    """The time that `as_sent` states, or why it states none.

    `order` is the order of figures that the layout declares (needed only where the text can be read both ways; a text
    that contradicts it is refused), `order_by` who says so. `shown_in` is the IANA zone of `local`, by default the
    declared one. `where` is the place in the evidence, for the printed steps. With `now` and `not_before` (an account's
    beginning) a time after the one or before the other is refused.
    """
    try:
        found = _derived(as_sent, read_text(as_sent, order, order_by), zone, shown_in, where)
        _plausible_place(as_sent, found.window, now, not_before)
    except Unread as fault:
        return TimeRefused(fault.code, fault.explanation, as_sent, fault.instants)
    except OverflowError:
        return TimeRefused(TimeFault.YEAR_IMPLAUSIBLE, f"{as_sent!r} lies outside the calendar.", as_sent)
    return found


def derive_parts(
    date_text: str,
    clock_text: str,
    *,
    zone: Zone,
    order: DateOrder | None = None,
    shown_in: str = "",
    where: str = "",
    order_by: str = "",
    now: datetime | None = None,
    not_before: datetime | None = None,
) -> Derivation | TimeRefused:
    """The time whose date and clock stand in two columns, as in the IPDR of 2013; see `derive`."""
    if not date_text.strip() or not clock_text.strip():
        missing = "date" if not date_text.strip() else "clock"
        return TimeRefused(TimeFault.EMPTY, f"The column of the {missing} is empty.", f"{date_text} {clock_text}")
    joined = f"{date_text.strip()} {clock_text.strip()}"
    return derive(
        joined,
        zone=zone,
        order=order,
        shown_in=shown_in,
        where=where,
        order_by=order_by,
        now=now,
        not_before=not_before,
    )


def _derived(as_sent: str, written: Written, zone: Zone, shown_in: str, where: str) -> Derivation:
    _plausible_year(as_sent, written)
    info, label, by = _zone_of(as_sent, written, zone)
    whole_day = written.precision == "day"
    wall = written.wall_clock
    start = written.epoch or (first_instant(wall, info) if whole_day else _instant(wall, info, label, written.zone))
    unit = _UNITS.get(written.precision, _SMALLEST)
    window = Window(start, first_instant(wall + unit, info) if whole_day else start + unit)
    declared = declared_zone(zone) if written.epoch else None
    local_zone, name = (zone_info(shown_in), shown_in) if shown_in else declared or (info, label)
    local = start.astimezone(local_zone)
    offset, source_offset = minutes_east(local), minutes_east(start.astimezone(info))
    source_zone = label if label.startswith("UTC") else f"{label} ({offset_words(source_offset)})"
    stated = f"Zone: {source_zone}{f', stated by {by}' if by else ''}."
    rule = " ".join((*written.how, stated))
    steps = [f"Source: {as_sent!r}{f' in {where}' if where else ''}.", *written.how, stated]
    if whole_day:
        bounds = f"from UTC {shown(window.earliest)} to UTC {shown(window.latest)}"
        steps.append(f"The day lasts {bounds}; no hour is made up for it.")
    else:
        steps.extend(pair(start, name, written.precision).steps)
    return Derivation(
        source=as_sent,
        rule=rule,
        utc=None if whole_day else start,
        local=None if whole_day else local,
        zone_name=name,
        offset_minutes=offset,
        source_offset_minutes=source_offset,
        zone_written=by in {_TEXT, _FORM},
        precision=written.precision,
        window=window,
        steps=tuple(steps),
    )


def _plausible_year(as_sent: str, written: Written) -> None:
    year = written.day.year
    if year in _DEFAULTS:
        raise Unread(TimeFault.YEAR_DEFAULT, f"{as_sent!r} is in the year {year}, {_DEFAULTS[year]}.")
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise Unread(
            TimeFault.YEAR_IMPLAUSIBLE,
            f"{as_sent!r} is in the year {year}; no record of an address is from before {EARLIEST_YEAR} or from after "
            f"{LATEST_YEAR}.",
        )


def _plausible_place(as_sent: str, window: Window, now: datetime | None, not_before: datetime | None) -> None:
    if now is not None and window.earliest > now:
        raise Unread(
            TimeFault.FUTURE,
            f"{as_sent!r} is UTC {shown(window.earliest)}, which has not come yet (now: UTC {shown(now)}).",
        )
    if not_before is not None and window.latest <= not_before:
        raise Unread(
            TimeFault.BEFORE_ACCOUNT,
            f"{as_sent!r} is UTC {shown(window.earliest)}, before the account existed (UTC {shown(not_before)}).",
        )


def _zone_of(as_sent: str, written: Written, zone: Zone) -> tuple[tzinfo, str, str]:
    """The zone to read by, its name, and who states it; the text's own zone where it writes one."""
    if written.epoch is not None:
        return UTC, "UTC", _FORM
    declared = declared_zone(zone)
    if zone.name and called(written, zone.name):
        return zone_info(zone.name), zone.name, f"{zone.stated_by or 'the declaration'} ({written.zone} in the text)"
    own = written_zone(written.zone)
    if own is None and declared is None:
        raise Unread(
            TimeFault.ZONE_MISSING,
            f"{as_sent!r} does not say its zone and nobody has stated one. UTC and IST are 5 h 30 min apart.",
        )
    if own is None or declared is None:
        chosen = own or declared
        assert chosen is not None  # noqa: S101 - for the type checker; one of the two is there
        return *chosen, (zone.stated_by if own is None else _TEXT)
    at = first_instant(written.wall_clock, own[0])
    if minutes_east(at.astimezone(declared[0])) != minutes_east(at.astimezone(own[0])):
        raise Unread(
            TimeFault.ZONE_CONTRADICTS,
            f"{as_sent!r} writes {own[1]}, but {zone.stated_by or 'the declaration'} says {declared[1]}.",
        )
    return *own, _TEXT


def _instant(wall: datetime, info: tzinfo, label: str, letters: str = "") -> datetime:
    """The one instant at which clocks in the zone showed `wall`; a day's midnight is looked up the same way.

    `letters`: what the text calls the zone then ("IST", "CEST"), which tells the two of a repeated hour apart.
    """
    found = sorted({at for fold in (0, 1) if (at := _back(wall, info, fold)) is not None})
    called_so = [at for at in found if letters and at.astimezone(info).tzname() == letters.upper()]
    if len(found) == 2 and len(called_so) == 1:
        return called_so[0]
    if len(found) == 1:
        return found[0]
    if found:
        both = " and ".join(f"UTC {shown(at)} ({offset_words(minutes_east(at.astimezone(info)))})" for at in found)
        raise Unread(
            TimeFault.LOCAL_AMBIGUOUS,
            f"Clocks in {label} were put back, so {shown(wall)} came twice: {both}. Which one is meant is not stated.",
            tuple(found),
        )
    around = tuple(sorted(wall.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1)))
    raise Unread(
        TimeFault.LOCAL_IMPOSSIBLE,
        f"Clocks in {label} were put forward over {shown(wall)}: no clock there showed it, so the zone or the time is "
        "wrong.",
        around,
    )


def _back(wall: datetime, info: tzinfo, fold: int) -> datetime | None:
    at = wall.replace(tzinfo=info, fold=fold).astimezone(UTC)
    return at if at.astimezone(info).replace(tzinfo=None) == wall else None


def self_check() -> list[str]:
    """Run the built-in vectors; returns one sentence for each that did not come out, an empty list when all did."""
    from nightlight.casework.attribution import time_vectors

    return time_vectors.failures()
