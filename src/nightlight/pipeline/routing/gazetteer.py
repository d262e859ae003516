# SPDX-License-Identifier: Apache-2.0
"""What a name, a postal code or a telephone number says about a place: the country, the state, the district.

A name that several places bear gives all of them; nothing is guessed. Built from rows: states and towns come with
Nightlight (`india`), districts are loaded by whoever runs it (`districts.read_districts`). No database and no Django.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import phonenumbers

from nightlight.pipeline.routing.place_rows import shipped
from nightlight.pipeline.routing.places import bare, parts, phrases, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nightlight.pipeline.routing.place_rows import DistrictRow, Rows

SHORTEST_INSIDE = 4
"""Letters of a name that is looked for among other words; shorter ones ("Una", "Diu") only where they stand alone."""

_LEAST_PIN, _PIN_LENGTH = 2, 6


class Place(NamedTuple):
    """A place as far as it is known: ISO 3166-1 alpha-2, ISO 3166-2, code of the district; later ones may be empty."""

    country: str
    state: str = ""
    district: str = ""


class Gazetteer:
    """Places of one country by name, code and number, and the names of all countries. Safe to share; never changes."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.country = rows.country
        self.version = rows.version
        self.registered_there = rows.registered_there
        """Countries where an address on the network says little about where somebody is."""
        self.names = {row.code: row.name for row in rows.states} | {row.code: row.name for row in rows.countries}
        self.names |= {row.code: row.name for row in rows.districts}
        """Names for pages by code of country, state or district."""
        self.districts = {row.code: row for row in rows.districts}
        self._states = {row.code for row in rows.states}
        self._countries = self._country_names()
        self._full: dict[str, str] = {}
        self._short: dict[str, str] = {}
        for row in rows.states:
            for name in (row.name, row.code, *row.aliases):
                self._full.setdefault(plain(name), row.code)
            for name in row.short:
                self._short.setdefault(plain(name), row.code)
        self._towns = self._town_names()
        self._std_towns = self._by_std()
        self._pins = self._postal()
        self._languages = {
            plain(name): tuple(Place(self.country, state) for state in row.states) or (Place(self.country),)
            for row in rows.languages
            for name in row.names
        }

    def with_districts(self, districts: Iterable[DistrictRow]) -> Gazetteer:
        """Return this gazetteer with these districts in place of those it had."""
        return Gazetteer(self.rows._replace(districts=tuple(districts)))

    # Names.

    def find_country(self, text: str) -> str:
        """The ISO 3166-1 alpha-2 code of a country written as a code or a name; empty when it is none."""
        return self._countries.get(plain(text), "")

    def find_state(self, text: str, country: str = "") -> str:
        """The ISO 3166-2 code of a state written in any known way; empty when it is none.

        `country` is what stands beside it. Short forms ("MH", "UP") are read only where that is this country: they
        are other states elsewhere.
        """
        if country not in ("", self.country):
            return ""
        name = plain(text)
        found = self._full.get(name) or self._full.get(bare(text))
        if found is None and country == self.country:
            found = self._short.get(name)
        return found or ""

    def find_place(self, text: str, country: str = "") -> tuple[Place, ...]:
        """Every place that `text` may name ("Kochi", "Kochi, Kerala", "near Aluva, Ernakulam Dist, Kerala").

        A state beside a town decides which town is meant; a country beside them whether they are here at all. Empty
        when nothing in it is known.
        """
        said = parts(text)
        stated = country or next(filter(None, (self._country_part(part) for part in reversed(said))), "")
        if stated not in ("", self.country):
            return (Place(stated),)
        whole = self._named(said, said, stated)
        if not any(place.state for place in whole):
            inside = tuple(phrase for phrase in phrases(text) if len(phrase) >= SHORTEST_INSIDE)
            whole = self._named(inside, inside, "") or whole
        return whole or ((Place(stated),) if stated else ())

    def find_district(self, text: str, state: str) -> str:
        """The code of the one district of `state` that `text` names; empty when it is none, or several."""
        found = {place.district for place in self._towns.get(bare(text), ()) if place.state == state and place.district}
        return found.pop() if len(found) == 1 else ""

    def by_language(self, text: str) -> tuple[Place, ...]:
        """Where most people speak this language (a name or an ISO 639 code), only for an officer's hint."""
        return self._languages.get(plain(text), ())

    # Codes and numbers.

    def by_postal(self, code: str, country: str = "") -> tuple[Place, ...]:
        """Every place the postal code may lie in; empty for another country's or for none."""
        digits = postal_code(code)
        if country not in ("", self.country) or not digits:
            return ()
        for length in range(_PIN_LENGTH, _LEAST_PIN - 1, -1):
            if (found := self._pins.get(digits[:length])) is not None:
                return found
        return ()

    def by_phone(self, e164: str) -> tuple[Place, ...]:
        """Every place the number (E.164) may belong to: the country; of our land lines the state and the district.

        Mobile numbers say the country only: they may be taken along to another network and another state.
        """
        region, national, fixed = _number(e164)
        if not region:
            return ()
        if region != self.country or not fixed:
            return (Place(region),)
        return self._line(national) or (Place(region),)

    def phone_beginning(self, e164: str) -> str:
        """What a page may show of a number: +91, and the area code of a land line of ours."""
        region, national, fixed = _number(e164)
        calling = phonenumbers.country_code_for_region(region) if region else 0
        shown = f"+{calling}" if calling else ""
        area = next((national[:n] for n in (4, 3, 2) if fixed and national[:n] in self._std_towns), "")
        return f"{shown} {area}".strip() if region == self.country else shown

    # Building.

    def _country_names(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in self.rows.countries:
            for name in (row.code, row.name, *row.aliases):
                found.setdefault(plain(name), row.code)
        return found | {plain(name): self.country for name in self.rows.country_names}

    def _town_names(self) -> dict[str, tuple[Place, ...]]:
        found: dict[str, dict[Place, None]] = {}
        districts: dict[tuple[str, str], str] = {}
        for row in self.rows.districts:
            for name in (row.name, *row.aliases):
                districts.setdefault((row.state, bare(name)), row.code)
                found.setdefault(bare(name), {})[Place(self.country, row.state, row.code)] = None
        for town in self.rows.towns:
            place = Place(self.country, town.state, districts.get((town.state, bare(town.district)), ""))
            for name in (town.name, *town.aliases):
                found.setdefault(bare(name), {})[place] = None
        ready: dict[str, tuple[Place, ...]] = {}
        for name, places in found.items():
            # The same place known with and without its district is one place.
            exact = {place.state for place in places if place.district}
            ready[name] = tuple(place for place in places if place.district or place.state not in exact)
        return ready

    def _by_std(self) -> dict[str, Place]:
        found = {}
        for town in self.rows.towns:
            if town.std:
                (place, *_) = [one for one in self._towns[bare(town.name)] if one.state == town.state]
                found[town.std] = place
        return found

    def _postal(self) -> dict[str, tuple[Place, ...]]:
        found = {
            pin: tuple(Place(self.country, state) for state in states) or (Place(self.country),)
            for pin, states in self.rows.pins.items()
        }
        loaded: dict[str, list[Place]] = {}
        for row in self.rows.districts:
            for pin in row.pins:
                loaded.setdefault(pin, []).append(Place(self.country, row.state, row.code))
        return found | {pin: tuple(places) for pin, places in loaded.items()}

    # Finding.

    def _country_part(self, part: str) -> str:
        # Two letters alone may as well be a state of ours ("AR", "MN"), so they are no country here.
        return "" if len(part) == 2 and part != self.country.lower() else self._countries.get(part, "")

    def _named(self, towns: Iterable[str], states: Iterable[str], country: str) -> tuple[Place, ...]:
        """The places that these names are of, the state deciding among towns."""
        known = {state for state in (self.find_state(name, country) for name in states) if state}
        found: dict[Place, None] = {}
        for name in towns:
            for place in self._towns.get(name) or self._towns.get(bare(name), ()):
                found[place] = None
            if found and not known:
                break  # the first, and in a list of phrases the longest, name that is known
        # Short forms tell towns of one name apart, whether or not the country is stated.
        among = {place.state for place in found}
        known = known or {short for name in states if (short := self._short.get(name)) in among}
        if not known:
            return tuple(found)
        within = tuple(place for place in found if place.state in known)
        exact = tuple(place for place in within if place.district)
        return exact or tuple(dict.fromkeys(within)) or tuple(Place(self.country, state) for state in sorted(known))

    @lru_cache(maxsize=20_000)  # noqa: B019 - a gazetteer lives as long as the process
    def _line(self, national: str) -> tuple[Place, ...]:
        for length in range(min(5, len(national)), 1, -1):
            states = self.rows.std.get(national[:length])
            if states is not None:
                break
        else:
            return ()
        near = next((self._std_towns[national[:n]] for n in (4, 3, 2) if national[:n] in self._std_towns), None)
        if near is not None and states == (near.state,):
            return (near,)
        return tuple(Place(self.country, state) for state in states)


@cache
def india() -> Gazetteer:
    """The states, towns, postal beginnings and area codes of India that come with Nightlight, without districts."""
    return Gazetteer(shipped())


_PIN = re.compile(r"[1-9][0-9]{2}[ -]?[0-9]{3}")


def postal_code(text: str) -> str:
    """The six digits of an Indian postal code, empty when it is none."""
    digits = text.strip()
    return digits.replace(" ", "").replace("-", "") if _PIN.fullmatch(digits) and digits.isascii() else ""


@lru_cache(maxsize=20_000)
def _number(e164: str) -> tuple[str, str, bool]:
    """The region of a number, its national digits, whether it is surely a land line."""
    try:
        number = phonenumbers.parse(e164.partition(";")[0], None)
    except phonenumbers.NumberParseException:
        return "", "", False
    region = phonenumbers.region_code_for_number(number)
    if region is None or region == "001" or not phonenumbers.is_valid_number(number):
        return "", "", False
    fixed = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
    return region, phonenumbers.national_significant_number(number), fixed
