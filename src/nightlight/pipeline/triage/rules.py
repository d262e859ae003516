# SPDX-License-Identifier: Apache-2.0
"""Three numbers for a tip, each with its reasons: how urgent, how soon what it rests on is lost, whether one can act.

Unknown is not zero and adds nothing: what is not known is listed with what it could come to and the cheapest way to
find out. A number from a rulebook is an order of work and no probability.
"""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from nightlight.pipeline.triage.facts import Evidence, Facts
from nightlight.pipeline.triage.vocabulary import FACTS, Type, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.pipeline.triage.conditions import Values
    from nightlight.pipeline.triage.rulebook import Rule, Rulebook

VERSION = 1  # of what is done with a rulebook; scores of another version are made anew
_HOUR = timedelta(hours=1)


class Band(IntEnum):
    """How urgent a tip is; the order is that of the queue from its end."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Applied(msgspec.Struct, frozen=True):
    """A rule that applied, with its points and where in the report its facts stand."""

    id: str
    label: str
    points: int
    evidence: tuple[Evidence, ...] = ()


class Loss(msgspec.Struct, frozen=True):
    """What is lost and when; ``lost``: that was before the score was made."""

    id: str
    label: str
    at: datetime
    lost: bool


class Open(msgspec.Struct, frozen=True):
    """A fact nobody knows yet. Alone it could add ``points`` and lift the tip to ``band``; 0: only with others."""

    fact: str
    label: str
    points: int
    band: Band
    check: str
    minutes: int


class Score(msgspec.Struct, frozen=True):
    """What the rules say of a tip at one moment. ``inputs``: every fact, so that the score can be made again.

    ``dies_at``: the next loss; None where none is known. ``due_at``: when time alone may change this score.
    ``could_be``: the band that all unknown facts together could lift it to.
    """

    rules: str
    digest: str
    version: int
    at: datetime
    harm: int
    band: Band
    dies_at: datetime | None
    workability: int
    tripwires: tuple[Applied, ...]
    factors: tuple[Applied, ...]
    caps: tuple[Applied, ...]
    notes: tuple[Applied, ...]
    work: tuple[Applied, ...]
    losses: tuple[Loss, ...]
    unknowns: tuple[Open, ...]
    could_be: Band
    due_at: datetime | None
    inputs: dict[str, Value]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Score).decode


def to_json(score: Score) -> bytes:
    """Return the score as JSON; `from_json` gives back an equal one."""
    return _encode(score)


def from_json(body: bytes | str) -> Score:
    """Return the score that `to_json` wrote. Raises msgspec.DecodeError."""
    return _decode(body)


def score(facts: Facts, rulebook: Rulebook, at: datetime) -> Score:
    """Return what the rulebook says of these facts at `at`. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("the time needs its zone")
    at = at.astimezone(UTC)
    values = facts.values
    tripwires = _applying(rulebook.tripwires, values, at)
    factors = _applying(rulebook.factors, values, at)
    caps = _caps(rulebook, factors, tripwires, values, at)
    harm = _harm(factors, caps)
    band = _band(rulebook, harm, tripped=bool(tripwires))
    work = _applying(rulebook.workability, values, at)
    losses = _losses(rulebook, values, at)
    unknowns, could_be = _unknowns(rulebook, values, at, harm, band)
    return Score(
        rules=rulebook.book.version,
        digest=rulebook.digest,
        version=VERSION,
        at=at,
        harm=harm,
        band=band,
        dies_at=next((loss.at for loss in losses if not loss.lost), None),
        workability=_clipped(sum(rule.line.points for rule in work)),
        tripwires=_told(tripwires, facts),
        factors=_told(sorted(factors, key=lambda rule: -rule.line.points), facts),
        caps=_told(caps, facts),
        notes=_told(_applying(rulebook.notes, values, at), facts),
        work=_told(work, facts),
        losses=losses,
        unknowns=unknowns,
        could_be=could_be,
        due_at=_due(rulebook, losses, values, at),
        inputs={name: _in_utc(value) for name, value in values.items()},
    )


def score_again(old: Score, rulebook: Rulebook, at: datetime) -> Score:
    """Return what a rulebook says of the facts that an earlier score kept, to compare; their places are not kept."""
    values: dict[str, Value] = {name: old.inputs.get(name) for name in FACTS}
    return score(Facts(values, {}), rulebook, at)


def _applying(rules: Iterable[Rule], values: Values, at: datetime) -> list[Rule]:
    return [rule for rule in rules if rule.when(values, at) is True]


def _caps(
    rulebook: Rulebook, factors: Sequence[Rule], tripwires: Sequence[Rule], values: Values, at: datetime
) -> list[Rule]:
    """A cap holds only where nothing speaks against it but what every tip has."""
    if tripwires or not all(rule.line.base for rule in factors):
        return []
    return _applying(rulebook.caps, values, at)


def _harm(factors: Iterable[Rule], caps: Iterable[Rule]) -> int:
    return _clipped(sum(rule.line.points for rule in (*factors, *caps)))


def _clipped(points: int) -> int:
    return max(0, min(100, points))


def _band(rulebook: Rulebook, harm: int, *, tripped: bool) -> Band:
    bands = rulebook.book.bands
    if tripped or harm >= bands.critical:
        return Band.CRITICAL
    return Band.HIGH if harm >= bands.high else Band.MEDIUM if harm >= bands.medium else Band.LOW


def _told(rules: Iterable[Rule], facts: Facts) -> tuple[Applied, ...]:
    """The rules with the places of the facts that they ask for."""
    return tuple(
        Applied(
            rule.line.id,
            rule.line.label,
            rule.line.points,
            tuple(place for name in rule.facts for place in facts.evidence.get(name, ())),
        )
        for rule in rules
    )


def _losses(rulebook: Rulebook, values: Values, at: datetime) -> tuple[Loss, ...]:
    found = []
    for life, when in rulebook.lives:
        since = values[life.since]
        if isinstance(since, datetime) and (when is None or when(values, at) is True):
            gone = _later(since, life.hours)
            if gone is not None:
                found.append(Loss(life.id, life.label, gone, gone <= at))
    return tuple(sorted(found, key=lambda loss: (loss.at, loss.id)))


def _later(since: datetime, hours: int) -> datetime | None:
    """So many hours later; None past the end of the calendar, which a mistaken year can reach."""
    try:
        return since.astimezone(UTC) + hours * _HOUR
    except OverflowError:
        return None


def _due(rulebook: Rulebook, losses: Iterable[Loss], values: Values, at: datetime) -> datetime | None:
    """The next loss, or the next moment at which a condition counted in hours may change."""
    times = [loss.at for loss in losses if not loss.lost]
    for name, hours in rulebook.ages:
        since = values[name]
        if isinstance(since, datetime) and (time := _later(since, hours)) is not None and time > at:
            times.append(time)
    return min(times, default=None)


def _in_utc(value: Value) -> Value:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _unknowns(rulebook: Rulebook, values: Values, at: datetime, harm: int, band: Band) -> tuple[tuple[Open, ...], Band]:
    """What is not known and could lift the band, alone or with others, the cheapest check first."""
    if band is Band.CRITICAL:
        return (), band
    hopeful = [rule for rule in rulebook.factors if rule.when(values, at) is not False]
    tripped = [rule for rule in rulebook.tripwires if rule.when(values, at) is not False]
    could_be = _band(rulebook, _harm(hopeful, _caps(rulebook, hopeful, tripped, values, at)), tripped=bool(tripped))
    if could_be <= band:
        return (), band
    # Only facts whose rule is still open matter: a rule that holds or fails without them asks for nothing.
    still = dict.fromkeys(
        name
        for rule in (*tripped, *hopeful)
        if rule.when(values, at) is None
        for name in rule.facts
        if values[name] is None and name in rulebook.candidates
    )
    found = [_open(rulebook, name, values, at, now=(harm, band)) for name in still]
    return tuple(sorted(found, key=lambda one: (one.minutes, -one.band, -one.points, one.fact))), could_be


def _open(rulebook: Rulebook, name: str, values: Values, at: datetime, *, now: tuple[int, Band]) -> Open:
    """What this fact alone could come to, at its worst."""
    hours = FACTS[name].type is Type.HOURS
    most, highest = now
    trial = dict(values)
    for candidate in rulebook.candidates[name]:
        trial[name] = at - candidate * _HOUR if hours and isinstance(candidate, int) else candidate
        factors, tripwires = _applying(rulebook.factors, trial, at), _applying(rulebook.tripwires, trial, at)
        reached = _harm(factors, _caps(rulebook, factors, tripwires, trial, at))
        most = max(most, reached)
        highest = max(highest, _band(rulebook, reached, tripped=bool(tripwires)))
    question = rulebook.questions[name]
    return Open(name, FACTS[name].label, most - now[0], highest, question.check, question.minutes)


def explain(score: Score) -> list[str]:
    """Return in plain sentences why, shortest first to read: tripwires, factors by points, and what is not known."""
    said = [f"Critical at once: {one.label}." for one in score.tripwires]
    said += [f"{one.points:+d}: {one.label}." for one in (*score.factors, *score.caps)]
    if not said:
        said.append("No rule applies to what is known.")
    coming = next((loss for loss in score.losses if not loss.lost), None)
    if coming is not None:
        said.append(f"In {_left(coming.at - score.at)}: {coming.label}.")
    said += [f"Too late: {loss.label}." for loss in score.losses if loss.lost]
    if score.unknowns:
        said.append(_could(score))
    return said + [f"{one.label}." for one in score.notes]


def _could(score: Score) -> str:
    number, quickest = len(score.unknowns), score.unknowns[0]
    facts = "1 unknown fact" if number == 1 else f"{number} unknown facts together"
    alone = f", alone to {quickest.band.name.title()}" if number > 1 and quickest.band > score.band else ""
    said = f"{facts} could lift this to {score.could_be.name.title()}"
    return f"{said}. The quickest check ({quickest.minutes} min{alone}): {quickest.check}"


def _left(time: timedelta) -> str:
    hours = int(time / _HOUR)
    if hours < 1:
        return "less than an hour"
    number, unit = (hours, "hour") if hours < 72 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


class Move(msgspec.Struct, frozen=True):
    """How many tips go from one band to another."""

    before: Band
    after: Band
    tips: int


class Change(msgspec.Struct, frozen=True):
    """How one tip changes, and the rules that apply only before or only after."""

    key: str
    harm_before: int
    harm_after: int
    before: Band
    after: Band
    no_longer: tuple[str, ...]
    newly: tuple[str, ...]


class Comparison(msgspec.Struct, frozen=True):
    """What other rules would do: moves between bands, tips that stay in theirs, and the largest changes first."""

    compared: int
    stay: int
    moves: tuple[Move, ...]
    largest: tuple[Change, ...]


def compare(before: Mapping[str, Score], after: Mapping[str, Score], *, largest: int = 20) -> Comparison:
    """Return what changes between two scorings of the same tips, by key. Raises ValueError where the keys differ."""
    if before.keys() != after.keys():
        raise ValueError("the two scorings are not of the same tips")
    moves = Counter((before[key].band, after[key].band) for key in before)
    stay = sum(tips for (old, new), tips in moves.items() if old is new)
    changed = (key for key in before if _size(before[key], after[key]) > (0, 0))
    first = heapq.nsmallest(largest, changed, key=lambda key: (*(-n for n in _size(before[key], after[key])), key))
    return Comparison(
        compared=len(before),
        stay=stay,
        moves=tuple(Move(old, new, tips) for (old, new), tips in sorted(moves.items()) if old is not new),
        largest=tuple(_change(key, before[key], after[key]) for key in first),
    )


def _size(old: Score, new: Score) -> tuple[int, int]:
    return abs(new.band - old.band), abs(new.harm - old.harm)


def _change(key: str, old: Score, new: Score) -> Change:
    was, now = _ids(old), _ids(new)
    return Change(
        key=key,
        harm_before=old.harm,
        harm_after=new.harm,
        before=old.band,
        after=new.band,
        no_longer=tuple(name for name in was if name not in now),
        newly=tuple(name for name in now if name not in was),
    )


def _ids(score: Score) -> tuple[str, ...]:
    return tuple(one.id for one in (*score.tripwires, *score.factors, *score.caps))
