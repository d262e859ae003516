# SPDX-License-Identifier: Apache-2.0
"""Asks every table by raw SQL in the three roles of the database, and says where the answer differs from the table."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection

from nightlight.trust import identity
from tests.access import rows, stated
from tests.access.world import database_role, relation, undone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.access.stated import Table
    from tests.access.world import Person, World

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
ROLES = {"web": "nightlight_app", "intake": "nightlight_intake", "worker": "nightlight_worker"}


@dataclass
class Row:
    """One row: its key, what it is, whose units and which person it belongs to, and all of it as JSON."""

    key: tuple[Any, ...]
    kind: str
    units: frozenset[str]
    person: int | None
    tip: str
    sample: bool
    adds_units: frozenset[str]
    changes_units: frozenset[str]
    whole: dict[str, Any] = field(repr=False)


def run(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters) or None)
        return cursor.fetchall() if cursor.description else []


@cache
def columns(table: str) -> tuple[str, ...]:
    """The columns of a table."""
    found = run(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [table],
    )
    return tuple(row[0] for row in found)


@cache
def written(table: str) -> tuple[str, ...]:
    """The columns that are not worked out by the database."""
    found = run(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    return tuple(row[0] for row in found)


@cache
def key_of(table: str) -> str:
    """The columns of the primary key, with commas between."""
    found = run(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int[], a.attnum::int)",
        [table],
    )
    return ", ".join(f'"{row[0]}"' for row in found)


def rows_of(world: World, name: str) -> list[Row]:
    """Every row of a table, as the superuser sees it."""
    table = rows.TABLES[name]
    units = (table.units, table.adds_units or table.units, table.changes_units or table.units)
    found = run(
        f"SELECT {', '.join(f'ARRAY(SELECT u FROM unnest(({u})::bigint[]) u WHERE u IS NOT NULL)' for u in units)},"
        f" ({table.person})::bigint, ({table.kind})::text, ({table.tip})::text, ({table.samples}),"
        f" row_to_json(t.*)::text, {key_of(name)}"
        f" FROM {name} t"
    )

    def codes(keys: Sequence[int]) -> frozenset[str]:
        return frozenset(world.codes[u] for u in keys)

    return [
        Row(
            tuple(key),
            kind or "",
            codes(units),
            person,
            tip or "",
            sample,
            codes(adding),
            codes(changing),
            json.loads(whole),
        )
        for units, adding, changing, person, kind, tip, sample, whole, *key in found
    ]


def relations(person: Person, row: Row) -> set[str]:
    """How a row stands to a person: by its units, and "self", "broken", "root" (the person is at the top), "any"."""
    found = {relation(person.unit, code) for code in row.units} if person.unit else set()
    if row.person is not None and row.person == person.user_id:
        found.add("self")
    if row.tip in person.broken:
        found.add("broken")
    if person.unit == "IN":
        found.add("root")
    return found | {"any"}


def allowed(rule: stated.Rule, person: Person, row: Row) -> bool:
    """Whether the rule lets this person at this row."""
    roles = {person.role, "signed-in" if person.user else "nobody"}
    by_role = rule.get(row.kind, rule.get("*", {}))
    how = relations(person, row)
    near = [by_role.get(role, set()) for role in roles]
    return any(how & one and not ("!self" in one and "self" in how) for one in near)


def attempt(sql: str, parameters: Sequence[Any] = ()) -> int | str:
    """Try a statement and take it back; return how many rows it touched, "refused", or "stopped" by something else."""
    raw: Any = connection.connection
    with undone():
        try:
            return int(raw.execute(sql, list(parameters) or None).rowcount)
        except psycopg.errors.InsufficientPrivilege:
            return "refused"
        except psycopg.Error:
            return "stopped"


# --- what pages see and do --------------------------------------------------------------------------------------


def web_differences(world: World, name: str, people: Sequence[Person] | None = None) -> list[str]:
    """What each person sees of the table, adds to it, changes and removes, compared with what is stated."""
    table = rows.TABLES[name]
    every = rows_of(world, name)
    found: list[str] = []
    for person in world.everybody if people is None else people:
        with _acting(person):
            lines = (
                *_seen(name, table, every, person),
                *_added(name, table, every, person),
                *_changed(name, table, every, person),
            )
            found += [f"{name} as {person}: {line}" for line in lines]
    return found


def first_web_difference(world: World, name: str) -> list[str]:
    """The differences of the first person for whom there are any; those who may least are asked first."""
    order = sorted(world.everybody, key=lambda person: (person.role not in {"", "administrator"}, person.unit == "IN"))
    for person in order:
        found = web_differences(world, name, [person])
        if found:
            return found
    return []


def _acting(person: Person) -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    if person.user_id is not None:
        stack.enter_context(identity.acting_as(viewer=person.user_id))
    run("SELECT 1")  # tells the database who acts
    stack.enter_context(database_role(ROLES["web"]))
    return stack


def _seen(name: str, table: Table, every: list[Row], person: Person) -> Iterator[str]:
    if "S" not in table.web:
        return
    raw: Any = connection.connection
    shown = {tuple(row) for row in raw.execute(f"SELECT {key_of(name)} FROM {name}").fetchall()}
    may = {row.key for row in every if allowed(table.sees, person, row)}
    if extra := shown - may:
        yield f"sees {len(extra)} rows too many, such as {min(extra, key=str)}"
    if short := may - shown:
        yield f"does not see {len(short)} rows, such as {min(short, key=str)}"


def _added(name: str, table: Table, every: list[Row], person: Person) -> Iterator[str]:
    """Copies of rows, one of each sort: as they are, in the person's own name, and with what no row may hold."""
    if "I" not in table.web:
        return
    tried: set[tuple[Any, ...]] = set()
    for row in (replace(one, units=one.adds_units) for one in every):
        how = (row.kind, frozenset(relations(person, row)))
        if how in tried or not row.sample:
            continue
        tried.add(how)
        yield from _one_added(name, table, row, person)
        if person.user is None:
            continue
        mine = row
        if table.owner:
            mine = replace(row, person=person.user_id, whole={**row.whole, table.owner: table.names(person)})
            yield from _one_added(name, table, mine, person)
        for spoilt in table.spoilt:
            yield from _one_added(name, table, replace(mine, whole={**mine.whole, **spoilt}), person, never=True)


def _one_added(name: str, table: Table, row: Row, person: Person, *, never: bool = False) -> Iterator[str]:
    got = _copied(name, row)
    how = relations(person, row)
    may = not never and allowed(table.adds, person, row) and (not table.adds_own or "self" in how)
    if (got == "refused") is may:
        what = " with what is never taken" if never else ""
        yield f"adding a {row.kind or 'row'} {sorted(how)}{what}: {got}"


def _copied(name: str, row: Row) -> int | str:
    """Add a copy of a row: row security judges it before any constraint does, so a copy that clashes was let in."""
    columns = ", ".join(f'"{column}"' for column in written(name))
    return attempt(
        f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns} FROM json_populate_record(NULL::{name}, %s)",
        [json.dumps(row.whole)],
    )


def _changed(name: str, table: Table, every: list[Row], person: Person) -> Iterator[str]:
    statements = []
    if table.sets:
        statements.append(f"UPDATE {name} SET {table.sets}")
    if "D" in table.web:
        statements.append(f"DELETE FROM {name}")
    may = sum(allowed(table.changes, person, replace(row, units=row.changes_units)) for row in every)
    for sql in statements:
        got = attempt(sql)
        if got not in ({may} if may == 0 else {may, "stopped"}):
            yield f"{sql.split()[0]} touches {got}, not {may}"


# --- privileges, tried --------------------------------------------------------------------------------------------


def privilege_differences(role: str, name: str) -> list[str]:
    """Every verb and column of a table tried by one database role, compared with what is stated for it."""
    table = rows.TABLES[name]
    may = stated.privileges(getattr(table, role), columns(name))
    found: list[str] = []
    with database_role(ROLES[role]):
        for column in written(name):
            for verb, sql in (
                ("S", f'SELECT "{column}" FROM {name} WHERE false'),
                ("I", f'INSERT INTO {name} ("{column}") SELECT NULL WHERE false'),
                ("U", f'UPDATE {name} SET "{column}" = NULL WHERE false'),
            ):
                if (attempt(sql) == "refused") is (column in may[verb]):
                    found.append(f"{role} {verb} {name}.{column}: {'refused' if column in may[verb] else 'allowed'}")
        if (attempt(f"DELETE FROM {name} WHERE false") == "refused") is bool(may["D"]):
            found.append(f"{role} D {name}: {'refused' if may['D'] else 'allowed'}")
        if attempt(f"TRUNCATE {name}") != "refused":
            found.append(f"{role} empties {name}")
    return found


# --- what each background step may ------------------------------------------------------------------------------


def step_differences(world: World, name: str, steps: Sequence[str] = ()) -> list[str]:
    """What each step reads, adds, changes and removes of a table, compared with what is stated."""
    table = rows.TABLES[name]
    every = rows_of(world, name)
    found: list[str] = []
    for step in steps or (*stated.STEPS, "no-such-step", ""):
        may = stated.verbs_of(table, step)
        with _stepping(step):
            got = _verbs(name, table, every)
        if got != may:
            found.append(f"step {step or 'none'} on {name}: {got or 'nothing'}, not {may or 'nothing'}")
    return found


def _stepping(step: str) -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    if step:
        stack.enter_context(identity.acting_as(service=step))
    run("SELECT 1")
    stack.enter_context(database_role(ROLES["worker"]))
    return stack


def _verbs(name: str, table: Table, every: list[Row]) -> str:
    """Which of S, I, U, D go through for all rows; a small letter where for some of them only."""
    got = ""
    seen = attempt(f"SELECT {key_of(name)} FROM {name}")
    got += "S" if seen == len(every) and every else "s" if isinstance(seen, int) and seen else ""
    if every:
        got += "" if _copied(name, every[0]) == "refused" else "I"
    sets = table.worker_sets or table.sets or f'"{columns(name)[-1]}" = DEFAULT'
    for letter, sql in (("U", f"UPDATE {name} SET {sets}"), ("D", f"DELETE FROM {name}")):
        touched = attempt(sql)
        got += (
            letter
            if touched in {len(every), "stopped"} and every
            else letter.lower()
            if touched not in {0, "refused"}
            else ""
        )
    return got
