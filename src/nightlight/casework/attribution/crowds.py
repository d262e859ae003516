# SPDX-License-Identifier: Apache-2.0
"""How many unrelated people were reported with an address around a time: at one home line, the sign of a proxy there.

Only people in tips that the viewer may see are counted, so it may be more.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.models import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.casework.attribution.queries import Traces

AROUND = timedelta(hours=12)
MOST = 20_000  # sightings that are looked at; where there are more, it is no home


def around(found: Traces) -> Callable[[str, datetime | None], int]:
    """Return how many people who are not taken for this one used an address within AROUND of a time. One query."""
    times = [one.event.utc for one in found.events if one.event.utc is not None and not one.labelled.label.anonymises]
    seen: dict[str, list[tuple[datetime, object]]] = {}
    if times:
        kinds = (Kind.ADDRESS.value, Kind.NETWORK.value)
        own = Sighting.objects.filter(
            tip__public_id__in=found.tips, identifier__kind__in=kinds, side=Side.SUSPECT.value
        )
        rows = Sighting.objects.filter(
            identifier__in=own.values("identifier"),
            side=Side.SUSPECT.value,
            at__range=(min(times) - AROUND, max(times) + AROUND),
        ).exclude(tip__public_id__in=found.tips)
        if found.person is not None:
            rows = rows.exclude(subject__person=found.person)
        told = rows.order_by("pk").values_list("value", "at", "subject__person", "tip")[:MOST]
        for value, at, person, tip in told:
            if at is not None:
                seen.setdefault(value, []).append((at, ("tip", tip) if person is None else person))

    def near(address: str, at: datetime | None) -> int:
        if at is None or not address:
            return 0
        return len({who for when, who in seen.get(_door(address), ()) if abs(when - at) < AROUND})

    return near


def _door(address: str) -> str:
    """What a line has to itself, as linking writes it: an IPv4 address, an IPv6 /64."""
    number = ip_address(address.partition("%")[0])
    return str(number) if number.version == 4 else str(ip_network(f"{number}/64", strict=False))
