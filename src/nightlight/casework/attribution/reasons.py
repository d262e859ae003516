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
    from nightlight.casework.attribution.lists import Archived, Lists, Profile, Table, Value
    from nightlight.casework.attribution.netdata.archive import Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """One event, as a batch has understood it. `address` is the one that is judged: the inner one where it is known.

    `outer` is then the IPv6 address that carries it, by which lists of who hides may have it too.
    """

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
    outer: IPv6Address | None = None


_ANY_IPV4 = "192.0.2.1"  # asked only for whether the time is covered
_RANK = (
    {Why.LISTED_BEFORE: 2, Why.LISTED_LATER: 2, Why.NOT_COVERED: 3, Why.NO_TIME: 3, Why.NOT_LISTED: 4, Why.NO_LIST: 5}
)  # fmt: skip


def reasons_of(prepared: Prepared, asked: Asked) -> tuple[Reason, ...]:
    """All reasons for one event's label."""
    if asked.address is None:
        return (*_reporter(asked), Reason(Why.NOT_READ, Label.UNKNOWN, shown=str(asked.trouble or "")))
    found = [_on(asked, reason) for reason in (*_of_itself(asked), *_reporter(asked))]
    if asked.block is None:
        found += [_on(asked, reason) for reason in _of_lists(prepared, asked)]
    said_now = {Why.REGISTRY, Why.LISTED, Why.NETWORK, Why.PREFIX, Why.OPERATOR, Why.ACCOUNTS, Why.TRANSITION}
    countries = {code for reason in found if reason.why is Why.COUNTRY for code in reason.shown.split(", ")}
    marked = [
        replace(reason, against=True)
        if (reason.why in said_now and not agree(reason.label, asked.label))
        or (reason.why is Why.COUNTRY and len(countries) > 1)
        else reason
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
        if asked.inner_port is not None:
            shown += f":{asked.inner_port}"
        yield Reason(Why.TRANSITION, Label.UNKNOWN, str(asked.transition), shown)


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
    numbers = () if asked.asn else _open_numbers(lists, asked)
    for listed in lists.archives:
        if not listed.about_numbers:
            yield from _of_archive(listed, asked)
    for kind in TABLE_KINDS:
        for series in lists.series(kind):
            yield from _of_series(prepared, series, asked)
    for listed in lists.archives:
        if listed.about_numbers and asked.when is not None:
            yield from _of_numbers(listed, asked, numbers if listed.label.anonymises else ())
    yield from _of_profiles(prepared, asked)
    shared = asked.accounts is not None and asked.accounts >= lists.shared_from
    if shared and asked.when is not None and isinstance(asked.address, IPv4Address):
        yield Reason(Why.ACCOUNTS, Label.FIXED_SHARED, shown=str(asked.accounts))
    for label in lists.missing:
        yield Reason(Why.NO_LIST, label)


def _of_archive(listed: Archived, asked: Asked) -> Iterator[Reason]:
    if asked.when is not None:
        verdict = listed.archive.at(str(asked.address), asked.when)
        outer = None if asked.outer is None else listed.archive.at(str(asked.outer), asked.when)
        told = outer is not None and outer.state not in {ListedState.NEVER, ListedState.NOT_COVERED}
        for reason in _verdict(listed, verdict, Why.LISTED):
            yield replace(reason, shown=ONLY_IPV4) if _other_family(listed, asked, reason) else reason
        if verdict.state is ListedState.NEVER and not told:
            yield Reason(Why.NOT_LISTED, listed.label, listed.source)
        if outer is not None and told:
            yield from _verdict(listed, outer, Why.LISTED)
        return
    covered = listed.archive.coverage
    if covered is None:
        return
    # Without an instant nothing follows; that the list knows the address at some time is worth asking for it.
    for address in (asked.address, asked.outer):
        if address is not None and (verdict := listed.archive.at(str(address), covered[1])).row is not None:
            yield Reason(
                Why.NO_TIME, listed.label, listed.source, _prefix(verdict), verdict.since, verdict.until
            )  # fmt: skip


def _prefix(verdict: Verdict) -> str:
    return "" if verdict.row is None else verdict.row.prefix


def _of_numbers(listed: Archived, asked: Asked, numbers: tuple[int, ...]) -> Iterator[Reason]:
    """What a list of AS numbers says of the network, or of each that some table names where they do not agree."""
    if asked.when is None:
        return
    seconds = int(within(listed, np.array([int(asked.when.timestamp())], np.int64))[0])
    moved = asked.when + timedelta(seconds=seconds - int(asked.when.timestamp()))
    for number in (asked.asn,) if asked.asn else numbers:
        for reason in _verdict(listed, listed.archive.at_number(number, moved), Why.NETWORK):
            yield replace(reason, later_day=moved > asked.when and reason.why is Why.NETWORK)


def _open_numbers(lists: Lists, asked: Asked) -> tuple[int, ...]:
    """The AS numbers that tables name which decide but do not agree."""
    if asked.when is None:
        return ()
    found: dict[int, None] = {}
    for series in lists.series(ListKind.NETWORKS):
        table, decides, _ = _taken(series, asked)
        for place in _places(table, asked):
            value = table.values[place]
            if decides and isinstance(value, Network) and value.asn:
                found[value.asn] = None
    return tuple(found)


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
    shown = _prefix(verdict)
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


def _taken(series: tuple[Table, ...], asked: Asked) -> tuple[Table, bool, bool]:
    """Which table of one publisher is taken, whether it decides, whether it is aged."""
    seconds = NEVER_ENDS if asked.when is None else int(asked.when.timestamp())
    chosen = choose(series, np.array([seconds], np.int64))
    return series[int(chosen.place[0])], bool(chosen.decides[0]), bool(chosen.aged[0])


def _places(table: Table, asked: Asked) -> Iterator[int]:
    """The values of a table for an address; by both forms where that is asked who hides."""
    address = asked.address
    if table.kind is ListKind.USER_COUNT and isinstance(address, IPv6Address):
        return
    found = [table.v4.find(address) if isinstance(address, IPv4Address) else table.v6.find(address or 0)]
    if table.kind is ListKind.ANONYMOUS and asked.outer is not None:
        found.append(table.v6.find(asked.outer))
    yield from (place for place in found if place >= 0)


def _of_series(prepared: Prepared, series: tuple[Table, ...], asked: Asked) -> Iterator[Reason]:
    table, decides, aged = _taken(series, asked)
    for place in _places(table, asked):
        yield from _of_value(prepared, table, place, asked, decides=decides, aged=aged)


def _of_value(
    prepared: Prepared, table: Table, place: int, asked: Asked, *, decides: bool, aged: bool
) -> Iterator[Reason]:
    labels = sorted(labels_of(table, place, prepared.lists.shared_from), key=list(Label).index) or [Label.UNKNOWN]
    shown = _shown(table.values[place])
    # A few users are a household: no reason either way.
    for label in () if table.kind is ListKind.USER_COUNT and labels == [Label.UNKNOWN] else labels:
        reason = Reason(_WHY[table.kind], label, table.source, shown, table.as_of, table.as_of)
        if asked.when is None:
            yield replace(reason, why=Why.NO_TIME)
        elif decides:
            value = table.values[place]
            other = isinstance(value, Network) and value.asn != (asked.asn or None)
            yield replace(reason, against=other, later_day=table.as_of > asked.when)
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
        return f"AS{value.asn} {value.name}".strip() if value.asn else value.name
    return value.shown if isinstance(value, Said) else str(value)


def _of_profiles(prepared: Prepared, asked: Asked) -> Iterator[Reason]:
    if asked.when is None:
        return
    seconds = int(asked.when.timestamp())
    groups = [group for group in prepared.profiles if group.since <= seconds < group.until]
    found: list[Profile] = []
    longest = -1
    for group in groups:
        address = asked.address
        place = group.v4.find(address) if isinstance(address, IPv4Address) else group.v6.find(address or 0)
        length = int(group.lengths[place]) if place >= 0 else -1
        if length > longest:
            found, longest = [], length
        found += group.held[place] if place >= 0 and length == longest else ()
    if not found and asked.asn:
        for group in groups:
            place = int(group.of_asns(np.array([asked.asn], np.uint32))[0])
            found += group.held[place] if place >= 0 else ()
    for profile in found:
        shown = profile.prefix or f"AS{profile.asn}"
        yield Reason(Why.OPERATOR, profile.label, profile.source, shown, profile.since, profile.until)
