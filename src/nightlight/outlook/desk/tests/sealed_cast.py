# SPDX-License-Identifier: Apache-2.0
"""A tip whose victim is sealed, an investigator who may ask for the name, and how a browser asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions
from nightlight.trust.sealed.models import Identity

if TYPE_CHECKING:
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as Answered
    from pytest_django import Settings

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User


REASON = {
    "reason_kind": "child-in-danger",
    "reason": "Arrange for the child to be met at school",
    "case_number": "88/2027",
    "minutes": "10",
}


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, settings: Settings) -> None:
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    settings.NIGHTLIGHT_SEALED_SEARCH_KEY = b"s" * 32


@pytest.fixture
def tip(desk: Desk) -> Tip:
    """The example report, read: its victim is sealed."""
    return desk.full()


@pytest.fixture
def child(tip: Tip) -> Identity:
    """Meera, as far as pages know her."""
    return Identity.objects.get(subject=f"tip:{tip.public_id}", pseudonym=cast.CHILD)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ines(db: None) -> Client:
    """An investigator, signed in."""
    return client_of(cast.person("Ines", "investigator"))


def page_of(answer: Answered, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def asking(tip: Tip, child: Identity) -> str:
    return f"/tips/{tip.public_id}/sealed/{child.public_id}/"


def ask(client: Client, tip: Tip, child: Identity, **changed: str) -> str:
    """Ask as the form does; return the address of the opening."""
    answer = client.post(asking(tip, child), REASON | changed)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def answer_it(place: str) -> None:
    """What the worker does when it comes to the request."""
    actions.answer(
        by="service:worker",
        at=clock.now(),
        unsealing=place.split("/")[2],
        law=current_pack().unsealing,
    )


def opened(client: Client, tip: Tip, child: Identity) -> str:
    place = ask(client, tip, child)
    answer_it(place)
    return place


def names_in(page: str) -> list[str]:
    return [word for word in cast.CHILD_WORDS if word.lower() in page.lower()]
