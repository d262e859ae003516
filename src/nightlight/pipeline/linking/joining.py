# SPDX-License-Identifier: Apache-2.0
"""Which subjects are one person: the rule in plain Python, and what a newly arrived subject changes.

A value whose weight reaches the threshold (``weights.py``) is sufficient: it joins all its subjects. Lighter values add
up: two subjects whose shared light values reach the threshold together are joined. A value of weight zero joins
nobody. Persons are the connected components of the joins; a person's anchor is its smallest subject.

Officers' decisions stand above that: a silenced value has weight zero, a confirmed pair is joined, and a forbidden pair
is never in one person. Where joins would bring a forbidden pair together they are made in order: confirmed pairs, then
weight from high to low, then the smallest subjects; a join that would put the two together is left out. ``component``
is the anchor without forbidden pairs: the set that has to be worked out anew together.

``bulk.py`` gives the same for millions, ``arrive`` for new subjects from the rows they touch (``World``). Nothing else
can change: every join that appears or goes has both its ends in components that are fetched.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nightlight.pipeline.linking.weights import Weights, weights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

Pair = tuple[int, int]
NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decisions:
    """Officers': pairs of subjects in either order (in both: forbidden), and identifiers that link nothing."""

    confirmed: frozenset[Pair] = frozenset()
    forbidden: frozenset[Pair] = frozenset()
    silenced: frozenset[int] = NONE

    def __post_init__(self) -> None:
        """Put pairs in order. Raises ValueError for a pair of a subject with itself."""
        for name in ("confirmed", "forbidden"):
            pairs: frozenset[Pair] = getattr(self, name)
            if any(one == other for one, other in pairs):
                raise ValueError(f"a subject is {name} with itself")
            object.__setattr__(self, name, frozenset((min(pair), max(pair)) for pair in pairs))


UNDECIDED = Decisions()


class Join(NamedTuple):
    """Why two subjects are one person: the values they share (ascending) and their weight together.

    A confirmed pair may share none: weight 0. Of a value that many share, each subject of a person is joined with the
    person's smallest one that has the value.
    """

    a: int
    b: int
    weight: int
    identifiers: tuple[int, ...]
    confirmed: bool = False


class _Unit(NamedTuple):
    """Subjects (ascending) that a value, or some values together, join."""

    weight: int
    members: tuple[int, ...]
    identifiers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The person of each subject (``anchor``), and its component."""

    anchor: Mapping[int, int]
    component: Mapping[int, int]
    _confirmed: tuple[Pair, ...] = ()
    _units: tuple[_Unit, ...] = ()

    def joins(self) -> tuple[Join, ...]:
        """Return the joins that hold persons together, each pair once, ascending."""
        worth: defaultdict[Pair, int] = defaultdict(int)
        shared: defaultdict[Pair, list[int]] = defaultdict(list)
        for unit in self._units:
            first: dict[int, int] = {}
            for member in unit.members:
                other = first.setdefault(self.anchor[member], member)
                if other != member:
                    worth[other, member] += unit.weight
                    shared[other, member] += unit.identifiers
        confirmed = {(one, other) for one, other in self._confirmed if self.anchor[one] == self.anchor[other]}
        return tuple(
            Join(*pair, worth.get(pair, 0), tuple(sorted(shared.get(pair, ()))), pair in confirmed)
            for pair in sorted(worth.keys() | confirmed)
        )


def persons(
    sightings: Iterable[Pair],
    kinds: Mapping[int, str],
    counts: Mapping[int, int] | None = None,
    decisions: Decisions = UNDECIDED,
    *,
    verified: Collection[int] = NONE,
    subjects: Iterable[int] = (),
    table: Weights | None = None,
) -> Result:
    """Return the persons among the subjects of ``sightings`` (subject, identifier) and of ``subjects``.

    ``kinds`` names each identifier's kind and ``counts`` how many subjects have it everywhere (where not given: as many
    as here); ``verified`` are identifiers that a provider verified. ``subjects`` adds those without any sighting.
    Decisions about others are passed over. For a few thousand subjects.
    """
    table = table or weights()
    everyone = set(subjects)
    holders: defaultdict[int, set[int]] = defaultdict(set)
    for subject, identifier in sightings:
        everyone.add(subject)
        holders[identifier].add(subject)
    worth = {
        identifier: table.weight(
            kinds[identifier], counts[identifier] if counts is not None else len(held), identifier in verified
        )
        for identifier, held in holders.items()
        if len(held) > 1 and identifier not in decisions.silenced
    }
    units = sorted(
        _units(holders, worth, table.threshold), key=lambda unit: (-unit.weight, unit.members, unit.identifiers)
    )
    confirmed = [pair for pair in sorted(decisions.confirmed) if everyone.issuperset(pair)]
    loose = _Groups(everyone)
    for members in (*confirmed, *(unit.members for unit in units)):
        for other in members[1:]:
            loose.join(members[0], other)
    component = loose.smallest()
    there = (pair for pair in decisions.forbidden if everyone.issuperset(pair))
    apart = [pair for pair in there if component[pair[0]] == component[pair[1]]]
    anchor = _kept_apart(everyone, apart, confirmed, units) if apart else component
    return Result(anchor, component, tuple(confirmed), tuple(units))


def _units(holders: Mapping[int, Collection[int]], worth: Mapping[int, int], threshold: int) -> Iterator[_Unit]:
    light: dict[int, int] = {}
    reach: defaultdict[int, int] = defaultdict(int)
    for identifier, weight in worth.items():
        if weight >= threshold:
            yield _Unit(weight, tuple(sorted(holders[identifier])), (identifier,))
        elif weight:
            light[identifier] = weight
            for subject in holders[identifier]:
                reach[subject] += weight
    sums: defaultdict[Pair, int] = defaultdict(int)
    shared: defaultdict[Pair, list[int]] = defaultdict(list)
    for identifier, weight in light.items():
        # A subject whose light values do not reach the threshold all together is in no such join.
        for pair in combinations(sorted(one for one in holders[identifier] if reach[one] >= threshold), 2):
            sums[pair] += weight
            shared[pair].append(identifier)
    for pair, weight in sums.items():
        if weight >= threshold:
            yield _Unit(weight, pair, tuple(sorted(shared[pair])))


def _kept_apart(
    everyone: Collection[int], apart: Iterable[Pair], confirmed: Iterable[Pair], units: Iterable[_Unit]
) -> dict[int, int]:
    groups = _Groups(everyone)
    for pair in apart:
        groups.forbid(*pair)
    for members in (*confirmed, *(unit.members for unit in units)):
        # As if each pair of them were tried in turn. Whoever is with the first by then has nothing left to try:
        # the others are with it too, or may never be.
        left = members
        while len(left) > 1:
            first, *others = left
            for other in others:
                groups.join(first, other)
            home = groups.find(first)
            left = tuple(other for other in others if groups.find(other) != home)
    return groups.smallest()


class _Groups:
    """Sets, named by their smallest, that are joined and never parted; none ever holds a forbidden pair."""

    def __init__(self, members: Iterable[int]) -> None:
        self._above = {member: member for member in members}
        self._against: defaultdict[int, set[int]] = defaultdict(set)

    def find(self, member: int) -> int:
        above = self._above
        top = member
        while above[top] != top:
            top = above[top]
        while above[member] != top:
            above[member], member = top, above[member]
        return top

    def forbid(self, one: int, other: int) -> None:
        """Keep two sets apart; before any join."""
        self._against[one].add(other)
        self._against[other].add(one)

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        if low == high or high in self._against.get(low, ()):
            return
        self._above[high] = low
        for foe in self._against.pop(high, ()):
            self._against[foe].discard(high)
            self.forbid(foe, low)

    def smallest(self) -> dict[int, int]:
        return {member: self.find(member) for member in self._above}


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an identifier; ``count`` is of the subjects of the side that have it now."""

    kind: str
    count: int
    verified: bool = False
    silenced: bool = False


class Affected(NamedTuple):
    """Identifiers (ascending) that a change of counts concerns; the others link nothing, before and after."""

    grown: tuple[int, ...]  # link as before: only the subjects that came are joined with the others
    changed: tuple[int, ...]  # weigh less or more than before: links among all their subjects may go or appear


def affected_identifiers(
    before: Mapping[int, int],
    after: Mapping[int, int],
    kinds: Mapping[int, str],
    *,
    verified_before: Collection[int] = NONE,
    verified: Collection[int] = NONE,
    silenced: Collection[int] = NONE,
    table: Weights | None = None,
) -> Affected:
    """Return which of the identifiers in ``after`` link, given how many subjects had them before and have them after.

    A value past its ceiling on both sides is in neither part, however many share it: it costs nothing.
    """
    table = table or weights()
    grown, changed = list[int](), list[int]()
    for identifier, count in sorted(after.items()):
        if identifier in silenced:
            continue
        was = before.get(identifier, 0)
        old = table.weight(kinds[identifier], was, identifier in verified_before) if was > 1 else 0
        new = table.weight(kinds[identifier], count, identifier in verified) if count > 1 else 0
        if old == new == 0:
            continue
        # Where at most one subject had it, there was no link that could go.
        as_before = was < 2 or old == new or min(old, new) >= table.threshold
        (grown if as_before else changed).append(identifier)
    return Affected(tuple(grown), tuple(changed))


class World(Protocol):
    """The rows that ``arrive`` and ``anew`` ask for: sightings as they are now, components as they were before."""

    def sightings(self, subjects: Collection[int]) -> Iterable[Pair]:
        """Return the (subject, identifier) of these subjects, new ones included."""

    def values(self, identifiers: Collection[int]) -> Mapping[int, Value]:
        """Return what is known of these identifiers; counts include the new subjects."""

    def subjects_of(self, identifiers: Collection[int], at_most: int | None = None) -> Iterable[Pair]:
        """Return (subject, identifier) for these identifiers; for each no more than ``at_most``, any of them."""

    def components(self, subjects: Collection[int]) -> Mapping[int, int]:
        """Return the component of each of these subjects; a subject that is new has none."""

    def members(self, components: Collection[int]) -> Collection[int]:
        """Return all subjects of these components."""

    def decisions(self, components: Collection[int], subjects: Collection[int]) -> Decisions:
        """Return at least the confirmed and forbidden pairs with both ends among these components and subjects."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has to be written: whole components that take another name, then single subjects."""

    moved: Mapping[int, int] = field(default_factory=dict)  # component -> component; anchors of its subjects alike
    placed: Mapping[int, Pair] = field(default_factory=dict)  # subject -> (anchor, component)


def arrive(
    subjects: Collection[int], world: World, *, newly_verified: Collection[int] = NONE, table: Weights | None = None
) -> Change:
    """Return what the arrival of ``subjects`` changes; their sightings and counts are written, they have no component.

    No decision names them yet: for subjects that were taken away and come back, call ``anew`` instead, with all that
    they name. ``newly_verified`` are identifiers that count as verified only since this arrival. The cost follows the
    values that link: of a sufficient one a few subjects are read, of a light one its ceiling, of a common one none.
    """
    table = table or weights()
    new = set(subjects)
    brought: defaultdict[int, set[int]] = defaultdict(set)
    for subject, identifier in world.sightings(new):
        brought[identifier].add(subject)
    values = world.values(brought)
    affected = affected_identifiers(
        {one: values[one].count - len(holders) for one, holders in brought.items()},
        {one: values[one].count for one in brought},
        {one: values[one].kind for one in brought},
        verified_before={one for one in brought if values[one].verified and one not in newly_verified},
        verified={one for one in brought if values[one].verified},
        silenced={one for one in brought if values[one].silenced},
        table=table,
    )
    worth = {one: table.weight(values[one].kind, values[one].count, values[one].verified) for one in affected.grown}
    joined = _joined(new, brought, worth, world, table.threshold)
    old = {subject for pair in joined for subject in pair} - new
    if affected.changed:
        old |= {subject for subject, _ in world.subjects_of(affected.changed)} - new
    home = world.components(old)
    if affected.changed or world.decisions(set(home.values()), new).forbidden:
        return _anew(set(home.values()), new, world, table)
    # No join goes: components only grow together. A new subject stands beside the names of components.
    groups = _Groups(new | set(home.values()))
    for one, other in joined:
        groups.join(home.get(one, one), home.get(other, other))
    name = groups.smallest()
    return Change(
        {one: name[one] for one in sorted(set(home.values())) if name[one] != one},
        {one: (name[one], name[one]) for one in sorted(new)},
    )


def anew(
    world: World, *, subjects: Collection[int] = (), identifiers: Collection[int] = (), table: Weights | None = None
) -> Change:
    """Return the persons around these subjects and around all subjects of these identifiers.

    After a decision about two subjects: both. After a value was silenced or is heard again: the identifier. After a
    subject's sightings were corrected: it and both parts of ``affected_identifiers``. After it was taken away: these,
    and the rest of its component.
    """
    around = {subject for subject, _ in world.subjects_of(identifiers)} if identifiers else set()
    home = world.components(around | set(subjects))
    fresh = (around | set(subjects)) - home.keys()
    return _anew(set(home.values()), fresh, world, table or weights())


def _joined(
    new: Collection[int],
    brought: Mapping[int, Collection[int]],
    worth: Mapping[int, int],
    world: World,
    threshold: int,
) -> list[Pair]:
    """Return pairs that join new subjects with each other and with old ones, through identifiers of this worth."""
    heavy = [one for one, weight in worth.items() if weight >= threshold]
    light = [one for one, weight in worth.items() if weight < threshold]
    # All old subjects of a sufficient value are in one component: any one of them stands for it.
    found = [
        (holder, subject)
        for subject, one in (world.subjects_of(heavy, at_most=len(new) + 1) if heavy else ())
        for holder in brought[one]
        if holder != subject
    ]
    enough = any(sum(worth[value] for value in light if one in brought[value]) >= threshold for one in new)
    sums: defaultdict[Pair, int] = defaultdict(int)
    for subject, one in world.subjects_of(light) if enough else ():
        for holder in brought[one]:
            if holder != subject:
                sums[holder, subject] += worth[one]
    return found + [pair for pair, weight in sums.items() if weight >= threshold]


def _anew(components: Collection[int], fresh: Collection[int], world: World, table: Weights) -> Change:
    members = set(world.members(components)) | set(fresh)
    sightings = list(world.sightings(members))
    values = world.values({identifier for _, identifier in sightings})
    decisions = world.decisions(components, fresh)
    result = persons(
        sightings,
        {one: value.kind for one, value in values.items()},
        {one: value.count for one, value in values.items()},
        Decisions(
            decisions.confirmed, decisions.forbidden, frozenset(one for one, value in values.items() if value.silenced)
        ),
        verified={one for one, value in values.items() if value.verified},
        subjects=members,
        table=table,
    )
    return Change({}, {one: (result.anchor[one], result.component[one]) for one in sorted(members)})
