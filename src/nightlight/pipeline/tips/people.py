# SPDX-License-Identifier: Apache-2.0
"""The people and accounts a report speaks of, with every contact, device and address stated for them.

Party is the unit that pages show and that linking compares: one person reported, one recipient, one victim,
or one account associated with one of these. Fields are those of the CyberTipline
Reporting API (November 2025) and of the CyberTip JSON download.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.values import (
    MAJORITY,
    Age,
    BirthDate,
    Moment,
    NamedValue,
    NetworkEvent,
    Stated,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address and what the reporter knows of it."""

    value: str
    source: str
    kind: str | None = None
    verified: Stated = Stated.NOT_STATED
    verified_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number as sent, its country calling code (+91) and extension if stated apart."""

    value: str
    source: str
    kind: str | None = None
    verified: Stated = Stated.NOT_STATED
    verified_at: Moment | None = None
    country_calling_code: str | None = None
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country` may be an old GeoIP code (A1, EU) that is no country."""

    source: str
    street: tuple[str, ...] = ()
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    state_outside_usa: str | None = None
    country: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person as described: names, age, contacts, and `traits` under the sender's own names."""

    source: str
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    ages: tuple[Age, ...] = ()
    birth_date: BirthDate | None = None
    emails: tuple[Email, ...] = ()
    phones: tuple[Phone, ...] = ()
    addresses: tuple[Address, ...] = ()
    traits: tuple[NamedValue, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of the name that are stated, in order."""
        return tuple(name for name in (self.first_name, self.middle_name, self.last_name) if name)

    def minor_on(self, day: date | None) -> bool:
        """Whether a stated age is under eighteen, or the date of birth says so for `day`."""
        if any(age.years is not None and age.years < MAJORITY for age in self.ages):
            return True
        return day is not None and self.birth_date is not None and self.birth_date.minor_on(day)


class Role(StrEnum):
    """The part somebody has in a report; a reported person is not an offender until a court says so."""

    REPORTED = "reported"
    RECIPIENT = "recipient"
    VICTIM = "victim"
    ASSOCIATED = "associated"


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a service: the identifier the service itself uses, and the product within it."""

    source: str
    service: str | None = None
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class AccountState:
    """Whether an account is disabled, `kind` "temporarily" or "permanently", and what its user was told."""

    kind: str
    disabled: Stated
    source: str
    disabled_at: Moment | None = None
    user_notified: Stated = Stated.NOT_STATED
    user_notified_at: Moment | None = None
    reenabled_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """An identifier of a device or, from an import, of another kind named by `kind`; when it was recorded."""

    kind: str | None
    value: str
    source: str
    event_name: str | None = None
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A web address, and when it was recorded."""

    url: str
    source: str
    event_name: str | None = None
    moment: Moment | None = None

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class EstimatedLocation:
    """Where the reporter believes an account is used; region is a US postal code within the US."""

    source: str
    city: str | None = None
    region: str | None = None
    country_code: str | None = None
    verified: Stated = Stated.NOT_STATED
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in the report and everything said of them; pages use `pseudonym`, never a child's name.

    `protected` is true for victims, for whoever is under eighteen by stated age or on the day of the
    incident, and for accounts associated with them. Ask `protected_on` for the day a page is shown.
    `belongs_to` is the source of the party an associated account belongs to, `relation` how.
    """

    role: Role
    source: str
    pseudonym: str = ""
    protected: bool = False
    belongs_to: str | None = None
    relation: str | None = None
    platform: str | None = None
    persons: tuple[Person, ...] = ()
    accounts: tuple[Account, ...] = ()
    screen_names: tuple[Text, ...] = ()
    display_names: tuple[Text, ...] = ()
    profile_urls: tuple[Link, ...] = ()
    urls: tuple[Link, ...] = ()
    bio: str | None = None
    network_events: tuple[NetworkEvent, ...] = ()
    devices: tuple[Device, ...] = ()
    prior_reports: tuple[Text, ...] = ()
    group: str | None = None
    vehicle: str | None = None
    school: str | None = None
    compromised: Stated = Stated.NOT_STATED
    third_party_user: Stated = Stated.NOT_STATED
    all_emails_reported: Stated = Stated.NOT_STATED
    account_states: tuple[AccountState, ...] = ()
    estimated_location: EstimatedLocation | None = None
    statements: tuple[Text, ...] = ()

    @property
    def emails(self) -> tuple[Email, ...]:
        """All e-mail addresses of all persons of this party."""
        return tuple(email for person in self.persons for email in person.emails)

    @property
    def phones(self) -> tuple[Phone, ...]:
        """All telephone numbers of all persons of this party."""
        return tuple(phone for person in self.persons for phone in person.phones)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All postal addresses of all persons of this party."""
        return tuple(address for person in self.persons for address in person.addresses)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name this party is known by: of its persons, and its screen and display names."""
        names = [name for person in self.persons for name in person.names]
        return (*names, *(text.value for text in (*self.screen_names, *self.display_names)))

    @property
    def account_count(self) -> int:
        """How many accounts are stated; a screen or display name without an identifier is one account."""
        return len(self.accounts) or int(bool(self.screen_names or self.display_names))

    def protected_on(self, day: date) -> bool:
        """Whether this party is protected, or under eighteen on `day` by date of birth."""
        return self.protected or any(person.minor_on(day) for person in self.persons)


_CALLED = {
    Role.REPORTED: "Reported person",
    Role.RECIPIENT: "Recipient",
    Role.VICTIM: "Victim",
    Role.ASSOCIATED: "Associated account",
}


def with_pseudonyms(parties: Iterable[Party], incident_day: date | None) -> tuple[Party, ...]:
    """The parties with their pseudonyms and protection, both worked out from the report alone."""
    numbers = dict.fromkeys(Role, 0)
    protected: set[str] = set()
    named = []
    for party in parties:
        numbers[party.role] += 1
        minor = any(person.minor_on(incident_day) for person in party.persons)
        if minor or party.role is Role.VICTIM or party.belongs_to in protected:
            protected.add(party.source)
        called = "Child" if minor and party.role is Role.VICTIM else _CALLED[party.role]
        pseudonym = f"{called} {numbers[party.role]}"
        named.append(replace(party, pseudonym=pseudonym, protected=party.source in protected))
    return tuple(named)
