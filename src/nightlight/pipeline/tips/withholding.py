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

from nightlight.pipeline.tips import told_words
from nightlight.pipeline.tips.people import Party

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from nightlight.pipeline.tips.people import Address
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
# The scripts of India, from Devanagari to Sinhala, and what may follow a name in them: all but full stops and digits.
_INDIC = re.compile("[\u0900-\u0dff]")
_INDIC_MORE = r"(?:(?![\u0964\u0965\d])[\u0900-\u0dff\u200b-\u200d])*"
# Letters of Malayalam that stand for a consonant without a vowel, and that consonant.
_CHILLU = {"ൺ": "ണ", "ൻ": "ന", "ർ": "ര", "ൽ": "ല", "ൾ": "ള", "ൿ": "ക"}
_DOTS_BELOW = "\u093c\u09bc\u0a3c\u0abc\u0b3c"
# Letters that are written with such a dot as one character: "|" and that character, by the letter without it.
_DOTTED = {
    unicodedata.normalize("NFD", chr(code))[0]: f"|{chr(code)}"
    for code in range(0x900, 0xE00)
    if chr(code).isalpha() and unicodedata.normalize("NFD", chr(code))[1:2] in tuple(_DOTS_BELOW)
}
_JOINERS = "\u200b-\u200d"
_SYLLABLE_ENDS = "ला|ने|नी|चा|ची|चे|च्या|शी|को|की|का|के|से|യെ|യുടെ|യോട്|യ്ക്ക്|യ്ക്കും|യും|വിനെ|വിന്റെ|വിനോട്|വിന്|വും|ക്ക്"
_SHORT_STEM = 2
_LATIN_ENDS_FROM = 5  # letters; a shorter name with one of these would be a word of its own
_LATIN_ENDS = "s|ji|ne|ko|la|cha|chi|che|chya|ye|yude|yute|yodu|ykku|kku|yil|nte|inte|ine|inu"
TOLD = "nightlight-told"  # the form of what people told, in which a name is whatever they typed as one


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
    told = reading.format == TOLD
    named_in = _told_names if told else _names
    openly = {word.casefold() for p in reading.parties if p.source in kept for word in (*_words(p), *_names(p))}
    if told:  # whoever tells puts down as they can, and may name the child among those they worry about
        openly = set()
    masked = [
        (word, p.pseudonym)
        for p in reading.parties
        if p.source in protected
        for word in (*_words(p), *named_in(p))
        if word.casefold() not in openly
    ]
    mask = mask_of(masked)
    emptied = replace(
        reading,
        parties=tuple(_emptied(p) if p.source in protected else p for p in reading.parties),
    )
    held = {p.source: _held_back(p) for p in reading.parties if p.source in protected}
    named = tuple(p for p in reading.parties if p.source in protected)
    found = Withheld(_masked(emptied, mask), held, mask, named)
    if told:
        found = replace(found, reading=_with_places(found.reading, reading))
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


def _told_names(party: Party) -> Iterable[str]:
    """The same of what people typed as a name: no word that names nobody ("not known", "a girl in Delhi")."""
    for person in party.persons:
        for name in person.names:
            yield from told_words.name_words(name)


def _with_places(shown: Reading, told: Reading) -> Reading:
    """With the place where it happened as it was told: a town is a town, though the child is called after it.

    Only what stands there by itself; where the name is part of it ("Meera's house"), it stays masked.
    """
    webs = []
    for masked, web in zip(shown.webs, told.webs, strict=True):
        pairs = zip(masked.addresses, web.addresses, strict=True)
        addresses = tuple(_place(one, two, told) for one, two in pairs)
        webs.append(replace(masked, addresses=addresses))
    return replace(shown, webs=tuple(webs))


def _place(masked: Address, told: Address, reading: Reading) -> Address:
    towns = {part.strip().casefold() for part in (told.city or "").split(",")}
    first = {" ".join(name.split()[:1]).casefold() for p in reading.parties for one in p.persons for name in one.names}
    # The state and the country come from a list of ours.
    alone = len(towns) == 1 and not towns & first
    return replace(
        masked,
        city=told.city if alone and len((told.city or "").split()) == 1 else masked.city,
        state_outside_usa=told.state_outside_usa,
        country=told.country,
    )


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


def mask_of(words: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Return what replaces each word, in any letter case and as a word of its own, by the name beside it.

    In the scripts of India, endings are written onto the name ("मीराला", "മീരയെ"): there it goes with whatever letters
    follow. In others it goes with a few endings, which many write as they hear them ("Meeras", "Meerayude").
    """
    called: dict[str, str] = {}
    for word, pseudonym in words:
        name = word.strip()
        # As it was written too: some ideographs have a normal form that is another character (UAX #15).
        for form in {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}:
            if len(form) > 1:
                called.setdefault(form, pseudonym)
    if not called:
        return lambda text: text
    # Longest first, so that a full name goes as one.
    longest = sorted(called, key=len, reverse=True)
    groups = "|".join(f"({_pattern(form)})" for form in longest)
    pattern = re.compile(rf"(?<!\w)(?:{groups})(?!\w)", re.IGNORECASE)
    names = [called[form] for form in longest]
    return lambda text: pattern.sub(lambda found: f"[{names[(found.lastindex or 1) - 1]}]", text)


def _is_phone(word: str) -> bool:
    return sum(letter.isdigit() for letter in word) >= _PHONE_DIGITS and not re.search(r"[^\W\d]", word)


def _pattern(form: str) -> str:
    if _is_phone(form):
        return r"\+?" + r"[\s().-]*".join(re.sub(r"\D", "", form))  # however it is spaced
    if _INDIC.search(form):
        *whole, last = form.split()
        return r"\s+".join([*map(_indic, whole), _with_ends(last)])
    end = ""
    if form.isalpha() and len(form) >= _LATIN_ENDS_FROM:
        end = rf"(?:{_LATIN_ENDS})?"
    elif form.replace(" ", "").isalpha() and len(form) > _SHORT_STEM:
        end = "s?"
    return r"\s+".join(re.escape(word) for word in form.split()) + end


def _with_ends(word: str) -> str:
    letters = [letter for letter in unicodedata.normalize("NFC", word) if letter.isalpha()]
    if not letters:
        return re.escape(word)
    if len(letters) == 1:  # one syllable begins very many words
        return f"{_indic(word)}(?:{_SYLLABLE_ENDS})?(?![\u0900-\u0dff])"
    return f"(?:{_indic(word)}|{_stem(word)}){_INDIC_MORE}"


def _indic(word: str) -> str:
    """A word in a script of India, however its letters are joined: with joiners, with or without a dot below."""
    letters = re.sub(rf"[{_JOINERS}{_DOTS_BELOW}]", "", unicodedata.normalize("NFC", word))
    return f"[{_JOINERS}]*".join(map(_letter, letters))


def _letter(letter: str) -> str:
    if letter in _CHILLU:
        return f"(?:{letter}|{_CHILLU[letter]}\u0d4d)"
    if letter.isalpha() and _INDIC.match(letter):
        return f"(?:{letter}[{_DOTS_BELOW}]?{_DOTTED.get(letter, '')})"
    return re.escape(letter)


def _stem(word: str) -> str:
    """The same where an ending takes the place of the last sign: "മീരാൻ" in "മീരാനെ", "रमेश्" in "रमेशला"."""
    letters = re.sub(rf"[{_JOINERS}{_DOTS_BELOW}]", "", unicodedata.normalize("NFC", word))
    last = letters[-1:]
    if last in _CHILLU:
        return f"{_indic(letters[:-1])}[{_JOINERS}]*{_CHILLU[last]}"
    if last and unicodedata.category(last) in {"Mn", "Mc"} and len(letters) > _SHORT_STEM:
        return _indic(letters[:-1])
    return _indic(letters)


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
