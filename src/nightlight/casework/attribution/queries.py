# SPDX-License-Identifier: Apache-2.0
"""Reads of attribution for pages: the uses of addresses of one person, over all tips they are taken to be in.

Only what a viewer may see: row security decides which tips are there. A link that an officer rejected brings nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from nightlight.casework.attribution import prepared_body
from nightlight.casework.attribution.models import Prepared, Waiting
from nightlight.pipeline.linking.kinds import Side
from nightlight.pipeline.linking.models import Decision, Subject, Verdict
from nightlight.pipeline.tips.queries import must_read_tips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.casework.attribution.prepared_body import Body, LookedUp
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

MOST_TIPS = 200  # that one page reads
MOST_EVENTS = 5000  # that are ranked together; the newest tips first


@dataclass(frozen=True, slots=True)
class Traces:
    """The uses of addresses of a reported person, of this tip and of the tips they are linked by.

    ``people``: number and pseudonym of each reported person of the tip, ``party`` the number of the one meant, None
    where the tip was not linked yet, and then the events are all of its own. ``unsure``: events of this tip that the
    report gives to none of several people. ``waiting``: tips of these whose addresses are not looked up yet,
    ``failed``: those whose addresses could not be;
    ``beyond``: tips of the person that the viewer may not see; ``rejected``: links that an officer rejected; ``more``:
    tips left out because a page holds no more. ``apart``: events of this tip that are kept apart, by why.
    """

    party: int | None
    people: tuple[tuple[int, str], ...]
    tips: tuple[str, ...]
    events: tuple[LookedUp, ...]
    unsure: tuple[LookedUp, ...]
    apart: Mapping[str, int]
    waiting: int
    failed: int
    beyond: int
    rejected: int
    more: int
    ready: bool
    person: int | None = None  # whom linking takes them for; None: the tip was not linked yet


def of_tip(viewer: Viewer, tip: Tip) -> Body | None:
    """Return what is known of a tip's own addresses; None while they were not looked up. One query."""
    must_read_tips(viewer)
    row = Prepared.objects.filter(tip=tip).values_list("body", flat=True).first()
    return None if row is None else prepared_body.read(row)


def traces(viewer: Viewer, tip: Tip, party: int | None = None) -> Traces:
    """Return the uses of addresses of a reported person of a tip: the one of that number, else the first.

    At most six queries, however many tips there are. Raises NotAllowed.
    """
    must_read_tips(viewer)
    mine = list(Subject.objects.filter(tip=tip, gone=False, side=Side.SUSPECT.value).order_by("party"))
    chosen = next((one for one in mine if one.party == party), mine[0] if mine else None)
    members, rejected, beyond, more = _members(chosen) if chosen is not None else ([], 0, 0, 0)
    party_of = {one.tip_id: set[int]() for one in members}
    for one in members:
        party_of[one.tip_id].add(one.party)
    keys = [tip.pk, *(key for key in party_of if key != tip.pk)]
    bodies = {
        key: (public_id, prepared_body.read(body))
        for key, public_id, body in Prepared.objects.filter(tip__in=keys).values_list("tip", "tip__public_id", "body")
    }
    times = dict(Waiting.objects.filter(tip__in=keys).values_list("tip_id", "failed_times"))
    failed = {key for key, number in times.items() if number}
    events: list[LookedUp] = []
    read: list[str] = []
    for key in keys:
        public_id, body = bodies.get(key, ("", None))
        if body is None or len(events) + len(body.events) > MOST_EVENTS > len(body.events):
            continue
        read.append(public_id)
        events += [one for one in body.events if chosen is None or not party_of[key].isdisjoint(one.parties)]
    own = bodies[tip.pk][1] if tip.pk in bodies else None
    return Traces(
        party=None if chosen is None else chosen.party,
        people=tuple((one.party, one.pseudonym) for one in mine),
        tips=tuple(read),
        events=tuple(events),
        unsure=tuple(one for one in own.events if not one.parties) if own is not None and chosen is not None else (),
        apart=dict(own.apart) if own is not None else {},
        waiting=len((times.keys() | (set(keys) - bodies.keys())) - failed),
        failed=len(failed),
        beyond=beyond,
        rejected=rejected,
        more=more + sum(1 for key in keys if bodies.get(key, ("", None))[1] is not None) - len(read),
        ready=own is not None,
        person=None if chosen is None else chosen.person,
    )


def _members(chosen: Subject) -> tuple[list[Subject], int, int, int]:
    """Those taken for one person with somebody, themselves first; how many were rejected, unseen and left out."""
    everyone = Subject.objects.filter(person=chosen.person, gone=False, side=Side.SUSPECT.value)
    found = list(everyone.exclude(pk=chosen.pk).order_by("-pk")[: MOST_TIPS + 1])
    no = _rejected(chosen.pk, [one.pk for one in found])
    more = max(0, len(found) - MOST_TIPS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tips FROM linking_person_size(%s)", [chosen.person])
        (size,) = cursor.fetchone()
    seen = len({chosen.tip_id, *(one.tip_id for one in found)})
    kept = [one for one in found[:MOST_TIPS] if one.pk not in no]
    return [chosen, *kept], len(no), max(0, size - seen) if not more else 0, more


def _rejected(asked: int, others: Sequence[int]) -> set[int]:
    """Those of whom an officer said that they are not one person with somebody, and nobody said later that they are."""
    about = (Q(first=asked) & Q(second__in=others)) | (Q(second=asked) & Q(first__in=others))
    rows: Iterable[tuple[int, int, str]] = (
        Decision.objects.filter(about, verdict__in=[Verdict.CONFIRM, Verdict.FORBID])
        .order_by("pk")
        .values_list("first_id", "second_id", "verdict")
    )
    last = {(second if first == asked else first): verdict for first, second, verdict in rows}
    return {other for other, verdict in last.items() if verdict == Verdict.FORBID}
