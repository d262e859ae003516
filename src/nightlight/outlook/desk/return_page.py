# SPDX-License-Identifier: Apache-2.0
"""What the page of a return shows: how far it is, a set for each line in words, what it rests on, who was disclosed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nightlight.casework.attribution import (
    comparing,
    findings,
    kept_answers,
    request_steps,
    return_queries,
    wrong_doors,
)
from nightlight.casework.attribution.models import ReturnState
from nightlight.casework.attribution.returns import answer_words
from nightlight.casework.attribution.returns.answers import Certainty, Mark
from nightlight.casework.attribution.returns.fields import POSTAL, Field
from nightlight.casework.attribution.returns.opening import ADVICE
from nightlight.casework.attribution.returns.proposing import Asked, propose
from nightlight.casework.attribution.returns.rows import FOREVER, text_of
from nightlight.casework.attribution.time_texts import DateOrder
from nightlight.foundation import clock
from nightlight.outlook.desk.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.casework.attribution.kept_answers import Counts, Explained, Unknown
    from nightlight.casework.attribution.models import Finding, Return
    from nightlight.casework.attribution.returns.answers import Named
    from nightlight.casework.attribution.returns.corroborating import Corroboration
    from nightlight.casework.attribution.returns.rows import LogRow
    from nightlight.trust.units.viewer import Viewer

SHOWN = 50  # subscribers of one line; all are in the case file
SAMPLES = 3
_OWN_PROBLEMS = {
    "matchers-disagree": gettext_lazy(
        "Two matchers that know nothing of each other did not find the same rows. One is wrong, so no answer is "
        "shown. Tell whoever runs this system: it is a fault of ours, not of the operator."
    ),
    "nothing-read": gettext_lazy("No file of this return could be read. Each is named below with the reason."),
    "no-table": gettext_lazy("There is no table of rows in this file. Ask the operator for CSV or a spreadsheet."),
}
_PASSWORD = frozenset({"zip-password-needed", "zip-password-wrong"})
_BADGES = {Certainty.STABLE: "good", Certainty.AMBIGUOUS: "repeat", Certainty.NONE: ""}
_SHORT = {
    Certainty.STABLE: gettext_lazy("one subscriber"),
    Certainty.AMBIGUOUS: gettext_lazy("not certain"),
    Certainty.NONE: gettext_lazy("no answer"),
}
FIELDS: dict[Field, StrPromise] = {
    Field.ADDRESS: gettext_lazy("Public address"),
    Field.PORT: gettext_lazy("Port, or block of ports"),
    Field.PORT_LOW: gettext_lazy("First port"),
    Field.PORT_HIGH: gettext_lazy("Last port"),
    Field.START: gettext_lazy("Start: date and clock"),
    Field.START_DATE: gettext_lazy("Start: date"),
    Field.START_CLOCK: gettext_lazy("Start: clock"),
    Field.END: gettext_lazy("End: date and clock"),
    Field.END_DATE: gettext_lazy("End: date"),
    Field.END_CLOCK: gettext_lazy("End: clock"),
    Field.ZONE: gettext_lazy("Time zone"),
    Field.SUBSCRIBER: gettext_lazy("Subscriber (the operator's identifier)"),
    Field.LINE: gettext_lazy("Telephone number or circuit"),
    Field.IMSI: gettext_lazy("IMSI"),
    Field.IMEI: gettext_lazy("IMEI"),
    Field.NAME: gettext_lazy("Name"),
    Field.BILLING_ADDRESS: gettext_lazy("Address for bills"),
    Field.INSTALLATION_ADDRESS: gettext_lazy("Address of the installation"),
    Field.SERVICE_ADDRESS: gettext_lazy("Address of service"),
    Field.POSTAL_ADDRESS: gettext_lazy("Postal address, kind not stated"),
    Field.CONTACT: gettext_lazy("Contact"),
    Field.ALTERNATE_CONTACT: gettext_lazy("Other contact"),
    Field.EMAIL: gettext_lazy("E-mail"),
    Field.INSIDE_ADDRESS: gettext_lazy("Address inside the operator's network"),
    Field.INSIDE_PORT: gettext_lazy("Port inside the operator's network"),
    Field.DESTINATION: gettext_lazy("Destination address"),
    Field.DESTINATION_PORT: gettext_lazy("Destination port"),
    Field.PROTOCOL: gettext_lazy("Protocol"),
    Field.ALLOCATION: gettext_lazy("Static or dynamic"),
    Field.DURATION: gettext_lazy("Duration"),
    Field.DEVICE: gettext_lazy("Device"),
    Field.CELL: gettext_lazy("Cell"),
    Field.ACCESS_POINT: gettext_lazy("Access point"),
    Field.CUSTOMER_KIND: gettext_lazy("Kind of customer (a person, an organisation)"),
    Field.OTHER: gettext_lazy("Not needed"),
}
_CHOICES: dict[str, StrPromise] = {
    DateOrder.DMY.value: gettext_lazy("Day first: 31/12/2026"),
    DateOrder.MDY.value: gettext_lazy("Month first: 12/31/2026"),
    DateOrder.YMD.value: gettext_lazy("Year first: 2026/12/31"),
    "still-assigned": gettext_lazy("It was still assigned when this was written"),
    "bad-row": gettext_lazy("Nothing: such rows do not count"),
    "all": gettext_lazy("All of them"),
}


@dataclass(frozen=True, slots=True)
class Who:
    """A subscriber of an answer as a page shows them. ``rows``: ports, from, until, where in the file."""

    subscriber: str
    at_stated_time: bool
    details: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, datetime, datetime | None, str], ...]
    found: Finding | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the request with its answer in words."""

    number: int
    key: str
    address: str
    port: int | None
    at: datetime
    certainty: str
    badge: str
    short: str
    words: str
    who: tuple[Who, ...]
    more: int
    errors: tuple[tuple[str, datetime], ...]
    gap: str
    marks: tuple[str, ...]
    derivation: tuple[str, ...]
    wants_reason: tuple[str, ...]
    choices: tuple[str, ...]  # who may still be stated


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a select."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a layout as a form asks it."""

    name: str
    words: str
    choices: tuple[Choice, ...]
    shows: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """The form by which a person says how columns are read."""

    file: str
    columns: tuple[tuple[str, str, tuple[str, ...], tuple[Choice, ...]], ...]  # field of the form, name, cells, choices
    questions: tuple[Question, ...]
    zone_only: bool


def context(viewer: Viewer, found: Return) -> dict[str, object]:
    """All that the page of a return shows. Raises Conflict where it was destroyed with its tip."""
    request_steps.must_be_there(found.request)
    counts = kept_answers.counts_of(found.counts)
    may_ask = bool(request_steps.posts_of(viewer, found.request))
    stated = return_queries.findings_of(found.request)
    lines = lines_of(found, counts, stated) if found.state == ReturnState.READ else ()
    unknown = kept_answers.unknown_of(found.proposal) if found.state == ReturnState.UNKNOWN_LAYOUT else None
    disclosed = counts.disclosed if found.state == ReturnState.READ else None
    return {
        "found": found,
        "counts": counts,
        "may_ask": may_ask,
        "lines": lines,
        "working": found.state == ReturnState.RECEIVED,
        "columns": columns_of(unknown) if unknown else None,
        "problem": _OWN_PROBLEMS.get(found.problem) or ADVICE.get(found.problem, found.problem),
        "needs_password": found.problem in _PASSWORD,
        "next_step": _next(found, lines, may_ask=may_ask),
        "said": {str(kind): sum(1 for one in lines if one.certainty == kind) for kind in Certainty},
        "disclosed": disclosed,
        "disclosed_words": answer_words.disclosed(disclosed) if disclosed else "",
        "stated": stated,
        "weighed": _weighed(viewer, found, stated),
        "cautions": wrong_doors.cautions((*wrong_doors.paths_of(found.request), wrong_doors.layout_path(found))),
        "always": answer_words.ALWAYS,
        "layout_path": wrong_doors.layout_path(found) or f"operator:{found.request.operator}",
    }


def _weighed(viewer: Viewer, found: Return, stated: Sequence[Finding]) -> list[tuple[Corroboration, tuple[str, ...]]]:
    """How well each subscriber who was stated is supported over all returns of the people of the tip, as of now."""
    names = {one.subscriber for one in stated}
    if not names:
        return []
    mine = findings.weighed_of(viewer, found.request.tip, found.request.operator, names, at=clock.now())
    return [(one.corroboration, one.lines) for one in mine]


def lines_of(found: Return, counts: Counts, stated: Sequence[Finding]) -> tuple[Line, ...]:
    """The answers of a return that was read, each in words."""
    files = [one.name for one in counts.files]
    by_line = {(one.line, one.subscriber): one for one in stated}
    return tuple(
        _line(number, kept, files, by_line) for number, kept in enumerate(kept_answers.answers_of(found.answers), 1)
    )


def columns_of(unknown: Unknown) -> Columns:
    """The form for a header that nobody has confirmed."""
    if unknown.layout:
        zone = Question(f"ask-{Asked.ZONE}", answer_words.LAYOUT_QUESTIONS[Asked.ZONE], (), _cells(unknown, 0))
        return Columns(unknown.file, (), (zone,), zone_only=True)
    proposal = propose(unknown.header, unknown.rows)
    columns = tuple(
        (
            f"column-{place}",
            column.name or _("(no name)"),
            _cells(unknown, place),
            (
                Choice("", _("not known: leave out"), column.field is None),
                *(Choice(field.value, str(label), column.field is field) for field, label in FIELDS.items()),
            ),
        )
        for place, column in enumerate(proposal.columns)
    )
    asked = [
        Question(
            f"ask-{one.asked}",
            answer_words.LAYOUT_QUESTIONS[one.asked],
            tuple(Choice(choice, _label(choice)) for choice in one.choices),
            one.shows,
        )
        for one in proposal.questions
    ]
    if all(one.asked is not Asked.DATE_ORDER for one in proposal.questions):
        # A column that a person calls a time may hold dates whose order nothing says.
        orders = (Choice("", _("Each date says it itself")), *(Choice(o.value, _label(o.value)) for o in DateOrder))
        name, words = f"ask-{Asked.DATE_ORDER}", answer_words.LAYOUT_QUESTIONS[Asked.DATE_ORDER]
        asked.append(Question(name, words, orders, (), required=False))
    return Columns(unknown.file, columns, tuple(asked), zone_only=False)


def _line(number: int, kept: Explained, files: Sequence[str], stated: dict[tuple[str, str], Finding]) -> Line:
    answer = kept.answer
    asked = answer.asked
    standing = findings.standing_of(kept)
    named = answer.named[:SHOWN]
    return Line(
        number=number,
        key=asked.key,
        address=text_of(asked.address),
        port=asked.port,
        at=datetime.fromtimestamp(asked.at, UTC),
        certainty=str(answer.certainty),
        badge=_BADGES[answer.certainty],
        short=str(_SHORT[answer.certainty]),
        words=answer_words.CERTAINTIES[answer.certainty],
        who=tuple(who(one, files, stated.get((asked.key, one.subscriber))) for one in named),
        more=len(answer.named) - len(named),
        errors=tuple(
            (answer_words.PROBABLE_ERRORS[one.trial], datetime.fromtimestamp(one.at, UTC))
            for one in answer.probable_errors
        ),
        gap=answer_words.GAPS[answer.gap] if answer.gap else "",
        marks=tuple(
            answer_words.MARKS[mark] for mark in answer.marks if mark is not Mark.MANY or len(answer.named) > 1
        ),
        derivation=kept.derivation,
        wants_reason=standing.wants_reason,
        choices=tuple(one.subscriber for one in named if (asked.key, one.subscriber) not in stated),
    )


def who(named: Named, files: Sequence[str], found: Finding | None) -> Who:
    details = dict.fromkeys(
        (field, text) for row in named.rows for field, text in row.details if text and field != Field.SUBSCRIBER
    )
    return Who(
        named.subscriber,
        named.at_stated_time,
        tuple((_field(field), text) for field, text in list(details)[:20]),
        tuple(_row(row, files) for row in named.rows[:20]),
        found,
    )


def _row(row: LogRow, files: Sequence[str]) -> tuple[str, datetime, datetime | None, str]:
    which, line = comparing.place_of(row.number)
    ports = f"{row.port_low}-{row.port_high}" if row.ports_known else _("not stated")
    end = None if row.end >= FOREVER else datetime.fromtimestamp(row.end, UTC)
    where = _("line %(n)d") % {"n": line}
    return ports, datetime.fromtimestamp(row.start, UTC), end, f"{where}, {files[which]}" if len(files) > 1 else where


def _field(name: str) -> str:
    try:
        field = Field(name)
    except ValueError:
        return name
    return str(FIELDS.get(field, POSTAL.get(field, name)))


def _cells(unknown: Unknown, place: int) -> tuple[str, ...]:
    return tuple(row[place] for row in unknown.rows[:SAMPLES] if len(row) > place)


def _label(choice: str) -> str:
    if choice in _CHOICES:
        return str(_CHOICES[choice])
    try:
        return str(FIELDS[Field(choice)])
    except (ValueError, KeyError):
        return choice


def _next(found: Return, lines: Sequence[Line], *, may_ask: bool) -> NextStep:
    if found.state == ReturnState.RECEIVED:
        return NextStep(_("Wait: it is being read and compared. You may leave this page."))
    if found.state == ReturnState.UNKNOWN_LAYOUT:
        text = _("Say how this operator's columns are read. It is asked once and remembered for this operator.")
        return (
            NextStep(text, "#columns", _("Name the columns"))
            if may_ask
            else NextStep(_("An officer of the unit that asked has to say how the columns are read."))
        )
    if found.state == ReturnState.DAMAGED:
        return NextStep(_("It could not be read. What to do is said below."), "#problem", _("Why"))
    return _next_of_lines(lines, may_ask=may_ask)


def _next_of_lines(lines: Sequence[Line], *, may_ask: bool) -> NextStep:
    open_lines = [one for one in lines if one.choices and not any(who.found for who in one.who)]
    plain = next((one for one in open_lines if not one.wants_reason), None)
    wrong = next((one for one in lines if one.errors), None)
    if plain is not None and may_ask:
        return NextStep(
            _("Line %(n)d names one subscriber: read how it came about, then state it.") % {"n": plain.number},
            f"#line-{plain.number}",
            _("Read it"),
        )
    if wrong is not None:
        return NextStep(
            _("Line %(n)d fits only if a time was taken wrongly: ask whoever stated it. Nobody may be named.")
            % {"n": wrong.number},
            f"#line-{wrong.number}",
            _("See why"),
        )
    # One subscriber all the same, of whom something has to be found out first: see the line's own reasons.
    one = next((one for one in open_lines if one.certainty == Certainty.STABLE and len(one.who) == 1), None)
    if one is not None and may_ask:
        return NextStep(
            _("Line %(n)d names one subscriber. %(why)s Ask the operator, or state it with your reason.")
            % {"n": one.number, "why": " ".join(one.wants_reason)},
            f"#line-{one.number}",
            _("Read it"),
        )
    if open_lines:
        return NextStep(
            _("Line %(n)d is a set, not an answer: ask for what tells them apart, such as the port.")
            % {"n": open_lines[0].number},
            f"#line-{open_lines[0].number}",
            _("See the set"),
        )
    if any(who.found for one in lines for who in one.who):
        return NextStep(_("What this return says is stated. A second independent time is needed before a warrant."))
    return NextStep(_("No line is answered. Ask the operator whether its records of that time are complete."))
