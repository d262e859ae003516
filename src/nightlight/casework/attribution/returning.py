# SPDX-License-Identifier: Apache-2.0
"""Returns of operators: taken in as they came, their columns named by a person where unknown, read by the worker.

The web process puts a file into the vault and can never open it again. The password of an archive is closed for the
worker in the same way, lies beside the return until it was read, and is then erased. The worker unpacks in memory (what
is large, into a file without a name that ends with the process).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from nightlight.casework.attribution import kept_answers, wrong_doors
from nightlight.casework.attribution.models import Finding, Layout, Request, RequestState, Return, ReturnState
from nightlight.casework.attribution.request_steps import digest, must_act, must_be_there
from nightlight.casework.attribution.returns import layouts as forms
from nightlight.casework.attribution.returns.proposing import Asked, propose
from nightlight.casework.attribution.wrong_door_kinds import DoorKind
from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.routing import recording
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence
from nightlight.trust.evidence.rules import storable
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed
from nightlight.trust.sealed.keys import current_keyring, current_sealer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nightlight.casework.attribution.returns.fields import Field
    from nightlight.trust.units.viewer import Viewer

LARGEST = 8 << 30  # bytes
LONGEST_PASSWORD = 200
LARGEST_CLOCK_ERROR = 3600  # seconds; beyond, a log is no log of a second
DOUBTED = "doubted"  # stands for a proposal: whatever layout fits, a person is asked
TAKES_RETURNS = frozenset({RequestState.SENT, RequestState.ANSWERED, RequestState.REFUSED})


def receive(
    *,
    by: Viewer,
    at: datetime,
    request: Request,
    file: Iterable[bytes],
    name: str,
    password: str = "",
    clock_error: int = 0,
) -> Return:
    """Put an operator's file into the vault as it came, and have the worker read it; return its record.

    ``clock_error``: by how many seconds the operator says its clock may be wrong, 0 where it says nothing. A file that
    is here already for this request is refused. Raises NotAllowed and Conflict; then nothing is kept.
    """
    must_act(by, request)
    must_be_there(request)
    if request.state not in TAKES_RETURNS:
        raise Conflict(_("This request has not been sent, so nothing can have come back for it."))
    if not 0 <= clock_error <= LARGEST_CLOCK_ERROR:
        raise Conflict(_("The clock error is given in seconds, from 0 to 3600."))
    public_id, tip = public_ids.new("RT"), request.tip
    unit = tip.unit.public_id
    closed = _close(password, public_id)
    # As the intake: it can add what is received, of bytes that another unit has as well, and read none of it.
    with identity.receiving():
        with current_vault().stage() as staging:
            size = 0
            for chunk in file:
                size += len(chunk)
                if size > LARGEST:
                    raise Conflict(_("This is more than %(n)d GB. Ask for it in parts.") % {"n": LARGEST >> 30})
                staging.write(chunk)
            if not size:
                raise Conflict(_("The file is empty. Ask the operator for it again."))
            sealed = staging.seal()
        with transaction.atomic():
            same = Return.objects.filter(request_id=request.pk, sha256=sealed.digests.sha256)
            for before in same.values_list("public_id", flat=True):
                raise Conflict(_("This file is here already, as %(id)s.") % {"id": before})
            subject = f"tip:{tip.public_id}"
            item = evidence.receive(
                by=by.actor,
                at=at,
                sealed=sealed,
                name_as_sent=name[:255],
                context=subject,
                data={"request": request.public_id, "return": public_id},
            )
            made = Return.objects.create(
                public_id=public_id,
                request_id=request.pk,
                item=item.public_id,
                name=storable(name)[:200],
                size=size,
                sha256=sealed.digests.sha256,
                state=ReturnState.RECEIVED,
                clock_error=clock_error,
                password_closed=closed.body,
                password_key_part=closed.key_part,
                by_id=by.user_id,
                at=at,
            )
            # story.py defers return_tasks.read_return on this event, in this transaction.
            custody.append(
                by=by.actor,
                at=at,
                kind="return.received",
                subject=subject,
                data={
                    "return": public_id,
                    "request": request.public_id,
                    "unit": unit,
                    "item": item.public_id,
                    "size": size,
                    "sha256": sealed.digests.sha256,
                    "clock_error": clock_error,
                    "password_given": bool(password),
                },
            )
    return made


@transaction.atomic
def confirm_layout(
    *,
    by: Viewer,
    at: datetime,
    found: Return,
    answers: Mapping[Asked, str],
    fields: Mapping[int, Field | None] | None = None,
) -> Layout:
    """Keep how this operator's columns are to be read, as a person says it, and have the return read by it.

    ``answers`` to every question of the proposal, ``fields`` where a column is another than proposed (by place, from
    0). Raises NotAllowed, NotFound, and Conflict with what is missing.
    """
    row = _locked(by, found)
    if row.state != ReturnState.UNKNOWN_LAYOUT:
        raise Conflict(_("Nothing has to be said about the columns of this return."))
    unknown = kept_answers.unknown_of(row.proposal)
    operator = row.request.operator
    try:
        if unknown.layout:
            known = forms.Layout.from_json(json.loads(unknown.layout))
            zone = answers.get(Asked.ZONE, "").strip()
            if not zone:
                raise forms.LayoutRefused("unanswered-zone", "Nobody has answered: zone.")
            layout = replace(known.in_zone(zone, by=by.name), operator=operator)
        else:
            layout = propose(unknown.header, unknown.rows).confirmed(
                answers,
                by=by.name,
                name=f"{row.request.addressee}: {unknown.file}"[:120],
                operator=operator,
                fields=fields,
            )
        layout.declared_zone()
    except forms.LayoutRefused as refused:
        raise Conflict(refused.explanation) from None
    kept = Layout.objects.create(
        operator=operator, fingerprint=layout.fingerprint, body=json.dumps(layout.to_json()), by_id=by.user_id, at=at
    )
    Return.objects.filter(pk=row.pk).update(state=ReturnState.RECEIVED, layout=kept)
    custody.append(
        by=by.actor,
        at=at,
        kind="return.layout-confirmed",
        subject=f"tip:{row.request.tip.public_id}",
        data={
            "return": row.public_id,
            "request": row.request.public_id,
            "unit": row.request.tip.unit.public_id,
            "operator": operator,
            "fingerprint": layout.fingerprint,
            "zone": layout.zone,
            "date_order": "" if layout.order is None else layout.order.value,
            "layout_sha256": digest(kept.body),
            "columns": [[column.name, column.field.value if column.field else ""] for column in layout.columns],
        },
    )
    return kept


@transaction.atomic
def read_again(*, by: Viewer, at: datetime, found: Return, why: str, password: str = "") -> None:
    """Have a return read anew: with a password, or because its columns were read wrongly (``why``, for the register).

    One that was read waits for a person to name its columns again; not once a finding rests on its request.
    Raises NotAllowed, NotFound and Conflict.
    """
    row = _locked(by, found)
    must_be_there(row.request)
    if row.state not in {ReturnState.DAMAGED, ReturnState.READ}:
        raise Conflict(_("This return is about to be read."))
    changed: dict[str, object] = {"state": ReturnState.RECEIVED}
    if row.state == ReturnState.READ:
        if Finding.objects.filter(request=row.request).exists():
            raise Conflict(_("A finding rests on this return. Record a wrong door, and ask the operator anew."))
        changed["proposal"] = DOUBTED
        wrong_doors.record(
            by=by,
            at=at,
            tip=row.request.tip,
            path=wrong_doors.layout_path(row) or f"operator:{row.request.operator}",
            kind=DoorKind.WRONG_COLUMNS,
            reached=False,
            note=why,
            request=row.request,
        )
    if password:
        closed = _close(password, row.public_id)
        changed |= {"password_closed": closed.body, "password_key_part": closed.key_part}
    Return.objects.filter(pk=row.pk).update(**changed)
    custody.append(
        by=by.actor,
        at=at,
        kind="return.to-read-again",
        subject=f"tip:{row.request.tip.public_id}",
        data={
            "return": row.public_id,
            "request": row.request.public_id,
            "unit": row.request.tip.unit.public_id,
            "was": str(row.state),
            "password_given": bool(password),
        },
    )


def remembered(operator: str) -> list[forms.Layout]:
    """The layouts that people confirmed for an operator: of each header the newest."""
    seen: dict[str, forms.Layout] = {}
    for row in Layout.objects.filter(operator=operator).order_by("-pk"):
        if row.fingerprint not in seen:
            seen[row.fingerprint] = forms.Layout.from_json(json.loads(row.body))
    return list(seen.values())


def password_of(found: Return) -> str:
    """The password as it was given; for the worker. Raises KeysRefused and Damaged."""
    if not found.password_closed:
        return ""
    closed = Closed(bytes(found.password_key_part), bytes(found.password_closed))
    return box.unseal(current_keyring(), closed, _place(found.public_id)).decode()


def _close(password: str, public_id: str) -> Closed:
    if not password:
        return Closed(b"", b"")
    if len(password) > LONGEST_PASSWORD:
        raise Conflict(_("The password is too long."))
    return current_sealer().seal(password.encode("utf-8", "replace"), _place(public_id))


def _place(public_id: str) -> bytes:
    return f"return password\n{public_id}".encode()


def _locked(by: Viewer, found: Return) -> Return:
    """The return as it stands now, held until the transaction ends. Raises NotFound, NotAllowed."""
    recording.alone(found.request.tip_id)
    for seen in Return.objects.filter(pk=found.pk).select_related("request").defer("bad"):
        must_act(by, seen.request)  # asked first: a row that may not be changed cannot be held
    rows = Return.objects.select_for_update(of=("self",)).select_related("request__tip__unit", "layout").defer("bad")
    row = rows.filter(pk=found.pk).first()
    if row is None:
        raise NotFound(_("There is no such return."))
    return row
