# SPDX-License-Identifier: Apache-2.0
"""A tiny real HTTP server that answers like the CyberTipline Reporting API, to try the filer against."""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator

USERNAME, PASSWORD = "pepper", "a long invented password"


@dataclass
class Kept:
    """One report as the server keeps it."""

    document: bytes
    files: list[tuple[str, bytes]] = field(default_factory=list)
    infos: list[bytes] = field(default_factory=list)
    state: str = "open"


@dataclass
class Desk:
    """Everything received, and the faults to show: verbs whose next answer is lost or busy."""

    reports: dict[int, Kept] = field(default_factory=dict)
    finish_types: list[str] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    lose: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    hang_up: bool = False
    refuse: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def answering() -> Iterator[tuple[str, Desk]]:
    """Yield the base address of a running server and its desk."""
    desk = Desk()
    handler = type("Handler", (_Handler,), {"desk": desk})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/ispws", desk
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = 5
    # One packet an answer; in two, Nagle's algorithm and delayed acknowledgement cost 40 ms each time.
    wbufsize = 65536

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def _serve(self, body: bytes) -> None:
        verb = self.path.removeprefix("/ispws/")
        with self.desk.lock:
            self.desk.connections.add(self.client_address)
            if self.headers["Authorization"] != f"Basic {b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}":
                self._answer(401, b"")
                return
            if verb in self.desk.busy:
                self.desk.busy.remove(verb)
                self._answer(503, b"")
                return
            status, answer = getattr(self, f"_{verb}")(body)
            if verb in self.desk.lose:
                self.desk.lose.remove(verb)
                self.close_connection = True
                return
        self._answer(status, answer)
        # Closing without saying so is what a server does with a connection that idled too long.
        self.close_connection = self.desk.hang_up

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Request-ID", "request-1")
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _status(self, _: bytes) -> tuple[int, bytes]:
        return 200, _response(0, "Remote User : pepper, Remote Ip : 127.0.0.1")

    def _submit(self, body: bytes) -> tuple[int, bytes]:
        try:
            root = etree.fromstring(body)
        except etree.XMLSyntaxError:
            return 400, _response(4110, "Malformed XML submittal")
        if self.desk.refuse or root.tag != "report":
            return 400, _response(4100, "Validation failed [1,1]-refused")
        number = 7_000_000 + len(self.desk.reports)
        self.desk.reports[number] = Kept(body)
        return 200, _response(0, "Success", reportId=number)

    def _upload(self, body: bytes) -> tuple[int, bytes]:
        fields = self._form(body)
        content = fields["file"]
        report = self.desk.reports[int(fields["id"])]
        file_id = f"f{len(report.files):031x}"
        report.files.append((file_id, content))
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return 200, _response(0, "Success", reportId=int(fields["id"]), fileId=file_id, hash=digest)

    def _fileinfo(self, body: bytes) -> tuple[int, bytes]:
        number = int(etree.fromstring(body).findtext("reportId") or 0)
        self.desk.reports[number].infos.append(body)
        return 200, _response(0, "Success", reportId=number)

    def _finish(self, body: bytes) -> tuple[int, bytes]:
        self.desk.finish_types.append(self.headers["Content-Type"].split(";")[0])
        number = int(self._form(body)["id"])
        report = self.desk.reports[number]
        if report.state != "open":
            return 409, _done(5102 if report.state == "finished" else 5101, number, [])
        if b"<batchedReport" in report.document and len(report.files) > 1:
            return 400, _done(4100, number, [])
        report.state = "finished"
        return 200, _done(0, number, [file_id for file_id, _ in report.files])

    def _retract(self, body: bytes) -> tuple[int, bytes]:
        number = int(self._form(body)["id"])
        report = self.desk.reports[number]
        if report.state != "open":
            return 409, _response(5101, "Report already retracted", reportId=number)
        report.state = "retracted"
        return 200, _response(0, "Success", reportId=number)

    def _form(self, body: bytes) -> dict[str, bytes]:
        kind = self.headers["Content-Type"]
        if kind == "application/x-www-form-urlencoded":
            return {name: values[0].encode() for name, values in parse_qs(body.decode()).items()}
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        found: dict[str, bytes] = {}
        for part in message.iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found[str(part.get_param("name", header="content-disposition"))] = content
        return found


def _response(code: int, description: str, **elements: int | str) -> bytes:
    root = etree.Element("reportResponse")
    for name, value in {"responseCode": code, "responseDescription": description, **elements}.items():
        etree.SubElement(root, name).text = str(value)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _done(code: int, number: int, files: list[str]) -> bytes:
    root = etree.Element("reportDoneResponse")
    etree.SubElement(root, "responseCode").text = str(code)
    etree.SubElement(root, "reportId").text = str(number)
    listed = etree.SubElement(root, "files")
    for file_id in files:
        etree.SubElement(listed, "fileId").text = file_id
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
