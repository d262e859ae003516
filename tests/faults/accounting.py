# SPDX-License-Identifier: Apache-2.0
"""Compares what reporters were told with what is there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nightlight.trust.sealed.box import Closed, unseal
from nightlight.trust.sealed.keys import keyring_in_folder

from .installation import until

if TYPE_CHECKING:
    from .installation import Installation
    from .reporting import Kept

_TIPS = """
SELECT t.report_id, t.state, d.body, t.payload_sha256, d.key_part, t.public_id FROM tips_tip t
LEFT JOIN tips_document d ON d.tip_id = t.id AND d.kind = 'report'
"""
_FILES = """
SELECT t.report_id, f.file_id, encode(b.md5, 'hex'), b.size FROM tips_tipfile f JOIN tips_tip t ON t.id = f.tip_id
JOIN evidence_item i ON i.id = f.item_id JOIN evidence_blob b ON b.id = i.blob_id
"""
_DOCUMENTS = """
SELECT t.report_id, d.file_id, d.body, d.key_part, t.public_id FROM tips_document d JOIN tips_tip t ON t.id = d.tip_id
WHERE d.kind = %s
"""
_UNREAD = """
SELECT t.report_id FROM tips_tip t WHERE t.state = 'received'
AND NOT EXISTS (SELECT 1 FROM tips_summary s WHERE s.tip_id = t.id)
"""
_JOBS = "SELECT status::text, count(*) FROM procrastinate_jobs WHERE queue_name = 'steps' GROUP BY status"


def missing(installation: Installation, acknowledged: list[Kept]) -> list[str]:
    """Return a sentence for everything that was acknowledged and is not there just so."""
    tips = {str(row[0]): row[1:] for row in installation.rows(_TIPS)}
    files = {(str(row[0]), row[1]): row[2:] for row in installation.rows(_FILES)}
    keys = keyring_in_folder(installation.home / "keys" / "sealing")

    def opened(body: bytes, key_part: bytes, tip: str, kind: str, file_id: str = "") -> bytes:
        place = f"document\n{tip}\n{kind}\n{file_id}".encode()
        return unseal(keys, Closed(bytes(key_part), bytes(body)), place)

    described = {
        (str(row[0]), row[1]): opened(row[2], row[3], row[4], "file-details", row[1])
        for row in installation.rows(_DOCUMENTS, ["file-details"])
    }
    receipts = {str(row[0]): bytes(row[2]) for row in installation.rows(_DOCUMENTS, ["receipt"])}
    found = []
    for kept in acknowledged:
        state, body, digest, key_part, tip = tips.get(kept.report_id, ("absent", b"", b"", b"", ""))
        came = opened(body, key_part, tip, "report") if body else b""
        if came != kept.submitted or bytes(digest) != hashlib.sha256(kept.submitted).digest():
            found.append(f"report {kept.report_id} ({state}) is not what was submitted")
        for file_id, md5, size in kept.files:
            if files.get((kept.report_id, file_id)) != (md5, size):
                found.append(f"file {file_id} of {kept.report_id}: {files.get((kept.report_id, file_id))}")
        for file_id, about in kept.described:
            if described.get((kept.report_id, file_id)) != about:
                found.append(f"details of {file_id} of {kept.report_id}")
        if kept.receipt is not None and (state, receipts.get(kept.report_id)) != ("received", kept.receipt):
            found.append(f"receipt of {kept.report_id} ({state}): {receipts.get(kept.report_id)!r}")
    return found


def damaged(installation: Installation, acknowledged: list[Kept]) -> list[str]:
    """Decrypt every listed file; return those whose bytes are not their record's, or not what was answered."""
    digests = installation.vault_digests()
    told = {file_id: md5 for kept in acknowledged for file_id, md5, _ in kept.files}
    return [
        f"{file_id}: {found}, told {told.get(file_id)}"
        for file_id, found in digests.items()
        if len({found["bytes"], found["record"], told.get(file_id, found["record"])}) != 1
    ] + [f"{file_id} is not listed" for file_id in told.keys() - digests.keys()]


def wait_until_read(installation: Installation, seconds: float) -> float:
    """Wait until every received tip has its summary and no step waits; return how long it took."""

    def done() -> bool:
        jobs = dict(installation.rows(_JOBS))
        return not jobs.get("todo") and not jobs.get("doing") and not installation.rows(_UNREAD)

    try:
        took = until(done, "every received tip is read", seconds)
    except AssertionError as late:
        left = installation.rows("SELECT id, task_name, status, worker_id, attempts FROM procrastinate_jobs")
        workers = installation.rows("SELECT id, now() - last_heartbeat FROM procrastinate_workers")
        raise AssertionError(f"{late}; unread {installation.rows(_UNREAD)}, jobs {left}, workers {workers}") from late
    assert not dict(installation.rows(_JOBS)).get("failed")
    return took
