# SPDX-License-Identifier: Apache-2.0
"""The exact look-ups against what HMA serves (the index of the ``threatexchange`` package) and against faiss.

Every function makes random hashes, asks all ways the same questions in turns, holds the answers to each other, and
returns a dict. Rates are per CPU-second of one thread (``time.process_time``), so that a busy machine costs both sides
the same; the database's are its process's. Each runs in a child process of its own, so that memory is what was needed.

    python benches/matching_index.py pairs 1000000       # or: plain, skew, effect, digests, own; prints one JSON object
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

import machine
from nightlight.config import postgres
from nightlight.pipeline.matching.index import digests as digest_files
from nightlight.pipeline.matching.index import own as own_files
from nightlight.pipeline.matching.index.known import Known
from nightlight.pipeline.matching.index.overlay import WITHDRAWN, Entry
from nightlight.pipeline.matching.index.pairs import LEVEL, PairIndex, build
from nightlight.pipeline.matching.index.store import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Found = list[set[tuple[int, int]]]  # by query: id and distance

FARTHEST = 31
BLOCKS = 5


def pairs(n: int, queries: int, *, compiled: bool = True, faiss: bool = True, load: bool = True) -> dict[str, Any]:
    """All PDQ hashes within 31 bits among ``n``: single calls and batches, build, memory, load, recall."""
    return _in_child(_pairs, n, queries, compiled, faiss, load)


def skew(n: int, queries: int = 400) -> dict[str, Any]:
    """The same with hashes as of many crops of few photos; and the worst: hashes that share most halves."""
    return _in_child(_skew, n, queries)


def effect(n: int, changed: int = 100_000) -> dict[str, Any]:
    """With ``n`` in the base and ``changed`` beside it: until a new entry is found, until a withdrawn one is not."""
    return _in_child(_effect, n, changed)


def digests(n: int, queries: int = 100_000) -> dict[str, Any]:
    """MD5 look-ups, single and in batches, half of them known."""
    return _in_child(_digests, n, queries)


def own(n: int, queries: int = 40) -> dict[str, Any]:
    """Near-duplicates among ``n`` own files in PostgreSQL against the quickest sequential scan it offers."""
    return _in_child(_own, n, queries)


def _in_child(what: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # one that dies is told, not waited for
        return pool.submit(what, *arguments).result()


def _memory_mb(which: str = "VmRSS") -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) / 1024


def _timed(what: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    answer = what()
    return time.process_time() - began, answer


def _near(chance: np.random.Generator, value: Bytes, distance: int) -> Bytes:
    mask = np.zeros(256, np.uint8)
    mask[chance.permutation(256)[:distance]] = 1
    return value ^ np.packbits(mask)


def _questions(chance: np.random.Generator, hashes: Bytes, many: int) -> tuple[Bytes, dict[int, tuple[int, int]]]:
    """Half of them by chance, half copies at distances 0 to 31; and of which hash, at which distance."""
    asked = chance.integers(0, 256, (many, 32), np.uint8)
    planted = {}
    for place, row in zip(range(0, many, 2), chance.integers(0, len(hashes), many).tolist(), strict=False):
        distance = place // 2 % (FARTHEST + 1)
        asked[place] = _near(chance, hashes[row], distance)
        planted[place] = (row, distance)
    return asked, planted


class _Ours:
    name = "nightlight"

    def __init__(self, index: PairIndex) -> None:
        self.index = index

    def single(self, hexes: list[str]) -> Found:
        found = []
        for one in hexes:
            hits = self.index.search(np.frombuffer(bytes.fromhex(one), np.uint8).reshape(1, 32))
            found.append(set(zip(hits.id.tolist(), hits.distance.tolist(), strict=True)))
        return found

    def batch(self, hexes: list[str]) -> Found:
        hits = self.index.search(np.frombuffer(bytes.fromhex("".join(hexes)), np.uint8).reshape(-1, 32))
        found: Found = [set() for _ in hexes]
        for query, number, distance in zip(hits.query.tolist(), hits.id.tolist(), hits.distance.tolist(), strict=True):
            found[query].add((number, distance))
        return found


class _ThreatExchange:
    name = "threatexchange"

    def __init__(self, index: Any) -> None:  # noqa: ANN401
        self.index = index

    def single(self, hexes: list[str]) -> Found:
        answers = [self.index.query(one) for one in hexes]
        return [{(match.metadata, match.similarity_info.distance) for match in answer} for answer in answers]

    def batch(self, hexes: list[str]) -> Found:
        answers = self.index.index.search_with_distance_in_result(hexes, FARTHEST)  # what ``query`` does, for many
        entries = self.index.local_id_to_entry
        return [{(entries[at][1], int(distance)) for at, _, distance in answers[one]} for one in hexes]


class _Faiss:
    name = "faiss"

    def __init__(self, index: Any) -> None:  # noqa: ANN401
        self.index = index

    def single(self, hexes: list[str]) -> Found:
        return [self.batch([one])[0] for one in hexes]

    def batch(self, hexes: list[str]) -> Found:
        asked = np.frombuffer(bytes.fromhex("".join(hexes)), np.uint8).reshape(-1, 32)
        limits, distances, ids = self.index.range_search(asked, FARTHEST + 1)
        return [
            set(zip(ids[a:b].tolist(), distances[a:b].astype(int).tolist(), strict=True))
            for a, b in zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True)
        ]


def _hexes(hashes: Bytes) -> Iterator[str]:
    for start in range(0, len(hashes), 10_000):
        body = hashes[start : start + 10_000].tobytes().hex()
        yield from (body[at : at + 64] for at in range(0, len(body), 64))


def _peer(hashes: Bytes, ids: npt.NDArray[np.int64]) -> Any:  # noqa: ANN401
    from threatexchange.signal_type.pdq.signal import PdqSignal

    return PdqSignal.get_index_cls()(zip(_hexes(hashes), ids.tolist(), strict=True))


def _faiss_index(hashes: Bytes, ids: npt.NDArray[np.int64]) -> Any:  # noqa: ANN401
    import faiss

    inner = faiss.IndexBinaryMultiHash(256, 16, 16)
    inner.nflip = 1  # 31 // 16: the fewest that find all
    index = faiss.IndexBinaryIDMap(inner)
    index.add_with_ids(hashes, ids)
    index.kept = inner
    return index


def _race(ways: list[Any], hexes: list[str], kind: str) -> tuple[dict[str, float], Found]:
    """Blocks of the same questions in turns: CPU-seconds by way, and the answers, which must be the same."""
    blocks = [hexes[at::BLOCKS] for at in range(BLOCKS)]
    spent: dict[str, float] = defaultdict(float)
    answers: Found = [set() for _ in hexes]
    for turn, block in enumerate(blocks):
        same = None
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            seconds, found = _timed(lambda way=way, block=block: getattr(way, kind)(block))
            spent[way.name] += seconds
            assert same is None or found == same, f"{way.name} answers otherwise"
            same = found
        answers[turn::BLOCKS] = same or []
    return spent, answers


def _recall(answers: Found, planted: dict[int, tuple[int, int]], ids: npt.NDArray[np.int64]) -> float:
    return sum((int(ids[row]), d) in answers[q] for q, (row, d) in planted.items()) / len(planted)


def _loaded(kind: Any, path: Path) -> Any:  # noqa: ANN401
    with path.open("rb") as source:
        return kind.deserialize(source)


def _one_thread() -> None:
    import faiss

    faiss.omp_set_num_threads(1)


def _pairs(n: int, queries: int, compiled: bool, with_faiss: bool, load: bool) -> dict[str, Any]:
    _one_thread()
    chance = np.random.default_rng(1)
    hashes = chance.integers(0, 256, (n, 32), np.uint8)
    ids = np.arange(n) * 3 + 1000  # ascending, as a database streams them
    asked, planted = _questions(chance, hashes, queries)
    hexes = list(_hexes(asked))
    told: dict[str, Any] = {"n": n, "queries": queries, "compiled": compiled, "level": LEVEL if compiled else None}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        told["build_cpu_s"], _ = _timed(lambda: build(path, ids, hashes, compiled=compiled))
        opened = PairIndex.open(path, compiled=compiled)
        told["memory_mb"] = opened.size / 1e6
        gc.collect()
        before = _memory_mb()
        told["threatexchange_build_cpu_s"], peer = _timed(lambda: _peer(hashes, ids))
        gc.collect()
        told["threatexchange_memory_mb"] = (_memory_mb() - before) * 1.048576
        told["threatexchange_peak_mb"] = _memory_mb("VmHWM") * 1.048576
        ways: list[Any] = [_Ours(opened), _ThreatExchange(peer)]
        if with_faiss:
            before = _memory_mb()
            told["faiss_build_cpu_s"], index = _timed(lambda: _faiss_index(hashes, ids))
            told["faiss_memory_mb"] = (_memory_mb() - before) * 1.048576
            ways.append(_Faiss(index))
        told["warm_s"], _ = _timed(opened.warm)  # the peer's pages were touched when it was built
        gc.collect()
        gc.freeze()  # so that no side pays for looking through the other's objects
        for way in ways:
            way.batch(hexes[:20])
        for kind in ("single", "batch"):
            spent, answers = _race(ways, hexes, kind)
            told |= {f"{name}_{kind}_qps": queries / seconds for name, seconds in spent.items()}
            told[f"{kind}_ratio"] = spent["threatexchange"] / spent["nightlight"]
            if with_faiss:
                told[f"{kind}_ratio_to_faiss"] = spent["faiss"] / spent["nightlight"]
            told[f"{kind}_recall"] = _recall(answers, planted, ids)
        backfill = list(_hexes(_questions(chance, hashes, 20_000 if compiled else 2000)[0]))
        told["large_batch_qps"] = len(backfill) / _timed(lambda: _Ours(opened).batch(backfill))[0]
        told["build_ratio"] = told["threatexchange_build_cpu_s"] / told["build_cpu_s"]
        told["memory_ratio"] = told["threatexchange_memory_mb"] / told["memory_mb"]
        opening = [_timed(lambda: PairIndex.open(path, compiled=compiled).search(asked[:1]))[0] for _ in range(20)]
        told["load_s"] = statistics.median(opening)
        if load:
            kept = Path(folder) / "peer"
            with kept.open("wb") as to:
                peer.serialize(to)
            told["threatexchange_load_s"], _ = _timed(lambda: _loaded(type(peer), kept))
            told["load_ratio"] = told["threatexchange_load_s"] / told["load_s"]
    return told


def _crops(chance: np.random.Generator, n: int, photos: int) -> Bytes:
    """Hashes as of crops: around each photo's hash, up to 60 bits away; as many bits set as not, as PDQ has."""
    rows = np.empty((n, 32), np.uint8)
    base = np.packbits(chance.permuted(np.tile(np.arange(256) < 128, (photos, 1)), axis=1), axis=1)
    for start in range(0, n, 100_000):
        many = min(100_000, n - start)
        # Which bits move: those whose draw is below a share of the crop's own, among set and unset ones alike.
        share = chance.random((many, 1), np.float32) * np.float32(60 / 256)
        moved = np.packbits(chance.random((many, 256), np.float32) < share, axis=1)
        rows[start : start + many] = base[chance.integers(0, photos, many)] ^ moved
    return rows


def _skew(n: int, queries: int) -> dict[str, Any]:
    _one_thread()
    chance = np.random.default_rng(2)
    hashes, ids = _crops(chance, n, max(n // 300, 1)), np.arange(n)
    told: dict[str, Any] = {"n": n, "queries": queries}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        build(path, ids, hashes)
        opened = PairIndex.open(path)
        ways = [_Ours(opened), _ThreatExchange(_peer(hashes, ids))]
        opened.warm()
        gc.collect()
        gc.freeze()
        hexes = list(_hexes(hashes[chance.integers(0, n, queries)]))
        ways[0].batch(hexes[:20])
        for kind in ("single", "batch"):
            spent, answers = _race(ways, hexes, kind)
            told |= {f"{name}_{kind}_qps": queries / seconds for name, seconds in spent.items()}
            told[f"{kind}_ratio"] = spent["threatexchange"] / spent["nightlight"]
        told["hits_per_query"] = sum(map(len, answers)) / queries
        worst = np.tile(hashes[0], (n, 1))
        worst[:, 28:] = chance.integers(0, 256, (n, 4), np.uint8)
        build(path, ids, worst)
        opened = PairIndex.open(path)
        asked = np.array([_near(chance, worst[row], 40) for row in range(10)])
        opened.warm()
        auto, _ = _timed(lambda: opened.search(asked, 24))
        opened._plan = 2
        scan, _ = _timed(lambda: opened.search(asked, 24))
        told["worst_case_ms"], told["scan_ms"] = 1e3 * auto / len(asked), 1e3 * scan / len(asked)
        told["worst_case_by_scan"] = auto / scan
    return told


def _effect(n: int, changed: int) -> dict[str, Any]:
    chance = np.random.default_rng(3)
    hashes = chance.integers(0, 256, (n, 32), np.uint8)
    told: dict[str, Any] = {"n": n, "changed": changed}
    with tempfile.TemporaryDirectory() as folder:
        batches = (
            {"pdq": (np.arange(at, min(at + 100_000, n)), hashes[at : at + 100_000])} for at in range(0, n, 100_000)
        )
        began = time.perf_counter()
        known = Known(Folder(Path(folder)).build(batches, since=0))
        told["build_wall_s"] = time.perf_counter() - began
        known.apply({n + k: Entry(pdq=chance.bytes(32)) for k in range(changed)})
        new, gone = [], []
        for turn in range(40):
            value, row = chance.bytes(32), int(chance.integers(n))
            began = time.perf_counter()
            known.apply({2 * n + turn: Entry(pdq=value)})
            found = known.near(np.frombuffer(value, np.uint8).reshape(1, 32)).id
            new.append(time.perf_counter() - began)
            assert (2 * n + turn) in found
            began = time.perf_counter()
            known.apply({row: WITHDRAWN})
            found = known.near(hashes[row : row + 1]).id
            gone.append(time.perf_counter() - began)
            assert row not in found
        asked = chance.integers(0, 256, (2000, 32), np.uint8)
        base = known.generation
        assert base is not None
        alone, _ = _timed(lambda: base.pairs.search(asked))
        both, _ = _timed(lambda: known.near(asked))
        told |= {"new_ms": 1e3 * max(new), "withdrawn_ms": 1e3 * max(gone), "overlay_slower": both / alone}
    return told


def _digests(n: int, queries: int) -> dict[str, Any]:
    from threatexchange.signal_type.md5 import VideoMD5Signal

    chance = np.random.default_rng(4)
    values = chance.integers(0, 256, (n, 16), np.uint8)
    ids = chance.permutation(n) + 1000
    told: dict[str, Any] = {"n": n, "queries": queries}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        told["build_cpu_s"], _ = _timed(lambda: digest_files.build(path, ids, values))
        file = digest_files.DigestFile.open(path)
        plain = digest_files.DigestFile.open(path, compiled=False)
        told["memory_mb"] = file.size / 1e6
        gc.collect()
        before = _memory_mb()
        rows = ((row.tobytes().hex(), number) for row, number in zip(values, ids.tolist(), strict=True))
        told["threatexchange_build_cpu_s"], peer = _timed(lambda: VideoMD5Signal.get_index_cls().build(rows))
        gc.collect()
        told["threatexchange_memory_mb"] = (_memory_mb() - before) * 1.048576
        told["memory_ratio"] = told["threatexchange_memory_mb"] / told["memory_mb"]
        gc.freeze()
        plain.find(values[:1])
        spent: dict[str, float] = defaultdict(float)
        for _ in range(BLOCKS):  # new questions each time, as bytes for us and as the hex it takes for the peer
            asked = values[chance.integers(0, n, queries // BLOCKS)]
            asked[::2] = chance.integers(0, 256, asked[::2].shape, np.uint8)
            as_bytes, as_hex = [row.tobytes() for row in asked], [row.tobytes().hex() for row in asked]
            gc.collect()
            gc.disable()
            seconds, ours = _timed(lambda a=as_bytes: [file.find_one(one) for one in a])
            spent["single"] += seconds
            seconds, theirs = _timed(lambda a=as_hex: [peer.query(one) for one in a])
            spent["threatexchange"] += seconds
            seconds, (which, found) = _timed(lambda a=asked: file.find(a))
            spent["batch"] += seconds
            seconds, again = _timed(lambda a=asked: plain.find(a))
            spent["plain_batch"] += seconds
            spent["plain_single"] += _timed(lambda a=as_bytes: [plain.find_one(one) for one in a])[0]
            gc.enable()
            assert [[match.metadata for match in one] for one in theirs] == ours
            assert [(at, number) for at, one in enumerate(ours) for number in one] == list(
                zip(which.tolist(), found.tolist(), strict=True)
            )
            assert np.array_equal(again[0], which)
            assert np.array_equal(again[1], found)
        told |= {f"{name}_qps": queries / seconds for name, seconds in spent.items()}
        told |= {f"{name}_ratio": spent["threatexchange"] / spent[name] for name in spent if name != "threatexchange"}
    return told


_TABLES = """
CREATE TABLE matching_fingerprint (blob_id bigint PRIMARY KEY, pdq bytea);
CREATE TABLE matching_pair (key integer NOT NULL, sibling integer NOT NULL, file_id bigint NOT NULL);
"""
_FILL = """
INSERT INTO matching_pair SELECT t * 65536 + get_byte(pdq, 2 * t) * 256 + get_byte(pdq, 2 * t + 1),
    get_byte(pdq, 2 * (t # 1)) * 256 + get_byte(pdq, 2 * (t # 1) + 1), blob_id
FROM matching_fingerprint, generate_series(0, 15) t ORDER BY 1, 2, 3;
ALTER TABLE matching_pair ADD PRIMARY KEY (key, sibling, file_id);
CREATE INDEX pair_file ON matching_pair (file_id);
CREATE TABLE flat AS SELECT blob_id, ('x' || encode(pdq, 'hex'))::bit(256) AS pdq FROM matching_fingerprint;
"""
# The quickest expression that stock PostgreSQL offers, over a table with nothing but what it needs.
_SCAN = """
SELECT blob_id, bit_count(pdq # %(hash)s::bit(256)) FROM flat WHERE bit_count(pdq # %(hash)s::bit(256)) <= 31
"""


def _own(n: int, queries: int) -> dict[str, Any]:
    chance = np.random.default_rng(5)
    hashes = chance.integers(0, 256, (n, 32), np.uint8)
    asked, planted = _questions(chance, hashes, queries)
    told: dict[str, Any] = {"n": n, "queries": queries}
    home = Path(tempfile.mkdtemp(prefix="nightlight-bench-"))
    try:
        postgres.prepare(home)
        postgres.ensure_running(home)
        address = postgres.url(home, role=postgres.SUPERUSER, database="postgres")
        with psycopg.connect(address, autocommit=True, cursor_factory=psycopg.ClientCursor) as database:
            began = time.perf_counter()
            database.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
            database.execute(_TABLES)
            with database.cursor().copy("COPY matching_fingerprint FROM STDIN (FORMAT binary)") as to:
                to.set_types(["int8", "bytea"])
                for number, row in enumerate(hashes):
                    to.write_row((number, row.tobytes()))
            database.execute(_FILL)
            database.execute("VACUUM ANALYZE")
            told["filled_wall_s"] = time.perf_counter() - began
            size = database.execute("SELECT pg_total_relation_size('matching_pair') / 1e6").fetchone()
            told["table_mb"] = float(size[0]) if size else 0.0
            told |= _own_race(database, asked, planted)
    finally:
        postgres.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    return told


def _own_race(database: psycopg.Connection[Any], asked: Bytes, planted: dict[int, tuple[int, int]]) -> dict[str, Any]:
    cursor = database.cursor()
    cursor.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")  # one process's time on either side
    backend = [database.info.backend_pid]
    spent, wall = defaultdict[str, float](float), defaultdict[str, list[float]](list)

    def scan(query: bytes) -> set[tuple[int, int]]:
        cursor.execute(_SCAN, {"hash": format(int.from_bytes(query, "big"), "0256b")})
        return {(int(number), int(distance)) for number, distance in cursor.fetchall()}

    def near(query: bytes) -> set[tuple[int, int]]:
        return {(number, distance) for _, number, distance in own_files.near(cursor, [query])}

    for query in asked:  # a first time for both, so that neither waits for the disk
        near(query.tobytes())
    scan(asked[0].tobytes())
    recalled = 0
    for start in range(0, len(asked), 8):
        block = [row.tobytes() for row in asked[start : start + 8]]
        answers: dict[str, list[set[tuple[int, int]]]] = defaultdict(list)
        for name, way, times in (("pairs", near, 20), ("scan", scan, 1)):
            before = machine.cpu_seconds(backend)
            for _ in range(times):  # the kernel counts in hundredths of a second
                answers[name] = []
                for query in block:
                    began = time.perf_counter()
                    answers[name].append(way(query))
                    wall[name].append(time.perf_counter() - began)
            spent[name] += (machine.cpu_seconds(backend) - before) / times
        assert answers["pairs"] == answers["scan"]
        recalled += sum(
            planted[start + at] in found for at, found in enumerate(answers["pairs"]) if start + at in planted
        )
    new = []
    for turn in range(20):
        began = time.perf_counter()
        value = np.random.default_rng(turn).bytes(32)
        with database.transaction():
            cursor.execute("INSERT INTO matching_fingerprint VALUES (%s, %s)", [10**9 + turn, value])
            own_files.keep(cursor, 10**9 + turn, value)
        assert (10**9 + turn, 0) in near(value)
        new.append(time.perf_counter() - began)
    return {
        "recall": recalled / len(planted),
        "pairs_cpu_ms": 1e3 * spent["pairs"] / len(asked),
        "scan_cpu_ms": 1e3 * spent["scan"] / len(asked),
        "cpu_ratio": spent["scan"] / spent["pairs"],
        "pairs_wall_ms": 1e3 * statistics.median(wall["pairs"]),
        "scan_wall_ms": 1e3 * statistics.median(wall["scan"]),
        "wall_ratio": statistics.median(wall["scan"]) / statistics.median(wall["pairs"]),
        "new_file_found_ms": 1e3 * statistics.median(new),
    }


def main() -> None:
    """Run one of them at one size."""
    what, n = sys.argv[1], int(sys.argv[2])
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "pairs": lambda: pairs(n, 400, load=n <= 1_000_000),  # its loading takes minutes at ten million
        "plain": lambda: pairs(n, 400, compiled=False, faiss=False, load=False),
        "skew": lambda: skew(n),
        "effect": lambda: effect(n),
        "digests": lambda: digests(n),
        "own": lambda: own(n),
    }
    told = ways[what]()
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in told.items()}))


if __name__ == "__main__":
    main()
