# SPDX-License-Identifier: Apache-2.0
"""A national centre, two states, a station, their people, and tips on their way between them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.pipeline.routing import answering, offers
from nightlight.pipeline.routing.models import Offer, Receipt
from nightlight.pipeline.triage.tests import cast
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit

NOON, HOUR = cast.NOON, timedelta(hours=1)
SERVICE = "service:worker"
WHY = "The number is registered in the other state."


class Country:
    """The national centre holds a tip; below it lie two states, one of them with a station."""

    def __init__(self) -> None:
        self.centre = staff.root()
        self.first, self.second = staff.unit("ONE", kind="state"), staff.unit("TWO", kind="state")
        self.station = staff.unit("POST", self.first)
        self.mira = staff.person("Mira", "triage-officer", self.centre)
        self.head = staff.person("Head", "commander", self.centre)
        self.asha = staff.person("Asha", "triage-officer", self.first)
        self.anil = staff.person("Anil", "investigator", self.first)
        self.chief = staff.person("Chief", "commander", self.first)
        self.dev = staff.person("Dev", "triage-officer", self.second)
        self.ravi = staff.person("Ravi", "investigator", self.station)
        self.looker = staff.person("Looker", "auditor", self.first)
        self.tip = cast.tip(cast.reporter())
        cast.assess()

    def offer(self, to: Unit | None = None, *, by: User | None = None, at: datetime = NOON, **more: object) -> Offer:
        """Offer the tip, by the centre to the first state unless said."""
        who = staff.looking(by or self.mira, at)
        given = {"kind": "whole", "why": "area", **more}
        with identity.acting_as(viewer=who.user_id):
            return offers.offer(by=who, at=at, tip=self.tip, to=to or self.first, **given)  # type: ignore[arg-type]

    def accept(self, offer: Offer, by: User | None = None, at: datetime = NOON) -> Offer:
        """Accept, by the first state's triage officer unless said."""
        who = staff.looking(by or self.asha, at)
        with identity.acting_as(viewer=who.user_id):
            return answering.accept(by=who, at=at, offer=offer)

    def bounce(self, offer: Offer, by: User | None = None, at: datetime = NOON) -> Offer:
        """Send back, by the first state's triage officer unless said."""
        who = staff.looking(by or self.asha, at)
        with identity.acting_as(viewer=who.user_id):
            return answering.bounce(by=who, at=at, offer=offer, code="other-area", reason=WHY)

    def give_back(self, by: User | None = None, at: datetime = NOON) -> Offer:
        """Give the tip back."""
        who = staff.looking(by or self.asha, at)
        with identity.acting_as(viewer=who.user_id):
            return offers.give_back(by=who, at=at, tip=self.tip, code="other-area", reason=WHY)

    def holder(self) -> Unit:
        """Who holds the tip now."""
        self.tip.refresh_from_db()
        return self.tip.unit


def deliver(at: datetime = NOON) -> int:
    """What the worker does when something was offered."""
    return answering.deliver(by=SERVICE, now=lambda: at)


def steps(offer: Offer) -> list[str]:
    """The receipts of an offer, in their order."""
    return list(Receipt.objects.filter(offer=offer).order_by("pk").values_list("kind", flat=True))


def told(of: Tip) -> list[str]:
    """What the log says of the hand-over of a tip."""
    return [kind for kind in cast.events(of) if kind.startswith("routing.")]


def noticed(kind: str) -> set[str]:
    """Who was told of this: units by code with the role, people by name."""
    rows = Notice.objects.filter(kind=kind).select_related("unit", "user")
    return {f"{one.unit.code}:{one.role}" if one.unit else str(one.user) for one in rows}


def entry(receipt: Receipt) -> Event:
    """The entry of the log for a receipt."""
    return Event.objects.get(pk=receipt.event)
