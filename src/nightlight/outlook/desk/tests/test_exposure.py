# SPDX-License-Identifier: Apache-2.0
"""What the law locks, what weighs more, what the ledger stops, who sees it, and who is told how it ended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk import looking
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.outlook.desk.tests.test_viewing import gated, needs_sandbox, tip
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.law.queries import current_pack
from nightlight.trust.units.models import Area, Notice, Shift
from nightlight.trust.viewing import actions, rules, verify
from nightlight.trust.viewing.models import Exposure, State, Viewing

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.evidence.models import Item

__all__ = ["gated", "tip"]


def test_a_file_the_law_locks_waits_for_a_warrant(alice: Client, desk: Desk, american_law: None) -> None:
    tip, item = pictures.tip_with_file(desk, pictures.gradient(), viewed="false")
    page = alice.get(f"/tips/{tip.public_id}/files/1/").content.decode()
    assert "Closed without a warrant" in page
    assert "Prepare the pictures" not in page
    assert pictures.ask(alice, tip).status_code == 409
    told = {"number": "WR 12/2026", "court": "Example District Court", "issued_on": "2026-11-19"}
    warrant = f"/tips/{tip.public_id}/files/1/warrant/"
    assert alice.post(warrant, told | {"issued_on": "next week"}).status_code == 409
    assert alice.post(warrant, told | {"court": " "}).status_code == 409
    assert alice.post(warrant, told).status_code == 302
    assert "A warrant for this file is recorded" in alice.get(f"/tips/{tip.public_id}/files/1/").content.decode()
    assert pictures.ask(alice, tip).status_code == 302
    recorded = Event.objects.get(kind="evidence.warrant-recorded")
    assert recorded.subject == f"item:{item.public_id}"
    assert "Example District" not in recorded.body
    assert list(verify.check()) == []


@pytest.fixture
def american_law(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation under the law of the United States, its first unit in California."""
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, law="US"))
    Area.objects.create(unit=cast.root(), code="US-CA")


def test_the_worker_looks_at_the_law_anew(alice: Client, desk: Desk, gated: None, american_law: None) -> None:
    tip, item = pictures.tip_with_file(desk, pictures.gradient(), viewed="false")
    user = cast.viewer(User.objects.get(username="alice"))
    said = rules.Stated(viewed_by_provider=True)  # what a page could be made to claim
    at = clock.now()
    actions.ask(
        by=user,
        at=at,
        item=item,
        subject=f"tip:{tip.public_id}",
        stated=said,
        law=current_pack(),
        session="s",
        reason_kind="urgency",
        reason=pictures.REASON["reason"],
        day_began=looking.day_began(at),
    )
    assert pictures.prepare(item) == 1
    assert (Viewing.objects.get().state, Viewing.objects.get().why) == (State.REFUSED, "locked")
    assert Event.objects.filter(kind="evidence.rendition-refused", subject=f"item:{item.public_id}").exists()
    assert list(verify.check()) == []


@needs_sandbox
def test_a_violent_file_takes_a_second_press_and_weighs_three_times(alice: Client, desk: Desk) -> None:
    more = "<fileAnnotations><violenceGore/></fileAnnotations>"
    tip, item = pictures.tip_with_file(desk, pictures.gradient(), more=more)
    assert "Marked as violent" in alice.get(f"/tips/{tip.public_id}/files/1/").content.decode()
    address = pictures.opened(alice, tip, item)
    assert alice.get(f"{address}picture/still/").status_code == 200
    assert alice.get(f"{address}picture/enlarged/").status_code == 409
    pressed = alice.post(f"{address}show/", {"mode": "enlarged", "n": "0"}).content.decode()
    assert "<img" not in pressed
    assert "Press once more" in pressed
    assert alice.get(f"{address}picture/enlarged/?confirmed=yes").status_code == 200
    assert list(Exposure.objects.order_by("id").values_list("mode", "weight")) == [("still", 3), ("enlarged", 6)]


def _seen(user_id: int, weight: int, tip: tuple[Tip, Item], at: datetime) -> None:
    viewing = Viewing.objects.create(
        public_id=f"VW-{weight}",
        item=tip[1],
        subject=f"tip:{tip[0].public_id}",
        user_id=user_id,
        session=b"",
        reason_kind="urgency",
        reason="x" * 20,
        law="",
        violent=False,
        public_key=b"",
        asked_at=at,
        expires_at=at,
        state=State.CLOSED,
    )
    Exposure.objects.create(
        viewing=viewing, user_id=user_id, at=at, mode="still", number=0, milliseconds=None, weight=weight
    )


def test_beyond_a_limit_a_reason_is_asked_for_and_the_commander_told(alice: Client, tip: tuple[Tip, Item]) -> None:
    user_id = int(alice.session["_auth_user_id"])
    _seen(user_id, rules.DAY_LIMIT.soft, tip, clock.now())
    assert "Take a break first" in alice.get(f"/tips/{tip[0].public_id}/files/1/").content.decode()
    _seen(user_id, rules.DAY_LIMIT.hard, tip, clock.now())
    page = alice.get(f"/tips/{tip[0].public_id}/files/1/").content.decode()
    assert "You have reached" in page
    assert pictures.ask(alice, tip[0]).status_code == 409
    assert pictures.ask(alice, tip[0], override="because").status_code == 409
    assert pictures.ask(alice, tip[0], override="A child may be in danger tonight").status_code == 302
    event = Event.objects.get(kind="exposure.limit-overridden")
    assert json.loads(event.body)["data"]["over"] == ["day-limit"]
    assert "danger" not in event.body
    told = Notice.objects.get(kind="exposure.limit-overridden")
    assert (told.role, told.unit_id) == ("commander", cast.root().pk)
    assert tip[1].public_id not in f"{told.subject} {told.about}"


def test_the_last_half_hour_of_a_shift_is_free_of_media(alice: Client, tip: tuple[Tip, Item]) -> None:
    user_id, now = int(alice.session["_auth_user_id"]), clock.now()
    shift = {"user_id": user_id, "unit": cast.root(), "starts_at": now - timedelta(hours=8)}
    Shift.objects.create(public_id="SH-2222-2222", ends_at=now + timedelta(minutes=20), **shift)
    assert pictures.ask(alice, tip[0]).status_code == 409
    assert pictures.ask(alice, tip[0], override="A child may be in danger tonight").status_code == 302


def test_the_ledger_is_ones_own_and_a_commander_sees_sums(alice: Client, tip: tuple[Tip, Item]) -> None:
    _seen(int(alice.session["_auth_user_id"]), 7, tip, clock.now())
    own = alice.get("/exposure/").content.decode()
    assert "<b>7</b>" in own
    assert "promises nothing" in own
    assert "Alice Example" not in own.split("<main")[1]
    for role, status in (("auditor", 403), ("legal-reviewer", 403), ("intake-analyst", 403), ("administrator", 403)):
        client = Client()
        client.force_login(cast.person(role.title().replace("-", ""), role))
        assert client.get("/exposure/").status_code == status
    commander = Client()
    commander.force_login(cast.person("Kim", "commander"))
    page = commander.get("/exposure/").content.decode()
    assert "Alice Example" in page
    assert tip[0].public_id not in page
    assert tip[1].public_id not in page


@needs_sandbox
def test_everybody_who_looked_is_told_how_it_ended(alice: Client, tip: tuple[Tip, Item]) -> None:
    pictures.opened(alice, *tip)
    address = f"/tips/{tip[0].public_id}/outcome/"
    assert alice.post(address, {"outcome": "child-safe"}).status_code == 403
    legal = Client()
    legal.force_login(cast.person("Lea", "legal-reviewer"))
    assert legal.post(address, {"outcome": "something"}).status_code == 409
    assert legal.post(address, {"outcome": "child-safe"}).status_code == 302
    told = Notice.objects.get(kind="case.outcome")
    assert (told.user_id, told.subject, told.about) == (
        int(alice.session["_auth_user_id"]),
        f"tip:{tip[0].public_id}",
        "child-safe",
    )
    assert json.loads(Event.objects.get(kind="case.outcome-recorded").body)["data"] == {
        "outcome": "child-safe",
        "told": 1,
    }
