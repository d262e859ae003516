# SPDX-License-Identifier: Apache-2.0
"""What would be asked about events of a tip, and the letters drawn up from it. Nothing is typed again by anybody.

A person chooses events, a power where several may do, and gives the unit's own reference. Everything else is read from
the evidence, the loaded lists, the directory of operators and the law pack. A line that the gate stops is in no letter,
and says why; a letter that cannot go out is not drawn up, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from nightlight.casework.attribution import asking, gate, gate_evidence, loaded, request_body, request_facts
from nightlight.casework.attribution.grades import AskFor
from nightlight.casework.attribution.letter_words import HINDERED
from nightlight.casework.attribution.letters import Heading, letter
from nightlight.casework.attribution.models import Request, RequestState, StepKind
from nightlight.casework.attribution.request_facts import UNCHECKED, Judged
from nightlight.casework.attribution.request_steps import digest, must_ask, note
from nightlight.casework.attribution.times import TimeRefused
from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import Conflict
from nightlight.foundation.storable import storable
from nightlight.pipeline.tips.models import State
from nightlight.trust.accounts.models import User
from nightlight.trust.law import queries as law
from nightlight.trust.law.records import Asked, Holder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from nightlight.casework.attribution.asking import Kind
    from nightlight.casework.attribution.gate import Block
    from nightlight.casework.attribution.loaded import Loaded
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.law.records import RecordPower
    from nightlight.trust.units.viewer import Held, Viewer

MOST_EVENTS = 500
LONGEST_REFERENCE = 120
# Whoever is asked learns no offence and no report: a leak of the letter would warn, and name somebody who did nothing.
_PURPOSE = (
    "The records are needed in the investigation of the matter named above, to establish by which connection the "
    "addresses below were used at the times below."
)
_OPEN = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED, RequestState.SENT)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A line of a letter as it would be; ``blocks`` stop it, ``cautions`` have to be seen."""

    line: asking.Line
    judged: Judged
    blocks: tuple[Block, ...]
    cautions: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Powers:
    """What a letter of a kind to such a holder may rest on; ``field`` names the choice in a form."""

    field: str
    kind: Kind
    country: str
    holder: str
    options: tuple[RecordPower, ...]
    chosen: RecordPower | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter as it would be: what goes, what is stopped, and what hinders all of it.

    ``questions``: events without a line of their own; ``refused``: those whose evidence is not what came in.
    """

    request: asking.Request
    lines: tuple[Proposed, ...]
    stopped: tuple[Proposed, ...]
    questions: tuple[request_body.KeptQuestion, ...]
    refused: tuple[tuple[asking.Question, tuple[Block, ...]], ...]
    powers: Powers | None
    hindrances: tuple[str, ...]
    to_platform: bool = False

    @property
    def ready(self) -> bool:
        """Whether it can be drawn up."""
        return bool(self.lines or self.questions) and not self.hindrances


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be asked about the chosen events, and what is in no letter, by event, with why."""

    drafts: tuple[Draft, ...]
    left_out: tuple[tuple[str, str], ...]


def propose(tip: Tip, found: Collection[Judged], *, at: datetime, drafter: str, powers: Mapping[str, str]) -> Proposal:
    """Return what would be asked about these events. ``powers``: what was chosen, by field."""
    using, chosen = loaded.current(), _Choices(at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).date(), powers)
    wanted, left = [], []
    for one in found:
        kind = one.wanted
        if kind is None:
            left.append((one.event.key, request_facts.leads_to_nobody(one)))
        elif one.kept is None:
            left.append(
                (one.event.key, _("The record of this event could not be found in what was received; ask nothing."))
            )
        else:
            platform = using.directory.of_reporter(one.event.reporter)
            when = one.kept.source.derived("UTC")
            if isinstance(when, TimeRefused):  # before anybody looks for a holder without a time
                kind = asking.Kind.PARTICULARS
                if platform is None:
                    left.append((one.event.key, when.explanation))
                    continue
            wanted.append(
                asking.Wanted(
                    key=one.event.key,
                    kind=kind,
                    source=one.kept.source,
                    holder=one.holder,
                    platform=platform,
                    account=one.event.account,
                    retention=one.retention,
                    ask_for=_missing(one, when),
                )
            )
    drafts = asking.compose(
        wanted,
        chosen.power_for,
        now=at,
        zone=settings.ENVIRONMENT.zone,
        exercise=settings.ENVIRONMENT.demo or tip.environment == "test",
    )
    by_key = {one.event.key: one for one in found}
    left += [(one.key, one.explanation) for one in drafts.left_out]
    made = tuple(_draft(request, by_key, using, chosen, at=at, drafter=drafter) for request in drafts.requests)
    return Proposal(made, tuple(dict.fromkeys(left)))


class _Choices:
    """By which power each kind of letter goes out: the only one there is, or the one that was chosen."""

    def __init__(self, day: date, chosen: Mapping[str, str]) -> None:
        self.day, self.chosen = day, chosen

    def of(self, kind: Kind, country: str, holder: str) -> Powers:
        known = law.powers_for(Asked(kind.purpose.value), country=country, holder=Holder(holder), at=self.day)
        options, field = (*known.found, *known.undecided), f"power.{kind}.{country}.{holder}"
        # One that depends on when the investigation began is chosen by whoever knows when it did.
        alone = known.found[0] if len(options) == 1 and known.found else None
        picked = next((one for one in options if one.id == self.chosen.get(field)), alone)
        return Powers(field, kind, country, holder, options, picked)

    def power_for(self, kind: Kind, country: str, holder: str) -> RecordPower | None:
        return self.of(kind, country, holder).chosen


def _draft(
    request: asking.Request,
    by_key: Mapping[str, Judged],
    using: Loaded,
    chosen: _Choices,
    *,
    at: datetime,
    drafter: str,
) -> Draft:
    platform = _to_platform(request, by_key)
    operator = using.directory.with_code(request.code)
    lines: list[Proposed] = []
    stopped: list[Proposed] = []
    for line in request.lines:
        judged = by_key[line.line.key]
        told = request_facts.facts(
            judged,
            at=at,
            to_platform=request.code if platform else "",
            zone=request_facts.zone_for(operator),
            operator=operator,
            drafter=drafter,
        )
        stops = (*gate.check(line.line, line.source, told), *gate.check_also(line.line, line.also_sources, told))
        blocks = [one for one in dict.fromkeys(stops) if one.code not in UNCHECKED]
        one = Proposed(line, judged, tuple(blocks), gate.cautions(line.line, line.source, told))
        (stopped if blocks else lines).append(one)
    questions, refused = _questions(request, by_key, at=at, drafter=drafter)
    powers = chosen.of(request.kind, operator.country, operator.kind.value) if operator else None
    going = {one.event.key for one in questions}
    kept = replace(
        request,
        lines=tuple(one.line for one in lines),
        questions=tuple(one for one in request.questions if one.key in going),
    )
    hindrances = [HINDERED[one] for one in request.hindrances if one is not asking.Hindrance.NO_POWER]
    if request.power is None:
        hindrances.append(
            _("Choose the power by which it is asked.")
            if powers and powers.options
            else HINDERED[asking.Hindrance.NO_POWER]
        )
    return Draft(kept, tuple(lines), tuple(stopped), questions, refused, powers, tuple(hindrances), platform)


def _missing(one: Judged, when: object) -> tuple[AskFor, ...]:
    """What whoever recorded an event is asked to state; of a time that cannot be derived, the time and its zone."""
    if one.graded.ask_for or not isinstance(when, TimeRefused):
        return one.graded.ask_for
    return (AskFor.TIME, AskFor.ZONE)


def _questions(
    request: asking.Request, by_key: Mapping[str, Judged], *, at: datetime, drafter: str
) -> tuple[tuple[request_body.KeptQuestion, ...], tuple[tuple[asking.Question, tuple[Block, ...]], ...]]:
    """The events that are quoted, and those of which the quoted words do not stand in what came in."""
    made, refused = [], []
    for one in request.questions:
        judged = by_key[one.key]
        told = request_facts.facts(
            judged, at=at, to_platform=request.code, zone=request.zone, operator=request.operator, drafter=drafter
        )
        blocks = tuple(gate_evidence.evidence(one.source, told))
        if blocks:
            refused.append((one, blocks))
        elif judged.kept is not None:
            made.append(request_body.KeptQuestion(one.source, judged.event, judged.kept.received_at, one.ask_for))
    return tuple(made), tuple(refused)


def _to_platform(request: asking.Request, by_key: Mapping[str, Judged]) -> bool:
    """Whether the addressee is who recorded the events, not who held their addresses."""
    if request.kind.of_platform:
        return True
    return all(line.holder is not by_key[line.line.key].holder for line in request.lines)


def draft(
    *, by: Viewer, at: datetime, tip: Tip, events: Collection[str], powers: Mapping[str, str], reference: str
) -> list[Request]:
    """Draw up the letters for events of a tip, preservation first; return them.

    ``events``: keys. ``reference``: the unit's own, for the matter of the letters. Raises NotAllowed for whoever does
    not ask for the unit that holds the tip, Conflict where nothing can be asked, or the same is asked already.
    """
    post = must_ask(by, tip.unit_id)
    said = " ".join(reference.split())
    if not said or len(said) > LONGEST_REFERENCE or not storable(said):
        raise Conflict(_("Give the reference under which your unit leads this, in at most 120 characters."))
    if tip.state != State.RECEIVED or tip.set_apart:
        raise Conflict(_("Only of a finished tip that is not set apart can anything be asked."))
    if not events or len(events) > MOST_EVENTS:
        raise Conflict(_("Choose the events to ask about."))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"requests {tip.pk}"])
        found = [one for one in request_facts.of_tip(tip, at=at) if one.event.key in events]
        proposal = propose(tip, found, at=at, drafter=by.actor, powers=powers)
        ready = [one for one in proposal.drafts if one.ready]
        if not ready:
            why = [one for draft in proposal.drafts for one in draft.hindrances]
            why += [block.sentence for draft in proposal.drafts for one in draft.stopped for block in one.blocks]
            why += [block.sentence for draft in proposal.drafts for _one, found in draft.refused for block in found]
            why += [words for _key, words in proposal.left_out]
            raise Conflict(next(iter(why), _("Nothing can be asked about these events.")))
        return [_write(one, by=by, post=post, at=at, tip=tip, reference=said) for one in ready]


def _write(found: Draft, *, by: Viewer, post: Held, at: datetime, tip: Tip, reference: str) -> Request:
    request, public_id = found.request, public_ids.new("RQ")
    drafter = User.objects.get(pk=by.user_id)
    heading = Heading(
        reference=public_id,
        on=at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).date(),
        unit=tip.unit.name,
        case=reference,
        sections=(),
        officer=by.name,
        post=str(post.role.label),
        rank=post.rank,
        mail=drafter.email,
        purpose=_PURPOSE,
    )
    power = request.power
    assert power is not None  # noqa: S101 - a draft without one is not ready
    platform = found.to_platform
    kept = request_body.KeptRequest(
        kind=request.kind,
        code=request.code,
        addressee=request.addressee,
        country=request.country,
        zone=request.zone,
        layout=request.layout,
        to_platform=platform,
        power=request_body.KeptPower(
            power.id, power.title, power.section, power.signs, power.least_rank, power.answer_hours
        ),
        reference=reference,
        letter=letter(request, heading),
        lines=tuple(
            request_body.KeptLine(
                line=one.line.line,
                source=one.line.source,
                event=one.judged.event,
                received_at=one.judged.kept.received_at,
                clock=one.line.clock,
                account=one.line.account,
                also=one.line.also,
                also_sources=one.line.also_sources,
            )
            for one in found.lines
            if one.judged.kept is not None
        ),
        questions=found.questions,
    )
    _must_be_new(tip, kept)
    ends = [
        one.judged.event.utc + one.judged.retention.keep
        for one in found.lines
        if not platform and one.judged.retention and one.judged.retention.keep and one.judged.event.utc
    ]
    made = Request.objects.create(
        public_id=public_id,
        tip=tip,
        unit=tip.unit,
        kind=request.kind,
        operator=request.code,
        addressee=request.addressee[:200],
        power=power.id,
        body=request_body.written(kept),
        lines=kept.entries,
        state=RequestState.DRAFT,
        drafted_by=drafter,
        drafted_at=at,
        log_until=min(ends, default=None),
    )
    note(
        made,
        StepKind.DRAFTED,
        by=by.actor,
        at=at,
        power=power.id,
        check_values=request_body.check_values(kept.lines),
        records_until="" if made.log_until is None else clock.stamp(made.log_until),
        body_sha256=digest(made.body),
    )
    return made


def _must_be_new(tip: Tip, kept: request_body.KeptRequest) -> None:
    """Refuse to ask the same of the same twice; a letter that was withdrawn is drawn up anew."""
    asked = request_body.asked(kept)
    for other in Request.objects.filter(tip=tip, kind=kept.kind, operator=kept.code, state__in=_OPEN):
        if asked <= request_body.asked(request_body.read(other.body)):
            raise Conflict(
                _("%(id)s asks %(name)s the same already. Go on with that, or withdraw it first.")
                % {"id": other.public_id, "name": kept.addressee}
            )
