# SPDX-License-Identifier: Apache-2.0
"""The database itself keeps sealed identities from pages, whatever a page's code asks for."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.config import rights
from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.tips.models import Tip
from nightlight.trust import identity
from nightlight.trust.accounts.models import Reporter, User
from nightlight.trust.law.queries import pack
from nightlight.trust.rights import WEB, WORKER
from nightlight.trust.sealed import actions, keeping, queries
from nightlight.trust.sealed.models import Identity, SearchDigest, State, Unsealing
from nightlight.trust.sealed.rules import Kind, Protected
from nightlight.trust.sealed.verify import check
from nightlight.trust.units.models import Post, Unit
from nightlight.trust.units.viewer import Viewer, viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pytest_django import Settings

LAW = pack("IN").unsealing
TIP = "NL-7F3K-9QTX"
CHILD = Protected("victim 1", "Child A", Kind.CHILD_VICTIM, {"name": ["Zyxandra Quillfeather"]})


@dataclass
class Scene:
    """One child in a tip held by the first district; people there, in the second, and above."""

    at: datetime
    people: dict[str, Viewer]
    child: Identity

    def ask(self, name: str) -> tuple[Unsealing, bytes]:
        return actions.ask(
            by=self.people[name],
            at=self.at,
            identity=self.child.public_id,
            reason_kind="child-in-danger",
            reason="Arrange for the child to be met at school",
            case_number="14/2026",
            minutes=30,
            law=LAW,
        )

    @contextlib.contextmanager
    def page(self, name: str) -> Iterator[None]:
        """A page of that person."""
        with _role(WEB), identity.acting_as(viewer=self.people[name].user_id):
            yield


@contextlib.contextmanager
def _role(role: str) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
        yield
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """A background step."""
    with _role(WORKER), identity.acting_as(service=name):
        yield


@contextlib.contextmanager
def refused() -> Iterator[None]:
    with (
        pytest.raises(DatabaseError, match=r"permission denied|row-level security|never changed"),
        transaction.atomic(),
    ):
        yield


@pytest.fixture
def scene(db: None, tmp_path: Path, settings: Settings) -> Scene:
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    rights.apply(connection)
    at = clock.now()
    root = Unit.objects.get(parent=None)
    units = {"above": root}
    for name in ("first", "second"):
        units[name] = Unit.objects.create(
            public_id=public_ids.new("UN"), parent=root, kind="district", code=name, name=name, created_at=at
        )
    reporter = Reporter.objects.create(public_id="RP-1", name="Example", origin="api", created_at=at)
    Tip.objects.create(
        public_id=TIP,
        report_id=123456789012,
        source="api",
        environment="test",
        reporter=reporter,
        sent_by="rp-1",
        incident_type="Example",
        batched=False,
        escalated=False,
        payload_sha256=b"",
        opened_at=at,
        state="open",
        state_at=at,
        unit=units["first"],
    )
    people = {}
    for name, role, unit in [
        ("Alice", "investigator", "first"),
        ("Bob", "triage-officer", "first"),
        ("Charlie", "investigator", "second"),
        ("Cora", "commander", "second"),
        ("Ada", "auditor", "above"),
    ]:
        user = User.objects.create(username=name, public_id=public_ids.new("OF"))
        Post.objects.create(
            public_id=public_ids.new("PO"), user=user, unit=units[unit], role=role, starts_at=at - timedelta(days=1)
        )
        people[name] = viewer_of(user, at)
    with step("reading"):
        keeping.renew(by="service:worker", at=at, subject=f"tip:{TIP}", identities=[CHILD], rule_version=1)
    return Scene(at, people, Identity.objects.get())


def test_other_steps_keep_nothing(scene: Scene) -> None:
    for name in ("expiry", "unsealing", "notices"):
        with step(name), refused():
            keeping.renew(by="service:worker", at=scene.at, subject="tip:NL-2", identities=[CHILD], rule_version=1)


def test_pages_read_pseudonyms_of_the_records_they_see_and_nothing_that_is_closed(scene: Scene) -> None:
    for name, sees, searches in [
        ("Charlie", False, False),
        ("Cora", False, False),
        ("Bob", True, False),
        ("Ada", True, False),
        ("Alice", True, True),
    ]:
        with scene.page(name):
            assert [one.pseudonym for one in queries.of_record(f"tip:{TIP}")] == ["Child A"] * sees, name
            assert SearchDigest.objects.exists() is searches, name
            with refused():
                list(Identity.objects.all())


def test_a_search_finds_nobody_of_a_record_that_the_person_does_not_see(scene: Scene) -> None:
    for name, hits in (("Charlie", []), ("Alice", [scene.child.public_id])):
        with scene.page(name):
            by = scene.people[name]
            found = actions.search(by=by, at=scene.at, kind="name", text="Zyxandra", law=LAW)
            assert [hit.identity for hit in found] == hits


def test_pages_cannot_forge_a_request(scene: Scene) -> None:
    with scene.page("Charlie"), pytest.raises(NotFound), transaction.atomic():
        scene.ask("Charlie")
    with scene.page("Alice"):
        row, _ = scene.ask("Alice")
    facts = {field.attname: getattr(row, field.attname) for field in Unsealing._meta.fields} | {"id": None}
    for name, change in [
        ("Alice", {"user_id": scene.people["Charlie"].user_id}),
        ("Charlie", {"user_id": scene.people["Charlie"].user_id}),
        ("Bob", {"user_id": scene.people["Bob"].user_id}),
        ("Alice", {"expires_at": scene.at + timedelta(hours=2)}),
        ("Alice", {"identity": "ID-0000-0000"}),
        ("Alice", {"state": State.CLOSED}),
    ]:
        with scene.page(name), refused():
            Unsealing.objects.create(**(facts | {"public_id": public_ids.new("US")} | change))
    with scene.page("Alice"):
        mine = Unsealing.objects.filter(pk=row.pk)
        for change in ({"public_key": b"x" * 32}, {"answered_at": scene.at}):
            with refused():
                mine.update(**change)
        with refused():
            mine.delete()
        with pytest.raises(DatabaseError, match="a page does not answer"), transaction.atomic():
            mine.update(state=State.OPENED, answer_key_part=b"", answer_body=b"")
    with scene.page("Ada"):
        assert Unsealing.objects.count() == 1
        assert Unsealing.objects.update(state=State.CLOSED) == 0


def test_each_step_can_do_its_part_and_the_end_is_as_logged(scene: Scene) -> None:
    by = scene.people["Alice"]
    with scene.page("Alice"):
        row, key = scene.ask("Alice")
    with step("unsealing"):
        assert actions.answer(by="service:worker", at=scene.at, unsealing=row.public_id, law=LAW)
    for name, count in (("Alice", 1), ("Bob", 0), ("Charlie", 0), ("Cora", 0), ("Ada", 1)):
        with scene.page(name):
            assert queries.openings(f"tip:{TIP}").count() == count, name
    with scene.page("Alice"):
        told = actions.read(by=by, at=scene.at, unsealing=row.public_id, private_key=key, law=LAW)
        assert told == {"name": ["Zyxandra Quillfeather"]}
        actions.close(by=by, at=scene.at, unsealing=row.public_id)
        scene.ask("Alice")
    with step("unsealing"):
        assert actions.expire_due(by="service:worker", at=scene.at + timedelta(hours=1)) == 1
    with step("retention"):
        assert keeping.destroy(by="service:worker", at=scene.at, subject=f"tip:{TIP}")
    with step("verifying"):
        assert list(check()) == []
