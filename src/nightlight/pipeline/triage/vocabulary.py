# SPDX-License-Identifier: Apache-2.0
"""The closed table of facts that rules may ask for: what each is called, of which type it is, where it is read from.

A rule can ask for nothing else. Who somebody is (name, religion, caste, language) and where somebody lives are not in
the table. That a place is stated at all is, because it helps to find a child; how urgent a tip is cannot rest on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nightlight.pipeline.tips.reading import IncidentType

Value = bool | int | datetime | tuple[str, ...] | None
"""A fact's value; None: not known. A fact in hours is kept as the moment the hours are counted from."""


class Type(StrEnum):
    """What a fact may be, apart from unknown."""

    FLAG = "yes or no"
    NUMBER = "whole number"
    HOURS = "hours"  # since a moment; below zero while the moment is still to come
    CODES = "set of codes"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. ``label`` says what a yes means, or what is counted.

    ``open`` facts may be unknown. ``officer``: an officer's answer stands in place of what was read. ``harm``: how
    urgent a tip is may rest on it. ``codes``: the only codes that a set may hold.
    """

    name: str
    type: Type
    label: str
    read_from: str
    open: bool = False
    officer: bool = False
    harm: bool = True
    codes: frozenset[str] = frozenset()


SEVERE = ("infant", "physicalHarm", "bestiality")
"""File annotations of the Reporting API that make a file on no list weigh more (its own spelling)."""

CRISIS = {"self-harm": "self_harm_stated", "meeting": "meeting_arranged", "abuse-now": "abuse_in_progress"}
"""Which fact each finding in the words of a tip answers."""

ONLY_YES = {"access": "access_to_children"}
"""Which fact a finding in what is written about the reported person answers with yes. Finding nothing says nothing."""

_OFFICER = "an officer's answer"
_ANNOTATIONS = "annotations of the report"
_FILE_ANNOTATIONS = "annotations of the files"
_LOOKED_UP = "looking the files up"
_WORDS = "the words of the tip, or an officer who read them"
_ABOUT = "what is written about the reported person, or an officer's answer"
_EVENTS = "network events of reported people, places on the internet and files"
_CONTACTS = "contacts stated for reported people, and identifiers found in the words of the tip"
_LINKS = "other tips that share an identifier"

_FLAG, _NUMBER, _HOURS, _CODES = Type.FLAG, Type.NUMBER, Type.HOURS, Type.CODES

_TABLE = (
    Fact("escalated_by_reporter", _FLAG, "The reporter asks for high priority", "the report's request for priority"),
    Fact("live_streaming", _FLAG, "The report speaks of a live stream", _FILE_ANNOTATIONS, officer=True),
    Fact("meeting_arranged", _FLAG, "A meeting with a child is being arranged", _WORDS, open=True, officer=True),
    Fact(
        "self_harm_stated", _FLAG, "Somebody writes of harming or killing themselves", _WORDS, open=True, officer=True
    ),
    Fact("abuse_in_progress", _FLAG, "Abuse is said to be going on now", _WORDS, open=True, officer=True),
    Fact("same_home", _FLAG, "The reported person lives with the child", _OFFICER, open=True, officer=True),
    Fact(
        "incident_kind",
        _CODES,
        "The kind of incident",
        "the incident type",
        codes=frozenset(kind.value for kind in IncidentType),
    ),
    Fact("enticement", _FLAG, "A child is lured or solicited", f"the incident type and {_ANNOTATIONS}"),
    Fact("sextortion", _FLAG, "The report says that a child is extorted", _ANNOTATIONS),
    Fact("sadistic_exploitation", _FLAG, "The report says that a child is driven to harm", _ANNOTATIONS),
    Fact("minor_to_minor", _FLAG, "The report says that both sides are children", _ANNOTATIONS),
    Fact("informational", _FLAG, "The sender calls the report informational", _ANNOTATIONS),
    Fact(
        "child_in_report",
        _FLAG,
        "A child is described in the report",
        "victims and recipients",
        open=True,
        officer=True,
    ),
    Fact("child_contact", _FLAG, "The child can be reached through what is stated", "contacts of victims, recipients"),
    Fact("reported_people", _NUMBER, "People reported", "reported people"),
    Fact("recipients", _NUMBER, "Recipients", "recipients"),
    Fact("prior_reports", _NUMBER, "Earlier reports that the sender names", "reported people"),
    Fact("files", _NUMBER, "Files", "the files of the report"),
    Fact("media_present", _FLAG, "At least one file arrived", "the files received"),
    Fact("files_known", _NUMBER, "Files on a list, byte for byte", _LOOKED_UP, open=True),
    Fact("files_near", _NUMBER, "Files nearly like a known one", _LOOKED_UP, open=True),
    Fact("files_disputed", _NUMBER, "Files about which lists contradict each other", _LOOKED_UP, open=True),
    Fact("files_seen", _NUMBER, "Files on no list that came before", _LOOKED_UP, open=True),
    Fact("files_new", _NUMBER, "Files on no list that nobody has sent before", _LOOKED_UP, open=True),
    Fact("files_unmeasured", _NUMBER, "Files on no list that no fingerprint could be made of", _LOOKED_UP, open=True),
    Fact(
        "new_file_self_taken",
        _FLAG,
        "A file on no list looks as if it was made by somebody in this tip",
        "camera data of files, their annotations, and looking them up",
        open=True,
        officer=True,
    ),
    Fact(
        "severe_unmatched",
        _CODES,
        "Severe annotations of files on no list",
        f"{_FILE_ANNOTATIONS}, and looking them up",
        open=True,
        codes=frozenset(SEVERE),
    ),
    Fact("potential_meme", _FLAG, "Every file is called a meme or viral, one at least a meme", _FILE_ANNOTATIONS),
    Fact(
        "viral_share_only",
        _FLAG,
        "Every file is one that very many people pass around",
        f"{_FILE_ANNOTATIONS}, and files in a viral group",
    ),
    Fact("generative_ai", _FLAG, "A file is said to be made by a machine", _FILE_ANNOTATIONS),
    Fact("drawing", _FLAG, "A file is said to be drawn", _FILE_ANNOTATIONS),
    Fact("viewed_by_esp", _FLAG, "A person at the provider viewed a whole file", "the file descriptions", open=True),
    Fact(
        "prior_record",
        _FLAG,
        "Somebody behind a linked identity was accused of or sentenced for an offence against a child",
        _OFFICER,
        open=True,
        officer=True,
    ),
    Fact("access_to_children", _FLAG, "The reported person has access to children", _ABOUT, open=True, officer=True),
    Fact("violence_record", _FLAG, "Any other record: violence, substances", _OFFICER, open=True, officer=True),
    Fact("group_admin", _FLAG, "The reported person runs a group", _OFFICER, open=True, officer=True),
    Fact("linked_tips", _NUMBER, "Tips about the same person, this one counted", _LINKS, open=True),
    Fact("linked_providers", _NUMBER, "Providers that reported the same person", _LINKS, open=True),
    Fact("linked_span_days", _NUMBER, "Days between the first and the last tip about the person", _LINKS, open=True),
    Fact("has_address", _FLAG, "A network address is stated that is seen from outside", _EVENTS),
    Fact("has_port", _FLAG, "The best address has its port, or needs none (IPv6)", _EVENTS),
    Fact("has_seconds", _FLAG, "The best address has its time to the second", _EVENTS),
    Fact("zone_stated", _FLAG, "The time of the best address has its zone", _EVENTS),
    Fact("possible_proxy", _FLAG, "The best address may be a proxy", _EVENTS, open=True, harm=False),
    Fact("newest_event", _HOURS, "Hours since the newest network event", _EVENTS, open=True),
    Fact("newest_event_with_port", _HOURS, "Hours since the newest event that has a port", _EVENTS, open=True),
    Fact(
        "records_end",
        _HOURS,
        "Until when operators keep the first records that would answer",
        "the lists of addresses and what is known of operators",
        open=True,
        harm=False,
    ),
    Fact("report_received", _HOURS, "Hours since the report was received", "the receipt", open=True),
    Fact("phones", _NUMBER, "Telephone numbers", _CONTACTS),
    Fact("phone_verified", _FLAG, "A telephone number that the provider verified", _CONTACTS),
    Fact("emails", _NUMBER, "E-mail addresses", _CONTACTS),
    Fact("payments", _NUMBER, "Payment addresses (UPI)", "identifiers found in the words of the tip", open=True),
    Fact("accounts", _NUMBER, "Accounts by identifier", _CONTACTS),
    Fact("devices", _NUMBER, "Device identifiers", _CONTACTS),
    Fact("place_stated", _FLAG, "The sender estimates where the account is used", "whether it is stated", harm=False),
    Fact("account_disabled", _FLAG, "The provider has closed the account", "account states", open=True),
    Fact("account_disabled_at", _HOURS, "Hours since the account was closed", "account states", open=True),
    Fact(
        "preserved_until", _HOURS, "Until when the provider said it keeps the data", _OFFICER, open=True, officer=True
    ),
)

FACTS = {fact.name: fact for fact in _TABLE}

NEVER = frozenset(
    {
        "name", "names", "surname", "religion", "religious", "caste", "tribe", "community", "ethnicity", "race",
        "gender", "language", "languages", "mothertongue", "nationality", "country", "state", "city", "town",
        "village", "district", "region", "locality", "postal", "postcode", "pincode", "zip", "street", "location",
        "place", "school",
    }
)  # fmt: skip
"""Words in the name of a fact that are refused with their own reason: no rule may ask for these."""


def is_of(fact: Fact, value: Value) -> bool:
    """Whether this value may stand for the fact; None only where the fact may be unknown."""
    if value is None:
        return fact.open
    if fact.type is Type.FLAG:
        return isinstance(value, bool)
    if fact.type is Type.NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if fact.type is Type.HOURS:
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, tuple) and fact.codes.issuperset(value)
