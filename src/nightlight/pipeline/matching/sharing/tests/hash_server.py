# SPDX-License-Identifier: Apache-2.0
"""A small real Hash Sharing server, and the ways it misbehaves when a test asks for it."""

from __future__ import annotations

import contextlib
import gzip
import threading
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.matching.sharing.terms import Change, Member, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

USERNAME, PASSWORD = "pepper", "a long & <invented> password"
BASE = "/hashsharing/list-1"
NAMES = {7: "Example Member", 12: "Example Platform"}
BOMB = (
    b"<!DOCTYPE queryResult ["
    + b"<!ENTITY a0 'spam'>"
    + b"".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>".encode() for n in range(1, 9))
    + b"]><queryResult><images>&a8;</images></queryResult>"
)


@dataclass
class Desk:
    """What is served, what was asked, and the faults to show: for a page (its `start`), one after another."""

    changes: Sequence[Change]
    size: int
    faults: dict[int, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    feedback: list[tuple[str, bytes]] = field(default_factory=list)
    doubled: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(changes: Sequence[Change], size: int = 1000) -> Iterator[tuple[str, Desk]]:
    """Yield the base address of a running server and its desk."""
    desk = Desk(changes, size)
    handler = type("Handler", (_Handler,), {"desk": desk})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{BASE}", desk
        finally:
            desk.over.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = 5
    wbufsize = 65536

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._welcome():
            self.desk.feedback.append((self.path.removeprefix(BASE), body))
            self._answer(200, writing.submission_result())

    def do_GET(self) -> None:
        if not self._welcome():
            return
        target = self.path.removeprefix(BASE)
        with self.desk.lock:
            self.desk.asked.append(target)
        parts = urlsplit(target)
        if parts.path == "/v2/status":
            self._answer(200, writing.status(Status("192.0.2.1", USERNAME, Member(12, NAMES[12]))))
        elif parts.path == "/v2/members":
            self._answer(200, writing.members([Member(number, name) for number, name in NAMES.items()]))
        elif parts.path == "/v2/feedback/MD5/reasons":
            self._answer(200, writing.reasons(offered().against("MD5"), doubled=self.desk.doubled))
        elif parts.path == "/v2/entries":
            self._entries({name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self._answer(404, writing.error("There is no such page."))

    def _welcome(self) -> bool:
        token = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if self.path.startswith(BASE) and self.headers["Authorization"] == f"Basic {token}":
            return True
        self._answer(401, writing.error(f"Not accepted: {self.headers['Authorization']}"))
        return False

    def _entries(self, asked: dict[str, str]) -> None:
        since, to = _time(asked["from"]), _time(asked["to"])
        start = int(asked.get("start", "1"))
        mine = [change for change in self.desk.changes if since < change.timestamp <= to]
        rows = mine[start - 1 : start - 1 + self.desk.size]
        ahead = start + len(rows)
        with self.desk.lock:
            waiting = self.desk.faults.get(start, [])
            fault = waiting.pop(0) if waiting else ""
        last = ahead > len(mine)
        if fault == "skip" and ahead + self.desk.size <= len(mine):
            ahead += self.desk.size
        if fault == "repeat":
            rows = mine[: self.desk.size] + rows
        following = None if last else _next(asked, ahead, self.desk.size, len(mine))
        base = f"http://{self.headers['Host']}{BASE}"
        following = {
            "loop": _next(asked, start, self.desk.size, len(mine)),
            "back": _next(asked, 1, self.desk.size, len(mine)),
            "round": _next(asked, 11 if start == 1 else 1, self.desk.size, len(mine)) + f"&turn={len(self.desk.asked)}",
            "same": f"/v2/entries?{urlsplit(self.path).query}",
            "other host": "https://hashes.example.org/v2/entries?start=11",
            "absolute": f"{base}/v2/entries?start=11",
            "no host": "//hashes.example.org/v2/entries?start=11",
            "other path": "/v2/members?start=11",
            "up": "/v2/entries/../../../list-2/v2/entries?start=11",
            "other range": f"/v2/entries?from={quote(asked['from'])}&to=2030-01-01T00:00:00.000Z&start=11",
        }.get(fault, following)
        self._send_page(fault, writing.query_result(rows, following))

    def _send_page(self, fault: str, body: bytes) -> None:
        if fault.isdigit():
            self._answer(int(fault), writing.error("Not now."), {"Retry-After": "7", "Location": "/elsewhere"})
        elif fault == "hang":
            self.desk.over.wait(20)
            self.close_connection = True
        elif fault in {"drip", "drip headers"}:
            self._drip(fault)
        elif fault in {"cut", "cut gzip", "cut chunks"}:
            self._cut(fault, body)
        else:
            self._answer(200, *_altered(fault, body))

    def _drip(self, fault: str) -> None:
        """Send a byte now and then, never long enough apart for a timeout of silence."""
        self.send_response(200)
        if fault == "drip":
            self.end_headers()
        else:
            self.flush_headers()
        with contextlib.suppress(OSError):
            while not self.desk.over.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()
        self.close_connection = True

    def _cut(self, fault: str, body: bytes) -> None:
        """Promise a body and hang up in the middle of it."""
        self.send_response(200)
        if fault == "cut chunks":
            self.send_header("Transfer-Encoding", "chunked")
            body = f"{len(body):x}\r\n".encode() + body
        else:
            if fault == "cut gzip":
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", writing.CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _altered(fault: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    """The page as a server with this fault sends it, and its headers."""
    packed = {"Content-Encoding": "gzip"}
    alterations: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
        "gzip": lambda: (gzip.compress(body, 1), packed),
        "gzip bomb": lambda: (gzip.compress(bytes(20_000_000), 9), packed),
        "half gzip": lambda: (gzip.compress(body)[:-9], packed),
        "brotli": lambda: (body, {"Content-Encoding": "br"}),
        "huge": lambda: (body + b" " * 3_000_000, {}),
        "html": lambda: (b"<!DOCTYPE html><html><body>Please sign in.</body></html>", {}),
        "bomb": lambda: (BOMB, {}),
        "counts more": lambda: (body.replace(b' count="', b' count="9'), {}),
        "counts none": lambda: (body.replace(b' count="', b' count="0" was="'), {}),
        "bad row": lambda: (body.replace(b"<id>", b"<not-id>", 1).replace(b"</id>", b"</not-id>", 1), {}),
    }
    return alterations.get(fault, lambda: (body, {}))()


def _next(asked: dict[str, str], start: int, size: int, highest: int) -> str:
    return f"/v2/entries?from={quote(asked['from'])}&to={quote(asked['to'])}&start={start}&size={size}&max={highest}"


def _time(text: str) -> datetime:
    found = reading.timestamp(text)
    assert found is not None
    return found
