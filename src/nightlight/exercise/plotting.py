# SPDX-License-Identifier: Apache-2.0
"""How the platforms of the trails write a time down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

INDIA = timezone(timedelta(hours=5, minutes=30))


class Writing(StrEnum):
    """A manner of writing a time; one lies."""

    ZULU = "utc, Z"
    OFFSET = "+05:30 stated"
    NO_ZONE = "Indian local time, zone not stated"
    MINUTES = "utc, Z, minutes only"
    LYING = "Indian local time, said to be UTC"


def write(at: int, writing: Writing) -> str:
    """Return the Unix time as ISO 8601 text in that manner."""
    utc, local = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(at, INDIA)
    if writing is Writing.ZULU:
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    if writing is Writing.MINUTES:
        return utc.strftime("%Y-%m-%dT%H:%MZ")
    text = local.strftime("%Y-%m-%dT%H:%M:%S")
    return {Writing.OFFSET: f"{text}+05:30", Writing.LYING: f"{text}Z"}.get(writing, text)
