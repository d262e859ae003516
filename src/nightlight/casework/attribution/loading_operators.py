# SPDX-License-Identifier: Apache-2.0
"""Loads operator directories: the newest of each name is in use, the later loaded over the earlier.

A directory is refused whole (`operators_reading`). One of an exercise is taken only where that is said: from then on
ranges for documentation count as networks of operators, and whoever reads a label or a letter is told that it is none.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection, transaction

from nightlight.casework.attribution import loaded
from nightlight.casework.attribution.import_kinds import Code, Refused
from nightlight.casework.attribution.importing_lists import LOCK, look_again
from nightlight.casework.attribution.models_lists import DirectoryVersion
from nightlight.casework.attribution.operators import DirectoryConflict
from nightlight.casework.attribution.operators_reading import DirectoryRefused, read_directory
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime


class Done(NamedTuple):
    """What was loaded, and how many tips are to be looked at anew."""

    name: str
    version: str
    operators: int
    again: int


@transaction.atomic
def load(*, by: str, at: datetime, text: str, exercise: bool = False) -> Done:
    """Load a directory; from now on it counts. Raises Refused, and then nothing is loaded."""
    try:
        directory = read_directory(text)
    except DirectoryRefused as refused:
        raise Refused(Code.DIRECTORY, f"{refused.place} {refused.reason}. Nothing was loaded.") from refused
    invented = any(one.exercise for one in directory.operators)
    if invented and not exercise:
        reason = "The operators of this directory are invented, for exercises; --exercise loads it all the same."
        raise Refused(Code.EXERCISE, reason)
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    there = {one.name: one for one in loaded.in_use()}
    if directory.name in there and there[directory.name].sha256 == sha256:
        raise Refused(Code.THERE, f"This directory is in use already ({directory.name} {directory.version}).")
    others = [read_directory(one.body) for name, one in there.items() if name != directory.name]
    try:
        loaded.combined([*others, directory])
    except DirectoryConflict as conflict:
        reason = f"operator.{conflict.place}: {conflict.reason}. Give both the same code. Nothing was loaded."
        raise Refused(Code.CONFLICT, reason) from conflict
    made = DirectoryVersion.objects.create(
        name=directory.name, sha256=sha256, body=text, operators=len(directory.operators), by=by, at=at
    )
    custody.append(
        by=by,
        at=at,
        kind="operators.loaded",
        subject="operators:directory",
        data={
            "name": made.name,
            "version": directory.version,
            "sha256": sha256,
            "operators": made.operators,
            "exercise": invented,
        },
    )
    return Done(made.name, directory.version, made.operators, look_again(None))
