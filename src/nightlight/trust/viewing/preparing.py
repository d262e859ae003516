# SPDX-License-Identifier: Apache-2.0
"""The worker's part in looking at a file: check once more, open it, have pictures made, close them for one browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.models import BlobKey
from nightlight.trust.evidence.store import StoreFailed
from nightlight.trust.sealed.box import Sealer
from nightlight.trust.units.models import Post
from nightlight.trust.units.rules import VIEWS_MEDIA
from nightlight.trust.viewing import actions, rules
from nightlight.trust.viewing.models import Picture, State, Viewing
from nightlight.trust.viewing.rendering.render import render
from nightlight.trust.viewing.rendering.terms import RenditionRefused, Wanted, Why
from nightlight.trust.viewing.rules import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.viewing.rendering.terms import Rendition


class WhyNot(StrEnum):
    """Why the worker refuses before or while it opens the file; beside ``rendering.terms.Why``."""

    TOO_LATE = "too-late"
    NOT_AS_ASKED = "not-as-asked"
    NOT_ALLOWED = "not-allowed"
    LOCKED = "locked"
    NOT_KEPT = "not-kept"


SENTENCES = {
    WhyNot.TOO_LATE: _("The time for this viewing ended before the pictures were ready. Ask again."),
    WhyNot.NOT_AS_ASKED: _("The request is not as the custody log says it was asked. Tell your auditor."),
    WhyNot.NOT_ALLOWED: _("You hold no post that looks at this file."),
    WhyNot.LOCKED: _("The law keeps this file closed until a warrant is recorded."),
    WhyNot.NOT_KEPT: _("The file could not be read from the vault. Tell your administrator."),
}

# What a higher floor knows: (viewing, at) -> whether this person may still open this file. Every one is asked.
Gate = Callable[[Viewing, "datetime"], bool]
_gates: list[Gate] = []


def let_through_only(gate: Gate) -> None:
    """Have the worker ask ``gate`` before it opens a file; False refuses it as locked."""
    if gate not in _gates:
        _gates.append(gate)


def sentence(why: str) -> str:
    """Return the sentence for a reason of either kind."""
    if why in set(WhyNot):
        return str(SENTENCES[WhyNot(why)])
    return Why(why).sentence if why in set(Why) else ""


def prepare(*, by: str, now: Callable[[], datetime], item: str) -> int:
    """Answer every viewing of this file ("EV-…") that waits; return how many. Safe to run twice.

    The file is opened and drawn outside any transaction.
    """
    waiting = Viewing.objects.filter(item__public_id=item, state=State.ASKED).order_by("id")
    done = 0
    for row in waiting.select_related("item__blob", "user"):
        done += _prepare(row, by, now)
    return done


@dataclass(frozen=True, slots=True)
class _Drawn:
    mode: Mode
    rendition: Rendition


def _prepare(row: Viewing, by: str, now: Callable[[], datetime]) -> bool:
    at = now()
    why: str | None = _why_not(row, at)
    drawn: list[_Drawn] = []
    if why is None:
        try:
            drawn = [_draw(row, mode, at) for mode in Mode]
        except RenditionRefused as refused:
            why = refused.why.value
        except (StoreFailed, Damaged, KeysRefused, BlobKey.DoesNotExist):
            why = WhyNot.NOT_KEPT.value
    with transaction.atomic():
        held = Viewing.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if held.state != State.ASKED:
            return False
        if why is None and now() >= row.expires_at:
            why = WhyNot.TOO_LATE.value
        if why is None:
            _keep(row, drawn, by=by, at=now())
        else:
            _refuse(row, why, by=by, at=now())
    return True


def _why_not(row: Viewing, at: datetime) -> str | None:
    """Return what speaks against opening the file; the page's word is not taken for anything."""
    if at >= row.expires_at:
        return WhyNot.TOO_LATE.value
    asked = Event.objects.filter(kind=actions.ASKED, subject=actions.item_subject(row)).order_by("-id")
    said = next((one for one in map(_body, asked[:50]) if one["data"].get("viewing") == row.public_id), None)
    if said is None or said["data"] != actions.asked_data(row) or said["by"] != row.person:
        return WhyNot.NOT_AS_ASKED.value
    posts = Post.objects.active(at).filter(user_id=row.user_id, user__is_active=True)
    if not posts.filter(role__in=VIEWS_MEDIA).exists():
        return WhyNot.NOT_ALLOWED.value
    return None if all(gate(row, at) for gate in _gates) else WhyNot.LOCKED.value


def _body(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(event.body)
    return told


def _draw(row: Viewing, mode: Mode, at: datetime) -> _Drawn:
    wanted = Wanted(
        watermark=f"{row.user.public_id} {at:%Y-%m-%dT%H:%MZ}",
        size=rules.STILL_SIZE if mode is Mode.STILL else rules.LARGE_SIZE,
        grey=mode is not Mode.COLOUR,
        frames=rules.FRAMES,
    )
    return _Drawn(mode, render(evidence.read(row.item), wanted=wanted))


def _keep(row: Viewing, drawn: list[_Drawn], *, by: str, at: datetime) -> None:
    sealer = Sealer(bytes(row.public_key))
    for one in drawn:
        for number, picture in enumerate(one.rendition.pictures):
            closed = sealer.seal(picture.png, actions.picture_context(row, one.mode, number))
            Picture.objects.create(
                viewing=row,
                mode=one.mode,
                number=number,
                width=picture.width,
                height=picture.height,
                at_second=picture.at,
                key_part=closed.key_part,
                body=closed.body,
            )
    first = drawn[0].rendition
    row.state, row.answered_at, row.format = State.READY, at, first.format.value
    row.duration, row.pages = first.duration, first.pages
    row.save(update_fields=["state", "answered_at", "format", "duration", "pages"])
    shut_in = first.protections
    custody.append(
        by=by,
        at=at,
        kind="evidence.rendered",
        subject=actions.item_subject(row),
        data={
            "viewing": row.public_id,
            "person": row.person,
            "format": row.format,
            "pictures": {one.mode.value: len(one.rendition.pictures) for one in drawn},
            "network_closed": shut_in.network_namespace or shut_in.system_calls,
            "files_closed": shut_in.landlock > 0 or shut_in.system_calls,
        },
    )


def _refuse(row: Viewing, why: str, *, by: str, at: datetime) -> None:
    row.state, row.why, row.answered_at, row.closed_at = State.REFUSED, why, at, at
    row.save(update_fields=["state", "why", "answered_at", "closed_at"])
    custody.append(
        by=by,
        at=at,
        kind="evidence.rendition-refused",
        subject=actions.item_subject(row),
        data={"viewing": row.public_id, "person": row.person, "why": why},
    )
