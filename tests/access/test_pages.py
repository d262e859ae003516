# SPDX-License-Identifier: Apache-2.0
"""Every role in every kind of unit asks for every address; a page that nobody put into the table fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips import wire
from nightlight.trust.accounts.models import Role
from tests.access import expected, pages
from tests.access.world import STAFFED

if TYPE_CHECKING:
    from tests.access.world import World

pytestmark = pytest.mark.django_db
SPECIALS = ("no-post", "ended-post", "future-post", "suspended", "nobody", "breaker", "breaking-commander")


def _unexpected(lines: list[str]) -> list[str]:
    return [line for line in lines if not any(re.search(known, line) for known in expected.OPEN_DEFECTS)]


def test_every_address_is_in_the_table_and_nothing_else() -> None:
    assert sorted(pages.routes().keys() - expected.PAGES.keys()) == [], "say in expected.py who may open these"
    assert sorted(expected.PAGES.keys() - pages.routes().keys()) == [], "these pages are gone"
    assert wire._ENDPOINTS.keys() == expected.WIRE.keys()


@pytest.mark.parametrize("kind", STAFFED)
@pytest.mark.parametrize("role", Role.values)
def test_every_page_answers_each_role_as_stated(world: World, role: str, kind: str) -> None:
    assert _unexpected(pages.differences(world, [world.person(role, STAFFED[kind])])) == []


@pytest.mark.parametrize("name", SPECIALS)
def test_every_page_answers_those_without_rights_as_stated(world: World, name: str) -> None:
    assert _unexpected(pages.differences(world, [world.specials[name]])) == []


def test_a_defect_that_is_mended_leaves_the_list(world: World) -> None:
    people = [world.person("commander", "PS-A1A")]
    for known in expected.OPEN_DEFECTS:
        name = next(name for name in sorted(expected.PAGES, key=len, reverse=True) if name in known)
        assert any(re.search(known, line) for line in pages.differences(world, people, [name])), known


def test_no_page_takes_a_method_that_is_not_stated(world: World) -> None:
    """Asked by everybody at the top, so that whoever could be let in is among them."""
    assert pages.unstated_methods(world) == []


@pytest.mark.parametrize("endpoint", expected.WIRE)
def test_the_reporting_api_answers_each_reporter_as_stated(world: World, endpoint: str) -> None:
    _method, by_reporter = expected.WIRE[endpoint]
    for reporter, statuses in by_reporter.items():
        assert pages.wire_status(world, endpoint, reporter) in statuses, reporter or "nobody"
