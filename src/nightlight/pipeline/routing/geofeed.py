# SPDX-License-Identifier: Apache-2.0
"""Where an address on the network was at a time, from lists in the form of RFC 8805.

``prefix,country,region,city,postal`` in each line; only the prefix has to be there.

A list is kept as disjoint ranges in order, so that the longest prefix decides in one binary search and a million rows
need some tens of megabytes. A list is of a day: for an event the newest list that is not younger is asked, then older
ones, and only then later ones, which say so. Reading never raises: a line with a fault is named and left out.
"""

from __future__ import annotations

import csv
import re
import socket
from array import array
from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nightlight.pipeline.routing.places import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

MOST_PROBLEMS = 1_000
"""Problems kept of one list; the number of all of them is kept too."""

LONGEST_FIELD = 200


class Mark(StrEnum):
    """What is to be known of where an address is said to be."""

    LATER_LIST = "later-list"  # from a list of a later day than the event
    LISTS_DISAGREE = "lists-disagree"  # of several lists of one day
    ANONYMISER = "anonymiser"  # its user is somewhere else
    HOSTING = "hosting"  # a machine in a data centre: its user is somewhere else


class ListKind(StrEnum):
    """What a list says of the addresses in it."""

    PLACES = "places"
    ANONYMISERS = "anonymisers"
    HOSTING = "hosting"


@dataclass(frozen=True, slots=True)
class NetworkPlace:
    """Where an address is said to be; ``note`` holds marks (`Mark`), separated by a comma; ``as_of`` of the list."""

    country: str
    state: str = ""
    city: str = ""
    postal: str = ""
    source: str = ""
    as_of: date | None = None
    note: str = ""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks in the note."""
        return tuple(mark for mark in Mark if mark in self.note.split(","))


class NetworkPlaces(Protocol):
    """Knows where addresses were."""

    def at(self, address: str, when: datetime | None) -> NetworkPlace | None:
        """Where `address` was at `when` (aware; None: not known, so the newest list is asked); None: nobody says."""
        ...


class Nowhere:
    """A `NetworkPlaces` without any list."""

    def at(self, address: str, when: datetime | None) -> NetworkPlace | None:
        """Nobody says."""
        return None


class Problem(NamedTuple):
    """Something wrong with one line; the line is left out unless the sentence says that only a field is."""

    line: int
    sentence: str


class Said(NamedTuple):
    """The fields of a line: ISO 3166-1, ISO 3166-2, city, postal code, each empty where not said."""

    country: str
    region: str = ""
    city: str = ""
    postal: str = ""


_NOTHING = Said("")


class Table:
    """One list: disjoint ranges of addresses and what is said of each. Never changes."""

    __slots__ = ("_keys", "_said", "_what", "problem_count", "problems", "rows")

    def __init__(
        self,
        ranges: Mapping[int, tuple[bytes, array[int]]],
        said: Sequence[Said],
        *,
        rows: int,
        problems: Sequence[Problem] = (),
        problem_count: int = 0,
    ) -> None:
        self._keys = {width: keys for width, (keys, _) in ranges.items()}
        self._what = {width: what for width, (_, what) in ranges.items()}
        self._said = said
        self.rows = rows
        self.problems = tuple(problems)
        self.problem_count = problem_count

    def at(self, address: str) -> Said | None:
        """What the longest prefix around `address` says; None: no prefix, or one that is not to be placed."""
        key = packed(address)
        said = None if key is None else self.at_packed(key)
        return said if said is not None and said.country else None

    def at_packed(self, key: bytes) -> Said | None:
        """The same for 4 or 16 bytes in network order, with a `Said` without country where that is what it says."""
        width = len(key)
        keys, what = self._keys.get(width, b""), self._what.get(width)
        if what is None:
            return None
        low, high = 0, len(what)
        while low < high:
            middle = (low + high) // 2
            if key < keys[middle * width : middle * width + width]:
                high = middle
            else:
                low = middle + 1
        place = what[low - 1] if low else -1
        return None if place < 0 else self._said[place]


def packed(address: str) -> bytes | None:
    """The bytes of an IPv4 or IPv6 address in network order, an IPv4-mapped one as IPv4; None when it is none."""
    try:
        if ":" not in address:
            return socket.inet_pton(socket.AF_INET, address)
        key = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):  # ValueError: a NUL, or a character that is not ASCII
        return None
    return key[12:] if key.startswith(_MAPPED) else key


_MAPPED = b"\0" * 10 + b"\xff\xff"


# Reading a list.


_COUNTRY = re.compile(r"[A-Z]{2}")
_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


class _Reading:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.count = 0
        self.said: dict[Said, int] = {}
        self.prefixes: dict[int, dict[tuple[bytes, int], int]] = {4: {}, 16: {}}

    def fault(self, line: int, sentence: str) -> None:
        self.count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(line, sentence))

    def number(self, said: Said) -> int:
        return self.said.setdefault(said, len(self.said))


def read(lines: Iterable[str] | bytes) -> Table:
    """Read a list; lines as text, or the bytes of a file (UTF-8, what is not UTF-8 is a fault of its line).

    Never raises. A prefix that two lines place differently is nowhere: which is right is not ours to guess.
    """
    reading = _Reading()
    for number, line in enumerate(_text_lines(lines), 1):
        bare = line.strip()
        if bare and not bare.startswith("#"):
            _line(number, bare, reading)
    ranges = {width: _flat(width, prefixes) for width, prefixes in reading.prefixes.items() if prefixes}
    rows = sum(map(len, reading.prefixes.values()))
    return Table(ranges, tuple(reading.said), rows=rows, problems=reading.problems, problem_count=reading.count)


def _text_lines(lines: Iterable[str] | bytes) -> Iterator[str]:
    if not isinstance(lines, bytes):
        yield from lines
        return
    for number, line in enumerate(lines.split(b"\n")):
        yield (line.removeprefix(b"\xef\xbb\xbf") if not number else line).decode("utf-8", "replace")


def _line(number: int, line: str, reading: _Reading) -> None:
    fields = _fields(line)
    if fields is None or not 1 <= len(fields) <= 5:
        reading.fault(number, "This is not prefix,country,region,city,postal.")
        return
    if "\ufffd" in line:
        reading.fault(number, "The line is not UTF-8.")
        return
    prefix = _prefix(fields[0], number, reading)
    if prefix is None:
        return
    country, region, city, postal = (field.strip() for field in (*fields[1:], "", "", "", "")[:4])
    country, region = country.upper(), region.upper()
    if country and not _COUNTRY.fullmatch(country):
        reading.fault(number, f"{country[:20]!r} is no country code of two letters (ISO 3166-1).")
        return
    if region and (not _REGION.fullmatch(region) or not region.startswith(f"{country}-")):
        reading.fault(
            number, f"{region[:20]!r} is no region of {country or 'that country'}; only this field is left out."
        )
        region = ""
    said = Said(country, region, city[:LONGEST_FIELD], postal[:LONGEST_FIELD]) if country else _NOTHING
    key = len(prefix[0])
    place, known = reading.number(said), reading.prefixes[key].get(prefix)
    if known is None:
        reading.prefixes[key][prefix] = place
    else:
        reading.fault(number, "The same prefix stands in an earlier line.")
        if known != place:
            reading.prefixes[key][prefix] = reading.number(_NOTHING)


def _fields(line: str) -> list[str] | None:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except (csv.Error, StopIteration):
        return None


def _prefix(text: str, number: int, reading: _Reading) -> tuple[bytes, int] | None:
    host, slash, length_text = text.strip().partition("/")
    try:
        key = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except (OSError, ValueError):
        reading.fault(number, f"{text[:60]!r} is no prefix of addresses.")
        return None
    bits = len(key) * 8
    length = bits
    if slash:
        length = int(length_text) if length_text.isascii() and length_text.isdigit() and len(length_text) < 4 else -1
    if not 0 <= length <= bits:
        reading.fault(number, f"{text[:60]!r} has a length that no such prefix has.")
        return None
    if int.from_bytes(key, "big") & ((1 << (bits - length)) - 1):
        reading.fault(number, f"{text[:60]!r} has bits set behind its length.")
        return None
    return key, length


def _flat(width: int, prefixes: Mapping[tuple[bytes, int], int]) -> tuple[bytes, array[int]]:
    """The nested prefixes as ranges one after another: where each begins, and its place (-1: none)."""
    keys, what = bytearray(), array("i")
    bits = width * 8
    last = 1 << bits
    # The prefixes around the present point, each with the first address behind it.
    around: list[tuple[int, int]] = []

    def begin(at: int, place: int) -> None:
        if at >= last or (what and what[-1] == place):
            return
        key = at.to_bytes(width, "big")
        if keys[-width:] == key:
            what[-1] = place
        else:
            keys.extend(key)
            what.append(place)

    # Sorted by beginning, wider prefixes first, so whatever is inside follows what it is inside of.
    for key, length in sorted(prefixes):
        start = int.from_bytes(key, "big")
        while around and around[-1][0] <= start:
            end, _ = around.pop()
            begin(end, around[-1][1] if around else -1)
        place = prefixes[key, length]
        around.append((start + (1 << (bits - length)), place))
        begin(start, place)
    while around:
        end, _ = around.pop()
        begin(end, around[-1][1] if around else -1)
    return bytes(keys), what


# Several lists.


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One list: its name, the day it is of, the last day it holds (None: until another says otherwise), what it is."""

    source: str
    as_of: date
    table: Table
    until: date | None = None
    kind: ListKind = ListKind.PLACES


_MARK_OF = {ListKind.ANONYMISERS: Mark.ANONYMISER, ListKind.HOSTING: Mark.HOSTING}


class Feeds:
    """Lists of several days and sources; a `NetworkPlaces`."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        by_day: dict[date, list[Feed]] = defaultdict(list)
        marking: list[Feed] = []
        for feed in feeds:
            if feed.kind is ListKind.PLACES:
                by_day[feed.as_of].append(feed)
            else:
                marking.append(feed)
        self._days = sorted(by_day)
        self._by_day = by_day
        self._marking = sorted(marking, key=lambda feed: feed.as_of)

    def at(self, address: str, when: datetime | None) -> NetworkPlace | None:
        """Where `address` was at `when`; see `NetworkPlaces`."""
        key = packed(address)
        if key is None:
            return None
        day = None if when is None else when.date()
        found = self._place(key, day)
        marks = self._marks(key, day)
        if not marks:
            return found
        found = found or NetworkPlace("")
        return replace(found, note=",".join(filter(None, (found.note, *marks))))

    def _place(self, key: bytes, day: date | None) -> NetworkPlace | None:
        earlier = [one for one in self._days if day is None or one <= day]
        for of_day in reversed(earlier):
            open_then = [one for one in self._by_day[of_day] if day is None or one.until is None or day <= one.until]
            if (found := _agreed(key, open_then)) is not None:
                return found if found.country else None
        for of_day in self._days[len(earlier) :]:
            if (found := _agreed(key, self._by_day[of_day])) is not None:
                note = ",".join(filter(None, (Mark.LATER_LIST.value, found.note)))
                return replace(found, note=note) if found.country else None
        return None

    def _marks(self, key: bytes, day: date | None) -> list[str]:
        """The marks of lists that hold on that day; lists of one source follow each other, another's stand beside."""
        standing: dict[str, Feed] = {}
        later: dict[str, Feed] = {}
        for feed in self._marking:
            if day is None or feed.as_of <= day:
                standing[feed.source] = feed
            else:
                later.setdefault(feed.source, feed)
        # Before a source's first list its first list is the best there is: to count what does not count is worse.
        feeds = {**later, **standing}.values()
        held = (feed for feed in feeds if day is None or feed.until is None or day <= feed.until)
        marks = {_MARK_OF[feed.kind].value for feed in held if feed.table.at_packed(key) is not None}
        return sorted(marks)


def _agreed(key: bytes, feeds: Iterable[Feed]) -> NetworkPlace | None:
    """What the lists of one day say together: what all agree on, with a mark where they do not; None: none says."""
    said = [(feed, one) for feed in feeds if (one := feed.table.at_packed(key)) is not None]
    if not said:
        return None
    (first, best), *others = sorted(said, key=lambda one: (-len([part for part in one[1] if part]), one[0].source))
    place = NetworkPlace(best.country, best.region, best.city, best.postal, first.source, first.as_of)
    for _, other in others:
        if not other.country or not best.country:
            continue
        if other.country != best.country:
            # The others are heard too: a page shows the mark, and the weight goes down.
            return replace(place, state="", city="", postal="", note=Mark.LISTS_DISAGREE)
        if other.region and best.region and other.region != best.region:
            return replace(place, state="", city="", postal="", note=Mark.LISTS_DISAGREE)
        if other.city and best.city and plain(other.city) != plain(best.city):
            place = replace(place, city="", postal="", note=Mark.LISTS_DISAGREE)
    return place
