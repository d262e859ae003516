# SPDX-License-Identifier: Apache-2.0
"""Reporters that file without pause and write down every answer they were given."""

from __future__ import annotations

import hashlib
import random
import re
import threading
import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Self

# Never in a log: what a report says, and what a reporter signs in with.
SECRET_WORD = "blue-kite-over-the-harbour"
_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<report>
  <incidentSummary><incidentType>Misleading Domain Name</incidentType><incidentDateTime>{at}</incidentDateTime>
  </incidentSummary>
  <internetDetails><webPageIncident><url>https://example.org/u/{name}</url></webPageIncident></internetDetails>
  <reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
  <personOrUserReported><espIdentifier>{name}</espIdentifier><screenName>{word}</screenName>
    <ipCaptureEvent><ipAddress>192.0.2.44</ipAddress><dateTime>{at}</dateTime><port>51820</port></ipCaptureEvent>
  </personOrUserReported>
</report>"""
_DETAILS = """<?xml version="1.0" encoding="UTF-8"?>
<fileDetails><reportId>{report_id}</reportId><fileId>{file_id}</fileId>
<originalFileName>{name}.png</originalFileName></fileDetails>"""
_BOUNDARY = "nightlight-faults-7f3k9qtx"


class Unanswered(OSError):
    """The connection could not be made, or ended before the answer came."""


@dataclass(frozen=True)
class Login:
    """What a reporter signs in with."""

    username: str
    password: str


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the server said that it has taken what was sent."""
        return self.status == 200 and b"<responseCode>0</responseCode>" in self.body

    def value(self, name: str) -> str:
        """Return the text of an element that must be there."""
        found = re.search(rf"<{name}>([^<]+)</{name}>", self.body.decode())
        assert found, self.body
        return found[1]


class Line:
    """One lasting connection of a reporter. Raises Unanswered, and connects anew for the next request."""

    def __init__(self, port: int, login: Login, *, timeout: float = 30) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=timeout)
        token = b64encode(f"{login.username}:{login.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def status(self) -> int:
        """Ask who we are; return the HTTP status."""
        return self._send("GET", "status", None, "").status

    def submit(self, xml: bytes) -> Answer:
        """Open a report."""
        return self._send("POST", "submit", xml, "text/xml; charset=utf-8")

    def upload(self, report_id: str, content: bytes, name: str = "gradient.png") -> Answer:
        """Send one file."""
        body = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{report_id}\r\n'
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        ).encode()
        body += content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        return self._send("POST", "upload", body, f"multipart/form-data; boundary={_BOUNDARY}")

    def fileinfo(self, xml: bytes) -> Answer:
        """Describe one file."""
        return self._send("POST", "fileinfo", xml, "text/xml; charset=utf-8")

    def finish(self, report_id: str) -> Answer:
        """Finish a report."""
        return self._send("POST", "finish", f"id={report_id}".encode(), "application/x-www-form-urlencoded")

    def _send(self, method: str, verb: str, body: bytes | None, kind: str) -> Answer:
        headers = self._headers if body is None else {**self._headers, "Content-Type": kind}
        try:
            self._http.request(method, f"/ispws/{verb}", body, headers)
            response = self._http.getresponse()
            return Answer(response.status, response.read())
        except (OSError, HTTPException) as error:
            self._http.close()
            raise Unanswered(f"{verb}: {error!r}") from error


@dataclass(frozen=True)
class Kept:
    """What the server acknowledged of one report: each field is filled only by an answer that said so."""

    report_id: str
    submitted: bytes
    files: tuple[tuple[str, str, int], ...] = ()  # file id, MD5, size
    described: tuple[tuple[str, bytes], ...] = ()  # file id, the document sent
    receipt: bytes | None = None


def report(name: str) -> bytes:
    """Return a report that says nothing of anybody."""
    at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _REPORT.format(name=name, at=at, word=SECRET_WORD).encode()


def details(report_id: str, file_id: str, name: str) -> bytes:
    """Return the details of a file."""
    return _DETAILS.format(report_id=report_id, file_id=file_id, name=name).encode()


def file_whole(line: Line, name: str, content: bytes) -> Kept:
    """File one complete report; every answer must be good."""
    xml = report(name)
    opened = line.submit(xml)
    assert opened.ok, opened
    report_id = opened.value("reportId")
    sent = line.upload(report_id, content)
    assert sent.ok, sent
    file_id, md5 = sent.value("fileId"), sent.value("hash")
    assert md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    about = details(report_id, file_id, name)
    described = line.fileinfo(about)
    assert described.ok, described
    finished = line.finish(report_id)
    assert finished.ok, finished
    return Kept(report_id, xml, ((file_id, md5, len(content)),), ((file_id, about),), finished.body)


@dataclass
class Reporters:
    """Several reporters at once, each filing one report after another until told to stop.

    A request without an answer, or one the server could not serve (5xx), is not sent again: that report is left
    as it is, and what was acknowledged of it must be there all the same. Any other refusal is a ``surprise``.
    """

    port: int
    login: Login
    threads: int = 6
    seed: int = 7
    kept: list[Kept] = field(default_factory=list)
    unanswered: int = 0
    unserved: list[Answer] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # Some files come again and again: bytes that are known already take another path.
        self._common = [random.Random(number).randbytes(50_000) for number in range(3)]
        self._running = [threading.Thread(target=self._work, args=(number,)) for number in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._running)

    def so_far(self) -> list[Kept]:
        """Return what has been acknowledged by now; a report under way is among it once it is left or done."""
        with self._lock:
            return list(self.kept)

    def finished(self) -> int:
        """How many reports have their receipt."""
        return sum(kept.receipt is not None for kept in self.so_far())

    def _work(self, number: int) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        count = 0
        with Line(self.port, self.login) as line:
            while not self._stop.is_set():
                count += 1
                kept: list[Kept] = []
                try:
                    self._file(line, chance, f"u-{number}-{count}", kept)
                except Unanswered:
                    with self._lock:
                        self.unanswered += 1
                    time.sleep(0.1)
                with self._lock:
                    self.kept += kept[-1:]

    def _file(self, line: Line, chance: random.Random, name: str, kept: list[Kept]) -> None:
        """File one report; ``kept`` grows by one entry with each acknowledgement, the last holds them all."""
        xml = report(f"{name}-{chance.getrandbits(64):x}")
        opened = self._good("submit", line.submit(xml))
        if opened is None:
            return
        now = Kept(opened.value("reportId"), xml)
        kept.append(now)
        for _ in range(chance.choice((1, 1, 2))):
            content = self._content(chance)
            sent = self._good("upload", line.upload(now.report_id, content, f"{SECRET_WORD}.png"))
            if sent is None:
                return
            file_id, md5 = sent.value("fileId"), sent.value("hash")
            if md5 != hashlib.md5(content, usedforsecurity=False).hexdigest():
                self._note(f"upload answered the MD5 {md5}, which is not that of the file")
            now = replace(now, files=(*now.files, (file_id, md5, len(content))))
            kept.append(now)
            about = details(now.report_id, file_id, name)
            if self._good("fileinfo", line.fileinfo(about)) is None:
                return
            now = replace(now, described=(*now.described, (file_id, about)))
            kept.append(now)
        finished = self._good("finish", line.finish(now.report_id))
        if finished is not None:
            kept.append(replace(now, receipt=finished.body))

    def _content(self, chance: random.Random) -> bytes:
        if chance.random() < 0.2:
            return chance.choice(self._common)
        return chance.randbytes(chance.choice((0, 1, 500, 65_536, 65_537, 300_000)))

    def _good(self, verb: str, answer: Answer) -> Answer | None:
        if answer.ok:
            return answer
        if answer.status >= 500:
            with self._lock:
                self.unserved.append(answer)
            time.sleep(0.1)
        else:
            self._note(f"{verb} was answered {answer.status} {answer.body!r}")
        return None

    def _note(self, surprise: str) -> None:
        with self._lock:
            self.surprises.append(surprise)
