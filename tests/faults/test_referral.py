# SPDX-License-Identifier: Apache-2.0
"""A referral between two installations arrives whole and once, also when parts of both are killed on its way.

``benches/referral.py`` does the same with 500 tips, 2 GB and ten kills on each side.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.exchange.pair import introduce, two

from .installation import until

if TYPE_CHECKING:
    from tests.exchange.pair import Side

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SEED = int(os.environ.get("NIGHTLIGHT_FAULTS_SEED", "7"))
TIPS, SIZE = 8, 2_000_000
LONG = 150.0


def test_a_referral_arrives_whole_and_once_when_both_sides_are_killed() -> None:
    chance = random.Random(SEED)
    # Pieces are 4 MB: several of them, so that there is a middle to be killed in.
    with two() as (a, b):
        introduce(a, b)
        introduce(b, a)
        tips = a.file([f"wader-{number}" for number in range(TIPS)], [SIZE])
        a.act({"do": "offer", "tips": tips, "to": "OTHER"})
        victims = [(side, part) for side in (a, b) for part in ("web", "worker")]
        chance.shuffle(victims)
        killed = [_kill(side, part) for side, part in victims]
        offers = "SELECT count(*) FROM routing_offer WHERE state = 'delivered'"
        until(lambda: a.rows(offers) == [(TIPS,)], "every tip is delivered", LONG)
        there, here = b.act({"do": "digests"})[0], a.act({"do": "digests"})[0]
        assert sorted(there) == sorted(tips)
        for tip in tips:
            assert (there[tip]["documents"], there[tip]["files"]) == (here[tip]["documents"], here[tip]["files"])
        assert [side.verified()[1]["problems"] for side in (a, b)] == [[], []]
        sys.stdout.write(f"\nseed {SEED}; killed {', '.join(killed)}\n")


def _kill(side: Side, part: str) -> str:
    """Kill a part that runs; a worker once the package has come to it. Return what was killed."""
    if part == "worker":
        moving = "SELECT 1 FROM routing_package WHERE kind = 'referral' AND state NOT IN ('building', 'ready')"
        until(lambda: bool(side.rows(moving)), f"the package has reached {side.name}", LONG)
    until(lambda: bool(side.part(part)), f"the {part} of {side.name} runs before it is killed", LONG)
    victim = side.part(part)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    return f"{part} of {side.name}"
