# SPDX-License-Identifier: Apache-2.0
"""The world of the exercise: from a seed, who exists, what they did, who reports it, and what is true."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance, danger, ledger, places, planted
from nightlight.exercise.files import Pool, make_pool
from nightlight.exercise.hard import Cast, Hard, cast, one_victim
from nightlight.exercise.incidents import Told, quotas, tell, tell_batch
from nightlight.exercise.patterns import draw
from nightlight.exercise.people import Person, invent
from nightlight.exercise.plan import Case, Ending, Fault, IncidentType, PlannedReport, Slot
from nightlight.exercise.reporters import REPORTERS, Reporter
from nightlight.exercise.signs import show
from nightlight.exercise.truth import Finding, Planted, SharedFile, TrueEvent, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

STANDING_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""The moment a world is built around when none is given, so that tests repeat."""

COPIES = 3
"""How often the retrying reporter files the same document again."""

FEW_SHARE_TWICE = 240
"""From how many reports on there are people enough to set most sharers of the planted file apart."""

RETRYING = {reporter.key for reporter in REPORTERS if reporter.retries}

SUITS = {
    IncidentType.TRAFFICKING: ("market", "chat"),
    IncidentType.TOURISM: ("forum", "market"),
    IncidentType.MOLESTATION: ("forum", "mail"),
    IncidentType.DOMAIN_NAME: ("forum", "market"),
    IncidentType.WORDS_OR_IMAGES: ("video", "forum"),
    IncidentType.ENTICEMENT: ("chat", "chat", "game", "game", "photos", "forum"),
    IncidentType.UNSOLICITED: ("chat", "game", "mail"),
}


@dataclass(frozen=True, slots=True)
class World:
    """An invented world: its platforms, people, the reports to file in order, and the truth kept aside."""

    seed: int
    now: datetime
    reporters: tuple[Reporter, ...]
    people: tuple[Person, ...]
    reports: tuple[PlannedReport, ...]
    truth: Truth


def build(seed: int, reports: int, *, now: datetime = STANDING_NOW) -> World:
    """Return the world of `seed` with that many planned reports, every moment in the four weeks before `now`.

    Raises ValueError when `reports` is negative or `now` has no zone. The same arguments give the same world.
    """
    if reports < 0:
        message = "the number of reports cannot be negative"
        raise ValueError(message)
    if now.tzinfo is None:
        message = "now needs a time zone"
        raise ValueError(message)
    maker = _Maker(seed, reports, now.astimezone(UTC))
    told = maker.tell_all()
    return World(seed, now, REPORTERS, maker.people, tuple(one.report for one in told), maker.truth(told))


class _Maker:
    """Holds what is known while a world is being made."""

    def __init__(self, seed: int, reports: int, now: datetime) -> None:
        self.seed, self.count, self.now = seed, reports, now
        self.rng = chance.stream(seed, "world", reports)
        self.pool: Pool = make_pool(seed, reports)
        meeting, three, *rest = invent(seed, max(40, reports * 11 // 20))
        self.meeting, self.three = planted.meeting_person(meeting), planted.three_platform_person(three)
        self.people = (self.meeting, self.three, *rest)
        # The two planted people are met only where they were planted.
        self.members: Mapping[str, Sequence[Person]] = {
            reporter.key: [one for one in rest if any(a.platform == reporter.key for a in one.accounts)]
            for reporter in REPORTERS
        }
        self.planted: dict[str, list[str]] = defaultdict(list)
        self.cast = Cast()
        self.same_child: dict[str, str] = {}

    def tell_all(self) -> list[Told]:
        """Return all planned reports in filing order, copies behind their originals."""
        series = max(1, self.count // 150) if self.count >= 30 else 0
        slots = sorted(self._slots(self.count - COPIES * series), key=lambda slot: slot.filed_at or slot.at)
        repeated = self._repeated(slots, series)
        faults = self._faults(slots, repeated)
        slots = self._with_truth(slots)
        told: list[Told] = []
        earlier: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place, slot in enumerate(slots):
            key = f"report-{len(told):05d}"
            account = slot.person.account_on(slot.reporter).identifier
            one = self._tell(key, slot, tuple(earlier[slot.reporter, account][-2:]))
            if place in faults:
                spoiled = planted.spoil(one.report, faults[place], slot.person, self.now)
                one = replace(one, report=replace(spoiled, ending=Ending.REFUSED))
            elif slot.planted is None and place not in repeated:
                one = replace(one, report=replace(one.report, ending=self._ending()))
            if slot.planted is not None:
                for case in _cases(slot):
                    self.planted[case].append(key)
            if one.report.ending is Ending.FINISHED and not slot.batched:
                earlier[slot.reporter, account].append(key)
            told.append(replace(one, report=replace(one.report, order=len(told))))
            told.extend(self._copies(told[-1], len(told)) if place in repeated else ())
        return self._with_one_victim(told)

    def _with_truth(self, slots: list[Slot]) -> list[Slot]:
        """Decide who plays the hard cases and in which reports a child is at risk, before anything is told."""
        self.cast = cast(self.seed, slots)
        now_are = self.cast.people
        self.people = tuple(now_are.get(one.key, one) for one in self.people)
        self.members = {key: [now_are.get(one.key, one) for one in some] for key, some in self.members.items()}
        return danger.draw(self.seed, self.cast.slots(slots))

    def _with_one_victim(self, told: list[Told]) -> list[Told]:
        reports = [one.report for one in told]
        changed = one_victim(self.seed, reports, {one.duplicate_of for one in reports if one.duplicate_of})
        self.same_child = dict.fromkeys(changed, ledger.child_of(next(iter(changed), "")))
        return [replace(one, report=changed.get(one.report.key, one.report)) for one in told]

    def _slots(self, count: int) -> list[Slot]:
        rng = self.rng
        found = planted.slots(rng, count, (self.meeting, self.three), self.members, self.now)
        if count >= FEW_SHARE_TWICE:
            # Most who pass a file on are reported for nothing else; every fourth of them is.
            sharers = [slot.person.key for slot in found if slot.shared]
            once = {key for place, key in enumerate(sharers) if place % 4}
            self.members = {key: [one for one in some if one.key not in once] for key, some in self.members.items()}
        left = quotas(count)
        for slot in found:
            left[slot.kind] = max(0, left[slot.kind] - 1)
        kinds = [kind for kind, number in left.items() for _ in range(number)][: count - len(found)]
        rng.shuffle(kinds)
        batches = max(1, count * 3 // 100) if count >= 30 else 0
        for kind in kinds:
            batched = kind is IncidentType.MATERIAL and batches > 0
            batches -= batched
            reporter = "video" if batched else self._reporter(rng, kind)
            person = self._person(rng, reporter)
            at = chance.moment_between(rng, self.now - timedelta(days=24), self.now - timedelta(hours=12))
            found.append(Slot(kind, reporter, person, at, batched=batched))
        return found

    def _reporter(self, rng: Random, kind: IncidentType) -> str:
        if kind in SUITS:
            return rng.choice(SUITS[kind])
        return chance.weighted(rng, {reporter.key: reporter.share for reporter in REPORTERS})

    def _person(self, rng: Random, reporter: str) -> Person:
        """Return a member of that platform, some far more often than others."""
        members = self.members[reporter]
        return members[int(len(members) * rng.random() ** 1.4)]

    def _repeated(self, slots: list[Slot], count: int) -> set[int]:
        """Return which slots the retrying reporters file several times; in a small world some become theirs."""
        plain = [n for n, slot in enumerate(slots) if slot.planted is None and not slot.batched]
        fit = [n for n in plain if slots[n].reporter in RETRYING]
        chosen = set(self.rng.sample(fit, k=min(count, len(fit))))
        for n in self.rng.sample([n for n in plain if n not in fit], k=count - len(chosen)):
            reporter = self.rng.choice(sorted(RETRYING))
            slots[n] = replace(slots[n], reporter=reporter, person=self._person(self.rng, reporter))
            chosen.add(n)
        return chosen

    def _faults(self, slots: list[Slot], repeated: set[int]) -> dict[int, Fault]:
        """Return which slots are refused: each fault once, more in a large world, none in a tiny one."""
        each = max(1, self.count // 400) if self.count >= 60 else 0
        batched = [n for n, slot in enumerate(slots) if slot.batched]
        plain = [
            n
            for n, slot in enumerate(slots)
            if slot.kind is IncidentType.MATERIAL and not (slot.planted or slot.batched or n in repeated)
        ]
        chosen: dict[int, Fault] = {}
        for fault in Fault:
            fit = batched if fault is Fault.TWO_FILES_IN_BATCH else plain
            among = [place for place in fit if place not in chosen]
            chosen |= dict.fromkeys(self.rng.sample(among, k=min(each, len(among))), fault)
        return chosen

    def _ending(self) -> Ending:
        return chance.weighted(self.rng, {Ending.FINISHED: 0.95, Ending.LEFT_OPEN: 0.03, Ending.RETRACTED: 0.02})

    def _tell(self, key: str, slot: Slot, prior: tuple[str, ...]) -> Told:
        rng = chance.stream(self.seed, self.count, key)
        if slot.batched:
            members = [one for one in self.members[slot.reporter] if one.key != slot.person.key]
            others = rng.sample(members, k=min(rng.randint(2, 9), len(members)))
            return tell_batch(rng, key, slot, self.pool, tuple(others))
        one = tell(rng, key, slot, self.pool, prior if rng.random() < 0.6 else ())
        signs = chance.stream(self.seed, self.count, key, "signs")
        shown = show(signs, self.cast.show(one.report, slot), slot)
        return replace(one, report=shown.report, risk=slot.risk, signs=shown.signs, spoken=shown.spoken)

    def _copies(self, original: Told, order: int) -> list[Told]:
        report = original.report
        again = (replace(report, key=f"{report.key}-again-{n + 1}", order=order + n) for n in range(COPIES))
        return [replace(original, report=replace(one, duplicate_of=report.key), events=()) for one in again]

    def truth(self, told: Sequence[Told]) -> Truth:
        """Return what is true of the reports told."""
        reports = [one.report for one in told]
        by_person: dict[str, list[str]] = defaultdict(list)
        by_file: dict[str, list[str]] = defaultdict(list)
        copies: dict[str, list[str]] = defaultdict(list)
        for report in reports:
            for person in report.people:
                by_person[person].append(report.key)
            for shared in {file.shared for file in report.files if file.shared}:
                by_file[shared].append(report.key)
            if report.duplicate_of:
                copies[report.duplicate_of].append(report.key)
        for case in Hard:
            if keys := ledger.hard_case(case, reports, self.cast, self.same_child):
                self.planted[case] = list(keys)
        events: list[TrueEvent] = [event for one in told for event in one.events]
        return Truth(
            people=tuple(ledger.true_person(one, by_person[one.key]) for one in self.people if by_person[one.key]),
            shared_files=tuple(self._shared(key, keys) for key, keys in sorted(by_file.items())),
            planted=tuple(Planted(name, tuple(keys)) for name, keys in sorted(self.planted.items())),
            duplicates=tuple(Planted(key, tuple(keys)) for key, keys in sorted(copies.items())),
            findings=tuple(Finding(report.key, what) for report in reports for what in report.findings),
            events=tuple(events),
            children_at_risk=ledger.at_risk(told),
            false_alarms=ledger.false_alarms(told),
            spoken=ledger.spoken(told),
            parties=ledger.parties(reports, self.same_child),
            places=places.true_places(reports, {one.key: one for one in self.people}),
        )

    def _shared(self, key: str, reports: list[str]) -> SharedFile:
        picture = self.pool.pictures[key]
        whole, small = (
            hashlib.md5(draw(one), usedforsecurity=False).hexdigest() for one in (picture, picture.smaller())
        )
        return SharedFile(key, whole, small, tuple(reports))


def _cases(slot: Slot) -> list[Case]:
    """Return the names under which a planted slot stands in the truth."""
    cases = [slot.planted] if slot.planted else []
    if slot.filed_at is not None:
        cases.append(Case.EARLIEST)
    return [*cases, Case.WITH_SIGNS] if slot.signed else cases
