# SPDX-License-Identifier: Apache-2.0
"""Keeps tips for trust/retention: how old one is, whom it is about, setting people of it apart, and destroying it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.tips import closing, shown
from nightlight.pipeline.tips.models import Document, DocumentKind, Shown, Summary, Tip, TipFile
from nightlight.pipeline.tips.people import Role
from nightlight.trust.evidence import destroying as files
from nightlight.trust.law.facts import Record
from nightlight.trust.retention import custodians
from nightlight.trust.retention.custodians import Kept, Piece
from nightlight.trust.retention.models import Apart, Destruction
from nightlight.trust.sealed import keeping
from nightlight.trust.sealed.box import Damaged, KeysRefused
from nightlight.trust.sealed.models import Identity

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.evidence.models import Item

DESTROYED = "This tip was destroyed when its time was over; the certificate says what and by whom."


class Tips:
    """The custodian of tips."""

    def kept(self, subject: str) -> Kept | None:
        """Return what retention has to know of a tip; the time counts from when it was received."""
        tip = _tip(subject)
        return Kept(subject, Record.TIP, tip.state_at, tip.unit, tip.set_apart) if tip else None

    def part(self, subject: str, part: str) -> str | None:
        """Return the pseudonym of somebody the tip reports, by their place in it."""
        tip = _tip(subject)
        reading = shown.of(tip).reading if tip else None
        parties = reading.parties if reading else ()
        return next((party.pseudonym for party in parties if party.source == part and party.pseudonym), None)

    def set_apart(self, subject: str, *, by: str, at: datetime) -> None:
        """Read the tip anew without the people who were cleared; hide it where nobody is left whom it reports."""
        from nightlight.pipeline.tips.summarising import summarise

        with transaction.atomic():
            tip = Tip.objects.select_for_update(of=("self",), no_key=True).get(public_id=subject.removeprefix("tip:"))
            summarise([tip], by=by, at=at)
            reading = shown.of(tip).reading
            apart = set(Apart.objects.filter(subject=subject).values_list("part", flat=True))
            reported = {party.source for party in reading.parties_as(Role.REPORTED)} if reading else set()
            if reported and reported <= apart and not tip.set_apart:
                Tip.objects.filter(pk=tip.pk).update(set_apart=True)

    def destroy(self, subject: str, *, by: str, at: datetime) -> tuple[Piece, ...]:
        """Erase the keys of everything received with the tip, and what was worked out from it."""
        tip = Tip.objects.get(public_id=subject.removeprefix("tip:"))
        because = Destruction.objects.filter(subject=subject).exclude(state="refused").get()
        pieces = []
        for document in Document.objects.filter(tip=tip).exclude(kind=DocumentKind.RECEIPT).order_by("id"):
            Document.objects.filter(pk=document.pk).update(key_part=b"")
            pieces.append(Piece(document.kind, bytes(document.sha256).hex(), True, "its key was erased"))
        for gone in files.destroy(by=by, at=at, items=_items(tip), because=f"destruction:{because.public_id}"):
            how = "its key was erased" if gone.bytes_too else "kept: the same bytes belong to another record as well"
            pieces.append(Piece("file", gone.sha256, gone.bytes_too, how))
            pieces.append(Piece("file name", gone.item, True, "its key was erased"))
        with contextlib.suppress(NotFound):  # a tip that names no child has none
            pieces += [
                Piece("sealed identity", identity, True, "its key was erased")
                for identity in keeping.destroy(by=by, at=at, subject=subject)
            ]
        deleted, _ = Shown.objects.filter(tip=tip).delete()
        if deleted:
            pieces.append(Piece("reading", tip.public_id, True, "removed"))
        Summary.objects.filter(tip=tip).update(
            sentence=DESTROYED, external_number="", people=0, accounts=0, network_events=0, files=0, version=0
        )
        pieces.append(Piece("receipt", tip.public_id, False, "kept: it holds no report, and is the reporter's proof"))
        return tuple(pieces)

    def readable(self, subject: str) -> tuple[str, ...]:
        """Try to open every document, file, name and identity of a destroyed tip."""
        tip = Tip.objects.get(public_id=subject.removeprefix("tip:"))
        could = []
        for document in Document.objects.filter(tip=tip).exclude(kind=DocumentKind.RECEIPT):
            with contextlib.suppress(Damaged, KeysRefused):
                closing.opened(document, tip=tip.public_id)
                could.append(f"{document.kind} {document.file_id}".strip())
        could += files.readable(_items(tip))
        could += [row.public_id for row in Identity.objects.filter(subject=subject) if not row.destroyed]
        return tuple(could)


def _tip(subject: str) -> Tip | None:
    return Tip.objects.select_related("unit").filter(public_id=subject.removeprefix("tip:")).first()


def _items(tip: Tip) -> list[Item]:
    return [file.item for file in TipFile.objects.filter(tip=tip).select_related("item__blob").order_by("id")]


def register() -> None:
    """Make this the custodian of tips."""
    custodians.keeps("tip", Tips())
