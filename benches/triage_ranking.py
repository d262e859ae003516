# SPDX-License-Identifier: Apache-2.0
"""Ranks worlds of the exercise in memory, with the product's own reading, linking, language, facts, rules and rows.

What stands in for a part of the product: how files stand in lists comes from ``exercise.expected`` (matching is tried
against it elsewhere), and which files are copies of one picture from the plan of the world. Nothing else of the truth
goes in; it is asked only afterwards, which tips are at risk. ``triage_filed.py`` shows that a filed world comes out the
same.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from math import ceil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nightlight.exercise import expected
from nightlight.exercise.lists import make_lists
from nightlight.exercise.measures import at_risk_keys, top_recall
from nightlight.exercise.patterns import draw
from nightlight.exercise.plan import Ending
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import STANDING_NOW, World, build
from nightlight.pipeline.linking import bulk, identifiers
from nightlight.pipeline.linking.kinds import Side
from nightlight.pipeline.linking.weights import weights
from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.reading import Reading, ReceivedFile
from nightlight.pipeline.triage import gathering, language, rulebook, rules, standing
from nightlight.pipeline.triage.facts import Linked, facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from nightlight.exercise.patterns import Picture
    from nightlight.exercise.plan import PlannedReport
    from nightlight.pipeline.triage.facts import Facts

SHARE = 0.1
_APART = timedelta(seconds=0.05)  # a demo files twenty reports a second
BANDS = ("critical", "high", "medium", "low")


class Placed(NamedTuple):
    """One tip as it stands: in which row, and by which numbers."""

    key: str
    row: tuple[str, Any]
    band: int
    harm: int
    dies_at: datetime | None
    workability: int
    number: int  # in the order of arrival


@dataclass(slots=True)
class Tip:
    """One received report of a world, with what the steps before the rules say of it."""

    key: str
    number: int
    reporter: str
    reading: Reading
    states: dict[str, State]
    groups: dict[str, str]  # picture by file
    payload: bytes
    received_at: datetime
    words: tuple[tuple[str, str], ...] = ()
    heard: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread: bool = False
    linked: Linked = field(default_factory=Linked)
    person: int | None = None
    tips_of_person: int = 1
    picture: str | None = None
    first: int | None = None


@cache
def _bytes(picture: Picture) -> tuple[int, str]:
    body = draw(picture)
    return len(body), hashlib.sha256(body).hexdigest()


def tips_of(world: World) -> list[Tip]:
    """Read all received reports of a world and link them; states of files are those once all have come."""
    received = [one for one in world.reports if one.ending is Ending.FINISHED]
    ids: dict[str, int] = {}
    states: dict[str, dict[str, State]] = defaultdict(dict)
    for said in expected.states(world, make_lists(world.seed, len(world.reports)).first):
        states[said.report][said.file] = State(said.state)
    found = []
    for number, report in enumerate(received):
        found.append(_read(report, number, ids, states[report.key], world.now + number * _APART))
        ids[report.key] = 10**11 + number
    _listen(found)
    _link(found)
    return found


def _read(report: PlannedReport, number: int, ids: Mapping[str, int], states: Mapping[str, State], at: datetime) -> Tip:
    files = {f"{number:05d}{place:03d}": file for place, file in enumerate(report.files)}
    body = write_report(report, ids)
    details = [write_file_details(report, file, 1, name) for name, file in files.items() if file.described]
    arrived = []
    for name, file in files.items():
        size, digest = _bytes(file.picture)
        arrived.append(ReceivedFile(name, file.name, size, "", "", digest, at))
    payload = hashlib.sha256(body + b"".join(one.sha256.encode() for one in arrived))
    return Tip(
        key=report.key,
        number=number,
        reporter=report.reporter,
        reading=read_report(body, details, arrived),
        states={name: states[file.key] for name, file in files.items() if file.key in states},
        # Nothing at all is no picture; a copy at half the size is the same one.
        groups={
            name: file.shared or _bytes(file.picture)[1] for name, file in files.items() if _bytes(file.picture)[0]
        },
        payload=report.reporter.encode() + payload.digest(),
        received_at=at,
    )


def _listen(tips: Iterable[Tip]) -> None:
    for tip in tips:
        tip.words = tuple(gathering.texts(tip.reading))
        tip.heard = gathering.words_of(tip.reading, tip.words)
        tip.unread = bool(language.unread(tip.words))


def _link(tips: Sequence[Tip]) -> None:
    """Say of each tip who its person is and how often its pictures came; a report sent again counts once."""
    firsts: dict[bytes, int] = {}
    for tip in tips:
        firsts.setdefault(tip.payload, tip.number)
    times = Counter(tip.payload for tip in tips)
    again = {tip.number for tip in tips if firsts[tip.payload] != tip.number}
    persons, kinds = _persons(tips)
    members: dict[int, set[int]] = defaultdict(set)
    for number, mine in enumerate(persons):
        for person in mine:
            members[person] |= {number} - again
    carriers: dict[str, set[int]] = defaultdict(set)
    for tip in tips:
        for group in tip.groups.values():
            carriers[group] |= {tip.number} - again
    for tip in tips:
        mine = persons[tip.number]
        sizes = [members[person] for person in mine] or [{tip.number}]
        viral = {name for name, group in tip.groups.items() if len(carriers[group]) >= gathering.VIRAL}
        tip.linked = Linked(
            tips=max(1, *map(len, sizes)),
            providers=max(1, *(len({tips[one].reporter for one in some}) for some in sizes)),
            viral_files=frozenset(viral),
            found=kinds[tip.number],
        )
        if mine and len(members[mine[0]]) > 1:
            tip.person, tip.tips_of_person = mine[0], len(members[mine[0]])
        pictures = {tip.groups.get(file.file_id or "") for file in tip.reading.files if file.received}
        if len(pictures) == 1 and len(viral) == len(tip.groups):
            tip.picture = pictures.pop()
        if times[tip.payload] > 1:
            tip.first = firsts[tip.payload]


def _persons(tips: Sequence[Tip]) -> tuple[list[list[int]], list[Counter[str]]]:
    """Who is reported in each tip, by the person's anchor, in the order of its parties; identifiers by kind."""
    codes = weights().codes
    subject: list[int] = []
    identifier: list[int] = []
    places: dict[tuple[str, str], int] = {}
    verified: set[int] = set()
    nodes: list[list[int]] = []
    counts: list[Counter[str]] = []
    total = 0
    for tip in tips:
        found = identifiers.found(tip.reading, reporter=tip.reporter)
        people = [one.party for one in identifiers.subjects(tip.reading) if one.side is Side.SUSPECT]
        node = {party: total + place for place, party in enumerate(people)}
        total += len(people)
        nodes.append(list(node.values()))
        for party, one in identifiers.attach(tip.reading, found):
            if party in node:
                place = places.setdefault((one.kind.value, one.value), len(places))
                subject.append(node[party])
                identifier.append(place)
                verified |= {place} if one.verified else set()
        kept = {(one.kind.value, one.value) for one in found if one.side in (Side.SUSPECT, Side.TIP)}
        counts.append(Counter(kind for kind, _ in kept))
    flags = np.zeros(len(places), bool)
    flags[list(verified)] = True
    linked = bulk.link(
        np.array(subject, np.int64),
        np.array(identifier, np.int64),
        np.array([codes[kind] for kind, _ in places], np.int64),
        verified=flags,
        subjects=np.arange(total),
    )
    return [[int(linked.anchor[one]) for one in some] for some in nodes], counts


def facts_of(tip: Tip, at: datetime) -> Facts:
    """Return the facts of a tip, as ``gathering.gather`` asks for them."""
    return facts(
        tip.reading,
        file_states=tip.states,
        linked=tip.linked,
        language=tip.heard,
        officer={},
        at=at,
        received_at=tip.received_at,
        unread=tip.unread,
    )


def placed(tips: Sequence[Tip], at: datetime, book: rulebook.Rulebook) -> tuple[list[Placed], list[rules.Score]]:
    """Score tips and say where each stands."""
    base = {rule.line.id for rule in book.factors if rule.line.base}
    places, scores = [], []
    for tip in tips:
        told = facts_of(tip, at)
        score = rules.score(told, book, at)
        known: Any = SimpleNamespace(
            tip=SimpleNamespace(pk=tip.number), person=tip.person, picture=tip.picture, first=tip.first
        )
        kind, anchor = standing._group(known, score, base)  # the product's own
        places.append(
            Placed(
                tip.key, (str(kind), anchor), int(score.band), score.harm, score.dies_at, score.workability, tip.number
            )
        )
        scores.append(score)
    return places, scores


_NEVER = float("inf")


def _order(band: int, dies_at: datetime | None, workability: int, number: int) -> tuple[float, ...]:
    return -band, _NEVER if dies_at is None else dies_at.timestamp(), -workability, number


def queue(tips: Iterable[Placed]) -> list[str]:
    """Return the tips as an officer meets them who works the queue from its top.

    Rows stand by their highest band, then by what is lost first, then by the most workability, as the database makes
    them. All tips of a row count at its place, one after the other in their own order: a row of forty is forty tips.
    """
    rows: dict[tuple[str, Any], list[Placed]] = defaultdict(list)
    for tip in tips:
        rows[tip.row].append(tip)

    def place(members: Sequence[Placed]) -> tuple[float, ...]:
        times = [one.dies_at for one in members if one.dies_at is not None]
        best = max(one.workability for one in members)
        first = min(one.number for one in members)
        return _order(max(one.band for one in members), min(times, default=None), best, first)

    ordered = sorted(rows.values(), key=place)
    inside = [sorted(m, key=lambda one: _order(one.band, one.dies_at, one.workability, one.number)) for m in ordered]
    return [one.key for members in inside for one in members]


def orders(tips: Iterable[Placed], files: Mapping[str, int] | None = None) -> dict[str, list[str]]:
    """Return the orders that are compared, each of all tips.

    - ``tips``: each tip by its own numbers, as if every tip were a row.
    - ``queue``: the queue; all tips of a row count where the row stands (see ``queue``).
    - ``arrival``: the newest first, as the inbox shows them.
    - ``files``: the most files first, and of as many the newest; only where ``files`` says how many.
    """
    there = list(tips)
    newest = sorted(there, key=lambda one: -one.number)
    own = sorted(there, key=lambda one: _order(one.band, one.dies_at, one.workability, one.number))
    found = {"tips": [one.key for one in own], "queue": queue(there), "arrival": [one.key for one in newest]}
    if files is not None:
        found["files"] = [one.key for one in sorted(newest, key=lambda one: -files[one.key])]
    return found


@dataclass(slots=True)
class Ranked:
    """One world: how its tips stand, in which orders, which are at risk, and what was said of each."""

    world: World
    tips: dict[str, Tip]
    scores: dict[str, rules.Score]
    placed: dict[str, Placed]
    orders: dict[str, list[str]]
    risky: frozenset[str]
    seconds: dict[str, float]

    def recalls(self, share: float = SHARE) -> dict[str, float]:
        """The part of the tips at risk among the first share, for each order."""
        return {name: top_recall(order, self.risky, share) for name, order in self.orders.items()}

    def rows(self) -> list[list[str]]:
        """The rows of the queue from its top, each with its tips."""
        found: dict[tuple[str, Any], list[str]] = defaultdict(list)
        for key in self.orders["queue"]:
            found[self.placed[key].row].append(key)
        return list(found.values())

    def top(self, share: float = SHARE) -> set[str]:
        """The tips among the first share, each by its own numbers."""
        return set(self.orders["tips"][: ceil(share * len(self.tips))])


def rank(seed: int, reports: int, *, now: datetime = STANDING_NOW) -> Ranked:
    """Build the world of a seed and rank it."""
    world = build(seed, reports, now=now)
    tips = tips_of(world)
    at = world.now + len(tips) * _APART + timedelta(minutes=1)
    places, scores = placed(tips, at, rulebook.shipped())
    return Ranked(
        world=world,
        tips={tip.key: tip for tip in tips},
        scores=dict(zip((tip.key for tip in tips), scores, strict=True)),
        placed={one.key: one for one in places},
        orders=orders(places, {tip.key: len(tip.reading.files) for tip in tips}),
        risky=at_risk_keys(world),
        seconds=speed(tips, at),
    )


def speed(tips: Sequence[Tip], at: datetime, *, turns: int = 3) -> dict[str, float]:
    """Return processor seconds for facts and scores of all tips (the best of some turns), and for reading words."""
    book = rulebook.shipped()
    scoring, listening = [], []
    for _ in range(turns):
        began = time.process_time()
        for tip in tips:
            rules.score(facts_of(tip, at), book, at)
        scoring.append(time.process_time() - began)
    began = time.process_time()
    for tip in tips:
        gathering.words_of(tip.reading, tip.words)
        language.unread(tip.words)
    listening.append(time.process_time() - began)
    return {"scoring": min(scoring), "listening": min(listening), "tips": float(len(tips))}


def by_band(ranked: Collection[Ranked]) -> list[dict[str, Any]]:
    """Return a line for each band: tips, of which at risk, and rows."""
    lines = []
    for number, name in zip((3, 2, 1, 0), BANDS, strict=True):
        mine = [(one, key) for one in ranked for key, score in one.scores.items() if int(score.band) == number]
        risky = sum(key in one.risky for one, key in mine)
        lines.append(
            {
                "band": name,
                "tips": len(mine),
                "at_risk": risky,
                "at_risk_percent": round(100 * risky / len(mine), 1) if mine else 0.0,
                "in_first_tenth": sum(key in one.top() for one, key in mine),
            }
        )
    return lines


def by_reason(ranked: Collection[Ranked]) -> list[dict[str, Any]]:
    """Return a line for each reason why a child is at risk: how many, how many in the first tenth, in which bands."""
    found: dict[str, list[tuple[Ranked, str]]] = defaultdict(list)
    for one in ranked:
        for risk in one.world.truth.children_at_risk:
            if risk.report in one.risky:
                found[risk.reason].append((one, risk.report))
    return [
        {
            "reason": reason,
            "tips": len(mine),
            "in_first_tenth": sum(key in one.top() for one, key in mine),
            "critical": sum(int(one.scores[key].band) == 3 for one, key in mine),
        }
        for reason, mine in sorted(found.items())
    ]


def missed(one: Ranked) -> list[dict[str, Any]]:
    """Return the tips at risk that are not in the first tenth, with the reason and the signs that the report shows."""
    top = one.top()
    places = {key: number for number, key in enumerate(one.orders["tips"], 1)}
    return [
        {
            "seed": one.world.seed,
            "report": risk.report,
            "reason": risk.reason,
            "signs": list(risk.signs),
            "band": BANDS[3 - int(one.scores[risk.report].band)],
            "harm": one.scores[risk.report].harm,
            "place": places[risk.report],
            "of": len(one.tips),
            "rules": [rule.id for rule in (*one.scores[risk.report].factors, *one.scores[risk.report].caps)],
        }
        for risk in one.world.truth.children_at_risk
        if risk.report in one.risky and risk.report not in top
    ]


def missed_by_signs(misses: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the missed by reason and the signs that their reports show, most first."""
    many = Counter((line["reason"], " ".join(line["signs"]) or "none", line["band"]) for line in misses)
    return [
        {"reason": reason, "signs": signs, "band": band, "tips": number}
        for (reason, signs, band), number in many.most_common()
    ]


def false_alarms(ranked: Collection[Ranked]) -> dict[str, Any]:
    """Return how many tips of the first tenth are not at risk, and which rules put them there."""
    alarms = [(one, key) for one in ranked for key in one.top() - one.risky]
    wires: Counter[str] = Counter()
    for one, key in alarms:
        score = one.scores[key]
        wires.update([rule.id for rule in score.tripwires] or [f"band {BANDS[3 - int(score.band)]}, no tripwire"])
    return {
        "tips_in_first_tenth": sum(len(one.top()) for one in ranked),
        "not_at_risk": len(alarms),
        "by_rule": dict(wires.most_common()),
    }
