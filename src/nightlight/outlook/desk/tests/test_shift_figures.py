# SPDX-License-Identifier: Apache-2.0
"""What the pages of a shift say of alerts that call nobody, of rows closed at once, and of what nobody can measure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_queue_pages import (
    NOON,
    WHY,
    an_hour_later,
    chat,
    names,
    page,
    sent,
    signed_in,
    three,
)
from nightlight.outlook.desk.tests.test_shift_pages import CAPACITY, HAND_ON, HANDOVER, LOOKS, _closed, _part, _plain
from nightlight.pipeline.triage import queries_capacity, working
from nightlight.pipeline.triage.models import FIRST, Alert, Band, Closure, Lane, Standing
from nightlight.pipeline.triage.models_shift import Handover
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    import pytest
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["an_hour_later", "chat", "three"]


def _alerts(tip: Tip, **told: object) -> None:
    alert = Alert.objects.get(tip=tip)
    Alert.objects.filter(pk=alert.pk).update(**told)


def test_alerts_that_call_nobody_are_told_apart_and_counted_by_nobody(alice: Client, three: list[Tip]) -> None:
    led = three[2]
    _alerts(led, quiet="old", call_at=None)
    told = _part(page(alice, HANDOVER), "Alerts")
    assert "Before you go" not in told
    assert "No alert calls anybody." in told
    assert f"Listed; nobody is called {led.public_id}" in told
    assert "Old; nobody was called" in told
    text = page(alice, "/alerts/")
    assert "None of these calls anybody" in text
    assert "it calls the next in line" not in text
    # One that calls stands before it and is the one that counts; a tip with several is printed once.
    old = Alert.objects.get(tip=led)
    for code, quiet in (("second", "late"), ("third", ""), ("fourth", "")):
        Alert.objects.create(
            public_id=f"AL-{code}", tip=led, unit=old.unit, code=code, label=code, raised_at=NOON, quiet=quiet
        )
    assert "it calls the next in line" in page(alice, "/alerts/")
    assert "2 wait for an answer. Before you go" in _part(page(alice, HANDOVER), "Alerts")
    assert alice.post(HAND_ON, {"note": "Call back at noon."}).status_code == 302
    handover = Handover.objects.get()
    kept = json.loads(handover.figures)
    assert kept["alerts_waiting"] == [led.public_id]
    assert kept["alerts_quiet"] == {"old": [led.public_id], "late": [led.public_id]}
    shown = _plain(page(alice, f"{HANDOVER}{handover.public_id}/"))
    assert f"Alerts: Old; nobody was called {led.public_id}" in shown
    assert f"Alerts without an answer {led.public_id} Alerts" in shown


def test_a_tip_that_was_never_assessed_is_called_so(alice: Client, three: list[Tip]) -> None:
    by = cast.viewer(User.objects.get(username="alice"))
    Standing.objects.filter(tip=three[0]).update(dies_at=FIRST, band=Band.HIGH)
    Standing.objects.filter(tip=three[1]).update(dies_at=NOON - timedelta(days=1), band=Band.HIGH)
    high = next(one for one in queries_capacity.backlog(by, [cast.root().pk], clock.now()) if one.band == Band.HIGH)
    assert (high.tips, high.gone) == (2, 1)
    working.take(by=by, at=clock.now(), tip=three[0].public_id)
    assert f"{three[0].public_id} not assessed" in _part(page(alice, HANDOVER), "What is held")


def test_a_row_that_was_closed_at_once_is_said_to_be_and_opened_at_once(alice: Client, chat: ReporterLogin) -> None:
    same = pile.body()
    row = [pile.tip(chat, same) for _ in range(3)]
    pile.assess()
    zoya = cast.viewer(cast.person("Zoya", "investigator"))
    working.close(by=zoya, at=NOON, tip=row[0].public_id, disposition="cannot-work", reason=WHY)
    where = f"{LOOKS}{row[0].public_id}/"
    Closure.objects.create(tip=row[0], disposition="cannot-work", reason=WHY, sampled=True, by_id=zoya.user_id, at=NOON)
    text = page(alice, LOOKS)
    assert "closed together with 2 others" in _plain(text)
    assert 'name="together"' in text
    sent(alice, where, agrees="no", reason=WHY, together="1")
    assert {pile.where(one).lane for one in row} == {Lane.OPEN}


def test_one_closed_alone_offers_no_more(alice: Client, three: list[Tip]) -> None:
    _closed(three[0])
    text = page(alice, LOOKS)
    assert "closed together" not in _plain(text).split("What this is for")[0]
    assert 'name="together"' not in text


def test_what_was_destroyed_waits_for_nobody_and_is_counted(alice: Client, three: list[Tip]) -> None:
    for tip in three[:2]:
        _closed(tip)
    Standing.objects.filter(tip=three[0]).delete()
    text = page(alice, LOOKS)
    assert three[0].public_id not in text
    assert names(three[1])[0] in text
    assert "2 drawn by chance" in _plain(text)
    assert "1 was destroyed before anybody looked" in _plain(text)


def test_where_no_whole_day_is_measured_nothing_is_foretold(alice: Client, three: list[Tip]) -> None:
    for asked in ("", "9"):
        text = page(alice, CAPACITY, officers=asked)
        assert "No forecast: the unit is new" in text
        assert "When it is empty" not in text
        assert "never" not in _part(text, "What waits")


def test_where_more_came_than_is_counted_that_is_said(
    alice: Client, three: list[Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=1))
    Standing.objects.filter(tip=three[0]).update(arrived_at=NOON - timedelta(days=40))
    monkeypatch.setattr(queries_capacity, "EVENTS", 1)
    text = page(alice, CAPACITY)
    assert "No forecast: more came or was closed in these days than is counted" in text
    monkeypatch.setattr(queries_capacity, "EVENTS", 2)
    Standing.objects.filter(tip=three[0]).update(arrived_at=NOON - timedelta(days=10))
    Standing.objects.filter(tip=three[1]).update(arrived_at=NOON - timedelta(days=9))
    told = _plain(page(alice, CAPACITY))
    assert "Only the last 10 whole days are counted: more came or was closed than is counted." in told


def test_a_number_that_was_entered_is_of_calendar_days(three: list[Tip]) -> None:
    kavita = signed_in("Kavita", "commander")
    text = _plain(page(kavita, CAPACITY))
    assert "Officers on duty each calendar day" in text
    assert "Sundays and holidays too" in text
