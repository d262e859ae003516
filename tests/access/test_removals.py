# SPDX-License-Identifier: Apache-2.0
"""The tables of access are worth something only if they notice: each policy and each decorator is taken away once.

What is taken away comes back with the savepoint. A removal that no check notices fails, or stands in a list below
with the reason why it opens nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from nightlight.config import rights
from nightlight.trust.rights import INTAKE, WEB, WORKER
from tests.access import (
    attribution_pages_requests,
    attribution_pages_returns,
    attribution_pages_trace,
    expected,
    handing_pages,
    insight,
    pages,
    rows,
    tables,
    triage_pages,
)
from tests.access.world import undone

if TYPE_CHECKING:
    from tests.access.world import World

pytestmark = pytest.mark.django_db

# (table, policy): why taking it away opens nothing.
OPEN_ALREADY = {
    ("units_notice", "web_insert"): "anybody may tell anybody something; it is open as it stands",
}
# Pages whose action or query refuses the same roles again, so that the answer stays the same without the decision.
_BY_QUERY = "the query asks again for a role that reads tips"
_BY_AUDIT = "the query asks again for the role of an auditor"
_BY_ACTION = "the action asks again for the role"
_BY_OWNER = "nobody finds it but whose own it is"
REFUSED_TWICE: dict[str, str] = {
    **triage_pages.REFUSED_TWICE,
    **insight.REFUSED_TWICE,
    **handing_pages.REFUSED_TWICE,
    **attribution_pages_returns.REFUSED_TWICE,
    **attribution_pages_trace.REFUSED_TWICE,
    **attribution_pages_requests.REFUSED_TWICE,
    **dict.fromkeys(("desk:inbox", "desk:arrivals", "desk:find", "desk:tip"), _BY_QUERY),
    **dict.fromkeys(("desk:imports", "desk:import", "desk:import-progress"), _BY_QUERY),
    **dict.fromkeys(("audit:entries", "audit:entry", "audit:take-out", "audit:person", "audit:record"), _BY_AUDIT),
    **dict.fromkeys(("audit:patterns", "audit:answer"), _BY_AUDIT),
    **dict.fromkeys(("desk:unit-add", "desk:unit-rename", "desk:unit-duty"), _BY_ACTION),
    **dict.fromkeys(("desk:glass-sign-off", "desk:sealed-ask", "desk:sealed-search"), _BY_ACTION),
    **dict.fromkeys(("desk:hold-lift", "desk:destruction-decide"), _BY_ACTION),
    **dict.fromkeys(("desk:opening", "desk:close-opening", "desk:viewing", "desk:viewing-state"), _BY_OWNER),
    **dict.fromkeys(("desk:viewing-shown", "desk:viewing-held", "desk:viewing-close"), _BY_OWNER),
    "desk:viewing-picture": _BY_OWNER,
    **dict.fromkeys(("desk:tip-known", "desk:match", "desk:seen"), _BY_QUERY),
    "desk:hash-answer": _BY_ACTION,
    "desk:unit-contact": _BY_ACTION,
    "desk:tip-export": _BY_ACTION,
}
NEVER_MET = {("matching_feedback", "web_insert"): "only partners add; test_known.py shows what each may"}


def _stated(role: str) -> list[tuple[str, str, str]]:
    return [
        (table, name, verb)
        for table, stated in sorted(rights.TABLES.items())
        if not stated.open_because
        for name, verb, whose, _using, _check in rights.policies(stated)
        if whose == role
    ]


def _take_away(table: str, policy: str, verb: str) -> None:
    clauses = {"SELECT": "USING (true)", "INSERT": "WITH CHECK (true)", "DELETE": "USING (true)"}
    raw: Any = connection.connection
    raw.execute(f"ALTER POLICY {policy} ON {table} {clauses.get(verb, 'USING (true) WITH CHECK (true)')}")


def test_the_removals_are_of_all_policies_there_are(world: World) -> None:
    found = set(tables.run("SELECT tablename, policyname, cmd FROM pg_policies"))
    assert found == {one for role in (WEB, INTAKE, WORKER) for one in _stated(role)}


@pytest.mark.parametrize(("table", "policy", "verb"), _stated(WEB))
def test_a_policy_of_the_pages_cannot_go_unnoticed(world: World, table: str, policy: str, verb: str) -> None:
    with undone():
        _take_away(table, policy, verb)
        noticed = tables.first_web_difference(world, table)
    assert bool(noticed) is ((table, policy) not in OPEN_ALREADY), noticed


@pytest.mark.parametrize(("table", "policy", "verb"), _stated(WEB))
def test_a_policy_that_is_gone_altogether_is_noticed(world: World, table: str, policy: str, verb: str) -> None:
    """Without a policy nobody is let through, which is safe, and somebody who has to work is kept out."""
    raw: Any = connection.connection
    with undone():
        raw.execute(f"DROP POLICY {policy} ON {table}")
        assert tables.first_web_difference(world, table) or (table, policy) in NEVER_MET


@pytest.mark.parametrize(("table", "policy", "verb"), _stated(WORKER))
def test_a_policy_of_the_steps_cannot_go_unnoticed(world: World, table: str, policy: str, verb: str) -> None:
    with undone():
        _take_away(table, policy, verb)
        assert tables.step_differences(world, table, ["no-such-step", ""])


@pytest.mark.parametrize("table", [name for name, table in rows.TABLES.items() if not table.open])
def test_row_security_cannot_be_switched_off_unnoticed(world: World, table: str) -> None:
    raw: Any = connection.connection
    with undone():
        raw.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        assert tables.first_web_difference(world, table) or tables.step_differences(world, table, ["no-such-step"])


def _decided() -> list[str]:
    return [name for name, route in pages.routes().items() if hasattr(route.view, "decision")]


# These answer everybody alike; what their decision adds is that answers are not kept, which is not asked here.
_FOR_ANYBODY = {"exchange:card", "exchange:nowhere"}


@pytest.mark.parametrize("name", [name for name in _decided() if name not in _FOR_ANYBODY])
def test_a_decorator_cannot_go_unnoticed(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each view is asked once without its decision: by nobody, and by a role that it refuses."""
    decision = pages.routes()[name].view.decision
    pages.undecided(monkeypatch, name)
    refused = next(
        (p for p in world.people if p.unit == "IN" and p.role not in decision.roles), world.specials["no-post"]
    )
    assert pages.differences(world, [world.specials["nobody"]], [name]), "nobody is answered as with the decision"
    noticed = pages.differences(world, [refused], [name])
    assert bool(noticed) is (name not in REFUSED_TWICE), f"{refused} is answered as with the decision: {noticed}"


def test_pages_without_a_decision_are_those_of_the_own_account() -> None:
    undecided = {name for name in pages.routes() if name not in _decided()}
    assert undecided == {name for name in undecided if name in expected.UNDECIDED}
