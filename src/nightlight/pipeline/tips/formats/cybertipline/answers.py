# SPDX-License-Identifier: Apache-2.0
"""What the reporting API answers: the code and HTTP status of each situation, and the response documents.

Source: reporting-api.md sections 1.3 (documents), 1.4 (codes), 1.5 (situations) and 1.6 (client hazards).
"""

from __future__ import annotations

import re
import secrets
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT_TYPE = "application/xml;charset=UTF-8"
_SOURCE = Path(__file__).with_name("answers.toml")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
# Everything outside Char of XML 1.0 (2.2): control characters, lone surrogates, U+FFFE and U+FFFF.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Situation(StrEnum):
    """Everything the API has to answer; the tables of `answers.toml`."""

    SUCCESS = "success"
    UNAUTHENTICATED = "unauthenticated"
    INVALID = "invalid"
    FUTURE_DATE = "future_date"
    BATCH_TOO_LARGE = "batch_too_large"
    MALFORMED_XML = "malformed_xml"
    MALFORMED_FILE = "malformed_file"
    INVALID_REQUEST = "invalid_request"
    SECOND_FILE_DETAILS = "second_file_details"
    UNKNOWN_REPORT = "unknown_report"
    UNKNOWN_FILE = "unknown_file"
    ALREADY_RETRACTED = "already_retracted"
    ALREADY_FINISHED = "already_finished"
    NOT_AUTHORISED = "not_authorised"
    NO_SUBMIT_RIGHT = "no_submit_right"
    NO_UPDATE_RIGHT = "no_update_right"
    UNKNOWN_PATH = "unknown_path"
    SUBMIT_NOT_STORED = "submit_not_stored"
    UPLOAD_NOT_STORED = "upload_not_stored"
    FILE_DETAILS_NOT_STORED = "file_details_not_stored"
    SERVER_ERROR = "server_error"


class Preset(StrEnum):
    """Which HTTP statuses go with the codes."""

    MODERN = "modern"
    LEGACY_200 = "legacy-200"


@dataclass(frozen=True, slots=True)
class Answer:
    """The response code, the HTTP status and the description used when there is nothing more exact to say."""

    code: int
    status: int
    description: str


def _table() -> dict[Preset, dict[Situation, Answer]]:
    data = tomllib.loads(_SOURCE.read_text(encoding="utf-8"))
    modern = {
        situation: Answer(row["code"], row["status"], row["description"])
        for situation, row in ((situation, data[situation.value]) for situation in Situation)
    }
    legacy = {
        situation: row if situation is Situation.UNAUTHENTICATED else Answer(row.code, 200, row.description)
        for situation, row in modern.items()
    }
    return {Preset.MODERN: modern, Preset.LEGACY_200: legacy}


_ANSWERS = _table()


def answer(situation: Situation, preset: Preset = Preset.MODERN) -> Answer:
    """What `situation` is answered with; the body of UNAUTHENTICATED is empty in every preset (1.5)."""
    return _ANSWERS[preset][situation]


def response(
    code: int,
    description: str,
    *,
    report_id: int | None = None,
    file_id: str | None = None,
    hash: str | None = None,  # noqa: A002  the element's name
) -> bytes:
    """A `reportResponse` document; valid for any text, characters that XML cannot hold are left out."""
    parts = [
        _DECLARATION,
        f"<reportResponse><responseCode>{code}</responseCode>",
        f"<responseDescription>{_text(description)}</responseDescription>",
    ]
    if report_id is not None:
        parts.append(f"<reportId>{report_id}</reportId>")
    if file_id is not None:
        parts.append(f"<fileId>{_text(file_id)}</fileId>")
    if hash is not None:
        parts.append(f"<hash>{_text(hash)}</hash>")
    parts.append("</reportResponse>")
    return "".join(parts).encode()


def done(code: int, *, report_id: int, file_ids: Sequence[str] = ()) -> bytes:
    """A `reportDoneResponse` document: the only answer of /finish, for errors too, without description."""
    files = "".join(f"<fileId>{_text(file_id)}</fileId>" for file_id in file_ids)
    return (
        f"{_DECLARATION}<reportDoneResponse><responseCode>{code}</responseCode>"
        f"<reportId>{report_id}</reportId>"
        + (f"<files>{files}</files>" if files else "<files/>")
        + "</reportDoneResponse>"
    ).encode()


def new_file_id() -> str:
    """A fresh file id: 32 lower-case hex digits that no client can mistake for a number.

    At least one is an a or a c; b, d, e and f alone could still be read as a prefix, suffix or exponent of a
    number.
    """
    while True:
        file_id = secrets.token_hex(16)
        if "a" in file_id or "c" in file_id:
            return file_id


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
