# SPDX-License-Identifier: Apache-2.0
"""Originals leave only when two people agree, once, within a day, and closed for one recipient."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence.models import BlobKey
from nightlight.trust.sealed import box
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.viewing import exporting, verify
from nightlight.trust.viewing.models import Export, ExportState

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.evidence.models import Item

KEY = box.one_time()
FORM = {
    "purpose": "court",
    "words": "The court asked for the file itself",
    "recipient": "Example District Court",
    "recipient_key": KEY.lock.public.hex(),
}


@pytest.fixture
def tip(desk: Desk) -> tuple[Tip, Item]:
    """A tip with a gradient."""
    return pictures.tip_with_file(desk, pictures.gradient())


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def investigator(db: None) -> User:
    """Who asks."""
    return cast.person("Ines", "investigator")


@pytest.fixture
def asked(tip: tuple[Tip, Item], investigator: User) -> Export:
    """An export that waits for a second person."""
    answer = _client(investigator).post(f"/tips/{tip[0].public_id}/originals/", FORM | {"item": tip[1].public_id})
    assert answer.status_code == 302
    return Export.objects.get()


def _decide(user: User, export: Export, decision: str = "approve") -> int:
    tip = export.subject.removeprefix("tip:")
    return _client(user).post(f"/tips/{tip}/originals/{export.public_id}/", {"decision": decision}).status_code


@pytest.mark.parametrize("role", ["triage-officer", "victim-identification", "intake-analyst", "administrator"])
def test_other_roles_do_not_see_the_page(tip: tuple[Tip, Item], role: str) -> None:
    assert _client(cast.person("Dana", role)).get(f"/tips/{tip[0].public_id}/originals/").status_code == 403


@pytest.mark.parametrize("role", ["commander", "auditor", "legal-reviewer"])
def test_only_an_investigator_asks(tip: tuple[Tip, Item], role: str) -> None:
    client = _client(cast.person("Dana", role))
    address = f"/tips/{tip[0].public_id}/originals/"
    assert "Ask a commander" not in client.get(address).content.decode()
    assert client.post(address, FORM | {"item": tip[1].public_id}).status_code == 403
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    "more",
    [{"words": "short"}, {"purpose": "fun"}, {"recipient": " "}, {"recipient_key": "ab"}, {"item": "EV-2222-2222"},
     {"recipient_key": "00" * 32}],
)  # fmt: skip
def test_a_request_that_says_too_little_is_refused(
    tip: tuple[Tip, Item], investigator: User, more: dict[str, str]
) -> None:
    told = FORM | {"item": tip[1].public_id} | more
    assert _client(investigator).post(f"/tips/{tip[0].public_id}/originals/", told).status_code == 409
    assert not Export.objects.exists()


def test_nobody_approves_what_they_asked_for(asked: Export, investigator: User) -> None:
    assert _decide(investigator, asked) == 403
    units.appoint(by="command:cli", at=cast.NOON, person=investigator, unit=cast.root(), role="commander")
    assert _decide(investigator, asked) == 403
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.update(state="approved", decided_by=investigator, decided_at=clock.now())
    assert Export.objects.get().state == ExportState.ASKED


def test_a_commander_of_another_unit_does_not_approve(asked: Export) -> None:
    below = units.add_unit(
        by="command:cli", at=cast.NOON, code="MH-X", name="Example district", kind="district", parent=cast.root()
    )
    commander = cast.person("Dora", "commander", below)
    with pytest.raises(NotAllowed):
        exporting.decide(
            by=cast.viewer(commander), at=clock.now(), export=asked.public_id, holder=cast.root().pk, approve=True
        )


def test_what_is_not_approved_is_not_written(asked: Export, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        exporting.write(by="command:cli", at=clock.now(), export="EX-2222-2222", folder=tmp_path)
    with pytest.raises(Conflict):
        exporting.write(by="command:cli", at=clock.now(), export=asked.public_id, folder=tmp_path)
    commander = cast.person("Kim", "commander")
    assert _decide(commander, asked, "refuse") == 302
    assert _decide(commander, asked) == 409
    with pytest.raises(Conflict):
        exporting.write(by="command:cli", at=clock.now(), export=asked.public_id, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert list(verify.check()) == []


def test_an_approval_lapses_after_a_day(asked: Export, tmp_path: Path) -> None:
    assert _decide(cast.person("Kim", "commander"), asked) == 302
    late = clock.now() + timedelta(hours=25)
    with pytest.raises(Conflict):
        exporting.write(by="command:cli", at=late, export=asked.public_id, folder=tmp_path)
    assert exporting.expire_due(by="service:worker", at=late) == 1
    assert exporting.expire_due(by="service:worker", at=late) == 0
    assert Export.objects.get().state == ExportState.EXPIRED
    assert list(verify.check()) == []


def test_what_was_destroyed_is_not_written(asked: Export, tip: tuple[Tip, Item], tmp_path: Path) -> None:
    assert _decide(cast.person("Kim", "commander"), asked) == 302
    BlobKey.objects.filter(blob=tip[1].blob).delete()
    with pytest.raises(Conflict, match="destroyed"):
        exporting.write(by="command:cli", at=clock.now(), export=asked.public_id, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Export.objects.get().state == ExportState.APPROVED


def test_two_people_and_the_recipient_get_the_original(asked: Export, tip: tuple[Tip, Item], tmp_path: Path) -> None:
    assert Notice.objects.get(kind="export.asked").role == "commander"
    commander = cast.person("Kim", "commander")
    page = _client(commander).get(f"/tips/{tip[0].public_id}/originals/").content.decode()
    assert "The court asked for the file itself" in page
    assert _decide(commander, asked) == 302
    path = exporting.write(by="command:cli", at=clock.now(), export=asked.public_id, folder=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    original = pictures.gradient()
    assert original[100:164] not in path.read_bytes()
    with pytest.raises(Conflict):  # once
        exporting.write(by="command:cli", at=clock.now(), export=asked.public_id, folder=tmp_path)
    with pytest.raises(Conflict):
        exporting.unpack(path, box.one_time().secret, io.BytesIO())
    shortened = tmp_path / "short.nlx"
    shortened.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Conflict):
        exporting.unpack(shortened, KEY.secret, io.BytesIO())
    out = io.BytesIO()
    exporting.unpack(path, KEY.secret, out)
    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read(f"{tip[1].public_id}.bin") == original
    assert manifest["items"][0]["sha256"] == tip[1].blob.digests.sha256
    kinds = list(Event.objects.filter(kind__startswith="export.").order_by("id").values_list("kind", flat=True))
    assert kinds == ["export.asked", "export.approved", "export.written"]
    assert "court asked" not in "".join(Event.objects.filter(kind="export.asked").values_list("body", flat=True))
    assert list(verify.check()) == []
