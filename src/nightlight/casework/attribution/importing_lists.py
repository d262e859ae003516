# SPDX-License-Identifier: Apache-2.0
"""Loads lists about networks: snapshots grow one archive for each list, a table stands beside those of other days.

Nothing is fetched. Files are read first; then, one import at a time, file and archive are written under their digests
and after that the rows: an import that is cut off leaves files of which nothing speaks, and one that runs beside it
waits and grows what the other made. Every import is an entry of the custody log, over the digests of all its files.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from django.db import connection, transaction

from nightlight.casework.attribution import list_files, store
from nightlight.casework.attribution.import_kinds import Code, Done, ListFile, Refused, Stated
from nightlight.casework.attribution.models_lists import Archive, ListImport
from nightlight.casework.attribution.netdata import table_packing
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind, ListSource, SourceRefused
from nightlight.casework.attribution.netdata.reading.lines import NetdataDamaged
from nightlight.casework.attribution.netdata.reading.tor import date_in_name
from nightlight.casework.attribution.netdata.tracks import ArchiveRefused
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from nightlight.foundation.canonical_json import Json

SHOWN = 20  # problems told of one file
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('netdata', 9))"
_AGAIN = """
INSERT INTO attribution_waiting (tip_id)
SELECT id FROM tips_tip WHERE state = 'received' AND (%s::timestamptz IS NULL OR opened_at >= %s::timestamptz)
ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id
"""


class _Item(NamedTuple):
    """One file that was read."""

    path: Path
    sha256: str
    as_of: datetime
    version: str
    seen: list_files.Seen


def import_lists(*, by: str, at: datetime, stated: Stated, files: Sequence[ListFile | Path]) -> Done:
    """Load files of one list. See `netdata.kinds` for what a list may say.

    Raises Refused, and then nothing is loaded: for a file that cannot be read or says nothing of the kind, a time that
    is not known or to come, lines that cannot be read (unless ``pass_over``), another list for the same second or
    table for the same time, and where all of them are loaded already.
    """
    given = [one if isinstance(one, ListFile) else ListFile(one) for one in files]
    _check(stated, given)
    try:
        if stated.kind.archived:
            return _snapshots(by, at, stated, given)
        return _tables(by, at, stated, given)
    except (NetdataDamaged, ArchiveRefused) as refused:
        raise Refused(refused.code, f"{refused.sentence} Nothing was loaded.") from refused


def _check(stated: Stated, files: Sequence[ListFile]) -> None:
    if stated.kind not in list_files.USABLE:
        _refuse(Code.WRONG_KIND, f"No label follows from {stated.kind}, so it is not loaded.")
    missing = [name for name in ("series", "licence") if not getattr(stated, name).strip()]
    if missing or not files:
        what = " and ".join("name" if one == "series" else one for one in missing) or "file"
        _refuse(Code.STATED, f"A list is loaded only with its {what}, as its publisher states it.")


# Reading.


def _read_snapshots(
    stated: Stated, files: Iterable[ListFile], at: datetime, known: set[tuple[str, datetime]]
) -> Iterator[tuple[_Item, IntervalArchive | list_files.Snapshot]]:
    for one in files:
        seen, sha256 = list_files.Seen(), _digest(one.path)
        with _named(one.path):
            if list_files.is_history(one.path):
                read: IntervalArchive | list_files.Snapshot = list_files.history(one.path, stated.kind, seen)
            else:
                read = list_files.snapshot(one.path, stated.kind, seen)
        item = _item(stated, one, seen, sha256, at)
        if (sha256, item.as_of) not in known:
            yield item, read


def _item(stated: Stated, one: ListFile, seen: list_files.Seen, sha256: str, at: datetime) -> _Item:
    as_of = _time(stated, one, seen.as_of, at)
    if seen.tally.left_out and not stated.pass_over:
        told = _told(one.path, seen)
        reason = f"{one.path.name}: {seen.tally.left_out} lines cannot be read, so nothing was loaded; --pass-over "
        _refuse(
            Code.LINES, f"{reason}loads the other {seen.tally.entries}." + (f" The first: {told[0]}" if told else "")
        )
    version = one.version or stated.version or f"{as_of:%Y-%m-%dT%H:%MZ}"
    return _Item(one.path, sha256, as_of, version, seen)


def _time(stated: Stated, one: ListFile, own: datetime | None, at: datetime) -> datetime:
    as_of, name = one.as_of or stated.as_of, one.path.name
    if as_of is None and stated.by_name:
        day = date_in_name(name)
        if day is None:
            _refuse(Code.TIME, f"The name {name} holds no day, or several; state it with --as-of.")
        as_of = min(list_files.end_of(day), at)
    if as_of is None:
        as_of = own
    if as_of is None:
        _refuse(Code.TIME, f"{name} does not say of which time it is; state it with --as-of.")
    as_of = as_of.replace(microsecond=0)
    if as_of > at:
        _refuse(Code.LATER, f"{name} is of a time to come; give the time at which it was taken from its source.")
    if own is not None and as_of.date() < own.date():
        _refuse(
            Code.EARLIER, f"{name} says of itself that it is of {own:%Y-%m-%d}: it cannot be as of {as_of:%Y-%m-%d}."
        )
    return as_of


def _told(path: Path, seen: list_files.Seen) -> list[str]:
    some = seen.tally.problems[:SHOWN]
    return [f"{path.name}, line {one.line}: {one.code} ({one.text})" for one in some]


def _digest(path: Path) -> str:
    try:
        return store.digest_of(path)
    except OSError as error:
        _refuse(Code.UNREADABLE, f"{path} cannot be read: {error.strerror}.")


class _named:  # noqa: N801 - reads as a word
    """Puts the name of the file into what its reader says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        name = self.path.name
        if isinstance(error, NetdataDamaged):
            raise Refused(error.code, f"{name}: {error.sentence} Nothing was loaded.") from error
        if isinstance(error, list_files.WrongKind):
            raise Refused(Code.WRONG_KIND, f"{name}: {error}") from error
        if isinstance(error, OSError):
            raise Refused(Code.UNREADABLE, f"{name} cannot be read: {error.strerror}.") from error


# Snapshots.


def _snapshots(by: str, at: datetime, stated: Stated, files: Sequence[ListFile]) -> Done:
    known = _known(stated)
    items: list[_Item] = []
    there = Archive.objects.filter(kind=stated.kind, series=stated.series).first()
    families = () if there is None else _current(there).families
    part = list_files.grown_of(stated.kind, _keeping(items, _read_snapshots(stated, files, at, known)), families)
    if not items:
        return _all_there(stated, len(files))
    with transaction.atomic():
        _lock()
        items = [one for one in items if (one.sha256, one.as_of) not in _known(stated)]
        if not items:  # another import loaded the same meanwhile
            return _all_there(stated, len(files))
        row = Archive.objects.filter(kind=stated.kind, series=stated.series).first()
        before = None if row is None else _current(row)
        if before is not None and not set(before.families) <= {*families, *part.families}:
            reason = f"Another import of {stated.series} has just ended, with addresses of another kind; load again."
            _refuse(Code.ANOTHER, reason)
        whole = part if before is None else before.together(part)
        _keep_files(items)
        data = whole.to_bytes()
        sha256 = store.keep(data)
        covers = whole.coverage or (None, None)
        snapshots = max((len(whole.snapshots_of(family)) for family in whole.families), default=0)
        facts = {
            "sha256": sha256,
            "size": len(data),
            "rows": len(whole),
            "snapshots": snapshots,
            "covers_from": covers[0],
            "covers_until": covers[1],
            "changed_at": at,
        }
        Archive.objects.update_or_create(kind=stated.kind, series=stated.series, as_of=None, defaults=facts)
        _record(by, at, stated, items, sha256)
        again = look_again(_since(before, part))
        transaction.on_commit(sweep, robust=True)  # of what it grew out of
    return _done(stated, items, len(files), (sha256,), again)


def _keeping(
    items: list[_Item], read: Iterable[tuple[_Item, IntervalArchive | list_files.Snapshot]]
) -> Iterator[tuple[datetime, IntervalArchive | list_files.Snapshot]]:
    for item, one in read:
        items.append(item)
        yield item.as_of, one


def _current(row: Archive) -> IntervalArchive:
    data = store.read(row.sha256)
    if data is None:
        reason = (
            f"The archive of {row.series} is gone or was changed; 'nightlight netdata verify --mend' makes it anew."
        )
        _refuse(Code.LOST, reason)
    return IntervalArchive.from_bytes(data)


def _since(before: IntervalArchive | None, part: IntervalArchive) -> datetime | None:
    """From when on the archive may say something else: the last snapshot before the first new one, or that one."""
    if part.coverage is None:
        return None
    first = part.coverage[0]
    times = [] if before is None else [time for family in before.families for time in before.snapshots_of(family)]
    earlier = [int(time) for time in times if time < int(first.timestamp())]
    return datetime.fromtimestamp(max(earlier), UTC) if earlier else first


def sweep() -> int:
    """Take away archives that no row speaks of, grown into others or left by what was cut off; return how many.

    One import at a time, so that none is taken from under an import that has written it and not yet its row. Whoever
    reads rows first and files after finds the rows changed, and reads again.
    """
    with transaction.atomic():
        _lock()
        left = store.unspoken(store.ARCHIVES, set(Archive.objects.values_list("sha256", flat=True)))
        for path in left:
            store.remove(path.name)
    return len(left)


# Tables.


def _tables(by: str, at: datetime, stated: Stated, files: Sequence[ListFile]) -> Done:
    done: list[_Item] = []
    archives: list[str] = []
    with transaction.atomic():
        _lock()
        known, new = _known(stated), True
        for one in files:
            seen, sha256 = list_files.Seen(), _digest(one.path)
            with _named(one.path):
                as_of = _time(stated, one, list_files.own_time(one.path), at)
                if (sha256, as_of) in known:
                    continue
                version = one.version or stated.version or f"{as_of:%Y-%m-%dT%H:%MZ}"
                source = source_of(stated.kind, stated.series, version, as_of, stated.licence)
                table = list_files.table(one.path, source, seen)
            item = _item(stated, one, seen, sha256, at)._replace(as_of=as_of, version=version)
            rows = len(table.v4) + len(table.v6)
            if not rows:
                _refuse(Code.WRONG_KIND, f"{one.path.name} says nothing of {stated.kind}.")
            if Archive.objects.filter(kind=stated.kind, series=stated.series, as_of=as_of).exists():
                reason = f"Another table of {stated.series} is loaded for {as_of:%Y-%m-%d %H:%M} UTC: one is wrong."
                _refuse(Code.ANOTHER, reason)
            new = new and not Archive.objects.filter(kind=stated.kind, series=stated.series).exists()
            _keep_files([item])
            data = table_packing.packed(table)
            kept = store.keep(data)
            Archive.objects.create(
                kind=stated.kind,
                series=stated.series,
                as_of=as_of,
                sha256=kept,
                size=len(data),
                rows=rows,
                snapshots=1,
                covers_from=as_of,
                covers_until=as_of,
                changed_at=at,
            )
            _record(by, at, stated, [item], kept)
            done.append(item)
            archives.append(kept)
        if not done:
            return _all_there(stated, len(files))
        gap = stated.kind.meaning.longest_gap
        again = look_again(None if new else min(one.as_of for one in done) - gap)
    return _done(stated, done, len(files), tuple(archives), again)


# Rows and the log.


def _known(stated: Stated) -> set[tuple[str, datetime]]:
    rows = ListImport.objects.filter(kind=stated.kind, series=stated.series)
    return set(rows.values_list("sha256", "as_of"))


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def _keep_files(items: Iterable[_Item]) -> None:
    for one in items:
        try:
            kept, _ = store.keep_file(one.path)
        except OSError as error:
            _refuse(Code.UNREADABLE, f"{one.path.name} cannot be kept: {error.strerror}.")
        if kept != one.sha256:
            _refuse(Code.UNREADABLE, f"{one.path.name} was changed while it was read; nothing was loaded.")


def _record(by: str, at: datetime, stated: Stated, items: Sequence[_Item], archive: str) -> None:
    rows = [
        ListImport(
            kind=stated.kind,
            series=stated.series,
            version=one.version,
            licence=stated.licence,
            file=one.path.name[:200],
            sha256=one.sha256,
            size=one.path.stat().st_size,
            as_of=one.as_of,
            entries=one.seen.tally.entries,
            problems=sum(one.seen.tally.by_code.values()),
            named=json.dumps(_told(one.path, one.seen), ensure_ascii=False) if one.seen.tally.problems else "",
            by=by,
            at=at,
        )
        for one in items
    ]
    made = ListImport.objects.bulk_create(rows, batch_size=1000)
    data: dict[str, Json] = {
        "series": stated.series,
        "licence": stated.licence,
        "version": rows[-1].version,
        "files": len(rows),
        "first": min(one.as_of for one in rows).isoformat(),
        "last": max(one.as_of for one in rows).isoformat(),
        "entries": sum(one.entries for one in rows),
        "left_out": sum(one.seen.tally.left_out for one in items),
        "imports": [made[0].pk, made[-1].pk],
        "imports_sha256": digest_of_imports(made),
        "archive": archive,
    }
    custody.append(by=by, at=at, kind="netdata.imported", subject=f"netdata:{stated.kind}", data=data)


def digest_of_imports(rows: Iterable[ListImport]) -> str:
    """Return what an entry of the log says of its imports together: digest and time of each file, in order."""
    said = "".join(f"{one.sha256} {one.as_of.isoformat()}\n" for one in sorted(rows, key=lambda one: one.pk))
    return hashlib.sha256(said.encode()).hexdigest()


def source_of(kind: ListKind, series: str, version: str, as_of: datetime, licence: str) -> ListSource:
    """Return where a list came from. Raises Refused where something is missing."""
    try:
        return ListSource(kind, series, version, as_of, licence)
    except SourceRefused as refused:
        raise Refused(Code.STATED, str(refused)) from refused


def look_again(since: datetime | None) -> int:
    """Have the tips judged anew that such a list can speak of: what happened in one, happened before it came in."""
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, [since, since])
        return int(cursor.rowcount)


def _done(stated: Stated, items: Sequence[_Item], given: int, archives: tuple[str, ...], again: int) -> Done:
    problems = [told for one in items for told in _told(one.path, one.seen)]
    return Done(
        len(items),
        sum(one.seen.tally.entries for one in items),
        sum(one.seen.tally.left_out for one in items),
        given - len(items),
        tuple(problems[:SHOWN]),
        archives,
        again,
    )


def _all_there(stated: Stated, files: int) -> NoReturn:
    what = "This file is" if files == 1 else f"These {files} files are"
    _refuse(Code.THERE, f"{what} loaded already as of that time ({stated.series}).")


def _refuse(code: str, reason: str) -> NoReturn:
    raise Refused(code, reason)
