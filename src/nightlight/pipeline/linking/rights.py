# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of linking: whoever sees the tip sees what stands in it and what it is linked by."""

from __future__ import annotations

from nightlight.pipeline.linking.deconfliction import rights as deconfliction
from nightlight.trust.rights import OPENED_TIP, Rights

_DECIDES = "(SELECT units_has_role('triage-officer', 'investigator', 'commander'))"
_MINE = "by_id = (SELECT units_viewer())"
_TIP = "EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.tip_id)"
_SUBJECT = "EXISTS (SELECT 1 FROM linking_subject s WHERE s.id = linking_decision.{key})"
# About a pair, by whoever sees both; about a value, by whoever sees it somewhere; about nothing, by nobody.
_ABOUT = f"""CASE WHEN identifier_id IS NOT NULL
    THEN EXISTS (SELECT 1 FROM linking_identifier i WHERE i.id = linking_decision.identifier_id)
    ELSE {_SUBJECT.format(key="first_id")} AND {_SUBJECT.format(key="second_id")} END"""  # noqa: S608 - our own names

# The same, by whoever works on those tips: a unit to which one is only offered decides nothing about what is in it.
_WORKED = f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = s.tip_id AND {OPENED_TIP})"  # noqa: S608
_WORKED_SUBJECT = f"EXISTS (SELECT 1 FROM linking_subject s WHERE s.id = linking_decision.{{key}} AND {_WORKED})"  # noqa: S608
_DECIDED = f"""CASE WHEN identifier_id IS NOT NULL
    THEN EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = linking_decision.identifier_id AND {_WORKED})
    ELSE {_WORKED_SUBJECT.format(key="first_id")} AND {_WORKED_SUBJECT.format(key="second_id")} END"""  # noqa: S608


def _of_tip(table: str) -> Rights:
    """A table of what stands in a tip, worked out by the step and seen by whoever sees the tip."""
    return Rights(
        web="SELECT",
        steps={"linking": "SELECT, INSERT, UPDATE, DELETE", "triage": "SELECT"},
        command="SELECT, INSERT, UPDATE, DELETE",
        sees=_TIP.format(table=table),
    )


TABLES = {
    **deconfliction.TABLES,
    # Triggers put tips here with the owner's rights.
    "linking_waiting": Rights(
        web="SELECT",
        steps={"linking": "SELECT, INSERT, UPDATE, DELETE"},
        command="SELECT, INSERT",
        sees=_TIP.format(table="linking_waiting"),
    ),
    "linking_progress": _of_tip("linking_progress"),
    "linking_subject": _of_tip("linking_subject"),
    "linking_sighting": _of_tip("linking_sighting"),
    "linking_identifier": Rights(
        web="SELECT",
        steps={"linking": "SELECT, INSERT, UPDATE, DELETE", "triage": "SELECT"},
        command="SELECT, INSERT, UPDATE, DELETE",
        sees="EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = linking_identifier.id)",
    ),
    "linking_decision": Rights(
        web="SELECT, INSERT",
        steps={"linking": "SELECT", "triage": "SELECT"},
        command="SELECT",
        sees=_ABOUT,
        adds=f"{_DECIDES} AND {_MINE} AND ({_DECIDED})",
    ),
    "linking_filegroup": Rights(
        web="SELECT",
        steps={"linking": "SELECT, INSERT, UPDATE, DELETE", "triage": "SELECT"},
        command="SELECT, INSERT, UPDATE, DELETE",
        sees="EXISTS (SELECT 1 FROM evidence_blob b WHERE b.id = linking_filegroup.blob_id)",
    ),
}
