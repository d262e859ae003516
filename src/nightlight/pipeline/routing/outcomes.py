# SPDX-License-Identifier: Apache-2.0
"""What became of a report, as whoever sent it is told: one list of codes for reporters, partners and installations.

A code and a day, and never who, where or which unit. What each code tells, and why that is not too much, stands in
``docs/exchange/feedback.md``. Pure: no clock, no database, no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """A stable code; once published, it keeps its meaning."""

    RECEIVED = "received"
    IN_PROGRESS = "in-progress"
    PASSED_ON = "passed-on"
    ACTIONED = "actioned"
    LINKED = "linked"
    NO_OFFENCE = "no-offence"
    INSUFFICIENT = "insufficient"
    TOO_LATE = "too-late"
    NOT_THIS_COUNTRY = "not-this-country"
    MISTAKEN = "mistaken"
    DUPLICATE = "duplicate"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected; an ended one can still change, when a report is opened again."""
        return self not in {Outcome.RECEIVED, Outcome.IN_PROGRESS, Outcome.PASSED_ON}

    @property
    def words(self) -> str:
        """The code in plain words, English."""
        return _WORDS[self]


_WORDS = {
    Outcome.RECEIVED: "Received and kept",
    Outcome.IN_PROGRESS: "In progress",
    Outcome.PASSED_ON: "Passed on to another unit or installation",
    Outcome.ACTIONED: "Made into a case",
    Outcome.LINKED: "Worked under another report",
    Outcome.NO_OFFENCE: "No offence under the law that applies",
    Outcome.INSUFFICIENT: "Nothing in it leads to anybody",
    Outcome.TOO_LATE: "The records it would have led to were gone",
    Outcome.NOT_THIS_COUNTRY: "Belongs to another country",
    Outcome.MISTAKEN: "The report was mistaken",
    Outcome.DUPLICATE: "Repeats an earlier report",
    Outcome.RETRACTED: "Taken back by the reporter",
    Outcome.EXPIRED: "Never finished by the reporter",
    Outcome.UNREADABLE: "Could not be read",
}
# The reporter's own doing: it knows already, so nothing of it is ever held back.
OF_STATE = {
    "retracted": Outcome.RETRACTED,
    "expired": Outcome.EXPIRED,
    "unreadable": Outcome.UNREADABLE,
}
OF_DISPOSITION = {
    "referred": Outcome.ACTIONED,
    "linked": Outcome.LINKED,
    "no-offence": Outcome.NO_OFFENCE,
    "cannot-work": Outcome.INSUFFICIENT,
    "evidence-gone": Outcome.TOO_LATE,
    "not-ours": Outcome.NOT_THIS_COUNTRY,
    "false-report": Outcome.MISTAKEN,
}
# These say that police work on somebody: told late, or not at all.
TELLING = frozenset({Outcome.ACTIONED, Outcome.LINKED})
# What a report did not have that would have helped.
LACKS = {
    "no-address": "no network address",
    "no-port": "a network address without its port",
    "no-zone": "a network event whose time has no zone, or no time",
    "no-file": "no file",
    "viewed-not-stated": "a file without saying whether a person viewed it",
    "no-contact": "no e-mail address, telephone number or account of the reported",
}


def code(text: str) -> Outcome | None:
    """Return the outcome with this code, None for a code that is not known here (a newer version's)."""
    return Outcome(text) if text in Outcome._value2member_map_ else None


def of(
    state: str,
    lane: str = "",
    disposition: str = "",
    *,
    handed_on: bool = False,
    repeats: bool = False,
    elsewhere: str = "",
) -> Outcome:
    """Return what became of a report.

    ``state`` is that of the tip, ``lane`` and ``disposition`` those of its triage ("" where it is not in the queue, or
    not closed); ``handed_on`` whether another unit or installation took it over, ``elsewhere`` the code it was told to
    have there, ``repeats`` whether it is the same as an earlier one. An unknown disposition counts as none.
    """
    if state in OF_STATE:
        return OF_STATE[state]
    ended = OF_DISPOSITION.get(disposition) if lane == "closed" else None
    if ended is Outcome.LINKED and repeats:
        return Outcome.DUPLICATE
    if ended is not None and not (ended is Outcome.NOT_THIS_COUNTRY and handed_on):
        return ended
    there = code(elsewhere)
    if there is not None and there.ended:
        return there
    if handed_on or there is not None:
        return Outcome.PASSED_ON
    return Outcome.IN_PROGRESS if lane else Outcome.RECEIVED


@dataclass(frozen=True, slots=True)
class Told:
    """What the reporter is told, and the day on which to look again where time alone may change that."""

    outcome: Outcome
    again_on: date | None = None


def told(
    outcome: Outcome,
    *,
    before: Outcome | None,
    decided_on: date | None,
    today: date,
    held_back: bool,
    actioned_after: int | None,
) -> Told:
    """Return what a reporter is told of an outcome on a day.

    ``before`` is what it was told last, None if nothing: then it hears that the report was received, on the day it
    came. Of ``TELLING`` outcomes it hears ``actioned_after`` days after ``decided_on``, never where that is None. What
    was told stays told while feedback is held back: taking it back would tell more.
    """
    if outcome in OF_STATE.values():
        return Told(outcome)
    if before is None:
        return Told(Outcome.RECEIVED, today + timedelta(days=1))
    unsaid = before if before is not Outcome.RECEIVED else Outcome.IN_PROGRESS
    if held_back:
        return Told(unsaid)
    if outcome in TELLING and outcome is not before:
        due = None if actioned_after is None else (decided_on or today) + timedelta(days=actioned_after)
        if due is None or due > today:
            # Not an earlier ended one: the report was opened again since.
            return Told(Outcome.IN_PROGRESS if unsaid.ended else unsaid, due)
    # From the day after it came every report is in progress, whether or not anybody has looked at it yet.
    return Told(Outcome.IN_PROGRESS if outcome is Outcome.RECEIVED else outcome)
