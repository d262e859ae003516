# SPDX-License-Identifier: Apache-2.0
"""Originals leave the building only when one person asks, another approves, and a recipient's key closes them.

What leaves is one file: a head with a fresh key, closed for the recipient (``sealed.box``), and behind it a ZIP in the
envelope of the vault (``evidence.envelope``), so a file of any size goes through constant memory.
"""

from __future__ import annotations

import json
import secrets
import zipfile
from typing import IO, TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import envelope
from nightlight.trust.evidence import keys as evidence_keys
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.models import BlobKey, Item
from nightlight.trust.evidence.store import StoreFailed
from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed, Damaged, Key, Keyring, KeysRefused, Sealer
from nightlight.trust.units import notices
from nightlight.trust.units.models import Below
from nightlight.trust.viewing import rules
from nightlight.trust.viewing.actions import BATCH, sha256
from nightlight.trust.viewing.models import Export, ExportState, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Viewer

MAGIC = b"NLEX\x01\n"
_KEY_SIZE = envelope.KEY_SIZE
_BODY_SIZE = _KEY_SIZE + envelope.TAG_SIZE
_PIECE = 1 << 16


@transaction.atomic
def ask(
    *,
    by: Viewer,
    at: datetime,
    subject: str,
    holder: int,
    items: Sequence[Item],
    purpose: str,
    words: str,
    recipient: str,
    recipient_key: str,
) -> Export:
    """Ask for originals of one record to leave; ``holder`` is the key of the unit that holds the record.

    ``recipient_key`` is a public key as ``nightlight export key`` prints it: 64 hex digits. The words stay in the
    table, the log keeps their digest. Raises NotAllowed unless by an investigator, Conflict for what is missing.
    """
    if Role.INVESTIGATOR not in by.roles:
        raise NotAllowed("Originals are asked for by an investigator.")
    told, receiver = rules.reason_given(words), " ".join(recipient.split())
    if purpose not in Purpose.values or not told:
        raise Conflict(f"Say what the originals are needed for, in at least {rules.SHORTEST_REASON} characters.")
    if not 1 <= len(receiver) <= rules.LONGEST_NUMBER:
        raise Conflict("Say who receives the originals.")
    if not items:
        raise Conflict("Choose at least one file.")
    row = Export.objects.create(
        public_id=public_ids.new("EX"),
        subject=subject,
        items=sorted(item.public_id for item in items),
        user_id=by.user_id,
        purpose=purpose,
        words=told,
        recipient=receiver,
        recipient_key=_public_key(recipient_key),
        asked_at=at,
    )
    custody.append(by=by.actor, at=at, kind="export.asked", subject=subject, data=asked_data(row))
    notices.tell_role(
        unit_id=holder, role=Role.COMMANDER, kind="export.asked", subject=row.public_id, about=subject, at=at
    )
    return row


@transaction.atomic
def decide(*, by: Viewer, at: datetime, export: str, holder: int, approve: bool) -> Export:
    """Approve or refuse an export; an approved one can be written once within a day.

    Raises NotAllowed unless by a commander of the unit that holds the record or of one above, and for the person who
    asked; NotFound; Conflict if it is decided already.
    """
    row = Export.objects.filter(public_id=export).first()
    if row is None:
        raise NotFound("There is no such export in the records you see.")
    if row.user_id == by.user_id:
        raise NotAllowed("Two people: somebody else has to approve what you asked for.")
    commanded = [post.unit_id for post in by.posts if post.role is Role.COMMANDER]
    if not Below.objects.filter(ancestor_id__in=commanded, unit_id=holder).exists():
        raise NotAllowed("An export is approved by a commander of the unit that holds the record, or of one above.")
    changed = Export.objects.filter(pk=row.pk, state=ExportState.ASKED).update(
        state=ExportState.APPROVED if approve else ExportState.REFUSED,
        decided_by_id=by.user_id,
        decided_at=at,
        expires_at=at + rules.EXPORT_LIFE if approve else None,
    )
    if not changed:
        raise Conflict("This export is decided already.")
    row.refresh_from_db()
    kind = "export.approved" if approve else "export.refused"
    custody.append(
        by=by.actor,
        at=at,
        kind=kind,
        subject=row.subject,
        data={"export": row.public_id, **({"until": stamp(at + rules.EXPORT_LIFE)} if approve else {})},
    )
    notices.tell_person(user_id=row.user_id, kind=kind, subject=row.public_id, about=row.subject, at=at)
    return row


def expire_due(*, by: str, at: datetime) -> int:
    """Let approved exports lapse that nobody wrote within their day; return how many there were."""
    with transaction.atomic():
        due = Export.objects.select_for_update(of=("self",), skip_locked=True)
        rows = list(due.filter(state=ExportState.APPROVED, expires_at__lte=at).order_by("id")[:BATCH])
        for row in rows:
            row.state = ExportState.EXPIRED
            row.save(update_fields=["state"])
            custody.append(by=by, at=at, kind="export.expired", subject=row.subject, data={"export": row.public_id})
    return len(rows)


def write(*, by: str, at: datetime, export: str, folder: Path) -> Path:
    """Write an approved export into ``folder``, once; return the file, which only the recipient can open.

    For the command line of the machine: the page has no right to the originals. Raises NotFound; Conflict unless it
    is approved and its day is not over, or the file is there already.
    """
    row = Export.objects.filter(public_id=export).first()
    if row is None:
        raise NotFound(f"There is no export {export}.")
    if row.state != ExportState.APPROVED or row.expires_at is None or at >= row.expires_at:
        raise Conflict(f"The export {export} is not approved, or its day is over.")
    path = folder / f"{row.public_id}.nlx"
    partial = folder / f"{row.public_id}.partial"
    try:
        with partial.open("xb") as out:
            _package(row, out, at)
        with transaction.atomic():
            held = Export.objects.select_for_update(of=("self",)).get(pk=row.pk)
            if held.state != ExportState.APPROVED:
                raise Conflict(f"The export {export} was written already.")
            held.state, held.written_at = ExportState.WRITTEN, at
            held.save(update_fields=["state", "written_at"])
            custody.append(
                by=by,
                at=at,
                kind="export.written",
                subject=row.subject,
                data={
                    "export": row.public_id,
                    "items": row.items,
                    "recipient_key": bytes(row.recipient_key).hex(),
                    "size": partial.stat().st_size,
                },
            )
            partial.rename(path)
    except FileExistsError:
        raise Conflict(f"{partial} is there already; remove it first.") from None
    except (StoreFailed, envelope.Damaged, evidence_keys.KeysRefused, BlobKey.DoesNotExist) as failure:
        raise Conflict("A file could not be read from the vault: it is damaged, or it was destroyed.") from failure
    finally:
        partial.unlink(missing_ok=True)
    return path


def _package(row: Export, out: IO[bytes], at: datetime) -> None:
    key = secrets.token_bytes(_KEY_SIZE)
    closed = Sealer(bytes(row.recipient_key)).seal(key, MAGIC)
    out.write(MAGIC + closed.key_part + closed.body)
    writer = envelope.EncryptingWriter(key, MAGIC.hex(), out.write)
    items = list(Item.objects.filter(public_id__in=row.items).select_related("blob").order_by("id"))
    if len(items) != len(row.items):
        raise Conflict("Some of the files are not kept any more.")
    with zipfile.ZipFile(_Stream(writer), "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("manifest.json", json.dumps(_manifest(row, items, at), indent=2))
        for item in items:
            # Not the name as sent: it is the sender's words, and may name a person.
            with archive.open(f"{item.public_id}.bin", "w", force_zip64=True) as entry:
                for piece in evidence.read(item):
                    entry.write(piece)
    writer.finish()


class _Stream:
    """What zipfile needs of a file that cannot be rewound."""

    def __init__(self, writer: envelope.EncryptingWriter) -> None:
        self._writer = writer

    def write(self, data: bytes, /) -> int:
        self._writer.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back that could be flushed."""

    def close(self) -> None:
        """The writer is finished by who made it."""


def _manifest(row: Export, items: list[Item], at: datetime) -> dict[str, Json]:
    return {
        "export": row.public_id,
        "subject": row.subject,
        "purpose": row.purpose,
        "written_at": stamp(at),
        "custody": "the history of each item is in the custody bundle of the subject: nightlight custody export",
        "items": [
            {
                "item": item.public_id,
                "file": f"{item.public_id}.bin",
                "size": item.blob.size,
                "md5": item.blob.digests.md5,
                "sha1": item.blob.digests.sha1,
                "sha256": item.blob.digests.sha256,
                "received_at": stamp(item.received_at),
            }
            for item in items
        ],
    }


def unpack(file: Path, private_key: bytes, archive: IO[bytes]) -> None:
    """Decrypt an export into ``archive``, a ZIP. Raises Conflict for another key, or a file that is not whole."""
    with file.open("rb") as stored:
        head = stored.read(len(MAGIC) + box.KEY_PART_SIZE + _BODY_SIZE)
        if not head.startswith(MAGIC):
            raise Conflict("This is no export of Nightlight.")
        closed = Closed(head[len(MAGIC) : len(MAGIC) + box.KEY_PART_SIZE], head[len(MAGIC) + box.KEY_PART_SIZE :])
        try:
            key = box.unseal(Keyring((Key(private_key),)), closed, MAGIC)
            for piece in envelope.decrypt(key, MAGIC.hex(), _pieces(stored)):
                archive.write(piece)
        except (KeysRefused, Damaged, envelope.Damaged) as failure:
            raise Conflict(f"It cannot be opened: {failure.reason}.") from failure


def _pieces(stored: IO[bytes]) -> Iterator[bytes]:
    while piece := stored.read(_PIECE):
        yield piece


def asked_data(row: Export) -> dict[str, Json]:
    """Return what the log keeps of a request; the verification compares the row with it."""
    return {
        "export": row.public_id,
        "items": row.items,
        "purpose": row.purpose,
        "words_sha256": sha256(canonical_json.encode([row.words, row.recipient]).decode()),
        "recipient_key": bytes(row.recipient_key).hex(),
    }


def _public_key(text: str) -> bytes:
    try:
        key = bytes.fromhex("".join(text.split()))
        Sealer(key)
    except (ValueError, KeysRefused):
        raise Conflict(
            "The recipient's public key is 64 hexadecimal digits, as “nightlight export key” prints it."
        ) from None
    return key
