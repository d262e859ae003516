# SPDX-License-Identifier: Apache-2.0
"""Records that a person opened a tip: who looked is part of its chain of custody, whichever page showed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import NotAllowed
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


MOST_NAMED = 500  # tips that one entry names; it counts the others


def named(tips: Iterable[str]) -> dict[str, Json]:
    """Return what an entry says of the tips (public ids) whose data was shown or handed over: which, and how many."""
    every = sorted(set(tips))
    return {"tips": list(every[:MOST_NAMED]), "tips_in_all": len(every)}


@transaction.atomic
def record_view(*, by: Viewer, at: datetime, tip: Tip, with_tips: Iterable[str] = (), party: int | None = None) -> None:
    """Append ``tip.viewed`` for this person. Raises NotAllowed if the person's role reads no tips.

    A page about somebody of the tip (``party``) that shows data of other tips too names all of them: ``with_tips``.
    """
    if not by.reads_tips:
        raise NotAllowed("Your role does not read tips.")
    data: dict[str, Json] = {"roles": sorted(by.roles)}
    if party is not None:
        data |= {"party": party, **named((tip.public_id, *with_tips))}
    custody.append(by=by.actor, at=at, kind="tip.viewed", subject=f"tip:{tip.public_id}", data=data)
