# SPDX-License-Identifier: Apache-2.0
"""The history of a tip with its proof: what happened, by whom, when, and that the log holds it unaltered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.foundation.public_ids import ALPHABET
from nightlight.outlook.desk import wording
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Reporter, User
from nightlight.trust.custody import merkle
from nightlight.trust.custody import queries as custody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from nightlight.pipeline.tips.shown import ShownTip
    from nightlight.trust.custody.models import TreeHead
    from nightlight.trust.custody.queries import EventRow

# Proofs of the newest views only: a tip that hundreds have opened stays a page one can load.
MAX_VIEWS = 30
_TIP = re.compile(rf"\bNL-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}\b")


@dataclass(frozen=True, slots=True)
class Proof:
    """That an event is under the signed head: hashes in hex, lowest first (RFC 9162, 2.1.3.1)."""

    leaf_hash: str
    path: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the log for the page. `body` has names held back where `masked`."""

    what: str
    kind: str
    who: str
    at: datetime
    position: int | None
    body: str
    masked: bool
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class History:
    """What happened to a tip, oldest first, and apart from it who has looked."""

    events: tuple[Happening, ...]
    views: tuple[Happening, ...]
    views_in_all: int
    viewers: int
    head: TreeHead | None


def of_tip(told: ShownTip, mask: Callable[[str], str]) -> History:
    """Return the history of a tip and of its files. A handful of queries, however long it is."""
    items = (f"item:{file.item.public_id}" for file in told.files)
    return _history(told.tip.public_id, items, mask)


def _history(tip: str, items: Iterable[str], mask: Callable[[str], str]) -> History:
    rows = custody.history([f"tip:{tip}", *items])
    head = custody.latest_head()
    tree = custody.StoredTree()
    views = [row for row in rows if row.kind == "tip.viewed"]
    others = [row for row in rows if row.kind != "tip.viewed"]
    unseen = _unseen(tip, [*others, *views[-MAX_VIEWS:]])
    names = names_of({row.actor for row in rows})

    def told(row: EventRow) -> Happening:
        return _happening(row, names, head, tree, lambda body: _TIP.sub(unseen, mask(body)))

    return History(
        events=tuple(told(row) for row in others),
        views=tuple(told(row) for row in reversed(views[-MAX_VIEWS:])),
        views_in_all=len(views),
        viewers=len({row.actor for row in views}),
        head=head,
    )


def _unseen(tip: str, rows: Iterable[EventRow]) -> Callable[[re.Match[str]], str]:
    """Return what stands for the number of a tip: itself, or a blank for those that row security keeps from the viewer.

    Somebody whose units see more may have looked at several linked tips at once, and the entry names all of them.
    """
    named = {number for row in rows for number in _TIP.findall(row.body)} - {tip}
    seen = {tip, *Tip.objects.filter(public_id__in=named).values_list("public_id", flat=True)} if named else {tip}
    return lambda found: found[0] if found[0] in seen else "NL-····-····"


def _happening(
    row: EventRow,
    names: Mapping[str, str],
    head: TreeHead | None,
    tree: merkle.NodeReader,
    mask: Callable[[str], str],
) -> Happening:
    shown = mask(row.body)
    proof = None
    if head is not None and row.position is not None and row.position < head.size:
        path = merkle.inclusion_path(tree, row.position, head.size)
        leaf = merkle.leaf_hash(row.body.encode())
        proof = Proof(leaf.hex(), tuple(node.hex() for node in path), head.size)
    return Happening(
        what=wording.event(row.kind),
        kind=row.kind,
        who=names[row.actor],
        at=row.at,
        position=row.position,
        body=shown,
        masked=shown != row.body,
        proof=proof,
    )


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return what to call each actor of the log: people and reporters by name, others in words."""
    wanted = set(actors)
    ids = {actor.partition(":")[2] for actor in wanted}
    people = {f"officer:{user.public_id}": str(user) for user in User.objects.filter(public_id__in=ids)}
    reporters = Reporter.objects.filter(public_id__in=ids).values_list("public_id", "name")
    named = people | {f"reporter:{public_id}": name for public_id, name in reporters}
    return {actor: named.get(actor) or wording.actor(actor) or actor for actor in wanted}
