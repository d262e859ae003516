# SPDX-License-Identifier: Apache-2.0
"""Works out where tips belong that wait, newest first: signs from the report and from officers, the rules, the unit.

What is written is a proposal and moves nothing. It rests on what is kept and on the lists in use, so worked out once
more it comes out the same; the log has an entry where it points to another place than before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog
from django.db import transaction

from nightlight.pipeline.linking import waiting
from nightlight.pipeline.routing import loading, officer_signs, placing, rulebook, rules, signs
from nightlight.pipeline.routing.models import Proposal, Waiting
from nightlight.pipeline.tips.models import State, Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.pipeline.triage import gathering
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.routing.gazetteer import Gazetteer
    from nightlight.pipeline.routing.geofeed import NetworkPlaces
    from nightlight.pipeline.routing.rules import Proposed
    from nightlight.pipeline.routing.signs import Sign
    from nightlight.pipeline.routing.tiers import Tree

VERSION = 1
"""Of this step; what was made by another is worked out anew by ``nightlight routing rebuild``."""

BATCH = 200  # tips placed in one transaction
PATIENCE = 20.0  # seconds of work before another task gets its turn
_COLUMNS = ["version", "body", "country", "state", "district", "confidence", "unit", "made_at"]
log = structlog.get_logger("routing")


class _Lists(NamedTuple):
    """What a run is placed by: it is read once, so that a batch is of one piece."""

    gazetteer: Gazetteer
    network: NetworkPlaces
    tree: Tree


class _Placed(NamedTuple):
    """What is to be written of a tip."""

    body: str
    country: str
    state: str
    district: str
    confidence: int
    unit: int | None

    @property
    def where(self) -> tuple[str, str, str, int | None]:
        return self.country, self.state, self.district, self.unit


def propose_new(*, by: str, now: Callable[[], datetime], patience: float = PATIENCE) -> waiting.Left:
    """Place tips that wait, newest first; return what is left. Safe to run twice.

    For one process at a time: the task holds a lock. A tip that cannot be placed goes on waiting, holds up no other,
    and is written down as one that fails.
    """
    lists: _Lists | None = None

    def take(passed_over: Collection[int]) -> list[int]:
        there = waiting.ready(Waiting, now()).exclude(tip__in=passed_over)
        return list(there.values_list("tip_id", flat=True)[:BATCH])

    def do(tips: Sequence[int]) -> set[int]:
        nonlocal lists
        lists = lists or _lists()
        return propose(tips, lists, by=by, at=now())

    return waiting.work_off(take, do, lambda tip, why: _failed(tip, why, by=by, at=now()), patience=patience)


def waits(*, at: datetime, but: Collection[int] = ()) -> bool:
    """Whether a tip waits whose turn it is."""
    return waiting.ready(Waiting, at).exclude(tip__in=but).exists()


def _lists() -> _Lists:
    return _Lists(loading.gazetteer(), loading.networks(), placing.tree())


@transaction.atomic
def _failed(key: int, why: str, *, by: str, at: datetime) -> None:
    """Keep a tip in sight that could not be placed: it waits, is tried ever less often, and the log says so once."""
    tip = Tip.objects.get(pk=key)
    log.exception("propose-failed", tip=tip.public_id, why=why)
    if waiting.note_failure(Waiting, key, why, at) == 1:
        custody.append(by=by, at=at, kind="tip.not-routed", subject=f"tip:{tip.public_id}", data={"why": why})


@transaction.atomic
def propose(tips: Sequence[int], lists: _Lists, *, by: str, at: datetime) -> set[int]:
    """Place these tips in one transaction; return those that were, or that have no place any more.

    One about which somebody is writing just now is passed over: it waits, and is placed with what they write.
    """
    mine = _taken(tips)
    found = list(Tip.objects.filter(pk__in=mine).order_by("-pk"))
    gone = gathering.erased(found) | {tip.pk for tip in found if tip.state != State.RECEIVED or tip.set_apart}
    Proposal.objects.filter(tip__in=gone).delete()
    there = [tip for tip in found if tip.pk not in gone]
    cleared, added = gathering.cleared(there), officer_signs.of_tips([tip.pk for tip in there], lists.gazetteer)
    placed: dict[int, _Placed] = {}
    for one in understand_all(there):
        said: tuple[Sign, ...] = ()
        if one.reading is not None:
            reading = gathering.without(one.reading, cleared.get(one.tip.public_id, frozenset()))
            day = one.tip.opened_at.date()
            said = signs.read(reading, gazetteer=lists.gazetteer, network=lists.network, day=day)
        proposed = rules.propose(
            (*said, *added[one.tip.pk]), rulebook.shipped(), at=one.tip.opened_at, names=lists.gazetteer.names
        )
        placed[one.tip.pk] = _place(proposed, lists)
    _write(there, placed, by=by, at=at)
    return mine


def _taken(tips: Iterable[int]) -> set[int]:
    """Take tips off the list of those that wait; return those that nobody else is putting there just now.

    First of all: whoever puts one of them there from here on waits for us, and then it waits again.
    """
    free = Waiting.objects.filter(tip__in=tips).select_for_update(skip_locked=True)
    mine = set(free.order_by("tip").values_list("tip_id", flat=True))
    Waiting.objects.filter(tip__in=mine).delete()
    return mine


def _place(proposed: Proposed, lists: _Lists) -> _Placed:
    best, body = proposed.best, rules.to_json(proposed)
    if best is None:
        return _Placed(body, "", "", "", 0, None)
    # What belongs abroad stays where it is until somebody has sent it on: no unit of ours is responsible for it.
    asked = placing.wheres(proposed, lists.gazetteer) if not proposed.foreign else []
    unit = lists.tree.responsible(asked[0]) if asked else None
    # A child's district finds the unit, and is written nowhere else: entries of the log are for ever.
    return _Placed(body, best.country, best.state, best.named, best.confidence, unit)


def _write(tips: Sequence[Tip], placed: dict[int, _Placed], *, by: str, at: datetime) -> None:
    """Write proposals that say something else than before; the log says where they point to another place."""
    before = Proposal.objects.in_bulk([tip.pk for tip in tips])
    units = dict(Unit.objects.filter(pk__in={one.unit for one in placed.values()}).values_list("pk", "public_id"))
    new = []
    for tip in tips:
        now, old = placed[tip.pk], before.get(tip.pk)
        was = None if old is None else _Placed(*(getattr(old, name) for name in _SAID))
        if was == now and old is not None and old.version == VERSION:
            continue
        new.append(
            Proposal(
                tip=tip,
                version=VERSION,
                body=now.body,
                country=now.country,
                state=now.state,
                district=now.district,
                confidence=now.confidence,
                unit_id=now.unit,
                made_at=at,
            )
        )
        if now.where != (was.where if was else _NOWHERE):
            _say(tip, now, units, by=by, at=at)
    Proposal.objects.bulk_create(new, update_conflicts=True, unique_fields=["tip"], update_fields=_COLUMNS)


_SAID = ("body", "country", "state", "district", "confidence", "unit_id")
_NOWHERE = ("", "", "", None)


def _say(tip: Tip, now: _Placed, units: dict[int, str], *, by: str, at: datetime) -> None:
    custody.append(
        by=by,
        at=at,
        kind="tip.routed",
        subject=f"tip:{tip.public_id}",
        data={
            "country": now.country,
            "state": now.state,
            "district": now.district,
            "confidence": now.confidence,
            "unit": "" if now.unit is None else units[now.unit],
            "rules": rulebook.shipped().version,
        },
    )
