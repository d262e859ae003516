# SPDX-License-Identifier: Apache-2.0
"""Puts a package together: what it carries, the proofs of it, signed, encrypted to the receiver, durable on the disk.

Opened reports exist in memory only, the bytes of files in pieces; what reaches the disk is encrypted. A stop half-way
leaves a draft that the next try writes anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.db import transaction

from nightlight.foundation import clock, durable
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing.exchange import cards, envelope, keys, manifest, outbox, payload, proofs, receiving
from nightlight.pipeline.routing.exchange.envelope import Header, Kind
from nightlight.pipeline.routing.models import OPEN_STATES, Owed, Package, PackageTip, Proposal, Referred
from nightlight.pipeline.tips import closing
from nightlight.pipeline.tips.models import Document, State, Tip, TipFile
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import keys as custody_keys
from nightlight.trust.custody import merkle
from nightlight.trust.custody import queries as log
from nightlight.trust.evidence import queries as evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from nightlight.pipeline.routing.exchange.envelope import Head
    from nightlight.pipeline.routing.exchange.manifest import Manifest
    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.custody.models import TreeHead

_TOGETHER = 100  # tips whose entries of the log are read at a time
_GUESSES = 3
_SMALL: tuple[Literal["proof"], Literal["earlier"]] = ("proof", "earlier")


def build(package: Package, *, by: str, at: datetime) -> None:
    """Put together what a package row says is to go; then it is ready. Safe to run again after a stop at any moment.

    Tips that were set apart or destroyed since, and offers that were answered, stay out; where nothing is left the
    package is refused (code "empty"). Raises StoreFailed, Damaged (of the vault, of a sealed report, of payload),
    KeysRefused, Conflict (of the log) and OSError: nothing of it is sent then.
    """
    package.refresh_from_db()
    if not package.outgoing or package.state != Package.State.BUILDING:
        return
    if package.installation is None:
        raise Conflict("A package that goes out is addressed to an installation.")
    contents = _Contents(package, package.installation.fingerprint, keys.ours())
    if package.kind == Package.Kind.REFERRAL and not contents.rows:
        outbox.refused(
            package, code="empty", why="Nothing that was to go with it is to be sent any more.", at=at, by=by
        )
        return
    recipient = cards.read(package.installation.card).recipient
    path = receiving.folder() / f"out/{package.public_id}.nlp"
    head = _write(path, contents, recipient=recipient, at=at)
    with transaction.atomic():
        package.header = head.to_bytes().decode()
        package.path = f"out/{path.name}"
        package.size, package.moved, package.sha256 = head.whole, 0, head.header.sha256
        package.state, package.state_at, package.tries, package.why = Package.State.READY, at, 0, ""
        package.not_before = None
        package.save()
        custody.append(
            by=by,
            at=at,
            kind="exchange.package-built",
            subject=f"package:{package.public_id}",
            data={
                "installation": package.installation.public_id,
                "kind": package.kind,
                "tips": len(contents.rows),
                "statements": len(contents.statements),
                "size": package.size,
                "payload_sha256": package.sha256,
            },
        )


def _write(path: Path, contents: _Contents, *, recipient: str, at: datetime) -> Head:
    """Write the package to its place, durable on return."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    # The head stands first and states the size of what follows it, whose number of digits is guessed and seldom wrong.
    size = sum(entry.size for tip in contents.manifest.tips for entry in tip.entries) + len(
        contents.manifest.to_bytes()
    )
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        for _guess in range(_GUESSES):
            room = contents.head(max(1, size), "0" * 64, at).size
            file.seek(room)
            written = payload.write(file, contents.manifest, contents.parts(), recipient=recipient)
            file.truncate()
            head = contents.head(written.size, written.sha256, at)
            size = written.size
            if head.size == room:
                break
        else:
            raise Conflict("The size of the package could not be settled.")
        file.seek(0)
        file.write(head.to_bytes())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    durable.sync_folder(path.parent)
    return head


class _Contents:
    """What goes into one package: its manifest, and the bytes of its entries in order."""

    def __init__(self, package: Package, receiver: str, ours: keys.Keys) -> None:
        self._package, self._receiver, self._ours = package, receiver, ours
        self.rows = list(_rows(package))
        self.statements = [
            manifest.strictly(one.body.encode(), manifest.Statement)
            for one in Owed.objects.filter(package=package).order_by("id")
        ]
        head = _signed_head() if self.rows else None
        self._small: dict[tuple[int, str], bytes] = {}
        self.manifest = self._told(head)

    def head(self, size: int, sha256: str, at: datetime) -> Head:
        """Return the signed head for an age file of this size and digest."""
        return envelope.sign(
            Header(
                kind=Kind(self._package.kind),
                id=self._package.package_id,
                made_at=at,
                sender=self._ours.fingerprint,
                sender_name=settings.NIGHTLIGHT_EXCHANGE_NAME,
                receiver=self._receiver,
                size=size,
                sha256=sha256,
            ),
            self._ours.signing,
        )

    def parts(self) -> Iterator[Iterable[bytes]]:
        """Yield the bytes of each entry, opened only when it is its turn."""
        for row, told in zip(self.rows, self.manifest.tips, strict=True):
            documents = {(d.kind, d.file_id): d for d in Document.objects.filter(tip=row.tip)}
            files = {f.file_id: f for f in TipFile.objects.filter(tip=row.tip).select_related("item__blob")}
            for entry in told.entries:
                if entry.what == "file":
                    yield evidence.read(files[entry.file_id].item)
                elif entry.what == "document":
                    yield [closing.opened(documents[entry.kind, entry.file_id], tip=row.tip.public_id)]
                else:
                    yield [self._small[row.tip_id, entry.what]]

    def _told(self, head: TreeHead | None) -> Manifest:
        tips = [row.tip for row in self.rows]
        documents, files = defaultdict(list), defaultdict(list)
        bare = Document.objects.filter(tip__in=tips).defer("body", "key_part").order_by("id")
        for document in bare:
            documents[document.tip_id].append(document)
        for file in TipFile.objects.filter(tip__in=tips).select_related("item__blob").order_by("id"):
            files[file.tip_id].append(file)
        believed = {one.tip_id: one for one in Proposal.objects.filter(tip__in=tips)}
        came = {one.tip_id: one for one in Referred.objects.filter(tip__in=tips)}
        if head is not None:
            for start in range(0, len(tips), _TOGETHER):
                self._prove(tips[start : start + _TOGETHER], files, head)
        told = []
        for row in self.rows:
            referred = came.get(row.tip_id)
            if referred is not None:
                self._small[row.tip_id, "earlier"] = referred.proof.encode()
            entries = [_document(one) for one in documents[row.tip_id]]
            entries += [
                _entry(what, self._small[row.tip_id, what]) for what in _SMALL if (row.tip_id, what) in self._small
            ]
            entries += [_file(one) for one in files[row.tip_id]]
            told.append(_tip(row, referred, believed.get(row.tip_id), entries, us=self._ours.fingerprint))
        return manifest.Manifest(
            format=manifest.FORMAT,
            kind="referral" if self._package.kind == Package.Kind.REFERRAL else "receipts",
            package=self._package.package_id,
            sender=self._ours.fingerprint,
            receiver=self._receiver,
            made_at=stamp(self._package.made_at),
            card=keys.our_card(),
            head=head.note if head else "",
            tips=told,
            statements=self.statements,
        )

    def _prove(self, tips: Sequence[Tip], files: dict[int, list[TipFile]], head: TreeHead) -> None:
        of_item = {f"item:{one.item.public_id}": tip.pk for tip in tips for one in files[tip.pk]}
        of_tip = {f"tip:{tip.public_id}": tip.pk for tip in tips}
        found: dict[int, list[proofs.ProvedEntry]] = defaultdict(list)
        tree = log.StoredTree()
        for event in log.history([*of_tip, *of_item]):
            wanted = proofs.OF_A_TIP if event.subject in of_tip else proofs.OF_A_FILE
            if event.kind in wanted and event.position is not None and event.position < head.size:
                path = merkle.inclusion_path(tree, event.position, head.size)
                proved = proofs.ProvedEntry(event.position, event.body, [one.hex() for one in path])
                found[of_tip.get(event.subject) or of_item[event.subject]].append(proved)
        for tip in tips:
            self._small[tip.pk, "proof"] = proofs.Proof(1, tip.public_id, found[tip.pk]).to_bytes()


def _rows(package: Package) -> Iterator[PackageTip]:
    """What of a package is still to go: nothing that was set apart, destroyed, answered or recalled in the meantime."""
    rows = PackageTip.objects.filter(package=package).select_related("tip__reporter", "offer__tip").order_by("pk")
    closed = Document.objects.filter(tip__in=rows.values("tip"), key_part=b"").exclude(kind="receipt")
    destroyed = set(closed.values_list("tip", flat=True))
    for row in rows:
        offer: Offer | None = row.offer
        open_still = offer is None or offer.state in OPEN_STATES
        if row.tip.state == State.RECEIVED and not row.tip.set_apart and open_still and row.tip_id not in destroyed:
            yield row


def _signed_head() -> TreeHead:
    """Return a tree head over everything that the log holds now."""
    custody.sign_head(at=clock.now(), key=custody_keys.signing_key())
    head = log.latest_head()
    if head is None:
        raise Conflict("The log has no signed head.")
    return head


def _document(document: Document) -> manifest.Entry:
    sha256 = bytes(document.sha256).hex()
    received = stamp(document.received_at)
    return manifest.Entry("document", document.kind, document.file_id, "", document.size, sha256, received)


def _file(file: TipFile) -> manifest.Entry:
    digests = file.item.blob.digests
    received = stamp(file.item.received_at)
    return manifest.Entry(
        "file",
        "",
        file.file_id,
        file.item.name_as_sent[: manifest.LONGEST_FILE_NAME],
        digests.size,
        digests.sha256,
        received,
    )


def _entry(what: Literal["proof", "earlier"], body: bytes) -> manifest.Entry:
    return manifest.Entry(what, "", "", "", len(body), hashlib.sha256(body).hexdigest(), "")


def _tip(
    row: PackageTip, came: Referred | None, believed: Proposal | None, entries: list[manifest.Entry], *, us: str
) -> manifest.Tip:
    tip, offer = row.tip, row.offer
    return manifest.Tip(
        tip=tip.public_id,
        origin=came.origin if came else us,
        origin_tip=came.origin_tip if came else tip.public_id,
        report_id=tip.report_id,
        source=tip.source,
        environment="production" if tip.environment == "production" else "test",
        reporter=tip.reporter.name,
        reporter_origin=tip.reporter.origin,
        incident_type=tip.incident_type,
        batched=tip.batched,
        escalated=tip.escalated,
        payload_sha256=bytes(tip.payload_sha256).hex(),
        opened_at=stamp(tip.opened_at),
        received_at=stamp(tip.state_at),
        offer=_offered(offer) if offer else None,
        believed=_believed(believed) if believed else None,
        entries=entries,
    )


def _believed(one: Proposal) -> manifest.Believed:
    return manifest.Believed(one.country, one.state, one.district, max(0, min(100, one.confidence)))


def _offered(offer: Offer) -> manifest.Offered:
    kind = {"whole": "whole", "part": "part"}.get(offer.kind, "joint")
    return manifest.Offered(
        id=offer.public_id,
        kind=kind,  # type: ignore[arg-type]
        why=offer.why,
        note=offer.note,
        parties=json.loads(offer.parties),
        band=offer.band,
        sent_at=stamp(offer.sent_at),
    )
