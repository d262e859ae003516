# SPDX-License-Identifier: Apache-2.0
"""A batch of events, judged in arrays: bits of every reason, then the main label.

`Prepared` is what is made once from the lists; `Work` holds one batch. Rows are numbers of events throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nightlight.casework.attribution import profiles
from nightlight.casework.attribution.kinds import Label, Transition
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
from nightlight.casework.attribution.transition import TRANSITIONS, transitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.casework.attribution.batches import Parsed
    from nightlight.casework.attribution.lists import Archived, Lists, Table

Words: TypeAlias = NDArray[np.int64]
Ints: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]

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
_ANONYMISES = np.array([label.anonymises for label in LABELS])
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
        self.asns = {
            id(table): np.array([value.asn if isinstance(value, Network) else 0 for value in table.values], np.uint32)
            for table in lists.tables
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
                codes = listed.archive.many_numbers(self.asn[known], within(listed, self.when[known]))
                self._add(known, codes, listed.label)
        self._profiles()
        if accounts is not None:
            shared = live & self.as4 & self.timed & (accounts >= self.lists.shared_from)
            self.bits[shared] |= bit(Label.FIXED_SHARED) | Sign.ACCOUNTS
        nat64 = live & (self.mechanism == TRANSITIONS.index(Transition.NAT64)) & self.as4
        self.bits[nat64] |= bit(Label.MOBILE_SHARED)
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
            yield sixes, v6.many(self.parsed.high[sixes], self.parsed.low[sixes])

    def _listed(self, listed: Archived) -> None:
        rows = self.live4[self.timed[self.live4]]
        if len(rows):
            self._add(rows, listed.archive.many(self.address4[rows], self.when[rows]), listed.label)
        rows = self.live6[self.timed[self.live6]]
        if len(rows):
            codes = listed.archive.many6(self.parsed.high[rows], self.parsed.low[rows], self.when[rows])
            self._add(rows, codes, listed.label)

    def _add(self, rows: Words, codes: NDArray[np.int8], label: Label) -> None:
        """Put what a list says of some rows into their bits."""
        says = np.zeros(len(ListedState), np.int64)
        says[ListedState.LISTED.code] = bit(label)
        says[ListedState.BEFORE.code] = bit(label) << BEFORE
        says[ListedState.LATER.code] = bit(label) << LATER
        says[ListedState.BETWEEN.code] = bit(label) << BEFORE | bit(label) << LATER
        says[ListedState.NOT_COVERED.code] = Sign.NOT_COVERED
        self.bits[rows] |= says[codes]

    def _tables(self, kind: ListKind) -> None:
        for number, series in enumerate(self.lists.series(kind)):
            chosen = choose(series, self.asked)
            for place, table in enumerate(series):
                fours, sixes = self.live4, self.live6
                if len(series) > 1:
                    here = chosen.place == place
                    fours, sixes = fours[here[fours]], sixes[here[sixes]]
                if kind is ListKind.USER_COUNT:
                    sixes = sixes[:0]  # many users of an IPv6 prefix are many devices of one line
                for rows, found in self._each(fours, sixes, table.v4, table.v6):
                    hit = found >= 0
                    at = rows[hit]
                    timed = self.timed[at]
                    self._say(table, at, found[hit], chosen.decides[at] & timed, chosen.aged[at], first=not number)

    def _say(self, table: Table, rows: Words, values: Ints, decides: Mask, aged: Mask, *, first: bool) -> None:
        """Put what a table says of some rows into their bits; the first table of networks also names their network."""
        timed = self.timed[rows]
        masks = self.prepared.masks[id(table)][values]
        self.bits[rows[aged & timed]] |= Sign.NOT_COVERED
        said = np.where(decides, masks, np.where(timed & ~aged, masks << LATER, 0))
        if table.kind is ListKind.COUNTRIES:
            said[decides] |= Sign.COUNTRY
        elif table.kind is ListKind.NETWORKS:
            said[decides] |= Sign.NETWORK
            numbers = self.prepared.asns[id(table)][values]
            if first:
                self.asn[rows[decides]] = numbers[decides]
            else:
                said[decides & (self.asn[rows] > 0) & (self.asn[rows] != numbers)] |= Sign.DISAGREEMENT
        self.bits[rows] |= said

    def _profiles(self) -> None:
        """The smallest prefix of an operator speaks for an address; the operator's AS number only where none does."""
        by_prefix = np.zeros(len(self.bits), np.bool_)
        for group in self.prepared.profiles:
            fours, sixes = self._then(self.live4, group), self._then(self.live6, group)
            for rows, found in self._each(fours, sixes, group.v4, group.v6):
                hit = rows[found >= 0]
                self.bits[hit] |= group.masks[found[found >= 0]] | Sign.OPERATOR
                by_prefix[hit] = True
        for group in self.prepared.profiles:
            rows = self._then(np.flatnonzero((self.asn > 0) & ~by_prefix), group)
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
