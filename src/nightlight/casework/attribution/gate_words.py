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
    SEVERAL_ADDRESSES = "several-addresses"
    SEVERAL_VALUES = "several-values"
    BESIDE_THE_TIME = "beside-the-time"
    PROTOCOL_DIFFERS = "protocol-differs"
    FACT_ZONE_MISSING = "fact-without-zone"
    CLOCK_UNSTATED = "clock-error-unstated"
    CLOCK_FAR = "clock-error-too-great"
    CLOCK_LIKE_ZONE = "clock-error-like-a-zone"
    OPERATOR_CHANGES = "operator-changes-in-window"
    POWER_OTHER = "power-for-another-purpose"
    PLATFORM_PURPOSE = "platform-asked-for-a-person"
    NOT_A_SERVICE = "holder-is-no-service"
    NO_CUSTOMER = "no-service-in-between"


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
    IN_PROSE = "in-running-text"
    PORT_UNREADABLE = "port-unreadable"
    PORT_OTHER_TIME = "port-of-another-time"
    PROTOCOL_UNREADABLE = "protocol-unreadable"
    CLOCK_AHEAD = "clock-ahead"
    STATEMENTS_APART = "statements-apart"
    RETENTION_PAST_DUTY = "retention-past-duty"
    RETENTION_SAID_SHORTER = "retention-said-shorter"
    LISTED_BEFORE = "listed-before"
    LISTED_LATER = "listed-later"
    NOT_COVERED = "list-not-covering"
    NO_LIST = "no-list"
    REPORTER_SAYS = "reporter-says-proxy"
    NEAR_CHANGE = "operator-near-change"


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
    Stop.SEVERAL_ADDRESSES: "The record holds more than one address, and nobody says in which column this one stands.",
    Stop.SEVERAL_VALUES: "The record holds other values that could be meant, and nobody says in which column this one "
    "stands.",
    Stop.BESIDE_THE_TIME: "Beside the time the record writes a half of the day or a zone, and with it the time is "
    "another one.",
    Stop.PROTOCOL_DIFFERS: "The protocol in the line is not the one in the evidence.",
    Stop.FACT_ZONE_MISSING: "A time that is known around the line has no zone, so nothing can be compared with it.",
    Stop.CLOCK_UNSTATED: "The clock is said to have run ahead or behind, and nobody is named who states it.",
    Stop.CLOCK_FAR: "The clock is said to have been off by more than a letter may rest on ({extra}). Have whoever "
    "keeps it state the right time of the event.",
    Stop.CLOCK_LIKE_ZONE: "The clock is said to have been off by quarters of an hour, as two zones are apart: state "
    "the zone instead.",
    Stop.OPERATOR_CHANGES: "The time asked for reaches into days on which somebody else held the address.",
    Stop.POWER_OTHER: "The power does not reach what this line asks for.",
    Stop.PLATFORM_PURPOSE: "Who recorded the event is asked for its particulars, and not for a person.",
    Stop.NOT_A_SERVICE: "The address was a service in between ({extra}), and the addressee is not known to run one: "
    "its subscriber would be somebody whose line was used by others.",
    Stop.NO_CUSTOMER: "The address is not known to be a service in between, so there is no customer of one to ask for.",
    Care.IN_PROSE: "This stands in running text, not in a cell of its own: compare it with the whole sentence.",
    Care.PORT_UNREADABLE: "What the evidence gives as the port is none ({extra}); the line is asked without a port.",
    Care.PORT_OTHER_TIME: "The port in the evidence is of another time, and is not asked about.",
    Care.PROTOCOL_UNREADABLE: "What the evidence gives as the protocol is not TCP or UDP; the line names none.",
    Care.CLOCK_AHEAD: "The time asked for is not the one in the evidence: it is moved by a stated error of its clock "
    "({extra}).",
    Care.STATEMENTS_APART: "Another place of the evidence states a time outside the time asked for{extra}.",
    Care.RETENTION_PAST_DUTY: "The time for which the law makes such records be kept is over{extra}. They may still be "
    "there.",
    Care.RETENTION_SAID_SHORTER: "The operator says that it keeps such records for a shorter time than it has to: ask "
    "at once.",
    Care.LISTED_BEFORE: "The address was on a list of services in between before that time ({extra}).",
    Care.LISTED_LATER: "The address was on a list of services in between only later ({extra}): no verdict, and no "
    "clearance.",
    Care.NOT_COVERED: "A list of services in between has nothing for that time ({extra}): it clears nobody.",
    Care.NO_LIST: "No list is loaded that could tell whether the address was a service in between ({extra}).",
    Care.REPORTER_SAYS: "Whoever reported it says that the address may be a proxy.",
    Care.NEAR_CHANGE: "The block changed hands within a day of the event: {extra}.",
    Care.NO_SUBJECT: "The evidence does not name the account: that it is the right record rests on whoever picked it.",
    Care.ONE_TABLE: "Only one table names the operator: an error in it cannot be seen here.",
    Care.TABLES_DISAGREE: "Another table names another operator ({extra}).",
    Care.RETENTION_UNKNOWN: "How long this operator keeps such records is not known.",
    Care.RETENTION_SHORT: "Fewer than 30 days are left{extra}: have the records preserved first.",
    Care.LABEL_UNKNOWN: "What kind of address this is is not known.",
    Care.LABEL_DISPUTED: "The lists disagree about this address.",
    Care.SHARING_UNKNOWN: "Whether many subscribers share this address is not known, and the line has no port.",
    Care.CLOCK_UNKNOWN: "Nobody has stated how far the clock of the source may have been off.",
    Care.ONE_STATEMENT: "Nobody else states this time: an error of whoever wrote the evidence cannot be seen here.",
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
