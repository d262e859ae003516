# SPDX-License-Identifier: Apache-2.0
"""Words for what a return answers. An answer names the subscriber of a line at a time, never who did something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.answers import Certainty, Gap, Mark, Trial
from nightlight.casework.attribution.returns.corroborating import Against, Band, Doubt
from nightlight.casework.attribution.returns.proposing import Asked as AskedOfLayout
from nightlight.casework.attribution.returns.rows import text_of
from nightlight.casework.attribution.times import pair

if TYPE_CHECKING:
    from nightlight.casework.attribution.returns.answers import Answer, Disclosure
    from nightlight.casework.attribution.returns.corroborating import Corroboration

from datetime import UTC, datetime

WHO = "the subscriber to whom the operator's records assign this address at this time"
INSIDE = "the address inside the operator's network for which this address stood at this time"
ALWAYS = (
    "A subscriber is not a person who did something: others share the line, the Wi-Fi or the router, and a router can "
    "be used from outside. An address for bills is not where the line ends."
)
CERTAINTIES = {
    Certainty.STABLE: "One subscriber, and the same one when the clocks are a little wrong.",
    Certainty.AMBIGUOUS: "More than one subscriber, or one that depends on the clock or on rows that could not be "
    "read: all are listed.",
    Certainty.NONE: "No row of this return answers the event as it is stated.",
}
GAPS = {
    Gap.ADDRESS_NOT_IN_LOG: "The return has no row of this address at all.",
    Gap.NO_ROWS_AT_THE_TIME: "The return has rows of this address, but none at the time.",
    Gap.ROWS_REFUSED: "The return has rows that may be of this address and time, and they could not be read.",
    Gap.PORT_NOT_IN_LOG: "The return has rows of this address at the time, but none for the port.",
}
PROBABLE_ERRORS = {
    Trial.ZONE: "A row fits if India's time was taken for UTC, or UTC for India's.",
    Trial.HOUR: "A row fits if the time is an hour off, as it is when summer time is taken wrongly.",
    Trial.DAY_MONTH: "A row fits if day and month were changed round.",
}
ASK_THE_SOURCE = (
    "This is a probable error of the source, not an answer. Ask whoever stated the time; nobody may be named until "
    "they have corrected it."
)
MARKS = {
    Mark.NO_PORT: "The event has no port: everybody who shared the address is in the answer.",
    Mark.PORTS_NOT_STATED: "The operator's rows say nothing of ports, so the port decided nothing.",
    Mark.CLOCK_NOT_STATED: "Nobody has stated how exact the two clocks are. A minute either way was tried.",
    Mark.ADDRESS_TYPE_UNKNOWN: (
        "The operator does not say whether the postal address is for bills, of the installation or of service. It has "
        "to be asked before anybody goes there."
    ),
    Mark.NO_POSTAL_ADDRESS: "The return gives no postal address for this subscriber.",
    Mark.INSIDE_ONLY: "The rows name an address inside the operator's network: whose it was has to be asked.",
    Mark.BY_PREFIX: "The operator names the prefix that was delegated, not the single address.",
    Mark.GIVEN_TWICE: (
        "The return gives the same port at the same time to two subscribers. A row is wrong, or the rows leave out "
        "what tells two connections apart: protocol and destination."
    ),
    Mark.BY_DESTINATION: (
        "The rows differ in protocol or destination, and several subscribers used this port. Which connection it was "
        "has to be known before one of them can be named."
    ),
    Mark.ROWS_REFUSED: (
        "The return has rows that could not be read and may be of this address, port and time. They may name somebody "
        "else. Ask the operator for them again."
    ),
    Mark.CUT_OFF: (
        "The row is the last of its file, and the file ends in the middle of a line: the name in it may be part of a "
        "longer one. Ask the operator for the file again."
    ),
    Mark.MANY: "This is a list of candidates. Most of them have nothing to do with it.",
}
BANDS = {
    Band.STRONG: "Strong: independent days agree, nothing speaks against it, and chance hardly explains it.",
    Band.MODERATE: "Moderate: a stable match, and not as many to all other lines of its kind. Before a warrant a "
    "second independent time is needed that nothing speaks against.",
    Band.WEAK: "Weak: only lists of candidates, or as many times lead to other lines of its kind, or it leads to "
    "an organisation.",
    Band.NONE: "None.",
}
CONTRADICTIONS = {
    Against.OTHER_SUBSCRIBER: "For this event the same operator names somebody else.",
    Against.GIVEN_TWICE: "For this event the operator gave the same port to somebody else too.",
    Against.PROBABLE_ERROR: "This event fits only if its time was taken wrongly.",
    Against.OTHER_LINES: "From this event on, other independent times lead to a line of the same kind that is somebody "
    "else's, at another operator.",
    Against.ORGANISATION: "The records name an organisation here. Only its own records can say who used the line.",
}
DOUBTS = {
    Doubt.POOL_UNKNOWN: "How many subscribers share the pool is not known, so chance cannot be reckoned.",
    Doubt.STICKINESS_UNKNOWN: "Whether subscribers keep an address over days is not known; if so, the days prove less.",
    Doubt.STICKY: "Subscribers keep their address here, so events of this pool count as one.",
    Doubt.ONE_DAY: "All events are of one day.",
}
LAYOUT_QUESTIONS = {
    AskedOfLayout.DATE_ORDER: "In which order does this operator write dates?",
    AskedOfLayout.ZONE: "In which zone are the times? (Asia/Kolkata, UTC, or written in each time)",
    AskedOfLayout.ADDRESS: "Which column is the public address?",
    AskedOfLayout.SUBSCRIBER: "Which column says who the subscriber is?",
    AskedOfLayout.POSTAL: "Which kind of postal address is this: for bills, of the installation, or of service?",
    AskedOfLayout.OPEN_END: "What does an empty end mean?",
}


def derivation(answer: Answer, source: str, zone: str = "Asia/Kolkata") -> tuple[str, ...]:
    """How an answer came about, line by line, for a case file: what was asked, what was found, in which rows."""
    asked = answer.asked
    port = "no port" if asked.port is None else f"port {asked.port}"
    both = pair(datetime.fromtimestamp(asked.at, UTC), zone)
    clock = "not stated" if asked.clock_error is None else f"{asked.clock_error} s"
    lines = [
        f"Asked: {text_of(asked.address)}, {port}.",
        *both.steps,
        f"Clock error: {clock}.",
        f"Looked for in: {source}.",
    ]
    lines.append(CERTAINTIES[answer.certainty])
    for named in answer.named:
        rows = ", ".join(str(row.number) for row in named.rows)
        when = "" if named.at_stated_time else ", only when a clock is a little wrong"
        who = INSIDE if Mark.INSIDE_ONLY in answer.marks else WHO
        lines.append(f"{named.subscriber}: {who}{when} (line {rows}).")
    if answer.gap is not None:
        lines.append(GAPS[answer.gap])
    if answer.refused:
        lines.append(f"Not read, and perhaps of this event: line {', '.join(map(str, answer.refused))}.")
    if answer.gap_from is not None or answer.gap_until is not None:
        ends = [
            ("no earlier row" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC")
            for at in (answer.gap_from, answer.gap_until)
        ]
        lines.append(f"Gap in the log for this address: from {ends[0]} until {ends[1].replace('earlier', 'later')}.")
    for error in answer.probable_errors:
        moved = f"{datetime.fromtimestamp(error.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"{PROBABLE_ERRORS[error.trial]} It would then be {moved}. {ASK_THE_SOURCE}")
    lines += [MARKS[mark] for mark in answer.marks]
    return (*lines, ALWAYS)


def disclosed(counted: Disclosure) -> str:
    """How many people a return disclosed."""
    people = f"{counted.people:,}" if counted.exact else f"at least {counted.people:,}"
    beyond = f"Beyond what was needed: {counted.beyond:,}."
    return f"People named in this return: {people}. In answers: {counted.listed:,}. {beyond}"


def corroboration_lines(found: Corroboration) -> tuple[str, ...]:
    """What is said of a subscriber, contradictions first."""
    lines = [f"Against ({one.key}): {CONTRADICTIONS[one.against]}" for one in found.contradictions]
    chance = found.expected_coincidences
    lines.append(
        f"{BANDS[found.band]} Independent events: {len(found.independent)}, on {found.days} days that lead there alone."
    )
    lines.append(
        "Expected by chance: not known." if chance is None else f"Expected by chance: {chance:.2g} subscribers."
    )
    return (*lines, *(DOUBTS[doubt] for doubt in found.doubts), ALWAYS)
