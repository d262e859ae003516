# SPDX-License-Identifier: Apache-2.0
"""How long another unit sees a tip, and what the database refuses to pages that write past the acts of hand-over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.routing import answering, offers, queries, reminding, stops
from nightlight.pipeline.routing.models import Offer, Receipt, Stop
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, WHY, Country
from nightlight.pipeline.tips import handing, seeing
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.pipeline.triage.tests.cast import as_person, as_step, guard
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country, with a database that holds to what is stated."""
    made = Country()
    guard()
    return made


def offer(country: Country, by: User, to: Unit, kind: str = "whole") -> Offer:
    """Somebody offers the tip, with the rights of pages."""
    with as_person(by):
        tip = Tip.objects.get(pk=country.tip.pk)
        return offers.offer(by=staff.looking(by), at=NOON, tip=tip, to=to, why="area", kind=kind)


def accept(by: User, offered: Offer) -> None:
    """Somebody accepts, with the rights of pages."""
    with as_person(by):
        answering.accept(by=staff.looking(by), at=NOON, offer=offered)


def at_once(country: Country, to: Unit) -> None:
    """The command line moves the tip at once."""
    with as_step("command"):
        tip = Tip.objects.select_related("unit").get(pk=country.tip.pk)
        handing.hand_over(by="command:cli", at=NOON, tip=tip, to=to, why="area")


def shares() -> set[tuple[str, str]]:
    """The units that see the tip of another now."""
    return set(Share.objects.filter(until=None).values_list("unit__code", "kind"))


def refused(deed: Callable[..., object], *given: object, **more: object) -> None:
    """The database refuses it."""
    with pytest.raises(DatabaseError), transaction.atomic():
        deed(*given, **more)


def actor(user: User) -> str:
    """How the log names somebody."""
    return staff.looking(user).actor


def test_a_unit_that_gets_a_tip_keeps_no_share_of_it_that_would_outlive_handing_it_on(country: Country) -> None:
    Tip.objects.filter(pk=country.tip.pk).update(unit=country.second)
    accept(country.asha, offer(country, country.dev, country.first))
    accept(country.dev, offer(country, country.asha, country.second, "joint"))
    assert shares() == {("TWO", "joint")}
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        offers.give_back(by=asha, at=NOON, tip=country.tip, code="other", reason=WHY)
    assert shares() == set()
    accept(country.asha, offer(country, country.dev, country.first))
    with as_person(country.dev):
        assert not Tip.objects.exists()
    assert not seeing.sees(f"officer:{country.dev.public_id}", f"tip:{country.tip.public_id}", NOON)


def test_a_move_at_once_ends_the_share_of_whoever_gets_the_tip_and_no_other(country: Country) -> None:
    accept(country.asha, offer(country, country.mira, country.first, "joint"))
    accept(country.dev, offer(country, country.mira, country.second, "joint"))
    at_once(country, country.first)
    assert shares() == {("TWO", "joint")}


def test_joint_work_is_accepted_of_the_unit_that_holds_the_tip_and_of_no_other(country: Country) -> None:
    offered = offer(country, country.mira, country.first, "joint")
    at_once(country, country.second)
    with as_person(country.asha):
        with pytest.raises(Conflict):
            answering.accept(by=staff.looking(country.asha), at=NOON, offer=offered)
        refused(lambda: Share.objects.filter(unit=country.first).update(kind="joint"))
    with as_step("routing"):
        reminding.settle(by=cast.SERVICE, now=lambda: NOON)
    assert shares() == set()


def test_what_is_set_apart_is_seen_by_no_unit_but_the_one_that_holds_it(country: Country) -> None:
    offered = offer(country, country.mira, country.first, "joint")
    accept(country.dev, offer(country, country.mira, country.second, "joint"))
    with as_person(country.chief):
        assert Tip.objects.exists()
    with as_step("reading"):
        Tip.objects.filter(pk=country.tip.pk).update(set_apart=True)
    assert shares() == set()
    # Not by a share that came about in another way either.
    Share.objects.create(tip=country.tip, unit=country.first, kind="joint", since=NOON)
    with as_person(country.chief):
        assert not Tip.objects.exists()
        with pytest.raises(NotFound):
            answering.accept(by=staff.looking(country.chief), at=NOON, offer=offered)
    with as_person(country.head):
        assert Tip.objects.get() == country.tip


def test_pages_move_no_tip_but_by_an_answer(country: Country) -> None:
    def at_once() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tips_hand_over(%s, %s, %s)", [country.tip.pk, country.centre.pk, country.second.pk])

    with as_person(country.mira):
        refused(at_once)
    with as_step("routing"), connection.cursor() as cursor:
        values = [country.tip.pk, country.centre.pk, country.second.pk]
        cursor.execute("SELECT tips_hand_over(%s, %s, %s)", values)
        assert cursor.fetchone() == (False,)
    country.accept(country.offer())
    came = Offer.objects.get()
    with as_person(country.anil):
        for back in (
            {"to_unit": country.second, "previous": None},
            {"to_unit": country.second, "previous": came},
            {"to_unit": country.centre, "previous": None},
        ):
            refused(_made, country, country.anil, from_unit=country.first, given_back=True, **back)
        _made(country, country.anil, from_unit=country.first, given_back=True, to_unit=country.centre, previous=came)
    assert country.holder() == country.first


def test_pages_make_offers_that_are_sent_and_shares_that_are_offered(country: Country) -> None:
    answered = {"state": "accepted", "answered_at": NOON, "answered_by": actor(country.dev)}
    share = {"tip": country.tip, "unit": country.second, "since": NOON}
    with as_person(country.mira):
        for wrong in (answered, {"automatic": True}, {"opened_at": NOON}, {"answer": "Words"}):
            refused(_made, country, country.mira, to_unit=country.second, **wrong)
        for kind in ("joint", "offered"):  # no offer of the tip is open
            refused(Share.objects.create, kind=kind, **share)
        _made(country, country.mira, to_unit=country.second, kind="joint")
        refused(lambda: Share.objects.create(kind="joint", **share))
        Share.objects.create(kind="offered", **share)


def test_whoever_is_asked_answers_in_their_own_name_and_in_time(country: Country) -> None:
    offered = Offer.objects.filter(pk=offer(country, country.mira, country.first).pk)
    back = {"state": "bounced", "answered_at": NOON, "bounce_code": "other", "answer": WHY}
    with as_person(country.asha):
        for wrong in (
            {"due_at": NOON + 9_999 * HOUR},
            {**back, "answered_by": actor(country.dev)},
            {"answer": "Words of nobody"},
            {"delivered_at": NOON},
        ):
            refused(offered.update, **wrong)
        asha, due = staff.looking(country.asha), offered.get().due_at
        stops.stop(by=asha, at=NOON, tip=country.tip, unit=country.first, reason="waits-for-court")
        stops.run_again(by=asha, at=NOON + HOUR, tip=country.tip, unit=country.first)
        assert offered.get().due_at == due + HOUR
        refused(lambda: offered.update(due_at=due + 9 * HOUR))
    with as_person(country.mira):
        refused(lambda: offered.update(due_at=due))
    with as_person(country.asha):
        assert offered.update(**back, answered_by=asha.actor) == 1


def test_a_receipt_is_for_a_step_that_was_taken_by_whom_it_names(country: Country) -> None:
    offered = offer(country, country.mira, country.first)

    def forged(by: User, kind: str, *, said: str = "", at: datetime = NOON) -> None:
        data = {"offer": offered.public_id}
        entry = custody.append(
            by=actor(by), at=NOON, kind=f"routing.{kind}", subject=f"tip:{country.tip.public_id}", data=data
        )
        text = said or f'{{"offer":"{offered.public_id}"}}'
        Receipt.objects.create(offer=offered, kind=kind, at=at, by=actor(by), event=entry.id, data=text)

    for by in (country.mira, country.asha):
        with as_person(by):
            for kind in ("delivered", "opened", "accepted", "bounced", "recalled", "given-back", "outcome"):
                refused(forged, by, kind)
    with as_person(country.asha):
        Offer.objects.filter(pk=offered.pk).update(state="delivered", delivered_at=NOON)
        other = f'{{"offer":"{offered.public_id}","tip":"NL-1111-1111"}}'
        refused(lambda: forged(country.asha, "delivered", said=other))
        refused(lambda: forged(country.asha, "delivered", at=NOON - HOUR))
        forged(country.asha, "delivered")
    accept(country.asha, offered)
    assert cast.steps(offered) == ["sent", "delivered", "accepted"]


def test_a_clock_is_stopped_in_the_unit_itself_and_for_what_it_has_to_do_with(country: Country) -> None:
    def stop(unit: Unit, by: User) -> Callable[[], object]:
        return lambda: Stop.objects.create(tip=country.tip, unit=unit, reason="waits-for-court", by=actor(by), at=NOON)

    with as_person(country.mira):
        refused(stop(country.station, country.mira))
        refused(stop(country.first, country.mira))
        stop(country.centre, country.mira)()
    offer(country, country.mira, country.first)
    with as_person(country.chief):
        refused(stop(country.station, country.chief))
        stop(country.first, country.chief)()
        refused(lambda: _ended(country.first, actor(country.asha)))
    with as_person(country.mira):
        assert _ended(country.first, actor(country.mira)) == 0  # theirs, as long as they have to do with the tip
    with as_person(country.asha):
        assert _ended(country.first, actor(country.asha)) == 1


def test_whoever_gave_a_tip_back_follows_it_no_more(country: Country) -> None:
    country.accept(country.offer())
    country.accept(country.offer(country.second, by=country.asha), by=country.dev)
    country.give_back(by=country.dev)
    country.give_back(by=country.asha)
    third = staff.unit("THREE", kind="state")
    tina = staff.person("Tina", "triage-officer", third)
    country.accept(country.offer(third, at=NOON + HOUR), by=tina, at=NOON + HOUR)
    with as_person(country.asha):
        assert queries.followed(staff.looking(country.asha)) == ([], False)
        with pytest.raises(NotFound):
            queries.followed_one(country.tip.public_id)


def _made(country: Country, by: User, **more: object) -> Offer:
    """A row as pages could write it, past the acts."""
    given: dict[str, Any] = {
        "public_id": "HO-AAAA-AAAA",
        "tip": country.tip,
        "kind": "whole",
        "from_unit": country.centre,
        "why": "area",
        "state": "sent",
        "band": 3,
        "by": actor(by),
        "sent_at": NOON,
        "due_at": NOON,
    }
    return Offer.objects.create(**{**given, **more})


def _ended(unit: Unit, by: str) -> int:
    return Stop.objects.filter(unit=unit).update(ended_at=NOON + HOUR, ended_by=by)
