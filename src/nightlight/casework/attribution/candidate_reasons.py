# SPDX-License-Identifier: Apache-2.0
"""What speaks for and against each candidate, worked out over all events of a cluster; each reason names its events.

Only events that count (`Item.counts`: certain time, usable grade) speak for a candidate; every event may speak against.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from nightlight.casework.attribution.candidate_kinds import Against, Con, For, Pro
from nightlight.casework.attribution.candidate_stretches import ORGANISATIONS, order
from nightlight.casework.attribution.kinds import ONLY_IPV4, EventKind, Label, Why
from nightlight.casework.attribution.prefixes import Unit, across_networks, hardware, prefix
from nightlight.casework.attribution.rhythm import FEWEST, Rhythm, profile
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from nightlight.casework.attribution.candidate_stretches import Item, Stretch
    from nightlight.casework.attribution.kinds import Event, Reason
    from nightlight.casework.attribution.rhythm import Profile

Key = TypeVar("Key")

_BESIDE = timedelta(minutes=30)  # a slip: the tunnel came up late, or fell
_STACKS = timedelta(minutes=10)
_ROTATES, _WITHIN = 3, timedelta(hours=1)
_UNRELATED = 4  # more accounts of other people than a household and its guests bring
_NAMED = 5  # events named for one reason against
_LOOKED = 200
_LEASES = timedelta(days=30)
_MOST_BESIDE = 20
_LISTING = timedelta(days=180)
_FIXED = frozenset({Label.FIXED, Label.FIXED_SHARED})
_SUBSCRIBERS_IPV6 = frozenset({Label.FIXED, Label.MOBILE_IPV6})
_ANONYMISERS = frozenset({Label.TOR_EXIT, Label.VPN})
_OWN_CODES = frozenset({Why.REPORTER_SAYS, Why.LISTED_BEFORE, Why.LISTED_LATER, Why.COUNTRY})


class Times:
    """Counting events by time, sorted, with those of one key found apart."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = sorted((item for item in items if item.at is not None), key=order)
        self.times = [item.at for item in self.items if item.at is not None]

    def between(self, after: datetime, before: datetime) -> slice:
        """The events later than one time and earlier than another."""
        return slice(start := bisect_right(self.times, after), max(start, bisect_left(self.times, before)))

    def count(self, after: datetime, before: datetime) -> int:
        found = self.between(after, before)
        return int(found.stop - found.start)

    def near(self, at: datetime, within: timedelta) -> Item | None:
        place = bisect_left(self.times, at - within)
        return self.items[place] if place < len(self.times) and self.times[place] <= at + within else None


@dataclass(frozen=True)
class Seen:
    """What all candidates of a cluster are compared with."""

    fixed: Times
    fixed_of_site: Mapping[str, Times]
    fixed_of_network: Mapping[tuple[int, int], Times]  # version and AS number
    fixed_of_number: Mapping[int, Times]  # AS number
    beside_network: Mapping[int, Sequence[int]]  # AS numbers in use during the same time
    all_of_network: Mapping[tuple[int, int], Times]
    tunnels: Mapping[str, Sequence[tuple[datetime, str]]]  # by account and by device
    targets_of_device: Mapping[str, set[str]]
    hardware: Mapping[str, Sequence[str]]
    wider: Mapping[str, set[str]]  # targets in a /56 and in a /48
    rotating: frozenset[str]  # keys of events
    childs: set[str]
    zone: tzinfo | None
    now: datetime

    @classmethod
    def of(
        cls,
        stretches: Sequence[Stretch],
        anonymised: Sequence[Event],
        childs: set[str],
        zone: tzinfo | None,
        now: datetime,
    ) -> Seen:
        """Prepare the comparison once, so that each candidate is weighed in the time its own events take."""
        counting = [item for stretch in stretches for item in stretch.counting]
        fixed = [item for item in counting if item.graded.labelled.label in _FIXED]
        tunnels: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for event in anonymised:
            for tie in _ties(event):
                if event.utc is not None:
                    tunnels[tie].append((event.utc, event.key))
        devices: dict[str, set[str]] = defaultdict(set)
        wider: dict[str, set[str]] = defaultdict(set)
        for item in counting:
            if item.event.device:
                devices[item.event.device].add(item.target)
            if item.version == 6:
                for unit in (Unit.HOME, Unit.SITE):
                    wider[prefix(item.address, unit)].add(item.target)
        numbers = grouped((item for item in fixed if item.graded.labelled.asn), lambda item: item.graded.labelled.asn)
        return cls(
            fixed=Times(fixed),
            fixed_of_site=grouped(fixed, lambda item: item.site),
            fixed_of_network=grouped(fixed, _network),
            fixed_of_number=numbers,
            beside_network=_overlapping(numbers),
            all_of_network=grouped(counting, _network),
            tunnels={tie: sorted(times) for tie, times in tunnels.items()},
            targets_of_device=devices,
            hardware=across_networks(item.address for item in counting if item.version == 6),
            wider=wider,
            rotating=_rotating(fixed),
            childs=childs,
            zone=zone,
            now=now,
        )


def grouped(items: Iterable[Item], by: Callable[[Item], Key]) -> dict[Key, Times]:
    """The events by something they have in common."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[by(item)].append(item)
    return {key: Times(group) for key, group in groups.items()}


def _network(item: Item) -> tuple[int, int]:
    return item.version, item.graded.labelled.asn


def _ties(event: Event) -> list[str]:
    return [f"{kind} {name}" for kind, name in (("account", event.account), ("device", event.device)) if name]


def _rotating(fixed: Iterable[Item]) -> frozenset[str]:
    """Events in an hour in which three or more fixed networks were used: no person moves between homes like that."""
    ordered = [item for item in sorted(fixed, key=order) if item.graded.labelled.asn]
    found: set[str] = set()
    counts: dict[int, int] = defaultdict(int)
    start = marked = 0
    for place, item in enumerate(ordered):
        counts[item.graded.labelled.asn] += 1
        while time_of(item) - time_of(ordered[start]) > _WITHIN:
            out = ordered[start].graded.labelled.asn
            counts[out] -= 1
            if not counts[out]:
                del counts[out]
            start += 1
        if len(counts) >= _ROTATES:
            found.update(one.event.key for one in ordered[max(start, marked) : place + 1])
            marked = place + 1
    return frozenset(found)


def time_of(item: Item) -> datetime:
    """When an event that counts was."""
    assert item.at is not None  # noqa: S101 - whatever counts has a time
    return item.at


def named(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are stated, once each, in order."""
    return tuple(sorted({name for name in names if name}))


def platforms(items: Iterable[Item]) -> tuple[str, ...]:
    """Who recorded the events: the reporters, in one letter case."""
    return named(" ".join(item.event.reporter.split()).casefold() for item in items)


# For.


def supporting(stretch: Stretch, seen: Seen) -> tuple[tuple[Pro, ...], Profile | None]:
    """What speaks for a candidate, and its hours of the day where there are enough events and a zone."""
    items = stretch.counting
    if not items:
        return (), None
    made: list[Pro] = []

    def say(why: For, found: Iterable[Item], number: int = 0, shown: str = "") -> None:
        if keys := tuple(item.event.key for item in found):
            made.append(Pro(why, keys, number, shown))

    days = stretch.independent
    if len(days) > 1:
        say(For.DAYS, days, len(days))
        if stretch.items[0].version == 6:
            say(For.STEADY_PREFIX, days, len(days), stretch.target)
    for why, names in (
        (For.PLATFORMS, platforms(items)),
        (For.ACCOUNTS, named(item.event.account for item in items)),
    ):
        if len(names) > 1:
            say(why, items, len(names))
    slips = [item for item in items if _slip(item, seen)]
    say(For.SLIP, slips, len(slips))
    _devices(items, seen, say)
    opened = [item for item in items if item.event.kind is EventKind.REGISTRATION]
    sent = [item for item in items if item.event.offence or item.event.kind is EventKind.UPLOAD]
    say(For.REGISTRATION, opened)
    if opened and sent:
        say(For.BOTH_ENDS, (*opened, *sent))
    say(For.OFFENCE, [item for item in items if item.event.offence])
    _networks(stretch, seen, say)
    hours = None
    if seen.zone is not None and len(items) >= FEWEST:
        hours = profile((time_of(item) for item in items), seen.zone)
        if hours.rhythm is Rhythm.OFF_WORK:
            say(For.OFF_WORK_HOURS, items, hours.count - hours.working)
        elif hours.rhythm is Rhythm.WORK:
            say(For.WORK_HOURS, items, hours.working)
    return tuple(made), hours


def _slip(item: Item, seen: Seen) -> bool:
    at = time_of(item)
    for tie in _ties(item.event):
        times = seen.tunnels.get(tie, ())
        place = bisect_left(times, (at - _BESIDE, ""))
        if place < len(times) and times[place][0] <= at + _BESIDE:
            return True
    return False


def _devices(items: Sequence[Item], seen: Seen, say: Callable[..., None]) -> None:
    carried = [item for item in items if len(seen.targets_of_device.get(item.event.device, ())) > 1]
    for device in named(item.event.device for item in carried):
        elsewhere = len(seen.targets_of_device[device]) - 1
        say(For.DEVICE, [item for item in carried if item.event.device == device], elsewhere, device)
    if items[0].version == 6 and seen.hardware:
        for mac, links in seen.hardware.items():
            say(For.HARDWARE, [item for item in items if hardware(item.address) == mac], len(links) - 1, mac)


def _networks(stretch: Stretch, seen: Seen, say: Callable[..., None]) -> None:
    items, lead = stretch.counting, stretch.counting[0]
    facts = next((item.facts for item in items if item.facts is not None), None)
    if lead.version == 6 or (facts is not None and facts.shared is False):
        say(For.NEEDS_NO_PORT, items)
    if lead.version == 6:
        for unit in (Unit.HOME, Unit.SITE):
            others = seen.wider.get(prefix(lead.address, unit), set()) - {stretch.target}
            if others:
                say(For.SAME_SITE, items[:1], len(others), f"/{unit.value}")
                break
    asn = lead.graded.labelled.asn
    other = seen.all_of_network.get((4 if lead.version == 6 else 6, asn)) if asn else None
    if other is not None:
        pairs = [item for item in items if other.near(time_of(item), _STACKS) is not None]
        say(For.DUAL_STACK, pairs, len(pairs))


# Against.


def contradicting(stretch: Stretch, seen: Seen) -> tuple[Con, ...]:
    """What speaks against a candidate, the gravest kinds first."""
    items, made = stretch.items, list[Con]()

    def say(why: Against, found: Iterable[Item], number: int = 0, shown: str = "") -> None:
        if keys := tuple(item.event.key for item in found):
            made.append(Con(why, keys, number or len(keys), shown))

    said = Against.SELDOM_SAYS_PROXY if stretch.seldom else Against.REPORTER_SAYS_PROXY
    say(said, [item for item in items if _said_proxy(item)])
    crowded = [item for item in items if item.facts is not None and item.facts.unrelated_accounts >= _UNRELATED]
    fixed = [item for item in crowded if not item.shared and item.graded.labelled.label not in ORGANISATIONS]
    most = max((item.facts.unrelated_accounts for item in fixed if item.facts is not None), default=0)
    say(Against.UNRELATED_ACCOUNTS, fixed, most)
    if len(stretch.independent) < 2:  # a home is used again, an exit in somebody's home hardly ever
        say(Against.ROTATES, [item for item in items if item.event.key in seen.rotating])
    elsewhere = _elsewhere(stretch, seen)
    say(Against.ELSEWHERE_BETWEEN, elsewhere)
    _lists(items, say)
    label = stretch.lead.graded.labelled.label
    if label in ORGANISATIONS:
        say(Against.ORGANISATION, items)
    elif label is Label.UNKNOWN:
        say(Against.KIND_NOT_KNOWN, items)
    if all(item.facts is None or not item.facts.operator for item in items):
        say(Against.HOLDER_NOT_KNOWN, items)
    say(Against.SHARING_NOT_KNOWN, [item for item in items if _sharing_not_known(item)])
    say(Against.NO_TIME_OR_ZONE, [item for item in items if item.at is None])
    say(Against.IN_THE_FUTURE, [item for item in items if item.at is not None and item.at > seen.now])
    if stretch.parts > 1:
        say(Against.GAP, items[:1], stretch.parts)
    say(Against.CHILD_THERE, [item for item in items if item.site in seen.childs])
    return tuple(made)


def _said_proxy(item: Item) -> bool:
    return item.event.possible_proxy is Stated.YES


def _sharing_not_known(item: Item) -> bool:
    """Whether an IPv4 address may be shared without anybody saying so, and the event has no port to tell."""
    plain = item.version == 4 and not item.shared and item.graded.labelled.label not in ORGANISATIONS
    return plain and item.port is None and (item.facts is None or item.facts.shared is None)


def _lists(items: Sequence[Item], say: Callable[..., None]) -> None:
    before_or_after, disagree, unchecked = [], [], []
    for item in items:
        reasons = item.graded.labelled.reasons
        if any(_near_listing(one, item.at) for one in reasons):
            before_or_after.append(item)
        if any((one.against or one.label.anonymises) and one.why not in _SAID_ELSEWHERE for one in reasons):
            disagree.append(item)
        if not reasons or (_untold(item) and not lists_without_ipv6(item)):
            unchecked.append(item)
    say(Against.LISTED_AT_ANOTHER_TIME, before_or_after)
    say(Against.LISTS_DISAGREE, disagree)
    say(Against.NOT_CHECKED, unchecked)


def _untold(item: Item) -> list[Reason]:
    reasons = item.graded.labelled.reasons
    return [one for one in reasons if one.why in _NOT_TOLD and one.label in _ANONYMISERS]


def lists_without_ipv6(item: Item) -> bool:
    """Whether all that lists leave open is IPv6, in a known operator's network of subscribers: a caution, not a bar.

    Exits stand in data centres as a rule, which the network tells for IPv6 as well; one in a home is what no list
    rules out for IPv4 either. A Tor circuit lasts minutes, so that one prefix on several days is not its way; and what
    is called corroborated has several days. A time that no list covers, or a network of nobody known, stays a bar.
    """
    known = item.facts is not None and item.facts.operator and item.graded.labelled.label in _SUBSCRIBERS_IPV6
    untold = _untold(item)
    return bool(item.version == 6 and known and untold) and all(one.shown == ONLY_IPV4 for one in untold)


def _near_listing(reason: Reason, at: datetime | None) -> bool:
    """Whether a list had the address as an exit half a year before or after: addresses pass on, lists learn late."""
    if reason.why not in {Why.LISTED_BEFORE, Why.LISTED_LATER} or not reason.label.anonymises:
        return False
    if at is None or (reason.since is None and reason.until is None):
        return True
    ended = reason.until is not None and reason.until < at - _LISTING
    begins = reason.since is not None and reason.since > at + _LISTING
    return not (ended or begins)


_NOT_TOLD = frozenset({Why.NO_LIST, Why.NOT_COVERED})
_SAID_ELSEWHERE = _OWN_CODES | _NOT_TOLD | {Why.NO_TIME, Why.NOT_LISTED}


def _elsewhere(stretch: Stretch, seen: Seen) -> list[Item]:
    """Events at another fixed line while this one was in use: two lines at once are two homes, or one is an exit.

    IPv4 and IPv6 of one operator are one line as a rule; so are prefixes of one /56. Other networks count also shortly
    before and after, where neither network came wholly before the other: leases end, and the line goes on.
    """
    lead = stretch.lead
    if len(stretch.counting) < 2 or lead.graded.labelled.label not in _FIXED:
        return []
    first, last = time_of(stretch.counting[0]), time_of(stretch.counting[-1])
    version, asn = _network(lead)
    foreign: list[Item] = []
    for other in seen.beside_network.get(asn, ()):
        times = seen.fixed_of_number[other]
        foreign += times.items[times.between(first - _LEASES, last + _LEASES)][:_NAMED]
    if foreign:
        return sorted(foreign, key=order)[:_NAMED]
    own, twin = seen.fixed_of_site.get(lead.site), (10 - version, asn)
    stack = seen.fixed_of_network.get(twin) if asn else None
    others = seen.fixed.count(first, last) - sum(one.count(first, last) for one in (own, stack) if one is not None)
    if others <= 0:
        return []
    span = seen.fixed.between(first, last)
    looked = seen.fixed.items[span.start : min(span.stop, span.start + _LOOKED)]
    foreign = [item for item in looked if item.site != lead.site and not (asn and _network(item) == twin)]
    return foreign[:_NAMED] or [stretch.counting[0]]


def _overlapping(networks: Mapping[int, Times]) -> dict[int, list[int]]:
    """For each fixed network, some others in use during the same time; what is left for another is a move."""
    spans = sorted((times.times[0], times.times[-1], asn) for asn, times in networks.items())
    found: dict[int, list[int]] = defaultdict(list)
    for place, (_first, last, asn) in enumerate(spans):
        for later, _last, other in spans[place + 1 :]:
            if later > last or len(found[asn]) >= _MOST_BESIDE:
                break
            found[asn].append(other)
            if len(found[other]) < _MOST_BESIDE:
                found[other].append(asn)
    return found
