# SPDX-License-Identifier: Apache-2.0
"""Makes the tables that events are judged by out of what the readers of `netdata.reading` give.

A residential proxy, a VPN or hosting is a label only where the publisher says so; "anonymous" without a kind is shown
and leads to none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.lists import Archived, Network, Said, Table, Value
from nightlight.casework.attribution.netdata.kinds import ListKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightlight.casework.attribution.netdata.archive import IntervalArchive
    from nightlight.casework.attribution.netdata.kinds import ListSource
    from nightlight.casework.attribution.netdata.reading.mmdb import Facts, MmdbRow
    from nightlight.casework.attribution.netdata.reading.networks import NetworkRow
    from nightlight.casework.attribution.netdata.reading.registry import Delegation
    from nightlight.casework.attribution.netdata.spans import Span

_ADDRESSES = (4, 6)
_SIGNS = {
    "is_tor_exit_node": Label.TOR_EXIT,
    "is_anonymous_vpn": Label.VPN,
    "is_public_proxy": Label.PUBLIC_PROXY,
    "is_residential_proxy": Label.RESIDENTIAL_PROXY,
    "is_hosting_provider": Label.HOSTING,
}
_CONNECTIONS = {
    "cellular": Label.MOBILE_SHARED,
    "cable/dsl": Label.FIXED,
    "dialup": Label.FIXED,
    "corporate": Label.BUSINESS,
    "satellite": Label.SHARED_WIFI,
}


def archived(source: ListSource, archive: IntervalArchive) -> Archived:
    """An archive under the name and version of the list that was taken in last."""
    return Archived(source.kind, source.name, source.version, archive)


def of_networks(source: ListSource, rows: Iterable[NetworkRow]) -> Table:
    """A table of networks or of countries, as the source's kind says. Raises ValueError for another kind."""
    if source.kind not in {ListKind.NETWORKS, ListKind.COUNTRIES}:
        raise ValueError(f"A table of ranges says nothing of {source.kind}.")
    networks = source.kind is ListKind.NETWORKS

    def values() -> Iterator[tuple[Span, Value]]:
        for row in rows:
            if networks and row.number:
                yield row.span, Network(row.number, row.name)
            elif not networks and row.country:
                yield row.span, row.country

    return _table(source, values())


def of_delegations(source: ListSource, rows: Iterable[Delegation]) -> Table:
    """Countries as registries state them: where an address is registered."""
    return _table(source, ((row.span, row.country) for row in rows if row.country))


def of_facts(source: ListSource, rows: Iterable[MmdbRow]) -> Table:
    """The table of one kind from a database in MaxMind's format, which may carry several kinds."""
    found = ((row.span, _value(source.kind, row.facts)) for row in rows)
    return _table(source, ((span, value) for span, value in found if value is not None))


def _value(kind: ListKind, facts: Facts) -> Value | None:
    if kind is ListKind.NETWORKS:
        return Network(facts.number, facts.network) if facts.number else None
    if kind is ListKind.COUNTRIES:
        return facts.country or None
    if kind is ListKind.USER_COUNT:
        return facts.users
    if kind is ListKind.CONNECTION_TYPE:
        label = _CONNECTIONS.get(facts.connection.lower())
        return (
            Said(frozenset() if label is None else frozenset({label}), facts.connection) if facts.connection else None
        )
    if kind is ListKind.ANONYMOUS:
        labels = frozenset(_SIGNS[sign.value] for sign in facts.signs if sign.value in _SIGNS)
        return Said(labels, facts.provider) if facts.signs else None
    return None


def _table(source: ListSource, values: Iterable[tuple[Span, Value]]) -> Table:
    rows = ((int(span.family), span.lo, span.hi, value) for span, value in values if span.family in _ADDRESSES)
    return Table.of(source.kind, source.name, source.version, source.as_of, rows)
