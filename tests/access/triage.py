# SPDX-License-Identifier: Apache-2.0
"""Linking and triage in the world of these tests: of each unit's tips what is linked, scored, decided and alerted."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.foundation import public_ids
from nightlight.pipeline.linking import models as linking
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.triage import models as triage
from nightlight.pipeline.triage import rulebooks
from nightlight.pipeline.triage.models_shift import Handover, HandoverRead

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from tests.access.world import World

SHARED = ("PS-A1A", "SP-N")  # one value stands in the tips of both
RULES = "0" * 16
_NONE = dict.fromkeys(("critical", "high", "medium", "low"), 0)
_LISTS = ("alerts_waiting", "alerts_answered", "held", "comes_back", "dies", "overrides", "capped")
FIGURES = json.dumps(
    {
        **{name: [] for name in _LISTS},
        "new_rows": _NONE,
        "grown_rows": _NONE,
        "closures": {},
        "alerts_quiet": {},
        "next_shift_ends": "2026-11-20T18:30:00+00:00",
    }
)
DIES_IN = timedelta(hours=30)


def build(world: World) -> None:
    """Rows as the two steps and officers leave them; the rows of the queue come from the trigger."""
    triage.Rulebook.objects.create(
        number=1, body=rulebooks.current().body, reason="Tried out", by="command:cli", at=world.at
    )
    shared = _identifier(Kind.PHONE, "+915550000001")
    for code, tip in world.full.items():
        apart = world.tips[code][1]
        held = next(t for t in world.tips[code][2:] if t.public_id != world.unread)
        world.held[code] = held.public_id
        for one in (tip, apart):
            _linked(world, code, one)
            _said(world, code, one)
        if code in SHARED:
            _sighted(tip, shared, tip.subjects.get(party=0), "+915550000001")
        for n, one in enumerate((tip, apart, held)):
            _scored(world, code, one, harm=10 * n)
        by = worker(world, code)
        triage.Standing.objects.filter(tip=held).update(holder=by, held_since=world.at)
        world.alerts[code] = _alerted(world, code, tip)
        _alerted(world, code, apart)
        linking.FileGroup.objects.create(blob=tip.files.get().item.blob, anchor=tip.files.get().item.blob_id)
        world.handovers[code] = _handed_on(world, code)
    for person in world.everybody:
        if person.user is not None:
            triage.LastLook.objects.create(user=person.user, at=world.at)


def _handed_on(world: World, code: str) -> str:
    """Written and read by nobody who is asked here, so that each of them may take over."""
    handover = Handover.objects.create(
        public_id=public_ids.new("HV"),
        unit=world.units[code],
        since=world.at - timedelta(hours=12),
        until=world.at,
        figures=FIGURES,
        note="Somebody calls back at noon.",
        by=world.specials["no-post"].user,
        at=world.at,
    )
    HandoverRead.objects.create(handover=handover, by=world.specials["ended-post"].user, at=world.at)
    return handover.public_id


def worker(world: World, code: str) -> User:
    """Who works on tips in a unit: its investigator."""
    person = world.staff.get(code) or world.person("investigator", code)
    assert person.user is not None
    return person.user


def _identifier(kind: Kind, value: str) -> linking.Identifier:
    return linking.Identifier.objects.create(kind=kind, digest=hashlib.sha256(value.encode()).digest()[:16], suspects=1)


def _subject(tip: Tip, party: int, side: Side) -> linking.Subject:
    made = linking.Subject.objects.create(
        tip=tip, party=party, side=side, pseudonym=f"Person {party}", component=0, person=0
    )
    linking.Subject.objects.filter(pk=made.pk).update(component=made.pk, person=made.pk)
    return made


def _sighted(tip: Tip, identifier: linking.Identifier, subject: linking.Subject, value: str) -> None:
    linking.Sighting.objects.create(
        tip=tip,
        identifier=identifier,
        subject=subject,
        side=subject.side,
        source="report/1",
        as_sent=value,
        value=value,
        verified=False,
        from_text=False,
        at=None,
    )


def _linked(world: World, code: str, tip: Tip) -> None:
    linking.Progress.objects.create(tip=tip, version=1, at=world.at)
    one, other, child = (
        _subject(tip, party, side) for party, side in enumerate((Side.SUSPECT, Side.SUSPECT, Side.CHILD))
    )
    value = f"{tip.public_id.lower()}@example.org"
    seen = _identifier(Kind.EMAIL, value)
    _sighted(tip, seen, one, value)
    _sighted(tip, _identifier(Kind.HANDLE, f"{value} child"), child, "")  # it would name a protected person
    by = worker(world, code)
    for verdict, more in (
        (linking.Verdict.FORBID, {"first": one, "second": other}),
        (linking.Verdict.SILENCE, {"identifier": seen}),
    ):
        linking.Decision.objects.create(
            public_id=public_ids.new("LD"), verdict=verdict, reason="Two people share it", by=by, at=world.at, **more
        )


def _said(world: World, code: str, tip: Tip) -> None:
    by = worker(world, code)
    triage.OfficerFact.objects.create(tip=tip, fact="same_home", value=True, reason="A call", by=by, at=world.at)
    triage.RecordsEnd.objects.create(tip=tip, ends=[world.at + DIES_IN], told_at=world.at)
    triage.Override.objects.create(tip=tip, band=None, rules_band=0, reason="As before", by=by, at=world.at)
    # Nobody of those who are asked closed these, so that each of them may look at them a second time.
    closure = triage.Closure.objects.create(
        tip=tip,
        disposition=triage.Disposition.CANNOT_WORK,
        reason="Nothing leads to anybody",
        sampled=True,
        by=world.specials["no-post"].user,
        at=world.at,
    )
    triage.SecondLook.objects.create(closure=closure, agrees=True, reason="It is so", by=by, at=world.at)


def _scored(world: World, code: str, tip: Tip, *, harm: int) -> None:
    numbers = {
        "rulebook": 0, "rules": RULES, "band": 1, "harm": harm, "dies_at": world.at + DIES_IN, "workability": 40,
        "body": "{}", "at": world.at,
    }  # fmt: skip
    triage.Score.objects.create(tip=tip, **numbers)
    triage.PastScore.objects.create(tip=tip, **numbers)
    triage.Standing.objects.create(
        tip=tip,
        unit=world.units[code],
        environment="production",
        band=1,
        harm=harm,
        dies_at=world.at + DIES_IN,
        workability=40,
        kind=triage.Group.SINGLE,
        anchor=tip.pk,
        arrived_at=world.at,
    )


def _alerted(world: World, code: str, tip: Tip) -> str:
    alert = triage.Alert.objects.create(
        public_id=public_ids.new("AL"),
        tip=tip,
        unit=world.units[code],
        code="meeting-arranged",
        label="A meeting with a child is being arranged",
        raised_at=world.at,
        call_at=world.at,
    )
    triage.AlertCall.objects.create(alert=alert, level=0, how="page", whom="Somebody on duty", sent=True, at=world.at)
    return alert.public_id
