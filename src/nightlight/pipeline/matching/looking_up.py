# SPDX-License-Identifier: Apache-2.0
"""Looks up the files of received tips: digests of all that wait first, which is quick, then picture by picture.

And once more when a list changes: what was found by an entry that is withdrawn is opened again, what a new entry
knows is marked as known.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import structlog
from django.db import InterfaceError, OperationalError, transaction

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.matching import finding, fingerprinting, judging, keeping, rules, serving
from nightlight.pipeline.matching.models import FileState, Fingerprint, How, Match, Near, Progress, Waiting
from nightlight.pipeline.tips.models import Tip, TipFile
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence.models import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.matching.index.known import Known

BATCH = 200  # tips whose digests are looked up together
PATIENCE = 20.0  # seconds of work before another task gets its turn
_PICTURES = (How.PDQ, How.FRAMES)
log = structlog.get_logger("matching")


def look_up_new(*, by: str, now: Callable[[], datetime], patience: float = PATIENCE) -> bool:
    """Look up the files of tips that wait, newest first; return whether some still wait. Safe to run twice.

    For one process at a time: the task holds a lock. A tip whose files cannot be looked up now (the vault does not
    answer, say) goes on waiting and holds up no other. When nothing waits, what earlier rules made is made anew.
    """
    end = time.monotonic() + patience
    passed_over: list[int] = []
    while time.monotonic() < end:
        if _digests(by=by, at=now()):
            continue
        # One that came in this moment is not among them: its digests are looked up first.
        half = Waiting.objects.filter(tip__matching__isnull=False).exclude(tip__in=passed_over)
        newest = half.select_related("tip").order_by("-tip").first()
        if newest is None:
            if waiting() or _outdated():
                continue
            return False
        try:
            _look_up(newest.tip, by=by, now=now)
        except (OperationalError, InterfaceError):  # the database itself: nothing else will go better
            raise
        except Exception:
            log.exception("look-up-failed", tip=newest.tip.public_id)
            passed_over.append(newest.tip_id)
    return Waiting.objects.exclude(tip__in=passed_over).exists()


def waiting() -> bool:
    """Whether a tip waits whose files nobody has looked at at all."""
    return Waiting.objects.filter(tip__matching=None).exists()


def _outdated() -> bool:
    """Have tips wait whose files were looked up by earlier rules; return whether there are any."""
    old = Progress.objects.filter(version__lt=rules.VERSION, tip__set_apart=False).order_by("-tip")
    tips = list(old.values_list("tip_id", flat=True)[:BATCH])
    Waiting.objects.bulk_create([Waiting(tip_id=tip) for tip in tips], ignore_conflicts=True)
    return bool(tips)


def _digests(*, by: str, at: datetime) -> int:
    """Look up the digests of a batch of tips that nobody has looked at yet; return how many tips.

    A tip without files is done with that.
    """
    fresh = Waiting.objects.filter(tip__matching=None).order_by("-tip")
    tips = list(fresh.values_list("tip_id", flat=True)[:BATCH])
    if not tips:
        return 0
    known = serving.refresh()
    with transaction.atomic():
        of_tip = _blobs(tips)
        blobs = {blob for some in of_tip.values() for blob in some}
        _look_up_digests(known, blobs, at)
        measured = dict(Fingerprint.objects.filter(pk__in=blobs).values_list("pk", "version"))
        rows = []
        for tip in tips:
            files = of_tip.get(tip, [])
            rows.append(
                Progress(
                    tip_id=tip,
                    version=rules.VERSION,
                    digests_at=at,
                    finished_at=None if files else at,
                    files=len(files),
                    measured=sum(measured.get(blob) == rules.VERSION for blob in files),
                    **_counted(judging.states(tip, files, looked_up=False) if files else ()),
                )
            )
        Progress.objects.bulk_create(rows, ignore_conflicts=True)
        done = [tip for tip in tips if not of_tip.get(tip)]
        for name in Tip.objects.filter(pk__in=done).order_by("pk").values_list("public_id", flat=True):
            _say(name, files=0, counted=_counted(()), by=by, at=at)
        Waiting.objects.filter(tip__in=done).delete()
    return len(tips)


def _say(public_id: str, *, files: int, counted: dict[str, int], by: str, at: datetime) -> None:
    custody.append(
        by=by,
        at=at,
        kind="tip.fingerprinted",
        subject=f"tip:{public_id}",
        data={"files": files, "rules": rules.VERSION, **counted},
    )


def _look_up_digests(known: Known, blobs: Iterable[int], at: datetime) -> None:
    """Look up the digests of files whose bytes are kept, and count anew in which tips they came."""
    rows = list(Blob.objects.filter(pk__in=set(blobs), key__isnull=False))
    keeping.matches([row.pk for row in rows], finding.by_digest(known, rows), hows=[How.DIGEST], at=at)
    keeping.sightings([row.pk for row in rows])


def _look_up(tip: Tip, *, by: str, now: Callable[[], datetime]) -> None:
    """Make and look up the fingerprints of a tip's files; then it waits no more."""
    items = [file.item for file in TipFile.objects.filter(tip=tip).select_related("item").order_by("id")]
    for done, item in enumerate(items, 1):
        fingerprinting.fingerprint(item, at=now())
        Progress.objects.filter(tip=tip).update(measured=done)
    at = now()
    blobs = [item.blob_id for item in items]
    known = serving.refresh()
    with transaction.atomic():
        _look_up_digests(known, blobs, at)  # once more: a list may have changed meanwhile
        _look_up_pictures(known, blobs, at)
        counted = _counted(judging.states(tip.pk, blobs, looked_up=True))
        Progress.objects.filter(tip=tip).update(version=rules.VERSION, finished_at=at, measured=len(items), **counted)
        Waiting.objects.filter(tip=tip).delete()
        _say(tip.public_id, files=len(items), counted=counted, by=by, at=at)
        _renew_later(tip, blobs, by=by, at=at)


def _renew_later(tip: Tip, blobs: Sequence[int], *, by: str, at: datetime) -> None:
    """What came later and was looked up first learns that there was something like it before."""
    alike = Near.objects.filter(blob_id__in=blobs).values("other_id")
    files = TipFile.objects.filter(item__blob_id__in=alike, tip__state_at__gt=tip.state_at).values("tip_id")
    for later in Tip.objects.filter(pk__in=files, matching__finished_at__isnull=False).select_related("matching"):
        _renew(later, by=by, at=at)


def _look_up_pictures(known: Known, blobs: Sequence[int], at: datetime) -> None:
    prints = list(Fingerprint.objects.filter(pk__in=blobs))
    films = [one.pk for one in prints if one.pdq is None and not one.why]
    # What is known by its bytes needs no second line that says how near it looks.
    same = set(
        Match.objects.filter(blob_id__in=blobs, how=How.DIGEST, differ="", ended_at=None).values_list(
            "blob_id", "entry_id"
        )
    )
    near = [one for one in finding.by_picture(known, prints) if (one.blob, one.entry) not in same]
    found = [*near, *finding.by_frames(known, films)]
    keeping.matches(blobs, found, hows=_PICTURES, at=at)


def look_up_again(blobs: Sequence[int], *, by: str, at: datetime) -> int:
    """Compare files that are here once more with all lists; return for how many tips that says something else.

    A tip of which a file was known and is not any more is opened again: an entry in the log says so.
    """
    known = serving.refresh()
    with transaction.atomic():
        _look_up_digests(known, blobs, at)
        _look_up_pictures(known, blobs, at)
        # Of every tip with one of them: an entry that only changed what it says leaves the matches as they were.
        tips = TipFile.objects.filter(item__blob_id__in=blobs, tip__set_apart=False).values("tip_id")
        found = Tip.objects.filter(pk__in=tips, matching__isnull=False).select_related("matching")
        return sum(_renew(tip, by=by, at=at) for tip in found)


def _renew(tip: Tip, *, by: str, at: datetime) -> bool:
    """Work out anew what is told about the files of a tip; write it into the log if that is something else."""
    before = tip.matching
    blobs = _blobs([tip.pk]).get(tip.pk, [])
    told = dict(FileState.objects.filter(tip=tip).values_list("blob_id", "state"))
    states = judging.states(tip.pk, blobs, looked_up=before.finished_at is not None)
    became, counted = dict(zip(blobs, states, strict=True)), _counted(states)
    if became == told:
        return False
    known = rules.State.KNOWN
    reopened = any(state == known and became.get(blob) != known for blob, state in told.items())
    Progress.objects.filter(tip=tip).update(**counted, **({"reopened_at": at} if reopened else {}))
    custody.append(
        by=by,
        at=at,
        kind="tip.match-withdrawn" if reopened else "tip.rematched",
        subject=f"tip:{tip.public_id}",
        data={"rules": rules.VERSION, **counted, "known_before": before.known},
    )
    return True


def _blobs(tips: Iterable[int]) -> dict[int, list[int]]:
    """The files of tips, in the order in which they came."""
    found: dict[int, list[int]] = {}
    for tip, blob in (
        TipFile.objects.filter(tip_id__in=list(tips)).order_by("id").values_list("tip_id", "item__blob_id")
    ):
        found.setdefault(tip, []).append(blob)
    return found


def _counted(states: Iterable[rules.State]) -> dict[str, int]:
    counted = Counter(states)
    told = (rules.State.KNOWN, rules.State.NEAR, rules.State.DISPUTED, rules.State.SEEN, rules.State.NEW)
    return {state.value: counted[state] for state in told}


def again(public_id: str) -> None:
    """Have the files of one tip looked up once more. Raises NotFound."""
    tip = Tip.objects.filter(public_id=public_id, state="received").first()
    if tip is None:
        raise NotFound("There is no such tip.")
    Waiting.objects.get_or_create(tip=tip)
