# SPDX-License-Identifier: Apache-2.0
"""A tip leaves the building, as CyberTip JSON for other police programs or as a PDF to print and file.

Both are made from what may be shown (``tips.shown``): victims and children under pseudonyms, their contacts withheld,
and never a file that came with the report. What was given is not kept; the log keeps its digest and that of the reason.
"""

from __future__ import annotations

import enum
import hashlib
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.outlook.desk import tip_page
from nightlight.outlook.exchange import naming
from nightlight.pipeline.matching import queries as matching
from nightlight.pipeline.tips import seeing, shown
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.units import rules

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.outlook.desk.tip_page import TipPage
    from nightlight.pipeline.tips.shown import ShownTip
    from nightlight.trust.units.viewer import Viewer

EXPORTS = rules.BREAKS_GLASS  # whoever works on tips
MOST_NAMED = 10  # refused reasons within an hour, of one person
MOST_SECONDS = 20.0  # for one PDF; what is printed is bounded, so that it takes far less
_printing = threading.Lock()


class Format(enum.StrEnum):
    """What an export can be."""

    JSON = "json"
    PDF = "pdf"


_TYPES = {Format.JSON: "application/json; charset=utf-8", Format.PDF: "application/pdf"}


@dataclass(frozen=True, slots=True)
class Export:
    """What is given: its bytes, the name to save them under, and what they are (a media type)."""

    body: bytes
    name: str
    content_type: str


class Busy(Conflict):
    """This process is making a PDF already."""


def may_export(viewer: Viewer, tip: Tip, at: datetime) -> bool:
    """Whether the person takes this tip along: works on it, and it was not set apart because somebody was cleared."""
    return viewer.may(EXPORTS) and not tip.set_apart and seeing.works_with(viewer, tip, at)


def export(
    *, tip: Tip, form: str, by: str, officer: str, at: datetime, reason: str, viewer: Viewer | None, bom: bool = False
) -> Export:
    """Make an export of a tip for ``officer`` and record it; ``viewer`` is None at the command line of the machine.

    Raises NotAllowed for a person who does not work on this tip; Conflict for a tip that was set apart, a format that
    is none, a reason that says too little or names somebody protected, as JSON a tip that could not be read, as PDF one
    that takes too long; Busy while another PDF is made.
    """
    _may(viewer, tip, at)
    if form not in list(Format):
        raise Conflict(_("A tip is exported as CyberTip JSON or as PDF."))
    told = rules.reason_given(reason)
    if not told:
        raise Conflict(_("Say in %(n)d characters or more why it is needed.") % {"n": rules.SHORTEST_REASON})
    _must_not_name(tip, told, by=by, at=at)
    kind = Format(form)
    # Not in a transaction: making a PDF takes seconds.
    make = _json if kind is Format.JSON else _pdf
    body = make(shown.of(tip), officer=officer, at=at, reason=told, bom=bom)
    data: dict[str, Json] = {
        "what": "tip",
        "format": str(kind),
        "reason_sha256": _sha256(told),
        "file_sha256": hashlib.sha256(body).hexdigest(),
        "size": len(body),
    }
    if viewer is not None:
        data["roles"] = sorted(viewer.roles)
    with transaction.atomic():
        # It may have been set apart, or gone to another unit, in the meantime; row security hides it then.
        now = Tip.objects.filter(pk=tip.pk).first()
        if now is None:
            raise NotFound(_("There is no such tip."))
        _may(viewer, now, at)
        custody.append(by=by, at=at, kind="tip.exported", subject=f"tip:{tip.public_id}", data=data)
    return Export(body, f"{tip.public_id}.{kind}", _TYPES[kind])


def _may(viewer: Viewer | None, tip: Tip, at: datetime) -> None:
    if viewer is not None and not viewer.may(EXPORTS):
        raise NotAllowed(_("Tips are exported by those who work on them."))
    if tip.set_apart:
        raise Conflict(_("This tip is set apart, because somebody in it was cleared. It is not given out."))
    if viewer is not None and not may_export(viewer, tip, at):
        raise NotAllowed(_("Another unit holds this tip. It can be exported here once it was accepted."))


def _must_not_name(tip: Tip, told: str, *, by: str, at: datetime) -> None:
    """Raise Conflict where the reason, which stands in the file, names somebody who is held back in it.

    Each such try is recorded, and they are few: or names could be guessed by it.
    """
    hour = at - timedelta(hours=1)
    if Event.objects.filter(actor=by, kind="tip.export-refused", at__gt=hour).count() >= MOST_NAMED:
        raise Conflict(_("Too many of your reasons named somebody who is held back. Wait an hour, or ask a colleague."))
    if naming.names_protected(tip, told):
        with transaction.atomic():
            custody.append(
                by=by,
                at=at,
                kind="tip.export-refused",
                subject=f"tip:{tip.public_id}",
                data={"why": "names-protected", "reason_sha256": _sha256(told)},
            )
        raise Conflict(
            _(
                "The reason holds a name, contact or account of somebody who is held back in this tip. It would stand "
                "in the file: write their pseudonym, or the case number alone."
            )
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _json(found: ShownTip, *, officer: str, at: datetime, reason: str, bom: bool) -> bytes:
    from nightlight.outlook.exchange import tip_sheet

    if found.reading is None:
        raise Conflict(_("This report could not be read, or not yet. Only its PDF can be exported."))
    tip = found.tip
    digest = tip_sheet.report_digest(found.documents)
    notes = [
        f"Nightlight: exported for {officer} at {tip_sheet.moment_of(at)} from tip {tip.public_id}. Why: {reason}",
        f"Nightlight: SHA-256 of the report as received: {digest}",
    ]
    notes += [
        f"Nightlight: SHA-256 of addition {number} as received: {one}"
        for number, one in enumerate(tip_sheet.addition_digests(found.documents), 1)
    ]
    if tip.environment == "test":
        notes.append("Nightlight: test report. Nothing in it is real.")
    if found.held_back:
        notes.append(
            f"Nightlight: {len(found.held_back)} people of this report (victims, children, their accounts, and who was "
            "cleared) are left out or under pseudonyms; their names are sealed."
        )
    return cybertip_json.write(found.reading, notes=notes, bom=bom)


def _pdf(found: ShownTip, *, officer: str, at: datetime, reason: str, bom: bool) -> bytes:
    """One at a time: it keeps this process busy, which answers others meanwhile."""
    del bom  # of JSON alone
    if not _printing.acquire(blocking=False):
        raise Busy(_("Another PDF is being made. Try again in a moment."))
    try:
        return _printed(found, officer=officer, at=at, reason=reason)
    finally:
        _printing.release()


def _printed(found: ShownTip, *, officer: str, at: datetime, reason: str) -> bytes:
    # Loading what makes PDFs takes a second; most processes never do.
    from nightlight.outlook.exchange import added, tip_pdf, tip_sheet
    from nightlight.outlook.exchange.letters import Letters

    repeats, repeated_by = _repeats(found.tip)
    page = _page(found, repeats)
    sheet = tip_sheet.sheet(
        page,
        at=at,
        officer=officer,
        reason=reason,
        documents=found.documents,
        priority=added.priority(page),
        added=added.sections(page, repeats=repeats, repeated_by=repeated_by),
    )
    try:
        return tip_pdf.write(sheet, letters=Letters(), seconds=MOST_SECONDS)
    except tip_pdf.TooSlow:
        raise Conflict(_("This PDF takes too long to make. Take the tip as CyberTip JSON.")) from None


def _page(found: ShownTip, repeats: str | None) -> TipPage:
    progress, files = matching.of_tip(found.tip)
    return tip_page.build(found, repeats=repeats, progress=progress, found=files)


def _repeats(tip: Tip) -> tuple[str | None, list[str]]:
    """The earlier tip this one repeats, and the first that repeat it, as far as row security lets them be seen."""
    earlier = Tip.objects.filter(repeated_by__tip=tip).values_list("public_id", flat=True).first()
    later = Tip.objects.filter(repeats__earlier=tip).order_by("id").values_list("public_id", flat=True)
    return earlier, list(later[:20])


def of_number(number: str) -> Tip:
    """The tip of a report id, NL number or number at its source. Raises NotFound."""
    from nightlight.pipeline.tips import showing

    tip = showing.find(number)
    if tip is None:
        raise NotFound(_("There is no report %(number)s.") % {"number": number})
    return Tip.objects.select_related("reporter", "unit").get(pk=tip.pk)
