# SPDX-License-Identifier: Apache-2.0
"""What an auditor does here: answers a question that a pattern raised, and takes an entry out with its proof."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import bundle

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.outlook.audit.facts import Finding
    from nightlight.trust.custody.queries import EventRow
    from nightlight.trust.units.viewer import Viewer


class Answer(models.TextChoices):
    """What came of a question. Chosen from a list: entries of the log are for ever, and free words may name people."""

    WORK = "work", _("It was work: the person explained it and the records bear it out")
    ROSTER = "roster", _("The duty roster was wrong or missing")
    EXERCISE = "exercise", _("It was training or a test")
    ASKED = "asked", _("The person has been asked; the answer is awaited")
    TAKEN_FURTHER = "taken-further", _("It is being looked into by those responsible")


@transaction.atomic
def answer_finding(*, by: Viewer, at: datetime, finding: Finding, answer: str) -> None:
    """Put an auditor's answer to a finding into the log; a later answer takes the place of an earlier one.

    Raises NotAllowed for anybody but an auditor, and for an auditor whom the finding is about; Conflict for an answer
    that is not on the list.
    """
    if not by.audits:
        raise NotAllowed("Questions that patterns raise are answered by auditors.")
    if finding.person == by.public_id:
        raise NotAllowed("Another auditor has to answer what is about you.")
    if answer not in Answer.values:
        raise Conflict("Choose one of the answers.")
    custody.append(
        by=by.actor,
        at=at,
        kind="audit.finding-answered",
        subject=f"officer:{finding.person}" if finding.person else finding.record,
        data={"finding": finding.key, "rule": str(finding.rule), "answer": answer},
    )


@transaction.atomic
def export_entry(*, by: Viewer, at: datetime, entry: EventRow, held_back: bool) -> bytes:
    """Return a custody bundle (ZIP) of one entry, and record that it was taken out.

    Raises NotAllowed for anybody but an auditor, Conflict where names are held back in the entry or no signed head
    covers it yet.
    """
    if not by.audits:
        raise NotAllowed("Entries are taken out with their proof by auditors.")
    if held_back:
        raise Conflict("Names are held back in this entry, so it leaves only by an export that two people decide on.")
    out = io.BytesIO()
    bundle.export_entry(event=entry, to=out)
    custody.append(
        by=by.actor,
        at=at,
        kind="audit.entry-exported",
        subject=entry.subject,
        data={"position": entry.position},
    )
    return out.getvalue()
