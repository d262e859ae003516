# SPDX-License-Identifier: Apache-2.0
"""Grades, ways and warnings in words that an officer works by and a magistrate can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.grades import AskFor, Place, Traceability, Warn
from nightlight.casework.attribution.kinds import Grade, Way

if TYPE_CHECKING:
    from enum import StrEnum

GRADES: dict[Grade, tuple[str, str]] = {
    Grade.A: (
        "One subscriber expected",
        "By what is loaded the address is of a kind that one subscriber has at a time, and the time is known to the "
        "second. Where it is not known whether the operator shares addresses, the answer may still be of many.",
    ),
    Grade.B: (
        "One subscriber expected, by the port",
        "Many subscribers shared the address; the recorded port and the second tell which of them it was.",
    ),
    Grade.C: (
        "Something is missing",
        "As it stands, the operator's records would name several people, or none. What is missing is asked of the "
        "provider first.",
    ),
    Grade.D: (
        "Leads to an organisation",
        "The address belongs to a company, a school or a public network. Its own records may tell who it was.",
    ),
    Grade.E: (
        "Leads to a service in between",
        "Whoever used the address was somewhere else, behind a service. The subscriber of the address is not the user.",
    ),
    Grade.F: (
        "A Tor exit at that time",
        "The address passed on the traffic of strangers. Its operator knows nothing of the user: no request is made, "
        "and nobody is visited.",
    ),
    Grade.X: (
        "Not an address of the public network",
        "The address exists inside networks only, or belongs to the platform itself. There is nobody to ask.",
    ),
    Grade.U: (
        "Not known",
        "What kind of address this is could not be told from what is loaded here. A person has to look.",
    ),
}

WAYS: dict[Way, tuple[str, str]] = {
    Way.TRACE: ("Trace now", "What the operator needs is there."),
    Way.ASK_FIRST: (
        "Ask the provider first",
        "Before the operator is asked, the provider has to supply what is missing.",
    ),
    Way.CORROBORATE: ("Corroborate", "By itself this leads to nobody. Keep it beside other events of the same person."),
    Way.UNTRACEABLE: ("Untraceable", "No request is made for this event."),
}

WARNINGS: dict[Warn, str] = {
    Warn.NO_PORT: "No source port: everybody who shared the address would be named.",
    Warn.PORT_OTHER_TIME: "The port was recorded at another time than the event, and is not used for it.",
    Warn.NO_TIME: "No time could be read.",
    Warn.NO_ZONE: "The time zone is not stated: the time may be off by hours, and the day by one.",
    Warn.DAY_ONLY: "Only the day is stated.",
    Warn.MINUTE_ONLY: "The time is stated to the minute only.",
    Warn.FUTURE: "The stated time has not come yet, so it is wrong.",
    Warn.SKEW_UNKNOWN: "How far the provider's clock may have been off is not stated.",
    Warn.RETENTION_UNKNOWN: "How long the operator keeps its records is not known.",
    Warn.RETENTION_RED: "Fewer than 30 days are left: have the records preserved first.",
    Warn.RETENTION_OVER: "The stated time for which such records are kept is over.",
    Warn.NO_SNAPSHOT: "A list has nothing for the time of the event: it neither charges nor clears.",
    Warn.NO_LIST: "No list is loaded that could tell whether the address was a service in between.",
    Warn.LISTED_LATER: "A list names the address only later: that neither charges nor clears.",
    Warn.LISTS_DISAGREE: "The lists disagree about what the address was.",
    Warn.COUNTRIES_DISAGREE: "The tables disagree about the country the address is registered in.",
    Warn.STICKINESS_UNKNOWN: "How long this operator leaves an address with a subscriber is not known, so several "
    "events may narrow the answer little.",
    Warn.MANY_CANDIDATES: "The answer would name many people who have nothing to do with this.",
    Warn.REPORTER_SAYS_PROXY: "The provider marked the address as a possible proxy. That is a hint, no proof.",
    Warn.SHARING_UNKNOWN: "Whether the operator shares addresses among subscribers is not known, and there is no port.",
    Warn.ADDRESS_UNREADABLE: "What was sent as an address is none.",
    Warn.TUNNEL: "The address carries another one inside it; that inner address is the one to ask about.",
}

ASKED: dict[AskFor, str] = {
    AskFor.ADDRESS: "the address, as its records hold it",
    AskFor.PORT: "the source port of the connection",
    AskFor.TIME: "the time of the event, with date and clock",
    AskFor.SECONDS: "the time to the second",
    AskFor.ZONE: "the time zone of its times, best in UTC",
    AskFor.DESTINATION: "the address and port of its own server that was reached",
    AskFor.CUSTOMER: "which customer used the service then",
}


def warned(code: Warn) -> str:
    """The sentence of a warning."""
    return WARNINGS[code]


def asked(codes: tuple[AskFor, ...]) -> str:
    """What is asked for, as it follows "please state": one list in a sentence; empty for nothing."""
    words = [ASKED[code] for code in codes]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def left(hours: float | None) -> str:
    """How long there is, in words: not known, over, hours under three days, else days."""
    if hours is None:
        return "not known"
    if hours <= 0:
        return "over"
    return f"{int(hours)} hours" if hours < 72 else f"{int(hours // 24)} days"


def explained(found: Traceability) -> tuple[str, ...]:
    """A grade as sentences: what it is, what to do, what to ask for, how long there is, and each warning."""
    grade, way = GRADES[found.grade], WAYS[found.way]
    sentences = [f"{found.grade.value}: {grade[0]}. {grade[1]}", f"{way[0]}. {way[1]}"]
    if found.ask_for:
        sentences.append(f"To ask for: {asked(found.ask_for)}.")
    sentences.append(f"Left of the operator's records: {left(found.hours_left)}.")
    return (*sentences, *(WARNINGS[code] for code in found.warnings))


def parts(place: Place) -> tuple[tuple[str, str], ...]:
    """Why an event stands where it stands in the order of work: each part by name."""
    kind = "of the incident itself" if place.event.offence else place.event.kind.value
    clean = "; the only event of its account that leads to a subscriber" if place.only_clean else ""
    return (
        ("Grade", place.traceability.grade.value),
        ("Time left", left(place.traceability.hours_left)),
        ("Event", f"{kind}{clean}"),
        ("Supported by", f"{place.corroboration} independent event{'' if place.corroboration == 1 else 's'}"),
    )


def unworded() -> set[StrEnum]:
    """The codes that have no words; empty unless somebody added a code and forgot them."""
    every: set[StrEnum] = {*Grade, *Way, *Warn, *AskFor}
    return every - {*GRADES, *WAYS, *WARNINGS, *ASKED}
