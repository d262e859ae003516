# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of the evidence."""

from __future__ import annotations

from nightlight.trust.rights import Rights

_READERS = (
    *("reading", "importing", "rendering", "verifying", "sweeping", "retention", "matching", "linking", "triage"),
    *("routing", "exchange", "attribution"),
)

TABLES = {
    "evidence_blob": Rights(
        web="SELECT",
        intake="SELECT, INSERT",
        steps={**dict.fromkeys(_READERS, "SELECT"), "exchange": "SELECT, INSERT"},
        command="SELECT, INSERT",
        sees="evidence_blob_seen(id)",  # where an item of it is seen
    ),
    # Closed to pages: the web process can lock a file's key away and never open one.
    "evidence_blob_key": Rights(
        intake="SELECT, INSERT, UPDATE",
        steps={
            **dict.fromkeys(("importing", "rendering", "verifying", "matching", "attribution"), "SELECT"),
            "retention": "SELECT, DELETE",
            "exchange": "SELECT, INSERT, UPDATE",
        },
        command="SELECT, INSERT, UPDATE",
    ),
    "evidence_item": Rights(
        web="SELECT",
        intake="SELECT, INSERT",
        steps={
            **dict.fromkeys(_READERS, "SELECT"),
            "retention": "SELECT, UPDATE (name_key_part)",
            "exchange": "SELECT, INSERT",
        },
        command="SELECT, INSERT",
        sees="evidence_item_seen(id)",  # where the tip or the import is seen to which it belongs
    ),
}
