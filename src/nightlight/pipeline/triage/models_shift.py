# SPDX-License-Identifier: Apache-2.0
"""Tables of the hand-over between shifts: what a shift leaves to the next, who took over, who has looked."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from nightlight.trust.accounts.models import User
from nightlight.trust.units.models import Unit


class Handover(models.Model):
    """What one shift of a unit tells the next: the figures as they were then (canonical JSON) and a note.

    Figures and public ids only. A name of a child has no place here.
    """

    public_id = models.CharField(max_length=16, unique=True)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    figures = models.TextField()
    note = models.TextField(blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_handover"
        constraints = [models.CheckConstraint(condition=Q(until__gt=F("since")), name="handover_ends")]
        indexes = [models.Index(fields=["unit", "-at"], name="handover_unit")]

    def __str__(self) -> str:
        return self.public_id


class HandoverRead(models.Model):
    """Somebody has read what the shift before left, and took over."""

    handover = models.ForeignKey(Handover, on_delete=models.PROTECT, related_name="reads")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_handoverread"
        constraints = [models.UniqueConstraint(fields=["handover", "by"], name="handover_read_once")]

    def __str__(self) -> str:
        return f"{self.handover_id} by {self.by_id}"


class LastLook(models.Model):
    """When a person last looked at the queue and left it: what came since is marked."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="+")
    at = models.DateTimeField()
    before = models.DateTimeField(null=True)

    class Meta:
        db_table = "triage_lastlook"

    def __str__(self) -> str:
        return str(self.user_id)
