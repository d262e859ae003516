# SPDX-License-Identifier: Apache-2.0
"""Other installations on the pages: added by one, compared by another, tied, ended; what is held is decided about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.routing.exchange import cards, keys, receiving
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.pipeline.routing.tests.others import Other, whole
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.trust.units.models import Unit


@pytest.fixture(autouse=True)
def _places(settings: Settings, tmp_path: Path) -> None:
    settings.NIGHTLIGHT_EXCHANGE_FOLDER = tmp_path / "exchange"
    settings.NIGHTLIGHT_EXCHANGE_KEYS_DIR = tmp_path / "ours"
    settings.NIGHTLIGHT_EXCHANGE_DISK = 1


@pytest.fixture
def east(tmp_path: Path) -> Other:
    return Other(tmp_path / "east")


def _unit() -> Unit:
    return units.add_unit(
        by="command:cli", at=clock.now(), parent=cast.root(), name="State East", code="ST-E", kind="state"
    )


def _words(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode().split("<main", 1)[1]


def test_who_may_see_and_change_what(alice: Client, bob: Client, charlie: Client, east: Other) -> None:
    assert alice.get("/installations/").status_code == 403
    assert bob.post("/installations/add/", {"card": east.card}).status_code == 403
    charlie.post("/installations/add/", {"card": east.card})
    made = Installation.objects.get()
    assert bob.post(f"/installations/{made.public_id}/compare/", {"heard": east.spoken}).status_code == 403
    assert "State East" in _words(bob, "/installations/")
    assert 'name="card"' not in _words(bob, "/installations/")


def test_one_adds_and_another_compares(charlie: Client, east: Other) -> None:
    boss, mona = cast.person("Mona", "commander"), Client()
    mona.force_login(boss)
    place = _unit()
    for group in cards.spoken(keys.ours().fingerprint).split():
        assert group in _words(charlie, "/installations/")
    charlie.post("/installations/add/", {"card": east.card.replace("East", "Eest")})
    charlie.post("/installations/add/", {"card": keys.our_card()})
    charlie.post("/installations/add/", {"card": east.card, "ca": "no certificate"})
    charlie.post("/installations/add/", {"card": east.card, "unit": cast.root().code})
    assert not Installation.objects.exists()
    charlie.post("/installations/add/", {"card": east.card, "unit": place.code})
    one = Installation.objects.get()
    assert (one.state, one.unit, one.name) == ("waiting", place, "State East")
    address = f"/installations/{one.public_id}/"
    # Nobody is shown what they are to hear.
    assert east.spoken not in _words(mona, address)
    assert charlie.post(f"{address}compare/", {"heard": east.spoken}).status_code == 403
    mona.post(f"{address}compare/", {"heard": east.spoken.replace("1", "2").replace("3", "4")})
    one.refresh_from_db()
    assert one.state == "waiting"
    assert "It is not the same" in _words(mona, address)
    mona.post(f"{address}compare/", {"heard": f" {east.spoken.replace(' ', '-')} "})
    one.refresh_from_db()
    assert (one.state, one.compared_by) == ("trusted", f"officer:{boss.public_id}")
    kinds = Event.objects.filter(subject=f"installation:{one.public_id}").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == [f"exchange.installation-{what}" for what in ("added", "compare-failed", "compared")]
    assert east.spoken in _words(mona, address)
    charlie.post(f"{address}end/", {"why": ""})
    charlie.post(f"{address}end/", {"why": "its machine was stolen"})
    one.refresh_from_db()
    assert one.state == "ended"
    assert "has ended" in _words(charlie, address)


def test_what_is_held_is_released_or_dropped_and_a_refusal_is_tried_again(charlie: Client, east: Other) -> None:
    first, second = (receiving.take_file(whole(*east.package()), at=clock.now(), by="command:cli") for _ in range(2))
    shown = _words(charlie, "/installations/")
    assert shown.count("Its sender is not trusted yet") == 2
    charlie.post(f"/installations/packages/{first.public_id}/", {"do": "release"})
    first.refresh_from_db()
    assert first.state == Package.State.QUARANTINED
    one = east.trusted()
    charlie.post(f"/installations/packages/{first.public_id}/", {"do": "release"})
    charlie.post(f"/installations/packages/{second.public_id}/", {"do": "discard", "why": "it was a test"})
    states = Package.objects.order_by("pk").values_list("state", "code")
    assert list(states) == [("complete", ""), ("refused", "discarded")]
    gone = Package.objects.create(
        public_id="PK-1111-1111", outgoing=True, kind="referral", installation=one, package_id="PK-1111-1111",
        state="refused", code="digest", why="It was changed on its way.", by="service:worker", size=5_000_000, tips=3,
        made_at=clock.now(), state_at=clock.now(),
    )  # fmt: skip
    shown = _words(charlie, f"/installations/{one.public_id}/")
    assert "It was changed on its way." in shown
    charlie.post(f"/installations/packages/{gone.public_id}/", {"do": "retry"})
    gone.refresh_from_db()
    assert gone.code == "again"
    assert charlie.post("/installations/packages/PK-2222-2222/", {"do": "retry"}).status_code == 404
