# SPDX-License-Identifier: Apache-2.0
"""What pages say of hand-over: whose a tip is, where it seems to belong, and the one press that takes it there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.outlook.desk.next_step import NextStep
from nightlight.pipeline.routing import loading, panel, recording
from nightlight.pipeline.routing.models import OPEN_STATES, BounceCode, Offer, OfferState, ReceiptKind
from nightlight.pipeline.routing.placing import Why as WhyNext
from nightlight.pipeline.routing.signs import OFFICER_KINDS, SignKind
from nightlight.pipeline.tips.handing import Why
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.law import queries as law
from nightlight.trust.units import glass, queries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.outlook.desk.facts import PartyCard
    from nightlight.pipeline.routing.panel import Panel
    from nightlight.pipeline.routing.placing import Next
    from nightlight.pipeline.routing.proposals import Candidate, Reason
    from nightlight.pipeline.routing.queries import Hop
    from nightlight.trust.law.facts import Channel
    from nightlight.trust.units.models import Glass, Unit
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Suggested:
    """A unit to offer a tip to, and why it is named."""

    unit: Unit
    why: str
    pick: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """A reason for a place, in words."""

    kind: str
    shown: str
    whose: str
    where: str
    weight: int
    note: str
    against: bool
    times: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a tip may belong."""

    name: str
    confidence: int
    side: str
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """One offer on the way of a tip: from where to where, how far it came, how long it took."""

    offer: str
    from_unit: str
    to_unit: str
    state: str
    open: bool
    bad: bool
    took: str
    answer: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class Handing:
    """The panel of a tip's page that says whose it is."""

    panel: Panel
    glass: Glass | None
    first: Suggested | None  # to offer it to with one press
    others: tuple[Suggested, ...]
    onward: Suggested | None  # to accept and pass on with one press
    onwards: tuple[Suggested, ...]
    units: Sequence[Unit]
    reasons: Sequence[Why]
    bounce_codes: Sequence[tuple[str, StrPromise]]
    sign_kinds: Sequence[tuple[str, str]]
    adds_signs: bool
    said: str  # where it seems to belong, in a sentence
    places: tuple[Place, ...]
    unused: tuple[Sign, ...]
    legs: tuple[Leg, ...]
    cost: str
    people: tuple[tuple[int, str], ...]  # those of the page, by number, of whom a part can be made
    abroad: str  # the other country to which the signs point, empty where they point to none
    channels: tuple[Channel, ...]  # the ways there that the law pack names
    part: str  # whom the offer that waits is about, where it is about some of them


def of_tip(viewer: Viewer, tip: Tip, at: datetime, cards: Sequence[PartyCard] = ()) -> Handing:
    """Return the panel of this tip for this viewer. Changes nothing."""
    found = panel.panel(viewer, tip, at)
    within = viewer.reach is None or tip.unit_id in viewer.reach
    shared = found.waiting is not None or found.joint_unit is not None
    broken = None
    if not within and not shared:
        broken = glass.broken(viewer, at).filter(subject=f"tip:{tip.public_id}").first()
    names = loading.gazetteer().names if found.proposed else {}
    foreign = (found.proposed.foreign or next(iter(found.proposed.abroad), "")) if found.proposed else ""
    suggested = tuple(_suggested(one) for one in found.nexts)
    onwards = tuple(_suggested(one) for one in found.onward)
    picks = found.may_offer or found.may_pass_on
    people = tuple((number, card.name or card.pseudonym) for number, card in enumerate(cards, 1))
    asked = set(json.loads(found.waiting.parties)) if found.waiting else set()
    return Handing(
        panel=found,
        glass=broken,
        first=_picked(suggested),
        others=tuple(one for one in suggested if not one.pick),
        onward=_picked(onwards),
        onwards=tuple(one for one in onwards if not one.pick),
        units=[unit for unit in queries.choices() if unit.pk != tip.unit_id] if picks else [],
        reasons=list(Why),
        bounce_codes=BounceCode.choices,
        sign_kinds=[(kind, _KINDS[kind]()) for kind in OFFICER_KINDS],
        adds_signs=found.may_offer or found.may_accept or found.clock_unit is not None,
        said=found.proposed.why if found.proposed else "",
        places=tuple(_place(one, names) for one in found.proposed.candidates[:4]) if found.proposed else (),
        unused=tuple(_sign(one, names) for one in found.proposed.unused) if found.proposed else (),
        legs=tuple(_leg(hop) for hop in found.hops),
        cost=_cost(found),
        people=people,
        abroad=names.get(foreign, foreign),
        channels=law.channel_for(foreign) if foreign else (),
        part=", ".join(f"{number}. {name}" for number, name in people if number in asked),
    )


def asked(viewer: Viewer, tip: Tip) -> NextStep | None:
    """Return the next step of somebody whose unit is asked to take this tip; None for whoever is not."""
    units = [post.unit_id for post in viewer.posts if recording.works_in(viewer, post.unit_id)]
    waits = Offer.objects.filter(tip=tip, to_unit__in=units, state__in=OPEN_STATES).first() if units else None
    if waits is None:
        return None
    text = _("Your unit is asked to take this: read it, then accept it or say why it is not yours. Answer by")
    return NextStep(text, "#unit", _("Answer"), waits.due_at)


def sees_tip(one: Offer) -> bool:
    """Whether whoever is acting sees the tip of an offer."""
    return Tip.objects.filter(pk=one.tip_id).exists()


def long(taken: timedelta) -> str:
    """How long something took: "12 minutes", "31 hours", "3 days"."""
    minutes = int(taken.total_seconds() // 60)
    if minutes < 1:
        return _("under a minute")
    if minutes < 120:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 72:
        return _("%(n)d hours") % {"n": hours}
    return _("%(n)d days") % {"n": hours // 24}


def _picked(among: Sequence[Suggested]) -> Suggested | None:
    return next((one for one in among if one.pick), None)


def _suggested(one: Next) -> Suggested:
    return Suggested(one.unit, _NEXT[one.reason](), one.pick)


def _place(one: Candidate, names: dict[str, str]) -> Place:
    return Place(
        _where(one.country, one.state, one.named, names),
        one.confidence,
        _SIDES.get(one.side, lambda: "")(),
        tuple(_sign(reason, names) for reason in one.reasons),
    )


def _sign(one: Reason, names: dict[str, str]) -> Sign:
    return Sign(
        kind=_KINDS[one.kind](),
        shown=one.shown,
        whose=_WHOSE[one.whose](),
        where=_where(one.country, one.state, one.district, names),
        weight=one.weight,
        note=one.note,
        against=one.against,
        times=one.count,
    )


def _where(country: str, state: str, district: str, names: dict[str, str]) -> str:
    parts = [names.get(code, code) for code in (district, state) if code]
    return ", ".join(parts) or names.get(country, country)


def _leg(hop: Hop) -> Leg:
    one = hop.offer
    state = _("given back") if one.given_back else one.get_state_display()
    return Leg(
        offer=one.public_id,
        from_unit=one.from_unit.name,
        to_unit=one.to_unit.name,
        state=state,
        open=one.state in OPEN_STATES,
        bad=one.state == OfferState.BOUNCED or one.given_back,
        took=long(hop.took) if hop.took is not None else "",
        answer=one.answer,
        automatic=one.automatic,
    )


def _cost(found: Panel) -> str:
    if not found.cost.bounces:
        return ""
    times = ngettext("It came back once", "It came back %(n)d times", found.cost.bounces) % {"n": found.cost.bounces}
    return _("%(times)s: %(long)s lost.") % {"times": times, "long": long(found.cost.lost)}


_NEXT: dict[WhyNext, Callable[[], str]] = {
    WhyNext.TOWARDS: lambda: _("on the way to where it seems to belong"),
    WhyNext.CANDIDATE: lambda: _("another place that signs point to"),
    WhyNext.STATION: lambda: _("one of the stations there"),
    WhyNext.ABOVE: lambda: _("the unit above, which sees further"),
}
_KINDS: dict[str, Callable[[], str]] = {
    SignKind.ADDRESS: lambda: _("Network address"),
    SignKind.PHONE: lambda: _("Telephone number"),
    SignKind.POSTAL_CODE: lambda: _("Postal code"),
    SignKind.STATED_PLACE: lambda: _("Stated place"),
    SignKind.ESTIMATED_LOCATION: lambda: _("Estimated by the platform"),
    SignKind.PAYMENT: lambda: _("Payment handle"),
    SignKind.OFFICER_PLACE: lambda: _("Place an officer found"),
    SignKind.LANGUAGE: lambda: _("Language, as a hint"),
}
_WHOSE: dict[str, Callable[[], str]] = {
    "reported": lambda: _("of the reported person"),
    "child": lambda: _("of the child"),
    "recipient": lambda: _("of a recipient"),
    "place": lambda: _("of where it happened"),
    "file": lambda: _("of whoever sent a file"),
    "officer": lambda: _("found by an officer"),
}
_SIDES: dict[str, Callable[[], str]] = {
    "reported": lambda: _("where the reported person is"),
    "child": lambda: _("where the child is"),
    "both": lambda: _("where the reported person and the child are"),
}
RECEIPTS: dict[str, Callable[[], str]] = {
    ReceiptKind.SENT: lambda: _("Sent"),
    ReceiptKind.DELIVERED: lambda: _("Delivered: the people there were told"),
    ReceiptKind.OPENED: lambda: _("Opened by somebody there"),
    ReceiptKind.ACCEPTED: lambda: _("Accepted: the tip is theirs"),
    ReceiptKind.BOUNCED: lambda: _("Sent back"),
    ReceiptKind.RECALLED: lambda: _("Recalled by the sender"),
    ReceiptKind.GIVEN_BACK: lambda: _("Given back"),
    ReceiptKind.OUTCOME: lambda: _("What became of it"),
}
