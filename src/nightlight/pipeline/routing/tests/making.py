# SPDX-License-Identifier: Apache-2.0
"""Readings and signs for the pure tests of routing, each with only what a test is about."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from nightlight.pipeline.routing.districts import read_districts
from nightlight.pipeline.routing.gazetteer import Gazetteer, india
from nightlight.pipeline.routing.sign_kinds import Sign, SignKind, Whose
from nightlight.pipeline.tips.people import Party, Person, Role
from nightlight.pipeline.tips.reading import Incident, IncidentType, Reading, ReporterStatement
from nightlight.pipeline.tips.values import NetworkEvent, Stated, read_moment, read_network_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.pipeline.routing.geofeed import NetworkPlace

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

DISTRICTS = """code,name,state,aliases,pins
482,Ernakulam,IN-KL,Kochi;Cochin;എറണാകുളം,682;683
483,Kozhikode,Kerala,Calicut,673
501,Pune,MH,Poona,411;412
502,Aurangabad,IN-MH,,431
601,Aurangabad,IN-BR,,824
"""


@cache
def gazetteer() -> Gazetteer:
    """India with five districts."""
    return india().with_districts(read_districts(DISTRICTS).rows)


class Known:
    """Where addresses are, whenever; what was asked is kept."""

    def __init__(self, places: Mapping[str, NetworkPlace]) -> None:
        self.places = places
        self.asked: list[tuple[str, datetime | None]] = []

    def at(self, address: str, when: datetime | None) -> NetworkPlace | None:
        """The place, if it is among those known."""
        self.asked.append((address, when))
        return self.places.get(address)


def reading(*parties: Party, **fields: Any) -> Reading:  # noqa: ANN401 - fields of Reading
    """A report with these parties."""
    given = {"incident": Incident(IncidentType.UNSTATED, "incident"), "reporter": ReporterStatement("reporter")}
    return Reading(format="test", parties=parties, **{**given, **fields})


def party(role: Role = Role.REPORTED, *, number: int = 1, protected: bool = False, **fields: Any) -> Party:  # noqa: ANN401
    """A party; fields of a person (phones, addresses) go to its one person."""
    source = f"party[{number}]"
    of_person = {name: fields.pop(name) for name in ("phones", "addresses", "emails") if name in fields}
    if of_person:
        fields["persons"] = (Person(f"{source}/person", **of_person),)
    return Party(role, source, protected=protected, **fields)


def event(address: str, at: str = "2026-10-20T08:00:00Z", *, proxy: bool = False) -> NetworkEvent:
    """Somebody used this address then."""
    said = Stated.YES if proxy else Stated.NOT_STATED
    return read_network_event(address, "event", moment=read_moment(at, "event"), possible_proxy=said)


def sign(kind: SignKind, country: str, state: str = "", district: str = "", **fields: Any) -> Sign:  # noqa: ANN401
    """A sign of the reported person, read from a place of its own."""
    given = {"whose": Whose.REPORTED, "shown": state or country, "source": f"{kind}/{country}/{state}/{district}"}
    return Sign(kind, country=country, state=state, district=district, **{**given, **fields})
