# SPDX-License-Identifier: Apache-2.0
"""Routing: how fast 10,000 tips are placed, and how often the first proposal names the place where the person lives.

Measured on worlds of the exercise, on whose seeds nothing was tuned: towns, platforms, lists of operators with 5 %
wrong lines, estimates that are wrong now and then, people abroad, anonymisers. A tip *can be placed* where a sign in it
names a state (or another country, for somebody who lives there); a sign that is wrong counts as one all the same. Right
is the state (the country, abroad) in which the reported person lives, at the first attempt. Peers in the same run: the
first address alone; the first place that is stated, be it an address or an estimate; the first sign of any kind that
names a state. With noise, one in ten of all
regions that platforms state is another state's. A synthetic world shows that the mechanics hold, not how good the signs
of real reports are.

Example: python benches/routing.py --quick --json
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import routing_db
import telling
from nightlight.exercise import chance, places
from nightlight.exercise.names import TOWNS
from nightlight.exercise.plan import Ending, Location, Party, PlannedReport
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import World, build
from nightlight.pipeline.routing import districts, geofeed, rulebook, rules, signs
from nightlight.pipeline.routing.gazetteer import india
from nightlight.pipeline.routing.signs import Sign, SignKind, Whose
from nightlight.pipeline.tips.formats.cybertipline.read import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nightlight.exercise.truth import TruePlace
    from nightlight.pipeline.routing.rules import Proposed

FIRST, WORLDS, REPORTS = 8001, 20, 560
NOISE = 0.1
HOME = "IN"
_STATED = (SignKind.STATED_PLACE, SignKind.POSTAL_CODE, SignKind.ESTIMATED_LOCATION)
_SUSPECTS = frozenset({Whose.REPORTED, Whose.PLACE, Whose.FILE, Whose.OFFICER})


@dataclass
class Counts:
    """What came of the tips of one or more worlds."""

    all: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: Counts) -> None:
        """Take in the counts of another world."""
        self.all += other.all
        for kind, found in other.kinds.items():
            self.kinds[kind] += found

    def share(self, right: str, of: str) -> float:
        """How many of a hundred, as a share."""
        return self.all[right] / self.all[of] if self.all[of] else 1.0


def world_counts(seed: int, *, noise: float = 0.0) -> Counts:
    """Place every received report of one world and compare with where its people live."""
    world = build(seed, REPORTS)
    truth: dict[str, list[TruePlace]] = defaultdict(list)
    for place in world.truth.places:
        truth[place.report].append(place)
    gazetteer = india().with_districts(districts.read_districts(places.district_list()).rows)
    network, found = _network(world), Counts()
    ids: dict[str, int] = {}
    for report in world.reports:
        if report.ending is not Ending.FINISHED:
            continue
        said = signs.read(_reading(_noisy(report, seed, noise), ids), gazetteer=gazetteer, network=network)
        ids[report.key] = 10**11 + report.order
        proposed = rules.propose(said, rulebook.shipped(), at=world.now, names=gazetteer.names)
        _count(found, said, proposed, truth[report.key])
    return found


def _network(world: World) -> geofeed.Feeds:
    day = (world.now - timedelta(days=60)).date()
    operators = geofeed.read(places.network_places(world.seed, world.people))
    hidden = geofeed.read(places.anonymisers())
    return geofeed.Feeds(
        [
            geofeed.Feed("operators", day, operators),
            geofeed.Feed("anonymisers", day, hidden, kind=geofeed.ListKind.ANONYMISERS),
        ]
    )


def _reading(report: PlannedReport, ids: dict[str, int]) -> Any:  # noqa: ANN401 - a reading
    details = [write_file_details(report, file, 1, f"{n:08d}") for n, file in enumerate(report.files) if file.described]
    return read_report(write_report(report, ids), details, [])


def _noisy(report: PlannedReport, seed: int, share: float) -> PlannedReport:
    """The report as a platform that confuses regions would state it: one in so many is of another state."""
    if not share:
        return report
    return replace(report, reported=tuple(_elsewhere(one, seed, f"{report.key}/{n}", share)
                                          for n, one in enumerate(report.reported)))  # fmt: skip


def _elsewhere(party: Party, seed: int, key: str, share: float) -> Party:
    rng = chance.stream(seed, "noise", key)
    in_location, in_postal = rng.random() < share, rng.random() < share
    if party.location is not None and in_location and party.location.country == HOME:
        city, region, _ = rng.choice([town for town in TOWNS[HOME] if town[1] != party.location.region])
        party = replace(party, location=Location(city, region, HOME))
    if party.postal is not None and in_postal and party.postal.country == HOME:
        city, region, code = rng.choice([town for town in TOWNS[HOME] if town[1] != party.postal.region])
        party = replace(party, postal=replace(party.postal, city=city, region=region, code=code))
    return party


def _count(counts: Counts, said: Sequence[Sign], proposed: Proposed, lives: Sequence[TruePlace]) -> None:
    ours = any(one.country == HOME for one in lives)
    best = proposed.best
    counts.all["tips"] += 1
    counts.all["unknown"] += best is None
    counts.all["country_only"] += best is not None and best.country == HOME and not best.state
    counts.all["proposed"] += best is not None
    counts.all["wrong_country"] += best is not None and all(best.country != one.country for one in lives)
    counting = [one for one in said if one.whose in _SUSPECTS and one.country and not _hidden(one)]
    if not _can(counting, ours=ours):
        return
    at = (best.country, best.state) if best else ("", "")
    right = any(_same(at, one) for one in lives)
    counts.all["can"] += 1
    counts.all["right"] += right
    counts.all["can_ours"] += ours
    counts.all["right_ours"] += ours and right
    counts.all["tied"] += proposed.tied
    counts.all["first_address"] += any(_same(_first(counting, SignKind.ADDRESS), one) for one in lives)
    # The strongest simple rule: whatever sign comes first that names a state of ours, else the first country.
    named = next((one for one in counting if one.state), counting[0])
    counts.all["first_of_all"] += any(_same((named.country, named.state), one) for one in lives)
    counts.all["stated_only"] += any(_same(_first(counting, *_STATED), one) for one in lives)
    for kind in {one.kind for one in counting if one.state or one.country != HOME}:
        counts.kinds[kind]["can"] += 1
        counts.kinds[kind]["right"] += right
    if ours and any(one.district for one in counting):
        counts.all["can_district"] += 1
        counts.all["right_district"] += best is not None and any(best.district == one.district for one in lives)


def _hidden(sign: Sign) -> bool:
    return bool({"anonymiser", "hosting"} & set(sign.marks))


def _can(counting: Iterable[Sign], *, ours: bool) -> bool:
    """Whether a sign names a state of ours, or for somebody who lives abroad another country or a state."""
    return any(one.state or (not ours and one.country != HOME) for one in counting)


def _same(at: tuple[str, str], lives: TruePlace) -> bool:
    return at[0] == lives.country and (lives.country != HOME or at[1] == lives.state)


def _first(counting: Sequence[Sign], *kinds: SignKind) -> tuple[str, str]:
    """What a simple system would say: the first sign of these kinds, as it stands."""
    return next(((one.country, one.state) for one in counting if one.kind in kinds), ("", ""))


def _figures(worlds: Sequence[Counts]) -> dict[str, Any]:
    every = Counts()
    for one in worlds:
        every.add(one)
    states = [one.share("right", "can") for one in worlds]
    found: dict[str, Any] = {
        "tips": every.all["tips"],
        "can_be_placed": every.all["can"],
        "right_state": round(every.share("right", "can"), 4),
        "right_state_worst_world": round(min(states), 4),
        "right_state_of_ours": round(every.share("right_ours", "can_ours"), 4),
        "right_district": round(every.share("right_district", "can_district"), 4),
        "right_district_worst_world": round(min(one.share("right_district", "can_district") for one in worlds), 4),
        "can_be_placed_in_a_district": every.all["can_district"],
        "unknown": every.all["unknown"],
        "country_only": every.all["country_only"],
        "tied": every.all["tied"],
        "wrong_country": every.all["wrong_country"],
        "wrong_country_share_of_proposed": round(every.share("wrong_country", "proposed"), 4),
        "peer_first_address": round(every.share("first_address", "can"), 4),
        "peer_first_sign_of_all": round(every.share("first_of_all", "can"), 4),
        "peer_first_stated_place": round(every.share("stated_only", "can"), 4),
    }
    for kind, seen in sorted(every.kinds.items()):
        found[f"right_state_with_{kind}"] = f"{seen['right'] / seen['can']:.4f} of {seen['can']}"
    return found


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure accuracy on twenty worlds, then again with noise, then the step with its database."""
    seeds = range(FIRST, FIRST + (4 if chosen.quick else WORLDS))
    plain = telling.told("Placing", lambda: [world_counts(seed) for seed in seeds])
    noisy = telling.told("Placing with noise", lambda: [world_counts(seed, noise=NOISE) for seed in seeds])
    parts = {"as stated": _figures(plain), "one region in ten wrong": _figures(noisy)}
    if not chosen.accuracy_only:
        parts["the step, with its database"] = telling.told(
            "Placing in PostgreSQL", routing_db.measure, 1_000 if chosen.quick else 10_000
        )
    return {"worlds": len(seeds), "seeds": f"{seeds[0]}-{seeds[-1]}", "parts": parts}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four worlds and 1,000 tips")
    parser.add_argument("--accuracy-only", action="store_true", help="without the database")
    telling.run(parser, measure)
