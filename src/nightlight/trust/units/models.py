# SPDX-License-Identifier: Apache-2.0
"""Tables of units, of who works there, and of who was let over the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from nightlight.trust.accounts.models import Role, User

if TYPE_CHECKING:
    from datetime import datetime


class Kind(models.TextChoices):
    """What a unit is."""

    NATIONAL = "national", "National centre"
    STATE = "state", "State unit"
    DISTRICT = "district", "District unit"
    STATION = "station", "Police station"
    SPECIAL = "special", "Special unit"


class Unit(models.Model):
    """A unit of the police or of the clearing house; its records are those handed to it."""

    public_id = models.CharField(max_length=16, unique=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    receives = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["receives"], condition=Q(receives=True), name="unit_receives_once"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="unit_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class Area(models.Model):
    """What a unit is responsible for: a subdivision (ISO 3166-2), a district (LGD), a postal prefix."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="areas")
    code = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "code"], name="area_once")]

    def __str__(self) -> str:
        return self.code


class Below(models.Model):
    """Which units lie below which, each below itself; kept by a trigger on the tree."""

    ancestor = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ancestor", "unit"], name="below_once")]

    def __str__(self) -> str:
        return f"{self.unit_id} below {self.ancestor_id}"


class Posts(models.QuerySet["Post"]):
    """Posts, and which of them are held."""

    def active(self, at: datetime) -> Posts:
        """Posts held at that moment."""
        return self.filter(starts_at__lte=at).filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))


class Post(models.Model):
    """A person's work in a unit, in one role, from a moment on; ended, never removed."""

    public_id = models.CharField(max_length=16, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="posts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=24, choices=Role.choices)
    rank = models.CharField(max_length=60, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    objects = Posts.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="post_ends"
            ),
            models.UniqueConstraint(
                fields=["user", "unit", "role"], condition=Q(ends_at__isnull=True), name="post_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.unit_id}"


class Shift(models.Model):
    """A person's duty in a unit: when they are there."""

    public_id = models.CharField(max_length=16, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="shifts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends")]
        indexes = [
            models.Index(fields=["unit", "starts_at"], name="shift_unit"),
            models.Index(fields=["user", "ends_at"], name="shift_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} from {self.starts_at}"


class Glass(models.Model):
    """The wall was broken for one record: who, why, who is in danger, until when, and who answered for it."""

    public_id = models.CharField(max_length=16, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, related_name="+", db_comment="the unit that holds the record"
    )
    subject = models.CharField(max_length=40)
    reason = models.TextField()
    broken_at = models.DateTimeField()
    until = models.DateTimeField()
    signed_off_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    signed_off_at = models.DateTimeField(null=True)
    justified = models.BooleanField(null=True)
    finding = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(signed_off_by__isnull=True, signed_off_at__isnull=True, justified__isnull=True)
                | Q(signed_off_by__isnull=False, signed_off_at__isnull=False, justified__isnull=False),
                name="glass_signed_off_whole",
            ),
            models.CheckConstraint(condition=~Q(signed_off_by=F("user")), name="glass_not_signed_off_by_oneself"),
        ]
        indexes = [
            models.Index(fields=["user", "until"], name="glass_user"),
            models.Index(fields=["unit"], condition=Q(signed_off_at__isnull=True), name="glass_waiting"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def record(self) -> str:
        """The public id of the record, such as NL-7F3K-9QTX."""
        return self.subject.partition(":")[2]


class Notice(models.Model):
    """Something a person has to know: for one person, or for whoever holds a role in a unit."""

    public_id = models.CharField(max_length=16, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, related_name="+")
    role = models.CharField(max_length=24, choices=Role.choices, blank=True)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    about = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, unit__isnull=True, role="")
                | (Q(user__isnull=True, unit__isnull=False) & ~Q(role="")),
                name="notice_for_one_or_for_a_role",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-at"], name="notice_user"),
            models.Index(fields=["unit", "role", "-at"], name="notice_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Seen(models.Model):
    """A person has read a notice."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="seen")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "user"], name="seen_once")]

    def __str__(self) -> str:
        return f"{self.notice_id} by {self.user_id}"
