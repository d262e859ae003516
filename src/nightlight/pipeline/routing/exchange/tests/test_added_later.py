# SPDX-License-Identifier: Apache-2.0
"""What somebody adds to a tip that another installation took reaches those who have the tip there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.routing.exchange import outbox, unpacking
from nightlight.pipeline.routing.exchange.tests import ends
from nightlight.pipeline.routing.models import Package, PackageTip
from nightlight.pipeline.tips import summarising, telling
from nightlight.pipeline.tips.formats.hotline import Added, Told
from nightlight.pipeline.tips.models import Document, DocumentKind, Tip
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice, Unit

if TYPE_CHECKING:
    from nightlight.pipeline.routing.models import Installation, Offer

pytestmark = pytest.mark.django_db
MUCH_LATER = ends.LATER + timedelta(hours=5)


def _told(delhi: ends.End) -> tuple[Tip, str]:
    with delhi.here():
        taken = telling.take(by=telling.BY, at=ends.NOW, told=Told("hotline", "A man, @fern_kite"), with_code=True)
    tip = Tip.objects.get(public_id=taken.tip)
    summarising.summarise([tip], by="service:worker", at=ends.NOW)
    return tip, taken.code


def _take(end: ends.End, body: bytes) -> None:
    package = ends.carried(end, body)
    with end.here(), identity.acting_as(service="exchange"):
        unpacking.take(package, by=ends.SERVICE, at=MUCH_LATER)


def _answered(delhi: ends.End, kerala: ends.End, offer: Offer, *kinds: str) -> None:
    _take(delhi, ends.receipts(kerala, delhi, *(ends.statement(kerala, delhi, offer, kind) for kind in kinds)))
    offer.refresh_from_db()


def _added(delhi: ends.End, code: str, what: str, *, at: timedelta = timedelta(hours=1)) -> None:
    with delhi.here():
        telling.add(at=ends.LATER + at, code=code, added=Added(what, "yes"))


def _gathered(delhi: ends.End) -> int:
    """Put what is to be sent into packages, built; return how many with a tip that was sent before."""
    with delhi.here(), identity.acting_as(service="exchange"):
        outbox.gather(by=ends.SERVICE, at=MUCH_LATER)
        ends.build()
    return PackageTip.objects.filter(offer=None).count()


def test_an_addition_after_acceptance_is_sent_once_and_told_to_who_handed_it_on(
    delhi: ends.End, kerala: ends.End
) -> None:
    there = delhi.knows(kerala, "KL")
    tip, code = _told(delhi)
    (offer,) = ends.sent(delhi, there, [tip])
    _added(delhi, code, "He wrote again.", at=timedelta(minutes=5))
    assert _gathered(delhi) == 0  # it has not arrived there
    _answered(delhi, kerala, offer, "delivered", "opened")
    assert _gathered(delhi) == 1  # read there, answered or not
    _answered(delhi, kerala, offer, "accepted")
    assert _gathered(delhi) == 1
    Notice.objects.all().delete()
    with delhi.here():
        telling.add(at=MUCH_LATER + timedelta(hours=1), code=code, added=Added("He is in the house with her.", "yes"))
    assert _gathered(delhi) == 2
    told = set(Notice.objects.filter(kind="tip.added-to").values_list("unit", "role"))
    root = Unit.objects.get(receives=True).pk
    assert told == {(root, "triage-officer"), (root, "investigator"), (root, "commander")}
    package = Package.objects.filter(outgoing=True, kind="referral").latest("pk")
    assert (package.state, package.tips, package.installation) == (Package.State.READY, 1, there)


def test_it_becomes_part_of_the_tip_there_and_those_who_hold_it_are_told(delhi: ends.End, kerala: ends.End) -> None:
    with ends.undone():
        there = delhi.knows(kerala, "KL")
        tip, code = _told(delhi)
        (offer,) = ends.sent(delhi, there, [tip])
        _answered(delhi, kerala, offer, "delivered", "opened", "accepted")
        _added(delhi, code, "He is in the house with her.")
        _gathered(delhi)
        first, second = ends.bytes_of(delhi)
        digest = bytes(Document.objects.get(kind=DocumentKind.ADDITION).sha256)
    kerala.knows(delhi, None)
    _take(kerala, first)
    tip = Tip.objects.get()
    assert not Document.objects.filter(kind=DocumentKind.ADDITION).exists()
    for _time in range(2):  # whole, and once
        _take(kerala, second)
    (kept,) = Document.objects.filter(kind=DocumentKind.ADDITION)
    assert (kept.tip, bytes(kept.sha256)) == (tip, digest)
    assert Tip.objects.count() == 1
    assert Event.objects.filter(kind="tip.referred-again", subject=f"tip:{tip.public_id}").count() == 1
    assert set(Notice.objects.filter(kind="tip.added-to").values_list("unit", flat=True)) == {tip.unit_id}


def test_what_was_refused_goes_again_when_somebody_asks(delhi: ends.End, kerala: ends.End) -> None:
    package = _of_an_addition(delhi, kerala, delhi.knows(kerala, "KL"))
    with delhi.here():
        outbox.refused(package, code="full", why="no room", at=MUCH_LATER, by=ends.SERVICE)
        assert _gathered(delhi) == 1  # not by itself, again and again
        made = outbox.renew(package, by=ends.SERVICE, at=MUCH_LATER)
    assert made is not None
    assert PackageTip.objects.filter(package=made, offer=None).count() == 1


def _of_an_addition(delhi: ends.End, kerala: ends.End, there: Installation) -> Package:
    tip, code = _told(delhi)
    (offer,) = ends.sent(delhi, there, [tip])
    _answered(delhi, kerala, offer, "delivered", "opened", "accepted")
    _added(delhi, code, "He is in the house with her.")
    assert _gathered(delhi) == 1
    return Package.objects.filter(outgoing=True, kind="referral").latest("pk")
