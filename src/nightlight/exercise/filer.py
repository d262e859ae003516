# SPDX-License-Identifier: Apache-2.0
"""A platform's client of the CyberTipline Reporting API: one lasting connection, repeats only where safe."""

from __future__ import annotations

import select
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from nightlight.foundation import xml

if TYPE_CHECKING:
    from pathlib import Path

MAX_ANSWER = 1_000_000
"""Bytes of an answer document we are ready to read."""

PAUSES = (0.0, 0.2, 1.0, 3.0)
"""Seconds before the first, second, ... attempt."""

BUSY = {429, 503}
"""Statuses by which a server says that it has not begun with the request (RFC 9110, RFC 6585)."""

ALREADY_RETRACTED, ALREADY_FINISHED = 5101, 5102


class Unanswered(OSError):
    """The server was never reached, or took a request and gave no answer, so nobody knows what it did."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; `code` is None when the body was not a response document (an empty 401, say).

    `files` are the file ids of a finish, in upload order; `hash` is the MD5 of an upload in lower-case hex.
    """

    code: int | None
    description: str | None
    report_id: int | None
    file_id: str | None
    hash: str | None
    http_status: int
    request_id: str | None
    files: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the server said success: HTTP 200 and response code 0."""
        return self.http_status == 200 and self.code == 0


class Filer:
    """Files reports at `base_url` (http or https, such as http://127.0.0.1:8000/ispws) under one login.

    Not for several threads at once. Every method raises Unanswered when the server cannot be reached. A
    request that died without an answer is repeated only where that does no harm: a second submit leaves a
    report that nobody finishes and that lapses by itself, a second finish or retract is answered "already", a
    status changes nothing. A second upload or fileinfo would change the report: those raise Unanswered.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        ca_file: str | Path | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Prepare without connecting; ValueError when `base_url` is not http or https."""
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise ValueError(f"{base_url} is not an http or https address")
        self._path = parts.path.rstrip("/")
        token = b64encode(f"{username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "User-Agent": "nightlight-exercise"}
        self._connection: HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            self._connection = HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
        else:
            self._connection = HTTPConnection(parts.hostname, parts.port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def status(self) -> Answer:
        """Ask who we are."""
        return self._send("GET", "status", None, None, repeat=True)[0]

    def submit(self, document: bytes, *, charset: bool = True) -> Answer:
        """Open a report with a `report` document."""
        return self._send("POST", "submit", document, _xml_type(charset=charset), repeat=True)[0]

    def fileinfo(self, document: bytes, *, charset: bool = True) -> Answer:
        """Describe an uploaded file with a `fileDetails` document."""
        return self._send("POST", "fileinfo", document, _xml_type(charset=charset), repeat=False)[0]

    def upload(
        self,
        report_id: int,
        content: bytes,
        *,
        name: str | None,
        content_type: str = "application/octet-stream",
        file_first: bool = False,
    ) -> Answer:
        """Upload one file to an open report; `name` None sends the part under the literal name `file`."""
        parts = [
            ('name="id"', None, str(report_id).encode()),
            (f'name="file"; filename="{name or "file"}"', content_type, content),
        ]
        body, kind = _multipart(parts[::-1] if file_first else parts)
        return self._send("POST", "upload", body, kind, repeat=False)[0]

    def finish(self, report_id: int, *, urlencoded: bool = False) -> Answer:
        """Finish an open report; the answer is the reporter's receipt."""
        return self._close_report("finish", report_id, ALREADY_FINISHED, urlencoded=urlencoded)

    def retract(self, report_id: int, *, urlencoded: bool = False) -> Answer:
        """Withdraw an open report."""
        return self._close_report("retract", report_id, ALREADY_RETRACTED, urlencoded=urlencoded)

    def _close_report(self, verb: str, report_id: int, already: int, *, urlencoded: bool) -> Answer:
        if urlencoded:
            body, kind = urlencode({"id": report_id}).encode(), "application/x-www-form-urlencoded"
        else:
            body, kind = _multipart([('name="id"', None, str(report_id).encode())])
        answer, repeated = self._send("POST", verb, body, kind, repeat=True)
        # Our own first attempt did it and only its answer was lost.
        return replace(answer, code=0, http_status=200) if repeated and answer.code == already else answer

    def _send(
        self, method: str, verb: str, body: bytes | None, kind: str | None, *, repeat: bool
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether an earlier attempt may already have been carried out."""
        headers = self._headers if kind is None else {**self._headers, "Content-Type": kind}
        doubtful, busy, reason = False, None, "no connection"
        for pause in PAUSES:
            time.sleep(pause)
            try:
                self._connect()
            except OSError as error:
                self.close()
                reason = str(error)
                continue
            try:
                self._connection.request(method, f"{self._path}/{verb}", body, headers)
                answer = self._read()
            except (OSError, HTTPException) as error:
                self.close()
                doubtful, reason = True, f"{type(error).__name__} {error}"
                if not repeat:
                    break
                continue
            if answer.http_status not in BUSY:
                return answer, doubtful
            busy = answer
        if busy is not None and not doubtful:
            return busy, doubtful
        raise Unanswered(f"{verb}: {reason}")

    def _connect(self) -> None:
        """Have a live connection: one that the server has closed meanwhile is readable and gets replaced."""
        socket = self._connection.sock
        if socket is not None and select.select([socket], [], [], 0)[0]:
            self.close()
        if self._connection.sock is None:
            self._connection.connect()

    def _read(self) -> Answer:
        response = self._connection.getresponse()
        body = response.read()
        return parse_answer(body, response.status, response.getheader("Request-ID"))


def parse_answer(body: bytes, http_status: int, request_id: str | None) -> Answer:
    """Return the answer in a `reportResponse` or `reportDoneResponse`; anything else gives `code` None."""
    nothing = Answer(None, None, None, None, None, http_status, request_id)
    try:
        root = xml.parse(body, max_bytes=MAX_ANSWER)
    except ValueError:
        return nothing
    code, report = root.findtext("responseCode"), root.findtext("reportId")
    if code is None:
        return nothing
    return Answer(
        code=int(code),
        description=root.findtext("responseDescription"),
        report_id=None if report is None else int(report),
        file_id=root.findtext("fileId"),
        hash=root.findtext("hash"),
        http_status=http_status,
        request_id=request_id,
        files=tuple(file.text or "" for file in root.iterfind("files/fileId")),
    )


def _xml_type(*, charset: bool) -> str:
    return "text/xml; charset=utf-8" if charset else "text/xml"


def _multipart(parts: list[tuple[str, str | None, bytes]]) -> tuple[bytes, str]:
    """Return the body and its content type for (disposition, content type, content) parts (RFC 7578)."""
    boundary = uuid4().hex
    lines: list[bytes] = []
    for disposition, kind, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
        head += f"Content-Type: {kind}\r\n" if kind else ""
        lines += [head.encode(), b"\r\n", content, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), f"multipart/form-data; boundary={boundary}"
