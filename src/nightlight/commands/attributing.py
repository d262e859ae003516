# SPDX-License-Identifier: Apache-2.0
"""What the demo needs to find the right address: lists, operators, and the files that they would send back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.exercise import netlists, slips
from nightlight.exercise.carriers import Books
from nightlight.exercise.directory import operator_directory
from nightlight.exercise.exits import Exits
from nightlight.exercise.trails import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from nightlight.exercise.slips import Written


def load(*, by: str, now: datetime, seed: int, folder: Path) -> tuple[int, int]:
    """Load lists and operators of a world built around `now`; return how many files and entries of lists.

    Each world has lists of its own, by name, because what was an exit when depends on seed and time.
    """
    from nightlight.casework.attribution import importing_lists, loading_operators
    from nightlight.casework.attribution.import_kinds import Code, ListFile, Refused, Stated
    from nightlight.casework.attribution.netdata.kinds import ListKind

    books = Books(seed, now, DAYS)
    by_list: dict[tuple[str, str], list[ListFile]] = {}
    for one, path in netlists.write(folder, books, Exits.of(books)):
        by_list.setdefault((one.kind, one.name), []).append(ListFile(path, one.as_of, f"{one.as_of:%Y-%m-%d}"))
    files = entries = 0
    for (kind, name), some in by_list.items():
        stated = Stated(ListKind(kind), f"{name} {seed} of {now:%Y-%m-%d %H:%M}", netlists.LICENCE)
        done = importing_lists.import_lists(by=by, at=now, stated=stated, files=some)
        files, entries = files + done.files, entries + done.entries
    try:
        loading_operators.load(by=by, at=now, text=operator_directory(now), exercise=True)
    except Refused as refused:
        if refused.code != Code.THERE:
            raise
    return files, entries


def write_returns(folder: Path, seed: int, now: datetime) -> tuple[Written, ...]:
    """Write what operators answer in the two walks, for uploading."""
    return slips.write_returns(folder, seed, now)


def walks(seed: int, now: datetime, ids: Mapping[str, int], written: tuple[Written, ...], address: str) -> list[str]:
    """Return for both walks where to begin and which file comes back, as lines for whoever looks around.

    `ids`: the number of each report that was filed, by its key.
    """
    from nightlight.pipeline.tips.models import Tip

    told = []
    for walk in slips.walks(seed, now):
        tip = Tip.objects.filter(report_id=ids.get(walk.report, -1)).values_list("public_id", flat=True).first()
        if tip is None:
            continue
        told.append(f"{str(walk.case).capitalize()}: {address}tips/{tip}/addresses/")
        told += [f"  {one.what}: {one.path}" for one in written if one.case is walk.case]
    return told
