# SPDX-License-Identifier: Apache-2.0
"""No statement reaches the server before it knows for whom it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.backends.postgresql import base

from nightlight.trust import identity

if TYPE_CHECKING:
    from psycopg import Cursor


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that says who is acting before each statement, whenever that has changed."""

    def create_cursor(self, name: str | None = None) -> Cursor:
        """Return a cursor once the server knows who is acting."""
        identity.tell(self)
        cursor: Cursor = super().create_cursor(name)
        return cursor

    # The stubs do not know what follows; Django calls these around every transaction.
    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if autocommit:
            identity.transaction_ended(self)

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        identity.transaction_ended(self)

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        identity.savepoint_undone(self)

    def _close(self) -> None:
        identity.transaction_ended(self)  # a pool rolls back what was open, and hands the connection on
        super()._close()  # type: ignore[misc]

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]
        identity.transaction_ended(self)
