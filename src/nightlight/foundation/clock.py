# SPDX-License-Identifier: Apache-2.0
"""The one clock of the installation; everything that needs the time is handed it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware and in UTC, to the microsecond."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """Return ``at`` in UTC as ``2026-11-22T09:30:00.000000Z`` (RFC 3339), always with six decimals.

    Raises ValueError for a time without a zone: such a time says nothing about when.
    """
    if at.tzinfo is None:
        msg = "a time without a zone cannot be recorded"
        raise ValueError(msg)
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
