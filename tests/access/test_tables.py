# SPDX-License-Identifier: Apache-2.0
"""Every table by raw SQL, in each role of the database; a table that nobody put into the expectation fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.config import rights
from tests.access import rows, stated, tables

if TYPE_CHECKING:
    from tests.access.world import World

pytestmark = pytest.mark.django_db
SECURED = [name for name, table in rows.TABLES.items() if not table.open]


def test_every_table_is_in_the_expectation(world: World) -> None:
    found = {row[0] for row in tables.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert sorted(found - rows.TABLES.keys()) == [], "say in rows.py who may see these"
    assert sorted(rows.TABLES.keys() - found) == [], "these tables are gone"
    steps = {step for table in rights.TABLES.values() for step in table.steps}
    assert sorted(steps - {*stated.STEPS}) == [], "say in stated.py what these steps may"


@pytest.mark.parametrize("name", SECURED)
def test_the_world_has_rows_of_everything(world: World, name: str) -> None:
    """A rule about rows that nobody has would be met by any policy."""
    assert tables.rows_of(world, name)


@pytest.mark.parametrize("name", SECURED)
def test_people_see_and_change_the_rows_that_are_stated(world: World, name: str) -> None:
    assert tables.web_differences(world, name) == []


@pytest.mark.parametrize("role", tables.ROLES)
def test_each_role_has_the_privileges_that_are_stated(world: World, role: str) -> None:
    assert [line for name in rows.TABLES for line in tables.privilege_differences(role, name)] == []


@pytest.mark.parametrize("name", SECURED)
def test_each_step_has_the_rows_that_are_stated(world: World, name: str) -> None:
    assert tables.step_differences(world, name) == []
