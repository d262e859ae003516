# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of attribution.

Requests, returns and findings belong to a tip and are seen by whoever sees it; they are drafted, checked and signed by
people who work on tips in the unit that holds it now, or answer for it from above (``attribution_asks_for``): by nobody
who only sees the tip, and no longer by the unit that handed it over. Lists and the directory hold nothing of any case:
loaded at the command line, read by all staff. A remembered layout holds the names of columns only. The step "retention"
empties what is held of a tip whose destruction two people agreed on; the guards of the tables hold it to that.
"""

from __future__ import annotations

from nightlight.trust.rights import Rights

_ASKING = "(SELECT units_has_role('triage-officer', 'investigator', 'commander'))"
_NOTES = "(SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator', 'commander', 'auditor'))"
_ACTOR = '"by" = (SELECT units_actor())'
_VIEWER = "(SELECT units_viewer())"
_STEPS = "attribution"


def _sees_tip(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id)"  # noqa: S608 - our own names


def _sees_request(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM attribution_request r WHERE r.id = {table}.request_id)"  # noqa: S608 - our own names


def _asks_of_tip(table: str) -> str:
    return f"{_sees_tip(table)} AND attribution_asks_for({table}.tip_id)"


def _asks_of_request(table: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM attribution_request r WHERE r.id = {table}.request_id"  # noqa: S608 - our own names
        " AND attribution_asks_for(r.tip_id))"
    )


def _about_networks(*, grows: bool = False) -> Rights:
    return Rights(
        web="SELECT",
        steps=dict.fromkeys((_STEPS, "verifying"), "SELECT"),
        command="SELECT, INSERT, UPDATE, DELETE" if grows else "SELECT, INSERT",
        sees=f"{_VIEWER} IS NOT NULL",
    )


TABLES = {
    "attribution_listimport": _about_networks(),
    "attribution_archive": _about_networks(grows=True),
    "attribution_directory": _about_networks(),
    "attribution_waiting": Rights(
        web="SELECT",
        steps={_STEPS: "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT",
        sees=_sees_tip("attribution_waiting"),
    ),
    "attribution_prepared": Rights(
        web="SELECT",
        steps={
            _STEPS: "SELECT, INSERT, UPDATE, DELETE",
            "verifying": "SELECT",
            "retention": "SELECT, DELETE",
        },
        command="SELECT",
        sees=_sees_tip("attribution_prepared"),
    ),
    "attribution_sources": Rights(
        web="SELECT",
        steps={
            _STEPS: "SELECT, INSERT, UPDATE, DELETE",
            "verifying": "SELECT",
            "retention": "SELECT, DELETE",
        },
        command="SELECT",
        sees=_sees_tip("attribution_sources"),
    ),
    "attribution_request": Rights(
        web="SELECT, INSERT, UPDATE (state, checked_by_id, signed_by_id, sent_at, due_at, reminded_at, ended_at)",
        steps={
            _STEPS: "SELECT, UPDATE (state, reminded_at, ended_at)",
            "verifying": "SELECT",
            "retention": "SELECT, UPDATE (body, state, ended_at)",
        },
        command="SELECT",
        sees=_sees_tip("attribution_request"),
        adds=f"{_ASKING} AND state = 'draft' AND drafted_by_id = {_VIEWER} AND {_asks_of_tip('attribution_request')}",
        changes=f"{_ASKING} AND {_asks_of_tip('attribution_request')}",
    ),
    "attribution_step": Rights(
        web="SELECT, INSERT",
        steps={_STEPS: "SELECT, INSERT", "verifying": "SELECT", "retention": "SELECT, INSERT, UPDATE (data)"},
        command="SELECT",
        sees=_sees_request("attribution_step"),
        adds=f"{_ASKING} AND {_ACTOR} AND {_asks_of_request('attribution_step')}",
    ),
    "attribution_layout": Rights(
        web="SELECT, INSERT",
        steps=dict.fromkeys((_STEPS, "verifying"), "SELECT"),
        command="SELECT",
        sees=f"{_VIEWER} IS NOT NULL",
        adds=f"{_ASKING} AND by_id = {_VIEWER}",
    ),
    # Taken in by the intake, which sees whether a file is here already and not what any of them says.
    "attribution_return": Rights(
        web="SELECT, UPDATE (state, layout_id, proposal, password_closed, password_key_part)",
        intake="SELECT (id, public_id, request_id, sha256), INSERT",
        steps={_STEPS: "SELECT, UPDATE", "verifying": "SELECT", "retention": "SELECT, UPDATE"},
        command="SELECT",
        sees=_sees_request("attribution_return"),
        changes=f"{_ASKING} AND {_asks_of_request('attribution_return')}",
    ),
    "attribution_finding": Rights(
        web="SELECT, INSERT",
        steps={_STEPS: "SELECT", "verifying": "SELECT", "retention": "SELECT, UPDATE (subscriber, body)"},
        command="SELECT",
        sees=_sees_tip("attribution_finding"),
        adds=f"{_ASKING} AND by_id = {_VIEWER} AND {_asks_of_tip('attribution_finding')}",
    ),
    "attribution_wrongdoor": Rights(
        web="SELECT, INSERT",
        steps={_STEPS: "SELECT, INSERT", "verifying": "SELECT", "retention": "SELECT, UPDATE (note)"},
        command="SELECT",
        sees=_sees_tip("attribution_wrongdoor"),
        adds=f"{_NOTES} AND {_ACTOR} AND {_sees_tip('attribution_wrongdoor')}",
    ),
}
