# SPDX-License-Identifier: Apache-2.0
"""Asking the operators of the trails: a request per operator, its answer as a file with flaws, read and matched."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import State
from nightlight.casework.attribution.returns.answers import Asked as Wanted
from nightlight.casework.attribution.returns.answers import Mark, answers, question
from nightlight.casework.attribution.returns.corroborating import Finding
from nightlight.casework.attribution.returns.layouts import built_in
from nightlight.casework.attribution.returns.opening import Return, Table
from nightlight.casework.attribution.returns.plain import Found, find
from nightlight.casework.attribution.returns.rows import number_of
from nightlight.exercise import chance, returns
from nightlight.exercise.carriers import BY_KEY, SERVES_PEOPLE, Layout
from nightlight.exercise.returns import Asked

if TYPE_CHECKING:
    from attribution_world import Unit
    from nightlight.casework.attribution.candidate_kinds import Candidate, Ranking
    from nightlight.casework.attribution.kinds import Event
    from nightlight.casework.attribution.returns.answers import Answer
    from nightlight.exercise.carriers import Carrier

AROUND = 600
"""Seconds before and after the event that a request asks for."""

LAYOUTS = tuple(one.in_zone("UTC", by="the operator's letter") for one in built_in() if one.code == Layout.FLOW)
LEADS = {State.CORROBORATED, State.TRACEABLE}


@dataclass
class Asking:
    """What was asked of whom and what came back."""

    unit: Unit
    lines: int = 0
    people: int = 0
    flaws: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    near_misses: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    organisations: set[str] = field(default_factory=set)

    def ask(self, subject: str, ranking: Ranking) -> list[Finding]:
        """Ask for every event that the ranking says may be asked, and return what the answers are."""
        by_operator: dict[str, list[Event]] = defaultdict(list)
        for key in _worth_asking(ranking.candidates):
            operator = self.unit.holder(key)
            if operator is not None and operator.code in BY_KEY:
                by_operator[operator.code].append(self.unit.events[key])
        found: list[Finding] = []
        for code, events in sorted(by_operator.items()):
            carrier = BY_KEY[code]
            if carrier.access in SERVES_PEOPLE:
                pool = self.unit.world.books.capacity(carrier)
                given = self._answered(subject, carrier, events)
                # As whoever reads the answer sees it: the column is "Name of person/organization".
                shops = frozenset(name for one in given for name in one.subscribers) & self.organisations
                found += [
                    Finding(one, self.unit.grades[one.asked.key], code, pool, organisations=shops) for one in given
                ]
        return found

    def _answered(self, subject: str, carrier: Carrier, events: list[Event]) -> list[Answer]:
        self.lines += len(events)
        world = self.unit.world
        asked = [
            Asked(str(one.address), one.port if carrier.shares > 1 else None, _at(one) - AROUND, _at(one) + AROUND)
            for one in events
        ]
        true = returns.entries(world.books, carrier, asked, world.organisations)
        name = f"{world.seed}/{subject}/{carrier.key}"
        flaws = returns.drawn(chance.stream(name, "flaws"))
        for flaw in flaws:
            self.flaws[flaw.name.lower()] += 1
        other = world.books.subscriber(carrier, world.books.capacity(carrier) - 1)
        answer = returns.answer(name, carrier.layout, true, flaws, other=other)
        self.people += len({entry.subscriber.account for entry in answer.entries})
        if carrier.layout is Layout.IPDR:  # the other layouts name nobody
            self.organisations |= {one.subscriber.account for one in answer.entries if one.subscriber.organisation}
        wanted = [self._wanted(carrier, one) for one in events]
        asking = question(wanted)
        nothing: list[int | None] = [None] * len(wanted)
        found = Found([], {}, nothing, nothing, [0] * len(wanted))
        with Return(io.BytesIO(answer.data), "return.csv") as opened:
            for table in opened:
                if isinstance(table, Table):
                    found = find(table, LAYOUTS, asking.sought, asking.error)
        given = answers(wanted, asking, found)
        for one in given:
            for miss in one.near_misses:
                self.near_misses[str(miss.kind)] += 1
        return [self._asked_again(carrier, one) for one in given]

    def _wanted(self, carrier: Carrier, one: Event) -> Wanted:
        """Return what is looked for in an answer: the port only where it decides."""
        port = one.port if one.version == 4 and carrier.shares > 1 else None
        error = self.unit.world.site[one.reporter].stated_error
        return Wanted(one.key, number_of(str(one.address)), port, _at(one), error)

    def _asked_again(self, carrier: Carrier, one: Answer) -> Answer:
        """Return the answer with subscribers: of inside addresses the operator is asked again whose they were."""
        if carrier.layout is not Layout.SYSLOG:
            return one
        named = tuple(replace(each, subscriber=_account(carrier, each.subscriber)) for each in one.named)
        return replace(one, named=named, marks=tuple(mark for mark in one.marks if mark is not Mark.INSIDE_ONLY))


def _account(carrier: Carrier, inside: str) -> str:
    _, second, third, fourth = (int(part) for part in inside.split("."))
    return f"{carrier.key}-{((second - 64) << 16) + (third << 8) + fourth:05d}"


def _worth_asking(candidates: tuple[Candidate, ...]) -> list[str]:
    keys = [key for one in candidates if one.state in LEADS for key in (*one.ask, *one.independent, *one.require)]
    return list(dict.fromkeys(keys))


def _at(one: Event) -> int:
    assert one.utc is not None
    return int(one.utc.timestamp())
