# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of units."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_READERS = (
    *("notices", "rendering", "unsealing", "retention", "reading", "importing", "verifying", "linking", "triage"),
    *("routing", "exchange", "attribution"),
)
_ADMINISTRATOR = "(SELECT units_has_role('administrator'))"
_ROSTER = f"""{_ADMINISTRATOR} OR (SELECT units_has_role('commander')) AND unit_id IN (SELECT units_reach())"""
# Nobody changes their own posts: an administrator gives no role to himself.
_OTHERS_POSTS = f"{_ADMINISTRATOR} AND user_id <> (SELECT units_viewer())"
# Whoever answers for the unit that holds the record, or for a unit in which the person then worked.
_ANSWERS = """(SELECT units_has_role('commander', 'auditor')) AND (unit_id IN (SELECT units_reach()) OR EXISTS
    (SELECT 1 FROM units_post p WHERE p.user_id = units_glass.user_id AND p.starts_at <= units_glass.broken_at
       AND (p.ends_at IS NULL OR p.ends_at > units_glass.broken_at) AND p.unit_id IN (SELECT units_reach())))"""


def _staff(web: str, *, changed_by: str) -> Rights:
    """A table of the organisation: everybody signed in may read it, some may change it."""
    return Rights(
        web=web,
        steps=dict.fromkeys(_READERS, "SELECT"),
        command="SELECT, INSERT, UPDATE, DELETE",
        sees="(SELECT units_viewer()) IS NOT NULL",
        adds=changed_by,
        changes=changed_by,
    )


TABLES = {
    "units_unit": _staff("SELECT, INSERT, UPDATE (name)", changed_by=_ADMINISTRATOR),
    "units_area": _staff("SELECT, INSERT, DELETE", changed_by=_ADMINISTRATOR),
    "units_below": _staff("SELECT", changed_by="false"),
    "units_post": _staff("SELECT, INSERT, UPDATE (ends_at)", changed_by=_OTHERS_POSTS),
    "units_shift": _staff("SELECT, INSERT, DELETE", changed_by=_ROSTER),
    "units_glass": Rights(
        web="SELECT, INSERT, UPDATE (signed_off_by_id, signed_off_at, justified, finding)",
        steps=dict.fromkeys(("notices", "verifying", "unsealing", "rendering"), "SELECT"),
        command="SELECT",
        sees=f"user_id = (SELECT units_viewer()) OR {_ANSWERS}",
        adds="""user_id = (SELECT units_viewer()) AND until <= clock_timestamp() + interval '4 hours 5 minutes'
            AND signed_off_at IS NULL AND (SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator',
                                                                 'victim-identification', 'commander'))""",
        changes=f"user_id <> (SELECT units_viewer()) AND {_ANSWERS}",
    ),
    "units_notice": Rights(
        web="SELECT, INSERT",
        # What was told once is not told again: of hand-over the notice itself says so.
        steps={**dict.fromkeys((*_READERS, "expiry"), "INSERT"), "routing": "SELECT, INSERT"},
        command="SELECT, INSERT",
        sees="""user_id = (SELECT units_viewer()) OR EXISTS (
            SELECT 1 FROM units_posts() p WHERE p.role = units_notice.role AND (p.unit_id = units_notice.unit_id
              OR p.below AND EXISTS (SELECT 1 FROM units_below b
                                     WHERE b.ancestor_id = p.unit_id AND b.unit_id = units_notice.unit_id)))""",
        adds="true",
    ),
    "units_seen": Rights(
        web="SELECT, INSERT",
        steps={"retention": "SELECT"},
        command="SELECT",
        sees="user_id = (SELECT units_viewer())",
        adds="user_id = (SELECT units_viewer())",
    ),
}
