# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of retention."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_DECIDES = "(SELECT units_has_role('legal-reviewer', 'commander'))"
_READS = "(SELECT units_has_role('legal-reviewer', 'commander', 'auditor'))"


def _of_a_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr({table}.subject, 5))"  # noqa: S608


TABLES = {
    "retention_hold": Rights(
        web="SELECT, INSERT, UPDATE (lifted_by_id, lifted_at)",
        steps=dict.fromkeys(("retention", "verifying"), "SELECT"),
        command="SELECT",
        sees=f"{_READS} AND {_of_a_tip('retention_hold')}",
        adds=f"{_DECIDES} AND placed_by_id = (SELECT units_viewer()) AND {_of_a_tip('retention_hold')}",
        changes=f"{_DECIDES} AND {_of_a_tip('retention_hold')}",
    ),
    "retention_apart": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(("retention", "verifying", "reading", "importing", "linking", "triage"), "SELECT"),
        command="SELECT",
        sees=f"{_READS} AND {_of_a_tip('retention_apart')}",
        adds=f"{_DECIDES} AND by_id = (SELECT units_viewer()) AND {_of_a_tip('retention_apart')}",
    ),
    "retention_destruction": Rights(
        web="SELECT, INSERT, UPDATE (state, decided_by_id, decided_at)",
        steps={"retention": "SELECT, UPDATE (state, done_at, certificate)", "verifying": "SELECT"},
        command="SELECT",
        sees=f"{_READS} AND ((SELECT units_reaches_all()) OR unit_id IN (SELECT units_reach()))",
        adds=f"""(SELECT units_has_role('legal-reviewer')) AND asked_by_id = (SELECT units_viewer())
            AND state = 'asked' AND {_of_a_tip("retention_destruction")}""",
        changes="""(SELECT units_has_role('commander')) AND asked_by_id <> (SELECT units_viewer())
            AND ((SELECT units_reaches_all()) OR unit_id IN (SELECT units_reach()))""",
    ),
}
