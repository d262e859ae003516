# SPDX-License-Identifier: Apache-2.0
"""Who is the same person: linking from scratch beside Splink on the same reports, and what one more report costs.

The reports are synthetic and come with the truth (``linking_world.py``); Splink runs on DuckDB with two threads
(``linking_splink.py``), and of seven thresholds the one counts that is best for it, with the time of one run. Ours is
``bulk.link``, counting included, from arrays in memory; reading sightings out of PostgreSQL is not part of either
side. What that costs, and one more tip in the database, is measured apart (``linking_db.py``, full only). F1 is over
pairs of subjects. ``reachable_f1`` is what knowing the truth could reach by shared values: the rest is missing from the
reports. ``seconds`` are of the clock, ``processor_seconds`` of all threads; the ratio is of the clock.

    python benches/linking.py                    # 1,000,000 tips
    python benches/linking.py --quick --json     # 100,000 tips, under a minute; one JSON object last
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import linking_db
import linking_splink
import linking_world
import machine
from nightlight.pipeline.linking import bulk
from nightlight.pipeline.linking.joining import Decisions, Pair, Value, arrive
from nightlight.pipeline.linking.weights import weights
from telling import run, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from linking_world import Ints, World

FULL, QUICK = 1_000_000, 100_000
SEED = 2_026  # the weights were tuned on others
SHARED = (10, 1_000, 100_000)
_ARRIVALS = 300


class Memory:
    """Rows in memory, found by binary search as an index of a database finds them; one subject has just arrived."""

    def __init__(self, subject: Ints, identifier: Ints, kind: Ints) -> None:
        self.kind, self.names = kind, list(weights().kinds)
        self.n = int(subject.max()) + 1
        key = np.unique(identifier * self.n + subject)
        self.what, self.who = key // self.n, key % self.n
        self.count = np.bincount(self.what, minlength=len(kind))
        self.by_subject = np.sort(self.who * len(kind) + self.what)
        linked = bulk.link(subject, identifier, kind)
        self.home = linking_world.whole(self.n, linked)
        self.by_home = np.argsort(self.home, kind="stable")
        self.homes = self.home[self.by_home]
        self.brought: tuple[int, ...] = ()  # by the subject that arrives; its key is n

    def held(self, subject: int) -> list[int]:
        m = len(self.kind)
        low, high = np.searchsorted(self.by_subject, (subject * m, (subject + 1) * m))
        return [int(one) for one in self.by_subject[low:high] % m]

    def sightings(self, subjects: Collection[int]) -> Iterable[Pair]:
        for subject in subjects:
            yield from ((subject, one) for one in (self.brought if subject == self.n else self.held(subject)))

    def values(self, identifiers: Collection[int]) -> Mapping[int, Value]:
        return {
            one: Value(self.names[self.kind[one]], int(self.count[one]) + (one in self.brought)) for one in identifiers
        }

    def subjects_of(self, identifiers: Collection[int], at_most: int | None = None) -> Iterable[Pair]:
        for one in identifiers:
            low, high = np.searchsorted(self.what, (one, one + 1))
            yield from ((int(subject), one) for subject in self.who[low:high][:at_most])
            if one in self.brought:
                yield self.n, one

    def components(self, subjects: Collection[int]) -> Mapping[int, int]:
        return {subject: int(self.home[subject]) for subject in subjects if subject != self.n}

    def members(self, components: Collection[int]) -> Collection[int]:
        found: list[int] = []
        for one in components:
            low, high = np.searchsorted(self.homes, (one, one + 1))
            found += self.by_home[low:high].tolist()
        return found

    def decisions(self, components: Collection[int], subjects: Collection[int]) -> Decisions:
        return Decisions()

    def after(self) -> Ints:
        """Return the component of every subject once the one that has arrived is placed."""
        change = arrive([self.n], self)
        home = np.append(self.home, self.n)
        for one, other in change.moved.items():
            home[home == one] = other
        for subject, (_, component) in change.placed.items():
            home[subject] = component
        return home


def arrivals(world: World) -> dict[str, Any]:
    """Milliseconds for one more report, by how many subjects share its screen name; checked against all at once."""
    rng = np.random.default_rng(SEED)
    n, m = len(world.truth), len(world.kind)
    many = [share for share in SHARED if share <= n]
    holders = [rng.choice(n, share, replace=False) for share in many for _ in range(2)]
    kind = np.append(world.kind, [world.kinds[name] for _ in many for name in ("handle", "any-handle")])
    subject = np.concatenate([world.subject, *holders])
    identifier = np.concatenate([world.identifier, *(np.full(len(one), m + at) for at, one in enumerate(holders))])
    memory = Memory(subject, identifier, kind)
    names = {world.kinds["handle"], world.kinds["any-handle"]}
    likes = rng.integers(0, n, _ARRIVALS).tolist()
    others = [[one for one in memory.held(like) if one < m and kind[one] not in names] for like in likes]
    found: dict[str, Any] = {}
    for at, share in enumerate(many):
        taken = []
        for other in others:
            memory.brought = (*other, m + 2 * at, m + 2 * at + 1)
            began = time.perf_counter()
            arrive([n], memory)
            taken.append((time.perf_counter() - began) * 1000)
        found[f"shared_by_{share}_ms"] = round(statistics.median(taken), 3)
        found[f"shared_by_{share}_ms_95_of_100"] = round(machine.percentile(taken, 0.95), 3)
        at_once = bulk.link(np.append(subject, [n] * len(memory.brought)), np.append(identifier, memory.brought), kind)
        if not np.array_equal(linking_world.whole(n + 1, at_once), memory.after()):
            raise RuntimeError("One at a time and all at once give different people.")
    return found


def measure(tips: int) -> dict[str, Any]:
    """Both on the same reports."""
    codes = dict(weights().codes)
    world = told(f"a world of {tips:,} tips", linking_world.world, tips, SEED, codes)
    began, processor = time.perf_counter(), time.process_time()
    linked = told("ours", bulk.link, world.subject, world.identifier, world.kind)
    seconds, on_it = time.perf_counter() - began, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ours = linking_world.scores(world.truth, linking_world.whole(len(world.truth), linked))
    reachable = linking_world.reachable(world)
    arrived = told("one more", arrivals, world)
    peer = told("Splink", linking_splink.link, linking_splink.table(world), world.truth)
    return {
        "parts": {
            "reports": {"subjects": len(world.truth), "sightings": len(world.subject), "identifiers": len(world.kind)},
            "ours": {**ours, "processor_seconds": on_it, "peak_megabytes_with_the_world": peak},
            "splink": peer,
            "one more": arrived,
        },
        "tips": tips,
        "seconds": round(seconds, 3),
        "splink_seconds": round(peer["seconds"], 1),
        "ratio_to_splink": round(peer["seconds"] / seconds, 1),
        "ratio_of_processor_time": round(peer["processor_seconds"] / on_it, 1),
        "f1": round(ours["f1"], 4),
        "splink_f1": round(peer["f1"], 4),
        "reachable_f1": round(reachable["f1"], 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} tips, under a minute")
    parser.add_argument("--tips", type=int, default=FULL, help=f"tips, unless quick (default {FULL:,})")

    def both(chosen: argparse.Namespace) -> dict[str, Any]:
        if chosen.quick:
            return measure(QUICK)
        found = measure(chosen.tips)
        found["parts"]["in PostgreSQL"] = told("in PostgreSQL", linking_db.measure, chosen.tips)
        return found

    run(parser, both, seconds="seconds_in_all")


if __name__ == "__main__":
    main()
