# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of looking at files: people see their own looks, commanders only sums."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_ME = "user_id = (SELECT units_viewer())"
_LOOKS = "(SELECT units_has_role('investigator', 'victim-identification', 'triage-officer'))"
_CHECKS = "(SELECT units_has_role('commander', 'auditor', 'legal-reviewer'))"
# Our own names, nothing of anybody else's.
_TIP = "EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr({table}.subject, 5))"
_ITEM = "EXISTS (SELECT 1 FROM evidence_item i WHERE i.id = viewing_warrant.item_id)"
_FILE = """EXISTS (SELECT 1 FROM tips_tipfile f JOIN tips_tip t ON t.id = f.tip_id
            WHERE f.item_id = viewing_viewing.item_id AND 'tip:' || t.public_id = viewing_viewing.subject)"""


def _own_viewing(table: str, more: str = "") -> str:
    mine = "v.user_id = (SELECT units_viewer())"
    return f"EXISTS (SELECT 1 FROM viewing_viewing v WHERE v.id = {table}.viewing_id AND {mine}{more})"  # noqa: S608


TABLES = {
    "viewing_warrant": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(("rendering", "verifying"), "SELECT"),
        command="SELECT",
        sees=_ITEM,
        adds=f"{_ME} AND {_LOOKS} AND {_ITEM}",
    ),
    "viewing_viewing": Rights(
        web="SELECT, INSERT, UPDATE (state, closed_at)",
        steps={"rendering": "SELECT, UPDATE", "verifying": "SELECT"},
        command="SELECT",
        sees=f"{_ME} OR ({_CHECKS} AND {_TIP.format(table='viewing_viewing')})",
        adds=f"""{_ME} AND {_LOOKS} AND state = 'asked' AND answered_at IS NULL
            AND expires_at <= now() + interval '11 minutes' AND {_FILE}""",
        changes=_ME,
    ),
    "viewing_picture": Rights(
        web="SELECT, DELETE",
        steps={"rendering": "SELECT, INSERT, DELETE"},
        command="SELECT",
        sees=_own_viewing("viewing_picture"),
        changes=_own_viewing("viewing_picture"),
    ),
    # Pages cannot read who assessed: other units see the words, not the people.
    "viewing_assessment": Rights(
        web="SELECT (id, blob_id, at, outcome, violent, rule), INSERT",
        steps={"verifying": "SELECT"},
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM evidence_blob b WHERE b.id = viewing_assessment.blob_id)",
        adds=f"{_ME} AND {_own_viewing('viewing_assessment')}",
    ),
    "viewing_exposure": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(("rendering", "verifying"), "SELECT"),
        command="SELECT",
        sees=_ME,
        adds=f"{_ME} AND {_own_viewing('viewing_exposure')}",
    ),
    "viewing_export": Rights(
        web="SELECT, INSERT, UPDATE (state, decided_by_id, decided_at, expires_at)",
        steps={"rendering": "SELECT, UPDATE (state)", "verifying": "SELECT"},
        command="SELECT, UPDATE (state, written_at)",
        sees=_TIP.format(table="viewing_export"),
        adds=f"""{_ME} AND state = 'asked' AND decided_by_id IS NULL AND {_TIP.format(table="viewing_export")}
            AND (SELECT units_has_role('investigator'))""",
        changes=f"""NOT ({_ME}) AND (SELECT units_has_role('commander')) AND {_TIP.format(table="viewing_export")}
            AND (decided_by_id IS NULL OR decided_by_id = (SELECT units_viewer()))""",
    ),
}
