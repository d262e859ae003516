# SPDX-License-Identifier: Apache-2.0
"""A tip that no rule can be applied to calls somebody if its reporter asks for it; and calling never wears out."""

from __future__ import annotations

import threading
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from django.db import connection, connections

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.queries import Counted
from nightlight.pipeline.triage import assessing, calling, handing_on, queries_alerts, working
from nightlight.pipeline.triage.models import Alert, AlertCall, Band, Closure, Lane, SecondLook, Standing
from nightlight.pipeline.triage.models_shift import Handover
from nightlight.pipeline.triage.tests import cast
from nightlight.pipeline.triage.tests.test_alerting import URGENT, District
from nightlight.pipeline.triage.tests.test_alerting_old import DANGER, imported
from nightlight.pipeline.triage.tests.test_unscored import Defeat
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightlight.pipeline.linking import waiting
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
NOON, DAY, MINUTE = cast.NOON, timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def defeat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Defeat]:
    """Nothing defeats us yet."""
    with structlog.testing.capture_logs():
        yield Defeat(monkeypatch)


def _run(after: timedelta = timedelta()) -> waiting.Left:
    return assessing.assess_new(by=cast.BY, now=lambda: NOON + after)


def test_what_tries_things_out_calls_nobody_and_what_nobody_asked_for_neither(defeat: Defeat) -> None:
    trial = cast.tip(cast.reporter("Trial", "test"), cast.body(urgent=URGENT))
    plain = cast.tip(cast.reporter())
    defeat.tips = {trial.pk, plain.pk}
    _run()
    assert {cast.where(one).band for one in (trial, plain)} == {Band.HIGH}
    assert not Alert.objects.exists()


def test_a_tip_that_cannot_be_scored_and_asks_for_priority_is_critical_and_calls(defeat: Defeat) -> None:
    asha = staff.person("Asha", "triage-officer")
    lost = cast.tip(cast.reporter(), cast.body(urgent=URGENT))
    defeat.tips = {lost.pk}
    cast.guard()
    with cast.as_triage():
        assert _run() == (False, {lost.pk})
        assert len(calling.call_due(by=cast.BY, now=lambda: NOON)) == 1
        _run(5 * MINUTE)
    assert cast.where(lost).band == Band.CRITICAL
    assert Notice.objects.get().user == asha
    alert = Alert.objects.get()
    assert (alert.code, alert.quiet) == ("escalated", "")
    # An officer who puts it elsewhere and takes that back finds it where it was.
    looking = staff.looking(asha)
    for band in (Band.LOW, None):
        made = working.override(by=looking, at=NOON, tip=lost.public_id, band=band, reason=cast.WHY)
        assert made.rules_band == Band.CRITICAL
    assert cast.where(lost).band == Band.CRITICAL
    # When it can be scored, that is the same alert, with the label of the rules.
    defeat.tips = set()
    _run(10 * MINUTE)
    assert Alert.objects.get() == alert
    assert cast.events(lost).count("alert.raised") == 1


def test_one_that_lay_here_before_anybody_tried_it_is_listed(defeat: Defeat) -> None:
    lost = cast.tip(cast.reporter(), cast.body(urgent=URGENT))
    defeat.tips = {lost.pk}
    _run(30 * DAY)
    assert Alert.objects.get().quiet == "late"


@pytest.mark.parametrize("first_tried", [timedelta(), 8 * DAY], ids=["at once", "after an upgrade"])
def test_the_time_in_which_it_failed_makes_no_alert_late(defeat: Defeat, first_tried: timedelta) -> None:
    lost = cast.tip(cast.reporter(), cast.body(said=DANGER))
    defeat.tips = {lost.pk}
    _run(first_tried)
    assert not Alert.objects.exists()
    defeat.tips = set()
    _run(first_tried + 20 * DAY)
    assert Alert.objects.get().quiet == ("late" if first_tried else "")


def test_an_alert_that_went_up_for_days_asks_each_step_once(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = staff.unit("S", staff.unit("D", kind="district"))
    asked: list[int] = []

    def nobody(_unit: object, _above: object, level: int, _at: object) -> tuple[()]:
        asked.append(level)
        return ()

    monkeypatch.setattr(calling, "_people", nobody)
    assert calling._next_in_line(unit, 30_000, NOON) == (30_000, ())
    assert len(asked) <= 8


def test_an_alert_that_cannot_be_called_for_waits_a_minute_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    district = District()
    other = cast.tip(cast.reporter("Second"), cast.body(urgent=URGENT))
    cast.assess()
    real: Callable[..., calling.Called | None] = calling._call

    def fails(key: int, **told: object) -> object:
        if key == district.alert.pk:
            raise LookupError("defeated")
        return real(key, **told)

    monkeypatch.setattr(calling, "_call", fails)
    monkeypatch.setattr(calling, "EACH_RUN", 1)
    Alert.objects.filter(tip=other).update(call_at=NOON + MINUTE / 2)
    told = []
    with structlog.testing.capture_logs():
        for _ in range(2):
            told += calling.call_due(by=cast.BY, now=lambda: NOON + MINUTE / 2)
    assert [one.alert for one in told] == [Alert.objects.get(tip=other).public_id]
    district.alert.refresh_from_db()
    assert district.alert.call_at == NOON + MINUTE / 2 + MINUTE


def test_the_page_shows_the_last_calls_and_how_many_came_before_them() -> None:
    district = District()
    looking = staff.looking(district.asha)

    def called(number: int) -> tuple[list[str], Counted]:
        AlertCall.objects.bulk_create(
            AlertCall(alert=district.alert, level=0, how="page", whom=f"call {n}", sent=True, at=NOON)
            for n in range(number)
        )
        (shown,) = queries_alerts.waiting(looking)
        return [one.whom for one in vars(shown)["called"]], vars(shown)["earlier"]

    assert called(0) == ([], Counted(0))
    assert called(25) == ([f"call {n}" for n in range(5, 25)], Counted(5))
    last, earlier = called(100)
    assert last[-1] == "call 99"
    assert earlier == Counted(99, more=True)


def test_what_the_program_before_made_quiet_is_said_to_be_late() -> None:
    staff.person("Asha", "triage-officer")
    tips = [imported(NOON - 31 * DAY), cast.tip(cast.reporter(), cast.body(urgent=URGENT))]
    cast.assess()
    apart, answered = (imported(NOON - 31 * DAY, number=number) for number in (2, 3))
    cast.assess()
    Alert.objects.filter(quiet="old").update(quiet="")  # it knew no reason
    Tip.objects.filter(pk=apart.pk).update(set_apart=True)
    Alert.objects.filter(tip=answered).update(
        acknowledged_by=staff.person("Ravi", "investigator"), acknowledged_at=NOON
    )
    with connection.cursor() as cursor:
        cursor.execute(import_module("nightlight.pipeline.triage.migrations.0004_failed_and_counted")._LATE)
    assert {tip: Alert.objects.get(tip=tip).quiet for tip in (*tips, apart, answered)} == {
        tips[0]: "late", tips[1]: "", apart: "", answered: "",
    }  # fmt: skip


def test_what_was_closed_together_is_opened_together_if_one_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    zoya, ravi = (staff.person(name, "investigator") for name in ("Zoya", "Ravi"))
    closer, looker = staff.looking(zoya), staff.looking(ravi)
    chat, same = cast.reporter(), cast.body()
    first, second, third, anew = (cast.tip(chat, same) for _ in range(4))
    alone = cast.tip(chat)
    cast.assess()
    monkeypatch.setattr(working, "sampled", lambda name: name == first.public_id)
    assert len(working.close(by=closer, at=NOON, tip=first.public_id, disposition="cannot-work", reason=cast.WHY)) == 4
    working.close(by=closer, at=NOON + MINUTE, tip=alone.public_id, disposition="cannot-work", reason=cast.WHY)
    working.reopen(by=closer, at=NOON, tip=anew.public_id, reason=cast.WHY)
    working.close(by=closer, at=NOON + DAY, tip=anew.public_id, disposition="not-ours", reason=cast.WHY)
    closure = Closure.objects.get(tip=first)
    assert set(working.closed_with(closure)) == {second.pk, third.pk}
    cast.guard()
    with cast.as_person(ravi):
        working.second_look(by=looker, at=NOON + DAY, tip=first.public_id, agrees=False, reason=cast.WHY, together=True)
    opened = set(Standing.objects.filter(lane=Lane.OPEN).values_list("tip_id", flat=True))
    assert opened == {first.pk, second.pk, third.pk}
    assert all("triage.reopened" in cast.events(one) for one in (first, second, third))


def test_without_asking_for_it_one_tip_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    zoya, ravi = (staff.person(name, "investigator") for name in ("Zoya", "Ravi"))
    chat, same = cast.reporter(), cast.body()
    first, second = cast.tip(chat, same), cast.tip(chat, same)
    cast.assess()
    monkeypatch.setattr(working, "ONE_IN", 1)
    working.close(by=staff.looking(zoya), at=NOON, tip=first.public_id, disposition="cannot-work", reason=cast.WHY)
    working.second_look(by=staff.looking(ravi), at=NOON, tip=first.public_id, agrees=False, reason=cast.WHY)
    assert [cast.where(one).lane for one in (first, second)] == [Lane.OPEN, Lane.CLOSED]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_press_in_the_same_moment_one_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = staff.unit("A")
    zoya, ravi, asha = (staff.person(name, "investigator", unit) for name in ("Zoya", "Ravi", "Asha"))
    tip = cast.tip(cast.reporter())
    Tip.objects.filter(pk=tip.pk).update(unit=unit)
    cast.assess()
    monkeypatch.setattr(working, "ONE_IN", 1)
    name = tip.public_id
    working.close(by=staff.looking(zoya), at=NOON, tip=name, disposition="cannot-work", reason=cast.WHY)

    together, real = threading.Barrier(2, timeout=30), working._of

    def of(by: object, tip: str) -> Standing:
        found = real(by, tip)  # type: ignore[arg-type]
        together.wait()
        return found

    monkeypatch.setattr(working, "_of", of)

    def look(user: User) -> None:
        working.second_look(by=staff.looking(user), at=NOON, tip=name, agrees=True, reason=cast.WHY)

    def hand_on(_user: User) -> None:
        by = staff.looking(ravi)
        together.wait()
        handing_on.hand_on(by=by, at=NOON, unit=unit, note="Call back at noon.")

    assert _both(look, ravi, asha) <= {"NotFound", "Conflict"}
    assert SecondLook.objects.count() == 1
    assert _both(hand_on, ravi, ravi) == {"Conflict"}
    assert Handover.objects.count() == 1


def _both(act: Callable[[User], None], *users: User) -> set[str]:
    """What two were told who did this at once, as far as it was refused."""
    said: list[str] = []

    def attempt(user: User) -> None:
        try:
            act(user)
        except Exception as refused:
            said.append(type(refused).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1
    return set(said)


def test_who_answers_a_moment_later_is_told_who_was_first(monkeypatch: pytest.MonkeyPatch) -> None:
    zoya, ravi, asha = (staff.person(name, "investigator") for name in ("Zoya", "Ravi", "Asha"))
    tip = cast.tip(cast.reporter())
    cast.assess()
    monkeypatch.setattr(working, "ONE_IN", 1)
    name = tip.public_id
    working.close(by=staff.looking(zoya), at=NOON, tip=name, disposition="cannot-work", reason=cast.WHY)
    looks = SecondLook.objects
    before: Callable[..., object] = looks.get_or_create

    def a_moment_later(**told: Any) -> object:  # noqa: ANN401 - as Django takes them
        looks.create(closure=told["closure"], agrees=True, reason=cast.WHY, by=asha, at=NOON)
        return before(**told)

    monkeypatch.setattr(looks, "get_or_create", a_moment_later)
    monkeypatch.setattr(SecondLook, "objects", looks)
    with pytest.raises(Conflict, match="Asha has looked"):
        working.second_look(by=staff.looking(ravi), at=NOON, tip=name, agrees=False, reason=cast.WHY)
    assert cast.where(tip).lane == Lane.CLOSED
