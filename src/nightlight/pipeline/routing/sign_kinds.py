# SPDX-License-Identifier: Apache-2.0
"""What a sign is: its kind, whose it is, where it points, and what is to be known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.routing.gazetteer import Gazetteer, Place


class SignKind(StrEnum):
    """What a sign is read from."""

    ADDRESS = "address"  # on the network
    PHONE = "phone"
    POSTAL_CODE = "postal_code"
    STATED_PLACE = "stated_place"
    ESTIMATED_LOCATION = "estimated_location"
    PAYMENT = "payment"
    OFFICER_PLACE = "officer_place"
    LANGUAGE = "language"


class Whose(StrEnum):
    """Whose a sign is; ``place``: of the page, chat or game where it happened, ``file``: of whoever sent a file."""

    REPORTED = "reported"
    CHILD = "child"
    RECIPIENT = "recipient"
    PLACE = "place"
    FILE = "file"
    OFFICER = "officer"


class Mark(StrEnum):
    """What is to be known of a sign; the rules say how much of its weight it keeps and how a page says it."""

    ANONYMISER = "anonymiser"
    HOSTING = "hosting"
    POSSIBLE_PROXY = "possible-proxy"
    REGISTERED_THERE = "registered-there"
    LATER_LIST = "later-list"
    LISTS_DISAGREE = "lists-disagree"
    COUNTRY_NOT_STATED = "country-not-stated"
    COUNTRY_ASSUMED = "country-assumed"
    UNVERIFIED = "unverified"
    SEVERAL_PLACES = "several-places"
    UNKNOWN_SUFFIX = "unknown-suffix"
    BANK_ONLY = "bank-only"
    MOBILE = "mobile"
    NOT_FOUND = "not-found"
    NAME_ONLY = "name-only"


KINDS, WHOSE, MARKS = frozenset(SignKind), frozenset(Whose), frozenset(Mark)

OFFICER_KINDS = (SignKind.OFFICER_PLACE, SignKind.POSTAL_CODE, SignKind.PHONE, SignKind.LANGUAGE)
"""The kinds of signs that an officer may add."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of one place.

    `country` is ISO 3166-1 alpha-2, `state` ISO 3166-2, `district` a code of the gazetteer, each empty where the sign
    does not say; a sign without a country is there to be shown and counts for nothing. `among`: how many places the
    same thing may mean, each with a sign of its own. `note`: the list or the day it rests on. `code`: a whole postal
    code, by which a station is found; no page shows it, and of protected people it is empty.
    """

    kind: SignKind
    whose: Whose
    shown: str
    country: str
    state: str
    district: str
    source: str
    at: datetime | None = None
    note: str = ""
    marks: tuple[Mark, ...] = ()
    among: int = 1
    code: str = ""


def signs_for(
    kind: SignKind,
    whose: Whose,
    places: Sequence[Place],
    source: str,
    gazetteer: Gazetteer,
    *,
    shown: str | None = None,
    at: datetime | None = None,
    note: str = "",
    marks: Iterable[Mark] = (),
    code: str = "",
) -> tuple[Sign, ...]:
    """One sign for each place; `shown` None: the name of the place."""
    many = (*marks, *((Mark.SEVERAL_PLACES,) if len(places) > 1 else ()))
    return tuple(
        Sign(
            kind,
            whose,
            name_of(place, gazetteer) if shown is None else shown,
            *place,
            source=source,
            at=at,
            note=note,
            marks=many,
            among=len(places),
            code=code,
        )
        for place in places
    )


def name_of(place: Place, gazetteer: Gazetteer) -> str:
    """The place as a page writes it: "Ernakulam, Kerala", "Kerala", "Germany"."""
    names = [gazetteer.names.get(code, code) for code in (place.district, place.state) if code]
    return ", ".join(names) or gazetteer.names.get(place.country, place.country)
