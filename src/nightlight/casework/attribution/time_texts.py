# SPDX-License-Identifier: Apache-2.0
"""What stands in a text that states a time: its date, its clock and the zone it writes, each read by a stated rule.

Forms: ISO 8601 (with a blank or a hyphen for the T too), figures with / . : - between them, named months in English,
figures without anything between them (20260512 004436), and seconds or milliseconds since 1970 UTC (POSIX). Which of
two figures is the day is never guessed: where a text can be read both ways, the order has to be declared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from nightlight.pipeline.tips.values import read_moment


class DateOrder(StrEnum):
    """In which order a date in figures is written; declared by whoever knows the layout."""

    YMD = "ymd"
    DMY = "dmy"
    MDY = "mdy"

    @property
    def words(self) -> str:
        return {"ymd": "year first", "dmy": "day first", "mdy": "month first"}[self.value]


class TimeFault(StrEnum):
    """Why a text gives no time that could stand in a request."""

    EMPTY = "time-empty"
    UNREADABLE = "time-unreadable"
    ORDER_NEEDED = "date-order-needed"
    ORDER_CONTRADICTS = "date-order-contradicts"
    DATE_IMPOSSIBLE = "date-impossible"
    CLOCK_IMPOSSIBLE = "clock-impossible"
    LEAP_SECOND = "leap-second"
    YEAR_TWO_DIGITS = "year-two-digits"
    YEAR_DEFAULT = "year-default"
    YEAR_IMPLAUSIBLE = "year-implausible"
    ZONE_MISSING = "zone-missing"
    ZONE_ABBREVIATION = "zone-abbreviation"
    ZONE_UNKNOWN = "zone-unknown"
    ZONE_IMPOSSIBLE = "zone-impossible"
    ZONE_CONTRADICTS = "zone-contradicts"
    LOCAL_AMBIGUOUS = "local-time-twice"
    LOCAL_IMPOSSIBLE = "local-time-never"
    FUTURE = "time-in-future"
    BEFORE_ACCOUNT = "time-before-account"
    NOT_AN_INSTANT = "time-not-an-instant"
    ONLY_DETECTION = "only-detection-time"
    ORDER_OF_EVENTS = "offence-after-detection"


class Unread(Exception):
    """A text that gives no time; ``instants`` are those it could mean, where there are several."""

    def __init__(self, code: TimeFault, explanation: str, instants: tuple[datetime, ...] = ()) -> None:
        super().__init__(explanation)
        self.code, self.explanation, self.instants = code, explanation, instants


@dataclass(frozen=True, slots=True)
class Written:
    """What a text says: a day, perhaps a clock, perhaps a zone; or an instant of its own (`epoch`).

    `clock` is None where only a day is written. `day_end` says that 24:00 was written, which is the midnight that ends
    `day`. `zone` is as written, empty where none is. `how` are sentences that say by which rule it was read.
    """

    day: date
    clock: time | None
    precision: str
    zone: str
    how: tuple[str, ...]
    day_end: bool = False
    epoch: datetime | None = None

    @property
    def wall_clock(self) -> datetime:
        """The day and the clock, without a zone; midnight where only a day is written."""
        return datetime.combine(self.day, self.clock or time()) + timedelta(days=int(self.day_end))


_ZONE = r"(?:\s*(?P<zone>(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2})?|[A-Za-z]{1,5}))?"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?P<colon>[:.])(?P<minute>[0-9]{2})"
    r"(?:(?P=colon)(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?(?:\s?(?P<half>[AaPp])\.?[Mm]\.?(?![A-Za-z]))?"
)
_AFTER_DATE = rf"(?:(?:[Tt]|,?\s+|-){_CLOCK}{_ZONE})?"
_FIGURES = re.compile(
    rf"(?P<a>[0-9]{{1,4}})(?P<between>[/.:-])(?P<b>[0-9]{{1,2}})(?P=between)(?P<c>[0-9]{{1,4}}){_AFTER_DATE}"
)
_NAMED_DAY_FIRST = re.compile(rf"(?P<d>[0-9]{{1,2}})[\s/.-]?(?P<m>[A-Za-z]{{3,9}})[\s/.,-]*(?P<y>[0-9]+){_AFTER_DATE}")
_NAMED_MONTH_FIRST = re.compile(rf"(?P<m>[A-Za-z]{{3,9}})[\s.-]+(?P<d>[0-9]{{1,2}}),?[\s-]+(?P<y>[0-9]+){_AFTER_DATE}")
_COMPACT = re.compile(
    r"(?P<date>[0-9]{8})(?:[ Tt-]?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?"
    rf"(?:[.,](?P<fraction>[0-9]+))?{_ZONE})?"
)
_EPOCH = re.compile(r"(?P<whole>[0-9]{9,10}|[0-9]{13}|0)(?:\.(?P<fraction>[0-9]{1,6})[0-9]*)?")
_ISO_ZONE = re.compile(r"(?:Z|z|UTC|[+-][0-9]{2}:?[0-9]{2})$")
_ZONE_OR_CLOCK = re.compile(r"-(?:0?[0-9]|1[0-2]):[0-9]{2}")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Days that ended with a leap second since the first year that is taken as plausible (IERS Bulletin C).
_LEAP_DAYS = [
    "1995-12-31",
    "1997-06-30",
    "1998-12-31",
    "2005-12-31",
    "2008-12-31",
    "2012-06-30",
    "2015-06-30",
    "2016-12-31",
]
_FRACTIONS = ((3, "millisecond"), (6, "microsecond"))


def read_text(as_sent: str, order: DateOrder | None, order_by: str) -> Written:
    """What `as_sent` says under the declared order; raises `Unread` where it says nothing certain."""
    text = as_sent.strip()
    if not text:
        raise Unread(TimeFault.EMPTY, "No time is stated.")
    if len(text) > 64:
        raise Unread(TimeFault.UNREADABLE, f"A text of {len(text)} characters is no time.")
    if match := _EPOCH.fullmatch(text):
        if order is not None:
            raise Unread(
                TimeFault.ORDER_CONTRADICTS,
                f"{as_sent!r} is a bare number, and a date in figures, {order.words}, was declared. It is not read as "
                "seconds since 1970 silently.",
            )
        return _epoch(match)
    moment = read_moment(text, "")
    if moment.wall_clock is not None:
        _no_sixtieth(text)
        if order not in {None, DateOrder.YMD}:
            raise _contradicts(text, order)
        day = date.fromisoformat(moment.wall_clock[:10])
        clock = None if moment.precision == "day" else time.fromisoformat(moment.wall_clock[11:])
        zone = _ISO_ZONE.search(text[10:])
        if clock is None and zone and zone[0].startswith("-"):
            raise Unread(
                TimeFault.UNREADABLE,
                f"{as_sent!r} is a day with a zone west of UTC, or a day and a clock after a hyphen: it does not say.",
            )
        how = (f"Date: read year first, as ISO 8601 writes it: {_day(day)}.", _clock_words(clock, moment.precision))
        return Written(day, clock, moment.precision, zone[0] if zone else "", how)
    if match := _COMPACT.fullmatch(text):
        return _with_clock(match, *_compact_day(match["date"], order, order_by))
    if match := _FIGURES.fullmatch(text):
        if _ZONE_OR_CLOCK.fullmatch(text, match.end("c")):
            raise Unread(
                TimeFault.UNREADABLE,
                f"{as_sent!r} is a day with a zone west of UTC, or a day and a clock after a hyphen: it does not say.",
            )
        return _with_clock(match, *_figures_day(match, order, order_by))
    if match := _NAMED_DAY_FIRST.fullmatch(text) or _NAMED_MONTH_FIRST.fullmatch(text):
        return _with_clock(match, *_named_day(match))
    raise Unread(TimeFault.UNREADABLE, f"{as_sent!r} is in no form that is read here; nothing is made up for it.")


def _epoch(match: re.Match[str]) -> Written:
    whole, fraction = int(match["whole"]), match["fraction"] or ""
    milliseconds = len(match["whole"]) == 13
    if milliseconds and fraction:
        fraction = ""  # below the microsecond's use: a thousandth of a millisecond changes no request
    micros = whole * 1_000 if milliseconds else whole * 1_000_000 + int(fraction.ljust(6, "0") or 0)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    unit = "milliseconds" if milliseconds else "seconds"
    precision = "millisecond" if milliseconds else _precision("0", fraction or None)
    how = (f"Number: {unit} since 1970-01-01 00:00:00 UTC (POSIX), which needs no zone.",)
    return Written(at.date(), at.time(), precision, "UTC", how, epoch=at)


def _figures_day(match: re.Match[str], order: DateOrder | None, order_by: str) -> tuple[date, str]:
    a, b, c = match["a"], match["b"], match["c"]
    text = match["between"].join((a, b, c))
    if len(a) <= 2 and len(c) <= 2:
        raise Unread(
            TimeFault.YEAR_TWO_DIGITS, f"The year in {text!r} has two digits, so the century and the order are open."
        )
    if len(a) == 4 and len(c) <= 2:
        readings = {DateOrder.YMD: _date(a, b, c)}
    elif len(c) == 4 and len(a) <= 2:
        readings = {DateOrder.DMY: _date(c, b, a), DateOrder.MDY: _date(c, a, b)}
    else:
        raise Unread(TimeFault.UNREADABLE, f"The year in {text!r} is not four digits.")
    return _chosen(text, readings, order, order_by)


def _compact_day(text: str, order: DateOrder | None, order_by: str) -> tuple[date, str]:
    readings = {
        DateOrder.YMD: _date(text[:4], text[4:6], text[6:]),
        DateOrder.DMY: _date(text[4:], text[2:4], text[:2]),
        DateOrder.MDY: _date(text[4:], text[:2], text[2:4]),
    }
    if order is None:  # a year such as 1205 is no reading
        readings = {key: day if day and 1900 <= day.year < 2200 else None for key, day in readings.items()}
    return _chosen(text, readings, order, order_by)


def _chosen(
    text: str, readings: dict[DateOrder, date | None], order: DateOrder | None, order_by: str
) -> tuple[date, str]:
    possible = {key: day for key, day in readings.items() if day is not None}
    if order is not None:
        if order not in readings:
            raise _contradicts(text, order)
        if order not in possible:
            if possible:
                raise _contradicts(text, order)
            raise Unread(TimeFault.DATE_IMPOSSIBLE, f"There is no day {text!r} in the calendar.")
        said = f"as {order_by} says" if order_by else "as declared"
        return possible[order], f"Date: read {order.words}, {said}: {_day(possible[order])}."
    if not possible:
        raise Unread(TimeFault.DATE_IMPOSSIBLE, f"There is no day {text!r} in the calendar.")
    days = set(possible.values())
    if len(days) > 1:
        both = " or ".join(_day(day) for day in sorted(days))
        raise Unread(TimeFault.ORDER_NEEDED, f"{text!r} is {both}: which comes first has to be declared.")
    only, day = next(iter(possible.items()))
    why = "the only order in which it is a date" if len(possible) == 1 else "the same day in either order"
    return day, f"Date: read {only.words}, {why}: {_day(day)}."


def _named_day(match: re.Match[str]) -> tuple[date, str]:
    name = match["m"].capitalize()
    months = [
        number for number, month in enumerate(_MONTHS, 1) if name in {month, month[:3], month[: 4 * (number == 9)]}
    ]
    text = match[0]
    if not months:
        raise Unread(TimeFault.UNREADABLE, f"{match['m']!r} in {text!r} is no month in English.")
    if len(match["y"]) == 2:
        raise Unread(TimeFault.YEAR_TWO_DIGITS, f"The year in {text!r} has two digits, so the century is open.")
    if len(match["y"]) != 4:
        raise Unread(TimeFault.UNREADABLE, f"The year in {text!r} is not four digits.")
    day = _date(match["y"], str(months[0]), match["d"])
    if day is None:
        raise Unread(TimeFault.DATE_IMPOSSIBLE, f"There is no day {text!r} in the calendar.")
    return day, f"Date: the month is named: {_day(day)}."


def _with_clock(match: re.Match[str], day: date, how: str) -> Written:
    parts = match.groupdict()
    if parts["hour"] is None:
        return Written(day, None, "day", "", (how, _clock_words(None, "day")))
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0)
    _no_sixtieth(match[0], parts["second"])
    fraction, half = parts["fraction"] or "", parts.get("half")
    wrong = Unread(TimeFault.CLOCK_IMPOSSIBLE, f"No clock shows what {match[0]!r} says.")
    if half:
        if not 1 <= hour <= 12:
            raise wrong
        hour = hour % 12 + (12 if half in "Pp" else 0)
    day_end = hour == 24 and not minute and not second and not int(fraction or 0)
    if (hour > 23 and not day_end) or minute > 59 or second > 59:
        raise wrong
    clock = time(0 if day_end else hour, minute, second, int(fraction.ljust(6, "0")[:6] or 0))
    precision = _precision(parts["second"], parts["fraction"])
    words = _clock_words(clock, precision)
    if day_end:
        words = "Clock: 24:00 is the midnight that ends the day, so the date moves on by one."
    return Written(day, clock, precision, parts["zone"] or "", (how, words), day_end)


def _no_sixtieth(text: str, second: str | None = None) -> None:
    if second == "60" or (second is None and re.search(r":[0-9]{2}:60", text)):
        raise Unread(TimeFault.LEAP_SECOND, _leap_words(text))


def _leap_words(text: str) -> str:
    known = ", ".join(_LEAP_DAYS)
    return (
        f"{text!r} has a sixtieth second. Only a leap second is written so; since 1995 they ended these days, in UTC: "
        f"{known}. Computers and operators' logs count it as the second before or after, so which one to ask for is "
        "a question to whoever wrote it."
    )


def _contradicts(text: str, order: DateOrder | None) -> Unread:
    words = "" if order is None else order.words
    return Unread(
        TimeFault.ORDER_CONTRADICTS,
        f"{text!r} cannot be read {words}, which was declared. It is not read another way silently.",
    )


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _precision(second: str | None, fraction: str | None) -> str:
    if second is None:
        return "minute"
    if not fraction:
        return "second"
    return next((name for digits, name in _FRACTIONS if len(fraction) <= digits), "nanosecond")


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _clock_words(clock: time | None, precision: str) -> str:
    if clock is None:
        return "Clock: none is written, so only the day is known."
    shown = clock.isoformat("minutes" if precision == "minute" else "auto")
    return f"Clock: {shown}, to the {precision}."
