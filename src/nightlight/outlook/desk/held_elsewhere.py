# SPDX-License-Identifier: Apache-2.0
"""What the page of a tip says of who else holds what stands in it, and whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.outlook.desk.linked_reasons import readable
from nightlight.pipeline.linking.deconfliction import asking, contacts
from nightlight.pipeline.tips import seeing
from nightlight.pipeline.tips.models import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from nightlight.pipeline.linking.deconfliction.asking import Answered, Elsewhere
    from nightlight.pipeline.linking.deconfliction.contacts import Call
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody else who holds values of the tip: each with its kind; since which month the first of them."""

    values: tuple[tuple[str, str], ...]
    who: str
    unit_id: str  # of a unit here, for its page
    since: date | None
    call: str
    known: bool  # whether anybody is there to be called
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """Who else holds what, when it was asked last, and whether the viewer may ask."""

    holders: tuple[Holder, ...]
    asked_at: datetime | None
    asks: bool
    own_unit: str
    reachable: bool  # whether others are told whom to call in the unit that holds the tip


def panel(viewer: Viewer, tip: Tip, at: datetime) -> Panel | None:
    """Return the panel for a tip the viewer was shown; None where nothing can be asked or told of it."""
    if tip.state != State.RECEIVED or tip.unit is None:
        return None
    found = tuple(_holders(asking.elsewhere(viewer, tip, at=at)))
    asks = viewer.may(asking.ASKS) and seeing.works_with(viewer, tip, at)
    asked_at = asking.last_asked(tip)
    if not found and not asks and asked_at is None:
        return None
    return Panel(found, asked_at, asks, tip.unit.public_id, contacts.contact_of(tip.unit) is not None)


def said(answered: Answered) -> str:
    """What to tell whoever asked."""
    number = len(answered.units)
    if not number:
        return _(
            "No other unit is known to hold a telephone number, e-mail address, account, device or payment handle"
            " of this tip."
        )
    return ngettext(
        "%(n)d other unit holds something of this tip too. It has been told that your unit does: call each other.",
        "%(n)d other units hold something of this tip too. They have been told that your unit does: call each other.",
        number,
    ) % {"n": number}


def _holders(found: Iterable[Elsewhere]) -> Iterator[Holder]:
    """One for each who is to be called, however many values they hold; in the order of the newest answer."""
    each: dict[tuple[str, str, str, Call], list[Elsewhere]] = {}
    for one in found:
        each.setdefault((one.partner, one.unit, one.unit_id, one.call), []).append(one)
    for (partner, unit, unit_id, whom), held in each.items():
        call, known = call_of(whom)
        who = _("%(unit)s, of %(partner)s") % {"unit": unit, "partner": partner} if partner else unit
        values = sorted({(capfirst(one.kind.label), readable(one.kind, one.value)) for one in held})
        since = min((one.since for one in held if one.since), default=None)
        yield Holder(tuple(values), who, unit_id, since, call, known, max(one.told_at for one in held))


def call_of(call: Call) -> tuple[str, bool]:
    """Whom to call, in words, and whether that is anybody."""
    if call.told:
        return call.told, True
    if call.on_duty:
        return _("on duty now: %(who)s") % {"who": ", ".join(call.on_duty)}, True
    return _("no contact set; ask the administrator"), False
