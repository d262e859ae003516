# SPDX-License-Identifier: Apache-2.0
"""What the steps of a request share: who may take one, the request as it stands, its entry in the log, and its row.

A request goes with its tip: whoever asks for the unit that holds the tip takes the next step, and who drew it up no
longer where the tip was handed over. ``Request.unit`` says who drew it up.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from nightlight.casework.attribution import request_body
from nightlight.casework.attribution.models import Request, Step, StepKind
from nightlight.foundation import canonical_json
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.foundation.storable import storable
from nightlight.pipeline.routing import recording
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules
from nightlight.trust.units.models import Below

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Held, Viewer

ASKS = frozenset({Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER})
_ASKS_BELOW = ASKS & rules.REACHES_BELOW
LONGEST_NOTE = 2_000
_NOT_THEIRS = gettext_noop("Records are asked for by officers of the unit that holds the tip.")
KINDS = {
    StepKind.DRAFTED: "request.drafted",
    StepKind.CHECKED: "request.checked",
    StepKind.DISPUTED: "request.disputed",
    StepKind.SIGNED: "request.signed",
    StepKind.SENT: "request.sent",
    StepKind.REMINDED: "request.reminded",
    StepKind.ESCALATED: "request.escalated",
    StepKind.ANSWERED: "request.answered",
    StepKind.REFUSED: "request.refused",
    StepKind.WITHDRAWN: "request.withdrawn",
}


def posts_for(viewer: Viewer, unit_id: int) -> list[Held]:
    """Return the posts by which a person asks for a unit: there, or above it where the role reaches below."""
    posts = [post for post in viewer.posts if post.role in ASKS and post.unit_id == unit_id]
    over = [post for post in viewer.posts if post.role in _ASKS_BELOW and post.unit_id != unit_id]
    if over:
        above = Below.objects.filter(ancestor__in=[post.unit_id for post in over], unit=unit_id)
        reaching = set(above.values_list("ancestor_id", flat=True))
        posts += [post for post in over if post.unit_id in reaching]
    return posts


def must_ask(viewer: Viewer, unit_id: int) -> Held:
    """Return the post by which a person asks for a unit. Raises NotAllowed."""
    posts = posts_for(viewer, unit_id)
    if not posts:
        raise NotAllowed(_(_NOT_THEIRS))
    return posts[0]


def posts_of(viewer: Viewer, request: Request) -> list[Held]:
    """Return the posts by which a person takes steps of a request: for the unit that holds its tip now."""
    unit_id = Tip.objects.filter(pk=request.tip_id).values_list("unit_id", flat=True).first()
    return [] if unit_id is None else posts_for(viewer, unit_id)


def must_act(viewer: Viewer, request: Request) -> Held:
    """Return the post by which a person takes steps of a request. Raises NotAllowed."""
    posts = posts_of(viewer, request)
    if not posts:
        raise NotAllowed(_(_NOT_THEIRS))
    return posts[0]


def hold(request: Request) -> Request:
    """Return the request as it stands now, held until the transaction ends, with its tip. Raises NotFound, NotAllowed.

    Nobody hands the tip over meanwhile, so that who may take the step is who holds the tip when it is taken.
    """
    recording.alone(request.tip_id)
    rows = Request.objects.select_for_update(of=("self",)).select_related("tip__unit")
    found = rows.filter(pk=request.pk).first()
    if found is None and Request.objects.filter(pk=request.pk).exists():
        raise NotAllowed(_(_NOT_THEIRS))  # seen, and held by nobody who may not change it
    if found is None:
        raise NotFound(_("There is no request %(id)s that you may see.") % {"id": request.public_id})
    return found


def take(viewer: Viewer, request: Request, *states: str) -> Request:
    """Hold a request for a step of a person's, from one of these states. Raises NotFound, NotAllowed and Conflict."""
    held = hold(request)
    must_act(viewer, held)
    must_be(held, *states)
    return held


def must_be(request: Request, *states: str) -> None:
    """Raise Conflict where a request is in another state than one of these."""
    if request.state not in states:
        raise Conflict(
            _("%(id)s is %(state)s by now. Open it again.")
            % {"id": request.public_id, "state": str(request.get_state_display()).lower()}
        )


def must_be_there(request: Request) -> None:
    """Raise Conflict where what a request says was destroyed with its tip."""
    if not request.body:
        raise Conflict(
            _("What %(id)s said was destroyed with its tip when its time was over.") % {"id": request.public_id}
        )


def kept(request: Request) -> request_body.KeptRequest:
    """Return what a request holds. Raises Conflict where it cannot be read any more."""
    must_be_there(request)
    try:
        return request_body.read(request.body)
    except request_body.Unreadable:
        raise Conflict(_("This request is of an older form. Withdraw it and draw it up anew.")) from None


def words(text: str, what: str, *, least: int = rules.SHORTEST_REASON) -> str:
    """Return a note with single blanks. Raises Conflict where it says too little, too much, or cannot be kept."""
    said = " ".join(text.split())
    if len(said) < least or len(said) > LONGEST_NOTE or not storable(said):
        raise Conflict(_("Say %(what)s, in at least %(n)d characters.") % {"what": what, "n": least})
    return said


def digest(text: str) -> str:
    """The SHA-256 of a text, in hex: what the log keeps of free words."""
    return hashlib.sha256(text.encode()).hexdigest()


def note(
    request: Request, kind: StepKind, *, by: str, at: datetime, private: dict[str, Json] | None = None, **facts: Json
) -> Step:
    """Write the entry of a step and its row, in the caller's transaction. ``private``: for the row only.

    Both name the unit for which it is taken: the one that holds the tip.
    """
    facts = {"unit": request.tip.unit.public_id, **facts}
    data: dict[str, Json] = {
        "request": request.public_id,
        "kind": request.kind,
        "operator": request.operator,
        "lines": request.lines,
        **facts,
    }
    event = custody.append(by=by, at=at, kind=KINDS[kind], subject=f"tip:{request.tip.public_id}", data=data)
    body = canonical_json.encode({**facts, **(private or {})}).decode()
    return Step.objects.create(request=request, kind=kind, by=by, at=at, event=event.id, data=body)
