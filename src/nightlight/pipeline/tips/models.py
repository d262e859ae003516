# SPDX-License-Identifier: Apache-2.0
"""Tables of received reports: what came, exactly as it came, and beside it what was worked out from it."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q

from nightlight.pipeline.tips.models_telling import TellingCode, TellingLimit  # noqa: F401 - Django looks for them here
from nightlight.trust.accounts.models import Environment, Reporter
from nightlight.trust.evidence.models import Item
from nightlight.trust.units.models import Unit

APPEND_ONLY_TABLES = ("tips_document", "tips_tipfile", "tips_importedfile", "tips_tellingcode")


class Source(models.TextChoices):
    """How a tip came."""

    API = "reporting-api", "Reporting API"
    DOWNLOAD = "cybertip-json", "CyberTip download"
    HOTLINE = "hotline", "Public hotline"
    PHONE = "phone", "Telephone call"


class State(models.TextChoices):
    """Where a report is in its life (reporting-api.md 1.7)."""

    OPEN = "open", "Not finished yet"
    RECEIVED = "received", "Received"
    RETRACTED = "retracted", "Retracted by the reporter"
    EXPIRED = "expired", "Never finished by the reporter"
    UNREADABLE = "unreadable", "Could not be read"


class Tip(models.Model):
    """One report, held by one unit. Written once but for the unit and the state; a trigger holds it to that."""

    public_id = models.CharField(max_length=16, unique=True)
    report_id = models.BigIntegerField(unique=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    reporter = models.ForeignKey(Reporter, on_delete=models.PROTECT, related_name="tips")
    sent_by = models.CharField(max_length=64)
    incident_type = models.CharField(max_length=24)
    batched = models.BooleanField()
    escalated = models.BooleanField()
    payload_sha256 = models.BinaryField(max_length=32)
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices)
    state_at = models.DateTimeField()
    # What comes in comes to the unit that receives; from there it is handed on.
    unit = models.ForeignKey(
        Unit,
        on_delete=models.PROTECT,
        related_name="tips",
        db_index=False,  # tip_inbox_unit begins with it
        db_default=Func(function="units_receiving", output_field=models.BigIntegerField()),
    )
    # Whoever it reports was cleared: nobody who works on tips sees it any more (trust/retention).
    set_apart = models.BooleanField(db_default=False)

    class Meta:
        # Each holds what row security asks of a tip (rights.py), so that tips are counted without being fetched.
        indexes = [
            models.Index(
                fields=["unit", "environment", "state", "-state_at", "-id"],
                include=["set_apart"],
                name="tip_inbox_unit",
                condition=~Q(state="open"),
            ),
            # The inbox reads newest first; open reports are not in it, so opening one touches none of these.
            models.Index(
                fields=["environment", "state", "-state_at", "-id"],
                include=["unit", "set_apart"],
                name="tip_inbox",
                condition=~Q(state="open"),
            ),
            models.Index(
                fields=["environment", "state", "incident_type", "-state_at", "-id"],
                include=["unit", "set_apart"],
                name="tip_inbox_type",
                condition=~Q(state="open"),
            ),
            models.Index(
                fields=["environment", "state", "reporter", "-state_at", "-id"],
                include=["unit", "set_apart"],
                name="tip_inbox_reporter",
                condition=~Q(state="open"),
            ),
            models.Index(
                fields=["environment", "opened_at"],
                include=["id", "unit", "set_apart"],
                name="tip_open",
                condition=Q(state="open"),
            ),
            models.Index(fields=["payload_sha256"], name="tip_payload"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Share(models.Model):
    """Another unit than the one that holds a tip sees it: one it is offered to, or one that works on it as well.

    Ended, never removed. While a tip is only offered, its files and sealed names stay closed to that unit.
    """

    class Kind(models.TextChoices):
        """Why the unit sees it."""

        OFFERED = "offered", "Offered to the unit"
        JOINT = "joint", "Worked on together"

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="shares", db_index=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tip", "unit"], condition=Q(until__isnull=True), name="share_once")
        ]
        indexes = [
            models.Index(fields=["unit"], include=["tip"], condition=Q(until__isnull=True), name="share_of_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.tip_id} {self.kind} {self.unit_id}"


class DocumentKind(models.TextChoices):
    """What a kept document is."""

    REPORT = "report", "Report as received"
    FILE_DETAILS = "file-details", "File details as received"
    RECEIPT = "receipt", "Receipt as sent"
    DOWNLOAD = "download", "CyberTip as downloaded"
    TOLD = "told", "What was told, as typed"
    ADDITION = "addition", "Added later by who told it"


class Document(models.Model):
    """The exact bytes a reporter sent about a tip, closed (see closing.py), or that we answered as its receipt.

    ``size`` and ``sha256`` are those of the bytes as they came.
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=14, choices=DocumentKind.choices)
    file_id = models.CharField(max_length=32, blank=True)
    body = models.BinaryField()
    key_part = models.BinaryField(db_default=b"")
    size = models.IntegerField()
    sha256 = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tip", "kind", "file_id"], name="document_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.tip_id}"


class TipFile(models.Model):
    """A file of a report, under the id the reporter was told; in upload order by its key."""

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="files")
    item = models.OneToOneField(Item, on_delete=models.PROTECT, related_name="tip_file")
    file_id = models.CharField(max_length=32, unique=True)

    def __str__(self) -> str:
        return self.file_id


class Summary(models.Model):
    """What was worked out from a tip for the inbox; rebuilt whenever the rule that made it changes."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="summary")
    version = models.IntegerField()
    external_number = models.CharField(max_length=40, blank=True, db_index=True)
    sentence = models.TextField()
    people = models.IntegerField()
    accounts = models.IntegerField()
    network_events = models.IntegerField()
    files = models.IntegerField()

    def __str__(self) -> str:
        return self.sentence


class Shown(models.Model):
    """What of a tip may be shown: its reading without what names a protected person (see shown.py)."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="shown")
    version = models.IntegerField()
    body = models.TextField()

    def __str__(self) -> str:
        return f"{self.tip_id}"


class Unread(models.Model):
    """A closed tip whose summary is not made yet; a trigger puts it here when the tip is closed."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="unread")

    def __str__(self) -> str:
        return str(self.tip_id)


class LikelyDuplicate(models.Model):
    """A tip that repeats an earlier one of the same reporter, byte for byte, within days. Flagged, never dropped."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="repeats")
    earlier = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="repeated_by")

    def __str__(self) -> str:
        return f"{self.tip_id} repeats {self.earlier_id}"


class ImportState(models.TextChoices):
    """How far an import of downloads has come."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped; what was imported stays, start it again to go on"


class Import(models.Model):
    """One import of downloaded CyberTips: a file, a folder or a ZIP."""

    public_id = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=255)
    by = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    unit = models.ForeignKey(
        Unit,
        on_delete=models.PROTECT,
        related_name="+",
        db_default=Func(function="units_receiving", output_field=models.BigIntegerField()),
    )
    state = models.CharField(max_length=10, choices=ImportState.choices)
    expected = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What became of one file of an import."""

    NEW = "new", "New tip"
    KNOWN = "known", "Already here"
    UNREADABLE = "unreadable", "Kept, but could not be read"
    NOT_A_TIP = "not-a-tip", "Not a CyberTip file; left where it was"


class ImportedFile(models.Model):
    """One file of an import and what became of it."""

    batch = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="entries")
    name = models.CharField(max_length=1024)
    sha256 = models.BinaryField(max_length=32)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, null=True, related_name="imports")
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "name"], name="imported_once")]

    def __str__(self) -> str:
        return self.name


class ImportUpload(models.Model):
    """The evidence item that holds what was dropped on the import page."""

    batch = models.OneToOneField(Import, on_delete=models.PROTECT, primary_key=True, related_name="upload")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.item_id)
