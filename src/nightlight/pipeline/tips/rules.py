# SPDX-License-Identifier: Apache-2.0
"""The life of a report, as pure rules."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline.answers import Situation

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN_AT_LEAST = timedelta(hours=24)
OPEN_AFTER_LAST_ACT = timedelta(hours=1)
# A reporter's software that got no answer tries again within minutes, at most days.
REPEAT_WITHIN = timedelta(days=3)

_CLOSED: Mapping[str, Situation] = {
    "received": Situation.ALREADY_FINISHED,
    "retracted": Situation.ALREADY_RETRACTED,
    "expired": Situation.ALREADY_RETRACTED,  # reporting-api.md 1.7: expiry answers as retracted
}


def closed(state: str) -> Situation | None:
    """Return the situation a closed report answers with, None for an open one."""
    return _CLOSED.get(state)


def expires_at(opened_at: datetime, last_act_at: datetime) -> datetime:
    """Return when an unfinished report lapses: the later of 24 h from opening and 1 h from the last good upload
    or file details (reporting-api.md 1.7)."""
    return max(opened_at + OPEN_AT_LEAST, last_act_at + OPEN_AFTER_LAST_ACT)


def new_report_id() -> int:
    """Return a random report id of 12 decimal digits.

    Decimal and below 2**53, because reporters' software reads it as a JSON number; random, so that one reporter
    cannot count another's reports.
    """
    return 10**11 + secrets.randbelow(9 * 10**11)
