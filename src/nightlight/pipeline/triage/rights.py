# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of triage.

Scores and standings are seen by whoever sees the tip. What officers decide is theirs to add and nobody's to change,
and done by the unit that holds the tip: whoever broke the glass reads, and that is all.
"""

from __future__ import annotations

from nightlight.trust.rights import Rights

_WORKS = "(SELECT units_has_role('triage-officer', 'investigator', 'commander'))"
_COMMANDS = "(SELECT units_has_role('commander'))"
_MINE = "by_id = (SELECT units_viewer())"
_HELD = "((SELECT units_reaches_all()) OR {row}unit_id IN (SELECT units_reach()))"
_READS = """(SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification',
                                   'commander', 'legal-reviewer', 'auditor'))"""


def _sees_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id)"  # noqa: S608 - our own names


def _holds_tip(key: str) -> str:
    """Whether the tip is seen, and held by a unit in reach."""
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {key} AND {_HELD.format(row='t.')})"  # noqa: S608


def _said(table: str, *readers: str) -> Rights:
    """A table of what officers said about a tip: each in their own name, about a tip in their reach."""
    return Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(("triage", "verifying", *readers), "SELECT"),
        command="SELECT",
        sees=_sees_tip(table),
        adds=f"{_WORKS} AND {_MINE} AND {_holds_tip(f'{table}.tip_id')}",
    )


def _closure(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM triage_closure c WHERE c.id = {table}.closure_id)"  # noqa: S608


_HANDED_ON = "EXISTS (SELECT 1 FROM triage_handover h WHERE h.id = triage_handoverread.handover_id)"

TABLES = {
    "triage_rulebook": Rights(
        web="SELECT, INSERT",
        steps={"triage": "SELECT", "verifying": "SELECT"},
        command="SELECT, INSERT",
        sees=_READS,
        adds=f'{_COMMANDS} AND "by" = (SELECT units_actor())',
    ),
    # Triggers put tips here with the owner's rights.
    "triage_waiting": Rights(
        web="SELECT",
        steps={"triage": "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT",
        sees=_sees_tip("triage_waiting"),
    ),
    "triage_score": Rights(
        web="SELECT",
        steps={"triage": "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT",
        sees=_sees_tip("triage_score"),
    ),
    "triage_pastscore": Rights(
        web="SELECT", steps={"triage": "SELECT, INSERT"}, command="SELECT", sees=_sees_tip("triage_pastscore")
    ),
    "triage_officerfact": _said("triage_officerfact"),
    "triage_override": _said("triage_override"),
    # Told by the step that looks addresses up.
    "triage_recordsend": Rights(
        web="SELECT",
        steps={"attribution": "SELECT, INSERT, UPDATE, DELETE", "triage": "SELECT"},
        command="SELECT",
        sees=_sees_tip("triage_recordsend"),
    ),
    "triage_closure": _said("triage_closure", "exchange"),
    "triage_secondlook": Rights(
        web="SELECT, INSERT",
        steps={"triage": "SELECT", "verifying": "SELECT"},
        command="SELECT",
        sees=_closure("triage_secondlook"),
        # By somebody else than who closed it.
        adds=f"""{_WORKS} AND {_MINE} AND EXISTS (SELECT 1 FROM triage_closure c
            WHERE c.id = triage_secondlook.closure_id AND c.by_id <> triage_secondlook.by_id
              AND {_holds_tip("c.tip_id")})""",  # noqa: S608
    ),
    # An officer takes, puts off, closes; where a tip stands by the rules only the step says.
    "triage_standing": Rights(
        web="SELECT, UPDATE (lane, holder_id, held_since, snoozed_until, snooze_reason)",
        steps={"triage": "SELECT, INSERT, UPDATE, DELETE", "routing": "SELECT", "exchange": "SELECT"},
        command="SELECT",
        sees=_sees_tip("triage_standing"),
        changes=f"{_WORKS} AND {_holds_tip('triage_standing.tip_id')}",
    ),
    # The trigger on standings writes it with the owner's rights.
    "triage_row": Rights(
        web="SELECT", steps={"triage": "SELECT"}, command="SELECT", sees=f"{_READS} AND {_HELD.format(row='')}"
    ),
    "triage_alert": Rights(
        web="SELECT, UPDATE (acknowledged_by_id, acknowledged_at, call_at)",
        steps={"triage": "SELECT, INSERT, UPDATE (level, call_at, quiet)"},
        command="SELECT",
        sees=_sees_tip("triage_alert"),
        # Each in their own name; that an answer stands, and nothing else is changed, a trigger sees to.
        changes=f"""{_WORKS} AND {_holds_tip("triage_alert.tip_id")}
            AND (acknowledged_by_id IS NULL OR acknowledged_by_id = (SELECT units_viewer()))""",
    ),
    "triage_alertcall": Rights(
        web="SELECT",
        steps={"triage": "SELECT, INSERT"},
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM triage_alert a WHERE a.id = triage_alertcall.alert_id)",
    ),
    "triage_lastlook": Rights(
        web="SELECT, INSERT, UPDATE",
        steps={"retention": "SELECT"},
        command="SELECT",
        sees="user_id = (SELECT units_viewer())",
        adds="user_id = (SELECT units_viewer())",
        changes="user_id = (SELECT units_viewer())",
    ),
    # What a shift leaves to the next: read in the unit and above, written by who works there, in their own name.
    "triage_handover": Rights(
        web="SELECT, INSERT",
        steps={"verifying": "SELECT"},
        command="SELECT",
        sees=f"{_READS} AND {_HELD.format(row='')}",
        adds=f"{_WORKS} AND {_MINE} AND {_HELD.format(row='')}",
    ),
    "triage_handoverread": Rights(
        web="SELECT, INSERT",
        steps={"verifying": "SELECT"},
        command="SELECT",
        sees=_HANDED_ON,
        # By somebody else than who wrote it: nobody takes over from themself.
        adds=f"{_WORKS} AND {_MINE} AND {_HANDED_ON[:-1]} AND h.by_id <> triage_handoverread.by_id)",
    ),
}
