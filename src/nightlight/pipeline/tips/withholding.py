# SPDX-License-Identifier: Apache-2.0
"""Takes out of a reading everything that would name a victim or a child, before any page is made from it.

A child is never named on a page (POCSO Act 2012, section 23; Juvenile Justice Act 2015, section 74). Parties
that are protected are emptied; what names them is masked wherever else in the report it was written.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

from nightlight.pipeline.tips.people import Party

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from nightlight.pipeline.tips.reading import Reading

T = TypeVar("T")

# Places and words of our own, not of the sender; a digest or an id of ours names nobody.
_NOT_MASKED = {
    "source",
    "path",
    "belongs_to",
    "pseudonym",
    "precision",
    "zone",
    "format",
    "file_id",
    "md5",
    "sha1",
    "sha256",
}
_PHONE_DIGITS = 7
HELD_BACK = "held back"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What is known of a protected party, in numbers only."""

    source: str
    ages: tuple[int, ...]
    accounts: int
    contacts: int
    network_events: int
    network_events_with_port: int
    devices: int
    statements: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A reading that may be shown, what was held back from it by source, and the mask for other texts."""

    reading: Reading
    held_back: dict[str, HeldBack]
    mask: Callable[[str], str]
    protected: tuple[Party, ...]

    def covers(self, path: str) -> bool:
        """Whether a place in the report lies in the part about a protected party."""
        place = _comparable(path)
        return any(place == part or place.startswith(f"{part}/") for part in map(_comparable, self.held_back)) or any(
            word in place.lower() for word in ("victim", "child")
        )


def withhold(reading: Reading, today: date, apart: frozenset[str] = frozenset()) -> Withheld:
    """Return the reading without what names a protected party; `today` decides who is a child by now.

    `apart` are the places of people who were cleared: nothing of them is shown either.
    """
    protected = {p.source for p in reading.parties if p.protected_on(today) or p.source in apart}
    protected |= {p.source for p in reading.parties if p.belongs_to in protected}
    kept = {p.source for p in reading.parties} - protected
    openly = {word.casefold() for p in reading.parties if p.source in kept for word in (*_words(p), *_names(p))}
    masked = [
        (word, p.pseudonym)
        for p in reading.parties
        if p.source in protected
        for word in (*_words(p), *_names(p))
        if word.casefold() not in openly
    ]
    mask = _mask(masked)
    emptied = replace(
        reading,
        parties=tuple(_emptied(p) if p.source in protected else p for p in reading.parties),
    )
    held = {p.source: _held_back(p) for p in reading.parties if p.source in protected}
    named = tuple(p for p in reading.parties if p.source in protected)
    found = Withheld(_masked(emptied, mask), held, mask, named)
    # A value that has no place here and lies in the part about a protected party goes as a whole.
    unknown = tuple(replace(u, value="") if u.protected or found.covers(u.path) else u for u in found.reading.unknown)
    return replace(found, reading=replace(found.reading, unknown=unknown))


def _emptied(party: Party) -> Party:
    return Party(
        role=party.role,
        source=party.source,
        pseudonym=party.pseudonym,
        protected=True,
        belongs_to=party.belongs_to,
        relation=party.relation,
    )


def _held_back(party: Party) -> HeldBack:
    ages = (age.years for person in party.persons for age in person.ages)
    return HeldBack(
        source=party.source,
        ages=tuple(years for years in ages if years is not None),
        accounts=party.account_count,
        contacts=len(party.emails) + len(party.phones) + len(party.addresses),
        network_events=len(party.network_events),
        network_events_with_port=sum(event.port is not None for event in party.network_events),
        devices=len(party.devices),
        statements=len(party.statements) + (party.bio is not None),
    )


def _names(party: Party) -> Iterable[str]:
    """The names of a party, and each word of them: "Meera" names her as well as "Meera Invented" does."""
    for person in party.persons:
        for name in person.names:
            yield name
            yield from (word for word in re.split(r"[\s,]+", name) if len(word) > 1)
        if len(person.names) > 1:
            yield " ".join(person.names)


def _words(party: Party) -> Iterable[str]:
    """Everything else that leads to a party: accounts, contacts, profiles, school, devices, date of birth."""
    for text in (*party.screen_names, *party.display_names):
        yield text.value
    for account in party.accounts:
        yield account.identifier or ""
    for link in (*party.profile_urls, *party.urls):
        yield link.url
    for device in party.devices:
        yield device.value
    yield from (party.school or "", party.group or "", party.vehicle or "")
    for person in party.persons:
        yield from (email.value for email in person.emails)
        yield from (phone.value for phone in person.phones)
        for address in person.addresses:
            yield from address.street
        if person.birth_date is not None:
            yield person.birth_date.as_sent


def _mask(words: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Return what replaces each word, in any letter case and as a word of its own, by the pseudonym."""
    called: dict[str, str] = {}
    for word, pseudonym in words:
        for form in {unicodedata.normalize("NFC", word.strip()), unicodedata.normalize("NFD", word.strip())}:
            if len(form) > 1:
                called.setdefault(form, pseudonym)
    if not called:
        return lambda text: text
    # Longest first, so that a full name goes as one.
    forms = "|".join(_pattern(form) for form in sorted(called, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{forms})(?!\w)", re.IGNORECASE)
    by_key = {_key(form): pseudonym for form, pseudonym in called.items()}
    return lambda text: pattern.sub(lambda found: f"[{by_key.get(_key(found[0]), HELD_BACK)}]", text)


def _key(word: str) -> str:
    """What two ways of writing one word have in common: digits of a telephone number, else single blanks."""
    digits = re.sub(r"\D", "", word)
    return digits if _is_phone(word) else " ".join(word.split()).casefold()


def _is_phone(word: str) -> bool:
    return sum(letter.isdigit() for letter in word) >= _PHONE_DIGITS and not re.search(r"[^\W\d]", word)


def _pattern(form: str) -> str:
    if _is_phone(form):
        return r"\+?" + r"[\s().-]*".join(re.sub(r"\D", "", form))  # however it is spaced
    return r"\s+".join(re.escape(word) for word in form.split())


def _masked(value: T, mask: Callable[[str], str]) -> T:
    """The value with every text of the sender masked, however deep it lies."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return cast("T", mask(value))
    if isinstance(value, tuple):
        return cast("T", tuple(_masked(item, mask) for item in value))
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _masked(getattr(value, field.name), mask)
            for field in fields(value)
            if field.name not in _NOT_MASKED
        }
        return cast("T", replace(value, **changed))
    return value


def _comparable(path: str) -> str:
    """A path in the form that both the reader's places and XPath have in common."""
    return path.strip("/").replace("[1]", "")
