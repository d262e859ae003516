# SPDX-License-Identifier: Apache-2.0
"""Who sees which tip, asked through the pages with the database role that pages have: row security decides."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client

from nightlight.config import rights
from nightlight.foundation import clock, public_ids
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.routing.models import Offer
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import WEB
from nightlight.trust.units import actions, glass, notices, verify
from nightlight.trust.units.models import Glass, Notice, Post, Shift, Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.trust.accounts.models import User

CLI = "command:cli"
WHY = "A child is to be met at the station at six this evening."
FOUND = "The report did name this evening; the other station was called."


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """An installation that was never collected has no such folder, and whitenoise warns."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@contextmanager
def as_pages(user: User | None = None) -> Iterator[None]:
    """Run the block as the web role, acting for this person if one is given."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WEB}")
    try:
        if user is None:
            yield
        else:
            with identity.acting_as(viewer=user.pk):
                yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


class Stations:
    """Stations A and B in one district, each with an investigator, and a tip with A."""

    def __init__(self) -> None:
        self.district = self._unit("D", cast.root(), "district")
        self.a, self.b = self._unit("A", self.district), self._unit("B", self.district)
        self.asha = cast.person("Asha", "investigator", self.a)
        self.dev = cast.person("Dev", "investigator", self.b)
        self.commander = cast.person("Kavita", "commander", self.district)
        self.auditor = cast.person("Farah", "auditor")
        self.admin = cast.person("Joy", "administrator")
        self.desk = cast.Desk(cast.reporter())
        self.tip, self.other = self._tip(), self._tip()

    def _unit(self, code: str, parent: Unit, kind: str = "station") -> Unit:
        return actions.add_unit(by=CLI, at=cast.NOON, code=code, name=f"Unit {code}", kind=kind, parent=parent)

    def _tip(self) -> str:
        tip = self.desk.received()
        with identity.acting_as(service="command"):
            handing.hand_over(by=CLI, at=cast.NOON, tip=tip, to=self.a, why="area")
        return tip.public_id


@pytest.fixture
def stations(db: None) -> Stations:
    """The stations, in a database that holds to what is stated."""
    made = Stations()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.apply(connection)
    return made


def get(user: User, address: str) -> tuple[int, str]:
    """What a page answers this person."""
    client = Client()
    client.force_login(user)
    with as_pages():
        answer = client.get(address)
    return answer.status_code, answer.content.decode()


def post(user: User, address: str, **fields: str) -> tuple[int, str]:
    """What a form answers this person, and where it leads."""
    client = Client()
    client.force_login(user)
    with as_pages():
        answer = client.post(address, fields)
    return answer.status_code, answer.headers.get("Location", answer.content.decode())


def _a_moment_ago() -> None:
    """Move the last changes of posts back: statements of one transaction all see the moment in which it began."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE units_post DISABLE TRIGGER units_guard_post")
        cursor.execute("UPDATE units_post SET ends_at = now() - interval '1 second' WHERE ends_at > now()")
        cursor.execute("UPDATE units_post SET starts_at = now() - interval '1 second' WHERE starts_at > now()")


def test_a_station_does_not_see_the_tip_of_its_neighbour(stations: Stations) -> None:
    address = f"/tips/{stations.tip}/"
    status, page = get(stations.dev, address)
    assert status == 404
    assert "that you may see" in page
    assert "break the glass" in page
    assert stations.tip not in get(stations.dev, "/")[1]
    assert get(stations.dev, f"/find/?q={stations.tip}")[0] == 404
    assert get(stations.admin, address)[0] == 403
    for who in (stations.asha, stations.commander, stations.auditor):
        assert get(who, address)[0] == 200
        assert stations.tip in get(who, "/")[1]


def test_the_refusal_does_not_say_whether_there_is_such_a_tip(stations: Stations) -> None:
    nowhere = public_ids.new("NL")
    for address in ("/tips/{}/", "/find/?q={}", "/tips/{}/break-glass/"):
        there, not_there = (get(stations.dev, address.format(one)) for one in (stations.tip, nowhere))
        assert there[0] == not_there[0]
        tokens = 'name="csrfmiddlewaretoken" value="'
        pages = [page.replace(one, "ID") for page, one in ((there[1], stations.tip), (not_there[1], nowhere))]
        parts = ["".join(bit.split('"', 1)[-1] for bit in page.split(tokens)) for page in pages]
        assert parts[0] == parts[1]
    assert not Event.objects.filter(kind__startswith="glass.").exists()


def test_broken_glass_lets_one_person_to_one_tip_until_it_ends(stations: Stations) -> None:
    address = f"/tips/{stations.tip}/"
    for who in (stations.auditor, stations.admin):
        assert post(who, f"{address}break-glass/", reason=WHY)[0] == 403
    assert post(stations.dev, f"{address}break-glass/", reason="short")[0] == 409
    assert get(stations.dev, address)[0] == 404
    assert post(stations.dev, f"{address}break-glass/", reason=WHY) == (302, address)
    status, page = get(stations.dev, address)
    assert status == 200
    assert "The glass is broken." in page
    assert "Unit A" in page
    assert "Hand over to another unit" not in page
    # That one tip, and that one person.
    assert get(stations.dev, f"/tips/{stations.other}/")[0] == 404
    neighbour = cast.person("Nila", "investigator", stations.b)
    assert get(neighbour, address)[0] == 404
    # He may look, and not move it.
    post(stations.dev, f"{address}hand-over/", unit="B", why="area")
    assert not Offer.objects.exists()
    broken = Glass.objects.get()
    for late, seen in ((timedelta(hours=3, minutes=30), 200), (timedelta(hours=5), 404)):
        Glass.objects.update(broken_at=clock.now() - late, until=clock.now() - late + timedelta(hours=4))
        assert get(stations.dev, address)[0] == seen
    assert broken.user == stations.dev


def test_a_broken_glass_gives_nothing_once_the_post_has_ended(stations: Stations) -> None:
    address = f"/tips/{stations.tip}/"
    post(stations.dev, f"{address}break-glass/", reason=WHY)
    assert get(stations.dev, address)[0] == 200
    held = Post.objects.get(user=stations.dev)
    actions.transfer(by=CLI, at=clock.now(), post=held, to=stations.b, role="legal-reviewer")
    _a_moment_ago()
    assert get(stations.dev, address)[0] == 404


def test_asking_for_what_does_not_exist_is_told_and_recorded(stations: Stations) -> None:
    status, page = post(stations.dev, f"/tips/{public_ids.new('NL')}/break-glass/", reason=WHY)
    assert status == 404
    assert "has been recorded" in page
    assert Event.objects.filter(kind="glass.attempted", subject=f"officer:{stations.dev.public_id}").count() == 1
    assert "does not exist" in get(stations.commander, "/notices/")[1]


def test_broken_glass_is_answered_for_by_a_commander_of_the_units(stations: Stations) -> None:
    post(stations.dev, f"/tips/{stations.tip}/break-glass/", reason=WHY)
    broken = Glass.objects.get().public_id
    elsewhere = cast.person("Elsewhere", "commander", stations._unit("E", cast.root()))
    assert WHY not in get(elsewhere, "/glass/")[1]
    assert WHY not in get(stations.asha, "/glass/")[1]
    for who in (stations.dev, elsewhere):
        post(who, f"/glass/{broken}/", justified="yes", finding=FOUND)
        with as_pages(who), transaction.atomic():  # past the pages as well
            Glass.objects.filter(public_id=broken).update(signed_off_by=who, signed_off_at=clock.now(), justified=True)
    assert Glass.objects.get().signed_off_at is None
    assert WHY in get(stations.commander, "/glass/")[1]
    assert post(stations.commander, f"/glass/{broken}/", justified="yes", finding=FOUND) == (302, "/glass/")
    assert Glass.objects.get().signed_off_by == stations.commander
    assert FOUND in get(stations.dev, "/glass/")[1]
    assert "answered for" in get(stations.dev, "/notices/")[1]
    assert list(verify.check()) == []


def test_nobody_breaks_glass_for_longer_or_in_the_name_of_another(stations: Stations) -> None:
    now = clock.now()
    fields = {"unit": stations.a, "subject": f"tip:{stations.tip}", "reason": WHY, "broken_at": now}
    for user, until in (
        (stations.dev, now + timedelta(hours=5)),
        (stations.asha, now + timedelta(hours=1)),
        (stations.auditor, now + timedelta(hours=1)),
    ):
        with as_pages(stations.dev), pytest.raises(DatabaseError), transaction.atomic():
            Glass.objects.create(public_id="BG-1", user=user, until=until, **fields)


def test_a_transfer_moves_what_one_sees_and_the_work_stays(stations: Stations) -> None:
    address = f"/tips/{stations.tip}/"
    assert get(stations.asha, address)[0] == 200
    held = Post.objects.get(user=stations.asha)
    assert (
        post(stations.admin, f"/people/{stations.asha.public_id}/posts/{held.public_id}/transfer/", unit="B")[0] == 302
    )
    _a_moment_ago()
    assert get(stations.asha, address)[0] == 404
    assert Unit.objects.get(tips__public_id=stations.tip) == stations.a
    with as_pages(stations.asha):
        assert viewer_of(stations.asha, clock.now()).reach == (stations.b.pk,)


@pytest.mark.parametrize(("starts", "ends"), [(timedelta(hours=1), None), (-timedelta(hours=2), -timedelta(hours=1))])
def test_a_future_or_ended_post_gives_nothing(stations: Stations, starts: timedelta, ends: timedelta | None) -> None:
    nila, now = cast.person("Nila", "investigator", stations.b), clock.now()
    actions.appoint(
        by=CLI,
        at=now,
        person=nila,
        unit=stations.a,
        role="investigator",
        starts_at=now + starts,
        ends_at=ends and now + ends,
    )
    assert get(nila, f"/tips/{stations.tip}/")[0] == 404


def test_a_tip_is_handed_on_and_seen_where_it_is_now(stations: Stations) -> None:
    address = f"/tips/{stations.tip}/hand-over/"
    triage = cast.person("Arun", "triage-officer", stations.a)
    assert post(stations.dev, address, unit="B", why="area")[0] == 404
    post(triage, address, unit="B", why="no reason")
    post(triage, address, unit="NOWHERE", why="area")
    assert not Offer.objects.exists()
    assert post(triage, address, unit="B", why="area") == (302, f"/tips/{stations.tip}/#unit")  # still his
    offered = f"/hand-overs/{Offer.objects.get().public_id}/"
    assert get(stations.dev, f"/tips/{stations.tip}/")[0] == 200
    assert get(stations.dev, f"/tips/{stations.other}/")[0] == 404
    # Nobody answers for another unit: neither who offered it, nor who commands both.
    for who in (triage, stations.commander):
        post(who, f"{offered}accept/")
        assert Unit.objects.get(tips__public_id=stations.tip) == stations.a
    assert post(stations.dev, f"{offered}accept/") == (302, f"/tips/{stations.tip}/#unit")
    assert Unit.objects.get(tips__public_id=stations.tip) == stations.b
    assert get(triage, f"/tips/{stations.tip}/")[0] == 404
    status, page = get(triage, "/hand-overs/?show=followed")
    assert (status, stations.tip in page, "grey-heron" in page) == (200, True, False)
    assert post(stations.commander, address, unit="A", why="back") == (302, f"/tips/{stations.tip}/#unit")


def test_an_administrator_gives_no_post_to_himself_past_the_pages_either(stations: Stations) -> None:
    now = clock.now()
    for person, by in (
        (stations.admin, stations.admin),
        (stations.dev, stations.commander),
        (stations.dev, stations.dev),
    ):
        with as_pages(by), pytest.raises(DatabaseError), transaction.atomic():
            Post.objects.create(public_id="PO-1", user=person, unit=stations.a, role="investigator", starts_at=now)
    with as_pages(stations.commander):
        assert Post.objects.filter(user=stations.dev).update(ends_at=now) == 0
        assert Unit.objects.filter(pk=stations.a.pk).update(name="Mine") == 0
    with as_pages(stations.commander), pytest.raises(DatabaseError), transaction.atomic():
        Unit.objects.filter(pk=stations.a.pk).update(parent=cast.root())


def test_duty_is_set_only_where_one_commands(stations: Stations) -> None:
    elsewhere = stations._unit("E", cast.root())
    nila, now = cast.person("Nila", "investigator", elsewhere), clock.now()
    with as_pages(stations.commander), pytest.raises(DatabaseError), transaction.atomic():
        Shift.objects.create(
            public_id="SH-1", user=nila, unit=elsewhere, starts_at=now, ends_at=now + timedelta(hours=8)
        )
    fields = {"person": stations.asha.public_id, "from": "2027-01-04T08:00", "until": "2027-01-04T20:00"}
    assert post(stations.commander, f"/units/{stations.a.public_id}/duty/", **fields)[0] == 302
    assert Shift.objects.get().user == stations.asha


def test_each_sees_their_own_notices_only(stations: Stations) -> None:
    now = clock.now()
    with as_pages(stations.dev), transaction.atomic():
        notices.tell_person(user_id=stations.asha.pk, kind="tip.handed-over", subject="tip:NL-1", at=now)
        assert Notice.objects.filter(subject="tip:NL-1").count() == 0
    with as_pages(stations.asha):
        assert Notice.objects.filter(subject="tip:NL-1").count() == 1
        asha = viewer_of(stations.asha, now)
        assert notices.unread(asha, at=now) >= 1
        notices.mark_seen(asha, at=now)
        assert notices.unread(asha, at=now) == 0


def test_glass_that_waits_is_listed_alike_by_rules_and_by_rows(stations: Stations) -> None:
    post(stations.dev, f"/tips/{stations.tip}/break-glass/", reason=WHY)
    for user in (stations.commander, stations.auditor, stations.asha, stations.admin):
        seen = viewer_of(user, clock.now())
        by_rules = list(glass.waiting(seen))
        with as_pages(user):
            assert list(glass.waiting(seen)) == by_rules
            assert Glass.objects.count() == len(by_rules)


def test_every_page_of_units_works_with_the_rights_of_pages(stations: Stations) -> None:
    post(stations.dev, f"/tips/{stations.tip}/break-glass/", reason=WHY)
    of_unit, of_person = f"/units/{stations.a.public_id}/", f"/people/{stations.dev.public_id}/"
    for user in (stations.admin, stations.auditor, stations.commander, stations.asha):
        for address in ("/units/", of_unit, "/me/", "/notices/"):
            assert get(user, address)[0] == 200, (user, address)
    for user, status in ((stations.admin, 200), (stations.auditor, 200), (stations.commander, 403)):
        for address in ("/people/", of_person):
            assert get(user, address)[0] == status, (user, address)
    assert post(stations.admin, f"{of_unit}rename/", name="First station")[0] == 302
    assert post(stations.admin, f"{of_unit}add/", name="C", code="C", kind="station", areas="PIN:431; IN-GA")[0] == 302
    assert [area.code for area in Unit.objects.get(code="C").areas.order_by("id")] == ["PIN:431", "IN-GA"]
    status, page = post(
        stations.admin, "/people/new/", name="New One", username="newone", unit="C", role="investigator"
    )
    assert status == 200
    assert 'class="password"' in page
    assert post(stations.admin, f"{of_person}posts/", unit="C", role="commander")[0] == 302
    assert post(stations.admin, f"{of_person}switch/", to="off")[0] == 302
    held = Post.objects.get(user=stations.dev, unit=stations.b)
    assert post(stations.admin, f"{of_person}posts/{held.public_id}/end/")[0] == 302
    assert post(stations.asha, "/notices/seen/")[0] == 302
    stations.dev.refresh_from_db()
    assert not stations.dev.is_active
    assert list(verify.check()) == []
