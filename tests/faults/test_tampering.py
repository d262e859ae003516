# SPDX-License-Identifier: Apache-2.0
"""One byte is altered behind the application's back; the verification says so, and where."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from .reporting import Line, file_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SEED = 11

# What is altered, whether it holds bytes or text, and one row of it.
PLACES = {
    "report": ("tips_document", "body", "kind = 'report'"),
    "file details": ("tips_document", "body", "kind = 'file-details'"),
    "receipt": ("tips_document", "body", "kind = 'receipt'"),
    "digest of a file": ("evidence_blob", "sha1", "true"),
    "incident type": ("tips_tip", "incident_type", "true"),
}


@pytest.fixture(scope="module")
def filed(running: Installation) -> Installation:
    """An installation with a few signed reports, that nobody uses while it is examined."""
    with Line(running.port, running.login) as line:
        for number in range(3):
            file_whole(line, f"u-{number}", random.Random(number).randbytes(150_000))
    assert running.command("custody", "head").returncode == 0
    code, told = running.verified()
    assert (code, told["problems"]) == (0, [])
    return running


def test_an_altered_vault_file_is_noticed(filed: Installation) -> None:
    chance = random.Random(SEED)
    path = chance.choice(sorted(_vault_files(filed)))
    place = chance.randrange(path.stat().st_size)
    _flip(path, place)
    code, told = filed.verified()
    assert code == 1, f"byte {place} of {path}"
    assert told["problem_count"] >= 1
    _flip(path, place)


def test_a_missing_vault_file_is_noticed(filed: Installation) -> None:
    path = min(_vault_files(filed))
    path.rename(path.with_suffix(".away"))
    code, _ = filed.verified()
    path.with_suffix(".away").rename(path)
    assert code == 1


@pytest.mark.parametrize("forged", [False, True], ids=["body alone", "body and its hash"])
def test_an_altered_custody_event_is_noticed(filed: Installation, forged: bool) -> None:
    find = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'custody_event_hash_is_of_body'"
    )
    ((name, rule),) = filed.rows(find)
    filed.rows(f"ALTER TABLE custody_event DROP CONSTRAINT {name}")  # a superuser can
    (key, body, leaf), *_ = filed.rows("SELECT id, body, leaf_hash FROM custody_event WHERE kind = 'tip.opened'")
    other = str(_altered(body, random.Random(SEED)))
    write = "UPDATE custody_event SET body = %s, leaf_hash = %s WHERE id = %s"
    filed.rows(write, [other, hashlib.sha256(b"\0" + other.encode()).digest() if forged else leaf, key])
    code, told = filed.verified()
    filed.rows(write, [body, leaf, key])
    filed.rows(f"ALTER TABLE custody_event ADD CONSTRAINT {name} {rule}")
    assert code == 1
    assert told["problem_count"] >= 1


@pytest.mark.parametrize("what", PLACES)
def test_one_altered_byte_in_the_database_is_noticed(filed: Installation, what: str) -> None:
    table, column, row = PLACES[what]
    chance = random.Random(f"{SEED}-{what}")
    (key, before), *_ = filed.rows(f"SELECT id, {column} FROM {table} WHERE {row} ORDER BY id")
    write = f"UPDATE {table} SET {column} = %s WHERE id = %s"
    filed.rows(write, [_altered(before, chance), key])
    code, told = filed.verified()
    filed.rows(write, [before, key])
    assert code == 1, f"{what} {key}"
    assert told["problem_count"] >= 1


def test_with_every_byte_put_back_all_is_well_again(filed: Installation) -> None:
    code, told = filed.verified()
    assert (code, told["problems"]) == (0, [])


def _vault_files(installation: Installation) -> list[Path]:
    return [path for path in (installation.home / "vault").glob("*/*") if path.is_file()]


def _flip(path: Path, place: int) -> None:
    body = bytearray(path.read_bytes())
    body[place] ^= 1
    path.write_bytes(body)


def _altered(value: bytes | str, chance: random.Random) -> bytes | str:
    place = chance.randrange(len(value))
    if isinstance(value, str):
        other = "x" if value[place] != "x" else "y"
        return value[:place] + other + value[place + 1 :]
    body = bytearray(value)
    body[place] ^= 1
    return bytes(body)
