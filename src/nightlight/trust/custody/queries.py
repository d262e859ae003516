# SPDX-License-Identifier: Apache-2.0
"""Reads the custody log: the history of things, and the proofs that an entry is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from . import merkle
from .models import Event, Leaf, TreeHead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.foundation.canonical_json import Json

_LEAVES = "SELECT hash FROM custody_leaf WHERE position >= %s AND position < %s ORDER BY position"
_SUBTREES = 'SELECT hash FROM custody_subtree WHERE level = %s AND "index" >= %s AND "index" < %s ORDER BY "index"'


@dataclass(frozen=True, slots=True)
class EventRow:
    """An entry as people read it; `position` is its place in the tree, None until it has one."""

    id: int
    at: datetime
    kind: str
    actor: str
    subject: str
    data: Mapping[str, Json]
    body: str
    position: int | None


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Shows that `leaf_hash` stands at `position` in the tree of `size` and `root` that `note` signs."""

    event_id: int
    position: int
    leaf_hash: bytes
    path: Sequence[bytes]
    size: int
    root: bytes
    note: str


class StoredTree:
    """The tree in the database, as a `merkle.NodeReader`; remembers what it read: one for each question."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def tile(self, level: int, index: int) -> Sequence[bytes]:
        """Return the hashes of one tile, left to right; one query the first time."""
        found = self._tiles.get((level, index))
        if found is None:
            first, stop = index * merkle.WIDTH, (index + 1) * merkle.WIDTH
            with connection.cursor() as cursor:
                if level == 0:
                    cursor.execute(_LEAVES, [first, stop])
                else:
                    cursor.execute(_SUBTREES, [level, first, stop])
                found = self._tiles[level, index] = [bytes(row[0]) for row in cursor.fetchall()]
        return found


def history(subjects: Sequence[str]) -> list[EventRow]:
    """Return every entry about any of `subjects` ("tip:NL-7F3K-9QTX"), in the order of their numbers."""
    return rows(Event.objects.filter(subject__in=subjects).order_by("id"))


def rows(events: QuerySet[Event]) -> list[EventRow]:
    """Return entries as people read them, in the order asked for; one query."""
    return [
        EventRow(id_, at, kind, actor, subject, _data(body), body, position)
        for id_, at, kind, actor, subject, body, position in events.values_list(
            "id", "at", "kind", "actor", "subject", "body", "leaf__position"
        )
    ]


def _data(body: str) -> Mapping[str, Json]:
    """The particulars of an entry; none where the body was tampered with, so that the page can still say so."""
    try:
        data = json.loads(body)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def size() -> int:
    """Return the number of entries that have a place in the tree."""
    last = Leaf.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def latest_head() -> TreeHead | None:
    """Return the newest signed tree head."""
    return TreeHead.objects.order_by("-size").first()


def first_head_over(position: int) -> TreeHead | None:
    """Return the oldest tree head that covers `position`: the entry existed no later than its time."""
    return TreeHead.objects.filter(size__gt=position).order_by("size").first()


def proof(event_id: int) -> InclusionProof | None:
    """Return the proof that an entry is under the latest tree head; None when no head covers it yet."""
    return inclusion(event_id, latest_head(), StoredTree())


def inclusion(event_id: int, head: TreeHead | None, tree: merkle.NodeReader) -> InclusionProof | None:
    """Return the proof that an entry is under `head`; None when that head does not cover it."""
    leaf = Leaf.objects.filter(event_id=event_id).first()
    if leaf is None or head is None or head.size <= leaf.position:
        return None
    path = merkle.inclusion_path(tree, leaf.position, head.size)
    return InclusionProof(event_id, leaf.position, bytes(leaf.hash), path, head.size, bytes(head.root), head.note)


def consistency(old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the tree of `old_size` is the beginning of that of `new_size`.

    Raises ValueError unless 0 < old_size <= new_size <= the present size.
    """
    if new_size > size():
        raise ValueError(f"the tree does not have {new_size} entries yet")
    return merkle.consistency_path(StoredTree(), old_size, new_size)
