# SPDX-License-Identifier: Apache-2.0
"""What is loaded, to be shown: each list with the times it covers, age and licence; and whom the directory names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nightlight.casework.attribution import loaded, store
from nightlight.casework.attribution.models_lists import Archive, ListImport
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.tracks import ArchiveRefused

if TYPE_CHECKING:
    from datetime import datetime, timedelta

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Shown:
    """One list. `gaps`: times between two snapshots too far apart, of which it can say nothing."""

    kind: str
    name: str
    version: str
    licence: str
    archived: bool
    rows: int
    snapshots: int
    size: int
    covers_from: datetime | None
    covers_until: datetime | None
    gaps: tuple[tuple[datetime, datetime], ...]
    longest_gap_days: float
    age_days: float
    problems: int
    readable: bool

    def covers(self) -> str:
        """The times it covers, as a person reads them."""
        if self.covers_from is None or self.covers_until is None:
            return "covers no time"
        if not self.archived and self.snapshots == 1:
            return f"as of {self.covers_from:%Y-%m-%d}"
        return f"{self.covers_from:%Y-%m-%d %H:%M} to {self.covers_until:%Y-%m-%d %H:%M} UTC"

    def age(self) -> str:
        """How old it is, and whether that is too old to say anything of today."""
        late = ", too old to speak of today" if self.age_days > self.longest_gap_days else ""
        return f"{self.age_days:.0f} days old{late}"


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is loaded, and the labels that nothing loaded could lead to."""

    lists: tuple[Shown, ...]
    missing: tuple[str, ...]
    exercise: bool

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "lists": [
                asdict(one)
                | {
                    "covers_from": _text(one.covers_from),
                    "covers_until": _text(one.covers_until),
                    "gaps": [[_text(first), _text(last)] for first, last in one.gaps],
                }
                for one in self.lists
            ],
            "missing": list(self.missing),
            "exercise": self.exercise,
        }


def overview(now: datetime) -> Overview:
    """Return what is loaded, by kind and name."""
    newest: dict[tuple[str, str], ListImport] = {}
    for one in ListImport.objects.order_by("kind", "series", "-as_of", "-pk").distinct("kind", "series"):
        newest[one.kind, one.series] = one
    series: dict[tuple[str, str], list[Archive]] = {}
    for row in Archive.objects.order_by("kind", "series", "as_of"):
        series.setdefault((row.kind, row.series), []).append(row)
    lists = loaded.current_lists()
    found = tuple(_shown(rows, newest[key], now) for key, rows in series.items() if key in newest)
    return Overview(found, tuple(str(label) for label in lists.missing), bool(lists.exercise))


def operators() -> dict[str, Any]:
    """Return whom the directory in use names."""
    directory = loaded.current_directory()
    return {
        "name": directory.name,
        "version": directory.version,
        "loaded": [
            {"name": one.name, "sha256": one.sha256, "operators": one.operators, "at": one.at.isoformat()}
            for one in loaded.in_use()
        ],
        "operators": [
            {
                "code": one.code,
                "name": one.name,
                "country": one.country,
                "kind": str(one.kind),
                "networks": len(one.networks) + len(one.prefixes),
                "contacts": len(one.contacts),
                "exercise": one.exercise,
                "source": one.source,
            }
            for one in directory.operators
        ],
    }


def _shown(rows: list[Archive], newest: ListImport, now: datetime) -> Shown:
    kind = ListKind(newest.kind)
    gaps, readable = _gaps(rows, kind)
    firsts = [row.covers_from for row in rows if row.covers_from is not None]
    lasts = [row.covers_until for row in rows if row.covers_until is not None]
    return Shown(
        kind=newest.kind,
        name=newest.series,
        version=newest.version,
        licence=newest.licence,
        archived=kind.archived,
        rows=sum(row.rows for row in rows),
        snapshots=sum(row.snapshots for row in rows),
        size=sum(row.size for row in rows),
        covers_from=min(firsts, default=None),
        covers_until=max(lasts, default=None),
        gaps=gaps,
        longest_gap_days=_days(kind.meaning.longest_gap),
        age_days=_days(now - max(lasts)) if lasts else 0.0,
        problems=newest.problems,
        readable=readable,
    )


def _gaps(rows: list[Archive], kind: ListKind) -> tuple[tuple[tuple[datetime, datetime], ...], bool]:
    if not kind.archived:
        days = [row.as_of for row in rows if row.as_of is not None]
        wide = tuple((first, last) for first, last in pairwise(days) if last - first > kind.meaning.longest_gap)
        return wide, all(store.read(row.sha256) is not None for row in rows)
    data = store.read(rows[0].sha256)
    try:
        return ((), False) if data is None else (IntervalArchive.from_bytes(data).gaps, True)
    except ArchiveRefused:
        return (), False


def _days(span: timedelta) -> float:
    return span.total_seconds() / _DAY


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
