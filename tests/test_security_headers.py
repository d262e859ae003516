# SPDX-License-Identifier: Apache-2.0
"""What the running installation tells browsers and strangers, over TLS; docs/security.md cites these tests."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.installation import Installation

# One of each kind of answer: page, redirect, page that is not there, style sheet, script, the two interfaces.
ADDRESSES = (
    "/accounts/login/",
    "/",
    "/nowhere",
    "/static/desk/desk.css",
    "/static/desk/desk.js",
    "/static/nothing.css",
    "/ispws/status",
    "/api/v1/whoami",
    "/hashsharing/national/v2/status",
)


def _context(guarded: Installation) -> ssl.SSLContext:
    assert guarded.tls is not None
    return ssl.create_default_context(cafile=guarded.tls[0])


@pytest.fixture
def stranger(guarded: Installation) -> Iterator[httpx.Client]:
    """A browser of somebody who is not signed in."""
    with httpx.Client(base_url=guarded.base, verify=_context(guarded), timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def person(guarded: Installation) -> tuple[str, str]:
    """Name and password of somebody who may sign in."""
    told = guarded.json("person", "add", "sumitra", "--role", "investigator")
    return str(told["username"]), str(told["password"])


def _token(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


def _sign_in(browser: httpx.Client, person: tuple[str, str], **more: str) -> httpx.Response:
    form = {"login": person[0], "password": person[1], "csrfmiddlewaretoken": _token(browser.get("/accounts/login/"))}
    return browser.post(
        "/accounts/login/", data=form | more, headers={"Referer": f"{browser.base_url}/accounts/login/"}
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_guards_the_browser(stranger: httpx.Client, address: str) -> None:
    headers = stranger.get(address).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("address", ["/accounts/login/", "/nowhere"])
def test_pages_run_only_our_own_scripts_and_open_for_nobody_else(stranger: httpx.Client, address: str) -> None:
    headers = stranger.get(address).headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["Content-Security-Policy"].split(";")}
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["form-action"] == ["'self'"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", [a for a in ADDRESSES if not a.startswith("/static/desk/")])
def test_nothing_but_style_and_scripts_is_kept(stranger: httpx.Client, address: str) -> None:
    assert "no-store" in stranger.get(address).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/accounts/login/", "text/html; charset=utf-8"),
        ("/nowhere", "text/html; charset=utf-8"),
        ("/static/desk/desk.css", 'text/css; charset="utf-8"'),
        ("/static/desk/desk.js", 'text/javascript; charset="utf-8"'),
        ("/static/desk/icon.svg", "image/svg+xml"),
        ("/ispws/status", "application/xml;charset=UTF-8"),
        ("/api/v1/whoami", "application/problem+json"),
    ],
)
def test_each_answer_says_what_it_is(stranger: httpx.Client, address: str, kind: str) -> None:
    assert stranger.get(address).headers["Content-Type"] == kind


def test_cookies_are_for_this_host_over_tls_and_out_of_reach_of_scripts(
    stranger: httpx.Client, person: tuple[str, str]
) -> None:
    set_by = [*stranger.get("/accounts/login/").headers.get_list("Set-Cookie")]
    set_by += _sign_in(stranger, person).headers.get_list("Set-Cookie")
    names = {cookie.strip().partition("=")[0] for cookie in set_by}
    assert names == {"__Host-csrftoken", "__Host-sessionid"}
    for cookie in set_by:
        parts = {part.strip() for part in cookie.split(";")}
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= parts
        assert not any(part.startswith("Domain") for part in parts)


def test_a_session_key_is_new_at_sign_in_and_dead_after_signing_out(
    stranger: httpx.Client, person: tuple[str, str]
) -> None:
    assert "__Host-sessionid" not in stranger.cookies
    _sign_in(stranger, person)
    key = stranger.cookies["__Host-sessionid"]
    assert len(key) >= 32
    page = stranger.get("/accounts/second-factor/")
    assert page.status_code == 200
    assert "/accounts/logout/" in page.text
    done = stranger.post(
        "/accounts/logout/",
        data={"csrfmiddlewaretoken": _token(page)},
        headers={"Referer": f"{stranger.base_url}/accounts/second-factor/"},
    )
    assert done.status_code == 302
    assert done.headers["Clear-Site-Data"] == '"cache", "storage"'
    stranger.cookies.clear()
    again = stranger.get("/accounts/second-factor/", headers={"Cookie": f"__Host-sessionid={key}"})
    assert again.status_code == 302
    assert again.headers["Location"].startswith("/accounts/login/")


def test_signing_in_leads_to_no_other_site(stranger: httpx.Client, person: tuple[str, str]) -> None:
    answer = _sign_in(stranger, person, next="https://elsewhere.example/")
    assert answer.status_code == 302
    assert "elsewhere" not in answer.headers["Location"]
    assert answer.headers["Location"].startswith("/")


def test_signing_in_fails_alike_for_a_known_and_an_unknown_name(
    stranger: httpx.Client, person: tuple[str, str]
) -> None:
    def said(name: str) -> tuple[int, str]:
        answer = _sign_in(stranger, (name, "not-the-password-at-all"))
        found = re.search(r'role="alert"[^>]*>(.*?)</', answer.text, re.DOTALL)
        return answer.status_code, re.sub(r"\s+", " ", found[1]).strip() if found else ""

    known, unknown = said(person[0]), said("nobody-of-that-name")
    assert known == unknown
    assert known[1]


def test_the_sign_in_form_masks_the_password_and_lets_password_managers_work(stranger: httpx.Client) -> None:
    page = stranger.get("/accounts/login/").text
    (field,) = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "maxlength" not in field
    assert "onpaste" not in page
    assert "hint" not in page.lower()


def test_nothing_is_kept_in_the_browsers_storage(stranger: httpx.Client) -> None:
    page = stranger.get("/accounts/login/").text
    assert '"historyCacheSize":0' in page  # htmx would keep pages in localStorage
    assert '"selfRequestsOnly":true' in page
    for script in ("desk", "passkeys", "viewing"):
        answer = stranger.get(f"/static/desk/{script}.js")
        assert answer.status_code == 200
        for storage in ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "postMessage", "eval("):
            assert storage not in answer.text


def test_a_form_without_its_token_does_nothing_and_says_little(stranger: httpx.Client, person: tuple[str, str]) -> None:
    answer = stranger.post("/accounts/login/", data={"login": person[0], "password": person[1]})
    assert answer.status_code == 403
    assert "__Host-sessionid" not in stranger.cookies
    assert "Traceback" not in answer.text
    assert "CSRF_" not in answer.text


@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/", "/static/desk/desk.css", "/ispws/status", "/api/v1/whoami"]
)
def test_trace_is_answered_by_nobody(stranger: httpx.Client, address: str) -> None:
    answer = stranger.request("TRACE", address, headers={"X-Echo": "cricketground"})
    assert answer.status_code in {401, 405}
    assert "cricketground" not in answer.text


def test_a_reporter_may_not_trace_either(guarded: Installation, stranger: httpx.Client) -> None:
    login = guarded.reporter("Example Trace")
    answer = stranger.request("TRACE", "/ispws/status", auth=login, headers={"X-Echo": "cricketground"})
    assert answer.status_code >= 400
    assert "cricketground" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/static/",
        "/static/desk/",
        "/.git/config",
        "/.env",
        "/static/../keys/django.key",
        "/static/%2e%2e/up.log",
        "/debug/",
        "/docs",
        "/metrics",
        "/admin/",
        "/openapi.json",
    ],
)
def test_folders_sources_keys_and_tools_are_not_served(guarded: Installation, address: str) -> None:
    # http.client sends the address as it stands; a browser would tidy it up first.
    connection = http.client.HTTPSConnection("127.0.0.1", guarded.port, context=_context(guarded), timeout=60)
    try:
        connection.request("GET", address)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in {400, 404}
        assert b"Index of" not in body
        assert answer.headers.get("Server", "") == "granian"  # and no version
    finally:
        connection.close()


def test_another_host_name_is_not_answered(stranger: httpx.Client) -> None:
    answer = stranger.get("/accounts/login/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "elsewhere" not in answer.text
    assert "Traceback" not in answer.text


def test_who_claims_another_address_is_not_believed_without_a_proxy(
    guarded: Installation, stranger: httpx.Client
) -> None:
    login = guarded.reporter("Example Spoof")
    claimed = {"X-Forwarded-For": "192.0.2.99", "X-Real-IP": "192.0.2.99", "Forwarded": "for=192.0.2.99"}
    assert "192.0.2.99" not in stranger.get("/ispws/status", auth=login, headers=claimed).text


def test_a_request_with_two_lengths_or_two_framings_is_not_taken_twice(guarded: Installation) -> None:
    """Request smuggling (RFC 9112, 6.3): the second, hidden request must never be answered."""
    hidden = b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    chunked = b"0\r\n\r\n"
    for headers, body in (
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked + hidden),
        (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(hidden), hidden),
        (b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n", hidden),
    ):
        with (
            socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as plain,
            _context(guarded).wrap_socket(plain, server_hostname="127.0.0.1") as talk,
        ):
            talk.sendall(
                b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers + b"\r\n" + body
            )
            answer = b""
            while piece := talk.recv(65536):
                answer += piece
        assert answer.count(b"HTTP/1.1 ") <= 1, answer
        assert b"csrfmiddlewaretoken" not in answer


def test_a_form_of_megabytes_is_refused(stranger: httpx.Client) -> None:
    token = _token(stranger.get("/accounts/login/"))
    answer = stranger.post(
        "/accounts/login/",
        data={"login": "x" * 3_000_000, "password": "x", "csrfmiddlewaretoken": token},
        headers={"Referer": f"{stranger.base_url}/accounts/login/"},
    )
    assert answer.status_code in {400, 403, 413}
    assert "Traceback" not in answer.text


def test_an_address_cannot_write_lines_of_its_own_into_the_log(guarded: Installation, stranger: httpx.Client) -> None:
    """A form without its token is logged with its address (CWE-117)."""
    answer = stranger.post("/tips/x%0aCRITICAL%20cricketground/hand-over/", data={"a": "b"})
    assert answer.status_code == 403
    log = (guarded.home / "up.log").read_text()
    assert "cricketground" in log
    assert not [line for line in log.splitlines() if line.startswith("CRITICAL cricketground")]


def test_tls_begins_at_1_2_and_1_3_is_preferred(guarded: Installation) -> None:
    def spoken(highest: ssl.TLSVersion, suites: str = "DEFAULT") -> tuple[str | None, str]:
        context = _context(guarded)
        context.set_ciphers(suites)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = highest
        with (
            socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as talk,
        ):
            cipher = talk.cipher()
            assert cipher is not None
            return talk.version(), cipher[0]

    assert spoken(ssl.TLSVersion.MAXIMUM_SUPPORTED)[0] == "TLSv1.3"
    version, cipher = spoken(ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2"
    assert cipher.startswith("ECDHE-")
    assert "GCM" in cipher or "CHACHA20" in cipher
    for weak in ("ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES256-SHA"):  # CBC; CBC with SHA-1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            spoken(ssl.TLSVersion.TLSv1_2, weak)
    with pytest.warns(DeprecationWarning), pytest.raises((ssl.SSLError, ConnectionError)):
        spoken(ssl.TLSVersion.TLSv1_1)


def test_plain_http_is_not_answered_where_tls_is_spoken(guarded: Installation) -> None:
    with pytest.raises(httpx.HTTPError), httpx.Client(timeout=10) as client:
        client.get(f"http://127.0.0.1:{guarded.port}/ispws/status")


def test_a_reporters_software_gets_the_guards_too(guarded: Installation, stranger: httpx.Client) -> None:
    answer = stranger.get("/ispws/status", auth=guarded.reporter("Example Guards"))
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert answer.headers["Cache-Control"] == "no-store"
