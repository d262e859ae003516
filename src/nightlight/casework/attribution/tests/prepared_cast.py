# SPDX-License-Identifier: Apache-2.0
"""Reports with addresses, lists and operators for the tests of preparing and of its page: all of it invented."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.casework.attribution import loaded, preparing
from nightlight.casework.attribution.lists import Archived, Lists, Network, Table, Value
from nightlight.casework.attribution.loaded import Loaded
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.casework.attribution.operator_profiles import profiles_of
from nightlight.casework.attribution.operators import Directory, Known, Operator, OperatorKind, RetentionRow, Span
from nightlight.pipeline.linking.tests.db_cast import link
from nightlight.pipeline.matching.tests.cast import BY, reporter
from nightlight.pipeline.triage.tests import cast as triage
from nightlight.trust import identity
from nightlight.trust.rights import WORKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["link", "reporter"]
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # noon in India
MOBILE_AS, FIBRE_AS, VPN_AS = 64496, 64497, 64498
MOBILE, FIBRE, TUNNEL, TOR, NOBODYS = "203.0.113.7", "198.51.100.9", "192.0.2.10", "192.0.2.200", "192.0.2.99"
EXERCISE = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
_REPORT = """<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-11-18T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>{people}</report>"""


def used(address: str, at: str, port: int | None = None, what: str = "Login") -> str:
    """One use of an address, as XML."""
    stated = "" if port is None else f"<port>{port}</port>"
    return (
        f"<ipCaptureEvent><ipAddress>{address}</ipAddress><eventName>{what}</eventName><dateTime>{at}</dateTime>"
        f"{stated}</ipCaptureEvent>"
    )


def reported(*events: str, name: str = "kite77", email: str = "", age: int = 0) -> str:
    """One reported person with these uses of addresses, as XML."""
    told = f"<email>{email}</email>" if email else ""
    told += f"<age>{age}</age>" if age else ""
    person = f"<personOrUserReportedPerson>{told}</personOrUserReportedPerson>" if told else ""
    return f"<personOrUserReported>{person}<screenName>{name}</screenName>{''.join(events)}</personOrUserReported>"


def victim(*events: str, name: str = "small-owl-1") -> str:
    """A child with these uses of addresses, as XML."""
    person = "<victimPerson><firstName>Meera</firstName><age>12</age></victimPerson>"
    return f"<victim>{person}<screenName>{name}</screenName>{''.join(events)}</victim>"


def tip(by: ReporterLogin, *people: str, at: datetime = NOW) -> Tip:
    """A finished report about these people."""
    return triage.tip(by, _REPORT.format(people="".join(people)).encode(), at=at)


def through_a_tunnel(*, port: int | None = 41000, name: str = "kite77", email: str = "") -> str:
    """Somebody who always uses a VPN, but for one slip on a shared mobile address."""
    tunnel = [used(TUNNEL, f"2026-11-{day:02}T08:20:00Z", 50000 + day) for day in (2, 5, 9, 12)]
    slip = used(MOBILE, "2026-11-09T08:32:11Z", port, "Login")
    return reported(*tunnel[:3], slip, tunnel[3], name=name, email=email)


def _listed(kind: ListKind, entries: list[str], families: list[Family]) -> Archived:
    archive = IntervalArchive(longest_gap=timedelta(days=40))
    for month, day in ((9, 1), (10, 1), (11, 1), (11, 15)):
        archive = archive.grown(datetime(2026, month, day, tzinfo=UTC), entries, families)
    return Archived(kind, f"Example list of {kind}", "2026-11", archive)


def _networks(ranges: Mapping[str, Value]) -> Table:
    nets = [(ip_network(prefix), value) for prefix, value in ranges.items()]
    rows = [(net.version, int(net.network_address), int(net.broadcast_address), value) for net, value in nets]
    return Table.of(ListKind.NETWORKS, "Example networks", "2026-10", datetime(2026, 10, 1, tzinfo=UTC), rows)


def _operator(code: str, name: str, kind: OperatorKind, asn: int, *, shares: Known, days: int = 365) -> Operator:
    kept = RetentionRow("ipdr", days, Span(), "its own sheet of 2026", "K")
    return Operator(
        code,
        name,
        "IN",
        kind,
        networks=((asn, Span()),),
        retention=(kept,),
        shares_addresses=shares,
        source="exercise",
        as_of=date(2026, 10, 1),
        exercise=True,
    )


def lists(*, days: int = 365, fibre_days: int = 365, tor: bool = True) -> Loaded:
    """Lists and operators as a unit has them; ``days``: how long by its own word the mobile operator keeps records."""
    v4 = [Family.IPV4, Family.IPV6]
    archives = [_listed(ListKind.VPN, [f"{TUNNEL}/32"], v4)]
    if tor:
        archives.append(_listed(ListKind.TOR_EXIT, [TOR], v4))
    table = _networks(
        {
            "203.0.113.0/24": Network(MOBILE_AS, "Lakeside Mobile"),
            "198.51.100.0/24": Network(FIBRE_AS, "Hillview Fibre"),
            "192.0.2.0/26": Network(VPN_AS, "Example Tunnels"),
        }
    )
    directory = Directory(
        "Example directory",
        "2026-10",
        (
            _operator("lakeside", "Lakeside Mobile", OperatorKind.MOBILE, MOBILE_AS, shares=Known.YES, days=days),
            _operator("hillview", "Hillview Fibre", OperatorKind.FIXED, FIBRE_AS, shares=Known.NO, days=fibre_days),
        ),
    )
    made = Lists(tuple(archives), (table,), profiles_of(directory), exercise=EXERCISE)
    return Loaded(f"{days}-{fibre_days}-{tor}".ljust(64, "0"), made, directory)


def load(monkeypatch: pytest.MonkeyPatch, using: Loaded | None = None) -> Loaded:
    """Have these lists loaded."""
    held = using or lists()
    monkeypatch.setattr(loaded, "current", lambda: held)
    return held


def prepare(at: datetime = NOW) -> None:
    """What the worker does when tips wait to have their addresses looked up."""
    assert preparing.prepare_new(by=BY, now=lambda: at, patience=60) == (False, set())


@contextmanager
def as_attribution() -> Iterator[None]:
    """Run the block with the rights of the step."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WORKER}")
    try:
        with identity.acting_as(service="attribution"):
            yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
