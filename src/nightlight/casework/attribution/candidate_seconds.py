# SPDX-License-Identifier: Apache-2.0
"""What candidates are to one another: whether they take turns, and which second time is asked beside a lone one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import For, Pro
from nightlight.casework.attribution.candidate_reasons import Times, grouped, time_of
from nightlight.casework.attribution.candidate_stretches import APART_FROM, ORGANISATIONS, independent
from nightlight.casework.attribution.kinds import Way
from nightlight.casework.attribution.rhythm import FEWEST, turns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from nightlight.casework.attribution.candidate_kinds import Candidate
    from nightlight.casework.attribution.candidate_stretches import Item, Stretch

_TURNS = 12  # candidates that are compared with one another
_LOOKED = 20


def with_turns(found: Sequence[Candidate], stretches: Sequence[Stretch], zone: tzinfo | None) -> list[Candidate]:
    """The candidates, the first of them with whether they take turns with another on the same days."""
    made = list(found)
    if zone is None:
        return made
    by_key = {stretch.items[0].event.key: stretch for stretch in stretches}
    times = {one.key: [time_of(item) for item in by_key[one.events[0]].counting] for one in made[:_TURNS]}
    for place, one in enumerate(made[:_TURNS]):
        for other in found[:_TURNS]:
            if other.target == one.target or min(len(times[one.key]), len(times[other.key])) < FEWEST // 2:
                continue
            both = turns(times[one.key], times[other.key], zone)
            if both.take_turns:
                pro = Pro(For.TAKES_TURNS, one.independent, both.days, other.target)
                made[place] = replace(made[place], supporting=(*made[place].supporting, pro))
    return made


class SecondTimes:
    """Where a candidate rests on one time, which other independent times there are to be asked beside it."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        times = [item for stretch in stretches for item in stretch.independent]
        self.items = {item.event.key: item for item in times}
        # What leads to an organisation, or has lost its records, is a time, but its answer names no subscriber.
        askable = [item for item in times if _answers(item)]
        self.all = Times(askable)
        self.of_operator = grouped(askable, _operator)

    def beside(self, one: Candidate) -> tuple[str, ...]:
        """The nearest independent times before and after, of the same operator where there are any."""
        if not one.independent:
            return ()
        item = self.items[one.independent[0]]
        same = self.of_operator.get(_operator(item))
        return self._near(item, same) or self._near(item, self.all)

    def _near(self, item: Item, times: Times | None) -> tuple[str, ...]:
        if times is None:
            return ()
        # Whatever is less than twelve hours away is no other time.
        until = bisect_right(times.times, time_of(item) - APART_FROM)
        since = bisect_left(times.times, time_of(item) + APART_FROM)
        before = times.items[max(0, until - _LOOKED) : until][::-1]
        after = times.items[since : since + _LOOKED]
        found = (next((one for one in side if independent(item, one)), None) for side in (before, after))
        return tuple(one.event.key for one in found if one is not None)


def _answers(item: Item) -> bool:
    label = item.graded.labelled.label
    return label not in ORGANISATIONS and item.graded.traceability.way is Way.TRACE


def _operator(item: Item) -> str | int:
    if item.facts is not None and item.facts.operator:
        return item.facts.operator
    return item.graded.labelled.asn or item.target
