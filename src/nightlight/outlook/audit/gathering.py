# SPDX-License-Identifier: Apache-2.0
"""Gathers from the log, the roster and the units what the rules for patterns look at, and what auditors answered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.outlook.audit import kinds, patterns, queries
from nightlight.outlook.audit.facts import Act, Broken, Did, Duty, Facts, Member
from nightlight.outlook.audit.kinds import Group
from nightlight.pipeline.tips.models import Tip, TipFile
from nightlight.trust.custody import queries as custody
from nightlight.trust.units.models import Post, Shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nightlight.outlook.audit.facts import Finding
    from nightlight.outlook.audit.patterns import Thresholds
    from nightlight.outlook.audit.period import Period
    from nightlight.trust.custody.queries import EventRow
    from nightlight.trust.units.viewer import Viewer

# More than this is not judged in one go: the page asks for fewer days.
MOST_ACTS = 50_000
_DID = {
    Group.LOOKED: Did.LOOKED,
    Group.CHANGED: Did.WORKED,
    Group.EXPORTED: Did.WORKED,
    Group.SEARCHED: Did.SEARCHED,
    Group.HANDED_OVER: Did.HANDED,
    Group.SIGNED_IN: Did.SIGNED_IN,
    Group.FAILED: Did.FAILED,
}
# Of these the particulars count too.
_TOLD = (Group.SEARCHED, Group.HANDED_OVER, Group.SIGNED_IN, Group.FAILED)
_ADDRESSES = ("address", "address_digest", "address_sha256", "from")


@dataclass(frozen=True, slots=True)
class Answered:
    """What an auditor answered to a finding, and the entry that says so."""

    answer: str
    by: str
    at: datetime
    ref: str


def findings(
    viewer: Viewer, during: Period, *, at: datetime, zone: ZoneInfo, limits: Thresholds | None = None
) -> list[Finding]:
    """Return what is worth a question in the period. Raises queries.TooMuch for more acts than are judged at once."""
    limits = limits or patterns.Thresholds()
    acts = _acts(viewer, during)
    people = {act.person for act in acts}
    return patterns.findings(
        Facts(
            acts=acts,
            now=at,
            zone=zone,
            duties=_duties(during, people),
            members=_members(during, people),
            glass=_glass(viewer, during, limits),
            holders=_holders(acts, limits),
        ),
        limits,
    )


def answers(viewer: Viewer, during: Period, found: Iterable[Finding]) -> dict[str, Answered]:
    """Return the newest answer to each finding, by its key. An answer is never older than what it answers."""
    wanted = {finding.key for finding in found}
    told: dict[str, Answered] = {}
    with queries.bounded():
        since = queries.since(viewer, during)
        rows = custody.rows(since.filter(kind="audit.finding-answered").order_by("-id")[:2000])
    for row in reversed(rows):
        key = str(row.data.get("finding", ""))
        if key in wanted:
            told[key] = Answered(str(row.data.get("answer", "")), row.actor, row.at, queries.ref_of(row))
    return told


def _acts(viewer: Viewer, during: Period) -> list[Act]:
    acts: list[Act] = []
    with queries.bounded():
        events = queries.between(viewer, during).order_by("-id")
        which = [*kinds.looks(), *kinds.of_group(Group.CHANGED), *kinds.of_group(Group.EXPORTED)]
        plain = events.filter(kind__in=which, actor__startswith="officer:")
        columns = ("at", "kind", "actor", "subject", "leaf_hash", "leaf__position")
        for when, kind, actor, subject, leaf, position in plain.values_list(*columns)[: MOST_ACTS + 1]:
            ref = str(position) if position is not None else bytes(leaf).hex()
            acts.append(Act(ref, when, _DID[kinds.group_of(kind)], _id(actor), record=subject))
        if len(acts) > MOST_ACTS:
            raise queries.TooMuch
        particular = [kind for group in _TOLD for kind in kinds.of_group(group)]
        told = custody.rows(events.filter(kind__in=particular)[: MOST_ACTS + 1])
    if len(told) > MOST_ACTS:
        raise queries.TooMuch
    return [*_at_their_tips(acts), *filter(None, map(_told, told))]


def _at_their_tips(acts: Sequence[Act]) -> list[Act]:
    """The same acts, with work on a file counted as work on its tip."""
    files = {_id(act.record) for act in acts if act.did is Did.WORKED and act.record.startswith("item:")}
    tips = dict(TipFile.objects.filter(item__public_id__in=files).values_list("item__public_id", "tip__public_id"))
    return [
        replace(act, record=f"tip:{tips[_id(act.record)]}")
        if act.did is Did.WORKED and _id(act.record) in tips
        else act
        for act in acts
    ]


def _told(row: EventRow) -> Act | None:
    """An act with its particulars. A failed sign-in may be written by the machine: it is about its subject."""
    did = _DID[kinds.group_of(row.kind)]
    by = row.subject if did in {Did.FAILED, Did.SIGNED_IN} else row.actor
    if not by.startswith("officer:") or row.kind == "person.signed-out":
        return None
    hits = row.data.get("hits", -1)
    return Act(
        queries.ref_of(row),
        row.at,
        did,
        _id(by),
        record=row.subject,
        search=str(row.data.get("search", "")),
        hits=hits if isinstance(hits, int) else -1,
        address=next((str(row.data[name]) for name in _ADDRESSES if row.data.get(name)), ""),
        frm=str(row.data.get("from", "")) if did is Did.HANDED else "",
        to=str(row.data.get("to", "")) if did is Did.HANDED else "",
    )


def _id(name: str) -> str:
    return name.partition(":")[2]


def _duties(during: Period, people: Iterable[str]) -> list[Duty]:
    day = timedelta(days=1)
    shifts = Shift.objects.filter(
        user__public_id__in=list(people), ends_at__gt=during.since - day, starts_at__lt=during.until + day
    )
    return [Duty(*row) for row in shifts.values_list("user__public_id", "starts_at", "ends_at")]


def _members(during: Period, people: Iterable[str]) -> list[Member]:
    posts = Post.objects.filter(user__public_id__in=list(people), starts_at__lt=during.until).exclude(
        ends_at__lte=during.since
    )
    return [Member(*row) for row in posts.values_list("user__public_id", "unit__public_id").distinct()]


def _glass(viewer: Viewer, during: Period, limits: Thresholds) -> list[Broken]:
    broken = queries.broken_glass(viewer, since=during.since - limits.month, until=during.until)
    return [
        Broken(one.public_id, one.user.public_id, one.subject, one.broken_at, one.signed_off_at)
        for one in broken[:MOST_ACTS]
    ]


def _holders(acts: Iterable[Act], limits: Thresholds) -> frozenset[tuple[str, str]]:
    """Who holds the tips that enough people opened for anybody to ask."""
    people = defaultdict(set)
    for act in acts:
        if act.did is Did.LOOKED and act.record.startswith("tip:"):
            people[_id(act.record)].add(act.person)
    asked = [record for record, who in people.items() if len(who) >= limits.outsiders]
    held = Tip.objects.filter(public_id__in=asked).values_list("public_id", "unit__public_id")
    return frozenset((f"tip:{tip}", unit) for tip, unit in held)
