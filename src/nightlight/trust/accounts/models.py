# SPDX-License-Identifier: Apache-2.0
"""Tables of people and of reporters."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """What a person is here for."""

    ADMINISTRATOR = "administrator", "Administrator"
    OFFICER = "officer", "Officer"
    AUDITOR = "auditor", "Auditor"


class User(AbstractUser):
    """A person who signs in."""

    public_id = models.CharField(max_length=16, unique=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.OFFICER)

    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def reads_tips(self) -> bool:
        """Whether this person's role reads tips; an administrator manages people and sees no tip."""
        return self.role in {Role.OFFICER, Role.AUDITOR}


class Environment(models.TextChoices):
    """Whether what a credential sends is real. The two never mix."""

    PRODUCTION = "production", "Production"
    TEST = "test", "Test"


class Origin(models.TextChoices):
    """How we know a reporter."""

    API = "api", "Reports to us through the reporting API"
    DOWNLOAD = "download", "Named in a downloaded CyberTip"


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
