# SPDX-License-Identifier: Apache-2.0
"""The tables of the custody log: entries, their order, the Merkle tree over them, and its signed heads."""

from __future__ import annotations

from django.db import models

from .append_only import APPEND_ONLY_TABLES

__all__ = ["APPEND_ONLY_TABLES", "Event", "Leaf", "Pending", "Subtree", "TreeHead"]


class Event(models.Model):
    """One entry: who did what to what, when. `body` is the canonical JSON, byte for byte what was hashed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.TextField()
    actor = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    leaf_hash = models.BinaryField()

    class Meta:
        db_table = "custody_event"
        indexes = [
            models.Index(fields=["subject", "id"], name="custody_event_subject"),
            models.Index(fields=["kind", "id"], name="custody_event_kind"),
            models.Index(fields=["actor", "id"], name="custody_event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Pending(models.Model):
    """An entry that has no place in the tree yet; a trigger adds the row in the entry's own transaction."""

    # No constraint in the database: only the trigger writes here, and checking would slow every entry.
    event = models.OneToOneField(Event, models.PROTECT, primary_key=True, db_constraint=False)

    class Meta:
        db_table = "custody_pending"

    def __str__(self) -> str:
        return f"event {self.pk}"


class Leaf(models.Model):
    """The place of an entry in the tree, counted from 0 without gaps."""

    position = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, models.PROTECT)
    hash = models.BinaryField()

    class Meta:
        db_table = "custody_leaf"

    def __str__(self) -> str:
        return f"leaf {self.position}"


class Subtree(models.Model):
    """The root of a complete subtree of 256**level leaves, kept so that proofs need not read every leaf."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        db_table = "custody_subtree"

    def __str__(self) -> str:
        return f"subtree {self.index} of level {self.level}"


class TreeHead(models.Model):
    """A signed statement that the log held exactly these entries at that time (C2SP tlog-checkpoint)."""

    id = models.BigAutoField(primary_key=True)
    size = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "custody_tree_head"

    def __str__(self) -> str:
        return f"head at {self.size}"
