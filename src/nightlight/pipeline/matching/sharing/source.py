# SPDX-License-Identifier: Apache-2.0
"""Ask a Hash Sharing server over HTTP: Basic sign-in, verified TLS, bounded time and size, repeats where safe.

Standard library only (http.client): it follows no redirect and reads no proxy from the environment, so a
request goes where the base address says or nowhere. Sources: RFC 9110 (HTTP), RFC 7617 (Basic), RFC 1952 (gzip).
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import select
import socket
import ssl
import threading
import time
import zlib
from base64 import b64encode
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from . import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT = 60.0
"""Seconds of silence after which a request has failed."""

DEADLINE = 600.0
"""Seconds a whole answer may take: a server that sends a byte a minute never runs into TIMEOUT."""

PAUSES = (0.5, 2.0, 8.0, 30.0)
"""Seconds before the first, second, ... repeat."""

LONGEST_PAUSE = 60.0
"""Seconds a server can make us wait with Retry-After; whoever wants more is asked again at the next poll."""

_CHUNK = 65_536
_REPEATED = {429, 500, 502, 503, 504}
_TARGET = re.compile(r"/v2/[!-~]{1,4000}", re.ASCII)


class Fault(StrEnum):
    """Why a server gave no usable answer."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    BROKEN_OFF = "broken_off"
    BUSY = "busy"
    SIGN_IN = "sign_in"
    FORBIDDEN = "forbidden"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    TLS = "tls"


_REPEATED_FAULTS = {Fault.UNREACHABLE, Fault.TIMED_OUT, Fault.BROKEN_OFF, Fault.BUSY}


class SourceFailed(OSError):
    """No usable answer: `code`, a sentence without secrets, and the HTTP status where there was one."""

    def __init__(self, code: Fault, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.status = status


class Source(Protocol):
    """Where pages come from."""

    def get(self, target: str) -> bytes:
        """Return the document at `target`, which begins with "/v2/". Raises SourceFailed."""
        ...


class HttpSource:
    """A server at `base` (https; http only on this machine itself), under one login. Not for several threads.

    `base` is everything before "/v2". ValueError when it is not such an address. Neither the password nor the
    header made from it stands in any message, log or repr.
    """

    def __init__(
        self,
        base: str,
        username: str,
        password: str,
        *,
        ca_file: str | Path | None = None,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        max_bytes: int = reading.MAX_PAGE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base)
        host = parts.hostname
        if parts.username is not None or parts.password is not None:
            raise ValueError("the address must not hold a login")
        if host is None or parts.query or parts.fragment or not base.isascii() or not base.isprintable():
            raise ValueError(f"{base!r} is not the address of a server")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
            raise ValueError(f"{base!r} is not an https address; the password would travel in the open")
        if ":" in username:
            raise ValueError("a username cannot hold a colon (RFC 7617)")
        self.base = base.rstrip("/").removesuffix("/v2")
        self._path = urlsplit(self.base).path
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._sleep = sleep
        token = b64encode(f"{username}:{password}".encode()).decode()
        self._secrets = tuple(secret for secret in (password, token) if secret)
        self._headers = {
            "Authorization": f"Basic {token}",
            "Accept": "application/xml",
            "Accept-Encoding": "gzip",
            "User-Agent": "nightlight",
        }
        self._connection: HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            self._connection = HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        else:
            self._connection = HTTPConnection(host, parts.port, timeout=timeout)

    def __repr__(self) -> str:
        return f"HttpSource({self.base!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._connection.close()

    def get(self, target: str) -> bytes:
        """Return the body found at `target` below the base. Raises SourceFailed; repeats what may pass by itself."""
        if not _TARGET.fullmatch(target):
            raise SourceFailed(Fault.REFUSED, "the address asked for does not begin with /v2/ or holds odd characters")
        for pause in (*PAUSES, None):
            try:
                return self._once(target)
            except _Failed as failed:
                self.close()
                if failed.code not in _REPEATED_FAULTS or pause is None:
                    # A new exception: the old one's chain could hold what the server sent.
                    last = SourceFailed(failed.code, self._without_secrets(failed.reason), failed.status)
                    break
                wait = max(pause, failed.wait)
            self._sleep(min(wait, LONGEST_PAUSE))
        raise last

    def _once(self, target: str) -> bytes:
        try:
            self._connect()
        except ssl.SSLError as error:
            raise _Failed(Fault.TLS, f"no safe connection: {error.reason}") from None
        except TimeoutError:
            raise _Failed(Fault.TIMED_OUT, "the server could not be reached in time") from None
        except OSError as error:
            raise _Failed(Fault.UNREACHABLE, f"the server cannot be reached: {error.strerror or error}") from None
        watch = _Watch(self._connection.sock, self._deadline)
        try:
            with watch:
                self._connection.request("GET", self._path + target, headers=self._headers)
                response = self._connection.getresponse()
                body = self._body(response)
                response.close()
        except TimeoutError:
            raise _Failed(Fault.TIMED_OUT, "the server did not answer in time") from None
        except (OSError, HTTPException, zlib.error, _Failed) as error:
            if watch.over:
                raise _Failed(Fault.TIMED_OUT, "the answer took too long") from None
            if isinstance(error, _Failed):
                raise
            raise _Failed(Fault.BROKEN_OFF, f"the answer broke off ({type(error).__name__})") from None
        if watch.over:  # without a length, being cut off looks like an end
            raise _Failed(Fault.TIMED_OUT, "the answer took too long")
        if response.will_close:
            self.close()
        if response.status == 200:
            return body
        raise self._refusal(response, body)

    def _connect(self) -> None:
        """Have a live connection: one that the server has closed meanwhile is readable and gets replaced."""
        connected = self._connection.sock
        if connected is not None and select.select([connected], [], [], 0)[0]:
            self.close()
        if self._connection.sock is None:
            self._connection.connect()

    def _body(self, response: HTTPResponse) -> bytes:
        """The whole body, unpacked; _Failed when it is longer than allowed, packed or cut off."""
        packing = (response.getheader("Content-Encoding") or "identity").strip().lower()
        if packing not in {"identity", "gzip", "x-gzip"}:
            raise _Failed(Fault.REFUSED, "the answer is packed in a way we did not ask for", response.status)
        unpack = None if packing == "identity" else zlib.decompressobj(wbits=31)
        if response.length is not None and response.length > self._max_bytes:
            raise self._too_large()
        parts: list[bytes] = []
        size = received = 0
        while chunk := response.read1(_CHUNK):
            received += len(chunk)
            if unpack is not None:
                chunk = unpack.decompress(chunk, self._max_bytes - size + 1)
            size += len(chunk)
            parts.append(chunk)
            if size > self._max_bytes or received > self._max_bytes:
                raise self._too_large()
        if response.length:  # bytes still owed
            raise _Failed(Fault.BROKEN_OFF, "the answer broke off before its end")
        if unpack is not None and received and (not unpack.eof or unpack.unused_data):
            raise _Failed(Fault.BROKEN_OFF, "the packed answer is not whole")
        return b"".join(parts)

    def _too_large(self) -> _Failed:
        return _Failed(Fault.TOO_LARGE, f"the answer is larger than {self._max_bytes} bytes")

    def _refusal(self, response: HTTPResponse, body: bytes) -> _Failed:
        status = response.status
        said = self._without_secrets(reading.error(body, _CHUNK))[:200]  # before cutting: half a secret is one too
        words = f"HTTP {status}" + (f": {said}" if said else "")
        if status in _REPEATED:
            return _Failed(Fault.BUSY, words, status, _wait(response.getheader("Retry-After")))
        if status == 401:
            return _Failed(Fault.SIGN_IN, f"the server does not accept our login ({words})", status)
        if status == 403:
            return _Failed(Fault.FORBIDDEN, f"our login may not read this list ({words})", status)
        if 300 <= status < 400:
            return _Failed(Fault.REDIRECTED, f"the server sends us elsewhere, which is not followed ({words})", status)
        return _Failed(Fault.REFUSED, f"the server refused the request ({words})", status)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class _Failed(Exception):
    """One attempt failed; `wait` is what the server asked for, in seconds."""

    def __init__(self, code: Fault, reason: str, status: int | None = None, wait: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.status = status
        self.wait = wait


class _Watch:
    """Hangs up when a whole answer takes longer than `seconds`; `over` then says so."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._connected = connected
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self.over = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _hang_up(self) -> None:
        self.over = True
        with contextlib.suppress(OSError):
            self._connected.shutdown(socket.SHUT_RDWR)


def _wait(text: str | None) -> float:
    """Seconds out of Retry-After; dates are passed over, our own pauses do then."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def _is_here(host: str) -> bool:
    """Whether `host` names this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
