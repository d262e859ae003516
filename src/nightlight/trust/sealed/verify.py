# SPDX-License-Identifier: Apache-2.0
"""Checks that every sealed identity and every opening is what the custody log says, and that their keys are there."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.sealed import actions, keeping
from nightlight.trust.sealed.box import KeysRefused
from nightlight.trust.sealed.keys import current_keyring
from nightlight.trust.sealed.models import Identity, State, Unsealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.foundation.canonical_json import Json

BATCH = 500


class Code(StrEnum):
    """What can be wrong with sealed identities."""

    IDENTITY_ALTERED = "identity-altered"
    IDENTITY_KEY_MISSING = "identity-key-missing"
    UNSEALING_ALTERED = "unsealing-altered"
    UNSEALING_STATE = "unsealing-state"
    UNSEALING_MISSING = "unsealing-missing"


def check() -> Iterator[Problem]:
    """Compare identities and openings with their events; yield what does not agree. Opens nothing."""
    yield from _identities()
    yield from _unsealings()
    yield from _asked_without_request()


def _identities() -> Iterator[Problem]:
    try:
        at_hand = current_keyring().ids
    except KeysRefused as error:
        at_hand = frozenset()
        if Identity.objects.filter(destroyed_at__isnull=True).exists():
            yield Problem(Code.IDENTITY_KEY_MISSING, "keys", error.reason)
    last = 0
    while rows := list(Identity.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        said = _said_of_identities({row.subject for row in rows})
        for row in rows:
            where = f"identity {row.public_id}"
            now = "" if row.destroyed else keeping.closed_digest(row.closed)
            if said.get(row.public_id) != now:
                yield Problem(Code.IDENTITY_ALTERED, where, "What is closed here is not what the custody log says.")
            if at_hand and not row.destroyed and row.closed.key_id not in at_hand:
                yield Problem(Code.IDENTITY_KEY_MISSING, where, f"Its key {row.closed.key_id.hex()} is not there.")
        last = rows[-1].pk


def _said_of_identities(subjects: set[str]) -> dict[str, str]:
    """Return public id -> digest of what was last closed; empty text where it was destroyed."""
    said: dict[str, str] = {}
    events = Event.objects.filter(kind__in=["sealed.renewed", "sealed.destroyed"], subject__in=subjects)
    # Records are read by steps and commands; a page can write entries in its person's name and in no other.
    events = events.exclude(kind="sealed.renewed", actor__startswith="officer:")
    for kind, body in events.order_by("pk").values_list("kind", "body").iterator():
        data = json.loads(body)["data"]
        if kind == "sealed.destroyed":
            said |= dict.fromkeys(data["identities"], "")
        else:
            said |= data["closed"]
            for gone in data["gone"]:
                said.pop(gone, None)
    return said


def _unsealings() -> Iterator[Problem]:
    last = 0
    while rows := list(Unsealing.objects.select_related("user").filter(pk__gt=last).order_by("pk")[:BATCH]):
        told = _told([f"unsealing:{row.public_id}" for row in rows])
        opened = _opened({row.subject for row in rows})
        for row in rows:
            where = f"unsealing:{row.public_id}"
            events = told.get(where, {})
            asked = events.get(actions.ASKED, {})
            if asked.get("data") != actions.asked_data(row) or asked.get("by") != row.person:
                yield Problem(Code.UNSEALING_ALTERED, where, "The request is not as the custody log says it was asked.")
            if _state(events, opened=row.public_id in opened) != (row.state, row.answered_at is not None):
                yield Problem(Code.UNSEALING_STATE, where, f"It is {row.state}; the custody log says otherwise.")
        last = rows[-1].pk


def _state(events: dict[str, dict[str, Json]], *, opened: bool) -> tuple[str, bool]:
    """Return the state that the events say an opening is in, and whether it was ever answered."""
    if "sealed.unsealing-refused" in events:
        return State.REFUSED.value, opened
    if "sealed.unsealing-closed" in events:
        return State.CLOSED.value, opened
    return (State.OPENED.value if opened else State.ASKED.value), opened


def _told(subjects: list[str]) -> dict[str, dict[str, dict[str, Json]]]:
    told: dict[str, dict[str, dict[str, Json]]] = {}
    events = Event.objects.filter(subject__in=subjects, kind__startswith="sealed.").order_by("pk")
    for subject, kind, body in events.values_list("subject", "kind", "body"):
        told.setdefault(subject, {})[kind] = json.loads(body)
    return told


def _opened(subjects: set[str]) -> set[str]:
    # Only the worker opens; a page can write entries in its person's name and in no other.
    events = Event.objects.filter(kind="sealed.opened", subject__in=subjects, actor__startswith="service:")
    return {json.loads(body)["data"]["unsealing"] for body in events.values_list("body", flat=True).iterator()}


def _asked_without_request() -> Iterator[Problem]:
    last = 0
    asked = Event.objects.filter(kind=actions.ASKED).order_by("pk")
    while events := list(asked.filter(pk__gt=last).values_list("pk", "subject")[:BATCH]):
        ids = [subject.removeprefix("unsealing:") for _, subject in events]
        there = set(Unsealing.objects.filter(public_id__in=ids).values_list("public_id", flat=True))
        for public_id in ids:
            if public_id not in there:
                yield Problem(
                    Code.UNSEALING_MISSING, f"unsealing:{public_id}", "It was asked for; the request is gone."
                )
        last = events[-1][0]
