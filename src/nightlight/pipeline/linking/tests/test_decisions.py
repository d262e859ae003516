# SPDX-License-Identifier: Apache-2.0
"""What officers decide about links stands above the rules, and only some may decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.linking import decisions, queries
from nightlight.pipeline.linking.models import Decision, Identifier, Subject, Waiting
from nightlight.pipeline.linking.queries import Strength
from nightlight.pipeline.linking.tests.db_cast import (
    LATER,
    link,
    linked_events,
    officer,
    persons,
    rebuilt_the_same,
    reporter,
    subject,
    suspect,
    tip,
    victim,
)
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
WHY = "Seen together on the registration papers."


def one_by_one(*people: str, by: ReporterLogin | None = None) -> list[Tip]:
    """Tips linked in the order in which they come, so that the first has the smallest subject."""
    by = by or reporter()
    made = []
    for one in people:
        made.append(tip(by, one))
        link()
    return made


def test_who_may_not_decide() -> None:
    chat = reporter()
    first, second = (tip(chat, suspect(), victim()) for _ in range(2))
    link()
    one, other = subject(first), subject(second)
    analyst = officer("Asha", "intake-analyst")
    with pytest.raises(NotAllowed):
        decisions.confirm(one, other, by=analyst, at=LATER, reason=WHY)
    decides = officer("Dev", "investigator")
    with pytest.raises(Conflict, match="at least 15"):
        decisions.forbid(one, other, by=decides, at=LATER, reason="no")
    with pytest.raises(Conflict, match="two people"):
        decisions.forbid(one, one, by=decides, at=LATER, reason=WHY)
    with pytest.raises(NotFound):
        decisions.confirm(one, 10**9, by=decides, at=LATER, reason=WHY)
    with pytest.raises(Conflict, match="a child"):
        decisions.confirm(one, subject(second, "child"), by=decides, at=LATER, reason=WHY)
    with pytest.raises(NotFound):
        decisions.silence(10**9, by=decides, at=LATER, reason=WHY)
    assert not Decision.objects.exists()


def test_confirmed_forbidden_and_confirmed_again() -> None:
    first, second = one_by_one(suspect(), suspect())
    one, other = subject(first), subject(second)
    decides = officer("Dev", "investigator")
    decisions.confirm(other, one, by=decides, at=LATER, reason=WHY)
    with pytest.raises(Conflict, match="decided already"):
        decisions.confirm(one, other, by=decides, at=LATER, reason=WHY)
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {first.pk, second.pk}
    link()
    assert persons() == [[first.pk, second.pk]]
    event = Event.objects.get(kind="link.confirmed")
    assert event.subject == f"tip:{first.public_id}"
    assert WHY not in event.body
    rebuilt_the_same()
    decisions.forbid(one, other, by=decides, at=LATER, reason=WHY)
    link()
    assert persons() == []
    assert Subject.objects.get(pk=other).component == other  # nothing else holds them together
    rebuilt_the_same()
    decisions.confirm(one, other, by=decides, at=LATER, reason=WHY)
    link()
    assert persons() == [[first.pk, second.pk]]
    assert linked_events(first) + linked_events(second) == 3


def test_a_forbidden_pair_stays_apart_whatever_comes() -> None:
    chat = reporter()
    first, second = one_by_one(suspect(email="k@example.org"), suspect(email="k@example.org"), by=chat)
    decides = officer("Dev", "triage-officer")
    decisions.forbid(subject(first), subject(second), by=decides, at=LATER, reason=WHY)
    link()
    assert persons() == []
    third = tip(chat, suspect(email="k@example.org"))
    link()
    assert persons() == [[first.pk, third.pk]]
    assert set(Subject.objects.values_list("component", flat=True)) == {subject(first)}
    rebuilt_the_same()


def test_a_silenced_value_links_nobody_and_what_else_is_shared_still_does() -> None:
    chat = reporter()
    tips = [tip(chat, suspect(phone="+919990000001", email="k@example.org" if number else "")) for number in range(3)]
    link()
    assert persons() == [[one.pk for one in tips]]
    commander = officer("Kavita", "commander")
    phone = Identifier.objects.get(kind="phone")
    decisions.silence(phone.pk, by=commander, at=LATER, reason=WHY)
    with pytest.raises(Conflict, match="already"):
        decisions.silence(phone.pk, by=commander, at=LATER, reason=WHY)
    link()
    assert persons() == [[tips[1].pk, tips[2].pk]]
    assert Identifier.objects.get(pk=phone.pk).silenced
    view = queries.person(commander, subject(tips[1]))
    assert [(one.kind, one.strength) for one in view.reasons] == [("email", "strong"), ("phone", "none")]
    rebuilt_the_same()


def test_why_two_tips_are_one_person() -> None:
    chat, video = reporter(), reporter("Example Video")
    first = tip(chat, suspect("grey-heron", phone="+919990000001", verified=True), victim("small-owl"))
    link()
    second = tip(video, suspect("grey-heron", phone="+919990000001"), victim("small-owl"))
    tip(chat, suspect(), victim(email="k@example.org"))
    link()
    decides = officer("Dev", "investigator")
    with pytest.raises(NotFound):
        queries.person(decides, 10**9)
    with pytest.raises(NotAllowed):
        queries.person(officer("Joy", "administrator"), subject(first))
    view = queries.person(decides, subject(second))
    assert (view.person, view.tips, view.hidden, view.reporters) == (
        subject(first),
        2,
        0,
        ("Example Chat", "Example Video"),
    )
    assert [(one.kind, one.value, one.strength) for one in view.reasons] == [
        ("phone", "+919990000001", Strength.STRONG),
        ("any-handle", "grey-heron", Strength.WEAK),
    ]
    assert view.reasons[0].sentence == "same verified telephone number in 2 tips from 2 providers, Nov 2026"
    (join,) = view.joins
    assert (join.a, join.b) == (subject(first), subject(second))
    taken = queries.person_of(decides, first)
    assert [(one.subject.side, one.tips, one.seen) for one in taken] == [("suspect", 2, 2), ("child", 1, 1)]
