# SPDX-License-Identifier: Apache-2.0
"""Sealing keys of their own for each test, and people who may open, who may not, and who may no longer."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.foundation import public_ids
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.law.queries import pack
from nightlight.trust.sealed import actions, keeping
from nightlight.trust.sealed.models import Identity
from nightlight.trust.sealed.rules import Kind, Protected
from nightlight.trust.units.models import Post, Unit
from nightlight.trust.units.viewer import Viewer, viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import Settings

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LAW = pack("IN").unsealing
TIP = "tip:NL-7F3K-9QTX"
REASON = "Arrange for the child to be met at school today"
CHILD = Protected(
    source="victim 1",
    pseudonym="Child A",
    kind=Kind.CHILD_VICTIM,
    facts={
        "name": ["Zyxandra Quillfeather-Möller"],
        "birth_date": ["2014-02-30"],
        "phone": ["+91 55501 23456"],
        "email": ["Zyxandra@Example.org"],
        "account": ["@zyx.quill"],
        "school": ["Blue Gradient School"],
        "address": ["9 Pattern Lane, Exampleton"],
    },
)
OTHER = Protected(source="victim 2", pseudonym="Child B", kind=Kind.CHILD_VICTIM, facts={"name": ["Orvokki Tesselate"]})


@contextlib.contextmanager
def past_triggers() -> Iterator[None]:
    """Tamper, as somebody could who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")


@dataclass
class World:
    """People of one unit, and one record with two protected children."""

    people: dict[str, User] = field(default_factory=dict)

    def viewer(self, role: str = "investigator", name: str = "", at: datetime = AT) -> Viewer:
        """Return a person with that post, made on first sight."""
        name = name or role
        if name not in self.people:
            user = User.objects.create(username=name, public_id=public_ids.new("OF"))
            Post.objects.create(
                public_id=public_ids.new("PO"),
                user=user,
                unit=Unit.objects.get(parent=None),
                role=role,
                starts_at=AT - timedelta(days=1),
            )
            self.people[name] = user
        return viewer_of(self.people[name], at)

    def end_posts(self, name: str, at: datetime) -> None:
        """End whatever posts that person holds."""
        Post.objects.filter(user=self.people[name]).update(ends_at=at)


@pytest.fixture(autouse=True)
def without_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """This floor knows no records: those who do have the worker ask them, and here nobody has."""
    monkeypatch.setattr(actions, "_gates", [])


@pytest.fixture
def sealing(tmp_path: Path, settings: Settings) -> Path:
    """The folder of this test's sealing keys."""
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    settings.NIGHTLIGHT_SEALED_SEARCH_KEY = b"s" * 32
    return tmp_path / "sealing"


@pytest.fixture
def world(db: None, sealing: Path) -> World:
    """Two children of one report, sealed, and nobody else yet."""
    keeping.renew(by="service:worker", at=AT, subject=TIP, identities=[CHILD, OTHER], rule_version=1)
    assert Role.INVESTIGATOR in World().viewer(name="someone").roles
    return World()


@pytest.fixture
def child(world: World) -> Identity:
    """Child A."""
    return Identity.objects.get(subject=TIP, pseudonym="Child A")
