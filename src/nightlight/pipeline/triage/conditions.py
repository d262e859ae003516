# SPDX-License-Identifier: Apache-2.0
"""Conditions over facts, as data: checked against the vocabulary, then made into functions. Nothing is run as code.

A condition is true, false, or unknown where a fact it needs is unknown (Kleene, 1952: all is false as soon as one is
false, any is true as soon as one is true).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from nightlight.pipeline.triage.vocabulary import FACTS, NEVER, Fact, Type, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEEPEST = 8
_HOUR = timedelta(hours=1)

Values = Mapping[str, Value]
Check = Callable[[Values, datetime], bool | None]


class RulebookRefused(Exception):
    """A rulebook is not usable: ``code`` for programs, ``place`` in the file, ``reason`` for who edits it."""

    def __init__(self, code: str, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason} [{code}]")
        self.code, self.place, self.reason = code, place, reason


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every table of a rulebook has in common: an unknown key is refused."""


class Condition(Written, frozen=True, rename={"is_": "is", "all_": "all", "any_": "any", "not_": "not"}):
    """One condition: about a fact with exactly one operator, or made of others (all, any, not)."""

    fact: str | None = None
    is_: bool | None = None
    at_least: int | None = None
    at_most: int | None = None
    any_of: tuple[str, ...] | None = None
    unknown: bool | None = None  # in notes and lives only: what is not known adds no points
    all_: tuple[Condition, ...] | None = None
    any_: tuple[Condition, ...] | None = None
    not_: Condition | None = None


def fact_named(name: str, place: str, *, harm: bool) -> Fact:
    fact = FACTS.get(name)
    if fact is None:
        if words := NEVER.intersection(name.lower().replace("-", "_").split("_")):
            reason = f"{name!r} ({min(words)}): who somebody is and where somebody lives never decides"
            raise RulebookRefused("never-a-fact", place, reason)
        raise RulebookRefused("unknown-fact", place, f"there is no fact {name!r}")
    if harm and not fact.harm:
        raise RulebookRefused("not-for-harm", place, f"how urgent a tip is may not rest on {name!r}")
    return fact


_OPERATORS = {
    Type.FLAG: ("is_",),
    Type.NUMBER: ("at_least", "at_most"),
    Type.HOURS: ("at_least", "at_most"),
    Type.CODES: ("any_of",),
}


def check_condition(said: Condition, place: str, *, harm: bool, may_ask_unknown: bool, depth: int = 1) -> None:
    if depth > _DEEPEST:
        raise RulebookRefused("too-deep", place, f"is nested more than {_DEEPEST} deep")
    parts = [name for name in ("fact", "all_", "any_", "not_") if getattr(said, name) is not None]
    used = [name for name in ("is_", "at_least", "at_most", "any_of", "unknown") if getattr(said, name) is not None]
    if len(parts) != 1:
        raise RulebookRefused("wrong-condition", place, "is about exactly one of fact, all, any, not")
    if parts[0] != "fact":
        if used or not getattr(said, parts[0]):
            raise RulebookRefused("wrong-condition", place, f"{parts[0].strip('_')} holds conditions and nothing else")
        for number, inner in enumerate(_inner(said), 1):
            where = f"{place}.{parts[0].strip('_')}[{number}]"
            check_condition(inner, where, harm=harm, may_ask_unknown=may_ask_unknown, depth=depth + 1)
        return
    fact = fact_named(str(said.fact), f"{place}.fact", harm=harm)
    allowed = _OPERATORS[fact.type]
    if len(used) != 1 or used[0] not in (*allowed, "unknown"):
        names = " or ".join(name.strip("_") for name in allowed)
        raise RulebookRefused("wrong-operator", place, f"{fact.name} ({fact.type}) takes exactly one of {names}")
    if said.unknown is not None and not may_ask_unknown:
        raise RulebookRefused("unknown-adds-points", place, "what is not known may not weigh")
    if said.any_of is not None and (not said.any_of or not fact.codes.issuperset(said.any_of)):
        raise RulebookRefused("unknown-code", f"{place}.any_of", f"codes are {', '.join(sorted(fact.codes))}")


def _inner(said: Condition) -> Sequence[Condition]:
    return said.all_ or said.any_ or ((said.not_,) if said.not_ else ())


def leaves(said: Condition) -> Iterator[Condition]:
    if said.fact is not None:
        yield said
    for inner in _inner(said):
        yield from leaves(inner)


def number_in(leaf: Condition) -> int | None:
    return leaf.at_least if leaf.at_least is not None else leaf.at_most


def compiled(said: Condition) -> Check:
    if said.all_ is not None:
        return _every(tuple(compiled(inner) for inner in said.all_), stops=False)
    if said.any_ is not None:
        return _every(tuple(compiled(inner) for inner in said.any_), stops=True)
    if said.not_ is not None:
        inner = compiled(said.not_)
        return lambda values, at: None if (got := inner(values, at)) is None else not got
    return _leaf(str(said.fact), said)


def _every(checks: tuple[Check, ...], *, stops: bool) -> Check:
    """All (stops at the first False) or any (stops at the first True), where unknown decides only if nothing else."""

    def check(values: Values, at: datetime) -> bool | None:
        result: bool | None = not stops
        for one in checks:
            got = one(values, at)
            if got is stops:
                return stops
            if got is None:
                result = None
        return result

    return check


def _leaf(name: str, said: Condition) -> Check:
    if said.unknown is not None:
        wanted = said.unknown
        return lambda values, at: (values[name] is None) is wanted
    if said.is_ is not None:
        answer = said.is_
        return lambda values, at: None if (got := values[name]) is None else got is answer
    if said.any_of is not None:
        codes = frozenset(said.any_of)
        return lambda values, at: None if not isinstance(got := values[name], tuple) else not codes.isdisjoint(got)
    number, least = number_in(said) or 0, said.at_least is not None

    def compare(values: Values, at: datetime) -> bool | None:
        got = values[name]
        if got is None:
            return None
        amount = (at - got) / _HOUR if isinstance(got, datetime) else got
        return amount >= number if least else amount <= number  # type: ignore[operator]  # a number by the vocabulary

    return compare
