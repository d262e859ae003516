# SPDX-License-Identifier: Apache-2.0
"""Reads what a list is asked for out of an address, and writes where the next page begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nightlight.foundation.refusals import Refusal
from nightlight.outlook.feedback.queries import BEGINNING, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 1000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLACE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Asked:
    """Reports that are as they are since this day or later; where a page begins, and how many it may hold."""

    since: date
    start: Place
    most: int

    def following(self, last: Place) -> str:
        """The query of the address of the next page."""
        since = {} if self.since == BEGINNING else {"since": self.since.isoformat()}
        return urlencode({**since, "after": f"{last.day}.{last.report_id}", "limit": self.most})


def read(query: Mapping[str, str]) -> Asked:
    """Raises Refusal for a day, place or number that makes no sense, and for a parameter that there is not."""
    unknown = sorted(query.keys() - {"since", "after", "limit"})
    if unknown:
        raise Refusal("This address takes since, after and limit, and nothing else.")
    since = _day(query["since"]) if "since" in query else BEGINNING
    start = Place(since, -1)
    if "after" in query:
        found = _PLACE.fullmatch(query["after"])
        if found is None:
            raise Refusal("after is what the next address of a page holds; use it as it stands.")
        start = max(start, Place(_day(found[1]), int(found[2])))
    limit = query.get("limit", str(MOST))
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= 4 and 1 <= int(limit) <= MOST):
        raise Refusal(f"limit is a number from 1 to {MOST}.")
    return Asked(since, start, int(limit))


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refusal("since is a day (UTC) such as 2026-11-22.")
