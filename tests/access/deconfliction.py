# SPDX-License-Identifier: Apache-2.0
"""Deconfliction in the table of pages, in the table of tables, and in the world; written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation import public_ids
from nightlight.pipeline.linking.deconfliction import models
from nightlight.pipeline.linking.models import Identifier, Waiting
from nightlight.trust.accounts.models import Role
from tests.access import objects
from tests.access.asking import ADMIN, COMMANDER, OFFICER, TRIAGE, Page, anywhere, near
from tests.access.stated import APART, BY_TIP, RECORD, Rule, Table, reach

if TYPE_CHECKING:
    from tests.access.world import World

_ASKS = frozenset({TRIAGE, OFFICER, COMMANDER})
_ADMIN, _BOSS = frozenset({ADMIN}), frozenset({ADMIN, COMMANDER})
_SEEING: Rule = {"": reach(_ASKS), "apart": reach(APART & _ASKS)}
_EVERYBODY: Rule = {"*": {"signed-in": {"any"}}}
_ROSTER: Rule = {"*": {ADMIN: {"any"}, COMMANDER: {"own", "child"}}}


def _linked(_person: object, _told: object) -> None:
    """Nothing waits to be linked: what does asks about nothing."""
    Waiting.objects.all().delete()


PAGES: dict[str, list[Page]] = {
    # A partner shows a token of its own: whoever is signed in with a session is nobody here.
    "api:deconfliction": [Page({}, others=("sign-in",), method="POST")],
    "desk:held-elsewhere": [
        Page(
            near(_ASKS),
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            effect=True,
            before=_linked,
        ),
    ],
    "desk:unit-contact": [
        Page(
            {**anywhere(_ADMIN), "own": _BOSS, "child": _BOSS},
            of="unit",
            method="POST",
            kwargs={"public_id": objects.unit},
            data={"telephone": "+91 20 5550 0100"},
            outside=("refused",),
            effect=True,
        )
    ],
}

TABLES: dict[str, Table] = {
    "linking_contact": Table(
        "S I U(telephone,email,duty,by_id,at)",
        "",
        "S I U",
        "linking S command SIU",
        sees=_EVERYBODY,
        adds=_ROSTER,
        adds_own=True,
        changes=_ROSTER,
        sets="duty = 'another desk'",
        owner="by_id",
        person="t.by_id",
        spoilt=({"by_id": -1},),
        units="ARRAY[t.unit_id]",
    ),
    "linking_asking": Table(
        "S I",
        "",
        "S",
        "command S",
        sees=RECORD,
        adds=_SEEING,
        adds_own=True,
        owner="by_id",
        person="t.by_id",
        spoilt=({"by_id": -1}, {"unit_id": -1}),
        **BY_TIP,
    ),
    "linking_held": Table(
        "S", "", "S I U D", "linking command SIUD", sees=RECORD, worker_sets="call = 'another desk'", **BY_TIP
    ),
    "linking_partner": Table(
        "S(id,public_id,name,ring,added_at,ended_at)",
        "",
        "S I U",
        "linking SU command SIU",
        sees=_EVERYBODY,
        worker_sets="why = 'unreachable'",
    ),
    "linking_ring": Table(worker="S I U D", steps="linking command SIUD", worker_sets="upto = 0"),
    "linking_ringdigest": Table(worker="S I U D", steps="linking command SIUD", worker_sets="digest = '\\x00'"),
    "linking_partnerasking": Table(worker="S", steps="command S"),
}


def build(world: World) -> None:
    """Whom to call in each unit, an asking about each tip, what was told of it, and a partner that asked."""
    partner = models.Partner.objects.create(
        public_id=public_ids.new("DP"), name="Example East", ring="states", added_at=world.at
    )
    models.PartnerAsking.objects.create(partner=partner, digests=2, held=1, at=world.at)
    ring = models.Ring.objects.create(name="states", epoch="2026-11")
    boss = next(one.user for one in world.everybody if one.role == Role.COMMANDER)
    assert boss is not None
    for code, tip in world.full.items():
        unit = world.units[code]
        models.Contact.objects.create(unit=unit, telephone="+91 20 5550 0100", by=boss, at=world.at)
        for one in (tip, world.tips[code][1]):
            models.Asking.objects.create(public_id=public_ids.new("DQ"), tip=one, unit=unit, by=boss, at=world.at)
            seen = Identifier.objects.filter(sightings__tip=one).order_by("pk").first()
            assert seen is not None
            models.Held.objects.create(tip=one, identifier=seen, partner=partner, their_unit="East", at=world.at)
            models.RingDigest.objects.get_or_create(ring=ring, identifier=seen, defaults={"digest": seen.digest})
