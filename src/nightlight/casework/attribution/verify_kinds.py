# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with what attribution keeps, and how its checks read the log."""

from __future__ import annotations

import json
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BATCH = 500


class Code(StrEnum):
    """What can be wrong."""

    GUARD_MISSING = "guard-missing"
    REQUEST_ALTERED = "request-altered"
    REQUEST_STATE = "request-state"
    STEP_ALTERED = "request-step-altered"
    STEP_MISSING = "request-step-missing"
    RETURN_ALTERED = "return-altered"
    RETURN_MISSING = "return-missing"
    LAYOUT_ALTERED = "layout-altered"
    FINDING_ALTERED = "finding-altered"
    FINDING_MISSING = "finding-missing"
    WRONG_DOOR_ALTERED = "wrong-door-altered"
    WRONG_DOOR_MISSING = "wrong-door-missing"
    LOOKED_UP_ALTERED = "looked-up-altered"
    IMPORT_ALTERED = "import-altered"
    DIRECTORY_MISSING = "directory-missing"


def destroyed(tips: Iterable[str]) -> set[str]:
    """Return those of the tips ("NL-…") that the log says were destroyed."""
    subjects = sorted({f"tip:{one}" for one in tips})
    gone = Event.objects.filter(kind="record.destroyed", subject__in=subjects).values_list("subject", flat=True)
    return {one.removeprefix("tip:") for one in gone}


def said_of(kind: str, tips: Iterable[str]) -> dict[str, list[tuple[Event, Mapping[str, Any]]]]:
    """Return the entries of a kind about tips, oldest first, with what each says."""
    found: dict[str, list[tuple[Event, Mapping[str, Any]]]] = defaultdict(list)
    subjects = sorted({f"tip:{one}" for one in tips})
    for entry in Event.objects.filter(kind=kind, subject__in=subjects).order_by("pk"):
        found[entry.subject.removeprefix("tip:")].append((entry, json.loads(entry.body)["data"]))
    return found
