# SPDX-License-Identifier: Apache-2.0
"""Whom the records name: nobody until an officer has stated it; then with what is for and against. And by district."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import district_queries, findings, prepared_body
from nightlight.casework.attribution.models import Prepared
from nightlight.casework.attribution.tests import prepared_cast, return_cast
from nightlight.casework.attribution.tests.prepared_cast import MOBILE, NOW, TOR, used
from nightlight.casework.attribution.tests.return_cast import SLIP, Wanted, row, sheet
from nightlight.outlook.desk.tests import cast
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip

WHY = "The operator says that its sheet has no other kind of address."


def _words(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def tip(db: None, monkeypatch: pytest.MonkeyPatch) -> Tip:
    """Somebody behind a tunnel, with one slip on a shared address."""
    prepared_cast.load(monkeypatch)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: NOW + timedelta(hours=2))
    made = prepared_cast.tip(prepared_cast.reporter(), prepared_cast.through_a_tunnel())
    prepared_cast.link()
    prepared_cast.prepare()
    return made


def test_people_who_see_no_tips_and_what_is_not_there_are_refused(alice: Client, charlie: Client, tip: Tip) -> None:
    assert charlie.get(f"/tips/{tip.public_id}/addresses/who/").status_code == 403
    assert charlie.get("/requests/districts/").status_code == 403
    assert alice.get("/tips/NL-1111-1111/addresses/who/").status_code == 404
    assert alice.post(f"/tips/{tip.public_id}/addresses/who/").status_code == 405


def test_nobody_is_named_before_an_officer_has_stated_it(alice: Client, tip: Tip) -> None:
    said = _words(alice, f"/tips/{tip.public_id}/addresses/who/")
    assert "Nobody has stated yet whom the records name." in said
    assert "What supports it" not in said
    assert Event.objects.filter(kind="tip.viewed", subject=f"tip:{tip.public_id}").exists()


def test_a_stated_subscriber_stands_with_what_is_for_and_against_and_every_step(alice: Client, tip: Tip) -> None:
    body = prepared_body.read(Prepared.objects.get(tip=tip).body)
    assert body is not None
    key = next(one.event.key for one in body.events if one.event.address == MOBILE)
    asha, kavita = cast.person("Asha", "investigator"), cast.person("Kavita", "commander")
    by = viewer_of(asha, NOW)
    request = return_cast.sent_request(tip, asha, kavita, Wanted(key, SLIP))
    returned = return_cast.read_through(by, request, sheet(row()))
    findings.state(by=by, at=NOW, found=returned, line=key, subscriber="SUB-1", why=WHY)
    said = _words(alice, f"/tips/{tip.public_id}/addresses/who/")
    assert "SUB-1 subscriber of" in said
    assert "One independent time alone: not for a warrant." in said
    assert "Two matchers that know nothing of each other" in said


def test_districts_count_what_leads_somewhere_by_the_unit_that_holds_it(alice: Client, tip: Tip) -> None:
    hidden = prepared_cast.reported(used(TOR, "2026-11-09T08:00:00Z", 9))
    prepared_cast.tip(prepared_cast.reporter("Example Video"), hidden)
    prepared_cast.prepare()
    viewer = cast.viewer(cast.person("Dilip", "triage-officer"))
    (root,) = district_queries.districts(viewer, at=NOW)
    assert (root.above, root.tips, root.traceable, root.ask_first) == (True, 2, 1, 0)
    district = units.add_unit(
        by="command:cli", at=NOW, code="D", name="Example district", kind="district", parent=cast.root()
    )
    station = units.add_unit(by="command:cli", at=NOW, code="S", name="A station", kind="station", parent=district)
    type(tip).objects.filter(pk=tip.pk).update(unit=station)
    first, second = district_queries.districts(viewer, at=NOW)
    assert (first.unit, first.above, first.traceable) == ("Example district", False, 1)
    assert (second.above, second.traceable) == (True, 0)
    said = _words(alice, "/requests/districts/")
    assert "Example district" in said and "1 now · 0 after the provider · of 1" in said
    assert MOBILE not in said
