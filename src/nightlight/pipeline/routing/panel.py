# SPDX-License-Identifier: Apache-2.0
"""What the page of a tip shows of hand-over: whom to offer it to and why, what waits for an answer, what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.pipeline.routing import clocks, offers, placing, queries, recording, rerouting, rules, sealing
from nightlight.pipeline.routing.models import (
    OPEN_STATES,
    Offer,
    OfferKind,
    OfferState,
    PackageTip,
    Proposal,
    Seal,
    Stop,
)
from nightlight.pipeline.tips.models import Share
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.routing.placing import Next
    from nightlight.pipeline.routing.rulebook import StopReason
    from nightlight.pipeline.routing.rules import Proposed
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Panel:
    """All that a tip's page needs about its hand-over, for one viewer. Units are those of this installation.

    ``waiting`` is the open offer the viewer may answer; ``onward`` whom they may pass it on to, the best first.
    ``going`` are open offers of the unit that holds the tip, ``recallable`` those of them the viewer may recall.
    ``proposed`` is where the tip seems to belong with all reasons; ``nexts`` whom to offer it to, the best first, when
    the viewer may; ``refused`` the names of units that sent it back. ``returns_to`` is the unit it came from, where the
    viewer may give it back. ``works_with`` are units that work on it as well, ``joint_unit`` the viewer's among them.
    """

    holder: Unit
    may_offer: bool
    nexts: tuple[Next, ...]
    proposed: Proposed | None
    proposal: Proposal | None
    refused: tuple[str, ...]
    waiting: Offer | None
    onward: tuple[Next, ...]
    going: tuple[Offer, ...]
    recallable: tuple[Offer, ...]
    returns_to: Unit | None
    works_with: tuple[Unit, ...]
    joint_unit: Unit | None
    ends_joint: tuple[Unit, ...]  # whose joint work the viewer may end
    may_seal: bool
    seal: Seal | None
    clock_unit: Unit | None  # the unit whose clock the viewer may stop or let run
    stopped: Stop | None  # why that clock stands; None while it runs
    stops: tuple[Stop, ...]
    stop_reasons: tuple[StopReason, ...]
    answer_due: datetime | None  # of the offer that waits
    answer_late: bool
    work_due: datetime | None  # by when somebody of the holder has to take it up; None where it came by no offer
    hops: tuple[queries.Hop, ...]
    cost: queries.Cost

    @property
    def may_accept(self) -> bool:
        """Whether the viewer may accept or send back what is offered."""
        return self.waiting is not None

    @property
    def may_pass_on(self) -> bool:
        """Whether the viewer may accept the tip and offer it onward in one go."""
        return self.waiting is not None and self.waiting.kind == OfferKind.WHOLE

    @property
    def confidence(self) -> int | None:
        """How sure the proposal is, 0 to 100; None where there is none."""
        return None if self.proposal is None else self.proposal.confidence


def panel(viewer: Viewer, tip: Tip, at: datetime) -> Panel:
    """Return what a tip's page shows of hand-over to this viewer; some ten queries. Changes nothing."""
    holder = Unit.objects.get(pk=tip.unit_id)
    hops = tuple(queries.chain(tip))
    alive = [hop.offer for hop in hops if hop.offer.state in OPEN_STATES]
    waiting = next((one for one in alive if recording.works_in(viewer, one.to_unit_id)), None)
    going = tuple(one for one in alive if one.from_unit_id == tip.unit_id)
    hands_on = recording.hands_on(viewer, tip.unit_id)
    packed = set(PackageTip.objects.filter(offer__in=going).values_list("offer_id", flat=True)) if going else set()
    movable = offers.movable(tip)
    proposal = Proposal.objects.filter(tip=tip).first()
    back = rerouting.refused(tip)
    joint = list(
        Unit.objects.filter(
            pk__in=Share.objects.filter(tip=tip, until=None, kind=Share.Kind.JOINT).values("unit")
        ).order_by("name")
    )
    joint_unit = next((one for one in joint if recording.works_in(viewer, one.pk)), None)
    stops = tuple(Stop.objects.filter(tip=tip).select_related("unit").order_by("at"))
    clock_unit = _clock_unit(viewer, holder, waiting, joint_unit)
    came = offers.came_by(tip) if movable and not alive and recording.works_in(viewer, holder.pk) else None
    seal = Seal.objects.filter(tip=tip).first()
    whole = any(one.kind == OfferKind.WHOLE for one in alive)
    may_offer = movable and hands_on and not whole
    return Panel(
        holder=holder,
        may_offer=may_offer,
        nexts=tuple(placing.next_for(holder, proposal, back)) if may_offer else (),
        proposed=None if proposal is None else rules.from_json(proposal.body),
        proposal=proposal,
        refused=tuple(Unit.objects.filter(pk__in=back).order_by("name").values_list("name", flat=True)),
        waiting=waiting,
        onward=_onward(waiting, proposal, back),
        going=going,
        # What lies with another installation, or is on its way there, is theirs to answer.
        recallable=tuple(one for one in going if hands_on and one.pk not in packed),
        returns_to=came.from_unit if came else None,
        works_with=tuple(joint),
        joint_unit=joint_unit,
        ends_joint=tuple(one for one in joint if hands_on or recording.works_in(viewer, one.pk)),
        may_seal=seal is None and sealing.may_seal(viewer, holder.pk),
        seal=seal,
        clock_unit=clock_unit,
        stopped=next((one for one in stops if clock_unit and one.unit_id == clock_unit.pk and not one.ended_at), None),
        stops=stops,
        stop_reasons=clocks.reasons(),
        answer_due=waiting.due_at if waiting else None,
        answer_late=waiting is not None and waiting.due_at <= at and not _stands(stops, waiting.to_unit_id),
        work_due=_work_due(tip, hops, at),
        hops=hops,
        cost=queries.cost(tip),
    )


def _onward(waiting: Offer | None, proposal: Proposal | None, back: set[int]) -> tuple[Next, ...]:
    """Whom the unit that is asked may pass the whole tip on to; not back to who sent it: that is sending it back."""
    if waiting is None or waiting.kind != OfferKind.WHOLE:
        return ()
    return tuple(placing.next_for(waiting.to_unit, proposal, {*back, waiting.from_unit_id}))


def _stands(stops: Iterable[Stop], unit_id: int) -> bool:
    return any(one.unit_id == unit_id and one.ended_at is None for one in stops)


def _work_due(tip: Tip, hops: Sequence[queries.Hop], at: datetime) -> datetime | None:
    came = [
        hop.offer.answered_at
        for hop in hops
        if hop.offer.kind == OfferKind.WHOLE
        and hop.offer.state == OfferState.ACCEPTED
        and hop.offer.to_unit_id == tip.unit_id
        and hop.offer.answered_at
    ]
    if not came:
        return None
    key = (tip.pk, tip.unit_id)
    return clocks.work_due(max(came), recording.band_of(tip), clocks.stood([key]).get(key, ()), at=at)


def _clock_unit(viewer: Viewer, holder: Unit, waiting: Offer | None, joint: Unit | None) -> Unit | None:
    if recording.works_in(viewer, holder.pk):
        return holder
    return waiting.to_unit if waiting else joint
