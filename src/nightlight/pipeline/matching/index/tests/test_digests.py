# SPDX-License-Identifier: Apache-2.0
"""The digest files answer as a dictionary would, with and without the compiled core."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.index import digests, files
from nightlight.pipeline.matching.index.files import IndexDamaged, digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.pipeline.matching.index.files import Array

WAYS = [False] + [True] * (digests.LIBRARY is not None)


def held_to_a_dictionary(path: Path, ids: Array, values: Array, asked: Array) -> None:
    known = defaultdict(list)
    for number, value in sorted(zip(ids.tolist(), (row.tobytes() for row in values), strict=True)):
        known[value].append(number)
    for compiled in WAYS:
        file = digests.DigestFile.open(path, compiled=compiled)
        file.verify()
        assert (file.count, file.digest) == (len(ids), digest_of(ids, values))
        assert [file.find_one(row.tobytes()) for row in asked] == [known.get(row.tobytes(), []) for row in asked]
        which, found = file.find(asked)
        expected = [(place, number) for place, row in enumerate(asked) for number in known.get(row.tobytes(), [])]
        assert list(zip(which.tolist(), found.tolist(), strict=True)) == expected


@pytest.mark.parametrize("compiled", WAYS)
def test_a_digest_of_another_length_is_refused(tmp_path: Path, compiled: bool) -> None:
    digests.build(tmp_path / "index", np.arange(3), np.zeros((3, 16), np.uint8))
    file = digests.DigestFile.open(tmp_path / "index", compiled=compiled)
    for wrong in [b"", b"x" * 15, b"x" * 20]:
        with pytest.raises(ValueError, match="16 bytes"):
            file.find_one(wrong)
    with pytest.raises(ValueError, match="shape"):
        file.find(np.zeros((2, 20), np.uint8))


def test_what_cannot_be_built_is_refused(tmp_path: Path) -> None:
    ids, values = np.arange(3), np.zeros((3, 20), np.uint8)
    for wrong in [(ids, values[:, :19]), (ids[:2], values), (ids * 0, values), (ids - 1, values), (ids / 2, values)]:
        with pytest.raises(ValueError, match=r"ids|values|bytes"):
            digests.build(tmp_path / "index", *wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", digests.WIDTHS.values())
def test_a_hundred_thousand_with_repeats(tmp_path: Path, width: int) -> None:
    chance = np.random.default_rng(1)
    values = chance.integers(0, 256, (100_000, width), np.uint8)
    values[5_000:6_000] = values[:1_000]
    values[6_000:6_500] = values[3]
    ids = chance.permutation(1 << 20)[:100_000]
    digests.build(tmp_path / "index", ids, values)
    asked = np.concatenate([values[::97], values[5_000:5_010], values[3:4]])
    almost = asked[:500].copy()
    almost[:, -1] ^= 1
    held_to_a_dictionary(tmp_path / "index", ids, values, np.concatenate([asked, almost]))


def test_more_than_a_million_have_a_longer_prefix(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    values = chance.integers(0, 256, ((1 << 20) + 5, 16), np.uint8)
    values[:40, :3] = (255, 255, 255)
    values[40:80, :3] = 0
    digests.build(tmp_path / "index", np.arange(len(values)), values)
    asked = np.concatenate([values[:80], values[::5000], chance.integers(0, 256, (300, 16), np.uint8)])
    for compiled in WAYS:
        file = digests.DigestFile.open(tmp_path / "index", compiled=compiled)
        expected = [*range(80), *range(0, len(values), 5000)]
        which, ids = file.find(asked)
        assert ids.tolist() == expected
        assert which.tolist() == list(range(len(ids)))
        assert [file.find_one(row.tobytes()) for row in asked[:100]] == [[number] for number in ids[:100].tolist()]
        assert file.find_one(asked[-1].tobytes()) == []
    digests.DigestFile.open(tmp_path / "index").verify()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([b"\0", b"\xff", b"ab", b"ab\xff"]), st.binary(max_size=2), st.integers(0, 2**50)),
        max_size=30,
        unique_by=lambda row: row[2],
    ),
    width=st.sampled_from([16, 20, 32]),
)
def test_any_small_set_as_a_dictionary(tmp_path: Path, rows: list[tuple[bytes, bytes, int]], width: int) -> None:
    """Digests alike at their beginning, their end or both, as no digest function would give them."""
    body = b"".join((head + tail.rjust(width - len(head), b"\0"))[:width] for head, tail, _ in rows)
    values = np.frombuffer(body, np.uint8).reshape(-1, width)
    ids = np.array([number for _, _, number in rows], np.int64)
    digests.build(tmp_path / "index", ids, values)
    asked = np.concatenate([values, values[:3] ^ np.uint8(1), np.zeros((1, width), np.uint8)])
    held_to_a_dictionary(tmp_path / "index", ids, values, asked)


def test_damage_is_refused_or_found(tmp_path: Path) -> None:
    path = tmp_path / "index"
    values = np.random.default_rng(3).integers(0, 256, (2000, 20), np.uint8)
    digests.build(path, np.arange(2000), values)
    whole = bytearray(path.read_bytes())
    for body, code in [(whole[:-7], "truncated"), (b"nothing of ours" * 9, "foreign"), (b"", "truncated")]:
        path.write_bytes(bytes(body))
        with pytest.raises(IndexDamaged) as refused:
            digests.DigestFile.open(path)
        assert refused.value.code == code
    path.write_bytes(whole)
    for at in files.read(path, digests.KIND, digests.VERSION).places.values():
        whole[at + 4004] ^= 2
        path.write_bytes(whole)
        with pytest.raises(IndexDamaged) as refused:
            digests.DigestFile.open(path).verify()
        assert refused.value.code == "content"
        whole[at + 4004] ^= 2
