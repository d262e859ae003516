# SPDX-License-Identifier: Apache-2.0
"""An operator as a line and the gate take it: its code, by what it was chosen, whether it shares addresses."""

from __future__ import annotations

from datetime import UTC, datetime, time

from nightlight.casework.attribution import gate_lines
from nightlight.casework.attribution.operators import By, Chosen, Known, Operator, OperatorKind

SERVICES = frozenset({OperatorKind.HOSTING, OperatorKind.VPN})


def runs_a_service(chosen: Chosen) -> bool:
    """Whether a holder is known to run a service that others go through, so that it has customers of one."""
    return chosen.operator is not None and chosen.operator.kind in SERVICES


def for_gate(chosen: Chosen, *, asn: int, prefix: str, at: datetime) -> gate_lines.Chosen:
    """Return the holder as the gate takes it. `prefix`: the range of the loaded table, or of the directory's entry."""
    shown = chosen.shown if chosen.by is By.PREFIX else prefix
    midnight = time(tzinfo=UTC)
    return gate_lines.Chosen(
        code=addressee_code(chosen),
        asn=asn,
        prefix=shown,
        at=at,
        derivation=chosen.why,
        since=None if chosen.since is None else datetime.combine(chosen.since, midnight),
        until=None if chosen.until is None else datetime.combine(chosen.until, midnight),
        by="prefix" if chosen.by is By.PREFIX else "network",
        kind=chosen.operator.kind.value if chosen.operator is not None else "",
        near_change=chosen.near_change,
    )


def addressee_code(chosen: Chosen) -> str:
    """Return the code that stands in a line: of the entry, or the number of the network; empty: nobody."""
    if chosen.operator is not None:
        return chosen.operator.code
    return chosen.shown if chosen.by is By.NAME and chosen.shown else ""


def shares(operator: Operator | None) -> bool | None:
    """Return whether the directory says that many subscribers share an address, as `grade` and the gate take it."""
    if operator is None or operator.shares_addresses is Known.UNKNOWN:
        return None
    return operator.shares_addresses is Known.YES
