# SPDX-License-Identifier: Apache-2.0
"""Tables of attribution: lists of addresses as they were imported, what was worked out, what was asked and answered."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from nightlight.casework.attribution import models_lists
from nightlight.casework.attribution.models_lists import Archive, DirectoryVersion, ListImport
from nightlight.pipeline.linking.waiting import Waits
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import User
from nightlight.trust.units.models import Unit

__all__ = [
    "APPEND_ONLY_TABLES",
    "Archive",
    "DirectoryVersion",
    "Finding",
    "Layout",
    "ListImport",
    "Prepared",
    "Request",
    "RequestState",
    "Return",
    "ReturnState",
    "Sources",
    "Step",
    "StepKind",
    "Waiting",
    "WrongDoor",
]

APPEND_ONLY_TABLES = (
    *models_lists.APPEND_ONLY_TABLES,
    "attribution_step",
    "attribution_layout",
    "attribution_finding",
    "attribution_wrongdoor",
)


class Waiting(Waits):
    """A tip whose events are to be labelled: it was read, or a list that speaks of its time was loaded."""

    class Meta:
        db_table = "attribution_waiting"
        indexes = [
            models.Index(fields=["failed_since"], name="attribution_failed", condition=Q(failed_times__gt=0)),
            models.Index(F("try_at").asc(nulls_first=True), F("tip").desc(), name="attribution_turn"),
        ]


class Prepared(models.Model):
    """What the addresses of a tip are and how far each leads, worked out: ``body`` (JSON) has an entry for each event.

    ``lists`` is a digest of all that was loaded. ``grade`` and ``way`` are those of the event that leads furthest;
    ``kept_until`` is when the first records end that would answer for any that can be traced, None where not known.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="prepared")
    version = models.IntegerField()
    lists = models.CharField(max_length=64)
    body = models.TextField()
    events = models.IntegerField()
    grade = models.CharField(max_length=1, blank=True)
    way = models.CharField(max_length=16, blank=True)
    kept_until = models.DateTimeField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "attribution_prepared"

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.grade or 'nothing leads'}"


class Sources(models.Model):
    """The records of a tip that its events were read from, cut out of the documents as received (see sources.py).

    Only of events that may be asked about; pages have no right to the whole documents, which name children.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="sources")
    version = models.IntegerField()
    body = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "attribution_sources"

    def __str__(self) -> str:
        return f"{self.tip_id}"


class RequestState(models.TextChoices):
    """How far a request has come; the last three end it."""

    DRAFT = "draft", _("Draft")
    CHECKED = "checked", _("Checked by a second person")
    SIGNED = "signed", _("Signed")
    SENT = "sent", _("Sent")
    ANSWERED = "answered", _("Answered")
    REFUSED = "refused", _("Refused by the operator")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Request(models.Model):
    """A letter to an operator or platform (``RQ-…``), made from the evidence fields and never typed again.

    ``kind`` is an `asking.Kind`; ``operator`` the code in the directory, ``addressee`` its name as of then. ``body``
    (JSON) holds the request as drafted with every line, its source fields and what the gate was told; it never
    changes: a letter that has to differ is another request. ``log_until`` is when the first of its records ends.
    """

    public_id = models.CharField(max_length=16, unique=True)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="requests")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_comment="that held the tip")
    kind = models.CharField(max_length=24)
    operator = models.CharField(max_length=80)
    addressee = models.CharField(max_length=200)
    power = models.CharField(max_length=60, blank=True)
    body = models.TextField()
    lines = models.IntegerField()
    state = models.CharField(max_length=12, choices=RequestState)
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    sent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, db_comment="by when an answer is expected")
    reminded_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    log_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "attribution_request"
        indexes = [
            models.Index(fields=["tip"], name="attribution_request_tip"),
            models.Index(fields=["unit", "state"], name="attribution_request_desk"),
            models.Index(fields=["due_at"], name="attribution_request_due", condition=Q(state="sent")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(checked_by=None) | ~Q(checked_by=F("drafted_by")), name="request_checked_by_another"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | ~Q(checked_by=None), name="request_checked_before"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class StepKind(models.TextChoices):
    """What was done with a request."""

    DRAFTED = "drafted", _("Drafted")
    CHECKED = "checked", _("Compared with the source by a second person")
    DISPUTED = "disputed", _("Not as in the source")
    SIGNED = "signed", _("Signed")
    SENT = "sent", _("Sent")
    REMINDED = "reminded", _("Reminded")
    ESCALATED = "escalated", _("Taken to the commander")
    ANSWERED = "answered", _("Answered")
    REFUSED = "refused", _("Refused by the operator")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Step(models.Model):
    """One step of a request; ``event`` is the number of its entry in the log, ``data`` (JSON) what belongs to it."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=12, choices=StepKind)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    event = models.BigIntegerField()
    data = models.TextField(blank=True)

    class Meta:
        db_table = "attribution_step"

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"


class Layout(models.Model):
    """How an operator's columns are to be read, confirmed once by a person; the newest of a header is in use."""

    operator = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64, db_comment="of the header")
    body = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "attribution_layout"
        indexes = [models.Index(fields=["operator", "fingerprint", "-id"], name="attribution_layout_of")]

    def __str__(self) -> str:
        return f"{self.operator} {self.fingerprint[:8]}"


class ReturnState(models.TextChoices):
    """How far a return has come."""

    RECEIVED = "received", _("Received")
    UNKNOWN_LAYOUT = "unknown-layout", _("Its columns have to be named")
    READ = "read", _("Read and compared")
    DAMAGED = "damaged", _("Could not be read")


class Return(models.Model):
    """A file that an operator sent back for a request (``RT-…``), kept as it came in the evidence vault as ``item``.

    ``counts`` (JSON): rows, bad rows by code, people named. ``answers`` (JSON): a set for each line of the request,
    with its derivation. ``disclosed`` is how many different people the file names. ``proposal`` (JSON): a header that
    nobody has confirmed, with rows below it. ``bad`` are the rows that do not count (CSV, gzip). The password of an
    archive is closed for the worker, which alone can open it, and goes when the return was read.
    """

    public_id = models.CharField(max_length=16, unique=True)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="returns")
    item = models.CharField(max_length=16, db_comment="of the evidence vault")
    name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=ReturnState)
    layout = models.ForeignKey(Layout, on_delete=models.PROTECT, related_name="+", null=True)
    built_in = models.CharField(max_length=60, blank=True, db_comment="name of the layout where it is one of ours")
    clock_error = models.IntegerField(default=0, db_comment="seconds, as the operator states it")
    counts = models.TextField(blank=True)
    answers = models.TextField(blank=True)
    proposal = models.TextField(blank=True)
    bad = models.BinaryField(null=True)
    password_closed = models.BinaryField(default=b"")
    password_key_part = models.BinaryField(default=b"")
    disclosed = models.IntegerField(null=True)
    problem = models.CharField(max_length=60, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "attribution_return"
        indexes = [models.Index(fields=["request"], name="attribution_return_of")]

    def __str__(self) -> str:
        return self.public_id


class Finding(models.Model):
    """The subscriber to whom records assign an address, as an officer states it, with the derivation in ``body``."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="findings")
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="findings")
    line = models.CharField(max_length=200, db_comment="key of the event")
    subscriber = models.CharField(max_length=200)
    band = models.CharField(max_length=12)
    body = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "attribution_finding"
        indexes = [models.Index(fields=["tip"], name="attribution_finding_of")]

    def __str__(self) -> str:
        return f"{self.tip_id}: {self.band}"


class WrongDoor(models.Model):
    """A near miss or an error (``WD-…``), which lowers trust in the ``path`` that produced it ("operator:…", "list:…",
    "layout:…", "reporter:…"). Counted, never removed; it names no person.
    """

    public_id = models.CharField(max_length=16, unique=True)
    path = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    reached = models.BooleanField(db_comment="whether anybody unconnected was troubled")
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="+", null=True)
    note = models.TextField(blank=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "attribution_wrongdoor"
        indexes = [models.Index(fields=["path"], name="attribution_wrong_path")]

    def __str__(self) -> str:
        return self.public_id
