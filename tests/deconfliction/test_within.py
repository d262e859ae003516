# SPDX-License-Identifier: Apache-2.0
"""Officers ask which other unit holds what their tip holds: both units are told, and neither sees the other's tip."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.deconfliction import asking, contacts, rules
from nightlight.pipeline.linking.deconfliction.models import Asking, Held
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Identifier, Sighting, Subject, Waiting
from nightlight.pipeline.linking.tests.db_cast import LATER, NOON, link, person, reporter, suspect, victim
from nightlight.pipeline.tips.models import Tip
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.units.viewer import viewer_of
from tests.deconfliction.cast import (
    EMAIL,
    PHONE,
    as_nobody,
    as_pages,
    as_step,
    given,
    hold_to_rights,
    station,
    told,
    two_units,
)

pytestmark = pytest.mark.django_db


def test_who_does_not_see_the_tip_and_whose_role_may_not_is_refused_by_the_database_too() -> None:
    two = two_units()
    auditor = person("Noor", "auditor", two.a)
    mine = given(reporter(), two.a, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.dev) as dev:
        with pytest.raises(Conflict, match="another unit"):  # as of one that was handed over meanwhile
            asking.ask(mine, by=dev, at=LATER)
        with pytest.raises(DatabaseError), transaction.atomic():
            Asking.objects.create(public_id="DQ-1", tip=mine, unit=two.a, by=two.dev, at=LATER)
    with as_pages(auditor) as noor:
        with pytest.raises(NotAllowed):
            asking.ask(mine, by=noor, at=LATER)
        with pytest.raises(DatabaseError), transaction.atomic():
            Asking.objects.create(public_id="DQ-1", tip=mine, unit=two.a, by=auditor, at=LATER)
    with as_pages(two.asha), pytest.raises(DatabaseError), transaction.atomic():  # for another unit
        Asking.objects.create(public_id="DQ-1", tip=mine, unit=two.b, by=two.asha, at=LATER)
    with as_pages(two.asha), pytest.raises(DatabaseError), transaction.atomic():  # in another's name
        Asking.objects.create(public_id="DQ-1", tip=mine, unit=two.a, by=two.dev, at=LATER)
    assert not Asking.objects.exists()


def test_nobody_answers_an_asking_of_somebody_else_and_no_page_asks_what_only_functions_may() -> None:
    two = two_units()
    mine = given(reporter(), two.a, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        asking.ask(mine, by=asha, at=LATER)
    made = Asking.objects.get()
    for statement in (
        f"SELECT linking_ask({made.pk}, '{{}}')",
        "SELECT linking_may_be_told(1)",
        "SELECT * FROM linking_holders(1)",
        "SELECT linking_tell_units('{1}', '', now(), '{}')",
        "SELECT linking_fresh('{1}', '{1}')",
        "SELECT linking_first_refusal('', '', now())",
        "SELECT * FROM linking_ringdigest",
        "INSERT INTO linking_held (tip_id, identifier_id, unit_id, at) VALUES (1, 1, 1, now())",
        "SELECT linking_partner_ask(1, '', '', '{}', '', '', 1, now(), '{}')",
        "SELECT secret FROM linking_partner",
    ):
        with as_pages(two.dev), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with as_nobody(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT linking_partner_ask(1, '', '', '{}', '', '', 1, now(), '{}')")
    for statement in (
        f"SELECT linking_ask({made.pk}, '{{}}')",
        "SELECT linking_partner_ask(1, '', '', '{}', '', '', 1, now(), '{}')",
    ):
        with as_step("deconfliction"), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.django_db(transaction=True)
def test_an_asking_is_answered_where_it_is_written_and_never_again() -> None:
    two = two_units()
    mine = given(reporter(), two.a, suspect(phone=PHONE))
    link()
    with identity.acting_as(viewer=two.asha.pk), transaction.atomic():
        asking.ask(mine, by=viewer_of(two.asha, LATER), at=LATER)
    made = Asking.objects.get()
    with identity.acting_as(viewer=two.asha.pk), pytest.raises(DatabaseError, match="no such asking"):
        connection.cursor().execute(f"SELECT linking_ask({made.pk}, '{{}}')")


def test_two_units_that_hold_one_number_are_both_told_whom_to_call_and_nothing_else() -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect(phone=PHONE, email=EMAIL))
    theirs = [given(chat, two.b, suspect("blue-kite-77", phone=PHONE)) for _ in range(2)]
    link()
    hold_to_rights()
    boss = person("Bina", "commander", two.b)
    contacts.set_contact(
        by=viewer_of(boss, LATER), at=LATER, unit=two.b, telephone="+91 1", email="b@example.org", duty="night desk"
    )
    with as_pages(two.asha) as asha:
        answered = asking.ask(mine, by=asha, at=LATER)
        (one,) = asking.elsewhere(asha, mine, at=LATER)
        assert not Tip.objects.filter(pk__in=[t.pk for t in theirs]).exists()
        assert not Notice.objects.filter(kind="deconfliction.held").exists()  # theirs are theirs
    assert (answered.kinds, answered.units) == (("phone",), (two.b.public_id,))
    assert (one.kind, one.value, one.unit, one.unit_id) == (Kind.PHONE, PHONE, "Unit B", two.b.public_id)
    assert (one.call.told, one.since) == ("+91 1 · b@example.org · night desk", date(2026, 11, 1))
    about = f"unit:{two.a.public_id}"
    newest = f"tip:{theirs[1].public_id}"
    assert told() == {("B", role, newest, about) for role in ("triage-officer", "investigator", "commander")}
    with as_pages(two.dev) as dev:
        for their in theirs:
            (back,) = asking.elsewhere(dev, their, at=LATER)
            assert (back.kind, back.value, back.unit, back.call.told) == (Kind.PHONE, PHONE, "Unit A", "")
        assert not Asking.objects.exists()  # who asked, about which tip, is not theirs to see
    (event,) = Event.objects.filter(kind="deconfliction.asked")
    assert event.subject == f"tip:{mine.public_id}"
    data = json.loads(event.body)["data"]
    assert data == {"asking": Asking.objects.get().public_id, "kinds": ["phone"], "units": [two.b.public_id]}
    assert not any(their.public_id in event.body for their in theirs)
    events = Event.objects.filter(kind="deconfliction.told")
    assert {event.subject for event in events} == {f"tip:{their.public_id}" for their in theirs}
    for event in events:
        body = json.loads(event.body)
        assert body["data"] == {"to": about, "kinds": ["phone"], "asking": data["asking"]}
        assert body["by"] == "service:deconfliction"
    with as_pages(two.asha):  # nothing in the log names their tips to whoever asked
        assert not Event.objects.filter(kind="deconfliction.told").exists()
    with as_pages(two.dev):
        assert Event.objects.filter(kind="deconfliction.told").count() == 2


def test_a_tip_that_waits_to_be_linked_asks_nothing_and_unlearns_nothing() -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect(phone=PHONE))
    given(chat, two.b, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        asking.ask(mine, by=asha, at=LATER)
    Waiting.objects.create(tip=mine)
    with as_pages(two.asha) as asha:
        with pytest.raises(Conflict, match="still being linked"):
            asking.ask(mine, by=asha, at=LATER + timedelta(hours=1))
        assert len(asking.elsewhere(asha, mine, at=LATER)) == 1
    Waiting.objects.all().delete()
    Identifier.objects.filter(kind=Kind.PHONE).update(suspects=0)  # of this tip nothing may be told just now
    with as_pages(two.asha) as asha:
        assert asking.ask(mine, by=asha, at=LATER + timedelta(hours=2)).units == ()
        assert len(asking.elsewhere(asha, mine, at=LATER)) == 1
    assert Asking.objects.count() == 2


def test_a_tip_that_was_handed_over_between_asks_nothing() -> None:
    two = two_units()
    mine = given(reporter(), two.a, suspect(phone=PHONE))
    link()
    hold_to_rights()
    before = Tip.objects.get(pk=mine.pk)
    Tip.objects.filter(pk=mine.pk).update(unit=two.b)
    with as_pages(two.asha) as asha, pytest.raises(Conflict, match="handed to another unit"):
        asking.ask(before, by=asha, at=LATER)
    assert not Asking.objects.exists()


def test_whoever_works_in_each_of_many_units_is_told() -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect(phone=PHONE))
    for number in range(5):
        given(chat, station(f"C{number}"), suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        assert len(asking.ask(mine, by=asha, at=LATER).units) == 5
    assert {(unit, role) for unit, role, _, _ in told()} == {
        (f"C{number}", role) for number in range(5) for role in ("triage-officer", "investigator", "commander")
    }


def test_asking_again_tells_nobody_a_second_time_and_forgets_what_is_so_no_longer() -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect(phone=PHONE))
    theirs = given(chat, two.b, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        for hours in range(2):
            asking.ask(mine, by=asha, at=LATER + timedelta(hours=hours))
        assert len(asking.elsewhere(asha, mine, at=LATER)) == 1
    assert Notice.objects.filter(kind="deconfliction.held").count() == 3
    assert Event.objects.filter(kind="deconfliction.told").count() == 1
    Tip.objects.filter(pk=theirs.pk).update(set_apart=True)
    Waiting.objects.all().delete()
    with as_pages(two.asha) as asha:
        assert asking.ask(mine, by=asha, at=LATER + timedelta(hours=3)).units == ()
        assert asking.elsewhere(asha, mine, at=LATER) == ()


def test_who_is_on_duty_is_called_where_nothing_is_set() -> None:
    two = two_units()
    at = LATER
    units.add_shift(
        by="command:cli", at=NOON, person=two.dev, unit=two.b,
        starts_at=at - timedelta(hours=1), ends_at=at + timedelta(hours=1),
    )  # fmt: skip
    assert contacts.calls({two.a.pk, two.b.pk}, at) == {
        two.a.pk: contacts.Call(),
        two.b.pk: contacts.Call(on_duty=("dev",)),
    }
    assert contacts.calls({two.b.pk}, at + timedelta(hours=2)) == {two.b.pk: contacts.Call()}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE linking_identifier SET silenced = true", "an officer silenced it"),
        (f"UPDATE linking_identifier SET suspects = {rules.MOST_PEOPLE + 1}", "many share it"),
        ("UPDATE linking_sighting SET value = '' WHERE tip_id = %(theirs)s", "it names a protected person there"),
        ("UPDATE linking_sighting SET side = 'child' WHERE tip_id = %(theirs)s", "it is a child's there"),
        ("UPDATE linking_sighting SET value = '' WHERE tip_id = %(mine)s", "it names a protected person here"),
        ("UPDATE linking_sighting SET side = 'tip' WHERE tip_id = %(theirs)s", "it is nobody's there"),
        ("UPDATE linking_subject SET gone = true WHERE tip_id = %(theirs)s", "the person was cleared"),
        ("UPDATE tips_tip SET set_apart = true WHERE id = %(theirs)s", "the tip was set apart"),
        ("INSERT INTO linking_waiting (tip_id) VALUES (%(theirs)s)", "the tip may just have been taken back"),
        ("UPDATE linking_identifier SET kind = 'handle'", "it is a screen name"),
        ("UPDATE linking_identifier SET kind = 'address'", "it is a network address"),
        ("UPDATE linking_identifier SET kind = 'file'", "it is a file"),
        ("UPDATE tips_tip SET unit_id = %(a)s WHERE id = %(theirs)s", "it is the same unit"),
    ],
)
def test_it_is_never_told(sql: str, why: str) -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect("one-of-a-kind", phone=PHONE))
    theirs = given(chat, two.b, suspect("another-kind", phone=PHONE))
    link()
    with connection.cursor() as cursor:
        others = "SELECT id FROM linking_identifier WHERE kind <> 'phone'"
        cursor.execute(f"DELETE FROM linking_sighting WHERE identifier_id IN ({others})")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql, {"mine": mine.pk, "theirs": theirs.pk, "a": two.a.pk})
        if "tips_tip" in sql:
            cursor.execute("DELETE FROM linking_waiting")
    hold_to_rights()
    mine.refresh_from_db()
    with as_pages(two.asha) as asha:
        answered = asking.ask(mine, by=asha, at=LATER)
    assert (answered.units, Held.objects.count(), told()) == ((), 0, set()), why


def test_the_kinds_and_the_most_people_are_the_same_in_the_database_and_in_the_rules() -> None:
    found = set()
    for n, kind in enumerate(Kind):
        for many in (0, 1, rules.MOST_PEOPLE, rules.MOST_PEOPLE + 1):
            one = Identifier.objects.create(kind=kind, digest=bytes([n, many] * 8), suspects=many)
            with connection.cursor() as cursor:
                cursor.execute("SELECT linking_may_be_told(%s)", [one.pk])
                if cursor.fetchone() == (True,):
                    found.add((kind, many))
    assert found == {(kind, many) for kind in rules.KINDS for many in (1, rules.MOST_PEOPLE)}


def test_a_childs_number_is_told_to_nobody_even_where_it_is_somebody_elses_too() -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect(email=EMAIL))
    given(chat, two.b, suspect(email=EMAIL))
    given(chat, two.b, suspect(), victim(email=EMAIL))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        assert asking.ask(mine, by=asha, at=LATER).units == ()
    assert not Held.objects.exists()


def test_what_was_told_goes_with_the_place_it_was_told_of_and_not_before() -> None:
    two = two_units()
    chat = reporter()
    mine, theirs = given(chat, two.a, suspect(phone=PHONE)), given(chat, two.b, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        asking.ask(mine, by=asha, at=LATER)
    other = given(chat, two.b, suspect(phone=PHONE))
    Waiting.objects.create(tip=theirs)
    link()  # read anew and found the same
    assert set(Held.objects.values_list("tip_id", flat=True)) == {mine.pk, theirs.pk}
    Tip.objects.filter(pk=theirs.pk).update(set_apart=True)
    link()  # another tip of theirs still holds it
    assert set(Held.objects.values_list("tip_id", flat=True)) == {mine.pk}
    Tip.objects.filter(pk=other.pk).update(set_apart=True)
    link()  # theirs holds it no more: no tip of ours says that they do
    assert not Held.objects.filter(unit=two.b).exists()
    Held.objects.create(tip=mine, identifier=Identifier.objects.filter(sightings__tip=mine)[0], unit=two.b, at=LATER)
    Sighting.objects.all().delete()
    Subject.objects.all().delete()
    Identifier.objects.all().delete()
    assert not Held.objects.exists()


def test_an_officer_asks_no_more_than_so_often_in_a_day() -> None:
    two = two_units()
    mine = given(reporter(), two.a, suspect(phone=PHONE))
    Asking.objects.bulk_create(
        Asking(public_id=f"DQ-{n}", tip=mine, unit=two.a, by=two.asha, at=LATER - timedelta(hours=23))
        for n in range(rules.MOST_A_DAY)
    )
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        with pytest.raises(Conflict, match="24 hours"):
            asking.ask(mine, by=asha, at=LATER)
        asking.ask(mine, by=asha, at=LATER + timedelta(hours=2))


def test_a_contact_is_set_by_the_commander_of_the_unit_and_by_nobody_else() -> None:
    two = two_units()
    boss, other = person("Bina", "commander", two.b), person("Omar", "commander", two.a)
    admin = person("Chen", "administrator", two.a)
    said = {"telephone": "+91 1", "email": "", "duty": ""}
    hold_to_rights()
    for who in (other, two.dev):
        with as_pages(who) as viewer, pytest.raises(NotAllowed):
            contacts.set_contact(by=viewer, at=LATER, unit=two.b, **said)
        with as_pages(who), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO linking_contact VALUES (%s, '1', '', '', now(), %s)", [two.b.pk, who.pk])
    with as_pages(boss) as bina:
        for wrong in (
            {"telephone": "", "email": " ", "duty": ""},
            {"telephone": "ring us", "email": "", "duty": ""},
            {"telephone": "", "email": "@", "duty": ""},
            {"telephone": "1" * 41, "email": "", "duty": ""},
        ):
            with pytest.raises(Conflict):
                contacts.set_contact(by=bina, at=LATER, unit=two.b, **wrong)
        contacts.set_contact(by=bina, at=LATER, unit=two.b, **said)
    with as_pages(admin) as chen:
        contacts.set_contact(by=chen, at=LATER, unit=two.b, telephone="+91 2", email="", duty="desk")
        assert contacts.calls({two.b.pk}, LATER)[two.b.pk].told == "+91 2 · desk"
    assert Event.objects.filter(kind="deconfliction.contact-set", subject=f"unit:{two.b.public_id}").count() == 2


def test_a_test_report_finds_no_real_one() -> None:
    two = two_units()
    given(reporter(), two.b, suspect(phone=PHONE))
    mine = given(reporter("Example Tests", "test"), two.a, suspect(phone=PHONE))
    link()
    hold_to_rights()
    with as_pages(two.asha) as asha:
        assert asking.ask(mine, by=asha, at=LATER).units == ()
