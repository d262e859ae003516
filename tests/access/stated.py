# SPDX-License-Identifier: Apache-2.0
"""What a table is stated with: privileges, rules about rows, and how a row stands to a tip."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.access.asking import AUDITOR, BELOW, COMMANDER, LEGAL, READ, WORK

# kind of row -> role -> how the row must stand to the person. Roles besides the eight: "signed-in" is everybody with a
# user, "nobody" is nobody. Relations besides those of units: "self", "broken" (glass), "root" (the person is at the
# top), "any"; "!self" never lets a person at their own rows.
Rule = Mapping[str, Mapping[str, set[str]]]
NONE = "ARRAY[]::bigint[]"
STEPS = (
    "reading", "importing", "expiry", "sweeping", "verifying", "custody", "unsealing", "rendering", "retention",
    "notices", "matching", "linking", "triage", "routing", "exchange", "attribution", "lists", "command",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """What is stated of one table. In SQL, ``t`` is the row; privileges are S, I, U, D, with columns where limited."""

    web: str = ""
    intake: str = ""
    worker: str = ""
    steps: str = ""  # "reading verifying S importing SI"; what each background step may with the rows
    open: bool = False  # no row security: the privileges say it all
    sees: Rule = field(default_factory=dict)
    adds: Rule = field(default_factory=dict)
    changes: Rule = field(default_factory=dict)
    units: str = NONE
    person: str = "NULL"
    kind: str = "''"
    tip: str = "NULL"
    sets: str = ""  # a change that pages may make
    worker_sets: str = ""
    owner: str = ""  # the column that names the person whose row it is
    names: Callable[[Any], Any] = lambda person: person.user_id  # what stands there for a person
    adds_own: bool = False  # only rows that name the person themself
    adds_units: str = ""  # whose units decide who adds, and who changes, where those are not all of ``units``
    changes_units: str = ""
    samples: str = "true"  # which rows may serve as examples of one to add
    spoilt: Sequence[Mapping[str, Any]] = ()  # what no row that a page adds may hold


def privileges(text: str, columns: Sequence[str]) -> dict[str, set[str]]:
    """Take "S I U(a,b) D" apart into columns by verb."""
    found: dict[str, set[str]] = {verb: set() for verb in "SIUD"}
    for verb, _, some in re.findall(r"([SIUD])(\(([^)]*)\))?", text):
        found[verb] = set(some.split(",")) if some else set(columns)
    return found


def verbs_of(table: Table, step: str) -> str:
    """What a step may with all rows of a table."""
    steps: list[str] = []
    for word in table.steps.split():
        if word.isupper():
            if step in steps:
                return word
            steps = []
        else:
            steps.append(word)
    return ""


def reach(roles: frozenset[str], *more: str) -> dict[str, set[str]]:
    """How a record must stand to each of these roles: own, below where the role reaches so far, behind broken glass."""
    found = {role: {"own", *more} | ({"child"} if role in BELOW else set()) for role in roles}
    return {role: near | ({"broken"} if role in WORK else set()) for role, near in found.items()}


APART = frozenset({LEGAL, COMMANDER, AUDITOR})
# Whoever sees the tip.
RECORD: Rule = {"": reach(READ), "apart": reach(APART)}


def by(where: str) -> dict[str, str]:
    """Units, kind and identifier of the tip that a row belongs to."""
    return {
        "units": f"ARRAY(SELECT x.unit_id FROM tips_tip x WHERE {where})",
        "kind": f"(SELECT CASE WHEN x.set_apart THEN 'apart' ELSE '' END FROM tips_tip x WHERE {where} LIMIT 1)",
        "tip": f"(SELECT x.public_id FROM tips_tip x WHERE {where} LIMIT 1)",
    }


BY_TIP = by("x.id = t.tip_id")
BY_SUBJECT = by("'tip:' || x.public_id = t.subject")
_ITEM = "SELECT f.tip_id FROM tips_tipfile f WHERE f.item_id"
BY_ITEM = by(f"x.id IN ({_ITEM} = t.item_id)")
BY_BLOB = by(
    "x.id IN (SELECT f.tip_id FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id WHERE i.blob_id = t.blob_id)"
)
