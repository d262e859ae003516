# SPDX-License-Identifier: Apache-2.0
"""What agreement with lists means for a file, as pure rules.

A digest that agrees says: these are the bytes somebody put on a list. A perceptual hash that nearly agrees says: this
is probably the same picture; a person decides. Neither says that anybody here, or at the provider, looked at the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VERSION = 1  # of these rules and of the way fingerprints are made; what was made by another is made anew
RADIUS = 31  # bits of 256 by which two PDQ hashes of one picture may differ (Facebook, PDQ, 2019)
LEAST_QUALITY = 50  # below it a picture has too little in it to be told from others (ibid.)
# Of 256 bits. Half are set in every photograph; stripes and mirrored halves leave so few that all of them look alike.
LEAST_BITS = 64
FILM_SHARE = 0.8  # of a film's frames that must agree before it counts as nearly the same film (vPDQ's own default)
DIGESTS = ("sha256", "sha1", "md5")


class Standing(StrEnum):
    """What a scheme's category says of a file, as far as a machine needs to know."""

    LISTED = "listed"  # the list's owner says what it is
    CLEARED = "cleared"  # the list's owner says it is nothing of concern
    UNSETTLED = "unsettled"  # on the list, not yet said what it is
    LABEL = "label"  # says something beside, such as that it is passed around as a joke


class State(StrEnum):
    """What an officer is told about a file, in the order of what to do first."""

    WORKING = "working"  # not looked up yet
    NEW = "new"  # on no list, in no other tip, like no other file: new to everyone
    DISPUTED = "disputed"  # lists contradict each other
    NEAR = "near"  # nearly a known file: a person compares
    SEEN = "seen"  # on no list, but here before
    KNOWN = "known"  # the very bytes are known; nobody needs to look
    UNMEASURED = "unmeasured"  # on no list by its digests; no fingerprint could be made of it


@dataclass(frozen=True, slots=True)
class Hit:
    """A file agrees with an entry: by digests, by distance, or by frames; and what the list says of the entry."""

    hash_list: str  # its name
    owner: str
    scheme: str
    scheme_version: str
    classification: str  # in that scheme; empty where the list has none
    standing: Standing
    digest: bool
    differ: tuple[str, ...] = ()  # digests both state that do not agree
    distance: int | None = None
    orientation: int | None = None

    @property
    def exact(self) -> bool:
        """Whether these are the same bytes: every digest that both state agrees."""
        return self.digest and not self.differ


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is told about a file. ``labels`` lower nothing; ``dispute`` says in words what contradicts what."""

    state: State
    look: bool  # whether a page offers to look at it
    labels: tuple[Hit, ...]
    dispute: tuple[str, ...]


def agreement(ours: Mapping[str, bytes], theirs: Mapping[str, bytes | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which digests of a file agree with those an entry states, and which do not."""
    stated = [name for name in DIGESTS if theirs.get(name) is not None]
    agree = tuple(name for name in stated if theirs[name] == ours[name])
    return agree, tuple(name for name in stated if name not in agree)


def judge(hits: Iterable[Hit], *, looked_up: bool, measured: bool, seen_before: bool) -> Judgement:
    """Return what is told about a file that agrees with these entries of whole lists.

    ``looked_up``: its digests and, where it has one, its fingerprint were compared with everything. ``measured``: it
    has a fingerprint good enough to compare. ``seen_before``: the same bytes, or nearly the same picture, came with
    another tip.
    """
    found = tuple(hits)
    labels = tuple(hit for hit in found if hit.standing is Standing.LABEL)
    told = [hit for hit in found if hit.standing is not Standing.LABEL]
    dispute = _dispute(told)
    exact = [hit for hit in told if hit.exact]
    if dispute:
        state = State.DISPUTED
    elif any(hit.standing in (Standing.LISTED, Standing.CLEARED) for hit in exact):
        state = State.KNOWN
    elif told:
        state = State.NEAR
    elif not looked_up:
        state = State.WORKING
    elif seen_before:
        state = State.SEEN
    else:
        # A file on a list of labels is not new to everyone, however little the list says of it.
        state = State.SEEN if labels else (State.NEW if measured else State.UNMEASURED)
    return Judgement(state, state is not State.KNOWN, labels, dispute)


def _dispute(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Say what contradicts what: the bytes, the standing, or the category within one scheme."""
    said = [
        f"{hit.hash_list}: {' and '.join(_NAMES[name] for name in hit.differ)} of the entry belong to another file"
        for hit in hits
        if hit.digest and hit.differ
    ]
    exact = [hit for hit in hits if hit.exact and hit.standing is not Standing.UNSETTLED]
    if {hit.standing for hit in exact} >= {Standing.LISTED, Standing.CLEARED}:
        said.append(_says(exact))
        return tuple(said)
    by_scheme: dict[tuple[str, str], list[Hit]] = {}
    for hit in exact:
        if hit.classification:
            by_scheme.setdefault((hit.scheme, hit.scheme_version), []).append(hit)
    said.extend(_says(some) for some in by_scheme.values() if len({hit.classification for hit in some}) > 1)
    return tuple(sorted(said))


def _says(hits: Iterable[Hit]) -> str:
    return "; ".join(sorted({f"{hit.hash_list} says {hit.classification or hit.standing.value}" for hit in hits}))


_NAMES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}


def comparable(hash_: bytes | memoryview | None, quality: int | None) -> bool:
    """Whether a picture's hash says enough to be compared with others."""
    if hash_ is None or (quality or 0) < LEAST_QUALITY:
        return False
    return int.from_bytes(bytes(hash_)).bit_count() >= LEAST_BITS


def film_agrees(agreeing: int, of: int) -> bool:
    """Whether enough frames of a film agree with one entry to show it as nearly the same film."""
    return of > 0 and agreeing / of >= FILM_SHARE


def hashes(value: bytes) -> list[bytes]:
    """Take a row of PDQ hashes, 32 bytes each, apart."""
    return [value[start : start + 32] for start in range(0, len(value), 32)]
