# SPDX-License-Identifier: Apache-2.0
"""What the Hash Sharing API answers."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound, Refusal
from nightlight.outlook.sharing import paging
from nightlight.outlook.sharing.access import for_members, refused, xml
from nightlight.pipeline.matching import sharing_actions as actions
from nightlight.pipeline.matching import sharing_queries as queries
from nightlight.pipeline.matching.sharing import reading, terms, writing
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.tips import bodies

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.sharing.access import MemberRequest
    from nightlight.outlook.sharing.paging import Asked
    from nightlight.pipeline.matching.sharing_queries import Served, Window

# A client asks up to now, and its clock may be a little ahead of ours; then we wait until it is now here too.
AHEAD = timedelta(seconds=5)


@for_members("GET")
def status(request: MemberRequest) -> HttpResponse:
    """Say whom we take the client for."""
    login = request.login
    member = terms.Member(login.number, login.name)
    return xml(writing.status(terms.Status(request.META.get("REMOTE_ADDR", ""), login.username, member)))


@for_members("GET")
def members(request: MemberRequest) -> HttpResponse:
    """List whom entries and answers may name."""
    return xml(writing.members(queries.members(request.shared)))


@for_members("GET")
def entries(request: MemberRequest) -> HttpResponse:
    """Give a page of entries that changed in a range of time."""
    asked = paging.read(request.GET.dict())
    try:
        window, served = _pull(request, asked)
    except actions.NotYet as refusal:
        if refusal.ahead > AHEAD:
            raise
        time.sleep(refusal.ahead.total_seconds())
        window, served = _pull(request, asked)
    return xml(writing.query_result(served.changes, paging.following(asked, window, served)))


@for_members("GET")
def reasons(request: MemberRequest, kind: str) -> HttpResponse:
    """List the reasons that can be given against a fingerprint of this type."""
    known = terms.BY_TYPE.get(kind)
    if known is None:
        raise NotFound("There is no such type of fingerprint.")
    # As documented, and once more where a client in use looks for them.
    return xml(writing.reasons(offered().against(known.type), doubled=True))


@for_members("GET")
def categorizations(request: MemberRequest) -> HttpResponse:
    """List the labels an entry may carry."""
    return xml(writing.categorizations(offered().groups))


@for_members("PUT")
def feedback(request: MemberRequest, member: str, entry: str, kind: str) -> HttpResponse:
    """Take what a member says of a fingerprint of an entry."""
    try:
        body = bodies.whole(request.META, at_most=reading.MAX_SUBMISSION)
    except bodies.BodyCutShort:
        raise Refusal("The request ended before its declared length.") from None
    if body is None:
        return refused(413, f"Feedback has at most {reading.MAX_SUBMISSION} bytes.")
    number = int(member) if member.isascii() and member.isdecimal() and len(member) < 11 else -1
    try:
        said = reading.submission(body)
    except reading.Unreadable as unreadable:
        raise Refusal(unreadable.reason) from None
    actions.give_feedback(
        by=request.login,
        at=clock.now(),
        shared=request.shared,
        member_id=number,
        entry_id=entry,
        kind=kind,
        said=said,
    )
    return xml(writing.submission_result())


@for_members("GET", "POST", "PUT", "PATCH", "DELETE")
def nowhere(request: MemberRequest, rest: str) -> HttpResponse:
    """Say that there is nothing at this address."""
    raise NotFound("There is nothing at this address.")


def _pull(request: MemberRequest, asked: Asked) -> tuple[Window, Served]:
    return actions.pull(
        by=request.login,
        at=clock.now(),
        shared=request.shared,
        since=asked.since,
        upto=asked.upto,
        size=asked.size,
        start=asked.start,
        after=asked.after,
        most=asked.most,
    )
