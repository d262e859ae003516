# SPDX-License-Identifier: Apache-2.0
"""The CyberTipline-compatible reporting API, as platforms' software already speaks it.

Every answer carries ``Request-ID``; every answer of ``/finish`` is a ``reportDoneResponse``, also a refusal;
wrong credentials get 401 with an empty body. What cannot be said in the answer is logged under the Request-ID.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connection

from nightlight.foundation import basic_login, clock
from nightlight.pipeline.tips import actions, bodies, intake
from nightlight.pipeline.tips.formats.cybertipline import answers, check
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import Refused
from nightlight.trust import identity
from nightlight.trust.accounts import queries as accounts
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.store import StoreFailed
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import StartResponse

    from nightlight.pipeline.tips.bodies import Environ
    from nightlight.trust.accounts.queries import ReporterLogin

PREFIX = "/ispws/"
REALM = "Nightlight reporting"
_TRY_AGAIN = "The server failed; please send this request again."
_MAX_ID = 2**53 - 1
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
log = structlog.get_logger("wire")


@dataclass(slots=True)
class Call:
    """One request of a signed-in reporter."""

    environ: Environ
    by: ReporterLogin
    report_id: int | None = None  # known once it was read, so that a refusal can echo it


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: an HTTP status and a document, empty for 401 only."""

    status: int
    body: bytes


def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer one request of the reporting API (a WSGI application, PEP 3333).

    It stands beside Django's own handler, not inside it: sessions, form tokens, page headers and signals have no part
    in a platform's request, and would cost as much as the request itself.
    """
    request_id = uuid.uuid4().hex
    with identity.receiving():
        try:
            reply = _reply(environ, request_id)
        finally:
            connection.close()  # back to the pool
    headers = [
        ("Content-Type", answers.CONTENT_TYPE),
        ("Content-Length", str(len(reply.body))),
        ("Request-ID", request_id),
        ("Cache-Control", "no-store"),
    ]
    if reply.status == HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", f'Basic realm="{REALM}"'))
    start_response(_STATUS_LINES[reply.status], headers)
    return [reply.body]


def _reply(environ: Environ, request_id: str) -> Reply:
    endpoint = environ["PATH_INFO"].removeprefix(PREFIX).rstrip("/")
    try:
        login = _login(environ)
    except DatabaseError:
        log.exception("wire-storage", request_id=request_id, endpoint=endpoint)
        _finish_reading(environ)
        return _coded(Situation.SERVER_ERROR, _TRY_AGAIN, endpoint=endpoint, report_id=None)
    if login is None:
        _finish_reading(environ)
        log.info("wire", request_id=request_id, endpoint=endpoint, status=401)
        return Reply(HTTPStatus.UNAUTHORIZED, b"")
    return _answer(Call(environ, login), endpoint, request_id)


def _answer(call: Call, endpoint: str, request_id: str) -> Reply:
    handler, method, storage = _ENDPOINTS.get(endpoint, (_nowhere, None, Situation.SERVER_ERROR))
    try:
        if method is not None and call.environ["REQUEST_METHOD"] != method:
            _finish_reading(call.environ)
            raise Refused(Situation.INVALID_REQUEST, f"This address takes {method}.")
        # What was received is in the custody log; a line for each would cost a tenth of the intake.
        return Reply(HTTPStatus.OK, handler(call))
    except Refused as refused:
        situation, why = refused.situation, refused.description
    except bodies.BodyCutShort:
        situation, why = Situation.INVALID_REQUEST, "The request ended before its declared length."
    except (DatabaseError, StoreFailed, KeysRefused, Damaged):
        log.exception("wire-storage", request_id=request_id, endpoint=endpoint)
        situation, why = storage, "The report could not be stored; please send this request again."
    except Exception:  # whatever it is, a reporter gets a coded answer and no stack trace
        log.exception("wire-failed", request_id=request_id, endpoint=endpoint)
        situation, why = Situation.SERVER_ERROR, _TRY_AGAIN
    reply = _coded(situation, why, endpoint=endpoint, report_id=call.report_id)
    log.info(
        "wire",
        request_id=request_id,
        endpoint=endpoint,
        reporter=call.by.reporter_public_id,
        status=reply.status,
        situation=situation.value,
        # The other endpoints state the reason in their answer; there it may quote the report, so it stays there.
        why=why if endpoint == "finish" else "",
    )
    return reply


def _coded(situation: Situation, why: str, *, endpoint: str, report_id: int | None) -> Reply:
    """Answer with a code: ``/finish`` always by a reportDoneResponse (1.6), the others with a description."""
    told = answers.answer(situation, intake.settings().preset)
    if endpoint == "finish":
        return Reply(told.status, answers.done(told.code, report_id=report_id or 0))
    # 0.7: the report id stands in every answer but those of /status and a failed /submit.
    echoed = None if endpoint in {"status", "submit"} else report_id
    return Reply(told.status, answers.response(told.code, why or told.description, report_id=echoed))


def _login(environ: Environ) -> ReporterLogin | None:
    shown = basic_login.read(environ.get("HTTP_AUTHORIZATION", ""))
    return accounts.reporter_login(*shown) if shown else None


def _finish_reading(environ: Environ, at_most: int = 16 * 1024 * 1024) -> None:
    """Read what is left of a refused request, up to a bound, so that the client sees the answer."""
    size = 0
    try:
        for chunk in bodies.chunks(environ):
            size += len(chunk)
            if size > at_most:
                return
    except bodies.BodyCutShort:
        return


def _nowhere(call: Call) -> bytes:
    _finish_reading(call.environ)
    raise Refused(Situation.UNKNOWN_PATH, "There is no such address.")


def _status(call: Call) -> bytes:
    address = call.environ.get("REMOTE_ADDR", "")
    return answers.response(0, f"Remote User : {call.by.username}, Remote Ip : {address}")


def _xsd(_call: Call) -> bytes:
    return intake.served_schema()


def _submit(call: Call) -> bytes:
    body = _xml(call.environ)
    at = clock.now()
    settings = intake.settings()
    checked = check.check_report(
        body,
        profile=settings.profile,
        now=at,
        newer=settings.newer,
        known_reports=lambda ids: actions.known_reports(by=call.by, report_ids=tuple(ids)),
    )
    report_id, _ = actions.open_report(
        by=call.by,
        at=at,
        body=body,
        checked=checked,
        sent_from=call.environ.get("REMOTE_ADDR", ""),
    )
    return answers.response(0, "Success", report_id=report_id)


def _upload(call: Call) -> bytes:
    vault = current_vault()
    with vault.stage() as staging:
        form = bodies.upload(call.environ, staging)
        call.report_id = _id(form.fields)
        if form.file_name is None:
            raise Refused(Situation.MALFORMED_FILE, "The upload has no part named file.")
        sealed = staging.seal()
    try:
        file_id, md5 = actions.add_file(
            by=call.by, at=clock.now(), report_id=call.report_id, sealed=sealed, name_as_sent=form.file_name
        )
    except Refused:
        vault.discard(sealed)
        raise
    return answers.response(0, "Success", report_id=call.report_id, file_id=file_id, hash=md5)


def _fileinfo(call: Call) -> bytes:
    def note(report_id: int) -> None:
        call.report_id = report_id

    actions.describe_file(by=call.by, at=clock.now(), body=_xml(call.environ), settings=intake.settings(), note=note)
    return answers.response(0, "Success", report_id=call.report_id)


def _finish(call: Call) -> bytes:
    call.report_id = _id(bodies.form(call.environ).fields)
    return actions.finish(by=call.by, at=clock.now(), report_id=call.report_id)


def _retract(call: Call) -> bytes:
    call.report_id = _id(bodies.form(call.environ).fields)
    actions.retract(by=call.by, at=clock.now(), report_id=call.report_id)
    return answers.response(0, "Success", report_id=call.report_id)


def _xml(environ: Environ) -> bytes:
    body = bodies.whole(environ, at_most=bodies.MAX_XML)
    if body is None:
        raise Refused(Situation.MALFORMED_XML, f"The document is larger than {bodies.MAX_XML} bytes.")
    return body


def _id(fields: dict[str, str]) -> int:
    text = fields.get("id", "").strip()
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > _MAX_ID:
        raise Refused(Situation.INVALID_REQUEST, "The field id must hold a report id, digits only.")
    return int(text)


_ENDPOINTS: dict[str, tuple[Callable[[Call], bytes], str, Situation]] = {
    "status": (_status, "GET", Situation.SERVER_ERROR),
    "xsd": (_xsd, "GET", Situation.SERVER_ERROR),
    "submit": (_submit, "POST", Situation.SUBMIT_NOT_STORED),
    "upload": (_upload, "POST", Situation.UPLOAD_NOT_STORED),
    "fileinfo": (_fileinfo, "POST", Situation.FILE_DETAILS_NOT_STORED),
    "finish": (_finish, "POST", Situation.SERVER_ERROR),
    "retract": (_retract, "POST", Situation.SERVER_ERROR),
}
