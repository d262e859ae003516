# SPDX-License-Identifier: Apache-2.0
"""Destroys what attribution holds of a tip when the tip is destroyed: whoever it led to, and every word about them.

What was worked out goes. Requests, returns, findings and wrong doors stay as figures: who did what when, of which
operator, how many lines and rows; the log says the same. A letter still open is withdrawn. Files of operators leave the
vault; the names of columns that were confirmed stay, for they serve every return of that operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.models import (
    Finding,
    Prepared,
    Request,
    RequestState,
    Return,
    ReturnState,
    Sources,
    Step,
    StepKind,
    WrongDoor,
)
from nightlight.casework.attribution.request_steps import note
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.evidence import destroying as files
from nightlight.trust.evidence.models import Item
from nightlight.trust.retention import custodians
from nightlight.trust.retention.custodians import Piece
from nightlight.trust.retention.models import Destruction

if TYPE_CHECKING:
    from datetime import datetime

DESTROYED = "destroyed"
"""The problem of a return whose file went before it was read."""
_OPEN = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED, RequestState.SENT)
_REMOVED = "what it said was removed; who did what when stays"


class Attribution:
    """Holds, of tips, what became of their addresses."""

    def destroy(self, subject: str, *, by: str, at: datetime) -> tuple[Piece, ...]:
        """Remove what was worked out, and empty what was asked, answered and stated."""
        tip = Tip.objects.get(public_id=subject.removeprefix("tip:"))
        because = f"destruction:{Destruction.objects.filter(subject=subject).exclude(state='refused').get().public_id}"
        pieces = []
        for table, what in ((Prepared, "addresses looked up"), (Sources, "records of events")):
            deleted, _ = table.objects.filter(tip=tip).delete()
            if deleted:
                pieces.append(Piece(what, tip.public_id, True, "removed"))
        pieces += _returns(tip, by=by, at=at, because=because)
        pieces += _requests(tip, by=by, at=at, because=because)
        for finding in Finding.objects.filter(tip=tip).order_by("pk"):
            Finding.objects.filter(pk=finding.pk).update(subscriber="", body="")
            pieces.append(Piece("finding", f"{finding.pk}", True, _REMOVED))
        for door in WrongDoor.objects.filter(tip=tip).order_by("pk"):
            WrongDoor.objects.filter(pk=door.pk).update(note="")
            pieces.append(Piece("wrong door", door.public_id, True, _REMOVED))
        return tuple(pieces)

    def readable(self, subject: str) -> tuple[str, ...]:
        """Return what of a destroyed tip still says something."""
        tip = Tip.objects.get(public_id=subject.removeprefix("tip:"))
        could = [table.__name__ for table in (Prepared, Sources) if table.objects.filter(tip=tip).exists()]
        could += Request.objects.filter(tip=tip).exclude(body="").values_list("public_id", flat=True)
        steps = Step.objects.filter(request__tip=tip).exclude(data="")
        could += [f"{one.kind} of {one.request.public_id}" for one in steps.select_related("request")]
        for row in Return.objects.filter(request__tip=tip):
            left = (row.name, row.counts, row.answers, row.proposal, row.bad, row.password_closed)
            could += [row.public_id] if any(left) else []
        could += [f"finding {one.pk}" for one in Finding.objects.filter(tip=tip).exclude(subscriber="", body="")]
        could += WrongDoor.objects.filter(tip=tip).exclude(note="").values_list("public_id", flat=True)
        return (*could, *files.readable(_items(tip)))


def _returns(tip: Tip, *, by: str, at: datetime, because: str) -> list[Piece]:
    """Empty the returns of a tip, held so that a reading that is under way finds them gone; their files go too."""
    pieces = []
    for row in Return.objects.select_for_update(of=("self",)).filter(request__tip=tip).order_by("pk"):
        read = row.state == ReturnState.READ
        row.name = row.counts = row.answers = row.proposal = ""
        row.bad, row.password_closed, row.password_key_part = None, b"", b""
        if not read:
            row.state, row.problem = ReturnState.DAMAGED, DESTROYED
        row.save()
        pieces.append(Piece("return", row.public_id, True, "what it said was removed; how many it named stays"))
    for gone in files.destroy(by=by, at=at, items=_items(tip), because=because):
        how = "its key was erased" if gone.bytes_too else "kept: the same bytes belong to another record as well"
        pieces.append(Piece("file of an operator", gone.sha256, gone.bytes_too, how))
        pieces.append(Piece("file name", gone.item, True, "its key was erased"))
    return pieces


def _requests(tip: Tip, *, by: str, at: datetime, because: str) -> list[Piece]:
    pieces = []
    for row in Request.objects.select_for_update(of=("self",)).filter(tip=tip).order_by("pk"):
        if row.state in _OPEN:
            row.state, row.ended_at = RequestState.WITHDRAWN, at
            row.save(update_fields=["state", "ended_at"])
            note(row, StepKind.WITHDRAWN, by=by, at=at, because=because)
        Step.objects.filter(request=row).update(data="")
        Request.objects.filter(pk=row.pk).update(body="")
        pieces.append(Piece("request", row.public_id, True, _REMOVED))
    return pieces


def _items(tip: Tip) -> list[Item]:
    named = Return.objects.filter(request__tip=tip).values_list("item", flat=True)
    return list(Item.objects.filter(public_id__in=list(named)).select_related("blob").order_by("pk"))


def register() -> None:
    """Make attribution one that holds more of tips."""
    custodians.holds_more("tip", Attribution())
