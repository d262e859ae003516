# SPDX-License-Identifier: Apache-2.0
"""Packages over the wire: who may send, where to go on, what is refused with which word. Nothing here is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing.exchange import cards, keys, partners, receiving, wire
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.pipeline.routing.tests.others import Other, whole
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from pytest_django import Settings

    from nightlight.pipeline.routing.exchange.envelope import Head

pytestmark = pytest.mark.django_db
_STATES = Package.State


@pytest.fixture(autouse=True)
def _places(settings: Settings, tmp_path: Path) -> None:
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)  # whitenoise warns where there is none
    settings.NIGHTLIGHT_EXCHANGE_FOLDER = tmp_path / "exchange"
    settings.NIGHTLIGHT_EXCHANGE_KEYS_DIR = tmp_path / "ours"
    settings.NIGHTLIGHT_EXCHANGE_DISK = 1


@pytest.fixture
def east(tmp_path: Path) -> Other:
    return Other(tmp_path / "east")


def _announce(head: Head, *, expect: int = 201) -> dict[str, Any]:
    return _told(Client().post(wire.PACKAGES, head.to_bytes(), content_type="text/plain"), expect)


def _piece(east: Other, package: str, offset: int, body: bytes, *, expect: int = 200, **headers: str) -> dict[str, Any]:
    shown = east.shows(package, wire.CHUNK, offset=offset, body=body) | headers
    answer = Client().patch(f"{wire.PACKAGES}/{package}", body, content_type="application/octet-stream", headers=shown)
    return _told(answer, expect)


def _complete(east: Other, package: str, *, expect: int = 202) -> dict[str, Any]:
    shown = east.shows(package, wire.COMPLETE)
    return _told(Client().post(f"{wire.PACKAGES}/{package}/complete", headers=shown), expect)


def _state(east: Other, package: str, *, expect: int = 200, to: str = "") -> dict[str, Any]:
    return _told(Client().get(f"{wire.PACKAGES}/{package}", headers=east.shows(package, wire.STATE, to=to)), expect)


def _told(answer: Any, expect: int) -> dict[str, Any]:  # noqa: ANN401 - as the test client returns it
    told: dict[str, Any] = answer.json()
    assert answer.status_code == expect, told
    assert answer.headers["Cache-Control"] == "no-store"
    return told | {"code": str(told.get("type", "")).rpartition(":")[2] or told.get("code", "")}


def test_the_card_is_shown_to_anybody_and_is_ours() -> None:
    shown = Client().get(wire.CARD)
    assert cards.read(shown.content.decode()).fingerprint == keys.ours().fingerprint
    assert Client().post(wire.CARD).status_code == 405
    assert Client().get("/exchange/v2/card").status_code == 404


def test_what_an_unknown_installation_sends_is_held_and_refused(east: Other, settings: Settings) -> None:
    settings.NIGHTLIGHT_EXCHANGE_HELD = 2
    head, sealed = east.package()
    assert _announce(head, expect=403)["code"] == "unknown-sender"
    east.added()  # nobody compared yet
    assert _announce(head, expect=403)["code"] == "unknown-sender"
    for _ in range(3):
        _announce(east.package()[0], expect=403)
    held = Package.objects.filter(state=_STATES.QUARANTINED)
    assert (held.count(), Package.objects.count()) == (2, 2)
    assert not any(one.path for one in held)
    assert Event.objects.filter(kind="exchange.package-held").count() == 2
    assert _piece(east, head.header.id, head.size, sealed, expect=403)["code"] == "unknown-sender"
    assert not (receiving.folder() / "in").exists()


def test_a_package_comes_piece_by_piece_and_is_whole(east: Other) -> None:
    sender = east.trusted()
    head, sealed = east.package(bytes(range(256)) * 40)
    name = head.header.id
    begun = _announce(head)
    assert (begun["state"], begun["offset"], begun["size"]) == ("receiving", head.size, head.whole)
    half = head.size + 5000
    assert _piece(east, name, head.size, sealed[:5000])["offset"] == half
    # What was sent before is not written again; whoever lost count is told where to go on.
    assert _piece(east, name, head.size, sealed[:5000], expect=409)["offset"] == half
    assert _piece(east, name, half + 1, sealed[5001:], expect=409)["offset"] == half
    assert _complete(east, name, expect=409)["offset"] == half
    assert _announce(head)["offset"] == half
    # A crash between the disk and the count: what is on the disk beyond it is written again.
    path = receiving.path_of(Package.objects.get())
    with path.open("ab") as file:
        file.write(b"of a piece that was never counted")
    assert _piece(east, name, half, sealed[5000:])["offset"] == head.whole
    assert path.read_bytes() == head.to_bytes() + sealed
    assert _state(east, name)["state"] == "receiving"
    assert _complete(east, name)["state"] == "arrived"
    assert _complete(east, name)["state"] == "arrived"
    assert _announce(head, expect=200)["state"] == "arrived"
    arrived = Event.objects.filter(kind="exchange.package-arrived")
    assert arrived.count() == 1
    sender.refresh_from_db()
    assert sender.last_seen_at is not None


def test_bytes_that_are_not_as_announced_are_not_taken(east: Other) -> None:
    east.trusted()
    head, sealed = east.package()
    name = head.header.id
    _announce(head)
    other = sealed[:-1] + bytes([sealed[-1] ^ 1])
    shown = east.shows(name, wire.CHUNK, offset=head.size, body=sealed)
    answer = Client().patch(f"{wire.PACKAGES}/{name}", other, content_type="application/octet-stream", headers=shown)
    assert _told(answer, 400)["code"] == "digest"
    assert _piece(east, name, head.size, sealed + b"more", expect=400)["code"] == "size"
    assert _piece(east, name, head.size, sealed, expect=400, **{wire.OFFSET: "minus one"})["code"] == "piece"
    assert _state(east, name)["offset"] == head.size


def test_only_the_one_who_sends_may_ask_about_a_package(east: Other, tmp_path: Path) -> None:
    west = Other(tmp_path / "west", name="State West", url="")
    east.trusted()
    west.trusted()
    head, sealed = east.package()
    name = head.header.id
    _announce(head)
    assert _state(west, name, expect=404)["code"] == "package"
    assert _piece(west, name, head.size, sealed, expect=404)["code"] == "package"
    assert _told(Client().get(f"{wire.PACKAGES}/{name}"), 401)["code"] == "signature"
    # Signed for another installation, another act, another offset: each is worth nothing here.
    assert _state(east, name, to="0" * 64, expect=401)["code"] == "signature"
    shown = east.shows(name, wire.COMPLETE)
    assert _told(Client().get(f"{wire.PACKAGES}/{name}", headers=shown), 401)["code"] == "signature"
    assert _piece(east, name, head.size, sealed, expect=401, **{wire.OFFSET: "0"})["code"] == "signature"
    forged = {"Authorization": east.shows(name, wire.STATE)["Authorization"].replace(east.keys.fingerprint, "f" * 64)}
    assert _told(Client().get(f"{wire.PACKAGES}/{name}", headers=forged), 403)["code"] == "unknown-sender"


def test_an_installation_that_was_ended_is_heard_no_more(east: Other) -> None:
    sender = east.trusted()
    head, sealed = east.package()
    _announce(head)
    partners.end(by="command:cli", at=clock.now(), installation=sender, why="its key was stolen")
    assert _announce(head, expect=403)["code"] == "ended"
    assert _piece(east, head.header.id, head.size, sealed, expect=403)["code"] == "ended"


def test_a_name_stands_for_one_package_for_ever(east: Other) -> None:
    east.trusted()
    head, _sealed = east.package()
    _announce(head)
    other, _sealed = east.package(b"other bytes under the same name", name=head.header.id)
    assert _announce(other, expect=409)["code"] == "other-package"
    with pytest.raises(receiving.NotTaken, match="another package"):
        receiving.take_file(whole(*east.package(b"and others", name=head.header.id)), at=clock.now(), by="command:cli")


def test_heads_that_are_none_are_refused_with_the_word_for_it(east: Other, tmp_path: Path) -> None:
    east.trusted()
    head, _sealed = east.package()
    stolen = Other(tmp_path / "thief")
    # The thief states the fingerprint of another.
    lines = head.to_bytes().replace(b"State East", b"State Wrst")
    assert _told(Client().post(wire.PACKAGES, lines, content_type="text/plain"), 401)["code"] == "signature"
    assert _announce(east.package(to=stolen.keys.fingerprint)[0], expect=403)["code"] == "not-for-us"
    for body, code in ((b"no package", "not-a-package"), (b"nightlight-package/2\n{}\n\n", "version")):
        assert _told(Client().post(wire.PACKAGES, body, content_type="text/plain"), 400)["code"] == code
    behind = head.to_bytes() + b"and more"
    assert _told(Client().post(wire.PACKAGES, behind, content_type="text/plain"), 400)["code"] == "header"
    assert _told(Client().post(wire.PACKAGES, b"x" * 9000, content_type="text/plain"), 400)["code"] == "size"
    assert not Package.objects.exists()


def test_room_is_kept(east: Other, settings: Settings) -> None:
    east.trusted()
    head, _sealed = east.package(size=500)
    settings.NIGHTLIGHT_EXCHANGE_LARGEST = 500
    assert _announce(head, expect=413)["code"] == "too-large"
    settings.NIGHTLIGHT_EXCHANGE_LARGEST = 10**9
    settings.NIGHTLIGHT_EXCHANGE_DISK = 10**18
    answer = Client().post(wire.PACKAGES, head.to_bytes(), content_type="text/plain")
    assert _told(answer, 507)["code"] == "no-room"
    assert int(answer.headers["Retry-After"]) > 0
    settings.NIGHTLIGHT_EXCHANGE_DISK = 1
    settings.NIGHTLIGHT_EXCHANGE_OPEN = 1
    _announce(head)
    assert _announce(east.package()[0], expect=429)["code"] == "too-many"
    assert _announce(head)["state"] == "receiving"  # what was begun goes on


def test_a_file_that_was_lost_is_begun_anew(east: Other) -> None:
    east.trusted()
    head, sealed = east.package()
    _announce(head)
    _piece(east, head.header.id, head.size, sealed[:50])
    receiving.path_of(Package.objects.get()).unlink()
    told = _piece(east, head.header.id, head.size + 50, sealed[50:])
    assert told["offset"] == head.size
    _piece(east, head.header.id, head.size, sealed)
    _complete(east, head.header.id)


def test_a_stick_from_an_unknown_sender_is_held_whole_and_released_after_comparing(east: Other) -> None:
    head, sealed = east.package()
    held = receiving.take_file(whole(head, sealed), at=clock.now(), by="command:cli")
    assert held.state == _STATES.QUARANTINED
    assert receiving.path_of(held).read_bytes() == head.to_bytes() + sealed
    with pytest.raises(Conflict, match="not trusted"):
        partners.release(by="command:cli", at=clock.now(), package=held)
    east.trusted()
    assert receiving.take_file(whole(head, sealed), at=clock.now(), by="command:cli").pk == held.pk
    partners.release(by="command:cli", at=clock.now(), package=held)
    held.refresh_from_db()
    assert (held.state, held.installation) == (_STATES.COMPLETE, Installation.objects.get())
    with pytest.raises(Conflict, match="not held"):
        partners.discard(by="command:cli", at=clock.now(), package=held, why="too late")


def test_what_is_held_is_dropped_with_a_reason(east: Other, settings: Settings) -> None:
    settings.NIGHTLIGHT_EXCHANGE_HELD = 1
    head, sealed = east.package()
    held = receiving.take_file(whole(head, sealed), at=clock.now(), by="command:cli")
    with pytest.raises(receiving.NotTaken, match="Too many"):
        receiving.take_file(whole(*east.package()), at=clock.now(), by="command:cli")
    assert len(list((receiving.folder() / "in").iterdir())) == 1
    with pytest.raises(Conflict, match="Say why"):
        partners.discard(by="command:cli", at=clock.now(), package=held, why="  ")
    partners.discard(by="command:cli", at=clock.now(), package=held, why="nobody there sent it")
    held.refresh_from_db()
    assert (held.state, held.code) == (_STATES.REFUSED, "discarded")


def test_a_stick_from_a_trusted_sender_is_taken_once_and_a_torn_one_leaves_nothing(east: Other) -> None:
    east.trusted()
    head, sealed = east.package()
    for torn in (sealed[:-1], sealed + b"!"):
        with pytest.raises(receiving.NotTaken, match="more or less"):
            receiving.take_file(whole(head, torn), at=clock.now(), by="command:cli")
    assert not Package.objects.exists()
    assert list((receiving.folder() / "in").iterdir()) == []
    taken = receiving.take_file(whole(head, sealed), at=clock.now(), by="command:cli")
    again = receiving.take_file(whole(head, sealed), at=clock.now(), by="command:cli")
    assert (taken.state, again.pk) == (_STATES.COMPLETE, taken.pk)
    assert Event.objects.filter(kind="exchange.package-arrived").count() == 1
