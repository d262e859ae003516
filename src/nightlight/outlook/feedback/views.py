# SPDX-License-Identifier: Apache-2.0
"""What reporters are answered about their own reports: one report, or all that changed since a day."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import JsonResponse, StreamingHttpResponse
from django.utils.cache import get_conditional_response

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound, Refusal
from nightlight.outlook.feedback import asking, queries
from nightlight.outlook.feedback.access import for_reporters
from nightlight.outlook.feedback.queries import Place
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http.response import HttpResponseBase

    from nightlight.outlook.feedback.access import ReporterRequest
    from nightlight.outlook.feedback.asking import Asked
    from nightlight.outlook.feedback.queries import Answer
    from nightlight.trust.accounts.queries import ReporterLogin

NONE = "There is no finished report with this number of yours."
COLUMNS = ("report_id", "received_on", "outcome", "since", "ended", "lacks")
_CHUNK = 2000  # rows fetched at once for the CSV
_LONGEST = 18  # digits of a report's number


@for_reporters
def report(request: ReporterRequest, report_id: str) -> HttpResponseBase:
    """Say what became of one report."""
    numeric = report_id.isascii() and report_id.isdecimal() and len(report_id) <= _LONGEST
    found = queries.answer(request.login, int(report_id)) if numeric else None
    if found is None:
        raise NotFound(NONE)
    answer = JsonResponse(_json(found))
    return _unless_known(request, answer, hashlib.sha256(answer.content).hexdigest())


@for_reporters
def reports(request: ReporterRequest) -> HttpResponseBase:
    """Give a page of the reporter's reports that are as they are since a day or later, in the order of those days."""
    asked = asking.read(request.GET.dict())
    _record(request.login, asked, "json")
    found = queries.after(request.login, asked.start, most=asked.most)
    last = found[-1] if len(found) == asked.most else None
    following = asked.following(Place(last.since, last.report_id)) if last else ""
    answer = JsonResponse(
        {"reports": [_json(one) for one in found], "next": f"{request.path}?{following}" if last else None}
    )
    return _unless_known(request, answer, hashlib.sha256(answer.content).hexdigest())


@for_reporters
def table(request: ReporterRequest) -> HttpResponseBase:
    """Give all of them as CSV (RFC 4180), as long as the list is, a few thousand rows at a time."""
    if request.GET.keys() - {"since"}:
        raise Refusal("This address takes since, and nothing else.")
    asked = asking.read(request.GET.dict())
    _record(request.login, asked, "csv")
    login = request.login
    # Two lists of one reporter with the same mark are the same text.
    shown = (login.reporter_id, login.environment, asked.since, *queries.mark(login, asked.since))
    answer = StreamingHttpResponse(_lines(login, asked), content_type="text/csv; charset=utf-8; header=present")
    answer.headers["Content-Disposition"] = 'attachment; filename="feedback.csv"'
    return _unless_known(request, answer, hashlib.sha256(repr(shown).encode()).hexdigest())


@for_reporters
def nowhere(request: ReporterRequest, rest: str) -> HttpResponseBase:
    """Say that there is nothing at this address."""
    raise NotFound("There is nothing at this address.")


def _json(one: Answer) -> dict[str, object]:
    return {
        "reportId": one.report_id,
        "receivedOn": one.received_on.isoformat(),
        "outcome": one.outcome,
        "since": one.since.isoformat(),
        "ended": one.ended,
        "lacks": list(one.lacks),
    }


def _lines(login: ReporterLogin, asked: Asked) -> Iterator[str]:
    """Numbers, days and our own codes: nothing that anybody wrote, so nothing a spreadsheet takes for a formula."""
    yield ",".join(COLUMNS) + "\r\n"
    place = asked.start
    while True:
        # Each piece is fetched when the one before has gone out: by then the view has long returned.
        with identity.receiving():
            found = queries.after(login, place, most=_CHUNK)
        yield "".join(
            f"{one.report_id},{one.received_on},{one.outcome},{one.since},{'yes' if one.ended else 'no'},"
            f"{' '.join(one.lacks)}\r\n"
            for one in found
        )
        if len(found) < _CHUNK:
            return
        place = Place(found[-1].since, found[-1].report_id)


def _record(login: ReporterLogin, asked: Asked, form: str) -> None:
    """Note in the log, once a day, that a reporter takes its list, from wherever in it; the rest is in the server's."""
    at = clock.now()
    with transaction.atomic():
        if queries.first_today(login, form, at.astimezone(UTC).date()):
            custody.append(
                by=login.actor,
                at=at,
                kind="feedback.listed",
                subject=login.actor,
                data={
                    "environment": login.environment,
                    "credential": login.username,
                    "form": form,
                    "since": asked.since.isoformat(),
                },
            )


def _unless_known(request: ReporterRequest, answer: HttpResponseBase, mark: str) -> HttpResponseBase:
    """Answer 304 where the client has shown that it knows this already (RFC 9110, 13.1.2)."""
    etag = f'"{mark[:32]}"'
    answer.headers["ETag"] = etag
    known = get_conditional_response(request, etag=etag, response=answer)  # type: ignore[arg-type]
    return known if known is not None else answer
