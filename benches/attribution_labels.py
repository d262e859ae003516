# SPDX-License-Identifier: Apache-2.0
"""Addresses as text: how many are looked up and labelled in a second, in one process.

``look_ups`` holds one table of ranges twice, in ours and as a database that `maxminddb` reads with its C extension,
asks both for the same addresses as text, and compares every answer. ``labels`` labels events with every reason bit:
recorded histories of Tor exits (hourly, six years) and of a VPN list, the Indian networks over IPv4 and IPv6, lists of
hosting and of mobile AS numbers, operator profiles; without the reference data beside this repository, invented lists
of the same sizes. Each is the best of three; rates are by processor time of this process, except `labels_per_s`, which
is by the clock.

    python benches/attribution_labels.py                # a million of each, half a minute
    python benches/attribution_labels.py --quick --json
"""

from __future__ import annotations

import argparse
import csv
import gzip
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import attribution_mmdb
import telling
from nightlight.casework.attribution import batches
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.labelling import LABELS, Archived, Labeller, Lists, Network, Profile, Sign, Table
from nightlight.casework.attribution.netdata.archive import IntervalArchive, Row
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.lookup import NOWHERE, RangeTable, look_up_texts
from nightlight.casework.attribution.netdata.reading.tables import read_history
from nightlight.casework.attribution.netdata.spans import Family, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "ip"
TURNS = 3
RANGES = 400_000  # about what a table of all networks has over IPv4
_FIRST, _LAST = 1 << 24, 223 << 24
_FROM, _TO = datetime(2023, 3, 1, tzinfo=UTC), datetime(2024, 2, 26, tzinfo=UTC)  # both histories cover it
_MOBILE = (55836, 45609, 38266, 45271)


def _best(what: Callable[[], Any]) -> tuple[float, float, Any]:
    """Processor seconds and wall seconds of the best of some turns, and the result."""
    cpu, wall, found = [], [], None
    for _ in range(TURNS):
        began = time.process_time(), time.perf_counter()
        found = what()
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    return min(cpu), min(wall), found


def _texts(numbers: NDArray[np.uint32]) -> list[str]:
    return [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers.tolist()]


def ranges(count: int, seed: int = 7) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int32]]:
    """Invented networks: ranges of whole /24 with gaps between some, and the AS number of each."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(_FIRST >> 8, _LAST >> 8), count + count // 20, replace=False)) << 8
    kept = rng.random(len(cuts) - 1) > 0.05
    asns = rng.integers(1, 65_000, kept.sum())
    return cuts[:-1][kept].astype(np.uint32), (cuts[1:] - 1)[kept].astype(np.uint32), asns.astype(np.int32)


def look_ups(count: int, held: int = RANGES) -> dict[str, Any]:
    """Compare our look-up of `count` addresses as text with maxminddb's, over the same ranges."""
    import maxminddb
    import maxminddb.extension as compiled

    starts, ends, asns = ranges(held)
    numbers, places = np.unique(asns, return_inverse=True)
    records = [
        {"autonomous_system_number": int(asn), "autonomous_system_organization": f"Example Network {asn}"}
        for asn in numbers
    ]
    texts = _texts(np.random.default_rng(11).integers(_FIRST, _LAST, count, dtype=np.uint32))
    table = RangeTable(starts, ends, asns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "networks.mmdb"
        path.write_bytes(attribution_mmdb.write(starts, ends, places.tolist(), records))
        with compiled.Reader(str(path), maxminddb.MODE_MMAP_EXT) as reader:
            get = reader.get

            def asked() -> list[Any]:
                return [get(text) for text in texts]

            ours = _best(lambda: look_up_texts(table, texts))
            plain = _best(lambda: look_up_texts(table, texts, compiled=False))
            theirs = _best(asked)
    expected = [NOWHERE if record is None else record["autonomous_system_number"] for record in theirs[2]]
    assert ours[2].tolist() == expected, "The two do not agree."
    assert plain[2].tolist() == expected, "The numpy path does not agree."
    return {
        "ranges": len(table),
        "look_ups": count,
        "maxminddb": maxminddb.__version__,
        "compiled": batches.LIBRARY is not None,
        "ours_per_cpu_s": round(count / ours[0]),
        "numpy_per_cpu_s": round(count / plain[0]),
        "maxminddb_per_cpu_s": round(count / theirs[0]),
        "ratio_to_maxminddb": round(theirs[0] / ours[0], 2),
        "ratio_by_wall": round(theirs[1] / ours[1], 2),
        "ratio_numpy_alone": round(theirs[0] / plain[0], 2),
    }


def _history(path: Path, kind: ListKind) -> IntervalArchive:
    with path.open("rb") as stream:
        return read_history(stream, kind.meaning.longest_gap).entries[0]


def _invented(count: int, kind: ListKind, seed: int) -> IntervalArchive:
    """As many rows as a recorded history has, each some days long, with a snapshot at least every hour."""
    rng = np.random.default_rng(seed)
    lows = rng.integers(_FIRST, _LAST, count)
    hours = rng.integers(0, int((_TO - _FROM) / timedelta(hours=1)), count)
    widths = rng.integers(1, 2000, count)
    hour = timedelta(hours=1)
    rows = (
        Row(Span(Family.IPV4, low, low), _FROM + at * hour, min(_FROM + (at + width) * hour, _TO))
        for low, at, width in zip(lows.tolist(), hours.tolist(), widths.tolist(), strict=True)
    )
    return IntervalArchive.of(rows, _TO, longest_gap=kind.meaning.longest_gap)


def _network_rows(reference: Path) -> Iterator[tuple[int, int, int, Network]]:
    for version in (4, 6):
        with gzip.open(reference / "india" / f"india-asn-ipv{version}.csv.gz", "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                asn = Network(int(row["asn"]), row["as_name"])
                yield version, int(ip_address(row["start"])), int(ip_address(row["end"])), asn


def _numbers(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("AS")]


def loaded(reference: Path) -> tuple[Lists, bool]:
    """What events are labelled by, and whether it is the reference."""
    is_real = (reference / "tor").exists()
    archives, rows = [], []
    for kind, name, count in ((ListKind.TOR_EXIT, "tor/tor-exit-asof-2018-2024", 260_000),
                              (ListKind.VPN, "x4bnet/vpn-ipv4-asof-2023-2026", 36_000)):  # fmt: skip
        archive = _history(reference / f"{name}.npz", kind) if is_real else _invented(count, kind, count)
        archives.append(Archived(kind, name, "1", archive))
    if is_real:
        rows = list(_network_rows(reference))
    else:
        starts, ends, asns = (column.tolist() for column in ranges(11_000))
        rows = [(4, low, high, Network(asn, "Example")) for low, high, asn in zip(starts, ends, asns, strict=True)]
        rows += [(6, 0x24090000 << 96 | n << 80, 0x24090000 << 96 | (n + 1 << 80) - 1, Network(55836))
                 for n in range(4000)]  # fmt: skip
    hosting = (
        _numbers(reference / "x4bnet" / "datacenter-ASN.txt") if is_real else [f"AS{n}" for n in range(1, 9000, 9)]
    )
    for kind, entries in ((ListKind.HOSTING_AS, hosting), (ListKind.MOBILE_AS, [f"AS{asn}" for asn in _MOBILE])):
        archive = IntervalArchive(longest_gap=kind.meaning.longest_gap)
        for day in (_FROM, _TO):
            archive = archive.grown(day, entries, [Family.NUMBERS])
        archives.append(Archived(kind, kind.value, "1", archive))
    networks = Table.of(ListKind.NETWORKS, "networks", "1", _FROM - timedelta(days=30), rows)
    known = sorted({row[3].asn for row in rows})
    operators = tuple(Profile("operators", Label.FIXED, asn=asn) for asn in known[::40] if asn not in _MOBILE)
    return Lists(tuple(archives), (networks,), operators), is_real


def events(lists: Lists, count: int) -> tuple[list[str], NDArray[np.int64]]:
    """Addresses as text and times: of networks (some over IPv6), of the lists, of nobody; a few without a time."""
    rng = np.random.default_rng(3)
    table = lists.tables[0]
    place = rng.integers(0, len(table.v4), count)
    width = table.v4.ends[place].astype(np.int64) - table.v4.starts[place] + 1
    numbers = table.v4.starts[place] + rng.integers(0, 1 << 32, count) % width
    for part, listed in enumerate(lists.archives[:2]):
        of_list = np.array([row.span.lo for row in listed.archive.rows(Family.IPV4)], np.int64)
        numbers[part * count // 10 : (part + 1) * count // 10] = rng.choice(
            of_list, (part + 1) * count // 10 - part * count // 10
        )
    numbers[count // 5 : 3 * count // 10] = rng.integers(_FIRST, _LAST, 3 * count // 10 - count // 5)
    texts = _texts(numbers.astype(np.uint32))
    sixes = rng.integers(0, len(table.v6), count // 10).tolist()
    for row, at in enumerate(sixes, start=3 * count // 10):
        texts[row] = str(ip_address(table.v6.range_at(at)[0] + (row << 8) + 1))
    when = rng.integers(int(_FROM.timestamp()), int(_TO.timestamp()), count)
    when[::1000] = np.iinfo(np.int64).min
    order = rng.permutation(count)
    return [texts[row] for row in order.tolist()], when[order]


def labels(count: int, reference: Path = REFERENCE) -> dict[str, Any]:
    """Label `count` events with every reason bit, from text; and what all reasons of one event in full cost."""
    lists, is_real = loaded(reference)
    began = time.perf_counter()
    labeller = Labeller(lists)
    ready = time.perf_counter() - began
    texts, when = events(lists, count)
    began = time.perf_counter()
    labeller.many(texts[:1000], when[:1000])  # the archives make themselves ready at their first use
    ready += time.perf_counter() - began
    cpu, wall, batch = _best(lambda: labeller.many(texts, when))
    shown = range(0, count, max(1, count // 500))
    began = time.perf_counter()
    for row in shown:
        assert batch.labelled(row).label is batch.main(row)
    each = (time.perf_counter() - began) / len(shown)
    counted = np.bincount(batch.label, minlength=len(LABELS))
    return {
        "events": count,
        "reference": is_real,
        "compiled": batches.LIBRARY is not None,
        "ready_s": round(ready, 2),
        "labels_per_s": round(count / wall),
        "labels_per_cpu_s": round(count / cpu),
        "all_reasons_of_one_ms": round(each * 1000, 3),
        "disagreements": int(((batch.bits & int(Sign.DISAGREEMENT)) != 0).sum()),
        "labels": {LABELS[code].value: int(number) for code, number in enumerate(counted) if number},
    }


def measure(*, quick: bool, reference: Path = REFERENCE) -> dict[str, Any]:
    """Both parts."""
    count = 200_000 if quick else 1_000_000
    found = {
        "look-ups": telling.told("look-ups", look_ups, count, RANGES // 4 if quick else RANGES),
        "labels": telling.told("labels", labels, count, reference),
    }
    return {
        "labels_per_s": found["labels"]["labels_per_s"],
        "ratio_to_maxminddb": found["look-ups"]["ratio_to_maxminddb"],
        "parts": found,
    }


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200,000 of each")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="folder with the recorded histories")
    telling.run(parser, lambda chosen: measure(quick=chosen.quick, reference=chosen.reference))


if __name__ == "__main__":
    main()
