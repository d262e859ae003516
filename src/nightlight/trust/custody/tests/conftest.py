# SPDX-License-Identifier: Apache-2.0
"""A custody log on the real PostgreSQL whose transactions commit, and the superuser who tampers with it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from .. import actions, keys
from ..checkpoint import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django import DjangoDbBlocker, Settings

    from ..models import TreeHead

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
EVERYTHING = "custody_event, custody_pending, custody_leaf, custody_subtree, custody_tree_head"


@contextmanager
def superuser() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection that no trigger stops; what it did is committed at the end."""
    known = connection.settings_dict
    must_be_made_for_tests(known["NAME"], known["TEST"]["NAME"])
    try:
        raw = psycopg.connect(host=known["HOST"], port=known["PORT"] or None, dbname=known["NAME"], user="postgres")
    except psycopg.OperationalError:
        pytest.skip("tampering needs a superuser: run the tests on the embedded PostgreSQL")
    with raw:
        raw.execute("SET session_replication_role = replica")
        yield raw


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> SigningKey:
    """The key of this log, in a file as in an installation."""
    settings.NIGHTLIGHT_CUSTODY_KEY_FILE = tmp_path / "keys" / "custody.key"
    settings.NIGHTLIGHT_CUSTODY_ORIGIN = "log.example.org/custody"
    return keys.signing_key()


@pytest.fixture
def stranger() -> SigningKey:
    """Another key under the same name."""
    return SigningKey("log.example.org/custody", Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database that really commits, with an empty log before and after.

    Takes the place of pytest-django's fixture, which empties tables in a way that append-only tables
    refuse. It must bear this name: pytest-django makes a test database only for tests that ask for one by a
    name it knows.
    """
    with django_db_blocker.unblock():
        _empty()
        try:
            yield
        finally:
            connection.close()
            _empty()


@pytest.fixture
def log(transactional_db: None, monkeypatch: pytest.MonkeyPatch, key: SigningKey) -> Log:
    """An empty log that nobody listens to."""
    monkeypatch.setattr(actions, "_listeners", [])
    return Log(key)


def _empty() -> None:
    with superuser() as raw:
        raw.execute(f"TRUNCATE {EVERYTHING} RESTART IDENTITY")


def must_be_made_for_tests(name: str, test_name: str | None) -> None:
    """Raise RuntimeError unless the database `name` is one that may be emptied and tampered with."""
    if name != test_name and not name.startswith("test_"):
        raise RuntimeError(f"{name} was not made for tests; nothing was changed")


class Log:
    """Short names for what the tests do with the log."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self.at = START
        self.count = 0

    def append(self, count: int = 1) -> None:
        """Add entries 0, 1, 2 ..., about three tips in turn, in one transaction."""
        with transaction.atomic(), connection.cursor() as cursor:
            rows = []
            for number in range(self.count, self.count + count):
                sql, parameters = actions.append_sql(
                    by="command:test",
                    at=self.at + timedelta(seconds=number),
                    kind="test.happened",
                    subject=f"tip:NL-{number % 3}",
                    data={"number": number},
                )
                rows.append(parameters)
            cursor.executemany(sql, rows)
        self.count += count

    def head(self) -> TreeHead | None:
        """Place what is pending and sign."""
        return actions.sign_head(at=self.at + timedelta(seconds=self.count), key=self.key)

    def grow(self, *sizes: int) -> None:
        """Add entries up to each size in turn, signing a head at each."""
        for size in sizes:
            self.append(size - self.count)
            self.head()


def threads(count: int, work: Callable[[int], object]) -> None:
    """Run `work(0)` to `work(count - 1)` at once, each on a connection of its own; raise what any raised."""
    from concurrent.futures import ThreadPoolExecutor

    def run(number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run, number) for number in range(count)]:
            done.result()
