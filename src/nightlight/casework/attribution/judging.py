# SPDX-License-Identifier: Apache-2.0
"""A batch of events, judged in arrays: bits of every reason, then the main label.

`Prepared` is what is made once from the lists; `Work` holds one batch. Rows are numbers of events throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nightlight.casework.attribution import profiles
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.lists import Network, Said, choose
from nightlight.casework.attribution.netdata.archive import ListedState
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.lookup import NOWHERE, RangeTable, RangeTable6, tables_of
from nightlight.casework.attribution.netdata.reserved import BLOCKS
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.casework.attribution.signs import (
    BEFORE,
    CODE,
    CONTRADICTS,
    EVIDENCE,
    LABELS,
    LATER,
    MAIN,
    Sign,
    bit,
    mask,
    of_ipv6,
)
from nightlight.casework.attribution.transition import transitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.casework.attribution.batches import Parsed
    from nightlight.casework.attribution.lists import Archived, Lists, Table, Value

Words: TypeAlias = NDArray[np.int64]
Ints: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]
Held: TypeAlias = tuple[Words, NDArray[np.uint32], Mask]
"""Rows, what a table says of each as a number, and whether it is a near one."""

NO_TIME = int(np.iinfo(np.int64).min)
"""The time of an event without an instant, in arrays of Unix seconds."""
NEVER_ENDS = 1 << 61  # later than all tables: of such an event the newest is shown
YES, NO = 1, 2  # what a reporter said of a proxy
TABLE_KINDS = (
    ListKind.NETWORKS,
    ListKind.COUNTRIES,
    ListKind.ANONYMOUS,
    ListKind.CONNECTION_TYPE,
    ListKind.USER_COUNT,
)
COMPARED = (ListKind.NETWORKS, ListKind.COUNTRIES)  # an address has one of each, so tables can differ
_LETTERS = 2  # of a country's code (ISO 3166-1)
_SILENT = len(ListedState)  # besides the codes of states: says nothing
_ANONYMISES = np.array([label.anonymises for label in LABELS])
_KNOWS = np.array([state not in {ListedState.NEVER, ListedState.NOT_COVERED} for state in ListedState])
_SAYS_NOTHING = np.array([label in {Label.UNKNOWN, Label.RESERVED} for label in LABELS])


class Prepared:
    """What is loaded, made ready for look-ups. Raises what `tables_of` and `grouped` raise."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists
        blocks = [(block.prefix, place) for place, block in enumerate(BLOCKS)]
        # An exercise's prefixes come last: of equal ranges the later given one has the address.
        self.blocks4, self.blocks6 = tables_of([*blocks, *((prefix, len(BLOCKS)) for prefix in lists.exercise)])
        self.routable = np.array([*(block.routable for block in BLOCKS), True])
        self.profiles = profiles.grouped(lists.profiles)
        self.masks = {id(table): _masks_of(table, lists.shared_from) for table in lists.tables}
        self.numbers = {
            id(table): np.array([_number(value) for value in table.values], np.uint32)
            for table in lists.tables
            if table.kind in COMPARED
        }
        self.missing = bool(lists.missing)


def labels_of(table: Table, place: int, shared_from: int) -> frozenset[Label]:
    """The labels that a value of a table leads to."""
    value = table.values[place]
    if isinstance(value, Said):
        return value.labels
    if table.kind is ListKind.USER_COUNT and isinstance(value, int) and value >= shared_from:
        return frozenset({Label.FIXED_SHARED})
    return frozenset()


def _number(value: Value) -> int:
    """A network by its AS number, a country by its two letters; 0 where a table says several of one range."""
    if isinstance(value, Network):
        return value.asn
    return int.from_bytes(value.encode(), "big") if isinstance(value, str) and len(value) == _LETTERS else 0


def _masks_of(table: Table, shared_from: int) -> Words:
    return np.array([mask(labels_of(table, place, shared_from)) for place in range(len(table.values))], np.int64)


def within(listed: Archived, when: Words) -> Words:
    """The times as of which a list of AS numbers is asked: near its first and last snapshot those stand for it."""
    covered = listed.archive.coverage_of(Family.NUMBERS)
    if covered is None:
        return when
    first, last = (int(moment.timestamp()) for moment in covered)
    gap = int(listed.kind.meaning.longest_gap.total_seconds())
    asked = np.where((when < first) & (when >= first - gap), first, when)
    return np.where((when > last) & (when <= last + gap), last, asked)


class Work:
    """The arrays of one batch."""

    def __init__(self, prepared: Prepared, parsed: Parsed, when: Words) -> None:
        self.prepared, self.lists, self.parsed, self.when = prepared, prepared.lists, parsed, when
        count = len(parsed.v4)
        self.bits = np.zeros(count, np.int64)
        self.label = np.full(count, CODE[Label.UNKNOWN], np.int8)
        self.asn = np.zeros(count, np.uint32)
        self.open_numbers: list[tuple[Words, NDArray[np.uint32]]] = []  # of rows whose network tables do not agree on
        self.block = np.full(count, NOWHERE, np.int16)  # place in BLOCKS where reserved
        self.mechanism = np.zeros(count, np.uint8)  # place in TRANSITIONS
        self.inner_port = np.full(count, -1, np.int32)
        self.timed = when != NO_TIME
        self.asked = np.where(self.timed, when, NEVER_ENDS)
        self.address4 = parsed.v4  # also the address inside an IPv6 one
        self.as4, self.as6 = parsed.version == 4, parsed.version == 6  # by which address each is judged

    def judge(self, proxies: NDArray[np.int8] | None, accounts: Words | None) -> None:
        """Fill `bits`, `label`, `asn` and the rest."""
        self._look_inside()
        self.bits[self.parsed.version == 0] |= Sign.NOT_READ
        self._reserved()
        live = (self.parsed.version > 0) & (self.block == NOWHERE)
        self.bits[live & ~self.timed] |= Sign.NO_TIME
        if self.prepared.missing:
            self.bits[live] |= Sign.NO_LIST
        self.live4, self.live6 = np.flatnonzero(live & self.as4), np.flatnonzero(live & self.as6)
        self.live4 = self.live4[np.argsort(self.address4[self.live4])]  # neighbours are found without a cache miss
        for listed in self.lists.archives:
            if not listed.about_numbers:
                self._listed(listed)
        for kind in TABLE_KINDS:
            self._tables(kind)
        known = np.flatnonzero(self.asn > 0)
        for listed in self.lists.archives:
            if listed.about_numbers and len(known):
                self._numbered(listed, known, self.asn[known])
            if listed.about_numbers and listed.label.anonymises:  # what hides counts by whichever table that is right
                for rows, numbers in self.open_numbers:
                    self._numbered(listed, rows, numbers)
        self._profiles()
        if accounts is not None:
            shared = live & self.as4 & self.timed & (accounts >= self.lists.shared_from)
            self.bits[shared] |= bit(Label.FIXED_SHARED) | Sign.ACCOUNTS
        sixes = np.flatnonzero(self.as6)
        self.bits[sixes] = of_ipv6(self.bits[sixes])
        self._decide(proxies)

    def _look_inside(self) -> None:
        sixes = np.flatnonzero(self.as6)
        if not len(sixes):
            return
        inner = transitions(self.parsed.high[sixes], self.parsed.low[sixes])
        self.mechanism[sixes] = inner.transition
        self.bits[sixes[inner.transition > 0]] |= Sign.TRANSITION
        carrying = sixes[inner.known]
        self.address4 = self.parsed.v4.copy()
        self.address4[carrying] = inner.inner[inner.known]
        self.inner_port[carrying] = inner.port[inner.known]
        self.as4[carrying], self.as6[carrying] = True, False

    def _reserved(self) -> None:
        fours, sixes = np.flatnonzero(self.as4), np.flatnonzero(self.as6)
        for rows, found in self._each(fours, sixes, self.prepared.blocks4, self.prepared.blocks6):
            kept = np.where((found >= 0) & ~self.prepared.routable[found], found, NOWHERE)
            self.block[rows] = kept
            self.bits[rows[kept >= 0]] |= bit(Label.RESERVED)

    def _each(self, fours: Words, sixes: Words, v4: RangeTable, v6: RangeTable6) -> Iterator[tuple[Words, Ints]]:
        """Rows judged by an IPv4 address, then those by an IPv6 one, with what their table says of each."""
        if len(fours):
            yield fours, v4.many(self.address4[fours])
        if len(sixes):
            yield sixes, v6.many(*self._halves(sixes))

    def _listed(self, listed: Archived) -> None:
        """Ask a list of addresses: for one that carries another by both forms, as it may have been listed by either."""
        rows = self.live4[self.timed[self.live4]]
        if len(rows):
            codes = listed.archive.many(self.address4[rows], self.when[rows])
            carrying = np.flatnonzero(self.mechanism[rows])
            if len(carrying):
                outer = listed.archive.many6(*self._halves(rows[carrying]), self.when[rows[carrying]])
                outer = np.where(_KNOWS[outer], outer, np.int8(_SILENT))
                self._add(rows[carrying], outer, listed.label)
                hides = (outer != _SILENT) & (codes[carrying] == ListedState.NEVER.code)
                codes[carrying[hides]] = _SILENT
            self._add(rows, codes, listed.label)
        rows = self.live6[self.timed[self.live6]]
        if len(rows):
            self._add(rows, listed.archive.many6(*self._halves(rows), self.when[rows]), listed.label)

    def _halves(self, rows: Words) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        return self.parsed.high[rows], self.parsed.low[rows]

    def _numbered(self, listed: Archived, rows: Words, numbers: NDArray[np.uint32]) -> None:
        codes = listed.archive.many_numbers(numbers, within(listed, self.when[rows]))
        self._add(rows, np.where(codes == ListedState.NEVER.code, np.int8(_SILENT), codes), listed.label)

    def _add(self, rows: Words, codes: NDArray[np.int8], label: Label) -> None:
        """Put what a list says of some rows into their bits."""
        says = np.zeros(_SILENT + 1, np.int64)
        says[ListedState.NEVER.code] = Sign.NOT_LISTED
        says[ListedState.LISTED.code] = bit(label)
        says[ListedState.BEFORE.code] = bit(label) << BEFORE
        says[ListedState.LATER.code] = bit(label) << LATER
        says[ListedState.BETWEEN.code] = bit(label) << BEFORE | bit(label) << LATER
        says[ListedState.NOT_COVERED.code] = Sign.NOT_COVERED
        self.bits[rows] |= says[codes]

    def _tables(self, kind: ListKind) -> None:
        held: list[Held] = []
        for series in self.lists.series(kind):
            chosen = choose(series, self.asked)
            for place, table in enumerate(series):
                fours, sixes = self.live4, self.live6
                if len(series) > 1:
                    here = chosen.place == place
                    fours, sixes = fours[here[fours]], sixes[here[sixes]]
                if kind is ListKind.USER_COUNT:
                    sixes = sixes[:0]  # many users of an IPv6 prefix are many devices of one line
                if kind is ListKind.ANONYMOUS:  # by both forms, as `_listed`
                    sixes = np.concatenate((sixes, fours[self.mechanism[fours] > 0]))
                for rows, found in self._each(fours, sixes, table.v4, table.v6):
                    hit = found >= 0
                    at, values = rows[hit], found[hit]
                    decides = chosen.decides[at] & self.timed[at]
                    self._say(table, at, values, decides, chosen.aged[at])
                    if kind in COMPARED:
                        numbers = self.prepared.numbers[id(table)][values]
                        held.append((at[decides], numbers[decides], chosen.near[at[decides]]))
        if kind in COMPARED:
            agreed, open_ = self._agreed(held)
            if kind is ListKind.NETWORKS:
                self.asn = agreed
                parts = ((rows, numbers, open_[rows] & (numbers > 0)) for rows, numbers, _ in held)
                self.open_numbers = [(rows[kept], numbers[kept]) for rows, numbers, kept in parts if kept.any()]

    def _agreed(self, held: list[Held]) -> tuple[NDArray[np.uint32], Mask]:
        """What tables of one kind say together: the near ones, else the others; and where these do not agree: 0."""
        count = len(self.bits)
        agreed, settled, unsettled = np.zeros(count, np.uint32), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        for near in (True, False):
            some, there = np.zeros(count, np.uint32), np.zeros(count, np.bool_)
            open_ = np.zeros(count, np.bool_)
            for of, said, close in held:
                kept = close == near
                rows, numbers = of[kept], said[kept]
                open_[rows] |= (numbers == 0) | there[rows] & (some[rows] != numbers)
                self.bits[rows[settled[rows] & (agreed[rows] != numbers)]] |= Sign.DISAGREEMENT
                some[rows], there[rows] = numbers, True
            self.bits[open_] |= Sign.DISAGREEMENT
            taken = there & ~settled
            agreed[taken] = np.where(open_, np.uint32(0), some)[taken]
            unsettled |= taken & open_
            settled |= there
        return agreed, unsettled

    def _say(self, table: Table, rows: Words, values: Ints, decides: Mask, aged: Mask) -> None:
        """Put what a table says of some rows into their bits."""
        timed = self.timed[rows]
        masks = self.prepared.masks[id(table)][values]
        self.bits[rows[aged & timed]] |= Sign.NOT_COVERED
        said = np.where(decides, masks, np.where(timed & ~aged, masks << LATER, 0))
        if table.kind is ListKind.COUNTRIES:
            said[decides] |= Sign.COUNTRY
        elif table.kind is ListKind.NETWORKS:
            said[decides] |= Sign.NETWORK
        self.bits[rows] |= said

    def _profiles(self) -> None:
        """The smallest prefix of an operator speaks for an address; the operator's AS number only where none does."""
        longest = np.full(len(self.bits), -1, np.int16)
        spoken: list[tuple[Words, Ints, profiles.Group]] = []
        for group in self.prepared.profiles:
            fours, sixes = self._then(self.live4, group), self._then(self.live6, group)
            for rows, found in self._each(fours, sixes, group.v4, group.v6):
                hit, entry = rows[found >= 0], found[found >= 0]
                longest[hit] = np.maximum(longest[hit], group.lengths[entry])
                spoken.append((hit, entry, group))
        for hit, entry, group in spoken:
            smallest = group.lengths[entry] == longest[hit]
            self.bits[hit[smallest]] |= group.masks[entry[smallest]] | Sign.OPERATOR
        for group in self.prepared.profiles:
            rows = self._then(np.flatnonzero((self.asn > 0) & (longest < 0)), group)
            found = group.of_asns(self.asn[rows])
            self.bits[rows[found >= 0]] |= group.masks[found[found >= 0]] | Sign.OPERATOR

    def _then(self, rows: Words, group: profiles.Group) -> Words:
        when = self.when[rows]
        kept: Words = rows[self.timed[rows] & (when >= group.since) & (when < group.until)]
        return kept

    def _decide(self, proxies: NDArray[np.int8] | None) -> None:
        evidence = self.bits & EVIDENCE
        self.label = MAIN[evidence]
        against = CONTRADICTS[evidence]
        if proxies is not None:
            self.bits[proxies == YES] |= Sign.REPORTER_YES
            self.bits[proxies == NO] |= Sign.REPORTER_NO
            hidden = _ANONYMISES[self.label]
            against |= (proxies == YES) & ~hidden & ~_SAYS_NOTHING[self.label]
            against |= (proxies == NO) & hidden
        self.bits[against] |= Sign.DISAGREEMENT
