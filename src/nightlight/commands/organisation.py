# SPDX-License-Identifier: Apache-2.0
"""The invented police of the exercise: units from the national centre down to two stations, and all roles."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from nightlight.exercise.places import DISTRICTS, anonymisers, district_list, network_places

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from nightlight.exercise.people import Person
    from nightlight.trust.units.models import Unit


class Place(NamedTuple):
    """A unit of the exercise; ``share`` is how many of a hundred finished tips it is handed."""

    code: str
    name: str
    kind: str
    parent: str
    areas: tuple[str, ...] = ()
    share: int = 0


class Somebody(NamedTuple):
    """A person of the exercise, and the post they hold."""

    username: str
    name: str
    role: str
    unit: str
    rank: str = ""


PASSWORD = "exercise-only"  # noqa: S105 - of an installation that holds invented reports only
ROOT = "IN"
LAKESIDE = DISTRICTS["Pune"].code  # the exercise calls its district unit Lakeside
PLACES = (
    Place("IN-MH", "Maharashtra state unit (exercise)", "state", ROOT, ("IN-MH",), share=12),
    Place("IN-KL", "Kerala state unit (exercise)", "state", ROOT, ("IN-KL",), share=12),
    Place("MH-LAKESIDE", "Lakeside district cyber cell", "district", "IN-MH", (LAKESIDE, "PIN:411"), share=8),
    Place("MH-NORTHFIELD", "Northfield district cyber cell", "district", "IN-MH", share=8),
    Place("PS-RIVERSIDE", "Riverside police station", "station", "MH-LAKESIDE", ("PIN:411",), share=8),
    Place("PS-HILLVIEW", "Hillview police station", "station", "MH-LAKESIDE", share=6),
    Place("IN-VID", "Victim identification unit (exercise)", "special", ROOT, share=6),
)
FINDS = "IN-MH"
ASKS = "PS-RIVERSIDE"  # whose officer asks for records, and whose commander compares and signs
PEOPLE = (
    Somebody("analyst", "Nila Menon", "intake-analyst", ROOT, "Inspector"),
    Somebody("triage", "Arun Kulkarni", "triage-officer", "IN-MH", "Inspector"),
    Somebody("officer", "Asha Rane", "investigator", "PS-RIVERSIDE", "Inspector"),
    Somebody("neighbour", "Dev Patil", "investigator", "PS-HILLVIEW", "Inspector"),
    Somebody("specialist", "Meher Dias", "victim-identification", "IN-VID", "Inspector"),
    Somebody("commander", "Kavita Joshi", "commander", "MH-LAKESIDE", "Superintendent"),
    Somebody("legal", "Ravi Thomas", "legal-reviewer", "MH-LAKESIDE"),
    Somebody("auditor", "Farah Iyer", "auditor", ROOT),
    Somebody("admin", "Joy Bose", "administrator", ROOT),
)


def make(*, by: str, at: datetime) -> list[dict[str, str]]:
    """Make the units and the people; return what the sign-in page of a demo shows."""
    from nightlight.pipeline.linking.deconfliction import contacts
    from nightlight.trust.accounts import actions as accounts
    from nightlight.trust.accounts.models import Role
    from nightlight.trust.units import actions as units
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import viewer_of

    places: dict[str, Unit] = {ROOT: Unit.objects.get(receives=True)}
    for place in PLACES:
        places[place.code] = units.add_unit(
            by=by,
            at=at,
            code=place.code,
            name=place.name,
            kind=place.kind,
            parent=places[place.parent],
            areas=place.areas,
        )
    told = []
    for somebody in PEOPLE:
        user = accounts.add_person(by=by, at=at, username=somebody.username, password=PASSWORD, full_name=somebody.name)
        unit = places[somebody.unit]
        units.appoint(by=by, at=at, person=user, unit=unit, role=somebody.role, rank=somebody.rank)
        role = f"{Role(somebody.role).label}, {unit.name}"
        told.append({"username": somebody.username, "password": PASSWORD, "role": role, "name": somebody.name})
    sets = viewer_of(user, at)  # the last of them is the administrator
    for code, unit in places.items():
        email = f"duty.{code.lower()}@police.example.org"
        contacts.set_contact(by=sets, at=at, unit=unit, telephone="", email=email, duty="Duty officer, day and night")
    return told


def load_districts(*, by: str, at: datetime) -> None:
    """Load the invented list of districts of the exercise."""
    from nightlight.pipeline.routing import loading

    loading.import_districts(by=by, at=at, name="exercise-districts.csv", data=district_list())


def load_networks(*, by: str, at: datetime, seed: int, people: Sequence[Person]) -> None:
    """Load what the invented operators say of where their addresses are, and the list of anonymisers."""
    from nightlight.foundation.refusals import Conflict
    from nightlight.pipeline.routing import loading
    from nightlight.pipeline.routing.geofeed import ListKind

    as_of = (at - timedelta(days=60)).date()  # before all that happens in the exercise
    for name, data, kind in (
        (f"exercise-operators-{seed}.csv", network_places(seed, people), ListKind.PLACES),
        ("exercise-anonymisers.csv", anonymisers(), ListKind.ANONYMISERS),
    ):
        try:
            loading.import_networks(by=by, at=at, name=name, data=data, as_of=as_of, kind=kind)
        except Conflict:  # there already, from an exercise that was filed here today
            continue


def hand_out(
    *,
    by: str,
    at: datetime,
    planted: Collection[int] = (),
    traced: Collection[int] = (),
    kept: Collection[int] = (),
) -> Mapping[str, int]:
    """Hand finished tips of the receiving unit to the units of the exercise, each its share; return how many went.

    Reports with these numbers, the planted cases, go to the unit of the triage officer, who is to find them; those in
    ``traced`` to a station whose officers ask for records, those in ``kept`` stay where they came in, for somebody to
    hand on.
    """
    from django.db import transaction

    from nightlight.foundation.refusals import Conflict
    from nightlight.pipeline.tips import handing
    from nightlight.pipeline.tips.models import State, Tip
    from nightlight.trust.units.models import Unit

    draw = secrets.SystemRandom()
    units = {unit.code: unit for unit in Unit.objects.filter(code__in=[place.code for place in PLACES])}
    targets = [place.code for place in PLACES for _ in range(place.share)]
    handed: dict[str, int] = {}
    waiting = Tip.objects.filter(unit__receives=True, state=State.RECEIVED).select_related("unit").order_by("id")
    for tip in waiting:
        number = draw.randrange(100)
        fixed = FINDS if tip.report_id in planted else ASKS if tip.report_id in traced else ""
        if tip.report_id in kept or (not fixed and number >= len(targets)):
            continue
        code = fixed or targets[number]
        try:
            with transaction.atomic():
                handing.hand_over(by=by, at=at, tip=tip, to=units[code], why=handing.Why.AREA)
        except Conflict:
            continue
        handed[code] = handed.get(code, 0) + 1
    return handed
