# SPDX-License-Identifier: Apache-2.0
"""Checks that every request, and what was loaded about networks, is what the custody log says; returns in their own.

A request has a step for each entry of the log and an entry for each step; its letter is, byte for byte, the one that
was drawn up and signed. What was emptied with its tip may say nothing, and only if the log says the tip was destroyed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection

from nightlight.casework.attribution import checking_lists, verify_returns
from nightlight.casework.attribution.models import (
    APPEND_ONLY_TABLES,
    DirectoryVersion,
    ListImport,
    Prepared,
    Request,
    RequestState,
    Step,
    StepKind,
)
from nightlight.casework.attribution.request_steps import KINDS, digest
from nightlight.casework.attribution.verify_kinds import BATCH, Code, destroyed, said_of
from nightlight.foundation import clock
from nightlight.trust.custody.append_only import ERASURE_GUARD, GUARD
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_GUARDS = (
    *((table, GUARD) for table in APPEND_ONLY_TABLES),
    *((table, ERASURE_GUARD) for table in ("attribution_step", "attribution_finding", "attribution_wrongdoor")),
    ("attribution_request", "attribution_guard_request"),
    ("attribution_request", "attribution_keep_requests"),
    ("attribution_return", "attribution_guard_return"),
    ("attribution_return", "attribution_keep_returns"),
)
# Free words of a step: the row has them, the log their digest.
_WORDS = ("note", "words", "reason")
_STATES = {
    StepKind.DRAFTED: RequestState.DRAFT,
    StepKind.CHECKED: RequestState.CHECKED,
    StepKind.DISPUTED: RequestState.WITHDRAWN,
    StepKind.SIGNED: RequestState.SIGNED,
    StepKind.SENT: RequestState.SENT,
    StepKind.ANSWERED: RequestState.ANSWERED,
    StepKind.REFUSED: RequestState.REFUSED,
    StepKind.WITHDRAWN: RequestState.WITHDRAWN,
}
_ENDED = frozenset({RequestState.ANSWERED, RequestState.REFUSED, RequestState.WITHDRAWN})


def check() -> Iterator[Problem]:
    """Compare all that attribution keeps with the log; yield what disagrees."""
    yield from _guards()
    yield from _requests()
    yield from _missing()
    yield from verify_returns.check()
    yield from _looked_up()
    yield from _lists()


def _guards() -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')")
        on = set(cursor.fetchall())
    for table, trigger in _GUARDS:
        if (table, trigger) not in on:
            yield Problem(Code.GUARD_MISSING, f"table {table}", f"trigger {trigger} is missing or switched off")


# Requests.


def _requests() -> Iterator[Problem]:
    last = 0
    rows = Request.objects.select_related("tip", "unit", "drafted_by", "checked_by", "signed_by").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        steps: dict[int, list[Step]] = defaultdict(list)
        for one in Step.objects.filter(request__in=batch).order_by("pk"):
            steps[one.request_id].append(one)
        entries = Event.objects.in_bulk([one.event for found in steps.values() for one in found])
        gone = destroyed(row.tip.public_id for row in batch)
        for row in batch:
            empty = row.tip.public_id in gone
            said: list[tuple[Step, Mapping[str, Any]]] = []
            for one in steps[row.pk]:
                entry = entries.get(one.event)
                if entry is None or not _as_logged(row, one, entry, may_be_empty=empty):
                    text = f"The step {one.kind!r} is not what the custody log says."
                    yield Problem(Code.STEP_ALTERED, f"request {row.public_id}", text)
                if entry is not None:
                    said.append((one, json.loads(entry.body)["data"]))
            yield from _request(row, said, may_be_empty=empty)
        last = batch[-1].pk


def _as_logged(row: Request, step: Step, entry: Event, *, may_be_empty: bool) -> bool:
    data = json.loads(entry.body)["data"]
    about = {"request": row.public_id, "kind": row.kind, "operator": row.operator, "lines": row.lines}
    kept = (KINDS[StepKind(step.kind)], step.by, step.at, f"tip:{row.tip.public_id}")
    if (entry.kind, entry.actor, entry.at, entry.subject) != kept or any(data.get(k) != v for k, v in about.items()):
        return False
    if not step.data:
        return may_be_empty
    facts = json.loads(step.data)
    words = {name: facts.pop(name) for name in _WORDS if name in facts}
    digests = all(data.get(f"{name}_sha256") == (digest(text) if text else None) for name, text in words.items())
    return digests and facts == {name: value for name, value in data.items() if name not in about}


def _request(row: Request, said: Sequence[tuple[Step, Mapping[str, Any]]], *, may_be_empty: bool) -> Iterator[Problem]:
    where = f"request {row.public_id}"
    by_kind = {step.kind: (step, data) for step, data in said}
    if not said or said[0][0].kind != StepKind.DRAFTED:
        yield Problem(Code.STEP_MISSING, where, "There is no entry of how it was drawn up.")
        return
    for kind in (StepKind.DRAFTED, StepKind.SIGNED):
        told = by_kind[kind][1].get("body_sha256") if kind in by_kind else None
        if kind in by_kind and told != digest(row.body) and not (may_be_empty and not row.body):
            how = "drawn up" if kind == StepKind.DRAFTED else "signed"
            yield Problem(Code.REQUEST_ALTERED, where, f"What it says is not what was {how}.")
    states = [_STATES[StepKind(step.kind)] for step, _ in said if StepKind(step.kind) in _STATES]
    if row.state != states[-1]:
        yield Problem(Code.REQUEST_STATE, where, f"It is {row.state}; its steps say {states[-1]}.")
    if _facts(row) != _meant(row, said):
        yield Problem(Code.REQUEST_ALTERED, where, "Who did what of it, or when, is not what its steps say.")


def _facts(row: Request) -> dict[str, object]:
    people = {"checked": row.checked_by, "signed": row.signed_by}
    return {
        "drafted": (f"officer:{row.drafted_by.public_id}", row.drafted_at),
        "unit": row.unit.public_id,
        "power": row.power,
        "log_until": clock.stamp(row.log_until) if row.log_until else "",
        **{name: f"officer:{one.public_id}" if one else None for name, one in people.items()},
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "reminded": row.reminded_at is not None,
        "ended_at": row.ended_at,
    }


def _meant(row: Request, said: Sequence[tuple[Step, Mapping[str, Any]]]) -> dict[str, object]:
    steps = {step.kind: (step, data) for step, data in said}
    begun, drafted = steps[StepKind.DRAFTED]
    checked, signed = (steps[kind][0].by if kind in steps else None for kind in (StepKind.CHECKED, StepKind.SIGNED))
    sent = steps[StepKind.SENT][1] if StepKind.SENT in steps else {}
    ends = [step.at for step, _ in said if _STATES.get(StepKind(step.kind)) in _ENDED]
    return {
        "drafted": (begun.by, begun.at),
        "unit": drafted.get("unit"),
        "power": drafted.get("power"),
        "log_until": drafted.get("records_until"),
        "checked": checked,
        "signed": signed,
        "sent_at": _utc(sent.get("sent_at")),
        "due_at": _utc(sent.get("due_at")),
        "reminded": StepKind.REMINDED in steps,
        "ended_at": ends[-1] if ends else None,
    }


def _utc(text: str | None) -> str | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _missing() -> Iterator[Problem]:
    """Entries of which there is no step: somebody removed it."""
    last = 0
    entries = Event.objects.filter(kind__in=sorted(KINDS.values())).order_by("pk")
    while batch := list(entries.filter(pk__gt=last).values_list("pk", "subject", "kind")[:BATCH]):
        there = set(Step.objects.filter(event__in=[pk for pk, _, _ in batch]).values_list("event", flat=True))
        for pk, subject, kind in batch:
            if pk not in there:
                yield Problem(Code.STEP_MISSING, subject, f"The log holds {kind} and there is no step of it.")
        last = batch[-1][0]


# What was looked up, and what it was looked up in.


def _looked_up() -> Iterator[Problem]:
    """Compare how far the addresses of a tip lead with the last entry that says so; officers read it first."""
    last = 0
    rows = Prepared.objects.select_related("tip").defer("body").order_by("tip_id")
    while batch := list(rows.filter(tip_id__gt=last)[:BATCH]):
        said = said_of("tip.addresses-looked-up", [row.tip.public_id for row in batch])
        for row in batch:
            told = said[row.tip.public_id][-1][1] if said[row.tip.public_id] else {"events": 0}
            until = clock.stamp(row.kept_until) if row.kept_until else ""
            kept = {"events": row.events, "grade": row.grade, "way": row.way, "records_until": until}
            if row.events and any(told.get(name) != value for name, value in kept.items()):
                text = "How far its addresses lead is not what the log says; have them looked up anew."
                yield Problem(Code.LOOKED_UP_ALTERED, f"tip:{row.tip.public_id}", text)
        last = batch[-1].tip_id


def _lists() -> Iterator[Problem]:
    for fault in checking_lists.against_the_log():
        yield Problem(
            f"netdata-{fault.code}", f"list {fault.name}", f"{fault.sentence[:1].upper()}{fault.sentence[1:]}."
        )
    for entry in Event.objects.filter(kind="netdata.imported").order_by("pk").iterator(BATCH):
        data = json.loads(entry.body)["data"]
        first, last = data["imports"]
        rows = ListImport.objects.filter(pk__range=(first, last))
        kept = {(f"netdata:{row.kind}", row.series, row.licence, row.by, row.at) for row in rows.iterator(BATCH)}
        entries = sum(rows.values_list("entries", flat=True))
        if (
            kept != {(entry.subject, data["series"], data["licence"], entry.actor, entry.at)}
            or entries != data["entries"]
        ):
            text = f"The imports {first} to {last} are not what the log says: kind, licence, by whom or how much."
            yield Problem(Code.IMPORT_ALTERED, f"list {data['series']}", text)
    there = {(row.name, row.sha256, row.operators, row.by, row.at) for row in DirectoryVersion.objects.defer("body")}
    for entry in Event.objects.filter(kind="operators.loaded").order_by("pk").iterator(BATCH):
        data = json.loads(entry.body)["data"]
        if (data["name"], data["sha256"], data["operators"], entry.actor, entry.at) not in there:
            text = "The log says that this directory was loaded; it is gone, or was changed."
            yield Problem(Code.DIRECTORY_MISSING, f"directory {data['name']}", text)
