# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of insight: whoever sees the tip sees what was counted of it.

Reporters read none of them: the intake's role may run functions that give back codes and days of its own reports.
"""

from __future__ import annotations

from nightlight.trust.rights import Rights

_STEP = "reading"  # it opens reports already; what it counts in them it writes here


def _sees_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id)"  # noqa: S608 - our own names


def _worked_out(table: str, *, web: str = "SELECT") -> Rights:
    return Rights(
        web=web,
        steps={_STEP: "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT, UPDATE",
        sees=_sees_tip(table),
    )


TABLES = {
    # Triggers put tips here with the owner's rights.
    "insight_waiting": _worked_out("insight_waiting", web=""),
    "insight_quality": _worked_out("insight_quality"),
    "insight_told": _worked_out("insight_told"),
    "insight_listed": Rights(
        intake="SELECT, INSERT, UPDATE (day)",
        open_because="on which day a reporter last took its lists; no case data, and pages have no right to it",
    ),
    "insight_holdback": Rights(
        web="SELECT, INSERT",
        steps={"verifying": "SELECT"},
        command="SELECT",
        sees=_sees_tip("insight_holdback"),
        adds="""(SELECT units_has_role('triage-officer', 'commander')) AND by_id = (SELECT units_viewer())
            AND EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = insight_holdback.tip_id
                        AND ((SELECT units_reaches_all()) OR t.unit_id IN (SELECT units_reach())))""",
    ),
}
