# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of deconfliction. Who else holds a value is written by the database alone."""

from __future__ import annotations

from nightlight.trust.rights import OPENED_TIP, Rights

_STAFF = "(SELECT units_viewer()) IS NOT NULL"
_ROSTER = """(SELECT units_has_role('administrator')) OR EXISTS (
    SELECT 1 FROM units_posts() p JOIN units_below b ON b.ancestor_id = p.unit_id
    WHERE p.role = 'commander' AND b.unit_id = linking_contact.unit_id)"""
_TIP = "EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id{more})"
_ASKS = f"""by_id = (SELECT units_viewer()) AND (SELECT units_has_role('triage-officer', 'investigator', 'commander'))
    AND {_TIP.format(table="linking_asking", more=f" AND t.unit_id = linking_asking.unit_id AND {OPENED_TIP}")}"""
_RING = Rights(steps={"linking": "SELECT, INSERT, UPDATE, DELETE"}, command="SELECT, INSERT, UPDATE, DELETE")

TABLES = {
    "linking_contact": Rights(
        web="SELECT, INSERT, UPDATE (telephone, email, duty, by_id, at)",
        steps={"linking": "SELECT"},
        command="SELECT, INSERT, UPDATE",
        sees=_STAFF,
        adds=f"by_id = (SELECT units_viewer()) AND ({_ROSTER})",
        changes=_ROSTER,
    ),
    "linking_asking": Rights(
        web="SELECT, INSERT", command="SELECT", sees=_TIP.format(table="linking_asking", more=""), adds=_ASKS
    ),
    "linking_held": Rights(
        web="SELECT",
        steps={"linking": "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT, UPDATE, DELETE",
        sees=_TIP.format(table="linking_held", more=""),
    ),
    # Pages name a partner; where it is asked, and by what token, is the worker's.
    "linking_partner": Rights(
        web="SELECT (id, public_id, name, ring, added_at, ended_at)",
        steps={"linking": "SELECT, UPDATE"},
        command="SELECT, INSERT, UPDATE",
        sees=_STAFF,
    ),
    # Pages have no business with digests: what a token may ask is answered by a function, which counts.
    "linking_ring": _RING,
    "linking_ringdigest": _RING,
    "linking_partnerasking": Rights(command="SELECT"),
}
