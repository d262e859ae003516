# SPDX-License-Identifier: Apache-2.0
"""Reads a law pack, and refuses it whole when any line is unknown, missing, without a source or in conflict."""

from __future__ import annotations

import re
import tomllib

from nightlight.foundation.tables import Table
from nightlight.trust.law.facts import (
    AtOnce,
    Channel,
    Court,
    Event,
    Hold,
    Pack,
    PackRefused,
    ProtectedIdentities,
    Purpose,
    Record,
    RetentionClass,
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
from nightlight.trust.law.lines import COUNTRY, Sources, once, period
from nightlight.trust.law.reading_records import read_records

__all__ = ["load", "period"]

SCHEMA = 1
MAX_OPEN_MINUTES = 240
_AREA = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


def load(text: str) -> Pack:
    """Return the pack written in `text` (TOML; the files in ``packs/`` show the form).

    Raises PackRefused, naming the place, for anything unknown, missing, said twice, without a source or without a
    check code, and for an approved pack in which a fact still waits for a lawyer.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackRefused("file", f"is not TOML: {error}") from error
    top = Table("", values, PackRefused)
    if top.number("schema", at_most=1000) != SCHEMA:
        raise PackRefused("schema", f"is not {SCHEMA}, the only one this version reads")
    country = top.text("id")
    if not COUNTRY.fullmatch(country):
        raise PackRefused("id", "is not a country code of two capital letters (ISO 3166-1)")
    sources = Sources(top.table("sources"))
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
        records=read_records(country, top, sources),
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


def _view_lock(country: str, table: Table, sources: Sources) -> ViewLock:
    courts, rules = [], []
    for one in table.tables("court") if table.has("court") else ():
        areas = one.texts("areas")
        for area in areas:
            if not _AREA.fullmatch(area) or not area.startswith(f"{country}-"):
                raise PackRefused(one.at("areas"), f"{area!r} is not a subdivision of {country} (ISO 3166-2)")
        courts.append(Court(one.name("id"), one.text("title"), frozenset(areas), sources.basis(one)))
        one.end()
    once(table.at("court"), (court.id for court in courts))
    once(f"{table.at('court')}.areas", (area for court in courts for area in sorted(court.areas)))
    known = {court.id for court in courts}
    for one in table.tables("rule"):
        named = frozenset(one.texts("courts")) if one.has("courts") else frozenset()
        if named - known:
            raise PackRefused(one.at("courts"), f"{min(named - known)!r} is not among the courts")
        allowed = one.choice("without_warrant", WithoutWarrant)
        rules.append(ViewRule(one.name("id"), named, allowed, one.text("sentence"), sources.basis(one)))
        one.end()
    once(table.at("rule"), (rule.id for rule in rules))
    once(f"{table.at('rule')}.courts", (court for rule in rules for court in sorted(rule.courts)))
    if sum(not rule.courts for rule in rules) != 1:
        raise PackRefused(table.at("rule"), "exactly one rule has to name no court: it holds everywhere else")
    table.end()
    return ViewLock(courts=tuple(courts), rules=tuple(rules))


def _protected(table: Table, sources: Sources) -> ProtectedIdentities:
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
    once(table.at("statute"), (statute.id for statute in statutes))
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


def _retention(tables: list[Table], sources: Sources) -> tuple[RetentionClass, ...]:
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
    once("retention_class.records", (record for one in found.values() for record in sorted(one.records)))
    for record in Record:
        if not any(record in one.records for one in found.values()):
            raise PackRefused("retention_class.records", f"no class says how long {record.value!r} is kept")
    cleared = next(one for one in found.values() if Record.CLEARED_PERSON in one.records)
    if not {AtOnce.SET_APART, AtOnce.STOP_MATCHING} <= cleared.at_once:
        raise PackRefused(f"retention_class.{cleared.id}", "has to set a cleared person apart and stop the matching")
    return tuple(found.values())


def _unsealing(table: Table, sources: Sources) -> Unsealing:
    reasons = []
    for one in table.tables("reason"):
        reasons.append(UnsealingReason(one.name("id"), one.text("title"), sources.basis(one)))
        one.end()
    once(table.at("reason"), (reason.id for reason in reasons))
    found = Unsealing(
        roles=frozenset(table.texts("roles")),
        open_minutes=table.number("open_minutes", at_most=MAX_OPEN_MINUTES),
        basis=sources.basis(table),
        reasons=tuple(reasons),
    )
    table.end()
    return found


def _channels(country: str, tables: list[Table], sources: Sources) -> tuple[Channel, ...]:
    found = []
    for one in tables:
        countries = one.texts("countries") if one.has("countries") else ()
        for name in countries:
            if not COUNTRY.fullmatch(name) or name == country:
                raise PackRefused(one.at("countries"), f"{name!r} is not another country (ISO 3166-1)")
        purpose = one.choice("purpose", Purpose)
        made = (one.name("id"), purpose, one.text("title"), one.text("sentence"), frozenset(countries))
        found.append(Channel(*made, sources.basis(one)))
        one.end()
    once("channel", (channel.id for channel in found))
    # Two ways for one purpose to one country would leave open which is meant; "*" stands for everywhere else.
    ways = ((name, channel.purpose) for channel in found for name in sorted(channel.countries) or ["*"])
    once("channel.countries", (f"{name} {purpose}" for name, purpose in ways))
    return tuple(found)
