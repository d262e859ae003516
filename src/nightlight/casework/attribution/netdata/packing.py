# SPDX-License-Identifier: Apache-2.0
"""An interval archive as bytes: small, exact, and refused when one bit of them is wrong.

    "NLIA" | version u16 | longest gap in seconds u64 | families u8 | families... | SHA-256 of all before

all little-endian. A family is its number (u8) and eight columns: times, lo, lo2, hi xor lo, (hi xor lo)2, runs of each
range, and for each run the snapshots not listed before it and its length. A column holds whole numbers as differences
where they rise, is split into its bytes of equal weight (so that the many zero bytes lie together), and compressed
(RFC 1950): count u64, bytes of weight u8, compressed length u64, data.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np
import numpy.typing as npt

from nightlight.casework.attribution.netdata.seeking import must_be_sought
from nightlight.casework.attribution.netdata.spans import Family, Keys, halves, joined
from nightlight.casework.attribution.netdata.tracks import (
    FIRST_TIME,
    LAST_TIME,
    MOST_PIECES,
    ArchiveFault,
    ArchiveRefused,
    Ints,
    Track,
)

MAGIC, VERSION = b"NLIA", 1
_HEAD = struct.Struct("<4sHQB")
_COLUMN = struct.Struct("<QBQ")
_DIGEST = 32
_MOST_CELLS = MOST_PIECES  # in all columns together: what is read before it can be checked is held in memory

Words = npt.NDArray[np.uint64]


def packed(tracks: dict[Family, Track], longest_gap: int) -> bytes:
    """Write tracks; the same tracks always give the same bytes. Raises ArchiveRefused for what `unpacked` refuses."""
    parts, left = [_HEAD.pack(MAGIC, VERSION, longest_gap, len(tracks))], _MOST_CELLS
    for family in sorted(tracks):
        columns = _columns(tracks[family])
        left -= sum(len(column) for column in columns)
        if left < 0:
            raise _refused(ArchiveFault.TOO_LARGE)
        if not _dated(tracks[family]):
            raise _refused(ArchiveFault.BAD_ROW)
        must_be_sought(tracks[family])
        parts.append(bytes([family]))
        parts += [_column(column) for column in columns]
    body = b"".join(parts)
    return body + hashlib.sha256(body).digest()


def unpacked(data: bytes) -> tuple[dict[Family, Track], int]:
    """Read what `packed` wrote: the tracks and the longest gap in seconds. Raises ArchiveRefused."""
    if len(data) < _HEAD.size + _DIGEST:
        short = data[:4] == MAGIC[: len(data[:4])] and len(data) > 0
        raise _refused(ArchiveFault.TRUNCATED if short else ArchiveFault.NOT_AN_ARCHIVE)
    magic, version, gap, families = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise _refused(ArchiveFault.NOT_AN_ARCHIVE)
    if version != VERSION:
        raise _refused(ArchiveFault.VERSION)
    body = memoryview(data)[:-_DIGEST]
    if hashlib.sha256(body).digest() != data[-_DIGEST:]:
        raise _refused(ArchiveFault.CHECKSUM)
    tracks: dict[Family, Track] = {}
    place, left = _HEAD.size, _MOST_CELLS
    for _ in range(families):
        try:
            family = Family(body[place])
        except (ValueError, IndexError):
            raise _refused(ArchiveFault.MALFORMED) from None
        columns = []
        place += 1
        for _ in range(8):
            column, place = _read_column(body, place, left)
            left -= len(column)
            columns.append(column)
        if family in tracks:
            raise _refused(ArchiveFault.MALFORMED)
        tracks[family] = _track(family, columns)
    if place != len(body):
        raise _refused(ArchiveFault.MALFORMED)
    return tracks, gap


_SENTENCES = {
    ArchiveFault.NOT_AN_ARCHIVE: "These bytes are no archive of a list.",
    ArchiveFault.VERSION: "This archive was written by a newer version of the program.",
    ArchiveFault.TRUNCATED: "The archive ends too early.",
    ArchiveFault.CHECKSUM: "The archive is damaged: its checksum does not fit.",
    ArchiveFault.MALFORMED: "The archive contradicts itself.",
    ArchiveFault.BAD_ROW: "A time of the archive lies outside the calendar.",
    ArchiveFault.TOO_LARGE: "The archive says that it holds more rows than are allowed.",
}


def _refused(code: ArchiveFault) -> ArchiveRefused:
    return ArchiveRefused(code, _SENTENCES[code])


def _columns(track: Track) -> list[Words]:
    words = []
    if track.lo.dtype.kind == "S":
        (high, low), (last_high, last_low) = halves(track.lo), halves(track.hi)
        words = [_rises(high), low, last_high ^ high, last_low ^ low]
    else:
        lo, hi, none = track.lo.astype(np.uint64), track.hi.astype(np.uint64), np.zeros(0, dtype=np.uint64)
        words = [_rises(lo), none, hi ^ lo, none]
    # Between two runs of a range lies at least one snapshot, so that is not written.
    before = np.where(_leads(track.key), 0, np.roll(track.last, 1) + 2)
    counts = np.bincount(track.key, minlength=len(track.lo))
    runs = [track.first - before, track.last - track.first]
    return [_rises(track.times.view(np.uint64)), *words, *(c.astype(np.uint64) for c in (counts, *runs))]


def _track(family: Family, columns: list[Words]) -> Track:
    """Put a track together and check everything that later code relies on."""
    times, lo, lo_low, span, span_low, counts, before, length = columns
    six = family is Family.IPV6
    ranges, runs = len(lo), len(before)
    whole = (
        len(span) == len(counts) == ranges
        and len(lo_low) == len(span_low) == (ranges if six else 0)
        and len(length) == runs
        and all(not len(c) or int(c.max()) <= MOST_PIECES for c in (counts, before, length))
        and int(counts.sum()) == runs
        and bool((counts > 0).all())
    )
    if not whole:
        raise _refused(ArchiveFault.MALFORMED)
    first_keys, last_keys = _keys(np.cumsum(lo, dtype=np.uint64), lo_low, span, span_low, six=six)
    key = np.repeat(np.arange(ranges, dtype=np.int64), counts.astype(np.int64))
    # A run begins where the one before it of the same range ended, two snapshots on, plus what is written.
    steps = before.astype(np.int64) + np.where(_leads(key), 0, np.roll(length.astype(np.int64), 1) + 2)
    totals = np.cumsum(steps)
    begin = np.cumsum(counts.astype(np.int64)) - counts.astype(np.int64)
    base = (totals - steps)[begin] if runs else totals
    first = totals - np.repeat(base, counts.astype(np.int64)) if runs else totals
    track = Track(
        np.cumsum(times, dtype=np.uint64).view(np.int64),
        first_keys,
        last_keys,
        key,
        first,
        first + length.astype(np.int64),
    )
    if not _sound(track):
        raise _refused(ArchiveFault.MALFORMED)
    must_be_sought(track)
    return track


def _dated(track: Track) -> bool:
    """Whether all times have a date."""
    times = track.times
    return not len(times) or (int(times.min()) >= FIRST_TIME and int(times.max()) <= LAST_TIME)


def _sound(track: Track) -> bool:
    lo, hi, last = track.lo, track.hi, track.last
    rising = _dated(track) and bool((np.diff(track.times) > 0).all()) and bool((lo <= hi).all())
    apart = bool(((lo[1:] > lo[:-1]) | ((lo[1:] == lo[:-1]) & (hi[1:] > hi[:-1]))).all())
    return rising and apart and (not len(last) or int(last.max()) < len(track.times))


def _keys(lo: Words, lo_low: Words, span: Words, span_low: Words, *, six: bool) -> tuple[Keys, Keys]:
    if six:
        return joined(lo, lo_low), joined(lo ^ span, lo_low ^ span_low)
    if len(lo) and max(int(lo.max()), int((lo ^ span).max())) >= 1 << 32:
        raise _refused(ArchiveFault.MALFORMED)
    return lo.astype(np.uint32), (lo ^ span).astype(np.uint32)


def _leads(key: Ints) -> npt.NDArray[np.bool_]:
    leads = np.ones(len(key), dtype=bool)
    leads[1:] = key[1:] != key[:-1]
    return leads


def _rises(values: Words) -> Words:
    return np.diff(values, prepend=np.uint64(0))


def _column(values: Words) -> bytes:
    weights = (int(values.max()).bit_length() + 7) // 8 if len(values) else 0
    planes = values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :weights].T
    data = zlib.compress(np.ascontiguousarray(planes).tobytes(), 9)
    return _COLUMN.pack(len(values), weights, len(data)) + data


def _read_column(body: memoryview, place: int, most: int) -> tuple[Words, int]:
    if place + _COLUMN.size > len(body):
        raise _refused(ArchiveFault.MALFORMED)
    count, weights, length = _COLUMN.unpack_from(body, place)
    place += _COLUMN.size
    if count > most:
        raise _refused(ArchiveFault.TOO_LARGE)
    if weights > 8 or length > len(body) - place:
        raise _refused(ArchiveFault.MALFORMED)
    unpack = zlib.decompressobj()
    try:
        planes = unpack.decompress(body[place : place + length], count * weights + 1)
    except zlib.error:
        raise _refused(ArchiveFault.MALFORMED) from None
    if len(planes) != count * weights or not unpack.eof or unpack.unused_data:
        raise _refused(ArchiveFault.MALFORMED)
    values = np.zeros((count, 8), dtype=np.uint8)
    values[:, :weights] = np.frombuffer(planes, dtype=np.uint8).reshape(weights, count).T
    return values.reshape(-1).view("<u8").astype(np.uint64), place + length
