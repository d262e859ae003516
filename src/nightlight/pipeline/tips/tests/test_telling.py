# SPDX-License-Identifier: Apache-2.0
"""What people tell: limits first, then kept, understood, added to, and how far it has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.tips import seeing, shown, summarising, telling, telling_codes, verify
from nightlight.pipeline.tips.formats.hotline import HOTLINE, LONGEST_TEXT, Added, Told
from nightlight.pipeline.tips.models import Document, LikelyDuplicate, Source, Tip, Unread
from nightlight.pipeline.tips.models_telling import TellingCode, TellingLimit
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.sealed.models import Identity, SearchDigest
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from nightlight.pipeline.tips.telling import Taken

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADDRESS = "198.51.100.23"
_OF_ADDRESS: tuple[tuple[str, dict[str, object]], ...] = (("key", {}), ("told", {"key__gt": bytes(16)}))
WORDS = "A stranger keeps writing to a pupil on Example Chat. Call me: 98765 43210."
TOLD = Told(
    HOTLINE,
    WORDS,
    platform="Example Chat",
    addresses="https://chat.example.org/room\n@fern_kite",
    danger="yes",
    state="IN-KL",
    place="Example Nagar",
    child_name="Meera Invented",
    contact="+91 98765 43210, teller@example.org",
)


def taken(told: Told = TOLD, *, at: datetime = NOON) -> Taken:
    """Told on the hotline page, and read."""
    done = telling.take(by=telling.BY, at=at, told=told, with_code=True)
    summarising.summarise([Tip.objects.get(public_id=done.tip)], by="service:worker", at=at)
    return done


def admit(address: str, at: datetime = NOON, *, per_address: int = 2, per_hour: int = 3) -> None:
    """One more try, under small limits."""
    telling.admit(address=address, at=at, per_address=per_address, per_hour=per_hour)


@pytest.mark.parametrize("what", ["", " \n ", "x" * (LONGEST_TEXT + 1), "nothing\0to keep", "half \ud800 a letter"])
def test_what_says_nothing_or_cannot_be_kept_is_refused(what: str) -> None:
    with pytest.raises(Conflict):
        telling.take(by=telling.BY, at=NOON, told=Told(HOTLINE, what), with_code=True)
    assert not Tip.objects.exists()


def test_an_address_and_all_together_are_held_to_their_limits_and_no_address_is_kept() -> None:
    admit(ADDRESS)
    admit(ADDRESS)
    with pytest.raises(telling.TooOften):
        admit(ADDRESS)
    admit("2001:db8:1:2::7")
    with pytest.raises(telling.TooOften):  # nobody is taken any more, and nothing is counted for a new address
        admit("203.0.113.9")
    assert sorted(TellingLimit.objects.values_list("number", flat=True)) == [0, 1, 2, 3]
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM tips_tellinglimit t")
        kept = " ".join(row[0] for row in cursor.fetchall())
    assert ADDRESS not in kept
    assert ADDRESS.encode().hex() not in kept
    admit(ADDRESS, NOON + timedelta(hours=1))
    assert TellingLimit.objects.count() == 3  # of the earlier hour nothing is left but the key of the day


def test_nobody_can_try_afterwards_which_address_told_something(settings: Settings) -> None:
    admit(ADDRESS)
    key, counted = (bytes(TellingLimit.objects.get(kind=kind, number__lt=2, **more).key) for kind, more in _OF_ADDRESS)
    assert telling_codes.limit_key(key, ADDRESS) == counted
    assert telling_codes.limit_key(settings.NIGHTLIGHT_TELLING_KEY, ADDRESS) != counted
    with connection.cursor() as cursor:  # in no backup and no archive of the log
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'tips_tellinglimit'")
        assert cursor.fetchone() == ("u",)
    assert telling.sweep(at=NOON) == 0
    assert telling.sweep(at=NOON + timedelta(hours=1)) == 2  # the address, and all together: nobody else has to tell
    assert telling.sweep(at=NOON + timedelta(hours=12)) == 1  # with the day goes its key
    assert not TellingLimit.objects.exists()


def test_a_wrong_code_is_answered_with_nothing() -> None:
    wrong = telling_codes.new_code()
    assert [telling.state_of(code, NOON) for code in ("", "no code", wrong)] == [None, None, None]
    with pytest.raises(NotFound):
        telling.add(at=NOON, code=wrong, added=Added("More was written today."))
    assert not Document.objects.exists()


def test_what_is_told_becomes_a_tip_and_the_contact_is_sealed() -> None:
    done = taken()
    tip = Tip.objects.get(public_id=done.tip)
    assert (tip.source, tip.state, tip.escalated, tip.unit.receives) == (Source.HOTLINE, "received", True, True)
    told = shown.of(tip)
    assert told.contact == "left"
    body = repr(told)
    assert "keeps writing to a pupil" in body
    assert "Kerala" in body
    for hidden in ("98765 43210", "teller@example.org", "Meera"):
        assert hidden not in body
    assert told.reading is not None
    assert told.reading.incident.escalation
    sealed = Identity.objects.get(source=shown.TELLER)
    assert sealed.kind == "teller"
    assert not SearchDigest.objects.filter(identity=sealed).exists()  # no search finds who told something
    event = Event.objects.get(kind="tip.told")
    assert "98765" not in event.body
    assert [*verify.check()] == []


def test_the_same_words_again_are_kept_and_flagged() -> None:
    first, second = taken(), taken(at=NOON + timedelta(hours=2))
    found = LikelyDuplicate.objects.get()
    assert (found.earlier.public_id, found.tip.public_id) == (first.tip, second.tip)


def test_who_comes_back_with_the_code_is_told_how_far_it_is_and_adds_to_it() -> None:
    done = taken()
    subject = f"tip:{done.tip}"
    assert done.code.replace("-", "") not in repr(TellingCode.objects.values())
    assert telling.state_of(done.code.lower().replace("-", " "), NOON) == "received"
    Unread.objects.all().delete()
    again = Added("He wrote again, from 98765-43210.", danger="yes")
    telling.add(at=NOON, code=done.code, added=again, form="one")
    assert Unread.objects.count() == 1
    tip = Tip.objects.get(public_id=done.tip)
    summarising.summarise([tip], by="service:worker", at=NOON)
    reading = shown.of(tip).reading
    assert reading is not None
    assert reading.statements[-1].value == "He wrote again, from [contact of the person who told us]."
    telling.add(at=NOON, code=done.code, added=again, form="one")
    assert Document.objects.filter(kind="addition").count() == 1  # the same page, loaded again
    telling.add(at=NOON, code=done.code, added=again, form="two")
    telling.add(at=NOON, code=done.code, added=again)
    assert Document.objects.filter(kind="addition").count() == 3  # it happened again, and was said in the same words
    assert [*verify.check()] == []
    seeing.tell_of_addition(subject=subject, at=NOON)
    assert {*Notice.objects.values_list("kind", flat=True)} == {"tip.added-to"}


def test_the_same_form_sent_twice_is_one_tip_and_one_code() -> None:
    def told(what: str, form: str = "f1") -> Taken:
        return telling.take(by=telling.BY, at=NOON, told=Told(HOTLINE, what), with_code=True, form=form)

    first = told(WORDS)
    assert told(WORDS) == first
    other, elsewhere = told("Other words, from the same page."), told(WORDS, "f2")
    assert len({one.code for one in (first, other, elsewhere)}) == 3
    assert Tip.objects.count() == TellingCode.objects.count() == 3


DAY = timedelta(days=1)
LATE = NOON + timedelta(hours=6, minutes=20)  # 23:50 in India


@pytest.mark.parametrize(
    ("happened", "states"),
    [
        ([], ["received", "looked-at", "looked-at"]),
        ([("tip.viewed", {})], ["received", "looked-at", "looked-at"]),
        ([("routing.accepted", {})], ["received", "passed-on", "passed-on"]),
        ([("triage.closed", {"disposition": "no-offence"})], ["received", "closed", "closed"]),
        (
            [("triage.closed", {"disposition": "no-offence"}), ("triage.reopened", {})],
            ["received", "looked-at", "looked-at"],
        ),
        ([("triage.closed", {"disposition": "referred"})], ["received", "looked-at", "looked-at"]),
        ([("triage.closed", {"disposition": "linked"})], ["received", "looked-at", "looked-at"]),
        ([("routing.accepted", {}), ("feedback.held-back", {})], ["received", "looked-at", "looked-at"]),
        ([("routing.accepted", {}), ("routing.sealed", {})], ["received", "looked-at", "looked-at"]),
        (
            [("feedback.held-back", {}), ("routing.accepted", {}), ("feedback.released", {})],
            ["received", "passed-on", "passed-on"],
        ),
    ],
)  # fmt: skip
def test_the_word_changes_from_day_to_day_and_can_be_held_back(
    happened: list[tuple[str, dict[str, str]]], states: list[str]
) -> None:
    done = taken()
    for kind, data in happened:
        custody.append(by="officer:OF-1111-1111", at=NOON, kind=kind, subject=f"tip:{done.tip}", data=data)
    asked = (LATE, LATE + timedelta(minutes=20), NOON + 9 * DAY)
    assert [telling.state_of(done.code, at) for at in asked] == states


def test_what_happens_after_it_was_set_apart_is_not_told() -> None:
    done = taken()
    Tip.objects.update(set_apart=True)
    for number, kind in enumerate(("person.cleared", "routing.accepted"), 1):
        custody.append(by="officer:OF-1111-1111", at=NOON + number * DAY, kind=kind, subject=f"tip:{done.tip}", data={})
    assert telling.state_of(done.code, NOON + 9 * DAY) == "looked-at"


def test_what_is_added_to_a_tip_that_was_set_apart_is_a_new_tip_in_which_nobody_is_named() -> None:
    done = taken()
    first = Tip.objects.get()
    Tip.objects.update(set_apart=True)
    telling.add(at=NOON, code=done.code, added=Added("Meera says: another man, call 9876543210.", danger="yes"))
    new = Tip.objects.exclude(pk=first.pk).get()
    assert (new.set_apart, new.escalated, new.unit, new.source) == (False, True, first.unit, Source.HOTLINE)
    summarising.summarise([new], by="service:worker", at=NOON)
    told = shown.of(new)
    assert told.contact == "left"
    for hidden in ("Meera", "9876543210", "fern_kite", "teller@example.org"):
        assert hidden not in repr(told)
    assert "another man" in repr(told)
    seeing.tell_of_addition(subject=f"tip:{first.public_id}", at=NOON)
    assert {*Notice.objects.values_list("role", flat=True)} == {"commander", "legal-reviewer"}
    assert new.public_id in Event.objects.get(kind="tip.added-to").body
    assert [*verify.check()] == []
    Document.objects.filter(tip=first).update(key_part=b"")  # destroyed: what to mask is not known any more
    summarising.summarise([new], by="service:worker", at=NOON)
    assert "another man" not in repr(shown.of(new))


def test_what_was_destroyed_has_no_code_any_more() -> None:
    done = taken()
    custody.append(by="service:worker", at=NOON, kind="record.destroyed", subject=f"tip:{done.tip}", data={})
    assert telling.state_of(done.code, NOON) is None
    with pytest.raises(NotFound):
        telling.add(at=NOON, code=done.code, added=Added("More"))
