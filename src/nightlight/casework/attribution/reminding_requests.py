# SPDX-License-Identifier: Apache-2.0
"""Has the unit that holds the tip know that an answer is due, and its commanders that it is still not there: once each.

A reminder to the addressee itself is sent by people. Each is a transaction of its own and is safe to run twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.casework.attribution.models import Request, RequestState, Step, StepKind
from nightlight.casework.attribution.request_steps import note
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

ESCALATE_AFTER = timedelta(days=7)
"""How long after an answer was due the commanders are told."""
AT_ONCE = 200
_TOLD = (Role.TRIAGE_OFFICER, Role.INVESTIGATOR)


def remind(*, by: str, now: Callable[[], datetime]) -> int:
    """Tell units of answers that are due, and commanders of those long overdue; return how many were told of."""
    return _each(_due(now()), StepKind.REMINDED, _TOLD, by=by, now=now) + _each(
        _long_due(now()), StepKind.ESCALATED, (Role.COMMANDER,), by=by, now=now
    )


def _due(at: datetime) -> list[int]:
    rows = Request.objects.filter(state=RequestState.SENT, due_at__lte=at, reminded_at=None)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE])


def _long_due(at: datetime) -> list[int]:
    told = Step.objects.filter(kind=StepKind.ESCALATED).values("request")
    rows = Request.objects.filter(state=RequestState.SENT, due_at__lte=at - ESCALATE_AFTER).exclude(pk__in=told)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE])


def _each(keys: Iterable[int], kind: StepKind, roles: Iterable[Role], *, by: str, now: Callable[[], datetime]) -> int:
    done = 0
    for key in keys:
        with transaction.atomic():
            done += _tell(key, kind, roles, by=by, at=now())
    return done


def _tell(key: int, kind: StepKind, roles: Iterable[Role], *, by: str, at: datetime) -> bool:
    rows = Request.objects.select_for_update(of=("self",)).select_related("tip__unit")
    held = rows.filter(pk=key, state=RequestState.SENT).first()
    if held is None or held.due_at is None:  # answered in the meantime
        return False
    if Step.objects.filter(request=held, kind=kind, by=by).exists():
        return False
    if kind == StepKind.REMINDED and held.reminded_at is None:
        held.reminded_at = at
        held.save(update_fields=["reminded_at"])
    note(held, kind, by=by, at=at, seconds=int((at - held.due_at).total_seconds()))
    for role in roles:
        notices.tell_role(
            unit_id=held.tip.unit_id,
            role=role,
            kind="request.overdue" if kind == StepKind.REMINDED else "request.escalated",
            subject=f"tip:{held.tip.public_id}",
            about=f"request:{held.public_id}",
            at=at,
        )
    return True
