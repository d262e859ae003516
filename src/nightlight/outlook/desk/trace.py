# SPDX-License-Identifier: Apache-2.0
"""Which address leads to whom: what the page says of the uses of addresses of one reported person, over their tips.

Everything rests on what the reports state and on the lists that are loaded. What is said of a candidate is said of a
line and never of a person; the cautions stand on the page whatever it says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from nightlight.casework.attribution import candidate_words, defeated, grade_words, label_words
from nightlight.casework.attribution.candidate_kinds import STANDING, NothingLeads, State
from nightlight.casework.attribution.grades import AskFor, in_order
from nightlight.casework.attribution.kinds import Grade, Way
from nightlight.casework.attribution.models import RequestState
from nightlight.outlook.desk import trace_apart, trace_ladder
from nightlight.outlook.desk.next_step import NextStep
from nightlight.outlook.desk.templatetags.desk import full, zone
from nightlight.outlook.desk.trace_worked import work_out
from nightlight.pipeline.tips import seeing
from nightlight.trust.accounts.models import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from nightlight.casework.attribution.candidate_kinds import Candidate, Ranking
    from nightlight.casework.attribution.kinds import Event, Labelled
    from nightlight.casework.attribution.models import Request
    from nightlight.casework.attribution.queries import Traces
    from nightlight.outlook.desk.network import TimeLine
    from nightlight.outlook.desk.trace_apart import ApartGroup
    from nightlight.outlook.desk.trace_ladder import Rung, Use
    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.tips.values import Moment
    from nightlight.trust.units.viewer import Viewer

ASKS = frozenset({Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER})
"""Who drafts a request: as row security has it (attribution/rights.py)."""
MOST_CANDIDATES = 20
MOST_ROWS = 300  # of the table; the rest is counted
RED = 30 * 24  # hours
_INDEPENDENT = timedelta(hours=12)  # as ranking counts independent times
_LEADS = frozenset({State.CORROBORATED, State.TRACEABLE, State.ASK_FIRST, State.ORGANISATION})
STATES = {
    State.CORROBORATED: ("good", gettext_lazy("Traceable, corroborated")),
    State.TRACEABLE: ("good", gettext_lazy("Traceable")),
    State.ASK_FIRST: ("repeat", gettext_lazy("Ask the provider first")),
    State.CORROBORATE: ("", gettext_lazy("Needs another event")),
    State.UNTRACEABLE: ("", gettext_lazy("Untraceable")),
    State.ORGANISATION: ("", gettext_lazy("Leads to an organisation")),
}
APART = {
    "childs": gettext_lazy("of a child: never traced as the reported person's"),
    "childs-network": gettext_lazy("from the network that the child used"),
    "maybe-childs": gettext_lazy("with a file that the child may have sent: somebody has to say whose it is first"),
    "recipients": gettext_lazy("of somebody who received"),
    "recipients-network": gettext_lazy("from the network that somebody who received used"),
    "shared-network": gettext_lazy(
        "from a network that the child, or somebody who received, uses as well: whose it is has to be said first"
    ),
    "several-reported": gettext_lazy("with a file, and the report does not say which of several people sent it"),
    "nobodys": gettext_lazy("of an account that belongs to nobody in the report"),
    "not-these": gettext_lazy("of somebody else in the report"),
    "protected": gettext_lazy("of a reported person whose identity is sealed"),
}


@dataclass(frozen=True, slots=True)
class ShownCandidate:
    """A candidate in words."""

    anchor: str
    title: str
    mark: str
    state: str
    confidence: str
    paragraph: str
    supporting: tuple[str, ...]
    contradicting: tuple[str, ...]
    events: tuple[str, ...]
    cautions: tuple[str, ...]
    ask: NextStep
    second: str
    left: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One use of an address in the table."""

    tip: str
    here: bool
    address: str
    as_sent: str
    port: str
    moment: Moment | None
    kind: str
    label: str
    network: str
    holder: str
    grade: str
    grade_title: str
    left: str
    urgent: bool
    explained: tuple[str, ...]
    reasons: tuple[tuple[bool, str], ...]
    place: str


@dataclass(frozen=True, slots=True)
class TracePage:
    """Everything the page shows."""

    ready: bool
    failing: defeated.Defeat | None
    party: int | None
    person: str
    people: tuple[tuple[int, str, bool], ...]
    tips: int
    waiting: int
    failed: int
    beyond: int
    rejected: int
    more: int
    next_step: NextStep
    best: str
    ladder: tuple[Rung, ...]
    candidates: tuple[ShownCandidate, ...]
    weak: tuple[ShownCandidate, ...]
    more_candidates: int
    standing: tuple[str, ...]
    nothing: str
    apart: tuple[ApartGroup, ...]
    drawing: TimeLine | None
    events: tuple[ShownEvent, ...]
    exits: tuple[ShownEvent, ...]
    more_events: int
    in_all: int
    kept_apart: tuple[tuple[int, str], ...]
    unsure: int
    counted: Mapping[str, int]
    named: bool
    names_tips: frozenset[str]


def page(viewer: Viewer, tip: Tip, party: int | None, *, at: datetime) -> TracePage:
    """Return the page of a reported person of a tip, at ``at``."""
    worked = work_out(viewer, tip, party, at=at)
    found, uses, ranking = worked.found, worked.uses, worked.ranking
    requests = trace_ladder.requests_about([*uses])
    stated = trace_ladder.stated_about(found.tips)
    failing = defeated.of_tip(tip)
    asks = viewer.may(ASKS) and seeing.works_with(viewer, tip, at)
    best = ranking.candidates[0] if ranking.candidates else None
    candidates = [
        _candidate(number, one, uses, requests, tip=tip, stated=stated, asks=asks)
        for number, one in enumerate(ranking.candidates[:MOST_CANDIDATES], 1)
    ]
    # Those that lead somewhere are told in full; of the others a line says enough. The first is always told.
    full = [n for n, one in enumerate(ranking.candidates[:MOST_CANDIDATES]) if one.state in _LEADS] or [0]
    apart = {key for one in ranking.apart for key in one.events}
    ordered = [uses[place.event.key] for place in in_order((one.event, one.found) for one in uses.values())]
    return TracePage(
        ready=found.ready,
        failing=failing,
        party=found.party,
        person=worked.person,
        people=tuple((number, name, number == found.party) for number, name in found.people),
        tips=len(found.tips),
        waiting=found.waiting,
        failed=found.failed,
        beyond=found.beyond,
        rejected=found.rejected,
        more=found.more,
        next_step=_next_step(found, ranking, candidates, failing),
        best=best.target if best is not None else "",
        ladder=trace_ladder.ladder(best, uses, requests, stated) if best is not None else (),
        candidates=tuple(one for n, one in enumerate(candidates) if n in full),
        weak=tuple(one for n, one in enumerate(candidates) if n not in full),
        more_candidates=max(0, len(ranking.candidates) - MOST_CANDIDATES),
        standing=candidate_words.STANDING_WORDS,
        nothing=candidate_words.NOTHING[ranking.nothing_leads] if found.events else "",
        apart=trace_apart.groups(ranking.apart),
        drawing=trace_apart.drawing(uses, ranking, ranking.candidates[: len(full)]),
        events=tuple(_event(one, tip) for one in ordered[:MOST_ROWS] if one.event.key not in apart),
        exits=tuple(_event(one, tip) for one in ordered[:MOST_ROWS] if one.event.key in apart),
        more_events=max(0, len(ordered) - MOST_ROWS),
        in_all=len(ordered),
        kept_apart=tuple((number, str(APART[why])) for why, number in sorted(found.apart.items())),
        unsure=len(found.unsure),
        counted=_counted(ranking),
        named=bool(stated),
        names_tips=frozenset(found.tips),
    )


def _counted(ranking: Ranking) -> Mapping[str, int]:
    states = Counter(one.state for one in ranking.candidates)
    return {
        "traceable": states[State.CORROBORATED] + states[State.TRACEABLE],
        "ask_first": states[State.ASK_FIRST],
        "apart": len(ranking.apart),
    }


def _next_step(
    found: Traces, ranking: Ranking, shown: Sequence[ShownCandidate], failing: defeated.Defeat | None
) -> NextStep:
    if not found.ready and failing is not None:
        return NextStep(
            _("The addresses of this tip could not be looked up. Read them in the report itself until they are.")
        )
    if not found.ready:
        return NextStep(_("The addresses of this tip are being looked up. Load the page again in a minute."))
    if not found.events:
        return NextStep(
            _("The report states no use of an address by this person. Ask the provider what it has recorded.")
        )
    if not ranking.candidates:
        return NextStep(candidate_words.NOTHING[ranking.nothing_leads])
    if ranking.nothing_leads in {NothingLeads.SOMETHING_LEADS, NothingLeads.ASK_FOR_PORTS}:
        return shown[0].ask
    return NextStep(candidate_words.NOTHING[ranking.nothing_leads], "#candidates", _("Why"))


def _candidate(
    number: int,
    one: Candidate,
    uses: Mapping[str, Use],
    requests: Mapping[str, Request],
    *,
    tip: Tip,
    stated: Collection[str],
    asks: bool,
) -> ShownCandidate:
    said = candidate_words.words(one, {key: uses[key].event for key in one.events}, zone=zone())
    mark, state = STATES[one.state]
    special = [words for caution, words in zip(one.cautions, said.cautions, strict=True) if caution not in STANDING]
    return ShownCandidate(
        anchor=f"candidate-{number}",
        title=said.title,
        mark=mark,
        state=str(state),
        confidence=candidate_words.BANDS[one.confidence].partition(":")[0],
        paragraph=said.paragraph,
        supporting=said.supporting,
        contradicting=said.contradicting,
        events=said.events,
        cautions=tuple(special),
        ask=_stated(one, uses, tip, stated) or _under_way(one, uses, requests) or _ask(one, uses, asks=asks),
        second=_second(one, uses),
        left=grade_words.left(one.hours_left),
        urgent=one.hours_left is not None and 0 < one.hours_left < RED,
    )


def _stated(one: Candidate, uses: Mapping[str, Use], tip: Tip, stated: Collection[str]) -> NextStep | None:
    """What to do where an officer has stated whom the records name for one of its events."""
    key = next((key for key in one.events if key in stated), None)
    if key is None:
        return None
    text = _("The operator's records name a subscriber for %(what)s.") % {"what": used(uses[key].event)}
    return NextStep(text, reverse("desk:named", args=(tip.public_id,)), _("Read who, and what it rests on"))


def _under_way(one: Candidate, uses: Mapping[str, Use], requests: Mapping[str, Request]) -> NextStep | None:
    """What to do where the event to ask about first stands in a request already."""
    key = (one.ask or one.events)[0]
    asked = requests.get(key)
    if asked is None:
        return None
    told = {"what": used(uses[key].event), "id": asked.public_id, "who": asked.addressee}
    told["state"] = str(RequestState(asked.state).label)
    text = _("%(what)s is asked about in %(id)s to %(who)s: %(state)s.") % told
    return NextStep(text, reverse("desk:request", args=(asked.public_id,)), _("Go on with the request"))


def _ask(one: Candidate, uses: Mapping[str, Use], *, asks: bool) -> NextStep:
    """What is asked of whom about a candidate's best event."""
    use = uses[(one.ask or one.events)[0]]
    event, found = use.event, use.found
    link = request_address(event) if asks else ""
    if one.state in {State.CORROBORATED, State.TRACEABLE}:
        who = use.of.holder or one.network or _("the holder of the network, who is not known yet")
        text = _("Ask %(who)s for the subscriber of %(what)s.") % {"who": who, "what": used(event)}
        if found.preserve_first:
            text += " " + _("Have the records preserved first: %(left)s are left.") % {
                "left": grade_words.left(found.hours_left)
            }
        return NextStep(text, link, _("Draft the request") if link else "")
    if found.way is Way.ASK_FIRST and one.state is State.ASK_FIRST:
        told = {"who": event.reporter or _("the provider"), "what": used(event)}
        if found.ask_for[:1] == (AskFor.PORT,):
            text = _("Ask the provider for the source port: %(who)s, of %(what)s.") % told
            return NextStep(text, link, _("Draft the letter to the provider") if link else "")
        told["asked"] = grade_words.asked(found.ask_for)
        text = _("Ask the provider first: %(who)s, for %(asked)s, of %(what)s.") % told
        return NextStep(text, link, _("Draft the letter to the provider") if link else "")
    return NextStep(candidate_words.STATES[one.state])


def _second(one: Candidate, uses: Mapping[str, Use]) -> str:
    """A time to ask about besides, independent of the one that is asked about first."""
    asked = uses[(one.ask or one.events)[0]].event.utc
    every = [uses[key].event for key in (*one.require, *one.independent) if key in uses]
    others = [event for event in every if asked and event.utc and abs(event.utc - asked) >= _INDEPENDENT]
    if not others:
        return ""
    return _("Ask about a second, independent time too: %(time)s.") % {"time": used(others[0])}


def request_address(event: Event) -> str:
    """Where a request about an event is drafted, in the tip that the event stands in."""
    return f"{reverse('desk:request-new', args=(event.tip,))}?{urlencode({'event': event.key})}"


def used(event: Event) -> str:
    """An address as it was used: "203.0.113.7 port 41000 on 3 May 2026, 14:02:11 IST"."""
    address = event.address or event.address_as_sent
    told = {"address": address, "port": event.port or ""}
    where = _("%(address)s port %(port)s") % told if event.port is not None else address
    if event.utc is not None:
        return _("%(where)s on %(time)s") % {"where": where, "time": full(event.utc)}
    sent = event.moment.as_sent if event.moment is not None else ""
    if not sent:
        return _("%(where)s at a time not stated") % {"where": where}
    return _("%(where)s at “%(sent)s”, which is no certain time") % {"where": where, "sent": sent}


def _event(one: Use, tip: Tip) -> ShownEvent:
    event, found, labelled, of = one.event, one.found, one.of.labelled, one.of
    address = event.address or event.address_as_sent
    title = grade_words.GRADES[found.grade][0]
    return ShownEvent(
        tip=event.tip,
        here=event.tip == tip.public_id,
        address=address,
        as_sent="" if address == event.address_as_sent else event.address_as_sent,
        port="" if event.port is None else str(event.port),
        moment=event.moment,
        kind=kind_words(event),
        label=label_words.LABELS[labelled.label],
        network=network_words(labelled),
        holder=of.holder,
        grade=found.grade.value,
        grade_title=title,
        left="" if found.grade in {Grade.F, Grade.X} else grade_words.left(found.hours_left),
        urgent=found.hours_left is not None and 0 < found.hours_left < RED,
        explained=(*grade_words.explained(found), *filter(None, (of.why_holder,))),
        reasons=tuple((reason.against, label_words.said(reason)) for reason in labelled.reasons),
        place=", ".join(of.places),
    )


def kind_words(event: Event) -> str:
    """What somebody did, as the provider names it."""
    return event.kind.value if event.kind.value != "unknown" else ""


def network_words(labelled: Labelled) -> str:
    """The network of an address then: "AS64500 Lakeside Mobile"."""
    number = f"AS{labelled.asn}" if labelled.asn else ""
    return " ".join(filter(None, (number, labelled.network)))
