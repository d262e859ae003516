# SPDX-License-Identifier: Apache-2.0
"""Whatever was altered behind the program's back, in the vault or in the records, is reported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.trust.custody import verify as custody
from nightlight.trust.evidence import verify
from nightlight.trust.evidence.tests.test_actions import GRADIENT, receive
from nightlight.trust.evidence.tests.vaults import flip_a_bit, lies_at, seal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightlight.trust.evidence.vault import Sealed, Vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(vault: Vault) -> Sealed:
    """Three receipts of two files; this one is the file received twice."""
    sealed = seal(vault, GRADIENT)
    receive(sealed, name="first.png")
    receive(sealed, name="second.png")
    receive(seal(vault, b"a calendar"), name="calendar.txt")
    return sealed


def found() -> list[tuple[str, str]]:
    return [(problem.code, problem.text) for problem in verify.check()]


@contextmanager
def the_owner_of_the_database(table: str) -> Iterator[None]:
    """Does what only he can: switch the guard off for a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} ENABLE TRIGGER USER")


def execute(table: str, statement: str, *parts: str) -> None:
    with the_owner_of_the_database(table), connection.cursor() as cursor:
        cursor.execute(statement.format(*parts))


def test_a_missing_file_is_reported(kept: Sealed, tmp_path: Path) -> None:
    lies_at(tmp_path / "vault", kept).unlink()
    assert found() == [("file-missing", "its file is not in the vault")]


def test_an_altered_file_is_reported(kept: Sealed, tmp_path: Path) -> None:
    flip_a_bit(lies_at(tmp_path / "vault", kept))
    assert [code for code, _ in found()] == ["file-changed"]


def test_a_file_that_cannot_be_read_is_reported(kept: Sealed, tmp_path: Path) -> None:
    path = lies_at(tmp_path / "vault", kept)
    path.unlink()
    path.mkdir()
    assert found() == [("file-unreadable", f"reading evidence file {kept.locator}: Is a directory")]


def test_a_missing_key_is_reported(kept: Sealed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE evidence_blob_key SET key_id = '00000000' WHERE blob_id = (SELECT min(id) FROM evidence_blob)"
        )
        cursor.execute("DELETE FROM evidence_blob_key WHERE blob_id = (SELECT max(id) FROM evidence_blob)")
    assert found() == [
        ("key-missing", "master key 00000000 is not on the ring"),
        ("key-missing", "the record of its key is gone"),
    ]
    assert kept


@pytest.mark.parametrize(
    ("column", "value", "fact"),
    [
        ("name_closed", "set_byte(name_closed, 2, 9)", "name"),
        ("source", "'reporter:RP-OTHER'", "source"),
        ("context", "'tip:NL-OTHER'", "context"),
        ("received_at", "received_at + interval '1 microsecond'", "received_at"),
        ("blob_id", "(SELECT max(id) FROM evidence_blob)", "blob, md5, sha1, sha256, size"),
    ],
)
def test_an_altered_receipt_is_reported(kept: Sealed, column: str, value: str, fact: str) -> None:
    execute(
        "evidence_item",
        "UPDATE evidence_item SET {} = {} WHERE id = (SELECT min(id) FROM evidence_item)",
        column,
        value,
    )
    assert found() == [("receipt-changed", f"differs from the custody log in: {fact}")]
    assert kept


@pytest.mark.parametrize("column", ["md5", "sha1", "sha256"])
def test_an_altered_digest_is_reported_by_the_file_and_by_the_log(kept: Sealed, column: str) -> None:
    execute("evidence_blob", "UPDATE evidence_blob SET {} = '\\x00' WHERE locator = '{}'", column, kept.locator)
    assert [code for code, _ in found()] == ["file-changed", "receipt-changed", "receipt-changed"]


def test_a_receipt_that_is_gone_is_reported(kept: Sealed) -> None:
    execute("evidence_item", "DELETE FROM evidence_item WHERE blob_id = (SELECT max(id) FROM evidence_blob)")
    assert [code for code, _ in found()] == ["receipt-missing", "receipt-missing"]
    assert kept


def test_an_event_that_is_gone_or_repeated_is_reported(kept: Sealed) -> None:
    execute("custody_event", "DELETE FROM custody_event WHERE id = (SELECT min(id) FROM custody_event)")
    execute(
        "custody_event",
        "INSERT INTO custody_event (at, kind, actor, subject, body, leaf_hash)"
        " SELECT at, kind, actor, subject, body, leaf_hash FROM custody_event ORDER BY id DESC LIMIT 1",
    )
    assert [code for code, _ in found()] == ["event-missing", "event-repeated"]
    assert kept


def test_an_event_that_cannot_be_read_is_reported(kept: Sealed) -> None:
    execute(
        "custody_event",
        "UPDATE custody_event SET body = '[]', leaf_hash = sha256('\\x00'::bytea || '[]'::bytea)"
        " WHERE id = (SELECT min(id) FROM custody_event)",
    )
    assert found() == [("receipt-changed", "differs from the custody log in: all of it: the event cannot be read")]
    assert kept


@pytest.mark.parametrize("table", ["evidence_blob", "evidence_item"])
def test_a_guard_switched_off_is_reported(kept: Sealed, table: str) -> None:
    with the_owner_of_the_database(table):
        reported = [(code, text) for code, text in found() if "append_only" in text]
        assert reported == [("guard-missing", "trigger append_only is missing or switched off")]
    assert kept


def test_an_untouched_vault_has_no_problems_and_progress_is_told(kept: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "BATCH", 1)
    told: list[tuple[int, int]] = []
    assert list(verify.check(lambda done, total: told.append((done, total)))) == []
    assert told == [(1, 2), (2, 2)]
    assert kept


def test_files_that_no_record_lists_are_counted_and_are_no_problem(kept: Sealed, vault: Vault) -> None:
    seal(vault, b"left over")
    assert found() == []
    assert verify.count_unlisted() == 1
    assert kept


def test_the_custody_verification_takes_it_as_one_of_its_checks(kept: Sealed, tmp_path: Path) -> None:
    assert custody.verify(extra_checks=[verify.check], trusted=[]).ok
    lies_at(tmp_path / "vault", kept).unlink()
    report = custody.verify(extra_checks=[verify.check], trusted=[])
    assert [problem.code for problem in report.problems] == ["file-missing"]
