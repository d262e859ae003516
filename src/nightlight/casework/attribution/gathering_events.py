# SPDX-License-Identifier: Apache-2.0
"""The network events of a report that may lead to whoever is reported, and those that must never be traced as theirs.

Whose an event is follows where it stands: under the reported party (or an account associated with it), under a child or
a recipient, or under a place or a file, of which the report does not say who used it. What a child or a recipient used,
in the same network and in whatever notation, is theirs wherever else it stands under a place or a file; what the
reported used as well waits until somebody says whose it is, as does a file that a child with an account of its own may
have sent. An event under several parts of the report is one event with several sources, unless it could be of several
accounts: then it is of none. Nothing is taken for the time of an event but the time stated with its address: the
report's own time is often that of the detection, the time of an upload that of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import Event, EventKind
from nightlight.casework.attribution.prefixes import networks_of
from nightlight.pipeline.linking.normalising import service_name
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from nightlight.pipeline.tips.people import Device, Party
    from nightlight.pipeline.tips.reading import FileReading, Reading
    from nightlight.pipeline.tips.values import Moment, NetworkEvent

_KINDS = {kind.value: kind for kind in EventKind}
_NOT_THE_OFFENCE = frozenset({EventKind.LOGIN, EventKind.REGISTRATION, EventKind.PURCHASE})
_CONVERSATION = frozenset({IncidentType.ENTICEMENT, IncidentType.UNSOLICITED_MATERIAL})
_SELF_MADE = "possibleSelfProduction"


class Apart(StrEnum):
    """Why an event of a report is not gathered."""

    CHILDS = "childs"  # of a victim or of somebody under eighteen: never traced as the reported
    CHILDS_NETWORK = "childs-network"  # under a place or a file, from the network the child used
    MAYBE_CHILDS = "maybe-childs"  # a child with an account of its own may have sent it
    RECIPIENTS = "recipients"
    RECIPIENTS_NETWORK = "recipients-network"  # under a place or a file, from the network a recipient used
    SHARED_NETWORK = "shared-network"  # under a place or a file, from one that both used
    SEVERAL_REPORTED = "several-reported"  # under a place or a file, and several people are reported
    NOBODYS = "nobodys"  # of an account that belongs to nobody in the report
    NOT_THESE = "not-these"  # of a reported party that was not asked for


@dataclass(frozen=True, slots=True)
class NotGathered:
    """An event that is kept apart; its account and device ties are left empty where it is a child's."""

    event: Event
    why: Apart


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a report has of events.

    `sources`: every place in the report where an event stands, by its key. `stated_at` is the report's own time, as a
    rule that of the detection; `uploads` are the times of upload of reported files, by their place: neither is an
    event's time.
    """

    events: tuple[Event, ...]
    apart: tuple[NotGathered, ...]
    sources: Mapping[str, tuple[str, ...]]
    stated_at: Moment | None
    uploads: tuple[tuple[str, Moment], ...]


def gather(
    reading: Reading,
    *,
    tip: str,
    reporter: str = "",
    day: date | None = None,
    parties: Collection[str] | None = None,
) -> Gathered:
    """The events of the reported people of one report, each once, in the order of its parts. Never raises.

    `tip`: its public id, the first half of each key. `reporter`: who filed it; without it what the report says of
    itself. `day`: whoever is a child then is one, as on the day of the incident. `parties`: places (`Party.source`) of
    the reported people that are meant, None for all of them.
    """
    return _Gatherer(reading, tip, reporter, day, parties).gathered()


class _Gatherer:
    def __init__(
        self, reading: Reading, tip: str, reporter: str, day: date | None, parties: Collection[str] | None
    ) -> None:
        self.reading, self.tip, self.day, self.parties = reading, tip, day, parties
        self.reporter = reporter or reading.reporter.esp_name or reading.incident.platform or ""
        self.owners = {party.source: party for party in reading.parties if party.role is not Role.ASSOCIATED}
        self.children = [party for party in reading.parties if self._is_child(party)]
        apart = [child for child in self.children if self._why_apart(child) is not None]
        self.childs_networks = _networks(event for child in apart for event in child.network_events)
        received = [party for party in reading.parties if self._why_apart(party) is Apart.RECIPIENTS]
        self.recipients_networks = _networks(event for party in received for event in party.network_events)
        self.sources: dict[str, list[str]] = {}
        self.found: dict[tuple[object, ...], list[Event]] = {}
        self.apart: list[NotGathered] = []

    def gathered(self) -> Gathered:
        theirs = self._of_parties()
        self._of_the_rest(_networks(theirs))
        self._join()
        files = [(file.source, file.uploaded_at) for file in self.reading.files if _reported(file)]
        return Gathered(
            events=tuple(event for alike in self.found.values() for event in alike),
            apart=tuple(self.apart),
            sources={key: tuple(dict.fromkeys(places)) for key, places in self.sources.items()},
            stated_at=self.reading.incident.at,
            uploads=tuple((source, at) for source, at in files if at is not None),
        )

    # Whose it is.

    def _owner(self, party: Party) -> Party | None:
        return party if party.role is not Role.ASSOCIATED else self.owners.get(party.belongs_to or "")

    def _is_child(self, party: Party) -> bool:
        for one in (party, self._owner(party)):
            if one is not None and (one.role is Role.VICTIM or one.protected):
                return True
            if one is not None and self.day is not None and one.protected_on(self.day):
                return True
        return False

    def _why_apart(self, party: Party) -> Apart | None:
        owner = self._owner(party)
        if owner is not None and owner.role is Role.REPORTED:
            # A child that is reported itself is still whom the report is about; the pages withhold who it is.
            return None if self.parties is None or owner.source in self.parties else Apart.NOT_THESE
        if self._is_child(party):
            return Apart.CHILDS
        return Apart.NOBODYS if owner is None else Apart.RECIPIENTS

    # The parts.

    def _of_parties(self) -> list[Event]:
        theirs = []
        for party in self.reading.parties:
            why = self._why_apart(party)
            account = "" if why is Apart.CHILDS else self._account(party)
            devices = () if why is Apart.CHILDS else party.devices
            for said in party.network_events:
                event = self._event(said, account=account, devices=devices)
                if why is not None:
                    self._put_apart(event, why)
                    continue
                # A time of upload that is stated with the file itself says which of the party's events it was.
                offence = event.kind is EventKind.UPLOAD and event.utc is not None and event.utc in self._uploaded()
                theirs.append(event)
                self._add(replace(event, offence=offence))
        return theirs

    def _uploaded(self) -> set[object]:
        times = (file.uploaded_at for file in self.reading.files if _reported(file))
        return {at.utc for at in times if at is not None and at.utc is not None}

    def _of_the_rest(self, theirs: frozenset[str]) -> None:
        reported = [party for party in self.reading.parties if party.role is Role.REPORTED]
        meant = [party for party in reported if self.parties is None or party.source in self.parties]
        someone_else = len(meant) != len(reported)
        talks = [child for child in self.children if child.role is not Role.REPORTED and _has_account(child)]
        in_talk = bool(talks) and self.reading.incident.type in _CONVERSATION
        for web in self.reading.webs:
            self._of_place(
                web.network_events, web.devices, theirs, doubtful=in_talk, several=someone_else, offence=True
            )
        for file in self.reading.files:
            doubtful = in_talk or (bool(talks) and _SELF_MADE in file.annotations)
            self._of_place(
                file.network_events,
                file.devices,
                theirs,
                doubtful=doubtful,
                several=someone_else,
                offence=_reported(file),
            )

    def _of_place(
        self,
        events: Sequence[NetworkEvent],
        devices: Sequence[Device],
        theirs: frozenset[str],
        *,
        doubtful: bool,
        several: bool,
        offence: bool,
    ) -> None:
        for said in events:
            event = self._event(said, account="", devices=devices, alone=len(events) == 1)
            event = replace(event, offence=offence and event.kind not in _NOT_THE_OFFENCE)
            networks = networks_of(event.address, event.address_as_sent)
            not_theirs = self._not_theirs(networks)
            if not_theirs is not None:
                self._put_apart(event, Apart.SHARED_NETWORK if networks & theirs else not_theirs)
            elif networks & theirs:
                self._add(event)
            elif several:
                self._put_apart(event, Apart.SEVERAL_REPORTED)
            elif doubtful:
                self._put_apart(event, Apart.MAYBE_CHILDS)
            else:
                self._add(event)

    def _not_theirs(self, networks: frozenset[str]) -> Apart | None:
        if networks & self.childs_networks:
            return Apart.CHILDS_NETWORK
        return Apart.RECIPIENTS_NETWORK if networks & self.recipients_networks else None

    # One event.

    def _event(self, said: NetworkEvent, *, account: str, devices: Sequence[Device], alone: bool = False) -> Event:
        return Event(
            key=f"{self.tip}:{said.source}",
            address_as_sent=said.address_as_sent,
            address=said.address,
            version=said.version,
            moment=said.moment,
            source=said.source,
            kind=_KINDS.get((said.event_name or "").strip().casefold(), EventKind.UNKNOWN),
            port=said.port,
            port_as_sent=said.port_as_sent,
            possible_proxy=said.possible_proxy,
            tip=self.tip,
            reporter=self.reporter,
            account=account,
            device=_device(said, devices, alone=alone),
        )

    def _account(self, party: Party) -> str:
        """The one account of a party ("example-chat: kite77"); of several nobody says which was used."""
        stated = [(one.service, one.identifier) for one in party.accounts if one.identifier]
        names = stated or [(None, name.value) for name in party.screen_names]
        if len(names) != 1 or not names[0][1]:
            return ""
        service = service_name(names[0][0] or party.platform or self.reporter)
        return f"{service}: {names[0][1].strip()}" if service else names[0][1].strip()

    def _put_apart(self, event: Event, why: Apart) -> None:
        self.apart.append(NotGathered(event, why))
        self.sources.setdefault(event.key, []).append(event.source)

    def _add(self, event: Event) -> None:
        moment = event.moment
        when = None if moment is None else moment.utc or moment.as_sent
        self.found.setdefault((event.address or event.address_as_sent, when), []).append(event)
        self.sources.setdefault(event.key, []).append(event.source)

    def _join(self) -> None:
        """Keep each event once: what is alike in address, time, port, kind, account and device is one event.

        What could be one event with two that are not one (a file, of whichever of two accounts) stays by itself.
        """
        for (_address, when), alike in self.found.items():
            if when is None or len(alike) == 1:
                continue
            like = [{at for at, other in enumerate(alike) if _same(event, other)} for event in alike]
            sure = {at for at, places in enumerate(like) if all(places <= like[other] for other in places)}
            joined = []
            for at, places in enumerate(like):
                group = sorted(places & sure) if at in sure else [at]
                if group[0] == at:
                    joined.append(self._one([alike[place] for place in group]))
            alike[:] = joined

    def _one(self, group: Sequence[Event]) -> Event:
        # The one with the port leads, because a letter quotes its source.
        lead = next((event for event in group if event.port), group[0])
        whole = lead
        for event in group:
            if event is not lead:
                whole = _merged(whole, event)
                self.sources[lead.key] += self.sources.pop(event.key, [event.source])
        return whole


def _networks(events: Iterable[Event | NetworkEvent]) -> frozenset[str]:
    return frozenset().union(*(networks_of(event.address, event.address_as_sent) for event in events))


def _same(one: Event, other: Event) -> bool:
    """Whether two events of one address and time may be one; an offence is never a login."""

    def fits(a: object, b: object, silent: object) -> bool:
        return a == b or silent in (a, b)

    offence = any(a.offence and b.kind in _NOT_THE_OFFENCE for a, b in ((one, other), (other, one)))
    return (
        not offence
        and fits(one.port, other.port, None)
        and fits(one.kind, other.kind, EventKind.UNKNOWN)
        and fits(one.account, other.account, "")
        and fits(one.device, other.device, "")
    )


def _merged(first: Event, second: Event) -> Event:
    said = {first.possible_proxy, second.possible_proxy}
    proxy = next((one for one in (Stated.YES, Stated.UNREADABLE, Stated.NO) if one in said), Stated.NOT_STATED)
    return replace(
        first,
        kind=second.kind if first.kind is EventKind.UNKNOWN else first.kind,
        possible_proxy=proxy,
        account=first.account or second.account,
        device=first.device or second.device,
        offence=first.offence or second.offence,
    )


def _device(said: NetworkEvent, devices: Sequence[Device], *, alone: bool) -> str:
    """The device recorded at the same time as the event, or the only one beside the only event of a file."""
    at = None if said.moment is None else said.moment.utc
    same = [one for one in devices if at is not None and one.moment is not None and one.moment.utc == at]
    chosen = same or (list(devices) if alone and all(one.moment is None for one in devices) else [])
    names = list(dict.fromkeys(f"{(one.kind or 'device').strip()}: {one.value.strip()}" for one in chosen))
    return names[0] if len(names) == 1 else ""


def _reported(file: FileReading) -> bool:
    """Whether a file is reported itself; the API takes one without a relevance for reported."""
    return file.relevance is None or file.relevance.strip().casefold() == "reported"


def _has_account(party: Party) -> bool:
    return bool(party.account_count or party.network_events)
