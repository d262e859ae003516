# SPDX-License-Identifier: Apache-2.0
"""Starting an installation in its several ways: refused settings, TLS, the older statuses, the strict profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.certificates import certificate
from tests.installation import Installation
from tests.wire_client import Client, report, understand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_URL", "mysql://db.example.org/x"),
        ("NIGHTLIGHT_INTAKE_PROFILE", "lenient"),
        ("NIGHTLIGHT_INTAKE_STATUS", "teapot"),
        ("NIGHTLIGHT_DEMO", "perhaps"),
        ("NIGHTLIGHT_WEB_THREADS", "0"),
        ("NIGHTLIGHT_VAULT_OPTIONS", "endpoint"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(tmp_path: Path, setting: str, value: str) -> None:
    done = Installation(home=tmp_path, settings={setting: value}).run("up", expect=2)
    assert setting in done.stderr
    assert "Traceback" not in done.stderr


def test_plain_http_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    done = Installation(home=tmp_path).run("up", "--host", "192.0.2.1", expect=2)
    assert "in the clear" in done.stderr
    assert "both --tls-cert and --tls-key" in _half_tls(tmp_path)


def _half_tls(folder: Path) -> str:
    cert = folder / "cert.pem"
    cert.write_text("")
    return Installation(home=folder).run("up", "--tls-cert", str(cert), expect=2).stderr


def test_the_doctor_explains_an_empty_home(tmp_path: Path) -> None:
    told = Installation(home=tmp_path / "none").json("doctor", expect=1)
    assert told["ok"] is False


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation over TLS, with the older statuses, the strict profile and the newer elements."""
    made = Installation(
        empty=True,
        tls=certificate(tmp_path_factory.mktemp("tls")),
        settings={
            "NIGHTLIGHT_INTAKE_STATUS": "legacy-200",
            "NIGHTLIGHT_INTAKE_PROFILE": "strict",
            "NIGHTLIGHT_INTAKE_NEWER_ELEMENTS": "yes",
            "NIGHTLIGHT_WEB_PROCESSES": "1",
        },
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def client(strict: Installation) -> Client:
    assert strict.tls is not None
    return Client(strict.base, strict.reporter("Example Video"), trusting=strict.tls[0])


def test_legacy_statuses_answer_everything_coded_with_200(client: Client) -> None:
    assert (client.finish(17).status, client.finish(17).code) == (200, 5001)
    assert (client.submit(b"<x/>").status, client.submit(b"<x/>").code) == (200, 4110)
    opened = client.submit(report()).report_id
    assert client.retract(opened).code == 0
    assert (client.retract(opened).status, client.retract(opened).code) == (200, 5101)
    assert (client.get("/nowhere").status, client.get("/nowhere").code) == (200, 1210)
    assert client.http.get("/status", auth=("a", "b")).status_code == 401


def test_the_strict_profile_enforces_the_documented_limits(client: Client) -> None:
    two_ages = (
        "<personOrUserReported><associatedAccount type='Linked'><approximateAge>20</approximateAge>"
        "<dateOfBirth>2000-01-01</dateOfBirth></associatedAccount></personOrUserReported>"
    )
    assert client.submit(report(extra=two_ages)).code == 4100


def test_newer_elements_are_accepted_when_switched_on(client: Client, installation: Installation) -> None:
    newer = report(inside="<reportAnnotations><informational/></reportAnnotations>")
    assert client.submit(newer).code == 0
    assert Client(installation.base, installation.reporter("Example Old")).submit(newer).code == 4100


def test_the_log_holds_no_secret_and_no_content(strict: Installation, client: Client) -> None:
    opened = client.submit(report(inside="<platform>cricketground</platform>")).report_id
    client.upload(opened, b"monsoon-pattern-bytes", name="calendar-of-august.png")
    client.finish(opened)
    understand(client.http.get("/status"))
    name, password = strict.reporter("Example Quiet")
    assert client.http.get("/status", auth=(name, password)).status_code == 200
    log = (strict.home / "up.log").read_text()
    assert "wire" in log
    for secret in (password, "cricketground", "calendar-of-august", "monsoon-pattern-bytes", "Authorization"):
        assert secret not in log


def test_it_answers_again_after_a_restart_and_the_doctor_is_content(strict: Installation, client: Client) -> None:
    opened = client.submit(report()).report_id
    assert strict.process is not None
    strict.process.terminate()
    assert strict.process.wait(40) == 0
    strict.start()
    assert client.finish(opened).code == 0
    told = strict.json("doctor", expect=None)
    bad = [f["text"] for f in told["findings"] if f["ok"] is False]  # type: ignore[union-attr, attr-defined]
    assert bad == [], bad


def test_behind_a_proxy_people_sign_in_and_reporters_keep_their_address() -> None:
    behind = Installation(
        settings={
            "NIGHTLIGHT_INSECURE_HTTP": "no",
            "NIGHTLIGHT_WEB_PROCESSES": "1",
            "NIGHTLIGHT_PROXIES": "127.0.0.1",
            "NIGHTLIGHT_HOSTS": "tips.example.org",
        }
    )
    try:
        behind.start()
        person = behind.json("person", "add", "asha", "--role", "triage-officer")
        forwarded = {"Host": "tips.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.77"}
        with httpx.Client(base_url=behind.base, headers=forwarded, timeout=30) as browser:
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/accounts/login/").text)
            assert token is not None
            cookie = browser.cookies.get("__Host-csrftoken", "")
            answer = browser.post(
                "/accounts/login/",
                data={
                    "login": str(person["username"]),
                    "password": str(person["password"]),
                    "csrfmiddlewaretoken": token[1],
                },
                headers={"Origin": "https://tips.example.org", "Cookie": f"__Host-csrftoken={cookie}"},
            )
            assert (answer.status_code, answer.headers["Location"]) == (302, "/")
            assert "Secure" in answer.headers["Set-Cookie"]
            login = behind.reporter("Example Proxy")
            status = browser.get("/ispws/status", auth=login).text
            assert "Remote Ip : 192.0.2.77" in status
    finally:
        behind.stop()
