# SPDX-License-Identifier: Apache-2.0
"""What is asked of lists at the command line: how they stand, which rows are not in, what a fingerprint agrees with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Count, Q

from nightlight.foundation import pdq
from nightlight.foundation.digests import Digester
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.matching import rules, schemes, serving
from nightlight.pipeline.matching.models import BadRow, Edition, Entry, HashList
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import RenditionRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_KINDS = {16: "md5", 20: "sha1", 32: "sha256"}
_READ_AT_ONCE = 2000
_BLOCK = 1 << 20
EXPORTED = (
    "id",
    "media",
    "classification",
    "md5",
    "sha1",
    "sha256",
    "pdq",
    "pdq_quality",
    "frames",
    "other",
    "changed_at",
)
BAD_ROWS = ("edition", "row", "code", "reason", "raw")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many entries of a list stand, by what they can be compared by, and how many were withdrawn."""

    hash_list: HashList
    standing: int
    withdrawn: int
    by_kind: dict[str, int]
    by_classification: dict[str, int]


@dataclass(frozen=True, slots=True)
class Agreeing:
    """An entry that agrees with what was asked for; ``distance`` in bits of 256 for a picture."""

    entry: Entry
    by: str  # md5, sha1, sha256, pdq, frame
    distance: int | None
    differ: tuple[str, ...]  # digests both state that do not agree

    @property
    def standing(self) -> str:
        """What its classification says, as far as a machine needs to know."""
        of = self.entry.hash_list
        return schemes.standing(of.scheme, of.scheme_version, self.entry.classification).value


def standing(of: Iterable[HashList]) -> list[Standing]:
    """Return how lists stand, counted now."""
    return [_standing(one) for one in of]


def _standing(hash_list: HashList) -> Standing:
    kinds = {name: Count(name, filter=Q(withdrawn=False)) for name in ("md5", "sha1", "sha256", "pdq")}
    entries = Entry.objects.filter(hash_list=hash_list)
    told = entries.aggregate(
        standing=Count("pk", filter=Q(withdrawn=False)),
        gone=Count("pk", filter=Q(withdrawn=True)),
        films=Count("pk", filter=Q(withdrawn=False) & ~Q(frames=b"")),
        **kinds,
    )
    by_class = entries.filter(withdrawn=False).values_list("classification").annotate(n=Count("pk")).order_by("-n")[:20]
    by_kind = {name: told[name] for name in (*kinds, "films") if told[name]}
    return Standing(hash_list, told["standing"], told["gone"], by_kind, dict(by_class))


def edition(hash_list: HashList, number: int | None) -> Edition:
    """Return a version of a list, the newest where no number is given. Raises NotFound."""
    found = hash_list.editions.filter(**({} if number is None else {"number": number})).order_by("-number").first()
    if found is None:
        wanted = "no version yet" if number is None else f"no version {number}"
        raise NotFound(f"{hash_list.name!r} has {wanted}.")
    return found


def bad_rows(of: Edition) -> Iterator[tuple[int, int, str, str, str]]:
    """Yield the rows of a version that are not in, in the order of BAD_ROWS; broken bytes are written out."""
    rows = BadRow.objects.filter(edition=of).order_by("row", "pk")
    for one in rows.iterator(chunk_size=_READ_AT_ONCE):
        yield of.number, one.row, one.code, one.reason, bytes(one.raw).decode("utf-8", "backslashreplace")


def exported(of: HashList) -> Iterator[Sequence[str | int]]:
    """Yield the entries of a list that stand, in the order of EXPORTED, by their id at the source."""
    rows = Entry.objects.filter(hash_list=of, withdrawn=False).order_by("source_id")
    for one in rows.iterator(chunk_size=_READ_AT_ONCE):
        digests = (bytes(value).hex() if value else "" for value in (one.md5, one.sha1, one.sha256, one.pdq))
        yield (
            one.source_id,
            one.media,
            one.classification,
            *digests,
            "" if one.pdq_quality is None else one.pdq_quality,
            " ".join(frame.hex() for frame in rules.hashes(bytes(one.frames))),
            json.dumps(one.opaque, ensure_ascii=False, sort_keys=True) if one.opaque else "",
            one.changed_at.isoformat(),
        )


def by_text(text: str, *, distance: int = rules.RADIUS) -> list[Agreeing]:
    """Return the entries that agree with a fingerprint written in hex: MD5, SHA-1, or SHA-256 and PDQ.

    64 hex digits may be either, and are asked for as both. Raises Conflict for anything else.
    """
    written = text.strip()
    try:
        value = bytes.fromhex(written)
    except ValueError:
        raise Conflict("A fingerprint is written in hex digits.") from None
    if len(value) not in _KINDS or not written.isalnum():
        raise Conflict("A fingerprint has 32 (MD5), 40 (SHA-1) or 64 hex digits (SHA-256 or PDQ).")
    pictures = [value] if len(value) == pdq.BYTES else []
    return agreeing({_KINDS[len(value)]: value}, pictures, distance=distance)


def fingerprints(file: Path) -> tuple[dict[str, bytes], list[bytes], str]:
    """Return a file's digests, the PDQ hashes it looks like, and why it has none, as a sentence.

    A picture is asked for in its eight orientations; what has too little in it to be told from others is left out.
    The file is decoded in the sandbox. Raises Conflict if it cannot be read.
    """
    digester = Digester()

    def pieces() -> Iterator[bytes]:
        try:
            with file.open("rb") as handle:
                while block := handle.read(_BLOCK):
                    yield block
        except OSError as error:
            raise Conflict(f"{file} cannot be read: {error.strerror}.") from error

    for block in pieces():
        digester.update(block)
    told = digester.result()
    digests = {name: bytes.fromhex(getattr(told, name)) for name in rules.DIGESTS}
    try:
        measured = measure(pieces())
    except RenditionRefused as refused:
        return digests, [], refused.why.sentence
    usable = [frame for frame in measured.frames if frame.quality >= rules.LEAST_QUALITY]
    remark = "" if usable else "There is too little in the picture to tell it from others."
    return digests, [one for frame in usable for one in (frame.dihedral or (frame.hash,))], remark


def agreeing(digests: dict[str, bytes], pictures: Sequence[bytes], *, distance: int) -> list[Agreeing]:
    """Return the entries that state one of these digests, or lie within ``distance`` of one of these PDQ hashes.

    The index says which may; the database decides. Nearest first. Raises Conflict for a distance outside 0 to 31.
    """
    if not 0 <= distance <= rules.RADIUS:
        raise Conflict(f"Pictures are compared within 0 to {rules.RADIUS} bits.")
    known = serving.refresh()
    hits: dict[int, tuple[str, int | None]] = {}
    for kind, numbers in known.exact(**{name: value for name, value in digests.items() if value}).items():
        for number in numbers:
            hits.setdefault(serving.entry_of(number), (kind, None))
    if pictures:
        rows = np.frombuffer(b"".join(pictures), np.uint8).reshape(-1, pdq.BYTES)
        near = known.near(rows, distance)
        for number, bits in zip(near.id.tolist(), near.distance.tolist(), strict=True):
            key, by = serving.entry_of(number), "frame" if serving.is_frame(number) else "pdq"
            if key not in hits or (hits[key][1] or 0) > bits:
                hits[key] = (by, bits)
    entries = Entry.objects.select_related("hash_list").filter(withdrawn=False).in_bulk(list(hits))
    found = []
    for number, (by, bits) in hits.items():
        if (entry := entries.get(number)) is not None:
            theirs = {name: getattr(entry, name) for name in rules.DIGESTS}
            stated = {name: None if theirs[name] is None else bytes(theirs[name]) for name in digests}
            differ = tuple(name for name, value in stated.items() if value is not None and value != digests[name])
            found.append(Agreeing(entry, by, bits, differ if bits is None else ()))
    return sorted(found, key=lambda one: (one.distance or 0, one.entry.hash_list.name, one.entry.source_id))
