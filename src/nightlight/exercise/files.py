# SPDX-License-Identifier: Apache-2.0
"""Which harmless files a report carries: fresh ones, ones that many share, and now and then a broken one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance, names
from nightlight.exercise.patterns import Format, Motif, Picture
from nightlight.exercise.plan import IncidentType, PlannedFile, Slot
from nightlight.exercise.prints import fingerprint
from nightlight.exercise.reporters import BY_KEY
from nightlight.foundation import pdq

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from nightlight.exercise.reporters import Reporter

PLANTED = "shared-00"
"""The shared file of the planted case; never drawn by chance, so only planted reports carry it."""

SIZES = ((64, 64), (96, 72), (120, 160), (240, 180), (280, 200))

STAYS_WITHIN = 24
"""Bits by which the fingerprint of a shared file may change when it is made half as large; 31 count as the same."""

MOTIFS = {
    Motif.PATCHWORK: 0.62, Motif.GRAIN: 0.15, Motif.CALENDAR: 0.1, Motif.STRIPES: 0.05, Motif.CHEQUER: 0.05,
    Motif.GRADIENT: 0.03,
}  # fmt: skip

FORMATS = {
    Format.PNG: 0.845, Format.BMP: 0.06, Format.GIF: 0.08, Format.EMPTY: 0.003, Format.TRUNCATED: 0.006,
    Format.TEXT_AS_JPEG: 0.006,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pool:
    """The shared files of a world, by key."""

    pictures: Mapping[str, Picture]

    def common(self, rng: Random) -> str:
        """Return the key of a shared file, a few of them far more often than the rest."""
        keys = [key for key in self.pictures if key != PLANTED]
        return rng.choices(keys, weights=[1 / place for place in range(1, len(keys) + 1)])[0]


def make_pool(seed: int, reports: int) -> Pool:
    """Return the shared files of a world: the planted one and about one more for every forty reports."""
    rng = chance.stream(seed, "pool")
    return Pool({f"shared-{number:02d}": _lasting(rng) for number in range(4 + reports // 40)})


def _lasting(rng: Random) -> Picture:
    """Return a picture whose copy at half the size is still told by its fingerprint, and not by a hair."""
    while True:
        picture = Picture(Motif.HAZE, Format.PNG, rng.getrandbits(40), 240, 180)
        whole, small = fingerprint(picture), fingerprint(picture.smaller())
        if whole and small and pdq.distance(whole.hash, small.hash) <= STAYS_WITHIN:
            return picture


def choose_files(rng: Random, slot: Slot, pool: Pool, key: str) -> tuple[PlannedFile, ...]:
    """Return the files of the report `key`; the first is the shared one where the slot names one."""
    material = slot.kind is IncidentType.MATERIAL
    least = 1 if slot.shared or material else 0
    count = max(least, rng.randint(*BY_KEY[slot.reporter].files) if material else rng.randint(0, 1))
    return tuple(_file(rng, slot, pool, key, number) for number in range(count))


def _file(rng: Random, slot: Slot, pool: Pool, key: str, number: int) -> PlannedFile:
    reporter = BY_KEY[slot.reporter]
    shared = slot.shared if number == 0 else None
    planted = shared is not None
    if shared is None and rng.random() < 0.25:
        shared = pool.common(rng)
    picture = _fresh(rng) if shared is None else pool.pictures[shared]
    if shared is not None and rng.random() < 0.15:
        picture = picture.smaller()
    uploaded = slot.at - timedelta(seconds=rng.randint(5, 6000))
    viewed = True if rng.random() < reporter.views else rng.choice((False, None))
    annotations = _annotations(rng, shared)
    classification = _classification(rng, reporter)
    # Supplemental files may carry neither label (Reporting API, fileRelevance).
    plain = classification is None and "potentialMeme" not in annotations
    taken = (uploaded - timedelta(days=rng.randint(0, 300))).strftime("%Y:%m:%d %H:%M:%S")
    file = PlannedFile(
        key=f"{key}/{number}",
        name=f"{rng.choice(names.FILE_WORDS)}_{uploaded:%Y%m%d}_{rng.randint(1, 9999):04d}.{picture.suffix}",
        picture=picture,
        shared=shared,
        described=planted or rng.random() < reporter.describes,
        uploaded_at=uploaded if rng.random() < 0.8 else None,
        location=reporter.url(f"f/{chance.hexadecimal(rng, 12)}") if rng.random() < 0.2 else None,
        viewed=viewed,
        exif_viewed=True if viewed and rng.random() < 0.2 else None,
        public=rng.choice((True, False, None)),
        supplemental=plain and number > 0 and rng.random() < 0.1,
        annotations=annotations,
        classification=classification,
        state_hash=reporter.states_hash,
        exif=(("Model", rng.choice(names.PHONE_MODELS)), ("DateTimeOriginal", taken)) if rng.random() < 0.12 else (),
        note="Matched to a list by its hash; not opened." if viewed is None and rng.random() < 0.3 else None,
    )
    if slot.filed_at is not None and shared == slot.shared:
        file = replace(file, uploaded_at=uploaded)
    return file if _keeps_camera(file) else replace(file, exif=())


def _keeps_camera(file: PlannedFile) -> bool:
    """Whether the details of the camera come through: platforms strip them, so one file in a hundred has any.

    Drawn from a stream of its own, so that the rest of a world stays as it was when twelve in a hundred had them.
    """
    return chance.stream("camera details", file.name, file.picture.seed).random() < 0.08


def _fresh(rng: Random) -> Picture:
    motif = chance.weighted(rng, MOTIFS)
    width, height = (240, 180) if motif is Motif.CALENDAR else rng.choice(SIZES)
    return Picture(motif, chance.weighted(rng, FORMATS), rng.getrandbits(40), width, height)


def _annotations(rng: Random, shared: str | None) -> tuple[str, ...]:
    if shared is not None:
        return rng.choice(((), (), ("viral",), ("potentialMeme",)))
    return ("generativeAi",) if rng.random() < 0.03 else ()


def _classification(rng: Random, reporter: Reporter) -> str | None:
    """Return an industry label for some files of the reporters that use the scale."""
    if reporter.key not in {"chat", "photos", "video"} or rng.random() > 0.2:
        return None
    return chance.weighted(rng, {"B2": 0.4, "A2": 0.3, "B1": 0.2, "A1": 0.1})
