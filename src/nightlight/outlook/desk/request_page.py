# SPDX-License-Identifier: Apache-2.0
"""What the pages of requests show: lines beside their sources, what stands next, the letter part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nightlight.casework.attribution import request_notices, request_queries, requesting, return_queries
from nightlight.casework.attribution.asking import Kind
from nightlight.casework.attribution.label_words import LABELS
from nightlight.casework.attribution.letter_words import TITLES
from nightlight.casework.attribution.letters import Facts, Items, Paragraph, Rows
from nightlight.casework.attribution.models import RequestState, StepKind
from nightlight.casework.attribution.request_steps import posts_for
from nightlight.casework.attribution.times import TimeRefused
from nightlight.pipeline.routing.recording import name_of
from nightlight.trust.law import queries as law
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.casework.attribution.gate import Block
    from nightlight.casework.attribution.gate_lines import SourceFields
    from nightlight.casework.attribution.letters import Letter
    from nightlight.casework.attribution.models import Request
    from nightlight.casework.attribution.request_body import KeptLine, KeptQuestion
    from nightlight.casework.attribution.request_drafting import Proposal
    from nightlight.casework.attribution.request_facts import Judged
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

WAYS: dict[str, StrPromise] = {
    "e-mail": gettext_lazy("E-mail"),
    "portal": gettext_lazy("Their portal"),
    "post": gettext_lazy("Post"),
    "by-hand": gettext_lazy("By hand"),
}
MARKS: dict[str, StrPromise] = {
    "address": gettext_lazy("Address"),
    "port": gettext_lazy("Port"),
    "time": gettext_lazy("Time"),
    "zone": gettext_lazy("Zone"),
}
KINDS: dict[Kind, StrPromise] = {
    Kind.PRESERVATION: gettext_lazy("Keep the records"),
    Kind.SOURCE_PORT: gettext_lazy("Source port"),
    Kind.PARTICULARS: gettext_lazy("Particulars of an event"),
    Kind.LOGS: gettext_lazy("Log of an address"),
    Kind.SUBSCRIBER: gettext_lazy("Subscriber of an address"),
    Kind.VPN_SUBSCRIBER: gettext_lazy("Customer behind an address"),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One mark of a line: what the letter says, and what the evidence says."""

    mark: str
    label: str
    line: str
    source: str


@dataclass(frozen=True, slots=True)
class Side:
    """One line of a request beside its source, with what has to be known of it. `value`: its check value, if any."""

    number: int
    source: SourceFields
    compared: tuple[Compared, ...]
    record: str
    steps: tuple[str, ...]
    value: str = ""
    notices: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """An event as it can be chosen for a request."""

    judged: Judged
    chosen: bool
    label: str
    asks: str
    holder: str


def row(one: Request, viewer: Viewer, at: datetime) -> dict[str, object]:
    """One request in a list."""
    return {
        "one": one,
        "kind": KINDS[Kind(one.kind)],
        "late": _late(one, at),
        "next": _next(one, viewer, at),
    }


def _next(one: Request, viewer: Viewer, at: datetime) -> str:
    """The one thing to do next, and by whom."""
    mine = one.drafted_by_id == viewer.user_id
    if _late(one, at):
        return _("The answer is overdue. Remind them, and record how; then take it to the commander.")
    return {
        RequestState.DRAFT: _("A colleague compares each line with its source: whoever drafted it cannot.")
        if mine
        else _("Compare each line with its source."),
        RequestState.CHECKED: _("Sign it, if your rank suffices."),
        RequestState.SIGNED: _("Send it, and record how and when."),
        RequestState.SENT: _("Wait for the answer. When it comes, put the file in."),
        RequestState.ANSWERED: _("Answered: see what came back."),
        RequestState.REFUSED: _("They refuse. Ask by another power, or another way."),
        RequestState.WITHDRAWN: _("It was withdrawn. Draw it up anew if it is still needed."),
    }[RequestState(one.state)]


def page(viewer: Viewer, one: Request, at: datetime) -> dict[str, Any]:
    """One request with everything its page shows."""
    body = request_queries.body_of(one)
    acts = request_queries.asks_for(viewer, one)
    mine = one.drafted_by_id == viewer.user_id
    stops: Sequence[tuple[int, Block]] = ()
    if one.state in {RequestState.DRAFT, RequestState.CHECKED}:
        checker = f"officer:{one.checked_by.public_id}" if one.checked_by else ""
        stops = request_queries.stops(one, body, checker=checker, at=at)
    rank = requesting.rank_of(viewer, one) if acts else ""
    records = law.current_pack().records
    ranks = records.ranks
    shown = request_notices.shown(one, body, at=at)
    lines = [_side(number, line, shown.of_line(number)) for number, line in enumerate(body.lines, 1)]
    asked = [_asked(number, found) for number, found in enumerate(body.questions, len(lines) + 1)]
    return {
        "body": body,
        "title": TITLES[body.kind],
        "sides": [*lines, *asked],
        "next": _next(one, viewer, at),
        "late": _late(one, at),
        "acts": acts,
        "compares": acts and not mine and one.state == RequestState.DRAFT,
        "signs": acts and one.state == RequestState.CHECKED,
        "sends": acts and one.state == RequestState.SIGNED,
        "waits": acts and one.state == RequestState.SENT,
        "escalates": acts and _late(one, at) and not requesting.was_escalated(one),
        "answers": return_queries.of_request(one),
        "returns": acts and one.state in {RequestState.SENT, RequestState.ANSWERED, RequestState.REFUSED},
        "withdraws": acts
        and one.state in {RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED, RequestState.SENT},
        "again": acts and one.state in {RequestState.WITHDRAWN, RequestState.REFUSED},
        "events": [key for line in body.lines for key in (line.line.key, *line.also)]
        + [found.event.key for found in body.questions],
        "stops": [(number, block) for number, block in stops],
        "cautions": shown.general,
        "seen": shown.digest,
        "steps": [_step(kind, data) for kind, data in request_queries.steps(one)],
        "rank": rank,
        # An act applied to the case may ask for a rank where the power itself asks for none.
        "states_rank": not rank and bool(body.power.least_rank or records.floors),
        "floors": records.floors,
        "ranks": [names[0] for names in ranks.names] if ranks else [],
        "ways": list(WAYS.items()),
        "marks": list(MARKS.items()),
        "now": at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).strftime("%Y-%m-%dT%H:%M"),
    }


def _late(one: Request, at: datetime) -> bool:
    return one.state == RequestState.SENT and one.due_at is not None and one.due_at <= at


def _asked(number: int, kept: KeptQuestion) -> Side:
    """An event without a line: what the letter quotes, which has to be what the record says."""
    source, missing = kept.source, _("quoted, and asked for")
    port = source.port_as_sent or _("none stated")
    event = source.derived("UTC")
    why = event.explanation if isinstance(event, TimeRefused) else event.rule
    compared = (
        Compared("address", str(MARKS["address"]), source.address_as_sent, source.address_as_sent),
        Compared("port", str(MARKS["port"]), port, port),
        Compared("time", str(MARKS["time"]), source.moment_as_sent, source.moment_as_sent),
        Compared("zone", str(MARKS["zone"]), missing, why),
    )
    return Side(number, source, compared, source.record.decode("utf-8", "replace"), ())


def _side(number: int, kept: KeptLine, notices: tuple[Block, ...]) -> Side:
    line, source = kept.line, kept.source
    event = source.derived(line.zone)
    rule = event.explanation if isinstance(event, TimeRefused) else event.rule
    sent_port = source.port_as_sent or _("none stated")
    compared = (
        Compared("address", str(MARKS["address"]), line.address, source.address_as_sent),
        Compared("port", str(MARKS["port"]), _("none") if line.port is None else str(line.port), sent_port),
        Compared("time", str(MARKS["time"]), line.shown, source.moment_as_sent),
        Compared("zone", str(MARKS["zone"]), f"UTC; {line.zone}", rule),
    )
    record = source.record.decode("utf-8", "replace")
    return Side(number, source, compared, record, line.derivation, line.check_value, notices)


def _step(step: Any, data: Mapping[str, Any]) -> dict[str, object]:  # noqa: ANN401 - a row of the table
    said = data.get("note") or data.get("reason") or data.get("words") or ""
    more = []
    if data.get("way"):
        more.append(str(WAYS.get(data["way"], data["way"])))
    if data.get("rank"):
        more.append(_("%(rank)s, as stated") % data if data.get("rank_stated") else str(data["rank"]))
    if data.get("acts"):
        more.append(_("applied: %(acts)s") % {"acts": ", ".join(data["acts"])})
    if data.get("seen"):
        more.append(_("what has to be known was seen"))
    if step.kind == StepKind.DISPUTED:
        more.append(_("line %(line)s, %(mark)s") % data)
    label = _("The unit was told that the answer is due") if _by_clock(step) else step.get_kind_display()
    return {"label": label, "at": step.at, "who": name_of(step.by), "more": ", ".join(more), "said": said}


def _by_clock(step: Any) -> bool:  # noqa: ANN401 - a row of the table
    return bool(step.kind == StepKind.REMINDED and step.by.startswith("service:"))


def new_page(
    viewer: Viewer, tip: Tip, found: Collection[Judged], chosen: Collection[Judged], proposal: Proposal
) -> dict[str, Any]:
    """What can be asked about a tip, and what would be."""
    picked = {one.event.key for one in chosen}
    by_key = {one.event.key: one for one in found}
    asks = bool(posts_for(viewer, tip.unit_id))
    choices = {}
    for draft in proposal.drafts:
        if draft.powers is not None and len(draft.powers.options) > 1:
            choices[draft.powers.field] = (draft.powers, KINDS[draft.powers.kind], draft.request.addressee)
    return {
        "events": [_chosen(one, one.event.key in picked) for one in found],
        "drafts": [(KINDS[draft.request.kind], draft) for draft in proposal.drafts],
        "left_out": [(by_key[key].event, words) for key, words in proposal.left_out if key in by_key],
        "choices": list(choices.values()),
        "ready": sum(draft.ready for draft in proposal.drafts),
        "picked": sorted(picked),
        "asks": asks,
        "before": request_queries.of_tip(viewer, tip),
    }


def _chosen(one: Judged, chosen: bool) -> Chosen:
    kind = one.wanted
    return Chosen(
        one,
        chosen,
        LABELS[one.labelled.label],
        str(KINDS[kind]) if kind is not None else "",
        one.holder.addressee,
    )


def parts(letter: Letter) -> list[tuple[str, object]]:
    """The parts of a letter with what each is."""
    names = {Facts: "facts", Paragraph: "words", Items: "items", Rows: "rows"}
    return [(names[type(part)], part) for part in letter.parts]


def signature(one: Request) -> dict[str, object] | None:
    """Who signed, when and with which words; None while nobody has."""
    for step, data in request_queries.steps(one):
        if step.kind == StepKind.SIGNED:
            return {
                "who": name_of(step.by),
                "unit": Unit.objects.filter(public_id=data.get("unit", "")).first() or one.unit,
                "at": step.at,
                "rank": data.get("rank", ""),
                "words": data.get("words", ""),
            }
    return None
