# SPDX-License-Identifier: Apache-2.0
"""Every identifier in every part of a tip: where it stands, whose it is, when, and whether anybody verified it.

What reporters say about themselves (contact, template, terms, legal page) and about officers is not read, and their
contacts are never a suspect's identifiers, wherever else in the report they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import phonenumbers

from nightlight.pipeline.linking.free_text import spotted
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.normalising import host_name, normalise, service_name
from nightlight.pipeline.linking.rules_data import rules
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.people import Device, Email, Link, Party, Person, Phone
    from nightlight.pipeline.tips.reading import FileReading, InternetDetail, Reading
    from nightlight.pipeline.tips.values import NetworkEvent, Text

_SIDES = {Role.REPORTED: Side.SUSPECT, Role.RECIPIENT: Side.CHILD, Role.VICTIM: Side.CHILD}
_TO_THE_SECOND = frozenset({"second", "millisecond", "microsecond", "nanosecond"})


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in one place of one tip.

    `party` is the index in `reading.parties` of the subject it belongs to, None on the tip's own side; for an
    associated account that is the party it belongs to, while `role` stays associated. `at` is UTC.
    """

    kind: Kind
    value: str
    as_sent: str
    source: str
    side: Side
    role: Role | None
    party: int | None
    at: datetime | None = None
    verified: bool | None = None
    from_text: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of one tip, the node of linking; `party` is the index in `reading.parties`."""

    party: int
    side: Side
    role: Role
    pseudonym: str


def subjects(reading: Reading) -> list[Subject]:
    """The reported people, recipients and victims of a tip; associated accounts belong to one of them."""
    return [
        Subject(index, _SIDES[party.role], party.role, party.pseudonym)
        for index, party in enumerate(reading.parties)
        if party.role in _SIDES
    ]


def found(reading: Reading, *, region: str | None = None, reporter: str | None = None) -> list[Found]:
    """Every identifier in the tip, in the order of its parts, each once for one place and time. Never raises.

    `region` (ISO 3166-1, default from the data) is for telephone numbers without a country. `reporter` is a lasting
    name of whoever filed: the service of accounts whose service is not stated; without it the reporter's own host or
    name in the report is taken.
    """
    finder = _Finder(reading, (region or rules().region).upper(), service_name(reporter) or _realm(reading))
    return list(dict.fromkeys(one for one in finder.everything() if finder.counts(one)))


def attach(reading: Reading, sightings: Sequence[Found]) -> list[tuple[int, Found]]:
    """Each sighting that counts towards a subject, with the index of that subject's party.

    What is on the tip's own side counts towards the reported person only if the tip reports exactly one, and never if
    it is a child's elsewhere in the tip, or stands where several people speak (chat lines), where children are
    described, or where nobody knows what is said (unknown parts).
    """
    reported = [one.party for one in subjects(reading) if one.side is Side.SUSPECT]
    theirs = {(one.kind, one.value) for one in sightings if one.side is Side.CHILD}
    silent = _of_nobody(reading)
    attached: list[tuple[int, Found]] = []
    for one in sightings:
        if one.party is not None:
            attached.append((one.party, one))
        elif len(reported) == 1 and one.source not in silent and (one.kind, one.value) not in theirs:
            attached.append((reported[0], one))
    return attached


def _of_nobody(reading: Reading) -> set[str]:
    """The places whose identifiers may be anybody's."""
    places = {text.source for web in reading.webs for text in web.contents}
    places |= {unknown.path for unknown in reading.unknown}
    owners = _owners(reading)
    for index, party in enumerate(reading.parties):
        if owners[index][0] is not Side.SUSPECT:
            places |= {text.source for text in party.statements}
            places |= {trait.source for person in party.persons for trait in person.traits}
    return places


def _owners(reading: Reading) -> list[tuple[Side, int | None]]:
    """For each party, whose side it is on and the index of the subject it belongs to."""
    by_source = {party.source: index for index, party in enumerate(reading.parties) if party.role in _SIDES}
    owners: list[tuple[Side, int | None]] = []
    for index, party in enumerate(reading.parties):
        owner = index if party.role in _SIDES else by_source.get(party.belongs_to or "")
        owners.append((Side.TIP if owner is None else _SIDES[reading.parties[owner].role], owner))
    return owners


def _realm(reading: Reading) -> str:
    """What names the reporter lastingly: the host of its desk or its legal page, else its name."""
    said = reading.reporter
    people = [person for person in (said.reporting_person, said.contact_person) if person is not None]
    hosts = [email.value.rpartition("@")[2] for person in people for email in person.emails]
    pages = [url.partition("/")[0].partition(":")[0] for url in (_page(said.legal_url),) if url]
    for text in (*hosts, *pages):
        # A desk at a mail provider shares its host with everybody else there.
        if (host := host_name(text)) is not None and host not in rules().providers:
            return host
    return service_name(said.esp_name)


def _page(url: str | None) -> str | None:
    return normalise(Kind.URL, url) if url else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose the identifiers of one part are."""

    side: Side
    role: Role | None
    party: int | None
    region: str
    service: str = ""
    own_account: bool = False


class _Finder:
    """Goes through one reading, part by part."""

    def __init__(self, reading: Reading, region: str, realm: str) -> None:
        self.reading, self.region, self.realm = reading, region, realm
        self.tip = _Place(Side.TIP, None, None, region)
        self.theirs: set[tuple[Kind, str]] = set()
        self.desks = self._desks()

    def everything(self) -> Iterator[Found]:
        reading, owners = self.reading, _owners(self.reading)
        parties = list(zip(reading.parties, owners, strict=True))
        stated = [list(self._party(party, self._place(party, *owner))) for party, owner in parties]
        self.theirs = {(one.kind, one.value) for part in stated for one in part if one.side is Side.CHILD}
        for (party, owner), part in zip(parties, stated, strict=True):
            yield from part
            yield from self._said_of(party, self._place(party, *owner))
        for web in reading.webs:
            yield from self._web(web)
        for file in reading.files:
            yield from self._file(file)
        incident = reading.incident
        yield from self._texts(reading.statements, self.tip)
        yield from self._text(incident.escalation, f"{incident.source}/escalateToHighPriority", self.tip)
        yield from self._text(incident.at_description, f"{incident.source}/incidentDateTimeDescription", self.tip)
        for unknown in reading.unknown:
            if "reporter" not in unknown.path.lower() and "reportingesp" not in unknown.path.lower():
                yield from self._text(unknown.value, unknown.path, self.tip)

    def counts(self, one: Found) -> bool:
        """Whether this is somebody's: a reporter's or an officer's contact is not, unless they are the child."""
        return one.side is Side.CHILD or (one.kind, one.value) not in self.desks

    # Whose it is.

    def _place(self, party: Party, side: Side, owner: int | None) -> _Place:
        stated = next((account.service for account in party.accounts if account.service), None) or party.platform
        associated = party.role is Role.ASSOCIATED
        service = service_name(stated) or ("" if party.platform else self.realm)
        return _Place(side, party.role, owner, self._region(party), service, own_account=not associated)

    def _region(self, party: Party) -> str:
        """Where numbers without a country are from: the one country stated for this party, else the default."""
        stated = {address.country for address in party.addresses}
        stated |= {party.estimated_location.country_code} if party.estimated_location else set()
        countries = {country.strip().upper() for country in stated if country}
        (country,) = countries if len(countries) == 1 else (self.region,)
        return country if country in phonenumbers.SUPPORTED_REGIONS else self.region

    def _desks(self) -> set[tuple[Kind, str]]:
        said, agency = self.reading.reporter, self.reading.law_enforcement
        people = (said.reporting_person, said.contact_person, agency.officer if agency else None)
        stated = [one for person in people if person for one in self._person(person, self.tip)]
        words = (said.company_template, said.terms_of_service, said.legal_url)
        written = [one for text in words for one in self._text(text, said.source, self.tip)]
        return {(one.kind, one.value) for one in (*stated, *written)}

    # The parts.

    def _party(self, party: Party, place: _Place) -> Iterator[Found]:
        """What stands in fields of its own."""
        for person in party.persons:
            yield from self._person(person, place)
        for account in party.accounts:
            yield from self._account(account.identifier, account.service or party.platform, account.source, place)
        for name in party.screen_names:
            yield from self._one(Kind.HANDLE, name.value, name.source, place)
            yield from self._one(Kind.ANY_HANDLE, name.value, name.source, place)
            yield from self._contact_as_name(name.value, name.source, place)
        for link in party.profile_urls:
            profile = list(self._one(Kind.PROFILE_URL, link.url, link.source, place, at=_utc(link)))
            yield from profile or self._one(Kind.URL, link.url, link.source, place, at=_utc(link))
        yield from self._links(party.urls, place)
        yield from self._devices(party.devices, place)
        yield from self._events(party.network_events, place)
        if party.group:
            yield from self._one(Kind.GROUP, party.group, f"{party.source}/groupIdentifier", place)

    def _said_of(self, party: Party, place: _Place) -> Iterator[Found]:
        """What is said of somebody in words. Of a child it may name anybody, so there it is on the tip's side."""
        yield from self._texts(party.display_names, place)
        yield from self._text(party.bio, f"{party.source}/profileBio", place)
        said = place if place.side is Side.SUSPECT else self.tip
        traits = [trait for person in party.persons for trait in person.traits]
        words = [one for trait in traits for one in self._text(f"{trait.name}: {trait.value}", trait.source, said)]
        for one in (*self._texts(party.statements, said), *words):
            # A child's number in a note about the reported person stays the child's.
            child = one.side is Side.SUSPECT and (one.kind, one.value) in self.theirs
            yield replace(one, side=Side.TIP, role=None, party=None) if child else one

    def _person(self, person: Person, place: _Place) -> Iterator[Found]:
        yield from self._emails(person.emails, place)
        yield from self._phones(person.phones, place)

    def _account(self, identifier: str | None, service: str | None, source: str, place: _Place) -> Iterator[Found]:
        if not identifier:
            return
        # Under the reporter's own name too: the same platform states its service in one report and not in the next.
        names = {service_name(service)} | ({self.realm} if place.own_account else set())
        for name in sorted(names - {""}) or [""]:
            yield from self._one(Kind.ACCOUNT, identifier, source, place, service=name)
        yield from self._contact_as_name(identifier, source, place)

    def _contact_as_name(self, text: str, source: str, place: _Place) -> Iterator[Found]:
        """An account or a screen name that is itself an e-mail address or an international telephone number."""
        yield from self._one(Kind.EMAIL, text, source, place)
        if text.strip().startswith("+"):
            yield from self._one(Kind.PHONE, text, source, place)

    def _web(self, web: InternetDetail) -> Iterator[Found]:
        tip = self.tip
        yield from self._links(web.links, tip)
        yield from self._emails(web.emails, tip)
        yield from self._phones(web.phones, tip)
        yield from self._devices(web.devices, tip)
        yield from self._events(web.network_events, tip)
        for named in web.named:
            yield from self._text(f"{named.name}: {named.value}", named.source, tip)
        yield from self._texts((*web.contents, *web.statements), tip)

    def _file(self, file: FileReading) -> Iterator[Found]:
        tip = self.tip
        uploaded = file.uploaded_at.utc if file.uploaded_at else None
        if file.received is not None:
            yield from self._one(Kind.FILE, file.received.sha256, file.source, tip, at=uploaded)
        if file.location:
            url = list(self._one(Kind.URL, file.location, f"{file.source}/locationOfFile", tip, at=uploaded))
            yield from url or self._text(file.location, f"{file.source}/locationOfFile", tip)
        yield from self._links(file.links, tip)
        yield from self._devices(file.devices, tip)
        yield from self._events(file.network_events, tip)
        for pair in file.metadata:
            yield from self._text(f"{pair.name}: {pair.value}", pair.source, tip)
        yield from self._texts(file.statements, tip)

    # What the parts are made of.

    def _emails(self, emails: Iterable[Email], place: _Place) -> Iterator[Found]:
        for email in emails:
            yield from self._one(Kind.EMAIL, email.value, email.source, place, verified=_answer(email.verified))

    def _phones(self, phones: Iterable[Phone], place: _Place) -> Iterator[Found]:
        for phone in phones:
            value = normalise(
                Kind.PHONE,
                phone.value,
                region=place.region,
                calling_code=phone.country_calling_code,
                extension=phone.extension,
            )
            if value is not None:
                yield _found(Kind.PHONE, value, phone.value, phone.source, place, verified=_answer(phone.verified))

    def _links(self, links: Iterable[Link], place: _Place) -> Iterator[Found]:
        for link in links:
            yield from self._one(Kind.URL, link.url, link.source, place, at=_utc(link))

    def _devices(self, devices: Iterable[Device], place: _Place) -> Iterator[Found]:
        for device in devices:
            # Downloads put kinds they have no field for among the devices.
            contact = list(self._contact_as_name(device.value, device.source, place))
            yield from contact or self._one(Kind.DEVICE, device.value, device.source, place, at=_utc(device))

    def _events(self, events: Iterable[NetworkEvent], place: _Place) -> Iterator[Found]:
        for event in events:
            if event.address is None:
                continue
            moment = event.moment
            at = moment.utc if moment else None
            for kind in (Kind.ADDRESS, Kind.NETWORK):
                if value := normalise(kind, event.address):
                    yield _found(kind, value, event.address_as_sent, event.source, place, at=at)
            # An address shared by thousands of subscribers names one of them only with its port and second.
            exact = moment is not None and moment.precision in _TO_THE_SECOND
            if exact and (value := normalise(Kind.ENDPOINT, event.address, port=event.port, at=at)):
                yield _found(Kind.ENDPOINT, value, event.address_as_sent, event.source, place, at=at)

    def _texts(self, texts: Iterable[Text], place: _Place) -> Iterator[Found]:
        for text in texts:
            yield from self._text(text.value, text.source, place)

    def _text(self, text: str | None, source: str, place: _Place) -> Iterator[Found]:
        for one in spotted(text or "", region=place.region):
            yield _found(one.kind, one.value, one.as_sent, source, place, from_text=True)

    def _one(
        self,
        kind: Kind,
        text: str,
        source: str,
        place: _Place,
        *,
        service: str | None = None,
        at: datetime | None = None,
        verified: bool | None = None,
    ) -> Iterator[Found]:
        value = normalise(kind, text, region=place.region, service=place.service if service is None else service)
        if value is not None:
            yield _found(kind, value, text, source, place, at=at, verified=verified)


def _found(
    kind: Kind,
    value: str,
    as_sent: str,
    source: str,
    place: _Place,
    *,
    at: datetime | None = None,
    verified: bool | None = None,
    from_text: bool = False,
) -> Found:
    return Found(kind, value, as_sent, source, place.side, place.role, place.party, at, verified, from_text)


def _answer(stated: Stated) -> bool | None:
    return {Stated.YES: True, Stated.NO: False}.get(stated)


def _utc(seen: Link | Device) -> datetime | None:
    return seen.moment.utc if seen.moment else None
