# SPDX-License-Identifier: Apache-2.0
"""A reporter's software, as simple as it can be, that checks each answer against the clearing house's schema."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest
from lxml import etree

ORACLE = Path(__file__).resolve().parents[2] / "shared/reference/ncmec/cybertipline-report.xsd"


@cache
def oracle() -> etree.XMLSchema | None:
    """Return the clearing house's schema, or None where it is absent (it is never part of this project)."""
    return etree.XMLSchema(etree.parse(str(ORACLE))) if ORACLE.exists() else None


@dataclass(frozen=True)
class Answer:
    """One answer of the reporting API."""

    status: int
    root: str
    code: int
    description: str
    report_id: int | None
    file_id: str | None
    hash: str | None
    files: tuple[str, ...]
    body: bytes
    headers: httpx.Headers


def understand(response: httpx.Response) -> Answer:
    """Check what every answer must have, and take it apart."""
    assert response.headers["Request-ID"]
    assert response.headers["Content-Type"] == "application/xml;charset=UTF-8"
    assert response.content.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>')
    document = etree.fromstring(response.content)
    schema = oracle()
    if schema is not None:
        assert schema.validate(document), f"{response.content!r}: {schema.error_log}"
    number = document.findtext("reportId")
    return Answer(
        status=response.status_code,
        root=str(document.tag),
        code=int(document.findtext("responseCode", "")),
        description=document.findtext("responseDescription", ""),
        report_id=int(number) if number else None,
        file_id=document.findtext("fileId"),
        hash=document.findtext("hash"),
        files=tuple(e.text or "" for e in document.iterfind("files/fileId")),
        body=response.content,
        headers=response.headers,
    )


_open: list[httpx.Client] = []


def close_all() -> None:
    """Close every connection; warnings are errors, and an open socket warns."""
    for client in _open:
        client.close()


class Client:
    """One reporter's connection."""

    def __init__(self, base: str, login: tuple[str, str], trusting: Path | None = None) -> None:
        context = ssl.create_default_context(cafile=trusting) if trusting else True
        self.http = httpx.Client(base_url=f"{base}/ispws", auth=login, timeout=120, verify=context)
        _open.append(self.http)

    def get(self, path: str) -> Answer:
        """GET an endpoint that answers with a response document."""
        return understand(self.http.get(path))

    def xml(self, path: str, body: str | bytes, content_type: str = "text/xml; charset=utf-8") -> Answer:
        """POST an XML document."""
        return understand(self.http.post(path, content=body, headers={"Content-Type": content_type}))

    def submit(self, body: str | bytes | None = None) -> Answer:
        """Open a report."""
        return self.xml("/submit", report() if body is None else body)

    def upload(self, report_id: object, body: bytes, name: str = "pattern.png") -> Answer:
        """Upload a file."""
        return understand(
            self.http.post("/upload", data={"id": str(report_id)}, files={"file": (name, body, "image/png")})
        )

    def fileinfo(self, report_id: object, file_id: object, inside: str = "") -> Answer:
        """Describe a file."""
        text = f"<fileDetails><reportId>{report_id}</reportId><fileId>{file_id}</fileId>{inside}</fileDetails>"
        return self.xml("/fileinfo", text)

    def finish(self, report_id: object) -> Answer:
        """Finish a report (urlencoded form)."""
        return understand(self.http.post("/finish", data={"id": str(report_id)}))

    def retract(self, report_id: object) -> Answer:
        """Retract a report (multipart form)."""
        return understand(self.http.post("/retract", files={"id": (None, str(report_id))}))


def report(
    *,
    kind: str = "Misleading Domain Name",
    inside: str = "",
    extra: str = "",
    at: str = "2026-11-01T08:00:00Z",
) -> str:
    """Return a small valid report; ``inside`` goes into the incident summary, ``extra`` behind the reporter."""
    return (
        f"<report><incidentSummary><incidentType>{kind}</incidentType>{inside}"
        f"<incidentDateTime>{at}</incidentDateTime></incidentSummary>"
        "<reporter><reportingPerson><firstName>Asha</firstName><email>desk@example.org</email></reportingPerson>"
        f"</reporter>{extra}</report>"
    )


def need_oracle() -> None:
    """Skip, with a reason, where the clearing house's schema is not at hand."""
    if oracle() is None:
        pytest.skip("the clearing house's schema is not at hand; answers are checked for form only")
