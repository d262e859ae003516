# SPDX-License-Identifier: Apache-2.0
"""Which zone a time is in, by whose word, and how one instant is shown in two zones with both dates.

Zones are those of the IANA database (RFC 6557). An abbreviation alone is never taken: IST is said in India, in Ireland
and in Israel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightlight.casework.attribution.time_texts import TimeFault, Unread

if TYPE_CHECKING:
    from nightlight.casework.attribution.time_texts import Written

_WIDEST = 14 * 60  # minutes east of UTC (Pacific/Kiritimati)
_ABBREVIATIONS = {
    "IST": "India (UTC+05:30), Ireland (UTC+01:00) or Israel (UTC+02:00)",
    "CST": "the centre of North America (UTC-06:00), China (UTC+08:00) or Cuba (UTC-05:00)",
    "BST": "British summer time (UTC+01:00) or Bangladesh (UTC+06:00)",
    "PST": "the Pacific coast of America (UTC-08:00), the Philippines (UTC+08:00) or Pakistan",
    "EST": "the east of America (UTC-05:00) or of Australia (UTC+10:00)",
    "AST": "the Atlantic coast of America (UTC-04:00) or Arabia (UTC+03:00)",
    "MST": "the mountains of America (UTC-07:00), Malaysia (UTC+08:00) or Myanmar (UTC+06:30)",
}
_SHORT = {"Asia/Kolkata": "IST", "Asia/Calcutta": "IST", "UTC": "UTC", "Etc/UTC": "UTC"}
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)
_UTC_WORDS = frozenset({"Z", "UTC", "GMT", "UT"})


@dataclass(frozen=True, slots=True)
class Zone:
    """Which zone a time is in, and who says so.

    Exactly one of: `name` (an IANA name), `minutes` east of UTC, or neither: the zone stands in the text as written.
    """

    name: str = ""
    minutes: int | None = None
    stated_by: str = ""

    @classmethod
    def named(cls, name: str, by: str = "") -> Zone:
        return cls(name=name, stated_by=by)

    @classmethod
    def fixed(cls, minutes: int, by: str = "") -> Zone:
        return cls(minutes=minutes, stated_by=by)

    @classmethod
    def as_written(cls) -> Zone:
        return cls()

    @property
    def declared(self) -> bool:
        """Whether somebody stated it, outside the text itself."""
        return bool(self.name) or self.minutes is not None


def called(written: Written, name: str) -> bool:
    """Whether the letters in the text are what clocks of the declared zone are called at that time, as IST in India."""
    text = written.zone.upper()
    if not text.isalpha() or text in _UTC_WORDS:
        return False
    info = zone_info(name)
    instants = (written.wall_clock.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1))
    return any(at.astimezone(info).tzname() == text for at in instants)


def written_zone(text: str) -> tuple[tzinfo, str] | None:
    if not text:
        return None
    if text.upper() in _UTC_WORDS:
        return UTC, "UTC"
    match = _OFFSET.fullmatch(text)
    if match is None:
        means = _ABBREVIATIONS.get(text.upper())
        why = f"it can mean {means}" if means else "a few letters name no zone for certain"
        raise Unread(TimeFault.ZONE_ABBREVIATION, f"The zone {text!r} is not taken: {why}. State the zone by name.")
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes > _WIDEST or int(match[3] or 0) > 59:
        raise Unread(TimeFault.ZONE_IMPOSSIBLE, f"There is no zone {text!r}.")
    return _fixed(-minutes if match[1] == "-" else minutes)


def declared_zone(zone: Zone) -> tuple[tzinfo, str] | None:
    if zone.name:
        return zone_info(zone.name), zone.name
    if zone.minutes is None:
        return None
    if abs(zone.minutes) > _WIDEST:
        raise Unread(TimeFault.ZONE_IMPOSSIBLE, f"There is no zone {zone.minutes} minutes from UTC.")
    return _fixed(zone.minutes)


def _fixed(minutes: int) -> tuple[tzinfo, str]:
    return timezone(timedelta(minutes=minutes)), offset_words(minutes)


def zone_info(name: str) -> tzinfo:
    """The zone of an IANA name; raises `Unread` where there is none, or where the name is an abbreviation."""
    if name in {"UTC", "Etc/UTC"}:
        return UTC
    if "/" not in name or ".." in name:
        raise Unread(TimeFault.ZONE_UNKNOWN, f"{name!r} is no zone by name, such as Asia/Kolkata.")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unread(TimeFault.ZONE_UNKNOWN, f"The zone database has no zone {name!r}.") from error


def first_instant(wall: datetime, info: tzinfo) -> datetime:
    """The first instant at or after a wall time, also where clocks jump over it; for the bounds of whole days."""
    return wall.replace(tzinfo=info, fold=0).astimezone(UTC)


def minutes_east(at: datetime) -> int:
    offset = at.utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)


def offset_words(minutes: int) -> str:
    """``UTC+05:30`` for 330."""
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def shown(at: datetime, precision: str = "second") -> str:
    """``2026-05-12 00:44:36``, to the unit that was written, without a zone: that stands before it."""
    spec = {"minute": "minutes", "second": "seconds", "millisecond": "milliseconds"}.get(precision, "microseconds")
    return at.replace(tzinfo=None).isoformat(" ", spec)


@dataclass(frozen=True, slots=True)
class Pair:
    """One instant as a request shows it: in UTC and locally, both with their date."""

    utc: str
    local: str
    dates_differ: bool

    @property
    def text(self) -> str:
        return f"{self.utc}; {self.local}"

    @property
    def steps(self) -> tuple[str, ...]:
        warned = (f"The dates differ: {self.utc.split()[1]} in UTC, {self.local.split()[-2]} locally.",)
        return (f"{self.utc}.", f"{self.local}.", *(warned if self.dates_differ else ()))


def pair(at: datetime, zone: str, precision: str = "second") -> Pair:
    """UTC and the local time of `zone` (an IANA name, or an offset such as UTC+05:30) side by side.

    Raises ValueError for a time without a zone, `Unread` for a zone that does not exist.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown in two zones")
    fixed = _OFFSET.fullmatch(zone)
    info = written_zone(zone) if fixed else (zone_info(zone), zone)
    assert info is not None  # noqa: S101 - for the type checker; the text is not empty
    utc, local = at.astimezone(UTC), at.astimezone(info[0])
    name = _SHORT.get(zone) or (info[1] if fixed else f"{zone} ({offset_words(minutes_east(local))})")
    return Pair(f"UTC {shown(utc, precision)}", f"{name} {shown(local, precision)}", utc.date() != local.date())
