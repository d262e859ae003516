# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of tips: whoever sees the tip sees what belongs to it, and nobody else."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_READING = ("reading", "verifying", "retention", "rendering", "unsealing", "notices", "linking", "triage")
_HELD = "(SELECT units_reaches_all()) OR unit_id IN (SELECT units_reach())"


def _part(table: str, *, key: str = "tip_id", intake: str = "", web: str = "SELECT", **steps: str) -> Rights:
    """A table whose rows belong to a tip and are seen by whoever sees it."""
    return Rights(
        web=web,
        intake=intake,
        steps={**dict.fromkeys(_READING, "SELECT"), **steps},
        command="SELECT, INSERT",
        sees=f"EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = {table}.{key})",  # noqa: S608 - our own names
    )


TABLES = {
    "tips_tip": Rights(
        web="SELECT",
        intake="SELECT, INSERT, UPDATE (state, state_at)",
        steps={
            **dict.fromkeys(_READING, "SELECT"),
            "importing": "SELECT, INSERT",
            "expiry": "SELECT, UPDATE (state, state_at)",
            "reading": "SELECT, UPDATE (set_apart)",
            "matching": "SELECT",
        },
        command="SELECT, INSERT",
        sees=f"""(NOT set_apart OR (SELECT units_has_role('legal-reviewer', 'commander', 'auditor')))
            AND ({_HELD} OR id IN (SELECT tips_broken_into()))""",
    ),
    # Pages see that there is a document, never what is in it; the intake writes and never reads what it wrote.
    "tips_document": _part(
        "tips_document",
        web="SELECT (id, tip_id, kind, file_id, size, sha256, received_at)",
        intake="SELECT (id, tip_id, kind, file_id, size, sha256, received_at), INSERT",
        importing="SELECT, INSERT",
        expiry="SELECT",
        retention="SELECT, UPDATE (key_part)",
    ),
    "tips_tipfile": _part("tips_tipfile", intake="SELECT, INSERT", expiry="SELECT", matching="SELECT"),
    "tips_summary": _part(
        "tips_summary",
        reading="SELECT, INSERT, UPDATE",
        importing="SELECT, INSERT, UPDATE",
        retention="SELECT, UPDATE",
    ),
    "tips_shown": _part(
        "tips_shown",
        reading="SELECT, INSERT, UPDATE",
        importing="SELECT, INSERT, UPDATE",
        retention="SELECT, DELETE",
    ),
    "tips_unread": _part(
        "tips_unread",
        web="",
        intake="SELECT, INSERT",
        reading="SELECT, UPDATE, DELETE",
        expiry="SELECT, INSERT",
        importing="SELECT, INSERT, DELETE",
    ),
    "tips_likelyduplicate": _part("tips_likelyduplicate", reading="SELECT, INSERT", importing="SELECT, INSERT"),
    "tips_import": Rights(
        web="SELECT",
        intake="SELECT, INSERT",
        steps={"importing": "SELECT, UPDATE", **dict.fromkeys(("verifying", "retention"), "SELECT")},
        command="SELECT, INSERT, UPDATE",
        sees=_HELD,
    ),
    "tips_importedfile": Rights(
        web="SELECT",
        steps={"importing": "SELECT, INSERT", **dict.fromkeys(("verifying", "retention"), "SELECT")},
        command="SELECT, INSERT",
        sees="EXISTS (SELECT 1 FROM tips_import i WHERE i.id = tips_importedfile.batch_id)",
    ),
    "tips_importupload": Rights(
        web="SELECT",
        intake="SELECT, INSERT",
        steps=dict.fromkeys(("importing", "verifying", "retention"), "SELECT"),
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM tips_import i WHERE i.id = tips_importupload.batch_id)",
    ),
}
