# SPDX-License-Identifier: Apache-2.0
"""Tables of people and of reporters."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Role(models.TextChoices):
    """What a person does in a unit. A person has no role but by a post (see ``trust/units``)."""

    INTAKE_ANALYST = "intake-analyst", "Intake analyst"
    TRIAGE_OFFICER = "triage-officer", "Triage officer"
    INVESTIGATOR = "investigator", "Investigator"
    VICTIM_IDENTIFICATION = "victim-identification", "Victim-identification specialist"
    COMMANDER = "commander", "Commander"
    LEGAL_REVIEWER = "legal-reviewer", "Legal reviewer"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"


class User(AbstractUser):
    """A person who signs in."""

    public_id = models.CharField(max_length=16, unique=True)

    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Environment(models.TextChoices):
    """Whether what a credential sends is real. The two never mix."""

    PRODUCTION = "production", "Production"
    TEST = "test", "Test"


class Origin(models.TextChoices):
    """How we know a reporter."""

    API = "api", "Reports to us through the reporting API"
    DOWNLOAD = "download", "Named in a downloaded CyberTip"
    PEOPLE = "people", "Anybody who tells us, on the hotline page or by telephone"
    REFERRAL = "referral", "Named by another installation that referred a tip"


class Reporter(models.Model):
    """A platform or body that reports."""

    public_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=200)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "origin"], name="reporter_name_once")]

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """What a reporter signs in with; the secret itself is not here, only its keyed digest."""

    reporter = models.ForeignKey(Reporter, on_delete=models.PROTECT, related_name="credentials")
    username = models.CharField(max_length=40, unique=True)
    digest = models.BinaryField(max_length=32)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    may_submit = models.BooleanField(default=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.username} ({self.environment})"


class Scope(models.TextChoices):
    """What a partner's token may be used for. Each is one thing; a token holds as few as the partner needs."""

    TIPS_STATUS = "tips:read-own-status", "Read how far the reports this partner filed have come"
    EXPORTS_READ = "exports:read", "Fetch the exports that were made for this partner"
    FEEDBACK_READ = "feedback:read", "Read the feedback on the reports this partner filed"
    DECONFLICTION_ASK = "deconfliction:ask", "Ask by digest who else holds an identifier"


class ApiToken(models.Model):
    """What a partner's system shows to the API; the secret itself is not here, only its keyed digest."""

    public_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=200)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices))
    unit = models.CharField(max_length=16)  # "UN-…": the unit that answers for the partner
    digest = models.BinaryField(max_length=32)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_on = models.DateField(null=True)  # a day is enough to find tokens nobody uses
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at"))
                & models.Q(expires_at__lte=models.F("created_at") + timedelta(days=365)),
                name="token_ends_within_a_year",
            ),
            models.CheckConstraint(condition=models.Q(scopes__len__gt=0), name="token_may_do_something"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"
