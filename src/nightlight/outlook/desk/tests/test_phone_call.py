# SPDX-License-Identifier: Apache-2.0
"""A call at the desk: who may enter one, what is refused, and that the unit of whoever took it holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import verify
from nightlight.pipeline.tips.models import Source, Tip
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from django.http import HttpResponse

WORDS = "A stranger keeps writing to a pupil on Example Chat."


def call(client: Client, minutes_ago: int = 3, **more: str) -> HttpResponse:
    """Enter a call that came a while ago."""
    came = (
        (clock.now() - timedelta(minutes=minutes_ago))
        .astimezone(ZoneInfo(settings.ENVIRONMENT.zone))
        .strftime("%Y-%m-%dT%H:%M")
    )
    return client.post("/calls/new/", {"what": WORDS, "came": came, "danger": "no", **more})  # type: ignore[return-value]


def test_an_auditor_enters_no_call(bob: Client) -> None:
    assert call(bob).status_code == 403
    assert not Tip.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"what": "  "}, {"what": "x" * 10_001}, {"came": ""}, {"came": "soon"}, {"contact": "x" * 301}]
)
def test_what_cannot_be_entered_is_shown_again(alice: Client, wrong: dict[str, str]) -> None:
    answer = call(alice, 3, **{"place": "Example Nagar", **wrong})
    assert answer.status_code == 409
    assert "Example Nagar" in answer.content.decode()
    assert not Tip.objects.exists()


@pytest.mark.parametrize("minutes_ago", [-60, 40 * 24 * 60])
def test_a_call_to_come_and_one_long_ago_are_slips(alice: Client, minutes_ago: int) -> None:
    assert call(alice, minutes_ago).status_code == 409


def test_a_call_is_held_by_the_unit_that_took_it(db: None) -> None:
    below = units.add_unit(
        by="command:cli", at=cast.NOON, parent=cast.root(), kind="state", code="ST-X", name="State X"
    )
    client = Client()
    asha = cast.person("Asha", "intake-analyst", below)
    client.force_login(asha)
    answer = call(client, danger="yes", caller="Bina Invented", contact="98765 43210", call_back="yes")
    tip = Tip.objects.get()
    assert answer.headers["Location"] == f"/tips/{tip.public_id}/"
    assert (tip.source, tip.unit, tip.escalated, tip.reporter.name) == (Source.PHONE, below, True, "Telephone call")
    event = Event.objects.get(kind="tip.told")
    assert event.actor == f"officer:{asha.public_id}"
    assert "Bina" not in event.body
    assert [*verify.check()] == []
