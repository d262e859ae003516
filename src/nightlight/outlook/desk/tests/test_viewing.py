# SPDX-License-Identifier: Apache-2.0
"""Looking at a file: refused unless everything is in order, shown only when pressed for, and never the original."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from PIL import Image

from nightlight.foundation import clock
from nightlight.outlook.desk import looking
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.trust.custody.models import Event
from nightlight.trust.viewing import actions, preparing, rules, verify
from nightlight.trust.viewing.models import Assessment, Exposure, Picture, State, Viewing
from nightlight.trust.viewing.rendering import render as rendering
from nightlight.trust.viewing.rendering.terms import RenditionRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.evidence.models import Item


NEVER_KEPT = "no-store, max-age=0, no-cache, must-revalidate, private"


def _sandbox() -> bool:
    try:
        return rendering.protections().enough
    except RenditionRefused:
        return False


needs_sandbox = pytest.mark.skipif(not _sandbox(), reason="this computer cannot shut in the reader of files")


def kinds(item: Item) -> list[str]:
    """The events of a file's history, in order."""
    return list(Event.objects.filter(subject=f"item:{item.public_id}").order_by("id").values_list("kind", flat=True))


@pytest.fixture
def tip(desk: Desk) -> tuple[Tip, Item]:
    """A tip with a gradient that a person at the reporter viewed."""
    return pictures.tip_with_file(desk, pictures.gradient())


@pytest.fixture
def gated() -> Iterator[None]:
    """The worker asks the desk's gate, as in an installation."""
    before = list(preparing._gates)
    preparing.let_through_only(looking.may_open)
    yield
    preparing._gates[:] = before


# --- refused ---


@pytest.mark.parametrize("role", ["intake-analyst", "commander", "legal-reviewer", "auditor", "administrator"])
def test_other_roles_do_not_look(tip: tuple[Tip, Item], role: str) -> None:
    client = Client()
    client.force_login(cast.person("Dana", role))
    assert client.get(f"/tips/{tip[0].public_id}/files/1/").status_code == 403
    assert pictures.ask(client, tip[0]).status_code == 403
    assert "Look at this file" not in client.get(f"/tips/{tip[0].public_id}/").content.decode()
    assert not Viewing.objects.exists()


@pytest.mark.parametrize(
    "more", [{"reason": "too short"}, {"reason_kind": "curiosity"}, {"reason": "  a   b   c  d  e "}]
)
def test_without_a_reason_nothing_is_prepared(alice: Client, tip: tuple[Tip, Item], more: dict[str, str]) -> None:
    answer = pictures.ask(alice, tip[0], **more)
    assert answer.status_code == 409
    assert "Say why you have to look" in answer.content.decode()
    assert not Viewing.objects.exists()
    assert "evidence.viewing-asked" not in kinds(tip[1])


def test_a_file_that_is_not_there_is_not_found(alice: Client, tip: tuple[Tip, Item]) -> None:
    for number in ("0", "2", "99"):
        assert alice.get(f"/tips/{tip[0].public_id}/files/{number}/").status_code == 404


def test_the_worker_refuses_a_request_that_the_log_does_not_hold(alice: Client, tip: tuple[Tip, Item]) -> None:
    pictures.ask(alice, tip[0])
    asked = Viewing.objects.get()
    copy = Viewing.objects.get()
    copy.pk, copy.public_id, copy.public_key = None, "VW-2222-2222", b"k" * 32
    copy.save(force_insert=True)
    asked.state = State.CLOSED
    asked.save(update_fields=["state"])
    assert pictures.prepare(tip[1]) == 1
    assert Viewing.objects.get(public_id="VW-2222-2222").why == "not-as-asked"
    assert not Picture.objects.exists()


def test_a_file_that_cannot_be_drawn_is_refused_in_words(alice: Client, desk: Desk) -> None:
    tip, item = pictures.tip_with_file(desk, b"plain words, no picture at all")
    address = pictures.opened(alice, tip, item)
    page = alice.get(address).content.decode()
    assert "not one of the formats" in page
    assert alice.get(f"{address}picture/still/").status_code == 410
    assert list(verify.check()) == []


def test_a_request_that_waited_too_long_is_refused(alice: Client, tip: tuple[Tip, Item]) -> None:
    pictures.ask(alice, tip[0])
    later = clock.now() + rules.LIFE
    assert preparing.prepare(by="service:worker", now=lambda: later, item=tip[1].public_id) == 1
    assert Viewing.objects.get().why == "too-late"


@needs_sandbox
def test_nobody_else_gets_the_pictures(alice: Client, tip: tuple[Tip, Item]) -> None:
    address = pictures.opened(alice, *tip)
    still = f"{address}picture/still/"
    assert Client().get(still).status_code == 302  # to the sign-in
    name = next(name for name in alice.cookies if name.startswith("viewing-"))
    other = Client()
    other.force_login(cast.person("Ella", "investigator"))
    other.cookies[name] = alice.cookies[name].value
    assert other.get(still).status_code == 404
    assert other.get(address).status_code == 404
    # The same person in another session, with the key; and in the same session without it.
    again = Client()
    again.force_login(Viewing.objects.get().user)
    again.cookies[name] = alice.cookies[name].value
    assert again.get(still).status_code == 404
    kept = alice.cookies.pop(name)
    assert alice.get(still).status_code == 404
    alice.cookies[name] = "AAAA"
    assert alice.get(still).status_code == 404
    alice.cookies[name] = kept.value
    assert not Exposure.objects.exists()
    assert alice.get(still).status_code == 200


@needs_sandbox
def test_an_expired_viewing_shows_nothing_and_is_erased(alice: Client, tip: tuple[Tip, Item]) -> None:
    address = pictures.opened(alice, *tip)
    assert alice.get(f"{address}picture/still/").status_code == 200
    late = clock.now() + rules.LIFE + timedelta(seconds=1)
    viewing = Viewing.objects.get()
    with pytest.raises(actions.Over):
        actions.check_open(viewing, late)
    assert actions.expire_due(by="service:worker", at=late) == 1
    assert not Picture.objects.exists()
    assert alice.get(f"{address}picture/still/").status_code == 410
    assert alice.get(address).status_code == 410
    assert alice.post(f"{address}held/", {"mode": "still", "n": "0", "milliseconds": "5"}).status_code == 410
    assert alice.post(f"{address}close/").status_code == 302
    assert kinds(tip[1])[-1] == "evidence.viewing-closed"
    assert list(verify.check()) == []


@needs_sandbox
def test_the_small_picture_comes_first(alice: Client, tip: tuple[Tip, Item]) -> None:
    address = pictures.opened(alice, *tip)
    assert alice.get(f"{address}picture/colour/").status_code == 409
    assert alice.get(f"{address}picture/original/").status_code == 404
    assert alice.get(f"{address}picture/still/?n=1").status_code == 404
    assert alice.get(f"{address}picture/still/?n=-1").status_code == 404
    in_a_tab = {"Sec-Fetch-Dest": "document"}
    assert alice.get(f"{address}picture/still/", headers=in_a_tab).status_code == 404
    assert not Exposure.objects.exists()


# --- done ---


@needs_sandbox
def test_from_the_tip_to_the_finding_without_the_original(alice: Client, tip: tuple[Tip, Item], gated: None) -> None:
    report, item = tip
    original = pictures.gradient()
    answers: list[HttpResponse] = []

    def get(address: str) -> HttpResponse:
        answers.append(alice.get(address))  # type: ignore[arg-type]
        return answers[-1]

    assert f"/tips/{report.public_id}/files/1/" in get(f"/tips/{report.public_id}/").content.decode()
    page = get(f"/tips/{report.public_id}/files/1/").content.decode()
    assert item.blob.digests.sha256 in page
    assert "Nobody has assessed these bytes yet" in page
    assert "<img" not in page
    asked = pictures.ask(alice, report)
    answers.append(asked)
    address = asked.headers["Location"]
    cookie = alice.cookies[f"viewing-{address.strip('/').split('/')[-1]}"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", address)
    waiting = get(address).content.decode()
    assert "Being prepared" in waiting
    assert alice.get(f"{address}picture/still/").status_code == 409
    assert alice.get(f"{address}state/", headers={"HX-Request": "true"}).status_code == 204
    assert pictures.prepare(item) == 1
    assert pictures.prepare(item) == 0  # safe to run twice
    assert alice.get(f"{address}state/").headers["HX-Refresh"] == "true"
    ready = get(address).content.decode()
    assert "Show the still" in ready
    assert "<img" not in ready
    assert f' src="{address}' not in ready

    still = get(f"{address}picture/still/?n=0")
    assert (still.headers["Content-Type"], still.headers["Cache-Control"]) == ("image/png", NEVER_KEPT)
    assert still.headers["X-Content-Type-Options"] == "nosniff"
    assert still.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert still.headers["Content-Disposition"] == "inline"
    image = Image.open(io.BytesIO(still.content))
    assert (max(image.size), image.mode) == (96, "L")
    enlarged = Image.open(io.BytesIO(get(f"{address}picture/enlarged/").content))
    colour = Image.open(io.BytesIO(get(f"{address}picture/colour/").content))
    assert (enlarged.mode, colour.mode, max(colour.size)) == ("L", "RGB", 160)
    assert alice.post(f"{address}held/", {"mode": "colour", "n": "0", "milliseconds": "1500"}).status_code == 204
    assert alice.post(f"{address}held/", {"mode": "colour", "n": "0", "milliseconds": "1500"}).status_code == 409
    assert alice.post(f"{address}held/", {"mode": "still", "n": "0", "milliseconds": "-4"}).status_code == 409
    get(address)
    closing = alice.post(f"{address}close/", {"outcome": "matches-report", "violent": "yes"})
    answers.append(closing)  # type: ignore[arg-type]
    assert closing.status_code == 302
    assert alice.get(f"{address}picture/still/").status_code == 410

    assert kinds(item)[-8:] == [
        "evidence.received",
        "evidence.viewing-asked",
        "evidence.rendered",
        "evidence.shown",
        "evidence.shown",
        "evidence.shown",
        "evidence.assessed",
        "evidence.viewing-closed",
    ]
    closed = json.loads(Event.objects.get(kind="evidence.viewing-closed").body)["data"]
    assert closed["shown"] == {"colour": 1, "enlarged": 1, "still": 1}
    assert (closed["milliseconds"], closed["weight"]) == (1500, 5)
    assert pictures.REASON["reason"] not in Event.objects.get(kind="evidence.viewing-asked").body
    assert not Picture.objects.exists()
    assert list(verify.check()) == []
    for answer in answers:
        told = answer.content
        assert not any(original[at : at + 64] in told for at in range(64, len(original) - 64))


@needs_sandbox
def test_the_database_never_holds_a_picture_that_it_could_show(alice: Client, tip: tuple[Tip, Item]) -> None:
    pictures.opened(alice, *tip)
    kept = list(Picture.objects.values_list("mode", "body", "key_part"))
    assert {mode for mode, _, _ in kept} == {"still", "enlarged", "colour"}
    assert all(b"PNG" not in bytes(body)[:16] and len(bytes(part)) == 73 for _, body, part in kept)


@needs_sandbox
def test_the_next_viewer_in_another_unit_sees_the_finding_and_no_name(
    alice: Client, desk: Desk, tip: tuple[Tip, Item]
) -> None:
    address = pictures.opened(alice, *tip)
    alice.get(f"{address}picture/still/")
    alice.post(f"{address}close/", {"outcome": "nothing-of-concern"})
    same, _ = pictures.tip_with_file(desk, pictures.gradient())
    other = Client()
    other.force_login(cast.person("Frida", "investigator"))
    page = other.get(f"/tips/{same.public_id}/files/1/").content.decode()
    assert "Nothing of concern" in page
    assert "Alice" not in page.split("<main")[1]
    assert tip[0].public_id not in page


@needs_sandbox
def test_nobody_has_to_assess(alice: Client, tip: tuple[Tip, Item]) -> None:
    address = pictures.opened(alice, *tip)
    assert alice.post(f"{address}close/", {"outcome": "matches-report"}).status_code == 409  # not looked yet
    assert alice.post(f"{address}close/", {"outcome": "whatever"}).status_code == 409
    assert alice.post(f"{address}close/", {"without": "yes", "outcome": "matches-report"}).status_code == 302
    assert not Assessment.objects.exists()
    assert Viewing.objects.get().state == State.CLOSED
    assert list(verify.check()) == []


@needs_sandbox
def test_without_javascript_a_press_shows_a_picture_for_ten_seconds(alice: Client, tip: tuple[Tip, Item]) -> None:
    address = pictures.opened(alice, *tip)
    page = alice.post(f"{address}show/", {"mode": "still", "n": "0"}).content.decode()
    assert f'<img src="{address}picture/still/?n=0"' in page
    assert 'http-equiv="refresh" content="10;' in page
    assert not Exposure.objects.exists()  # it counts when the picture is fetched
    assert alice.post(f"{address}show/", {"mode": "original", "n": "0"}).status_code == 404
    assert alice.get(f"{address}show/").status_code == 405


@needs_sandbox
def test_a_film_is_shown_as_silent_stills(alice: Client, desk: Desk) -> None:
    from nightlight.trust.viewing.tests import files

    tip, item = pictures.tip_with_file(desk, files.film("mp4", "mpeg4"))
    address = pictures.opened(alice, tip, item)
    page = alice.get(address).content.decode()
    assert "silent stills" in page
    assert "Still 6" in page
    assert "<video" not in page
    assert alice.get(f"{address}picture/still/?n=5").status_code == 200
