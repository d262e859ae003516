# SPDX-License-Identifier: Apache-2.0
"""Units, lists and reports for the tests of placing with the database: the towns are real, everything else invented."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.pipeline.matching.tests.cast import BY, NOON, reporter
from nightlight.pipeline.routing import loading, proposing
from nightlight.pipeline.triage.tests import cast
from nightlight.pipeline.triage.tests.cast import as_person, guard
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import WORKER
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["BY", "NOON", "as_person", "guard", "reporter"]
DISTRICTS = """code,name,state,aliases,pins
9001,Ernakulam,IN-KL,Kochi;Cochin,682
9009,Pune,IN-MH,,411
"""
NETWORKS = """203.0.113.0/25,IN,,,
2001:db8:1000:1::/64,IN,IN-KL,Kochi,
2001:db8:1000:2::/64,IN,IN-MH,,
192.0.2.64/26,US,,,
"""
_REPORT = """<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-11-18T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
<personOrUserReported>{reported}</personOrUserReported>{victim}</report>"""
_ADDRESS = """<personOrUserReportedPerson><address><address>7 Lotus Lane</address><city>{city}</city>
<zipCode>{code}</zipCode><nonUsaState>{state}</nonUsaState><country>IN</country></address>
</personOrUserReportedPerson>"""
_EVENT = """<ipCaptureEvent><ipAddress>{address}</ipAddress><eventName>Upload</eventName>
<dateTime>2026-11-17T10:15:30Z</dateTime></ipCaptureEvent>"""


def at_pune() -> str:
    """What a report says of somebody with a postal address in Pune."""
    return _ADDRESS.format(city="Pune", code="411001", state="Maharashtra")


def from_address(address: str) -> str:
    """What a report says of somebody who used an address on the network."""
    return _EVENT.format(address=address)


def victim_at_kochi() -> str:
    """A young person with a postal address in Kochi."""
    return (
        "<victim><victimPerson><firstName>Meera</firstName><address><address>9 Temple Tank Road</address>"
        "<city>Kochi</city><zipCode>682016</zipCode><nonUsaState>Kerala</nonUsaState><country>IN</country></address>"
        "<age>13</age></victimPerson></victim>"
    )


def tip(by: ReporterLogin, reported: str = "", victim: str = "") -> Tip:
    """A finished report about one person of whom this is said."""
    return cast.tip(by, _REPORT.format(reported=reported or "<screenName>grey</screenName>", victim=victim).encode())


def load() -> None:
    """Load the districts and where networks are."""
    loading.import_districts(by=BY, at=NOON, name="districts.csv", data=DISTRICTS.encode())
    loading.import_networks(by=BY, at=NOON, name="ops.csv", data=NETWORKS.encode(), as_of=date(2026, 9, 1))


def police() -> dict[str, Unit]:
    """The national centre, two states, a district, and two stations in it."""
    made = {"IN": Unit.objects.get(receives=True)}
    for code, kind, parent, areas in (
        ("IN-MH", "state", "IN", ["IN-MH"]),
        ("IN-KL", "state", "IN", ["IN-KL"]),
        ("MH-LAKESIDE", "district", "IN-MH", ["LGD:9009"]),
        ("PS-RIVERSIDE", "station", "MH-LAKESIDE", ["PIN:411"]),
        ("PS-HILLVIEW", "station", "MH-LAKESIDE", []),
    ):
        made[code] = units.add_unit(
            by=BY, at=NOON, code=code, name=f"{code} (exercise)", kind=kind, parent=made[parent], areas=areas
        )
    return made


def propose(at: datetime = NOON) -> None:
    """What the worker does when tips wait to be placed."""
    assert proposing.propose_new(by=BY, now=lambda: at, patience=60) == (False, set())


def said(of: Tip) -> list[Event]:
    """The entries of the log about where a tip belongs."""
    return list(Event.objects.filter(subject=f"tip:{of.public_id}", kind="tip.routed").order_by("pk"))


@contextmanager
def as_routing() -> Iterator[None]:
    """Run the block with the rights of the step."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WORKER}")
    try:
        with identity.acting_as(service="routing"):
            yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
