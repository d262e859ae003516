# SPDX-License-Identifier: Apache-2.0
"""The one thing to do with a tip, decided by its state first and by its content last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.pipeline.tips import rules
from nightlight.pipeline.tips.models import State
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.outlook.desk.known import Sum
    from nightlight.pipeline.tips.reading import Reading
    from nightlight.pipeline.tips.shown import ShownTip


@dataclass(frozen=True, slots=True)
class NextStep:
    """A sentence, where to do it, and until when if time plays a part; `waits`: the page goes on by itself."""

    text: str
    link: str = ""
    label: str = ""
    until: datetime | None = None
    waits: bool = False


def next_step(shown: ShownTip, repeats: str | None, files: Sum | None = None) -> NextStep:
    """Return the next step; `repeats` is the public id of the earlier tip that this one repeats.

    `files` is what is known of the tip's files.
    """
    reading = shown.reading
    if not shown.read and shown.tip.state == State.RECEIVED:
        return NextStep(_("Wait a moment: this report is being read."), waits=True)
    if (reading is None and shown.read) or shown.tip.state == State.UNREADABLE:
        text = _("Look at what was kept, and ask the sender for the report again.")
        return NextStep(text, "#documents", _("What was kept"))
    # A report that repeats another, byte for byte, may have come with another file.
    if repeats and reading is not None and files is not None and files.new:
        return _new_file(reading, files)
    if unfinished := _by_state(shown, repeats):
        return unfinished
    if reading is None:
        return NextStep(_("Read what came."), "#documents", _("What was kept"))
    return _by_files(reading, files) or _by_content(reading)


def _by_state(shown: ShownTip, repeats: str | None) -> NextStep | None:
    tip = shown.tip
    if tip.state == State.OPEN:
        acts = [document.received_at for document in shown.documents]
        acts += [file.item.received_at for file in shown.files]
        lapses = rules.expires_at(tip.opened_at, max(acts, default=tip.opened_at))
        return NextStep(_("Wait: the reporter has not finished this report. It lapses"), until=lapses)
    if tip.state == State.RETRACTED:
        return NextStep(_("Nothing to do: the reporter withdrew this report. What came is kept."))
    if tip.state == State.EXPIRED:
        text = _("Read what came, and ask the reporter if it matters: this report was never finished.")
        return NextStep(text, "#said", _("What came"))
    if repeats:
        text = _("Work on the earlier report: this one repeats it, byte for byte.")
        return NextStep(text, reverse("desk:tip", args=[repeats]), _("Open %(id)s") % {"id": repeats})
    if tip.environment == Environment.TEST:
        return NextStep(_("Nothing to do: this is a test by the reporter. Nothing in it is real."))
    return None


def _by_files(reading: Reading, files: Sum | None) -> NextStep | None:
    if files is not None and files.new:
        return _new_file(reading, files)
    if files is not None and files.reopened_at is not None:
        text = _("Look again: a list took back what it said of a file of this tip.")
        return NextStep(text, "#files", _("Files"))
    return None


def _by_content(reading: Reading) -> NextStep:
    if reading.incident.escalation:
        text = _("Read now why the reporter asks for urgent handling.")
        return NextStep(text, "#urgency", _("The reason"))
    if any(event.port is not None for event in reading.network_events):
        text = _("Look at the network events: operators keep their records for a limited time.")
        return NextStep(text, "#network", _("Network events"))
    if reading.files:
        return NextStep(_("Read what was said, then check the files."), "#files", _("Files"))
    if reading.parties:
        return NextStep(_("Look at who is reported."), "#people", _("People and accounts"))
    text = _("Read what the reporter said: the report names nobody and nothing to follow.")
    return NextStep(text, "#said", _("What was said"))


def _new_file(reading: Reading, files: Sum) -> NextStep:
    """What nobody has come across yet goes first: it may show a child who is abused today."""
    text = ngettext("A file is new to everyone.", "%(n)d files are new to everyone.", files.new) % {"n": files.new}
    if reading.incident.escalation:
        text += " " + _("Read now why the reporter asks for urgent handling.")
        return NextStep(text, "#urgency", _("The reason"))
    text += " " + _("Begin there: it may show a child who is in danger now.")
    return NextStep(text, f"#file-{files.first_new}", _("The file"))
