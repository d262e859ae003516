# SPDX-License-Identifier: Apache-2.0
"""Tables of deconfliction: whom to call, who asked, what was told, and the digests that a ring exchanges."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import ApiToken, User
from nightlight.trust.units.models import Unit

APPEND_ONLY_TABLES = ("linking_asking", "linking_partnerasking")


class Contact(models.Model):
    """Whom others call when they hold what this unit holds too; its commander or an administrator sets it."""

    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, primary_key=True, related_name="+")
    telephone = models.CharField(max_length=40, blank=True)
    email = models.CharField(max_length=120, blank=True)
    duty = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_contact"
        constraints = [
            models.CheckConstraint(condition=~Q(telephone="", email="", duty=""), name="contact_says_something")
        ]

    def __str__(self) -> str:
        return f"contact of {self.unit_id}"


class Asking(models.Model):
    """An officer asked who else holds what stands in a tip; ``unit`` held the tip then."""

    public_id = models.CharField(max_length=16, unique=True)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_asking"
        indexes = [models.Index(fields=["by", "-at"], name="asking_by")]

    def __str__(self) -> str:
        return self.public_id


class Ring(models.Model):
    """A ring of partners and an epoch of its key, of which digests are prepared up to an identifier."""

    name = models.CharField(max_length=40)
    epoch = models.CharField(max_length=40)
    upto = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "linking_ring"
        constraints = [models.UniqueConstraint(fields=["name", "epoch"], name="ring_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.epoch}"


class RingDigest(models.Model):
    """An identifier under the key of a ring; it goes with its identifier (a constraint in the migration)."""

    ring = models.ForeignKey(Ring, on_delete=models.CASCADE, related_name="+", db_index=False)
    identifier = models.ForeignKey(
        "linking.Identifier", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    digest = models.BinaryField(max_length=16)

    class Meta:
        db_table = "linking_ringdigest"
        constraints = [
            models.UniqueConstraint(fields=["ring", "digest"], name="ring_digest_once"),
            models.UniqueConstraint(fields=["ring", "identifier"], name="ring_identifier_once"),
        ]

    def __str__(self) -> str:
        return f"{self.identifier_id} in {self.ring_id}"


class Partner(models.Model):
    """Another installation in a ring: the token by which it asks here, and where and by what token we ask there.

    Of the digests of the ring, those between ``asked_low`` and ``asked_high`` were asked for there.
    """

    public_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=120, unique=True)
    ring = models.CharField(max_length=40)
    token = models.OneToOneField(ApiToken, on_delete=models.PROTECT, null=True, related_name="+")
    url = models.CharField(max_length=300, blank=True)
    secret = models.BinaryField(default=b"")
    secret_key_part = models.BinaryField(default=b"")
    asked_epoch = models.CharField(max_length=40, blank=True)
    asked_low = models.BigIntegerField(null=True)
    asked_high = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, blank=True)
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "linking_partner"

    def __str__(self) -> str:
        return self.name


class PartnerAsking(models.Model):
    """A partner asked: how many digests, how many of them are held here. What it missed is not kept."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    digests = models.IntegerField()
    held = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_partnerasking"
        indexes = [models.Index(fields=["partner", "at"], name="partner_asking")]

    def __str__(self) -> str:
        return f"{self.partner_id} at {self.at}"


class Held(models.Model):
    """An identifier of a tip is held by another unit here, or by a partner, since a month: told to whom sees the tip.

    Both sides have such rows: whoever asked, and whoever was asked about. It goes with its identifier and with the
    last place in the tip where that stands (constraints in the migration).
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+", db_index=False)
    identifier = models.ForeignKey(
        "linking.Identifier", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    their_unit = models.CharField(max_length=200, blank=True)
    call = models.CharField(max_length=300, blank=True)
    since = models.DateField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_held"
        constraints = [
            models.UniqueConstraint(
                fields=["tip", "identifier", "unit"], name="held_by_unit_once", condition=Q(unit__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["tip", "identifier", "partner", "their_unit"],
                name="held_by_partner_once",
                condition=Q(partner__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(unit__isnull=False, partner__isnull=True) | Q(unit__isnull=True, partner__isnull=False),
                name="held_by_a_unit_or_a_partner",
            ),
        ]
        indexes = [models.Index(fields=["tip", "at"], name="held_of_tip")]

    def __str__(self) -> str:
        return f"{self.identifier_id} of {self.tip_id}"
