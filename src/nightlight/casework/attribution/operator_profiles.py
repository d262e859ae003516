# SPDX-License-Identifier: Apache-2.0
"""What an operator directory says of the operators' own networks, as the labels take it.

Only what follows: a mobile operator shares its addresses unless the directory says that it does not; a fixed one is
believed either way only where the directory says; of one that is both, of a platform and of an organisation nothing
follows for an address.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.lists import Profile
from nightlight.casework.attribution.operators import Known, OperatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from nightlight.casework.attribution.operators import Directory, Operator, Span

_SAYS = {
    (OperatorKind.MOBILE, Known.YES): Label.MOBILE_SHARED,
    (OperatorKind.MOBILE, Known.UNKNOWN): Label.MOBILE_SHARED,
    (OperatorKind.FIXED, Known.YES): Label.FIXED_SHARED,
    (OperatorKind.FIXED, Known.NO): Label.FIXED,
    **{(kind, known): Label.HOSTING for kind in (OperatorKind.HOSTING, OperatorKind.VPN) for known in Known},
}


def profiles_of(directory: Directory) -> tuple[Profile, ...]:
    """Return what is known of each network and block in a directory, for the days for which it is."""
    return tuple(profile for one in directory.operators for profile in _of(one))


def _of(one: Operator) -> Iterator[Profile]:
    label = _SAYS.get((one.kind, one.shares_addresses))
    if label is None:
        return
    source = f"operator directory: {one.name} ({one.source}, {one.check})"
    for asn, span in one.networks:
        since, until = _times(span)
        yield Profile(source, label, asn=asn, since=since, until=until)
    for prefix, span in one.prefixes:
        since, until = _times(span)
        yield Profile(source, label, prefix=str(prefix), since=since, until=until)


def _times(span: Span) -> tuple[datetime | None, datetime | None]:
    return _start(span.since), _start(span.until)


def _start(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(tzinfo=UTC))
