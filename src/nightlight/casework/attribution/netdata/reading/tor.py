# SPDX-License-Identifier: Apache-2.0
"""Reads lists of Tor exits: addresses alone, or the exit lists that carry their own date.

The dated form (Tor Project, CollecTor, "@type tordnsel 1.0"; TorDNSEL's exit-addresses):

    @type tordnsel 1.0
    Downloaded 2024-01-02 03:02:03
    ExitNode <fingerprint>
    Published 2024-01-01 20:00:00
    LastStatus 2024-01-02 02:00:00
    ExitAddress 192.0.2.7 2024-01-02 02:10:00

All times are UTC. Where the file has no `Downloaded`, the latest time in it is the earliest that it can be of.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import IO

from nightlight.casework.attribution.netdata.kinds import About
from nightlight.casework.attribution.netdata.reading.lines import (
    LIMITS,
    DamageCode,
    Limits,
    Line,
    NetdataDamaged,
    ProblemCode,
    Read,
    Tally,
    lines,
    must_hold,
)
from nightlight.casework.attribution.netdata.reading.prefixes import Listed, entry_of

_WORDS = frozenset({"ExitNode", "Published", "LastStatus", "ExitAddress", "Downloaded", "@type"})
_DATE_IN_NAME = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")


def read_tor_exits(stream: IO[bytes], limits: Limits = LIMITS) -> Read[Listed]:
    """Read a list of either form; the note of a dated entry says when the exit was seen with that address.

    Several lists in one file are refused: each would have to be a snapshot of its own.
    Raises NetdataDamaged when not one line is an entry, or the file is damaged.
    """
    tally = Tally()
    entries: dict[object, Listed] = {}
    times: list[datetime] = []
    downloaded: list[datetime] = []
    for line in lines(stream, tally, limits):
        word, _, rest = line.text.partition(" ")
        if word not in _WORDS:
            _keep(entry_of(line, tally, About.ADDRESSES), line, entries, tally)
        elif word == "ExitAddress":
            address, _, seen = rest.partition(" ")
            if (moment := _moment(seen)) is None:
                tally.note(line.number, ProblemCode.DATE, line.text)
                continue
            entry = entry_of(Line(line.number, address), tally, About.ADDRESSES)
            if entry is not None:
                times.append(moment)
            _keep(entry and Listed(entry.span, f"seen {moment:%Y-%m-%dT%H:%M:%SZ}"), line, entries, tally)
        elif word in {"ExitNode", "@type"}:
            tally.passed_over += 1
        elif (moment := _moment(rest)) is None:
            tally.note(line.number, ProblemCode.DATE, line.text)
        else:
            tally.passed_over += 1
            (downloaded if word == "Downloaded" else times).append(moment)
    if len(downloaded) > 1:
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "There are several lists in this file; import each by itself.")
    must_hold(len(entries), tally)
    as_of = downloaded[0] if downloaded else max(times, default=None)
    return Read(tuple(entries.values()), tally, as_of)


def _keep(entry: Listed | None, line: Line, entries: dict[object, Listed], tally: Tally) -> None:
    if entry is None:
        return
    if entry.span in entries:
        tally.note(line.number, ProblemCode.TWICE, line.text)
        tally.passed_over += 1
        return
    tally.entries += 1
    entries[entry.span] = entry


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def date_in_name(name: str) -> date | None:
    """Return the one day that a file's name holds (`exits-2024-02-27.txt`), to be shown as a proposal to a person."""
    found = set()
    for match in _DATE_IN_NAME.finditer(name):
        try:
            found.add(date(*(int(part) for part in match.groups())))
        except ValueError:
            continue
    return found.pop() if len(found) == 1 else None
