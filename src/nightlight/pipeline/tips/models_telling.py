# SPDX-License-Identifier: Apache-2.0
"""Tables of the hotline: codes to come back with, as digests, and how often somebody tried within an hour."""

from __future__ import annotations

from django.db import models


class TellingCode(models.Model):
    """The keyed digest of the code that somebody was shown who told us something. Nothing reads it but functions."""

    tip = models.OneToOneField("tips.Tip", on_delete=models.PROTECT, primary_key=True, related_name="telling_code")
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"code of {self.tip_id}"


class TellingLimit(models.Model):
    """How often one network, or all together (a key of zeros), did something within an hour; gone after the hour.

    A row of the kind "key" holds the random key of its day, under which networks are counted. The table is unlogged:
    neither it nor what it held is in a backup, in an archive of the log, or on a standby.
    """

    class Kind(models.TextChoices):
        """What is counted."""

        TOLD = "told", "Told something or added to it"
        CODE = "code", "Showed a code"
        KEY = "key", "The key of the day"

    key = models.BinaryField(max_length=16)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    hour = models.DateTimeField()
    number = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "kind", "key"], name="telling_limit_once"),
            models.UniqueConstraint(fields=["hour"], condition=models.Q(kind="key"), name="telling_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} at {self.hour}"
