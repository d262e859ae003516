# SPDX-License-Identifier: Apache-2.0
"""Writes a list out for somebody who may lawfully have it: what stands on it now, once, with a reason that stays."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.matching import list_queries
from nightlight.pipeline.matching.list_actions import subject
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from nightlight.pipeline.matching.models import HashList

LEAST_REASON, MOST_REASON = 15, 500
_BLOCK = 1 << 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: rows without the header, and the digest of its bytes."""

    rows: int
    sha256: str


def export(*, by: str, at: datetime, hash_list: HashList, file: Path, reason: str) -> Written:
    """Write the entries of a list that stand into a new CSV file that only this user can read.

    Raises Conflict for a reason shorter than 15 characters or longer than 500, and for a file that is there already
    or cannot be written; then nothing is left of it.
    """
    reason = " ".join(reason.split())
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        raise Conflict(f"Say in {LEAST_REASON} to {MOST_REASON} characters for whom this is, and under which law.")
    with _new(file) as out, transaction.atomic():
        with connection.cursor() as cursor:  # every row as of one moment
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        written = write(out, list_queries.EXPORTED, list_queries.exported(hash_list))
        custody.append(
            by=by,
            at=at,
            kind="hashes.exported",
            subject=subject(hash_list),
            data={"reason": reason, "rows": written.rows, "file_sha256": written.sha256},
        )
    return written


def bad_rows(*, file: Path, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Written:
    """Write rows into a new CSV file. Raises Conflict if it is there already or cannot be written."""
    with _new(file) as out:
        return write(out, header, rows)


def write(out: TextIO, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Written:
    """Write a CSV table (RFC 4180); what a spreadsheet would take for a formula gets an apostrophe before it."""
    digest, count, waiting = hashlib.sha256(), 0, io.StringIO()
    writer = csv.writer(waiting, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_safe(value) for value in row])
        count += 1
        if waiting.tell() > _BLOCK:
            _flush(waiting, out, digest)
    _flush(waiting, out, digest)
    return Written(count, digest.hexdigest())


def _safe(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _flush(waiting: io.StringIO, out: TextIO, digest: hashlib._Hash) -> None:
    text = waiting.getvalue()
    digest.update(text.encode())
    out.write(text)
    waiting.seek(0)
    waiting.truncate()


@contextlib.contextmanager
def _new(file: Path) -> Iterator[TextIO]:
    """Open a file that is not there yet, for this user alone; leave none behind if anything fails."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{file} is there already.") from None
    except OSError as error:
        raise Conflict(f"{file} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            yield out
    except BaseException:
        file.unlink(missing_ok=True)
        raise
