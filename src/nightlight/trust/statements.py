# SPDX-License-Identifier: Apache-2.0
"""Runs single statements that every request of every reporter needs, as cheaply as the database allows.

On Django's own connection, so inside a transaction they are part of it; outside one, each is a transaction of its
own. Prepared once for each connection and bound by the server, which halves what a statement costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from django.db import IntegrityError, connection, connections

from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_TRIES = 12
_UNIQUE_VIOLATION = "23505"


def rows(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
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
