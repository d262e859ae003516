# SPDX-License-Identifier: Apache-2.0
"""Reads a law pack, and refuses it whole when any line is unknown, missing, without a source or in conflict."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from nightlight.trust.law.facts import (
    AtOnce,
    Basis,
    Channel,
    Check,
    Court,
    Event,
    Hold,
    Pack,
    PackRefused,
    Period,
    ProtectedIdentities,
    Purpose,
    Record,
    RetentionClass,
    Source,
    Standing,
    Status,
    Statute,
    Then,
    Unsealing,
    UnsealingReason,
    ViewLock,
    ViewRule,
    WithoutWarrant,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = 1
MAX_YEARS, MAX_OPEN_MINUTES = 100, 240
_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)
_AREA = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_ID = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_Choice = TypeVar("_Choice", bound=StrEnum)


def period(text: str, place: str = "period") -> Period:
    """Return a calendar period of ISO 8601 (``P3Y``, ``P6M``, ``P2W``, ``P90D``, ``P1Y6M``).

    Hours are refused: records are kept for days. Raises PackRefused.
    """
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise PackRefused(place, f"{text!r} is not a period such as P3Y or P90D")
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    if years + months / 12 + (weeks * 7 + days) / 365 > MAX_YEARS:
        raise PackRefused(place, f"{text!r} is longer than {MAX_YEARS} years")
    return Period(years=years, months=months, days=weeks * 7 + days, text=text)


class _Table:
    """One table of the file, which has to be read to its last key."""

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, dict):
            raise PackRefused(place or "file", "is not a table")
        self.place, self._left = place, dict(values)

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _take(self, key: str) -> Any:  # noqa: ANN401 - TOML holds what it holds; the callers look
        if key not in self._left:
            raise PackRefused(self.at(key), "is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip() or value != value.strip():
            raise PackRefused(self.at(key), "is not a text, or is empty, or begins or ends with a space")
        return value

    def optional_text(self, key: str) -> str:
        return self.text(key) if self.has(key) else ""

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _ID.fullmatch(value):
            raise PackRefused(self.at(key), f"{value!r} is not an identifier of letters, digits, - and _")
        return value

    def number(self, key: str, *, at_most: int) -> int:
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= at_most:
            raise PackRefused(self.at(key), f"is not a whole number from 1 to {at_most}")
        return value

    def day(self, key: str) -> date:
        value = self._take(key)
        if type(value) is not date:
            raise PackRefused(self.at(key), "is not a date such as 2026-11-22")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() == item for item in value):
            raise PackRefused(self.at(key), "is not a list of texts")
        if not value or "" in value or len(set(value)) != len(value):
            raise PackRefused(self.at(key), "is empty, holds an empty text, or says something twice")
        return tuple(value)

    def choice(self, key: str, of: type[_Choice]) -> _Choice:
        return self._choose(self.at(key), self.text(key), of)

    def choices(self, key: str, of: type[_Choice]) -> frozenset[_Choice]:
        return frozenset(self._choose(self.at(key), text, of) for text in self.texts(key))

    @staticmethod
    def _choose(place: str, text: str, of: type[_Choice]) -> _Choice:
        try:
            return of(text)
        except ValueError:
            raise PackRefused(place, f"{text!r} is not one of {', '.join(of)}") from None

    def table(self, key: str) -> _Table:
        return _Table(self.at(key), self._take(key))

    def tables(self, key: str) -> list[_Table]:
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise PackRefused(self.at(key), "is not a list of tables")
        return [_Table(f"{self.at(key)}[{place}]", value) for place, value in enumerate(values, 1)]

    def named_tables(self) -> list[tuple[str, _Table]]:
        return [(key, self.table(key)) for key in tuple(self._left)]

    def end(self) -> None:
        """Refuse what nobody asked for: a misspelt key would otherwise be a rule that silently does not hold."""
        if self._left:
            raise PackRefused(self.at(min(self._left)), "is not a key a law pack has here")


class _Sources:
    """The list of sources, and which of them are used."""

    def __init__(self, table: _Table) -> None:
        self._by_id: dict[str, Source] = {}
        self._unused: set[str] = set()
        for key, one in table.named_tables():
            self._by_id[key] = Source(id=key, title=one.text("title"), url=one.optional_text("url"))
            one.end()
            self._unused.add(key)

    def basis(self, table: _Table) -> Basis:
        """Return what a fact rests on; a fact without it is refused."""
        name = table.text("source")
        if name not in self._by_id:
            raise PackRefused(table.at("source"), f"{name!r} is not among the sources")
        self._unused.discard(name)
        return Basis(source=self._by_id[name], check=table.choice("check", Check))

    def end(self) -> tuple[Source, ...]:
        if self._unused:
            raise PackRefused(f"sources.{min(self._unused)}", "is a source that no fact names")
        return tuple(self._by_id.values())


def load(text: str) -> Pack:
    """Return the pack written in `text` (TOML; the files in ``packs/`` show the form).

    Raises PackRefused, naming the place, for anything unknown, missing, said twice, without a source or without a
    check code, and for an approved pack in which a fact still waits for a lawyer.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackRefused("file", f"is not TOML: {error}") from error
    top = _Table("", values)
    if top.number("schema", at_most=1000) != SCHEMA:
        raise PackRefused("schema", f"is not {SCHEMA}, the only one this version reads")
    country = top.text("id")
    if not _COUNTRY.fullmatch(country):
        raise PackRefused("id", "is not a country code of two capital letters (ISO 3166-1)")
    sources = _Sources(top.table("sources"))
    pack = Pack(
        id=country,
        title=top.text("title"),
        status=top.choice("status", Status),
        as_of=top.day("as_of"),
        reviewed_by=top.optional_text("reviewed_by"),
        view_lock=_view_lock(country, top.table("view_lock"), sources),
        protected_identities=_protected(top.table("protected_identities"), sources),
        retention=_retention(top.tables("retention_class"), sources),
        unsealing=_unsealing(top.table("unsealing"), sources),
        channels=_channels(country, top.tables("channel"), sources) if top.has("channel") else (),
        sources=sources.end(),
    )
    top.end()
    if (pack.status is Status.APPROVED) != bool(pack.reviewed_by):
        raise PackRefused("reviewed_by", "a pack is approved by a named lawyer, and a draft by nobody")
    if pack.status is Status.APPROVED:
        for place, basis in pack.bases:
            if not basis.check.settled:
                raise PackRefused(place, f"is checked {basis.check.value!r}, so the pack cannot be called approved")
    return pack


def _once(place: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PackRefused(place, f"{str(name)!r} stands there twice")
        seen.add(name)


def _view_lock(country: str, table: _Table, sources: _Sources) -> ViewLock:
    courts, rules = [], []
    for one in table.tables("court") if table.has("court") else ():
        areas = one.texts("areas")
        for area in areas:
            if not _AREA.fullmatch(area) or not area.startswith(f"{country}-"):
                raise PackRefused(one.at("areas"), f"{area!r} is not a subdivision of {country} (ISO 3166-2)")
        courts.append(Court(one.name("id"), one.text("title"), frozenset(areas), sources.basis(one)))
        one.end()
    _once(table.at("court"), (court.id for court in courts))
    _once(f"{table.at('court')}.areas", (area for court in courts for area in sorted(court.areas)))
    known = {court.id for court in courts}
    for one in table.tables("rule"):
        named = frozenset(one.texts("courts")) if one.has("courts") else frozenset()
        if named - known:
            raise PackRefused(one.at("courts"), f"{min(named - known)!r} is not among the courts")
        allowed = one.choice("without_warrant", WithoutWarrant)
        rules.append(ViewRule(one.name("id"), named, allowed, one.text("sentence"), sources.basis(one)))
        one.end()
    _once(table.at("rule"), (rule.id for rule in rules))
    _once(f"{table.at('rule')}.courts", (court for rule in rules for court in sorted(rule.courts)))
    if sum(not rule.courts for rule in rules) != 1:
        raise PackRefused(table.at("rule"), "exactly one rule has to name no court: it holds everywhere else")
    table.end()
    return ViewLock(courts=tuple(courts), rules=tuple(rules))


def _protected(table: _Table, sources: _Sources) -> ProtectedIdentities:
    statutes = []
    for one in table.tables("statute"):
        statutes.append(
            Statute(
                id=one.name("id"),
                section=one.text("section"),
                title=one.text("title"),
                protects=one.choices("protects", Standing),
                basis=sources.basis(one),
            )
        )
        one.end()
    _once(table.at("statute"), (statute.id for statute in statutes))
    for standing in Standing:
        # The law of some country may protect fewer people; a pack that forgets some must not pass for it.
        if not any(standing in statute.protects for statute in statutes):
            raise PackRefused(table.at("statute"), f"no statute says how a child as {standing.value!r} is protected")
    found = ProtectedIdentities(
        child_age_below=table.number("child_age_below", at_most=25),
        identifying=table.texts("identifying"),
        basis=sources.basis(table),
        statutes=tuple(statutes),
    )
    table.end()
    return found


def _retention(tables: list[_Table], sources: _Sources) -> tuple[RetentionClass, ...]:
    found: dict[str, RetentionClass] = {}
    for one in tables:
        follows = one.optional_text("follows")
        if follows:
            # Only back: so no chain, no circle, and the period followed is already known to be right.
            if follows not in found or found[follows].follows:
                raise PackRefused(one.at("follows"), f"{follows!r} is not a class further up with a time of its own")
            time = found[follows]
            keep, counted, sooner = time.keep, time.counted_from, time.sooner_on
        else:
            keep = period(one.text("keep"), one.at("keep"))
            counted = one.choice("counted_from", Event)
            sooner = one.choice("sooner_on", Event) if one.has("sooner_on") else None
        made = RetentionClass(
            id=one.name("id"),
            title=one.text("title"),
            covers=one.text("covers"),
            records=one.choices("records", Record),
            keep=keep,
            counted_from=counted,
            sooner_on=sooner,
            follows=follows,
            at_once=one.choices("at_once", AtOnce) if one.has("at_once") else frozenset(),
            then=one.choice("then", Then),
            holds=one.choices("holds", Hold) if one.has("holds") else frozenset(),
            note=one.optional_text("note"),
            basis=sources.basis(one),
        )
        one.end()
        if made.id in found:
            raise PackRefused(one.at("id"), f"{made.id!r} stands there twice")
        found[made.id] = made
    _once("retention_class.records", (record for one in found.values() for record in sorted(one.records)))
    for record in Record:
        if not any(record in one.records for one in found.values()):
            raise PackRefused("retention_class.records", f"no class says how long {record.value!r} is kept")
    cleared = next(one for one in found.values() if Record.CLEARED_PERSON in one.records)
    if not {AtOnce.SET_APART, AtOnce.STOP_MATCHING} <= cleared.at_once:
        raise PackRefused(f"retention_class.{cleared.id}", "has to set a cleared person apart and stop the matching")
    return tuple(found.values())


def _unsealing(table: _Table, sources: _Sources) -> Unsealing:
    reasons = []
    for one in table.tables("reason"):
        reasons.append(UnsealingReason(one.name("id"), one.text("title"), sources.basis(one)))
        one.end()
    _once(table.at("reason"), (reason.id for reason in reasons))
    found = Unsealing(
        roles=frozenset(table.texts("roles")),
        open_minutes=table.number("open_minutes", at_most=MAX_OPEN_MINUTES),
        basis=sources.basis(table),
        reasons=tuple(reasons),
    )
    table.end()
    return found


def _channels(country: str, tables: list[_Table], sources: _Sources) -> tuple[Channel, ...]:
    found = []
    for one in tables:
        countries = one.texts("countries") if one.has("countries") else ()
        for name in countries:
            if not _COUNTRY.fullmatch(name) or name == country:
                raise PackRefused(one.at("countries"), f"{name!r} is not another country (ISO 3166-1)")
        purpose = one.choice("purpose", Purpose)
        made = (one.name("id"), purpose, one.text("title"), one.text("sentence"), frozenset(countries))
        found.append(Channel(*made, sources.basis(one)))
        one.end()
    _once("channel", (channel.id for channel in found))
    # Two ways for one purpose to one country would leave open which is meant; "*" stands for everywhere else.
    ways = ((name, channel.purpose) for channel in found for name in sorted(channel.countries) or ["*"])
    _once("channel.countries", (f"{name} {purpose}" for name, purpose in ways))
    return tuple(found)
