# SPDX-License-Identifier: Apache-2.0
"""Every reason for one event's label: who says it, of which interval, and whether it speaks against the label.

The same lists are asked as for a batch (`judging`), one by one, for the rows of what they answer. First comes what
speaks for the main label, then what else is said now, then what was said of other times, then what cannot be known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import numpy as np

from nightlight.casework.attribution.judging import NEVER_ENDS, TABLE_KINDS, Prepared, labels_of, within
from nightlight.casework.attribution.kinds import ONLY_IPV4, Label, Reason, Transition, Why
from nightlight.casework.attribution.lists import Network, Said, choose
from nightlight.casework.attribution.netdata.archive import ListedState
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reserved import BLOCKS
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.casework.attribution.signs import agree, own_of_ipv6
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.casework.attribution.addresses import Trouble
    from nightlight.casework.attribution.lists import Archived, Profile, Table, Value
    from nightlight.casework.attribution.netdata.archive import Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """One event, as a batch has understood it. `address` is the one that is judged: the inner one where it is known."""

    address: IPv4Address | IPv6Address | None
    when: datetime | None
    label: Label
    asn: int = 0
    trouble: Trouble | None = None
    block: int | None = None  # place in BLOCKS where reserved
    transition: Transition = Transition.NONE
    inner_known: bool = False
    inner_port: int | None = None
    possible_proxy: Stated = Stated.NOT_STATED
    accounts: int | None = None


_ANY_IPV4 = "192.0.2.1"  # asked only for whether the time is covered
_RANK = (
    {Why.NOT_COVERED: 3, Why.NO_TIME: 3, Why.NO_LIST: 4, Why.LISTED_BEFORE: 2, Why.LISTED_LATER: 2, Why.COUNTRY: 1}
)  # fmt: skip


def reasons_of(prepared: Prepared, asked: Asked) -> tuple[Reason, ...]:
    """All reasons for one event's label."""
    if asked.address is None:
        return (*_reporter(asked), Reason(Why.NOT_READ, Label.UNKNOWN, shown=str(asked.trouble or "")))
    found = [_on(asked, reason) for reason in (*_of_itself(asked), *_reporter(asked))]
    if asked.block is None:
        found += [_on(asked, reason) for reason in _of_lists(prepared, asked)]
    said_now = {Why.REGISTRY, Why.LISTED, Why.NETWORK, Why.PREFIX, Why.OPERATOR, Why.ACCOUNTS, Why.TRANSITION}
    marked = [
        replace(reason, against=True) if reason.why in said_now and not agree(reason.label, asked.label) else reason
        for reason in found
    ]
    return tuple(
        sorted(
            marked,
            key=lambda reason: (
                0 if reason.label is asked.label and reason.why in said_now else 1,
                _RANK.get(reason.why, 1),
            ),
        )
    )


def _on(asked: Asked, reason: Reason) -> Reason:
    return replace(reason, label=own_of_ipv6(reason.label)) if isinstance(asked.address, IPv6Address) else reason


def _of_itself(asked: Asked) -> Iterator[Reason]:
    """What the address says without any list."""
    if asked.block is not None:
        block = BLOCKS[asked.block]
        yield Reason(Why.REGISTRY, Label.RESERVED, block.document, f"{block.prefix} {block.purpose}")
    if asked.transition is not Transition.NONE:
        shown = str(asked.address) if asked.inner_known else ""
        shared = asked.transition is Transition.NAT64 and asked.inner_known and asked.block is None
        label = Label.MOBILE_SHARED if shared else Label.UNKNOWN
        if asked.inner_port is not None:
            shown += f":{asked.inner_port}"
        yield Reason(Why.TRANSITION, label, str(asked.transition), shown)


def _reporter(asked: Asked) -> Iterator[Reason]:
    if asked.possible_proxy not in {Stated.YES, Stated.NO}:
        return
    says_yes = bool(asked.possible_proxy)
    silent = asked.label in {Label.UNKNOWN, Label.RESERVED}
    against = (not asked.label.anonymises and not silent) if says_yes else asked.label.anonymises
    yield Reason(Why.REPORTER_SAYS, Label.UNKNOWN, shown=str(asked.possible_proxy), against=against)


def _of_lists(prepared: Prepared, asked: Asked) -> Iterator[Reason]:
    lists = prepared.lists
    if asked.when is None:
        yield Reason(Why.NO_TIME, Label.UNKNOWN)
    for listed in lists.archives:
        if not listed.about_numbers:
            yield from _of_archive(listed, asked)
    for kind in TABLE_KINDS:
        for series in lists.series(kind):
            yield from _of_series(prepared, series, asked)
    for listed in lists.archives:
        if listed.about_numbers and asked.asn and asked.when is not None:
            seconds = int(within(listed, np.array([int(asked.when.timestamp())], np.int64))[0])
            moved = asked.when + timedelta(seconds=seconds - int(asked.when.timestamp()))
            yield from _verdict(listed, listed.archive.at_number(asked.asn, moved), Why.NETWORK)
    yield from _of_profiles(prepared, asked)
    shared = asked.accounts is not None and asked.accounts >= lists.shared_from
    if shared and asked.when is not None and isinstance(asked.address, IPv4Address):
        yield Reason(Why.ACCOUNTS, Label.FIXED_SHARED, shown=str(asked.accounts))
    for label in lists.missing:
        yield Reason(Why.NO_LIST, label)


def _of_archive(listed: Archived, asked: Asked) -> Iterator[Reason]:
    if asked.when is not None:
        verdict = listed.archive.at(str(asked.address), asked.when)
        for reason in _verdict(listed, verdict, Why.LISTED):
            yield replace(reason, shown=ONLY_IPV4) if _other_family(listed, asked, reason) else reason
        return
    covered = listed.archive.coverage
    if covered is None:
        return
    # Without an instant nothing follows; that the list knows the address at some time is worth asking for it.
    verdict = listed.archive.at(str(asked.address), covered[1])
    if verdict.row is not None:
        yield Reason(
            Why.NO_TIME, listed.label, listed.source, verdict.row.prefix, verdict.since, verdict.until
        )  # fmt: skip


def _other_family(listed: Archived, asked: Asked, reason: Reason) -> bool:
    """Whether a list cannot tell only because it holds no IPv6 address at all, though it covers the time."""
    if reason.why is not Why.NOT_COVERED or not isinstance(asked.address, IPv6Address) or asked.when is None:
        return False
    held = listed.archive
    if held.coverage_of(Family.IPV6) is not None:
        return False
    return held.at(_ANY_IPV4, asked.when).state is not ListedState.NOT_COVERED


def _verdict(listed: Archived, verdict: Verdict, why: Why) -> Iterator[Reason]:
    """What a list's answer says; `why` is the reason where the list has it now."""
    shown = "" if verdict.row is None else verdict.row.prefix
    reason = Reason(why, listed.label, listed.source, shown, verdict.since, verdict.until)
    if verdict.state is ListedState.LISTED:
        yield reason
    elif verdict.state is ListedState.NOT_COVERED:
        yield replace(reason, why=Why.NOT_COVERED)
    else:
        if verdict.state in {ListedState.BEFORE, ListedState.BETWEEN}:
            yield replace(reason, why=Why.LISTED_BEFORE)
        if verdict.state is ListedState.LATER:
            yield replace(reason, why=Why.LISTED_LATER)
        if verdict.state is ListedState.BETWEEN:  # the row is the earlier one: of the later one no dates are told
            yield Reason(Why.LISTED_LATER, listed.label, listed.source)


def _of_series(prepared: Prepared, series: tuple[Table, ...], asked: Asked) -> Iterator[Reason]:
    seconds = NEVER_ENDS if asked.when is None else int(asked.when.timestamp())
    chosen = choose(series, np.array([seconds], np.int64))
    table = series[int(chosen.place[0])]
    address = asked.address
    place = table.v4.find(address) if isinstance(address, IPv4Address) else table.v6.find(address or 0)
    if place < 0 or (table.kind is ListKind.USER_COUNT and isinstance(address, IPv6Address)):
        return
    labels = sorted(labels_of(table, place, prepared.lists.shared_from), key=list(Label).index) or [Label.UNKNOWN]
    shown = _shown(table.values[place])
    decides, aged = bool(chosen.decides[0]), bool(chosen.aged[0])
    # A few users are a household: no reason either way.
    for label in () if table.kind is ListKind.USER_COUNT and labels == [Label.UNKNOWN] else labels:
        reason = Reason(_WHY[table.kind], label, table.source, shown, table.as_of, table.as_of)
        if asked.when is None:
            yield replace(reason, why=Why.NO_TIME)
        elif decides:
            value = table.values[place]
            other = isinstance(value, Network) and bool(asked.asn) and value.asn != asked.asn
            yield replace(reason, against=other)
        elif not aged:
            yield replace(reason, why=Why.LISTED_LATER)
    if aged and asked.when is not None:
        yield Reason(Why.NOT_COVERED, labels[0], table.source, shown, table.as_of, table.as_of)


_WHY = {
    ListKind.NETWORKS: Why.NETWORK,
    ListKind.COUNTRIES: Why.COUNTRY,
    ListKind.ANONYMOUS: Why.LISTED,
    ListKind.CONNECTION_TYPE: Why.PREFIX,
    ListKind.USER_COUNT: Why.PREFIX,
}


def _shown(value: Value) -> str:
    if isinstance(value, Network):
        return f"AS{value.asn} {value.name}".strip()
    return value.shown if isinstance(value, Said) else str(value)


def _of_profiles(prepared: Prepared, asked: Asked) -> Iterator[Reason]:
    if asked.when is None:
        return
    seconds = int(asked.when.timestamp())
    groups = [group for group in prepared.profiles if group.since <= seconds < group.until]
    found: list[Profile] = []
    for group in groups:
        address = asked.address
        place = group.v4.find(address) if isinstance(address, IPv4Address) else group.v6.find(address or 0)
        found += group.held[place] if place >= 0 else ()
    if not found and asked.asn:
        for group in groups:
            place = int(group.of_asns(np.array([asked.asn], np.uint32))[0])
            found += group.held[place] if place >= 0 else ()
    for profile in found:
        shown = profile.prefix or f"AS{profile.asn}"
        yield Reason(Why.OPERATOR, profile.label, profile.source, shown, profile.since, profile.until)
