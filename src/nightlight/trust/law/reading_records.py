# SPDX-License-Identifier: Apache-2.0
"""Reads what a law pack says of the records of others: powers, ranks, and how long they are kept."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from nightlight.trust.law.facts import PackRefused
from nightlight.trust.law.lines import COUNTRY, Sources, once, period
from nightlight.trust.law.records import (
    Asked,
    Duty,
    Holder,
    Kept,
    KeptFrom,
    LogRetention,
    RankFloor,
    Ranks,
    RecordPower,
    RecordsLaw,
)

if TYPE_CHECKING:
    from datetime import date

    from nightlight.foundation.tables import Table

MAX_ANSWER_HOURS, MAX_RENEWALS = 24 * 366, 100


def read_records(country: str, top: Table, sources: Sources) -> RecordsLaw:
    """Return the tables ``police``, ``rank_floor``, ``record_power`` and ``log_retention``. Raises PackRefused."""
    if not top.has("record_power") and not top.has("log_retention"):
        return RecordsLaw()
    ranks = _ranks(top.table("police"), sources) if top.has("police") else None
    floors = tuple(_floor(one, ranks, sources) for one in (top.tables("rank_floor") if top.has("rank_floor") else ()))
    powers = tuple(_power(one, ranks, sources) for one in top.tables("record_power"))
    retention = tuple(_kept(one, sources) for one in top.tables("log_retention"))
    once("rank_floor", (one.id for one in floors))
    once("record_power", (one.id for one in powers))
    once("log_retention", (one.id for one in retention))
    if not any(country in one.countries for one in powers):
        raise PackRefused("record_power.countries", f"no power reaches a holder in {country} itself")
    _one_rule_a_day(retention)
    return RecordsLaw(ranks, floors, powers, retention)


def _ranks(one: Table, sources: Sources) -> Ranks:
    names = tuple(tuple(name.strip() for name in text.split("/")) for text in one.texts("ranks"))
    if any("" in same for same in names):
        raise PackRefused(one.at("ranks"), "holds a rank without a name")
    once(one.at("ranks"), (name.casefold() for same in names for name in same))
    made = Ranks(names, sources.basis(one))
    one.end()
    return made


def _floor(one: Table, ranks: Ranks | None, sources: Sources) -> RankFloor:
    made = RankFloor(
        one.name("id"),
        _rank(one, "rank", ranks),
        frozenset(one.texts("acts")),
        one.text("sentence"),
        sources.basis(one),
    )
    one.end()
    return made


def _rank(one: Table, key: str, ranks: Ranks | None) -> str:
    rank = one.text(key)
    if ranks is None or ranks.place(rank) is None:
        raise PackRefused(one.at(key), f"{rank!r} is not among the ranks of the police")
    return rank


def _power(one: Table, ranks: Ranks | None, sources: Sources) -> RecordPower:
    since, until = _days(one, "from", "until")
    begun_since, begun_until = _days(one, "begun_from", "begun_until")
    asks = one.choices("asks", Asked)
    hold = period(one.text("holds"), one.at("holds")) if one.has("holds") else None
    if hold is not None and Asked.PRESERVATION not in asks:
        raise PackRefused(one.at("holds"), "is said of a power by which nothing is preserved")
    made = RecordPower(
        id=one.name("id"),
        title=one.text("title"),
        section=one.text("section"),
        asks=asks,
        holders=one.choices("holders", Holder),
        countries=_countries(one),
        signs=one.text("signs"),
        least_rank=_rank(one, "least_rank", ranks) if one.has("least_rank") else "",
        binding=one.yes_or_no("binding"),
        since=since,
        until=until,
        begun_since=begun_since,
        begun_until=begun_until,
        sentence=one.text("sentence"),
        silence=one.optional_text("silence"),
        certificate=one.optional_text("certificate"),
        answer_hours=one.number("answer_hours", at_most=MAX_ANSWER_HOURS) if one.has("answer_hours") else None,
        holds=hold,
        renewals=one.number("renewals", at_most=MAX_RENEWALS) if one.has("renewals") else 0,
        note=one.optional_text("note"),
        basis=sources.basis(one),
    )
    one.end()
    return made


def _kept(one: Table, sources: Sources) -> LogRetention:
    since, until = _days(one, "from", "until")
    duty = one.choice("duty", Duty)
    keeps = duty is Duty.KEEP  # else a time would be a promise nobody made, and is an unknown key
    made = LogRetention(
        id=one.name("id"),
        title=one.text("title"),
        countries=_countries(one),
        holders=one.choices("holders", Holder),
        kept=one.choices("records", Kept),
        duty=duty,
        keep=period(one.text("keep"), one.at("keep")) if keeps else None,
        counted_from=one.choice("counted_from", KeptFrom) if keeps else None,
        since=since,
        until=until,
        note=one.optional_text("note"),
        basis=sources.basis(one),
    )
    one.end()
    return made


def _countries(one: Table) -> frozenset[str]:
    found = one.texts("countries")
    for name in found:
        if not COUNTRY.fullmatch(name):
            raise PackRefused(one.at("countries"), f"{name!r} is not a country (ISO 3166-1)")
    return frozenset(found)


def _days(one: Table, first: str, last: str) -> tuple[date | None, date | None]:
    since = one.day(first) if one.has(first) else None
    until = one.day(last) if one.has(last) else None
    if since is not None and until is not None and until <= since:
        raise PackRefused(one.at(last), "is not after the first day")
    return since, until


def _one_rule_a_day(retention: tuple[LogRetention, ...]) -> None:
    """Refuse two rules for one kind of record on one day: it would be left open how long it is kept."""
    by_place: dict[tuple[str, Holder, Kept], list[LogRetention]] = {}
    for one in retention:
        for place in product(sorted(one.countries), sorted(one.holders), sorted(one.kept)):
            by_place.setdefault(place, []).append(one)
    for place, rules in by_place.items():
        for one, other in combinations(rules, 2):
            apart = (one.until and other.since and one.until <= other.since) or (
                other.until and one.since and other.until <= one.since
            )
            if not apart:
                raise PackRefused(
                    f"log_retention.{other.id}", f"stands beside {one.id!r} for {' '.join(place)} on the same days"
                )
