# SPDX-License-Identifier: Apache-2.0
"""Makes snapshots and tables out of files in whichever form they came, by what they shall say.

A file is a database in MaxMind's format, a history of numpy columns (.npz), a dated list of Tor exits, a registry's
statistics, a table of ranges, or lines of prefixes or AS numbers; the form is seen from the file, the kind is stated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import IO, TYPE_CHECKING, TypeAlias

from nightlight.casework.attribution import loading
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import About, ListKind, ListSource
from nightlight.casework.attribution.netdata.reading.lines import Limits, NetdataDamaged, Tally, lines
from nightlight.casework.attribution.netdata.reading.mmdb import Database, signed
from nightlight.casework.attribution.netdata.reading.networks import read_networks, read_numbers
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.casework.attribution.netdata.reading.registry import read_delegated
from nightlight.casework.attribution.netdata.reading.tables import read_history
from nightlight.casework.attribution.netdata.reading.tor import read_tor_exits
from nightlight.casework.attribution.netdata.spans import Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nightlight.casework.attribution.lists import Table
    from nightlight.casework.attribution.netdata.reading.lines import Read
    from nightlight.casework.attribution.netdata.reading.prefixes import Listed
    from nightlight.casework.attribution.netdata.spans import Span

Snapshot: TypeAlias = "tuple[tuple[Span, ...], frozenset[Family] | None]"
"""A full list, and of which families it is the full list: those of its entries where that is None."""

HISTORY = ".npz"
_CHUNK = 1_000_000  # ranges of snapshots that are held at a time
_MMDB, _MMDB_WITHIN = b"\xab\xcd\xefMaxMind.com", 128 * 1024
_REGISTRY = re.compile(r"2(\.\d)?\|[a-z]+\|")
_NUMBERS = re.compile(r"\ufeff?(asn?\b|\"?\d+\"?\s*(,|$))", re.IGNORECASE)
_SIGNED = frozenset(
    {ListKind.TOR_EXIT, ListKind.VPN, ListKind.PUBLIC_PROXY, ListKind.RESIDENTIAL_PROXY, ListKind.HOSTING}
)
_FACTS = frozenset(
    {ListKind.NETWORKS, ListKind.COUNTRIES, ListKind.CONNECTION_TYPE, ListKind.USER_COUNT, ListKind.ANONYMOUS}
)
_RANGES = frozenset({ListKind.NETWORKS, ListKind.COUNTRIES})
USABLE = frozenset(kind for kind in ListKind if kind.archived or kind in _FACTS)
"""The kinds of which labels make something."""


class WrongKind(ValueError):
    """A file of that form says nothing of that kind."""


@dataclass(slots=True)
class Seen:
    """What was read of a file: the account of its lines, its own time, its own version."""

    tally: Tally = field(default_factory=Tally)
    as_of: datetime | None = None
    version: str = ""


def is_history(path: Path) -> bool:
    """Whether it is a history that somebody else recorded."""
    return path.name.lower().endswith(HISTORY)


def is_database(path: Path) -> bool:
    """Whether it is a database in MaxMind's format. Raises OSError."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _MMDB_WITHIN))
        return _MMDB in stream.read()


def snapshot(path: Path, kind: ListKind, seen: Seen) -> Snapshot:
    """Read one full list. Raises NetdataDamaged, WrongKind, OSError."""
    if is_database(path):
        return _signed(path, kind, seen)
    with path.open("rb") as stream:
        read = _listed(stream, kind)
    seen.tally, seen.as_of = read.tally, read.as_of
    return tuple(one.span for one in read.entries), None


def history(path: Path, kind: ListKind, seen: Seen) -> IntervalArchive:
    """Read a history of IPv4 ranges. Raises NetdataDamaged, WrongKind, OSError."""
    if kind.meaning.about is not About.ADDRESSES:
        raise WrongKind(f"A history of ranges says nothing of {kind}.")
    with path.open("rb") as stream:
        read = read_history(stream, kind.meaning.longest_gap)
    seen.tally, seen.as_of = read.tally, read.as_of
    return read.entries[0]


def table(path: Path, source: ListSource, seen: Seen) -> Table:
    """Read a table of one day. Raises NetdataDamaged, WrongKind, OSError."""
    if source.kind not in _FACTS:
        raise WrongKind(f"No label follows from {source.kind}, so it is not loaded.")
    if is_database(path):
        with Database(path) as held:
            seen.as_of = held.about.built
            return loading.of_facts(source, held.rows(seen.tally))
    if source.kind not in _RANGES:
        raise WrongKind(f"{source.kind} is read from a database in MaxMind's format; this file is none.")
    with path.open("rb") as stream:
        if source.kind is ListKind.COUNTRIES and _REGISTRY.match(_first(stream)):
            delegated = read_delegated(stream)
            seen.tally, seen.as_of = delegated.tally, delegated.as_of
            return loading.of_delegations(source, delegated.entries)
        networks = read_networks(stream)
    seen.tally = networks.tally
    return loading.of_networks(source, networks.entries)


def own_time(path: Path) -> datetime | None:
    """Return the time that the file of a table states of itself; None where it states none.

    Raises NetdataDamaged, OSError.
    """
    if is_database(path):
        with Database(path) as held:
            return held.about.built
    with path.open("rb") as stream:
        return read_delegated(stream).as_of if _REGISTRY.match(_first(stream)) else None


def end_of(day: date) -> datetime:
    """Return the last second of a day: what a list of that day holds was complete by then."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=-1)


def together(parts: Sequence[tuple[datetime, Snapshot]], kind: ListKind) -> IntervalArchive:
    """Put snapshots into one archive. Raises ArchiveRefused."""
    gap = kind.meaning.longest_gap
    full: dict[datetime, set[Family]] = {}
    for at, (_, families) in parts:
        full.setdefault(at, set()).update(families or ())
    return IntervalArchive.of_snapshots(((at, spans) for at, (spans, _) in parts), longest_gap=gap, families=full)


def keeping(one: Snapshot, known: set[Family]) -> Snapshot:
    """Take a list for the full list of every family that its series had before; puts its own into `known`.

    What a family had is over when a later list names none of it: else its last entries would go on being believed. A
    database says of itself which it covers, and an empty file says nothing.
    """
    spans, families = one
    own = {span.family for span in spans}
    known |= own
    return (spans, frozenset(known)) if families is None and own else one


def grown_of(
    kind: ListKind, read: Iterable[tuple[datetime, IntervalArchive | Snapshot]], families: Iterable[Family] = ()
) -> IntervalArchive:
    """Put what was read together, each as of its time, holding few snapshots at once. Raises ArchiveRefused.

    `families` are those that the series has already; read in the order of its imports, they come to be the same.
    """
    held = set(families)
    found = IntervalArchive(longest_gap=kind.meaning.longest_gap)
    parts: list[tuple[datetime, Snapshot]] = []
    size = 0
    for as_of, one in read:
        if isinstance(one, IntervalArchive):
            found = found.together(one)
            held.update(one.families)
            continue
        parts.append((as_of, keeping(one, held)))
        size += len(one[0]) + 1
        if size > _CHUNK:
            found, parts, size = found.together(together(parts, kind)), [], 0
    return found.together(together(parts, kind))


def _signed(path: Path, kind: ListKind, seen: Seen) -> Snapshot:
    if kind not in _SIGNED:
        raise WrongKind(f"A database of anonymisers says nothing of {kind}.")
    with Database(path) as held:
        if ListKind.ANONYMOUS not in held.about.kinds and ListKind.RESIDENTIAL_PROXY not in held.about.kinds:
            raise WrongKind(f"The database ({held.about.type}) is no database of anonymisers.")
        seen.as_of = held.about.built
        spans = tuple(signed(held.rows(seen.tally))[kind])
        families = frozenset({Family.IPV4, Family.IPV6} if held.about.version == 6 else {Family.IPV4})
    return spans, families


def _listed(stream: IO[bytes], kind: ListKind) -> Read[Listed]:
    if kind is ListKind.TOR_EXIT:
        return read_tor_exits(stream)
    if kind.meaning.about is About.ADDRESSES:
        return read_prefixes(stream)
    return read_numbers(stream) if _NUMBERS.match(_first(stream)) else read_prefixes(stream, About.NUMBERS)


def _first(stream: IO[bytes]) -> str:
    """The first line that is no comment; the stream stands at its beginning again."""
    try:
        for line in lines(stream, Tally(), Limits()):
            if not line.text.startswith(("#", ";", "//")):
                return line.text
    except NetdataDamaged:  # is said by whoever reads it
        return ""
    finally:
        stream.seek(0)
    return ""
