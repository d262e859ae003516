# SPDX-License-Identifier: Apache-2.0
"""Links tips that wait: reads the identifiers in them anew, and works out the persons that this may have changed.

Each tip is a transaction of its own; one that cannot be linked now goes on waiting and holds up no other. Whatever
came in whichever order, what is written is what ``rebuilding`` works out from all rows at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef

from nightlight.pipeline.linking import file_groups, rows, sightings
from nightlight.pipeline.linking import waiting as lists
from nightlight.pipeline.linking.joining import affected_identifiers, anew, arrive
from nightlight.pipeline.linking.models import Progress, Waiting
from nightlight.pipeline.linking.sightings import Read
from nightlight.pipeline.linking.weights import weights
from nightlight.pipeline.tips.models import Document, DocumentKind, State, Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.trust.custody import actions as custody
from nightlight.trust.retention.models import Apart

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.linking.kinds import Side
    from nightlight.pipeline.linking.sightings import Moved
    from nightlight.pipeline.tips.reading import Reading

BATCH = 50  # tips read together
PATIENCE = 20.0  # seconds of work before another task gets its turn
log = structlog.get_logger("linking")


def link_new(
    *, by: str, now: Callable[[], datetime], patience: float = PATIENCE, passed_over: set[int] | None = None
) -> bool:
    """Link tips that wait, newest first; return whether some still wait. Safe to run twice.

    For one process at a time: the task holds a lock. When nothing waits, what earlier rules made is made anew. Tips
    that cannot be linked go on waiting, and are put into ``passed_over``.
    """
    end = time.monotonic() + patience
    passed_over = set() if passed_over is None else passed_over
    while time.monotonic() < end:
        waiting = lists.ready(Waiting, now()).exclude(tip__in=passed_over).values_list("tip_id", flat=True)
        turn = {tip: place for place, tip in enumerate(waiting[:BATCH])}
        tips = sorted(Tip.objects.filter(pk__in=turn), key=lambda tip: turn[tip.pk])
        if not tips and not _outdated(passed_over):
            return False
        understood = _understood(tips)
        for tip in tips:
            if time.monotonic() >= end:
                break
            try:
                if tip.pk not in understood:
                    understood |= _understood([tip], alone=True)
                link(tip.pk, understood[tip.pk], by=by, at=now())
            except (OperationalError, InterfaceError):  # the database itself: nothing else will go better
                raise
            except Exception as error:
                _failed(tip, type(error).__name__, by=by, at=now())
                passed_over.add(tip.pk)
    return waits(at=now(), but=passed_over)


def waits(*, at: datetime, but: Collection[int] = ()) -> bool:
    """Whether a tip waits whose turn it is."""
    return lists.ready(Waiting, at).exclude(tip__in=but).exists()


@transaction.atomic
def _failed(tip: Tip, why: str, *, by: str, at: datetime) -> None:
    """Keep a tip in sight that could not be linked: it waits, is tried ever less often, and pages say so."""
    log.exception("link-failed", tip=tip.public_id, why=why)
    if lists.note_failure(Waiting, tip.pk, why, at) == 1:
        custody.append(by=by, at=at, kind="tip.not-linked", subject=f"tip:{tip.public_id}", data={"why": why})


def _outdated(passed_over: Collection[int]) -> bool:
    """Have tips wait that were read by earlier rules; return whether there are any."""
    old = Progress.objects.filter(version__lt=sightings.VERSION).exclude(tip__in=passed_over).order_by("-tip")
    there = Waiting.objects.filter(tip=OuterRef("tip_id"))  # one that failed and waits for its turn
    tips = list(old.exclude(Exists(there)).values_list("tip_id", flat=True)[:BATCH])
    again(tips)
    return bool(tips)


def _understood(tips: Sequence[Tip], *, alone: bool = False) -> dict[int, Reading | None]:
    """Read tips together; None for what is not read. Where one defeats us, nothing: then each is read alone."""
    there = [tip for tip in tips if tip.state == State.RECEIVED]
    erased = _erased(tip.pk for tip in there)
    found: dict[int, Reading | None] = dict.fromkeys(tip.pk for tip in tips)
    try:
        found |= {one.tip.pk: one.reading for one in understand_all([tip for tip in there if tip.pk not in erased])}
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if alone:
            raise
        return {}
    return found


def _erased(tips: Iterable[int]) -> set[int]:
    """Those of them that were destroyed."""
    gone = Document.objects.filter(tip__in=list(tips), key_part=b"").exclude(kind=DocumentKind.RECEIPT)
    return set(gone.values_list("tip_id", flat=True))


@transaction.atomic
def link(tip_id: int, reading: Reading | None, *, by: str, at: datetime) -> None:
    """Link one tip that was read; None for one of which nothing is kept. Then it waits no more.

    Writes an entry in the log where the tip is linked with something else than before.
    """
    rows.one_at_a_time()
    # First: whoever has it wait again from here on waits for us, and what they did before is seen below.
    Waiting.objects.filter(tip=tip_id).delete()
    tip = Tip.objects.select_related("reporter").get(pk=tip_id)
    wanted = _wanted(tip, reading, at)
    before = rows.linked_with(tip_id)
    if other_side := sightings.changed_sides(tip_id, wanted):
        _write(tip_id, sightings.without(wanted, other_side))
    _write(tip_id, wanted)
    file_groups.keep(tip_id)
    after = rows.linked_with(tip_id)
    done = Progress(tip=tip, version=sightings.VERSION, at=at)
    Progress.objects.bulk_create([done], update_conflicts=True, unique_fields=["tip"], update_fields=["version", "at"])
    if after != before:
        custody.append(
            by=by,
            at=at,
            kind="tip.linked",
            subject=f"tip:{tip.public_id}",
            data={
                "subjects": len(after),
                "tips_of_person": max((tips for tips, _ in after.values()), default=0),
                "rules": sightings.VERSION,
                "weights": weights().version,
            },
        )


def _wanted(tip: Tip, reading: Reading | None, at: datetime) -> Read:
    """What is to be kept of a tip: of one taken back or destroyed nothing.

    Of one set apart, what the people had who were cleared: it is to link nobody.
    """
    if reading is None or tip.state != State.RECEIVED or _erased([tip.pk]):
        return Read()
    apart = frozenset(Apart.objects.filter(subject=f"tip:{tip.public_id}").values_list("part", flat=True))
    wanted = sightings.read(
        reading,
        apart=apart,
        today=at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).date(),
        environment=tip.environment,
        reporter=tip.reporter.name,
    )
    return Read(cleared=wanted.cleared) if tip.set_apart else wanted


def _write(tip_id: int, wanted: Read) -> None:
    """Write what is kept of a tip, and the persons that this changed."""
    written = sightings.write(tip_id, wanted)
    # What officers decided about its people may be new: it is carried out with the tip.
    mine = {key for key, *_ in rows.subjects_of_tip(tip_id)}
    decided = rows.partners(mine)
    for side, moved in written.sides.items():
        _link_side(side, moved, decided=decided, switched=written.switched)


def _link_side(side: Side, moved: Moved, *, decided: Collection[int], switched: Collection[int]) -> None:
    if moved.only_new and not switched and not decided:
        rows.write(arrive(moved.fresh, rows.Rows(side, moved.fresh), newly_verified=moved.newly_verified))
        return
    if not moved.fresh and not moved.after and not moved.corrected and not switched and not decided:
        return
    world = rows.Rows(side, moved.fresh)
    now = world.values(moved.after.keys() | switched)
    then = {one: value.count - moved.grown.get(one, 0) for one, value in now.items()}
    verified = {one for one, value in now.items() if value.verified}
    # What was silenced in this moment counts as if it were not, and what is heard again does: whoever it linked, or
    # links now, is worked out anew.
    grown, changed = affected_identifiers(
        then,
        {one: value.count for one, value in now.items()},
        {one: value.kind for one, value in now.items()},
        verified_before=(verified - moved.newly_verified) | moved.no_longer_verified,
        verified=verified,
        silenced={one for one, value in now.items() if value.silenced and one not in switched},
    )
    mine = rows.on_side(side, {*moved.fresh, *moved.corrected, *decided})
    rows.write(anew(world, subjects=mine, identifiers={*grown, *changed}))


def again(tips: Iterable[int]) -> None:
    """Have tips linked once more."""
    Waiting.objects.bulk_create([Waiting(tip_id=tip) for tip in tips], ignore_conflicts=True)
