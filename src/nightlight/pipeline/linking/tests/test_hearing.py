# SPDX-License-Identifier: Apache-2.0
"""A value that was silenced is heard again when an officer says so; what was decided before stays written."""

from __future__ import annotations

import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.linking import decisions, linking, rebuilding
from nightlight.pipeline.linking.models import Decision, Identifier, Verdict, Waiting
from nightlight.pipeline.linking.tests.db_cast import (
    LATER,
    NOON,
    link,
    linked_events,
    officer,
    persons,
    rebuilt_the_same,
    reporter,
    suspect,
    tip,
)
from nightlight.pipeline.linking.tests.test_linking_db import _part
from nightlight.pipeline.tips import understanding
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.custody.models import Event
from nightlight.trust.retention import actions as retention

pytestmark = pytest.mark.django_db
WHY = "The shop closed; the number is a private one now."
PHONE = "+919990000001"


def three() -> tuple[list[Tip], Identifier]:
    """Three tips that share a telephone, two of them an address too."""
    chat = reporter()
    tips = [tip(chat, suspect(phone=PHONE, email="k@example.org" if number else "")) for number in range(3)]
    link()
    return tips, Identifier.objects.get(kind="phone")


def test_what_nobody_silenced_is_not_heard_and_not_by_everybody() -> None:
    tips, phone = three()
    commander, analyst = officer("Kavita", "commander"), officer("Asha", "intake-analyst")
    with pytest.raises(Conflict, match="nothing to take back"):
        decisions.hear(phone.pk, by=commander, at=LATER, reason=WHY)
    decisions.silence(phone.pk, by=commander, at=LATER, reason=WHY)
    link()
    with pytest.raises(NotAllowed):
        decisions.hear(phone.pk, by=analyst, at=LATER, reason=WHY)
    with pytest.raises(Conflict, match="at least 15"):
        decisions.hear(phone.pk, by=commander, at=LATER, reason="so")
    with pytest.raises(NotFound):
        decisions.hear(10**9, by=commander, at=LATER, reason=WHY)
    assert persons() == [[tips[1].pk, tips[2].pk]]
    assert Decision.objects.count() == 1


def test_who_was_cleared_is_not_heard_again() -> None:
    chat, commander = reporter(), officer("Kavita", "commander")
    cleared = tip(chat, suspect(email="c@example.org"), read=True)
    other = tip(chat, suspect(email="c@example.org"))
    link()
    email = Identifier.objects.get(kind="email")
    decisions.silence(email.pk, by=commander, at=LATER, reason=WHY)
    link()
    Tip.objects.filter(pk=other.pk).update(set_apart=True)
    link()
    retention.clear(
        by=commander, at=NOON, subject=f"tip:{cleared.public_id}", part=_part(cleared, "c@example.org"),
        reason="Taken for somebody else.",
    )  # fmt: skip
    link()
    email.refresh_from_db()
    assert email.silenced and email.cleared
    tip(chat, suspect(email="c@example.org"))
    link()
    with pytest.raises(Conflict, match="cleared"):
        decisions.hear(email.pk, by=commander, at=LATER, reason=WHY)
    assert persons() == []
    rebuilt_the_same()


def test_silenced_heard_and_silenced_again() -> None:
    tips, phone = three()
    everyone, without = [[one.pk for one in tips]], [[tips[1].pk, tips[2].pk]]
    kavita, dev = officer("Kavita", "commander"), officer("Dev", "investigator")
    decisions.silence(phone.pk, by=kavita, at=LATER, reason=WHY)
    link()
    assert persons() == without
    before = linked_events(tips[0])
    decisions.hear(phone.pk, by=dev, at=LATER, reason=WHY)
    assert Waiting.objects.exists()  # a trigger has it carried out
    with pytest.raises(Conflict, match="nothing to take back"):
        decisions.hear(phone.pk, by=kavita, at=LATER, reason=WHY)
    link()
    phone.refresh_from_db()
    assert persons() == everyone and not phone.silenced
    assert sum(linked_events(one) for one in tips) > before  # the log of a tip says that it is linked otherwise
    rebuilt_the_same()
    event = Event.objects.get(kind="link.heard")
    assert WHY not in event.body and f'"identifier":{phone.pk}' in event.body
    later = tip(reporter("Example Video"), suspect(phone=PHONE))
    link()
    assert persons() == [[*everyone[0], later.pk]]
    decisions.silence(phone.pk, by=kavita, at=LATER, reason=WHY)
    link()
    assert persons() == without
    rebuilt_the_same()
    told = Decision.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(told) == [Verdict.SILENCE, Verdict.HEAR, Verdict.SILENCE]


def test_rebuilding_carries_it_out_as_linking_does() -> None:
    tips, phone = three()
    kavita = officer("Kavita", "commander")
    for act, linked in ((decisions.silence, 2), (decisions.hear, 3)):
        act(phone.pk, by=kavita, at=LATER, reason=WHY)
        rebuilding.rebuild()  # before the tips that wait are linked
        assert [len(one) for one in persons()] == [linked]
        link()
        assert [len(one) for one in persons()] == [linked]
        rebuilt_the_same()
    assert {one.pk for one in tips} == set(persons()[0])


def test_one_tip_that_cannot_be_linked_keeps_no_decision_from_being_carried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tips, phone = three()
    real = understanding.understand_all

    def fails(some: list[Tip]) -> object:
        if tips[0] in some:
            raise ValueError("defeated")
        return real(some)

    monkeypatch.setattr(linking, "understand_all", fails)
    decisions.silence(phone.pk, by=officer("Kavita", "commander"), at=LATER, reason=WHY)
    link()
    assert persons() == [[tips[1].pk, tips[2].pk]]
