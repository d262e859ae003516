# SPDX-License-Identifier: Apache-2.0
"""Addresses are looked up when tips come and when lists change; what fails waits, and a child's never appear."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.casework.attribution import prepared_body, preparing
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.models import Prepared, Waiting
from nightlight.casework.attribution.tests import prepared_cast as cast
from nightlight.pipeline.linking.tests.db_cast import person
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.tests.cast import guard
from nightlight.trust.custody.models import Event
from nightlight.trust.retention.models import Apart

if TYPE_CHECKING:
    from nightlight.casework.attribution.prepared_body import Body
    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
SLIP = datetime(2026, 11, 9, 8, 32, 11, tzinfo=UTC)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> ReporterLogin:
    """A reporter, with lists loaded."""
    cast.load(monkeypatch)
    return cast.reporter()


def _body(of: Tip) -> Body:
    found = prepared_body.read(Prepared.objects.get(tip=of).body)
    assert found is not None
    return found


def _said(of: Tip, kind: str = "tip.addresses-looked-up") -> list[dict[str, object]]:
    rows = Event.objects.filter(subject=f"tip:{of.public_id}", kind=kind).order_by("pk")
    return [json.loads(row.body)["data"] for row in rows]


def test_a_report_that_cannot_be_opened_goes_on_waiting_and_holds_up_no_other(chat: ReporterLogin) -> None:
    damaged, fine = cast.tip(chat, cast.through_a_tunnel()), cast.tip(chat, cast.through_a_tunnel())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE tips_document SET body = set_byte(body, 40, 7) WHERE tip_id = %s", [damaged.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    for hours in (0, 1):
        at = cast.NOW + timedelta(hours=hours)
        left = preparing.prepare_new(by="service:worker", now=lambda at=at: at, patience=60)  # type: ignore[misc]
        assert left == (False, {damaged.pk})
    assert list(Waiting.objects.values_list("tip_id", "failed_times")) == [(damaged.pk, 2)]
    assert list(Prepared.objects.values_list("tip_id", flat=True)) == [fine.pk]
    assert len(_said(damaged, "tip.not-looked-up")) == 1


def test_the_step_writes_each_event_with_what_it_leads_to_and_the_log_says_so_once(chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    guard()
    with cast.as_attribution():
        cast.prepare()
    row = Prepared.objects.get(tip=tip)
    assert (row.events, row.grade, row.way) == (5, "B", "trace")
    assert row.kept_until == SLIP + timedelta(days=365)
    labels = sorted(one.labelled.label for one in _body(tip).events)
    assert labels == [Label.MOBILE_SHARED, *[Label.VPN] * 4]
    (slip,) = [one for one in _body(tip).events if one.event.address == cast.MOBILE]
    assert (slip.operator, slip.holder, slip.shares, slip.parties) == ("lakeside", "Lakeside Mobile", True, (0,))
    assert _said(tip)[0]["records_until"] == "2027-11-09T08:32:11.000000Z"
    before = Prepared.objects.values().get(tip=tip)
    Waiting.objects.create(tip=tip)
    with cast.as_attribution():
        cast.prepare(cast.NOW + timedelta(hours=1))
    assert Prepared.objects.values().get(tip=tip) == before  # not even the moment: nothing was written
    assert len(_said(tip)) == 1


def test_other_lists_say_something_else_and_without_any_it_says_that_it_cannot_know(
    chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = cast.tip(chat, cast.reported(cast.used(cast.TOR, "2026-11-09T08:00:00Z", 41000)))
    cast.prepare()
    assert Prepared.objects.get(tip=tip).grade == "F"
    other = cast.load(monkeypatch, cast.lists(tor=False))
    Waiting.objects.create(tip=tip)
    cast.prepare()
    row = Prepared.objects.get(tip=tip)
    assert (row.grade, row.way, row.lists) == ("U", "corroborate", other.digest)
    assert [one["grade"] for one in _said(tip)] == ["F", "U"]


def test_a_child_s_addresses_are_counted_and_never_written(chat: ReporterLogin) -> None:
    childs = cast.victim(
        cast.used("198.51.100.77", "2026-11-09T08:00:00Z", 40000), cast.used(cast.FIBRE, "2026-11-09T09:00:00Z")
    )
    tip = cast.tip(chat, cast.reported(cast.used(cast.FIBRE, "2026-11-09T08:00:00Z", 41000)), childs)
    cast.prepare()
    body = _body(tip)
    assert "198.51.100.77" not in Prepared.objects.get(tip=tip).body
    assert dict(body.apart) == {"childs": 2}
    (event,) = body.events
    assert event.child_there


def test_of_a_reported_person_whose_identity_is_sealed_only_the_number_is_kept(chat: ReporterLogin) -> None:
    young = cast.reported(cast.used(cast.FIBRE, "2026-11-09T08:00:00Z"), name="young-fox", age=15)
    grown = cast.reported(cast.used(cast.MOBILE, "2026-11-09T08:00:00Z", 41000), name="young-fox and kite77")
    tip = cast.tip(chat, young, grown)
    cast.prepare()
    text = Prepared.objects.get(tip=tip).body
    assert cast.FIBRE not in text
    assert dict(_body(tip).apart) == {"protected": 1}
    assert [one.parties for one in _body(tip).events] == [(1,)]


def test_of_several_people_each_has_their_own(chat: ReporterLogin) -> None:
    one = cast.reported(cast.used(cast.FIBRE, "2026-11-09T08:00:00Z"))
    two = cast.reported(cast.used(cast.MOBILE, "2026-11-09T08:00:00Z", 41000), name="reed-9")
    tip = cast.tip(chat, one, two)
    cast.prepare()
    assert {event.event.address: event.parties for event in _body(tip).events} == {cast.FIBRE: (0,), cast.MOBILE: (1,)}


def test_who_is_cleared_and_what_is_set_apart_or_destroyed_has_no_addresses_any_more(chat: ReporterLogin) -> None:
    kept, apart, gone, cleared = (cast.tip(chat, cast.through_a_tunnel()) for _ in range(4))
    cast.prepare()
    assert Prepared.objects.count() == 4
    Tip.objects.filter(pk=apart.pk).update(set_apart=True)
    gone.documents.filter(kind="report").update(key_part=b"")
    source = "report/personOrUserReported[1]"
    assert _body(cleared).events[0].event.source.startswith(source)
    by = person("Alice", "commander")
    subject = f"tip:{cleared.public_id}"
    Apart.objects.create(subject=subject, part=source, pseudonym="Reported person 1", by=by, at=cast.NOW)
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {apart.pk, gone.pk, cleared.pk}
    cast.prepare()
    assert set(Prepared.objects.values_list("tip_id", "events")) == {(kept.pk, 5), (cleared.pk, 0)}


def test_what_was_written_in_another_form_is_made_anew() -> None:
    assert prepared_body.read("{}") is None
    assert prepared_body.read('{"_": "prepared_body.Body", "events": 7, "new": 1}') is None
    assert prepared_body.read("not json") is None
