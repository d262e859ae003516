# SPDX-License-Identifier: Apache-2.0
"""Tables of linking: which identifiers stand where in which tips, and which people of tips they hold together.

Everything here but the decisions of officers is worked out from what was received, and can be worked out again.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from nightlight.pipeline.linking.deconfliction import models as deconfliction
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.waiting import Waits
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import User
from nightlight.trust.evidence.models import Blob

APPEND_ONLY_TABLES = ("linking_decision", *deconfliction.APPEND_ONLY_TABLES)


class Waiting(Waits):
    """A tip whose identifiers are to be read (anew); triggers put it here."""

    class Meta:
        db_table = "linking_waiting"
        indexes = [
            models.Index(fields=["failed_since"], name="linking_failed", condition=Q(failed_times__gt=0)),
            models.Index(F("try_at").asc(nulls_first=True), F("tip").desc(), name="linking_turn"),
        ]


class Progress(models.Model):
    """By which rules the identifiers of a tip were read last."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="linking")
    version = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_progress"

    def __str__(self) -> str:
        return str(self.tip_id)


class Identifier(models.Model):
    """A value of one kind, under a digest with this installation's key; the value itself stands with its sightings.

    ``suspects`` and ``children`` count the people of tips it was seen with, on either side; a silenced one links
    nothing: an officer said so last, or whoever it belongs to was ``cleared``, which no officer takes back.
    """

    kind = models.CharField(max_length=12, choices=[(kind.value, kind.label) for kind in Kind])
    digest = models.BinaryField(max_length=16)
    suspects = models.IntegerField(db_default=0)
    children = models.IntegerField(db_default=0)
    silenced = models.BooleanField(db_default=False)
    cleared = models.BooleanField(db_default=False)

    class Meta:
        db_table = "linking_identifier"
        constraints = [models.UniqueConstraint(fields=["kind", "digest"], name="identifier_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Subject(models.Model):
    """One person of one tip: what linking joins. ``party`` is the place among the parties of the tip's reading.

    ``person`` is the smallest key among those it is taken for one person with, ``component`` the same without
    heeding what officers forbade. One that is ``gone`` links nothing, and stays for what officers decided about it:
    the tip was taken back or set apart, the person was cleared, or is not found in the report any more.
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="subjects")
    party = models.SmallIntegerField()
    side = models.CharField(max_length=7, choices=[(Side.SUSPECT.value, _("reported")), (Side.CHILD.value, _("child"))])
    pseudonym = models.CharField(max_length=60)
    component = models.BigIntegerField()
    person = models.BigIntegerField()
    gone = models.BooleanField(db_default=False)

    class Meta:
        db_table = "linking_subject"
        constraints = [models.UniqueConstraint(fields=["tip", "party"], name="subject_once")]
        indexes = [
            models.Index(fields=["person", "id"], name="subject_person"),
            models.Index(fields=["component", "id"], name="subject_component"),
        ]

    def __str__(self) -> str:
        return f"{self.pseudonym} of {self.tip_id}"


class Sighting(models.Model):
    """An identifier in one place of one tip. ``value`` and ``as_sent`` are empty where they name a protected person.

    ``subject`` is nobody where it is in the tip's own text and the tip reports not exactly one person.
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="sightings")
    identifier = models.ForeignKey(Identifier, on_delete=models.PROTECT, related_name="sightings", db_index=False)
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, null=True, related_name="sightings")
    side = models.CharField(max_length=7, choices=[(side.value, side.value) for side in Side])
    role = models.CharField(max_length=10, blank=True)
    source = models.TextField()
    as_sent = models.TextField(blank=True)
    value = models.TextField(blank=True)
    verified = models.BooleanField(null=True)
    from_text = models.BooleanField()
    at = models.DateTimeField(null=True)

    class Meta:
        db_table = "linking_sighting"
        indexes = [
            models.Index(fields=["identifier", "side", "subject"], name="sighting_identifier"),
            models.Index(fields=["identifier", "side"], name="sighting_verified", condition=Q(verified=True)),
        ]

    def __str__(self) -> str:
        return f"{self.identifier_id} in {self.tip_id}"


class Verdict(models.TextChoices):
    """What an officer decided about a link."""

    CONFIRM = "confirm", _("These are one person")
    FORBID = "forbid", _("These are not one person")
    SILENCE = "silence", _("This value links nobody")
    HEAR = "hear", _("This value links again")


class Decision(models.Model):
    """What an officer decided; it stands, whatever is worked out later. A later one about the same outweighs it."""

    public_id = models.CharField(max_length=16, unique=True)
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    first = models.ForeignKey(Subject, on_delete=models.PROTECT, null=True, related_name="+")
    second = models.ForeignKey(Subject, on_delete=models.PROTECT, null=True, related_name="+")
    identifier = models.ForeignKey(Identifier, on_delete=models.PROTECT, null=True, related_name="decisions")
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "linking_decision"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    verdict__in=["silence", "hear"], identifier__isnull=False, first__isnull=True, second__isnull=True
                )
                | (
                    ~Q(verdict__in=["silence", "hear"])
                    & Q(identifier__isnull=True, first__isnull=False, second__isnull=False, first__lt=F("second"))
                ),
                name="decision_about_a_pair_or_a_value",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class FileGroup(models.Model):
    """Files that are one picture, whatever copy of it: ``anchor`` is the smallest key among them."""

    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, primary_key=True, related_name="+")
    anchor = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "linking_filegroup"

    def __str__(self) -> str:
        return f"{self.blob_id} in {self.anchor}"
