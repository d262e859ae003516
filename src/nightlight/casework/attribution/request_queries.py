# SPDX-License-Identifier: Apache-2.0
"""Reads of requests for pages: the desk, one request with its steps, and how operators answer. Row security decides."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from nightlight.casework.attribution import request_facts
from nightlight.casework.attribution.models import Request, RequestState, Step, StepKind, WrongDoor
from nightlight.casework.attribution.operators import response_days
from nightlight.casework.attribution.request_steps import kept, posts_of
from nightlight.casework.attribution.requesting import drafter_of
from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.tips.queries import must_read_tips

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from nightlight.casework.attribution.gate import Block
    from nightlight.casework.attribution.request_body import KeptRequest
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

AT_MOST = 200
LISTS = ("todo", "mine", "waiting", "overdue", "ended")
_OPEN = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED)
_RELATED = ("tip__unit", "unit", "drafted_by", "checked_by", "signed_by")


@dataclass(frozen=True, slots=True)
class Card:
    """How an operator has answered what the viewer may see. Days are None where nothing was answered."""

    code: str
    name: str
    asked: int
    waiting: int
    overdue: int
    answered: int
    median_days: float | None
    slowest_days: float | None
    refused: int
    wrong_doors: int


def listed(viewer: Viewer, show: str, *, at: datetime) -> list[Request]:
    """Return the requests of one list: what waits for a step here, what is mine, and so on; urgent ones first."""
    must_read_tips(viewer)
    rows = Request.objects.select_related(*_RELATED)
    if show == "mine":
        rows = rows.filter(Q(drafted_by=viewer.user_id) | Q(checked_by=viewer.user_id) | Q(signed_by=viewer.user_id))
        return list(rows.order_by("-drafted_at")[:AT_MOST])
    if show == "waiting":
        return list(rows.filter(state=RequestState.SENT).order_by("due_at", "pk")[:AT_MOST])
    if show == "overdue":
        return list(rows.filter(state=RequestState.SENT, due_at__lte=at).order_by("due_at", "pk")[:AT_MOST])
    if show == "ended":
        return list(rows.exclude(ended_at=None).order_by("-ended_at", "-pk")[:AT_MOST])
    # What runs out first comes first; what is not known to run out, by its age.
    found = list(rows.filter(state__in=_OPEN).order_by("log_until", "drafted_at")[:AT_MOST])
    return [one for one in found if one.state != RequestState.DRAFT or one.drafted_by_id != viewer.user_id] + [
        one for one in found if one.state == RequestState.DRAFT and one.drafted_by_id == viewer.user_id
    ]


def of_tip(viewer: Viewer, tip: Tip) -> list[Request]:
    """Return the requests of a tip, newest first."""
    must_read_tips(viewer)
    return list(Request.objects.filter(tip=tip).select_related(*_RELATED).order_by("-pk")[:AT_MOST])


def request(viewer: Viewer, public_id: str) -> Request:
    """Return one request. Raises NotFound."""
    must_read_tips(viewer)
    found = Request.objects.select_related(*_RELATED, "tip__reporter").filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is no request %(id)s that you may see.") % {"id": public_id})
    return found


def steps(found: Request) -> list[tuple[Step, Mapping[str, Any]]]:
    """Return what was done with a request, oldest first, with what belongs to each step."""
    return [(one, json.loads(one.data or "{}")) for one in found.steps.order_by("pk")]


def asks_for(viewer: Viewer, found: Request) -> bool:
    """Whether the viewer may take steps of this request."""
    return bool(posts_of(viewer, found))


def stops(found: Request, body: KeptRequest, *, checker: str, at: datetime) -> Sequence[tuple[int, Block]]:
    """What the gate says of a request now, but for what a later step fills."""
    later = request_facts.UNSIGNED if checker else request_facts.UNCHECKED
    blocks = request_facts.blocks_of(body, at=at, drafter=drafter_of(found), checker=checker, authority=None)
    return [pair for pair in blocks if pair[1].code not in later]


def body_of(found: Request) -> KeptRequest:
    """Return what a request holds. Raises Conflict where it cannot be read any more."""
    return kept(found)


def cards(viewer: Viewer, *, at: datetime) -> list[Card]:
    """Return how each operator that was asked has answered, over all requests that the viewer may see."""
    must_read_tips(viewer)
    rows = list(
        Request.objects.exclude(sent_at=None).values_list(
            "pk", "operator", "addressee", "state", "sent_at", "due_at", "ended_at"
        )
    )
    first = dict(Step.objects.filter(kind=StepKind.ANSWERED).order_by("-pk").values_list("request_id", "at"))
    doors = Counter(
        path.removeprefix("operator:")
        for path in WrongDoor.objects.filter(path__startswith="operator:").values_list("path", flat=True)
    )
    took: dict[str, list[timedelta]] = defaultdict(list)
    names: dict[str, str] = {}
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for key, code, name, state, sent_at, due_at, ended_at in rows:
        names[code] = name
        counted[code]["asked"] += 1
        counted[code][state] += 1
        if state == RequestState.SENT and due_at is not None and due_at <= at:
            counted[code]["overdue"] += 1
        answered = first.get(key, ended_at)
        if state == RequestState.ANSWERED and answered is not None and sent_at is not None:
            took[code].append(max(timedelta(), answered - sent_at))
    found = []
    for code, name in names.items():
        days, tally = response_days(took[code]), counted[code]
        found.append(
            Card(
                code=code,
                name=name,
                asked=tally["asked"],
                waiting=tally[RequestState.SENT],
                overdue=tally["overdue"],
                answered=tally[RequestState.ANSWERED],
                median_days=days.get("median"),
                slowest_days=days.get("slowest"),
                refused=tally[RequestState.REFUSED],
                wrong_doors=doors[code],
            )
        )
    return sorted(found, key=lambda one: (-one.overdue, -one.asked, one.name))
