# SPDX-License-Identifier: Apache-2.0
"""The facts of one tip that rules may ask for, each with the places in the report it was read from.

Nothing here reads a name, a postal address, a place, a language or any other trait of a person; a test holds this
module to it. Silence is told apart from a no wherever the sender could have said no.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.pipeline.tips.values import Stated
from nightlight.pipeline.triage.vocabulary import CRISIS, FACTS, ONLY_YES, SEVERE, Value, is_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.pipeline.tips.people import Party
    from nightlight.pipeline.tips.reading import FileReading, InternetDetail, Reading
    from nightlight.pipeline.tips.values import NetworkEvent

PLACES = 8  # kept per fact; a report of ten thousand files needs no more to be believed
_CLOCKS = timedelta(days=1)  # an event later than this from now is a mistake of somebody's clock
_COUNTED = {
    State.KNOWN: "files_known",
    State.NEAR: "files_near",
    State.DISPUTED: "files_disputed",
    State.SEEN: "files_seen",
    State.NEW: "files_new",
    State.UNMEASURED: "files_unmeasured",
}
_NEVER_SENT_BEFORE = frozenset({State.NEW, State.UNMEASURED})
_ON_NO_LIST = frozenset({State.NEW, State.UNMEASURED, State.SEEN})
# What only a camera writes, as EXIF 2.32 names it, without blanks and in lower case. Never where it was taken.
_CAMERA = frozenset(
    {"make", "model", "cameramake", "cameramodel", "cameramodelname", "lensmodel", "datetimeoriginal",
     "bodyserialnumber", "serialnumber", "exposuretime", "makernote"}
)  # fmt: skip
_SECONDS = frozenset({"second", "millisecond", "microsecond", "nanosecond"})
# Addresses inside a network, which say nothing outside of it: RFC 1918, 6598, 3927, 1122, 4193, 4291.
_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "0.0.0.0/8",
        "fc00::/7", "fe80::/10", "::1/128", "::/128",
    )
)  # fmt: skip


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """A place in the report, and a short code for what stands there."""

    place: str
    code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an officer says a fact is; ``place`` names the entry, so that it can be found again."""

    value: Value
    place: str


@dataclass(frozen=True, slots=True)
class Linked:
    """What linking knows of the person in a tip: the highest of each number where a tip reports several people.

    ``found`` counts identifiers by kind (linking's words: phone, email, payment, account, device) on the suspect's
    side and in the tip's own words. ``viral_files`` are the ids of files that very many tips carry.
    """

    tips: int = 1
    providers: int = 1
    span_days: int = 0
    viral_files: frozenset[str] = frozenset()
    found: Mapping[str, int] = field(default_factory=dict)
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Every fact of the vocabulary by name (None: not known), and the places it was read from."""

    values: Mapping[str, Value]
    evidence: Mapping[str, tuple[Evidence, ...]]

    def with_value(self, name: str, value: Value) -> Facts:
        """Return the facts with another value for one of them. Raises ValueError where it may not be that."""
        if name not in FACTS or not is_of(FACTS[name], value):
            raise ValueError(f"{name} may not be {value!r}")
        return Facts({**self.values, name: value}, self.evidence)


class _Said:
    """Collects the facts."""

    __slots__ = ("evidence", "values")

    def __init__(self) -> None:
        self.values: dict[str, Value] = dict.fromkeys(FACTS)
        self.evidence: dict[str, tuple[Evidence, ...]] = {}

    def say(self, name: str, value: Value, places: Iterable[str] = (), code: str = "") -> None:
        self.values[name] = value
        if kept := tuple(Evidence(place, code) for place, _ in zip(places, range(PLACES), strict=False)):
            self.evidence[name] = kept


def facts(
    reading: Reading,
    *,
    file_states: Mapping[str, State] | None,
    linked: Linked | None,
    language: Mapping[str, Sequence[str]] | None,
    officer: Mapping[str, Answer],
    at: datetime,
    received_at: datetime | None = None,
    records_end: Sequence[datetime] = (),
    unread: bool = False,
) -> Facts:
    """Return the facts of one tip as known at `at`.

    `file_states`: by file id; a file that is missing or still being looked up leaves open what rests on it.
    `language`: finding code to the places it was found in (``vocabulary.CRISIS``, and ``ONLY_YES`` in texts about the
    reported person). `officer`: answers by fact name.
    `received_at`: when the report arrived here. `records_end`: when records of operators end, soonest first. `unread`:
    some of the words are in a language that nothing here reads, so that finding nothing in them is no answer. None for
    a whole argument: that step has not run yet.
    Raises ValueError for a time without a zone, an unknown finding, and an answer that no officer may give.
    """
    if at.tzinfo is None or (received_at is not None and received_at.tzinfo is None):
        raise ValueError("the time needs its zone")
    said = _Said()
    suspects = reported_parties(reading)
    _incident(said, reading)
    _children(said, reading, at)
    _annotations(said, reading, linked)
    _looked_up(said, reading, file_states)
    _network(said, reading, suspects, at)
    _contacts(said, reading, suspects, linked)
    _account(said, suspects)
    by_source = reading.received_by_source.utc if reading.received_by_source else None
    said.say("report_received", received_at or by_source)
    coming = (end for end in records_end if end > at)  # what is over has an event after it, until the last one is
    said.say("records_end", next(coming, records_end[-1] if records_end else None))
    if linked is not None:
        for name, number in (("tips", linked.tips), ("providers", linked.providers), ("span_days", linked.span_days)):
            said.say(f"linked_{name}", number, linked.places, "linked")
    _language(said, language, unread=unread)
    _answers(said, officer)
    return Facts(said.values, said.evidence)


def reported_parties(reading: Reading) -> tuple[Party, ...]:
    """The reported people and the accounts that belong to them."""
    reported = {party.source for party in reading.parties if party.role is Role.REPORTED}
    return tuple(
        party
        for party in reading.parties
        if party.role is Role.REPORTED or (party.role is Role.ASSOCIATED and party.belongs_to in reported)
    )


def _incident(said: _Said, reading: Reading) -> None:
    incident = reading.incident
    here = (incident.source,)
    marks = set(incident.annotations)
    said.say("incident_kind", (incident.type.value,), here, "incident-type")
    asked = incident.escalation is not None
    said.say("escalated_by_reporter", asked, here if asked else (), "escalated")
    lured = incident.type is IncidentType.ENTICEMENT
    code = "incident-type" if lured else "annotation:csamSolicitation"
    lured = lured or "csamSolicitation" in marks
    said.say("enticement", lured, here if lured else (), code)
    for name, mark in (
        ("sextortion", "sextortion"),
        ("sadistic_exploitation", "sadisticOnlineExploitation"),
        ("minor_to_minor", "minorToMinorInteraction"),
        ("informational", "informational"),
    ):
        said.say(name, mark in marks, here if mark in marks else (), f"annotation:{mark}")


def _children(said: _Said, reading: Reading, at: datetime) -> None:
    """Whether a child is on the other side; a recipient whose age nobody states may be one."""
    others = [party for party in reading.parties if party.role in (Role.VICTIM, Role.RECIPIENT)]
    day = at.astimezone(UTC).date()
    children = [party for party in others if party.protected_on(day)]
    grown = (person.ages or person.birth_date for party in others for person in party.persons)
    # Somebody without a person's description has no age at all.
    aged = all(grown) and all(party.persons for party in others)
    known = bool(children) or aged
    said.say("child_in_report", bool(children) if known else None, (one.source for one in children), "child")
    reach = [one for one in children if one.phones or one.emails or one.accounts or one.network_events]
    said.say("child_contact", bool(reach), (one.source for one in reach), "contact")
    said.say("reported_people", sum(party.role is Role.REPORTED for party in reading.parties))
    recipients = [party.source for party in others if party.role is Role.RECIPIENT]
    said.say("recipients", len(recipients), recipients, "recipient")
    prior = [text for party in reading.parties if party.role is Role.REPORTED for text in party.prior_reports]
    said.say("prior_reports", len({text.value for text in prior}), (text.source for text in prior), "prior-report")


def _annotations(said: _Said, reading: Reading, linked: Linked | None) -> None:
    """What the senders say of the files, and what is passed around by very many."""
    files = reading.files
    for name, mark in (
        ("live_streaming", "liveStreaming"),
        ("generative_ai", "generativeAi"),
        ("drawing", "animeDrawingVirtualHentai"),
    ):
        marked = [file.source for file in files if mark in file.annotations]
        said.say(name, bool(marked), marked, f"annotation:{mark}")
    spread = linked.viral_files if linked is not None else frozenset()
    batched = "VIRAL" in (reading.incident.batched_reason or "").upper()
    memes = [file for file in files if file.potential_meme or "potentialMeme" in file.annotations]
    viral = [file for file in files if batched or "viral" in file.annotations or file.file_id in spread]
    sources = {file.source for file in (*memes, *viral)}
    every = bool(files) and all(file.source in sources for file in files)
    for name, some, code in (("potential_meme", memes, "meme"), ("viral_share_only", viral, "viral")):
        holds = every and bool(some)
        said.say(name, holds, (file.source for file in some) if holds else (), code)
    viewed = [file.source for file in files if file.viewed_by_esp]
    unviewed = bool(files) and all(file.viewed_by_esp is Stated.NO for file in files)
    said.say("viewed_by_esp", bool(viewed) if viewed or unviewed else None, viewed, "viewed")
    said.say("files", len(files))
    said.say("media_present", any(file.received is not None for file in files))


def _looked_up(said: _Said, reading: Reading, states: Mapping[str, State] | None) -> None:
    """What looking the files up says, and what weighs only in files that are on no list."""
    told = [(file, _state(file, states)) for file in reading.files]
    if states is not None:
        counts = dict.fromkeys(_COUNTED.values(), 0)
        for _, state in told:
            if state is not None:
                counts[_COUNTED[state]] += 1
        pending = any(state is None and file.received is not None for file, state in told)
        for name, count in counts.items():
            # What is still being looked up may add to a count, and a count that is there already stays.
            said.say(name, None if pending and not count else count)
    own: list[FileReading] = []
    maybe_own = maybe_severe = False
    severe: dict[str, str] = {}
    for file, state in told:
        marks = [mark for mark in SEVERE if mark in file.annotations]
        if state in _ON_NO_LIST:
            severe |= {mark: severe.get(mark, file.source) for mark in marks}
        elif state is None:
            maybe_severe = maybe_severe or bool(marks)
        if state is None or state in _NEVER_SENT_BEFORE:
            taken = _by_camera(file)
            if taken and state is not None:
                own.append(file)
            maybe_own = maybe_own or taken is not False
    said.say("new_file_self_taken", True if own else (None if maybe_own else False), (f.source for f in own), "camera")
    found = tuple(mark for mark in SEVERE if mark in severe)
    said.say("severe_unmatched", found if found or not maybe_severe else None, severe.values(), "annotation")


def _state(file: FileReading, states: Mapping[str, State] | None) -> State | None:
    """Where the file stands; None while nobody knows."""
    state = None if states is None or file.file_id is None else states.get(file.file_id)
    return None if state is State.WORKING else state


def _by_camera(file: FileReading) -> bool | None:
    """Whether a camera's own data, or the sender, says that it was taken; None where the sender states no data."""
    if "possibleSelfProduction" in file.annotations:
        return True
    if not file.metadata:
        return None
    return any(pair.value and pair.name.replace(" ", "").lower() in _CAMERA for pair in file.metadata)


def _network(said: _Said, reading: Reading, suspects: Sequence[Party], at: datetime) -> None:
    """What the best address has, best to find a line with; and when there were events."""
    holders: tuple[Party | InternetDetail | FileReading, ...] = (*suspects, *reading.webs, *reading.files)
    events = [event for holder in holders for event in holder.network_events if _outside(event.address)]
    best = max(events, key=lambda event: _worth(event, at), default=None)
    said.say("has_address", best is not None, () if best is None else (best.source,), "address")
    moment = None if best is None else best.moment
    for name, holds in (
        ("has_port", best is not None and _has_port(best)),
        ("has_seconds", moment is not None and moment.precision in _SECONDS),
        ("zone_stated", moment is not None and moment.utc is not None),
    ):
        said.say(name, holds, (best.source,) if holds and best is not None else (), name)
    answers = {Stated.YES: True, Stated.NO: False}
    said.say("possible_proxy", None if best is None else answers.get(best.possible_proxy))
    for name, among in (
        ("newest_event", events),
        ("newest_event_with_port", [event for event in events if _has_port(event)]),
    ):
        times = [(time, event.source) for event in among if (time := _time(event, at))]
        newest, place = max(times, default=(None, ""))
        said.say(name, newest, (place,) if newest else (), "event")


def _worth(event: NetworkEvent, at: datetime) -> tuple[bool, bool, bool, datetime]:
    time = _time(event, at)
    seconds = event.moment is not None and event.moment.precision in _SECONDS
    return time is not None, _has_port(event), seconds, time or datetime.min.replace(tzinfo=UTC)


def _has_port(event: NetworkEvent) -> bool:
    return event.port is not None or event.version == 6


def _time(event: NetworkEvent, at: datetime) -> datetime | None:
    time = None if event.moment is None else event.moment.utc
    return None if time is None or time > at + _CLOCKS else time


@lru_cache(maxsize=8192)
def _outside(address: str | None) -> bool:
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    return not any(parsed.version == inside.version and parsed in inside for inside in _INSIDE)


def _contacts(said: _Said, reading: Reading, suspects: Sequence[Party], linked: Linked | None) -> None:
    """How the reported person can be asked after. What was found in the words counts where the fields have less."""
    found = {} if linked is None else linked.found
    phones = [phone for party in suspects for phone in party.phones]
    holders: tuple[Party | InternetDetail | FileReading, ...] = (*suspects, *reading.webs, *reading.files)
    devices = [device for holder in holders for device in holder.devices]
    for name, kind, stated in (
        ("phones", "phone", [(phone.value, phone.source) for phone in phones]),
        ("emails", "email", [(email.value, email.source) for party in suspects for email in party.emails]),
        (
            "accounts",
            "account",
            [(one.identifier, one.source) for p in suspects for one in p.accounts if one.identifier],
        ),
        ("devices", "device", [(device.value, device.source) for device in devices]),
    ):
        number = len({value for value, _ in stated})
        said.say(name, max(number, found.get(kind, 0)), (source for _, source in stated), kind)
    payments = None if linked is None else found.get("payment", 0)
    said.say("payments", payments)
    verified = [phone.source for phone in phones if phone.verified]
    said.say("phone_verified", bool(verified), verified, "verified")
    # That a place is stated, never which.
    said.say("place_stated", any(party.estimated_location is not None for party in suspects))


def _account(said: _Said, suspects: Sequence[Party]) -> None:
    states = [state for party in suspects for state in party.account_states]
    closed = [state for state in states if state.disabled]
    known = bool(closed) or any(state.disabled is Stated.NO for state in states)
    said.say("account_disabled", bool(closed) if known else None, (state.source for state in closed), "disabled")
    times = [state.disabled_at.utc for state in closed if state.disabled_at and state.disabled_at.utc]
    said.say("account_disabled_at", min(times, default=None))


def _language(said: _Said, language: Mapping[str, Sequence[str]] | None, *, unread: bool) -> None:
    if language is None:
        return
    if unknown := language.keys() - CRISIS.keys() - ONLY_YES.keys():
        raise ValueError(f"{min(unknown)!r} is no finding that a fact answers to")
    for code, name in CRISIS.items():
        found = code in language
        said.say(name, None if unread and not found else found, language.get(code, ()), f"words:{code}")
    for code, name in ONLY_YES.items():
        if code in language:
            said.say(name, True, language[code], f"words:{code}")


def _answers(said: _Said, officer: Mapping[str, Answer]) -> None:
    """An officer's answer stands in place of what was read; what was read stays beside it as evidence."""
    for name, answer in officer.items():
        fact = FACTS.get(name)
        if fact is None or not fact.officer:
            raise ValueError(f"{name} is no fact that an officer answers")
        if not is_of(fact, answer.value):
            raise ValueError(f"{name}: {answer.value!r} is not {fact.type}")
        said.values[name] = answer.value
        said.evidence[name] = (Evidence(answer.place, "officer"), *said.evidence.get(name, ()))
