# SPDX-License-Identifier: Apache-2.0
"""What an officer found out about the place: a town in a picture, a postal code, a number, a language as a hint.

What is added is never changed and never taken away; another one may say otherwise, and both are weighed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.routing import loading, signs
from nightlight.pipeline.routing.models import OfficerSign
from nightlight.pipeline.routing.recording import ANSWERS
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from nightlight.pipeline.routing.gazetteer import Gazetteer
    from nightlight.pipeline.routing.signs import Sign
    from nightlight.trust.units.viewer import Viewer

LONGEST = 200
MOST = 50
"""Signs that officers add to one tip."""

_UNKNOWN = {
    signs.SignKind.OFFICER_PLACE: "No place of this name is known. Write a town and its state: “Pune, Maharashtra”.",
    signs.SignKind.POSTAL_CODE: "This is no postal code of six digits whose beginning is known.",
    signs.SignKind.PHONE: "This is no telephone number. Write it with its country or area code.",
    signs.SignKind.LANGUAGE: "No language of this name is known. Write it in English, such as “Malayalam”.",
}


@transaction.atomic
def record(*, by: Viewer, at: datetime, tip: str, kind: str, value: str, reason: str) -> OfficerSign:
    """Add a sign of the place to a tip, in the officer's own name; where it belongs is worked out anew.

    ``kind`` is one of `signs.OFFICER_KINDS`. Raises NotFound for a tip that is not seen, NotAllowed for whoever does
    not work on tips, and Conflict without a reason, for a kind that officers do not add, for a value that says no place
    we know, for what was added before, and for a tip with very many already.
    """
    found = tips.tip(by, tip)
    if not by.may(ANSWERS):
        raise NotAllowed("Signs are added by whoever works on tips.")
    if kind not in signs.OFFICER_KINDS:
        raise Conflict("Choose what you found: a place, a postal code, a telephone number or a language.")
    told, said = rules.reason_given(reason), " ".join(value.split())
    if not told:
        raise Conflict(f"Say how you know, in at least {rules.SHORTEST_REASON} characters.")
    if not said or len(said) > LONGEST:
        raise Conflict(f"Write what you found, in at most {LONGEST} characters.")
    known = signs.officer_signs(kind, said, gazetteer=loading.gazetteer(), at=at)
    if not known:
        raise Conflict(_UNKNOWN[signs.SignKind(kind)])
    there = OfficerSign.objects.filter(tip=found)
    if there.filter(kind=kind, value=said).exists():
        raise Conflict("This has been added to the tip already.")
    if there.count() >= MOST:
        raise Conflict(f"This tip has {MOST} signs that officers added; more would say no more.")
    made = OfficerSign.objects.create(tip=found, kind=kind, value=said, reason=told, by_id=by.user_id, at=at)
    # Which places it may mean, by their codes: the words themselves may name people, and entries are for ever.
    places = sorted({one.district or one.state or one.country for one in known})
    custody.append(
        by=by.actor,
        at=at,
        kind="routing.sign-recorded",
        subject=f"tip:{tip}",
        data={"sign": kind, "places": list(places), "reason_sha256": hashlib.sha256(told.encode()).hexdigest()},
    )
    return made


def of_tips(tips_wanted: Collection[int], gazetteer: Gazetteer) -> Mapping[int, tuple[Sign, ...]]:
    """Return the signs that officers added to these tips, by tip; one query."""
    found: dict[int, tuple[Sign, ...]] = defaultdict(tuple)
    for row in OfficerSign.objects.filter(tip__in=tips_wanted).order_by("pk"):
        if row.kind in signs.OFFICER_KINDS:
            found[row.tip_id] += signs.officer_signs(row.kind, row.value, gazetteer=gazetteer, at=row.at)
    return found
