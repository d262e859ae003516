# SPDX-License-Identifier: Apache-2.0
"""Lists of opened identities, searches for one, and all of it with the rights of pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from nightlight.config import rights
from nightlight.outlook.desk.tests import cast
from nightlight.trust import identity as acting
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import WEB
from nightlight.trust.sealed.rules import SEARCHES_AN_HOUR
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.sealed.models import Identity
from nightlight.outlook.desk.tests.sealed_cast import (
    REASON,
    answer_it,
    ask,
    asking,
    child,
    client_of,
    ines,
    keys,
    names_in,
    opened,
    page_of,
    tip,
)

__all__ = ["child", "ines", "keys", "tip"]


# --- lists ----------------------------------------------------------------------------------------------------------


def test_openings_are_seen_by_who_asked_and_who_answers_for_them(ines: Client, tip: Tip, child: Identity) -> None:
    nothing = page_of(ines.get("/unsealings/"))
    assert "No identity was asked for" in nothing
    place = opened(ines, tip, child)
    for client, mine in (
        (ines, True),
        (client_of(cast.person("Cora", "commander")), False),
        (client_of(cast.person("Ada", "auditor")), False),
    ):
        for address in ("/unsealings/", f"/tips/{tip.public_id}/"):
            page = page_of(client.get(address))
            assert "88/2027" in page
            assert REASON["reason"] in page
            assert (f'href="{place}"' in page) is mine
            assert names_in(page) == []
    for name, role in (("Ivo", "investigator"), ("Tara", "triage-officer"), ("Lea", "legal-reviewer")):
        page = page_of(client_of(cast.person(name, role)).get(f"/tips/{tip.public_id}/"))
        assert "88/2027" not in page
        assert REASON["reason"] not in page
        assert "Openings of identities" not in page
    assert "88/2027" not in page_of(client_of(cast.person("Vera", "victim-identification")).get("/unsealings/"))


# --- searching ------------------------------------------------------------------------------------------------------


def test_a_search_shows_pseudonyms_and_never_what_was_sought(ines: Client, tip: Tip, child: Identity) -> None:
    assert "At most 30 searches an hour" in page_of(ines.get("/sealed/search/"))
    for kind, text in (("name", "meera"), ("account", "yellow-boat"), ("school", "Example School")):
        answer = ines.post("/sealed/search/", {"kind": kind, "text": text})
        page = page_of(answer)
        assert "1 protected person" in page
        assert f'href="/tips/{tip.public_id}/"' in page
        assert cast.CHILD in page
        assert names_in(page) == []
        assert "no-store" in answer.headers["Cache-Control"]
    page = page_of(ines.post("/sealed/search/", {"kind": "phone", "text": "5550199"}))
    assert "0 protected people" in page
    assert "Nobody in the tips you see" in page
    assert all("meera" not in event.body.lower() for event in Event.objects.filter(kind="sealed.searched"))


def test_a_search_that_says_nothing_or_stands_in_the_address_finds_nothing(ines: Client, child: Identity) -> None:
    assert "Type in what you are looking for" in page_of(
        ines.post("/sealed/search/", {"kind": "name", "text": " "}), 409
    )
    assert "Search for a name" in page_of(ines.post("/sealed/search/", {"kind": "shoe size", "text": "38"}), 409)
    page = page_of(ines.get("/sealed/search/", {"kind": "name", "text": "meera"}))
    assert cast.CHILD not in page
    assert not Event.objects.filter(kind="sealed.searched").exists()


def test_searches_are_limited_in_the_hour(ines: Client, child: Identity) -> None:
    for _ in range(SEARCHES_AN_HOUR):
        assert ines.post("/sealed/search/", {"kind": "name", "text": "nobody"}).status_code == 200
    page = page_of(ines.post("/sealed/search/", {"kind": "name", "text": "meera"}), 409)
    assert cast.CHILD not in page


# --- with the rights of pages ---------------------------------------------------------------------------------------


@pytest.fixture
def as_web(db: None) -> Iterator[None]:
    """Every query of the test runs with the database role of the pages."""
    rights.apply(connection)
    yield


def test_the_pages_work_with_the_rights_of_pages_and_beyond_reach_there_is_nothing(
    as_web: None, ines: Client, tip: Tip, child: Identity
) -> None:
    far = units.add_unit(by="command:cli", at=cast.NOON, parent=cast.root(), kind="district", code="FAR", name="Far")
    stranger = client_of(cast.person("Sten", "investigator", far))
    boss = client_of(cast.person("Bea", "commander", far))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {WEB}")
        assert stranger.get(asking(tip, child)).status_code == 404
        assert "0 protected people" in page_of(stranger.post("/sealed/search/", {"kind": "name", "text": "meera"}))
        assert "1 protected person" in page_of(ines.post("/sealed/search/", {"kind": "name", "text": "meera"}))
        place = ask(ines, tip, child)
        assert "being opened" in page_of(ines.get(place))
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        with acting.acting_as(service="unsealing"):
            answer_it(place)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {WEB}")
        assert "Meera Invented" in page_of(ines.get(place))
        assert "88/2027" not in page_of(boss.get("/unsealings/"))
        assert page_of(ines.get(f"/tips/{tip.public_id}/")).count("88/2027") == 1
        assert ines.post(f"{place}close/").status_code == 302
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_no_form_sends_the_search_into_an_address(ines: Client, db: None) -> None:
    page = page_of(ines.get("/sealed/search/"))
    assert re.findall(r'<form method="(\w+)" class="sealed-search"', page) == ["post"]
