# SPDX-License-Identifier: Apache-2.0
"""Where the towns of the exercise lie, and what a list of districts and the operators say about places.

The codes of the districts are invented (the directory's are lower), so that nobody takes this for a list of India.
What operators publish (RFC 8805) is mostly right, as such lists are: some lines name another town, some the state only,
and mobile networks and shared IPv4 addresses say the country and nothing else. All of it is drawn from streams of its
own, so nothing else in a world depends on it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from nightlight.exercise import chance
from nightlight.exercise.names import TOWNS
from nightlight.exercise.networks import ANONYMISER, HOMES, NETWORKS
from nightlight.exercise.plan import Ending
from nightlight.exercise.truth import TruePlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.exercise.people import Person
    from nightlight.exercise.plan import Party, PlannedReport

STATES = {
    "Kerala": "IN-KL",
    "Tamil Nadu": "IN-TN",
    "Karnataka": "IN-KA",
    "Maharashtra": "IN-MH",
    "Rajasthan": "IN-RJ",
    "Assam": "IN-AS",
    "Uttar Pradesh": "IN-UP",
    "ID": "US-ID",
    "NE": "US-NE",
    "OK": "US-OK",
    "Vestland": "NO-46",
    "Innlandet": "NO-34",
    "Thueringen": "DE-TH",
    "Niedersachsen": "DE-NI",
}
"""ISO 3166-2 by the name of the region as it stands in reports."""

WRONG, REGION_ONLY = 0.05, 0.12
"""Of what is published of the lines of homes: lines that name another town, and lines without a town."""


class District(NamedTuple):
    """A district as the list has it; `pins` are beginnings of postal codes."""

    code: str
    name: str
    state: str
    aliases: tuple[str, ...]
    pins: tuple[str, ...]


_NAMES = {
    "Kochi": ("Ernakulam", ("Cochin", "എറണാകുളം")),
    "Thiruvananthapuram": ("Thiruvananthapuram", ("Trivandrum",)),
    "Chennai": ("Chennai", ("Madras",)),
    "Bengaluru": ("Bengaluru Urban", ("Bangalore",)),
    "Guwahati": ("Kamrup Metropolitan", ()),
}
DISTRICTS = {
    city: District(
        f"LGD:{9001 + number}",
        _NAMES.get(city, (city, ()))[0],
        STATES[region],
        tuple(name for name in (city, *_NAMES.get(city, (city, ()))[1]) if name != _NAMES.get(city, (city, ()))[0]),
        (pin[:3],),
    )
    for number, (city, region, pin) in enumerate(TOWNS["IN"])
}
"""The district of each Indian town of the exercise."""


def district_list() -> bytes:
    """Return the districts as a CSV file: code, name, state, aliases and pins, the last two separated by ";"."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("code", "name", "state", "aliases", "pins"))
    out.writerows(
        (one.code, one.name, one.state, ";".join(one.aliases), ";".join(one.pins)) for one in DISTRICTS.values()
    )
    return text.getvalue().encode()


def anonymisers() -> bytes:
    """Return the list of addresses behind which people hide: nothing but prefixes."""
    return f"# Invented operator in a documentation range (RFC 5737)\n{ANONYMISER.block}\n".encode()


def network_places(seed: int, people: Sequence[Person], *, wrong: float = WRONG) -> bytes:
    """Return what the operators of the exercise publish about where their addresses are, as RFC 8805 has it.

    One line for each /64 of an Indian home; `wrong` is the share of them that names another town. The anonymiser names
    the country it is registered in, as such operators do.
    """
    text = io.StringIO()
    text.write("# Invented operators in documentation ranges (RFC 5737, RFC 3849)\n")
    out = csv.writer(text, lineterminator="\n")
    for network in NETWORKS:
        out.writerow((network.block, network.country, "", "", ""))
        if network.prefix is not None:
            out.writerow((network.prefix, network.country, "", "", ""))
    towns = [(city, region) for city, region, _pin in TOWNS["IN"]]
    homes = {network.key for network in HOMES if network.country == "IN"}
    told = set()
    for person in people:
        if person.home is None or person.home.network.key not in homes:
            continue
        prefix = person.home.network.delegated_to(person.home.subscriber)
        if prefix is None or prefix in told:  # a family, or strangers behind one line: published once
            continue
        told.add(prefix)
        rng = chance.stream(seed, "network places", person.key)
        draw, other = rng.random(), rng.choice([town for town in towns if town[0] != person.postal.city])
        city, region = other if draw < wrong else (person.postal.city, person.postal.region)
        shown = "" if wrong <= draw < wrong + REGION_ONLY else city
        out.writerow((prefix, "IN", STATES[region], shown, ""))
    return text.getvalue().encode()


def clearly_in(district: str, reports: Iterable[PlannedReport]) -> tuple[str, ...]:
    """Return the received reports that name one person in this district, and no child.

    Those with a postal address come first, then those that a platform places there; of equals, what is sent once.
    """
    (wanted,) = (one for one in DISTRICTS.items() if one[1].code == district)
    ranked = (
        (rank, one.duplicate_of is not None, one.key)
        for one in reports
        if one.ending is Ending.FINISHED and len(one.reported) == 1 and not one.victims
        for rank in [_says(one.reported[0], *wanted)]
        if rank
    )
    return tuple(key for _, _, key in sorted(ranked))


def _says(party: Party, city: str, district: District) -> int:
    """1 where the party's postal address lies in the district, 2 where a platform places it there, else 0."""
    postal, location = party.postal, party.location
    if postal is not None:
        return int(postal.country == "IN" and postal.code.startswith(district.pins))
    return 2 if location is not None and location.city == city else 0


def true_places(reports: Iterable[PlannedReport], people: Mapping[str, Person]) -> tuple[TruePlace, ...]:
    """Return where each person of each report lives; young people are not placed, each report has somebody else."""
    return tuple(_place(report.key, people[key]) for report in reports for key in report.people)


def _place(report: str, person: Person) -> TruePlace:
    district = DISTRICTS.get(person.postal.city) if person.country == "IN" else None
    return TruePlace(
        report, person.key, person.country, STATES[person.postal.region], district.code if district else ""
    )
