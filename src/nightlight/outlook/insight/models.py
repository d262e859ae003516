# SPDX-License-Identifier: Apache-2.0
"""Tables of insight: what each report held, what its reporter is told, and what officers hold back."""

from __future__ import annotations

from django.db import models

from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Credential, Environment, Reporter, User

APPEND_ONLY_TABLES = ("insight_holdback",)


class Waiting(models.Model):
    """A tip to be looked at again on a day (UTC); triggers put it here when something about it changed."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="+")
    day = models.DateField(db_index=True)

    class Meta:
        db_table = "insight_waiting"

    def __str__(self) -> str:
        return f"{self.tip_id} on {self.day}"


class Quality(models.Model):
    """What was counted in one closed report (``measuring.Measured``). Worked out, and made again by the rebuild.

    ``month`` is the first day of the month (UTC) in which it came.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="+")
    version = models.SmallIntegerField()
    reporter = models.ForeignKey(Reporter, on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    state = models.CharField(max_length=10)
    month = models.DateField()
    arrived_at = models.DateTimeField()
    happened_on = models.DateField(null=True)
    days = models.IntegerField(null=True)
    events = models.IntegerField()
    addressed = models.IntegerField()
    with_port = models.IntegerField()
    with_zone = models.IntegerField()
    files = models.IntegerField()
    arrived = models.IntegerField()
    viewed_stated = models.IntegerField()
    contact = models.BooleanField()
    account = models.BooleanField()
    narrative = models.BooleanField()
    thin = models.BooleanField()
    repeats = models.BooleanField()

    class Meta:
        db_table = "insight_quality"
        indexes = [models.Index(fields=["environment", "reporter", "month"], name="quality_of_reporter")]

    def __str__(self) -> str:
        return f"{self.tip_id} in {self.month:%Y-%m}"


class Told(models.Model):
    """What became of a report (``outcome``), what its reporter is told (``told``) and since which day (UTC).

    ``lacks`` are codes with blanks between. The reporter, its environment and the report's number stand here once
    more, so that its list is read from one index.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="feedback")
    reporter = models.ForeignKey(Reporter, on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    report_id = models.BigIntegerField()
    received_on = models.DateField()
    outcome = models.CharField(max_length=20)
    told = models.CharField(max_length=20)
    told_on = models.DateField()
    lacks = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "insight_told"
        indexes = [models.Index(fields=["reporter", "environment", "told_on", "report_id"], name="told_to_reporter")]

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.told}"


class HoldBack(models.Model):
    """An officer holds back what the reporter is told of a tip, or no more (``held``), and why; the latest counts."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="holdbacks")
    held = models.BooleanField()
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "insight_holdback"

    def __str__(self) -> str:
        return f"{self.tip_id}: {'held back' if self.held else 'released'}"


class Listed(models.Model):
    """The day (UTC) on which a reporter last took one of its lists, by credential: the first of a day is recorded."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=4)
    day = models.DateField()

    class Meta:
        db_table = "insight_listed"
        constraints = [models.UniqueConstraint(fields=["credential", "form"], name="insight_listed_once")]

    def __str__(self) -> str:
        return f"{self.form} of credential {self.credential_id} on {self.day}"
