# SPDX-License-Identifier: Apache-2.0
"""What is loaded now, held in memory: the lists that events are judged by, and the directory of operators.

Each call asks the database in one statement whether anything was loaded since, and makes all anew only then, so that
it may be called for every tip. An archive whose file is gone or not as it was is passed over and logged, and looked for
again at the next call.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import connection

from nightlight.casework.attribution import store
from nightlight.casework.attribution.labelling import Labeller
from nightlight.casework.attribution.lists import Archived, Lists, Table
from nightlight.casework.attribution.models_lists import Archive, DirectoryVersion, ListImport
from nightlight.casework.attribution.netdata import table_packing
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reserved import BLOCKS
from nightlight.casework.attribution.netdata.tracks import ArchiveRefused
from nightlight.casework.attribution.operator_profiles import profiles_of
from nightlight.casework.attribution.operators import Directory
from nightlight.casework.attribution.operators_reading import read_directory, shipped
from nightlight.foundation.held import Held

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = """
SELECT (SELECT coalesce(string_agg(id || ' ' || sha256, ',' ORDER BY id), '') FROM attribution_archive),
       (SELECT coalesce(string_agg(id || ' ' || sha256, ',' ORDER BY id), '') FROM attribution_directory)
"""
_BASES = {"IN": "in"}  # law pack: the numbers of that country's networks that come with Nightlight
_ATTEMPTS = 3
log = structlog.get_logger("attribution")


@dataclass(frozen=True)
class Loaded:
    """All that is loaded at a time. ``digest`` changes with every import; ``missing`` names files that are gone."""

    digest: str
    lists: Lists
    directory: Directory
    missing: tuple[str, ...] = ()

    @cached_property
    def labeller(self) -> Labeller:
        """Judges by these lists; made at first use and shared."""
        return Labeller(self.lists)


_held = Held[Loaded]()


def current() -> Loaded:
    """Return all that is loaded now."""
    mark = _mark()
    found = _held.get(mark, lambda: _make(*mark))
    if any(store.there(store.ARCHIVES, one) for one in found.missing):  # it was brought back
        _held.forget()
        found = _held.get(mark, lambda: _make(*mark))
    return found


def current_lists() -> Lists:
    """Return the lists as they are loaded now; empty where the unit loaded none."""
    return current().lists


def current_directory() -> Directory:
    """Return whom to ask: what the unit loaded, over the numbers of the law pack's country that we ship."""
    return current().directory


def current_labeller() -> Labeller:
    """Return what judges events by the lists as they are loaded now."""
    return current().labeller


def in_use() -> list[DirectoryVersion]:
    """Return the newest version of each directory that was loaded, in the order in which they lie over each other."""
    newest = {one.name: one for one in DirectoryVersion.objects.order_by("pk")}
    return sorted(newest.values(), key=lambda one: one.pk)


def combined(loaded: Iterable[Directory]) -> Directory:
    """Put directories over each other, the later over the earlier, all over what comes with Nightlight.

    Raises DirectoryConflict where two of them give one network to different operators.
    """
    base = _BASES.get(settings.ENVIRONMENT.law)
    found = Directory() if base is None else shipped(base)
    for one in loaded:
        found = one.over(found)
    return found


def _mark() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MARK)
        archives, directories = cursor.fetchone()
    return archives, directories


def _make(archives: str, directories: str) -> Loaded:
    directory = combined(read_directory(one.body) for one in in_use())
    held, tables, missing = _read()
    for _ in range(_ATTEMPTS):
        if not missing:
            break
        held, tables, missing = _read()  # an import may have finished between the row and the file
    for name, sha256 in missing:
        log.error("netdata-passed-over", name=name, sha256=sha256)
    exercise = any(one.exercise for one in directory.operators)
    lists = Lists(
        tuple(held),
        tuple(tables),
        profiles_of(directory),
        # Ranges for documentation are as good as any other where the directory in use is of an exercise, never else.
        exercise=tuple(block.prefix for block in BLOCKS if block.documentation) if exercise else (),
    )
    said = f"{archives}\n{directories}\n{directory.name} {directory.version}"
    gone = tuple(sha256 for _, sha256 in missing)
    digest = hashlib.sha256("\n".join((said, *gone)).encode()).hexdigest()
    return Loaded(digest, lists, directory, gone)


def _read() -> tuple[list[Archived], list[Table], list[tuple[str, str]]]:
    versions = _versions()
    held: list[Archived] = []
    tables: list[Table] = []
    missing: list[tuple[str, str]] = []
    for one in Archive.objects.order_by("kind", "series", "as_of"):
        kind, data = ListKind(one.kind), store.read(one.sha256)
        version = versions.get((one.kind, one.series, None if kind.archived else one.as_of), "")
        try:
            if data is None:
                missing.append((str(one), one.sha256))
            elif kind.archived:
                held.append(Archived(kind, one.series, version, IntervalArchive.from_bytes(data)))
            elif one.as_of is not None:
                tables.append(table_packing.unpacked(data, kind, one.series, version, one.as_of))
        except ArchiveRefused as refused:  # of another version of Nightlight
            log.exception("netdata-passed-over", name=str(one), sha256=one.sha256, why=refused.code)
    return held, tables, missing


def _versions() -> dict[tuple[str, str, object], str]:
    """The version of each table, and of the newest snapshot of each list."""
    archived = [kind for kind in ListKind if kind.archived]
    newest = ListImport.objects.filter(kind__in=archived).order_by("kind", "series", "-as_of", "-pk")
    found: dict[tuple[str, str, object], str] = {}
    for one in newest.distinct("kind", "series").only("kind", "series", "version"):
        found[one.kind, one.series, None] = one.version
    for one in ListImport.objects.exclude(kind__in=archived).order_by("pk"):
        found[one.kind, one.series, one.as_of] = one.version
    return found
