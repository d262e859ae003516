# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of tips: whoever sees the tip sees what belongs to it, and nobody else."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_READING = (
    *("reading", "verifying", "retention", "rendering", "unsealing", "notices", "linking", "triage"),
    *("routing", "exchange", "attribution"),
)
_HELD = "(SELECT units_reaches_all()) OR unit_id IN (SELECT units_reach())"
_HANDS_ON = (
    "(SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander'))"
)
_HOLDS_SHARED = """EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = tips_share.tip_id
    AND ((SELECT units_reaches_all()) OR t.unit_id IN (SELECT units_reach())))"""


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
            "exchange": "SELECT, INSERT",
            "matching": "SELECT",
        },
        command="SELECT, INSERT",
        # What is set apart is seen by few of the unit that holds it, and by nobody of any other.
        sees=f"""(NOT set_apart OR (SELECT units_has_role('legal-reviewer', 'commander', 'auditor')))
            AND ({_HELD} OR id IN (SELECT tips_broken_into()) OR NOT set_apart AND id IN (SELECT tips_shared()))""",
    ),
    # The unit that holds a tip lets another see it; either ends that.
    "tips_share": Rights(
        web="SELECT, INSERT, UPDATE (until, kind)",
        steps={
            "routing": "SELECT, INSERT, UPDATE",
            "exchange": "SELECT, INSERT, UPDATE",
            **dict.fromkeys(("verifying", "rendering", "unsealing", "notices"), "SELECT"),
        },
        command="SELECT, INSERT, UPDATE",
        sees="EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = tips_share.tip_id)",
        adds=f"{_HANDS_ON} AND {_HOLDS_SHARED}",
        changes=f"{_HANDS_ON} AND ({_HOLDS_SHARED} OR {_HELD})",
    ),
    # Pages see that there is a document, never what is in it; the intake writes and never reads what it wrote.
    "tips_document": _part(
        "tips_document",
        web="SELECT (id, tip_id, kind, file_id, size, sha256, received_at)",
        intake="SELECT (id, tip_id, kind, file_id, size, sha256, received_at), INSERT",
        importing="SELECT, INSERT",
        exchange="SELECT, INSERT",
        expiry="SELECT",
        retention="SELECT, UPDATE (key_part)",
    ),
    # The intake adds the digest of a code and asks functions of the owner about one; nobody reads the digests.
    "tips_tellingcode": Rights(
        intake="INSERT",
        steps={"verifying": "SELECT"},
        open_because="keyed digests of codes; pages have no right to them at all",
    ),
    "tips_tellinglimit": Rights(
        intake="SELECT, INSERT, UPDATE, DELETE",
        steps={"expiry": "SELECT, DELETE"},
        open_because="how often something was tried within an hour, by a digest under a key of the day; no case data",
    ),
    "tips_tipfile": _part(
        "tips_tipfile", intake="SELECT, INSERT", exchange="SELECT, INSERT", expiry="SELECT", matching="SELECT"
    ),
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
        exchange="SELECT, INSERT",
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
