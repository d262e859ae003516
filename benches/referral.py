# SPDX-License-Identifier: Apache-2.0
"""A referral between two installations on one machine over TLS, killed with SIGKILL at random moments on both sides.

Tips are filed at one over the reporting API, offered to the unit that the other stands for, and must arrive there
whole, once, and verified. Web server, worker and database of either side are killed while the package is put together,
while it is on its way, and while it is taken in. At the end every file and report is opened on both sides and hashed
anew, and both logs are verified.

Time runs from the first offer until the sender knows that everything was verified; it holds the kills and all that was
done again because of them.

    python benches/referral.py                  # 500 tips with 2 GB, ten kills on each side; 6 GB of disk twice
    python benches/referral.py --kills 0        # the same, undisturbed
    python benches/referral.py --quick --json   # 20 tips with 40 MB, two kills on each side; one JSON object last
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.exchange.pair import introduce, two

if TYPE_CHECKING:
    from tests.exchange.pair import Side

PARTS = ("web", "worker", "database")
PATIENCE = 900.0
_OUT, _IN, _TAKEN = "put together", "on its way", "taken in"


@dataclass
class Kill:
    """One kill: of which side and part, in which phase, when that much of it is done."""

    side: str
    part: str
    phase: str
    at: float


@dataclass
class Watch:
    """Looks how far it has come, kills when it is time, and notes the most memory that a process took."""

    a: Side
    b: Side
    tips: int
    total: int
    plan: list[Kill]
    done: list[Kill] = field(default_factory=list)
    peaks: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Watch until it is over."""
        while not self.over.is_set():
            reached = {
                _OUT: self._bytes(self.a, "out") / self.total,
                _IN: self._bytes(self.b, "in") / self.total,
                _TAKEN: self._taken() / self.tips,
            }
            for kill in [one for one in self.plan if reached[one.phase] >= one.at]:
                self.plan.remove(kill)
                if self._kill(kill):
                    self.done.append(kill)
                else:
                    self.plan.append(kill)  # just being started: the next moment
            for side in (self.a, self.b):
                self._remember(side)
            self.over.wait(0.05)

    def _kill(self, kill: Kill) -> bool:
        side = self.a if kill.side == "a" else self.b
        with contextlib.suppress(ProcessLookupError, OSError):
            victim = side.postmaster() if kill.part == "database" else side.part(kill.part)
            if victim:
                os.kill(victim, signal.SIGKILL)
                return True
        return False

    def _remember(self, side: Side) -> None:
        with contextlib.suppress(OSError):
            web, worker = side.web_processes(), side.part("worker")
            for name, pids in (("web", web), ("worker", [worker] if worker else [])):
                for pid in pids:
                    with contextlib.suppress(OSError):
                        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
                        if found:
                            key = f"{name} of {side.name}"
                            self.peaks[key] = max(self.peaks.get(key, 0), int(found[1]) // 1024)

    def _taken(self) -> int:
        with contextlib.suppress(Exception):  # the database may be down
            return int(self.b.rows("SELECT count(*) FROM routing_referred")[0][0])
        return 0

    @staticmethod
    def _bytes(side: Side, way: str) -> int:
        size = 0
        with contextlib.suppress(OSError):
            for path in (side.home / "exchange" / way).iterdir():
                with contextlib.suppress(OSError):
                    size += path.stat().st_size
        return size


def plan(kills: int, chance: random.Random) -> list[Kill]:
    """Draw when what is killed: most while bytes are on their way, some before and after."""
    made = []
    for side in ("a", "b"):
        parts = [PARTS[number % len(PARTS)] for number in range(kills)]
        chance.shuffle(parts)
        # What is put together is begun anew after a kill of its worker; the other side has nothing to do then.
        early = {"a": kills // 5, "b": kills // 10}[side]
        late = {"a": kills // 5, "b": kills * 2 // 5}[side]
        phases = [_OUT] * early + [_TAKEN] * late + [_IN] * (kills - early - late)
        made += [Kill(side, part, phase, chance.uniform(0.02, 0.95)) for part, phase in zip(parts, phases, strict=True)]
    return made


def main() -> None:
    """Run, print, and end with 1 where anything is missing, twice, or not what was sent."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--tips", type=int, default=0)
    arguments.add_argument("--mb", type=int, default=0, help="of files, all tips together")
    arguments.add_argument("--kills", type=int, default=-1, help="on each side")
    arguments.add_argument("--seed", type=int, default=7)
    chosen = arguments.parse_args()
    tips, mb = chosen.tips or (20 if chosen.quick else 500), chosen.mb or (40 if chosen.quick else 2000)
    kills = chosen.kills if chosen.kills >= 0 else (2 if chosen.quick else 10)
    found = refer(tips, mb * 10**6, kills, chosen.seed)
    if chosen.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:20} {value}")
    sys.exit(0 if found["whole"] else 1)


def refer(tips: int, total: int, kills: int, seed: int) -> dict[str, Any]:
    """Refer so many tips with so many bytes of files from one to the other; return what was measured."""
    with two() as (a, b):
        introduce(a, b)
        introduce(b, a)
        began = time.monotonic()
        named = [f"referred-{number}" for number in range(tips)]
        with ThreadPoolExecutor(4) as reporters:
            parts = [named[start::4] for start in range(4) if named[start::4]]
            ids = [one for some in reporters.map(lambda part: a.file(part, [total // tips]), parts) for one in some]
        filed = time.monotonic() - began
        watch = Watch(a, b, tips, total, plan(kills, random.Random(seed)))
        watcher = threading.Thread(target=watch.run, daemon=True)
        watcher.start()
        began = time.monotonic()
        try:
            a.act({"do": "offer", "tips": ids, "to": "OTHER"})
            arrived = _wait(a, b, tips, watch)
        finally:
            watch.over.set()
            watcher.join()
        took = time.monotonic() - began
        print(f"{'arrived' if arrived else 'NOT ARRIVED'} after {took:.0f} s; comparing", file=sys.stderr)
        there = b.act({"do": "digests"})[0]
        here = a.act({"do": "digests"})[0]
        same = [one for one in ids if _of(here, one) == _of(there, one)]
        twice = b.rows("SELECT count(*) - count(DISTINCT (origin, origin_tip)) FROM routing_referred")[0][0]
        offers = dict(a.rows("SELECT state, count(*) FROM routing_offer GROUP BY state"))
        logs = [side.verified() for side in (a, b)]
        return {
            "tips": tips,
            "mb": total // 10**6,
            "kills": {name: len([one for one in watch.done if one.side == name]) for name in ("a", "b")},
            "killed": sorted(f"{one.side} {one.part} while {one.phase}" for one in watch.done),
            "not_killed": len(watch.plan),
            "seconds": round(took, 1),
            "mb_per_second": round(total / took / 1e6, 1),
            "filed_in_seconds": round(filed, 1),
            "peak_mb": dict(sorted(watch.peaks.items())),
            "arrived": arrived,
            "same": len(same),
            "twice": twice,
            "tips_there": len(there),
            "offers": offers,
            "packages": dict(Counter(f"{one[1]} {one[2]} {one[3]}".strip() for one in (*a.states(), *b.states()))),
            "custody": [code for code, _told in logs],
            "problems": [told["problems"][:3] for _code, told in logs],
            "whole": arrived and len(same) == tips == len(there) and not twice and not any(code for code, _ in logs),
        }


def _of(side: dict[str, Any], tip: str) -> Any:  # noqa: ANN401 - whatever was compared
    found = side.get(tip, {})
    return found.get("documents"), found.get("files")


def _wait(a: Side, b: Side, tips: int, watch: Watch) -> bool:
    """Wait until the sender knows that every package was verified, and every offer says that it was delivered."""
    end, last = time.monotonic() + PATIENCE, ""
    while time.monotonic() < end:
        with contextlib.suppress(Exception):  # the database may be down
            out, inside = [one for one in a.states() if one[0]], [one for one in b.states() if not one[0]]
            offers = a.rows("SELECT count(*) FROM routing_offer WHERE state IN ('delivered', 'opened', 'accepted')")
            states = [*(one[2] for one in out), *(f"{one[2]} {one[7]}/{one[8]}" for one in inside), str(offers[0][0])]
            line = ", ".join(states)
            if line != last:
                print(f"  {line}; {len(watch.done)} kills", file=sys.stderr)
                last = line
            if out and all(one[2] == "delivered" for one in out) and offers[0][0] == tips:
                return True
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    main()
