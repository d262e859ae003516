# SPDX-License-Identifier: Apache-2.0
"""What is protected about a person, how it is found again without being shown, and who may open it."""

from __future__ import annotations

import hmac
import re
import string
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.foundation import canonical_json
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.units.rules import UNSEALS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nightlight.trust.law.facts import Unsealing

SHORTEST_REASON = 15
LONGEST_REASON = 1000
LONGEST_CASE_NUMBER = 80
LONGEST_MINUTES = 30  # whatever the law pack allows beyond
OPENINGS_AN_HOUR = 30
SEARCHES_AN_HOUR = 30
MOST_HITS = 20
HOUR = timedelta(hours=1)
_SHORTEST_WORD = 3
_LOCAL_DIGITS = 9  # what two ways of writing a number have in common: the end of it, without country or trunk code
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"))
_ACCENTS = re.compile("[\u0300-\u036f]")  # of European scripts only: in Indic scripts such marks are vowels


class Kind(StrEnum):
    """Whose identity it is: a child who was harmed or reported, somebody else the law protects, or who told us."""

    CHILD_VICTIM = "child-victim"
    CHILD_REPORTED = "child-reported"
    OTHER_PROTECTED = "other-protected"
    TELLER = "teller"


class WhyNot(StrEnum):
    """Why the background worker refuses to open an identity."""

    TOO_LATE = "too-late"
    NOT_AS_ASKED = "not-as-asked"
    NOT_ALLOWED = "not-allowed"
    TOO_MANY = "too-many"
    GONE = "gone"
    NO_KEY = "no-key"
    DAMAGED = "damaged"


SENTENCES = {
    WhyNot.TOO_LATE: "The time you asked for ended before the answer. Ask again.",
    WhyNot.NOT_AS_ASKED: "The request is not as the custody log says it was asked. Tell your auditor.",
    WhyNot.NOT_ALLOWED: "You hold no post that opens this identity.",
    WhyNot.TOO_MANY: f"You have opened {OPENINGS_AN_HOUR} identities within the hour. Wait, or ask a colleague.",
    WhyNot.GONE: "The identity is no longer kept, or the report was read anew. Open the report again.",
    WhyNot.NO_KEY: "The key that opens this identity is not at hand. Tell your administrator.",
    WhyNot.DAMAGED: "The identity is not as it was closed. Tell your administrator.",
}


class Sought(StrEnum):
    """What a search looks for."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ACCOUNT = "account"
    SCHOOL = "school"


# Field of the protected facts -> what it is found by. Other fields are kept closed and cannot be searched.
FOUND_BY = {
    "name": Sought.NAME,
    "other_name": Sought.NAME,
    "phone": Sought.PHONE,
    "email": Sought.EMAIL,
    "account": Sought.ACCOUNT,
    "school": Sought.SCHOOL,
}


@dataclass(frozen=True, slots=True)
class Protected:
    """One protected person of a record, as read from it.

    ``source`` is the place in the report and names the person within the record; ``pseudonym`` is what pages say
    instead of the name ("Child A"). ``facts`` maps a field ("name", "other_name", "birth_date", "phone", "email",
    "account", "school", "address", ...) to the values stated.
    """

    source: str
    pseudonym: str
    kind: Kind
    facts: Mapping[str, Sequence[str]]


def encode(facts: Mapping[str, Sequence[str]]) -> bytes:
    """Return the facts as they are closed: canonical JSON. Raises ValueError."""
    return canonical_json.encode({name: list(values) for name, values in facts.items() if values})


def identity_context(subject: str, one: Protected, rule_version: int) -> bytes:
    """Return what an identity is bound to: put under another name or record it does not open."""
    return canonical_json.encode(["identity", subject, one.source, one.pseudonym, one.kind.value, rule_version])


def answer_context(unsealing: str, identity: str, person: str) -> bytes:
    """Return what an answer is bound to: the request, the identity asked for, and who asked."""
    return canonical_json.encode(["answer", unsealing, identity, person])


def fingerprint(key: bytes, salt: bytes, facts: bytes) -> bytes:
    """Return what shows whether the facts are still the same, without opening them: HMAC-SHA-256, 32 bytes.

    ``salt`` is the secret salt of the key part: when that is erased, nobody can test guesses against the fingerprint.
    """
    return hmac.digest(key, b"nightlight sealed fingerprint v1\n" + salt + facts, "sha256")


def search_digest(key: bytes, kind: Sought, normal: str) -> bytes:
    """Return the keyed digest under which a value is found: HMAC-SHA-256, 32 bytes."""
    return hmac.digest(key, f"{kind.value}\x00{normal}".encode(), "sha256")


def plain(text: str) -> str:
    """Return a text as it is compared: compatibility forms, case, accents of European scripts and spaces evened out."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(unicodedata.normalize("NFKC", bare).split())


def words(text: str) -> list[str]:
    """Return the words of three letters or more in a text, each once, in order, as they are compared."""
    found = _words(plain(text))
    return list(dict.fromkeys(word for word in found if len(word) >= _SHORTEST_WORD))


def _words(text: str) -> list[str]:
    # An apostrophe is left out, a hyphen parts: people write both with and without. Marks belong to their letters,
    # being vowels in Indic scripts.
    bare = text.translate(_APOSTROPHES)
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in bare).split()


def normal_forms(kind: Sought, value: str) -> frozenset[str]:
    """Return the forms under which a stated value is found; none for a value that says nothing."""
    if kind is Sought.PHONE:
        return _phone_forms(value)
    if kind is Sought.EMAIL:
        return frozenset({plain(value).replace(" ", "")} - {""})
    if kind is Sought.ACCOUNT:
        return frozenset({plain(value).lstrip("@").strip()} - {""})
    whole = " ".join(_words(plain(value)))
    return frozenset({whole, *words(value)} - {""})


def asked_forms(kind: Sought, text: str) -> list[frozenset[str]]:
    """Return the ways in which a search can be met: an identity that has all forms of any one of them is a hit.

    A name is met by the whole of it, or by all its words of three letters or more, in any order.
    """
    if kind in {Sought.NAME, Sought.SCHOOL}:
        whole = " ".join(_words(plain(text)))
        ways = [frozenset({whole} - {""}), frozenset(words(text))]
    else:
        ways = [frozenset({form}) for form in sorted(normal_forms(kind, text))]
    return [way for way in dict.fromkeys(ways) if way]


def terms(facts: Mapping[str, Sequence[str]]) -> frozenset[tuple[Sought, str]]:
    """Return everything by which a person with these facts is found."""
    return frozenset(
        (kind, form)
        for name, values in facts.items()
        if (kind := FOUND_BY.get(name)) is not None
        for value in values
        for form in normal_forms(kind, value)
    )


def pseudonym(stem: str, index: int) -> str:
    """Return the ``index``-th pseudonym, counted from 0: "Child A" to "Child Z", then "Child AA".

    Raises ValueError for a negative index.
    """
    if index < 0:
        raise ValueError("pseudonyms are counted from 0")
    letters = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        letters = string.ascii_uppercase[letter] + letters
        index -= 1
    return f"{stem} {letters}"


def check_person(roles: Collection[str], law: Unsealing) -> None:
    """Raise NotAllowed unless one of the roles opens sealed identities, here and by the country's law."""
    if not may_open(roles, law):
        raise NotAllowed("Sealed identities are opened by investigators and by victim identification.")


def may_open(roles: Collection[str], law: Unsealing) -> bool:
    """Whether one of the roles opens sealed identities."""
    opening = {str(role) for role in UNSEALS} & law.roles
    return not opening.isdisjoint(str(role) for role in roles)


def check_request(*, reason_kind: str, reason: str, case_number: str, minutes: int, law: Unsealing) -> None:
    """Raise Conflict for a request that does not say why, for which case, or for how long."""
    if reason_kind not in {one.id for one in law.reasons}:
        raise Conflict("Choose what the identity is needed for.")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Conflict(f"Say in {SHORTEST_REASON} to {LONGEST_REASON} characters why you need the identity.")
    if not 1 <= len(case_number) <= LONGEST_CASE_NUMBER:
        raise Conflict(f"State the case number, of at most {LONGEST_CASE_NUMBER} characters.")
    longest = min(LONGEST_MINUTES, law.open_minutes)
    if not 1 <= minutes <= longest:
        raise Conflict(f"An identity is opened for 1 to {longest} minutes.")


def _phone_forms(value: str) -> frozenset[str]:
    found = "".join(str(unicodedata.digit(char)) for char in value if char.isdigit())
    digits = found.lstrip("0")
    if len(digits) < 5:  # an extension or a short code finds everybody and nobody
        return frozenset()
    return frozenset({digits, digits[-_LOCAL_DIGITS:]})
