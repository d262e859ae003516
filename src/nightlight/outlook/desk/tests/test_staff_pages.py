# SPDX-License-Identifier: Apache-2.0
"""Tests of the pages of units, people, notices and broken glass: who may, who is refused, and what they then read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from nightlight.foundation import clock, public_ids
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.accounts.models import User
from nightlight.trust.units import actions, glass, notices
from nightlight.trust.units.models import Post, Shift, Unit
from nightlight.trust.units.viewer import viewer_of

CLI = "command:cli"
WHY = "A child is to be met at the station at six this evening."


@pytest.fixture
def station(db: None) -> Unit:
    """A unit below the top."""
    return actions.add_unit(
        by=CLI, at=cast.NOON, code="PS-R", name="Riverside", kind="station", parent=cast.root(), areas=["PIN:431"]
    )


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _main(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode().split("<main", 1)[1]


@pytest.mark.parametrize(
    "address",
    ["/units/", "/units/UN-2222-2222/", "/people/", "/people/new/", "/people/OF-1/", "/me/", "/glass/", "/notices/"],
)
@pytest.mark.django_db
def test_nobody_reads_of_the_staff_without_signing_in(address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=")


def test_what_only_an_administrator_does_is_refused_to_the_others(alice: Client, bob: Client, station: Unit) -> None:
    dev = cast.person("Dev", "investigator", station)
    of_dev, of_unit = f"/people/{dev.public_id}/", f"/units/{station.public_id}/"
    held = Post.objects.get(user=dev).public_id
    for client in (alice, bob):
        assert client.get("/people/new/").status_code == 403
        for address in (
            "/people/new/",
            f"{of_dev}switch/",
            f"{of_dev}posts/",
            f"{of_dev}posts/{held}/end/",
            f"{of_dev}posts/{held}/transfer/",
            f"{of_unit}add/",
            f"{of_unit}rename/",
            f"{of_unit}duty/",
        ):
            assert client.post(address, {"name": "X", "unit": "IN"}).status_code == 403, address
    assert alice.get("/people/").status_code == alice.get(of_dev).status_code == 403
    assert "<form" not in _main(bob, of_dev)
    assert "<form" not in _main(bob, of_unit)
    dev.refresh_from_db()
    assert dev.is_active
    assert Post.objects.get(user=dev).ends_at is None


def test_an_administrator_sees_units_and_no_tip(charlie: Client, alice: Client, station: Unit, desk: cast.Desk) -> None:
    desk.received()
    page = _main(charlie, "/units/")
    assert "Riverside" in page
    assert "1 administrator" in page
    assert "Tips held" not in page
    assert "Tips held" in _main(alice, "/units/")
    assert f'<a href="/?unit={cast.root().public_id}">1</a>' in _main(alice, "/units/")
    assert charlie.get("/glass/").status_code == 403


def test_an_investigator_is_told_only_how_many_tips_the_own_unit_holds(station: Unit, desk: cast.Desk) -> None:
    desk.received()
    officer = _signed_in(cast.person("Dev", "investigator", station))
    assert f"?unit={station.public_id}" in _main(officer, "/units/")
    assert f"?unit={cast.root().public_id}" not in _main(officer, "/units/")


def test_a_unit_that_is_not_there_is_not_found(charlie: Client) -> None:
    assert charlie.get("/units/UN-0000-0000/").status_code == 404
    assert charlie.post("/units/UN-0000-0000/add/").status_code == 404


def test_what_cannot_be_done_is_told_where_it_was_asked(charlie: Client, station: Unit) -> None:
    of_unit = f"/units/{station.public_id}/"
    answer = charlie.post(f"{of_unit}add/", {"name": "Twice", "code": "PS-R", "kind": "station"}, follow=True)
    assert "There is a unit with the code" in answer.content.decode()
    answer = charlie.post(f"{of_unit}duty/", {"person": "OF-1", "from": "x", "until": "y"}, follow=True)
    assert "Choose who is on duty" in answer.content.decode()
    dev = cast.person("Dev", "investigator", station)
    answer = charlie.post(f"{of_unit}duty/", {"person": dev.public_id, "from": "x", "until": "y"}, follow=True)
    assert "Give day and hour" in answer.content.decode()


def test_the_duty_of_the_coming_week_stands_on_the_unit_in_the_officers_time(station: Unit) -> None:
    dev = cast.person("Dev", "investigator", station)
    commander = _signed_in(cast.person("Kavita", "commander", station))
    tomorrow = clock.now() + timedelta(days=1)
    day = f"{tomorrow:%Y-%m-%d}"
    assert "Put somebody on duty" not in _main(_signed_in(dev), f"/units/{station.public_id}/")
    asked = {"person": dev.public_id, "from": f"{day}T08:00", "until": f"{day}T20:00"}
    commander.post(f"/units/{station.public_id}/duty/", asked)
    shift = Shift.objects.get()
    assert f"{shift.starts_at:%H:%M}" == "02:30"  # eight in India
    assert "Dev Example" in _main(commander, f"/units/{station.public_id}/").split('id="duty"')[1]
    assert "None is set" not in _main(_signed_in(dev), "/me/")


def test_an_administrator_adds_a_person_whose_password_is_shown_once(charlie: Client, station: Unit) -> None:
    asked = {"name": "Asha Rane", "username": "asha", "unit": "PS-R", "role": "investigator", "rank": "Inspector"}
    for missing in ("name", "username", "unit", "role"):
        answer = charlie.post("/people/new/", asked | {missing: ""})
        assert answer.status_code in {404, 409}
        assert "password" not in answer.content.decode().split("<main", 1)[1].replace("The password is made", "")
    assert not User.objects.filter(username="asha").exists()
    page = charlie.post("/people/new/", asked).content.decode()
    password = page.split('class="password">', 1)[1].split("<", 1)[0]
    assert User.objects.get(username="asha").check_password(password)
    assert password not in _main(charlie, f"/people/{User.objects.get(username='asha').public_id}/")
    assert "is taken" in charlie.post("/people/new/", asked).content.decode()


def test_an_administrator_changes_nothing_about_himself(charlie: Client) -> None:
    himself = User.objects.get(username="charlie")
    of_himself = f"/people/{himself.public_id}/"
    assert "<form" not in _main(charlie, of_himself)
    for address in (f"{of_himself}posts/", f"{of_himself}switch/"):
        assert charlie.post(address, {"unit": "IN", "role": "investigator", "to": "off"}).status_code == 403
    assert set(Post.objects.filter(user=himself).values_list("role", flat=True)) == {"administrator"}


def test_posts_are_given_moved_and_ended_on_a_persons_page(charlie: Client, station: Unit) -> None:
    dev = cast.person("Dev", "investigator")
    of_dev = f"/people/{dev.public_id}/"
    charlie.post(f"{of_dev}posts/", {"unit": "PS-R", "role": "commander", "until": "2001-01-01T08:00"})
    charlie.post(f"{of_dev}posts/PO-1/end/")
    assert Post.objects.filter(user=dev, ends_at=None).count() == 1
    held = Post.objects.get(user=dev)
    answer = charlie.post(f"{of_dev}posts/{held.public_id}/transfer/", {"unit": "PS-R"}, follow=True)
    assert "The work stays with the unit they left" in answer.content.decode()
    assert "1 earlier post" in answer.content.decode()
    moved = Post.objects.get(user=dev, ends_at=None)
    assert (moved.unit, moved.role) == (station, "investigator")
    charlie.post(f"{of_dev}posts/{moved.public_id}/end/")
    assert "no post is held now" in _main(charlie, of_dev).lower()
    charlie.post(f"{of_dev}switch/", {"to": "off"})
    assert "switched off" in _main(charlie, of_dev)
    assert _signed_in(dev).get("/me/").status_code in {302, 403}
    charlie.post(f"{of_dev}switch/", {"to": "on"})
    dev.refresh_from_db()
    assert dev.is_active


def test_an_auditor_finds_people_of_the_units_audited_only(charlie: Client, station: Unit) -> None:
    cast.person("Dev", "investigator", station)
    cast.person("Asha", "investigator")
    auditor = _signed_in(cast.person("Farah", "auditor", station))
    page = _main(auditor, "/people/")
    assert "Dev Example" in page
    assert "Asha Example" not in page
    assert auditor.get(f"/people/{User.objects.get(username='asha').public_id}/").status_code == 404
    assert "Dev Example" in _main(charlie, "/people/?q=riverside")
    assert "Dev Example" not in _main(charlie, "/people/?q=commander")


def test_everybody_sees_their_own_posts_and_how_far_they_see(alice: Client, charlie: Client, station: Unit) -> None:
    assert "The tips of all units" in _main(alice, "/me/")
    assert "No tips" in _main(charlie, "/me/")
    assert "Riverside" in _main(_signed_in(cast.person("Dev", "investigator", station)), "/me/")


def test_a_search_that_finds_nothing_offers_the_glass_to_those_who_work_on_tips(alice: Client, bob: Client) -> None:
    wanted = public_ids.new("NL")
    assert "break the glass" not in _main(bob, f"/find/?q={wanted}", 404)
    assert "break the glass" not in _main(alice, "/find/?q=12345", 404)
    assert f"/tips/{wanted}/break-glass/" in _main(alice, f"/find/?q={wanted.lower()}", 404)


def test_the_form_keeps_a_reason_that_says_too_little(alice: Client) -> None:
    address = f"/tips/{public_ids.new('NL')}/break-glass/"
    assert "What will happen" in _main(alice, address)
    answer = alice.post(address, {"reason": "danger <b>"})
    assert answer.status_code == 409
    assert "danger &lt;b&gt;" in answer.content.decode()
    assert alice.get("/tips/NL-1111-1110/break-glass/").status_code == 404  # a slip of the pen


def test_who_sees_the_tip_anyway_breaks_nothing(alice: Client, desk: cast.Desk) -> None:
    tip = desk.received()
    answer = alice.post(f"/tips/{tip.public_id}/break-glass/", {"reason": WHY})
    assert answer.headers["Location"] == f"/tips/{tip.public_id}/"
    assert list(glass.own(viewer_of(User.objects.get(username="alice"), clock.now()))) == []


def test_glass_waits_oldest_first_and_is_answered_with_yes_or_no(alice: Client, bob: Client, station: Unit) -> None:
    asha = cast.viewer(cast.person("Asha", "investigator", station))
    now = clock.now()
    for hours, subject in ((2, "tip:NL-0000-0002"), (3, "tip:NL-0000-0001")):
        at = now - timedelta(hours=hours)
        glass.break_glass(by=asha, at=at, subject=subject, holder=cast.root(), reason=WHY)
    page = _main(bob, "/glass/")
    assert page.index("NL-0000-0001") < page.index("NL-0000-0002")
    assert "2 wait for an answer" in page
    assert WHY not in _main(alice, "/glass/")
    first = glass.waiting(cast.viewer(User.objects.get(username="bob")))[0]
    told = bob.post(f"/glass/{first.public_id}/", {"finding": WHY}, follow=True)
    assert "yes or no" in told.content.decode()
    bob.post(f"/glass/{first.public_id}/", {"justified": "no", "finding": "There was no danger that evening."})
    page = _main(bob, "/glass/")
    assert "1 waits for an answer" in page
    assert "not justified" in page


def test_notices_lead_to_what_they_are_about_and_are_read_once(alice: Client, station: Unit, desk: cast.Desk) -> None:
    lila = Client()
    lila.force_login(cast.person("Lila", "triage-officer", station))
    tip = desk.received()
    with identity.acting_as(service="command"):
        handing.hand_over(by=CLI, at=clock.now(), tip=tip, to=station, why="area")
    # Those above the unit are not told of every tip: what is grave would drown in it.
    assert "A tip was handed to your unit" not in _main(alice, "/notices/")
    page = _main(lila, "/notices/")
    assert f'<a href="/tips/{tip.public_id}/">A tip was handed to your unit</a>' in page
    assert "Mark all as read" in page
    lila.post("/notices/seen/")
    assert "you have read them all" in _main(lila, "/notices/")
    other = cast.person("Other", "triage-officer", station)
    assert notices.unread(cast.viewer(other)) == 1


def test_the_inbox_says_with_which_unit_a_tip_is_and_can_be_narrowed_to_one(
    alice: Client, station: Unit, desk: cast.Desk
) -> None:
    here, there = desk.received(), desk.received()
    with identity.acting_as(service="command"):
        handing.hand_over(by=CLI, at=clock.now(), tip=there, to=station, why="area")
    assert "Riverside" in _main(alice, "/")
    page = _main(alice, f"/?unit={station.public_id}")
    assert f'id="tip-{there.public_id}"' in page
    assert f'id="tip-{here.public_id}"' not in page
    assert "Clear filters" in page
    officer = _signed_in(cast.person("Dev", "investigator", station))
    assert 'name="unit"' not in _main(officer, "/")


def test_the_tip_says_who_holds_it_and_those_who_may_can_hand_it_over(
    alice: Client, bob: Client, station: Unit, desk: cast.Desk
) -> None:
    tip = desk.received()
    assert "Hand over to" not in _main(bob, f"/tips/{tip.public_id}/")
    assert "Hand over to another unit" in _main(alice, f"/tips/{tip.public_id}/")
    with identity.acting_as(viewer=User.objects.get(username="bob").pk):
        answer = bob.post(f"/tips/{tip.public_id}/hand-over/", {"unit": "PS-R", "why": "area"})
    assert answer.status_code == 403
    officer = _signed_in(cast.person("Dev", "investigator", station))
    answer = alice.post(f"/tips/{tip.public_id}/hand-over/", {"unit": "PS-R", "why": "area"}, follow=True)
    page = answer.content.decode()
    assert f"{tip.public_id} is offered to Riverside. You hold it until they accept." in page
    assert "Offered to Riverside" in page
    tip.refresh_from_db()
    assert tip.unit == cast.root()
    page = _main(officer, f"/tips/{tip.public_id}/")
    assert "offers this tip to Riverside" in page
    assert "accept it or say why it is not yours" in page
    (offered,) = tip.offers.all()
    assert bob.post(f"/hand-overs/{offered.public_id}/accept/").status_code == 403
    officer.post(f"/hand-overs/{offered.public_id}/accept/")
    tip.refresh_from_db()
    assert tip.unit == station


def test_with_many_units_one_types_the_code(charlie: Client, station: Unit) -> None:
    Unit.objects.bulk_create(
        Unit(
            public_id=f"UN-{number:04}",
            parent=station,
            kind="station",
            code=f"C{number}",
            name="N",
            created_at=cast.NOON,
        )
        for number in range(70)
    )
    dev = cast.person("Dev", "investigator")
    page = _main(charlie, f"/people/{dev.public_id}/")
    assert page.count('<datalist id="all-units">') == 1
    assert page.count('list="all-units"') == 2
    answer = charlie.post(f"/people/{dev.public_id}/posts/", {"unit": "C69", "role": "commander"}, follow=True)
    assert "is Commander, N" in answer.content.decode()
