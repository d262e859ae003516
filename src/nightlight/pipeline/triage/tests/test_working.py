# SPDX-License-Identifier: Apache-2.0
"""What officers do in the queue: refusals first, then that it is done, once, in their own name, and written down."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.tips import handing
from nightlight.pipeline.triage import working
from nightlight.pipeline.triage.models import Band, Closure, Disposition, Lane, Row, Score, SecondLook, Standing
from nightlight.pipeline.triage.tests import cast
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
NOON, WHY, HOUR = cast.NOON, cast.WHY, timedelta(hours=1)


class Station:
    """A station with people, a tip that it holds, and somebody at the next station."""

    def __init__(self) -> None:
        self.unit, self.next = staff.unit("A"), staff.unit("B")
        self.asha = staff.person("Asha", "triage-officer", self.unit)
        self.ravi = staff.person("Ravi", "investigator", self.unit)
        self.kavita = staff.person("Kavita", "commander", self.unit)
        self.analyst = staff.person("Mira", "intake-analyst", self.unit)
        self.dev = staff.person("Dev", "triage-officer", self.next)
        self.chat = cast.reporter()
        self.tip = self.held()

    def held(self, report: bytes = b"") -> Tip:
        """A tip that the station holds, scored."""
        tip = cast.tip(self.chat, report)
        with identity.acting_as(service="command"):
            handing.hand_over(by=staff.CLI, at=NOON, tip=tip, to=self.unit, why="area")
        cast.assess()
        return tip


@pytest.fixture
def station() -> Station:
    """The station."""
    return Station()


def told(of: Tip) -> list[str]:
    """What the log says officers did with a tip."""
    return [kind for kind in cast.events(of) if kind.startswith("triage.")]


def take(user: User, tip: Tip) -> list[Standing]:
    """Take a tip."""
    return working.take(by=staff.looking(user), at=NOON, tip=tip.public_id)


def test_who_does_not_work_on_tips_or_works_elsewhere_takes_none(station: Station) -> None:
    with pytest.raises(NotAllowed, match="worked by triage officers"):
        take(station.analyst, station.tip)
    with pytest.raises(NotAllowed, match="holds this tip"):
        take(station.dev, station.tip)
    with pytest.raises(NotFound):
        working.take(by=staff.looking(station.asha), at=NOON, tip="NL-2222-2222")
    assert told(station.tip) == []


def test_a_tip_is_taken_once(station: Station) -> None:
    take(station.asha, station.tip)
    with pytest.raises(Conflict, match="Asha has taken this"):
        take(station.ravi, station.tip)
    with pytest.raises(Conflict, match="Asha"):
        take(station.kavita, station.tip)  # a commander assigns, with an entry that says so
    take(station.asha, station.tip)
    assert told(station.tip) == ["triage.taken"]
    assert Row.objects.get(lead=station.tip).holder == station.asha


def test_the_whole_row_is_taken_together(station: Station) -> None:
    same = cast.body()
    first, second = station.held(same), station.held(same)
    assert cast.row(first) == cast.row(second)
    take(station.asha, second)
    assert {cast.where(one).holder for one in (first, second)} == {station.asha}
    assert told(first) == told(second) == ["triage.taken"]
    assert cast.where(station.tip).holder is None


def test_giving_back_is_for_who_holds_it_or_commands(station: Station) -> None:
    with pytest.raises(Conflict, match="Nobody holds"):
        working.release(by=staff.looking(station.asha), at=NOON, tip=station.tip.public_id)
    take(station.asha, station.tip)
    with pytest.raises(Conflict, match="Asha"):
        working.release(by=staff.looking(station.ravi), at=NOON, tip=station.tip.public_id)
    working.release(by=staff.looking(station.kavita), at=NOON, tip=station.tip.public_id)
    assert cast.where(station.tip).holder is None
    assert told(station.tip) == ["triage.taken", "triage.released"]


def test_a_tip_is_given_to_somebody_who_works_in_the_unit(station: Station) -> None:
    asha = staff.looking(station.asha)
    for nobody in (station.dev, station.analyst):
        with pytest.raises(NotFound, match="no person"):
            working.assign(by=asha, at=NOON, tip=station.tip.public_id, to=nobody.public_id)
    working.assign(by=asha, at=NOON, tip=station.tip.public_id, to=station.ravi.public_id)
    assert cast.where(station.tip).holder == station.ravi
    assert Notice.objects.filter(user=station.ravi, kind="triage.assigned").count() == 1
    assert told(station.tip) == ["triage.assigned"]


def test_putting_off_needs_a_reason_and_a_time_to_come(station: Station) -> None:
    asha, name = staff.looking(station.asha), station.tip.public_id
    with pytest.raises(Conflict, match="why this can wait"):
        working.snooze(by=asha, at=NOON, tip=name, until=NOON + HOUR, reason="later")
    for until in (NOON, NOON + timedelta(days=91)):
        with pytest.raises(Conflict, match="at most 90 days"):
            working.snooze(by=asha, at=NOON, tip=name, until=until, reason=WHY)
    working.snooze(by=asha, at=NOON, tip=name, until=NOON + HOUR, reason=WHY)
    assert cast.where(station.tip).lane == Lane.SNOOZED and not Row.objects.filter(lead=station.tip).exists()
    with pytest.raises(Conflict, match="put off"):
        take(station.asha, station.tip)
    assert told(station.tip) == ["triage.put-off"]


def test_closing_needs_a_disposition_and_opening_again_a_reason(station: Station) -> None:
    asha, name = staff.looking(station.asha), station.tip.public_id
    with pytest.raises(Conflict, match="how it ended"):
        working.close(by=asha, at=NOON, tip=name, disposition="done", reason=WHY)
    with pytest.raises(Conflict, match="why this is done"):
        working.close(by=asha, at=NOON, tip=name, disposition=Disposition.NO_OFFENCE, reason="")
    working.close(by=asha, at=NOON, tip=name, disposition=Disposition.NO_OFFENCE, reason=WHY)
    assert cast.where(station.tip).lane == Lane.CLOSED
    with pytest.raises(Conflict, match="closed"):
        working.close(by=asha, at=NOON, tip=name, disposition=Disposition.NO_OFFENCE, reason=WHY)
    with pytest.raises(Conflict, match="worked again"):
        working.reopen(by=asha, at=NOON, tip=name, reason=" ")
    working.reopen(by=asha, at=NOON, tip=name, reason=WHY)
    assert cast.where(station.tip).lane == Lane.OPEN
    assert told(station.tip) == ["triage.closed", "triage.reopened"]


def test_what_one_holds_another_does_not_close(station: Station) -> None:
    take(station.asha, station.tip)
    with pytest.raises(Conflict, match="Asha"):
        working.close(
            by=staff.looking(station.ravi), at=NOON, tip=station.tip.public_id, disposition="linked", reason=WHY
        )


def test_one_in_fifty_is_sampled_and_nobody_can_choose_which() -> None:
    names = [f"NL-{number:04d}-TEST" for number in range(10_000)]
    chosen = {name for name in names if working.sampled(name)}
    assert 140 <= len(chosen) <= 260  # 200 expected; the key is the installation's own
    assert chosen == {name for name in names if working.sampled(name)}


def test_a_second_person_looks_at_a_sampled_closure(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    name, asha, ravi = station.tip.public_id, staff.looking(station.asha), staff.looking(station.ravi)
    with pytest.raises(NotFound, match="No closure"):
        working.second_look(by=ravi, at=NOON, tip=name, agrees=True, reason=WHY)
    monkeypatch.setattr(working, "ONE_IN", 1)
    working.close(by=asha, at=NOON, tip=name, disposition=Disposition.CANNOT_WORK, reason=WHY)
    assert Closure.objects.get(tip=station.tip).sampled
    with pytest.raises(NotAllowed, match="Somebody else"):
        working.second_look(by=asha, at=NOON, tip=name, agrees=True, reason=WHY)
    with pytest.raises(NotAllowed):
        working.second_look(by=staff.looking(station.dev), at=NOON, tip=name, agrees=True, reason=WHY)
    working.second_look(by=ravi, at=NOON, tip=name, agrees=False, reason=WHY)
    assert cast.where(station.tip).lane == Lane.OPEN and SecondLook.objects.get().by == station.ravi
    with pytest.raises(NotFound):
        working.second_look(by=ravi, at=NOON, tip=name, agrees=True, reason=WHY)
    assert told(station.tip) == ["triage.closed", "triage.second-look", "triage.reopened"]


def test_only_what_cannot_be_worked_is_sampled(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "ONE_IN", 1)
    working.close(
        by=staff.looking(station.asha), at=NOON, tip=station.tip.public_id, disposition="referred", reason=WHY
    )
    assert not Closure.objects.get(tip=station.tip).sampled


def test_another_band_needs_a_reason_and_counts_at_once(station: Station) -> None:
    asha, name = staff.looking(station.asha), station.tip.public_id
    with pytest.raises(Conflict, match="right one"):
        working.override(by=asha, at=NOON, tip=name, band=Band.HIGH, reason="no")
    with pytest.raises(Conflict, match="no such band"):
        working.override(by=asha, at=NOON, tip=name, band=7, reason=WHY)
    with pytest.raises(Conflict, match="rules decide"):
        working.override(by=asha, at=NOON, tip=name, band=None, reason=WHY)
    made = working.override(by=asha, at=NOON, tip=name, band=Band.HIGH, reason=WHY)
    assert made.rules_band == Score.objects.get(tip=station.tip).band == Band.LOW
    assert Row.objects.get(lead=station.tip).band == Band.HIGH
    with pytest.raises(Conflict, match="already"):
        working.override(by=asha, at=NOON, tip=name, band=Band.HIGH, reason=WHY)
    working.override(by=asha, at=NOON, tip=name, band=None, reason=WHY)
    assert Row.objects.get(lead=station.tip).band == Band.LOW
    assert told(station.tip) == ["triage.overridden", "triage.overridden"]


def test_only_facts_for_officers_are_recorded_and_only_as_what_they_are(station: Station) -> None:
    asha, name = staff.looking(station.asha), station.tip.public_id
    until = datetime(2027, 1, 1, tzinfo=UTC)
    for fact, value in (("religion", True), ("escalated_by_reporter", True)):
        with pytest.raises(Conflict, match="no fact that an officer"):
            working.record_fact(by=asha, at=NOON, tip=name, fact=fact, value=value, reason=WHY)
    with pytest.raises(Conflict, match="yes or no"):
        working.record_fact(by=asha, at=NOON, tip=name, fact="prior_record", value=until, reason=WHY)
    with pytest.raises(Conflict, match="Say a time"):
        working.record_fact(by=asha, at=NOON, tip=name, fact="preserved_until", value=True, reason=WHY)
    with pytest.raises(Conflict, match="how you know"):
        working.record_fact(by=asha, at=NOON, tip=name, fact="prior_record", value=True, reason="")
    before = cast.where(station.tip).harm
    working.record_fact(by=asha, at=NOON, tip=name, fact="prior_record", value=True, reason=WHY)
    working.record_fact(by=asha, at=NOON, tip=name, fact="preserved_until", value=until, reason=WHY)
    cast.assess()
    assert cast.where(station.tip).harm > before
    assert told(station.tip) == ["triage.fact-recorded", "triage.fact-recorded"]
    bodies = Event.objects.filter(kind="triage.fact-recorded").values_list("body", flat=True)
    assert not any(WHY in body for body in bodies)  # reasons can be destroyed one day, the log cannot


def test_the_database_lets_officers_do_all_this_and_nobody_else(station: Station) -> None:
    cast.guard()
    name = station.tip.public_id
    with cast.as_person(station.dev), pytest.raises(NotFound):
        take(station.dev, station.tip)
    with cast.as_person(station.analyst):
        assert Standing.objects.filter(tip=station.tip).update(holder=station.analyst) == 0
    with cast.as_person(station.asha):
        asha = staff.looking(station.asha)
        working.take(by=asha, at=NOON, tip=name)
        working.assign(by=asha, at=NOON, tip=name, to=station.asha.public_id)
        working.override(by=asha, at=NOON, tip=name, band=Band.HIGH, reason=WHY)
        working.record_fact(by=asha, at=NOON, tip=name, fact="prior_record", value=True, reason=WHY)
        working.snooze(by=asha, at=NOON, tip=name, until=NOON + HOUR, reason=WHY)
        working.reopen(by=asha, at=NOON, tip=name, reason=WHY)
        working.release(by=asha, at=NOON, tip=name)
        working.close(by=asha, at=NOON, tip=name, disposition="linked", reason=WHY)
    assert cast.where(station.tip).lane == Lane.CLOSED


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_tip_in_the_same_moment_one_has_it_and_the_other_is_told_who(station: Station) -> None:
    together, said = threading.Barrier(2), []

    def attempt(user: User) -> None:
        try:
            together.wait()
            take(user, station.tip)
            said.append(str(user))
        except Conflict as refused:
            said.append(refused.reason)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=[user]) for user in (station.asha, station.ravi)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = cast.where(station.tip).holder
    assert sorted(said) == sorted([str(winner), f"{winner} has taken this already."])
    assert told(station.tip) == ["triage.taken"]
