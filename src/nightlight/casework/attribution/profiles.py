# SPDX-License-Identifier: Apache-2.0
"""Which operator profiles hold for an address as of a time: of the smallest prefix at that time, else the AS number."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

import numpy as np

from nightlight.casework.attribution.netdata.lookup import RangeTable, RangeTable6, tables_of
from nightlight.casework.attribution.signs import mask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from nightlight.casework.attribution.lists import Profile

_ALWAYS = 1 << 62


@dataclass(frozen=True)
class Group:
    """The profiles of one span of time [since, until), as Unix seconds. Values and places name an entry of `held`."""

    since: int
    until: int
    v4: RangeTable
    v6: RangeTable6
    asns: NDArray[np.uint32]  # sorted
    by_asn: NDArray[np.int32]
    held: tuple[tuple[Profile, ...], ...]
    masks: NDArray[np.int64]
    lengths: NDArray[np.int16]  # of prefixes; -1 for an AS number

    def of_asns(self, asns: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The entry of `held` for each AS number, -1: none."""
        if not len(self.asns):
            return np.full(len(asns), -1, np.int32)
        place = np.minimum(np.searchsorted(self.asns, asns), len(self.asns) - 1)
        return np.where(self.asns[place] == asns, self.by_asn[place], np.int32(-1))


def grouped(profiles: Iterable[Profile]) -> tuple[Group, ...]:
    """Put profiles of one span of time together, so that each span is one look-up. Raises ValueError for no prefix."""
    spans: dict[tuple[int, int], dict[str | int, list[Profile]]] = {}
    for profile in profiles:
        span = (_seconds(profile.since, -_ALWAYS), _seconds(profile.until, _ALWAYS))
        spans.setdefault(span, {}).setdefault(_prefix(profile.prefix) or profile.asn, []).append(profile)
    return tuple(_group(span, keys) for span, keys in spans.items())


def _prefix(text: str) -> str:
    """One notation for each prefix, so that two profiles of one are not taken for two prefixes."""
    return str(ip_network(text, strict=False)) if text else ""


def _group(span: tuple[int, int], keys: dict[str | int, list[Profile]]) -> Group:
    places = {key: place for place, key in enumerate(keys)}
    v4, v6 = tables_of((key, place) for key, place in places.items() if isinstance(key, str))
    asns = sorted((key, place) for key, place in places.items() if isinstance(key, int))
    return Group(
        *span,
        v4,
        v6,
        np.array([asn for asn, _ in asns], np.uint32),
        np.array([place for _, place in asns], np.int32),
        tuple(tuple(held) for held in keys.values()),
        np.array([mask(profile.label for profile in held) for held in keys.values()], np.int64),
        np.array([int(key.partition("/")[2]) if isinstance(key, str) else -1 for key in keys], np.int16),
    )


def _seconds(moment: datetime | None, otherwise: int) -> int:
    if moment is None:
        return otherwise
    if moment.utcoffset() is None:
        raise ValueError("A time without a zone names no instant.")
    return int(moment.timestamp())
