# SPDX-License-Identifier: Apache-2.0
"""Finds the entries that files agree with: by digests, by fingerprint in any of eight orientations, by frames.

The index says which entries may agree; what the database says of them decides. So an index that is behind can miss
for a moment, and never claims what is not so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.foundation import pdq
from nightlight.pipeline.matching import rules, serving
from nightlight.pipeline.matching.models import Entry, Frame, How

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nightlight.pipeline.matching.index.known import Known
    from nightlight.pipeline.matching.models import Fingerprint
    from nightlight.trust.evidence.models import Blob

_AT_ONCE = 4096  # hashes asked for in one go


@dataclass(frozen=True, slots=True)
class Found:
    """A file agrees with an entry; see models.Match for the fields."""

    blob: int
    entry: int
    how: How
    agree: tuple[str, ...] = ()
    differ: tuple[str, ...] = ()
    distance: int | None = None
    orientation: int | None = None
    frames: int | None = None
    frames_of: int | None = None


def by_digest(known: Known, blobs: Sequence[Blob]) -> list[Found]:
    """Return which entries state a digest that one of these files has."""
    asked = {name: [bytes(getattr(blob, name)) for blob in blobs] for name in rules.DIGESTS}
    pairs = serving.exact(known, asked)
    entries = _entries(entry for _which, entry in pairs)
    found = []
    for which, number in sorted(pairs):
        entry = entries.get(number)
        if entry is None:
            continue
        ours = {name: asked[name][which] for name in rules.DIGESTS}
        agree, differ = rules.agreement(ours, {name: _bytes(getattr(entry, name)) for name in rules.DIGESTS})
        if agree:
            found.append(Found(blobs[which].pk, number, How.DIGEST, agree, differ))
    return found


def by_picture(known: Known, fingerprints: Sequence[Fingerprint]) -> list[Found]:
    """Return which entries lie within ``rules.RADIUS`` of a picture, however it was turned; the nearest turn counts."""
    usable = [one for one in fingerprints if rules.comparable(one.pdq, one.quality)]
    found: list[Found] = []
    for start in range(0, len(usable), _AT_ONCE // 8):
        some = usable[start : start + _AT_ONCE // 8]
        asked = [_turns(one) for one in some]
        pairs = {
            (which // 8, serving.entry_of(number))
            for which, number in serving.near(known, [turn for turns in asked for turn in turns])
            if not serving.is_frame(number)
        }
        entries = _entries(entry for _which, entry in pairs)
        for which, number in sorted(pairs):
            theirs = _bytes(entries[number].pdq) if number in entries else None
            if theirs is None:
                continue
            distance, turn = min((pdq.distance(turn, theirs), place) for place, turn in enumerate(asked[which]))
            if distance <= rules.RADIUS:
                found.append(Found(some[which].pk, number, How.PDQ, distance=distance, orientation=turn))
    return found


def by_frames(known: Known, films: Iterable[int]) -> list[Found]:
    """Return which films on lists enough frames of a film agree with (``rules.FILM_SHARE``)."""
    found: list[Found] = []
    for blob in films:
        frames = [
            bytes(value)
            for value, quality in Frame.objects.filter(blob_id=blob).order_by("number").values_list("pdq", "quality")
            if rules.comparable(value, quality)
        ]
        likely = {
            serving.entry_of(number) for _which, number in serving.near(known, frames) if serving.is_frame(number)
        }
        for number, entry in sorted(_entries(likely).items()):
            theirs = rules.hashes(bytes(entry.frames))
            nearest = [min((pdq.distance(frame, one) for one in theirs), default=256) for frame in frames]
            agreeing = [distance for distance in nearest if distance <= rules.RADIUS]
            if rules.film_agrees(len(agreeing), len(frames)):
                nearest_of_all, counted = min(agreeing), len(agreeing)
                found.append(
                    Found(blob, number, How.FRAMES, distance=nearest_of_all, frames=counted, frames_of=len(frames))
                )
    return found


def _entries(numbers: Iterable[int]) -> dict[int, Entry]:
    """The entries with these keys that stand, as the database has them now."""
    return Entry.objects.filter(withdrawn=False).in_bulk(sorted(set(numbers)))


def _turns(fingerprint: Fingerprint) -> list[bytes]:
    return rules.hashes(bytes(fingerprint.dihedral))


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)
