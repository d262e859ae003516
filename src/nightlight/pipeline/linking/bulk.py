# SPDX-License-Identifier: Apache-2.0
"""All persons at once, from arrays: exactly what ``joining.persons`` gives, for millions of subjects.

Sightings are sorted once by value and subject, which drops repeats and counts who shares what. A sufficient value
costs one join for each of its subjects. Pairs are written out only for light values, for subjects whose light values
reach the threshold together and that no sufficient value has joined already, some millions at a time; their sums are
taken over the sorted pairs. Components are found by hooking each root to the smallest root it is joined with and
halving all paths, until nothing moves (Shiloach and Vishkin 1982, https://doi.org/10.1016/0196-6774(82)90008-6).
Components that hold a forbidden pair are few and go through ``joining.persons``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nightlight.pipeline.linking.joining import UNDECIDED, persons
from nightlight.pipeline.linking.weights import Weights, weights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

    from nightlight.pipeline.linking.joining import Decisions, Pair

    Ints = NDArray[np.int64]

PAIRS_AT_ONCE = 4_000_000  # about 200 MB while they are summed
_SPARSE = 8  # ids up to this many times the number of rows are ranked by a table instead of by sorting


class Linked(NamedTuple):
    """Arrays of one length, int64, ascending by subject."""

    subject: Ints
    anchor: Ints
    component: Ints


def link(
    subject: NDArray[Any],
    identifier: NDArray[Any],
    kind: NDArray[Any],
    *,
    verified: NDArray[np.bool_] | None = None,
    decisions: Decisions = UNDECIDED,
    subjects: NDArray[Any] | None = None,
    table: Weights | None = None,
) -> Linked:
    """Return the persons of all subjects of one side.

    ``subject`` and ``identifier`` are the sightings, in any order, repeats allowed: whole numbers from 0 up, one place
    each. An identifier is a place in ``kind`` (codes of ``table.codes``) and in ``verified``; places that no sighting
    names cost a byte. ``subjects`` adds those without any sighting. Raises ValueError for arrays that do not fit.
    """
    table = table or weights()
    _checked(subject, identifier, kind, verified)
    ids, rank = _ranked(subject, np.zeros(0, np.int64) if subjects is None else np.asarray(subjects, dtype=np.int64))
    n = len(ids)
    if not n:
        return Linked(ids, ids, ids)
    who, what, count = _sorted(rank, identifier, n, len(kind))
    del rank
    worth = table.weigh(kind, count, verified)
    worth[count < 2] = 0
    worth[[one for one in decisions.silenced if 0 <= one < len(kind)]] = 0
    value = worth[what]
    heavy = value >= table.threshold
    home = _components(np.arange(n), *_stars(who[heavy], what[heavy]))
    confirmed = np.array(_ranks(ids, decisions.confirmed), dtype=np.int64).reshape(-1, 2)
    home = _components(home, confirmed[:, 0], confirmed[:, 1])
    light = (value > 0) & ~heavy
    for one, other in _pairs(who[light], what[light], value[light], home, table.threshold):
        home = _components(home, one, other)
    anchor = ids[home]
    linked = Linked(ids, anchor, anchor.copy())
    apart = [home[one] for one, other in _ranks(ids, decisions.forbidden) if home[one] == home[other]]
    if apart:
        broken = np.zeros(n, bool)
        broken[apart] = True
        _keep_apart(
            linked, broken[home], sightings=(who, what), known=(kind, count, verified), decisions=decisions, table=table
        )
    return linked


def _checked(
    subject: NDArray[Any], identifier: NDArray[Any], kind: NDArray[Any], verified: NDArray[np.bool_] | None
) -> None:
    if len(subject) != len(identifier):
        raise ValueError("subjects and identifiers are not of one length")
    if verified is not None and len(verified) != len(kind):
        raise ValueError("kinds and flags are not of one length")
    if not all(array.dtype.kind in "iu" for array in (subject, identifier, kind)):
        raise ValueError("subjects, identifiers and kinds are whole numbers")
    if len(subject) and (int(identifier.min()) < 0 or int(identifier.max()) >= len(kind)):
        raise ValueError("an identifier has no kind")
    if len(subject) and int(subject.min()) < 0:
        raise ValueError("a subject is below zero")


def _ranked(subject: NDArray[Any], more: Ints) -> tuple[Ints, Ints]:
    """Return all subjects, ascending, and the place of each sighting's subject among them."""
    if len(more) and int(more.min()) < 0:
        raise ValueError("a subject is below zero")
    top = max((int(array.max()) for array in (subject, more) if len(array)), default=-1)
    if top > _SPARSE * (len(subject) + len(more)):
        ids = np.unique(np.concatenate([subject.astype(np.int64), more]))
        return ids, np.searchsorted(ids, subject).astype(np.int64)
    there = np.zeros(top + 1, bool)
    there[subject] = True
    there[more] = True
    ids = np.flatnonzero(there).astype(np.int64)
    return ids, (np.cumsum(there) - 1)[subject]


def _sorted(rank: Ints, identifier: NDArray[Any], n: int, places: int) -> tuple[Ints, Ints, Ints]:
    """Return the sightings that may link, each once, by identifier then subject; and how many subjects each has."""
    identifier = identifier.astype(np.int64, copy=False)
    often = np.bincount(identifier, minlength=places)[identifier] > 1
    key = identifier[often]
    if places and places > np.iinfo(np.int64).max // n:
        raise ValueError("too many identifiers and subjects for one pass")
    key *= n
    key += rank[often]
    key.sort()
    key = key[_firsts(key)]
    what = key // n
    key -= what * n
    return key, what, np.bincount(what, minlength=places).astype(np.int64)


def _firsts(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a new value begins."""
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def _stars(who: Ints, what: Ints) -> tuple[Ints, Ints]:
    """Return the joins of each identifier's first subject with its others."""
    first = _firsts(what)
    centre = who[np.flatnonzero(first)[np.cumsum(first) - 1]] if len(who) else who
    return centre[~first], who[~first]


def _components(home: Ints, one: Ints, other: Ints) -> Ints:
    """Return the smallest member of each member's component after these joins; ``home`` is that before them."""
    home = home.copy()
    while True:
        one, other = home[one], home[other]
        differ = one != other
        if not differ.any():
            return home
        one, other = one[differ], other[differ]
        np.minimum.at(home, np.maximum(one, other), np.minimum(one, other))
        while True:
            above = home[home]
            if np.array_equal(above, home):
                break
            home = above


def _pairs(who: Ints, what: Ints, value: Ints, home: Ints, threshold: int) -> Iterator[tuple[Ints, Ints]]:
    """Return the pairs, not in one component yet, whose light values reach the threshold together."""
    n = len(home)
    while len(who):
        keep = np.bincount(who, weights=value, minlength=n)[who] >= threshold
        # Values all of whose holders are in one component join nothing more.
        first = _firsts(what)
        start = np.flatnonzero(first)
        group = np.cumsum(first) - 1
        at = home[who]
        keep &= (np.minimum.reduceat(at, start) != np.maximum.reduceat(at, start))[group]
        if keep.all():
            break
        who, what, value = who[keep], what[keep], value[keep]
    if not len(who):
        return
    first = _firsts(what)
    end = np.append(np.flatnonzero(first)[1:], len(who))[np.cumsum(first) - 1]
    after = end - np.arange(len(who)) - 1  # each sighting is paired with those behind it in its group
    order = np.argsort(who, kind="stable")
    done = np.cumsum(after[order])
    # All pairs of one smaller subject are summed together, so a cut lies only where the subject changes.
    cuts = np.append(np.flatnonzero(_firsts(who[order]))[1:], len(who))
    bits = threshold.bit_length()
    low = 0
    while low < len(who):
        so_far = int(done[low - 1]) if low else 0
        within = int(np.searchsorted(done, so_far + PAIRS_AT_ONCE, side="right"))
        place = int(np.searchsorted(cuts, within, side="right")) - 1
        high = int(cuts[place]) if place >= 0 and cuts[place] > low else int(cuts[np.searchsorted(cuts, low, "right")])
        mine = order[low:high]
        low = high
        many = after[mine]
        behind = np.repeat(mine + 1 - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        one, other = np.repeat(who[mine], many), who[behind]
        apart = home[one] != home[other]
        key = one[apart] * n
        key += other[apart]
        key <<= bits
        key |= np.repeat(value[mine], many)[apart]  # less than the threshold: fits into the bits
        key.sort()
        pair = key >> bits
        key &= (1 << bits) - 1
        start = np.flatnonzero(_firsts(pair))
        if len(start):
            found = pair[start][np.add.reduceat(key, start) >= threshold]
            yield found // n, found % n


def _ranks(ids: Ints, pairs: Iterable[Pair]) -> list[Pair]:
    """Return the places of the pairs among ``ids``, without those that name a subject that is not there."""
    wanted = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    place = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    there = (ids[place] == wanted).all(axis=1)
    return [(int(one), int(other)) for one, other in place[there]]


def _keep_apart(
    linked: Linked,
    broken: NDArray[np.bool_],
    *,
    sightings: tuple[Ints, Ints],
    known: tuple[NDArray[Any], Ints, NDArray[np.bool_] | None],
    decisions: Decisions,
    table: Weights,
) -> None:
    """Write the anchors of the components that hold a forbidden pair; ``broken`` are their members."""
    (who, what), (kind, count, verified) = sightings, known
    mine = broken[who]
    names = list(table.kinds)
    values: Collection[int] = np.unique(what[mine]).tolist()
    result = persons(
        zip(linked.subject[who[mine]].tolist(), what[mine].tolist(), strict=True),
        {one: names[kind[one]] for one in values},
        {one: int(count[one]) for one in values},
        decisions,
        verified={one for one in values if verified is not None and verified[one]},
        subjects=linked.subject[broken].tolist(),
        table=table,
    )
    linked.anchor[broken] = [result.anchor[one] for one in linked.subject[broken].tolist()]
