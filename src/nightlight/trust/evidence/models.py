# SPDX-License-Identifier: Apache-2.0
"""The tables of the evidence: the bytes kept, the keys that open them, and each time they were received."""

from __future__ import annotations

from django.db import models

from nightlight.foundation.digests import Digests
from nightlight.trust.evidence import names
from nightlight.trust.sealed.box import Closed

APPEND_ONLY_TABLES = ("evidence_blob", "evidence_item")


class Blob(models.Model):
    """Bytes kept once, however often they came; they lie encrypted in the vault at ``locator``."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    sha256 = models.BinaryField(unique=True)
    sha1 = models.BinaryField()
    md5 = models.BinaryField()
    size = models.BigIntegerField()
    locator = models.TextField(unique=True)
    envelope = models.SmallIntegerField()
    stored_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_blob"

    def __str__(self) -> str:
        return self.public_id

    @property
    def digests(self) -> Digests:
        """The digests and the size, as they were when the bytes were sealed."""
        return Digests(bytes(self.md5).hex(), bytes(self.sha1).hex(), bytes(self.sha256).hex(), self.size)


class BlobKey(models.Model):
    """The key of one blob, wrapped under a master key; changed only when master keys change."""

    blob = models.OneToOneField(Blob, models.PROTECT, primary_key=True, related_name="key")
    wrapped_key = models.BinaryField()
    key_id = models.TextField()
    wrapped_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_blob_key"
        indexes = [models.Index(fields=["key_id"], name="evidence_blob_key_key_id")]

    def __str__(self) -> str:
        return f"key of {self.blob_id} under {self.key_id}"


class Item(models.Model):
    """One receipt of a file: who sent it, when, under which name, and in which context."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.TextField(unique=True)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="items")
    received_at = models.DateTimeField()
    name_closed = models.BinaryField(db_default=b"")
    name_key_part = models.BinaryField(db_default=b"")
    source = models.TextField()
    context = models.TextField()

    class Meta:
        db_table = "evidence_item"

    @property
    def name_as_sent(self) -> str:
        """The name under which it was sent; only the worker and the command line can open it."""
        return names.opened(Closed(bytes(self.name_key_part), bytes(self.name_closed)), item=self.public_id)

    def __str__(self) -> str:
        return self.public_id
