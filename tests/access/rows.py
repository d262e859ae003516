# SPDX-License-Identifier: Apache-2.0
"""The table of tables: which privileges each role of the database has, and which rows whom. Written by hand."""

from __future__ import annotations

from dataclasses import replace

from tests.access import (
    attribution_lists,
    attribution_pages_requests,
    attribution_pages_returns,
    attribution_pages_trace,
    deconfliction,
    exchanging,
    insight,
    offers,
    placing,
    referring,
    triage_rows,
)
from tests.access.asking import ADMIN, AUDITOR, COMMANDER, LEGAL, LOOKS, OFFICER, READ, SPECIALIST, WORK
from tests.access.stated import (
    APART,
    BY_BLOB,
    BY_ITEM,
    BY_SUBJECT,
    BY_TIP,
    NONE,
    RECORD,
    Rule,
    Table,
    by,
    reach,
)

_EVERYBODY: Rule = {"*": {"signed-in": {"any"}}}
_ADMINISTRATOR: Rule = {"*": {ADMIN: {"any"}}}
_SELF: Rule = {"*": {"signed-in": {"self"}}}
# Whoever works on tips reads every list of known files; nobody else does.
_ON_LISTS: Rule = {"*": {role: {"any"} for role in READ}}
_ANSWERS: Rule = {
    "": {**reach(frozenset({COMMANDER, AUDITOR})), "signed-in": {"self"}},
    "apart": {**reach(frozenset({COMMANDER, AUDITOR})), "signed-in": {"self"}},
}


def _open(web: str = "", worker: str = "", intake: str = "") -> Table:
    return Table(web=web, worker=worker, intake=intake, open=True)


def _staff(web: str, changes: Rule, *, sets: str = "", worker_sets: str = "", units: str = NONE) -> Table:
    readers = "notices rendering unsealing retention reading importing verifying linking triage routing exchange S"
    readers = readers.removesuffix(" S") + " attribution S command SIUD"
    return Table(
        web,
        "",
        "S I U D",
        readers,
        sees=_EVERYBODY,
        adds=changes,
        changes=changes,
        sets=sets,
        worker_sets=worker_sets,
        units=units,
    )


def _or_import(by: dict[str, str], upload: str) -> dict[str, str]:
    batch = f"SELECT b.unit_id FROM tips_import b JOIN tips_importupload u ON u.batch_id = b.id WHERE {upload}"
    return {**by, "units": f"{by['units']} || ARRAY({batch})"}


_READERS = "reading verifying retention rendering unsealing notices linking triage routing attribution exchange"
_BATCH = {"units": "ARRAY(SELECT b.unit_id FROM tips_import b WHERE b.id = t.batch_id)"}
_SUBJECT = "split_part(t.subject, ':', 1)"
_NAMED = "split_part(t.subject, ':', 2)"
_EVENT_TIP = f"""x.public_id = CASE {_SUBJECT}
    WHEN 'tip' THEN {_NAMED}
    WHEN 'item' THEN (SELECT y.public_id FROM tips_tip y JOIN tips_tipfile f ON f.tip_id = y.id
                      JOIN evidence_item i ON i.id = f.item_id WHERE i.public_id = {_NAMED})
    WHEN 'unsealing' THEN (SELECT split_part(s.subject, ':', 2) FROM sealed_unsealing s WHERE s.public_id = {_NAMED})
    END"""
_OWN_ACT = {"signed-in": {"self"}}
_EVENT: Rule = {
    "": {**reach(READ), **_OWN_ACT},
    "apart": {**reach(APART), **_OWN_ACT},
    "unsealing": {**reach(frozenset({COMMANDER, AUDITOR})), **_OWN_ACT},
    "officer": {ADMIN: {"any"}, AUDITOR: {"own", "child", "root"}, **_OWN_ACT},
    "system": {ADMIN: {"any"}, AUDITOR: {"any"}, **_OWN_ACT},
    "hashlist": {**_ON_LISTS["*"], **_OWN_ACT},
    "other": {AUDITOR: {"root"}, **_OWN_ACT},
}

TABLES: dict[str, Table] = {
    # --- the log
    "custody_event": Table(
        web="S I",
        intake="I",
        worker="S I",
        steps="custody verifying unsealing rendering exchange command SI"
        " reading importing expiry sweeping retention notices matching linking triage routing attribution lists I",
        units=f"""ARRAY(SELECT x.unit_id FROM tips_tip x WHERE {_EVENT_TIP}
            UNION SELECT b.unit_id FROM tips_import b WHERE t.subject = 'import:' || b.public_id
            UNION SELECT b.unit_id FROM tips_import b JOIN tips_importupload u ON u.batch_id = b.id
                  JOIN evidence_item i ON i.id = u.item_id WHERE t.subject = 'item:' || i.public_id
            UNION SELECT p.unit_id FROM units_post p JOIN accounts_user a ON a.id = p.user_id
                  WHERE t.subject = 'officer:' || a.public_id
            UNION {offers.UNITS_OF_RECEIPT})""",
        tip=f"(SELECT x.public_id FROM tips_tip x WHERE {_EVENT_TIP})",
        kind=f"""CASE WHEN {_SUBJECT} IN ('officer', 'unsealing', 'hashlist') THEN {_SUBJECT}
            WHEN {_SUBJECT} IN ('unit', 'reporter', 'token', 'vault', 'partner') THEN 'system'
            WHEN {_SUBJECT} = 'import' THEN ''
            WHEN {_SUBJECT} IN ('tip', 'item') THEN
                coalesce((SELECT CASE WHEN x.set_apart THEN 'apart' ELSE '' END FROM tips_tip x WHERE {_EVENT_TIP}), '')
            ELSE 'other' END""",
        person="(SELECT a.id FROM accounts_user a WHERE t.actor = 'officer:' || a.public_id)",
        sees=_EVENT,
        adds={"*": {"signed-in": {"self"}, "nobody": {"any"}}},
        owner="actor",
        names=lambda person: f"officer:{person.user.public_id}",
        samples="t.actor NOT LIKE 'reporter:%' AND t.actor NOT LIKE 'partner:%'",
        spoilt=(
            {"actor": "reporter:RP-1111-1111"},
            {"actor": "partner:HM-1111-1111"},
            {"actor": "officer:OF-1111-1111"},
            {"actor": "service:worker"},
        ),
    ),
    "custody_pending": _open("S I", "S I D", "I"),
    "custody_leaf": _open("S", "S I"),
    "custody_subtree": _open("S", "S I"),
    "custody_tree_head": _open("S", "S I"),
    # --- people, reporters, signing in
    "accounts_user": _open("S I U", "S I U"),
    "accounts_user_groups": _open("S", "S"),
    "accounts_user_user_permissions": _open("S", "S"),
    "accounts_reporter": _open("S", "S I", "S I"),
    "accounts_credential": _open("S(id,reporter_id,username,environment,may_submit,active,created_at)", "S I U", "S"),
    "accounts_apitoken": _open("S U(last_used_on)", "S I U(revoked_at)"),
    "accounts_cache": _open("S I U D"),
    "auth_group": _open("S", "S"),
    "auth_group_permissions": _open("S", "S"),
    "auth_permission": _open("S", "S"),
    "axes_accessattempt": _open("S I U D", "S D"),
    "axes_accessattemptexpiration": _open("S D", "S D"),
    "axes_accessfailurelog": _open("S", "S"),
    "axes_accesslog": _open("S", "S"),
    "account_emailaddress": _open("S I U D", "S D"),
    "account_emailconfirmation": _open("S I U D", "S D"),
    "django_content_type": _open("S", "S"),
    "django_migrations": _open("S", "S", "S"),
    "django_session": _open("S I U D", "S D"),
    "mfa_authenticator": _open("S I U D", "S D"),
    "socialaccount_socialaccount": _open("S U D", "S I D"),
    "socialaccount_socialapp": _open("S", "S"),
    "socialaccount_socialtoken": _open("S D", "S D"),
    "usersessions_usersession": _open("S I U D", "S D"),
    "procrastinate_jobs": _open("S I U", "S I U D", "S I U"),
    "procrastinate_events": _open("S I U", "S I U D", "S I U"),
    "procrastinate_periodic_defers": _open("S I U", "S I U D", "S I U"),
    "procrastinate_workers": _open("S I U", "S I U D", "S I U"),
    # --- units
    "units_unit": _staff("S I U(name)", _ADMINISTRATOR, sets="name = 'another'"),
    "units_area": _staff("S I D", _ADMINISTRATOR, worker_sets="code = 'other'"),
    "units_below": _staff("S", {}, worker_sets="unit_id = 0"),
    "units_post": _staff("S I U(ends_at)", _ADMINISTRATOR, sets="ends_at = 'infinity'"),
    "units_shift": _staff(
        "S I D",
        {"*": {ADMIN: {"any"}, COMMANDER: {"own", "child"}}},
        units="ARRAY[t.unit_id]",
        worker_sets="ends_at = 'infinity'",
    ),
    "units_glass": Table(
        web="S I U(signed_off_by_id,signed_off_at,justified,finding)",
        worker="S",
        steps="notices verifying unsealing rendering command S",
        units="ARRAY(SELECT t.unit_id UNION SELECT p.unit_id FROM units_post p"
        " WHERE p.user_id = t.user_id AND p.ends_at IS NULL)",
        person="t.user_id",
        sees={"*": {COMMANDER: {"own", "child"}, AUDITOR: {"own", "child"}, "signed-in": {"self"}}},
        adds={"*": {role: {"self"} for role in WORK}},
        changes={"*": {COMMANDER: {"own", "child", "!self"}, AUDITOR: {"own", "child", "!self"}}},
        sets="finding = 'found'",
        owner="user_id",
        spoilt=({"until": "2999-01-01T00:00:00Z"}, {"signed_off_at": "2026-01-01T00:00:00Z"}),
    ),
    "units_notice": Table(
        web="S I",
        worker="S I",
        steps="notices rendering unsealing retention reading importing verifying expiry linking triage"
        " exchange attribution I routing command SI",
        units="ARRAY[t.unit_id]",
        person="t.user_id",
        kind="t.role",
        sees={
            "": {"signed-in": {"self"}},
            **{role: {role: reach(frozenset({role}))[role]} for role in READ | {ADMIN}},
        },
        adds={"*": {"signed-in": {"any"}, "nobody": {"any"}}},
    ),
    "units_seen": Table(
        web="S I",
        worker="S",
        steps="retention command S",
        person="t.user_id",
        sees=_SELF,
        adds=_SELF,
        owner="user_id",
    ),
    # --- evidence
    "evidence_blob": Table(
        web="S",
        intake="S I",
        worker="S I",
        steps="reading importing rendering verifying sweeping retention matching linking triage routing attribution S"
        " exchange command SI",
        sees=RECORD,
        **_or_import(
            {key: value.replace("t.blob_id", "t.id") for key, value in BY_BLOB.items()},
            "u.item_id IN (SELECT i.id FROM evidence_item i WHERE i.blob_id = t.id)",
        ),
    ),
    "evidence_blob_key": Table(
        intake="S I U",
        worker="S I U D",
        steps="importing rendering verifying matching attribution S exchange SIU retention SD command SIUD",
        worker_sets="key_id = 'other'",
    ),
    "evidence_item": Table(
        web="S",
        intake="S I",
        worker="S I U(name_key_part)",
        steps="reading importing rendering verifying sweeping matching linking triage routing attribution S exchange SI"
        " retention SU command SIU",
        sees=RECORD,
        worker_sets="name_key_part = ''",
        **_or_import({key: value.replace("t.item_id", "t.id") for key, value in BY_ITEM.items()}, "u.item_id = t.id"),
    ),
    # --- tips
    "tips_tip": Table(
        web="S",
        intake="S I U(state,state_at)",
        worker="S I U(state,state_at,set_apart)",
        steps="verifying retention rendering unsealing notices matching linking triage routing"
        " attribution S reading expiry SU importing exchange SI"
        " command SIU",
        sees=RECORD,
        worker_sets="set_apart = true",
        units="ARRAY[t.unit_id]",
        kind="CASE WHEN t.set_apart THEN 'apart' ELSE '' END",
        tip="t.public_id",
    ),
    "tips_document": Table(
        web="S(id,tip_id,kind,file_id,size,sha256,received_at)",
        intake="S(id,tip_id,kind,file_id,size,sha256,received_at) I",
        worker="S I U(key_part)",
        steps="reading verifying rendering unsealing notices expiry linking triage routing"
        " attribution S retention SU importing exchange SI"
        " command SIU",
        sees=RECORD,
        worker_sets="key_part = ''",
        **BY_TIP,
    ),
    "tips_tellingcode": _open(worker="S", intake="I"),
    "tips_tellinglimit": _open(intake="S I U D", worker="S D"),
    "tips_tipfile": Table(
        web="S",
        intake="S I",
        worker="S I",
        steps=f"{_READERS.removesuffix(' exchange')} expiry matching S exchange command SI",
        sees=RECORD,
        **BY_TIP,
    ),
    "tips_summary": Table(
        web="S",
        worker="S I U",
        steps="verifying rendering unsealing notices linking triage routing exchange"
        " attribution S reading importing command SIU retention SU",
        sees=RECORD,
        worker_sets="version = 0",
        **BY_TIP,
    ),
    "tips_shown": Table(
        web="S",
        worker="S I U D",
        steps="verifying rendering unsealing notices linking triage routing exchange"
        " attribution S reading importing SIU retention SD command SIUD",
        sees=RECORD,
        worker_sets="version = 0",
        **BY_TIP,
    ),
    "tips_unread": Table(
        intake="S I",
        worker="S I U D",
        steps="verifying retention rendering unsealing notices linking triage routing"
        " attribution S reading SUD expiry exchange SI importing SID"
        " command SIUD",
        worker_sets="tip_id = 0",
    ),
    "tips_likelyduplicate": Table(
        web="S",
        worker="S I",
        steps="verifying retention rendering unsealing notices linking triage routing exchange"
        " attribution S reading importing command SI",
        sees=RECORD,
        **BY_TIP,
    ),
    "tips_import": Table(
        web="S",
        intake="S I",
        worker="S I U",
        steps="verifying retention S importing SU command SIU",
        sees=RECORD,
        units="ARRAY[t.unit_id]",
        worker_sets="expected = 0",
    ),
    "tips_importedfile": Table(
        web="S", worker="S I", steps="verifying retention S importing command SI", sees=RECORD, **_BATCH
    ),
    "tips_importupload": Table(
        web="S", intake="S I", worker="S", steps="importing verifying retention command S", sees=RECORD, **_BATCH
    ),
    # --- sealed identities
    "sealed_identity": Table(
        web="S(id,public_id,subject,source,pseudonym,kind,rule_version,made_at,destroyed_at)",
        worker="S I U D",
        steps="reading importing command SIUD unsealing verifying S retention SU",
        sees=RECORD,
        worker_sets="rule_version = 0",
        **BY_SUBJECT,
    ),
    "sealed_search_digest": Table(
        web="S",
        worker="S I D",
        steps="reading importing command SID verifying S retention SD",
        sees={"": reach(frozenset({OFFICER, SPECIALIST}))},
        **by("'tip:' || x.public_id = (SELECT i.subject FROM sealed_identity i WHERE i.id = t.identity_id)"),
    ),
    "sealed_unsealing": Table(
        web="S I U(state,closed_at,answer_key_part,answer_body)",
        worker="S U",
        steps="unsealing retention command SU verifying notices S",
        sees=_ANSWERS,
        adds={"": reach(frozenset({OFFICER, SPECIALIST}))},
        adds_own=True,
        changes=_SELF,
        person="t.user_id",
        owner="user_id",
        sets="closed_at = now()",
        spoilt=(
            {"state": "opened"},
            {"expires_at": "2999-01-01T00:00:00Z"},
            {"answered_at": "2026-01-01T00:00:00Z"},
            {"identity": "ID-1111-1111"},
        ),
        **BY_SUBJECT,
    ),
    # --- looking at files
    "viewing_warrant": Table(
        web="S I",
        worker="S",
        steps="rendering verifying command S",
        sees=RECORD,
        adds={"": reach(LOOKS)},
        adds_own=True,
        person="t.user_id",
        owner="user_id",
        **BY_ITEM,
    ),
    "viewing_viewing": Table(
        web="S I U(state,closed_at)",
        worker="S U",
        steps="rendering command SU verifying S",
        sees={"": {**reach(frozenset({COMMANDER, AUDITOR, LEGAL})), "signed-in": {"self"}}},
        adds={"": reach(LOOKS)},
        adds_own=True,
        changes=_SELF,
        person="t.user_id",
        owner="user_id",
        sets="closed_at = now()",
        spoilt=({"state": "ready"}, {"expires_at": "2999-01-01T00:00:00Z"}, {"answered_at": "2026-01-01T00:00:00Z"}),
        **BY_SUBJECT,
    ),
    "viewing_picture": Table(
        web="S D",
        worker="S I D",
        steps="rendering command SID",
        sees=_SELF,
        changes=_SELF,
        person="(SELECT v.user_id FROM viewing_viewing v WHERE v.id = t.viewing_id)",
    ),
    "viewing_assessment": Table(
        web="S(id,blob_id,at,outcome,violent,rule) I",
        worker="S",
        steps="verifying command S",
        sees=RECORD,
        adds=_SELF,
        person="t.user_id",
        spoilt=({"user_id": -1},),
        **BY_BLOB,
    ),
    "viewing_exposure": Table(
        web="S I",
        worker="S",
        steps="rendering verifying command S",
        sees=_SELF,
        adds=_SELF,
        person="t.user_id",
        spoilt=({"user_id": -1},),
    ),
    "viewing_export": Table(
        web="S I U(state,decided_by_id,decided_at,expires_at)",
        worker="S U(state,written_at)",
        steps="rendering command SU verifying S",
        sees=RECORD,
        adds={"": reach(frozenset({OFFICER}))},
        adds_own=True,
        changes={"": {COMMANDER: {"own", "child", "broken", "!self"}}},
        person="t.user_id",
        owner="user_id",
        sets="expires_at = now()",
        worker_sets="state = 'expired'",
        spoilt=({"state": "approved"}, {"decided_by_id": -1}),
        **BY_SUBJECT,
    ),
    # --- retention
    "retention_hold": Table(
        web="S I U(lifted_by_id,lifted_at)",
        worker="S",
        steps="retention verifying command S",
        sees={"": reach(APART)},
        adds={"": reach(frozenset({LEGAL, COMMANDER}))},
        adds_own=True,
        changes={"": reach(frozenset({LEGAL, COMMANDER}))},
        person="t.placed_by_id",
        owner="placed_by_id",
        sets="lifted_at = now()",
        **BY_SUBJECT,
    ),
    "retention_apart": Table(
        web="S I",
        worker="S",
        steps="retention verifying reading importing linking triage routing exchange attribution command S",
        sees={"": reach(APART)},
        adds={"": reach(frozenset({LEGAL, COMMANDER}))},
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        **BY_SUBJECT,
    ),
    "retention_destruction": Table(
        web="S I U(state,decided_by_id,decided_at)",
        worker="S U(state,done_at,certificate)",
        steps="retention command SU verifying S",
        sees={"*": {role: near - {"broken"} for role, near in reach(APART).items()}},
        adds={"*": reach(frozenset({LEGAL}))},
        adds_own=True,
        changes={"*": {COMMANDER: {"own", "child", "!self"}}},
        samples="t.state = 'asked'",
        person="t.asked_by_id",
        owner="asked_by_id",
        sets="decided_at = now()",
        worker_sets="certificate = ''",
        spoilt=({"state": "approved"},),
        **BY_SUBJECT,
    ),
}


def _of_lists(worker: str, verbs: str, *, web: str = "S", sets: str = "") -> Table:
    """A table of lists of known files; ``verbs`` is what importing and polling do with it."""
    steps = f"matching verifying S lists command {verbs}"
    return Table(web=web, worker=worker, steps=steps, sees=_ON_LISTS, worker_sets=sets)


def _of_files(by: dict[str, str], steps: str, worker: str) -> Table:
    """A table of what was worked out about files."""
    return Table(web="S", worker=worker, steps=steps, sees=RECORD, worker_sets="version = 0", **by)


_FOUND = ("lists linking triage S matching command SIUD", "S I U D")
_TOLD = ("linking triage S matching command SIU", "S I U")

TABLES |= {
    "matching_list": _of_lists("S I", "SI"),
    "matching_edition": _of_lists("S I U", "SIU", sets="rows = 0"),
    "matching_editionfile": _of_lists("S I", "SI"),
    "matching_badrow": _of_lists("S I", "SI"),
    "matching_entry": _of_lists("S I U", "SIU", sets="withdrawn = true"),
    "matching_entrychange": _of_lists("S I", "SI"),
    "matching_feed": _of_lists(
        "S I U",
        "SIU",
        web="S(hash_list_id,url,username,every_minutes,checkpoint,polled_at,failed_at,why)",
        sets="why = ''",
    ),
    "matching_share": _of_lists("S I U", "SIU", sets="owner_number = 0"),
    "matching_access": Table(
        web="S", worker="S I U D", steps="lists S command SIUD", sees=_ON_LISTS, worker_sets="may_answer = false"
    ),
    "matching_member": Table(
        web="S", worker="S I U", steps="lists S command SIU", sees=_ON_LISTS, worker_sets="ended_at = now()"
    ),
    "matching_feedback": Table(web="S I", worker="S", steps="lists command S", sees=_ON_LISTS),
    "matching_feedbackanswer": Table(
        web="S I",
        worker="S",
        steps="lists command S",
        sees=_ON_LISTS,
        adds={"*": {SPECIALIST: {"any"}, COMMANDER: {"any"}}},
        adds_own=True,
        owner="by",
        person="(SELECT a.id FROM accounts_user a WHERE t.by = 'officer:' || a.public_id)",
        names=lambda person: f"officer:{person.user.public_id}",
    ),
    "matching_waiting": Table(
        intake="S I", worker="S I D", steps="importing exchange SI matching command SID", worker_sets="tip_id = 0"
    ),
    "matching_progress": _of_files(BY_TIP, *_TOLD),
    "matching_filestate": _of_files(BY_TIP, *_TOLD),
    "matching_fingerprint": _of_files(BY_BLOB, *_FOUND),
    "matching_frame": replace(_of_files(BY_BLOB, *_FOUND), worker_sets="quality = 0"),
    "matching_pair": Table(worker="S I D", steps="matching command SID", worker_sets="key = 0"),
    "matching_match": _of_files(BY_BLOB, *_FOUND),
    "matching_near": _of_files(BY_BLOB, "linking triage S matching command SIUD", "S I U D"),
    "matching_sighting": replace(_of_files(BY_BLOB, *_FOUND), worker_sets="tips = 0"),
    "matching_horizon": _open("", "S I U"),
}
TABLES |= triage_rows.TABLES | deconfliction.TABLES | insight.TABLES | offers.TABLES | placing.TABLES
TABLES |= referring.TABLES | exchanging.TABLES
TABLES |= (
    attribution_lists.TABLES
    | attribution_pages_trace.TABLES
    | attribution_pages_requests.TABLES
    | attribution_pages_returns.TABLES
)
