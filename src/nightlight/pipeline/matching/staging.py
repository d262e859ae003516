# SPDX-License-Identifier: Apache-2.0
"""Carries a list's rows into tables that only this connection sees, before anything of the list is touched.

Rows go in by COPY as text (PostgreSQL, "COPY", file formats), a few thousand in one statement. COPY cannot write to
tables under row security, so rows that are not in go to theirs by INSERT, at once: they are kept whatever becomes of
the rest.
"""

from __future__ import annotations

import contextlib
import json
import math
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import connection
from psycopg.copy import QueuedLibpqWriter

from nightlight.pipeline.matching.lists.rows import JSON, BadRow, Batch, Code, Repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from psycopg import Copy

TABLE = "matching_staged"
LONGEST_ID = 1000  # bytes; the index of entries holds no more than 2,700
ROWS_A_COPY = 50_000
BAD_AT_ONCE = 1000
_NONE = "\\N"
_COLUMNS = (
    "n, row, source_id, media, classification, md5, sha1, sha256, pdq, pdq_quality, frames, opaque, claims, "
    "gone, stated_at"
)
_MAKE = f"""
DROP TABLE IF EXISTS {TABLE};
CREATE TEMP TABLE {TABLE} (
    n bigint NOT NULL, row bigint NOT NULL, source_id text NOT NULL, media text NOT NULL, classification text NOT NULL,
    md5 bytea, sha1 bytea, sha256 bytea, pdq bytea, pdq_quality smallint, frames bytea NOT NULL,
    opaque jsonb NOT NULL, claims jsonb NOT NULL, gone boolean NOT NULL, stated_at timestamptz)
"""
_COPY = f"COPY {TABLE} ({_COLUMNS}) FROM STDIN"
_BAD = """
INSERT INTO matching_badrow (edition_id, row, code, reason, raw)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[])
"""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\\\x00"})
_SPECIAL = ("\\", "\t", "\n", "\r", "\0")
_encode = msgspec.json.Encoder().encode


class Staging:
    """The rows of one edition on their way in. A context: at the end nothing of it is left on the connection."""

    def __init__(self) -> None:
        self.edition_id: int | None = None  # bad rows wait until it is known
        self.bad = 0
        self._waiting: list[BadRow] = []
        self._open: contextlib.ExitStack | None = None
        self._copy: Copy | None = None
        self._in_copy = 0
        self._came = 0

    def __enter__(self) -> Staging:
        with connection.cursor() as cursor:
            cursor.execute(_MAKE)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # Also after a failure: rows that are not in are kept whatever becomes of the rest.
        with contextlib.nullcontext() if kind is None else contextlib.suppress(Exception):
            self.pause()
        if not connection.connection or connection.connection.closed or connection.needs_rollback:
            return
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")

    def add(self, batch: Batch) -> None:
        """Take in good rows. Raises the database's errors."""
        rows = self._lines(batch)
        if too_long := self._too_long(batch):
            rows = [line for index, line in enumerate(rows) if index not in too_long]
        self._write(rows)

    def add_stated(self, batch: Batch, *, gone: Sequence[bool], stated_at: Sequence[datetime]) -> None:
        """Take in rows of a server: whether each was withdrawn there, and of when its state is."""
        too_long = self._too_long(batch)
        ends = [f"\t{'t' if one else 'f'}\t{at.isoformat()}\n" for one, at in zip(gone, stated_at, strict=True)]
        lines = [line.removesuffix(_END) + end for line, end in zip(self._lines(batch), ends, strict=True)]
        self._write([line for index, line in enumerate(lines) if index not in too_long])

    def refuse(self, bad: BadRow) -> None:
        """Keep a row that is not in."""
        self._waiting.append(bad)
        self.bad += 1
        if len(self._waiting) >= BAD_AT_ONCE and self.edition_id is not None:
            self.pause()

    def pause(self) -> None:
        """Send what waits, so that the connection is free for other statements."""
        if self._open is not None:
            opened, self._open, self._copy, self._in_copy = self._open, None, None, 0
            opened.close()
        if self._waiting and self.edition_id is not None:
            waiting, self._waiting = self._waiting, []
            for start in range(0, len(waiting), BAD_AT_ONCE):
                _keep_bad(self.edition_id, waiting[start : start + BAD_AT_ONCE])

    def _lines(self, batch: Batch) -> list[str]:
        # Several entries may come from one record of the source: each gets a number of its own.
        first, self._came = self._came, self._came + len(batch)
        return _lines(batch, range(first, self._came))

    def _write(self, lines: list[str]) -> None:
        if self._copy is None:
            self._open = contextlib.ExitStack()
            cursor = self._open.enter_context(connection.cursor())
            # A thread sends, so that rows are made while the server reads those before.
            writer = QueuedLibpqWriter(cursor.cursor)
            self._copy = self._open.enter_context(cursor.copy(_COPY, writer=writer))
        self._copy.write("".join(lines))
        self._in_copy += len(lines)
        if self._in_copy >= ROWS_A_COPY:
            self.pause()

    def _too_long(self, batch: Batch) -> set[int]:
        """Refuse the rows whose id does not fit into an index; return where they are."""
        found = {
            index
            for index, name in enumerate(batch.source_id)
            if len(name) * 4 > LONGEST_ID and len(name.encode("utf-8", "replace")) > LONGEST_ID
        }
        for index in found:
            name = batch.source_id[index]
            reason = f"The id is longer than {LONGEST_ID} bytes."
            self.refuse(BadRow.of(batch.row[index], 0, Code.ROW_TOO_LONG, reason, name))
        return found


def _keep_bad(edition_id: int, bad: Sequence[BadRow]) -> None:
    columns = (
        [one.row for one in bad],
        [str(one.code) for one in bad],
        [one.reason.replace("\0", "\\x00") for one in bad],
        [one.raw for one in bad],
    )
    with connection.cursor() as cursor:
        cursor.execute(_BAD, (edition_id, *columns))


# --- rows as COPY takes them -----------------------------------------------------------------------------------------

_END = "\tf\t\\N\n"


def _lines(batch: Batch, numbers: range) -> list[str]:
    columns = (
        map(str, numbers),
        map(str, batch.row),
        _texts(batch.source_id),
        _texts(batch.media),
        _texts(batch.classification),
        *(_bytes(column) for column in (batch.md5, batch.sha1, batch.sha256, batch.pdq)),
        _numbers(batch.pdq_quality),
        _frames(batch.frames),
        _objects(batch.opaque),
        _objects(batch.claims),
    )
    return ["\t".join(fields) + _END for fields in zip(*columns, strict=False)]


def _texts(column: Sequence[str]) -> Iterable[str]:
    if isinstance(column, Repeated):
        return repeat(_text(column[0]) if len(column) else "")
    joined = "".join(column)
    if any(letter in joined for letter in _SPECIAL) or not joined.isprintable():
        return map(_text, column)
    return column


def _text(text: str) -> str:
    # What UTF-8 cannot hold (half of a surrogate pair) is written out, as evidence names are.
    return text.encode("utf-8", "backslashreplace").decode().translate(_ESCAPES)


def _bytes(column: Sequence[bytes | None]) -> Iterable[str]:
    if isinstance(column, Repeated):
        value = column[0] if len(column) else None
        return repeat(_NONE if value is None else f"\\\\x{value.hex()}")
    return [_NONE if value is None else f"\\\\x{value.hex()}" for value in column]


def _numbers(column: Sequence[int | None]) -> Iterable[str]:
    if isinstance(column, Repeated) and len(column) and column[0] is None:
        return repeat(_NONE)
    return [_NONE if value is None else str(value) for value in column]


def _frames(column: Sequence[tuple[bytes, ...]]) -> Iterable[str]:
    if isinstance(column, Repeated) and len(column) and not column[0]:
        return repeat("\\\\x")
    return [f"\\\\x{b''.join(value).hex()}" for value in column]


def _objects(column: Sequence[dict[str, Any]]) -> Iterator[str] | list[str]:
    if isinstance(column, Repeated):
        return repeat(_object(column[0]) if len(column) else "{}")
    return [_object(value) for value in column]


def _object(value: dict[str, Any]) -> str:
    if not value:
        return "{}"
    try:
        text = _encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):  # a number of a hundred digits, half a surrogate
        text = json.dumps(_plain(value))
    if "\\" not in text:
        return text
    if "\\u" in text:  # jsonb holds no NUL and no half surrogate
        text = json.dumps(_plain(value), ensure_ascii=False)
    return text.replace("\\", "\\\\")


def _plain(value: JSON, depth: int = 0) -> JSON:
    """Return the value as jsonb can hold it: what it cannot is written out as text, and nothing is left out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    if depth > 100:
        return repr(value)[:1000]
    if isinstance(value, dict):
        return {_plain(str(key)): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, depth + 1) for one in value]
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
