# SPDX-License-Identifier: Apache-2.0
"""What the pages' role may see and do in the tables of looking at files, tried with SQL as that role."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from nightlight.config import rights
from nightlight.foundation import clock
from nightlight.outlook.desk import looking
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.outlook.desk.tests.test_viewing import needs_sandbox
from nightlight.trust import identity
from nightlight.trust.rights import WEB, WORKER
from nightlight.trust.sealed import box
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.viewing import actions, exporting, preparing, verify
from nightlight.trust.viewing.models import Export, Exposure, Viewing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.evidence.models import Item

pytestmark = [pytest.mark.django_db(transaction=True), needs_sandbox]
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)


class World:
    """A root unit with a tip that Alice looked at, and a unit beside the one below with its own people."""

    def __init__(self) -> None:
        with transaction.atomic():
            rights.apply(connection)
        self.alice = cast.person("Alice", "triage-officer")
        self.kim = cast.person("Kim", "commander")
        below = units.add_unit(
            by="command:cli", at=cast.NOON, code="MH-X", name="Example district", kind="district", parent=cast.root()
        )
        self.stranger = cast.person("Ida", "investigator", below)
        self.dora = cast.person("Dora", "commander", below)
        self.tip: Tip
        self.item: Item
        self.tip, self.item = pictures.tip_with_file(cast.Desk(cast.reporter()), pictures.gradient())
        self.client = Client()
        self.client.force_login(self.alice)
        self.address = pictures.opened(self.client, self.tip, self.item)
        assert self.client.get(f"{self.address}picture/still/").status_code == 200
        self.viewing = Viewing.objects.get()


@pytest.fixture
def world(settings: Settings) -> World:
    """The world; its folder of static files is empty."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    return World()


def _as(role: str, *, user: User | None = None, service: str = "") -> psycopg.Connection[Any]:
    known = connection.settings_dict
    connected = psycopg.connect(host=known["HOST"], dbname=known["NAME"], user=role, autocommit=True)
    connected.execute(
        "SELECT set_config('nightlight.viewer', %s, false), set_config('nightlight.service', %s, false)",
        [str(user.pk) if user else "", service],
    )
    return connected


def _count(connected: psycopg.Connection[Any], table: str) -> int:
    row = connected.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_who_does_not_see_the_tip_sees_nothing_of_its_looks(world: World) -> None:
    for person in (world.stranger, world.dora):
        with _as(WEB, user=person) as connected:
            for table in ("viewing_viewing", "viewing_picture", "viewing_exposure", "viewing_export"):
                assert _count(connected, table) == 0, table


def test_a_commander_sees_looks_and_sums_and_no_picture_or_exposure(world: World) -> None:
    with _as(WEB, user=world.kim) as connected:
        assert _count(connected, "viewing_viewing") == 1
        assert _count(connected, "viewing_picture") == 0
        assert _count(connected, "viewing_exposure") == 0
        sums = connected.execute("SELECT user_id, today, month FROM viewing_totals(%s, %s)", [cast.NOON, cast.NOON])
        assert sums.fetchall() == [(world.alice.pk, 1, 1)]
    for person in (world.alice, world.stranger, world.dora):
        with _as(WEB, user=person) as connected:
            found = connected.execute("SELECT * FROM viewing_totals(%s, %s)", [cast.NOON, cast.NOON]).fetchall()
            assert found == []


def test_a_page_prepares_nothing_and_rewrites_nothing(world: World) -> None:
    world.client.post(f"/tips/{world.tip.public_id}/files/1/", pictures.REASON)
    asked = Viewing.objects.get(state="asked").pk
    with _as(WEB, user=world.alice) as connected:
        for statement in (
            f"UPDATE viewing_viewing SET state = 'ready' WHERE id = {asked}",
            f"UPDATE viewing_viewing SET public_key = 'x' WHERE id = {asked}",
            f"UPDATE viewing_viewing SET expires_at = now() WHERE id = {asked}",
            "UPDATE viewing_exposure SET weight = 0",
            "DELETE FROM viewing_exposure",
            "DELETE FROM viewing_viewing",
            "INSERT INTO viewing_picture (viewing_id, mode, number, width, height, key_part, body)"
            f" VALUES ({asked}, 'still', 0, 1, 1, 'x', 'x')",
            "SELECT user_id FROM viewing_assessment",
            "SELECT 1 FROM evidence_blob_key",
        ):
            with pytest.raises(REFUSED):
                connected.execute(statement)


def test_nobody_asks_or_looks_in_the_name_of_another(world: World) -> None:
    columns = "public_id, item_id, subject, user_id, session, reason_kind, reason, law, violent, overrode"
    columns += ", override_reason, public_key, asked_at, expires_at, state, why, format"
    row = f"""INSERT INTO viewing_viewing ({columns}) VALUES
        (%s, {world.item.pk}, %s, %s, '', 'urgency', 'x', '', false, '', '', '', now(), now() + %s, 'asked', '', '')"""
    subject = f"tip:{world.tip.public_id}"
    exposure = """INSERT INTO viewing_exposure (viewing_id, user_id, at, mode, number, weight)
        VALUES (%s, %s, now(), 'still', 0, 1)"""
    ten = "10 minutes"
    for person, told in (
        (world.alice, ("VW-2", subject, world.kim.pk, ten)),
        (world.alice, ("VW-3", "tip:NL-2222-2222", world.alice.pk, ten)),
        (world.alice, ("VW-4", subject, world.alice.pk, "1 day")),
        (world.stranger, ("VW-5", subject, world.stranger.pk, ten)),
        (world.kim, ("VW-6", subject, world.kim.pk, ten)),
    ):
        with _as(WEB, user=person) as connected, pytest.raises(REFUSED):
            connected.execute(row, told)
    with _as(WEB, user=world.kim) as connected, pytest.raises(REFUSED):
        connected.execute(exposure, (world.viewing.pk, world.alice.pk))
    with _as(WEB, user=world.alice) as connected:
        connected.execute(row, ("VW-7", subject, world.alice.pk, ten))
        connected.execute(exposure, (world.viewing.pk, world.alice.pk))
    assert Exposure.objects.count() == 2


def test_only_the_step_that_draws_reaches_pictures(world: World) -> None:
    with _as(WORKER, service="reading") as connected:
        assert _count(connected, "viewing_picture") == 0
        assert _count(connected, "viewing_viewing") == 0
    with _as(WORKER, service="rendering") as connected:
        assert _count(connected, "viewing_picture") == 3
        connected.execute(
            "UPDATE viewing_viewing SET state = 'closed', closed_at = %s WHERE id = %s", [clock.now(), world.viewing.pk]
        )
        with pytest.raises(REFUSED):
            connected.execute("UPDATE viewing_viewing SET state = 'ready'")


@contextlib.contextmanager
def _connected_as(role: str, service: str = "") -> Iterator[None]:
    """Have Django's own connection be this role, as in an installation."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        with identity.acting_as(service=service) if service else contextlib.nullcontext():
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_the_whole_way_as_the_roles_of_an_installation(world: World) -> None:
    """Pages as the pages' role, drawing as the worker's: nothing is refused that has to work."""
    ines, kim, legal = cast.person("Ines", "investigator"), Client(), Client()
    kim.force_login(world.kim)
    legal.force_login(cast.person("Lea", "legal-reviewer"))
    client = Client()
    client.force_login(ines)
    before = list(preparing._gates)
    preparing.let_through_only(looking.may_open)
    file = f"/tips/{world.tip.public_id}/files/1/"
    with _connected_as(WEB):
        assert client.get(f"/tips/{world.tip.public_id}/").status_code == 200
        assert client.get(file).status_code == 200
        told = {"number": "WR 12/2026", "court": "Example District Court", "issued_on": "2026-11-19"}
        assert client.post(f"{file}warrant/", told).status_code == 302
        asked = client.post(file, pictures.REASON)
        assert asked.status_code == 302, asked.content.decode()
        address = asked.headers["Location"]
    try:
        with _connected_as(WORKER, service="rendering"):
            assert pictures.prepare(world.item) == 1
    finally:
        preparing._gates[:] = before
    with _connected_as(WEB):
        page = client.get(address)
        assert "Show the still" in page.content.decode()
        assert client.get(f"{address}picture/still/").status_code == 200
        assert client.post(f"{address}held/", {"mode": "still", "n": "0", "milliseconds": "9"}).status_code == 204
        assert client.post(f"{address}close/", {"outcome": "nothing-of-concern"}).status_code == 302
        assert "Nothing of concern" in client.get(file).content.decode()
        assert client.get("/exposure/").status_code == 200
        assert "Ines Example" in kim.get("/exposure/").content.decode()
        form = {"purpose": "court", "words": "The court asked for it", "recipient": "Example District Court"}
        form |= {"item": world.item.public_id, "recipient_key": box.one_time().lock.public.hex()}
        originals = f"/tips/{world.tip.public_id}/originals/"
        assert client.post(originals, form).status_code == 302
        export = Export.objects
        with identity.acting_as(viewer=world.kim.pk):
            export_id = export.get().public_id
        assert client.post(f"{originals}{export_id}/", {"decision": "approve"}).status_code == 403
        assert kim.post(f"{originals}{export_id}/", {"decision": "approve"}).status_code == 302
        assert legal.post(f"/tips/{world.tip.public_id}/outcome/", {"outcome": "child-safe"}).status_code == 302
    with _connected_as(WORKER, service="rendering"):
        late = clock.now() + timedelta(days=2)
        assert actions.expire_due(by="service:worker", at=late) == 1  # Alice's
        assert exporting.expire_due(by="service:worker", at=late) == 1
    assert set(Notice.objects.filter(kind="case.outcome").values_list("user_id", flat=True)) == {
        ines.pk,
        world.alice.pk,
    }
    assert list(verify.check()) == []


def test_the_worker_has_what_drawing_needs(world: World) -> None:
    """Every table that the step reads is open to it, or it would refuse everything in an installation."""
    with _as(WORKER, service="rendering") as connected:
        for table in (
            "evidence_item",
            "evidence_blob",
            "evidence_blob_key",
            "accounts_user",
            "units_post",
            "units_unit",
            "tips_tip",
            "tips_tipfile",
            "tips_shown",
            "custody_event",
        ):
            assert _count(connected, table) > 0, table
