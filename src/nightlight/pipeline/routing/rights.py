# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of routing.

An offer is seen by both its units and by whoever sees the tip; who may end it in which way is checked by a trigger.
Whoever handed a tip on asks ``routing_trail`` how far it has come, which tells units and times and nothing else.
"""

from __future__ import annotations

from nightlight.trust.rights import Rights

_ANSWERS = (
    "(SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander'))"
)
_COMMANDS = "(SELECT units_has_role('commander'))"
_MANAGES = "(SELECT units_has_role('administrator'))"
_ACTOR = '"by" = (SELECT units_actor())'
_ALL = "(SELECT units_reaches_all())"


def _reached(column: str) -> str:
    return f"({_ALL} OR {column} IN (SELECT units_reach()))"


def _sees_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id)"  # noqa: S608 - our own names


def _holds_tip(table: str, unit: str) -> str:
    """Whether the unit named in this column holds the tip, and the person reaches that unit."""
    return (
        f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id AND t.unit_id = {table}.{unit}"  # noqa: S608
        f" AND {_reached('t.unit_id')})"
    )


def _about_places(steps: str = "routing") -> Rights:
    """A table about places, in which there is nothing of any case: loaded at the command line, read by all staff."""
    return Rights(
        web="SELECT",
        steps=dict.fromkeys((*steps.split(), "verifying"), "SELECT"),
        command="SELECT, INSERT",
        sees="(SELECT units_viewer()) IS NOT NULL",
    )


_OFFER_SEEN = "EXISTS (SELECT 1 FROM routing_offer o WHERE o.id = routing_receipt.offer_id)"
_OFFER_CONCERNS = (
    f"{_OFFER_SEEN[:-1]} AND ({_reached('o.from_unit_id')} OR {_reached('o.to_unit_id')}))"  # by one of its units
)
_STAFF = """(SELECT units_has_role('intake-analyst', 'triage-officer', 'commander', 'auditor', 'administrator',
                                   'legal-reviewer'))"""

TABLES = {
    "routing_waiting": Rights(
        web="SELECT",
        steps={"routing": "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT",
        sees=_sees_tip("routing_waiting"),
    ),
    "routing_proposal": Rights(
        web="SELECT",
        steps={"routing": "SELECT, INSERT, UPDATE, DELETE", "exchange": "SELECT", "verifying": "SELECT"},
        command="SELECT",
        sees=_sees_tip("routing_proposal"),
    ),
    "routing_officersign": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys(("routing", "exchange", "verifying"), "SELECT"),
        command="SELECT",
        sees=_sees_tip("routing_officersign"),
        adds=f"{_ANSWERS} AND by_id = (SELECT units_viewer()) AND {_sees_tip('routing_officersign')}",
    ),
    "routing_offer": Rights(
        web="SELECT, INSERT, UPDATE (state, delivered_at, opened_at, answered_at, answered_by, bounce_code, answer, "
        "due_at)",
        steps={
            "routing": "SELECT, INSERT, UPDATE",
            "exchange": "SELECT, INSERT, UPDATE",
            "verifying": "SELECT",
        },
        command="SELECT, INSERT, UPDATE",
        sees=f"{_reached('from_unit_id')} OR {_reached('to_unit_id')} OR {_sees_tip('routing_offer')}",
        adds=f"{_ANSWERS} AND {_ACTOR} AND {_holds_tip('routing_offer', 'from_unit_id')}",
        changes=f"{_ANSWERS} AND ({_reached('from_unit_id')} OR {_reached('to_unit_id')})",
    ),
    "routing_receipt": Rights(
        web="SELECT, INSERT",
        steps={"routing": "SELECT, INSERT", "exchange": "SELECT, INSERT", "verifying": "SELECT"},
        command="SELECT, INSERT",
        sees=_OFFER_SEEN,
        adds=f"{_ANSWERS} AND {_ACTOR} AND {_OFFER_CONCERNS}",
    ),
    "routing_stop": Rights(
        web="SELECT, INSERT, UPDATE (ended_at, ended_by)",
        steps={"routing": "SELECT", "exchange": "SELECT", "verifying": "SELECT"},
        command="SELECT, INSERT, UPDATE",
        sees=_sees_tip("routing_stop"),
        # By who works in that very unit; where it has no more to do with the tip, routing_end_stops ends them.
        adds=f"{_ANSWERS} AND {_ACTOR} AND ended_at IS NULL AND {_sees_tip('routing_stop')}"
        " AND routing_works_in(unit_id) AND routing_concerned(tip_id, unit_id)",
        changes=f"{_ANSWERS} AND routing_works_in(unit_id)",
    ),
    "routing_seal": Rights(
        web="SELECT, INSERT",
        steps={"routing": "SELECT", "exchange": "SELECT", "verifying": "SELECT"},
        command="SELECT",
        sees=_sees_tip("routing_seal"),
        adds=f"{_COMMANDS} AND {_ACTOR} AND {_holds_tip('routing_seal', 'unit_id')}",
    ),
    "routing_installation": Rights(
        web="SELECT, INSERT, UPDATE",
        intake="SELECT, UPDATE (last_seen_at)",
        steps={"exchange": "SELECT, UPDATE", "routing": "SELECT", "verifying": "SELECT"},
        command="SELECT, INSERT, UPDATE",
        sees=_STAFF,
        # Added by one, compared by another: a trigger (routing_guard_installation) holds both to it.
        adds=f"{_MANAGES} AND state = 'waiting' AND added_by = (SELECT units_actor())",
        changes=f"{_MANAGES} OR {_COMMANDS}",
    ),
    "routing_package": Rights(
        web="SELECT, UPDATE (state, state_at, installation_id, code, why, not_before)",
        intake="SELECT, INSERT, UPDATE",
        steps={"exchange": "SELECT, INSERT, UPDATE", "routing": "SELECT", "verifying": "SELECT"},
        command="SELECT, INSERT, UPDATE",
        sees=_STAFF,
        changes=_MANAGES,
    ),
    "routing_packagetip": Rights(
        web="SELECT",
        steps={"exchange": "SELECT, INSERT", "routing": "SELECT", "verifying": "SELECT"},
        command="SELECT, INSERT",
        sees=_sees_tip("routing_packagetip"),
    ),
    "routing_came": Rights(
        web="SELECT",
        steps={"exchange": "SELECT, INSERT", "routing": "SELECT", "verifying": "SELECT"},
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM routing_offer o WHERE o.id = routing_came.offer_id)",
    ),
    # Statements to others, with what officers wrote to them: no page shows this table.
    "routing_owed": Rights(
        steps={"exchange": "SELECT, INSERT, UPDATE", "verifying": "SELECT"},
        command="SELECT",
    ),
    "routing_referred": Rights(
        web="SELECT",
        steps={"exchange": "SELECT, INSERT, UPDATE", "routing": "SELECT", "verifying": "SELECT"},
        command="SELECT",
        sees=_sees_tip("routing_referred"),
    ),
    "routing_districtlist": _about_places(),
    "routing_district": _about_places(),
    "routing_feed": _about_places(),
}
