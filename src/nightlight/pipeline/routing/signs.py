# SPDX-License-Identifier: Apache-2.0
"""Every sign in a report of where it belongs, whose it is, and where in the report it stands.

Read are network addresses at the time they were used, telephone numbers, postal addresses, estimated locations and
payment handles. Never read are names of people, languages (an officer may add one as a hint), religion and caste, and
whatever the reporter says of its own staff and of officers. A page may show `shown`: never a street, a whole number or
an address on the network, and nothing at all of a protected party.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.normalising import normalise
from nightlight.pipeline.routing.gazetteer import Place, postal_code
from nightlight.pipeline.routing.money import payments
from nightlight.pipeline.routing.sign_kinds import (
    KINDS,
    MARKS,
    OFFICER_KINDS,
    WHOSE,
    Mark,
    Sign,
    SignKind,
    Whose,
    name_of,
    signs_for,
)
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from nightlight.pipeline.routing.gazetteer import Gazetteer
    from nightlight.pipeline.routing.geofeed import NetworkPlace, NetworkPlaces
    from nightlight.pipeline.tips.people import Address, EstimatedLocation, Party, Person, Phone
    from nightlight.pipeline.tips.reading import Reading
    from nightlight.pipeline.tips.values import Moment, NetworkEvent

__all__ = [
    "KINDS",
    "MARKS",
    "OFFICER_KINDS",
    "WHOSE",
    "Mark",
    "Sign",
    "SignKind",
    "Whose",
    "name_of",
    "officer_signs",
    "read",
]

MOST_EVENTS = 2_000
"""Network events looked at in one tip, the newest of each holder first; ten thousand of one account say no more."""


def read(
    reading: Reading, *, gazetteer: Gazetteer, network: NetworkPlaces, day: date | None = None
) -> tuple[Sign, ...]:
    """Every sign in the report, in the order of its parts, the same thing of the same party once. Never raises.

    `day`: a day on which nothing of whoever is a child then may be shown; the day of the incident counts anyway.
    """
    return tuple(dict.fromkeys(_Reader(reading, gazetteer, network, day).everything()))


def officer_signs(kind: str, value: str, *, gazetteer: Gazetteer, at: datetime | None = None) -> tuple[Sign, ...]:
    """The signs in what an officer adds: a place (name, code, postal code), a postal code, a number, a language.

    Empty when nothing in `value` is known, so that whoever asks can say so. Raises ValueError for another kind.
    """
    if kind not in OFFICER_KINDS:
        raise ValueError(f"{kind!r} is no kind of sign that an officer adds")
    said, marks = SignKind(kind), list[Mark]()
    home = gazetteer.country
    if said is SignKind.PHONE:
        number = _number(value, home, "", "") or ""
        places = gazetteer.by_phone(number)
        marks += [Mark.MOBILE] if places == (Place(home),) else []
    elif said is SignKind.LANGUAGE:
        places = gazetteer.by_language(value)
    else:
        code = value.strip().upper()
        row = gazetteer.districts.get(code)
        known = (Place(home, row.state, code),) if row is not None else ()
        places = known or gazetteer.by_postal(value)
        if said is SignKind.OFFICER_PLACE and not places:
            state, country = gazetteer.find_state(value, home), gazetteer.find_country(value)
            named = gazetteer.find_place(value, home) if not country else (Place(country),)
            places = named if any(one.state for one in named) or not state else (Place(home, state),)
            # Nothing of it was known, and the country was ours to say only because it was asked with it.
            places = () if places == (Place(home),) and country != home else places
    code = postal_code(value) if said is not SignKind.PHONE else ""
    return signs_for(said, Whose.OFFICER, places, "officer", gazetteer, at=at, marks=marks, code=code)


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whose the signs of one part are, and whether a page may show them."""

    whose: Whose
    hidden: bool


class _Written(NamedTuple):
    """What somebody wrote of one place: the country as its code, the rest as sent."""

    country: str
    region: str
    city: str
    postal: str
    source: str


class _Reader:
    def __init__(self, reading: Reading, gazetteer: Gazetteer, network: NetworkPlaces, day: date | None) -> None:
        self.reading, self.gazetteer, self.network, self.day = reading, gazetteer, network, day
        self.home = gazetteer.country
        self.desks = self._desks()
        self.events_left = MOST_EVENTS
        # What the reporter calls a proxy once is one in its other events too, and so is what lies beside it.
        doubtful = (event.address for event in reading.network_events if event.possible_proxy is Stated.YES)
        self.proxies = {_network(address) for address in doubtful if address} - {None}

    def everything(self) -> Iterator[Sign]:
        reading = self.reading
        holders = {party.source: self._holder(party) for party in reading.parties if party.role is not Role.ASSOCIATED}
        for party in reading.parties:
            # An account that belongs to nobody in the report is one of the places where it happened.
            other = _Holder(Whose.PLACE, hidden=party.protected)
            yield from self._party(party, holders.get(party.source) or holders.get(party.belongs_to or "") or other)
        place, file_of = _Holder(Whose.PLACE, hidden=False), _Holder(Whose.FILE, hidden=False)
        for web in reading.webs:
            yield from self._events(web.network_events, place)
            for phone in web.phones:
                yield from self._phone(phone, place, "")
            for address in web.addresses:
                yield from self._address(address, place)
            yield from self._payments((*web.contents, *web.statements), place)
        for file in reading.files:
            yield from self._events(file.network_events, file_of)
        yield from self._payments(reading.statements, place)

    def _holder(self, party: Party) -> _Holder:
        protected = party.protected or (self.day is not None and party.protected_on(self.day))
        if party.role is Role.REPORTED:
            return _Holder(Whose.REPORTED, hidden=protected)
        # Whoever is not known to be a child may be another suspect, or a child whose age nobody states.
        child = party.role is Role.VICTIM or protected
        return _Holder(Whose.CHILD if child else Whose.RECIPIENT, hidden=child)

    def _desks(self) -> set[str]:
        """Numbers of the reporter's staff and of officers: they are nobody's, wherever they stand."""
        said, agency = self.reading.reporter, self.reading.law_enforcement
        people = (said.reporting_person, said.contact_person, agency.officer if agency else None)
        numbers = (self._e164(phone, self.home) for person in people if person for phone in person.phones)
        return {number for number in numbers if number}

    def _make(
        self,
        kind: SignKind,
        holder: _Holder,
        places: Sequence[Place],
        source: str,
        *,
        shown: str | None = None,
        at: datetime | None = None,
        note: str = "",
        marks: Iterable[Mark] = (),
        code: str = "",
    ) -> tuple[Sign, ...]:
        shown, code = ("", "") if holder.hidden else (shown, code)
        given = (kind, holder.whose, places, source, self.gazetteer)
        return signs_for(*given, shown=shown, at=at, note=note, marks=marks, code=code)

    # The parts.

    def _party(self, party: Party, holder: _Holder) -> Iterator[Sign]:
        yield from self._events(party.network_events, holder)
        stated = _stated_country(party.persons, party.estimated_location, self.gazetteer)
        for person in party.persons:
            for phone in person.phones:
                yield from self._phone(phone, holder, stated)
            for address in person.addresses:
                yield from self._address(address, holder)
        if party.estimated_location is not None:
            yield from self._estimated(party.estimated_location, holder)
        # What is said of a child may name anybody's handle.
        if holder.whose is Whose.REPORTED:
            yield from self._payments((*party.display_names, *party.statements), holder)
            if party.bio:
                yield from self._payment(party.bio, f"{party.source}/profileBio", holder)

    def _events(self, events: Sequence[NetworkEvent], holder: _Holder) -> Iterator[Sign]:
        seen: set[tuple[str, date | None, bool]] = set()
        newest = sorted(events, key=lambda event: _time(event.moment) or _LONG_AGO, reverse=True)
        for event in newest if len(events) > 1 else events:
            at = _time(event.moment)
            proxy = event.address is not None and _network(event.address) in self.proxies
            key = (event.address or "", at.date() if at else None, proxy)
            if event.address is None or key in seen or self.events_left <= 0 or not _outside(event.address):
                continue
            seen.add(key)
            self.events_left -= 1
            if (found := self.network.at(event.address, at)) is not None:
                yield from self._located(found, event.source, at, holder, proxy=proxy)

    def _located(
        self, found: NetworkPlace, source: str, at: datetime | None, holder: _Holder, *, proxy: bool
    ) -> Iterator[Sign]:
        marks = [*(Mark(one) for one in found.marks), *((Mark.POSSIBLE_PROXY,) if proxy else ())]
        marks += [Mark.REGISTERED_THERE] if found.country in self.gazetteer.registered_there else []
        elsewhere = {Mark.ANONYMISER, Mark.HOSTING} & set(marks)
        places = (Place(""),) if elsewhere or not found.country else self._of_network(found)
        day = f" ({found.as_of.isoformat()})" if found.as_of else ""
        shown = "" if elsewhere else None
        note = f"{found.source}{day}" if found.source else ""
        yield from self._make(SignKind.ADDRESS, holder, places, source, shown=shown, at=at, note=note, marks=marks)

    def _of_network(self, found: NetworkPlace) -> tuple[Place, ...]:
        if found.country != self.home:
            return (Place(found.country),)
        state = self.gazetteer.find_state(found.state, self.home) if found.state else ""
        named = self.gazetteer.find_place(found.city, self.home) if found.city else ()
        return self._narrowed(state, named, found.postal) or (Place(self.home),)

    def _narrowed(self, state: str, named: Sequence[Place], postal: str) -> tuple[Place, ...]:
        """The places that fit a state, a town and a postal code, each as far as it is known."""
        fit = tuple(place for place in named if place.state and state in ("", place.state))
        if not fit and state:
            fit = (Place(self.home, state),)
        if postal and any(not place.district for place in fit):
            coded = [one for one in self.gazetteer.by_postal(postal, self.home) if one.district]
            fit = tuple(next((one for one in coded if one.state == place.state), place) for place in fit)
        return fit

    def _phone(self, phone: Phone, holder: _Holder, stated: str) -> Iterator[Sign]:
        number = self._e164(phone, stated or self.home)
        if number is None or number in self.desks:
            return
        written = phone.country_calling_code or phone.value.strip().startswith(("+", "00", "tel:+"))
        # Without a country beside it a number says one only if it would be ours, and then not for sure.
        marks = [] if written else [Mark.COUNTRY_ASSUMED]
        if not written and stated not in ("", self.home):
            return
        marks += [Mark.UNVERIFIED] if phone.verified is Stated.NO else []
        places = self.gazetteer.by_phone(number)
        marks += [Mark.MOBILE] if places == (Place(self.home),) else []
        shown = self.gazetteer.phone_beginning(number)
        if not written and stated != self.home:
            # An American number of ten digits looks like one of our land lines: its area code says nothing.
            places, shown = tuple(dict.fromkeys(Place(one.country) for one in places)), shown.partition(" ")[0]
        yield from self._make(SignKind.PHONE, holder, places, phone.source, shown=shown, marks=marks)

    def _e164(self, phone: Phone, region: str) -> str | None:
        return _number(phone.value, region, phone.country_calling_code or "", phone.extension or "")

    def _address(self, address: Address, holder: _Holder) -> Iterator[Sign]:
        country = self.gazetteer.find_country(address.country or "")
        region = address.state_outside_usa or address.state or ""
        written = _Written(country, region, address.city or "", address.postal_code or "", address.source)
        yield from self._stated(SignKind.STATED_PLACE, holder, written)

    def _estimated(self, location: EstimatedLocation, holder: _Holder) -> Iterator[Sign]:
        country = self.gazetteer.find_country(location.country_code or "")
        region, postal = location.region or "", ""
        if postal_code(region):
            region, postal = "", region
        written = _Written(country, region, location.city or "", postal, location.source)
        marks = (Mark.UNVERIFIED,) if location.verified is Stated.NO else ()
        yield from self._stated(SignKind.ESTIMATED_LOCATION, holder, written, at=_time(location.at), marks=marks)

    def _stated(
        self,
        kind: SignKind,
        holder: _Holder,
        written: _Written,
        *,
        at: datetime | None = None,
        marks: tuple[Mark, ...] = (),
    ) -> Iterator[Sign]:
        """What somebody wrote of a place; a postal code is a sign of its own."""
        country, region, city, postal, source = written
        if country not in ("", self.home):
            yield from self._make(kind, holder, (Place(country),), source, at=at, marks=marks)
            return
        state = self.gazetteer.find_state(region, country) if region else ""
        named = self.gazetteer.find_place(city, country) if city else ()
        abroad = tuple(place for place in named if place.country != self.home)
        fit = abroad or self._narrowed(state, named, "")
        implied = country or (self.home if state else "")
        assumed = () if implied else (Mark.COUNTRY_NOT_STATED,)
        if fit:
            yield from self._make(kind, holder, fit, source, at=at, marks=(*marks, *assumed))
        elif country:
            found = (*marks, *((Mark.NOT_FOUND,) if region or city else ()))
            yield from self._make(kind, holder, (Place(country),), source, at=at, marks=found)
        elif region or city:
            yield from self._make(kind, holder, (Place(""),), source, shown="", at=at, marks=(*marks, Mark.NAME_ONLY))
        if postal and not abroad:
            coded = self.gazetteer.by_postal(postal, implied)
            marked = () if implied or fit else (Mark.COUNTRY_NOT_STATED,)
            digits = postal_code(postal)
            shown = f"{digits[:3]}…"
            yield from self._make(SignKind.POSTAL_CODE, holder, coded, source, shown=shown, marks=marked, code=digits)

    def _payments(self, texts: Iterable[object], holder: _Holder) -> Iterator[Sign]:
        for text in texts:
            yield from self._payment(str(text), getattr(text, "source", ""), holder)

    def _payment(self, text: str, source: str, holder: _Holder) -> Iterator[Sign]:
        for payment in payments(text):
            marks = (Mark.BANK_ONLY,) if payment.bank else () if payment.known else (Mark.UNKNOWN_SUFFIX,)
            places = (Place("IN"),)
            yield from self._make(SignKind.PAYMENT, holder, places, source, shown=payment.shown, marks=marks)


def _stated_country(persons: Iterable[Person], location: EstimatedLocation | None, gazetteer: Gazetteer) -> str:
    """The one country stated for a party; empty when none or several are."""
    stated = {gazetteer.find_country(one.country or "") for person in persons for one in person.addresses}
    stated |= {gazetteer.find_country(location.country_code or "")} if location else set()
    stated -= {""}
    return stated.pop() if len(stated) == 1 else ""


_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def _time(moment: Moment | None) -> datetime | None:
    """When it was; of a time without its zone the wall clock as if it were UTC, which is right to the day or so."""
    if moment is None or moment.utc is not None or moment.wall_clock is None:
        return None if moment is None else moment.utc
    return datetime.fromisoformat(moment.wall_clock).replace(tzinfo=UTC)


@lru_cache(maxsize=50_000)
def _outside(address: str) -> bool:
    """Whether an address names somebody outside one network."""
    return normalise(Kind.ADDRESS, address) is not None


@lru_cache(maxsize=50_000)
def _network(address: str) -> str | None:
    return normalise(Kind.NETWORK, address)


@lru_cache(maxsize=20_000)
def _number(value: str, region: str, calling_code: str, extension: str) -> str | None:
    return normalise(Kind.PHONE, value, region=region, calling_code=calling_code, extension=extension)
