# SPDX-License-Identifier: Apache-2.0
"""Invented networks and lists that tests of labels judge by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from nightlight.casework.attribution.labelling import Archived, Labeller, Lists, Network, Profile, Table
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.casework.attribution.kinds import Label, Labelled, Reason, Why
    from nightlight.casework.attribution.lists import Value

DAY = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
EXERCISE = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
MOBILE, FIXED_, HOST, SCHOOL = 64496, 64497, 64498, 64499
MOBILE_IP, FIXED_IP, HOST_IP, SCHOOL_IP, NOBODY = (
    "192.0.2.9",
    "198.51.100.9",
    "203.0.113.9",
    "203.0.113.200",
    "203.0.113.99",
)


def at(days: float) -> datetime:
    return DAY + timedelta(days=days)


def listed(kind: ListKind, entries: dict[int, list[str]], families: list[Family] | None = None) -> Archived:
    """A list with a full snapshot on each of some days after DAY."""
    archive = IntervalArchive(longest_gap=timedelta(days=15))
    for day, prefixes in entries.items():
        archive = archive.grown(at(day), prefixes, families or [Family.IPV4, Family.IPV6])
    return Archived(kind, f"example {kind}", "7", archive)


def table(kind: ListKind, day: float, ranges: Mapping[str, Value], name: str = "example") -> Table:
    networks = [(ip_network(prefix), value) for prefix, value in ranges.items()]
    rows = [(net.version, int(net.network_address), int(net.broadcast_address), value) for net, value in networks]
    return Table.of(kind, f"{name} {kind}", f"day {day}", at(day), rows)


NETWORKS = table(
    ListKind.NETWORKS,
    0,
    {
        "192.0.2.0/24": Network(MOBILE, "Example Mobile"),
        "2001:db8:1::/48": Network(MOBILE, "Example Mobile"),
        "198.51.100.0/24": Network(FIXED_, "Example Fibre"),
        "2001:db8:2::/48": Network(FIXED_, "Example Fibre"),
        "203.0.113.0/26": Network(HOST, "Example Racks"),
        "203.0.113.192/26": Network(SCHOOL, "Example School"),
    },
)
MOBILES = listed(ListKind.MOBILE_AS, {0: [f"AS{MOBILE}"]}, [Family.NUMBERS])
HOSTS = listed(ListKind.HOSTING_AS, {0: [f"AS{HOST}"], 7: [f"AS{HOST}"], 14: []}, [Family.NUMBERS])
VPN_NUMBERS = listed(ListKind.VPN_AS, {0: [f"AS{HOST}"], 7: [f"AS{HOST}"]}, [Family.NUMBERS])
SCHOOLS = listed(ListKind.EDUCATION_AS, {0: [f"AS{SCHOOL}"]}, [Family.NUMBERS])
TOR = listed(
    ListKind.TOR_EXIT,
    {
        0: ["198.51.100.7"],
        7: [SCHOOL_IP, "198.51.100.7"],
        14: [SCHOOL_IP],
        21: ["203.0.113.5", "2001:db8:2::7"],
        60: [],
    },
)
VPN = listed(ListKind.VPN, {0: ["203.0.113.0/27"], 7: [HOST_IP, MOBILE_IP], 14: ["203.0.113.0/27"], 21: []})
EVERYTHING = (NETWORKS, TOR, VPN, MOBILES, HOSTS, VPN_NUMBERS, SCHOOLS)


def labeller(
    *loaded: Table | Archived, profiles: tuple[Profile, ...] = (), exercise: tuple[str, ...] = EXERCISE
) -> Labeller:
    archives = tuple(item for item in loaded if isinstance(item, Archived))
    tables = tuple(item for item in loaded if isinstance(item, Table))
    return Labeller(Lists(archives, tables, profiles, exercise))


def judged(
    by: Labeller,
    address: str,
    days: float | None = 3,
    *,
    proxy: Stated = Stated.NOT_STATED,
    accounts: int | None = None,
) -> Labelled:
    when = None if days is None else at(days)
    said = None if accounts is None else [accounts]
    return by.many([address], [when], proxies=[proxy], accounts=said).labelled(0)


def whys(found: Labelled, label: Label | None = None) -> set[Why]:
    return {reason.why for reason in found.reasons if label is None or reason.label is label}


def reason(found: Labelled, why: Why, label: Label) -> Reason:
    return next(reason for reason in found.reasons if (reason.why, reason.label) == (why, label))
