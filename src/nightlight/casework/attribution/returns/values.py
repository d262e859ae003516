# SPDX-License-Identifier: Apache-2.0
"""The cells of one row, understood: address or prefix, ports, times, subscriber. A row that is not certain is refused.

Times are read by `times.derive`. Where a layout's dates have a fixed form, and no clock was put forward or back on that
day, a second with a date seen before needs no more than three numbers: a short way that must give the same (tests).
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addresses import Address, Trouble, read_address, read_port
from nightlight.casework.attribution.returns.fields import KEPT, TIMES, Field
from nightlight.casework.attribution.returns.rows import (
    FOREVER,
    HIGHEST_PORT,
    LOWEST_PORT,
    MAPPED,
    WHOLE,
    LogRow,
)
from nightlight.casework.attribution.time_texts import DateOrder
from nightlight.casework.attribution.times import TimeRefused, derive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.casework.attribution.returns.layouts import Layout

_KEPT_TEXTS = 1 << 16  # how many different texts are remembered, so that memory stays bounded
_WIDEST = {4: 16, 6: 32}  # prefixes shorter than these are no assignment to a subscriber
NOTHING = frozenset(
    {
        *("", "-", "--", "na", "n/a", "n.a.", "n.a", "#n/a", "null", "none", "nil", "not available", "not applicable"),
        *("unknown", "not known", "unavailable", "not found", "not recorded", "not provided", "undefined", "blank"),
    }
)
_STILL = frozenset({"", "-", "--", "na", "n/a", "null", "none", "nil"})  # an end that may mean: it lasts still
# Signs and zeros alone, or the words above in whatever spelling, name nobody.
_NOBODY = re.compile(
    r"[\W_0]*(?:(?:not?|un)[\W_]*(?:available|applicable|known|found|recorded|provided|stated|listed|assigned|allotted"
    r"|data|records?|name|subscriber)|n[\W_]*a|null|none|nil|undefined|blank|unknown|data not available)?[\W_]*",
    re.IGNORECASE,
)
# What a spreadsheet makes of a long number: its last digits are gone, so it is the number of many.
_ROUNDED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)
_MAPPED_BLOCK = ipaddress.IPv6Network((MAPPED, 96))
_BLOCK = re.compile(r"([0-9]+)\s*(?:-|–|—|:|~|\.\.|to)\s*([0-9]+)", re.IGNORECASE)  # noqa: RUF001 - dashes as they come
_CLOCK = r"(?P<h>[01][0-9]|2[0-3]):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])"
_SHORT_WAY = {
    DateOrder.DMY: re.compile(rf"(?P<day>[0-9]{{2}}([/.:-])[0-9]{{2}}\2[0-9]{{4}}) {_CLOCK}"),
    DateOrder.MDY: re.compile(rf"(?P<day>[0-9]{{2}}([/.:-])[0-9]{{2}}\2[0-9]{{4}}) {_CLOCK}"),
    DateOrder.YMD: re.compile(rf"(?P<day>[0-9]{{4}}([/.:-])[0-9]{{2}}\2[0-9]{{2}})[ T-]{_CLOCK}"),
}


class RowFault(StrEnum):
    """Why a row cannot count, beside what is wrong with an address (`Trouble`) or a time (`TimeFault`)."""

    CELLS_MISSING = "cells-missing"
    CELLS_TOO_MANY = "cells-too-many"
    NOT_A_ROW = "not-a-row"  # a footer, a total, a sentence
    QUOTE_OPEN = "quote-open"
    TOO_LONG = "line-too-long"
    PORT_BACKWARDS = "port-backwards"
    PORTS_CONTRADICT = "ports-contradict"
    END_BEFORE_START = "end-before-start"
    NO_END = "no-end"
    NO_SUBSCRIBER = "no-subscriber"
    SUBSCRIBER_ROUNDED = "subscriber-rounded"  # 9.19877E+11: a spreadsheet kept no more of it
    PREFIX_TOO_WIDE = "prefix-too-wide"
    DATE_AMONG_TEXT = "date-cell-among-text"  # a spreadsheet turned some texts into dates, in an order nobody stated
    DATE_DOUBTFUL = "date-cell-doubtful"  # it may have changed day and month round, and no date of the sheet shows it


class BadCell(Exception):
    """A row that does not count. ``code`` is of RowFault, Trouble (addresses with "address-" before) or TimeFault."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code, self.explanation = str(code), explanation


@dataclass(frozen=True, slots=True)
class Span:
    """An address with the length of its prefix, and the port that was written with it."""

    address: int
    bits: int = WHOLE
    port: int | None = None


class Cells:
    """Reads rows of one layout. `as_dates`: "start" and "end" where a spreadsheet holds them as dates, year first."""

    def __init__(self, layout: Layout, as_dates: frozenset[str] = frozenset()) -> None:
        """Raise LayoutRefused where the layout cannot be read by."""
        self.layout = layout.checked()
        self.zone = layout.declared_zone()
        self.width = len(layout.columns)
        self.address_places = layout.places(Field.ADDRESS)
        self._who = layout.index(layout.subscriber)
        self._port, self._low, self._high = (layout.index(f) for f in (Field.PORT, Field.PORT_LOW, Field.PORT_HIGH))
        self._zone_place = layout.index(Field.ZONE)
        self._times = {which: tuple(layout.index(field) for field in fields) for which, fields in TIMES.items()}
        self._kept = tuple((field.value, place) for field in KEPT if (place := layout.index(field)) is not None)
        self._order = {which: DateOrder.YMD if which in as_dates else layout.order for which in TIMES}
        self._spans: dict[str, Span | None] = {}
        self._blocks: dict[str, tuple[int, int] | None] = {}
        self._midnights: dict[tuple[str, str], int] = {}  # no more than _days has, twice
        self._clocks: dict[str, int] = {}  # at most the 86,400 seconds of a day
        self._between = frozenset({" "})
        self._days: dict[tuple[DateOrder, str], int | None] = {}

    def rows(self, number: int, cells: Sequence[str]) -> list[LogRow]:
        """The row of these cells; two where an IPv4 and an IPv6 address stand side by side. Raises BadCell."""
        cells = self._right_width(cells)
        spans = self._spans_of(cells)
        low, high = self._ports(cells, spans[0])
        start = self._time("start", cells)
        end = self._time("end", cells)
        if end == start:
            end += 1  # whole seconds: what began and ended in one second lasted some part of it
        if end < start:
            raise BadCell(RowFault.END_BEFORE_START, "The end lies before the start.")
        assert self._who is not None  # noqa: S101 - `checked` made sure
        subscriber = cells[self._who].strip()
        if _NOBODY.fullmatch(subscriber):
            raise BadCell(RowFault.NO_SUBSCRIBER, "The row names nobody.")
        if _ROUNDED.fullmatch(subscriber):
            raise BadCell(
                RowFault.SUBSCRIBER_ROUNDED, "A spreadsheet has cut the subscriber's number: it is many people's."
            )
        details = tuple(
            (name, text) for name, place in self._kept if place != self._who and (text := cells[place].strip())
        )
        row = LogRow(number, spans[0].address, low, high, start, end, subscriber, spans[0].bits, details)
        if len(spans) == 1:
            return [row]
        # IPv6 is not translated, so the ports beside it are those of the IPv4 address.
        return [
            row,
            replace(row, address=spans[1].address, bits=spans[1].bits, port_low=LOWEST_PORT, port_high=HIGHEST_PORT),
        ]

    def claims(self, number: int, cells: Sequence[str]) -> list[LogRow]:
        """What a row that does not count may claim: its readable addresses, with all ports and times not read for sure.

        Its address is looked for in every cell where its own column holds none, because cells may have shifted.
        """
        own = [cells[place].strip() for place in self.address_places if place < len(cells)]
        spans = [span for text in own if (span := self.span(text)) is not None]
        if not spans:
            spans = [span for text in cells if (span := self.span(text.strip().strip("\"'"))) is not None]
        low, high, start, end = LOWEST_PORT, HIGHEST_PORT, -FOREVER, FOREVER
        if len(cells) == self.width and spans:
            with suppress(BadCell):
                low, high = self._ports(cells, spans[0])
            with suppress(BadCell):
                first, last = self._time("start", cells), self._time("end", cells)
                start, end = (first, max(last, first + 1)) if first <= last else (start, end)
        return [LogRow(number, span.address, low, high, start, end, "", span.bits) for span in dict.fromkeys(spans)]

    def named(self, cells: Sequence[str]) -> str | None:
        """Whom a row that does not count names all the same; empty: nobody; None: not to be told."""
        if len(cells) != self.width or self._who is None:
            return None
        name = cells[self._who].strip()
        if _ROUNDED.fullmatch(name):
            return None
        return "" if _NOBODY.fullmatch(name) else name

    def _right_width(self, cells: Sequence[str]) -> Sequence[str]:
        if len(cells) == self.width:
            return cells
        if len(cells) > self.width:
            if any(cell.strip() for cell in cells[self.width :]):
                raise BadCell(RowFault.CELLS_TOO_MANY, f"{len(cells)} cells, the header has {self.width}.")
            return cells[: self.width]
        if sum(bool(cell.strip()) for cell in cells) <= 2 < self.width:
            raise BadCell(RowFault.NOT_A_ROW, "Not a row of the table: a note, a total or a footer.")
        raise BadCell(RowFault.CELLS_MISSING, f"{len(cells)} cells, the header has {self.width}.")

    def _spans_of(self, cells: Sequence[str]) -> list[Span]:
        """The addresses of a row, IPv4 before IPv6: one, or one of each. Raises BadCell."""
        stated = [text for place in self.address_places if (text := cells[place].strip()).casefold() not in NOTHING]
        found: list[Span] = []
        for text in stated or [""]:
            span = self.span(text)
            if span is None:
                raise BadCell(*address_trouble(text, numbers=self.layout.numbers))
            if span not in found:
                found.append(span)
        if len(found) == 1:
            return found
        found.sort(key=lambda span: not _is_mapped(span))
        if len(found) > 2 or [_is_mapped(span) for span in found] != [True, False]:
            raise BadCell("address-several-addresses", "The row names several public addresses.")
        return found

    def span(self, text: str) -> Span | None:
        """The address or prefix that a text writes, remembered; None where it writes none."""
        try:
            return self._spans[text]
        except KeyError:
            pass
        if len(self._spans) >= _KEPT_TEXTS:
            self._spans.clear()
        span = self._spans[text] = read_span(text, numbers=self.layout.numbers)
        return span

    def _ports(self, cells: Sequence[str], span: Span) -> tuple[int, int]:
        found: tuple[int, int] | None = None
        if self._port is not None:
            found = self._block(cells[self._port])
        if self._low is not None and self._high is not None:
            low, high = cells[self._low].strip(), cells[self._high].strip()
            stated = [text.casefold() not in NOTHING for text in (low, high)]
            if stated[0] != stated[1]:
                raise BadCell(Trouble.PORT_UNREADABLE, "Only one end of the block of ports is stated.")
            block = self._block(f"{low}-{high}") if stated[0] else None
            if found is not None and block is not None and found != block:
                raise BadCell(RowFault.PORTS_CONTRADICT, "Two columns state different ports.")
            found = found or block
        if span.port is not None:
            if found is not None and not found[0] <= span.port <= found[1]:
                raise BadCell(RowFault.PORTS_CONTRADICT, "The port written with the address is another one.")
            found = found or (span.port, span.port)
        return found or (LOWEST_PORT, HIGHEST_PORT)

    def _block(self, text: str) -> tuple[int, int] | None:
        try:
            return self._blocks[text]
        except KeyError:
            pass
        if len(self._blocks) >= _KEPT_TEXTS:
            self._blocks.clear()
        block = self._blocks[text] = read_ports(text)
        return block

    def _time(self, which: str, cells: Sequence[str]) -> int:
        whole, day, clock = self._times[which]
        if whole is not None:
            text = cells[whole].strip()
        elif day is not None and clock is not None:
            text = f"{cells[day].strip()} {cells[clock].strip()}".strip()
            if text and not (cells[day].strip() and cells[clock].strip()):
                missing = "date" if not cells[day].strip() else "clock"
                raise BadCell("time-empty", f"The {missing} of the {which} is empty.")
        else:
            text = ""
        if which == "end" and text.casefold() in NOTHING:
            if self.layout.open_end and text.casefold() in _STILL:
                return FOREVER
            raise BadCell(RowFault.NO_END, "The row has no end, and the layout does not say what that means.")
        if self._zone_place is not None:
            text = f"{text} {cells[self._zone_place].strip()}".strip()
        return self.seconds(text, which)

    def seconds(self, text: str, which: str) -> int:
        """The Unix second of a start or an end: rounded down for a start, up for an end. Raises BadCell."""
        # What was read the short way before, is two texts that are known: a day and, after one letter, a clock.
        midnight, clock = self._midnights.get((which, text[:10])), self._clocks.get(text[11:])
        if midnight is not None and clock is not None and text[10:11] in self._between:
            return midnight + clock
        order = self._order[which]
        if order is not None and (match := _SHORT_WAY[order].fullmatch(text)):
            midnight = self._midnight(order, match["day"])
            if midnight is not None:
                clock = int(match["h"]) * 3600 + int(match["m"]) * 60 + int(match["s"])
                self._midnights[which, text[:10]], self._clocks[text[11:]] = midnight, clock
                return midnight + clock
        return self._long_way(text, which, order)

    def _long_way(self, text: str, which: str, order: DateOrder | None) -> int:
        derived = derive(text, zone=self.zone, order=order, order_by=f"the layout {self.layout.name!r}")
        if isinstance(derived, TimeRefused):
            raise BadCell(derived.code, derived.explanation)
        if which == "start":
            return int(derived.window.earliest.timestamp() // 1)
        if derived.utc is not None and derived.precision not in {"minute", "day"}:
            return -int(-derived.utc.timestamp() // 1)
        return int(derived.window.latest.timestamp())

    def _midnight(self, order: DateOrder, day: str) -> int | None:
        """The second at which a day began, if it is an ordinary day of 24 hours; None: take the long way."""
        key = (order, day)
        if key in self._days:
            return self._days[key]
        if len(self._days) >= _KEPT_TEXTS:
            self._days.clear()
            self._midnights.clear()
        ends = [derive(f"{day} {clock}", zone=self.zone, order=order) for clock in ("00:00:00", "23:59:59")]
        seconds = [
            None if isinstance(end, TimeRefused) or end.utc is None else int(end.utc.timestamp()) for end in ends
        ]
        first, last = seconds
        ordinary = first is not None and last is not None and last - first == 86399
        # A day may lose an hour and win one back only in theory, but a zone that stands in the text is no fixed one.
        found = first if ordinary and self.zone.declared else None
        self._days[key] = found
        return found


def _is_mapped(span: Span) -> bool:
    return span.address >> 32 == 0xFFFF


def read_span(text: str, *, numbers: bool = False) -> Span | None:
    """The address, or the prefix of one assignment, that a text writes; None where it writes none for certain."""
    found = read_address(text, numbers=numbers)
    if isinstance(found, Address):
        if found.port_trouble is not None:
            return None
        return Span(found.number | MAPPED if found.version == 4 else found.number, WHOLE, found.port)
    return _prefix(text) if found.trouble is Trouble.A_NETWORK else None


def _prefix(text: str) -> Span | None:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if network.prefixlen < _WIDEST[network.version]:
        return None
    # The IPv4 addresses in their mapped form are as many to a prefix as without it.
    if network.version == 6 and network.overlaps(_MAPPED_BLOCK) and network.prefixlen < 96 + _WIDEST[4]:
        return None
    first = int(network.network_address)
    return Span(first | MAPPED, network.prefixlen + 96) if network.version == 4 else Span(first, network.prefixlen)


def address_trouble(text: str, *, numbers: bool = False) -> tuple[str, str]:
    """Why a text writes no address: code and sentence."""
    found = read_address(text, numbers=numbers)
    if isinstance(found, Address):
        trouble = found.port_trouble or Trouble.NOT_AN_ADDRESS
        return trouble, f"The port written with the address is refused: {trouble}."
    if found.trouble is Trouble.A_NETWORK:
        return RowFault.PREFIX_TOO_WIDE, "A prefix that wide is no assignment to one subscriber."
    could = f" It could be {' or '.join(found.could_be)}." if found.could_be else ""
    return f"address-{found.trouble}", f"No address for certain: {found.trouble}.{could}"


def read_ports(text: str) -> tuple[int, int] | None:
    """The port or block in a text, both ends inclusive; None where none is stated. Raises BadCell."""
    text = text.strip()
    if text.casefold() in NOTHING:
        return None
    if match := _BLOCK.fullmatch(text):
        low = 0 if not match[1].strip("0") else read_port(match[1])  # a block may begin at 0, a port is never 0
        high = read_port(match[2])
    else:
        low = high = read_port(text)
    for end in (low, high):
        if isinstance(end, Trouble):
            raise BadCell(end, f"{text[:40]!r} is no port: {end}.")
    assert isinstance(low, int) and isinstance(high, int)  # noqa: S101 - for the type checker
    if low > high:
        raise BadCell(RowFault.PORT_BACKWARDS, f"The block {text[:40]!r} ends before it begins.")
    return low, high
