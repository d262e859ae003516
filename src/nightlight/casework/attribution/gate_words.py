# SPDX-License-Identifier: Apache-2.0
"""Why a request does not go out: the codes of the gate, and the sentence for the officer whose letter it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from nightlight.casework.attribution.time_zones import shown


class Stop(StrEnum):
    """What the gate found wrong, beside the faults of a time (`TimeFault`)."""

    SOURCE_MISSING = "source-missing"
    SOURCE_CHANGED = "source-changed"
    NOT_IN_RECORD = "not-in-record"
    ADDRESS_UNREADABLE = "address-unreadable"
    ADDRESS_DIFFERS = "address-differs"
    ADDRESS_FORM = "address-form"
    PORT_UNREADABLE = "port-unreadable"
    PORT_DIFFERS = "port-differs"
    PORT_NOT_STATED = "port-not-in-source"
    PORT_LEFT_OUT = "port-left-out"
    PORT_NEEDED = "port-needed"
    PORT_STALE = "port-stale"
    LINE_ZONE_MISSING = "line-zone-missing"
    LINE_ZONE_UNKNOWN = "line-zone-unknown"
    LINE_ZONE_OTHER = "line-zone-other"
    LINE_NOT_UTC = "line-not-utc"
    LOCAL_DIFFERS = "local-differs-from-utc"
    LOCAL_OFFSET = "local-offset"
    TIME_DIFFERS = "time-differs"
    WINDOW_EMPTY = "window-empty"
    WINDOW_DIFFERS = "window-differs"
    WINDOW_WIDE = "window-wide"
    SHOWN_DIFFERS = "shown-differs"
    DERIVATION_DIFFERS = "derivation-differs"
    DETECTION_TIME = "detection-time"
    AFTER_RECEIPT = "after-receipt"
    SOURCES_DISAGREE = "sources-disagree"
    OPERATOR_UNKNOWN = "operator-unknown"
    OPERATOR_DIFFERS = "operator-differs"
    OPERATOR_DAY = "operator-of-another-day"
    OPERATOR_PREFIX = "operator-prefix"
    OPERATOR_UNFOUNDED = "operator-unfounded"
    RETENTION_OVER = "retention-over"
    POWER_MISSING = "power-missing"
    APPROVER_MISSING = "approver-missing"
    RANK_UNKNOWN = "rank-unknown"
    RANK_LOW = "rank-low"
    APPROVED_LATER = "approved-in-future"
    CHECKER_MISSING = "checker-missing"
    CHECKER_SAME = "checker-is-drafter"
    LABEL_STALE = "label-of-another-event"
    LABEL_NOT_ASKED = "label-not-asked"
    FORMAT = "format-not-taken"
    CHECK_VALUE = "check-value"
    PROTOCOL = "protocol-unknown"
    SUBJECT_DIFFERS = "subject-differs"


class Care(StrEnum):
    """What does not stop a request, and has to be seen before it is signed."""

    RETENTION_UNKNOWN = "retention-unknown"
    RETENTION_SHORT = "retention-short"
    LABEL_UNKNOWN = "label-unknown"
    LABEL_DISPUTED = "label-disputed"
    SHARING_UNKNOWN = "sharing-unknown"
    CLOCK_UNKNOWN = "clock-unknown"
    ONE_STATEMENT = "one-statement"
    READS_BOTH_WAYS = "reads-both-ways"
    DECLARED_ZONE = "declared-zone"
    NO_BEGINNING = "account-beginning-unknown"
    MINUTE_ONLY = "minute-only"
    NO_SUBJECT = "no-subject"
    ONE_TABLE = "one-table"
    TABLES_DISAGREE = "tables-disagree"


_SENTENCES: dict[StrEnum, str] = {
    Stop.SOURCE_MISSING: "The evidence this line rests on is not named: its place and its digest have to be known.",
    Stop.SOURCE_CHANGED: "The bytes of the evidence are not those that were noted when it came in.",
    Stop.NOT_IN_RECORD: "What is said to stand in the evidence does not stand there.",
    Stop.ADDRESS_UNREADABLE: "The address cannot be read in one way: {extra}.",
    Stop.ADDRESS_DIFFERS: "The address in the line is not the one in the evidence.",
    Stop.ADDRESS_FORM: "The address in the line is not in its one canonical form.",
    Stop.PORT_UNREADABLE: "The port is none: {extra}.",
    Stop.PORT_DIFFERS: "The port in the line is not the one in the evidence.",
    Stop.PORT_NOT_STATED: "The line has a port and the evidence states none.",
    Stop.PORT_LEFT_OUT: "The evidence states a port and the line leaves it out.",
    Stop.PORT_NEEDED: "Many subscribers share this address: without the port the answer is all of them. Ask the "
    "provider for the source port first.",
    Stop.PORT_STALE: "The port was recorded for another time than this event; by then somebody else may have had it.",
    Stop.LINE_ZONE_MISSING: "A time in the line has no zone.",
    Stop.LINE_ZONE_UNKNOWN: "The zone of the line is none by name.",
    Stop.LINE_ZONE_OTHER: "The line shows local times in another zone than the operator reads.",
    Stop.LINE_NOT_UTC: "What stands in the line as UTC is in another zone.",
    Stop.LOCAL_DIFFERS: "The local time and UTC in the line are two different instants{extra}.",
    Stop.LOCAL_OFFSET: "The local time in the line is not what clocks in that zone showed.",
    Stop.TIME_DIFFERS: "The time in the line is not the time in the evidence{extra}.",
    Stop.WINDOW_EMPTY: "The line ends before it begins.",
    Stop.WINDOW_DIFFERS: "The line begins or ends elsewhere than the evidence and the stated clock error say.",
    Stop.WINDOW_WIDE: "The line asks for a longer time than is allowed ({extra}); each minute more names more people.",
    Stop.SHOWN_DIFFERS: "What is printed for the times is not what the line holds.",
    Stop.DERIVATION_DIFFERS: "The printed derivation is not the one the evidence gives.",
    Stop.DETECTION_TIME: "This is the time at which it was noticed, not when the address was used.",
    Stop.AFTER_RECEIPT: "The event would be after the evidence of it came in{extra}.",
    Stop.SOURCES_DISAGREE: "Two places of the evidence give two times for this event{extra}.",
    Stop.OPERATOR_UNKNOWN: "Nobody is known to have held this address at that time, so there is nobody to ask.",
    Stop.OPERATOR_DIFFERS: "The line asks another operator than the one that held the address at that time.",
    Stop.OPERATOR_DAY: "The operator was chosen for another time than that of the event.",
    Stop.OPERATOR_PREFIX: "The address is not inside the prefix the operator was chosen by.",
    Stop.OPERATOR_UNFOUNDED: "The operator was not chosen by network number and prefix.",
    Stop.RETENTION_OVER: "The time for which this operator keeps such records is over{extra}.",
    Stop.POWER_MISSING: "No legal power is recorded for this request.",
    Stop.APPROVER_MISSING: "Nobody is recorded as having approved this request.",
    Stop.RANK_UNKNOWN: "The rank of the approver is not one the law pack knows.",
    Stop.RANK_LOW: "The approver's rank is below the one the law asks for.",
    Stop.APPROVED_LATER: "The approval bears a time that has not come yet.",
    Stop.CHECKER_MISSING: "No second person has compared the line with the evidence.",
    Stop.CHECKER_SAME: "Who drafted the line cannot be its second pair of eyes.",
    Stop.LABEL_STALE: "What the address is was looked up for another address or another time.",
    Stop.LABEL_NOT_ASKED: "An address of this kind ({extra}) leads to no subscriber of the operator.",
    Stop.FORMAT: "The operator does not take requests in this layout.",
    Stop.CHECK_VALUE: "The check value does not belong to what the line holds.",
    Stop.PROTOCOL: "The protocol in the line is none that has ports.",
    Stop.SUBJECT_DIFFERS: "The evidence is of another account than the one this request is about.",
    Care.NO_SUBJECT: "The evidence does not name the account: that it is the right record rests on whoever picked it.",
    Care.ONE_TABLE: "Only one table names the operator: an error in it cannot be seen here.",
    Care.TABLES_DISAGREE: "Another table names another operator ({extra}).",
    Care.RETENTION_UNKNOWN: "How long this operator keeps such records is not known.",
    Care.RETENTION_SHORT: "Fewer than 30 days are left{extra}: have the records preserved first.",
    Care.LABEL_UNKNOWN: "What kind of address this is is not known.",
    Care.LABEL_DISPUTED: "The lists disagree about this address.",
    Care.SHARING_UNKNOWN: "Whether many subscribers share this address is not known, and the line has no port.",
    Care.CLOCK_UNKNOWN: "Nobody has stated how far the clock of the source may have been off.",
    Care.ONE_STATEMENT: "Only one place of the evidence states this time: an error made there cannot be seen here.",
    Care.READS_BOTH_WAYS: "The date could be read in another order: it rests on the declared one alone ({extra}).",
    Care.DECLARED_ZONE: "The evidence writes no zone: the time rests on the declared one alone ({extra}).",
    Care.NO_BEGINNING: "When the account began is not known, so a time before it cannot be seen.",
    Care.MINUTE_ONLY: "The time is known to the minute only.",
}


def sentence(code: StrEnum, extra: str = "") -> str:
    """The sentence of a code; `extra` is the fact that it names, empty where it names none."""
    return _SENTENCES[code].format(extra=extra)


@dataclass(frozen=True, slots=True)
class Block:
    """Something that stops a letter (or, from `cautions`, that has to be seen): both values side by side."""

    code: StrEnum
    field: str
    sentence: str
    source: str = ""
    line: str = ""


def block(code: StrEnum, field: str, source: object = "", line: object = "", extra: str = "") -> Block:
    """A block of one of the codes here, with both values as text."""
    return Block(code, field, sentence(code, extra), text(source), text(line))


def text(value: object) -> str:
    """A value as it stands beside another: a time in UTC, nothing as an empty text."""
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.utcoffset() is None else f"UTC {shown(value.astimezone(UTC))}"
    return "" if value is None else str(value)
