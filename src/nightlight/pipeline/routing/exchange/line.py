# SPDX-License-Identifier: Apache-2.0
"""A connection to another installation over HTTPS: one certificate authority where it is pinned, bounded time and size.

No redirect, no proxy, no cookie. It is kept open between requests; whatever fails closes it, and the next one connects
anew. Knows neither Django nor the database.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTING = 10.0  # seconds
SILENCE = 60.0  # seconds without a byte
DEADLINE = 300.0  # seconds that one request and its answer may take
LARGEST = 65_536  # bytes of an answer
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_CODE = re.compile(r"[a-z0-9-]{1,40}")
_LONGEST_WAIT = 24 * 3600
_TOO_LONG = "the other installation takes too long to answer"


class Unreached(Exception):
    """There was no usable answer; ``reason`` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status, the members of its JSON, the seconds we are to wait (0: nothing was said)."""

    status: int
    told: Mapping[str, Any] = field(default_factory=dict)
    wait: int = 0
    body: bytes = b""

    @property
    def code(self) -> str:
        """The kind of a problem document (RFC 9457), or nothing; never what else the server wrote."""
        kind = str(self.told.get("type", "")).rpartition(":")[2]
        return kind if _CODE.fullmatch(kind) else ""

    def number(self, name: str) -> int:
        """Return a number from 0 on that stands in the answer. Raises Unreached where there is none."""
        value = self.told.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Unreached("the answer cannot be read")
        return value

    def word(self, name: str) -> str:
        """Return a word that stands in the answer, or nothing."""
        value = self.told.get(name)
        return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


class Line:
    """A connection to the installation at ``base``. ``ca`` (PEM) is the only authority believed where it is given."""

    def __init__(self, base: str, *, ca: str = "") -> None:
        self._parts = urlsplit(base)
        self._secure = self._parts.scheme != "http"
        if not self._secure and self._parts.hostname not in _HERE:
            raise Unreached("packages travel over https alone")
        self._ca = ca
        self._http: HTTPConnection | None = None
        self._handle: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._http is not None:
            self._http.close()
        if self._handle is not None:
            self._handle.close()
        self._http = self._handle = None

    def ask(self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return the answer. Raises Unreached; then it is not known whether it was taken."""
        late = threading.Event()
        sent = {"User-Agent": "nightlight", "Accept": "application/json", **(headers or {})}
        watch: threading.Timer | None = None
        try:
            http = self._connected()
            handle = self._handle
            watch = threading.Timer(DEADLINE, _end, (handle, late))
            watch.daemon = True
            watch.start()
            if self._secure and not isinstance(http.sock, ssl.SSLSocket):
                http.sock = self._context().wrap_socket(http.sock, server_hostname=self._parts.hostname)
            http.request(method, self._parts.path.rstrip("/") + path, body=body, headers=sent)
            response = http.getresponse()
            told = response.read(LARGEST + 1)
            status, wait = response.status, _wait(response.getheader("Retry-After"))
            if response.will_close:
                self.close()
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            if late.is_set():
                raise Unreached(_TOO_LONG) from None
            if isinstance(error, ssl.SSLError):
                raise Unreached(f"no safe connection: {error.reason or type(error).__name__}") from None
            raise Unreached(f"it cannot be reached ({type(error).__name__})") from None
        finally:
            if watch is not None:
                watch.cancel()
                watch.join()
        if len(told) > LARGEST:
            self.close()
            raise Unreached("the answer is larger than any answer")
        return Answer(status, _members(told), wait, told)

    def _connected(self) -> HTTPConnection:
        if self._http is None or self._http.sock is None:
            self.close()
            host, port = self._parts.hostname or "", self._parts.port or (443 if self._secure else 80)
            kind = HTTPSConnection if self._secure else HTTPConnection
            http = kind(host, port, timeout=SILENCE)
            plain = socket.create_connection((host, port), CONNECTING)
            plain.settimeout(SILENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            http.sock = plain
            # Ended through a handle of its own: one that sends a byte now and then is never silent.
            self._http, self._handle = http, plain.dup()
        return self._http

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._ca or None)


def _end(handle: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # ended already
        handle.shutdown(socket.SHUT_RDWR)


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _wait(text: str | None) -> int:
    return min(int(text), _LONGEST_WAIT) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
