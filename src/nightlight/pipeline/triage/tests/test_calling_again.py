# SPDX-License-Identifier: Apache-2.0
"""What did not go out is tried again until it does or the next in line are called; whoever takes over is told anew."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips import handing
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import calling
from nightlight.pipeline.triage.models import Alert, AlertCall
from nightlight.pipeline.triage.tests import cast
from nightlight.pipeline.triage.tests.test_alerting import FIVE, NOON, District
from nightlight.trust import identity
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
MAIL = "1: mailto"


class Post:
    """A way out of the building that works or does not, and what went out."""

    def __init__(self) -> None:
        self.answer = "no-connection"
        self.out: list[str] = []

    def deliver(self, url: str, _title: str, text: str) -> str:
        """Say what the world says, and keep what it took."""
        if not self.answer:
            self.out.append(f"{url} {text}")
        return self.answer


@pytest.fixture
def post(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A way out that is closed."""
    made = Post()
    settings.NIGHTLIGHT_ALERT_URLS = ("mailto://duty@example.org",)
    monkeypatch.setattr(calling, "deliver", made.deliver)
    return made


def _call(at: datetime) -> int:
    return len(calling.call_due(by=cast.BY, now=lambda: at))


def _deliver(at: datetime) -> int:
    return calling.deliver_due(by=cast.BY, now=lambda: at)


def _tries() -> list[tuple[int, bool, str]]:
    calls = AlertCall.objects.exclude(how="page").order_by("id")
    return list(calls.values_list("level", "sent", "why"))


def test_what_did_not_go_out_is_tried_again_each_minute_until_it_does(post: Post) -> None:
    District()
    assert _call(NOON) == 1
    assert [_deliver(NOON), _deliver(NOON), _deliver(NOON + MINUTE / 2)] == [0, 0, 0]
    assert _tries() == [(0, False, "no-connection")]  # not at once and for ever
    assert _deliver(NOON + MINUTE) == 0
    post.answer = ""
    assert _deliver(NOON + 2 * MINUTE) == 1
    assert _deliver(NOON + 3 * MINUTE) == 0  # once it went out, no more
    assert [sent for _, sent, _ in _tries()] == [False, False, True]
    assert len(post.out) == 1


def test_an_address_that_is_none_is_not_tried_again_before_the_next_are_called(post: Post) -> None:
    District()
    post.answer = "wrong-address"
    _call(NOON)
    for minute in range(4):
        _deliver(NOON + minute * MINUTE)
    assert _tries() == [(0, False, "wrong-address")]
    assert _call(NOON + FIVE) == 1
    _deliver(NOON + FIVE)
    assert len(_tries()) == 2


def test_a_failure_leaves_the_escalation_alone_and_the_next_level_is_told(post: Post) -> None:
    District()
    _call(NOON)
    _deliver(NOON)
    post.answer = ""
    assert _call(NOON + FIVE) == 1  # nobody answered: the next in line, whatever went out
    assert _deliver(NOON + FIVE) == 1
    assert "Call number 2" in post.out[0]
    assert [level for level, _, _ in _tries()] == [0, Alert.objects.get().level - 1]


def test_after_a_hand_over_the_address_is_told_again(post: Post) -> None:
    district = District()
    post.answer = ""
    _call(NOON)
    assert _deliver(NOON) == 1
    other = staff.unit("O", district.district)
    staff.person("Olga", "triage-officer", other)
    with identity.acting_as(service="command"):
        handing.hand_over(by=staff.CLI, at=NOON + MINUTE, tip=Tip.objects.get(pk=district.tip.pk), to=other, why="area")
    # The database gives the alert its time by its own clock.
    later = Alert.objects.values_list("call_at", flat=True).get()
    assert later is not None
    assert _call(later) == 1
    assert _deliver(later) == 1
    assert other.name in post.out[1]
    assert "Call number 1" in post.out[1]


def test_nobody_is_told_of_an_alert_that_somebody_answered_for(post: Post) -> None:
    district = District()
    _call(NOON)
    _deliver(NOON)
    Alert.objects.update(acknowledged_by=district.asha, acknowledged_at=NOON, call_at=None)
    post.answer = ""
    assert _deliver(NOON + MINUTE) == 0
    assert post.out == []
