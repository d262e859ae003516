# SPDX-License-Identifier: Apache-2.0
"""Tables of looking at files: who asked to look, what was shown how often, what was found, and what left."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from nightlight.trust.accounts.models import User
from nightlight.trust.evidence.models import Blob, Item

APPEND_ONLY_TABLES = ("viewing_warrant", "viewing_assessment", "viewing_exposure")


class Reason(models.TextChoices):
    """Why somebody has to look."""

    URGENCY = "urgency", _("Find out how urgent it is")
    CHILD = "child", _("Find a child who may be in danger")
    EVIDENCE = "evidence", _("Describe it as evidence")
    COURT = "court", _("Prepare for court")
    SECOND = "second", _("A second look that somebody asked for")


class State(models.TextChoices):
    """Where a viewing stands."""

    ASKED = "asked", _("Being prepared")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")
    CLOSED = "closed", _("Closed")


class Outcome(models.TextChoices):
    """What the person who looked found, in words that describe nothing."""

    NOTHING = "nothing-of-concern", _("Nothing of concern")
    MATCHES = "matches-report", _("It is what the report says it is")
    SPECIALIST = "needs-specialist", _("A specialist has to look")
    OTHER = "other-incident", _("It belongs to another incident")
    UNSURE = "cannot-tell", _("Cannot tell from this")


class Ending(models.TextChoices):
    """How a record ended, told to everybody who had to look at its files."""

    CHILD_SAFE = "child-safe", _("A child is safe")
    ARREST = "arrest", _("Somebody was arrested")
    CHARGED = "charged", _("Somebody was charged")
    CONVICTED = "convicted", _("A court convicted somebody")
    PASSED_ON = "passed-on", _("It was passed on to those who can act")
    NO_OFFENCE = "no-offence", _("No offence was found")
    NO_LEAD = "no-lead", _("It ended without a lead; what is known is kept")


class Purpose(models.TextChoices):
    """What originals leave the building for."""

    COURT = "court", _("A court asked for them")
    PROSECUTOR = "prosecutor", _("The prosecutor needs them")
    FORENSICS = "forensics", _("A forensic laboratory examines them")
    PARTNER = "partner", _("Another force acts on them")


class ExportState(models.TextChoices):
    """Where an export stands."""

    ASKED = "asked", _("Waiting for a second person")
    APPROVED = "approved", _("Approved; to be written within a day")
    REFUSED = "refused", _("Refused")
    WRITTEN = "written", _("Written")
    EXPIRED = "expired", _("Lapsed")


class Warrant(models.Model):
    """A warrant to look at one file."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    number = models.TextField()
    court = models.TextField()
    issued_on = models.DateField()
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "viewing_warrant"

    def __str__(self) -> str:
        return self.public_id


class Viewing(models.Model):
    """One look at one file: asked for, prepared, and ended within minutes.

    ``session`` is a digest of the browser session that asked; ``public_key`` closes the pictures for that browser.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    subject = models.TextField()
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    session = models.BinaryField()
    reason_kind = models.TextField(choices=Reason.choices)
    reason = models.TextField()
    law = models.TextField()
    violent = models.BooleanField()
    overrode = models.TextField(default="")
    override_reason = models.TextField(default="")
    public_key = models.BinaryField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.TextField(choices=State.choices, default=State.ASKED)
    why = models.TextField(default="")
    format = models.TextField(default="")
    duration = models.FloatField(null=True)
    pages = models.IntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "viewing_viewing"
        indexes = [
            models.Index(fields=["subject", "id"], name="viewing_subject"),
            models.Index(fields=["user", "asked_at"], name="viewing_user"),
            models.Index(fields=["expires_at"], name="viewing_open", condition=Q(state__in=["asked", "ready"])),
        ]
        constraints = [models.CheckConstraint(condition=Q(state__in=State.values), name="viewing_state")]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"

    @property
    def person(self) -> str:
        """How custody events name who looks."""
        return f"officer:{self.user.public_id}"


class Picture(models.Model):
    """A prepared picture, closed for one browser; removed when the viewing ends."""

    id = models.BigAutoField(primary_key=True)
    viewing = models.ForeignKey(Viewing, models.PROTECT, related_name="pictures", db_index=False)
    mode = models.TextField()
    number = models.SmallIntegerField()
    width = models.IntegerField()
    height = models.IntegerField()
    at_second = models.FloatField(null=True)
    key_part = models.BinaryField()
    body = models.BinaryField()

    class Meta:
        db_table = "viewing_picture"
        constraints = [models.UniqueConstraint(fields=["viewing", "mode", "number"], name="viewing_picture_once")]

    def __str__(self) -> str:
        return f"{self.mode} {self.number} of viewing {self.viewing_id}"


class Assessment(models.Model):
    """What somebody found in a file; the next one who meets the same bytes sees it and need not look."""

    id = models.BigAutoField(primary_key=True)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    viewing = models.OneToOneField(Viewing, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    outcome = models.TextField(choices=Outcome.choices)
    violent = models.BooleanField()
    rule = models.SmallIntegerField()

    class Meta:
        db_table = "viewing_assessment"
        constraints = [models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="assessment_outcome")]

    def __str__(self) -> str:
        return self.outcome


class Exposure(models.Model):
    """A picture was shown to a person (``milliseconds`` is null), or was held open that long (weighs nothing more)."""

    id = models.BigAutoField(primary_key=True)
    viewing = models.ForeignKey(Viewing, models.PROTECT, related_name="exposures")
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    mode = models.TextField()
    number = models.SmallIntegerField()
    milliseconds = models.IntegerField(null=True)
    weight = models.SmallIntegerField()

    class Meta:
        db_table = "viewing_exposure"
        indexes = [models.Index(fields=["user", "at"], name="exposure_user")]
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=["still", "enlarged", "colour"]), name="exposure_mode"),
            models.CheckConstraint(
                condition=Q(milliseconds__isnull=True, weight__gt=0) | Q(milliseconds__gte=0, weight=0),
                name="exposure_shown_or_held",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mode} for {self.user_id}"


class Export(models.Model):
    """Originals of one record that leave the building: asked for by one person, approved by another."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    subject = models.TextField()
    items = models.JSONField()  # public ids
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    purpose = models.TextField(choices=Purpose.choices)
    words = models.TextField()
    recipient = models.TextField()
    recipient_key = models.BinaryField()
    asked_at = models.DateTimeField()
    state = models.TextField(choices=ExportState.choices, default=ExportState.ASKED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    written_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "viewing_export"
        indexes = [models.Index(fields=["subject", "id"], name="export_subject")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state"),
            models.CheckConstraint(condition=~Q(decided_by=models.F("user")), name="export_two_people"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "expired"]) | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="export_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.state})"
