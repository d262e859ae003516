# SPDX-License-Identifier: Apache-2.0
"""Which person sees which tip, for steps that act for somebody else, and whom to tell about a tip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units import glass, notices
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from datetime import datetime


def sees(person: str, subject: str, at: datetime) -> bool:
    """Whether the person ("officer:OF-…") sees the record ("tip:NL-…") now: the rule of the row security, again.

    For the worker, which does not believe a page that somebody may see what they ask for.
    """
    user = User.objects.filter(public_id=person.removeprefix("officer:")).first()
    tip = Tip.objects.filter(public_id=subject.removeprefix("tip:")).first()
    if user is None or tip is None:
        return False
    viewer = viewer_of(user, at)
    reached = viewer.reach is None or tip.unit_id in viewer.reach
    return reached or (bool(viewer.posts) and glass.broken(viewer, at).filter(subject=subject).exists())


@transaction.atomic
def tell_holder(*, subject: str, kind: str, at: datetime) -> None:
    """Tell the commander of the unit that holds a tip what was done with it."""
    tip = Tip.objects.filter(public_id=subject.removeprefix("tip:")).first()
    if tip is not None:
        notices.tell_role(unit_id=tip.unit_id, role=Role.COMMANDER, kind=kind, subject=subject, at=at)
