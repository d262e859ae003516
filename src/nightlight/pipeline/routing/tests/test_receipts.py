# SPDX-License-Identifier: Apache-2.0
"""A receipt verifies offline by the checker beside it; an altered one does not; one that is not signed yet says so."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import answering, receipts, verify
from nightlight.pipeline.routing.models import Installation, Offer, OfferState, Receipt
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, WHY, Country
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import keys, verify_bundle

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country."""
    return Country()


def sign() -> None:
    """What the worker does every minute."""
    custody.sign_head(at=NOON, key=keys.signing_key())


def test_a_receipt_that_no_head_covers_yet_says_so(country: Country) -> None:
    offer = country.offer()
    with pytest.raises(NotFound):
        receipts.proof(offer, "accepted")
    said = receipts.proof(offer, "sent").document()
    assert said["signed"] is False and said["proof"] is None and "within a minute" in str(said["note"])
    with pytest.raises(Conflict, match="within a minute"):
        receipts.bundle_of(offer)


def test_receipts_verify_offline_and_altered_ones_do_not(country: Country, tmp_path: Path) -> None:
    offer = country.offer()
    cast.deliver()
    country.accept(offer, at=NOON + HOUR)
    sign()
    country.give_back(at=NOON + HOUR)  # later than the head: no matter to what is signed
    said = json.loads(json.dumps(receipts.proof(offer, "accepted").document()))
    proof, entry = said["proof"], said["entry"].encode()
    known = verify_bundle.read_keys("\n".join(proof["keys"]))
    _origin, size, root, _at = verify_bundle.open_checkpoint(proof["checkpoint"], known)
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    path = [bytes.fromhex(one) for one in proof["path"]]
    assert (size, leaf.hex()) == (proof["size"], proof["leaf_hash"])
    assert verify_bundle.inclusion_root(leaf, proof["position"], size, path) == root
    assert json.loads(entry)["data"]["offer"] == offer.public_id == said["offer"]
    changed = hashlib.sha256(b"\x00" + entry.replace(b"accepted", b"bounced ")).digest()
    assert verify_bundle.inclusion_root(changed, proof["position"], size, path) != root

    bundle = tmp_path / "receipts.zip"
    bundle.write_bytes(receipts.bundle_of(offer))
    assert verify_bundle.main([str(bundle)]) == 0
    bundle.write_bytes(bundle.read_bytes().replace(b"routing.accepted", b"routing.bounced\x20", 1))
    assert verify_bundle.main([str(bundle)]) == 1


def test_what_somebody_changed_behind_the_log_is_found(country: Country) -> None:
    offer = country.offer()
    country.bounce(offer)
    assert [*verify.check()] == []
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # as the owner of the machine could
        for change, code in (
            ("UPDATE routing_offer SET state = 'recalled'", "offer-state"),
            ("UPDATE routing_offer SET state = 'bounced', answer = 'Other words'", "offer-altered"),
            ("UPDATE routing_offer SET why = 'workload'", "offer-altered"),
            ("UPDATE routing_receipt SET data = '{}' WHERE kind = 'bounced'", "receipt-altered"),
            ("DELETE FROM routing_receipt WHERE kind = 'delivered'", "receipt-missing"),
        ):
            cursor.execute(change)
            assert code in {problem.code for problem in verify.check()}, change
        cursor.execute("SET session_replication_role = DEFAULT")


def _installation(country: Country, name: str = "Their centre", *, trusted: bool = True) -> Installation:
    return Installation.objects.create(
        public_id=f"NI-{name[:4].upper()}",
        name=name,
        card="{}",
        fingerprint=base64.b16encode(name.encode()).decode(),
        state="trusted" if trusted else "waiting",
        unit=country.first if trusted else None,
        added_by="command:cli",
        added_at=NOON,
        compared_at=NOON,
    )


def test_another_installation_tells_each_step_in_any_order_once(country: Country) -> None:
    theirs, stranger = _installation(country), _installation(country, "Stranger", trusted=False)
    offer = country.offer(country.station)  # below their unit
    assert cast.deliver() == 0 and offer.state == OfferState.SENT  # theirs to say

    def told(kind: str, by: Installation = theirs, **data: str) -> Receipt:
        actor = f"installation:{by.public_id}"
        return answering.remote(
            by=actor, at=NOON + HOUR, offer=offer, kind=kind, data={"signature": "00", **data}, installation=by
        )

    with pytest.raises(Conflict, match="does not say"):
        told("recalled")
    with pytest.raises(NotAllowed, match="does not work in"):
        told("accepted", by=stranger)
    with identity.acting_as(service="exchange"):
        accepted = told("accepted")
        assert told("accepted") == accepted
        told("delivered")
        told("opened")
        first = told("outcome", code="in-progress")
        assert told("outcome", code="in-progress") == first != told("outcome", code="actioned")
        with pytest.raises(Conflict, match="accepted this"):
            told("bounced", code="other", reason=WHY)
    assert country.holder() == country.station and Offer.objects.get().state == OfferState.ACCEPTED
    assert cast.noticed("routing.accepted") == {"Mira"}
    assert [*verify.check()] == []


def test_another_installation_sends_back(country: Country) -> None:
    theirs = _installation(country)
    offer = country.offer()
    data = {"code": "never-heard-of", "reason": "Somebody called Nobody lives elsewhere."}
    by = f"installation:{theirs.public_id}"
    receipt = answering.remote(by=by, at=NOON, offer=offer, kind="bounced", data=data, installation=theirs)
    offer.refresh_from_db()
    assert (offer.state, offer.bounce_code, offer.answer) == ("bounced", "other", data["reason"])
    assert "Nobody" not in receipt.data and "Nobody" not in cast.entry(receipt).body
    assert country.holder() == country.centre
    assert [*verify.check()] == []
