# SPDX-License-Identifier: Apache-2.0
"""Reads lists with a prefix, an address, a range or an AS number in each line, and what stands beside it.

192.0.2.0/24            2001:db8::/32            192.0.2.1-192.0.2.9      ; and # begin a comment
AS64496 # Example Net   192.0.2.0/24,XA,Region,Place,      (vendors of relays publish such tables)
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, NamedTuple

from nightlight.casework.attribution.netdata.kinds import About
from nightlight.casework.attribution.netdata.reading.lines import (
    LIMITS,
    Limits,
    Line,
    ProblemCode,
    Read,
    Tally,
    lines,
    must_hold,
)
from nightlight.casework.attribution.netdata.spans import Family, NotASpan, Span, span_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"\s*(?:#|;|//)\s*")
_AFTER = re.compile(r"[,\s]\s*")
WIDEST = {Family.IPV4: 8, Family.IPV6: 12}
"""The shortest prefix that a list of services may hold; a wider one would put a label on whole continents."""


class Listed(NamedTuple):
    """An entry and what its line says besides, at most 200 characters."""

    span: Span
    note: str = ""


def read_prefixes(stream: IO[bytes], about: About = About.ADDRESSES, limits: Limits = LIMITS) -> Read[Listed]:
    """Read a whole list. Raises NetdataDamaged when not one line is an entry, or the file is damaged."""
    tally = Tally()
    entries = tuple(prefixes(stream, tally, about, limits))
    must_hold(len(entries), tally)
    return Read(entries, tally)


def prefixes(stream: IO[bytes], tally: Tally, about: About, limits: Limits = LIMITS) -> Iterator[Listed]:
    """Go through a list, entry by entry; an entry that came before is counted and not given again."""
    seen: set[Span] = set()
    for line in lines(stream, tally, limits):
        if (entry := entry_of(line, tally, about)) is None:
            continue
        if entry.span in seen:
            tally.note(line.number, ProblemCode.TWICE, line.text)
            tally.passed_over += 1
            continue
        seen.add(entry.span)
        tally.entries += 1
        yield entry


def entry_of(line: Line, tally: Tally, about: About) -> Listed | None:
    """Read one line; None for a comment, or for a fault, which is noted."""
    text, *comment = _COMMENT.split(line.text, maxsplit=1)
    if not text:
        tally.comments += 1
        return None
    text = text.replace(" - ", "-")
    first, *rest = _AFTER.split(text, maxsplit=1)
    note = (comment or rest or [""])[0].strip(", \t")[:200]
    try:
        span = span_of(first.strip('"'))
    except NotASpan as no:
        tally.note(line.number, ProblemCode(no.fault), line.text)
        return None
    if (span.family is Family.NUMBERS) is not (about is About.NUMBERS):
        tally.note(line.number, ProblemCode.WRONG_SORT, line.text)
        return None
    if span.hi - span.lo >= 1 << (span.family.bits - WIDEST.get(span.family, 0)):
        tally.note(line.number, ProblemCode.TOO_WIDE, line.text)
        return None
    if "/" in first and not first.lower().startswith("as") and _host_bits(first, span):
        tally.note(line.number, ProblemCode.HOST_BITS, line.text)
    return Listed(span, note)


def _host_bits(text: str, span: Span) -> bool:
    """Whether the address before the slash is not the first of the prefix."""
    return span_of(text.strip('"').partition("/")[0]).lo != span.lo
