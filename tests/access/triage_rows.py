# SPDX-License-Identifier: Apache-2.0
"""The tables of linking and triage in the table of tables; written by hand."""

from __future__ import annotations

from dataclasses import replace

from tests.access.asking import COMMANDER, OFFICER, READ, TRIAGE
from tests.access.stated import APART, BY_BLOB, BY_TIP, RECORD, Rule, Table, by, reach

_DECIDES = frozenset({TRIAGE, OFFICER, COMMANDER})
_HELD = {role: near - {"broken"} for role, near in reach(_DECIDES).items()}
_QUEUED: Rule = {"*": {role: near - {"broken"} for role, near in reach(READ).items()}}
_HELD_APART = {COMMANDER: _HELD[COMMANDER]}
# What is done to a tip is done by the unit that holds it: who broke the glass reads, and that is all.
_AT_WORK: Rule = {"": _HELD, "apart": _HELD_APART}
_SEEING: Rule = {"": reach(_DECIDES), "apart": reach(APART & _DECIDES)}
_READERS: Rule = {"*": {role: {"any"} for role in READ}}
_SEEN_IN = "SELECT s.tip_id FROM linking_sighting s WHERE s.identifier_id"
_SUBJECT_OF = "SELECT s.tip_id FROM linking_subject s WHERE s.id"


def _of_tip(sets: str) -> Table:
    """What the step of linking keeps of each tip."""
    return Table("S", "", "S I U D", "triage S linking command SIUD", sees=RECORD, worker_sets=sets, **BY_TIP)


def _said(**more: object) -> Table:
    """What officers say of a tip, each in their own name."""
    said = Table(
        "S I",
        "",
        "S",
        "triage verifying command S",
        sees=RECORD,
        adds=_AT_WORK,
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1},),
        **BY_TIP,
    )
    return replace(said, **more)  # type: ignore[arg-type]


def _waiting(steps: str) -> Table:
    """Tips that wait for a step: whoever sees the tip sees that it defeats one."""
    return Table("S", "", "S I U D", steps, sees=RECORD, worker_sets="failed_times = 0", **BY_TIP)


TABLES: dict[str, Table] = {
    # --- linking
    "linking_waiting": _waiting("linking command SIUD"),
    "linking_progress": _of_tip("version = 0"),
    "linking_subject": _of_tip("pseudonym = ''"),
    "linking_sighting": _of_tip("role = ''"),
    "linking_identifier": replace(_of_tip("silenced = true"), **by(f"x.id IN ({_SEEN_IN} = t.id)")),
    "linking_decision": Table(
        "S I",
        "",
        "S",
        "linking triage command S",
        sees=RECORD,
        adds=_SEEING,
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1}, {"first_id": None, "second_id": None, "identifier_id": None}),
        # Of pairs in two units tests/access/test_triage.py asks.
        **by(f"x.id IN ({_SEEN_IN} = t.identifier_id UNION {_SUBJECT_OF} = t.first_id)"),
    ),
    "linking_filegroup": Table(
        "S", "", "S I U D", "triage S linking command SIUD", sees=RECORD, worker_sets="anchor = 0", **BY_BLOB
    ),
    # --- triage
    "triage_rulebook": Table(
        "S I",
        "",
        "S I",
        "triage verifying S command SI",
        sees=_READERS,
        adds={"*": {COMMANDER: {"any"}}},
        adds_own=True,
        owner="by",
        person="(SELECT a.id FROM accounts_user a WHERE t.by = 'officer:' || a.public_id)",
        names=lambda person: f"officer:{person.user.public_id}",
        spoilt=({"by": "command:cli"}, {"by": "officer:OF-1111-1111"}),
    ),
    "triage_waiting": _waiting("triage command SIUD"),
    "triage_score": Table(
        "S", "", "S I U D", "triage SIUD command SIUD", sees=RECORD, worker_sets="harm = 0", **BY_TIP
    ),
    "triage_pastscore": Table("S", "", "S I", "triage command SI", sees=RECORD, **BY_TIP),
    "triage_officerfact": _said(),
    "triage_override": _said(),
    "triage_recordsend": Table(
        "S",
        "",
        "S I U D",
        "triage S attribution command SIUD",
        sees=RECORD,
        worker_sets="told_at = now()",
        **BY_TIP,
    ),
    "triage_closure": _said(steps="triage exchange verifying command S"),
    # Who closed the tips of this world is nobody who is asked here; test_triage.py asks those who did.
    "triage_secondlook": _said(**by("x.id = (SELECT c.tip_id FROM triage_closure c WHERE c.id = t.closure_id)")),
    "triage_standing": Table(
        "S U(lane,holder_id,held_since,snoozed_until,snooze_reason)",
        "",
        "S I U D",
        "routing exchange S triage command SIUD",
        sees=RECORD,
        changes=_AT_WORK,
        sets="snooze_reason = 'another'",
        worker_sets="harm = 0",
        **BY_TIP,
    ),
    "triage_row": Table(
        "S",
        "",
        "S",
        "triage command S",
        sees=_QUEUED,
        units="ARRAY[t.unit_id]",
    ),
    "triage_alert": Table(
        "S U(acknowledged_by_id,acknowledged_at,call_at)",
        "",
        "S I U(level,call_at,quiet)",
        "triage command SIU",
        sees=RECORD,
        changes=_AT_WORK,
        sets="acknowledged_by_id = units_viewer(), acknowledged_at = now(), call_at = NULL",
        worker_sets="level = 0",
        **BY_TIP,
    ),
    "triage_alertcall": Table(
        "S",
        "",
        "S I",
        "triage command SI",
        sees=RECORD,
        **by("x.id = (SELECT a.tip_id FROM triage_alert a WHERE a.id = t.alert_id)"),
    ),
    # Read where the queue is read; written by who works there, each in their own name.
    "triage_handover": Table(
        "S I",
        "",
        "S",
        "verifying command S",
        sees=_QUEUED,
        adds={"*": _HELD},
        adds_own=True,
        owner="by_id",
        person="t.by_id",
        spoilt=({"by_id": -1},),
        units="ARRAY[t.unit_id]",
    ),
    # Who wrote the hand-overs of this world is nobody who is asked here; test_triage.py asks those who did.
    "triage_handoverread": Table(
        "S I",
        "",
        "S",
        "verifying command S",
        sees=_QUEUED,
        adds={"*": _HELD},
        adds_own=True,
        owner="by_id",
        person="t.by_id",
        spoilt=({"by_id": -1},),
        units="ARRAY(SELECT h.unit_id FROM triage_handover h WHERE h.id = t.handover_id)",
    ),
    "triage_lastlook": Table(
        "S I U",
        "",
        "S",
        "retention command S",
        person="t.user_id",
        sees={"*": {"signed-in": {"self"}}},
        adds={"*": {"signed-in": {"self"}}},
        changes={"*": {"signed-in": {"self"}}},
        owner="user_id",
        sets="before = now()",
        spoilt=({"user_id": -1},),
    ),
}
