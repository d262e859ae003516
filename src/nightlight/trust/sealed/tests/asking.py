# SPDX-License-Identifier: Apache-2.0
"""How tests ask for an identity to be opened, answer as the worker does, and read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nightlight.trust.custody.models import Event
from nightlight.trust.sealed import actions, rules
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.sealed.rules import WhyNot
from nightlight.trust.sealed.tests.conftest import AT, LAW, REASON

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer


LATER = AT + timedelta(seconds=5)


ONE_MINUTE = timedelta(minutes=1)


def ask(by: Viewer, child: Identity, at: datetime = AT, **changed: Any) -> tuple[Unsealing, bytes]:  # noqa: ANN401 - as ask takes them
    words: dict[str, Any] = {
        "identity": child.public_id,
        "reason_kind": "child-in-danger",
        "reason": REASON,
        "case_number": "14/2026",
        "minutes": 30,
    }
    return actions.ask(by=by, at=at, law=LAW, **(words | changed))


def answer(row: Unsealing, at: datetime = LATER) -> actions.Opened | None:
    return actions.answer(by="service:worker", at=at, unsealing=row.public_id, law=LAW)


def read(by: Viewer, row: Unsealing, key: bytes, at: datetime = LATER) -> dict[str, list[str]]:
    return actions.read(by=by, at=at, unsealing=row.public_id, private_key=key, law=LAW)


def events(kind: str) -> list[dict[str, Any]]:
    return [json.loads(body) for body in Event.objects.filter(kind=kind).order_by("id").values_list("body", flat=True)]


def refused_why(row: Unsealing) -> str:
    row.refresh_from_db()
    (event,) = [e for e in events("sealed.unsealing-refused") if e["subject"] == f"unsealing:{row.public_id}"]
    assert row.state == State.REFUSED
    assert row.answer_body is None
    assert row.refusal == rules.SENTENCES[WhyNot(event["data"]["why"])]
    return str(event["data"]["why"])
