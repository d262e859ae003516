# SPDX-License-Identifier: Apache-2.0
"""What officers decide about links: two are one person, or are not; a value links nobody, or links again.

A decision stands above whatever is worked out, now and later, until somebody decides otherwise about the same pair. It
is carried out when the tips concerned are linked next; a trigger has them wait.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.linking.models import Decision, Identifier, Sighting, Subject, Verdict
from nightlight.pipeline.tips import seeing
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules as unit_rules

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Viewer

DECIDES = frozenset({Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER})
_OFFERED = "This tip is only offered to your unit. Accept it first: then you can decide about what is in it."


@transaction.atomic
def confirm(first: int, second: int, *, by: Viewer, at: datetime, reason: str) -> Decision:
    """Say that two subjects (keys) are one person. Raises NotAllowed, NotFound, Conflict."""
    made, subject, data = _about_two(first, second, Verdict.CONFIRM, by=by, at=at, reason=reason)
    custody.append(by=by.actor, at=at, kind="link.confirmed", subject=subject, data=data)
    return made


@transaction.atomic
def forbid(first: int, second: int, *, by: Viewer, at: datetime, reason: str) -> Decision:
    """Say that two subjects (keys) are not one person, whatever they share. Raises NotAllowed, NotFound, Conflict."""
    made, subject, data = _about_two(first, second, Verdict.FORBID, by=by, at=at, reason=reason)
    custody.append(by=by.actor, at=at, kind="link.forbidden", subject=subject, data=data)
    return made


@transaction.atomic
def silence(identifier: int, *, by: Viewer, at: datetime, reason: str) -> Decision:
    """Say that a value (the key of its identifier) links nobody: the telephone of a shop, say.

    Raises NotAllowed, NotFound for a value that stands nowhere the person sees, Conflict.
    """
    told, value, last = _value(identifier, by=by, at=at, reason=reason)
    if last == Verdict.SILENCE or (value.silenced and last is None):
        raise Conflict("This value links nobody already.")
    made, subject, data = _about_value(value, Verdict.SILENCE, by=by, at=at, told=told)
    custody.append(by=by.actor, at=at, kind="link.silenced", subject=subject, data=data)
    return made


@transaction.atomic
def hear(identifier: int, *, by: Viewer, at: datetime, reason: str) -> Decision:
    """Say that a value that was silenced links again. What was decided before stays, and is outweighed.

    Raises NotAllowed, NotFound for a value that stands nowhere the person sees, and Conflict for one that nobody
    silenced or that belongs to somebody who was cleared: that is no officer's to take back.
    """
    told, value, last = _value(identifier, by=by, at=at, reason=reason)
    if value.cleared:
        raise Conflict("Whoever this value belongs to was cleared. It goes on linking nobody.")
    if last != Verdict.SILENCE:
        raise Conflict("Nobody has said that this value links nobody; there is nothing to take back.")
    made, subject, data = _about_value(value, Verdict.HEAR, by=by, at=at, told=told)
    custody.append(by=by.actor, at=at, kind="link.heard", subject=subject, data=data)
    return made


def _value(identifier: int, *, by: Viewer, at: datetime, reason: str) -> tuple[str, Identifier, str | None]:
    """The reason, the value, and what was decided about it last."""
    told = _told(by, reason)
    value = Identifier.objects.filter(pk=identifier).first()
    if value is None or not Sighting.objects.filter(identifier=identifier).exists():
        raise NotFound("There is no such value in a tip that you see.")
    if not Sighting.objects.filter(seeing.worked_with(by, at, tip="tip__"), identifier=identifier).exists():
        raise NotAllowed(_OFFERED)
    decided = Decision.objects.filter(identifier=identifier).order_by("-pk").values_list("verdict", flat=True)
    return told, value, decided.first()


def _about_value(
    value: Identifier, verdict: Verdict, *, by: Viewer, at: datetime, told: str
) -> tuple[Decision, str, dict[str, Json]]:
    """Write a decision about a value; return it, and what the entry in the log is about and says."""
    worked_on = Sighting.objects.filter(seeing.worked_with(by, at, tip="tip__"), identifier=value)
    seen = worked_on.select_related("tip").order_by("id")[0]
    made = Decision.objects.create(
        public_id=public_ids.new("LD"),
        verdict=verdict,
        identifier=value,
        reason=told,
        by_id=by.user_id,
        at=at,
    )
    data: dict[str, Json] = {
        "decision": made.public_id,
        "kind": value.kind,
        "identifier": value.pk,
        "reason_sha256": _digest(told),
    }
    return made, f"tip:{seen.tip.public_id}", data


def _about_two(
    first: int, second: int, verdict: Verdict, *, by: Viewer, at: datetime, reason: str
) -> tuple[Decision, str, dict[str, Json]]:
    """Write a decision about a pair; return it, and what the entry in the log is about and says."""
    told = _told(by, reason)
    if first == second:
        raise Conflict("Choose two people: somebody is always the same person as themselves.")
    found = Subject.objects.filter(pk__in=(first, second), gone=False).select_related("tip").order_by("pk")
    if len(found) < 2:
        raise NotFound("There is no such person in a tip that you see.")
    one, other = found
    if not (seeing.works_with(by, one.tip, at) and seeing.works_with(by, other.tip, at)):
        raise NotAllowed(_OFFERED)
    if one.side != other.side:
        raise Conflict("A reported person and a child are never made one person.")
    if one.tip.environment != other.tip.environment:
        raise Conflict("A test report is never linked with a real one.")
    last = Decision.objects.filter(first=one, second=other).order_by("-pk").first()
    if last is not None and last.verdict == verdict:
        raise Conflict(f"That was decided already ({last.public_id}).")
    made = Decision.objects.create(
        public_id=public_ids.new("LD"),
        verdict=verdict,
        first=one,
        second=other,
        reason=told,
        by_id=by.user_id,
        at=at,
    )
    data: dict[str, Json] = {
        "decision": made.public_id,
        "person": one.pseudonym,
        "other": other.tip.public_id,
        "other_person": other.pseudonym,
        "reason_sha256": _digest(told),
    }
    return made, f"tip:{one.tip.public_id}", data


def _told(by: Viewer, reason: str) -> str:
    if not by.may(DECIDES):
        raise NotAllowed("A triage officer, an investigator or a commander decides about links.")
    told = unit_rules.reason_given(reason)
    if not told:
        raise Conflict(f"Give a reason of at least {unit_rules.SHORTEST_REASON} characters.")
    return told


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
