# SPDX-License-Identifier: Apache-2.0
"""Tables of the exchange with other installations: who they are, and what is on its way to and from them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from nightlight.pipeline.tips.models import Tip
from nightlight.trust.units.models import Unit


class Installation(models.Model):
    """Another Nightlight. Nothing of it is taken in, and nothing sent there, before an officer compared fingerprints.

    ``card`` is what it says of itself (JSON: name, address, keys), ``ca`` the certificate its address is checked with
    where no public authority vouches for it (PEM). ``unit`` is the unit of ours that works there: what is offered to
    it, or below it, is sent to the installation.
    """

    class State(models.TextChoices):
        """How far we know each other."""

        WAITING = "waiting", _("Fingerprint not compared yet")
        TRUSTED = "trusted", _("Trusted")
        ENDED = "ended", _("Ended")

    public_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=300, blank=True)
    card = models.TextField()
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, related_name="+")
    ca = models.TextField(blank=True, db_default="")
    added_by = models.CharField(max_length=64)
    added_at = models.DateTimeField()
    compared_by = models.CharField(max_length=64, blank=True)
    compared_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_installation"
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=~Q(state="ended"), name="installation_fingerprint_once"
            ),
            models.UniqueConstraint(
                fields=["unit"], condition=Q(unit__isnull=False) & ~Q(state="ended"), name="installation_unit_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="trusted") | Q(compared_at__isnull=False), name="installation_compared"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Package(models.Model):
    """A referral, or receipts, on their way to another installation or from one. The bytes lie in a file at ``path``.

    ``package_id`` is the sender's name for it, ``moved`` how many of ``size`` bytes have gone or come, ``done`` how
    many of ``tips`` were taken in.
    """

    class Kind(models.TextChoices):
        """What it carries."""

        REFERRAL = "referral", _("Referral")
        RECEIPTS = "receipts", _("Receipts")

    class State(models.TextChoices):
        """How far it has come: those of one going out, then those of one coming in."""

        BUILDING = "building", _("Being put together")
        READY = "ready", _("Ready to be sent")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent; not verified there yet")
        DELIVERED = "delivered", _("Verified there")
        RECEIVING = "receiving", _("Coming in")
        COMPLETE = "complete", _("All of it is here")
        QUARANTINED = "quarantined", _("Held: the sender is not known")
        UNPACKING = "unpacking", _("Being taken in")
        TAKEN = "taken", _("Taken in")
        REFUSED = "refused", _("Refused")

    public_id = models.CharField(max_length=16, unique=True)
    outgoing = models.BooleanField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    installation = models.ForeignKey(
        Installation, on_delete=models.PROTECT, null=True, related_name="packages", db_index=False
    )
    sender = models.CharField(max_length=64, blank=True, db_comment="fingerprint the sender states")
    package_id = models.CharField(max_length=64)
    header = models.TextField(blank=True, db_comment="the signed header as it came or went")
    state = models.CharField(max_length=11, choices=State.choices)
    path = models.CharField(max_length=300, blank=True)
    size = models.BigIntegerField(db_default=0)
    moved = models.BigIntegerField(db_default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    tips = models.IntegerField(db_default=0)
    done = models.IntegerField(db_default=0)
    code = models.CharField(max_length=40, blank=True, db_comment="why it was refused, for programs")
    why = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    state_at = models.DateTimeField()
    tries = models.IntegerField(db_default=0)
    not_before = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_package"
        constraints = [
            models.UniqueConstraint(fields=["outgoing", "sender", "package_id"], name="package_once"),
        ]
        indexes = [
            models.Index(fields=["installation", "-made_at"], name="package_of_installation"),
            models.Index(fields=["state", "not_before"], name="package_to_do"),
        ]

    def __str__(self) -> str:
        return self.public_id


class PackageTip(models.Model):
    """A tip in a package that goes out, and the offer it goes with."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="contents", db_index=False)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    offer = models.ForeignKey("routing.Offer", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        db_table = "routing_packagetip"
        constraints = [models.UniqueConstraint(fields=["package", "tip"], name="package_tip_once")]

    def __str__(self) -> str:
        return f"{self.tip_id} in {self.package_id}"


class Referred(models.Model):
    """A tip that came from another installation: what it was called there, and the proof that came with it (JSON).

    ``origin`` is the fingerprint of the installation that first received it; the same tip is taken in once.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="referred")
    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=64)
    origin_tip = models.CharField(max_length=16)
    origin_offer = models.CharField(max_length=16, blank=True)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+")
    offer = models.ForeignKey("routing.Offer", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    proof = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "routing_referred"
        constraints = [models.UniqueConstraint(fields=["origin", "origin_tip"], name="referred_once")]

    def __str__(self) -> str:
        return f"{self.origin_tip} of {self.origin[:8]}"


class Came(models.Model):
    """An offer of ours by which a tip came from another installation: what offer and tip are called there."""

    offer = models.OneToOneField("routing.Offer", on_delete=models.PROTECT, primary_key=True, related_name="came")
    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="+", db_index=False)
    their_offer = models.CharField(max_length=16)
    their_tip = models.CharField(max_length=16)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "routing_came"
        constraints = [models.UniqueConstraint(fields=["installation", "their_offer"], name="came_once")]

    def __str__(self) -> str:
        return f"{self.their_offer} as {self.offer_id}"


class Owed(models.Model):
    """A signed statement about an offer that another installation is owed; ``package`` is the one it went with.

    ``body`` is the statement (JSON), ``receipt`` the step it tells of; none where there is no unit here that stands for
    the installation, and so no offer.
    """

    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="+", db_index=False)
    their_offer = models.CharField(max_length=16)
    kind = models.CharField(max_length=10)
    receipt = models.OneToOneField("routing.Receipt", on_delete=models.PROTECT, null=True, related_name="owed")
    body = models.TextField()
    package = models.ForeignKey(Package, on_delete=models.PROTECT, null=True, related_name="statements")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "routing_owed"
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "their_offer", "kind"], condition=~Q(kind="outcome"), name="owed_once"
            ),
        ]
        indexes = [models.Index(fields=["installation", "id"], condition=Q(package=None), name="owed_to_send")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.their_offer}"
