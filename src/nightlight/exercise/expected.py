# SPDX-License-Identifier: Apache-2.0
"""What a good system has to say about every file of a world, given its lists: worked out by comparing all with all.

It shares no code with the system that is tried. "Before" means: in a report that was received earlier; filing goes
over several connections, so whoever compares gives the order in which reports really arrived.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from nightlight.exercise.patterns import Format
from nightlight.exercise.plan import Ending
from nightlight.exercise.prints import Digests, digests, fingerprint
from nightlight.foundation import pdq

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nightlight.exercise.lists import Entry, HashList
    from nightlight.exercise.patterns import Picture
    from nightlight.exercise.plan import PlannedFile
    from nightlight.exercise.world import World

NEW, SEEN, NEAR, KNOWN, DISPUTED, UNMEASURED = "new", "seen", "near", "known", "disputed", "unmeasured"
FOREIGN = frozenset({Format.BMP})
"""Formats that Nightlight compares by digests only."""

LEAST_BITS = 64
"""Set bits that a fingerprint needs: a hash has 128 of 256, fewer only where a picture is so regular (stripes) that
most of its waves are equal, and then it is like any other such picture."""

_NAMES = ("md5", "sha1", "sha256")
_LISTED = {"industry": {"A1", "A2", "B1", "B2"}, "vic": {"1", "2", "3", "4", "5"}}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be said of one file of one report: its state, and the lists that label it.

    `either` is a second state that is right as well: whether two pictures are alike can depend on which one is turned,
    where a picture is so regular that parts of its fingerprint are a matter of rounding.
    """

    report: str
    file: str
    state: str
    labels: tuple[str, ...] = ()
    either: str = ""


class _Hit(NamedTuple):
    hash_list: HashList
    entry: Entry
    digest: bool
    differs: bool


@dataclass
class _Lists:
    """Lists, ready to be asked."""

    lists: Sequence[HashList]
    foreign: Collection[Format]
    found: dict[Picture, tuple[_Hit, ...]] = field(default_factory=dict)

    @cached_property
    def by_digest(self) -> Mapping[tuple[str, bytes], list[tuple[HashList, Entry]]]:
        stated: dict[tuple[str, bytes], list[tuple[HashList, Entry]]] = defaultdict(list)
        for one in self.lists:
            for entry in one.entries:
                for name in _NAMES:
                    if value := getattr(entry, name):
                        stated[name, value].append((one, entry))
        return stated

    @cached_property
    def by_picture(self) -> tuple[list[tuple[HashList, Entry]], Any]:
        stated = [(one, entry) for one in self.lists for entry in one.entries if entry.pdq]
        return stated, _table(entry.pdq or b"" for _one, entry in stated)

    def ask(self, picture: Picture) -> tuple[_Hit, ...]:
        """Return every entry that agrees with the file: by a digest, or as nearly the same picture."""
        if picture not in self.found:
            self.found[picture] = (*self._same(digests(picture)), *self._alike(picture))
        return self.found[picture]

    def _same(self, ours: Digests) -> list[_Hit]:
        hits = {}
        for name in _NAMES:
            for one, entry in self.by_digest.get((name, getattr(ours, name)), ()):
                differs = any(getattr(entry, n) not in (None, getattr(ours, n)) for n in _NAMES)
                hits[one.key, entry.id] = _Hit(one, entry, digest=True, differs=differs)
        return list(hits.values())

    def _alike(self, picture: Picture) -> list[_Hit]:
        seen = _good(picture, self.foreign)
        stated, table = self.by_picture
        if seen is None or not stated:
            return []
        near = (_distances(_table(seen.dihedral), table) <= pdq.MATCH_AT_MOST).any(axis=0)
        return [_Hit(stated[place][0], stated[place][1], digest=False, differs=False) for place in near.nonzero()[0]]


def states(
    world: World,
    lists: Sequence[HashList],
    *,
    order: Iterable[str] | None = None,
    refused: Iterable[str] = (),
    foreign: Collection[Format] = FOREIGN,
) -> tuple[Expected, ...]:
    """Return what is to be said of every file of the reports that were received.

    `order` names the reports as they were received, by default all that end finished, as planned; `refused` names
    files that the server would not take, `foreign` formats that it does not decode. No list of the exercise clears a
    file. Takes about two seconds for a thousand files.
    """
    reports = {one.key: one for one in world.reports}
    keys = [one.key for one in world.reports if one.ending is Ending.FINISHED] if order is None else list(order)
    left_out = set(refused)
    came = [(key, file) for key in keys for file in reports[key].files if file.key not in left_out]
    asked, before = _Lists(lists, foreign), _before(came, foreign)
    return tuple(
        _expected(
            Expected(key, file.key, NEW if _good(file.picture, foreign) else UNMEASURED),
            asked.ask(file.picture),
            *before[key, file.key],
        )
        for key, file in came
    )


def _expected(fresh: Expected, hits: Sequence[_Hit], surely: bool, perhaps: bool) -> Expected:
    labels = tuple(sorted({hit.hash_list.name for hit in hits if hit.hash_list.purpose == "label"}))
    told = [hit for hit in hits if hit.hash_list.purpose != "label"]
    if _disputed(told):
        return replace(fresh, state=DISPUTED, labels=labels)
    if any(hit.digest and _listed(hit) for hit in told):
        return replace(fresh, state=KNOWN, labels=labels)
    if told:
        return replace(fresh, state=NEAR, labels=labels)
    if surely or labels:
        return replace(fresh, state=SEEN, labels=labels)
    return replace(fresh, either=SEEN) if perhaps else fresh


def _disputed(told: Sequence[_Hit]) -> bool:
    """Whether the bytes are in doubt, or two lists of one scheme put the same bytes into different categories."""
    if any(hit.digest and hit.differs for hit in told):
        return True
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for hit in told:
        if hit.digest and _listed(hit):
            said[hit.hash_list.scheme, hit.hash_list.scheme_version].add(hit.entry.classification)
    return any(len(codes) > 1 for codes in said.values())


def _listed(hit: _Hit) -> bool:
    return hit.entry.classification in _LISTED[hit.hash_list.scheme]


def _before(
    came: Sequence[tuple[str, PlannedFile]], foreign: Collection[Format]
) -> dict[tuple[str, str], tuple[bool, bool]]:
    """Say of each file whether it, or one alike, came in an earlier report: surely, and perhaps."""
    first: dict[bytes, int] = {}
    pictures: dict[bytes, Picture] = {}
    numbers = {key: number for number, key in enumerate(dict.fromkeys(key for key, _file in came))}
    names = [digests(file.picture).sha256 for _key, file in came]
    for (key, file), name in zip(came, names, strict=True):
        first.setdefault(name, numbers[key])
        pictures.setdefault(name, file.picture)
    surely, perhaps = _alike_first(first, {name: one for name, one in pictures.items() if _good(one, foreign)})
    return {
        (key, file.key): (
            min(first[name], surely.get(name, numbers[key])) < numbers[key],
            min(first[name], perhaps.get(name, numbers[key])) < numbers[key],
        )
        for (key, file), name in zip(came, names, strict=True)
    }


def _alike_first(
    first: Mapping[bytes, int], pictures: Mapping[bytes, Picture]
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Return the number of the first report with a picture like each one, whichever is turned; and at least one way."""
    import numpy as np

    seen = [(name, one) for name, picture in pictures.items() if (one := fingerprint(picture)) is not None]
    if not seen:
        return {}, {}
    table = _table(one.hash for _name, one in seen)
    one_way = np.array(
        [(_distances(_table(one.dihedral), table) <= pdq.MATCH_AT_MOST).any(axis=0) for _name, one in seen]
    )
    np.fill_diagonal(one_way, val=False)
    at = np.array([first[name] for name, _one in seen])
    never = len(first) + len(at) + max(first.values())
    both, any_way = (np.where(matrix, at, never).min(axis=1) for matrix in (one_way & one_way.T, one_way | one_way.T))
    sure, maybe = (
        {name: int(number) for (name, _one), number in zip(seen, found, strict=True) if number < never}
        for found in (both, any_way)
    )
    return sure, maybe


def _good(picture: Picture, foreign: Collection[Format]) -> pdq.Fingerprint | None:
    """The fingerprint of a picture that can be decoded, where there is enough in it to tell it from others."""
    seen = None if picture.format in foreign else fingerprint(picture)
    if seen is None or seen.quality < pdq.MATCH_QUALITY or int.from_bytes(seen.hash, "big").bit_count() < LEAST_BITS:
        return None
    return seen


def _table(hashes: Iterable[bytes]) -> Any:  # noqa: ANN401 - an array of 64-bit words, four a hash
    import numpy as np

    return np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 4)


def _distances(some: Any, others: Any) -> Any:  # noqa: ANN401
    """Bits by which each of some differs from each of the others."""
    import numpy as np

    return np.bitwise_count(some[:, None, :] ^ others[None, :, :]).sum(axis=2)
