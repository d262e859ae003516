# SPDX-License-Identifier: Apache-2.0
"""Labels on recorded lists: the sample events, and the Tor exits of a day as their own list has them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nightlight.casework.attribution.kinds import Label, Transition
from nightlight.casework.attribution.labelling import LABELS, Archived, Labeller, Lists, Sign
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reading.tables import read_history
from nightlight.pipeline.tips.values import read_moment

REFERENCE = Path(__file__).parents[6] / "shared" / "reference" / "ip"
TOR = REFERENCE / "tor" / "tor-exit-asof-2018-2024.npz"
pytestmark = pytest.mark.skipif(not TOR.exists(), reason="the recorded lists are not beside this repository")


@cache
def labeller() -> Labeller:
    with TOR.open("rb") as stream:
        read = read_history(stream, ListKind.TOR_EXIT.meaning.longest_gap)
    tor = Archived(ListKind.TOR_EXIT, "Tor exits", "2024-02-27", read.entries[0])
    return Labeller(Lists((tor,), exercise=("192.0.2.0/24", "203.0.113.0/24", "2001:db8::/32")))


def test_the_sample_events() -> None:
    with (REFERENCE / "synthetic" / "tip_events.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    moments = [read_moment(row["dateTime"], "sample").utc for row in rows]
    batch = labeller().many([row["ipAddress"] for row in rows], moments)
    assert [batch.main(row).value for row in range(len(rows))] == [
        "unknown", "unknown", "unknown", "unknown", "tor-exit", "reserved", "unknown",
    ]  # fmt: skip
    teredo = batch.labelled(len(rows) - 1)
    assert (teredo.transition, teredo.inner_port) == (Transition.TEREDO, 40000)


def test_the_exits_of_the_last_list_are_exits_at_its_time_and_not_all_were_before() -> None:
    text = (REFERENCE / "tor" / "tor-exit-nodes-2024-02-27.lst").read_text(encoding="ascii")
    exits = [line.strip() for line in text.splitlines() if line.strip()]
    last = labeller().prepared.lists.archives[0].archive.coverage
    assert last is not None
    now = labeller().many(exits, np.full(len(exits), int(last[1].timestamp()), np.int64))
    tor = LABELS.index(Label.TOR_EXIT)
    over_ipv4 = now.parsed.version == 4
    assert (now.label[over_ipv4] == tor).all()
    # The recorded history is of IPv4 alone, so that of the others nothing is known.
    assert (now.label[~over_ipv4] == LABELS.index(Label.UNKNOWN)).all()
    assert (now.bits[~over_ipv4] & int(Sign.NOT_COVERED) != 0).all()
    earlier = labeller().many(exits, [datetime(2023, 9, 1, tzinfo=UTC)] * len(exits))
    assert 0.3 < (earlier.label[over_ipv4] == tor).mean() < 0.9
