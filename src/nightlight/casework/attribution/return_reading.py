# SPDX-License-Identifier: Apache-2.0
"""Reads returns that came in, in the worker: both matchers, a set for each line, bad rows kept, near misses noted.

A return is read outside any transaction and written in one, held against whatever happened meanwhile; so it can be cut
short and begun again, and what comes out is the same.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections import Counter
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from django.db import transaction

from nightlight.casework.attribution import asked_lines, comparing, kept_answers, returning, wrong_doors
from nightlight.casework.attribution.kept_answers import Counts, Explained, Unknown
from nightlight.casework.attribution.models import Layout, Return, ReturnState
from nightlight.casework.attribution.request_steps import digest
from nightlight.casework.attribution.returns.answers import Certainty
from nightlight.casework.attribution.returns.opening import ReturnRefused
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.models import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from nightlight.casework.attribution.comparing import Compared
    from nightlight.casework.attribution.returns.reading import BadRow

IN_MEMORY = 64 << 20  # bytes; a larger file goes to one without a name, which ends with the process
BAD_KEPT = 200_000  # rows; all are counted, and the file itself stays
_CALCULATED = ("=", "+", "-", "@", "\t", "\r")
NOTHING_READ = "nothing-read"
DISAGREE = "matchers-disagree"


def read_waiting(*, tip: str, by: str, now: Callable[[], datetime]) -> int:
    """Read every return of a tip ("NL-…") that waits; return how many. Safe to run twice."""
    waiting = Return.objects.filter(request__tip__public_id=tip, state=ReturnState.RECEIVED).order_by("pk")
    keys = list(waiting.values_list("pk", flat=True))
    for key in keys:
        read(key, by=by, now=now)
    return len(keys)


def read(key: int, *, by: str, now: Callable[[], datetime]) -> None:
    """Read one return and keep what it answers, or why it could not be read.

    Errors of the vault pass on (StoreFailed, Damaged, KeysRefused): then the return goes on waiting.
    """
    found = Return.objects.select_related("request__tip__reporter").defer("bad").get(pk=key)
    if found.state != ReturnState.RECEIVED or found.request.tip.set_apart or not found.request.body:
        return
    bad = _Bad()
    password = returning.password_of(found)
    lines = asked_lines.of(found.request, log_error=found.clock_error)
    known = returning.remembered(found.request.operator)
    with _opened(found) as file:
        try:
            compared = comparing.compare(
                file,
                found.name,
                [line.asked for line in lines],
                known,
                passwords=[password] if password else (),
                bad=bad,
                doubted=found.proposal == returning.DOUBTED,
            )
        except comparing.ColumnsUnknown as unknown:
            kept = Unknown(
                unknown.name,
                unknown.header,
                unknown.rows,
                "" if unknown.layout is None else json.dumps(unknown.layout.to_json()),
            )
            _keep(found, by, now(), state=ReturnState.UNKNOWN_LAYOUT, proposal=kept_answers.written(kept))
            return
        except comparing.MatchersDisagree as disagree:
            _keep(found, by, now(), state=ReturnState.DAMAGED, problem=DISAGREE, counts=Counts(told=str(disagree)))
            return
        except ReturnRefused as refused:
            _keep(found, by, now(), state=ReturnState.DAMAGED, problem=refused.code, counts=Counts(told=str(refused)))
            return
    if not compared.files:
        codes = {one.code for one in compared.not_opened}
        problem = codes.pop() if len(codes) == 1 else NOTHING_READ
        _keep(found, by, now(), state=ReturnState.DAMAGED, problem=problem, counts=_counts(compared, 0))
        return
    _keep_answers(found, compared, bad, lines, by=by, at=now())


@transaction.atomic
def _keep_answers(
    found: Return, compared: Compared, bad: _Bad, lines: tuple[asked_lines.AskedLine, ...], *, by: str, at: datetime
) -> None:
    """Keep the answers of a return with their derivation, and note near misses."""
    names = [one.name for one in compared.files]
    source = (
        f"the return {found.public_id}, file {', '.join(names)}, received {found.at:%Y-%m-%d %H:%M:%S} UTC, "
        f"SHA-256 {found.sha256}, read as {', '.join(sorted({_as(one) for one in compared.files}))}; "
        "two independent matchers found the same rows"
    )
    explained = tuple(
        Explained(answer, comparing.explained(answer, source, names, line.zone))
        for answer, line in zip(compared.answers, lines, strict=True)
    )
    first = compared.files[0]
    layout = (
        Layout.objects.filter(operator=found.request.operator, fingerprint=first.fingerprint).order_by("-pk").first()
    )
    kept = _keep(
        found,
        by,
        at,
        state=ReturnState.READ,
        layout=layout,
        built_in="" if layout else first.layout[:60],
        answers=explained,
        counts=_counts(compared, bad.kept),
        bad=bad.packed() if bad.kept else None,
        disclosed=compared.disclosed.people,
    )
    if kept:
        wrong_doors.note_near_misses(found, compared.answers, by=by, at=at)


@transaction.atomic
def _keep(
    found: Return,
    by: str,
    at: datetime,
    *,
    state: ReturnState,
    problem: str = "",
    proposal: str = "",
    counts: Counts | None = None,
    answers: tuple[Explained, ...] = (),
    bad: bytes | None = None,
    disclosed: int | None = None,
    layout: Layout | None = None,
    built_in: str = "",
) -> bool:
    """Write what came of a reading, unless somebody was quicker; the password goes once it is of no more use."""
    row = Return.objects.select_for_update(of=("self",)).defer("bad").get(pk=found.pk)
    if row.state != ReturnState.RECEIVED or row.proposal != found.proposal:
        return False
    row.state, row.problem, row.proposal, row.disclosed = state, problem[:60], proposal, disclosed
    row.counts = kept_answers.written(counts or Counts())
    row.answers = kept_answers.written(answers) if answers else ""
    row.layout, row.built_in, row.bad = layout, built_in, bad
    row.read_at = at if state == ReturnState.READ else None
    if state == ReturnState.READ:
        row.password_closed = row.password_key_part = b""
    row.save()
    said = Counter(str(one.answer.certainty) for one in answers)
    request = found.request
    custody.append(
        by=by,
        at=at,
        kind="return.read",
        subject=f"tip:{request.tip.public_id}",
        data={
            "return": row.public_id,
            "request": request.public_id,
            "state": str(state),
            "problem": problem,
            "rows": (counts or Counts()).rows,
            "bad_rows": (counts or Counts()).bad,
            "people_named": disclosed if disclosed is not None else 0,
            "answers_sha256": digest(row.answers),
            "counts_sha256": digest(row.counts),
            **{f"lines_{one}": said[str(one)] for one in Certainty},
        },
    )
    if state == ReturnState.READ:
        asked_lines.mark_answered(request, found, by=by, at=at)
    return True


@contextmanager
def _opened(found: Return) -> Iterator[IO[bytes]]:
    """The bytes of a return as a file that can be sought in."""
    item = Item.objects.get(public_id=found.item)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as plain:
        for piece in evidence.read(item):
            plain.write(piece)
        plain.seek(0)
        yield cast("IO[bytes]", plain)


class _Bad:
    """Bad rows as CSV, packed as they come; a cell that a spreadsheet takes for a formula gets an apostrophe."""

    def __init__(self) -> None:
        self.kept = 0
        self._bytes = io.BytesIO()
        self._packed = gzip.GzipFile(fileobj=self._bytes, mode="wb", mtime=0)
        self._text = io.TextIOWrapper(self._packed, "utf-8", errors="backslashreplace", newline="")
        self._writer = csv.writer(self._text)
        self._writer.writerow(["file", "line", "code", "why", "text"])

    def __call__(self, name: str, row: BadRow) -> None:
        """Keep one."""
        if self.kept >= BAD_KEPT:
            return
        self.kept += 1
        cells = (f"'{cell}" if cell.startswith(_CALCULATED) else cell for cell in (name, row.explanation, row.text))
        shown, why, text = cells
        self._writer.writerow([shown, row.number, row.code, why, text])

    def packed(self) -> bytes:
        """All of them, as a gzip file."""
        self._text.close()
        return self._bytes.getvalue()


def _counts(compared: Compared, bad_kept: int) -> Counts:
    return Counts(compared.files, compared.not_opened, compared.disclosed, bad_kept)


def _as(one: comparing.FileRead) -> str:
    if not one.layout:
        return "saying that there are no records"
    return (
        f"{one.layout!r}, {'confirmed by a person for this operator' if one.confirmed else 'a layout that comes along'}"
    )
