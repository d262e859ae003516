# SPDX-License-Identifier: Apache-2.0
"""Checks that every return, layout, finding and wrong door is what the custody log says, and that none is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nightlight.casework.attribution.findings import stated_digest
from nightlight.casework.attribution.models import Finding, Layout, Return, ReturnState, WrongDoor
from nightlight.casework.attribution.request_steps import digest
from nightlight.casework.attribution.verify_kinds import BATCH, Code, destroyed, said_of
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.evidence.models import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import Model

    Entry = tuple[Event, Mapping[str, Any]]

_OF_RETURNS = ("return.received", "return.read", "return.layout-confirmed", "return.to-read-again")


def check() -> Iterator[Problem]:
    """Yield what disagrees."""
    yield from _returns()
    yield from _layouts()
    yield from _findings()
    yield from _doors()
    yield from _missing("return.received", "return", Return, "public_id", Code.RETURN_MISSING)
    yield from _missing("attribution.found", "finding", Finding, "pk", Code.FINDING_MISSING)
    yield from _missing("attribution.wrong-door", "wrong_door", WrongDoor, "public_id", Code.WRONG_DOOR_MISSING)


def _returns() -> Iterator[Problem]:
    last = 0
    rows = Return.objects.select_related("request__tip", "by").defer("bad", "proposal").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        tips = [row.request.tip.public_id for row in batch]
        gone, items = destroyed(tips), _items(batch)
        entries = [one for kind in _OF_RETURNS for found in said_of(kind, tips).values() for one in found]
        entries.sort(key=lambda one: one[0].pk)
        for row in batch:
            mine = [one for one in entries if one[1].get("return") == row.public_id]
            where = f"return {row.public_id}"
            if not mine or not _as_received(row, *mine[0], items):
                yield Problem(Code.RETURN_ALTERED, where, "It is not what came in by what the log says.")
            elif not _as_read(row, mine, may_be_empty=row.request.tip.public_id in gone):
                yield Problem(Code.RETURN_ALTERED, where, "What it answers, or its state, is not what the log says.")
        last = batch[-1].pk


def _items(rows: Sequence[Return]) -> dict[str, tuple[str, str]]:
    found = Item.objects.filter(public_id__in=[row.item for row in rows]).select_related("blob")
    return {one.public_id: (one.context, bytes(one.blob.sha256).hex()) for one in found}


def _as_received(row: Return, entry: Event, said: Mapping[str, Any], items: Mapping[str, tuple[str, str]]) -> bool:
    subject = f"tip:{row.request.tip.public_id}"
    told = {name: said.get(name) for name in ("request", "item", "size", "sha256", "clock_error")}
    return (
        (entry.kind, entry.subject, entry.actor, entry.at)
        == ("return.received", subject, f"officer:{row.by.public_id}", row.at)
        and told
        == {
            "request": row.request.public_id,
            "item": row.item,
            "size": row.size,
            "sha256": row.sha256,
            "clock_error": row.clock_error,
        }
        and items.get(row.item) == (subject, row.sha256)
    )


def _as_read(row: Return, entries: Sequence[Entry], *, may_be_empty: bool) -> bool:
    last, said = entries[-1]
    if may_be_empty and not (row.counts or row.answers):
        return True
    state = said["state"] if last.kind == "return.read" else ReturnState.RECEIVED
    if row.state != state:
        return False
    read = next(((entry, told) for entry, told in reversed(entries) if entry.kind == "return.read"), None)
    if read is None:
        return not (row.counts or row.answers or row.read_at or row.disclosed)
    told = read[1]
    when = read[0].at if told["state"] == ReturnState.READ else None
    people = row.disclosed or 0
    kept = {"answers_sha256": digest(row.answers), "counts_sha256": digest(row.counts), "people_named": people}
    return all(told.get(name) == value for name, value in kept.items()) and row.read_at == when


def _layouts() -> Iterator[Problem]:
    said: dict[tuple[object, ...], int] = {}
    for entry in Event.objects.filter(kind="return.layout-confirmed").order_by("pk").iterator(BATCH):
        data = json.loads(entry.body)["data"]
        key: tuple[object, ...] = (
            entry.actor,
            entry.at,
            data["operator"],
            data["fingerprint"],
            data.get("layout_sha256"),
        )
        said[key] = said.get(key, 0) + 1
    for row in Layout.objects.select_related("by").order_by("pk").iterator(BATCH):
        key = (f"officer:{row.by.public_id}", row.at, row.operator, row.fingerprint, digest(row.body))
        if not said.get(key):
            text = "How columns are read is not what the log says that a person confirmed."
            yield Problem(Code.LAYOUT_ALTERED, f"layout {row.pk} of {row.operator}", text)
        said[key] = said.get(key, 0) - 1
    for key, left in said.items():
        if left > 0:
            text = "The log says that a person confirmed how columns are read; no layout does."
            yield Problem(Code.LAYOUT_ALTERED, f"operator {key[2]}", text)


def _findings() -> Iterator[Problem]:
    last = 0
    rows = Finding.objects.select_related("tip", "request", "by").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        tips = [row.tip.public_id for row in batch]
        gone, said = destroyed(tips), said_of("attribution.found", tips)
        for row in batch:
            entry, told = _entry(said[row.tip.public_id], "finding", row.pk)
            emptied = row.tip.public_id in gone and not row.subscriber and not row.body
            kept = (row.request.public_id, row.line, row.band, f"officer:{row.by.public_id}", row.at)
            logged = entry and (told["request"], told["line"], told["band"], entry.actor, entry.at)
            if logged != kept or not (emptied or told.get("stated_sha256") == stated_digest(row)):
                yield Problem(Code.FINDING_ALTERED, f"finding {row.pk}", "It is not what the log says was stated.")
        last = batch[-1].pk


def _doors() -> Iterator[Problem]:
    last = 0
    rows = WrongDoor.objects.select_related("tip", "request").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        tips = [row.tip.public_id for row in batch]
        gone, said = destroyed(tips), said_of("attribution.wrong-door", tips)
        for row in batch:
            entry, told = _entry(said[row.tip.public_id], "wrong_door", row.public_id)
            request = row.request.public_id if row.request else ""
            kept = (row.path, row.kind, row.reached, request, row.by, row.at)
            logged = entry and (*(told[name] for name in ("path", "what", "reached", "request")), entry.actor, entry.at)
            emptied = row.tip.public_id in gone and not row.note
            if logged != kept or not (emptied or told.get("note_sha256") == digest(row.note)):
                text = "It is not what the log says was recorded."
                yield Problem(Code.WRONG_DOOR_ALTERED, f"wrong door {row.public_id}", text)
        last = batch[-1].pk


def _entry(said: Sequence[Entry], name: str, value: object) -> tuple[Event | None, Mapping[str, Any]]:
    return next(((entry, told) for entry, told in said if told.get(name) == value), (None, {}))


def _missing(kind: str, name: str, table: type[Model], key: str, code: Code) -> Iterator[Problem]:
    """Entries of which there is no row: somebody removed it."""
    last = 0
    entries = Event.objects.filter(kind=kind).order_by("pk")
    while batch := list(entries.filter(pk__gt=last)[:BATCH]):
        named = {entry.pk: json.loads(entry.body)["data"][name] for entry in batch}
        there = set(table._default_manager.filter(**{f"{key}__in": set(named.values())}).values_list(key, flat=True))
        for entry in batch:
            if named[entry.pk] not in there:
                yield Problem(
                    code, entry.subject, f"The log names {name.replace('_', ' ')} {named[entry.pk]}; it is gone."
                )
        last = batch[-1].pk
