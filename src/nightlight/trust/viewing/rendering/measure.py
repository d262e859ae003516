# SPDX-License-Identifier: Apache-2.0
"""Has the perceptual fingerprints of a file worked out in a process of its own, to compare it with others.

The file is decoded where ``render`` has it decoded, behind the same protections; nothing but checked numbers and hashes
of the right length come back.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nightlight.foundation.pdq import BYTES, Orientation
from nightlight.trust.viewing.rendering.asking import (
    HEAD_AT_MOST,
    WRONG,
    Answer,
    head_of,
    held,
    not_ours,
    protections_of,
    run,
    seconds,
    whole,
)
from nightlight.trust.viewing.rendering.terms import (
    DEFAULT,
    MOST_HASHES,
    MOST_HASHES_OF_AN_ANIMATION,
    FrameHash,
    Kind,
    Limits,
    Measured,
    RenditionRefused,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = (1 << 31) - 1  # what a column of whole numbers holds


def measure(original: Iterable[bytes], *, limits: Limits = DEFAULT) -> Measured:
    """Return the fingerprints of a file given in pieces. Takes up to ``limits.wall_seconds``; never in a transaction.

    Of a picture one, in its eight orientations; of an animation those of up to 24 frames; of a film about one for each
    second, at most 600. Raises RenditionRefused, with the code no-picture for a document.
    """
    with held(original, limits) as (kind, descriptor):
        if kind is Kind.PDF:
            raise RenditionRefused(Why.NO_PICTURE)
        request = {"kind": kind, "wanted": None, "limits": asdict(limits), "original": descriptor}
        frames, turns = _bounds(kind)
        answer = run(request, descriptor, output=HEAD_AT_MOST + 4 + frames * turns * BYTES, limits=limits)
    try:
        return _checked(answer, kind)
    except WRONG:
        raise RenditionRefused(Why.CRASHED, answer.cost) from None


def _bounds(kind: Kind) -> tuple[int, int]:
    """How many frames come back at most, and how many hashes of each."""
    return (MOST_HASHES, 1) if kind.moving else (MOST_HASHES_OF_AN_ANIMATION, len(Orientation))


def _checked(answer: Answer, kind: Kind) -> Measured:
    head, rest = head_of(answer)
    most, turns = _bounds(kind)
    frames = []
    for at, quality in head["frames"]:
        length = turns * BYTES
        if not (type(quality) is int and 0 <= quality <= 100 and len(rest) >= length):
            not_ours()
        hashes = tuple(bytes(rest[start : start + BYTES]) for start in range(0, length, BYTES))
        frames.append(FrameHash(seconds(at), hashes[0], quality, hashes))
        rest = rest[length:]
    if len(rest) or not 1 <= len(frames) <= most:
        not_ours()
    return Measured(
        format=kind,
        width=_number(head["width"]),
        height=_number(head["height"]),
        duration=seconds(head["duration"]),
        frames=tuple(frames),
        frames_seen=_number(head["seen"]),
        cost=answer.cost,
        protections=protections_of(head),
    )


def _number(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    if not whole(value, _MOST):
        not_ours()
    return int(value)
