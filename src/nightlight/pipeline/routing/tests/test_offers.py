# SPDX-License-Identifier: Apache-2.0
"""Offering, recalling, accepting, passing on, sending back and giving back: refusals first, then each step once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import answering, offers, panel, queries, recording, verify
from nightlight.pipeline.routing.models import OfferState, Receipt
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, WHY, Country
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.models import Share
from nightlight.pipeline.triage.models import Standing
from nightlight.pipeline.triage.tests import cast as triage
from nightlight.trust import identity
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country."""
    return Country()


def sound() -> None:
    """What `custody verify` says of hand-overs and of who holds what: nothing."""
    assert [*verify.check()] == []
    assert [*tips_verify.check()] == []


def test_who_does_not_hand_on_for_the_holder_offers_nothing(country: Country) -> None:
    for user in (country.asha, country.chief, country.anil, country.looker):
        with pytest.raises(NotAllowed, match="holds this tip"):
            country.offer(country.second, by=user)
    for wrong, words in (
        ({"why": "because"}, "reasons"),
        ({"kind": "half"}, "what is offered"),
        ({"note": "x" * 2001}, "Shorten"),
        ({"kind": "part"}, "which of the people"),
        ({"kind": "part", "parties": [0]}, "people on the tip"),
        ({"parties": [1]}, "for a part only"),
        ({"to": country.centre}, "holds this tip already"),
    ):
        with pytest.raises(Conflict, match=words):
            country.offer(**wrong)
    assert cast.told(country.tip) == [] and not Share.objects.exists()


def test_until_it_is_accepted_the_sender_holds_it_and_each_step_has_a_receipt(country: Country) -> None:
    offer = country.offer(note="As discussed on the telephone.")
    assert country.holder() == country.centre
    assert cast.deliver() == 1 and cast.deliver() == 0
    assert "ONE:triage-officer" in cast.noticed("routing.offered")
    asha = staff.looking(country.asha)
    assert answering.opened(by=staff.looking(country.mira), at=NOON, tip=country.tip) is None
    assert answering.opened(by=staff.looking(country.looker), at=NOON, tip=country.tip) is None
    assert answering.opened(by=asha, at=NOON + HOUR, tip=country.tip) == offer
    assert answering.opened(by=asha, at=NOON + HOUR, tip=country.tip) is None
    done = country.accept(offer, at=NOON + 2 * HOUR)
    assert country.accept(offer, at=NOON + 3 * HOUR).answered_at == done.answered_at  # pressed twice
    assert country.holder() == country.first
    assert Standing.objects.get(tip=country.tip).unit == country.first
    assert cast.steps(offer) == ["sent", "delivered", "opened", "accepted"]
    assert cast.told(country.tip) == ["routing.sent", "routing.delivered", "routing.opened", "routing.accepted"]
    assert cast.noticed("routing.accepted") == {"Mira"}
    last = Receipt.objects.get(offer=offer, kind="accepted")
    assert recording.facts(last)["seconds"] == 7200 and recording.facts(last)["band"]
    assert not Share.objects.filter(until=None).exists()
    (hop,) = queries.chain(country.tip)
    assert hop.took == 2 * HOUR
    sound()


def test_only_the_unit_that_is_asked_answers_and_only_once(country: Country) -> None:
    offer = country.offer()
    for user in (country.mira, country.head, country.dev, country.ravi, country.looker):
        with pytest.raises(NotAllowed, match="offered to"):
            country.accept(offer, by=user)
        with pytest.raises(NotAllowed, match="offered to"):
            country.bounce(offer, by=user)
    with pytest.raises(Conflict, match="why it is not yours"):
        answering.bounce(by=staff.looking(country.asha), at=NOON, offer=offer, code="other-area", reason="no")
    with pytest.raises(Conflict, match="choose one"):
        answering.bounce(by=staff.looking(country.asha), at=NOON, offer=offer, code="tired", reason=WHY)
    country.bounce(offer, by=country.anil)
    with pytest.raises(Conflict, match="Anil has sent this back"):
        country.accept(offer)
    with pytest.raises(Conflict, match="Anil has sent this back"):
        offers.recall(by=staff.looking(country.mira), at=NOON, offer=offer, reason=WHY)
    assert cast.steps(offer) == ["sent", "delivered", "bounced"]
    assert country.holder() == country.centre
    assert {one.partition(":")[2] for one in cast.noticed("routing.bounced")} == set(recording.TOLD)
    sound()


def test_what_is_recalled_is_not_accepted(country: Country) -> None:
    offer = country.offer()
    with pytest.raises(Conflict, match="offered to One unit already"):
        country.offer(by=country.head)
    with pytest.raises(Conflict, match="recall that first"):
        country.offer(country.second, kind="joint")
    with pytest.raises(NotAllowed, match="can recall"):
        offers.recall(by=staff.looking(country.asha), at=NOON, offer=offer, reason=WHY)
    with pytest.raises(Conflict, match="why you recall"):
        offers.recall(by=staff.looking(country.mira), at=NOON, offer=offer, reason="oops")
    head = staff.looking(country.head)
    done = offers.recall(by=head, at=NOON, offer=offer, reason=WHY)
    assert offers.recall(by=head, at=NOON + HOUR, offer=offer, reason=WHY).answered_at == done.answered_at
    with pytest.raises(Conflict, match="recalled"):
        country.accept(offer)
    assert not Share.objects.filter(until=None).exists()
    assert cast.steps(country.offer()) == ["sent"]  # may be offered anew
    sound()


def test_passing_on_is_both_or_neither(country: Country) -> None:
    offer = country.offer()
    asha = staff.looking(country.asha)
    with identity.acting_as(viewer=country.asha.pk):
        with pytest.raises(Conflict, match="holds this tip already"):
            answering.pass_on(by=asha, at=NOON, offer=offer, to=country.first, why="area")
        assert country.holder() == country.centre and cast.steps(offer) == ["sent"]
        onward = answering.pass_on(by=asha, at=NOON, offer=offer, to=country.station, why="area")
    assert country.holder() == country.first and onward.previous == offer
    country.accept(onward, by=country.ravi)
    assert country.holder() == country.station
    sound()


def test_what_was_accepted_is_given_back_to_where_it_came_from(country: Country) -> None:
    with pytest.raises(Conflict, match="by no offer"):
        offers.give_back(by=staff.looking(country.mira), at=NOON, tip=country.tip, code="other", reason=WHY)
    country.accept(country.offer())
    with pytest.raises(NotAllowed, match="holds this tip"):
        country.give_back(by=country.mira)
    onward = country.offer(country.station, by=country.asha)
    with pytest.raises(Conflict, match="recall that first"):
        country.give_back()
    offers.recall(by=staff.looking(country.asha), at=NOON, offer=onward, reason=WHY)
    back = country.give_back(at=NOON + 5 * HOUR)
    assert country.holder() == country.centre and back.state == OfferState.ACCEPTED
    assert cast.steps(back) == ["given-back"]
    assert queries.cost(country.tip) == queries.Cost(1, 5 * HOUR)
    sound()


def _of_three() -> Tip:
    person = b"</personOrUserReported>"
    said = triage.body().replace(person, person + b"<personOrUserReported><screenName>b</screenName>" + person, 1)
    said = said.replace(b"</report>", b"<personOrUserReported><screenName>c</screenName>" + person + b"</report>")
    return triage.tip(triage.reporter("Other Chat"), said)


def test_a_split_gives_each_state_its_people_and_the_holder_keeps_the_tip(country: Country) -> None:
    country.tip = _of_three()
    with pytest.raises(Conflict, match="number 4 on the tip's page; it names 3"):
        country.offer(country.first, kind="part", parties=[1, 4])
    one = country.offer(country.first, kind="part", parties=[1])
    two = country.offer(country.second, kind="part", parties=[2, 3])
    with pytest.raises(Conflict, match="recall that first"):
        country.offer(country.second)
    with pytest.raises(Conflict, match="whole"):
        answering.pass_on(by=staff.looking(country.asha), at=NOON, offer=one, to=country.station, why="area")
    country.accept(one)
    country.bounce(two, by=country.dev)
    assert country.holder() == country.centre
    (share,) = Share.objects.filter(until=None)
    assert (share.unit, share.kind) == (country.first, "joint")
    with pytest.raises(Conflict, match="works on this tip already"):
        country.offer(country.first, kind="joint")
    with pytest.raises(NotAllowed):
        offers.end_joint(by=staff.looking(country.dev), at=NOON, tip=country.tip, unit=country.first, reason=WHY)
    with pytest.raises(NotFound):
        offers.end_joint(by=staff.looking(country.dev), at=NOON, tip=country.tip, unit=country.second, reason=WHY)
    offers.end_joint(by=staff.looking(country.anil), at=NOON, tip=country.tip, unit=country.first, reason=WHY)
    assert not Share.objects.filter(until=None).exists()
    sound()


def test_the_page_is_told_what_each_may_do(country: Country) -> None:
    offer = country.offer()
    cast.deliver()
    theirs = panel.panel(staff.looking(country.asha), country.tip, NOON + 200 * HOUR)
    assert (theirs.waiting, theirs.may_pass_on, theirs.may_offer) == (offer, True, False)
    assert theirs.clock_unit == country.first and theirs.answer_late
    ours = panel.panel(staff.looking(country.mira), country.tip, NOON)
    assert (ours.waiting, ours.recallable, ours.may_offer, ours.may_seal) == (None, (offer,), False, False)
    country.accept(offer)
    country.tip.refresh_from_db()
    holding = panel.panel(staff.looking(country.chief), country.tip, NOON)
    assert (holding.returns_to, holding.may_seal, holding.may_offer) == (country.centre, True, True)
    assert holding.work_due and holding.cost.bounces == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second", ["bounce", "recall"])
def test_of_two_who_answer_in_the_same_moment_one_is_refused(country: Country, second: str) -> None:
    offer = country.offer()
    together, said = threading.Barrier(2), []

    def attempt(what: str) -> None:
        try:
            together.wait()
            if what == "recall":
                offers.recall(by=staff.looking(country.mira), at=NOON, offer=offer, reason=WHY)
            elif what == "bounce":
                country.bounce(offer, by=country.anil)
            else:
                country.accept(offer)
            said.append(what)
        except Conflict:
            said.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=[what]) for what in ("accept", second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offer.refresh_from_db()
    meant = {"accept": "accepted", "bounce": "bounced", "recall": "recalled"}
    assert "refused" in said and len(said) == 2
    assert offer.state in {meant[one] for one in said if one in meant}
    assert (country.holder() == country.first) is (offer.state == "accepted")
    with identity.acting_as(service="verifying"):
        sound()
