# SPDX-License-Identifier: Apache-2.0
"""Who signs a request, what they have to have seen, when its answer is due, and who is told when it does not come."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import (
    reminding_requests,
    request_body,
    request_facts,
    request_notices,
    requesting,
    wrong_door_kinds,
    wrong_doors,
)
from nightlight.casework.attribution.operators import Directory
from nightlight.casework.attribution.tests import prepared_cast
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests.request_fixtures import asha, drafted, loaded_lists, ravi, tip
from nightlight.casework.attribution.tests.requests_cast import HOUR, NOW
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.custody.models import Event
from nightlight.trust.law.records import Asked
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from nightlight.casework.attribution.models import Request
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
__all__ = ["asha", "drafted", "loaded_lists", "ravi", "tip"]  # fixtures


def test_the_power_s_least_rank_decides_who_signs(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = cast.compared(ravi, drafted)
    found = request_facts.power(cast.WRITTEN)
    assert found is not None
    monkeypatch.setattr(request_facts, "power", lambda _id: replace(found, least_rank="Superintendent"))
    with pytest.raises(NotAllowed, match="nobody below Superintendent"):
        cast.sign(ravi, held, rank="Director General")
    plain = cast.viewer(cast.person("Meera"))
    with pytest.raises(Conflict, match="State your rank"):
        cast.sign(plain, held)
    with pytest.raises(Conflict, match="State your rank"):
        cast.sign(plain, held, rank="Grand Wizard")
    with pytest.raises(NotAllowed, match="Your rank is Inspector"):
        cast.sign(plain, held, rank="Inspector")
    done = cast.sign(plain, held, rank="Superintendent")
    step = json.loads(done.steps.get(kind="signed").data)
    assert (step["rank"], step["rank_stated"]) == ("Superintendent", True)


def test_an_act_of_the_law_pack_that_is_applied_asks_for_its_rank(ravi: Viewer, drafted: Request) -> None:
    held = cast.compared(ravi, drafted)
    with pytest.raises(Conflict, match="which of these acts are applied to the case: ITA"):
        cast.sign(ravi, held, acts=None)
    with pytest.raises(Conflict, match="no rank of its own"):
        cast.sign(ravi, held, acts=["ITA", "CPA"])
    junior, unknown = cast.viewer(cast.person("Meera", rank="Sub-Inspector")), cast.viewer(cast.person("Dev"))
    with pytest.raises(NotAllowed, match=r"section 78\)\. Your rank is Sub-Inspector"):
        cast.sign(junior, held, acts=["ITA"])
    with pytest.raises(NotAllowed, match="Your rank is Sub-Inspector"):
        cast.sign(junior, held, acts=["ITA"], rank="Inspector")  # what stands in the post is not talked up
    with pytest.raises(Conflict, match=r"State your rank\. An offence under the Information Technology Act"):
        cast.sign(unknown, held, acts=["ITA"])
    with pytest.raises(Conflict, match="sign as: Officer in charge"):
        cast.sign(ravi, held, acts=["ITA"], in_post=False)
    held.refresh_from_db()
    assert held.state == "checked"
    step = json.loads(cast.sign(ravi, held, acts=["ITA"]).steps.get(kind="signed").data)
    assert (step["acts"], step["rank"], step["rank_stated"], step["in_post"]) == (["ITA"], "Inspector", False, True)


def test_a_power_that_no_longer_reaches_what_is_asked_signs_nothing(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, found = cast.compared(ravi, drafted), request_facts.power(cast.WRITTEN)
    assert found is not None
    monkeypatch.setattr(request_facts, "power", lambda _id: replace(found, asks=frozenset({Asked.PRESERVATION})))
    with pytest.raises(Conflict, match="The power does not reach"):
        cast.sign(ravi, held)


def test_a_rank_too_low_for_no_act_of_the_case_signs(drafted: Request) -> None:
    junior = cast.viewer(cast.person("Meera", rank="Sub-Inspector"))
    assert cast.sign(junior, cast.compared(junior, drafted)).state == "signed"


def test_nobody_compares_or_signs_what_they_were_not_shown(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, marks, heard = NOW + HOUR, cast.marks(drafted), cast.read_out(drafted)
    before = cast.seen(drafted, at)
    assert before
    for seen in ("", "0" * 64):
        with pytest.raises(Conflict, match="Read what has to be known"):
            requesting.check(by=ravi, at=at, request=drafted, marks=marks, read_back=heard, seen=seen)
    held = cast.compared(ravi, drafted)
    told = request_notices.shown(held, request_body.read(held.body), at=at)
    codes = {one.code.value for _line, one in told.lines.rows}
    assert json.loads(held.steps.get(kind="checked").data)["seen"] == dict.fromkeys(sorted(codes), "1")
    with pytest.raises(Conflict, match="Read what has to be known"):
        cast.sign(ravi, held, seen="")
    # Meanwhile somebody states a wrong door on the same path: what the second person saw is not all there is any more.
    near = wrong_door_kinds.Caution(
        "operator:lakeside", "One answer of this operator led to a wrong door.", reached=False
    )
    monkeypatch.setattr(wrong_doors, "cautions", lambda _paths: [near])
    with pytest.raises(Conflict, match="More may be known"):
        cast.sign(ravi, held, seen=before)
    done = cast.sign(ravi, held)
    event = Event.objects.get(kind="request.signed")
    assert "one-statement" in event.body
    assert near.words not in event.body
    assert json.loads(done.steps.get(kind="signed").data)["seen_sha256"] == cast.seen(held, NOW + 2 * HOUR)


def test_only_an_overdue_request_is_taken_to_the_commander_and_once(ravi: Viewer, drafted: Request) -> None:
    held = cast.on_the_way(ravi, drafted)
    assert held.due_at is not None
    late, said = held.due_at + HOUR, "They were reminded by telephone twice"
    with pytest.raises(Conflict, match="not due yet"):
        requesting.escalate(by=ravi, at=held.due_at - HOUR, request=held, said=said)
    with pytest.raises(Conflict, match="what was done so far"):
        requesting.escalate(by=ravi, at=late, request=held, said="no")
    with pytest.raises(NotAllowed):
        requesting.escalate(by=cast.viewer(cast.person("Olga", "auditor")), at=late, request=held, said=said)
    requesting.escalate(by=ravi, at=late, request=held, said=said)
    assert Notice.objects.get(kind="request.escalated").role == "commander"
    assert said not in Event.objects.get(kind="request.escalated").body
    with pytest.raises(Conflict, match="told of this request already"):
        requesting.escalate(by=ravi, at=late, request=held, said=said)
    week = reminding_requests.ESCALATE_AFTER  # and the clock does not say it again
    assert reminding_requests.remind(by="service:worker", now=lambda: late + week) == 1
    assert Notice.objects.filter(kind="request.escalated").count() == 1


def test_an_answer_is_due_as_the_directory_says_and_else_in_two_weeks(
    drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = request_body.read(drafted.body)
    assert requesting.answer_within(body) == timedelta(days=14)
    loaded = cast.load(monkeypatch)
    spoken = [replace(one, answer_days=30) for one in loaded.directory.operators]
    prepared_cast.load(monkeypatch, replace(loaded, directory=Directory("Example directory", "2", spoken)))
    assert requesting.answer_within(body) == timedelta(days=30)
    hurried = replace(body, power=replace(body.power, answer_hours=72))
    assert requesting.answer_within(hurried) == timedelta(hours=72)
