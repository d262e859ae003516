# SPDX-License-Identifier: Apache-2.0
"""Scores tips that wait and puts them where they stand in the queue; raises alerts in the same transaction.

A tip is scored the moment it was received, with what is known then, and again whenever more is known: a tripwire waits
for no fingerprint and no link. Then what time alone may have changed, then what other rules scored, newest first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q

from nightlight.pipeline.linking import waiting
from nightlight.pipeline.tips.models import State, Tip
from nightlight.pipeline.triage import alerting, gathering, rulebooks, rules, standing
from nightlight.pipeline.triage.models import Band, PastScore, Score, Waiting
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from nightlight.pipeline.triage.gathering import Known
    from nightlight.pipeline.triage.rulebooks import InUse

BATCH = 100  # tips scored in one transaction
PATIENCE = 20.0  # seconds of work before another task gets its turn
_NUMBERS = ["rulebook", "rules", "band", "harm", "dies_at", "workability", "body", "at"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger("triage")


def assess_new(*, by: str, now: Callable[[], datetime], patience: float = PATIENCE) -> waiting.Left:
    """Score tips that wait, newest first, then what is due; return what is left. Safe to run twice.

    For one process at a time: the task holds a lock. A tip that cannot be scored now (its report cannot be opened,
    say) goes on waiting, holds up no other, is written down as one that fails, and stands in the queue all the same.
    """
    standing.wake(at=now())
    return waiting.work_off(
        lambda passed_over: _next(now(), passed_over),
        lambda tips: assess(tips, by=by, at=now()),
        lambda tip, why: _failed(tip, why, by=by, at=now()),
        patience=patience,
    )


def waits(*, at: datetime, but: Collection[int] = ()) -> bool:
    """Whether a tip waits whose turn it is."""
    return waiting.ready(Waiting, at).exclude(tip__in=but).exists()


def _next(at: datetime, passed_over: Collection[int]) -> list[int]:
    """The tips to score next."""
    there = waiting.ready(Waiting, at).exclude(tip__in=passed_over).values_list("tip_id", flat=True)
    if found := list(there[:BATCH]):
        return found
    later = Waiting.objects.filter(tip=OuterRef("tip_id"), try_at__gt=at)  # failed, and is tried when its time comes
    scores = Score.objects.exclude(tip__in=passed_over).exclude(Exists(later)).values_list("tip_id", flat=True)
    if found := list(scores.filter(due_at__lte=at).order_by("due_at")[:BATCH]):
        return found
    # "Another mark" in two ranges, so that the index finds that there is none without reading every score.
    mark = rulebooks.current().mark
    other = scores.filter(Q(rules__lt=mark) | Q(rules__gt=mark))
    return list(other.order_by("-tip")[:BATCH]) if other.exists() else []


def _failed(key: int, why: str, *, by: str, at: datetime) -> None:
    """Keep a tip in sight that could not be scored: it waits, is counted, stands in the queue, and calls if it must."""
    tip = Tip.objects.get(pk=key)
    log.exception("assess-failed", tip=tip.public_id, why=why)
    with transaction.atomic():
        times = waiting.note_failure(Waiting, key, why, at)
        lives = tip.state == State.RECEIVED and not tip.set_apart and not gathering.erased([tip])
        placed = lives and standing.place_unscored(tip)
        if placed and standing.asks_for_priority(tip):
            since = Waiting.objects.filter(tip=key).values_list("failed_since", flat=True).first()
            alerting.raise_unscored(tip, by=by, at=at, failing=since or at)
        if times == 1 or placed:
            custody.append(
                by=by,
                at=at,
                kind="tip.not-assessed",
                subject=f"tip:{tip.public_id}",
                data={"why": why, "queued": placed},
            )


@transaction.atomic
def assess(tips: Sequence[int], *, by: str, at: datetime) -> set[int]:
    """Score these tips in one transaction; return those that were, or that have no place in the queue.

    One about which somebody is writing just now is passed over: it waits, and is scored with what they write.
    """
    (busy, failing), in_use = _taken(tips), rulebooks.current()
    before = standing.locked(set(tips) - busy)  # before the tips: one handed over meanwhile moves after us
    found = list(Tip.objects.filter(pk__in=set(tips) - busy).select_related("unit").order_by("-pk"))
    gone = gathering.erased(found) | {tip.pk for tip in found if tip.state != State.RECEIVED or tip.set_apart}
    left_behind = _take_out(gone, mark=in_use.mark)
    there = [tip for tip in found if tip.pk not in gone]
    known = gathering.gather(there, at)
    scored = [(one, rules.score(one.facts, in_use.rulebook, at)) for one in known]
    changed = _write(scored, in_use, by=by, at=at)
    now = standing.place(scored, before, in_use.rulebook)
    alerting.raise_for(scored, by=by, at=at, failing=failing)
    changed |= {tip for tip, row in now.items() if tip not in before or row != (before[tip].kind, before[tip].anchor)}
    concerned = standing.concerned([pair for pair in scored if pair[0].tip.pk in changed], before, now)
    _wait_again((left_behind | concerned) - {tip.pk for tip in found}, at=at)
    return {tip.pk for tip in found}


def _taken(tips: Sequence[int]) -> tuple[set[int], dict[int, datetime]]:
    """Take tips off the list of those that wait; return those that somebody else is putting there just now, and since
    when those that failed did.

    First of all: whoever puts one of the others there from here on waits for us, and then it waits again.
    """
    waiting = set(Waiting.objects.filter(tip__in=tips).values_list("tip_id", flat=True))
    free = Waiting.objects.filter(tip__in=waiting).select_for_update(skip_locked=True)
    mine = dict(free.order_by("tip").values_list("tip_id", "failed_since"))
    Waiting.objects.filter(tip__in=mine).delete()
    return waiting - mine.keys(), {tip: since for tip, since in mine.items() if since is not None}


def _take_out(tips: Collection[int], *, mark: str) -> set[int]:
    """Take tips out of the queue that were taken back, set apart or destroyed; what they were scored stays.

    Return those that stood in one row with them.
    """
    Score.objects.filter(tip__in=tips).update(due_at=None, rules=mark)
    return standing.remove(tips)


def _wait_again(tips: Iterable[int], *, at: datetime) -> None:
    """Have these scored again. Where somebody else is putting one of them there (all persons are worked out anew, say),
    a score that waited for them would hold up alerts: then they are due by the clock, which needs no lock of theirs.
    """
    them = sorted(tips)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            Waiting.objects.bulk_create([Waiting(tip_id=tip) for tip in them], ignore_conflicts=True)
    except OperationalError:
        Score.objects.filter(tip__in=them).update(due_at=at)


def _write(scored: Sequence[tuple[Known, rules.Score]], in_use: InUse, *, by: str, at: datetime) -> set[int]:
    """Write scores that say something else than before; what was before is kept, and the log says what changed.

    Return the tips of which more than the time changed.
    """
    before = Score.objects.in_bulk([one.tip.pk for one, _ in scored])
    new, past, changed = [], [], set()
    for one, score in scored:
        old = before.get(one.tip.pk)
        said = _read(old)
        same = old is not None and said is not None and old.rules == in_use.mark and _lasting(said) == _lasting(score)
        if old is not None and same and old.due_at == score.due_at:
            continue
        new.append(
            Score(
                tip=one.tip,
                rulebook=in_use.number,
                rules=in_use.mark,
                band=int(score.band),
                harm=score.harm,
                dies_at=score.dies_at,
                workability=score.workability,
                body=rules.to_json(score).decode(),
                at=at,
                due_at=score.due_at,
            )
        )
        if not same:
            changed.add(one.tip.pk)
        if old is not None and not same:
            past.append(PastScore(tip=one.tip, **{name: getattr(old, name) for name in _NUMBERS}))
        if old is None or old.band != score.band or _codes(said) != _codes(score):
            _say(one.tip, score, in_use, by=by, at=at)
    PastScore.objects.bulk_create(past)
    Score.objects.bulk_create(new, update_conflicts=True, unique_fields=["tip"], update_fields=[*_NUMBERS, "due_at"])
    return changed


def _read(old: Score | None) -> rules.Score | None:
    try:
        return None if old is None else rules.from_json(old.body)
    except msgspec.DecodeError:  # an earlier program wrote it
        return None


def _lasting(score: rules.Score) -> rules.Score:
    """The score without the moments in which it was made and is due."""
    return msgspec.structs.replace(score, at=_EPOCH, due_at=None)


def _codes(score: rules.Score | None) -> tuple[str, ...]:
    return () if score is None else tuple(one.id for one in score.tripwires)


def _say(tip: Tip, score: rules.Score, in_use: InUse, *, by: str, at: datetime) -> None:
    custody.append(
        by=by,
        at=at,
        kind="tip.assessed",
        subject=f"tip:{tip.public_id}",
        data={
            "band": Band(int(score.band)).name.lower(),
            "harm": score.harm,
            "workability": score.workability,
            "tripwires": list(_codes(score)),
            "rulebook": in_use.number,
            "rules": in_use.mark,
        },
    )
