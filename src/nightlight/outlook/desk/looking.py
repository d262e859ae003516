# SPDX-License-Identifier: Apache-2.0
"""Which file of which tip is looked at, what the tip says of it, and whether the worker may still open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import known
from nightlight.pipeline.matching import queries as matching
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import seeing, shown
from nightlight.pipeline.tips.models import TipFile
from nightlight.pipeline.tips.values import Stated as Answer
from nightlight.trust.law.queries import current_pack
from nightlight.trust.units.viewer import viewer_of
from nightlight.trust.viewing import queries
from nightlight.trust.viewing.rules import Stated

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.outlook.desk.known import Known
    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.tips.reading import FileReading
    from nightlight.trust.evidence.models import Item
    from nightlight.trust.units.viewer import Viewer
    from nightlight.trust.viewing.models import Viewing

# What reporters mark as violent; it weighs more in the ledger and takes a second press.
VIOLENT = frozenset({"physicalHarm", "violenceGore"})
_ANSWERS = {Answer.YES: True, Answer.NO: False}


@dataclass(frozen=True, slots=True)
class TipFileSeen:
    """One file of a tip: its number on the tip's page, the received item, and what the tip says of it."""

    tip: Tip
    number: int
    item: Item
    reading: FileReading
    stated: Stated
    known: Known

    @property
    def subject(self) -> str:
        """How the log names the tip."""
        return f"tip:{self.tip.public_id}"


def file_of(viewer: Viewer, public_id: str, number: int) -> TipFileSeen:
    """Return the file with this number, counted from 1 as on the tip's page. Raises NotFound."""
    tip = tips.tip(viewer, public_id)
    told = shown.of(tip)
    readings = told.reading.files if told.reading else ()
    if not 1 <= number <= len(readings):
        raise NotFound(_("This tip has no such file, or it is still being read."))
    reading = readings[number - 1]
    wanted = reading.received.file_id if reading.received else None
    file = next((file for file in told.files if file.file_id == wanted), None)
    if file is None:
        raise NotFound(_("This file is described in the report; it did not come with it."))
    found = matching.of_tip(tip)[1][file.item_id]
    return TipFileSeen(tip, number, file.item, reading, stated(reading), known.of_file(found))


def stated(reading: FileReading) -> Stated:
    """Return what the law and the ledger need of a file's description."""
    return Stated(
        viewed_by_provider=_ANSWERS.get(reading.viewed_by_esp),
        publicly_available=_ANSWERS.get(reading.publicly_available),
        violent=not VIOLENT.isdisjoint(reading.annotations),
    )


def may_open(viewing: Viewing, at: datetime) -> bool:
    """Whether the person still sees the tip, and the law still opens the file: asked by the worker, anew."""
    file = TipFile.objects.select_related("tip", "item").filter(item_id=viewing.item_id).first()
    if file is None or f"tip:{file.tip.public_id}" != viewing.subject:
        return False
    if not seeing.sees(viewing.person, viewing.subject, at):
        return False
    told = shown.of(file.tip).reading
    found = [one for one in told.files if one.received and one.received.file_id == file.file_id] if told else []
    if not found:
        return False
    viewer = viewer_of(viewing.user, at)
    return not queries.lock(viewer, file.item, stated(found[0]), current_pack()).locked


def day_began(at: datetime) -> datetime:
    """Return the last midnight where the officers are."""
    return at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
