# SPDX-License-Identifier: Apache-2.0
"""Many alerts at once: the newest leave the building too, and a tip that is handed over calls its new unit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips import handing
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import calling
from nightlight.pipeline.triage.models import Alert, AlertCall
from nightlight.pipeline.triage.tests import cast
from nightlight.pipeline.triage.tests.test_alerting import NOON, URGENT, District
from nightlight.trust import identity
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db
_BY = "service:worker"


def _call(at: datetime) -> list[calling.Called]:
    with identity.acting_as(service="triage"):
        return calling.call_due(by=_BY, now=lambda: at)


def test_every_alert_leaves_the_building_however_many_wait(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    District()
    settings.NIGHTLIGHT_ALERT_URLS = ("json://127.0.0.1:9/",)
    monkeypatch.setattr(calling, "deliver", lambda _url, _title, _text: "")
    monkeypatch.setattr(calling, "EACH_RUN", 5)
    by = cast.reporter("Second")
    for _ in range(7):
        cast.tip(by, cast.body(urgent=URGENT))
    cast.assess()
    for number in range(4):
        at = NOON + timedelta(seconds=15 * number)
        _call(at)
        with identity.acting_as(service="triage"):
            calling.deliver_due(by=_BY, now=lambda at=at: at)  # type: ignore[misc]
    told = set(AlertCall.objects.exclude(how="page").values_list("alert_id", flat=True))
    assert told == set(Alert.objects.values_list("pk", flat=True))


def test_what_lay_here_for_long_is_listed_and_calls_nobody() -> None:
    District()
    old = cast.tip(cast.reporter("Second"), cast.body(urgent=URGENT))
    cast.assess(at=NOON + timedelta(days=30))
    assert list(Alert.objects.filter(tip=old).values_list("call_at", flat=True)) == [None]


def test_after_it_was_handed_over_the_people_of_the_new_unit_are_called_first() -> None:
    district = District()
    at = NOON
    for _ in range(3):
        at += timedelta(minutes=6)
        _call(at)
    other = staff.unit("O", district.district)
    olga = staff.person("Olga", "triage-officer", other)
    tip = Tip.objects.get(pk=district.tip.pk)
    with identity.acting_as(service="command"):
        handing.hand_over(by=staff.CLI, at=at, tip=tip, to=other, why="area")
    assert Alert.objects.get().level == 0
    (called,) = _call(at + timedelta(days=3650))
    assert called.people == (olga.public_id,)
