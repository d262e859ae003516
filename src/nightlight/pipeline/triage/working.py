# SPDX-License-Identifier: Apache-2.0
"""What officers do with tips of the queue: take, give back, assign, put off, close, open again, decide, find out.

What is done to a tip that stands in one row with others is done to the whole row, as far as it is held by the same
unit. The database holds every rule about role and unit as well; here each is said with a reason.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.triage.alerting import WORKS
from nightlight.pipeline.triage.models import (
    SAMPLED,
    Band,
    Closure,
    Disposition,
    Lane,
    OfficerFact,
    Override,
    Score,
    SecondLook,
    Standing,
)
from nightlight.pipeline.triage.standing import unscored
from nightlight.pipeline.triage.vocabulary import FACTS, Type
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices, rules
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Viewer

AT_ONCE = 500  # tips of one row that one act moves; of a longer row the rest stays and can be moved next
LONGEST_SNOOZE = timedelta(days=90)
FURTHEST = timedelta(days=3650)  # of a time that an officer found out
ONE_IN = 50  # closures looked at by a second person


@transaction.atomic
def take(*, by: Viewer, at: datetime, tip: str) -> list[Standing]:
    """Take a tip and what stands in one row with it; return where they stand.

    Raises NotFound, NotAllowed, and Conflict where it is not open or somebody else took it first, with their name.
    """
    rows = _row(by, tip, Lane.OPEN, must_be_free=True)
    fresh = [row for row in rows if row.holder_id != by.user_id]
    _move(fresh, by=by, at=at, kind="triage.taken", holder_id=by.user_id, held_since=at)
    return rows


@transaction.atomic
def release(*, by: Viewer, at: datetime, tip: str) -> list[Standing]:
    """Give a tip and its row back to the queue; a commander may do so for somebody else. Raises as `take` does."""
    rows = [row for row in _row(by, tip, Lane.OPEN) if row.holder_id is not None]
    if not rows:
        raise Conflict("Nobody holds this; there is nothing to give back.")
    _move(rows, by=by, at=at, kind="triage.released", holder_id=None, held_since=None)
    return rows


@transaction.atomic
def assign(*, by: Viewer, at: datetime, tip: str, to: str) -> list[Standing]:
    """Give a tip and its row to somebody ("OF-…") who works in the unit that holds it, and tell them.

    Raises as `take` does, and NotFound for a person without such a post there.
    """
    rows = _row(by, tip, Lane.OPEN)
    held = Post.objects.active(at).filter(unit=rows[0].unit_id, role__in=WORKS, user__is_active=True)
    post = held.filter(user__public_id=to).select_related("user").first()
    if post is None:
        raise NotFound(f"There is no person {to} who works on tips in this unit.")
    fresh = [row for row in rows if row.holder_id != post.user_id]
    _move(fresh, by=by, at=at, kind="triage.assigned", data={"to": to}, holder_id=post.user_id, held_since=at)
    if fresh and post.user_id != by.user_id:
        notices.tell_person(user_id=post.user_id, kind="triage.assigned", subject=f"tip:{tip}", at=at)
    return rows


@transaction.atomic
def snooze(*, by: Viewer, at: datetime, tip: str, until: datetime, reason: str) -> list[Standing]:
    """Put a tip and its row off. They come back then, and before that when new facts raise their band.

    Raises as `take` does, and Conflict without a reason or for a time that is past or more than 90 days away.
    """
    told = _reason(reason, "why this can wait")
    if not at < until <= at + LONGEST_SNOOZE:
        raise Conflict(f"Choose a time to come, at most {LONGEST_SNOOZE.days} days from now.")
    rows = _row(by, tip, Lane.OPEN)
    data: dict[str, Json] = {"until": until.isoformat(), "reason_sha256": _digest(told)}
    _move(
        rows, by=by, at=at, kind="triage.put-off", data=data,
        lane=Lane.SNOOZED, snoozed_until=until, snooze_reason=told,
    )  # fmt: skip
    return rows


@transaction.atomic
def close(*, by: Viewer, at: datetime, tip: str, disposition: str, reason: str) -> list[Closure]:
    """Close a tip and its row. Of those that "cannot be worked", one in fifty is looked at by a second person.

    Raises as `take` does, and Conflict without a reason or a known disposition.
    """
    told = _reason(reason, "why this is done")
    if disposition not in Disposition.values:
        raise Conflict("Say how it ended: choose one of the dispositions.")
    rows = _row(by, tip, Lane.OPEN, Lane.SNOOZED)
    made = Closure.objects.bulk_create(
        Closure(
            tip=row.tip,
            disposition=disposition,
            reason=told,
            sampled=disposition in SAMPLED and sampled(row.tip.public_id),
            by_id=by.user_id,
            at=at,
        )
        for row in rows
    )
    data: dict[str, Json] = {"disposition": disposition, "reason_sha256": _digest(told)}
    _move(
        rows, by=by, at=at, kind="triage.closed", data=data,
        lane=Lane.CLOSED, holder_id=None, held_since=None, snoozed_until=None,
    )  # fmt: skip
    return made


@transaction.atomic
def reopen(*, by: Viewer, at: datetime, tip: str, reason: str) -> list[Standing]:
    """Open a tip that was closed or put off, alone. Raises as `take` does, and Conflict without a reason."""
    told = _reason(reason, "why this is to be worked again")
    rows = _row(by, tip, Lane.CLOSED, Lane.SNOOZED, whole=False)
    _reopen(rows, by=by, at=at, told=told)
    return rows


@transaction.atomic
def second_look(*, by: Viewer, at: datetime, tip: str, agrees: bool, reason: str, together: bool = False) -> SecondLook:
    """Say whether a closure that was sampled was right; where it was not, the tip is open again.

    ``together``: and all that was closed with it by the same act and is still closed by it, as far as the viewer's
    units hold it. Raises as `take` does, NotFound where no closure of the tip waits for a second look, NotAllowed for
    who closed, and Conflict where somebody else says so in the same moment.
    """
    told = _reason(reason, "what you found")
    row = _of(by, tip)
    waiting = Closure.objects.filter(tip=row.tip_id, sampled=True, second_look=None)
    closure = waiting.order_by("-id").first()
    if closure is None:
        raise NotFound("No closure of this tip waits for a second look.")
    if closure.by_id == by.user_id:
        raise NotAllowed("Somebody else has to look at what you closed.")
    looked, new = SecondLook.objects.get_or_create(
        closure=closure, defaults={"agrees": agrees, "reason": told, "by_id": by.user_id, "at": at}
    )
    if not new:
        raise Conflict(f"{looked.by} has looked at this closure already.")
    custody.append(
        by=by.actor,
        at=at,
        kind="triage.second-look",
        subject=f"tip:{tip}",
        data={"agrees": agrees, "disposition": closure.disposition, "reason_sha256": _digest(told)},
    )
    if not agrees:
        tips = [row.tip_id, *(closed_with(closure)[: AT_ONCE - 1] if together else ())]
        rows = Standing.objects.select_for_update(of=("self",), no_key=True).filter(tip__in=tips, lane=Lane.CLOSED)
        held = rows if by.reach is None else rows.filter(unit__in=by.reach)
        _reopen(list(held.order_by("tip").select_related("tip")), by=by, at=at, told=told)
    return looked


def closed_with(closure: Closure) -> QuerySet[Closure, int]:
    """Return the keys of the other tips that one act closed with this one, but those closed anew since."""
    later = Closure.objects.filter(tip=OuterRef("tip"), pk__gt=OuterRef("pk"))
    act = Closure.objects.filter(
        at=closure.at, by=closure.by_id, reason=closure.reason, disposition=closure.disposition, tip__set_apart=False
    )
    return act.exclude(tip=closure.tip_id).filter(~Exists(later)).order_by("tip").values_list("tip_id", flat=True)


@transaction.atomic
def override(*, by: Viewer, at: datetime, tip: str, band: int | None, reason: str) -> Override:
    """Put one tip into another band than the rules did, or (None) back into theirs. It stands until another decides.

    Raises as `take` does, and Conflict without a reason, for a band that there is not, or the one it has already.
    """
    told = _reason(reason, "why this band is the right one")
    if band is not None and band not in Band.values:
        raise Conflict("There is no such band.")
    row = _of(by, tip)
    score = Score.objects.filter(tip=row.tip_id).first()  # none where no rule could be applied
    rules_band = unscored(row.tip) if score is None else score.band
    before = Override.objects.filter(tip=row.tip_id).order_by("-id").first()
    if band == (before.band if before else None):
        raise Conflict("This is the band it has been put into already." if before else "The rules decide already.")
    made = Override.objects.create(tip=row.tip, band=band, rules_band=rules_band, reason=told, by_id=by.user_id, at=at)
    custody.append(
        by=by.actor,
        at=at,
        kind="triage.overridden",
        subject=f"tip:{tip}",
        data={
            "band": None if band is None else Band(band).name.lower(),
            "rules_band": Band(rules_band).name.lower(),
            "reason_sha256": _digest(told),
        },
    )
    return made


@transaction.atomic
def record_fact(
    *, by: Viewer, at: datetime, tip: str, fact: str, value: bool | datetime | None, reason: str
) -> OfficerFact:
    """Record a fact that an officer found out about one tip; None takes back what was said before.

    The tip is scored anew with it. Raises as `take` does, and Conflict without a reason, for a fact that no officer
    may answer, and for a value that it cannot have.
    """
    told = _reason(reason, "how you know")
    known = FACTS.get(fact)
    if known is None or not known.officer:
        raise Conflict("This is no fact that an officer records.")
    timed = known.type is Type.HOURS
    if value is not None and isinstance(value, bool) is timed:
        raise Conflict("Say a time." if timed else "Say yes or no.")
    if isinstance(value, datetime) and not at - FURTHEST < value < at + FURTHEST:
        raise Conflict(f"Choose a time that is at most {FURTHEST.days // 365} years from now.")
    row = _of(by, tip)
    made = OfficerFact.objects.create(
        tip=row.tip,
        fact=fact,
        value=value if isinstance(value, bool) else None,
        moment=None if isinstance(value, bool) else value,
        reason=told,
        by_id=by.user_id,
        at=at,
    )
    said = value if value is None or isinstance(value, bool) else value.isoformat()
    custody.append(
        by=by.actor,
        at=at,
        kind="triage.fact-recorded",
        subject=f"tip:{tip}",
        data={"fact": fact, "value": said, "reason_sha256": _digest(told)},
    )
    return made


def sampled(public_id: str) -> bool:
    """Whether a closure of this tip is looked at by a second person: decided by a key that nobody here knows by heart.

    Closing it once more changes nothing, so nobody can try until it falls out of the sample.
    """
    said = hmac.digest(settings.NIGHTLIGHT_SEARCH_DIGEST_KEY, f"second look\n{public_id}".encode(), "sha256")
    return int.from_bytes(said[:8]) % ONE_IN == 0


def _of(by: Viewer, tip: str) -> Standing:
    """Where this tip stands, for somebody who may work on it."""
    found = tips.tip(by, tip)
    if not by.may(WORKS):
        raise NotAllowed("Tips are worked by triage officers, investigators and commanders.")
    if by.reach is not None and found.unit_id not in by.reach:
        raise NotAllowed(f"{found.unit} holds this tip; only who works there can do this.")
    row = Standing.objects.select_related("tip").filter(tip=found).first()
    if row is None:
        raise Conflict("This tip is not in the queue (yet): it is being scored, or was taken back.")
    return row


def _row(by: Viewer, tip: str, *lanes: Lane, whole: bool = True, must_be_free: bool = False) -> list[Standing]:
    """The tips of the row in which this one stands, itself first, held fast until the transaction ends.

    What somebody else holds is theirs, but for a commander who does not want it for himself.
    """
    row = _of(by, tip)
    beside = Standing.objects.filter(
        unit=row.unit_id, environment=row.environment, kind=row.kind, anchor=row.anchor, lane=row.lane
    ).exclude(tip=row.tip_id)
    # Held and free tips of one row may stand side by side; taking is for all of them.
    others = beside.order_by("tip").values_list("tip_id", flat=True)[: AT_ONCE - 1] if whole else ()
    rows = list(
        Standing.objects.select_for_update(of=("self",), no_key=True)
        .filter(tip__in=[row.tip_id, *others], lane__in=lanes)
        .order_by("tip")
        .select_related("tip")  # not the holder: after waiting for another's lock it would be the one before
    )
    rows.sort(key=lambda one: one.tip_id != row.tip_id)
    if not rows or rows[0].tip_id != row.tip_id:
        raise Conflict(_STANDS_ELSEWHERE[Lane(row.lane)])
    for one in rows:
        if one.holder_id not in {None, by.user_id} and (must_be_free or not by.commands):
            raise Conflict(f"{one.holder} has taken this already.")
    return rows


_STANDS_ELSEWHERE = {
    Lane.OPEN: "This tip is open in the queue.",
    Lane.SNOOZED: "This tip has been put off; open it again first.",
    Lane.CLOSED: "This tip is closed; open it again first.",
}


def _reopen(rows: Sequence[Standing], *, by: Viewer, at: datetime, told: str) -> None:
    _move(
        rows, by=by, at=at, kind="triage.reopened", data={"reason_sha256": _digest(told)},
        lane=Lane.OPEN, snoozed_until=None, snooze_reason="",
    )  # fmt: skip


def _move(
    rows: Sequence[Standing],
    *,
    by: Viewer,
    at: datetime,
    kind: str,
    data: dict[str, Json] | None = None,
    **changes: object,
) -> None:
    """Write what changed, in one statement, and an entry for each tip in the log."""
    Standing.objects.filter(tip__in=[row.tip_id for row in rows]).update(**changes)
    for row in rows:
        for name, value in changes.items():
            setattr(row, name, value)
        custody.append(
            by=by.actor,
            at=at,
            kind=kind,
            subject=f"tip:{row.tip.public_id}",
            data={**(data or {}), "of_row": len(rows)},
        )


def _reason(reason: str, what: str) -> str:
    told = rules.reason_given(reason)
    if not told:
        raise Conflict(f"Say {what}, in at least {rules.SHORTEST_REASON} characters.")
    return told


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
