# SPDX-License-Identifier: Apache-2.0
"""Whom the records name, on one page: the subscriber, what supports it, what contradicts it, and every step to it.

Written for somebody who has to decide and was not there: a magistrate, a superior, the defence. Nothing on it names
anybody but the subscribers whom an officer has stated, and it says that a subscriber is not whoever did something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nightlight.casework.attribution import candidate_words, kept_answers, label_words, naming, request_queries
from nightlight.casework.attribution.candidate_kinds import Confidence
from nightlight.casework.attribution.models import StepKind
from nightlight.casework.attribution.returns import answer_words
from nightlight.casework.attribution.returns.answers import Certainty
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk import return_page, trace_worked
from nightlight.outlook.desk.templatetags.desk import full, zone
from nightlight.pipeline.routing.recording import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from nightlight.casework.attribution.candidate_answers import Explained
    from nightlight.casework.attribution.candidate_kinds import Candidate
    from nightlight.casework.attribution.models import Request
    from nightlight.casework.attribution.naming import Stated
    from nightlight.casework.attribution.request_body import KeptLine
    from nightlight.outlook.desk.return_page import Who
    from nightlight.outlook.desk.trace_worked import Worked
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

_BADGES = {Confidence.STRONG: "good", Confidence.MODERATE: "good", Confidence.WEAK: "repeat", Confidence.NONE: "repeat"}
BANDS = {
    Confidence.STRONG: gettext_lazy("Confidence: strong"),
    Confidence.MODERATE: gettext_lazy("Confidence: moderate"),
    Confidence.WEAK: gettext_lazy("Confidence: weak"),
    Confidence.NONE: gettext_lazy("Confidence: none"),
}
MEANS = {
    Confidence.STRONG: gettext_lazy("Independent days agree, nothing speaks against it, and it is hardly chance."),
    Confidence.MODERATE: gettext_lazy("One sound time leads there. A warrant needs a second, independent one."),
    Confidence.WEAK: gettext_lazy(
        "It may be one of several subscribers, or something grave speaks against it. Nobody may act on it alone."
    ),
    Confidence.NONE: gettext_lazy("As it stands it leads to nobody. Nobody may act on it."),
}
_STEPS = (StepKind.DRAFTED, StepKind.CHECKED, StepKind.SIGNED, StepKind.SENT)


@dataclass(frozen=True, slots=True)
class Part:
    """One step from the recorded use to the subscriber; ``link`` leads to what it rests on."""

    title: str
    lines: tuple[str, ...]
    link: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """A finding: which use of an address, who stated it, and the steps to it."""

    use: str
    by: str
    at: datetime
    reason: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber whom an officer has stated, with everything for and against."""

    subscriber: str
    operator: str
    mark: str
    band: str
    means: str
    said: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    supporting: tuple[str, ...]
    contradicting: tuple[str, ...]
    open: tuple[str, ...]
    derived: tuple[Derived, ...]


@dataclass(frozen=True, slots=True)
class NamedPage:
    """Everything the page shows."""

    party: int | None
    person: str
    subscribers: tuple[Subscriber, ...]
    next_step: str
    standing: tuple[str, ...]
    apart: int
    others: int
    names_tips: frozenset[str]


def page(viewer: Viewer, tip: Tip, party: int | None, *, at: datetime) -> NamedPage:
    """Return the page of a reported person of a tip, at ``at``."""
    worked = trace_worked.work_out(viewer, tip, party, at=at)
    groups: dict[tuple[str, str], list[Stated]] = {}
    for one in naming.stated(worked.found.tips):
        if one.finding.line in worked.uses:
            groups.setdefault((one.finding.request.operator, one.finding.subscriber), []).append(one)
    weighed = {(one.operator, one.subscriber): one for one in worked.answered.subscribers}
    order = list(weighed)
    keys = sorted(groups, key=lambda key: order.index(key) if key in weighed else len(order))
    return NamedPage(
        party=worked.found.party,
        person=worked.person,
        subscribers=tuple(_subscriber(groups[key], weighed.get(key), worked) for key in keys),
        next_step=_next([weighed[key] for key in keys if key in weighed], bool(keys)),
        standing=candidate_words.STANDING_WORDS,
        apart=sum(len(one.events) for one in worked.ranking.apart),
        others=max(0, worked.answered.people - len(groups)),
        names_tips=frozenset(worked.found.tips),
    )


def _next(weighed: Sequence[Explained], stated: bool) -> str:
    if not stated:
        return _("Nobody has stated yet whom the records name. The next step stands on the page of the addresses.")
    if len(weighed) > 1:
        return _("Several subscribers are named: find out first what tells them apart.")
    if weighed and weighed[0].band is Confidence.STRONG:
        return _("Read what supports and contradicts it, then find out who used the line: the records do not say.")
    return _("Not for a warrant yet. Ask about a second, independent time, and find out who used the line.")


def _subscriber(told: Sequence[Stated], weighed: Explained | None, worked: Worked) -> Subscriber:
    first = told[0].finding
    band = weighed.band if weighed is not None else Confidence.NONE
    who = [shown for one in told if (shown := _who(one)) is not None]
    own = [one for one in worked.ranking.candidates if any(each.finding.line in one.events for each in told)]
    against, unknown = _against(weighed, own, worked)
    return Subscriber(
        subscriber=first.subscriber,
        operator=first.request.addressee,
        mark=_BADGES[band],
        band=str(BANDS[band]),
        means=str(MEANS[band]),
        said=tuple(_said(one, worked) for one in told),
        details=tuple(dict.fromkeys(pair for one in who for pair in one.details)),
        supporting=tuple(_for(told, weighed, own, worked)),
        contradicting=against,
        open=unknown,
        derived=tuple(_derived(one, worked) for one in told),
    )


def _said(one: Stated, worked: Worked) -> str:
    event = worked.uses[one.finding.line].event
    what = event.address or event.address_as_sent
    if event.port is not None:
        what = _("%(address)s, port %(port)s") % {"address": what, "port": event.port}
    when = candidate_words.both_clocks(event.utc, zone()) if event.utc is not None else _("a time not certain")
    told = {"who": one.finding.request.addressee, "what": what, "when": when}
    return _("%(who)s's records assign %(what)s, at %(when)s, to this subscriber.") % told


def _who(one: Stated) -> Who | None:
    if one.answer is None or one.came is None:
        return None
    files = [each.name for each in kept_answers.counts_of(one.came.counts).files]
    found = next((n for n in one.answer.answer.named if n.subscriber == one.finding.subscriber), None)
    return None if found is None else return_page.who(found, files, one.finding)


def _for(told: Sequence[Stated], weighed: Explained | None, own: Sequence[Candidate], worked: Worked) -> Iterator[str]:
    kept = [one.answer.answer for one in told if one.answer is not None]
    if any(one.certainty is Certainty.STABLE for one in kept):
        yield answer_words.CERTAINTIES[Certainty.STABLE]
    if weighed is not None and (times := len(weighed.corroboration.independent)) > 1:
        yield _("The answers to %(n)d independent times lead to this subscriber.") % {"n": times}
    for one in own:
        said = candidate_words.words(one, {key: worked.uses[key].event for key in one.events}, zone=zone())
        yield from said.supporting


def _against(
    weighed: Explained | None, own: Sequence[Candidate], worked: Worked
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What speaks against it, and what is not known."""
    against: list[str] = []
    unknown: list[str] = []
    if weighed is None:
        against.append(_("The return that named this subscriber is not there any more as it was read then."))
    else:
        found = weighed.corroboration
        against += [answer_words.CONTRADICTIONS[one.against] for one in found.contradictions]
        unknown += [answer_words.DOUBTS[one] for one in found.doubts]
    for one in own:
        said = candidate_words.words(one, {key: worked.uses[key].event for key in one.events}, zone=zone())
        against += said.contradicting
    if weighed is not None and len(weighed.corroboration.independent) < 2:
        against.append(_("One independent time alone: not for a warrant."))
    return tuple(dict.fromkeys(against)), tuple(dict.fromkeys(unknown))


def _derived(one: Stated, worked: Worked) -> Derived:
    use = worked.uses[one.finding.line]
    line = _line(one.finding.request, one.finding.line)
    event, labelled = use.event, use.of.labelled
    recorded = candidate_words.event_words(event, zone())
    parts = [
        Part(
            _("What the provider recorded"),
            (recorded, *_record(line)),
            reverse("desk:tip", args=(event.tip,)) + "#network",
            event.tip,
        ),
        Part(_("How the time was read"), tuple(line.line.derivation) if line is not None else ()),
        Part(
            _("What the address was then"),
            (
                f"{label_words.LABELS[labelled.label]}.",
                *(label_words.said(reason) for reason in labelled.reasons if not reason.against),
            ),
        ),
        Part(_("Whom it belonged to"), tuple(filter(None, (use.of.holder and f"{use.of.holder}.", use.of.why_holder)))),
        _asked(one.finding.request),
        *_came(one),
    ]
    return Derived(
        use=recorded,
        by=str(one.finding.by),
        at=one.finding.at,
        reason=str(one.body.get("reason", "")),
        parts=tuple(part for part in parts if part.lines),
    )


def _line(request: Request, key: str) -> KeptLine | None:
    try:
        body = request_queries.body_of(request)
    except Conflict:
        return None
    return next((one for one in body.lines if key == one.line.key or key in one.also), None)


def _record(line: KeptLine | None) -> tuple[str, ...]:
    if line is None:
        return ()
    told = {"path": line.source.path, "digest": line.source.digest}
    return (_("The record stands in the report as received at %(path)s; its SHA-256 is %(digest)s.") % told,)


def _asked(request: Request) -> Part:
    said = []
    for step, data in request_queries.steps(request):
        if step.kind not in _STEPS:
            continue
        rank = f", {data['rank']}" if data.get("rank") else ""
        told = {"what": step.get_kind_display(), "who": name_of(step.by) + rank, "when": full(step.at)}
        said.append(_("%(what)s: %(who)s, %(when)s.") % told)
    try:
        power = request_queries.body_of(request).power
        said.insert(0, _("Power: %(section)s, %(title)s.") % {"section": power.section, "title": power.title})
    except Conflict:
        pass
    address = reverse("desk:request", args=(request.public_id,))
    return Part(_("How the operator was asked"), tuple(said), address, request.public_id)


def _came(one: Stated) -> Iterator[Part]:
    came = one.came
    if came is None:
        return
    told = {"name": came.name, "sha256": came.sha256, "item": came.item, "who": str(came.by), "when": full(came.at)}
    lines = [
        _("The file %(name)s was taken in by %(who)s, %(when)s, and lies in the vault as %(item)s.") % told,
        _("Its SHA-256 is %(sha256)s.") % told,
        _("Two matchers that know nothing of each other found the same rows in it."),
    ]
    shown = _who(one)
    for ports, start, end, where in shown.rows if shown is not None else ():
        row = {"where": where, "ports": ports, "from": full(start)}
        row["until"] = full(end) if end is not None else _("still so when it was written")
        lines.append(_("Row at %(where)s: ports %(ports)s, from %(from)s until %(until)s.") % row)
    if one.answer is not None:
        lines.append(answer_words.CERTAINTIES[one.answer.answer.certainty])
        lines += [answer_words.MARKS[mark] for mark in one.answer.answer.marks]
    link = reverse("desk:return", args=(came.public_id,))
    yield Part(_("What the operator answered"), tuple(lines), link, came.public_id)
