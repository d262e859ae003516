# SPDX-License-Identifier: Apache-2.0
"""Asks a partner over HTTP: a bearer token, verified TLS, bounded time and size, no redirect, no proxy.

By ``http.client``, as hash lists are polled (``matching/sharing/source.py``); that reads pages by GET and repeats.
A question here is counted by whoever answers, so it is sent once; what fails is asked again an hour later.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.linking.deconfliction import rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT = 30.0  # seconds of silence
DEADLINE = 120.0  # seconds a whole answer may take
LARGEST = 1_000_000  # bytes of an answer
PATH = "/api/v1/deconfliction"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_KIND = re.compile(r"[a-z-]{1,20}")  # as ours are; no token looks so
_TOO_LONG = "the partner takes too long to answer"
_LONGEST_WAIT = 7 * 24 * 3600


class AskingFailed(Exception):
    """No usable answer: a sentence without secrets, the status where there was one, the seconds we are to wait."""

    def __init__(self, reason: str, *, status: int | None = None, wait: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Said:
    """What a partner says of one digest. Plain lines: whatever was sent."""

    digest: bytes
    installation: str
    unit: str
    contact: str
    since: str  # "2026-03", or empty


def address(url: str) -> str:
    """Return the address of an installation, everything before "/api". Raises Conflict for none, or not https."""
    base = url.strip().rstrip("/")
    parts = urlsplit(base)
    try:
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        port_is_one = False
    odd = parts.query or parts.fragment or parts.username or parts.password or not base.isascii()
    if not parts.hostname or odd or not base.isprintable() or not port_is_one or len(base) > 300:
        raise Conflict("Give the address of the other installation, such as https://nightlight.example.org.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise Conflict("Another installation is asked over https alone; the token would travel in the open.")
    return base


def ask(
    base: str, token: str, question: dict[str, Any], *, ca_file: str | Path | None = None, timeout: float = TIMEOUT
) -> Sequence[Said]:
    """Ask once; return what is held there. Raises AskingFailed."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    connection: HTTPConnection
    secure = parts.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(host, parts.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "nightlight"}
    try:
        plain = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout)
    except (OSError, ValueError) as error:
        raise AskingFailed(f"the partner cannot be reached ({type(error).__name__})") from None
    # Ended through a handle of its own: one that sends a byte now and then is never silent, in the handshake neither.
    handle, late = plain.dup(), threading.Event()
    watch = threading.Timer(DEADLINE, _end, (handle, late))
    watch.daemon = True
    watch.start()
    try:
        connection.sock = plain
        if secure:
            context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        connection.request("POST", parts.path + PATH, body=json.dumps(question), headers=headers)
        response = connection.getresponse()
        body = response.read(LARGEST + 1)
        status, wait = response.status, _wait(response.getheader("Retry-After"))
    except (OSError, HTTPException, ValueError) as error:
        if not late.is_set() and isinstance(error, ssl.SSLError):
            raise AskingFailed(f"no safe connection: {error.reason}") from None
        raise AskingFailed(
            _TOO_LONG if late.is_set() else f"the partner cannot be reached ({type(error).__name__})"
        ) from None
    finally:
        watch.cancel()
        watch.join()
        connection.close()
        plain.close()
        handle.close()
    if late.is_set():
        raise AskingFailed(_TOO_LONG)
    if status != 200:
        raise AskingFailed(f"the partner refuses: HTTP {status} {_problem(body)}".rstrip(), status=status, wait=wait)
    if len(body) > LARGEST:
        raise AskingFailed("the answer is larger than any answer")
    return read(body, question)


def _end(handle: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # ended already
        handle.shutdown(socket.SHUT_RDWR)


def read(body: bytes, question: dict[str, Any]) -> Sequence[Said]:
    """Return what an answer says. A digest that was not asked for is passed over. Raises AskingFailed."""
    try:
        told = json.loads(body)
        held = told["held"]
        asked = set(question["digests"])
        if (told["ring"], told["epoch"]) != (question["ring"], question["epoch"]):
            raise AskingFailed("the partner answers about another ring or epoch")
        if max(Counter(one["digest"] for one in held).values(), default=0) > rules.MOST_PEOPLE:
            raise AskingFailed("the answer names more units for one digest than can be")
        return [_said(one) for one in held if one["digest"] in asked]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise AskingFailed("the answer cannot be read") from None


def _said(one: dict[str, Any]) -> Said:
    call, since = one["call"], str(one.get("since_month") or "")
    return Said(
        bytes.fromhex(one["digest"]),
        rules.one_line(call["installation"], most=120),
        rules.one_line(call["unit"], most=200),
        rules.one_line(call["contact"]),
        since if _MONTH.fullmatch(since) and since > "0001" else "",
    )


def _problem(body: bytes) -> str:
    """The kind of a problem document (RFC 9457), which is ours to show; not what else the server wrote."""
    try:
        kind = str(json.loads(body[:10_000])["type"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    kind = kind.rpartition(":")[2]
    return kind if _KIND.fullmatch(kind) else ""


def _wait(text: str | None) -> int:
    return min(int(text), _LONGEST_WAIT) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
