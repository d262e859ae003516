# SPDX-License-Identifier: Apache-2.0
"""Tables of what makes a record wait, of who was cleared, and of destructions with their certificates.

Records are named by text ("tip:NL-…"): this floor does not know them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from nightlight.trust.accounts.models import User
from nightlight.trust.units.models import Unit


class Hold(models.Model):
    """Something that makes a destruction wait: why, since when, by whom; lifted, never removed."""

    public_id = models.CharField(max_length=16, unique=True)
    subject = models.CharField(max_length=60)
    kind = models.CharField(max_length=24)
    reason = models.TextField()
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject"], name="retention_hold_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True, lifted_at__isnull=True)
                | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="hold_lifted_whole",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Apart(models.Model):
    """A person of a record was cleared: their data is set apart. ``part`` is the person's place in the report."""

    public_id = models.CharField(max_length=16, unique=True)
    subject = models.CharField(max_length=60)
    part = models.CharField(max_length=200)
    pseudonym = models.CharField(max_length=60)
    reason = models.TextField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "part"], name="apart_once")]

    def __str__(self) -> str:
        return f"{self.pseudonym} of {self.subject}"


class State(models.TextChoices):
    """How far a destruction is."""

    ASKED = "asked", "Asked for; a commander has to agree"
    APPROVED = "approved", "Agreed; being carried out"
    REFUSED = "refused", "Refused"
    DONE = "done", "Destroyed"


class Destruction(models.Model):
    """A destruction: of which record, why, who asked, who agreed, and what was done (the certificate)."""

    public_id = models.CharField(max_length=16, unique=True)
    subject = models.CharField(max_length=60)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    retention_class = models.CharField(max_length=40)
    basis = models.TextField()
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    certificate = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=~Q(state="refused"), name="destruction_once_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(asked_by=F("decided_by")), name="destruction_needs_two_people"),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by__isnull=True) | ~Q(state="asked") & Q(decided_by__isnull=False),
                name="destruction_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False) & ~Q(certificate="")
                | ~Q(state="done") & Q(done_at__isnull=True, certificate=""),
                name="destruction_with_certificate",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
