# SPDX-License-Identifier: Apache-2.0
"""Tables of matching: lists of known files, what was worked out from the files that came, and what agrees."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from nightlight.pipeline.tips.models import Tip
from nightlight.trust.evidence.models import Blob, Item

from .sharing_models import Access, Feed, Feedback, FeedbackAnswer, Member, Share, Verdict

__all__ = [
    "Access",
    "BadRow",
    "Edition",
    "EditionFile",
    "EditionState",
    "Entry",
    "EntryChange",
    "Feed",
    "Feedback",
    "FeedbackAnswer",
    "FileState",
    "Fingerprint",
    "Frame",
    "HashList",
    "Horizon",
    "How",
    "Match",
    "Member",
    "Near",
    "Pair",
    "Progress",
    "Purpose",
    "Share",
    "Sighting",
    "Verdict",
    "Waiting",
]

APPEND_ONLY_TABLES = ("matching_badrow", "matching_entrychange", "matching_feedback", "matching_feedbackanswer")


class Purpose(models.TextChoices):
    """What it means to be on a list."""

    KNOWN = "known", _("Known files: nobody needs to look again")
    LABEL = "label", _("Labels only, such as files passed around as jokes: lowers nothing")


class HashList(models.Model):
    """A list of fingerprints that somebody answers for. Its entries keep the classification of their own scheme."""

    public_id = models.TextField(unique=True)
    name = models.TextField(unique=True)
    owner = models.TextField()
    legal_basis = models.TextField()
    scheme = models.TextField()
    scheme_version = models.TextField()
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    made_at = models.DateTimeField()
    made_by = models.TextField()

    class Meta:
        db_table = "matching_list"

    def __str__(self) -> str:
        return self.name


class EditionState(models.TextChoices):
    """How far a version of a list has come. Only a whole one is matched against."""

    LOADING = "loading", _("Being read")
    WHOLE = "whole", _("In use")
    FAILED = "failed", _("Refused; the version before stays in use")


class Edition(models.Model):
    """One version of a list: one file that was imported, or one round of polling, counted by ourselves."""

    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="editions")
    number = models.IntegerField()
    state = models.CharField(max_length=8, choices=EditionState.choices)
    source = models.TextField()  # the format, or where it was polled
    source_version = models.TextField(blank=True)  # what the source says its version is
    name = models.TextField(blank=True)  # of the file
    sha256 = models.BinaryField(db_default=b"")
    replaces = models.BooleanField()  # whether what is not in it is withdrawn
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.TextField()
    rows = models.BigIntegerField(db_default=0)
    good = models.BigIntegerField(db_default=0)
    bad = models.BigIntegerField(db_default=0)
    repeated = models.BigIntegerField(db_default=0)
    added = models.BigIntegerField(db_default=0)
    updated = models.BigIntegerField(db_default=0)
    withdrawn = models.BigIntegerField(db_default=0)
    unchanged = models.BigIntegerField(db_default=0)
    notes = models.JSONField(default=list)  # discrepancies, each {code, text, ...}
    why = models.TextField(blank=True)  # of a failure
    done_bytes = models.BigIntegerField(db_default=0)
    all_bytes = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "matching_edition"
        constraints = [models.UniqueConstraint(fields=["hash_list", "number"], name="edition_once")]

    def __str__(self) -> str:
        return f"{self.hash_list_id}, version {self.number}"


class BadRow(models.Model):
    """A row of a list that could not be taken in, kept as it came."""

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="bad_rows")
    row = models.BigIntegerField()
    code = models.TextField()
    reason = models.TextField()
    raw = models.BinaryField()

    class Meta:
        db_table = "matching_badrow"

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"


class Entry(models.Model):
    """One known file of a list, as the list's latest whole version has it. A withdrawn one stays, marked.

    ``transaction`` is the number of the transaction that wrote the row last: what was changed since an index was
    built is found by it (see ``serving.py``).
    """

    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="entries")
    source_id = models.TextField()
    media = models.CharField(max_length=5, blank=True)
    classification = models.TextField(blank=True)
    md5 = models.BinaryField(null=True)
    sha1 = models.BinaryField(null=True)
    sha256 = models.BinaryField(null=True)
    pdq = models.BinaryField(null=True)
    pdq_quality = models.SmallIntegerField(null=True)
    frames = models.BinaryField(db_default=b"")  # PDQ of the frames of a film, 32 bytes each
    opaque = models.JSONField(default=dict)  # other fingerprints, verbatim, by type
    claims = models.JSONField(default=dict)  # what the source says beside, under its own names
    withdrawn = models.BooleanField(db_default=False)
    edition = models.IntegerField()
    changed_at = models.DateTimeField()
    transaction = models.BigIntegerField(
        db_default=Func(function="matching_transaction", output_field=models.BigIntegerField())
    )

    class Meta:
        db_table = "matching_entry"
        constraints = [models.UniqueConstraint(fields=["hash_list", "source_id"], name="entry_once")]
        indexes = [
            models.Index(fields=["transaction", "id"], name="entry_transaction"),
            models.Index(fields=["hash_list", "changed_at", "id"], name="entry_changed"),
        ]

    def __str__(self) -> str:
        return self.source_id


class EntryChange(models.Model):
    """What an entry said before it was updated, withdrawn or taken back in."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="changes")
    edition = models.IntegerField()  # the version that changed it
    what = models.CharField(max_length=10)  # updated, withdrawn, restored
    before = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_entrychange"

    def __str__(self) -> str:
        return f"{self.what} in version {self.edition}"


# --- worked out from the files that came; can be worked out again ------------------------------------------------


class Waiting(models.Model):
    """A received tip whose files have not been looked up yet; a trigger puts it here."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="+")

    class Meta:
        db_table = "matching_waiting"

    def __str__(self) -> str:
        return str(self.tip_id)


class Progress(models.Model):
    """How far the files of a tip have been looked up, and what was found."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="matching")
    version = models.IntegerField()  # of the rules
    digests_at = models.DateTimeField()  # when digests had been looked up
    finished_at = models.DateTimeField(null=True)  # when fingerprints had been looked up too
    files = models.IntegerField()
    measured = models.IntegerField()
    # How many files are in each state (rules.State).
    known = models.IntegerField()
    near = models.IntegerField()
    disputed = models.IntegerField()
    seen = models.IntegerField()
    new = models.IntegerField()
    reopened_at = models.DateTimeField(null=True)  # when a list last withdrew what a file of it hung on

    class Meta:
        db_table = "matching_progress"

    def __str__(self) -> str:
        return str(self.tip_id)


class FileState(models.Model):
    """What an officer is told about a file of a tip (rules.State), as it was worked out last.

    ``alike`` counts other files, nearly the same picture, that came with earlier tips, in whichever unit.
    """

    tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10)
    alike = models.IntegerField()
    version = models.IntegerField()

    class Meta:
        db_table = "matching_filestate"
        constraints = [models.UniqueConstraint(fields=["tip", "blob"], name="file_state_once")]

    def __str__(self) -> str:
        return f"{self.blob_id} of {self.tip_id}: {self.state}"


class Fingerprint(models.Model):
    """The perceptual fingerprint of a file, or why it has none."""

    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, primary_key=True, related_name="fingerprint")
    version = models.IntegerField()
    format = models.CharField(max_length=8, blank=True)
    why = models.CharField(max_length=20, blank=True)  # why there is none: the code of the refusal
    pdq = models.BinaryField(null=True)
    quality = models.SmallIntegerField(null=True)
    dihedral = models.BinaryField(db_default=b"")  # eight hashes, 32 bytes each, in the order of pdq.Orientation
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    duration = models.FloatField(null=True)  # seconds
    at = models.DateTimeField()

    class Meta:
        db_table = "matching_fingerprint"

    def __str__(self) -> str:
        return str(self.blob_id)


class Frame(models.Model):
    """The fingerprint of one sampled frame of a film."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    number = models.IntegerField()
    at_second = models.FloatField(null=True)
    pdq = models.BinaryField()
    quality = models.SmallIntegerField()

    class Meta:
        db_table = "matching_frame"
        constraints = [models.UniqueConstraint(fields=["blob", "number"], name="frame_once")]

    def __str__(self) -> str:
        return f"{self.blob_id}, frame {self.number}"


class Pair(models.Model):
    """One row of the pair index over our own files: sixteen for each fingerprint (see index/own.py)."""

    pk = models.CompositePrimaryKey("key", "sibling", "file_id")
    key = models.IntegerField()
    sibling = models.IntegerField()
    file_id = models.BigIntegerField()

    class Meta:
        db_table = "matching_pair"
        indexes = [models.Index(fields=["file_id"], name="pair_file")]

    def __str__(self) -> str:
        return f"{self.key}/{self.sibling}"


class How(models.TextChoices):
    """By what a file agrees with an entry."""

    DIGEST = "digest", _("the same bytes")
    PDQ = "pdq", _("nearly the same picture")
    FRAMES = "frames", _("frames of a film")


class Match(models.Model):
    """A file that came agrees with an entry of a list."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="matches")
    how = models.CharField(max_length=6, choices=How.choices)
    # The digests that agree ("md5 sha1"), and those both sides state that do not: then it is not the same file.
    agree = models.TextField(blank=True)
    differ = models.TextField(blank=True)
    distance = models.SmallIntegerField(null=True)  # bits of 256, 0 to 31
    orientation = models.SmallIntegerField(null=True)
    frames = models.IntegerField(null=True)  # frames of the file that agree
    frames_of = models.IntegerField(null=True)
    version = models.IntegerField()  # of the rules
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # when the entry was withdrawn or changed so that it agrees no more

    class Meta:
        db_table = "matching_match"
        constraints = [models.UniqueConstraint(fields=["blob", "entry", "how"], name="match_once")]
        indexes = [models.Index(fields=["blob"], name="match_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.blob_id} is {self.entry_id} by {self.how}"


class Near(models.Model):
    """Two of our own files that are nearly the same picture; the later one first."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    distance = models.SmallIntegerField()
    orientation = models.SmallIntegerField()
    version = models.IntegerField()

    class Meta:
        db_table = "matching_near"
        constraints = [models.UniqueConstraint(fields=["blob", "other"], name="near_once")]

    def __str__(self) -> str:
        return f"{self.blob_id} near {self.other_id}"


class Sighting(models.Model):
    """In how many tips a file came, when first and through whom, counted across units. Names no tip."""

    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, primary_key=True, related_name="sighting")
    tips = models.IntegerField()
    reporters = models.IntegerField()
    first_tip = models.ForeignKey(Tip, on_delete=models.PROTECT, related_name="+")
    first_at = models.DateTimeField()
    first_reporter = models.TextField()

    class Meta:
        db_table = "matching_sighting"

    def __str__(self) -> str:
        return f"{self.blob_id} in {self.tips}"


class Horizon(models.Model):
    """Up to which change of an entry (its transaction, then its key) files that are here were compared with lists."""

    name = models.TextField(primary_key=True)
    transaction = models.BigIntegerField()
    entry = models.BigIntegerField()

    class Meta:
        db_table = "matching_horizon"

    def __str__(self) -> str:
        return f"{self.name} up to {self.transaction}"


class EditionFile(models.Model):
    """The file a version of a list was read from, kept as it came."""

    edition = models.OneToOneField(Edition, on_delete=models.PROTECT, primary_key=True, related_name="kept")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "matching_editionfile"

    def __str__(self) -> str:
        return str(self.item_id)
