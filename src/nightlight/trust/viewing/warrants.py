# SPDX-License-Identifier: Apache-2.0
"""Warrants to look at a file that the law keeps closed without one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.rules import VIEWS_MEDIA
from nightlight.trust.viewing import actions, rules
from nightlight.trust.viewing.models import Warrant

if TYPE_CHECKING:
    from datetime import date, datetime

    from nightlight.trust.evidence.models import Item
    from nightlight.trust.units.viewer import Viewer


@transaction.atomic
def record_warrant(*, by: Viewer, at: datetime, item: Item, number: str, court: str, issued_on: date) -> Warrant:
    """Record a warrant to look at one file. Raises NotAllowed; Conflict for one that says too little.

    Number and court stay in a table; the log keeps their digest.
    """
    if not by.may(VIEWS_MEDIA):
        raise NotAllowed(actions.NOT_YOURS)
    number, court = " ".join(number.split()), " ".join(court.split())
    if not (1 <= len(number) <= rules.LONGEST_NUMBER and 1 <= len(court) <= rules.LONGEST_NUMBER):
        raise Conflict(f"State the warrant's number and the court, each of at most {rules.LONGEST_NUMBER} characters.")
    if issued_on > (at + timedelta(hours=14)).date():  # today begins there first
        raise Conflict("The warrant's date lies in the future.")
    warrant = Warrant.objects.create(
        public_id=public_ids.new("WA"),
        item=item,
        number=number,
        court=court,
        issued_on=issued_on,
        user_id=by.user_id,
        recorded_at=at,
    )
    custody.append(
        by=by.actor,
        at=at,
        kind="evidence.warrant-recorded",
        subject=f"item:{item.public_id}",
        data={
            "warrant": warrant.public_id,
            "words_sha256": actions.sha256(f"{number}\n{court}"),
            "issued_on": issued_on.isoformat(),
        },
    )
    return warrant
