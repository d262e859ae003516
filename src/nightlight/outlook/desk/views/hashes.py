# SPDX-License-Identifier: Apache-2.0
"""Lists of known files: whose they are, how they came, what partners say about them, and each entry with its past."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.db import transaction
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.audit.searching import record_search
from nightlight.outlook.desk import history, known, known_lists
from nightlight.outlook.desk.access import for_roles, reads_tips
from nightlight.pipeline.matching import member_actions, queries, rules
from nightlight.pipeline.matching.models import EditionState, Verdict
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.matching.models import Edition, Feedback, HashList

EDITIONS = 20
decides = for_roles(
    *member_actions.ANSWERS,
    otherwise=gettext_lazy("What partners say of a list is decided by victim identification and commanders."),
)


@require_safe
@reads_tips
def lists(request: DeskRequest) -> HttpResponse:
    """All lists, with the version in use, how polling goes, and what waits for an answer."""
    found = queries.overview(queries.lists())
    told = [(one, known.scheme_words(one.hash_list.scheme, one.hash_list.scheme_version)) for one in found]
    return render(
        request,
        "desk/hashes.html",
        {
            "lists": told,
            "waiting": sum(one.waiting for one in found),
            "first": next((one.hash_list.public_id for one in found if one.waiting), ""),
            "answers": request.viewer.may(member_actions.ANSWERS),
        },
    )


@require_safe
@reads_tips
def one(request: DeskRequest, public_id: str) -> HttpResponse:
    """One list: its versions, what could not be read, who pulls it, and what partners say of it."""
    found = queries.hash_list(public_id)
    editions = list(queries.editions(found)[:EDITIONS])
    seen = queries.overview([found])[0]
    return render(
        request,
        "desk/hash_list.html",
        {
            "list": found,
            "seen": seen,
            "scheme": known.scheme_words(found.scheme, found.scheme_version),
            "made_by": history.names_of({found.made_by})[found.made_by],
            "editions": [(edition, known_lists.notes(edition)) for edition in editions],
            "answers": request.viewer.may(member_actions.ANSWERS),
            "undecided": [(answer, known_lists.reasons(answer)) for answer in queries.undecided(found)],
            "decided": _decided(queries.decided(found)),
            "verdicts": Verdict.choices,
            **_loading(editions[0] if editions else None),
        },
    )


@require_GET
@reads_tips
def progress(request: DeskRequest, public_id: str) -> HttpResponse:
    """How far the reading of the newest version is, for the page to put in place; the last answer loads it anew."""
    found = queries.hash_list(public_id)
    loading = _loading(queries.editions(found).first())
    response = render(request, "desk/hash_progress.html", {"list": found, **loading})
    if loading["reading"] is None:
        response["HX-Refresh"] = "true"
    return response


def _loading(newest: Edition | None) -> dict[str, object]:
    if newest is None or newest.state != EditionState.LOADING:
        return {"reading": None, "loading": None}
    return {"reading": newest, "loading": known_lists.loading(newest, clock.now())}


@require_safe
@reads_tips
def entry(request: DeskRequest, public_id: str) -> HttpResponse:
    """One entry, by its number at the source: what it says, what it said before, and in which tips it was met.

    Looking one up is a search, and recorded as one.
    """
    found = queries.hash_list(public_id)
    source_id = request.GET.get("id", "").strip()[:1000]
    try:
        of = queries.entry(found, source_id)
    except NotFound:
        _record(request, found, source_id, 0)
        return render(request, "desk/hash_entry_missing.html", {"list": found, "id": source_id}, status=404)
    tips = queries.tips_with(of)
    _record(request, found, source_id, len(tips))
    return render(
        request,
        "desk/hash_entry.html",
        {
            "list": found,
            "entry": of,
            "scheme": known.scheme_words(found.scheme, found.scheme_version),
            "values": known_lists.values(of),
            "frames": len(rules.hashes(bytes(of.frames))),
            "opaque": list(known.claims(of.opaque)),
            "claims": list(known.claims(of.claims)),
            "past": known_lists.past(of, queries.changes(of)),
            "about": [(answer, known_lists.reasons(answer)) for answer in queries.about(of)],
            "tips": tips,
        },
    )


def _record(request: DeskRequest, of: HashList, source_id: str, hits: int) -> None:
    if source_id:
        filters = {"list": of.public_id}
        record_search(by=request.viewer, at=clock.now(), where="hashes", filters=filters, text=source_id, hits=hits)


@require_safe
@reads_tips
def bad_rows(request: DeskRequest, public_id: str, number: int) -> HttpResponse:
    """The rows of a version that could not be taken in, as CSV; whoever takes them is recorded."""
    found = queries.hash_list(public_id)
    edition = queries.edition(found, number)
    with transaction.atomic():
        custody.append(
            by=request.viewer.actor,
            at=clock.now(),
            kind="hashes.bad-rows-taken",
            subject=f"hashlist:{found.public_id}",
            data={"edition": edition.number, "rows": edition.bad},
        )
    answer = StreamingHttpResponse(_as_csv(edition, request.viewer.user_id), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.public_id}-{number}-bad-rows.csv"'
    return cast("HttpResponse", answer)


def _as_csv(edition: Edition, viewer: int) -> Iterator[bytes]:
    """Lines of CSV (RFC 4180). What is no text stands as \\xNN; what a spreadsheet would calculate begins with '."""
    yield b"edition,row,code,reason,raw\r\n"
    after = 0
    while True:
        # The page has been answered by now, so each part says anew for whom it is read.
        with identity.acting_as(viewer=viewer):
            rows = queries.bad_rows(edition, after=after)
        if not rows:
            return
        after = rows[-1].pk
        lines = io.StringIO()
        writer = csv.writer(lines)
        for row in rows:
            raw = bytes(row.raw).decode("utf-8", "backslashreplace").replace("\0", "\\x00")
            writer.writerow(
                [edition.number, row.row, row.code, row.reason, f"'{raw}" if raw[:1] in _CALCULATED else raw]
            )
        yield lines.getvalue().encode()


_CALCULATED = frozenset("=+-@\t\r")


@require_POST
@decides
def answer(request: DeskRequest, public_id: str) -> HttpResponse:
    """Decide what a partner said of an entry: agreed or disagreed, and why."""
    found = queries.hash_list(public_id)
    member_actions.answer(
        by=request.viewer,
        at=clock.now(),
        feedback=_meant(found, request),
        verdict=request.POST.get("verdict", ""),
        text=request.POST.get("text", ""),
    )
    messages.success(request, _("The answer is kept, and the partner's remark has left the queue."))
    return redirect("desk:hash-list", public_id)


def _meant(of: HashList, request: DeskRequest) -> Feedback:
    """The remark that the form is about: named by what the page shows, for keys of the database stay inside."""
    asked = request.POST
    found = queries.remark(
        of,
        source_id=asked.get("entry", ""),
        member=asked.get("member", ""),
        type=asked.get("type", ""),
    )
    if clock.stamp(found.at) != asked.get("at", ""):
        raise NotFound(_("The partner has said something else meanwhile. Load the page again and read it."))
    return found


def _decided(rows: list[Feedback]) -> list[tuple[Feedback, list[str], str]]:
    names = history.names_of({row.answer.by for row in rows})
    return [(row, known_lists.reasons(row), names[row.answer.by]) for row in rows]
