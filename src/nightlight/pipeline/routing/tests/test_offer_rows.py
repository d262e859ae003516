# SPDX-License-Identifier: Apache-2.0
"""Hand-over with the rights of pages and of the step: the database itself lets each see and do what is theirs."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import answering, offers, panel, queries, receipts, reminding, rerouting, sealing
from nightlight.pipeline.routing.models import Offer, Receipt, Seal, Stop
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import NOON, WHY, Country
from nightlight.pipeline.tips import seeing
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.pipeline.triage.tests.cast import as_person, as_step, guard
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.units.tests import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country, with a database that holds to what is stated."""
    made = Country()
    guard()
    return made


def offer_it(country: Country, **more: object) -> Offer:
    """The centre's triage officer offers the tip, with the rights of pages."""
    given = {"to": country.first, "why": "area", "note": "Words that only the two units read.", **more}
    with as_person(country.mira):
        return offers.offer(by=staff.looking(country.mira), at=NOON, tip=country.tip, **given)  # type: ignore[arg-type]


def refused(sql: str, *values: int) -> None:
    """The database refuses a statement."""
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_what_is_offered_is_read_by_the_unit_that_is_asked_and_not_looked_into(country: Country) -> None:
    subject = f"tip:{country.tip.public_id}"
    with as_person(country.asha):
        assert not Tip.objects.exists()
    offer = offer_it(country)
    with as_person(country.dev):
        assert not Tip.objects.exists() and not Offer.objects.exists() and not Receipt.objects.exists()
        assert not Share.objects.exists()
        with pytest.raises(NotFound):
            answering.accept(by=staff.looking(country.dev), at=NOON, offer=offer)
    with as_person(country.asha):
        assert Tip.objects.get() == country.tip and Share.objects.get().kind == "offered"
        assert queries.incoming(staff.looking(country.asha)) == [offer]
        assert panel.panel(staff.looking(country.asha), country.tip, NOON).waiting == offer
        # Looking at it is not having it: no share of one's own making, no tip moved without an answer.
        refused("UPDATE tips_tip SET unit_id = %s", country.first.pk)
        refused("UPDATE tips_share SET kind = 'joint'")
        assert Offer.objects.filter(pk=offer.pk).update(state="opened") == 1  # theirs to answer
    assert not seeing.sees(f"officer:{country.asha.public_id}", subject, NOON)
    with as_person(country.mira), pytest.raises(DatabaseError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(state="accepted", answered_at=NOON)


def test_a_tip_moves_with_the_answer_and_the_sender_keeps_receipts_and_status_alone(country: Country) -> None:
    country.tip.unit = country.first
    Tip.objects.filter(pk=country.tip.pk).update(unit=country.first)
    with as_person(country.asha):
        offer = offers.offer(by=staff.looking(country.asha), at=NOON, tip=country.tip, to=country.second, why="area")
    with as_step("routing"):
        assert cast.deliver() == 1
    with as_person(country.dev):
        dev = staff.looking(country.dev)
        assert answering.opened(by=dev, at=NOON, tip=country.tip) == offer
        answering.accept(by=dev, at=NOON, offer=offer)
        assert Tip.objects.get().unit_id == country.second.pk
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        assert not Tip.objects.exists() and not Share.objects.exists()
        ((one,), more) = queries.followed(asha)
        assert (one.tip, one.unit, one.lane, one.taken, more) == (
            country.tip.public_id,
            "Two unit",
            "open",
            False,
            False,
        )
        assert [step.state for step in one.steps] == ["accepted"] and "Words" not in repr(one)
        assert queries.followed_one(country.tip.public_id) == one
        assert [proof.receipt.kind for proof in receipts.proofs(queries.offer(asha, offer.public_id))] == [
            *("sent", "delivered", "opened", "accepted")
        ]
        # What else happened to the tip is not theirs to read, and a receipt opens no other entry.
        assert {event.kind.partition(".")[0] for event in Event.objects.filter(subject__startswith="tip:")} <= {
            "routing"
        }
        with transaction.atomic(), pytest.raises(DatabaseError):
            Receipt.objects.create(offer=offer, kind="outcome", at=NOON, by=asha.actor, event=1)
    with as_person(country.ravi):
        assert queries.followed(staff.looking(country.ravi)) == ([], False)
        with pytest.raises(NotFound):
            queries.followed_one(country.tip.public_id)


def test_of_a_sealed_tip_who_handed_it_over_learns_nothing_more(country: Country) -> None:
    country.accept(country.offer())
    onward = country.offer(country.station, by=country.asha)
    country.accept(onward, by=country.ravi)
    ravi = staff.person("Rani", "commander", country.station)
    with as_person(country.ravi), pytest.raises(NotAllowed):
        sealing.seal(by=staff.looking(country.ravi), at=NOON, tip=country.tip, reason=WHY)
    with as_person(country.asha):
        assert queries.followed_one(country.tip.public_id).unit == "Post unit"
    with as_person(ravi):
        who = staff.looking(ravi)
        with pytest.raises(Conflict):
            sealing.seal(by=who, at=NOON, tip=country.tip, reason="no")
        sealing.seal(by=who, at=NOON, tip=country.tip, reason=WHY)
        with pytest.raises(Conflict):
            sealing.seal(by=who, at=NOON, tip=country.tip, reason=WHY)
    with as_person(country.asha), pytest.raises(NotFound):
        queries.followed_one(country.tip.public_id)
    assert Seal.objects.get().unit == country.station


def test_joint_work_opens_what_an_offer_does_not(country: Country) -> None:
    subject, anil = f"tip:{country.tip.public_id}", f"officer:{country.anil.public_id}"
    offer = offer_it(country, kind="joint")
    assert not seeing.sees(anil, subject, NOON)
    with as_person(country.anil):
        answering.accept(by=staff.looking(country.anil), at=NOON, offer=offer)
        assert Tip.objects.get().unit_id == country.centre.pk and Share.objects.get().kind == "joint"
    assert seeing.sees(anil, subject, NOON)
    with as_person(country.anil):
        offers.end_joint(by=staff.looking(country.anil), at=NOON, tip=country.tip, unit=country.first, reason=WHY)
    assert not seeing.sees(anil, subject, NOON)


def test_sending_back_and_giving_back_with_the_rights_of_pages_and_the_next_offer_by_the_step(country: Country) -> None:
    offer = offer_it(country)
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        done = answering.bounce(by=asha, at=NOON, offer=offer, code="other-area", reason=WHY)
        assert not Tip.objects.exists()
        assert answering.bounce(by=asha, at=NOON, offer=offer, code="other-area", reason=WHY) == done
        assert len(receipts.proofs(offer)) == 3
    with as_step("routing"):
        assert rerouting.reroute(by=cast.SERVICE, at=NOON, tip=country.tip.public_id) is None
        assert rerouting.reroute(by=cast.SERVICE, at=NOON, tip=country.tip.public_id) is None
        reminding.remind(by=cast.SERVICE, now=lambda: NOON)
    assert cast.told(country.tip).count("routing.needs-decision") == 1
    again = offer_it(country, to=country.second)
    with as_person(country.dev):
        dev = staff.looking(country.dev)
        answering.accept(by=dev, at=NOON, offer=again)
        offers.give_back(by=dev, at=NOON, tip=country.tip, code="other", reason=WHY)
        assert not Tip.objects.exists()
    assert country.holder() == country.centre


def test_nobody_writes_an_offer_a_stop_or_a_receipt_in_the_name_of_another(country: Country) -> None:
    offer = offer_it(country)
    with as_person(country.asha):
        for wrong in (
            Stop(tip=country.tip, unit=country.first, reason="x", by=f"officer:{country.anil.public_id}", at=NOON),
            Stop(tip=country.tip, unit=country.second, reason="x", by=f"officer:{country.asha.public_id}", at=NOON),
            Receipt(offer=offer, kind="outcome", at=NOON, by="service:worker", event=offer.pk),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                wrong.save()
        with pytest.raises(DatabaseError), transaction.atomic():
            event = custody.append(
                by=f"officer:{country.asha.public_id}", at=NOON, kind="routing.outcome",
                subject=f"tip:{country.tip.public_id}", data={"offer": "HO-OTHER"},
            )  # fmt: skip
            Receipt.objects.create(
                offer=offer, kind="outcome", at=NOON, by=f"officer:{country.asha.public_id}", event=event.id
            )


def test_from_the_centre_to_a_station_in_three_answers_each_by_its_own_people(country: Country) -> None:
    offer = offer_it(country)
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        onward = answering.pass_on(by=asha, at=NOON, offer=offer, to=country.station, why="area")
        assert panel.panel(asha, Tip.objects.get(), NOON).recallable == (onward,)
    with as_person(country.mira):
        mira = staff.looking(country.mira)
        assert queries.followed_one(country.tip.public_id).unit == "One unit"
        assert queries.outgoing(mira) == [onward]  # the centre reaches all of it
    with as_person(country.ravi):
        answering.accept(by=staff.looking(country.ravi), at=NOON, offer=onward)
        assert Tip.objects.get().unit_id == country.station.pk
        assert panel.panel(staff.looking(country.ravi), Tip.objects.get(), NOON).returns_to == country.first
