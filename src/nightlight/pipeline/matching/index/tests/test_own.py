# SPDX-License-Identifier: Apache-2.0
"""The pair index as a table of PostgreSQL: exact, and part of the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.db import connection, transaction

from nightlight.pipeline.matching.index import own

from .hashes import brute, clustered, flipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.matching.index.files import Array

pytestmark = pytest.mark.django_db

TABLES = """
CREATE TEMP TABLE matching_pair (
    key integer NOT NULL, sibling integer NOT NULL, file_id bigint NOT NULL, PRIMARY KEY (key, sibling, file_id)
) ON COMMIT DROP;
CREATE TEMP TABLE matching_fingerprint (blob_id bigint PRIMARY KEY, pdq bytea) ON COMMIT DROP;
"""


@pytest.fixture
def cursor() -> Iterator[own.Cursor]:
    with transaction.atomic(), connection.cursor() as opened:
        opened.execute(TABLES)
        yield opened


def put(cursor: own.Cursor, hashes: Array) -> None:
    for number, row in enumerate(hashes):
        cursor.execute("INSERT INTO matching_fingerprint VALUES (%s, %s)", [number, row.tobytes()])
        own.keep(cursor, number, row.tobytes())


def test_what_is_no_hash_is_refused(cursor: own.Cursor) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        own.keep(cursor, 1, b"x" * 31)
    with pytest.raises(ValueError, match="32 bytes"):
        own.near(cursor, [b"x" * 33])
    with pytest.raises(ValueError, match="radius"):
        own.near(cursor, [b"x" * 32], 32)


@pytest.mark.parametrize("radius", [0, 7, 8, 15, 16, 24, 31])
def test_all_within_the_radius_and_no_other(cursor: own.Cursor, radius: int) -> None:
    chance = np.random.default_rng(radius)
    centre = chance.integers(0, 256, 32, np.uint8)
    planted = np.array([flipped(chance, centre, bits) for bits in range(36)])
    hashes = np.concatenate([planted, clustered(chance, 3, 20), chance.integers(0, 256, (40, 32), np.uint8)])
    put(cursor, hashes)
    queries = np.array([centre, hashes[40], hashes[-1]])
    found = own.near(cursor, [query.tobytes() for query in queries], radius)
    assert set(found) == brute(np.arange(len(hashes)), hashes, queries, radius)
    assert [(number, distance) for query, number, distance in found if query == 0] == [
        (bits, bits) for bits in range(radius + 1)
    ]


def test_kept_twice_is_kept_once_and_forgotten_is_gone(cursor: own.Cursor) -> None:
    value = bytes(range(32))
    put(cursor, np.frombuffer(value * 2, np.uint8).reshape(2, 32))
    own.keep(cursor, 0, value)
    assert own.near(cursor, [value]) == [(0, 0, 0), (0, 1, 0)]
    own.forget(cursor, 0)
    assert own.near(cursor, [value]) == [(0, 1, 0)]
    cursor.execute("SELECT count(*) FROM matching_pair")
    assert cursor.fetchall() == [(16,)]


def test_what_is_rolled_back_was_never_there(cursor: own.Cursor) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        put(cursor, np.zeros((1, 32), np.uint8))
        assert own.near(cursor, [bytes(32)]) == [(0, 0, 0)]
        raise RuntimeError
    assert own.near(cursor, [bytes(32)]) == []
