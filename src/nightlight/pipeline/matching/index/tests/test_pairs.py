# SPDX-License-Identifier: Apache-2.0
"""The pair index finds all that a comparison with every hash finds, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.index import files, pairs
from nightlight.pipeline.matching.index.files import IndexDamaged, SourceDigest

from .hashes import Found, brute, clustered, flipped, triples, ways

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.pipeline.matching.index.files import Array

MILLION = 1_000_000


def opened(path: Path, way: tuple[bool, int], plan: int = pairs.AUTO) -> pairs.PairIndex:
    index = pairs.PairIndex.open(path, compiled=way[0])
    index._level, index._plan = way[1], plan
    return index


def some(n: int, seed: int = 7) -> tuple[Array, Array]:
    chance = np.random.default_rng(seed)
    return chance.permutation(n).astype(np.int64) * 3, chance.integers(0, 256, (n, 32), np.uint8)


@pytest.mark.parametrize("radius", [-1, 32, 256])
def test_a_radius_it_is_not_made_for_is_refused(radius: int) -> None:
    with pytest.raises(ValueError, match="radius"):
        pairs.PairIndex.of(*some(3)).search(np.zeros((1, 32), np.uint8), radius)


@pytest.mark.parametrize("queries", [np.zeros(32, np.uint8), np.zeros((1, 31), np.uint8), np.zeros((1, 32))])
def test_queries_of_another_shape_are_refused(queries: Array) -> None:
    with pytest.raises(ValueError, match="queries"):
        pairs.PairIndex.of(*some(3)).search(queries)


@pytest.mark.parametrize("compiled", [True, False])
def test_what_cannot_be_built_is_refused(tmp_path: Path, compiled: bool) -> None:
    ids, hashes = some(3)
    for wrong in [(ids[:2], hashes), (ids, hashes[:, :31]), (ids * 1.5, hashes), (ids * 0, hashes), (-ids - 1, hashes)]:
        with pytest.raises(ValueError, match=r"ids|values"):
            pairs.build(tmp_path / "index", *wrong, compiled=compiled)
    assert list(tmp_path.iterdir()) == []


class Million(NamedTuple):
    """A million hashes; in it, for 12 queries, a copy at every distance from 0 to 36, under known ids."""

    path: Path
    queries: Array
    planted: Array  # (12, 37): the id of the copy of that query at that distance
    others: Array  # queries without copies, and copies of what is there
    found: Found  # of the others, by comparing each with every hash


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Million:
    chance = np.random.default_rng(1)
    hashes = chance.integers(0, 256, (MILLION, 32), np.uint8)
    queries = chance.integers(0, 256, (12, 32), np.uint8)
    places = chance.permutation(MILLION)[: 12 * 37].reshape(12, 37)
    for query, row in zip(queries, places, strict=True):
        for distance, place in enumerate(row):
            hashes[place] = flipped(chance, query, distance)
    path, ids = tmp_path_factory.mktemp("million") / "index", np.arange(MILLION) + 10
    pairs.build(path, ids, hashes)
    others = chance.integers(0, 256, (20, 32), np.uint8)
    others[::2] = hashes[::50_000][:10]
    return Million(path, queries, places + 10, others, brute(ids, hashes, others, 31))


@pytest.mark.parametrize("way", ways())
def test_recall_is_1_among_a_million(way: tuple[bool, int], million: Million) -> None:
    index, planted = opened(million.path, way), million.planted
    index.warm()
    expected = [(query, int(planted[query, bits]), bits) for query in range(12) for bits in range(32)]
    assert triples(index.search(million.queries)) == expected
    for query in range(3):
        alone = triples(index.search(million.queries[query : query + 1]))
        assert alone == [(0, number, bits) for at, number, bits in expected if at == query]
    assert triples(index.search(million.queries, 16)) == [triple for triple in expected if triple[2] <= 16]
    assert set(triples(index.search(million.others))) == million.found


def test_both_ways_write_the_same_file(tmp_path: Path) -> None:
    if pairs.LIBRARY is None:
        pytest.skip("the compiled core is not built: scripts/build-native")
    ids, hashes = some(5000)
    hashes[1000:1400] = hashes[:400]
    hashes[2000:2100] = hashes[7]
    pairs.build(tmp_path / "compiled", ids, hashes)
    pairs.build(tmp_path / "plain", ids, hashes, compiled=False)
    assert (tmp_path / "compiled").read_bytes() == (tmp_path / "plain").read_bytes()


@pytest.mark.parametrize("plan", [pairs.AUTO, pairs.PROBE, pairs.SCAN])
@pytest.mark.parametrize("way", ways())
def test_many_crops_of_few_photos(tmp_path: Path, way: tuple[bool, int], plan: int) -> None:
    chance = np.random.default_rng(3)
    hashes = clustered(chance, 12, 300)
    ids = np.arange(len(hashes)) * 2
    pairs.build(tmp_path / "index", ids, hashes)
    queries = hashes[:: len(hashes) // 30]
    found = triples(opened(tmp_path / "index", way, plan).search(queries))
    assert set(found) == brute(ids, hashes, queries, 31)
    assert len(found) == len(set(found)) > 300


@pytest.mark.parametrize("way", ways())
def test_hashes_that_share_halves_are_read_one_by_one(tmp_path: Path, way: tuple[bool, int]) -> None:
    """The worst there is: every hash in the buckets of every query. The answer stays exact, the work bounded."""
    chance = np.random.default_rng(4)
    hashes = np.tile(chance.integers(0, 256, 32, np.uint8), (20_000, 1))
    hashes[:, 28:] = chance.integers(0, 256, (20_000, 4), np.uint8)  # alike in fourteen halves of sixteen
    ids = np.arange(20_000)
    pairs.build(tmp_path / "index", ids, hashes)
    queries = np.array([hashes[5], flipped(chance, hashes[6], 20), flipped(chance, hashes[7], 40)])
    answers = [triples(opened(tmp_path / "index", way, plan).search(queries)) for plan in (pairs.AUTO, pairs.PROBE)]
    assert set(answers[0]) == brute(ids, hashes, queries, 31)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("way", ways())
def test_one_hash_with_many_ids(tmp_path: Path, way: tuple[bool, int]) -> None:
    ids, hashes = some(30_000)
    hashes[:20_000] = hashes[0]
    pairs.build(tmp_path / "index", ids, hashes)
    index = opened(tmp_path / "index", way)
    assert index.count == 30_000
    found = index.search(hashes[[0, 25_000]])
    assert found.id[:20_000].tolist() == sorted(ids[:20_000].tolist())
    assert triples(found)[20_000:] == [(1, int(ids[25_000]), 0)]
    index.verify()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seeds=st.lists(st.integers(0, 11), max_size=40),
    radius=st.integers(0, 31),
    plan=st.sampled_from([pairs.AUTO, pairs.PROBE, pairs.SCAN]),
    seed=st.integers(0, 2**16),
)
def test_any_small_set_as_by_brute_force(seeds: list[int], radius: int, plan: int, seed: int) -> None:
    """Hashes near each other around a few centres, repeats among them, at any radius, in every way."""
    chance = np.random.default_rng(seed)
    centres = chance.integers(0, 256, (4, 32), np.uint8)
    hashes = np.array([flipped(chance, centres[s % 4], 6 * (s // 4)) for s in seeds], np.uint8).reshape(-1, 32)
    ids = np.sort(chance.choice(2**40, len(hashes), replace=False))
    queries = np.array([flipped(chance, centre, int(chance.integers(0, 34))) for centre in centres])
    expected = brute(ids, hashes, queries, radius)
    for compiled, level in ways():
        index = pairs.PairIndex.of(ids, hashes, compiled=compiled)
        index._level, index._plan = level, plan
        found = triples(index.search(queries, radius))
        assert set(found) == expected
        assert len(found) == len(expected)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("compiled", [True, False])
def test_nothing_and_one(tmp_path: Path, n: int, compiled: bool) -> None:
    ids, hashes = some(n)
    pairs.build(tmp_path / "index", ids, hashes, compiled=compiled)
    index = pairs.PairIndex.open(tmp_path / "index", compiled=compiled)
    index.verify()
    assert index.count == n
    assert triples(index.search(np.zeros((0, 32), np.uint8))) == []
    assert triples(index.search(hashes)) == [(0, 0, 0)] * n


def test_the_digest_is_that_of_the_rows_in_the_order_of_their_ids(tmp_path: Path) -> None:
    ids, hashes = some(1000)
    pairs.build(tmp_path / "index", ids, hashes)
    one_by_one, batched = SourceDigest(), SourceDigest()
    order = np.argsort(ids)
    for row in order:
        one_by_one.add_one(int(ids[row]), hashes[row].tobytes())
    for part in np.array_split(order, 7):
        batched.add(ids[part], hashes[part])
    with pytest.raises(ValueError, match="ascend"):
        batched.add(ids[order[:1]], hashes[order[:1]])
    index = pairs.PairIndex.open(tmp_path / "index")
    assert index.digest == one_by_one.hexdigest() == batched.hexdigest()
    assert index.count == one_by_one.count == batched.count == 1000


def test_a_file_that_is_not_whole_or_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index"
    pairs.build(path, *some(3000))
    whole = path.read_bytes()
    damaged = {
        "truncated": [b"", whole[:40], whole[:-1], whole[: len(whole) // 2], whole + b"x"],
        "foreign": [b"SQLite f" + whole[8:]],
        "header": [whole[:60] + b"?" + whole[61:], whole[:9] + b"\x7f" + whole[10:]],
    }
    for code, bodies in damaged.items():
        for body in bodies:
            path.write_bytes(body)
            with pytest.raises(IndexDamaged) as refused:
                pairs.PairIndex.open(path)
            assert refused.value.code == code
    path.write_bytes(whole)
    pairs.PairIndex.open(path).verify()


def test_a_changed_byte_anywhere_in_the_arrays_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "index"
    ids, hashes = some(3000)
    hashes[:20] = hashes[0]
    pairs.build(path, ids, hashes)
    whole = bytearray(path.read_bytes())
    places = files.read(path, pairs.KIND, pairs.VERSION).places
    for at in places.values():
        whole[at + 100] ^= 1
        path.write_bytes(whole)
        with pytest.raises(IndexDamaged) as refused:
            pairs.PairIndex.open(path).verify()
        assert refused.value.code == "content"
        whole[at + 100] ^= 1
