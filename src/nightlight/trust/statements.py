# SPDX-License-Identifier: Apache-2.0
"""Runs single statements that every request of every reporter needs, as cheaply as the database allows.

On Django's own connection, so inside a transaction they are part of it; outside one, each is a transaction of its
own. Prepared once for each connection and bound by the server, which halves what a statement costs.
What every page of every person needs is said as a query set, made into SQL once and then run the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from django.db import IntegrityError, connection, connections

from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet

T = TypeVar("T")
_TRIES = 12
_UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, slots=True)
class Made:
    """A query set made into SQL once, with stand-ins where each run has values of its own."""

    sql: str
    values: tuple[Any, ...]

    def rows(self, instead: Mapping[Any, Any]) -> list[tuple[Any, ...]]:
        """Run it with these values instead of the stand-ins and return its rows. Raises Django's database errors."""
        return rows(self.sql, [instead.get(value, value) for value in self.values])


def made(query: QuerySet[Any, Any]) -> Made:
    """Make a query set into SQL; its stand-ins are values that nothing else in it is equal to."""
    return Made(*query.query.sql_with_params())


def rows(sql: str, parameters: Mapping[str, Any] | Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows. Raises Django's database errors."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        identity.tell(connections["default"])
        cursor.execute(sql.encode(), parameters, prepare=True)
        return cursor.fetchall()


def until_unique(attempt: Callable[[], T], *, only: str = "") -> T:
    """Return what ``attempt`` returns, trying again where a random id, or the constraint ``only``, was taken.

    Inside a transaction there is one try: a failed statement has already spoilt it.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return attempt()
        except IntegrityError as error:
            taken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
            unique = getattr(error.__cause__, "sqlstate", None) == _UNIQUE_VIOLATION
            if not unique or (only and taken != only) or not tries_left or connection.in_atomic_block:
                raise
    raise AssertionError("the last try returns or raises")
