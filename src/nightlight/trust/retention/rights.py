# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of retention."""

from __future__ import annotations

from nightlight.trust.rights import HELD_TIP, Rights

_DECIDES = "(SELECT units_has_role('legal-reviewer', 'commander'))"
_READS = "(SELECT units_has_role('legal-reviewer', 'commander', 'auditor'))"


def _of_a_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr({table}.subject, 5))"  # noqa: S608


def _held(table: str, condition: str = HELD_TIP) -> str:
    """What is kept, and for how long, is decided where the tip is held; a unit it is offered to decides nothing."""
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr({table}.subject, 5) AND {condition})"  # noqa: S608


_REACHED = "((SELECT units_reaches_all()) OR {} IN (SELECT units_reach()))"
_DESTROYS = _held("retention_destruction", _REACHED.format("t.unit_id"))

TABLES = {
    "retention_hold": Rights(
        web="SELECT, INSERT, UPDATE (lifted_by_id, lifted_at)",
        steps=dict.fromkeys(("retention", "verifying"), "SELECT"),
        command="SELECT",
        sees=f"{_READS} AND {_of_a_tip('retention_hold')}",
        adds=f"{_DECIDES} AND placed_by_id = (SELECT units_viewer()) AND {_held('retention_hold')}",
        changes=f"{_DECIDES} AND {_held('retention_hold')}",
    ),
    "retention_apart": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(
            (
                "retention",
                "verifying",
                "reading",
                "importing",
                "linking",
                "triage",
                "routing",
                "exchange",
                "attribution",
            ),
            "SELECT",
        ),
        command="SELECT",
        sees=f"{_READS} AND {_of_a_tip('retention_apart')}",
        adds=f"{_DECIDES} AND by_id = (SELECT units_viewer()) AND {_held('retention_apart')}",
    ),
    "retention_destruction": Rights(
        web="SELECT, INSERT, UPDATE (state, decided_by_id, decided_at)",
        steps={"retention": "SELECT, UPDATE (state, done_at, certificate)", "verifying": "SELECT"},
        command="SELECT",
        # Also by the unit that the tip went to since: what happens to it is that unit's to decide.
        sees=f"{_READS} AND ({_REACHED.format('unit_id')} OR {_DESTROYS})",
        adds=f"""(SELECT units_has_role('legal-reviewer')) AND asked_by_id = (SELECT units_viewer())
            AND state = 'asked' AND {_held("retention_destruction", "t.unit_id = retention_destruction.unit_id")}
            AND {_DESTROYS}""",
        changes=f"""(SELECT units_has_role('commander')) AND asked_by_id <> (SELECT units_viewer())
            AND {_DESTROYS}""",
    ),
}
