# SPDX-License-Identifier: Apache-2.0
"""The inbox: tips as they arrive, newest first, with filters that live in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_safe

from nightlight.foundation import clock
from nightlight.outlook.audit.searching import record_search
from nightlight.outlook.desk import inbox_filter
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.matching import queries as matching
from nightlight.pipeline.tips import queries
from nightlight.pipeline.tips.models import State
from nightlight.pipeline.tips.queries import Cursor
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.trust.accounts.models import Environment
from nightlight.trust.accounts.queries import reporter_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.outlook.desk.inbox_filter import Asked
    from nightlight.pipeline.matching.models import Progress
    from nightlight.pipeline.tips.queries import Row

NO_CONTENT = 204


@require_safe
@reads_tips
def inbox(request: DeskRequest) -> HttpResponse:
    """One page of tips; its address holds everything that decides what is on it."""
    reporters = reporter_names()
    asked = inbox_filter.read(request.GET, reporters)
    wanted = asked.filter(ZoneInfo(settings.ENVIRONMENT.zone))
    page = queries.inbox(request.viewer, wanted, after=asked.after, before=asked.before)
    in_states = queries.counted_by_state(request.viewer, asked.environment)
    shown_all = queries.counted(request.viewer, wanted)
    if asked.narrowed:
        filters = dict(parse_qsl(asked.query()))
        record_search(by=request.viewer, at=clock.now(), where="inbox", filters=filters, hits=shown_all.number)
    first = page.rows[0].cursor if page.rows else Cursor(clock.now(), _NO_TIP)
    known = matching.states_of(row.public_id for row in page.rows if row.files)
    return render(
        request,
        "desk/inbox.html",
        {
            "asked": asked,
            "rows": page.rows,
            "known": known,
            "older": page.older and asked.query(after=page.older),
            "newer": page.newer and asked.query(before=page.newer),
            "beginning": asked.query(),
            "shown_all": shown_all,
            "states": [
                (state, words, in_states[state], asked.query(state=_unless_default(state)))
                for state, words in _STATES.items()
            ],
            "reporters": reporters,
            "types": list(IncidentType),
            "environments": list(Environment),
            "test": asked.environment == Environment.TEST,
            "news": _news_address(asked, first, _being_read(page.rows), _being_looked_up(page.rows, known)),
        },
        status=400 if asked.problems else 200,
    )


@require_GET
@reads_tips
def arrivals(request: DeskRequest) -> HttpResponse:
    """What has come since the page was made: nothing (204), new rows for its top, or how many there are.

    Also gives anew the rows of tips that were still being read, or whose files were still being looked up.
    """
    asked = inbox_filter.read(request.GET, None)
    try:
        since = Cursor.parse(request.GET.get("since", ""))
    except (ValueError, OverflowError):
        return HttpResponse(status=400)
    wanted = asked.filter(ZoneInfo(settings.ENVIRONMENT.zone))
    live = request.GET.get("live") == "yes"
    number, rows = queries.arrived(request.viewer, wanted, since)
    waiting, looked_up = _ids(request.GET.get("reading", "")), _ids(request.GET.get("looking", ""))
    now_read = queries.now_read(request.viewer, waiting) if waiting else []
    inserted = rows if live and number.number <= queries.PAGE else []
    known = matching.states_of({*looked_up, *(row.public_id for row in (*now_read, *inserted) if row.files)})
    now_read += _now_looked_up(request, looked_up, known)
    said_already = not inserted and request.GET.get("told", "0") == str(number.number)
    if not now_read and said_already:
        return HttpResponse(status=NO_CONTENT)
    newest = inserted[0].cursor if inserted else since
    told_now = {row.public_id for row in now_read}
    still = [i for i in waiting if i not in told_now] + _being_read(inserted)
    looking = [i for i in looked_up if i not in told_now] + _being_looked_up([*now_read, *inserted], known)
    told = 0 if inserted else number.number
    return render(
        request,
        "desk/arrivals.html",
        {
            "asked": asked,
            "number": number,
            "inserted": inserted,
            "now_read": now_read,
            "known": known,
            "beginning": asked.query(),
            "news": _news_address(asked, newest, still, looking[: queries.PAGE], live=live, told=told),
        },
    )


@require_safe
@reads_tips
def find(request: DeskRequest) -> HttpResponse:
    """Go to the tip that an identifier or a report number names."""
    text = request.GET.get("q", "").strip()[:60]
    ids = queries.find(request.viewer, text) if text else []
    if text:
        record_search(by=request.viewer, at=clock.now(), where="find", text=text, hits=len(ids))
    if len(ids) == 1:
        return redirect("desk:tip", ids[0])
    return render(request, "desk/find.html", {"text": text, "ids": ids}, status=200 if ids else 404)


# In the order in which they matter.
_STATES = {
    State.RECEIVED: _("Received"),
    State.OPEN: _("Not finished yet"),
    State.UNREADABLE: _("Could not be read"),
    State.RETRACTED: _("Withdrawn"),
    State.EXPIRED: _("Never finished"),
}
_NO_TIP = "NL-0000-0000"


def _unless_default(state: str) -> str:
    return "" if state == State.RECEIVED else state


def _being_read(rows: Iterable[Row]) -> list[str]:
    return [row.public_id for row in rows if row.sentence is None and row.state == State.RECEIVED]


def _being_looked_up(rows: Iterable[Row], known: Mapping[str, Progress]) -> list[str]:
    """The rows of tips that have files of which it is not known yet whether they are known."""
    return [
        row.public_id
        for row in rows
        if row.files
        and row.state == State.RECEIVED
        and (row.public_id not in known or known[row.public_id].finished_at is None)
    ]


def _now_looked_up(request: DeskRequest, waiting: list[str], known: Mapping[str, Progress]) -> list[Row]:
    done = [i for i in waiting if i in known and known[i].finished_at is not None]
    return queries.now_read(request.viewer, done) if done else []


def _ids(text: str) -> list[str]:
    return [one for one in text.split(",") if one][: queries.PAGE]


def _news_address(
    asked: Asked,
    since: Cursor,
    being_read: Iterable[str],
    looked_up: Iterable[str],
    *,
    live: bool | None = None,
    told: int = 0,
) -> str:
    """Where the page asks for news. What it has been told travels in the address; the server keeps nothing."""
    query = asked.query(
        since=since,
        live="yes" if (asked.live if live is None else live) else "",
        reading=",".join(being_read),
        looking=",".join(looked_up),
        told=told or "",
    )
    return f"{reverse('desk:arrivals')}?{query}"
