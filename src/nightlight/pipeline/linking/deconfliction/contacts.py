# SPDX-License-Identifier: Apache-2.0
"""Whom to call in a unit: what its commander or an administrator has set; else who is on duty; else nobody is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.deconfliction import rules
from nightlight.pipeline.linking.deconfliction.models import Contact
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Shift

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

LONGEST = {"telephone": 40, "email": 120, "duty": 120}


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call: ``told`` is what was set; else ``on_duty`` names who is there now; both empty: nobody is known."""

    told: str = ""
    on_duty: tuple[str, ...] = ()


@transaction.atomic
def set_contact(*, by: Viewer, at: datetime, unit: Unit, telephone: str, email: str, duty: str) -> Contact:
    """Say whom others call when they hold what this unit holds too.

    Raises NotAllowed for whoever may not set the duty of the unit, and Conflict for nothing, and for what is too long
    or plainly neither a telephone number nor an e-mail address.
    """
    if not units.may_set_duty(by, unit):
        raise NotAllowed("Whom to call is set by the commander of the unit and by administrators.")
    told = {"telephone": telephone, "email": email, "duty": duty}
    told = {name: rules.one_line(text, most=1000) for name, text in told.items()}
    if not any(told.values()):
        raise Conflict("Give a telephone number, an e-mail address, or say who answers.")
    if long := [name for name, text in told.items() if len(text) > LONGEST[name]]:
        raise Conflict(f"At most {LONGEST[long[0]]} characters.")
    if told["telephone"] and not any(sign.isdigit() for sign in told["telephone"]):
        raise Conflict("A telephone number has digits.")
    if told["email"] and "@" not in told["email"].strip("@"):
        raise Conflict("An e-mail address has an @ in it, such as duty@example.org.")
    made, _new = Contact.objects.update_or_create(unit=unit, defaults={**told, "by_id": by.user_id, "at": at})
    custody.append(
        by=by.actor, at=at, kind="deconfliction.contact-set", subject=f"unit:{unit.public_id}", data={**told}
    )
    return made


def contact_of(unit: Unit) -> Contact | None:
    """Return what was set for a unit, or None."""
    return Contact.objects.filter(unit=unit).first()


def calls(units: Collection[int], at: datetime) -> dict[int, Call]:
    """Return whom to call in each of these units (keys). Two queries."""
    found = {unit: Call() for unit in units}
    for one in Contact.objects.filter(unit__in=units):
        found[one.unit_id] = Call(rules.call(one.telephone, one.email, one.duty))
    there: dict[int, list[str]] = {}
    for shift in Shift.objects.filter(unit__in=units, starts_at__lte=at, ends_at__gt=at).select_related("user"):
        there.setdefault(shift.unit_id, []).append(str(shift.user))
    for unit, names in there.items():
        if not found[unit].told:
            found[unit] = Call(on_duty=tuple(sorted(set(names))))
    return found
