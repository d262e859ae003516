# SPDX-License-Identifier: Apache-2.0
"""The audit pages: entries of the log, the proof of one, what one person did, who saw one record, and patterns."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.audit import actions, gathering, kinds, masking, period, proving, queries, showing
from nightlight.outlook.audit.kinds import Group
from nightlight.outlook.audit.queries import Filter, TooMuch
from nightlight.outlook.desk.access import for_roles
from nightlight.trust.custody import keys
from nightlight.trust.units import rules
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.outlook.audit.facts import Finding
    from nightlight.outlook.desk.access import DeskRequest

audits = for_roles(
    *rules.AUDITS,
    otherwise=gettext_lazy("The audit pages are for auditors: who checks what others did takes no part in it."),
)
MOST_UNITS = 200  # in a list to choose from; beyond that one types the unit's code
TALLIED = 10
MOST_QUESTIONS = 40  # on one page; nobody answers more before going on


@require_safe
@audits
def entries(request: DeskRequest) -> HttpResponse:
    """Entries of the log, newest first, by person, unit, record, kind and days, and who did how much."""
    asked = _Asked(request)
    context: dict[str, object] = {"asked": asked, "groups": list(Group), "units": asked.units[:MOST_UNITS]}
    context["many_units"] = len(asked.units) > MOST_UNITS
    try:
        page = queries.listed(request.viewer, asked.filter, before=request.GET.get("before", "")[:64])
        by_person, by_unit = queries.tallies(request.viewer, asked.filter)
    except TooMuch:
        return render(request, "audit/entries.html", {**context, "too_much": True})
    context |= {
        "lines": showing.lines(page.rows),
        "older": page.older and asked.query(before=page.older),
        "first_page": "before" not in request.GET,
        "beginning": asked.query(),
        "by_person": by_person[:TALLIED],
        "by_unit": by_unit[:TALLIED],
        "people": len(by_person),
        "totals": [
            (Group.LOOKED.label, sum(tally.looked for tally in by_person), asked.query(group=Group.LOOKED.value)),
            (Group.SEARCHED.label, sum(tally.searched for tally in by_person), asked.query(group=Group.SEARCHED.value)),
            (Group.EXPORTED.label, sum(tally.exported for tally in by_person), asked.query(group=Group.EXPORTED.value)),
        ],
    }
    return render(request, "audit/entries.html", context, status=400 if asked.problems else 200)


@require_safe
@audits
def entry(request: DeskRequest, ref: str) -> HttpResponse:
    """One entry whole, its proof worked out here and now, and how to check it elsewhere."""
    try:
        row = queries.entry(request.viewer, ref)
    except TooMuch:
        raise NotFound("This hash is too far back to look for. Open the entry by its number.") from None
    if row.position is not None and ref != str(row.position):
        return redirect("audit:entry", str(row.position))  # the place is the lasting name
    mask = masking.mask_of(request.viewer, row.subject)
    shown = mask(row.body) if mask is not None else ""
    proved = proving.prove(row)
    return render(
        request,
        "audit/entry.html",
        {
            "line": showing.lines([row])[0],
            "row": row,
            "body": shown,
            "masked": mask is None or shown != row.body,
            "proved": proved,
            "checks": [(showing.CHECKS[check.code], check) for check in proved.checks],
            "public_keys": _public_keys(),
            "ref": ref,
        },
    )


@require_POST
@audits
def take_out(request: DeskRequest, ref: str) -> HttpResponse:
    """The custody bundle of one entry, to be checked on any computer."""
    try:
        row = queries.entry(request.viewer, ref)
    except TooMuch:
        raise NotFound("This hash is too far back to look for. Open the entry by its number.") from None
    mask = masking.mask_of(request.viewer, row.subject)
    held_back = mask is None or mask(row.body) != row.body
    made = actions.export_entry(by=request.viewer, at=clock.now(), entry=row, held_back=held_back)
    answer = HttpResponse(made, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="entry-{row.position}.zip"'
    return answer


@require_safe
@audits
def person(request: DeskRequest, public_id: str) -> HttpResponse:
    """What one person did, by day; searches, exports, broken glass and sessions."""
    meant = queries.meant(public_id)
    if meant != public_id:
        return redirect("audit:person", meant)
    user = queries.person(request.viewer, public_id)
    asked = _Asked(request, person=public_id)
    context: dict[str, object] = {
        "asked": asked,
        "person": user,
        "posts": Post.objects.filter(user=user).select_related("unit").order_by("-starts_at")[:20],
    }
    try:
        days = queries.by_day(request.viewer, asked.filter, _zone())
        searches = queries.acts_of(request.viewer, asked.filter, [Group.SEARCHED])
        exports = queries.acts_of(request.viewer, asked.filter, [Group.EXPORTED, Group.UNSEALED])
        sessions = queries.acts_of(request.viewer, asked.filter, [Group.SIGNED_IN, Group.FAILED])
    except TooMuch:
        return render(request, "audit/person.html", {**context, "too_much": True})
    days_asked = asked.filter.period
    broken = queries.broken_glass(request.viewer, since=days_asked.since, until=days_asked.until, person=public_id)
    columns = [group for group in Group if group is not Group.RECEIVED and any(day.counts.get(group) for day in days)]
    context |= {
        "columns": [(group, group.label) for group in columns],
        "days": [
            (day.day, [(group.label, day.counts.get(group, 0), asked.day(day.day, group)) for group in columns])
            for day in days
        ],
        "searches": showing.lines(searches),
        "exports": showing.lines(exports),
        "sessions": showing.lines(sessions),
        "broken": list(broken[: queries.PAGE]),
        "all": reverse("audit:entries") + "?" + asked.query(),
    }
    return render(request, "audit/person.html", context)


@require_safe
@audits
def record(request: DeskRequest, public_id: str) -> HttpResponse:
    """Who saw one record and its files, when, in which role, how long apart; and what else happened to it."""
    meant = queries.meant(public_id)
    if meant != public_id:
        return redirect("audit:record", meant)
    asked = _Asked(request)
    try:
        rows = queries.of_record(request.viewer, public_id)
        digest = hashlib.sha256(public_id.encode()).hexdigest()
        searches = queries.searched_for(request.viewer, public_id, asked.filter.period, digest)
        is_tip = public_id.startswith("NL-")
        through = queries.shown_through_others(request.viewer, public_id, asked.filter.period) if is_tip else []
    except TooMuch:
        return render(request, "audit/record.html", {"public_id": public_id, "asked": asked, "too_much": True})
    looks = showing.looks(rows)
    return render(
        request,
        "audit/record.html",
        {
            "public_id": public_id,
            "asked": asked,
            "is_tip": is_tip,
            "through": showing.lines(through),
            "viewers": showing.viewers(looks),
            "looks": looks[: queries.PAGE * 4],
            "looks_in_all": len(looks),
            "others": showing.lines([row for row in rows if kinds.group_of(row.kind) != Group.LOOKED]),
            "searches": showing.lines(searches),
            "newest_only": len(rows) >= 1000,
        },
    )


@require_safe
@audits
def patterns(request: DeskRequest) -> HttpResponse:
    """What is worth a question in the days asked for: why, and the entries behind it."""
    asked = _Asked(request)
    try:
        found = _findings(request, asked)
        answered = gathering.answers(request.viewer, asked.filter.period, found)
    except TooMuch:
        return render(request, "audit/patterns.html", {"asked": asked, "too_much": True})
    waiting = [one for one in found if one.key not in answered]
    done = [one for one in found if one.key in answered]
    return render(
        request,
        "audit/patterns.html",
        {
            "asked": asked,
            "waiting": showing.findings(waiting[:MOST_QUESTIONS], answered),
            "more": max(0, len(waiting) - MOST_QUESTIONS),
            "answered": showing.findings(done[:MOST_QUESTIONS], answered),
            "answers": actions.Answer.choices,
        },
    )


@require_POST
@audits
def answer(request: DeskRequest) -> HttpResponse:
    """Put an auditor's answer to a finding into the log."""
    asked = _Asked(request, parameters=request.POST)
    try:
        found = _findings(request, asked)
    except TooMuch:
        raise NotFound("These days hold too much to look through at once. Choose fewer days.") from None
    wanted = next((finding for finding in found if finding.key == request.POST.get("finding")), None)
    if wanted is None:
        raise NotFound("This question is no longer raised in these days. Load the page anew.")
    actions.answer_finding(by=request.viewer, at=clock.now(), finding=wanted, answer=request.POST.get("answer", ""))
    messages.success(request, _("Your answer is in the log."))
    return redirect(reverse("audit:patterns") + "?" + asked.query())


class _Asked:
    """What the address asks for, and how to write it back. What makes no sense is said in `problems`."""

    def __init__(self, request: DeskRequest, *, person: str = "", parameters: Mapping[str, str] | None = None) -> None:
        told = request.GET if parameters is None else parameters
        days = period.read(told, _zone(), clock.now())
        self.problems = list(days.problems)
        self.units = queries.units(request.viewer) if not person and parameters is None else []
        self.unit_text = told.get("unit", "").strip()[:40]
        unit = next((one for one in self.units if self.unit_text in {one.public_id, one.code}), None)
        if self.unit_text and unit is None and self.units:
            self.problems.append(_("There is no unit “%(text)s” in your reach.") % {"text": self.unit_text})
        group = told.get("group", "")
        if group not in {*Group.values, "all", ""}:
            self.problems.append(_("There is no such kind of entry, so it was left out."))
            group = ""
        self.filter = Filter(
            days,
            person=person or self._id(told, "person", "OF"),
            unit=unit.pk if unit else None,
            record=self._id(told, "record", ""),
            group=group,
        )

    def _id(self, told: Mapping[str, str], name: str, prefix: str) -> str:
        """An identifier from the address; a slip is said, and not applied."""
        try:
            found = queries.meant(told.get(name, "")[:40])
        except NotFound as slip:
            self.problems.append(slip.reason)
            return ""
        if found and prefix and not found.startswith(f"{prefix}-"):
            self.problems.append(_("%(id)s is not a person; a person looks like OF-7F3K-9QTX.") % {"id": found})
            return ""
        return found

    def query(self, **changed: object) -> str:
        """The filters as the query of an address, in one order, without what is the default."""
        asked = self.filter
        values: dict[str, object] = {
            "from": asked.period.first,
            "to": asked.period.last,
            "person": asked.person,
            "unit": self.unit_text,
            "record": asked.record,
            "group": asked.group,
        } | changed
        return urlencode({name: str(value) for name, value in values.items() if value})

    def day(self, day: object, group: Group) -> str:
        """The address of the entries of one day and group."""
        return reverse("audit:entries") + "?" + self.query(**{"from": day, "to": day, "group": group.value})


def _findings(request: DeskRequest, asked: _Asked) -> list[Finding]:
    return gathering.findings(request.viewer, asked.filter.period, at=clock.now(), zone=_zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.ENVIRONMENT.zone)


def _public_keys() -> list[str]:
    try:
        return [str(key) for key in keys.trusted_keys()]
    except (OSError, ValueError):
        return []
