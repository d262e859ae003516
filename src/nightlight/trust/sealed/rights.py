# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of sealed identities: pages never read what is closed, and answer nothing."""

from __future__ import annotations

from nightlight.trust.rights import OPENED_TIP, Rights

_KEEPING = ("reading", "importing")  # the steps that read records and close who they name
_OPENS = "(SELECT units_has_role('investigator', 'victim-identification'))"
_ANSWERS_FOR_OTHERS = "(SELECT units_has_role('commander', 'auditor'))"


def _sees_record(subject: str) -> str:
    # Our own names, nothing of anybody else's.
    of_tip = f"SELECT 1 FROM tips_tip t WHERE t.public_id = substr({subject}, 5)"  # noqa: S608
    return f"(split_part({subject}, ':', 1) = 'tip' AND EXISTS ({of_tip}))"


# A unit that is only offered a record looks nobody of it up, and opens nobody.
_WORKS_ON = f"""EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr({{}}, 5) AND {OPENED_TIP})"""  # noqa: S608


TABLES = {
    "sealed_identity": Rights(
        web="SELECT (id, public_id, subject, source, pseudonym, kind, rule_version, made_at, destroyed_at)",
        steps={
            **dict.fromkeys(_KEEPING, "SELECT, INSERT, UPDATE, DELETE"),
            "unsealing": "SELECT",
            "verifying": "SELECT",
            "retention": "SELECT, UPDATE",
        },
        command="SELECT, INSERT, UPDATE, DELETE",
        sees=_sees_record("sealed_identity.subject"),
    ),
    "sealed_search_digest": Rights(
        web="SELECT",
        steps={
            **dict.fromkeys(_KEEPING, "SELECT, INSERT, DELETE"),
            "verifying": "SELECT",
            "retention": "SELECT, DELETE",
        },
        command="SELECT, INSERT, DELETE",
        # The identity's own policy holds in here: a search finds nobody of a record that the person does not see.
        sees=f"""{_OPENS} AND EXISTS (SELECT 1 FROM sealed_identity i WHERE i.id = sealed_search_digest.identity_id
            AND {_WORKS_ON.format("i.subject")})""",  # noqa: S608
    ),
    "sealed_unsealing": Rights(
        web="SELECT, INSERT, UPDATE (state, closed_at, answer_key_part, answer_body)",
        steps={
            "unsealing": "SELECT, UPDATE",
            "retention": "SELECT, UPDATE",
            "verifying": "SELECT",
            "notices": "SELECT",
        },
        command="SELECT, UPDATE",
        sees=f"""user_id = (SELECT units_viewer())
            OR ({_ANSWERS_FOR_OTHERS} AND {_sees_record("sealed_unsealing.subject")})""",
        adds=f"""user_id = (SELECT units_viewer()) AND {_OPENS} AND state = 'asked' AND answered_at IS NULL
            AND expires_at <= now() + interval '35 minutes'
            AND EXISTS (SELECT 1 FROM sealed_identity i WHERE i.public_id = sealed_unsealing.identity
                        AND i.subject = sealed_unsealing.subject AND i.destroyed_at IS NULL
                        AND {_WORKS_ON.format("i.subject")})""",  # noqa: S608
        changes="user_id = (SELECT units_viewer())",
    ),
}
