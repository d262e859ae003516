# SPDX-License-Identifier: Apache-2.0
"""What the operator directory says of the addresses of a cluster, in the form ranking reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import AddressFacts
from nightlight.casework.attribution.operators import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from nightlight.casework.attribution.candidate_kinds import Graded
    from nightlight.casework.attribution.operators import Directory, Operator

_SHARED = {Known.YES: True, Known.NO: False, Known.UNKNOWN: None}


def facts_from(
    directory: Directory,
    events: Iterable[Graded],
    *,
    holds: Callable[[Operator], timedelta | None] | None = None,
    pools: Mapping[str, int] | None = None,
    unrelated: Mapping[str, int] | None = None,
) -> Callable[[str, datetime | None], AddressFacts | None]:
    """The facts of each address at each time of these events; an operator without an entry of its own is not known.

    `holds`: how long an operator leaves an address with one subscriber, as observed. `pools`: subscribers by operator
    code. `unrelated`: accounts of people linked to nobody in the cluster, by canonical address.
    """
    numbers = {(one.labelled.inner or one.event.address or "", one.event.utc): one.labelled.asn for one in events}
    known: dict[tuple[str, datetime | None], AddressFacts | None] = {}

    def facts(address: str, at: datetime | None) -> AddressFacts | None:
        if (address, at) not in known:
            known[address, at] = found(address, at)
        return known[address, at]

    def found(address: str, at: datetime | None) -> AddressFacts | None:
        crowd = (unrelated or {}).get(address, 0)
        operator = directory.holder(numbers.get((address, at), 0), address, at).operator
        if operator is None:
            return AddressFacts("", unrelated_accounts=crowd) if crowd else None
        return AddressFacts(
            operator=operator.code,
            shared=_SHARED[operator.shares_addresses],
            holds=holds(operator) if holds is not None else None,
            block=operator.port_block,
            pool=(pools or {}).get(operator.code),
            unrelated_accounts=crowd,
        )

    return facts
