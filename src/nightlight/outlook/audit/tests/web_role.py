# SPDX-License-Identifier: Apache-2.0
"""Lets a test's own connection be what the pages' connection is: a role that owns nothing, under row security."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.config import rights
from nightlight.trust.rights import WEB

if TYPE_CHECKING:
    from collections.abc import Iterator


def apply_rights() -> None:
    """Make the database hold to what the code states."""
    with transaction.atomic():
        rights.apply(connection)


@contextmanager
def as_web_role() -> Iterator[None]:
    """Run the block as the role of pages."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {WEB}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
