# SPDX-License-Identifier: Apache-2.0
"""The rows of the queue are those that standings make, whatever was done to standings, and by how many at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.foundation import public_ids
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Reporter
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
TIPS = 6
# unit (first or second), environment, kind, anchor
_groups = st.tuples(
    st.integers(0, 1), st.sampled_from(["production", "test"]), st.sampled_from(["single", "viral"]), st.integers(1, 2)
)
_numbers = st.fixed_dictionaries(
    {
        "band": st.integers(0, 3),
        "harm": st.integers(0, 3),
        "dies_at": st.none() | st.integers(0, 3).map(lambda hours: AT + timedelta(hours=hours)),
        "workability": st.integers(0, 2),
        "lane": st.sampled_from(["open", "open", "snoozed", "closed"]),
        "held": st.booleans(),
    }
)
_some = st.sets(st.integers(0, TIPS - 1), min_size=1)
_steps = st.one_of(
    st.tuples(st.just("put"), _some, st.tuples(_groups, _numbers)),
    st.tuples(st.just("move"), _some, _groups),
    st.tuples(st.just("change"), _some, _numbers),
    st.tuples(st.just("delete"), _some, st.none()),
)
_COLUMNS = "unit_id, environment, kind, anchor, band, harm, dies_at, workability, lane, holder_id"


class World:
    """A few tips, two units, and somebody who takes tips."""

    def __init__(self) -> None:
        accounts.add_credential(by="command:cli", at=AT, name="Example Chat", environment="production")
        root = Unit.objects.get(receives=True)
        below = units.add_unit(
            by="command:cli", at=AT, code="DI-Q", name="Example district", kind="district", parent=root
        )
        self.units = (root.pk, below.pk)
        user = accounts.add_person(
            by="command:cli", at=AT, username="meera", password="a-long-invented-password", full_name="An Officer"
        )
        self.holder = user.pk
        reporter = Reporter.objects.get()
        self.tips = [
            Tip.objects.create(
                public_id=public_ids.new("NL"), report_id=900 + n, source="api", environment="production",
                reporter=reporter, sent_by="example", incident_type="unstated", batched=False, escalated=False,
                payload_sha256=b"", opened_at=AT, state="open", state_at=AT,
            ).pk
            for n in range(TIPS)
        ]  # fmt: skip

    def do(self, run: Any, step: tuple[str, set[int], Any]) -> None:  # noqa: ANN401 - a cursor
        """Carry out one step on standings, for all its tips in one statement."""
        what, some, how = step
        tips = [self.tips[n] for n in sorted(some)]
        if what == "put":
            values = [[tip, *self._group(how[0]), *self._numbers(how[1]), self._arrived(tip)] for tip in tips]
            one = "(%s, %s, %s, %s, %s, %s, %s, %s::timestamptz, %s, %s, %s::bigint, %s)"
            rows = ", ".join([one] * len(values))
            names = f"tip_id, {_COLUMNS}, arrived_at"
            same = ", ".join(f"{name.strip()} = EXCLUDED.{name.strip()}" for name in names.split(",")[1:])
            run.execute(
                f"INSERT INTO triage_standing ({names}) VALUES {rows} ON CONFLICT (tip_id) DO UPDATE SET {same}",
                [value for row in values for value in row],
            )
        elif what == "move":
            run.execute(
                "UPDATE triage_standing SET unit_id = %s, environment = %s, kind = %s, anchor = %s"
                " WHERE tip_id = ANY (%s)",
                [*self._group(how), tips],
            )
        elif what == "change":
            run.execute(
                "UPDATE triage_standing SET band = %s, harm = %s, dies_at = %s, workability = %s, lane = %s,"
                " holder_id = %s WHERE tip_id = ANY (%s)",
                [*self._numbers(how), tips],
            )
        else:
            run.execute("DELETE FROM triage_standing WHERE tip_id = ANY (%s)", [tips])

    def _group(self, group: tuple[int, str, str, int]) -> list[object]:
        return [self.units[group[0]], *group[1:]]

    def _numbers(self, told: dict[str, Any]) -> list[object]:
        names = ("band", "harm", "dies_at", "workability", "lane")
        return [*(told[name] for name in names), self.holder if told["held"] else None]

    def _arrived(self, tip: int) -> datetime:
        return AT + timedelta(minutes=self.tips.index(tip))


def _rows() -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unit_id, environment, kind, anchor, lead_id, tips, band, harm, dies_at, workability, first_at,"
            " newest_at, holder_id FROM triage_row"
        )
        return set(cursor.fetchall())


def _worked_out() -> set[tuple[object, ...]]:
    """The same from all standings at once, in Python."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tip_id, {_COLUMNS}, arrived_at FROM triage_standing WHERE lane = 'open'")
        found: dict[tuple[Any, ...], list[Any]] = {}
        for tip, *group, band, harm, dies_at, workability, _lane, holder, arrived in cursor.fetchall():
            found.setdefault(tuple(group), []).append((tip, band, harm, dies_at, workability, holder, arrived))
    rows = set()
    for group, tips in found.items():
        lead = min(tips, key=lambda one: (-one[1], one[3] is None, one[3] or AT, -one[4], one[0]))
        rows.add(
            (
                *group, lead[0], len(tips), max(one[1] for one in tips), max(one[2] for one in tips),
                min((one[3] for one in tips if one[3]), default=None), max(one[4] for one in tips),
                min(one[6] for one in tips), max(one[6] for one in tips), lead[5],
            )
        )  # fmt: skip
    return rows


@pytest.fixture
def world(db: None) -> World:
    return World()


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(_steps, min_size=1, max_size=8))
def _keeps(world: World, steps: list[Any]) -> None:
    undo = transaction.savepoint()
    try:
        with connection.cursor() as cursor:
            for step in steps:
                world.do(cursor, step)
                assert _rows() == _worked_out()
    finally:
        transaction.savepoint_rollback(undo)


def test_rows_are_what_standings_make_whatever_is_done(world: World) -> None:
    _keeps(world)


# --- two at once


@pytest.fixture
def committed(transactional_db: None) -> World:
    return World()


@pytest.fixture
def two(committed: World) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    known = connection.settings_dict
    told = {"host": known["HOST"], "dbname": known["NAME"], "user": known["USER"]}
    with psycopg.connect(**told) as one, psycopg.connect(**told) as other:
        yield one, other
        one.rollback()
        other.rollback()


_ONE = {"band": 1, "harm": 1, "dies_at": None, "workability": 1, "lane": "open", "held": False}
_GROUP = (0, "production", "viral", 1)
_AWAY = (1, "production", "single", 2)


@pytest.mark.parametrize(
    ("mine", "theirs", "left"),
    [
        (("put", {0}, (_GROUP, _ONE)), ("put", {1}, (_GROUP, _ONE)), 4),  # both join
        (("delete", {2}, None), ("delete", {3}, None), 0),  # both leave, and nobody stays
        (("move", {2}, _AWAY), ("put", {0}, (_GROUP, {**_ONE, "band": 3})), 2),
        (("change", {2}, {**_ONE, "lane": "closed"}), ("change", {3}, {**_ONE, "held": True}), 1),
    ],
)
def test_two_who_change_one_group_at_once_miss_nothing_of_each_other(
    committed: World,
    two: tuple[psycopg.Connection[Any], psycopg.Connection[Any]],
    mine: Any,  # noqa: ANN401 - a step
    theirs: Any,  # noqa: ANN401
    left: int,
) -> None:
    with connection.cursor() as cursor:
        committed.do(cursor, ("put", {2, 3}, (_GROUP, _ONE)))
    one, other = two
    committed.do(one, mine)
    (waits,) = other.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]
    second = threading.Thread(target=lambda: (committed.do(other, theirs), other.commit()))
    second.start()
    # The second stands at the lock of the group until the first is done, whatever that does in the meantime.
    waiting = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    while second.is_alive() and not one.execute(waiting, [waits]).fetchone()[0]:  # type: ignore[index]
        second.join(0.01)
    assert second.is_alive(), "it did not wait"
    one.commit()
    second.join()
    assert _rows() == _worked_out()
    assert sum(row[5] for row in _rows() if row[2] == "viral") == left  # type: ignore[misc]
