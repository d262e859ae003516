# SPDX-License-Identifier: Apache-2.0
"""Events for tests of ranking: documentation addresses, invented operators, graded by the rules themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

from nightlight.casework.attribution.candidate_kinds import AddressFacts, Against, Candidate, For, Graded, Ranking
from nightlight.casework.attribution.candidates import rank
from nightlight.casework.attribution.grades import Retention, grade
from nightlight.casework.attribution.kinds import Event, EventKind, Label, Labelled, Reason, Why
from nightlight.pipeline.tips.values import Stated, read_moment

IST = timezone(timedelta(hours=5, minutes=30))
START = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOME, OTHER, EXIT, MOBILE = "192.0.2.7", "198.51.100.9", "203.0.113.80", "198.51.100.200"
HOME6 = "2001:db8:1:2::a1"
FIXED_NET, MOBILE_NET, EXIT_NET = 64496, 64497, 64511
_NETS = {
    Label.FIXED: FIXED_NET,
    Label.BUSINESS: FIXED_NET,
    Label.MOBILE_SHARED: MOBILE_NET,
    Label.MOBILE_IPV6: MOBILE_NET,
}


def facts(address: str, _at: datetime | None = None) -> AddressFacts | None:
    """A fixed operator that shares no IPv4 address, and a mobile one that shares them all."""
    if address == MOBILE:
        return AddressFacts("example-mobile", shared=True, holds=timedelta(hours=2), pool=50_000)
    return AddressFacts("example-fixed", shared=False, holds=timedelta(days=10), pool=50_000)


def event(
    address: str,
    days: float,
    label: Label = Label.FIXED,
    *,
    key: str = "",
    port: int | None = None,
    kind: EventKind = EventKind.LOGIN,
    account: str = "example-chat: kite77",
    device: str = "",
    reporter: str = "Example Chat",
    proxy: Stated = Stated.NOT_STATED,
    offence: bool = False,
    zone: str = "Z",
    asn: int | None = None,
    reasons: tuple[Reason, ...] | None = None,
    retention: Retention | None = None,
) -> Graded:
    """One event some days after START; its key is made of address, time, reporter and port."""
    at = START + timedelta(days=days)
    moment = read_moment(f"{at:%Y-%m-%dT%H:%M:%S}{zone}", "report/t")
    made = Event(
        key=key or f"NL-1:{address}|{days}|{reporter}|{account}|{port}",
        address_as_sent=address,
        address=address,
        version=ip_address(address).version,
        moment=moment,
        source="report/e",
        kind=kind,
        port=port,
        port_as_sent=None if port is None else str(port),
        possible_proxy=proxy,
        tip="NL-1",
        reporter=reporter,
        account=account,
        device=device,
        offence=offence,
    )
    network = _NETS.get(label, EXIT_NET) if asn is None else asn
    said = (Reason(Why.NETWORK, label, "example networks"),) if reasons is None else reasons
    labelled = Labelled(label, said, network, f"Example {network}")
    shares = (known := facts(address)) is not None and known.shared
    return Graded(made, labelled, grade(made, labelled, retention, now=NOW, shares=shares))


def ranked(*events: Graded, **more: object) -> Ranking:
    """Rank with the facts of these tests."""
    return rank(events, facts, now=NOW, zone=IST, **more)  # type: ignore[arg-type]


def against(one: Candidate) -> set[Against]:
    """Return the codes against a candidate."""
    return {con.why for con in one.contradicting}


def pros(one: Candidate) -> set[For]:
    """Return the codes for a candidate."""
    return {pro.why for pro in one.supporting}


def at_home(days: int = 3, **more: object) -> list[Graded]:
    """Return one event at home on each of some days."""
    return [event(HOME, day, **more) for day in range(days)]  # type: ignore[arg-type]
