# SPDX-License-Identifier: Apache-2.0
"""Tables of triage: how urgent each tip is and why, the queue made of it, and alerts until somebody answers.

Three numbers stand side by side and are never merged: harm, the time until evidence dies, workability.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from nightlight.pipeline.linking.waiting import Waits
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.models_records import RecordsEnd as RecordsEnd  # noqa: PLC0414 - told on
from nightlight.pipeline.triage.models_shift import Handover, HandoverRead  # noqa: F401 - Django looks for them here
from nightlight.pipeline.triage.models_shift import LastLook as LastLook  # noqa: PLC0414 - told on
from nightlight.trust.accounts.models import User
from nightlight.trust.units.models import Unit

FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # before whatever has a time: where a tip without a score stands

APPEND_ONLY_TABLES = (
    "triage_rulebook",
    "triage_pastscore",
    "triage_officerfact",
    "triage_override",
    "triage_closure",
    "triage_secondlook",
    "triage_alertcall",
    "triage_handover",
    "triage_handoverread",
)


class Band(models.IntegerChoices):
    """How urgent a tip is by its harm; only a tripwire or much harm makes it critical."""

    LOW = 0, _("Low")
    MEDIUM = 1, _("Medium")
    HIGH = 2, _("High")
    CRITICAL = 3, _("Critical")


class Rulebook(models.Model):
    """One version of the rules, as written; the one with the highest number counts."""

    number = models.IntegerField(unique=True)
    body = models.TextField()
    reason = models.TextField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_rulebook"

    def __str__(self) -> str:
        return f"version {self.number}"


class Waiting(Waits):
    """A tip that is to be scored (again); triggers put it here when a fact about it may have changed."""

    class Meta:
        db_table = "triage_waiting"
        indexes = [
            models.Index(fields=["failed_since"], name="triage_failed", condition=Q(failed_times__gt=0)),
            models.Index(F("try_at").asc(nulls_first=True), F("tip").desc(), name="triage_turn"),
        ]


class _Scored(models.Model):
    """The numbers, the version of the rules, and in ``body`` the facts, factors and unknowns they came from (JSON)."""

    rulebook = models.IntegerField()  # the number of its version; 0 for the one that came with the program
    rules = models.CharField(max_length=32)  # what was applied: digests of rulebook and lists, version of the rules
    band = models.SmallIntegerField(choices=Band.choices)
    harm = models.SmallIntegerField()
    dies_at = models.DateTimeField(null=True)
    workability = models.SmallIntegerField()
    body = models.TextField()
    at = models.DateTimeField()

    class Meta:
        abstract = True


class Score(_Scored):
    """What a tip was scored last. ``due_at`` is when time alone may change it."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="score")
    due_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        db_table = "triage_score"
        indexes = [models.Index(fields=["rules"], name="score_rules")]

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.harm}"


class PastScore(_Scored):
    """What a tip was scored before."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="past_scores")

    class Meta:
        db_table = "triage_pastscore"

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.harm}"


class OfficerFact(models.Model):
    """A fact an officer found out about a tip, such as an earlier conviction; the latest about a fact counts.

    A yes or no is ``value``, a moment is ``moment``; neither takes back what was said before.
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="officer_facts")
    fact = models.CharField(max_length=40)
    value = models.BooleanField(null=True)
    moment = models.DateTimeField(null=True)
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_officerfact"
        constraints = [
            models.CheckConstraint(
                condition=Q(value__isnull=True) | Q(moment__isnull=True), name="officer_fact_is_one_thing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.fact} of {self.tip_id}"


class Override(models.Model):
    """An officer put a tip into another band than the rules did, and why; the latest counts. None takes it back."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="overrides")
    band = models.SmallIntegerField(choices=Band.choices, null=True)
    rules_band = models.SmallIntegerField(choices=Band.choices)  # what the rules said then
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_override"
        indexes = [models.Index(fields=["at"], name="override_at")]

    def __str__(self) -> str:
        return f"{self.tip_id} to {self.band}"


class Lane(models.TextChoices):
    """Where the work on a tip is."""

    OPEN = "open", _("Open")
    SNOOZED = "snoozed", _("Put off")
    CLOSED = "closed", _("Closed")


class Group(models.TextChoices):
    """Why tips stand in one row of the queue."""

    SINGLE = "single", _("One tip")
    REPEATS = "repeats", _("The same report again")
    PERSON = "person", _("Proposed as one person")
    VIRAL = "viral", _("One file passed on by many")


class Standing(models.Model):
    """Where one tip stands in the queue of the unit that holds it. A trigger keeps the queue's rows to these.

    ``anchor`` names the group: the tip, the first tip, the person (linking) or the picture (linking). A tip that could
    never be scored stands here without a score, at the top of its band (``standing.place_unscored``).
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="standing")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.CharField(max_length=10)
    band = models.SmallIntegerField(choices=Band.choices)
    harm = models.SmallIntegerField()
    dies_at = models.DateTimeField(null=True)
    workability = models.SmallIntegerField()
    kind = models.CharField(max_length=7, choices=Group.choices)
    anchor = models.BigIntegerField()
    lane = models.CharField(max_length=7, choices=Lane.choices, db_default=Lane.OPEN)
    holder = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    held_since = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    snooze_reason = models.TextField(blank=True, db_default="")
    arrived_at = models.DateTimeField()

    class Meta:
        db_table = "triage_standing"
        indexes = [
            # In the order of the queue, so that the first tips of a row are found however many it holds.
            models.Index(
                "unit",
                "environment",
                "kind",
                "anchor",
                "lane",
                F("band").desc(),
                F("dies_at").asc(nulls_last=True),
                F("workability").desc(),
                "tip",
                name="standing_group",
            ),
            models.Index(
                fields=["unit", "environment", "kind", "anchor", "lane", "arrived_at", "tip"], name="standing_first"
            ),
            models.Index(fields=["snoozed_until"], name="standing_snoozed", condition=Q(lane="snoozed")),
            models.Index(fields=["unit", "held_since"], name="standing_held", condition=Q(holder__isnull=False)),
            models.Index(fields=["unit", "snoozed_until"], name="standing_put_off", condition=Q(lane="snoozed")),
            models.Index(fields=["unit", "environment", "-arrived_at"], name="standing_arrived"),
            models.Index(fields=["environment", "-arrived_at"], name="standing_came"),  # of many units
        ]

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.lane}"

    @property
    def assessed(self) -> bool:
        """Whether any rule could be applied to it."""
        return self.dies_at != FIRST


class Row(models.Model):
    """One line of a unit's queue: the open tips of one group. Written by the trigger on standings, by nobody else.

    ``tips`` counts to ``queue.MOST_COUNTED`` and one more; of a larger group the first ones of the queue's order tell
    the numbers, and ``first_at`` and ``newest_at`` are of all.
    """

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.CharField(max_length=10)
    kind = models.CharField(max_length=7, choices=Group.choices)
    anchor = models.BigIntegerField()
    lead = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")  # the tip that stands first
    tips = models.IntegerField()
    band = models.SmallIntegerField(choices=Band.choices)
    harm = models.SmallIntegerField()
    dies_at = models.DateTimeField(null=True)
    workability = models.SmallIntegerField()
    first_at = models.DateTimeField()
    newest_at = models.DateTimeField()
    holder = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # of the lead

    class Meta:
        db_table = "triage_row"
        constraints = [models.UniqueConstraint(fields=["unit", "environment", "kind", "anchor"], name="row_once")]
        indexes = [
            models.Index(
                "unit",
                "environment",
                F("band").desc(),
                F("dies_at").asc(nulls_last=True),
                F("workability").desc(),
                "id",
                name="row_queue_unit",
            ),
            models.Index(
                "environment",
                F("band").desc(),
                F("dies_at").asc(nulls_last=True),
                F("workability").desc(),
                "id",
                include=["unit"],
                name="row_queue",
            ),
            models.Index(fields=["unit", "environment", "newest_at"], name="row_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.anchor} in {self.unit_id}"


class Disposition(models.TextChoices):
    """How the work on a tip ended here; closing needs one."""

    REFERRED = "referred", _("Made into a case")
    LINKED = "linked", _("Worked under another tip")
    NO_OFFENCE = "no-offence", _("No offence under the law that applies")
    CANNOT_WORK = "cannot-work", _("Cannot be worked: nothing leads to anybody")
    EVIDENCE_GONE = "evidence-gone", _("Cannot be worked: the records are gone")
    NOT_OURS = "not-ours", _("Belongs to another unit or country")
    FALSE_REPORT = "false-report", _("The report was mistaken")


SAMPLED = (Disposition.CANNOT_WORK, Disposition.EVIDENCE_GONE)


class Closure(models.Model):
    """A tip was closed, with which disposition and why; ``sampled`` ones are looked at by a second person."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="closures")
    disposition = models.CharField(max_length=16, choices=Disposition.choices)
    reason = models.TextField()
    sampled = models.BooleanField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_closure"
        indexes = [
            models.Index(fields=["at"], name="closure_sampled", condition=Q(sampled=True)),
            models.Index(fields=["at"], name="closure_at"),
        ]

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.disposition}"


class SecondLook(models.Model):
    """What a second person found about a closure that was sampled."""

    closure = models.OneToOneField(Closure, on_delete=models.PROTECT, primary_key=True, related_name="second_look")
    agrees = models.BooleanField()
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_secondlook"

    def __str__(self) -> str:
        return str(self.closure_id)


class Quiet(models.TextChoices):
    """Why an alert calls nobody; it is listed, and somebody answers for it."""

    OLD = "old", _("Old; nobody was called")
    LATE = "late", _("Scored late; nobody was called")


class Alert(models.Model):
    """A tripwire: a child may be in danger now. It calls people until one of them answers for it.

    One that is ``quiet`` calls nobody (``alerting``): what is known of it is old.
    """

    public_id = models.CharField(max_length=16, unique=True)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="alerts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    label = models.TextField()
    raised_at = models.DateTimeField()
    level = models.SmallIntegerField(db_default=0)  # how far up the roster it has gone
    call_at = models.DateTimeField(null=True)  # when the next are called; null when it was answered, or is quiet
    quiet = models.CharField(max_length=4, choices=Quiet.choices, blank=True, db_default="")
    acknowledged_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "triage_alert"
        constraints = [
            models.UniqueConstraint(fields=["tip", "code"], name="alert_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_by__isnull=True, acknowledged_at__isnull=True)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False, call_at__isnull=True),
                name="alert_acknowledged_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["call_at"], name="alert_call", condition=Q(call_at__isnull=False)),
            models.Index(fields=["unit", "-raised_at"], name="alert_unit"),
            models.Index(fields=["-raised_at"], name="alert_waiting", condition=Q(acknowledged_by__isnull=True)),
            models.Index(fields=["quiet", "-raised_at"], name="alert_listed", condition=Q(acknowledged_by=None)),
            models.Index(fields=["acknowledged_at"], name="alert_answered"),
        ]

    def __str__(self) -> str:
        return self.public_id


class AlertCall(models.Model):
    """Who was called about an alert, how, and whether that went out."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="calls")
    level = models.SmallIntegerField()
    how = models.CharField(max_length=10)  # page, e-mail, webhook
    whom = models.TextField()
    sent = models.BooleanField()
    why = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "triage_alertcall"
        indexes = [models.Index(fields=["alert", "-id"], name="alertcall_latest")]

    def __str__(self) -> str:
        return f"{self.alert_id} by {self.how}"
