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

from nightlight.casework.attribution import gate_lines, loaded, request_facts, request_notices, wrong_doors
from nightlight.casework.attribution.gate import Authority
from nightlight.casework.attribution.models import Request, RequestState, Step, StepKind
from nightlight.casework.attribution.request_steps import digest, kept, note, posts_of, take, words
from nightlight.casework.attribution.wrong_door_kinds import DoorKind
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.accounts.models import Role
from nightlight.trust.law import queries as law
from nightlight.trust.units import notices

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nightlight.casework.attribution.gate import Block
    from nightlight.casework.attribution.request_body import KeptRequest
    from nightlight.trust.law.records import RecordsLaw
    from nightlight.trust.units.viewer import Viewer

MARKS = ("address", "port", "time", "zone")
WAYS = ("e-mail", "portal", "post", "by-hand")
ANSWER_WITHIN = timedelta(days=14)
"""By when an answer is expected where the power sets no time and the directory says nothing."""
_DOORS = {"address": DoorKind.WRONG_ADDRESS, "time": DoorKind.WRONG_TIME, "zone": DoorKind.WRONG_TIME}


@transaction.atomic
def check(
    *,
    by: Viewer,
    at: datetime,
    request: Request,
    marks: Mapping[int, Collection[str]],
    read_back: Mapping[int, str],
    seen: str = "",
) -> Request:
    """Record that a second person compared every line with its source.

    ``marks``: by number of the line, which of `MARKS` are the same in line and source (questions are counted on after
    the lines); ``read_back``: the check value as it was read out; ``seen``: the digest of what there was to know
    (`request_notices.Shown`). Raises NotAllowed for the drafter and for whoever does not ask for the unit, Conflict
    where a mark is missing, a value read back is another, something was not seen, or the gate stops a line.
    """
    held = take(by, request, RequestState.DRAFT)
    if held.drafted_by_id == by.user_id:
        raise NotAllowed(_("Who drafted a request cannot be its second pair of eyes. Ask a colleague."))
    found = kept(held)
    for number in range(1, found.entries + 1):
        missing = [mark for mark in MARKS if mark not in marks.get(number, ())]
        if missing:
            raise Conflict(
                _("Line %(n)d: compare %(what)s with the source, and mark each.")
                % {"n": number, "what": ", ".join(missing)}
            )
    for number, one in enumerate(found.lines, 1):
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
    told = request_notices.shown(held, found, at=at)
    told.must_be_seen(seen)
    held.state, held.checked_by_id = RequestState.CHECKED, by.user_id
    held.save(update_fields=["state", "checked_by"])
    note(held, StepKind.CHECKED, by=by.actor, at=at, private=None, marks=list(MARKS), **told.for_log())
    return held


@transaction.atomic
def dispute(
    *, by: Viewer, at: datetime, request: Request, line: int, mark: str, said: str, near_miss: bool = False
) -> Request:
    """Say that a line is not as in its source; the request is withdrawn and has to be drawn up anew.

    ``near_miss`` has it stand in the register of wrong doors too. Raises NotAllowed and Conflict.
    """
    held = take(by, request, RequestState.DRAFT)
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
def sign(
    *,
    by: Viewer,
    at: datetime,
    request: Request,
    rank: str = "",
    acts: Collection[str] | None = None,
    in_post: bool = False,
    seen: str = "",
    said: str = "",
) -> Request:
    """Sign a compared request, or refuse with every reason the gate has.

    ``rank``: stated where the post does not have one that the law pack knows. ``acts``: those of the law pack, with a
    least rank of their own, that are applied to the case; None: nobody has said, and then nobody signs. ``in_post``:
    that the signer holds the post that the power names, or acts for it. ``seen``: the digest of what there was to know
    (`request_notices.Shown`); ``said``: the signer's own words. Raises NotAllowed where the rank is below what the
    power or an act asks for, Conflict.
    """
    held = take(by, request, RequestState.CHECKED)
    found = kept(held)
    power = request_facts.power(found.power.id)
    if power is None:
        raise Conflict(_("The law pack has this power no longer. Withdraw the request and draw it up anew."))
    records = law.current_pack().records
    held_rank, stated = rank_of(by, held), " ".join(rank.split())
    uses = held_rank or stated
    applied = _applied(records, acts)
    asked = records.ranks_asked(power, applied)
    _rank_must_suffice(records, asked, uses)
    if not in_post:
        raise Conflict(_("Say that you sign as: %(post)s.") % {"post": power.signs})
    told = request_notices.shown(held, found, at=at)
    told.must_be_seen(seen)
    ranks, least = records.ranks, asked[0][0] if asked else ""
    authority = Authority(
        power=power.section,
        least_rank=least,
        least_place=ranks.place(least) if ranks and least else None,
        approver=by.actor,
        rank=uses,
        place=ranks.place(uses) if ranks else None,
        approved_at=at,
        asks=frozenset(asked.value for asked in power.asks),
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
    own = words(said, _("your words"), least=0)
    held.state, held.signed_by_id = RequestState.SIGNED, by.user_id
    held.save(update_fields=["state", "signed_by"])
    note(
        held,
        StepKind.SIGNED,
        by=by.actor,
        at=at,
        private={"words": own},
        power=power.id,
        rank=uses,
        rank_stated=not held_rank and bool(stated),
        acts=sorted(applied),
        in_post=True,
        words_sha256=digest(own) if own else None,
        **told.for_log(),
        body_sha256=digest(held.body),
    )
    return held


@transaction.atomic
def sent(*, by: Viewer, at: datetime, request: Request, way: str, when: datetime) -> Request:
    """Record how and when a signed request went out, and by when an answer is expected. Raises NotAllowed, Conflict."""
    held = take(by, request, RequestState.SIGNED)
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
    held = take(by, request, RequestState.SENT)
    if way not in WAYS:
        raise Conflict(_("Say how they were reminded."))
    held.reminded_at = at
    held.save(update_fields=["reminded_at"])
    note(held, StepKind.REMINDED, by=by.actor, at=at, way=way)
    return held


@transaction.atomic
def escalate(*, by: Viewer, at: datetime, request: Request, said: str) -> Request:
    """Take an overdue request to the commander, once; ``said``: what was done so far. Raises NotAllowed, Conflict."""
    held = take(by, request, RequestState.SENT)
    if held.due_at is None or held.due_at > at:
        raise Conflict(_("The answer is not due yet. Remind them first."))
    if was_escalated(held):
        raise Conflict(_("The commander was told of this request already."))
    told = words(said, _("what was done so far"))
    late = int((at - held.due_at).total_seconds())
    note(
        held,
        StepKind.ESCALATED,
        by=by.actor,
        at=at,
        private={"note": told},
        seconds=late,
        note_sha256=digest(told),
    )
    notices.tell_role(
        unit_id=held.tip.unit_id,
        role=Role.COMMANDER,
        kind="request.escalated",
        subject=f"tip:{held.tip.public_id}",
        about=f"request:{held.public_id}",
        at=at,
    )
    return held


def was_escalated(request: Request) -> bool:
    """Whether the commander was told of a request."""
    return Step.objects.filter(request=request, kind=StepKind.ESCALATED).exists()


@transaction.atomic
def refused(*, by: Viewer, at: datetime, request: Request, reason: str) -> Request:
    """Record that the addressee will not answer, and why. Raises NotAllowed and Conflict."""
    return _end(by, at, request, RequestState.REFUSED, words(reason, _("why they refuse")))


@transaction.atomic
def withdraw(*, by: Viewer, at: datetime, request: Request, reason: str) -> Request:
    """Take a request back at any time before it is answered. Raises NotAllowed and Conflict."""
    return _end(by, at, request, RequestState.WITHDRAWN, words(reason, _("why it is withdrawn")))


def _end(by: Viewer, at: datetime, request: Request, state: RequestState, told: str) -> Request:
    before = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED, RequestState.SENT)
    held = take(by, request, *((RequestState.SENT,) if state == RequestState.REFUSED else before))
    held.state, held.ended_at = state, at
    held.save(update_fields=["state", "ended_at"])
    kind = StepKind.REFUSED if state == RequestState.REFUSED else StepKind.WITHDRAWN
    note(held, kind, by=by.actor, at=at, private={"reason": told}, reason_sha256=digest(told))
    return held


def rank_of(viewer: Viewer, request: Request) -> str:
    """Return the highest rank, that the law pack knows, of the posts by which a person acts; empty: none."""
    ranks = law.current_pack().records.ranks
    if ranks is None:
        return ""
    known = [(place, post.rank) for post in posts_of(viewer, request) if (place := ranks.place(post.rank)) is not None]
    return max(known)[1] if known else ""


def answer_within(found: KeptRequest) -> timedelta:
    """How long an answer may take: as the power says, else as the directory says of them, else by our own habit."""
    if found.power.answer_hours:
        return timedelta(hours=found.power.answer_hours)
    operator = loaded.current().directory.with_code(found.code)
    days = operator.answer_days if operator is not None else None
    return timedelta(days=days) if days else ANSWER_WITHIN


def _applied(records: RecordsLaw, acts: Collection[str] | None) -> frozenset[str]:
    """The acts that ask for a rank of their own and are applied to the case. Raises Conflict where nobody said."""
    known = frozenset(act for floor in records.floors for act in floor.acts)
    if known and acts is None:
        raise Conflict(_("Say which of these acts are applied to the case: %(acts)s.") % {"acts": ", ".join(known)})
    applied = frozenset(acts or ())
    if not applied <= known:
        raise Conflict(_("Of this act the law pack asks for no rank of its own."))
    return applied


def _rank_must_suffice(records: RecordsLaw, asked: Sequence[tuple[str, str]], rank: str) -> None:
    """Raise NotAllowed where a rank is too low, with the reason of the law pack; Conflict where it is not known."""
    place = None if records.ranks is None else records.ranks.place(rank)
    for needed, why in asked:
        said = why or _("This power is signed by nobody below %(least)s.") % {"least": needed}
        if records.ranks is None or place is None:
            raise Conflict(_("State your rank. %(why)s") % {"why": said})
        if place < (records.ranks.place(needed) or 0):
            raise NotAllowed(_("%(why)s Your rank is %(rank)s.") % {"why": said, "rank": rank})


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
