# SPDX-License-Identifier: Apache-2.0
"""Openings of sealed identities as pages show them: to who asked, and to those who answer for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.trust.accounts.models import Role
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import queries
from nightlight.trust.sealed.models import State, Unsealing
from nightlight.trust.sealed.rules import may_open
from nightlight.trust.units import rules

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

# Who sees openings at all: who asks for them, and the commander and the auditor who answer for them.
SEE = rules.UNSEALS | {Role.COMMANDER, Role.AUDITOR}
ANSWER_FOR = frozenset({Role.COMMANDER, Role.AUDITOR})
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Opening:
    """One request as a list shows it; ``state`` in words, and ``own`` if the viewer asked for it."""

    public_id: str
    tip: str
    pseudonym: str
    person: str
    asked_at: datetime
    until: datetime
    state: str
    under_way: bool
    reason_kind: str
    reason: str
    case_number: str
    own: bool


def seen_by(viewer: Viewer, at: datetime, *, tip: str = "", own: bool = False) -> list[Opening]:
    """Return the newest openings that the viewer sees, at most ``SHOWN``: of one tip "NL-…", or of all.

    The viewer's own; for a commander and an auditor also those of other people in tips they reach, which row
    security decides.
    """
    if not viewer.may(SEE):
        return []
    rows = queries.openings(f"tip:{tip}") if tip else _all()
    if own or not viewer.may(ANSWER_FOR):
        rows = rows.filter(user_id=viewer.user_id)
    return [_told(row, viewer, at) for row in rows[:SHOWN]]


def identities(viewer: Viewer, tip: str) -> dict[str, tuple[str, bool]]:
    """Return the sealed identities of a tip that the viewer may ask for: place in the report -> id, and if destroyed.

    Empty for whoever may not open any.
    """
    if not may_open(viewer.roles, current_pack().unsealing):
        return {}
    return {one.source: (one.public_id, one.destroyed) for one in queries.of_record(f"tip:{tip}")}


def reason_kind(code: str) -> str:
    """What an identity was needed for, in the words of the law pack; an unknown code stays as it is."""
    return next((one.title for one in current_pack().unsealing.reasons if one.id == code), code)


def state_of(row: Unsealing, at: datetime) -> str:
    """Where an opening stands, in words; one whose time is over has ended, whether or not the worker has said so."""
    if row.state == State.REFUSED:
        return _("Refused")
    if row.state == State.CLOSED:
        return _("Time over") if row.closed_at and row.closed_at >= row.expires_at else _("Closed")
    if at >= row.expires_at:
        return _("Time over")
    return _("Open") if row.state == State.OPENED else _("Being opened")


def under_way(row: Unsealing, at: datetime) -> bool:
    """Whether the opening has not ended."""
    return row.state in {State.ASKED, State.OPENED} and at < row.expires_at


def _all() -> QuerySet[Unsealing]:
    return Unsealing.objects.select_related("user").order_by("-id")


def _told(row: Unsealing, viewer: Viewer, at: datetime) -> Opening:
    return Opening(
        public_id=row.public_id,
        tip=row.subject.removeprefix("tip:"),
        pseudonym=row.pseudonym,
        person=str(row.user),
        asked_at=row.asked_at,
        until=row.expires_at,
        state=state_of(row, at),
        under_way=under_way(row, at),
        reason_kind=reason_kind(row.reason_kind),
        reason=row.reason,
        case_number=row.case_number,
        own=row.user_id == viewer.user_id,
    )
