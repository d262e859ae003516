# SPDX-License-Identifier: Apache-2.0
"""The operator directory of the exercise: whom to ask for which network, since when, and what each is known to do.

Written in the form in which an installation loads such a directory (TOML, schema 1). Contacts are at example.org.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from nightlight.exercise.carriers import (
    CARRIERS,
    SERVES_PEOPLE,
    TRANSFERRED,
    TRANSFERRED_DAYS_AGO,
    Access,
    Carrier,
    Layout,
)
from nightlight.exercise.reporters import REPORTERS, Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

KINDS = {
    Access.HOME: "fixed",
    Access.SHARED_HOME: "fixed",
    Access.MOBILE: "mobile",
    Access.CAMPUS: "organisation",
    Access.OFFICE: "fixed",
    Access.HOSTING: "hosting",
    Access.VPN: "vpn",
}
SHEETS = {
    Layout.IPDR: '["generic"]',
    Layout.SYSLOG: '["tab-compact-ist", "generic"]',
    Layout.FLOW: '["csv-month-name-ist", "generic"]',
}
"""In which sheets an operator takes a request, the preferred first, by the layout in which it answers."""

ORDERS = {Layout.IPDR: "dmy", Layout.SYSLOG: "mdy", Layout.FLOW: "ymd"}
"""In which order it writes dates."""

KEEPS_DAYS = 730
"""What the invented operators say of their logs; the Indian licence wants two years."""

UNKNOWN = frozenset({"veilroute-two", "kovil-exits", "mistgate"})
"""Nobody has written these into the directory."""


def operator_directory(now: datetime) -> str:
    """Return the directory for a world built around `now` (aware), as of that day."""
    lines = [
        "# Invented operators on ranges for documentation (RFC 5737, RFC 3849, RFC 5398). For exercises only.",
        "schema = 1",
        'name = "Operators of the exercise"',
        f'version = "{now:%Y-%m-%d}"',
        f"as_of = {now:%Y-%m-%d}",
        "exercise = true",
        "",
        "[sources.exercise]",
        'title = "Invented for the exercise"',
    ]
    for carrier in CARRIERS:
        if carrier.key not in UNKNOWN:
            lines += ["", *_operator(carrier, now)]
    for reporter in REPORTERS:
        lines += ["", *_platform(reporter)]
    return "\n".join(lines) + "\n"


def _platform(reporter: Reporter) -> Iterator[str]:
    """Say whom to ask for what a platform recorded. All of them answer at an office in India."""
    yield from ("[[operator]]", f'code = "platform-{reporter.key}"', f'name = "{reporter.name}"', 'country = "IN"')
    yield from ('kind = "platform"', f'reporters = ["{reporter.name}"]', 'zone = "Asia/Kolkata"')
    yield from ('layouts = ["generic"]', 'shares_addresses = "unknown"', 'source = "exercise"', 'check = "K"')
    yield from ("[[operator.contact]]", 'way = "e-mail"', f'address = "records@{reporter.host}"')


def _seats(carrier: Carrier) -> int:
    """How many subscribers can be online at any time: before and after a block went to another operator."""
    before = [one.block for one in carrier.holdings if one.since is None]
    after = [one.block for one in carrier.holdings if one.until is None]
    return carrier.shares * min(sum(block.num_addresses - 2 for block in some) for some in (before, after) if some)


def _operator(carrier: Carrier, now: datetime) -> Iterator[str]:
    yield "[[operator]]"
    yield f'code = "{carrier.key}"'
    yield f'name = "{carrier.name}"'
    yield f'country = "{carrier.country}"'
    yield f'kind = "{KINDS[carrier.access]}"'
    if carrier.country == "IN":
        yield 'zone = "Asia/Kolkata"'
        yield f"layouts = {SHEETS[carrier.layout]}"
        yield f'date_order = "{ORDERS[carrier.layout]}"'
    yield f'shares_addresses = "{"yes" if carrier.shares > 1 else "no"}"'
    if carrier.access in SERVES_PEOPLE:
        yield f"subscribers = {_seats(carrier)}"
    if carrier.shares > 1:
        yield f"port_block = {carrier.ports}"
        yield 'needs_port = "yes"'
    yield 'source = "exercise"'
    yield 'check = "K"'
    yield from ("[[operator.network]]", f"numbers = [{carrier.asn}]")
    changed = (now.astimezone(UTC) - timedelta(days=TRANSFERRED_DAYS_AGO)).strftime("%Y-%m-%d")
    for one in carrier.holdings:
        if one.block == TRANSFERRED:
            edge = f"from = {changed}" if one.since is not None else f"until = {changed}"
            yield from ("[[operator.prefix]]", f'prefix = "{one.block}"', edge)
    yield from ("[[operator.contact]]", 'way = "e-mail"', f'address = "nodal@{carrier.key}.example.org"')
    yield from ("[[operator.retention]]", 'record = "ipdr"', f"days = {KEEPS_DAYS}")
    yield from ('source = "exercise"', 'check = "K"')
