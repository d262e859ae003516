# SPDX-License-Identifier: Apache-2.0
"""The invented people: names, accounts, devices and lines of people who do not exist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.names import (
    BIOS,
    FIRST_NAMES,
    LAST_NAMES,
    MAIL_HOSTS,
    NATIVE_NAMES,
    SCREEN_WORDS,
    STREETS,
    TOWNS,
    WORK_BIOS,
)
from nightlight.exercise.networks import (
    ANONYMISER,
    HOMES,
    MOBILES,
    Line,
    Network,
    Seen,
    connect,
    connect_through,
)
from nightlight.exercise.plan import Device, Email, Location, Phone, Postal
from nightlight.exercise.reporters import REPORTERS, Reporter

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

MOST_PEOPLE = 6000
"""Beyond this the invented mobile networks would be full and two people would hold one port at once."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a person on one platform, or elsewhere."""

    platform: str
    identifier: str
    screen_name: str
    display_name: str
    email: Email | None
    profile_url: str | None
    bio: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person with everything a platform, an operator or a neighbour could know."""

    key: str
    first_name: str
    last_name: str
    born: date
    country: str
    postal: Postal
    phone: Phone | None
    handle: str
    payment: str
    accounts: tuple[Account, ...]
    devices: tuple[Device, ...]
    home: Line | None
    mobile: Line
    anonymised: float
    prefers_mobile: float

    def account_on(self, platform: str) -> Account:
        """Return the first account on that platform; LookupError when the person has none."""
        for account in self.accounts:
            if account.platform == platform:
                return account
        message = f"{self.key} has no account on {platform}"
        raise LookupError(message)

    def age_on(self, day: date) -> int:
        """Return the age in whole years on that day."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))

    def location(self) -> Location:
        """Return where a platform would place the person."""
        return Location(self.postal.city, self.postal.region, self.country)

    def connect(self, rng: Random, at: datetime) -> Seen:
        """Return one connection of this person at `at`: from home, on the move, or through an anonymiser."""
        line = self.mobile if self.home is None or rng.random() < self.prefers_mobile else self.home
        if rng.random() < self.anonymised:
            return connect_through(rng, ANONYMISER, line, at)
        return connect(rng, line, at, six=rng.random() < 0.2)


def invent(seed: int, count: int) -> tuple[Person, ...]:
    """Return `count` invented people (at most `MOST_PEOPLE`), the same for the same seed."""
    subscribers: dict[str, int] = {}
    return tuple(_person(seed, number, subscribers) for number in range(min(count, MOST_PEOPLE)))


def young(rng: Random, today: date) -> tuple[date, int]:
    """Return an invented date of birth and the age of a pupil of 12 to 16."""
    born = today - timedelta(days=rng.randint(12 * 366, 16 * 365))
    return born, today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _subscribe(network: Network, subscribers: dict[str, int]) -> Line | None:
    number = subscribers.get(network.key, 0)
    if number >= network.capacity:
        return None
    subscribers[network.key] = number + 1
    return Line(network, number)


def _person(seed: int, number: int, subscribers: dict[str, int]) -> Person:
    rng = chance.stream(seed, "person", number)
    country = chance.weighted(rng, {"IN": 0.76, "US": 0.12, "NO": 0.06, "DE": 0.06})
    first, last = rng.choice(FIRST_NAMES[country]), rng.choice(LAST_NAMES[country])
    born = date(rng.randint(1962, 2005), rng.randint(1, 12), rng.randint(1, 28))
    # The number inside the handle is unique to the person, so that two people never share one by accident.
    handle = f"{first.lower()}.{rng.choice(SCREEN_WORDS)}{number:03d}"
    home = _subscribe(rng.choice([net for net in HOMES if net.country == country]), subscribers)
    networks = [net for net in MOBILES if net.country == country]
    mobile = _subscribe(rng.choice(networks), subscribers) or Line(networks[0], number)
    return Person(
        key=f"person-{number:04d}",
        first_name=first,
        last_name=last,
        born=born,
        country=country,
        postal=_postal(rng, country),
        phone=_phone(rng, country, number),
        handle=handle,
        payment=f"{handle}@examplebank",
        accounts=_accounts(rng, handle, first, last, country),
        devices=_devices(rng),
        home=home if rng.random() < 0.75 else None,
        mobile=mobile,
        anonymised=rng.choice((0.0, 0.0, 0.0, 0.0, 0.15, 0.6, 0.95)),
        prefers_mobile=rng.choice((0.1, 0.4, 0.7, 0.9)),
    )


def _postal(rng: Random, country: str) -> Postal:
    city, region, code = rng.choice(TOWNS[country])
    return Postal(f"{rng.randint(1, 98)} {rng.choice(STREETS)}", city, code, region, country)


def _phone(rng: Random, country: str, number: int) -> Phone | None:
    """Return a number from a range kept for fiction (US 555-01xx, India 99999 000xx), while they last."""
    if number >= 100:
        return None
    verified = rng.choice((True, True, None))
    if country == "IN":
        return Phone("+91", f"99999000{number:02d}", verified=verified)
    return Phone("+1", f"20255501{number:02d}", verified=verified)


def _accounts(rng: Random, handle: str, first: str, last: str, country: str) -> tuple[Account, ...]:
    mail = Email(f"{handle}@{rng.choice(MAIL_HOSTS)}", verified=rng.choice((True, False, None)))
    other = Email(f"{handle.replace('.', '_')}@{rng.choice(MAIL_HOSTS)}")
    shown = rng.choice((f"{first} {last}", first, handle, rng.choice(NATIVE_NAMES[country])))
    bio = rng.choice(BIOS) if rng.random() < 0.3 else None
    # Few really work with children: three in two hundred, drawn apart so that the rest of the person stays as it was.
    if bio in WORK_BIOS and chance.stream(handle, "work").random() >= 0.2:
        bio = BIOS[0]
    chosen = rng.sample(REPORTERS, k=rng.choice((1, 1, 2, 2, 3, 4)))
    accounts = (_account(rng, reporter, handle, rng.choice((mail, mail, other, None))) for reporter in chosen)
    return tuple(replace(account, display_name=shown, bio=bio) for account in accounts)


def _account(rng: Random, reporter: Reporter, handle: str, email: Email | None) -> Account:
    name = handle if rng.random() < 0.6 else f"{rng.choice(SCREEN_WORDS)}_{handle.rsplit('.', 1)[-1]}"
    identifier = {
        "chat": str(rng.randint(10**11, 10**12)),
        "mail": f"{handle}@{reporter.host}",
        "game": f"KF-{rng.randint(10**7, 10**8)}",
    }.get(reporter.key, chance.hexadecimal(rng, 16))
    if reporter.key == "mail":
        email = Email(identifier)
    return Account(reporter.key, identifier, name, handle, email, reporter.url(f"u/{name}"), None)


def _devices(rng: Random) -> tuple[Device, ...]:
    kinds = rng.sample(("Advertising ID", "Android ID", "Browser cookie", "Installation ID"), k=rng.choice((1, 1, 2)))
    return tuple(Device(kind, chance.hexadecimal(rng, 32)) for kind in kinds)
