# SPDX-License-Identifier: Apache-2.0
"""What stands in the address of a page of entries: read from clients, written for the next page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nightlight.foundation.refusals import Refusal
from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.terms import PAGE_SIZE, VERSION
from nightlight.pipeline.matching.sharing_queries import Place, to_the_millisecond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.pipeline.matching.sharing_queries import Served, Window

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 2**53


class Unclear(Refusal):
    """An address asks for a page in words that make no sense."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for: ``upto`` None is now; ``start``, ``most`` and ``after`` are those of a next page."""

    since: datetime
    upto: datetime | None
    size: int
    start: int = 1
    most: int = 0
    after: Place | None = None


def read(query: Mapping[str, str]) -> Asked:
    """Read the query of an address; what it says besides is passed over. Raises Unclear.

    Times finer than a millisecond are cut off at both ends, so that two ranges that meet miss nothing between them.
    """
    since = _time(query, "from") or BEGINNING
    upto = _time(query, "to")
    size = min(_number(query, "size", at_least=1) or PAGE_SIZE, PAGE_SIZE)
    if "after" not in query:
        if query.get("start", "1") != "1":
            raise Unclear("A page in the middle is asked for by the address in paging/next, as it stands there.")
        return Asked(since, upto, size)
    start, most = _number(query, "start", at_least=1), _number(query, "max", at_least=0)
    if start is None or most is None or upto is None:
        raise Unclear("The address of a next page holds from, to, start, size, max and after; use it as it stands.")
    return Asked(since, upto, size, start, most, _place(query["after"]))


def following(asked: Asked, window: Window, served: Served) -> str | None:
    """Return the address of the next page, from the version on; None where there is none."""
    if served.after is None:
        return None
    words = {
        "from": writing.stamp(window.since, milliseconds=True),
        "to": writing.stamp(window.upto, milliseconds=True),
        "start": asked.start + len(served.changes),
        "size": asked.size,
        "max": served.most,
        "after": f"{(served.after.at - BEGINNING) // _MICROSECOND}.{served.after.source_id}",
    }
    return f"{VERSION}/entries?{urlencode(words)}"


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    found = reading.timestamp(text)
    if found is None:
        raise Unclear(f"{name} is a time in UTC such as 2026-11-22T09:30:00.000Z, not {text[:40]!r}.")
    return to_the_millisecond(found)


def _number(query: Mapping[str, str], name: str, *, at_least: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and at_least <= int(text) <= _MOST):
        raise Unclear(f"{name} is a whole number from {at_least} on, not {text[:40]!r}.")
    return int(text)


def _place(text: str) -> Place:
    micros, _, source_id = text.partition(".")
    if not (micros.isascii() and micros.removeprefix("-").isdecimal() and len(micros) < 19) or "\x00" in source_id:
        raise Unclear("after is not what stood in the address of a next page.")
    try:
        return Place(BEGINNING + int(micros) * _MICROSECOND, source_id)
    except OverflowError:
        raise Unclear("after is not what stood in the address of a next page.") from None
