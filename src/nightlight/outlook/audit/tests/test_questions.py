# SPDX-License-Identifier: Apache-2.0
"""The pages of one person and of one record, and the questions that patterns raise."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import clock
from nightlight.outlook.audit import patterns, views
from nightlight.outlook.desk.tests import cast
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Glass

if TYPE_CHECKING:
    import pytest
    from django.test import Client

    from nightlight.trust.accounts.models import User
from nightlight.outlook.audit.tests.reading import text

# --- one person, one record, patterns -------------------------------------------------------------------------------


def test_a_persons_page_counts_by_day_and_shows_searches_and_sign_ins(
    bob: Client, alice: Client, officer: User, desk: cast.Desk
) -> None:
    tip = desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    alice.get("/find/", {"q": "nothing of the kind"})
    page = text(bob, f"/audit/person/{officer.public_id}/")
    assert "Alice Example" in page
    assert "Find a tip, 0 hits" in page
    assert "Triage officer, National centre" in page
    (day,) = bob.get(f"/audit/person/{officer.public_id}/").context["days"]
    assert {label: number for label, number, _ in day[1]} == {"Looked": 1, "Searched": 1}
    assert bob.get(f"/audit/person/{officer.public_id.lower()}/").status_code == 302


def test_a_records_page_tells_who_when_in_which_role_how_long_apart_and_who_searched_for_it(
    bob: Client, alice: Client, desk: cast.Desk
) -> None:
    tip = desk.full()
    alice.get("/find/", {"q": tip.public_id})
    alice.get(f"/tips/{tip.public_id}/")
    alice.get(f"/tips/{tip.public_id}/")
    answer = bob.get(f"/audit/record/{tip.public_id}/")
    last, first = answer.context["looks"]
    assert (first.after, last.after) == (None, 0)
    assert first.roles == "Triage officer"
    (viewer,) = answer.context["viewers"]
    assert (viewer.who, viewer.times) == ("Alice Example", 2)
    assert [line.detail for line in answer.context["searches"]] == ["Find a tip, 1 hit"]
    assert "File received into the vault" in answer.content.decode()


def _views(officer: User, tips: int) -> None:
    with transaction.atomic():
        for n in range(tips):
            custody.append(
                by=f"officer:{officer.public_id}",
                at=clock.now() - timedelta(seconds=n),
                kind="tip.viewed",
                subject=f"tip:NL-{n:04}-0000",
                data={"roles": ["triage-officer"]},
            )


def test_no_question_is_a_page_too(bob: Client) -> None:
    assert "No question is open" in text(bob, "/audit/patterns/")


def test_a_question_is_shown_with_its_reason_and_answered_into_the_log(bob: Client, officer: User) -> None:
    _views(officer, 20)
    answer = bob.get("/audit/patterns/")
    asked = next(one for one in answer.context["waiting"] if one.title.startswith("Many records"))
    page = answer.content.decode()
    assert "20 records were opened and nothing was done to them" in page
    assert "not an accusation" in page
    assert bob.post("/audit/patterns/answer/", {"finding": "0" * 16, "answer": "work"}).status_code == 404
    assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": "because"}).status_code == 409
    assert not Event.objects.filter(kind="audit.finding-answered").exists()
    for choice in ("asked", "work"):
        assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": choice}).status_code == 302
    event = Event.objects.filter(kind="audit.finding-answered").latest("id")
    assert event.subject == f"officer:{officer.public_id}"
    assert json.loads(event.body)["data"] == {"finding": asked.key, "rule": "views-without-work", "answer": "work"}
    after = bob.get("/audit/patterns/")
    assert asked.key not in [one.key for one in after.context["waiting"]]
    (done,) = [one for one in after.context["answered"] if one.key == asked.key]
    assert done.answer.startswith("It was work")
    assert done.answered_by == "Bob Example"


def test_nobody_answers_a_question_about_themselves(bob: Client, auditor: User) -> None:
    _views(auditor, 20)
    answer = bob.get("/audit/patterns/")
    asked = next(one for one in answer.context["waiting"] if one.title.startswith("Many records"))
    assert "This is about you" in answer.content.decode()
    assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": "work"}).status_code == 403
    assert not Event.objects.filter(kind="audit.finding-answered").exists()


def test_no_more_questions_than_one_can_answer_are_on_a_page(
    bob: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _views(officer, 20)
    now = clock.now()
    for n in range(3):
        Glass.objects.create(
            public_id=f"BG-{n}",
            user=officer,
            unit=cast.root(),
            subject="tip:NL-1111-1111",
            reason="An invented reason here.",
            broken_at=now - timedelta(hours=80),
            until=now - timedelta(hours=76),
        )
    monkeypatch.setattr(views, "MOST_QUESTIONS", 2)
    answer = bob.get("/audit/patterns/")
    assert len(answer.context["waiting"]) == 2
    assert answer.context["more"] >= 2
    assert "more questions wait" in answer.content.decode()


def test_broken_glass_that_waits_too_long_is_among_the_questions(bob: Client, officer: User, auditor: User) -> None:
    Glass.objects.create(
        public_id="BG-1", user=officer, unit=cast.root(), subject="tip:NL-1111-1111", reason="An invented reason here.",
        broken_at=clock.now() - timedelta(hours=80), until=clock.now() - timedelta(hours=76),
    )  # fmt: skip
    assert "nobody has signed it off" in text(bob, "/audit/patterns/")
    assert "not yet" in text(bob, f"/audit/person/{officer.public_id}/")


def test_work_on_a_file_counts_as_work_on_its_tip(bob: Client, officer: User, desk: cast.Desk) -> None:
    tips = [desk.full() for _ in range(20)]
    for tip in tips:
        with transaction.atomic():
            custody.append(
                by=f"officer:{officer.public_id}",
                at=clock.now(),
                kind="tip.viewed",
                subject=f"tip:{tip.public_id}",
                data={},
            )
    assert len(bob.get("/audit/patterns/").context["waiting"]) >= 1
    with transaction.atomic():
        custody.append(
            by=f"officer:{officer.public_id}",
            at=clock.now(),
            kind="person.added",  # a kind that counts as work
            subject=f"item:{tips[0].files.get().item.public_id}",
            data={},
        )
    limits = patterns.Thresholds()
    assert limits.idle_records == 20
    titles = [one.title for one in bob.get("/audit/patterns/").context["waiting"]]
    assert "Many records opened, nothing done to them" not in titles
