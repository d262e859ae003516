# SPDX-License-Identifier: Apache-2.0
"""The life of a report: opened, given files, described, and finished, retracted or lapsed.

Each action is one statement, so one transaction, that writes what happened together with its custody event and with
whatever the story puts into the queue. SQL is written out here because it runs on every request of every reporter.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import psycopg
from django.db import DatabaseError, connection, transaction

from nightlight.foundation import public_ids
from nightlight.pipeline.tips import closing, rules
from nightlight.pipeline.tips.formats.cybertipline import answers, check
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import Refused
from nightlight.pipeline.tips.models import DocumentKind
from nightlight.trust import statements
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.formats.cybertipline.check import CheckedReport
    from nightlight.pipeline.tips.intake import IntakeSettings
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.evidence.vault import Sealed

_OPEN = """
WITH tip AS (
  INSERT INTO tips_tip (public_id, report_id, source, environment, reporter_id, sent_by, incident_type, batched,
                        escalated, payload_sha256, opened_at, state, state_at)
  VALUES (%(public_id)s, %(report_id)s, 'reporting-api', %(environment)s, %(reporter)s, %(sent_by)s, %(incident_type)s,
          %(batched)s, %(escalated)s, %(sha256)s, %(at)s, 'open', %(at)s) RETURNING id),
document AS (
  INSERT INTO tips_document (tip_id, kind, file_id, body, key_part, size, sha256, received_at)
  SELECT id, 'report', '', %(body)s, %(key_part)s, %(size)s, %(sha256)s, %(at)s FROM tip RETURNING tip_id),
"""
_HOLD = """
WITH tip AS MATERIALIZED (
  SELECT tips_hold(%(report_id)s, %(reporter)s, %(environment)s, %(day_ago)s, %(hour_ago)s, false) AS id),
"""
_DESCRIBE = """
file AS (SELECT f.id FROM tips_tipfile f JOIN tip ON tip.id = f.tip_id WHERE f.file_id = %(file_id)s),
document AS (
  INSERT INTO tips_document (tip_id, kind, file_id, body, key_part, size, sha256, received_at)
  SELECT tip.id, 'file-details', %(file_id)s, %(body)s, %(key_part)s, %(size)s, %(sha256)s, %(at)s FROM tip, file
  ON CONFLICT DO NOTHING RETURNING tip_id),
"""
_ADD_FILE = """,
file AS (INSERT INTO tips_tipfile (tip_id, item_id, file_id) SELECT tip.id, item.id, %(file_id)s FROM tip, item)
"""
_CLOSE = """
WITH tip AS MATERIALIZED (
  SELECT tips_close(%(report_id)s, %(reporter)s, %(environment)s, %(day_ago)s, %(hour_ago)s, %(state)s, %(at)s,
                    %(files)s::text[]) AS id),
"""
_RECEIPT = """
document AS (
  INSERT INTO tips_document (tip_id, kind, file_id, body, size, sha256, received_at)
  SELECT id, 'receipt', '', %(body)s, %(size)s, %(sha256)s, %(at)s FROM tip RETURNING tip_id),
"""
_FILES = """
SELECT coalesce(array_agg(f.file_id ORDER BY f.id), '{}') FROM tips_tipfile f JOIN tips_tip t ON t.id = f.tip_id
WHERE t.report_id = %(report_id)s
"""
_WHICH = "SELECT public_id, reporter_id, environment, batched FROM tips_tip WHERE report_id = %(report_id)s"
# The rule of rules.expires_at, for many reports at once.
_DUE = """
SELECT t.id, t.public_id FROM tips_tip t
WHERE t.state = 'open' AND t.opened_at <= %(day_ago)s
  AND NOT EXISTS (SELECT 1 FROM tips_document d WHERE d.tip_id = t.id AND d.received_at > %(hour_ago)s)
  AND NOT EXISTS (SELECT 1 FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
                  WHERE f.tip_id = t.id AND i.received_at > %(hour_ago)s)
ORDER BY t.opened_at FOR UPDATE OF t SKIP LOCKED LIMIT %(batch)s
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What never changes about a report of this reporter."""

    public_id: str
    batched: bool

    @property
    def subject(self) -> str:
        """How custody events name this tip."""
        return f"tip:{self.public_id}"


def open_report(
    *, by: ReporterLogin, at: datetime, body: bytes, checked: CheckedReport, sent_from: str
) -> tuple[int, str]:
    """Keep a report as it came and open it; return (report id, public id).

    Raises Refused if the credential may not submit.
    """
    if not by.may_submit:
        raise Refused(Situation.NO_SUBMIT_RIGHT, "This account may not submit reports.")
    sha256 = hashlib.sha256(body).digest()
    escalated = bool(checked.escalation)

    def attempt() -> tuple[int, str]:  # both ids are random: the rare clash is tried again
        public_id, report_id = public_ids.new("NL"), rules.new_report_id()
        closed = closing.close(body, tip=public_id, kind=DocumentKind.REPORT)
        custody.run_with_event(
            _OPEN,
            {
                "public_id": public_id,
                "report_id": report_id,
                "environment": by.environment,
                "reporter": by.reporter_id,
                "sent_by": by.username,
                "incident_type": checked.incident_type,
                "batched": checked.batched,
                "escalated": escalated,
                "sha256": sha256,
                "at": at,
                "body": closed.body,
                "key_part": closed.key_part,
                "size": len(body),
            },
            source="document",
            by=by.actor,
            at=at,
            kind="tip.opened",
            subject=f"tip:{public_id}",
            data={
                "report_id": report_id,
                "source": "reporting-api",
                "environment": by.environment,
                "reporter": by.reporter_public_id,
                "sent_by": by.username,
                "sent_from": sent_from,
                "incident_type": checked.incident_type,
                "batched": checked.batched,
                "escalated": escalated,
                "report_sha256": sha256.hex(),
                "size": len(body),
            },
        )
        return report_id, public_id

    return statements.until_unique(attempt)


def add_file(*, by: ReporterLogin, at: datetime, report_id: int, sealed: Sealed, name_as_sent: str) -> tuple[str, str]:
    """Enter a file that is already safe in the vault; return (file id, MD5). Raises Refused."""
    tip = identity(by=by, report_id=report_id)
    file_id = answers.new_file_id()
    held = {"report_id": report_id, "file_id": file_id, **_holding(by, at)}
    with _refusing():
        evidence.receive_with(
            _HOLD,
            _ADD_FILE,
            held,
            by=by.actor,
            at=at,
            sealed=sealed,
            name_as_sent=name_as_sent,
            context=tip.subject,
            data={"file_id": file_id},
        )
    return file_id, sealed.digests.md5


def describe_file(
    *, by: ReporterLogin, at: datetime, body: bytes, settings: IntakeSettings, note: Callable[[int], None]
) -> None:
    """Check the details of one file and keep them as they came; at most once per file. Raises Refused.

    ``note`` is told the report's id as soon as it was read, so that a refusal can name it.
    """
    tips: list[tuple[int, Identity]] = []

    def batched(report_id: int, _file_id: str) -> bool:
        note(report_id)
        tips.append((report_id, identity(by=by, report_id=report_id)))
        return tips[0][1].batched

    checked = check.check_file_details(body, profile=settings.profile, now=at, newer=settings.newer, batched=batched)
    ((report_id, tip),) = tips
    sha256 = hashlib.sha256(body).digest()
    closed = closing.close(body, tip=tip.public_id, kind=DocumentKind.FILE_DETAILS, file_id=checked.file_id)
    with _refusing():
        kept, files = custody.run_with_event(
            _HOLD + _DESCRIBE,
            {
                "report_id": report_id,
                "file_id": checked.file_id,
                "body": closed.body,
                "key_part": closed.key_part,
                "size": len(body),
                "sha256": sha256,
                "at": at,
                **_holding(by, at),
            },
            source="document",
            also="(SELECT count(*) FROM file)",
            by=by.actor,
            at=at,
            kind="tip.file-described",
            subject=tip.subject,
            data={"file_id": checked.file_id, "details_sha256": sha256.hex(), "size": len(body)},
        )
    if not files:
        raise Refused(Situation.UNKNOWN_FILE, "This report has no such file.")
    if not kept:
        told = answers.answer(Situation.SECOND_FILE_DETAILS).description
        raise Refused(Situation.SECOND_FILE_DETAILS, told)


def finish(*, by: ReporterLogin, at: datetime, report_id: int) -> bytes:
    """Close the report as received and return its receipt, whose exact bytes are kept. Raises Refused.

    The receipt is what the law counts as notification (18 U.S.C. 2258A(h)(1)).
    """
    tip = identity(by=by, report_id=report_id)
    while True:
        ((file_ids,),) = statements.rows(_FILES, {"report_id": report_id})
        if tip.batched and len(file_ids) > 1 and _still_open(report_id):
            raise Refused(Situation.BATCH_TOO_LARGE, answers.answer(Situation.BATCH_TOO_LARGE).description)
        receipt = answers.done(0, report_id=report_id, file_ids=file_ids)
        sha256 = hashlib.sha256(receipt).digest()
        parameters = {
            "report_id": report_id,
            "state": "received",
            "files": file_ids,
            "body": receipt,
            "size": len(receipt),
            "sha256": sha256,
            "at": at,
            **_holding(by, at),
        }
        try:
            with _refusing():
                custody.run_with_event(
                    _CLOSE + _RECEIPT,
                    parameters,
                    source="document",
                    by=by.actor,
                    at=at,
                    kind="tip.received",
                    subject=tip.subject,
                    data={"report_id": report_id, "files": file_ids, "receipt_sha256": sha256.hex()},
                )
        except _MoreFilesCame:
            continue
        return receipt


def retract(*, by: ReporterLogin, at: datetime, report_id: int) -> None:
    """Close the report as retracted by its reporter; what came is kept and marked. Raises Refused."""
    tip = identity(by=by, report_id=report_id)
    with _refusing():
        custody.run_with_event(
            _CLOSE,
            {"report_id": report_id, "state": "retracted", "files": None, "at": at, **_holding(by, at)},
            source="tip",
            by=by.actor,
            at=at,
            kind="tip.retracted",
            subject=tip.subject,
            data={"why": "reporter asked"},
        )


def expire_due(*, by: str, at: datetime, batch: int = 500) -> int:
    """Mark every unfinished report that has lapsed; return how many. Safe to run twice."""
    limits: dict[str, datetime | int] = {
        "day_ago": at - rules.OPEN_AT_LEAST,
        "hour_ago": at - rules.OPEN_AFTER_LAST_ACT,
        "batch": batch,
    }
    done = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_DUE, limits)
            due = cursor.fetchall()
            for key, public_id in due:
                _close(by=by, at=at, key=key, subject=f"tip:{public_id}", state="expired", why="not finished")
        done += len(due)
        if len(due) < batch:
            return done


def identity(*, by: ReporterLogin, report_id: int) -> Identity:
    """Return what never changes about this reporter's report. Raises Refused (5001) if there is none.

    Another reporter's report, or one from the other environment, is answered like none at all.
    """
    with contextlib.suppress(_Unknown):
        public_id, reporter, environment, batched = _remembered(report_id)
        if (reporter, environment) == (by.reporter_id, by.environment):
            return Identity(public_id, batched)
    raise Refused(Situation.UNKNOWN_REPORT, "There is no such report.")


class _Unknown(Exception):
    """Not to be remembered: a report that is unknown now may be opened later."""


@lru_cache(maxsize=8192)
def _remembered(report_id: int) -> tuple[str, int, str, bool]:
    found = statements.rows(_WHICH, {"report_id": report_id})
    if not found:
        raise _Unknown
    public_id, reporter, environment, batched = found[0]
    return public_id, reporter, environment, batched


def _still_open(report_id: int) -> bool:
    """Whether a refusal may name the batch: a report that is closed is refused for that first."""
    state = statements.rows("SELECT state FROM tips_tip WHERE report_id = %(id)s", {"id": report_id})
    return state == [("open",)]


def _holding(by: ReporterLogin, at: datetime) -> dict[str, object]:
    return {
        "reporter": by.reporter_id,
        "environment": by.environment,
        "day_ago": at - rules.OPEN_AT_LEAST,
        "hour_ago": at - rules.OPEN_AFTER_LAST_ACT,
    }


class _MoreFilesCame(Exception):
    """A file was added between reading the list and closing the report; nothing was closed."""


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the functions of migration 0003 raise into refusals; a caller's transaction stays usable."""
    around = transaction.atomic() if connection.in_atomic_block else contextlib.nullcontext()
    try:
        with around:
            yield
    except DatabaseError as error:
        cause = error.__cause__
        code = getattr(cause, "sqlstate", None)
        if code == "NL002":
            raise _MoreFilesCame from None
        if code != "NL001" or not isinstance(cause, psycopg.Error):
            raise
        state = cause.diag.message_primary or ""
        situation = rules.closed(state) or Situation.UNKNOWN_REPORT
        told = "There is no such report." if state == "unknown" else f"This report is {state}."
        raise Refused(situation, told) from None


def _close(*, by: str, at: datetime, key: int, subject: str, state: str, why: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tips_tip SET state = %s, state_at = %s WHERE id = %s", [state, at, key])
    custody.append(by=by, at=at, kind=f"tip.{state}", subject=subject, data={"why": why})


def known_reports(*, by: ReporterLogin, report_ids: Sequence[int]) -> frozenset[int]:
    """Return which of these ids are finished reports of this reporter in this environment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT report_id FROM tips_tip WHERE report_id = ANY(%s) AND reporter_id = %s AND environment = %s"
            " AND state = 'received'",
            [list(report_ids), by.reporter_id, by.environment],
        )
        return frozenset(row[0] for row in cursor.fetchall())
