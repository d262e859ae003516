# SPDX-License-Identifier: Apache-2.0
"""A candidate in words that a magistrate can read: what it is, why, what speaks against it, and what it does not say.

The words are "the subscriber to whom the operator's records assign this address". They never say that anybody has done
anything: a line has a household, guests, and a router that may be in the hands of others. Nothing here weighs; it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import (
    STANDING,
    Against,
    Caution,
    Confidence,
    For,
    NothingLeads,
    State,
    WhyApart,
)
from nightlight.casework.attribution.kinds import EventKind, Grade, Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo

    from nightlight.casework.attribution.candidate_kinds import Apart, Candidate, Con
    from nightlight.casework.attribution.kinds import Event

_NAMED = 6

STATES = {
    State.CORROBORATED: "Traceable, corroborated: it can be asked about now, and independent times agree.",
    State.TRACEABLE: "Traceable: it can be asked about now; nothing independent enough agrees yet.",
    State.ASK_FIRST: "Ask the platform first: the records do not say enough for an operator to answer.",
    State.CORROBORATE: "To be corroborated: another event has to point here before anybody is asked about a person.",
    State.UNTRACEABLE: "Untraceable: no record that could answer is expected to exist.",
    State.ORGANISATION: "Leads to an organisation: the operator's records name one. Only its own records can say who "
    "used the line; nobody is named.",
}
BANDS = {
    Confidence.STRONG: "strong: independent times agree and nothing grave speaks against it",
    Confidence.MODERATE: "moderate: one sound time leads there",
    Confidence.WEAK: "weak: it may lead to several people, or something grave speaks against it",
    Confidence.NONE: "none: as it stands it leads to nobody",
}
FOR = {
    For.DAYS: "Used at {n} independent times, on different days at least twelve hours apart.",
    For.PLATFORMS: "Recorded by {n} platforms, each with its own clock.",
    For.ACCOUNTS: "Used by {n} accounts of this cluster.",
    For.SLIP: "{n} of its events lie within half an hour of an anonymised event of the same account or device: the "
    "tunnel was not up, or fell.",
    For.DEVICE: "The device {s} was used here and at {n} other addresses of this cluster.",
    For.HARDWARE: "The hardware address {s} stands in the IPv6 address here and in {n} other networks. It can be "
    "changed by whoever owns the device.",
    For.REGISTRATION: "An account was opened from it.",
    For.BOTH_ENDS: "An account was opened and files were sent from it.",
    For.OFFENCE: "A reported file was sent from it.",
    For.STEADY_PREFIX: "The IPv6 prefix {s} stayed the same at {n} independent times.",
    For.SAME_SITE: "{n} other prefixes of this cluster lie in the same {s}: likely the same line where the operator "
    "delegates so much to one.",
    For.DUAL_STACK: "{n} of its events lie within ten minutes of one over the other version of IP at the same "
    "operator.",
    For.OFF_WORK_HOURS: "{n} of its events lie outside weekdays from nine to six. This counts records; it supports and "
    "decides nothing.",
    For.WORK_HOURS: "{n} of its events lie on weekdays from nine to six. This counts records; it supports and decides "
    "nothing.",
    For.TAKES_TURNS: "On {n} days it was used before or after {s}, and hardly ever at the same time.",
    For.NEEDS_NO_PORT: "It needs no port: the operator gives it to one subscriber at a time.",
}
AGAINST = {
    Against.REPORTER_SAYS_PROXY: "The platform called it a possible proxy {n} times. That is no proof, and "
    "platforms err.",
    Against.SELDOM_SAYS_PROXY: "The platform called it a possible proxy {n} times, and not at three times as many "
    "independent times. Those events count for nothing here.",
    Against.UNRELATED_ACCOUNTS: "{n} accounts of people who are linked to nobody here were seen at it: somebody may "
    "use this home as a proxy without its owner knowing.",
    Against.ROTATES: "Three or more fixed networks were used within an hour: exits in homes change like that, people "
    "do not.",
    Against.LISTED_AT_ANOTHER_TIME: "Within half a year a list named it as an exit, though not at this time.",
    Against.LISTS_DISAGREE: "Lists disagree on what it is.",
    Against.ELSEWHERE_BETWEEN: "Between two uses of it another fixed line was used: two lines at once are two homes, "
    "two people, or one of them is an exit.",
    Against.NO_TIME_OR_ZONE: "{n} of its events have no certain time, because the time or its zone is not stated. They "
    "count for nothing.",
    Against.IN_THE_FUTURE: "{n} of its events lie in the future: a clock was wrong. They count for nothing.",
    Against.GAP: "The address was used in {n} stretches further apart than it is known or taken to stay with one "
    "subscriber. Each is a candidate of its own and may be another subscriber.",
    Against.CHILD_THERE: "The child in the report used the same network.",
    Against.NOT_CHECKED: "No list that covers the time could say whether it was an exit.",
    Against.SHARING_NOT_KNOWN: "Whether the operator shares this address among subscribers is not known, and no port "
    "is stated.",
    Against.HOLDER_NOT_KNOWN: "The operator directory does not know who held it.",
    Against.ORGANISATION: "It belongs to an organisation, and many people use it.",
    Against.KIND_NOT_KNOWN: "Nothing that is loaded says what kind of address it is.",
    Against.ANSWERS_DIFFER: "The operator named another subscriber for {n} events.",
    Against.ANSWER_UNSTABLE: "Within the stated error of the clock {n} answers name more than one subscriber.",
    Against.NO_RECORD: "The operator has no record for {n} events.",
    Against.TIME_LIKELY_WRONG: "{n} answers fit only with another zone or with day and month swapped: probably an "
    "error of the source.",
    Against.OTHER_LINES: "Answers to {n} other independent times lead to other lines of the same kind: at most one of "
    "them is that of whoever is sought, and the others are somebody else's.",
    Against.OTHER_DEVICES: "The devices seen at it are stated in fewer than one in four of the {n} other events here "
    "that state one: somebody else may have used the account from it.",
}
CAUTIONS = {
    Caution.SHARED_WIFI: "Whoever uses the subscriber's Wi-Fi has the same address: guests, neighbours, customers.",
    Caution.HOUSEHOLD: "Others in the household, or who share the flat, use the same line.",
    Caution.ROUTER: "A router or another device of the subscriber may be in the hands of somebody elsewhere.",
    Caution.WHICH_ADDRESS: "The billing address, the address of installation and the address of service may differ. "
    "Only that of installation says where the line ends.",
    Caution.ONE_EVENT_ALONE: "One event alone: not for a warrant.",
    Caution.SECOND_TIME_REQUIRED: "There is a second independent time. It has to be asked as well, and both answers "
    "have to agree.",
    Caution.EACH_EVENT_ASKED: "The address is shared: each event is asked with its own port and second, and each "
    "answer stands for itself.",
    Caution.COMPARED_IN: "IPv6 addresses were compared in the prefix named, not whole.",
    Caution.LISTS_WITHOUT_IPV6: "A list of exits covers the time, but names no IPv6 address, so it could not say "
    "whether this was one. It belongs to a known operator of subscribers' lines, where such exits hardly ever stand.",
}
STANDING_WORDS = tuple(CAUTIONS[one] for one in STANDING)
APART = {
    WhyApart.EXIT: "It was the exit of a tunnel or a machine of somebody else at that time. Whoever lives or works "
    "there has nothing to do with it.",
    WhyApart.EXIT_AT_ANOTHER_TIME: "It was such an exit for another event here, so it leads to nobody's door.",
    WhyApart.NOT_ROUTABLE: "It is not an address on the internet, or it is the platform's own.",
    WhyApart.NO_ADDRESS: "What was sent is no address.",
}
NOTHING = {
    NothingLeads.SOMETHING_LEADS: "",
    NothingLeads.NO_EVENTS: "There are no network events.",
    NothingLeads.ONLY_EXITS: "All events lie at exits of tunnels. None is traced to a subscriber.",
    NothingLeads.ONLY_UNUSABLE: "No event has an address that leads anywhere.",
    NothingLeads.ASK_FOR_PORTS: "Ask the platform for the source port, and for time and zone where they are missing.",
    NothingLeads.TOO_OLD: "The operators' records are expected to be gone.",
    NothingLeads.CORROBORATE: "Nothing is sound enough to ask about. Another event is needed.",
}
_KINDS = {
    EventKind.REGISTRATION: "account opened",
    EventKind.LOGIN: "login",
    EventKind.UPLOAD: "upload",
    EventKind.PURCHASE: "purchase",
    EventKind.OTHER: "other use",
    EventKind.UNKNOWN: "use of a kind not stated",
}
_ADDRESSES = {
    Label.FIXED: "a fixed line",
    Label.FIXED_SHARED: "an address that many fixed lines share",
    Label.MOBILE_SHARED: "an address that many mobile subscribers share",
    Label.MOBILE_IPV6: "a mobile subscriber's IPv6 prefix",
    Label.BUSINESS: "an address of a business",
    Label.EDUCATION: "an address of a school or university",
    Label.SHARED_WIFI: "shared Wi-Fi or a satellite",
    Label.UNKNOWN: "an address of unknown kind",
}
_ASKED = {
    Grade.A: "Its operator can be asked with address and time; one subscriber is expected.",
    Grade.B: "Its operator can be asked with address, source port and time to the second.",
    Grade.C: "The platform has to be asked first, for what the record lacks.",
    Grade.D: "The organisation can be asked; only its own records say who used it.",
    Grade.U: "What it is has to be found out first.",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A candidate in words; `events` and the two lists have one sentence each, the gravest and best first."""

    title: str
    paragraph: str
    contradicting: tuple[str, ...]
    supporting: tuple[str, ...]
    events: tuple[str, ...]
    cautions: tuple[str, ...]


def words(candidate: Candidate, events: Mapping[str, Event], *, zone: tzinfo) -> Words:
    """A candidate in words. `events` by key; a key that is not there is named by itself. `zone` beside UTC."""
    shown = [key for key in candidate.events if key in events]
    numbers = {key: number for number, key in enumerate(candidate.events, 1)}
    return Words(
        title=_title(candidate),
        paragraph=_paragraph(candidate, zone),
        contradicting=tuple(
            _filled(AGAINST[con.why], con.number, con.shown) + _which(con.events, numbers)
            for con in candidate.contradicting
        ),
        supporting=tuple(
            _filled(FOR[pro.why], pro.number, pro.shown) + _which(pro.events, numbers) for pro in candidate.supporting
        ),
        events=tuple(f"{numbers[key]}. {event_words(events[key], zone)}" for key in shown),
        cautions=tuple(CAUTIONS[one] for one in candidate.cautions),
    )


def against(con: Con) -> str:
    """What speaks against a candidate, in words, where its events are not listed."""
    return _filled(AGAINST[con.why], con.number, con.shown)


def apart_words(apart: Apart) -> str:
    """Why an address is not traced, and whether a provider could be asked for its customer."""
    asked = " Its provider can be asked for its own records of a customer, never for this address's owner."
    return f"{apart.target}: {APART[apart.why]}{asked if apart.ask_provider else ''}"


def _title(one: Candidate) -> str:
    ports = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in one.ports[:_NAMED])
    more = "" if len(one.ports) <= _NAMED else f" and {len(one.ports) - _NAMED} more"
    at = f", port {ports}{more}" if ports else ""
    who = one.network or one.operator
    return f"{one.target}{at}{f' ({who})' if who else ''}"


def _paragraph(one: Candidate, zone: tzinfo) -> str:
    count, times = len(one.events), len(one.independent)
    kind = _ADDRESSES.get(one.label, "an address")
    said = [f"{one.target} was {kind}, recorded in {_many(count, 'event')}{_span(one, zone)}."]
    said.append(f"{_ASKED.get(one.grade, '')} {STATES[one.state]}".strip())
    if times:
        platforms = f" from {_many(len(one.platforms), 'platform')}" if one.platforms else ""
        said.append(f"It rests on {_many(times, 'independent time')}{platforms}.")
    else:
        said.append("No time of it counts yet: an answer could not name one subscriber.")
    against = len(one.contradicting)
    has = "has" if against == 1 else "have"
    said.append(
        f"{_many(against, 'reason')} {has} been found against it." if against else "Nothing was found against it."
    )
    said.append(f"The confidence is {BANDS[one.confidence]}.")
    if one.hours_left is not None:
        said.append(f"The operator's records for it are expected to last {one.hours_left / 24:.0f} more days.")
    said.append(
        "An answer names the subscriber to whom the operator's records assign this address. "
        "It does not say who used it."
    )
    return " ".join(said)


def _span(one: Candidate, zone: tzinfo) -> str:
    if one.since is None or one.until is None:
        return " without a certain time"
    if one.since == one.until:
        return f" at {both_clocks(one.since, zone)}"
    return f" between {both_clocks(one.since, zone)} and {both_clocks(one.until, zone)}"


def both_clocks(at: datetime, zone: tzinfo) -> str:
    """A time in UTC and on the clock of `zone`, each with its date, because the dates often differ."""
    local = at.astimezone(zone)
    name = local.tzname() or ""
    offset = f"{local:%z}"
    shown = f"{name} " if name and not name.startswith("UTC") else ""
    return f"{at.astimezone(UTC):%d %b %Y %H:%M:%S} UTC ({local:%d %b %Y %H:%M:%S} {shown}{offset[:3]}:{offset[3:]})"


def event_words(event: Event, zone: tzinfo) -> str:
    """One use of an address in a sentence: when by both clocks, what, from where, and who reported it."""
    at = event.utc
    sent = event.moment.as_sent if event.moment is not None else "not stated"
    when = both_clocks(at, zone) if at is not None else f"time as sent: {sent}, which is no instant in UTC"
    port = f" port {event.port}" if event.port is not None else " without a port"
    parts = [f"{when}: {_KINDS[event.kind]} from {event.address or event.address_as_sent}{port}"]
    parts += [text for text in (event.account, event.device) if text]
    parts.append(f"reported by {event.reporter}" if event.reporter else "")
    parts.append("with a reported file" if event.offence else "")
    return ", ".join(part for part in parts if part) + "."


_ONE = {
    "{n} of its events lie ": "One of its events lies ",
    "{n} of its events have ": "One of its events has ",
    "{n} other prefixes of this cluster lie ": "Another prefix of this cluster lies ",
    "{n} accounts of people who are linked to nobody here were ": "An account of somebody linked to nobody here was ",
    "{n} answers fit ": "One answer fits ",
    "{n} answers name ": "One answer names ",
    "{n} other independent times lead ": "another independent time lead ",
    " {n} times": " once",
    "{n} events": "one event",
    "{n} days": "one day",
    "{n} other addresses": "one other address",
    "{n} other networks": "one other network",
}


def _filled(text: str, number: int, shown: str) -> str:
    if number == 1:
        for many, one in _ONE.items():
            text = text.replace(many, one)
    return text.replace("{n}", str(number)).replace("{s}", shown)


def _which(keys: Iterable[str], numbers: Mapping[str, int]) -> str:
    """The events a reason is about, by their numbers in the list; others by key."""
    named = [str(numbers[key]) if key in numbers else key for key in keys]
    if len(named) >= len(numbers) or not named:
        return ""
    more = "" if len(named) <= _NAMED else f" and {len(named) - _NAMED} more"
    return f" (event {', '.join(named[:_NAMED])}{more})"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
