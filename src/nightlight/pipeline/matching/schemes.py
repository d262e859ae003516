# SPDX-License-Identifier: Apache-2.0
"""Classification schemes as data: which codes a list may use, and what each says as far as a machine needs to know.

A code stays in its source's scheme and version and is told as it came. The files in ``schemes/`` say only whether it
means that the file is listed, cleared, unsettled, or labelled; a file with anything unknown, missing or wrong is
refused whole. A meaning that nobody here has checked says so (``checked``).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nightlight.pipeline.matching.rules import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

SCHEMA = 1
MAPPINGS = "mappings.toml"
_FIELDS = frozenset({"schema", "id", "version", "title", "checked", "unstated", "others", "codes"})
_MAPPING_FIELDS = frozenset({"from", "to", "source", "checked"})


class SchemeRefused(Exception):
    """A file of schemes is not usable; ``place`` says where, ``reason`` what is wrong with it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code says."""

    standing: Standing
    note: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme in one version. ``unstated`` is for entries without a code, ``others`` for codes it does not name."""

    id: str
    version: str
    title: str
    checked: bool
    unstated: Standing
    others: Standing
    codes: Mapping[str, Meaning]

    def standing(self, code: str) -> Standing:
        """Return what a code says; one that the scheme does not name says what ``others`` says."""
        if not code:
            return self.unstated
        found = self.codes.get(code)
        return found.standing if found else self.others


@dataclass(frozen=True, slots=True)
class Place:
    """A code of a scheme in one version."""

    scheme: str
    version: str
    code: str


@dataclass(frozen=True, slots=True)
class Called:
    """That a code of one scheme is called another in a second scheme, and who said so."""

    told: Place
    as_: Place
    source: str
    checked: bool


def standing(scheme: str, version: str, code: str) -> Standing:
    """Return what a code says. An unknown scheme or version settles nothing. Raises SchemeRefused."""
    found = schemes().get((scheme, version))
    return found.standing(code) if found else Standing.UNSETTLED


@cache
def schemes() -> Mapping[tuple[str, str], Scheme]:
    """Return every scheme that comes with Nightlight by id and version, read once. Raises SchemeRefused."""
    found: dict[tuple[str, str], Scheme] = {}
    for file in _folder().iterdir():
        if not file.name.endswith(".toml") or file.name == MAPPINGS:
            continue
        scheme = read(file.read_text(encoding="utf-8"), place=file.name)
        if (scheme.id, scheme.version) in found:
            raise SchemeRefused(file.name, f"{scheme.id} {scheme.version} is in two files")
        found[scheme.id, scheme.version] = scheme
    return dict(sorted(found.items()))


@cache
def mappings() -> tuple[Called, ...]:
    """Return what is said about codes of one scheme in another. Raises SchemeRefused."""
    return read_mappings((_folder() / MAPPINGS).read_text(encoding="utf-8"), schemes())


def _folder() -> Traversable:
    return resources.files("nightlight.pipeline.matching") / "schemes"


def read(text: str, *, place: str) -> Scheme:
    """Read one scheme. Raises SchemeRefused for anything that is not exactly as it must be."""
    data = _table(text, place)
    _fields(data, _FIELDS, place)
    codes = data["codes"]
    if not isinstance(codes, dict):
        raise SchemeRefused(f"{place}, codes", "is no table")
    return Scheme(
        id=_text(data, "id", place),
        version=_text(data, "version", place),
        title=_text(data, "title", place),
        checked=_flag(data, "checked", place),
        unstated=_standing(data["unstated"], f"{place}, unstated"),
        others=_standing(data["others"], f"{place}, others"),
        codes={code: _meaning(said, f"{place}, code {code}") for code, said in codes.items()},
    )


def read_mappings(text: str, known: Mapping[tuple[str, str], Scheme]) -> tuple[Called, ...]:
    """Read the mappings between ``known`` schemes. Raises SchemeRefused."""
    data = _table(text, MAPPINGS)
    _fields(data, frozenset({"schema", "mapping"}), MAPPINGS)
    rows = data["mapping"]
    if not isinstance(rows, list):
        raise SchemeRefused(MAPPINGS, "mapping is no list")
    found: dict[tuple[Place, str, str], Called] = {}
    for number, row in enumerate(rows, 1):
        place = f"{MAPPINGS}, mapping {number}"
        if not isinstance(row, dict):
            raise SchemeRefused(place, "is no table")
        _fields(row, _MAPPING_FIELDS, place)
        told, as_ = (_code(row[side], known, f"{place}, {side}") for side in ("from", "to"))
        if (told, as_.scheme, as_.version) in found:
            raise SchemeRefused(place, f"{told.code} of {told.scheme} is mapped to {as_.scheme} twice")
        found[told, as_.scheme, as_.version] = Called(
            told, as_, _text(row, "source", place), _flag(row, "checked", place)
        )
    return tuple(found.values())


def _code(said: object, known: Mapping[tuple[str, str], Scheme], place: str) -> Place:
    if not isinstance(said, dict):
        raise SchemeRefused(place, "is no table")
    _fields(said, frozenset({"scheme", "version", "code"}), place)
    code = Place(*(_text(said, name, place) for name in ("scheme", "version", "code")))
    scheme = known.get((code.scheme, code.version))
    if scheme is None:
        raise SchemeRefused(place, f"there is no scheme {code.scheme} {code.version}")
    if code.code not in scheme.codes:
        raise SchemeRefused(place, f"{code.scheme} {code.version} has no code {code.code}")
    return code


def _table(text: str, place: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemeRefused(place, f"is no TOML: {error}") from error
    if data.get("schema") != SCHEMA:
        raise SchemeRefused(place, f"schema is {data.get('schema')!r}; this version reads {SCHEMA}")
    return data


def _fields(data: Mapping[str, object], wanted: frozenset[str], place: str) -> None:
    if missing := sorted(wanted - data.keys()):
        raise SchemeRefused(place, f"{', '.join(missing)} is missing")
    if unknown := sorted(data.keys() - wanted):
        raise SchemeRefused(place, f"{', '.join(unknown)} is not known")


def _text(data: Mapping[str, object], name: str, place: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value.strip():
        raise SchemeRefused(f"{place}, {name}", "is no text")
    return value


def _flag(data: Mapping[str, object], name: str, place: str) -> bool:
    value = data[name]
    if not isinstance(value, bool):
        raise SchemeRefused(f"{place}, {name}", "is neither true nor false")
    return value


def _standing(value: object, place: str) -> Standing:
    if not isinstance(value, str) or value not in set(Standing):
        raise SchemeRefused(place, f"{value!r} is not one of {', '.join(Standing)}")
    return Standing(value)


def _meaning(said: object, place: str) -> Meaning:
    if not isinstance(said, dict) or not said.keys() <= {"standing", "note"} or "standing" not in said:
        raise SchemeRefused(place, "has a standing, perhaps a note, and nothing else")
    note = said.get("note", "")
    if not isinstance(note, str):
        raise SchemeRefused(place, "the note is no text")
    return Meaning(_standing(said["standing"], place), note)
