# SPDX-License-Identifier: Apache-2.0
"""The lists and operators of the exercise, as a unit has them once they are loaded."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

from nightlight.casework.attribution import loading
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.lists import Lists, Profile
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import About, ListKind, ListSource
from nightlight.casework.attribution.netdata.reading.networks import read_networks, read_numbers
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.exercise import netlists
from nightlight.exercise.carriers import CARRIERS, HOUR, Access

if TYPE_CHECKING:
    from nightlight.casework.attribution.netdata.spans import Span
    from nightlight.exercise.carriers import Books
    from nightlight.exercise.exits import Exits
    from nightlight.exercise.netlists import Listed

SAYS = {
    Access.HOME: Label.FIXED,
    Access.SHARED_HOME: Label.FIXED_SHARED,
    Access.MOBILE: Label.MOBILE_SHARED,
    Access.CAMPUS: Label.EDUCATION,
    Access.OFFICE: Label.BUSINESS,
}
"""What an operator directory says of a network, by what the operator sells."""


def loaded(books: Books, exits: Exits, *, every: int = HOUR) -> Lists:
    """Return the lists as a unit would have them today, and what the operators of people say of their own networks.

    `every`: seconds between two lists of Tor exits; they are believed for a day.
    """
    by_kind: dict[ListKind, list[Listed]] = {}
    for one in (*netlists.published(books), *netlists.tor_lists(books, exits, every=every)):
        by_kind.setdefault(ListKind(one.kind), []).append(one)
    archives, tables = [], []
    for kind, some in by_kind.items():
        if kind.archived:
            held = IntervalArchive.of_snapshots(
                ((one.as_of, _spans(kind, one.text)) for one in some), longest_gap=kind.meaning.longest_gap
            )
            archives.append(loading.archived(_source(kind, some[-1]), held))
        else:
            read = ((one, read_networks(io.BytesIO(one.text.encode())).entries) for one in some)
            tables += [loading.of_networks(_source(kind, one), rows) for one, rows in read]
    profiles = tuple(
        Profile("Operator directory of the exercise", SAYS[carrier.access], asn=carrier.asn)
        for carrier in CARRIERS
        if carrier.access in SAYS
    )
    return Lists(tuple(archives), tuple(tables), profiles, exercise=netlists.EXERCISE)


def _source(kind: ListKind, one: Listed) -> ListSource:
    return ListSource(kind, one.name, one.as_of.date().isoformat(), one.as_of, netlists.LICENCE)


@cache
def _spans(kind: ListKind, text: str) -> tuple[Span, ...]:
    stream = io.BytesIO(text.encode())
    if kind.meaning.about is About.ADDRESSES:
        return tuple(one.span for one in read_prefixes(stream).entries)
    numbers = read_numbers(stream) if text.startswith("ASN,") else read_prefixes(stream, About.NUMBERS)
    return tuple(one.span for one in numbers.entries)
