# SPDX-License-Identifier: Apache-2.0
"""Reads the history of a list that somebody else recorded: numpy columns `lo`, `hi`, `start`, `end` (.npz).

`lo`, `hi`: IPv4 ranges, inclusive, uint32. `start`, `end`: Unix seconds, half open. The last time in the table is its
last snapshot; rows that end there are taken as still listed in it, because the table does not tell them from rows that
ended with it: so at that one second the verdict may be "listed" for what had just gone.
"""

from __future__ import annotations

import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from typing import IO

import numpy as np
import numpy.typing as npt

from nightlight.casework.attribution.netdata import tracks
from nightlight.casework.attribution.netdata.archive import DEFAULT_GAP, ArchiveRefused, IntervalArchive
from nightlight.casework.attribution.netdata.reading.lines import DamageCode, NetdataDamaged, ProblemCode, Read, Tally
from nightlight.casework.attribution.netdata.spans import Family

MOST_ROWS = 20_000_000
_COLUMNS = {"lo": "u", "hi": "u", "start": "i", "end": "i"}
_EARLIEST, _LATEST = 0, 1 << 32  # Unix seconds up to 2106


def read_history(stream: IO[bytes], longest_gap: timedelta = DEFAULT_GAP) -> Read[IntervalArchive]:
    """Read a table into one archive (`entries[0]`), `as_of` its last snapshot.

    A row that contradicts itself is a problem (its number from 1 in place of a line) and left out. Raises
    NetdataDamaged for what is no such table, holds Python objects, or is too large.
    """
    columns = _read(stream)
    tally = Tally(lines=len(columns["lo"]))
    lo, hi, start, end = (columns[name].astype(np.int64) for name in _COLUMNS)
    if not len(lo):
        raise NetdataDamaged(DamageCode.EMPTY, "There is no row in this table.")
    width = (lo >= 0) & (hi < 1 << 32) & (lo <= hi)
    dated = (start >= _EARLIEST) & (end < _LATEST)
    if not (width & dated).any():
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "Not one row of this table is right.")
    last = int(end[width & dated].max())
    good = width & dated & ((start < end) | ((start == end) & (end == last)))
    for row in np.flatnonzero(~good):
        code = ProblemCode.REVERSED if not width[row] else ProblemCode.DATE
        tally.note(int(row) + 1, code, f"{lo[row]} to {hi[row]} from {start[row]} to {end[row]}")
    lo, hi, start, end = (column[good] for column in (lo, hi, start, end))
    tally.entries = len(lo)
    until = np.where(end == last, start - 1, end)
    try:
        track = tracks.of_intervals(lo.astype(np.uint32), hi.astype(np.uint32), start, until, last)
    except ArchiveRefused as refused:
        raise NetdataDamaged(DamageCode.DAMAGED, refused.sentence) from None
    archive = IntervalArchive({Family.IPV4: track}, longest_gap=longest_gap)
    return Read((archive,), tally, datetime.fromtimestamp(last, UTC))


def _read(stream: IO[bytes]) -> dict[str, npt.NDArray[np.generic]]:
    try:
        with zipfile.ZipFile(stream) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
        if any(size > MOST_ROWS * 8 + 1024 for size in sizes.values()) or len(sizes) > 16:
            raise NetdataDamaged(DamageCode.TOO_LARGE, "The table holds far more rows than are allowed.")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as held:
            columns = {name: held[name] for name in _COLUMNS}
    except KeyError:
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "The table lacks a column: lo, hi, start and end.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, MemoryError) as error:
        if isinstance(error, NetdataDamaged):
            raise
        raise NetdataDamaged(DamageCode.DAMAGED, "These bytes are no table of numpy columns (.npz).") from None
    lengths = {column.shape for column in columns.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1 or any(c.dtype.kind not in "ui" for c in columns.values()):
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "The columns are not whole numbers of one length.")
    return columns
