# SPDX-License-Identifier: Apache-2.0
"""What follows when a tip comes back: it is offered to the next unit, a few times, and then a person decides.

A unit that sent a tip back is not offered it again without a person, and there are at most so many offers that no
person made for one tip: whatever units do, this ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from django.db import transaction
from django.db.models import Q

from nightlight.pipeline.routing import answering, clocks, offers, placing, recording
from nightlight.pipeline.routing.models import Offer, OfferKind, OfferState, Proposal
from nightlight.pipeline.tips.handing import Why
from nightlight.pipeline.tips.models import State, Tip
from nightlight.pipeline.triage.models import Lane, Standing
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Notice, Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

_CAME_BACK = Q(state=OfferState.BOUNCED) | Q(state=OfferState.ACCEPTED, given_back=True)
UNDECIDED = "routing.needs-decision"


class _Choice(Protocol):
    @property
    def pick(self) -> bool:
        """Whether it may be chosen without a person."""

    @property
    def key(self) -> int:
        """Which unit it is."""


C = TypeVar("C", bound=_Choice)


def choose(choices: Sequence[C], *, holder: int, refused: Collection[int], automatic: int, most: int) -> C | None:
    """Return whom to offer a tip that came back; None where a person is to decide. Pure.

    ``refused`` are the units that ever sent the tip back, ``automatic`` how many offers of it no person made.
    """
    if automatic >= most:
        return None
    return next((one for one in choices if one.pick and one.key != holder and one.key not in refused), None)


def refused(tip: Tip) -> set[int]:
    """Return the units that sent a tip back, before accepting it or after."""
    came_back = Offer.objects.filter(_CAME_BACK, tip=tip)
    return {
        giver if given_back else asked
        for asked, giver, given_back in came_back.values_list("to_unit_id", "from_unit_id", "given_back")
    }


@transaction.atomic
def reroute(*, by: str, at: datetime, tip: str) -> Offer | None:
    """Offer a tip that came back ("NL-…") to the next unit; where there is none, tell its holder that they decide.

    Return the offer. Does nothing where the tip did not come back, or somebody has decided already: safe to run twice.
    """
    found = Tip.objects.select_related("unit").filter(public_id=tip).first()
    if found is None:
        return None
    recording.alone(found.pk)
    found.refresh_from_db()
    last = _undecided(found)
    if last is None:
        return None
    were_automatic = Offer.objects.filter(tip=found, automatic=True).count()
    back = refused(found)
    proposal = Proposal.objects.filter(tip=found).first()
    # What a unit says for another reason than the place, another unit may say as well; what could not be read, and
    # what would leave this installation, goes nowhere without a person.
    alone = last.bounce_code in clocks.goes_on_after() and found.state == State.RECEIVED
    nexts = placing.next_for(found.unit, proposal, back) if alone else []
    chosen = choose(
        [_Unit(one.unit, pick=one.pick and answering.installation_at(one.unit.pk) is None) for one in nexts],
        holder=found.unit_id,
        refused=back,
        automatic=were_automatic,
        most=clocks.stated().reroutes,
    )
    if chosen is not None:
        return offers.offer(by=by, at=at, tip=found, to=chosen.unit, why=Why.AREA, automatic=True, previous=last)
    recording.tell(found.unit_id, recording.TOLD, kind=UNDECIDED, offer=last, at=at)
    custody.append(
        by=by,
        at=at,
        kind="routing.needs-decision",
        subject=f"tip:{found.public_id}",
        data={
            "offer": last.public_id,
            "tip": found.public_id,
            "unit": found.unit.public_id,
            "automatic": were_automatic,
            "refused": sorted(Unit.objects.filter(pk__in=back).values_list("public_id", flat=True)),
        },
    )
    return None


class _Unit:
    """A unit that may be next."""

    def __init__(self, unit: Unit, *, pick: bool) -> None:
        self.unit = unit
        self.pick = pick
        self.key = unit.pk


def _undecided(tip: Tip) -> Offer | None:
    """The offer by which a tip came back to the unit that holds it, where nobody has decided what follows."""
    last = Offer.objects.filter(tip=tip, kind=OfferKind.WHOLE).order_by("-sent_at", "-id").first()
    if last is None or not (last.state == OfferState.BOUNCED or last.given_back):
        return None
    if not offers.movable(tip) or tip.unit_id != (last.to_unit_id if last.given_back else last.from_unit_id):
        return None  # handed over in another way
    later = Offer.objects.filter(tip=tip, pk__gt=last.pk)
    if later.exists():
        return None  # whoever asked for a part or joint work since then has decided
    if answering.installation_at(tip.unit_id) is not None:
        return None  # another installation holds it, and decides
    closed = Standing.objects.filter(tip=tip, lane=Lane.CLOSED).exists()
    return None if closed or Notice.objects.filter(kind=UNDECIDED, about=last.public_id).exists() else last
