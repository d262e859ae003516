# SPDX-License-Identifier: Apache-2.0
"""Pages of hand-over; written by hand. A unit is answered for by its own people, and by nobody above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.pipeline.routing import recording
from nightlight.pipeline.routing.models import Offer, ReceiptKind
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.trust.units.models import Unit
from tests.access import objects
from tests.access.asking import COMMANDER, INTAKE, OFFICER, READ, SPECIALIST, TRIAGE, Near, Page, any_of, near

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.access.world import Person, World

_ANSWERS = frozenset({INTAKE, TRIAGE, OFFICER, SPECIALIST, COMMANDER})
_OWN: Near = {"own": _ANSWERS}
# Whoever hands on for a unit: its people, and above it the roles that reach below.
_HANDS_ON: Near = {"own": _ANSWERS, "child": frozenset({TRIAGE, COMMANDER})}
_COMMANDS: Near = {"own": frozenset({COMMANDER}), "child": frozenset({COMMANDER})}
_WHY = {"reason": "The family has moved to another state"}
_MADE = "HO-7777-7777"
_NOT_THEIRS = ("refused", "absent")


def sent(world: World, person: Person, code: str) -> str | None:
    """The offer of the unit's report that came back; not for the people of the unit that sent it back."""
    made = Offer.objects.select_related("to_unit").filter(tip=world.full[code], from_unit__code=code).first()
    return None if made is None or made.to_unit.code == person.unit else made.public_id


def unit_code(_world: World, _person: Person, code: str) -> str:
    """The code of the unit."""
    return code


def _offer(told: objects.Told, *, to: bool, state: str = "delivered") -> None:
    """An offer from the unit, or to it, of a report that the sender holds (that it held, where it was accepted)."""
    at, named = clock.now(), Unit.objects.get(code=told.data["of"])
    held = Tip.objects.filter(unit=named, set_apart=False, state="received").order_by("pk")
    others = Tip.objects.exclude(unit=named).filter(set_apart=False, state="received").order_by("pk")
    accepted = state == "accepted"
    tip = (held if accepted or not to else others).select_related("unit").first()
    assert tip is not None
    other = Unit.objects.get(parent=None) if named.parent_id else Unit.objects.filter(parent=named).earliest("code")
    giver = tip.unit if to and not accepted else other if to else named
    made = Offer.objects.create(
        public_id=_MADE,
        tip=tip,
        kind="whole",
        from_unit=giver,
        to_unit=named if to else other,
        why="area",
        state=state,
        band=1,
        by="command:cli",
        sent_at=at,
        due_at=at,
        answered_at=at if accepted else None,
    )
    recording.record(made, ReceiptKind.SENT, by="command:cli", at=at)
    if not accepted:
        Share.objects.create(tip=tip, unit=made.to_unit, kind=Share.Kind.OFFERED, since=at)


def _to_them(_person: Person, told: objects.Told) -> None:
    _offer(told, to=True)


def _from_them(_person: Person, told: objects.Told) -> None:
    _offer(told, to=False)


def with_whom(_world: World, _person: Person, code: str) -> str:
    """The code of a unit in which nobody asks."""
    return "PO-SPA" if code != "PO-SPA" else "PO-A1A"


def _jointly(_person: Person, told: objects.Told) -> None:
    tip, unit = Tip.objects.get(public_id=told.kwargs["public_id"]), Unit.objects.get(code=told.data["unit"])
    Share.objects.create(tip=tip, unit=unit, kind=Share.Kind.JOINT, since=clock.now())


def _taken(_person: Person, told: objects.Told) -> None:
    _offer(told, to=True, state="accepted")


def _answer(let_in: Near, before: Callable[[Person, objects.Told], None], **form: object) -> list[Page]:
    """An answer to an offer made for the asking; who sees it and may not answer is refused."""
    return [
        Page(
            let_in,
            of="tip",
            method="POST",
            kwargs={"public_id": _MADE},
            data={"of": unit_code, **form},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
            before=before,
        )
    ]


def _done(let_in: Near, named: Callable[[World, Person, str], str] = objects.tip, **form: object) -> list[Page]:
    """A form about a tip; whoever broke the glass reads it, and that is all."""
    return [
        Page(
            let_in,
            of="tip",
            method="POST",
            kwargs={"public_id": named},
            data=form,
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
        )
    ]


PAGES: dict[str, list[Page]] = {
    "desk:hand-overs": [Page(any_of(READ)), Page(any_of(READ), data={"show": "followed"})],
    "desk:hand-over-followed": [Page(any_of(READ), kwargs={"public_id": "NL-1111-1111"}, inside=("absent",))],
    "desk:hand-over-receipts": [
        Page(near(READ, broken=False), of="tip", kwargs={"public_id": sent}, behind_glass=("absent",))
    ],
    "desk:hand-over-proof": [
        Page(near(READ, broken=False), of="tip", kwargs={"public_id": sent}, behind_glass=("absent",))
    ],
    "desk:hand-over": _done(_HANDS_ON, unit=objects.other_unit, why="area"),
    "desk:accept": _answer(_OWN, _to_them),
    "desk:pass-on": _answer(_OWN, _to_them, unit=objects.other_unit, why="area"),
    "desk:send-back": _answer(_OWN, _to_them, code="other", **_WHY),
    "desk:recall": _answer(_HANDS_ON, _from_them, **_WHY),
    "desk:end-joint": [
        Page(
            _HANDS_ON,
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            data={"unit": with_whom, **_WHY},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
            before=_jointly,
        )
    ],
    "desk:stop-clock": _done(_OWN, run="yes"),
    "desk:seal": _done(_COMMANDS, objects.repeat, **_WHY),
    "desk:add-sign": [
        Page(
            near(_ANSWERS),
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            data={"kind": "postal_code", "value": "411001", **_WHY},
            others=_NOT_THEIRS,
            effect=True,
        )
    ],
    "desk:give-back": [
        Page(
            _OWN,
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            data={"of": unit_code, "code": "other", **_WHY},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
            before=_taken,
        )
    ],
}
_ASKED_ONCE = {"desk:hand-overs", "desk:hand-over-followed", "desk:hand-over-receipts", "desk:hand-over-proof"}
REFUSED_TWICE = dict.fromkeys(PAGES.keys() - _ASKED_ONCE, "the query or the action asks again for the role")
