# SPDX-License-Identifier: Apache-2.0
"""The archive on recorded histories: six years of hourly Tor lists, three and a half of a VPN list."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from nightlight.casework.attribution.netdata.archive import IntervalArchive, ListedState
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.casework.attribution.netdata.reading.tables import read_history
from nightlight.casework.attribution.netdata.spans import Family

if TYPE_CHECKING:
    from nightlight.casework.attribution.netdata.tracks import Ints

REFERENCE = Path(__file__).parents[7] / "shared" / "reference" / "ip"
TOR = REFERENCE / "tor" / "tor-exit-asof-2018-2024.npz"
VPN = REFERENCE / "x4bnet" / "vpn-ipv4-asof-2023-2026.npz"
pytestmark = pytest.mark.skipif(not TOR.exists(), reason="The recorded histories are not here.")
DAY = 86_400


class History(NamedTuple):
    """An archive and the table it was made of."""

    archive: IntervalArchive
    data: bytes
    lo: npt.NDArray[np.uint32]
    hi: npt.NDArray[np.uint32]
    start: Ints
    end: Ints

    def listed(self, when: int) -> npt.NDArray[np.bool_]:
        return (self.start <= when) & (when < self.end)


@cache
def history(path: Path, kind: ListKind) -> History:
    with path.open("rb") as stream:
        read = read_history(stream, kind.meaning.longest_gap)
    assert not read.tally.problems
    columns: dict[str, Any] = dict(np.load(path))
    data = read.entries[0].to_bytes()
    return History(IntervalArchive.from_bytes(data), data, *(columns[name] for name in ("lo", "hi", "start", "end")))


def test_six_years_of_hourly_lists_are_small_and_exact() -> None:
    tor = history(TOR, ListKind.TOR_EXIT)
    assert len(tor.archive) == 263_888
    assert len(tor.data) < 2_000_000 / 3
    track = tor.archive._tracks[Family.IPV4]
    until = track.times[np.minimum(track.last + 1, len(track.times) - 1)]
    assert np.array_equal(track.lo[track.key], tor.lo)
    assert np.array_equal(track.times[track.first], tor.start)
    assert np.array_equal(until, tor.end)


@pytest.mark.parametrize(("path", "kind"), [(TOR, ListKind.TOR_EXIT), (VPN, ListKind.VPN)])
def test_no_decay_inside_the_coverage(path: Path, kind: ListKind) -> None:
    """At random hours every listed address is listed, and of all others none is."""
    told = history(path, kind)
    random = np.random.default_rng(7)
    every = np.unique(np.concatenate([told.lo, told.hi, told.hi + np.uint32(1)]))
    covered = 0
    for when in random.integers(told.start.min(), told.end.max(), 25):
        codes = told.archive.many(every, np.full(len(every), when))
        if codes[0] == ListedState.NOT_COVERED.code:
            assert (codes == codes[0]).all()
            assert any(a.timestamp() < when < b.timestamp() for a, b in told.archive.gaps)
            continue
        covered += 1
        now = told.listed(int(when))
        truth = np.zeros(len(every) + 1, dtype=np.int64)
        np.add.at(truth, np.searchsorted(every, told.lo[now], "left"), 1)
        np.add.at(truth, np.searchsorted(every, told.hi[now], "right"), -1)
        assert np.array_equal(np.cumsum(truth)[:-1] > 0, codes == ListedState.LISTED.code)
        sample = random.integers(0, len(told.lo), 3)
        for row in sample:  # and the rows' borders are half open
            edges = np.array([told.start[row] - 1, told.start[row], told.end[row] - 1])
            answer = told.archive.many(np.repeat(told.lo[row], 3), edges)
            assert answer[1] == ListedState.LISTED.code
            assert answer[2] in {ListedState.LISTED.code, ListedState.NOT_COVERED.code}
    assert covered >= 15


@pytest.mark.parametrize(
    ("days", "missed", "gone"), [(7, 5.4, 7.1), (30, 15.8, 15.0), (180, 38.2, 40.3), (365, 53.9, 57.4)]
)
def test_how_much_a_list_of_another_day_errs(days: int, missed: float, gone: float) -> None:
    """The figures published with this history (medians of 60 random dates), within what other dates change."""
    tor = history(TOR, ListKind.TOR_EXIT)
    random = np.random.default_rng(1)
    times = random.integers(tor.start.min(), tor.end.max() - days * DAY, 60)
    found = []
    for when in times:
        truth, later = (np.unique(tor.lo[tor.listed(int(t))]) for t in (when, when + days * DAY))
        if len(truth) and len(later):
            both = len(np.intersect1d(truth, later, assume_unique=True))
            found.append((1 - both / len(truth), 1 - both / len(later)))
    medians = 100 * np.median(np.array(found), axis=0)
    assert medians == pytest.approx([missed, gone], abs=4.5)
    # The archive itself, asked as of those days, misses none of them.
    for when in times[:5]:
        truth = np.unique(tor.lo[tor.listed(int(when))])
        codes = tor.archive.many(truth, np.full(len(truth), when))
        assert set(codes) <= {ListedState.LISTED.code, ListedState.NOT_COVERED.code}


def test_a_later_snapshot_continues_the_history() -> None:
    vpn = history(VPN, ListKind.VPN)
    with (REFERENCE / "x4bnet" / "vpn-ipv4.txt").open("rb") as stream:
        read = read_prefixes(stream)
    _, last = vpn.archive.coverage or pytest.fail("The history is empty.")
    held = vpn.archive.listed_at(last, Family.IPV4)
    assert held is not None
    spans = {entry.span for entry in read.entries}
    assert spans <= set(held)
    grown = vpn.archive.grown(last + timedelta(days=1), spans)
    assert grown.listed_at(last + timedelta(days=1), Family.IPV4) == tuple(sorted(spans))
    assert grown.at(str(next(iter(spans))).partition("/")[0], last + timedelta(hours=5)).state is ListedState.LISTED
