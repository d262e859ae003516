# SPDX-License-Identifier: Apache-2.0
"""Which person sees which tip, for steps that act for somebody else, and whom to tell about a tip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from nightlight.pipeline.tips.models import Share, Tip
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units import glass, notices
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer


def sees(person: str, subject: str, at: datetime) -> bool:
    """Whether the person ("officer:OF-…") sees the record ("tip:NL-…") now: the rule of the row security, again.

    For the worker, which does not believe a page that somebody may see what they ask for.
    """
    user = User.objects.filter(public_id=person.removeprefix("officer:")).first()
    tip = Tip.objects.filter(public_id=subject.removeprefix("tip:")).first()
    if user is None or tip is None:
        return False
    return works_with(viewer_of(user, at), tip, at)


def works_with(viewer: Viewer, tip: Tip, at: datetime) -> bool:
    """Whether the tip lies with a unit of the viewer, is shared to be worked on together, or glass was broken over it.

    A tip that is only offered is read, not looked into or taken along: that opens once it is accepted.
    """
    reached = viewer.reach is None or tip.unit_id in viewer.reach
    reached = reached or tip.shares.filter(until=None, kind=Share.Kind.JOINT, unit__in=viewer.reach or ()).exists()
    subject = f"tip:{tip.public_id}"
    return reached or (bool(viewer.posts) and glass.broken(viewer, at).filter(subject=subject).exists())


def worked_with(viewer: Viewer, at: datetime, *, tip: str = "") -> Q:
    """Return the condition that `works_with` holds for the tip of a row; ``tip`` is the way to it, such as "tip__"."""
    if viewer.reach is None:
        return Q()
    joint = Share.objects.filter(until=None, kind=Share.Kind.JOINT, unit__in=viewer.reach).values("tip")
    subjects = glass.broken(viewer, at).values_list("subject", flat=True) if viewer.posts else ()
    broken = [subject.removeprefix("tip:") for subject in subjects]
    return Q(**{f"{tip}unit__in": viewer.reach}) | Q(**{f"{tip}pk__in": joint}) | Q(**{f"{tip}public_id__in": broken})


@transaction.atomic
def tell_of_addition(*, subject: str, at: datetime) -> None:
    """Tell those who work on the tips of the unit that holds this one that more came from whoever told it.

    Of one that was set apart, those who may still open it: what was added is a new tip as well, which the log names.
    """
    tip = Tip.objects.filter(public_id=subject.removeprefix("tip:")).first()
    if tip is not None:
        apart = (Role.COMMANDER, Role.LEGAL_REVIEWER)
        for role in apart if tip.set_apart else (Role.TRIAGE_OFFICER, Role.INVESTIGATOR):
            notices.tell_role(unit_id=tip.unit_id, role=role, kind="tip.added-to", subject=subject, at=at)


@transaction.atomic
def tell_holder(*, subject: str, kind: str, at: datetime) -> None:
    """Tell the commander of the unit that holds a tip what was done with it."""
    tip = Tip.objects.filter(public_id=subject.removeprefix("tip:")).first()
    if tip is not None:
        notices.tell_role(unit_id=tip.unit_id, role=Role.COMMANDER, kind=kind, subject=subject, at=at)
