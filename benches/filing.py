# SPDX-License-Identifier: Apache-2.0
"""Files complete reports over the wire as fast as a given number of clients can: one thread, prebuilt bytes.

The load shares the processors with what it measures, so it does as little as it can: non-blocking sockets
under one epoll, one lasting connection per client, bodies that differ only in a few bytes. Each client files one
report after another: submit, upload of one file, file details, finish; the next request is sent when the answer
to the last has been read and found right. It connects to the loopback address only.
"""

from __future__ import annotations

import base64
import hashlib
import re
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from machine import ADDRESS

VERBS = ("submit", "upload", "fileinfo", "finish")
FILE_SIZE = 100_000
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REPORT_ID = re.compile(rb"<reportId>(\d+)</reportId>")
_FILE_ID = re.compile(rb"<fileId>([0-9a-f]{32})</fileId>")
_HASH = re.compile(rb"<hash>([0-9a-f]{32})</hash>")
_BOUNDARY = b"nightlight-bench-7f3k9qtx"
_XML = b"text/xml; charset=utf-8"

_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<report>
  <incidentSummary>
    <incidentType>Misleading Domain Name</incidentType>
    <platform>Example Chat</platform>
    <incidentDateTime>{at}</incidentDateTime>
    <incidentDateTimeDescription>When the page was flagged</incidentDateTimeDescription>
  </incidentSummary>
  <internetDetails>
    <webPageIncident thirdPartyHostedContent="false"><url>https://example.org/u/blue-kite</url></webPageIncident>
  </internetDetails>
  <reporter>
    <reportingPerson><firstName>Trust</firstName><lastName>Desk</lastName>
      <email type="Business">desk@chat.example.org</email></reportingPerson>
    <companyTemplate>Example Chat keeps log-in records for 90 days.</companyTemplate>
    <legalURL>https://example.org/legal</legalURL>
  </reporter>
  <personOrUserReported>
    <personOrUserReportedPerson>
      <firstName>Kiran</firstName><lastName>Sample</lastName>
      <phone type="Mobile" verified="true" countryCallingCode="+91">5550100</phone>
      <email verified="true">kiran@example.org</email>
      <address type="Home"><address>1 Example Road</address><city>Pune</city><zipCode>411001</zipCode>
        <nonUsaState>Maharashtra</nonUsaState><country>IN</country></address>
      <age>34</age>
    </personOrUserReportedPerson>
    <espIdentifier>u-{number}</espIdentifier><espService>Example Chat</espService>
    <screenName>blue-kite</screenName><displayName>Blue Kite</displayName>
    <profileUrl>https://example.org/u/blue-kite</profileUrl>
    <ipCaptureEvent><ipAddress>192.0.2.44</ipAddress><eventName>Login</eventName>
      <dateTime>{at}</dateTime><possibleProxy>false</possibleProxy><port>51820</port></ipCaptureEvent>
    <ipCaptureEvent><ipAddress>2001:db8::7</ipAddress><eventName>Upload</eventName>
      <dateTime>{at}</dateTime><port>40112</port></ipCaptureEvent>
    <ipCaptureEvent><ipAddress>198.51.100.9</ipAddress><eventName>Login</eventName>
      <dateTime>{at}</dateTime><port>443</port></ipCaptureEvent>
    <additionalInfo>The address leads to a page of pictures of cricket grounds.</additionalInfo>
  </personOrUserReported>
</report>
"""
_DETAILS = """<?xml version="1.0" encoding="UTF-8"?>
<fileDetails>
  <reportId>{report}</reportId><fileId>{file}</fileId>
  <originalFileName>gradient.png</originalFileName>
  <fileViewedByEsp>true</fileViewedByEsp><publiclyAvailable>false</publiclyAvailable>
  <fileRelevance>Reported</fileRelevance>
  <ipCaptureEvent><ipAddress>192.0.2.44</ipAddress><eventName>Upload</eventName>
    <dateTime>{at}</dateTime><port>51821</port></ipCaptureEvent>
  <details type="EXIF"><nameValuePair><name>Model</name><value>Sample 3</value></nameValuePair></details>
</fileDetails>
"""


class WrongAnswer(Exception):
    """The server did not answer as it must; the measurement is worth nothing."""


@dataclass
class Measured:
    """What one run measured: reports finished inside the window, and times in milliseconds."""

    clients: int
    seconds: float
    reports: int = 0
    report_ms: list[float] = field(default_factory=list)
    request_ms: dict[str, list[float]] = field(default_factory=lambda: {verb: [] for verb in VERBS})

    @property
    def per_second(self) -> float:
        """Complete reports a second."""
        return self.reports / self.seconds


class Load:
    """The reports of one reporter, filed at one server. ``exact`` also compares each file's MD5."""

    def __init__(self, port: int, username: str, password: str, *, exact: bool) -> None:
        token = base64.b64encode(f"{username}:{password}".encode())
        self._port, self._exact = port, exact
        self._authorization = b"Authorization: Basic " + token + b"\r\n"
        self._numbers = count(time.time_ns())
        self._at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        # A gradient; its last bytes are the report's number, so that no two files are the same.
        self._file = bytes(i * 255 // FILE_SIZE for i in range(FILE_SIZE - 20))
        self._md5 = hashlib.md5(self._file, usedforsecurity=False)

    def run(self, *, clients: int, seconds: float, warm_up: float = 1.0, at_most: int = 100_000) -> Measured:
        """File reports for ``warm_up`` unmeasured and ``seconds`` measured. Raises WrongAnswer."""
        if not 1 <= clients <= 256 or seconds > 600:
            raise ValueError("at most 256 clients and ten minutes")
        begin = time.perf_counter() + warm_up
        measured = Measured(clients, seconds)
        poll = select.epoll()
        made = [_Client(self, measured, poll) for _ in range(clients)]
        by_fd = {client.fd: client for client in made}
        try:
            for client in made:
                client.begin_report()
            while busy := [client for client in made if client.verb >= 0]:
                events = poll.poll(10)
                if not events:
                    raise WrongAnswer(f"{len(busy)} requests have waited ten seconds for an answer")
                for fd, event in events:
                    by_fd[fd].ready(event, begin, begin + seconds)
                if measured.reports > at_most:
                    raise WrongAnswer(f"more than {at_most} reports")
        finally:
            for client in made:
                client.close()
            poll.close()
        return measured

    def request(self, verb: str, kind: bytes, *body: bytes) -> deque[bytes]:
        """Return the pieces of one request."""
        head = b"POST /ispws/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
            verb.encode(),
            kind,
            sum(map(len, body)),
            self._authorization,
        )
        return deque((head, *body))

    def submit(self) -> tuple[deque[bytes], bytes]:
        """Return a new report and its number as 20 digits."""
        number = b"%020d" % next(self._numbers)
        xml = _REPORT.format(at=self._at, number=number.decode()).encode()
        return self.request("submit", _XML, xml), number

    def upload(self, report: bytes, number: bytes) -> tuple[deque[bytes], bytes]:
        """Return the upload of a report's file, and the MD5 the server must answer."""
        md5 = self._md5.copy()
        md5.update(number)
        before = (
            b'--%b\r\nContent-Disposition: form-data; name="id"\r\n\r\n%b\r\n--%b\r\nContent-Disposition: form-data;'
            b' name="file"; filename="gradient.png"\r\nContent-Type: image/png\r\n\r\n'
        ) % (_BOUNDARY, report, _BOUNDARY)
        after = number + b"\r\n--%b--\r\n" % _BOUNDARY
        kind = b"multipart/form-data; boundary=" + _BOUNDARY
        return self.request("upload", kind, before, self._file, after), md5.hexdigest().encode()

    def fileinfo(self, report: bytes, file: bytes) -> deque[bytes]:
        """Return the details of a report's file."""
        xml = _DETAILS.format(report=report.decode(), file=file.decode(), at=self._at)
        return self.request("fileinfo", _XML, xml.encode())

    def finish(self, report: bytes) -> deque[bytes]:
        """Return the request that finishes a report."""
        return self.request("finish", b"application/x-www-form-urlencoded", b"id=" + report)

    def connect(self) -> socket.socket:
        """Return a connection that does not block."""
        connection = socket.create_connection((ADDRESS, self._port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 512 * 1024)
        connection.setblocking(False)
        return connection

    @property
    def exact(self) -> bool:
        """Whether answers are compared to the last byte."""
        return self._exact


class _Client:
    def __init__(self, load: Load, measured: Measured, poll: select.epoll) -> None:
        self._load, self._measured, self._poll = load, measured, poll
        self._socket = load.connect()
        self.fd = self._socket.fileno()
        poll.register(self.fd, select.EPOLLIN)
        self.verb = -1  # the request under way; -1 when there is none
        self._unsent: deque[bytes] = deque()
        self._answer = b""
        self._number = self._report = self._file = self._md5 = b""
        self._report_began = self._request_began = 0.0

    def close(self) -> None:
        self._socket.close()

    def begin_report(self) -> None:
        request, self._number = self._load.submit()
        self._report_began = time.perf_counter()
        self._send(0, request)

    def ready(self, event: int, begin: float, end: float) -> None:
        if event & select.EPOLLOUT:
            self._go_on_sending()
            return
        received = self._socket.recv(65536)
        if not received:
            raise WrongAnswer(f"the server closed the connection at {VERBS[self.verb]}")
        self._answer += received
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = _LENGTH.search(head)
        if length is None:
            raise WrongAnswer(f"an answer without a length: {head!r}")
        if len(body) < int(length[1]):
            return
        self._answered(head, body, begin, end)

    def _answered(self, head: bytes, body: bytes, begin: float, end: float) -> None:
        now = time.perf_counter()
        if not head.startswith(b"HTTP/1.1 200") or b"<responseCode>0</responseCode>" not in body:
            raise WrongAnswer(f"{VERBS[self.verb]} was answered {head[:40]!r} {body!r}")
        if begin <= now < end:
            self._measured.request_ms[VERBS[self.verb]].append((now - self._request_began) * 1000)
        if self.verb == 0:
            self._report = _found(_REPORT_ID, body)
            request, self._md5 = self._load.upload(self._report, self._number)
            self._send(1, request)
        elif self.verb == 1:
            self._file = _found(_FILE_ID, body)
            if self._load.exact and (_found(_HASH, body) != self._md5 or _found(_REPORT_ID, body) != self._report):
                raise WrongAnswer(f"the answer to an upload is not right: {body!r}")
            self._send(2, self._load.fileinfo(self._report, self._file))
        elif self.verb == 2:
            self._send(3, self._load.finish(self._report))
        else:
            if self._load.exact and (_found(_REPORT_ID, body) != self._report or self._file not in body):
                raise WrongAnswer(f"the receipt is not right: {body!r}")
            if begin <= now < end:
                self._measured.reports += 1
                self._measured.report_ms.append((now - self._report_began) * 1000)
            if now < end:
                self.begin_report()
            else:
                self.verb = -1

    def _send(self, verb: int, request: deque[bytes]) -> None:
        self.verb, self._unsent, self._answer = verb, request, b""
        self._request_began = time.perf_counter()
        self._go_on_sending()

    def _go_on_sending(self) -> None:
        try:
            sent = self._socket.sendmsg(self._unsent)
        except BlockingIOError:
            sent = 0
        while self._unsent and sent >= len(self._unsent[0]):
            sent -= len(self._unsent.popleft())
        if self._unsent:
            self._unsent[0] = self._unsent[0][sent:]
        self._poll.modify(self.fd, select.EPOLLIN | (select.EPOLLOUT if self._unsent else 0))


def _found(pattern: re.Pattern[bytes], body: bytes) -> bytes:
    found = pattern.search(body)
    if found is None:
        raise WrongAnswer(f"the answer lacks {pattern.pattern!r}: {body!r}")
    return found[1]
