# SPDX-License-Identifier: Apache-2.0
"""What is loaded to judge addresses by: archives, dated tables, and what operators say of their own networks.

It works with nothing loaded: then every label that needs a list is unknown, and the reasons say which list is missing.

How a table of one day is taken for an event of another: the newest one that is not younger than the event, however old
(beyond its kind's `longest_gap` its age is said); where there is none, the first later one within that gap; a still
later one is shown and decides nothing. Who used an address and how (what hides it, how many use it, by which kind of
line) is never taken from a later table. A list of AS numbers, which changes slowly, is believed within its gap also
outside its first and last snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.netdata.kinds import About, Form, ListKind
from nightlight.casework.attribution.netdata.lookup import RangeTable, RangeTable6
from nightlight.casework.attribution.netdata.reserved import exercise_networks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from nightlight.casework.attribution.netdata.archive import IntervalArchive

SHARED_FROM = 8
"""Users or accounts behind one IPv4 address from which on it counts as shared: more than one household has."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network by its AS number, and its name on the day of the table.

    AS number 0: the table gives one range to several networks, which `name` tells; so none of them is known to hold it.
    """

    asn: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The labels that a publisher's words lead to, and those words (a provider, a type of connection)."""

    labels: frozenset[Label]
    shown: str = ""


Value: TypeAlias = Network | Said | str | int
"""What a range of a table says: for NETWORKS a Network, for COUNTRIES an ISO 3166-1 code, for CONNECTION_TYPE and
ANONYMOUS what was Said, for USER_COUNT a number of users."""


def several(values: Iterable[Value]) -> Value:
    """Put what one table says several times of one range into one value that takes no side. Raises TypeError."""
    found = list(dict.fromkeys(values))
    networks = {value.asn: value for value in found if isinstance(value, Network)}
    if len(networks) == 1:
        return min((value for value in found if isinstance(value, Network)), key=lambda value: value.name)
    if networks:
        told = (f"AS{asn} {networks[asn].name}".strip() for asn in sorted(networks))
        return Network(0, ", ".join(told))
    said = [value for value in found if isinstance(value, Said)]
    if said:
        shown = ", ".join(sorted({value.shown for value in said if value.shown}))
        return Said(frozenset().union(*(value.labels for value in said)), shown)
    codes = sorted(value for value in found if isinstance(value, str))
    if codes:
        return ", ".join(codes)
    return max(value for value in found if isinstance(value, int))


@dataclass(frozen=True, slots=True)
class Archived:
    """A list of one publisher as of any time; `version` is that of its newest snapshot."""

    kind: ListKind
    name: str
    version: str
    archive: IntervalArchive

    def __post_init__(self) -> None:
        if self.kind.meaning.form is not Form.SNAPSHOT:
            raise ValueError(f"{self.kind} is a dated table, not a list of snapshots.")

    @property
    def source(self) -> str:
        """Name and version, as reasons show them."""
        return f"{self.name} {self.version}".strip()

    @property
    def label(self) -> Label:
        """The label that being in the list leads to. An AS number alone never says VPN or proxy: it says hosting."""
        found = self.kind.meaning.label or Label.UNKNOWN
        return Label.HOSTING if self.about_numbers and found.anonymises else found

    @property
    def about_numbers(self) -> bool:
        """Whether its entries are AS numbers."""
        return self.kind.meaning.about is About.NUMBERS


@dataclass(frozen=True)
class Table:
    """What one publisher says of ranges as of one day. The values of `v4` and `v6` are places in `values`."""

    kind: ListKind
    name: str
    version: str
    as_of: datetime
    v4: RangeTable
    v6: RangeTable6
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if self.kind.meaning.form is not Form.TABLE:
            raise ValueError(f"{self.kind} is a list of snapshots, not a dated table.")
        if self.as_of.utcoffset() is None:
            raise ValueError("A table's day is an aware time.")

    @classmethod
    def of(
        cls,
        kind: ListKind,
        name: str,
        version: str,
        as_of: datetime,
        rows: Iterable[tuple[int, int, int, Value]],
    ) -> Table:
        """Make one of rows (4 or 6, first, last, value) in any order; where they overlap the smallest range counts.

        A range that is there several times with other values says all of them, in an order of their own (`several`).
        """
        held: dict[int, dict[tuple[int, int], Value | list[Value]]] = {4: {}, 6: {}}
        for family, first, last, value in rows:
            found = held[family].setdefault((first, last), value)
            if isinstance(found, list):
                found.append(value)
            elif found != value:
                held[family][first, last] = [found, value]
        places: dict[Value, int] = {}
        by_version: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
        for family, ranges in held.items():
            for (first, last), said in ranges.items():
                value = several(said) if isinstance(said, list) else said
                by_version[family].append((first, last, places.setdefault(value, len(places))))
        return cls(
            kind, name, version, as_of, RangeTable.of(by_version[4]), RangeTable6.of(by_version[6]), tuple(places)
        )

    @property
    def source(self) -> str:
        """Name and version, as reasons show them."""
        return f"{self.name} {self.version}".strip()

    @cached_property
    def at(self) -> int:
        """Its day as Unix seconds."""
        return int(self.as_of.timestamp())


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an operator's own network, by AS number or by prefix, from `since` until before `until`.

    `label` is MOBILE_SHARED, FIXED_SHARED, FIXED, EDUCATION, BUSINESS, SHARED_WIFI or HOSTING; `source` says who states
    it. For IPv6, where no address is shared, mobile and fixed follow from it.
    """

    source: str
    label: Label
    asn: int = 0
    prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if bool(self.asn) == bool(self.prefix):
            raise ValueError("A profile is of an AS number or of a prefix.")
        if self.label.anonymises and self.label is not Label.HOSTING:
            raise ValueError("Only a list as of a time says who anonymises.")


@dataclass(frozen=True)
class Lists:
    """What is loaded, in whichever order: nothing rests on it. Tables of one kind by other names may disagree.

    `exercise`: prefixes that an exercise gives to operators which do not exist. They lie in ranges that are set aside
    for documentation, or NotDocumentation is raised; empty outside exercises, and then such addresses are reserved.
    """

    archives: tuple[Archived, ...] = ()
    tables: tuple[Table, ...] = ()
    profiles: tuple[Profile, ...] = ()
    exercise: tuple[str, ...] = ()
    shared_from: int = SHARED_FROM
    _groups: dict[ListKind, tuple[tuple[Table, ...], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exercise_networks(self.exercise)
        groups: dict[tuple[ListKind, str], list[Table]] = {}
        for table in self.tables:
            groups.setdefault((table.kind, table.name), []).append(table)
        found: dict[ListKind, tuple[tuple[Table, ...], ...]] = {}
        for (kind, _), series in sorted(groups.items()):
            found[kind] = (*found.get(kind, ()), tuple(sorted(series, key=lambda table: table.at)))
        object.__setattr__(self, "_groups", found)

    def series(self, kind: ListKind) -> tuple[tuple[Table, ...], ...]:
        """The tables of a kind: for each publisher all of its days, in order."""
        return self._groups.get(kind, ())

    @property
    def missing(self) -> tuple[Label, ...]:
        """The labels that nothing loaded could lead to; UNKNOWN stands for the networks themselves."""
        held = {listed.label for listed in self.archives}
        for table in self.tables:
            if table.kind is ListKind.ANONYMOUS:
                held.update(label for value in table.values if isinstance(value, Said) for label in value.labels)
        known = [] if self.series(ListKind.NETWORKS) else [Label.UNKNOWN]
        return (*(label for label in _NEED_A_LIST if label not in held), *known)


_NEED_A_LIST = (
    Label.TOR_EXIT,
    Label.PRIVATE_RELAY,
    Label.VPN,
    Label.PUBLIC_PROXY,
    Label.RESIDENTIAL_PROXY,
    Label.HOSTING,
)


class Chosen(NamedTuple):
    """For each of many times: the place of the table taken, whether it decides, whether its age is to be said.

    `near`: not younger than the event and not aged; where tables of several publishers decide, such ones come first.
    """

    place: NDArray[np.int64]
    decides: NDArray[np.bool_]
    aged: NDArray[np.bool_]
    near: NDArray[np.bool_]


_USE = frozenset({ListKind.USER_COUNT, ListKind.CONNECTION_TYPE})


def choose(series: tuple[Table, ...], when: NDArray[np.int64]) -> Chosen:
    """Choose among the days of one publisher's table for each Unix time, as the head of this module says."""
    days = np.array([table.at for table in series], np.int64)
    kind = series[0].kind
    gap = int(kind.meaning.longest_gap.total_seconds())
    older = np.searchsorted(days, when, side="right") - 1
    has_older = older >= 0
    near_older = has_older & (when - days[older] <= gap)
    if kind is ListKind.ANONYMOUS:
        decides = near_older
    else:
        decides = has_older if kind in _USE else has_older | (days[0] - when <= gap)
    return Chosen(np.maximum(older, 0), decides, has_older & ~near_older, near_older)
