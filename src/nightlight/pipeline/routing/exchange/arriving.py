# SPDX-License-Identifier: Apache-2.0
"""Makes the tips of a verified package ours: documents closed with our keys, files in our vault.

Our custody log goes on where the sender's stands. A tip that was here before, and one of ours that comes home, is
recognised by where it was first received; then only the offer is new. Documents wait in memory, files go straight into
the vault, where they are nothing until recorded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from django.db import transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.foundation.refusals import Refusal
from nightlight.pipeline.routing import offers
from nightlight.pipeline.routing.exchange import keys, payload, proofs, returning, verifying
from nightlight.pipeline.routing.exchange.manifest import moment
from nightlight.pipeline.routing.models import BounceCode, Came, OfferKind, Owed, Package, Referred
from nightlight.pipeline.tips import closing, rules, seeing
from nightlight.pipeline.tips.formats.cybertipline import answers
from nightlight.pipeline.tips.handing import Why
from nightlight.pipeline.tips.models import Document, DocumentKind, State, Tip, TipFile, Unread
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Origin
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import TracebackType

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.routing.exchange import manifest
    from nightlight.pipeline.routing.exchange.envelope import Head
    from nightlight.pipeline.routing.exchange.manifest import Entry, Manifest
    from nightlight.pipeline.routing.models import Installation, Offer
    from nightlight.trust.custody.actions import EventRef
    from nightlight.trust.evidence.vault import Sealed, Staging

_LEAVES = 200  # named one by one in our log; the digest of the proof stands for all


@dataclass(slots=True)
class _Parts:
    """What of one tip has come so far."""

    documents: list[tuple[Entry, bytes]]
    files: list[tuple[Entry, Sealed]]
    proof: bytes = b""
    earlier: bytes = b""


class Arriving(payload.Taker):
    """Takes in the tips of one package as they are read, from the first that was not taken in yet."""

    def __init__(self, package: Package, sender: Installation, head: Head, *, at: datetime) -> None:
        self._package, self._sender, self._head, self._at = package, sender, head, at
        self._us = keys.ours().fingerprint
        self._receiving = Unit.objects.get(receives=True)
        self._known: Tip | None = None
        self._vault = current_vault()
        self._number = 0
        self._skip = True
        self._parts = _Parts([], [])
        self._body = bytearray()
        self._staging: Staging | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def begins(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._card = verifying.sender_card(manifest)
        self._tree = proofs.head_of(manifest.head, self._card.custody_keys)

    def entry_begins(self, tip: manifest.Tip, entry: Entry) -> None:
        if entry is tip.entries[0]:
            done = Package.objects.values_list("done", flat=True).get(pk=self._package.pk)
            self._skip = self._number < done
            self._known = None if self._skip else _known(tip, self._us)
            self._parts = _Parts([], [])
        # Of a tip that is here already the files are here as well.
        wanted = not self._skip and (entry.what != "file" or self._known is None)
        self._body = bytearray()
        self._wanted = wanted
        self._staging = self._vault.stage() if wanted and entry.what == "file" else None

    def takes(self, piece: bytes) -> None:
        if self._staging is not None:
            self._staging.write(piece)
        elif self._wanted:
            self._body += piece

    def entry_ends(self, tip: manifest.Tip, entry: Entry) -> None:
        if self._staging is not None:
            self._parts.files.append((entry, self._staging.seal()))
            self._staging = None
        elif self._wanted and entry.what == "document":
            self._parts.documents.append((entry, bytes(self._body)))
        elif self._wanted and entry.what == "proof":
            self._parts.proof = bytes(self._body)
        elif self._wanted and entry.what == "earlier":
            self._parts.earlier = bytes(self._body)

    def tip_ends(self, tip: manifest.Tip) -> None:
        if not self._skip:
            with transaction.atomic():
                _Tip(self, tip).take()
                Package.objects.filter(pk=self._package.pk).update(done=self._number + 1)
            self._parts.files.clear()  # recorded
        self._number += 1

    def _drop(self) -> None:
        """Leave nothing in the vault of a tip that was not taken in."""
        if self._staging is not None:
            self._staging.discard()
        for _entry, sealed in self._parts.files:
            with contextlib.suppress(Exception):  # what stays is not listed, and swept later
                self._vault.discard(sealed)


def _known(tip: manifest.Tip, us: str) -> Tip | None:
    """The tip that is here under another number already: ours from the beginning, or taken in before."""
    if tip.origin == us:
        return Tip.objects.filter(public_id=tip.origin_tip).first()
    referred = Referred.objects.filter(origin=tip.origin, origin_tip=tip.origin_tip).select_related("tip").first()
    return referred.tip if referred else None


def _unread(tip: Tip) -> None:
    Unread.objects.bulk_create([Unread(tip=tip)], ignore_conflicts=True)


def _flat(earlier: bytes) -> list[Json]:
    """The proofs of the way up to the sender, the first first, none inside another."""
    if not earlier:
        return []
    try:
        told = json.loads(earlier)
        before = [one for one in told.pop("earlier") if isinstance(one, str)]
        return [*before, canonical_json.encode({**told, "earlier": []}).decode()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [earlier.decode("utf-8", "replace").replace("\0", "")]  # of a form that is not ours: kept as it is


class _Tip:
    """One tip of the package, in the transaction that takes it in."""

    def __init__(self, arriving: Arriving, told: manifest.Tip) -> None:
        self._told, self._at = told, arriving._at
        self._package, self._sender, self._head = arriving._package, arriving._sender, arriving._head
        self._manifest, self._tree, self._parts = arriving._manifest, arriving._tree, arriving._parts
        self._by = f"installation:{self._sender.public_id}"
        self._receiving, self._here = arriving._receiving, arriving._known

    def take(self) -> None:
        told = self._told
        if told.offer is not None and self._answered(told.offer.id):
            return  # the same offer in another package, or in this one when it was sent again
        known = self._here
        if known is not None and Referred.objects.filter(tip=known, package=self._package).exists():
            return
        leaves = proofs.check(self._parts.proof, told, self._tree)
        tip, event = (known, self._again(known, leaves)) if known else self._new(leaves)
        if told.offer is not None:
            self._offer(tip, told.offer, event, new=known is None)

    def _answered(self, offer: str) -> bool:
        of_ours = {"installation": self._sender, "their_offer": offer}
        return Came.objects.filter(**of_ours).exists() or Owed.objects.filter(**of_ours).exists()

    def _new(self, leaves: list[str]) -> tuple[Tip, EventRef]:
        told = self._told
        # A name is no proof of being the same: whoever reports here keeps their reports apart from those referred.
        reporter = accounts.reporter_named(by=self._by, at=self._at, name=told.reporter, origin=Origin.REFERRAL)
        number_taken = Tip.objects.filter(report_id=told.report_id).exists()
        tip = Tip.objects.create(
            public_id=public_ids.new("NL"),
            report_id=rules.new_report_id() if number_taken else told.report_id,
            source=told.source,
            environment=told.environment,
            reporter=reporter,
            sent_by=self._by,
            incident_type=told.incident_type,
            batched=told.batched,
            escalated=told.escalated,
            payload_sha256=bytes.fromhex(told.payload_sha256),
            opened_at=moment(told.opened_at),
            state=State.RECEIVED,
            state_at=self._at,
            unit=self._sender.unit or self._receiving,
        )
        file_ids = self._file_ids()
        documents = self._keep(tip, self._parts.documents, file_ids)
        for entry, sealed in self._parts.files:
            item = evidence.receive(
                by=self._by,
                at=self._at,
                sealed=sealed,
                name_as_sent=entry.name,
                context=f"tip:{tip.public_id}",
                data={"file_id": file_ids[entry.file_id]},
            )
            TipFile.objects.create(tip=tip, item_id=item.id, file_id=file_ids[entry.file_id])
        event = self._record(
            "tip.referred-in",
            tip,
            leaves,
            report_id=tip.report_id,
            source=tip.source,
            environment=tip.environment,
            reporter=reporter.public_id,
            sent_by=tip.sent_by,
            incident_type=tip.incident_type,
            batched=tip.batched,
            escalated=tip.escalated,
            report_sha256=told.payload_sha256,
            opened_at=told.opened_at,
            origin_report_id=told.report_id,
            received_at=told.received_at,
            unit=tip.unit.public_id,
            documents=documents,
            files=[file_ids[entry.file_id] for entry, _sealed in self._parts.files],
        )
        Referred.objects.create(
            tip=tip,
            installation=self._sender,
            origin=told.origin,
            origin_tip=told.origin_tip,
            origin_offer=told.offer.id if told.offer else "",
            package=self._package,
            proof=self._kept_proof(),
            at=self._at,
        )
        _unread(tip)  # to be read, and then scored, matched and linked (story.py)
        return tip, event

    def _again(self, tip: Tip, leaves: list[str]) -> EventRef:
        """Note that a tip which is here has come once more; keep what was added to it in the meantime."""
        here = set(Document.objects.filter(tip=tip).values_list("kind", "file_id"))
        added = [
            (entry, body)
            for entry, body in self._parts.documents
            if entry.kind == DocumentKind.ADDITION and (entry.kind, entry.file_id) not in here
        ]
        documents = self._keep(tip, added, {})
        if added:
            _unread(tip)  # to be read anew
            seeing.tell_of_addition(subject=f"tip:{tip.public_id}", at=self._at)
        return self._record("tip.referred-again", tip, leaves, documents=documents)

    def _file_ids(self) -> dict[str, str]:
        """The number of each file here: the one it has, unless a file of another tip has it."""
        wanted = [entry.file_id for entry, _sealed in self._parts.files]
        taken = set(TipFile.objects.filter(file_id__in=wanted).values_list("file_id", flat=True))
        return {one: answers.new_file_id() if one in taken else one for one in wanted}

    def _keep(
        self, tip: Tip, documents: list[tuple[Entry, bytes]], file_ids: Mapping[str, str]
    ) -> list[Mapping[str, Json]]:
        """Store documents closed with our keys; return what our log says of them."""
        rows, noted = [], list["Mapping[str, Json]"]()
        for entry, body in documents:
            file_id = file_ids.get(entry.file_id, entry.file_id)
            place = {"kind": entry.kind, "file_id": file_id}
            closed = closing.close(body, tip=tip.public_id, **place)
            own = entry.kind == DocumentKind.RECEIPT  # receipts name nobody, and stay as they are
            rows.append(
                Document(
                    tip=tip,
                    **place,
                    body=body if own else closed.body,
                    key_part=b"" if own else closed.key_part,
                    size=entry.size,
                    sha256=bytes.fromhex(entry.sha256),
                    received_at=moment(entry.received_at),
                )
            )
            noted.append({**place, "document_sha256": entry.sha256, "size": entry.size})
        Document.objects.bulk_create(rows)
        return noted

    def _record(self, kind: str, tip: Tip, leaves: list[str], **facts: Json) -> EventRef:
        """Write the entry by which our log goes on where that of the sender stands."""
        told = self._told
        return custody.append(
            by=self._by,
            at=self._at,
            kind=kind,
            subject=f"tip:{tip.public_id}",
            data={
                "installation": self._sender.public_id,
                "origin": told.origin,
                "origin_tip": told.origin_tip,
                "sender": self._sender.fingerprint,
                "sender_tip": told.tip,
                "sender_offer": told.offer.id if told.offer else "",
                "package": self._package.package_id,
                "payload_sha256": self._head.header.sha256,
                "tree": {"log": self._tree.origin, "size": self._tree.size, "root": self._tree.root.hex()},
                "leaves": leaves[:_LEAVES],
                "proof_sha256": hashlib.sha256(self._parts.proof).hexdigest(),
                "earlier_sha256": hashlib.sha256(self._parts.earlier).hexdigest() if self._parts.earlier else "",
                **facts,
            },
        )

    def _kept_proof(self) -> str:
        """All that shows whence the tip came: with it anybody can check it who holds the sender's log key."""
        body: Json = {
            "v": 1,
            "package": self._head.to_bytes().decode(),
            "card": self._manifest.card,
            "head": self._manifest.head,
            "tip": self._told.tip,
            "proof": self._parts.proof.decode(),
            "earlier": _flat(self._parts.earlier),
        }
        return canonical_json.encode(body).decode()

    def _offer(self, tip: Tip, told: manifest.Offered, event: EventRef, *, new: bool) -> None:
        """Make the sender's offer one of ours, to be answered here; where that cannot be, answer it at once."""
        made: Offer | None = None
        if self._sender.unit_id is not None:
            try:
                with transaction.atomic():
                    made = self._made(tip, told)
            except Refusal:
                if new:
                    raise
                made = None  # the tip lies with another unit here, or is on its way from one to another
        if made is None:
            for kind in ("delivered", "accepted" if new else "bounced"):
                returning.owe(
                    self._sender,
                    kind=kind,
                    offer=told.id,
                    tip=self._told.tip,
                    at=self._at,
                    event=event.id,
                    code=BounceCode.HAVE_IT if kind == "bounced" else "",
                )
            return
        Came.objects.create(
            offer=made,
            installation=self._sender,
            their_offer=told.id,
            their_tip=self._told.tip,
            package=self._package,
        )
        if new:
            Referred.objects.filter(tip=tip).update(offer=made)

    def _made(self, tip: Tip, told: manifest.Offered) -> Offer:
        kind: str = told.kind
        parties = [one for one in told.parties if 1 <= one <= 9_999][: offers.MOST_PARTIES]
        if kind == OfferKind.PART and not parties:
            kind = OfferKind.JOINT
        return offers.offer(
            by=self._by,
            at=self._at,
            tip=tip,
            to=self._receiving,
            why=told.why if told.why in Why.values else Why.AREA,
            kind=kind,
            note=told.note[: offers.LONGEST_NOTE],
            parties=parties if kind == OfferKind.PART else (),
        )
