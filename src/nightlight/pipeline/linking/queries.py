# SPDX-License-Identifier: Apache-2.0
"""Reads of linking for pages: whom somebody of a tip is taken for, and why. Row security decides what is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.linking import joining, rows
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.models import Decision, Subject
from nightlight.pipeline.linking.weights import Weights, weights
from nightlight.pipeline.tips.queries import must_read_tips

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.linking.joining import Join
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

MOST = 500  # members that one page shows; of the rest it says how many there are
MOST_COUNTED = 1000  # people of tips of one person; linking_person_size counts these and one more (migration 0004)
_STRONG = 8  # points above the threshold
_SHARED = """
SELECT s.identifier_id, i.kind, i.suspects, i.children, i.silenced, s.subject_id,
       CASE WHEN bool_or(s.value = '') THEN '' ELSE max(s.value) END AS value,
       coalesce(bool_or(s.verified), false) AS verified,
       min(coalesce(s.at, t.opened_at)) AS first_at, max(coalesce(s.at, t.opened_at)) AS last_at
FROM linking_sighting s JOIN linking_identifier i ON i.id = s.identifier_id JOIN tips_tip t ON t.id = s.tip_id
WHERE s.subject_id = ANY(%s)
GROUP BY s.identifier_id, i.kind, i.suspects, i.children, i.silenced, s.subject_id
"""
_SEEN = """
SELECT p.person, (SELECT count(DISTINCT c.tip_id) FROM (
    SELECT s.tip_id FROM linking_subject s WHERE s.person = p.person AND NOT s.gone LIMIT %(most)s) AS c)
FROM unnest(%(persons)s::bigint[]) AS p (person)
"""
_AMONG = "AND d.first_id = ANY(%(them)s) AND d.second_id = ANY(%(them)s)"


class Strength(StrEnum):
    """How much it says that two people of tips share a value."""

    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"
    NONE = "none"  # shared by so many, or silenced, that it links nobody

    @property
    def label(self) -> str:
        """Plain words for it."""
        return {"strong": "strong", "medium": "medium", "weak": "weak alone", "none": "links nobody"}[self.value]


@dataclass(frozen=True, slots=True)
class Reason:
    """A value that members of a person share; ``value`` is empty where it names a protected person.

    ``tips`` and ``reporters`` count what the viewer sees, ``everywhere`` the people of all tips who have it,
    ``other_side`` those on the other side: a remark, never a link.
    """

    identifier: int
    kind: Kind
    value: str
    subjects: tuple[int, ...]
    tips: int
    reporters: int
    first_at: datetime
    last_at: datetime
    everywhere: int
    other_side: int
    verified: bool
    silenced: bool
    weight: int
    strength: Strength

    @property
    def sentence(self) -> str:
        """Why this is a link: "same device identifier in 3 tips from 2 providers, Mar to Nov 2026"."""
        what = f"same {'verified ' if self.verified else ''}{self.kind.label}"
        if self.tips == 1:
            return f"{what} for {len(self.subjects)} people of one tip"
        whom = "one provider" if self.reporters == 1 else f"{self.reporters} providers"
        return f"{what} in {self.tips} tips from {whom}, {span(self.first_at, self.last_at)}"


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as far as the viewer sees it: a proposal. ``hidden`` members lie in tips they may not see.

    ``members`` are at most ``MOST``, oldest first, ``more`` says how many of those the viewer sees are left out.
    Counting ends at ``MOST_COUNTED``: where there are ``many``, the numbers are the least that there are.
    """

    person: int
    side: Side
    members: tuple[Subject, ...]
    more: int
    many: bool
    hidden: int
    tips: int
    reporters: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    reasons: tuple[Reason, ...]
    joins: tuple[Join, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody of a tip, and how many tips the person has whom they are taken for, in all and seen by the viewer.

    Each is counted to ``MOST_COUNTED`` and one more.
    """

    subject: Subject
    tips: int
    seen: int


def person_of(viewer: Viewer, tip: Tip) -> tuple[Taken, ...]:
    """Return the people of a tip the viewer was shown, in the order of the report. Two queries and one for each."""
    must_read_tips(viewer)
    mine = list(Subject.objects.filter(tip=tip, gone=False).order_by("party"))
    persons = sorted({one.person for one in mine})
    seen = dict(_fetched(_SEEN, {"persons": persons, "most": MOST_COUNTED + 1}))
    return tuple(Taken(one, max(_size(one.person)[1], 1), seen.get(one.person, 1)) for one in mine)


def person(viewer: Viewer, subject: int) -> PersonView:
    """Return the person that a subject (key) is taken for. Raises NotFound, NotAllowed."""
    must_read_tips(viewer)
    asked = Subject.objects.filter(pk=subject, gone=False).first()
    if asked is None:
        raise NotFound("There is no such person in a tip that you see.")
    everyone = Subject.objects.filter(person=asked.person, gone=False).select_related("tip__reporter").order_by("pk")
    members = list(everyone[:MOST])
    if asked.pk not in {one.pk for one in members}:
        members = [*members[:-1], everyone.get(pk=asked.pk)]
    seen = everyone.order_by()[: MOST_COUNTED + 1].count() if len(members) == MOST else len(members)
    size = _size(asked.person)[0]
    side = Side(asked.side)
    table = weights()
    shared = _shared(members, side, table)
    decided = rows.standing(_fetched(rows.STANDING.format(which=_AMONG), {"them": [one.pk for one in members]}))
    linked = joining.persons(
        [(subject, one.identifier) for one in shared for subject in one.subjects],
        {one.identifier: one.kind.value for one in shared},
        {one.identifier: one.everywhere for one in shared},
        joining.Decisions(
            decided.confirmed, decided.forbidden, frozenset(one.identifier for one in shared if one.silenced)
        ),
        verified={one.identifier for one in shared if one.verified},
        subjects=[one.pk for one in members],
        table=table,
    )
    pairs = Decision.objects.filter(first__in=members, second__in=members).select_related("by")
    times = [one.tip.opened_at for one in members]
    return PersonView(
        person=asked.person,
        side=side,
        members=tuple(members),
        more=seen - len(members),
        many=size > MOST_COUNTED,
        hidden=max(0, size - seen),
        tips=len({one.tip_id for one in members}),
        reporters=tuple(sorted({one.tip.reporter.name for one in members})),
        first_at=min(times),
        last_at=max(times),
        reasons=tuple(shared),
        joins=linked.joins(),
        decisions=tuple(pairs.order_by("-pk")),
    )


def strength(weight: int, table: Weights) -> Strength:
    """Return in a word how much a weight says."""
    if weight >= table.threshold + _STRONG:
        return Strength.STRONG
    if weight >= table.threshold:
        return Strength.MEDIUM
    return Strength.WEAK if weight else Strength.NONE


def span(first: datetime, last: datetime) -> str:
    """Return the months between two moments: "Mar 2026", "Mar to Nov 2026", "Nov 2025 to Feb 2026"."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%b %Y}"
    return f"{first:%b} to {last:%b %Y}" if first.year == last.year else f"{first:%b %Y} to {last:%b %Y}"


def _shared(members: Sequence[Subject], side: Side, table: Weights) -> list[Reason]:
    """The values that several members have, the strongest first."""
    tip_of = {one.pk: one.tip_id for one in members}
    reporter_of = {one.pk: one.tip.reporter_id for one in members}
    held: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in _dicts(_SHARED, sorted(tip_of)):
        held[row["identifier_id"]].append(row)
    found = []
    for identifier, told in held.items():
        if len(told) < 2:
            continue
        first, kind = told[0], Kind(told[0]["kind"])
        everywhere, other = first["suspects"], first["children"]
        if side is Side.CHILD:
            everywhere, other = other, everywhere
        verified = any(row["verified"] for row in told)
        weight = 0 if first["silenced"] else table.weight(kind, everywhere, verified)
        subjects = sorted(row["subject_id"] for row in told)
        found.append(
            Reason(
                identifier=identifier,
                kind=kind,
                # Held back in one tip, it is held back here: else the other tips would name whom that one protects.
                value=told[0]["value"] if all(row["value"] for row in told) else "",
                subjects=tuple(subjects),
                tips=len({tip_of[one] for one in subjects}),
                reporters=len({reporter_of[one] for one in subjects}),
                first_at=min(row["first_at"] for row in told),
                last_at=max(row["last_at"] for row in told),
                everywhere=everywhere,
                other_side=other,
                verified=verified,
                silenced=first["silenced"],
                weight=weight,
                strength=strength(weight, table),
            )
        )
    return sorted(found, key=lambda one: (-one.weight, -one.tips, one.identifier))


def _size(person: int) -> tuple[int, int]:
    """How many subjects and tips a person has, those the viewer does not see included, to ``MOST_COUNTED`` and one."""
    ((subjects, tips),) = _fetched("SELECT subjects, tips FROM linking_person_size(%(person)s)", {"person": person})
    return subjects, tips


def _fetched(sql: str, told: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, told)
        return list(cursor.fetchall())


def _dicts(sql: str, members: Collection[int]) -> Iterable[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(members)])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
