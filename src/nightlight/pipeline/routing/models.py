# SPDX-License-Identifier: Apache-2.0
"""Tables of routing: where a tip seems to belong, and how it went from unit to unit with a receipt for each step."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from nightlight.pipeline.linking.waiting import Waits
from nightlight.pipeline.routing import models_places
from nightlight.pipeline.routing.models_exchange import Came, Installation, Owed, Package, PackageTip, Referred
from nightlight.pipeline.routing.models_places import District, DistrictList, Feed
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import User
from nightlight.trust.units.models import Unit

__all__ = [
    "APPEND_ONLY_TABLES",
    "BounceCode",
    "Came",
    "District",
    "DistrictList",
    "Feed",
    "Installation",
    "Offer",
    "OfferKind",
    "OfferState",
    "OfficerSign",
    "Owed",
    "Package",
    "PackageTip",
    "Proposal",
    "Receipt",
    "ReceiptKind",
    "Referred",
    "Seal",
    "Stop",
    "Waiting",
]

APPEND_ONLY_TABLES = (
    "routing_officersign",
    "routing_receipt",
    "routing_seal",
    "routing_came",
    *models_places.APPEND_ONLY_TABLES,
)


class Waiting(Waits):
    """A tip of which it is to be worked out where it belongs; triggers put it here when a sign may have changed."""

    class Meta:
        db_table = "routing_waiting"
        indexes = [
            models.Index(fields=["failed_since"], name="routing_failed", condition=Q(failed_times__gt=0)),
            models.Index(F("try_at").asc(nulls_first=True), F("tip").desc(), name="routing_turn"),
        ]


class Proposal(models.Model):
    """Where a tip seems to belong, with all candidates and reasons in ``body`` (JSON); worked out, never a decision.

    ``country`` (ISO 3166-1), ``state`` (ISO 3166-2) and ``district`` are those of the best candidate, each empty where
    unknown; ``confidence`` is 0 to 100; ``unit`` is the unit of ours that is responsible there, as deep as is known.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="proposal")
    version = models.IntegerField()
    body = models.TextField()
    country = models.CharField(max_length=2, blank=True)
    state = models.CharField(max_length=8, blank=True)
    district = models.CharField(max_length=40, blank=True)
    confidence = models.SmallIntegerField()
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "routing_proposal"

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.district or self.state or self.country or 'unknown'}"


class OfficerSign(models.Model):
    """A sign of the place that an officer found, such as a town a picture shows, with how they know."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=24)
    value = models.CharField(max_length=200)
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "routing_officersign"

    def __str__(self) -> str:
        return f"{self.kind}: {self.value}"


class OfferKind(models.TextChoices):
    """What the other unit is asked to take."""

    WHOLE = "whole", _("The tip")
    PART = "part", _("Some of the people in it")
    JOINT = "joint", _("To work on it together")


class OfferState(models.TextChoices):
    """How far an offer has come. The first three are open; the others end it."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    OPENED = "opened", _("Opened")
    ACCEPTED = "accepted", _("Accepted")
    BOUNCED = "bounced", _("Sent back")
    RECALLED = "recalled", _("Recalled")


OPEN_STATES = (OfferState.SENT, OfferState.DELIVERED, OfferState.OPENED)


class BounceCode(models.TextChoices):
    """Why a unit says that a tip is not theirs."""

    OTHER_AREA = "other-area", _("The place is not in our area")
    OTHER_PLACE = "other-place", _("The person lives or acts somewhere else")
    ABROAD = "abroad", _("It belongs to another country")
    SPECIALISTS = "specialists", _("It needs a special unit")
    HAVE_IT = "have-it", _("We work on this already under another tip")
    TOO_LITTLE = "too-little", _("Nothing in it shows that it is ours")
    OTHER = "other", _("Another reason")


class Offer(models.Model):
    """A tip on its way from the unit that holds it to another. Until it is accepted, the sender holds it.

    ``by`` and ``answered_by`` are actors ("officer:OF-…", "installation:NI-…", "service"). ``parties`` are the numbers
    of the people on the tip's page that a part is about, as JSON. ``previous`` is the offer whose end brought this one.
    ``given_back`` marks one by which a unit that had accepted returns the tip: it needs no answer.
    """

    public_id = models.CharField(max_length=16, unique=True)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="offers", db_index=False)
    kind = models.CharField(max_length=5, choices=OfferKind.choices)
    from_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    why = models.CharField(max_length=24)
    note = models.TextField(blank=True)
    parties = models.CharField(max_length=200, db_default="[]")
    state = models.CharField(max_length=9, choices=OfferState.choices)
    band = models.SmallIntegerField()
    automatic = models.BooleanField(db_default=False)
    given_back = models.BooleanField(db_default=False)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    by = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=64, blank=True)
    bounce_code = models.CharField(max_length=12, choices=BounceCode.choices, blank=True)
    answer = models.TextField(blank=True, db_comment="why it was sent back or recalled")
    due_at = models.DateTimeField(db_comment="by when it is to be answered; put off while the clock stands")
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_offer"
        constraints = [
            models.UniqueConstraint(
                fields=["tip", "to_unit"],
                condition=Q(state__in=["sent", "delivered", "opened"]),
                name="offer_open_once",
            ),
            # A whole tip goes one way at a time; parts and joint work may go several.
            models.UniqueConstraint(
                fields=["tip"],
                condition=Q(state__in=["sent", "delivered", "opened"], kind="whole"),
                name="offer_whole_once",
            ),
            models.CheckConstraint(condition=~Q(from_unit=F("to_unit")), name="offer_to_another"),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "delivered", "opened"], answered_at=None)
                | Q(state__in=["accepted", "bounced", "recalled"], answered_at__isnull=False),
                name="offer_answered",
            ),
        ]
        indexes = [
            models.Index(fields=["tip", "sent_at"], name="offer_of_tip"),
            models.Index(
                fields=["to_unit", "due_at"],
                condition=Q(state__in=["sent", "delivered", "opened"]),
                name="offer_coming",
            ),
            models.Index(fields=["from_unit", "-sent_at"], name="offer_gone"),
            models.Index(fields=["to_unit", "-sent_at"], name="offer_came"),
            models.Index(fields=["due_at"], condition=Q(state__in=["sent", "delivered", "opened"]), name="offer_due"),
            models.Index(fields=["answered_at"], condition=Q(state="accepted", kind="whole"), name="offer_taken"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.state in OPEN_STATES


class ReceiptKind(models.TextChoices):
    """A step of an offer for which there is a receipt."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    OPENED = "opened", _("Opened")
    ACCEPTED = "accepted", _("Accepted")
    BOUNCED = "bounced", _("Sent back")
    RECALLED = "recalled", _("Recalled")
    GIVEN_BACK = "given-back", _("Given back")
    OUTCOME = "outcome", _("What became of it")


class Receipt(models.Model):
    """One step of an offer: ``event`` is the number of its entry in the custody log, ``data`` what it states (JSON).

    ``installation`` is another installation that told us, with its own signature in ``data``.
    """

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="receipts", db_index=False)
    kind = models.CharField(max_length=10, choices=ReceiptKind.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    event = models.BigIntegerField()
    installation = models.ForeignKey(
        Installation, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    data = models.TextField(db_default="{}")

    class Meta:
        db_table = "routing_receipt"
        constraints = [
            models.UniqueConstraint(fields=["offer", "kind"], condition=~Q(kind="outcome"), name="receipt_once"),
        ]
        indexes = [
            models.Index(fields=["offer", "at"], name="receipt_of_offer"),
            models.Index(fields=["event"], name="receipt_event"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.offer_id}"


class Stop(models.Model):
    """The clock of a tip stands in a unit for a stated reason, from a moment until somebody lets it run again."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="stops", db_index=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=24)
    note = models.TextField(blank=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "routing_stop"
        constraints = [
            models.UniqueConstraint(fields=["tip", "unit"], condition=Q(ended_at=None), name="stop_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("at")), name="stop_ends_after_it_began"
            ),
        ]
        indexes = [models.Index(fields=["tip", "at"], name="stop_of_tip")]

    def __str__(self) -> str:
        return f"{self.reason} {self.tip_id}"


class Seal(models.Model):
    """Whoever handed this tip over follows it no more: from here on not even its status is shown to them."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="seal")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "routing_seal"

    def __str__(self) -> str:
        return f"seal of {self.tip_id}"
