# SPDX-License-Identifier: Apache-2.0
"""Turns what is understood of people, places and files into labelled facts that one template can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.outlook.desk import wording
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightlight.pipeline.tips.people import AccountState, Address, Device, Email, Party, Person, Phone
    from nightlight.pipeline.tips.reading import InternetDetail, LawEnforcement, ReporterStatement
    from nightlight.pipeline.tips.values import Moment
    from nightlight.pipeline.tips.withholding import HeldBack


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a fact: the words, a remark on them, and when."""

    text: str
    note: str = ""
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and the values under it; `prose` for texts that are read rather than looked up."""

    label: str
    lines: tuple[Line, ...]
    prose: bool = False


@dataclass(frozen=True, slots=True)
class PartyCard:
    """One person or account of a report as the page shows it; of a protected one, numbers only."""

    anchor: str
    pseudonym: str
    role: str
    relation: str
    name: str
    facts: tuple[Fact, ...]
    held_back: HeldBack | None


def party_card(number: int, party: Party, held_back: HeldBack | None) -> PartyCard:
    """The card of one party; `number` counts the cards of the page."""
    names = [" ".join(person.names) for person in party.persons if person.names]
    screen = [text.value for text in (*party.screen_names, *party.display_names)]
    relation = _("%(type)s account") % {"type": party.relation} if party.relation else ""
    return PartyCard(
        anchor=f"party-{number}",
        pseudonym=party.pseudonym,
        role=wording.role(party.role),
        relation=relation,
        name=", ".join(dict.fromkeys((*names, *screen[:2]))),
        facts=() if held_back else tuple(_party(party)),
        held_back=held_back,
    )


def _party(party: Party) -> Iterator[Fact]:
    for person in party.persons:
        yield from _person(person)
    yield from _fact(_("Account"), (Line(a.identifier or _("no identifier"), a.service or "") for a in party.accounts))
    yield from _texts(_("Screen name"), (t.value for t in party.screen_names))
    yield from _texts(_("Display name"), (t.value for t in party.display_names))
    yield from _texts(_("Platform"), [party.platform])
    yield from _fact(_("Profile"), (Line(x.url, x.event_name or "", x.moment) for x in party.profile_urls))
    yield from _fact(_("Web address"), (Line(x.url, x.event_name or "", x.moment) for x in party.urls))
    yield from _fact(_("Device"), _devices(party.devices))
    place = party.estimated_location
    if place is not None:
        where = ", ".join(part for part in (place.city, place.region, place.country_code) if part)
        yield Fact(_("Estimated location"), (Line(where, _verified(place.verified), place.at),))
    yield from _fact(_("Account state"), (_state(state) for state in party.account_states))
    yield from _answer(_("Account compromised"), party.compromised)
    yield from _answer(_("User of another service"), party.third_party_user)
    yield from _answer(_("All e-mail addresses reported"), party.all_emails_reported)
    yield from _texts(_("Group"), [party.group])
    yield from _texts(_("Vehicle"), [party.vehicle])
    yield from _texts(_("School"), [party.school])
    yield from _texts(_("Earlier reports"), (t.value for t in party.prior_reports))
    yield from _prose(_("Profile text"), [party.bio])
    yield from _prose(_("What the reporter adds"), (t.value for t in party.statements))


def _person(person: Person) -> Iterator[Fact]:
    yield from _texts(_("Name"), [" ".join(person.names)])
    yield from _fact(_("Age"), (Line(a.as_sent, _("estimated") if a.approximate else "") for a in person.ages))
    if person.birth_date is not None:
        yield Fact(_("Date of birth"), (Line(person.birth_date.as_sent),))
    yield from _fact(_("E-mail"), (_email(email) for email in person.emails))
    yield from _fact(_("Telephone"), (_phone(phone) for phone in person.phones))
    yield from _fact(_("Address"), (_address(address) for address in person.addresses))
    for trait in person.traits:
        yield Fact(wording.humane(trait.name), (Line(trait.value),))


def reporter_facts(reporter: ReporterStatement) -> tuple[Fact, ...]:
    """Who reported, as the report states it."""
    found: list[Fact] = []
    found += _texts(_("Name in the report"), [reporter.esp_name])
    for label, person in (
        (_("Reporting person"), reporter.reporting_person),
        (_("Contact for police"), reporter.contact_person),
    ):
        if person is not None:
            lines = [
                Line(" ".join(person.names)),
                *(_email(email) for email in person.emails),
                *(_phone(phone) for phone in person.phones),
                *(_address(address) for address in person.addresses),
            ]
            found += _fact(label, lines)
    found += _texts(_("Where to send legal process"), [reporter.legal_url])
    return tuple(found)


def reporter_texts(reporter: ReporterStatement) -> tuple[Fact, ...]:
    """What the reporter says about itself in every report."""
    return (
        *_prose(_("About the reporter"), [reporter.company_template]),
        *_prose(_("Terms of service"), [reporter.terms_of_service]),
    )


def agency_facts(agency: LawEnforcement) -> tuple[Fact, ...]:
    """Which police the reporter has dealt with about this already."""
    found: list[Fact] = []
    found += _texts(_("Agency"), [agency.agency])
    found += _texts(_("Case number"), [agency.case_number])
    if agency.officer is not None:
        person = agency.officer
        contacts = [*(_email(e) for e in person.emails), *(_phone(p) for p in person.phones)]
        found += _fact(_("Officer"), [Line(" ".join(person.names)), *contacts])
    found += _answer(_("Already told"), agency.reported)
    found += _answer(_("Served legal process here"), agency.served_domestic)
    found += _answer(_("Served legal process abroad"), agency.served_international, agency.country or "")
    return tuple(found)


def place_facts(place: InternetDetail) -> tuple[Fact, ...]:
    """One place on the internet, or off it, where it happened."""
    found: list[Fact] = []
    found += _fact(_("Web address"), (Line(x.url, x.event_name or "", x.moment) for x in place.links))
    for named in place.named:
        found.append(Fact(wording.humane(named.name), (Line(named.value),)))
    found += _fact(_("E-mail"), (_email(email) for email in place.emails))
    found += _fact(_("Telephone"), (_phone(phone) for phone in place.phones))
    found += _fact(_("Address"), (_address(address) for address in place.addresses))
    if place.latitude is not None or place.longitude is not None:
        found.append(Fact(_("Position"), (Line(f"{place.latitude or '?'}, {place.longitude or '?'}"),)))
    found += _fact(_("Device"), _devices(place.devices))
    found += _answer(_("Hosted by a third party"), place.third_party_hosted)
    found += _prose(_("Content as sent"), (t.value for t in place.contents))
    found += _prose(_("What the reporter adds"), (t.value for t in place.statements))
    return tuple(found)


def _email(email: Email) -> Line:
    notes = (email.kind, _verified(email.verified))
    return Line(email.value, ", ".join(note for note in notes if note), email.verified_at)


def _phone(phone: Phone) -> Line:
    text = " ".join(part for part in (phone.country_calling_code, phone.value) if part)
    if phone.extension:
        text = _("%(number)s extension %(extension)s") % {"number": text, "extension": phone.extension}
    notes = (phone.kind, _verified(phone.verified))
    return Line(text, ", ".join(note for note in notes if note), phone.verified_at)


def _address(address: Address) -> Line:
    region = address.state or address.state_outside_usa
    parts = (*address.street, address.city, address.postal_code, region, address.country)
    return Line(", ".join(part for part in parts if part), address.kind or "")


def _devices(devices: Iterable[Device]) -> Iterator[Line]:
    for device in devices:
        notes = (device.kind, device.event_name)
        yield Line(device.value, ", ".join(note for note in notes if note), device.moment)


def _state(state: AccountState) -> Line:
    if state.disabled is not Stated.YES:
        said = {"kind": state.kind, "answer": wording.stated(state.disabled)}
        return Line(_("Disabled %(kind)s: %(answer)s") % said)
    told = {
        Stated.YES: _("the user was told"),
        Stated.NO: _("the user was not told"),
    }.get(state.user_notified, _("not stated whether the user was told"))
    return Line(_("Disabled %(kind)s") % {"kind": state.kind}, told, state.disabled_at)


def _verified(answer: Stated) -> str:
    return {Stated.YES: _("verified"), Stated.NO: _("not verified")}.get(answer, "")


def _fact(label: str, lines: Iterable[Line]) -> list[Fact]:
    kept = tuple(line for line in lines if line.text)
    return [Fact(label, kept)] if kept else []


def _texts(label: str, texts: Iterable[str | None]) -> list[Fact]:
    return _fact(label, (Line(text) for text in texts if text))


def _prose(label: str, texts: Iterable[str | None]) -> list[Fact]:
    kept = tuple(Line(text) for text in texts if text)
    return [Fact(label, kept, prose=True)] if kept else []


def _answer(label: str, answer: Stated, note: str = "") -> list[Fact]:
    return [] if answer is Stated.NOT_STATED else [Fact(label, (Line(wording.stated(answer), note),))]
