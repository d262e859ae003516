# SPDX-License-Identifier: Apache-2.0
"""Who this process is acting for: told to the database with every transaction, which then shows what they may see.

Nobody is acting unless somebody said so, and nobody sees nothing: row security (see ``config/rights.py``) reads the
two settings made here. A person is a viewer, named by database key; a background step is a service, named by the step.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

_LOCAL = "SELECT set_config('nightlight.viewer', %s, true), set_config('nightlight.service', %s, true)"
_SESSION = "SELECT set_config('nightlight.viewer', %s, false), set_config('nightlight.service', %s, false)"
_KNOWN = "nightlight_identity"  # what the connection was last told, kept on the connection itself
INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class Acting:
    """For whom statements are run: a person (``viewer``, the key of a user) or a step (``service``), or nobody."""

    viewer: int | None = None
    service: str = ""

    @property
    def settings(self) -> tuple[str, str]:
        """The two settings as the database is told them."""
        return ("" if self.viewer is None else str(self.viewer), self.service)


NOBODY = Acting()
_NOT_KNOWN = Acting(viewer=-1)  # nobody is: whoever acts next is told to the server
_acting: ContextVar[Acting] = ContextVar("nightlight_acting", default=NOBODY)


@contextlib.contextmanager
def acting_as(*, viewer: int | None = None, service: str = "") -> Iterator[None]:
    """Run the block for this person or this step; raises ValueError for both or neither."""
    if (viewer is None) == (not service):
        raise ValueError("one acts for a person or as a step")
    token = _acting.set(Acting(viewer, service))
    try:
        yield
    finally:
        _acting.reset(token)


def act_as_service(service: str) -> None:
    """Act as this step until the process ends: for a command, which is one step from beginning to end."""
    _acting.set(Acting(service=service))


def current() -> Acting:
    """For whom statements are run just now."""
    return _acting.get()


def tell(wrapper: BaseDatabaseWrapper) -> None:
    """Tell an open connection for whom the next statement is run, unless it knows.

    Inside a transaction the settings end with it; outside one they last until the next statement for somebody else.
    Raises the driver's errors.
    """
    connection: Any = wrapper.connection
    wanted = current()
    session, local = getattr(connection, _KNOWN, (NOBODY, None))
    if wrapper.autocommit:
        if session != wanted:
            connection.execute(_SESSION, wanted.settings)
            setattr(connection, _KNOWN, (wanted, None))
    elif (session if local is None else local) != wanted:
        connection.execute(_LOCAL, wanted.settings)
        setattr(connection, _KNOWN, (session, wanted))


def transaction_ended(wrapper: BaseDatabaseWrapper) -> None:
    """Note that what was told inside a transaction ended with it."""
    connection: Any = wrapper.connection
    if connection is not None and (known := getattr(connection, _KNOWN, None)):
        setattr(connection, _KNOWN, (known[0], None))


def savepoint_undone(wrapper: BaseDatabaseWrapper) -> None:
    """Note that what was told since a savepoint may have been undone with it: the next statement tells it again."""
    connection: Any = wrapper.connection
    if connection is not None and (known := getattr(connection, _KNOWN, None)):
        setattr(connection, _KNOWN, (known[0], _NOT_KNOWN))


@contextlib.contextmanager
def receiving() -> Iterator[None]:
    """Run the block as the intake: its own role in the database, which can add what is received and read no report."""
    if INTAKE not in connections.settings:
        yield
        return
    others = connections["default"]
    connections["default"] = connections[INTAKE]
    try:
        yield
    finally:
        connections["default"].close()  # back to the pool
        connections["default"] = others
