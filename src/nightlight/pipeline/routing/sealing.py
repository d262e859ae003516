# SPDX-License-Identifier: Apache-2.0
"""Sealing a tip towards those who handed it over: from then on not even its status is shown to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import recording
from nightlight.pipeline.routing.models import Seal
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Below

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer


def may_seal(viewer: Viewer, unit_id: int) -> bool:
    """Whether the person commands that unit, or one above it."""
    commanded = [post.unit_id for post in viewer.posts if post.role == Role.COMMANDER]
    return bool(commanded) and Below.objects.filter(ancestor__in=commanded, unit=unit_id).exists()


@transaction.atomic
def seal(*, by: Viewer, at: datetime, tip: Tip, reason: str) -> Seal:
    """Seal a tip, for good. Who handed it over keeps their receipts and learns nothing more.

    Raises NotAllowed for whoever does not command the unit that holds it, Conflict without a reason or where it is
    sealed already.
    """
    words = recording.told(reason, "why even its status must not be seen")
    recording.alone(tip.pk)
    found = Tip.objects.select_related("unit").filter(pk=tip.pk).first()
    if found is None:
        raise NotFound("There is no such tip, or it went to another unit.")
    if not may_seal(by, found.unit_id):
        raise NotAllowed(f"A tip is sealed by a commander of the unit that holds it: {found.unit}.")
    if Seal.objects.filter(tip=found).exists():
        raise Conflict("This tip is sealed already.")
    made = Seal.objects.create(tip=found, unit=found.unit, reason=words, by=by.actor, at=at)
    custody.append(
        by=by.actor,
        at=at,
        kind="routing.sealed",
        subject=f"tip:{found.public_id}",
        data={"tip": found.public_id, "unit": found.unit.public_id, "reason_sha256": recording.digest(words)},
    )
    return made
