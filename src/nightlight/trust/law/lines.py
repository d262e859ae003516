# SPDX-License-Identifier: Apache-2.0
"""What the readers of a law pack share: periods, and the sources that every fact has to name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nightlight.trust.law.facts import Basis, Check, PackRefused, Period, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nightlight.foundation.tables import Table

MAX_YEARS = 100
COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)


def period(text: str, place: str = "period") -> Period:
    """Return a calendar period of ISO 8601 (``P3Y``, ``P6M``, ``P2W``, ``P90D``, ``P1Y6M``).

    Hours are refused: records are kept for days. Raises PackRefused.
    """
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise PackRefused(place, f"{text!r} is not a period such as P3Y or P90D")
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    if years + months / 12 + (weeks * 7 + days) / 365 > MAX_YEARS:
        raise PackRefused(place, f"{text!r} is longer than {MAX_YEARS} years")
    return Period(years=years, months=months, days=weeks * 7 + days, text=text)


def once(place: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PackRefused(place, f"{str(name)!r} stands there twice")
        seen.add(name)


class Sources:
    """The list of sources, and which of them are used."""

    def __init__(self, table: Table) -> None:
        self._by_id: dict[str, Source] = {}
        self._unused: set[str] = set()
        for key, one in table.named_tables():
            self._by_id[key] = Source(id=key, title=one.text("title"), url=one.optional_text("url"))
            one.end()
            self._unused.add(key)

    def basis(self, table: Table) -> Basis:
        """Return what a fact rests on; a fact without it is refused."""
        name = table.text("source")
        if name not in self._by_id:
            raise PackRefused(table.at("source"), f"{name!r} is not among the sources")
        self._unused.discard(name)
        return Basis(source=self._by_id[name], check=table.choice("check", Check))

    def end(self) -> tuple[Source, ...]:
        if self._unused:
            raise PackRefused(f"sources.{min(self._unused)}", "is a source that no fact names")
        return tuple(self._by_id.values())
