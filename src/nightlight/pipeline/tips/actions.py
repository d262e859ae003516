# SPDX-License-Identifier: Apache-2.0
"""The life of a report: opened, given files, described, and finished, retracted or lapsed.

Each action is one transaction that ends in a custody event. SQL is written out where it runs on every request
of every reporter; everything else uses the models.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation import public_ids
from nightlight.pipeline.tips import rules
from nightlight.pipeline.tips.formats.cybertipline import answers, check
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import Refused
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.formats.cybertipline.check import CheckedReport
    from nightlight.pipeline.tips.intake import IntakeSettings
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.evidence.vault import Sealed

_OPEN = """
WITH tip AS (
  INSERT INTO tips_tip (public_id, report_id, source, environment, reporter_id, sent_by, incident_type, batched,
                        escalated, payload_sha256, opened_at, state, state_at)
  VALUES (%s, %s, 'reporting-api', %s, %s, %s, %s, %s, %s, %s, %s, 'open', %s)
  ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO tips_document (tip_id, kind, file_id, body, sha256, received_at)
SELECT id, 'report', '', %s, %s, %s FROM tip RETURNING tip_id
"""
_LOCK = """
SELECT id, public_id, state, opened_at, reporter_id, environment, batched
FROM tips_tip WHERE report_id = %s FOR {strength}
"""
_LAST_ACT = """
SELECT greatest(
  (SELECT max(received_at) FROM tips_document WHERE tip_id = %s),
  (SELECT max(i.received_at) FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id WHERE f.tip_id = %s))
"""
_FILES = "SELECT file_id FROM tips_tipfile WHERE tip_id = %s ORDER BY id"
_ADD_FILE = "INSERT INTO tips_tipfile (tip_id, item_id, file_id) VALUES (%s, %s, %s)"
_KEEP = """
INSERT INTO tips_document (tip_id, kind, file_id, body, sha256, received_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_HAS_FILE = "SELECT 1 FROM tips_tipfile WHERE tip_id = %s AND file_id = %s"
_CLOSE = "UPDATE tips_tip SET state = %s, state_at = %s WHERE id = %s"
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
class OpenTip:
    """An open report, locked until the transaction ends."""

    key: int
    public_id: str
    report_id: int
    opened_at: datetime
    batched: bool

    @property
    def subject(self) -> str:
        """How custody events name this tip."""
        return f"tip:{self.public_id}"


@transaction.atomic
def open_report(
    *, by: ReporterLogin, at: datetime, body: bytes, checked: CheckedReport, sent_from: str
) -> tuple[int, str]:
    """Keep a report as it came and open it; return (report id, public id).

    Raises Refused if the credential may not submit.
    """
    if not by.may_submit:
        raise Refused(Situation.NO_SUBMIT_RIGHT, "This account may not submit reports.")
    sha256 = hashlib.sha256(body).digest()
    with connection.cursor() as cursor:
        while True:  # both ids are random: the rare clash is tried again
            public_id, report_id = public_ids.new("NL"), rules.new_report_id()
            cursor.execute(
                _OPEN,
                [
                    public_id,
                    report_id,
                    by.environment,
                    by.reporter_id,
                    by.username,
                    checked.incident_type,
                    checked.batched,
                    bool(checked.escalation),
                    sha256,
                    at,
                    at,
                    body,
                    sha256,
                    at,
                ],
            )
            if cursor.rowcount:
                break
    custody.append(
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
            "escalated": bool(checked.escalation),
            "report_sha256": sha256.hex(),
            "size": len(body),
        },
    )
    return report_id, public_id


@transaction.atomic
def add_file(*, by: ReporterLogin, at: datetime, report_id: int, sealed: Sealed, name_as_sent: str) -> tuple[str, str]:
    """Enter a file that is already safe in the vault; return (file id, MD5). Raises Refused."""
    tip = _lock(by=by, at=at, report_id=report_id, strength="SHARE")
    file_id = answers.new_file_id()
    item = evidence.receive(
        by=by.actor,
        at=at,
        sealed=sealed,
        name_as_sent=name_as_sent,
        context=tip.subject,
        data={"file_id": file_id},
    )
    with connection.cursor() as cursor:
        cursor.execute(_ADD_FILE, [tip.key, item.id, file_id])
    return file_id, sealed.digests.md5


@transaction.atomic
def describe_file(
    *, by: ReporterLogin, at: datetime, body: bytes, settings: IntakeSettings, note: Callable[[int], None]
) -> None:
    """Check the details of one file and keep them as they came; at most once per file. Raises Refused.

    ``note`` is told the report's id as soon as it was read, so that a refusal can name it.
    """
    tips: list[OpenTip] = []

    def batched(report_id: int, file_id: str) -> bool:
        note(report_id)
        tip = _lock(by=by, at=at, report_id=report_id, strength="SHARE")
        with connection.cursor() as cursor:
            cursor.execute(_HAS_FILE, [tip.key, file_id])
            if cursor.fetchone() is None:
                raise Refused(Situation.UNKNOWN_FILE, "This report has no such file.")
        tips.append(tip)
        return tip.batched

    checked = check.check_file_details(body, profile=settings.profile, now=at, newer=settings.newer, batched=batched)
    (tip,) = tips
    sha256 = hashlib.sha256(body).digest()
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [tip.key, "file-details", checked.file_id, body, sha256, at])
        if not cursor.rowcount:
            told = answers.answer(Situation.SECOND_FILE_DETAILS).description
            raise Refused(Situation.SECOND_FILE_DETAILS, told)
    custody.append(
        by=by.actor,
        at=at,
        kind="tip.file-described",
        subject=tip.subject,
        data={"file_id": checked.file_id, "details_sha256": sha256.hex(), "size": len(body)},
    )


@transaction.atomic
def finish(*, by: ReporterLogin, at: datetime, report_id: int) -> bytes:
    """Close the report as received and return its receipt, whose exact bytes are kept. Raises Refused.

    The receipt is what the law counts as notification (18 U.S.C. 2258A(h)(1)).
    """
    tip = _lock(by=by, at=at, report_id=report_id, strength="UPDATE")
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [tip.key])
        file_ids = [row[0] for row in cursor.fetchall()]
        if tip.batched and len(file_ids) > 1:
            raise Refused(Situation.BATCH_TOO_LARGE, answers.answer(Situation.BATCH_TOO_LARGE).description)
        receipt = answers.done(0, report_id=report_id, file_ids=file_ids)
        sha256 = hashlib.sha256(receipt).digest()
        cursor.execute(_CLOSE, ["received", at, tip.key])
        cursor.execute(_KEEP, [tip.key, "receipt", "", receipt, sha256, at])
    custody.append(
        by=by.actor,
        at=at,
        kind="tip.received",
        subject=tip.subject,
        data={"report_id": report_id, "files": file_ids, "receipt_sha256": sha256.hex()},
    )
    return receipt


@transaction.atomic
def retract(*, by: ReporterLogin, at: datetime, report_id: int) -> None:
    """Close the report as retracted by its reporter; what came is kept and marked. Raises Refused."""
    tip = _lock(by=by, at=at, report_id=report_id, strength="UPDATE")
    _close(by=by.actor, at=at, key=tip.key, subject=tip.subject, state="retracted", why="reporter asked")


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


def _lock(*, by: ReporterLogin, at: datetime, report_id: int, strength: str) -> OpenTip:
    """Return the open report, locked. Raises Refused if it is unknown, another's, closed or lapsed.

    SHARE lets uploads to one report run side by side and keeps ``finish`` waiting for them; UPDATE closes it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(strength=strength), [report_id])
        row = cursor.fetchone()
    # Another reporter's report, or one from the other environment, is answered like none at all.
    if row is None or row[4] != by.reporter_id or row[5] != by.environment:
        raise Refused(Situation.UNKNOWN_REPORT, "There is no such report.")
    key, public_id, state, opened_at, _, _, batched = row
    if situation := rules.closed(state):
        raise Refused(situation, f"This report is {state}.")
    if at - opened_at >= rules.OPEN_AT_LEAST and rules.expires_at(opened_at, _last_act(key)) <= at:
        raise Refused(Situation.ALREADY_RETRACTED, "This report was not finished in time.")
    return OpenTip(key, public_id, report_id, opened_at, batched)


def _last_act(key: int) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ACT, [key, key])
        moment: datetime = cursor.fetchone()[0]
    return moment


def _close(*, by: str, at: datetime, key: int, subject: str, state: str, why: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [state, at, key])
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
