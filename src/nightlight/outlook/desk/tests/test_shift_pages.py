# SPDX-License-Identifier: Apache-2.0
"""Handing a shift on, second looks and capacity: refusals first, then that each page says what is so."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_queue_pages import (
    NOON,
    WHY,
    an_hour_later,
    chat,
    names,
    notices,
    page,
    sent,
    shown,
    signed_in,
    three,
)
from nightlight.pipeline.triage import queries_capacity, queries_shift, working
from nightlight.pipeline.triage.models import Closure, Lane, Row, SecondLook, Standing
from nightlight.pipeline.triage.models_shift import Handover, HandoverRead
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.units.models import Unit

__all__ = ["an_hour_later", "chat", "three"]
HOUR = timedelta(hours=1)
HANDOVER, HAND_ON = "/queue/handover/", "/queue/handover/hand-on/"
LOOKS, CAPACITY = "/queue/second-looks/", "/queue/capacity/"
NOTE = "The provider of NL-7F3K-9QTX calls back at noon."


def _part(text: str, heading: str) -> str:
    """One panel of a page, without its markup."""
    found = re.search(rf"<section[^>]*><h2>{re.escape(heading)}.*?</section>", text, re.S)
    assert found is not None, heading
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


# --- who may


def test_who_reads_no_tips_is_led_nowhere(charlie: Client, three: list[Tip]) -> None:
    left = _left("Ravi")
    for where in (HANDOVER, LOOKS, CAPACITY, f"{HANDOVER}{left.public_id}/"):
        assert charlie.get(where).status_code == 403, where
        assert Client().get(where).status_code == 302, where
    for where in (HAND_ON, f"{HANDOVER}{left.public_id}/read/", f"{LOOKS}{three[0].public_id}/"):
        assert charlie.post(where).status_code == 403, where
        assert charlie.get(where).status_code in {403, 405}, where
    assert Handover.objects.count() == 1
    assert not HandoverRead.objects.exists()


def test_who_does_not_work_on_tips_reads_and_writes_nothing(bob: Client, three: list[Tip]) -> None:
    left = _left("Ravi")
    text = page(bob, HANDOVER)
    assert 'name="note"' not in text
    assert "I have read it" not in page(bob, f"{HANDOVER}{left.public_id}/")
    assert bob.post(HAND_ON, {"note": NOTE}).status_code == 403
    assert bob.post(f"{HANDOVER}{left.public_id}/read/").status_code == 403
    assert bob.get(CAPACITY).status_code == 403
    _closed(three[0])
    assert 'name="agrees"' not in page(bob, LOOKS)
    assert bob.post(f"{LOOKS}{three[0].public_id}/", {"agrees": "no", "reason": WHY}).status_code == 403
    analyst = signed_in("Mira", "intake-analyst")
    assert analyst.get(LOOKS).status_code == 403
    assert analyst.get(HANDOVER).status_code == 200
    queue = page(analyst, "/queue/")
    assert LOOKS not in queue
    assert CAPACITY not in queue
    assert HANDOVER in queue
    assert not Handover.objects.exclude(pk=left.pk).exists()
    assert not SecondLook.objects.exists()


def test_nothing_is_said_of_a_unit_beyond_reach(alice: Client, db: None) -> None:
    far = _unit("DI-FAR", "Far district")
    left = _left("Ravi", far)
    ours = _unit("DI-OUR", "Our district")
    asha = Client()
    asha.force_login(cast.person("Asha", "triage-officer", ours))
    for where in (HANDOVER, CAPACITY):
        assert asha.get(where, {"unit": far.public_id}).status_code == 404
        assert asha.get(where, {"unit": "UN-0000"}).status_code == 404
        assert "Far district" not in page(asha, where)
    assert asha.get(f"{HANDOVER}{left.public_id}/").status_code == 404
    assert asha.post(f"{HANDOVER}{left.public_id}/read/").status_code == 404
    assert asha.post(HAND_ON, {"unit": far.public_id, "note": NOTE}).status_code == 404
    assert NOTE not in page(asha, "/queue/")
    assert alice.get(f"{HANDOVER}{left.public_id}/").status_code == 200  # from above it is read
    assert NOTE not in page(alice, "/queue/")  # and stands above the queue of those who work there


# --- handing on


def test_a_note_that_is_too_long_is_refused_and_not_lost(alice: Client) -> None:
    answer = alice.post(HAND_ON, {"note": "x" * 4001, "hours": "8"})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "at most 4,000 characters" in text
    assert "x" * 4001 in text
    assert '<option value="8" selected>' in text
    assert not Handover.objects.exists()
    assert alice.get(HAND_ON).status_code == 405


def test_the_page_says_what_the_shift_leaves(alice: Client, chat: ReporterLogin, three: list[Tip]) -> None:
    ravi = cast.person("Ravi", "investigator")
    mine, by = cast.viewer(User.objects.get(username="alice")), cast.viewer(ravi)
    at = clock.now()
    extra = [pile.tip(chat) for _ in range(3)]
    pile.assess()
    working.take(by=mine, at=at, tip=three[0].public_id)
    working.take(by=by, at=at, tip=three[1].public_id)
    working.snooze(by=by, at=at, tip=extra[0].public_id, until=at + 3 * HOUR, reason=WHY)
    working.snooze(by=by, at=at, tip=extra[1].public_id, until=at + 30 * HOUR, reason=WHY)
    working.override(by=by, at=at, tip=three[1].public_id, band=3, reason=WHY)
    working.close(by=by, at=at, tip=extra[2].public_id, disposition="not-ours", reason=WHY)
    Standing.objects.filter(tip=three[2]).update(dies_at=at.replace(minute=0) + 2 * HOUR)
    Standing.objects.filter(tip=three[1]).update(dies_at=at + 60 * HOUR)
    text = page(alice, HANDOVER)
    alerts = _part(text, "Alerts")
    assert "1 waits for an answer" in alerts
    assert three[2].public_id in alerts
    held = _part(text, "What is held")
    assert (
        held.index("You") < held.index(three[0].public_id) < held.index("Ravi Example") < held.index(names(*three)[1])
    )
    back = _part(text, "Put off, and back in the next 12 hours")
    assert extra[0].public_id in back
    assert extra[1].public_id not in back
    dies = _part(text, "Evidence that dies before the next shift ends")
    assert three[2].public_id in dies
    assert three[1].public_id not in dies
    assert "Low 0 0" in _part(text, "What came") or "Medium" in _part(text, "What came")
    decided = _part(text, "What was decided")
    assert "Belongs to another unit or country 1" in decided
    assert f"{three[1].public_id}" in decided
    assert "→ Critical" in decided
    assert "no duty of yours is in the roster" in text
    assert "assumed: the roster names none" in text
    later = page(alice, HANDOVER, hours="8")
    assert "no duty of yours" not in later
    alert = page(alice, HANDOVER, hours="nonsense")
    assert "no duty of yours" in alert


def test_it_counts_from_the_duty_in_the_roster(alice: Client, three: list[Tip]) -> None:
    at, user = clock.now(), User.objects.get(username="alice")
    ravi = cast.person("Ravi", "investigator")
    for who, begins, ends in ((user, -1, 6), (ravi, 6, 14)):
        units.add_shift(
            by="command:cli",
            at=at,
            person=who,
            unit=cast.root(),
            starts_at=at + begins * HOUR,
            ends_at=at + ends * HOUR,
        )
    text = page(alice, HANDOVER)
    assert "your duty, by the roster" in text
    assert "assumed" not in text
    span = queries_shift.span_of(cast.viewer(user), cast.root(), at)
    assert (span.since, span.next_ends_at) == (at - HOUR, at + 14 * HOUR)


def test_a_shift_is_handed_on_and_taken_over(alice: Client, three: list[Tip]) -> None:
    text = sent(alice, HAND_ON, note=f"  {NOTE}\r\nSecond line.  ", unit=cast.root().public_id)
    assert notices(text)[0].startswith("success: Handed on.")
    handover = Handover.objects.get()
    assert handover.note == f"{NOTE}\nSecond line."
    kept = json.loads(handover.figures)
    assert kept["alerts_waiting"] == [three[2].public_id]
    assert sum(kept["new_rows"].values()) == 3
    assert "grey-heron" not in handover.figures
    event = Event.objects.get(kind="queue.handed-on")
    assert event.subject == f"unit:{cast.root().public_id}"
    assert NOTE not in event.body
    # The same again is pressed twice.
    again = alice.post(HAND_ON, {"note": handover.note})
    assert again.status_code == 409
    assert "already" in again.content.decode()
    # Not above the queue of who wrote it; above that of who comes.
    assert NOTE not in page(alice, "/queue/")
    assert notices(sent(alice, f"{HANDOVER}{handover.public_id}/read/"))[0].startswith("error: You wrote this yourself")
    ravi = signed_in("Ravi", "investigator")
    assert NOTE in page(ravi, "/queue/")
    one = page(ravi, f"{HANDOVER}{handover.public_id}/")
    assert "Second line." in one
    assert "Nobody has said so yet." in one
    assert "Alice Example" in one
    told = sent(ravi, f"{HANDOVER}{handover.public_id}/read/", back="queue")
    assert notices(told) == ["success: You have taken over from Alice Example."]
    assert NOTE not in told
    assert notices(sent(ravi, f"{HANDOVER}{handover.public_id}/read/")) == ["error: You have read this already."]
    assert HandoverRead.objects.get().by.username == "ravi"
    assert Event.objects.get(kind="queue.taken-over").actor == cast.viewer(User.objects.get(username="ravi")).actor
    assert "Ravi Example" in _part(page(alice, HANDOVER), "Hand-overs before")
    assert shown(told) == names(three[2], three[1], three[0])


def test_a_note_leaves_the_queue_after_a_week_and_stays_on_record(alice: Client) -> None:
    left, viewer = _left("Ravi"), cast.viewer(User.objects.get(username="alice"))
    assert queries_shift.waiting(viewer, NOON + timedelta(days=7)) == [left]
    assert queries_shift.waiting(viewer, NOON + timedelta(days=8)) == []
    assert NOTE in page(alice, f"{HANDOVER}{left.public_id}/")


def test_what_was_handed_on_is_not_changed(db: None) -> None:
    left = _left("Ravi")
    for change in (lambda: Handover.objects.update(note="Another"), left.delete):
        with pytest.raises(IntegrityError, match="append"), transaction.atomic():
            change()


# --- second looks


def test_a_look_needs_an_answer_a_reason_and_another_person(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    where = f"{LOOKS}{tip.public_id}/"
    assert notices(sent(alice, where, agrees="yes", reason=WHY)) == [
        "error: No closure of this tip waits for a second look."
    ]
    _closed(tip)
    for agrees, reason, refusal in (
        ("", WHY, "Say whether you agree"),
        ("maybe", WHY, "Say whether you agree"),
        ("no", "wrong", "Say what you found, in at least 15 characters."),
    ):
        (told,) = notices(sent(alice, where, agrees=agrees, reason=reason))
        assert told.startswith(f"error: {refusal}"), told
    closer = Client()
    closer.force_login(User.objects.get(username="zoya"))
    assert tip.public_id not in page(closer, LOOKS)
    answer = closer.post(where, {"agrees": "yes", "reason": WHY})
    assert answer.status_code == 403
    assert "Somebody else has to look at what you closed." in answer.content.decode()
    assert not SecondLook.objects.exists()
    assert pile.where(tip).lane == Lane.CLOSED


def test_closures_wait_oldest_first_and_one_that_was_wrong_is_opened_again(alice: Client, three: list[Tip]) -> None:
    for number, tip in enumerate(reversed(three)):
        _closed(tip, at=NOON + number * timedelta(minutes=1))
    text = page(alice, LOOKS)
    assert re.findall(r'<a href="/tips/([^/]+)/"', text) == names(*reversed(three))
    assert "Cannot be worked: nothing leads to anybody" in text
    assert "The score said then: Critical, harm" in _plain(text)
    told = sent(alice, f"{LOOKS}{three[2].public_id}/", agrees="no", reason=WHY)
    assert notices(told) == [f"success: Recorded. {three[2].public_id} is open in the queue again."]
    assert pile.where(three[2]).lane == Lane.OPEN
    told = sent(alice, f"{LOOKS}{three[1].public_id}/", agrees="yes", reason=WHY)
    assert notices(told) == [f"success: Recorded: the closure of {three[1].public_id} was right."]
    assert pile.where(three[1]).lane == Lane.CLOSED
    plain = _plain(told)
    assert "3 drawn by chance" in plain
    assert "2 looked at" in plain
    assert "1 found wrong 50 %; so few looks allow for 9 to 91 %" in plain
    assert "Zoya" not in plain.split("What this is for")[1]


def test_of_a_tip_that_was_closed_twice_the_latest_closure_comes_first(alice: Client, three: list[Tip]) -> None:
    _closed(three[0])
    Closure.objects.create(
        tip=three[0], disposition="evidence-gone", reason="Gone since", sampled=True, by=_zoya(), at=NOON + HOUR
    )
    assert "Gone since" in page(alice, LOOKS)
    assert "nothing leads to anybody" not in page(alice, LOOKS)
    sent(alice, f"{LOOKS}{three[0].public_id}/", agrees="yes", reason=WHY)
    assert "nothing leads to anybody" in page(alice, LOOKS)


# --- capacity


@pytest.mark.parametrize("asked", [{"officers": "-1"}, {"officers": "1.5"}, {"officers": "²"}, {"each": "0"}])
def test_numbers_that_are_none_are_told_and_not_used(alice: Client, three: list[Tip], asked: dict[str, str]) -> None:
    Standing.objects.update(arrived_at=NOON - timedelta(days=40))  # of a unit that is not new
    text = page(alice, CAPACITY, 400, **asked)
    assert "Give a whole number from" in text
    assert "With 1 officer the pile" in text


def test_an_empty_unit_says_that_nothing_is_measured(alice: Client) -> None:
    text = _plain(page(alice, CAPACITY))
    assert "The pile is empty now, and 1 officer keep it so." in text
    assert "Not measured: fewer than 20 closures in these days. Assumed: 8 tips an officer a working day." in text


def test_the_pile_is_counted_by_band_and_age_and_the_forecast_follows(
    alice: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = timedelta(days=1)
    for age in (20, 10, 2):
        for _ in range(8):
            pile.tip(chat, at=NOON + (20 - age) * days)
    pile.assess(NOON + 18 * days)
    monkeypatch.setattr(clock, "now", lambda: NOON + 20 * days + HOUR)
    text = page(alice, CAPACITY, officers="0")
    assert "With 0 officers the pile never gets empty" in text
    cells = re.findall(r"<td class=\"n[^\"]*\">(?:<b>)?(\d+)", text.split('class="backlog"')[1].split("</table>")[0])
    rows = [[int(cell) for cell in cells[number * 11 : number * 11 + 11]] for number in range(4)]
    assert [sum(column) for column in zip(*rows, strict=True)][:10] == [24, 0, 0, 0, 8, 0, 8, 8, 0, 0]
    assert "Only the last 19 whole days are counted" in text
    assert _plain(text).count("never") >= 4
    # In most weeks eight came: of four officers' 24 a day, 22.9 are for the 24 that wait.
    told = page(alice, CAPACITY, officers="4", each="6")
    assert "With 4 officers the pile is empty on 12 Dec 2026." in told
    assert "because you entered it" in told


def test_what_officers_close_is_measured_from_twenty_closures_on(
    alice: Client, chat: ReporterLogin, three: list[Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    zoya, later = _zoya(), NOON + timedelta(days=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    tips = [*three, *(pile.tip(chat) for _ in range(17))]
    pile.assess()
    for number, tip in enumerate(tips[:19]):
        _closed(tip, at=NOON + timedelta(days=1 + number % 7), sampled=False)
    assert "not measured, assumed 8" in _plain(page(alice, CAPACITY))
    _closed(tips[19], at=NOON + timedelta(days=7), sampled=False)
    units.add_shift(  # a day of duty without a closure is a working day too
        by="command:cli", at=NOON, person=zoya, unit=cast.root(),
        starts_at=NOON + timedelta(days=8), ends_at=NOON + timedelta(days=8, hours=8),
    )  # fmt: skip
    text = _plain(page(alice, CAPACITY))
    assert "not measured" not in text
    assert "by an officer a working day half of the weeks:" in text
    assert "“As now” is 0.9 officers at work on a calendar day, on average;" in text


def test_rows_that_count_only_so_far_are_counted_whole(
    alice: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = pile.body()
    for _ in range(3):
        pile.tip(chat, same)
    pile.link()
    pile.assess()
    assert Row.objects.update(tips=2) == 1  # as the trigger writes it for a row of more than it counts
    assert "2 tips are not closed" in _plain(page(alice, CAPACITY))
    monkeypatch.setattr(queries_capacity, "MOST_COUNTED", 1)
    assert "3 tips are not closed" in _plain(page(alice, CAPACITY))


# --- what these tests have done by others


def _unit(code: str, name: str) -> Unit:
    return units.add_unit(by="command:cli", at=NOON, code=code, name=name, kind="district", parent=cast.root())


def _left(name: str, unit: Unit | None = None) -> Handover:
    """What somebody left to the next shift."""
    user = cast.person(name, "investigator", unit)
    client = Client()
    client.force_login(user)
    assert client.post(HAND_ON, {"note": NOTE}).status_code == 302
    return Handover.objects.get(by=user)


def _zoya() -> User:
    return User.objects.filter(username="zoya").first() or cast.person("Zoya", "investigator")


def _closed(tip: Tip, at: datetime | None = None, *, sampled: bool = True) -> None:
    """Zoya closed it, and the closure was drawn for a second look."""
    Closure.objects.create(
        tip=tip, disposition="cannot-work", reason=f"Read twice: nothing leads to anybody in {tip.public_id}.",
        sampled=sampled, by=_zoya(), at=at or NOON + timedelta(minutes=30),
    )  # fmt: skip
    Standing.objects.filter(tip=tip).update(lane=Lane.CLOSED)
