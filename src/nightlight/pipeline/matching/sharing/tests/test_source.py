# SPDX-License-Identifier: Apache-2.0
"""Asking a server: what fails is coded, what may pass is repeated, and no secret is in any word of it."""

from __future__ import annotations

import ssl
import threading
from base64 import b64encode
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.matching.sharing import reading
from nightlight.pipeline.matching.sharing.polling import first_target
from nightlight.pipeline.matching.sharing.source import LONGEST_PAUSE, PAUSES, Fault, HttpSource, SourceFailed, _wait

from . import rows
from .hash_server import PASSWORD, USERNAME, serving

if TYPE_CHECKING:
    from pathlib import Path

TARGET = first_target(rows.START - timedelta(hours=1), rows.START + timedelta(hours=1))


@pytest.mark.parametrize(
    "base",
    [
        "http://hashes.example.org/hashsharing",
        "http://192.0.2.1/hashsharing",
        "ftp://127.0.0.1/",
        "https://",
        "hashes.example.org",
        "https://someone:secret@hashes.example.org/",
        "https://hashes.example.org/?a=1",
        "https://hashes.example.org/a b\r\nX: y",
    ],
)
def test_an_address_that_is_none_or_not_safe_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="address") as refused:
        HttpSource(base, USERNAME, PASSWORD)
    assert "secret" not in str(refused.value)


def test_a_username_that_basic_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="colon"):
        HttpSource("https://hashes.example.org", "a:b", PASSWORD)


@pytest.mark.parametrize(
    "target", ["/status", "v2/x", "https://hashes.example.org/v2/", "/v2/a b", "/v2/a\r\nb", "/v2/"]
)
def test_only_addresses_below_the_base_are_asked(target: str) -> None:
    with serving([]) as (base, desk), HttpSource(base, USERNAME, PASSWORD) as source:
        with pytest.raises(SourceFailed) as failed:
            source.get(target)
        assert failed.value.code is Fault.REFUSED
        assert desk.asked == []


@pytest.mark.parametrize(
    ("fault", "code", "attempts"),
    [
        ("500", Fault.BUSY, 5),
        ("502", Fault.BUSY, 5),
        ("503", Fault.BUSY, 5),
        ("504", Fault.BUSY, 5),
        ("429", Fault.BUSY, 5),
        ("400", Fault.REFUSED, 1),
        ("403", Fault.FORBIDDEN, 1),
        ("301", Fault.REDIRECTED, 1),
        ("307", Fault.REDIRECTED, 1),
        ("hang", Fault.TIMED_OUT, 5),
        ("cut", Fault.BROKEN_OFF, 5),
        ("cut chunks", Fault.BROKEN_OFF, 5),
        ("cut gzip", Fault.BROKEN_OFF, 5),
        ("half gzip", Fault.BROKEN_OFF, 5),
        ("huge", Fault.TOO_LARGE, 1),
        ("gzip bomb", Fault.TOO_LARGE, 1),
        ("brotli", Fault.REFUSED, 1),
    ],
)
def test_what_fails_is_coded_and_repeated_only_where_it_may_pass(fault: str, code: Fault, attempts: int) -> None:
    slept: list[float] = []
    with serving([rows.entry(1)]) as (base, desk):
        desk.faults[1] = [fault] * 9
        timeout = 0.1 if fault == "hang" else 5.0
        with HttpSource(base, USERNAME, PASSWORD, timeout=timeout, max_bytes=1_000_000, sleep=slept.append) as source:
            with pytest.raises(SourceFailed) as failed:
                source.get(TARGET)
            assert failed.value.code is code
            assert len(desk.asked) == attempts
            assert len(slept) == attempts - 1
            if code is Fault.BUSY:  # Retry-After: 7
                assert slept == [max(pause, 7.0) for pause in PAUSES]
                assert "Not now." in failed.value.reason
            # And the same source goes on when the server does.
            desk.faults.clear()
            assert reading.query_result(source.get(TARGET)).entries


def test_what_passes_is_not_noticed() -> None:
    with serving([rows.entry(1)]) as (base, desk):
        desk.faults[1] = ["500", "cut", "429", "cut chunks", "gzip"]
        with HttpSource(base + "/v2/", USERNAME, PASSWORD, sleep=lambda _: None) as source:
            assert reading.query_result(source.get(TARGET)).entries == (rows.entry(1),)
            assert reading.status(source.get("/v2/status")).username == USERNAME
            assert [member.id for member in reading.members(source.get("/v2/members"))] == [7, 12]
        assert len(desk.asked) == 7


@pytest.mark.parametrize("fault", ["drip", "drip headers"])
def test_a_server_that_drips_is_given_up(fault: str) -> None:
    with serving([rows.entry(1)]) as (base, desk):
        desk.faults[1] = [fault] * 5
        with HttpSource(base, USERNAME, PASSWORD, deadline=0.1, sleep=lambda _: None) as source:
            with pytest.raises(SourceFailed) as failed:
                source.get(TARGET)
            assert failed.value.code is Fault.TIMED_OUT
            assert len(desk.asked) == 5


def test_nobody_there_is_said_so() -> None:
    with serving([]) as (base, _):
        pass
    source = HttpSource(base, USERNAME, PASSWORD, sleep=lambda _: None)
    with pytest.raises(SourceFailed) as failed:
        source.get(TARGET)
    assert failed.value.code is Fault.UNREACHABLE


def test_no_secret_is_in_what_is_said_even_when_the_server_sends_it_back(caplog: pytest.LogCaptureFixture) -> None:
    wrong = "a wrong & <invented> password"
    token = b64encode(f"{USERNAME}:{wrong}".encode()).decode()
    with serving([]) as (base, _), HttpSource(base, USERNAME, wrong) as source:
        with pytest.raises(SourceFailed) as failed:
            source.get(TARGET)
        assert failed.value.code is Fault.SIGN_IN
        assert "Not accepted: Basic ***" in failed.value.reason
        told = repr(source) + repr(failed.value) + str(failed.value) + caplog.text
    assert failed.value.__cause__ is None
    assert wrong not in told
    assert token not in told


def test_a_server_can_make_us_wait_but_not_for_long() -> None:
    assert [_wait(text) for text in (None, "7", "soon", "-1", "٣", "9999999")] == [0, 7, 0, 0, 0, 0]
    assert max(PAUSES) < LONGEST_PAUSE


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), _Silent) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            base = f"https://localhost:{server.server_address[1]}"
            with pytest.raises(SourceFailed) as failed:
                HttpSource(base, USERNAME, PASSWORD, timeout=5, sleep=lambda _: None).get(TARGET)
            assert failed.value.code is Fault.TLS
            with HttpSource(base, USERNAME, PASSWORD, ca_file=certificate, timeout=5) as source:
                assert source.get(TARGET) == b"<queryResult/>"
        finally:
            server.shutdown()
            thread.join()


class _Silent(BaseHTTPRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<queryResult/>")


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(*form))
    return certificate, secret
