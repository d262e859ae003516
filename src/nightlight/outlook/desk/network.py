# SPDX-License-Identifier: Apache-2.0
"""The network events of a tip: rows for the table, and the drawing of when each address was used.

What decides whether an address leads to a subscriber is said in words: port, time, and zone of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from nightlight.pipeline.tips.reading import Reading
    from nightlight.pipeline.tips.values import Moment, NetworkEvent

MAX_LANES = 14
MAX_DOTS = 1000
WIDTH = 960
LETTER = 8.6  # how wide a letter of an address is drawn
RIGHT = 30
LANE = 30
TOP = 34


@dataclass(frozen=True, slots=True)
class EventRow:
    """One use of an address as the table shows it; `missing` says in words what it lacks."""

    address: str
    as_sent: str
    port: str
    whose: str
    event_name: str
    moment: Moment | None
    proxy: str
    missing: tuple[str, ...]
    source: str = ""  # its place in the report
    label: str = ""  # what the address was then, and how far it leads
    grade: str = ""
    leads: str = ""


def rows(reading: Reading) -> tuple[EventRow, ...]:
    """Every network event that may be shown, in order of time; those without a certain time last."""
    found = [_row(whose, event) for whose, event in _with_holders(reading)]
    return ordered(found)


def ordered(found: Iterable[EventRow]) -> tuple[EventRow, ...]:
    """The rows in order of time; those without a certain time last."""
    return tuple(sorted(found, key=_order))


def _with_holders(reading: Reading) -> Iterable[tuple[str, NetworkEvent]]:
    for party in reading.parties:
        yield from ((party.pseudonym, event) for event in party.network_events)
    for web in reading.webs:
        yield from ((_("Place: %(kind)s") % {"kind": web.kind}, event) for event in web.network_events)
    for number, file in enumerate(reading.files, 1):
        yield from ((_("File %(n)d") % {"n": number}, event) for event in file.network_events)


def _row(whose: str, event: NetworkEvent) -> EventRow:
    address = event.address or event.address_as_sent
    proxy = {
        Stated.YES: _("possibly a proxy"),
        Stated.NO: _("no proxy"),
    }.get(event.possible_proxy, "")
    return EventRow(
        address=address,
        as_sent="" if address == event.address_as_sent else event.address_as_sent,
        port=str(event.port) if event.port is not None else "",
        whose=whose,
        event_name=event.event_name or "",
        moment=event.moment,
        proxy=proxy,
        missing=tuple(_missing(event)),
        source=event.source,
    )


def _missing(event: NetworkEvent) -> Iterable[str]:
    if event.address is None:
        yield _("not an address")
    if event.port_as_sent and event.port is None:
        yield _("port unreadable: %(sent)s") % {"sent": event.port_as_sent}
    elif event.port is None:
        yield _("port missing")
    if event.moment is None:
        yield _("time missing")
    elif event.moment.utc is None and event.moment.zone != "not stated":  # that the zone lacks, the time itself says
        yield _("time unreadable")


def _order(row: EventRow) -> tuple[bool, str, str]:
    if row.moment is not None and row.moment.utc is not None:
        return (False, row.moment.utc.isoformat(), row.address)
    return (True, (row.moment and row.moment.wall_clock) or "~", row.address)


@dataclass(frozen=True, slots=True)
class Dot:
    """One event on the time line; `open_ring` where the port is missing."""

    x: float
    title: str
    open_ring: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One address and when it was used."""

    label: str
    y: int
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """A drawing in units of 1/960 of its width, made here so that the page needs no script for it."""

    height: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    incident_x: float | None
    left_out: int
    more_lanes: int
    left: int

    width = WIDTH
    right = WIDTH - RIGHT
    top = TOP

    @property
    def bottom(self) -> int:
        """Where the lanes end."""
        return self.height - 12


def time_line(
    events: Sequence[EventRow], incident: datetime | None, zone: tzinfo, *, order: Mapping[str, int] | None = None
) -> TimeLine | None:
    """Draw the events whose time is certain; None when there are none. Lanes go by first use, or as ``order`` says."""
    placed = [(row, row.moment.utc) for row in events if row.moment is not None and row.moment.utc is not None]
    if not placed:
        return None
    addresses = list(dict.fromkeys(row.address for row, _at in placed))
    if order is not None:
        addresses.sort(key=lambda address: order.get(address, len(order)))
    left = round(max(len(address) for address in addresses[:MAX_LANES]) * LETTER) + 24
    moments = [at for _row, at in placed]
    first, last = min(moments), max(moments)
    # The incident is on the drawing where it does not squeeze the events together.
    shown = incident if incident and abs(incident - first) < max(last - first, timedelta(days=2)) * 3 else None
    if shown is not None:
        first, last = min(first, shown), max(last, shown)
    margin = max((last - first) * 0.04, timedelta(minutes=5))
    begin, span = first - margin, (last - first) + 2 * margin

    def x(at: datetime) -> float:
        return round(left + (at - begin) / span * (WIDTH - left - RIGHT), 1)

    lanes = tuple(
        Lane(
            label=address,
            y=TOP + LANE * number + LANE // 2,
            dots=tuple(
                Dot(x(at), _title(row, at, zone), not row.port)
                for row, at in placed[:MAX_DOTS]
                if row.address == address
            ),
        )
        for number, address in enumerate(addresses[:MAX_LANES])
    )
    return TimeLine(
        height=TOP + LANE * len(lanes) + 12,
        lanes=lanes,
        ticks=tuple(ticks(begin, span, x, zone)),
        incident_x=None if shown is None else x(shown),
        left_out=len(events) - len(placed),
        more_lanes=max(0, len(addresses) - MAX_LANES),
        left=left,
    )


def _title(row: EventRow, at: datetime, zone: tzinfo) -> str:
    port = row.port or _("missing")
    return f"{row.address} · {_('port')} {port} · {at.astimezone(zone):%d %b %Y %H:%M:%S %Z} · {row.whose}"


_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 10, 30, 60, 120, 360, 720, 1440, 2880, 5760, 10_080, 20_160, 43_200, 129_600, 525_600)
)


def ticks(begin: datetime, span: timedelta, x: Callable[[datetime], float], zone: tzinfo) -> Iterable[Tick]:
    """Up to six round moments in the officers' zone."""
    step = next((step for step in _STEPS if span / step <= 6), span / 5)
    pattern = "%d %b, %H:%M" if step < timedelta(days=1) else "%d %b %Y"
    midnight = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * -(-(begin - midnight) // step)
    while at < begin + span:
        yield Tick(x(at), f"{at.astimezone(zone):{pattern}}")
        at += step
