# SPDX-License-Identifier: Apache-2.0
"""Measures what a system made of an exercise against the truth: who is who, and who stands on top of the queue.

Works on a world in memory (`World.truth`), on its reports' planned keys. For a filed exercise `at_risk_ids` translates
the document that `Filed.write_truth` wrote into report ids.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from nightlight.exercise.plan import Ending

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from nightlight.exercise.world import World


class Node(NamedTuple):
    """One party of one report: `report` is a planned key, `place` counts among those of the role, from 0."""

    report: str
    role: str
    place: int


class Score(NamedTuple):
    """Pairwise precision, recall and their harmonic mean, each from 0 to 1; 1 where there is nothing to find."""

    precision: float
    recall: float
    f1: float


REPORTED = ("reported",)
CHILDREN = ("victim", "recipient")


def truth_parties(world: World, roles: Collection[str] = REPORTED, *, received: bool = True) -> dict[Node, str]:
    """Return who each party is, by party; by default of the reported ones, in reports that end finished as planned."""
    left_out = {one.key for one in world.reports if received and one.ending is not Ending.FINISHED}
    return {
        Node(one.report, one.role, one.index): one.who
        for one in world.truth.parties
        if one.role in roles and one.report not in left_out
    }


def truth_pairs(
    world: World, roles: Collection[str] = REPORTED, *, received: bool = True
) -> frozenset[tuple[Node, Node]]:
    """Return all pairs of parties, smaller first, that are one person. Grows with the square of a person's reports."""
    groups: dict[str, list[Node]] = defaultdict(list)
    for node, who in truth_parties(world, roles, received=received).items():
        groups[who].append(node)
    return frozenset(pair for nodes in groups.values() for pair in combinations(sorted(nodes), 2))


def pairwise(truth: Mapping[Node, Hashable], found: Mapping[Node, Hashable]) -> Score:
    """Compare two partitions by pairs, counted and not listed. A party missing in `found` stands alone there."""
    groups = {node: found.get(node, node) for node in truth}
    both = _pairs(Counter((who, groups[node]) for node, who in truth.items()).values())
    true, said = _pairs(Counter(truth.values()).values()), _pairs(Counter(groups.values()).values())
    precision, recall = both / said if said else 1.0, both / true if true else 1.0
    return Score(precision, recall, 2 * precision * recall / (precision + recall) if both else float(not true + said))


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def at_risk_keys(world: World) -> frozenset[str]:
    """Return the planned keys of the received reports in whose matter a child is at risk now."""
    finished = {one.key for one in world.reports if one.ending is Ending.FINISHED}
    return frozenset(one.report for one in world.truth.children_at_risk if one.report in finished)


def at_risk_ids(document: Mapping[str, Any]) -> dict[int, str]:
    """Return the report ids and reason codes of the reports at risk that were received, from a ground-truth document.

    `document` is the parsed JSON of `Filed.write_truth` (ground-truth-SEED.json of a demo).
    """
    reasons = {one["report"]: one["reason"] for one in document["truth"]["children_at_risk"]}
    return {
        one["report_id"]: reasons[one["key"]]
        for one in document["receipts"]
        if one["key"] in reasons and one["report_id"] is not None and one["ending"] == Ending.FINISHED
    }


def top_recall(queue: Sequence[Any], wanted: Collection[Any], share: float = 0.1) -> float:
    """Return which part of the wanted stands in the first `share` of the queue (rounded up); 1 where none is wanted.

    Who is wanted and not in the queue at all counts as missed.
    """
    top = set(queue[: ceil(share * len(queue))])
    return sum(one in top for one in wanted) / len(wanted) if wanted else 1.0
