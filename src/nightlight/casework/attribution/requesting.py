# SPDX-License-Identifier: Apache-2.0
"""The way of a request from its draft to its answer: compared, signed, sent, and what else can become of it.

Somebody else than the drafter compares each line with the record it was made of, mark by mark. The gate looks at each
line again at that step and at the signature, by what is known then; what it finds stops the step.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from nightlight.casework.attribution import gate_lines, request_facts, wrong_doors
from nightlight.casework.attribution.gate import Authority
from nightlight.casework.attribution.models import Request, RequestState, Step, StepKind
from nightlight.casework.attribution.request_steps import digest, hold, kept, must_ask, must_be, note, posts_for, words
from nightlight.casework.attribution.wrong_door_kinds import DoorKind
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.law import queries as law

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nightlight.casework.attribution.gate import Block
    from nightlight.casework.attribution.request_body import KeptRequest
    from nightlight.trust.units.viewer import Viewer

MARKS = ("address", "port", "time", "zone")
WAYS = ("e-mail", "portal", "post", "by-hand")
ANSWER_WITHIN = timedelta(days=14)
"""By when an answer is expected where the power sets no time."""
_DOORS = {"address": DoorKind.WRONG_ADDRESS, "time": DoorKind.WRONG_TIME, "zone": DoorKind.WRONG_TIME}


@transaction.atomic
def check(
    *,
    by: Viewer,
    at: datetime,
    request: Request,
    marks: Mapping[int, Collection[str]],
    read_back: Mapping[int, str],
) -> Request:
    """Record that a second person compared every line with its source.

    ``marks``: by number of the line, which of `MARKS` are the same in line and source; ``read_back``: the check value
    as it was read out. Raises NotAllowed for the drafter and for whoever does not ask for the unit, Conflict where a
    mark is missing, a value read back is another, or the gate stops a line.
    """
    held = hold(request)
    must_ask(by, held.unit_id)
    must_be(held, RequestState.DRAFT)
    if held.drafted_by_id == by.user_id:
        raise NotAllowed(_("Who drafted a request cannot be its second pair of eyes. Ask a colleague."))
    found = kept(held)
    for number, one in enumerate(found.lines, 1):
        missing = [mark for mark in MARKS if mark not in marks.get(number, ())]
        if missing:
            raise Conflict(
                _("Line %(n)d: compare %(what)s with the source, and mark each.")
                % {"n": number, "what": ", ".join(missing)}
            )
        if not gate_lines.read_back(one.line, read_back.get(number, "")):
            raise Conflict(
                _("Line %(n)d: the check value you read back is not that of the line. Compare the line again.")
                % {"n": number}
            )
    blocks = [
        pair
        for pair in request_facts.blocks_of(found, at=at, drafter=drafter_of(held), checker=by.actor, authority=None)
        if pair[1].code not in request_facts.UNSIGNED
    ]
    _must_pass(blocks)
    held.state, held.checked_by_id = RequestState.CHECKED, by.user_id
    held.save(update_fields=["state", "checked_by"])
    note(held, StepKind.CHECKED, by=by.actor, at=at, marks=list(MARKS))
    return held


@transaction.atomic
def dispute(
    *, by: Viewer, at: datetime, request: Request, line: int, mark: str, said: str, near_miss: bool = False
) -> Request:
    """Say that a line is not as in its source; the request is withdrawn and has to be drawn up anew.

    ``near_miss`` has it stand in the register of wrong doors too. Raises NotAllowed and Conflict.
    """
    held = hold(request)
    must_ask(by, held.unit_id)
    must_be(held, RequestState.DRAFT)
    if held.drafted_by_id == by.user_id:
        raise NotAllowed(_("You drafted this request. Withdraw it if it is wrong."))
    if mark not in MARKS or not 1 <= line <= held.lines:
        raise Conflict(_("Say in which line, and whether it is the address, the port, the time or the zone."))
    told = words(said, _("what is not as in the source"))
    held.state, held.ended_at = RequestState.WITHDRAWN, at
    held.save(update_fields=["state", "ended_at"])
    note(
        held,
        StepKind.DISPUTED,
        by=by.actor,
        at=at,
        private={"note": told},
        line=line,
        mark=mark,
        note_sha256=digest(told),
        near_miss=near_miss,
    )
    if near_miss:
        wrong_doors.record(
            by=by,
            at=at,
            tip=held.tip,
            path=f"reporter:{held.tip.reporter.public_id}",
            kind=_DOORS.get(mark, DoorKind.OTHER),
            reached=False,
            note=told,
            request=held,
        )
    return held


@transaction.atomic
def sign(*, by: Viewer, at: datetime, request: Request, rank: str = "", said: str = "") -> Request:
    """Sign a compared request, or refuse with every reason the gate has.

    ``rank``: stated where the post does not have one that the law pack knows; ``said``: the signer's own words.
    Raises NotAllowed where the rank is below what the power asks for, Conflict.
    """
    held = hold(request)
    must_ask(by, held.unit_id)
    must_be(held, RequestState.CHECKED)
    found = kept(held)
    power = request_facts.power(found.power.id)
    if power is None:
        raise Conflict(_("The law pack has this power no longer. Withdraw the request and draw it up anew."))
    records = law.current_pack().records
    held_rank, stated = rank_of(by, held), " ".join(rank.split())
    uses = held_rank or stated
    suffices = records.rank_suffices(uses, power)
    if suffices is False:
        raise NotAllowed(
            _("This power is signed by nobody below %(least)s; your rank is %(rank)s.")
            % {"least": power.least_rank, "rank": uses}
        )
    if suffices is None and power.least_rank:
        raise Conflict(
            _("State your rank: this power is signed by nobody below %(least)s.") % {"least": power.least_rank}
        )
    ranks = records.ranks
    authority = Authority(
        power=power.section,
        least_rank=power.least_rank,
        least_place=ranks.place(power.least_rank) if ranks and power.least_rank else None,
        approver=by.actor,
        rank=uses,
        place=ranks.place(uses) if ranks else None,
        approved_at=at,
    )
    _must_pass(
        request_facts.blocks_of(
            found,
            at=at,
            drafter=drafter_of(held),
            checker=f"officer:{held.checked_by.public_id}" if held.checked_by else "",
            authority=authority,
        )
    )
    told = words(said, _("your words"), least=0)
    held.state, held.signed_by_id = RequestState.SIGNED, by.user_id
    held.save(update_fields=["state", "signed_by"])
    note(
        held,
        StepKind.SIGNED,
        by=by.actor,
        at=at,
        private={"words": told},
        power=power.id,
        rank=uses,
        rank_stated=not held_rank and bool(stated),
        words_sha256=digest(told) if told else None,
    )
    return held


@transaction.atomic
def sent(*, by: Viewer, at: datetime, request: Request, way: str, when: datetime) -> Request:
    """Record how and when a signed request went out, and by when an answer is expected. Raises NotAllowed, Conflict."""
    held = hold(request)
    must_ask(by, held.unit_id)
    must_be(held, RequestState.SIGNED)
    if way not in WAYS:
        raise Conflict(_("Say how it was sent."))
    signed = Step.objects.filter(request=held, kind=StepKind.SIGNED).values_list("at", flat=True).first()
    if when.tzinfo is None or when > at + timedelta(minutes=5) or (signed is not None and when < _minute(signed)):
        raise Conflict(_("It was sent after it was signed, and not in the future. Give the day and hour."))
    held.state, held.sent_at = RequestState.SENT, when
    held.due_at = when + answer_within(kept(held))
    held.save(update_fields=["state", "sent_at", "due_at"])
    note(held, StepKind.SENT, by=by.actor, at=at, way=way, sent_at=when.isoformat(), due_at=held.due_at.isoformat())
    return held


@transaction.atomic
def reminded(*, by: Viewer, at: datetime, request: Request, way: str) -> Request:
    """Record that the addressee was reminded by a person. Raises NotAllowed and Conflict."""
    held = hold(request)
    must_ask(by, held.unit_id)
    must_be(held, RequestState.SENT)
    if way not in WAYS:
        raise Conflict(_("Say how they were reminded."))
    held.reminded_at = at
    held.save(update_fields=["reminded_at"])
    note(held, StepKind.REMINDED, by=by.actor, at=at, way=way)
    return held


@transaction.atomic
def refused(*, by: Viewer, at: datetime, request: Request, reason: str) -> Request:
    """Record that the addressee will not answer, and why. Raises NotAllowed and Conflict."""
    return _end(by, at, request, RequestState.REFUSED, words(reason, _("why they refuse")))


@transaction.atomic
def withdraw(*, by: Viewer, at: datetime, request: Request, reason: str) -> Request:
    """Take a request back at any time before it is answered. Raises NotAllowed and Conflict."""
    return _end(by, at, request, RequestState.WITHDRAWN, words(reason, _("why it is withdrawn")))


def _end(by: Viewer, at: datetime, request: Request, state: RequestState, told: str) -> Request:
    held = hold(request)
    must_ask(by, held.unit_id)
    before = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED, RequestState.SENT)
    must_be(held, *((RequestState.SENT,) if state == RequestState.REFUSED else before))
    held.state, held.ended_at = state, at
    held.save(update_fields=["state", "ended_at"])
    kind = StepKind.REFUSED if state == RequestState.REFUSED else StepKind.WITHDRAWN
    note(held, kind, by=by.actor, at=at, private={"reason": told}, reason_sha256=digest(told))
    return held


def rank_of(viewer: Viewer, request: Request) -> str:
    """Return the highest rank of a person's posts for a unit that the law pack knows; empty: none."""
    ranks = law.current_pack().records.ranks
    if ranks is None:
        return ""
    known = [
        (place, post.rank)
        for post in posts_for(viewer, request.unit_id)
        if (place := ranks.place(post.rank)) is not None
    ]
    return max(known)[1] if known else ""


def answer_within(found: KeptRequest) -> timedelta:
    """How long an answer may take: as the power says, else by our own habit."""
    return timedelta(hours=found.power.answer_hours) if found.power.answer_hours else ANSWER_WITHIN


def drafter_of(request: Request) -> str:
    """How entries of the log name who drafted it."""
    return f"officer:{request.drafted_by.public_id}"


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _must_pass(blocks: list[tuple[int, Block]]) -> None:
    """Raise Conflict with what the gate found, every reason once."""
    if blocks:
        said = dict.fromkeys(f"Line {number}: {block.sentence}" for number, block in blocks)
        raise Conflict(" ".join(said))
