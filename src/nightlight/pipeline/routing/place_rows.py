# SPDX-License-Identifier: Apache-2.0
"""The rows a gazetteer is built from, and those that come with Nightlight (``data/``, its README names sources).

Reading is strict: a row that names a state nobody knows is a fault of a data file, and raises ValueError.
"""

from __future__ import annotations

import csv
import io
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = Path(__file__).parent / "data"


class StateRow(NamedTuple):
    """A state or union territory: its code, name, and whatever else it is called; `short` only with the country."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


class DistrictRow(NamedTuple):
    """A district; `pins` are beginnings of postal codes that lie wholly or partly in it, 2 to 6 digits."""

    line: int
    code: str
    name: str
    state: str
    aliases: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


class TownRow(NamedTuple):
    """A town, the name of its district (found again once districts are loaded), its area code for telephones."""

    name: str
    state: str
    district: str = ""
    aliases: tuple[str, ...] = ()
    std: str = ""


class CountryRow(NamedTuple):
    """A country and its names."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()


class LanguageRow(NamedTuple):
    """A language and the states where most people speak it; none where it says the country at most."""

    names: tuple[str, ...]
    states: tuple[str, ...]


class Rows(NamedTuple):
    """Everything a gazetteer is built from. `pins` and `std`: beginning of a code to states, the longest decides."""

    version: str
    country: str
    states: tuple[StateRow, ...]
    towns: tuple[TownRow, ...]
    countries: tuple[CountryRow, ...]
    country_names: tuple[str, ...]
    languages: tuple[LanguageRow, ...]
    pins: Mapping[str, tuple[str, ...]]
    std: Mapping[str, tuple[str, ...]]
    registered_there: frozenset[str] = frozenset()
    districts: tuple[DistrictRow, ...] = ()


@cache
def shipped() -> Rows:
    """The rows of India, read once. Raises KeyError or ValueError when a data file is not as it should be."""
    data = tomllib.loads((_DATA / "india-1.toml").read_text(encoding="utf-8"))
    # The list of states is that of the units, read as a file: there is one such list.
    units = resources.files("nightlight.trust.units") / "data" / "india-subdivisions.csv"
    states = tuple(_state(row, data) for row in _lines(units.read_text(encoding="utf-8")))
    rows = Rows(
        version=data["version"],
        country=data["country"],
        states=states,
        towns=tuple(_town(row) for row in _rows("cities-india.csv")),
        countries=tuple(
            CountryRow(row["code"], row["name"], _several(row["aliases"])) for row in _rows("countries.csv")
        ),
        country_names=tuple(data["country_names"]["names"]),
        languages=tuple(LanguageRow(tuple(one["names"]), tuple(one["states"])) for one in data["language"]),
        registered_there=frozenset(data["registered_there"]["countries"]),
        pins={pin: tuple(codes) for pin, codes in data["pins"].items()},
        std={row["prefix"]: _several(row["states"]) for row in _rows("std-india.csv")},
    )
    _check(rows, {*data["states"], *data["abbreviations"]})
    return rows


def _state(row: dict[str, str], data: Mapping[str, Any]) -> StateRow:
    code, old = row["code"], _several(row["old_codes"])
    short = (*(one.partition("-")[2] for one in (code, *old)), *data["abbreviations"].get(code, ()))
    return StateRow(code, row["name"], (*old, *data["states"].get(code, ())), short)


def _town(row: dict[str, str]) -> TownRow:
    return TownRow(row["name"], row["state"], row["district"], _several(row["aliases"]), row["std"])


def _rows(name: str) -> Iterator[dict[str, str]]:
    return _lines((_DATA / name).read_text(encoding="utf-8"))


def _lines(text: str) -> Iterator[dict[str, str]]:
    return iter(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _check(rows: Rows, named: set[str]) -> None:
    known = {row.code for row in rows.states}
    named |= {town.state for town in rows.towns}
    named |= {state for row in rows.languages for state in row.states}
    named |= {state for states in (*rows.pins.values(), *rows.std.values()) for state in states}
    if named - known:
        raise ValueError(f"{min(named - known)} is no state of {rows.country}")
    if wrong := [code for code in (*rows.pins, *rows.std) if not (code.isascii() and code.isdigit())]:
        raise ValueError(f"{min(wrong)} is no beginning of a code")
