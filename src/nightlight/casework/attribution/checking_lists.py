# SPDX-License-Identifier: Apache-2.0
"""Compares what was loaded about networks with what is there, and with the log; makes archives anew from their lists.

An archive is a function of the files it grew of, so it is made once more from them and must come out byte for byte.
What the log says of each import (a digest over the digests and times of its files) must be what the rows say.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from nightlight.casework.attribution import list_files, store
from nightlight.casework.attribution.import_kinds import Refused
from nightlight.casework.attribution.importing_lists import digest_of_imports, source_of, sweep
from nightlight.casework.attribution.models_lists import Archive, DirectoryVersion, ListImport
from nightlight.casework.attribution.netdata import table_packing
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reading.lines import NetdataDamaged
from nightlight.casework.attribution.netdata.tracks import ArchiveRefused
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from nightlight.casework.attribution.netdata.archive import IntervalArchive


class Fault(NamedTuple):
    """What is wrong, of which list, and what to do; ``mended`` where that was done."""

    code: str
    name: str
    sentence: str
    mended: bool = False


class Checked(NamedTuple):
    """What was found: faults, how much was compared, and files that nothing speaks of, which do no harm."""

    faults: tuple[Fault, ...]
    archives: int
    imports: int
    entries: int
    unspoken: int


def verify(*, mend: bool = False) -> Checked:
    """Compare everything; with ``mend``, write archives anew that are gone or changed and whose files are all there.

    It also takes away archives that no row speaks of, and never a list as it came.
    """
    rows = list(Archive.objects.order_by("pk"))
    faults = [*against_the_log(), *_files()]
    for row in rows:
        faults += _archive(row, mend=mend)
    if mend:
        sweep()
    kept = set(ListImport.objects.values_list("sha256", flat=True))
    left = [*store.unspoken(store.ARCHIVES, {row.sha256 for row in rows}), *store.unspoken(store.FILES, kept)]
    entries = Event.objects.filter(kind__in=["netdata.imported", "operators.loaded"]).count()
    return Checked(tuple(faults), len(rows), ListImport.objects.count(), entries, len(left))


def _files() -> Iterator[Fault]:
    for name, sha256 in sorted(set(ListImport.objects.values_list("file", "sha256"))):
        if not store.there(store.FILES, sha256):
            yield Fault("file-gone", name, f"the list as it came ({sha256[:12]}…) is gone; load the same file again")
        elif not store.sound(store.FILES, sha256):
            yield Fault("file-changed", name, f"the list as it came ({sha256[:12]}…) was changed; load it again")


def against_the_log() -> Iterator[Fault]:
    """Compare rows with the entries of the log, both ways."""
    spoken: set[int] = set()
    newest: dict[str, tuple[str, str]] = {}
    for event in Event.objects.filter(kind="netdata.imported").order_by("pk"):
        data = json.loads(event.body)["data"]
        first, last = data["imports"]
        imports = list(ListImport.objects.filter(pk__range=(first, last)))
        spoken.update(one.pk for one in imports)
        if len(imports) != data["files"] or digest_of_imports(imports) != data["imports_sha256"]:
            yield Fault("log-differs", data["series"], f"the imports {first} to {last} are not as the log says")
        key = event.subject + data["series"] + (data["last"] if not _kind(event.subject).archived else "")
        newest[key] = data["series"], data["archive"]
    silent = ListImport.objects.exclude(pk__in=spoken).count()
    if silent:
        yield Fault("not-in-the-log", "imports", f"{silent} imports have no entry in the log")
    there = set(Archive.objects.values_list("sha256", flat=True))
    for series, archive in newest.values():
        if archive not in there:
            yield Fault("archive-differs", series, f"the log says that its archive is {archive[:12]}…, and none is")
    logged = {
        json.loads(one.body)["data"]["sha256"] for one in Event.objects.filter(kind="operators.loaded").only("body")
    }
    for one in DirectoryVersion.objects.order_by("pk"):
        if one.sha256 not in logged or hashlib.sha256(one.body.encode()).hexdigest() != one.sha256:
            yield Fault("directory-differs", one.name, "the directory is not as the log says")


def _kind(subject: str) -> ListKind:
    return ListKind(subject.partition(":")[2])


def _archive(row: Archive, *, mend: bool) -> Iterator[Fault]:
    sound = store.read(row.sha256) is not None
    again = _again(row)
    if again is None:
        if not sound:
            yield Fault("archive-gone", str(row), "the archive is gone or changed, and so is a list it was made of")
        return
    if isinstance(again, str):
        yield Fault("not-made-anew", str(row), again)
    elif hashlib.sha256(again).hexdigest() != row.sha256:
        yield Fault("comes-out-differently", str(row), "made anew from its lists, the archive is another one")
    elif not sound:
        if mend:
            store.keep(again)
        what = "the archive was gone or changed, and was made anew from its lists" if mend else "is gone or changed"
        yield Fault("archive-gone", str(row), what, mended=mend)


def _again(row: Archive) -> bytes | str | None:
    """Make an archive anew; None where a list is gone, a sentence where one cannot be read any more."""
    kind = ListKind(row.kind)
    imports = ListImport.objects.filter(kind=row.kind, series=row.series).order_by("pk")
    if row.as_of is not None:
        imports = imports.filter(as_of=row.as_of)
    found = list(imports)
    if not found or any(not store.sound(store.FILES, one.sha256) for one in found):
        return None
    try:
        if kind.archived:
            return list_files.grown_of(kind, _read(kind, found)).to_bytes()
        (one,) = found
        source = source_of(kind, one.series, one.version, one.as_of, one.licence)
        return table_packing.packed(list_files.table(_placed(one), source, list_files.Seen()))
    except (NetdataDamaged, ArchiveRefused, Refused, list_files.WrongKind, ValueError, OSError) as error:
        return f"a list it was made of cannot be read any more: {error}"


def _read(
    kind: ListKind, imports: Sequence[ListImport]
) -> Iterator[tuple[datetime, IntervalArchive | list_files.Snapshot]]:
    for one in imports:
        path, seen = _placed(one), list_files.Seen()
        if one.file.lower().endswith(list_files.HISTORY):
            yield one.as_of, list_files.history(path, kind, seen)
        else:
            yield one.as_of, list_files.snapshot(path, kind, seen)


def _placed(one: ListImport) -> Path:
    return store.place(store.FILES, one.sha256)
