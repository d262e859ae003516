# SPDX-License-Identifier: Apache-2.0
"""The part of a tip's page that asks who else holds what stands in it, and the contact of a unit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.linking.deconfliction import rules
from nightlight.pipeline.linking.deconfliction.models import Asking, Contact
from nightlight.pipeline.linking.models import Waiting
from nightlight.pipeline.linking.tests.db_cast import link, reporter, suspect, tip
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit

PHONE, EMAIL = "+919990000001", "grey.heron.77@example.org"


def unit(code: str, name: str) -> Unit:
    return units.add_unit(by="command:cli", at=cast.NOON, code=code, name=name, kind="station", parent=cast.root())


def held(by: Unit, *people: str) -> Tip:
    made = tip(reporter(), *people, at=clock.now() - timedelta(days=3), read=True)
    with identity.acting_as(service="command"):
        handing.hand_over(by="command:cli", at=clock.now(), tip=made, to=by, why="area")
    return made


def world() -> tuple[Tip, Tip, Unit, Unit]:
    """Riverside and Hill each hold a tip with the same number."""
    a, b = unit("PS-R", "Riverside"), unit("PS-H", "Hill")
    mine, theirs = held(a, suspect("grey-heron", phone=PHONE, email=EMAIL)), held(b, suspect("owl", phone=PHONE))
    link()
    return mine, theirs, a, b


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def panel(client: Client, of: Tip) -> str:
    page = client.get(f"/tips/{of.public_id}/").content.decode()
    return page.partition('id="held-elsewhere"')[2].partition("</section>")[0]


@pytest.mark.django_db
def test_who_may_not_ask_is_refused_and_a_tip_that_is_not_there_is_not_found() -> None:
    mine, _theirs, a, _b = world()
    address = f"/tips/{mine.public_id}/held-elsewhere/"
    assert Client().post(address).status_code == 302
    legal = client_of(cast.person("Lata", "legal-reviewer", a))
    assert legal.post(address).status_code == 403
    assert panel(legal, mine) == ""
    asha = client_of(cast.person("Asha", "investigator", a))
    assert asha.get(address).status_code == 405
    assert asha.post("/tips/NL-1111-1111/held-elsewhere/").status_code == 404  # of tips beyond reach: tests/access
    assert not Asking.objects.exists()


@pytest.mark.django_db
def test_asking_shows_whom_to_call_on_both_tips_and_neither_shows_the_other() -> None:
    mine, theirs, a, b = world()
    asha, dev = cast.person("Asha", "investigator", a), cast.person("Dev", "triage-officer", b)
    before = panel(client_of(asha), mine)
    assert "Nobody has asked yet." in before
    assert "Your unit has no contact set" in before
    answer = client_of(asha).post(f"/tips/{mine.public_id}/held-elsewhere/", follow=True)
    said = answer.content.decode()
    assert "1 other unit holds something of this tip too." in said
    ours, back = panel(client_of(asha), mine), panel(client_of(dev), theirs)
    assert all(word in ours for word in ("Telephone number", PHONE, "Hill", "no contact set; ask the administrator"))
    assert all(word in back for word in ("Telephone number", PHONE, "Riverside"))
    assert EMAIL not in ours
    assert theirs.public_id not in said
    assert mine.public_id not in client_of(dev).get(f"/tips/{theirs.public_id}/").content.decode()
    told = client_of(dev).get("/notices/").content.decode()
    told_of = client_of(dev).get(f"/tips/{theirs.public_id}/").content.decode()
    assert "Another unit holds something of this tip too" in told
    assert f"/tips/{theirs.public_id}/#held-elsewhere" in told
    assert mine.public_id not in told
    assert "Others were told that this unit holds something of the tip" in told_of
    assert mine.public_id not in told_of


@pytest.mark.django_db
def test_asking_in_vain_says_so() -> None:
    a = unit("PS-R", "Riverside")
    mine = held(a, suspect("grey-heron", phone=PHONE))
    link()
    asha = client_of(cast.person("Asha", "investigator", a))
    said = asha.post(f"/tips/{mine.public_id}/held-elsewhere/", follow=True).content.decode()
    assert "No other unit is known to hold" in said
    assert "no other unit is known to hold anything of this tip that may be told" in panel(asha, mine)


@pytest.mark.django_db
def test_a_tip_that_is_not_linked_yet_says_so_and_keeps_what_was_told() -> None:
    mine, _theirs, a, _b = world()
    asha = client_of(cast.person("Asha", "investigator", a))
    asha.post(f"/tips/{mine.public_id}/held-elsewhere/")
    Waiting.objects.create(tip=mine)
    said = asha.post(f"/tips/{mine.public_id}/held-elsewhere/", follow=True).content.decode()
    assert "This tip is still being linked; ask again in a minute." in said
    assert PHONE in panel(asha, mine)


@pytest.mark.django_db
def test_whoever_has_asked_too_often_is_told_to_wait() -> None:
    mine, _theirs, a, _b = world()
    asha = cast.person("Asha", "investigator", a)
    Asking.objects.bulk_create(
        Asking(public_id=f"DQ-{n}", tip=mine, unit=a, by=asha, at=clock.now()) for n in range(rules.MOST_A_DAY)
    )
    said = client_of(asha).post(f"/tips/{mine.public_id}/held-elsewhere/", follow=True).content.decode()
    assert "the most there is" in said
    assert Asking.objects.count() == rules.MOST_A_DAY


@pytest.mark.django_db
def test_the_contact_of_a_unit_is_set_on_its_page_by_its_commander() -> None:
    a, b = unit("PS-R", "Riverside"), unit("PS-H", "Hill")
    form = {"telephone": "+91 20 5550 0100", "email": "", "duty": "<b>night desk</b>"}
    address = f"/units/{a.public_id}/contact/"
    for who, role, where, status in (("Dev", "investigator", a, 403), ("Omar", "commander", b, 403)):
        answer = client_of(cast.person(who, role, where)).post(address, form)
        assert answer.status_code == status
    assert not Contact.objects.exists()
    boss = client_of(cast.person("Bina", "commander", a))
    said = boss.post(address, {**form, "telephone": "us"}, follow=True).content.decode()
    assert "A telephone number has digits." in said
    said = boss.post(address, form, follow=True).content.decode()
    assert "+91 20 5550 0100" in said
    assert "&lt;b&gt;night desk" in said
