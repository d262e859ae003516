# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of matching.

Lists are read by everybody who works on tips, and by nobody else; a partner sees the lists that were opened to it, and
its own answers. What was found about a file is seen by whoever sees the file.
"""

from __future__ import annotations

from nightlight.trust.rights import Rights

_READERS = """(SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification',
                                     'commander', 'legal-reviewer', 'auditor'))"""
_PARTNER = "(SELECT matching_member()) IS NOT NULL"
# A partner's login is looked up before it is known which partner it is.
_SIGNING_IN = "(SELECT units_service()) = 'sharing'"
_OPENED = "IN (SELECT a.hash_list_id FROM matching_access a WHERE a.member_id = (SELECT matching_member()))"
_BLOB = "EXISTS (SELECT 1 FROM evidence_blob b WHERE b.id = {table}.{key})"


def _list(
    *, key: str = "hash_list_id", lists: str = "SELECT, INSERT", web: str = "SELECT", opened: bool = False
) -> Rights:
    """A table of lists: ``lists`` is what importing and polling may do with it."""
    return Rights(
        web=web,
        steps={"matching": "SELECT", "lists": lists, "verifying": "SELECT"},
        command=lists,
        sees=f"{_READERS} OR {key} {_OPENED}" if opened else _READERS,
    )


def _found(table: str, *, key: str = "blob_id", matching: str = "SELECT, INSERT, UPDATE, DELETE") -> Rights:
    """A table of what was worked out about files; seen by whoever sees the file."""
    return Rights(
        web="SELECT",
        steps={"matching": matching, "lists": "SELECT", "linking": "SELECT", "triage": "SELECT"},
        command="SELECT",
        sees=_BLOB.format(table=table, key=key),
    )


TABLES = {
    "matching_list": _list(key="id", opened=True),
    "matching_edition": _list(lists="SELECT, INSERT, UPDATE"),
    "matching_editionfile": _list(),
    "matching_badrow": _list(),
    "matching_entry": _list(lists="SELECT, INSERT, UPDATE", opened=True),
    "matching_entrychange": _list(),
    "matching_feed": _list(
        lists="SELECT, INSERT, UPDATE",
        web="SELECT (hash_list_id, url, username, every_minutes, checkpoint, polled_at, failed_at, why)",
    ),
    "matching_share": _list(lists="SELECT, INSERT, UPDATE", opened=True),
    "matching_access": Rights(
        web="SELECT",
        steps={"lists": "SELECT"},
        command="SELECT, INSERT, UPDATE, DELETE",
        sees=f"{_READERS} OR member_id = (SELECT matching_member())",
    ),
    "matching_member": Rights(
        web="SELECT",
        steps={"lists": "SELECT"},
        command="SELECT, INSERT, UPDATE",
        sees=f"{_READERS} OR {_SIGNING_IN} OR {_PARTNER}",
    ),
    "matching_feedback": Rights(
        web="SELECT, INSERT",
        steps={"lists": "SELECT"},
        command="SELECT",
        # Partners read on an entry who said what about it, as the wire shows it: of lists opened to them.
        sees=f"{_READERS} OR EXISTS (SELECT 1 FROM matching_entry e WHERE e.id = matching_feedback.entry_id)",  # noqa: S608
        adds="""member_id = (SELECT matching_member()) AND EXISTS (
            SELECT 1 FROM matching_entry e JOIN matching_access a ON a.hash_list_id = e.hash_list_id
            WHERE e.id = matching_feedback.entry_id AND a.member_id = matching_feedback.member_id AND a.may_answer)""",
    ),
    "matching_feedbackanswer": Rights(
        web="SELECT, INSERT",
        steps={"lists": "SELECT"},
        command="SELECT",
        sees=_READERS,
        adds="(SELECT units_has_role('victim-identification', 'commander')) AND \"by\" = (SELECT units_actor())",
    ),
    # A trigger puts every received tip here, as whoever received it.
    "matching_waiting": Rights(
        intake="SELECT, INSERT",
        steps={"matching": "SELECT, INSERT, DELETE", **dict.fromkeys(("importing", "exchange"), "SELECT, INSERT")},
        command="SELECT, INSERT",
    ),
    "matching_progress": Rights(
        web="SELECT",
        steps={"matching": "SELECT, INSERT, UPDATE", "linking": "SELECT", "triage": "SELECT"},
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = matching_progress.tip_id)",
    ),
    "matching_filestate": Rights(
        web="SELECT",
        steps={"matching": "SELECT, INSERT, UPDATE", "linking": "SELECT", "triage": "SELECT"},
        command="SELECT",
        sees="EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = matching_filestate.tip_id)",
    ),
    "matching_fingerprint": _found("matching_fingerprint"),
    "matching_frame": _found("matching_frame"),
    "matching_pair": Rights(steps={"matching": "SELECT, INSERT, DELETE"}),
    "matching_match": _found("matching_match"),
    "matching_near": Rights(
        web="SELECT",
        steps={"matching": "SELECT, INSERT, UPDATE, DELETE", "linking": "SELECT", "triage": "SELECT"},
        command="SELECT",
        sees=" AND ".join(_BLOB.format(table="matching_near", key=key) for key in ("blob_id", "other_id")),
    ),
    "matching_horizon": Rights(
        steps={"matching": "SELECT, INSERT, UPDATE", "verifying": "SELECT"},
        open_because="numbers of transactions; no case data",
    ),
    "matching_sighting": _found("matching_sighting"),
}
