# SPDX-License-Identifier: Apache-2.0
"""The hours that units have, as the rulebook states them, and the stops of a unit's clock on a tip."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING

from nightlight.pipeline.routing import rulebook, sla
from nightlight.pipeline.routing.models import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@functools.cache
def stated() -> sla.Sla:
    """Return the hours that count now: those of the rulebook that comes with the program."""
    rules = rulebook.shipped()
    return sla.Sla(
        answer=rules.answer_hours,
        work=rules.work_hours,
        reasons=rules.stop_reasons,
        reroutes=rules.rerouting.most_automatic,
    )


def goes_on_after() -> frozenset[str]:
    """Return the codes with which a unit sends back after which a tip is offered on without a person."""
    return frozenset(rulebook.shipped().rerouting.after)


def reasons() -> tuple[rulebook.StopReason, ...]:
    """Return the reasons for a stop, each with its words and whether it stops the clock."""
    return rulebook.shipped().stop


def stood(pairs: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[sla.Stood, ...]]:
    """Return when the clocks of these (tip, unit) stood, by keys of the database; one query. Absent where never."""
    wanted = set(pairs)
    found: dict[tuple[int, int], list[sla.Stood]] = defaultdict(list)
    rows = Stop.objects.filter(tip__in={tip for tip, _ in wanted}).order_by("at")
    stops = {reason for reason, does in stated().reasons.items() if does}
    for tip, unit, reason, since, until in rows.values_list("tip_id", "unit_id", "reason", "at", "ended_at"):
        if (tip, unit) in wanted and reason in stops:
            found[tip, unit].append(sla.Stood(since, until))
    return {key: tuple(spans) for key, spans in found.items()}


def answer_due(sent_at: datetime, band: int, spans: Iterable[sla.Stood] = (), *, at: datetime) -> datetime:
    """Return by when an offer of this band is to be answered."""
    return sla.due(sent_at, stated().to_answer(band), spans, at=at)


def work_due(since: datetime, band: int, spans: Iterable[sla.Stood] = (), *, at: datetime) -> datetime:
    """Return by when somebody of the unit that holds a tip of this band is to have taken it up."""
    return sla.due(since, stated().to_work(band), spans, at=at)
