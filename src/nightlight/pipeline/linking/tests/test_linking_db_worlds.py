# SPDX-License-Identifier: Apache-2.0
"""Whatever comes, goes and is decided in whichever order: what is kept is what all rows at once give."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.linking import bulk, joining, linking, rebuilding
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Decision, Identifier, Subject, Verdict
from nightlight.pipeline.linking.tests.db_cast import LATER, link, rebuilt_the_same, reporter, tip
from nightlight.pipeline.linking.weights import Points, Weights
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.people import Email, Party, Person, Phone, Role, with_pseudonyms
from nightlight.pipeline.tips.reading import Incident, IncidentType, Reading, ReporterStatement
from nightlight.pipeline.tips.values import Stated, Text
from nightlight.trust.accounts import actions as accounts

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
# Ceilings so near that a few tips cross them; of light values two make a link.
_LIGHT = Points(12, 2, 4)
TABLE = Weights(
    1,
    20,
    {
        **{str(kind): Points(0, 0, 1) for kind in Kind},
        Kind.EMAIL: Points(26, 3, 5, verified=2),
        Kind.PHONE: Points(19, 2, 5, verified=4),  # sufficient only where somebody verified it
        Kind.HANDLE: _LIGHT,
        Kind.ANY_HANDLE: Points(4, 1, 8),
        Kind.DEVICE: _LIGHT,
    },
)
STEPS, TIPS = 45, 14


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (joining, bulk):
        monkeypatch.setattr(module, "weights", lambda: TABLE)
    monkeypatch.setattr(rebuilding, "_KINDS", list(TABLE.kinds))


def _party(dice: random.Random, number: int, role: Role) -> Party:
    source = f"{role}[{number}]"
    verified = dice.choice([Stated.YES, Stated.NO, Stated.NOT_STATED, Stated.NOT_STATED])
    person = Person(
        f"{source}/person",
        ages=(),
        emails=tuple(
            Email(f"k{dice.randrange(3)}@example.org", f"{source}/email[{n}]", verified=verified)
            for n in range(dice.choice([0, 0, 1, 1, 2]))
        ),
        phones=tuple(
            Phone(f"+9199900000{dice.randrange(5):02}", f"{source}/phone[{n}]", verified=verified)
            for n in range(dice.choice([0, 1, 1]))
        ),
    )
    names = tuple(
        Text(f"grey-heron-{dice.randrange(3)}", f"{source}/screenName[{n}]") for n in range(dice.choice([0, 1, 2]))
    )
    return Party(role, source, persons=(person,), screen_names=names)


def _reading(dice: random.Random, base: Reading) -> Reading:
    roles = [Role.REPORTED] * dice.choice([1, 1, 1, 2]) + [Role.RECIPIENT] * dice.choice([0, 0, 1])
    if dice.random() < 0.1:
        dice.shuffle(roles)  # somebody changes sides when the report is read by other rules
    said = f"Write to k{dice.randrange(3)}@example.org" if dice.random() < 0.3 else ""
    parties = with_pseudonyms([_party(dice, n, role) for n, role in enumerate(roles)], None)
    return replace(base, parties=parties, statements=(Text(said, "additionalInfo"),) if said else ())


def _decide(dice: random.Random, by: User) -> None:
    about = dice.random()
    told = {"public_id": f"LD-{dice.randrange(10**9)}", "reason": "For this test.", "by": by, "at": LATER}
    if about < 0.25:
        some = list(Identifier.objects.filter(sightings__isnull=False).distinct())
        if some:
            verdict = dice.choice([Verdict.SILENCE, Verdict.SILENCE, Verdict.HEAR])
            Decision.objects.create(verdict=verdict, identifier=dice.choice(some), **told)
        return
    side = dice.choice(["suspect", "suspect", "child"])
    them = list(Subject.objects.filter(side=side).order_by("pk"))
    if len(them) > 1:
        first, second = sorted(dice.sample(them, 2), key=lambda one: one.pk)
        verdict = dice.choice([Verdict.FORBID, Verdict.FORBID, Verdict.CONFIRM])
        Decision.objects.create(verdict=verdict, first=first, second=second, **told)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("seed", range(4))
def test_one_after_the_other_is_all_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    chat = reporter()
    officer = accounts.add_person(by="command:cli", at=LATER, username="asha", password="a long enough one 7")
    base = Reading("test", Incident(IncidentType.MATERIAL, "incident"), ReporterStatement("reporter"))
    readings = {tip(chat).pk: base for _ in range(TIPS)}
    monkeypatch.setattr(linking, "_understood", lambda tips, **_: {one.pk: readings[one.pk] for one in tips})
    linked = 0
    for _step in range(STEPS):
        what = dice.random()
        some = dice.choice(list(readings))
        if what < 0.7:
            readings[some] = _reading(dice, base)
            linking.again([some])
        elif what < 0.75:
            readings[some] = base  # nobody is found in it any more
            linking.again([some])
        elif what < 0.78:
            Tip.objects.filter(pk=some, set_apart=False).update(set_apart=True)
        else:
            _decide(dice, officer)
        link()
        rebuilt_the_same()
        linked += Subject.objects.filter(gone=False).exclude(pk__in=Subject.objects.values("person")).count()
    assert linked > STEPS  # so there was something to go wrong
