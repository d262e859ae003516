# SPDX-License-Identifier: Apache-2.0
"""Text that no database can hold (NUL, half a surrogate pair) is refused with 400 wherever it stands, but in files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver
from hypothesis import given
from hypothesis import strategies as st

from nightlight.config.middleware import PlainRequest, storable_text
from nightlight.foundation.storable import storable
from nightlight.outlook.desk.tests.cast import PASSWORD, person
from tests import wire_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http.response import HttpResponseBase
    from django.urls.resolvers import URLPattern

    from tests.installation import Installation

pytestmark = pytest.mark.django_db
NUL = "NL-\0"
SAID = "no text can have"


@pytest.fixture(autouse=True)
def _static_folder() -> None:
    Path(settings.STATIC_ROOT or "").mkdir(exist_ok=True)  # whitenoise warns without it


@pytest.fixture
def officer() -> Client:
    """Somebody who may open most pages."""
    browser = Client()
    browser.force_login(person("alice", "triage-officer"))
    return browser


def _page(answer: HttpResponseBase) -> str:
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    return b"".join(answer).decode()


def _patterns(where: URLResolver, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for one in where.url_patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one, address)
        else:
            yield address, one


def _filled(part: str) -> str:
    return NUL if part.startswith(("<str:", "<path:")) else "1" if part.startswith("<int:") else part


ADDRESSES = sorted(
    "/".join(map(_filled, address.split("/")))
    for address, _ in _patterns(get_resolver())
    if ("<str:" in address or "<path:" in address) and not address.startswith("/hashsharing/")
)


def test_no_address_with_a_nul_fails(officer: Client) -> None:
    for address in ADDRESSES:
        for answer in (officer.get(quote(address)), officer.post(quote(address))):
            assert answer.status_code == 400, address


def test_the_addresses_tried_are_of_every_part() -> None:
    for part in ("/tips/", "/audit/", "/units/", "/system/", "/api/", "/retention/", "/hashes/", "/imports/"):
        assert any(one.startswith(part) for one in ADDRESSES), part


@pytest.mark.parametrize(
    "address",
    [
        "/find/?q=%00",
        "/?reporter=%00",
        "/queue/?unit=%00",
        "/queue/?%00=1",
        "/arrivals/?reading=a%00,b",
        "/nowhere?a=%00",
    ],
)
def test_a_query_with_a_nul_is_refused_in_words(officer: Client, address: str) -> None:
    page = _page(officer.get(address))
    assert SAID in page
    assert "Nothing was changed." in page


def test_a_field_of_a_form_with_a_nul_is_refused(officer: Client) -> None:
    for kind in ({}, {"content_type": "application/x-www-form-urlencoded"}):
        sent = {"reason": "a\0b"} if not kind else "reason=a%00b"
        assert SAID in _page(officer.post("/tips/NL-2222-2222/close/", sent, **kind))  # type: ignore[arg-type]
    assert SAID in _page(officer.post("/tips/NL-2222-2222/close/", {"a\0": "b"}))


def test_signing_in_with_a_nul_is_refused_and_counts_for_nothing() -> None:
    person("bob", "auditor")
    for login, password in (("bob\0", PASSWORD), ("bob", f"{PASSWORD}\0")):
        assert SAID in _page(Client().post("/accounts/login/", {"login": login, "password": password}))


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "anything"])
def test_a_cookie_that_stands_for_a_nul_is_refused(name: str) -> None:
    answer = Client(headers={"Cookie": rf'{name}="abcdefgh\000"'}).get("/")
    assert SAID in _page(answer)


@pytest.mark.parametrize(
    ("charset", "query"),
    [
        ("utf-7", "q=%2BAAA-"),  # a NUL
        ("utf-7", "q=%2B2AA-"),  # half a pair
        ("unicode_escape", "q=%5Cud800"),
        ("utf-16", "q=%00%D8"),
    ],
)
def test_an_address_in_another_encoding_is_refused(officer: Client, charset: str, query: str) -> None:
    assert SAID in _page(officer.get(f"/find/?{query}", headers={"Content-Type": f"text/plain; charset={charset}"}))


@pytest.mark.parametrize(
    "parameter",  # they decode no text, or refuse to
    ["charset=base64", "charset=undefined", "charset=idna", "x*=nosuchcodec''%41", "charset*=idna''%ff"],
)
def test_a_request_is_made_of_any_headers_and_refused(parameter: str) -> None:
    environ = RequestFactory()._base_environ(  # type: ignore[attr-defined]
        PATH_INFO="/find/", CONTENT_TYPE=f"text/plain; {parameter}", QUERY_STRING="q=%41"
    )
    passed: list[HttpRequest] = []

    def page(request: HttpRequest) -> HttpResponse:
        passed.append(request)
        return HttpResponse()

    answer = storable_text(page)(PlainRequest(environ))
    assert SAID in _page(answer)
    assert passed == []


def test_the_api_says_it_as_a_problem() -> None:
    for address in ("/api/v1/whoami?a=%00", "/api/v1/%00", "/api/%00?b=%00"):
        answer = Client().get(address)
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:nightlight:problem:text"


def test_lists_for_partners_keep_their_own_answers() -> None:
    answer = Client().get("/hashsharing/%00/v2/status")
    assert (answer.status_code, answer.content) == (401, b"")


def test_plain_text_of_every_script_passes(officer: Client) -> None:
    for text in ("मुंबई", "കൊച്ചി", "\U0001f6f6", "a\tb", "%25" + "00", "�"):
        assert officer.get("/find/", {"q": text}).status_code == 404, text
    utf8 = {"Content-Type": "text/plain; charset=UTF-8"}
    assert officer.get("/find/?q=%E0%A4%AE", headers=utf8).status_code == 404


def test_files_of_an_upload_may_hold_whatever_bytes_they_hold() -> None:
    browser = Client(headers={"Sec-Fetch-Site": "same-origin"})
    browser.force_login(person("ines", "intake-analyst"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("report.json", "\0" * 50)
    packed.seek(0)
    packed.name = "download.zip"
    assert b"\0" in packed.getvalue()
    answer = browser.post("/imports/new/", {"file": packed})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/imports/IM-")


@given(st.text(), st.sampled_from(["\0", "\ud800", "\udfff"]), st.text())
def test_what_is_storable_is_what_utf8_and_the_database_take(before: str, bad: str, after: str) -> None:
    assert not storable(before + bad + after)
    clean = (before + after).replace("\0", "")  # text of hypothesis has no surrogates
    assert storable(clean)
    clean.encode()


def test_a_running_installation_refuses_it_and_the_reporting_api_keeps_its_own_answers(
    installation: Installation,
) -> None:
    with httpx.Client(base_url=installation.base, timeout=60) as browser:
        page = browser.get("/find/?q=%00")
        assert (page.status_code, SAID in page.text) == (400, True)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        strange = browser.get("/find/?q=%41", headers={"Content-Type": "text/plain; charset=base64"})
        assert strange.status_code == 400
        assert browser.get("/tips/NL-%00/").status_code == 400
        assert browser.get("/ispws/%00").status_code == 401  # asks first who it is, in words of its own
        client = wire_client.Client(installation.base, installation.reporter("Example Odd"))
        answer = client.get("/%00")
        assert answer.root == "reportResponse"
        assert answer.code != 0
