# SPDX-License-Identifier: Apache-2.0
"""Tips go from one installation to another and become its own, whole and once; what becomes of them comes back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from unittest.mock import patch

import msgspec
import pytest

from nightlight.pipeline.routing import answering, offers, recording
from nightlight.pipeline.routing import verify as routing_verify
from nightlight.pipeline.routing.exchange import manifest, outbox, partners, payload, receiving, returning, unpacking
from nightlight.pipeline.routing.exchange import verify as exchange_verify
from nightlight.pipeline.routing.exchange.tests import ends
from nightlight.pipeline.routing.models import Came, Offer, Owed, Package, Receipt, Referred
from nightlight.pipeline.tips import summarising
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.models import Tip, TipFile
from nightlight.pipeline.tips.tests.conftest import login
from nightlight.pipeline.triage.tests.cast import as_step, guard
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence import verify as evidence_verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nightlight.pipeline.routing.exchange.tests.conftest import OnItsWay

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ends here."""


def _take(end: ends.End, body: bytes) -> Package:
    package = ends.carried(end, body)
    with end.here(), identity.acting_as(service="exchange"):
        unpacking.take(package, by=ends.SERVICE, at=ends.LATER)
    package.refresh_from_db()
    return package


def _dying(append: Callable[..., object], last: int) -> Callable[..., object]:
    """Write entries as always, and die after the one of this number, before it is committed."""
    calls = 0

    def dying(**facts: object) -> object:
        nonlocal calls
        calls += 1
        made = append(**facts)
        if calls == last:
            raise Killed
        return made

    return dying


def _accept(offer: Offer) -> None:
    with identity.acting_as(service="command"):
        answering.accept(by="command:cli", at=ends.LATER, offer=offer)


def _is_whole(found: OnItsWay) -> None:
    """Both tips are here, each once, and everything agrees with the log."""
    taken = list(Tip.objects.order_by("pk"))
    assert [ends.facts(tip) for tip in taken] == found.facts
    assert [one.origin_tip for one in Referred.objects.order_by("pk")] == found.numbers
    assert [one.their_offer for one in Came.objects.order_by("pk")] == found.offers
    for check in (tips_verify.check, routing_verify.check, exchange_verify.check, evidence_verify.check):
        assert list(check()) == []


def test_tips_become_theirs_whole(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    assert not Tip.objects.exists()
    sender = kerala.knows(delhi, "DL")
    package = _take(kerala, on_its_way.body)
    assert (package.state, package.why, package.done, package.tips) == ("taken", "", 2, 2)
    _is_whole(on_its_way)
    tip = Tip.objects.first()
    assert tip is not None
    assert (tip.unit, tip.sent_by) == (sender.unit, f"installation:{sender.public_id}")
    entry = json.loads(Event.objects.get(kind="tip.referred-in", subject=f"tip:{tip.public_id}").body)["data"]
    assert entry["origin_tip"] == on_its_way.numbers[0]
    assert (entry["tree"]["size"] > 0, len(entry["leaves"]) >= 4, entry["payload_sha256"]) == (
        True,
        True,
        package.sha256,
    )
    summarising.summarise_new(by=ends.SERVICE, at=ends.LATER)
    tip.refresh_from_db()
    assert tip.summary.files == 1


def test_a_package_that_comes_again_is_known(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    kerala.knows(delhi, "DL")
    first, second = _take(kerala, on_its_way.body), _take(kerala, on_its_way.body)
    assert first == second
    _is_whole(on_its_way)


def test_wherever_it_is_killed_it_ends_whole_and_once(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    kerala.knows(delhi, "DL")
    real, entries = custody.append, 0
    with ends.undone(), patch.object(custody, "append", wraps=real) as counted:
        _take(kerala, on_its_way.body)
        entries = counted.call_count
    assert entries > 8
    for last in range(2, entries + 1):  # the first says that the package came
        with ends.undone():
            with patch.object(custody, "append", _dying(real, last)), pytest.raises(Killed):
                _take(kerala, on_its_way.body)
            assert _take(kerala, on_its_way.body).state == "taken"
            _is_whole(on_its_way)


def test_a_file_that_the_disk_lost_is_asked_for_again(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    kerala.knows(delhi, "DL")
    package = ends.carried(kerala, on_its_way.body)
    (kerala.folder / "exchange" / package.path).unlink()
    with kerala.here():
        unpacking.take(package, by=ends.SERVICE, at=ends.LATER)
    package.refresh_from_db()
    assert package.state == "receiving"
    assert _take(kerala, on_its_way.body).state == "taken"
    _is_whole(on_its_way)


def test_a_disk_that_is_full_loses_nothing(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    kerala.knows(delhi, "DL")
    with patch.object(payload, "read", side_effect=OSError(28, "No space left on device")):
        package = _take(kerala, on_its_way.body)
    assert (package.state, package.tries) == ("complete", 1)
    assert _take(kerala, on_its_way.body).state == "taken"


def test_an_unknown_sender_is_held_and_taken_in_once_trusted(
    delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay
) -> None:
    package = _take(kerala, on_its_way.body)
    assert package.state == "quarantined"
    assert not Tip.objects.exists()
    kerala.knows(delhi, "DL")
    partners.release(by="officer:OF-1111-1111", at=ends.LATER, package=package)
    assert _take(kerala, on_its_way.body).state == "taken"
    _is_whole(on_its_way)


def test_a_changed_package_is_refused_and_nothing_taken_in(
    delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay
) -> None:
    kerala.knows(delhi, "DL")
    for place in (len(on_its_way.body) - 1, len(on_its_way.body) // 2):
        body = bytearray(on_its_way.body)
        body[place] ^= 1
        with ends.undone():
            package = _take(kerala, bytes(body))
            assert (package.state, package.code) == ("refused", "digest")
            assert package.why == "The package was changed on its way: its digest is not the one signed."
            assert not Tip.objects.exists()
            assert Event.objects.filter(kind="exchange.package-refused").count() == 1
    renamed = on_its_way.body.replace(b'"name":"Delhi"', b'"name":"Dacca"', 1)
    with pytest.raises(receiving.NotTaken, match="signature is not that of"):
        _take(kerala, renamed)


def test_without_a_unit_of_theirs_it_is_ours_at_once(delhi: ends.End, kerala: ends.End, on_its_way: OnItsWay) -> None:
    kerala.knows(delhi, None)
    assert _take(kerala, on_its_way.body).state == "taken"
    assert not Offer.objects.exists()
    assert {tip.unit.receives for tip in Tip.objects.all()} == {True}
    assert sorted(Owed.objects.values_list("kind", flat=True)) == ["accepted"] * 2 + ["delivered"] * 2


def test_what_is_told_of_it_is_noted(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    first, second = ends.sent(delhi, there, [ends.full(login()), ends.full(login("Example Video"))])
    reason = "He lives in another state."
    told = [
        *(ends.statement(kerala, delhi, first, kind) for kind in ("delivered", "opened", "accepted")),
        *(ends.statement(kerala, delhi, first, "outcome", code="actioned") for _twice in range(2)),
        ends.statement(kerala, delhi, second, "bounced", code="other-area", reason=reason),
        ends.statement(kerala, delhi, second, "accepted"),
    ]
    package = _take(delhi, ends.receipts(kerala, delhi, *told))
    assert (package.state, package.done) == ("taken", 7)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.tip.unit) == ("accepted", there.unit)
    assert (second.state, second.bounce_code, second.answer) == ("bounced", "other-area", reason)
    kinds = Receipt.objects.filter(offer=first).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["sent", "delivered", "opened", "accepted", "outcome"]
    kept = recording.facts(Receipt.objects.get(offer=second, kind="bounced"))["told"]
    assert "reason" not in kept
    assert manifest.Statement(**kept, reason=reason).is_by(kerala.keys.public)  # proved by itself
    # Accepted after it was sent back: nothing changes by that, and it is kept.
    assert Event.objects.filter(kind="exchange.statement-unfit").count() == 1
    assert list(routing_verify.check()) == []


def test_a_statement_signed_by_somebody_else_is_refused(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    (offer,) = ends.sent(delhi, there, [ends.full(login())])
    forged = msgspec.structs.replace(ends.statement(delhi, delhi, offer, "accepted"), issuer=kerala.keys.fingerprint)
    package = _take(delhi, ends.receipts(kerala, delhi, forged))
    assert (package.state, package.code) == ("refused", "signature")
    offer.refresh_from_db()
    assert offer.state == "sent"


def test_it_comes_home_and_what_is_owed_is_sent_once(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    tip = ends.full(login())
    (offer,) = ends.sent(delhi, there, [tip])
    (body,) = ends.bytes_of(delhi)
    with ends.undone():  # Kerala takes it in beside Delhi's rows, so under other numbers
        here = kerala.knows(delhi, "DL")
        Offer.objects.filter(pk=offer.pk).update(state="recalled", answered_at=ends.NOW)
        assert _take(kerala, body).state == "taken"
        theirs = Referred.objects.get().tip
        assert theirs.report_id != tip.report_id
        assert TipFile.objects.filter(tip=theirs).get().file_id != TipFile.objects.filter(tip=tip).get().file_id
        came = Came.objects.get().offer
        with kerala.here():
            answering.deliver(by=ends.SERVICE, now=lambda: ends.LATER)
            _accept(came)
            assert returning.gather(by=ends.SERVICE, at=ends.LATER) == 1
            assert returning.gather(by=ends.SERVICE, at=ends.LATER) == 0
            ends.build()
        (receipts,) = ends.bytes_of(kerala)
        theirs.refresh_from_db()
        (again,) = ends.sent(kerala, here, [theirs])
        home = ends.bytes_of(kerala)[-1]
    package = _take(delhi, receipts)
    assert (package.state, package.why, package.done) == ("taken", "", 2)
    tip.refresh_from_db()
    offer.refresh_from_db()
    assert (tip.unit, offer.state) == (there.unit, "accepted")

    package = _take(delhi, home)
    assert (package.state, package.why) == ("taken", "")
    assert Tip.objects.get() == tip
    back = Came.objects.get()
    assert (back.their_offer, back.offer.from_unit, back.offer.to_unit.receives) == (again.public_id, there.unit, True)
    assert Event.objects.filter(kind="tip.referred-again", subject=f"tip:{tip.public_id}").count() == 1
    _accept(back.offer)
    tip.refresh_from_db()
    assert tip.unit.receives
    for check in (tips_verify.check, routing_verify.check, exchange_verify.check):
        assert list(check()) == []


def test_given_back_there_it_is_ours_again(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    tip = ends.full(login())
    (offer,) = ends.sent(delhi, there, [tip])
    back = ends.statement(kerala, delhi, offer, "given-back", code="other-area", reason="He lives elsewhere.")
    _take(delhi, ends.receipts(kerala, delhi, ends.statement(kerala, delhi, offer, "accepted"), back))
    _take(delhi, ends.receipts(kerala, delhi, back))
    tip.refresh_from_db()
    assert tip.unit.receives
    assert Offer.objects.filter(previous=offer, given_back=True).count() == 1
    assert list(routing_verify.check()) == []


def test_the_step_may_do_what_it_has_to(delhi: ends.End, kerala: ends.End) -> None:
    """Both ways with the rights of the worker's step and no others."""
    there, here = delhi.knows(kerala, "KL"), kerala.knows(delhi, "DL")
    tip = ends.full(login())
    assert there.unit is not None
    with delhi.here():
        offers.offer(by="command:cli", at=ends.NOW, tip=tip, to=there.unit, why="area")
        guard()
        with as_step("exchange"):
            outbox.gather(by=ends.SERVICE, at=ends.LATER)
            ends.build()
    (body,) = ends.bytes_of(delhi)
    package = ends.carried(kerala, body)
    with kerala.here(), as_step("exchange"):
        unpacking.take(package, by=ends.SERVICE, at=ends.LATER)
        package.refresh_from_db()
        assert (package.state, package.why) == ("taken", "")
    assert Referred.objects.get().installation == here
    came = Came.objects.get().offer
    with kerala.here():
        answering.deliver(by=ends.SERVICE, now=lambda: ends.LATER)
        _accept(came)
        with as_step("exchange"):
            assert returning.gather(by=ends.SERVICE, at=ends.LATER) == 1
            ends.build()
    (receipts,) = ends.bytes_of(kerala)
    package = ends.carried(delhi, receipts)
    with delhi.here(), as_step("exchange"):
        unpacking.take(package, by=ends.SERVICE, at=ends.LATER)
        package.refresh_from_db()
        assert (package.state, package.why) == ("taken", "")
    tip.refresh_from_db()
    assert tip.unit == there.unit


def test_what_was_set_apart_does_not_leave(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    tip = ends.full(login())
    assert there.unit is not None
    with delhi.here():
        offers.offer(by="command:cli", at=ends.NOW, tip=tip, to=there.unit, why="area")
        outbox.gather(by=ends.SERVICE, at=ends.LATER)
        Tip.objects.filter(pk=tip.pk).update(set_apart=True)
        ends.build()
    assert Package.objects.values_list("state", "code").get() == ("refused", "empty")
    assert ends.bytes_of(delhi) == []


def test_a_build_that_is_killed_begins_anew(delhi: ends.End, kerala: ends.End) -> None:
    there = delhi.knows(kerala, "KL")
    tip = ends.full(login())
    assert there.unit is not None
    with delhi.here():
        offers.offer(by="command:cli", at=ends.NOW, tip=tip, to=there.unit, why="area")
        outbox.gather(by=ends.SERVICE, at=ends.LATER)
        for module, name in ((evidence, "read"), (os, "fsync"), (custody, "append")):
            with patch.object(module, name, side_effect=Killed), pytest.raises(Killed):
                ends.build()
            assert Package.objects.get().state == "building"
        ends.build()
        (path,) = (delhi.folder / "exchange" / "out").iterdir()
    assert ends.bytes_of(delhi) == [path.read_bytes()]
    assert b"squares" not in path.read_bytes()


def test_it_is_known_by_where_it_was_first_received(delhi: ends.End, kerala: ends.End, tmp_path: Path) -> None:
    goa = ends.End(tmp_path, "Goa")
    with ends.undone():
        tip, other = ends.full(login()), ends.full(login("Example Video"))
        ends.sent(delhi, delhi.knows(kerala, "KL"), [tip])
        Offer.objects.update(state="recalled", answered_at=ends.NOW)
        ends.sent(delhi, delhi.knows(goa, "GA"), [tip, other])
        first, second = ends.bytes_of(delhi)
        number = tip.public_id
    with ends.undone():
        kerala.knows(delhi, "DL")
        _take(kerala, first)
        _accept(Came.objects.get().offer)
        theirs = Referred.objects.get().tip
        ends.sent(kerala, kerala.knows(goa, "GA"), [theirs])
        (onward,) = ends.bytes_of(kerala)
    goa.knows(kerala, "KL")
    assert _take(goa, onward).state == "taken"
    came = Referred.objects.get()
    assert (came.origin, came.origin_tip) == (delhi.keys.fingerprint, number)
    (earlier,) = json.loads(came.proof)["earlier"]
    assert json.loads(earlier)["tip"] == number
    # The same tip straight from Delhi, with another one: known, and the other one is new.
    goa.knows(delhi, "DL")
    package = _take(goa, second)
    assert (package.state, package.done) == ("taken", 2)
    assert sorted(Referred.objects.values_list("origin_tip", flat=True)) == sorted([number, other.public_id])
    assert Tip.objects.count() == 2
    assert list(Owed.objects.order_by("pk").values_list("kind", flat=True)) == ["delivered", "bounced"]
    for check in (tips_verify.check, exchange_verify.check):
        assert list(check()) == []
