# SPDX-License-Identifier: Apache-2.0
"""Imports from the page: what is dropped goes into the vault, and each file has its outcome and reason."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from nightlight.foundation import clock
from nightlight.pipeline.tips import importing
from nightlight.pipeline.tips.models import Import
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON
from nightlight.trust.evidence.models import Item

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

HERE = {"Sec-Fetch-Site": "same-origin"}


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.json", CYBERTIP_JSON)
        archive.writestr("b.json", b"{not json")
        archive.writestr("c.json", CYBERTIP_JSON)
        archive.writestr("d.txt", b"notes")
    return out.getvalue()


def _send(client: Client, *files: tuple[str, bytes], headers: dict[str, str] | None = None) -> HttpResponse:
    sent = [SimpleUploadedFile(name, body) for name, body in files]
    return client.post("/imports/new/", {"file": sent}, headers=HERE if headers is None else headers)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}]
)
def test_an_upload_from_elsewhere_is_refused(alice: Client, headers: dict[str, str]) -> None:
    answer = _send(alice, ("a.json", CYBERTIP_JSON), headers=headers)
    assert answer.status_code == 403
    assert Import.objects.count() == 0


def test_a_form_without_a_file_starts_nothing(alice: Client) -> None:
    answer = alice.post("/imports/new/", {"file": ""}, headers=HERE, follow=True)
    assert "No file was chosen" in answer.content.decode()
    assert Import.objects.count() == 0


def test_a_broken_form_is_refused_in_words(alice: Client) -> None:
    kind = "multipart/form-data; boundary=x"
    answer = alice.generic("POST", "/imports/new/", b"--x\r\nnot a form", content_type=kind, headers=HERE)
    assert answer.status_code == 409
    assert "cut short or broken" in answer.content.decode()


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(alice: Client) -> None:
    answer = _send(alice, ("a.json", CYBERTIP_JSON), headers={"Origin": "http://testserver"})
    assert answer.status_code == 302


def test_what_is_dropped_lies_in_the_vault_and_each_file_gets_an_outcome(alice: Client) -> None:
    answer = _send(alice, ("downloads.zip", _zip()))
    batch = Import.objects.get()
    assert answer.headers["Location"] == f"/imports/{batch.public_id}/"
    assert Item.objects.get().name_as_sent == "downloads.zip"
    assert "Wait: the files are being read" in alice.get(f"/imports/{batch.public_id}/").content.decode()
    importing.run_upload(public_id=batch.public_id, at=clock.now)
    page = alice.get(f"/imports/{batch.public_id}/").content.decode()
    for outcome in ("New tip", "Already here", "Kept, but could not be read", "Not a CyberTip file"):
        assert outcome in page
    assert "does not end in .json" in page
    assert "Show them" in page
    only = alice.get(f"/imports/{batch.public_id}/?outcome=unreadable").content.decode()
    assert "b.json" in only
    assert "a.json" not in only


def test_an_unreadable_file_has_a_tip_page_that_shows_no_words_of_it(alice: Client) -> None:
    _send(alice, ("b.json", b'{"victim": "Meera" not json'))
    batch = Import.objects.get()
    importing.run_upload(public_id=batch.public_id, at=clock.now)
    entry = batch.entries.select_related("tip").get()
    assert entry.tip is not None
    page = alice.get(f"/tips/{entry.tip.public_id}/").content.decode()
    assert "A report that could not be read" in page
    assert "ask the sender for the report again" in page
    assert "Meera" not in page
    assert "/?state=unreadable" not in page


def test_what_was_not_understood_is_shown_with_its_path_unless_it_may_name_a_child(alice: Client) -> None:
    odd = CYBERTIP_JSON.replace(
        b'"reportedInformation": {', b'"moon": "full", "childNote": "Meera", "reportedInformation": {', 1
    )
    _send(alice, ("a.json", odd))
    batch = Import.objects.get()
    importing.run_upload(public_id=batch.public_id, at=clock.now)
    entry = batch.entries.select_related("tip").get()
    assert entry.tip is not None
    page = alice.get(f"/tips/{entry.tip.public_id}/").content.decode()
    section = page.split('id="unknown"')[1]
    assert "moon" in section
    assert "full" in section
    assert "childNote" in section
    assert "Meera" not in page


def test_several_files_are_several_imports(alice: Client) -> None:
    answer = _send(alice, ("a.json", CYBERTIP_JSON), ("b.json", b"{}"))
    assert answer.headers["Location"] == "/imports/"
    assert sorted(Import.objects.values_list("name", flat=True)) == ["a.json", "b.json"]


def test_progress_ends_by_loading_the_page_anew(alice: Client) -> None:
    _send(alice, ("a.json", CYBERTIP_JSON))
    batch = Import.objects.get()
    waiting = alice.get(f"/imports/{batch.public_id}/progress/")
    assert "hx-get" in waiting.content.decode()
    assert "HX-Refresh" not in waiting.headers
    importing.run_upload(public_id=batch.public_id, at=clock.now)
    assert alice.get(f"/imports/{batch.public_id}/progress/").headers["HX-Refresh"] == "true"


def test_an_import_that_is_not_there_is_said(alice: Client) -> None:
    assert alice.get("/imports/IM-1111-1111/").status_code == 404


def test_the_list_can_be_asked_for_by_itself(alice: Client) -> None:
    _send(alice, ("a.json", CYBERTIP_JSON))
    part = alice.get("/imports/", headers={"HX-Request": "true", "HX-Target": "imports"}).content.decode()
    assert part.lstrip().startswith("<section")
    assert 'hx-trigger="every 2s"' in part
