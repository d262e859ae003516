# SPDX-License-Identifier: Apache-2.0
"""Tips are placed when they come and when more is known; what cannot be placed waits, and nothing names a child."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import loading, officer_signs, placing, proposing
from nightlight.pipeline.routing.models import OfficerSign, Proposal, Waiting
from nightlight.pipeline.routing.tests import placing_cast as cast
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody.models import Event
from nightlight.trust.retention.models import Apart
from nightlight.trust.units.tests import staff
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WHY = "The railway station in the picture is that of Pune."


@pytest.fixture
def chat() -> ReporterLogin:
    """A reporter."""
    return cast.reporter()


@pytest.fixture
def units() -> dict[str, Unit]:
    """Units and lists, loaded."""
    cast.load()
    return cast.police()


def test_a_report_that_cannot_be_opened_goes_on_waiting_and_holds_up_no_other(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    damaged, fine = cast.tip(chat, cast.at_pune()), cast.tip(chat, cast.at_pune())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE tips_document SET body = set_byte(body, 40, 7) WHERE tip_id = %s", [damaged.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    for at in (cast.NOON, cast.NOON + HOUR):
        assert proposing.propose_new(by=cast.BY, now=partial(datetime.fromtimestamp, at.timestamp(), UTC)) == (
            False,
            {damaged.pk},
        )
    assert list(Waiting.objects.values_list("tip_id", "failed_times")) == [(damaged.pk, 2)]
    assert list(Proposal.objects.values_list("tip_id", flat=True)) == [fine.pk]
    (entry,) = Event.objects.filter(kind="tip.not-routed")
    assert entry.subject == f"tip:{damaged.public_id}"


def test_what_was_set_apart_or_destroyed_is_placed_nowhere(chat: ReporterLogin, units: dict[str, Unit]) -> None:
    kept, apart, gone = (cast.tip(chat, cast.at_pune()) for _ in range(3))
    cast.propose()
    assert Proposal.objects.count() == 3
    Tip.objects.filter(pk=apart.pk).update(set_apart=True)
    gone.documents.filter(kind="report").update(key_part=b"")
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {apart.pk, gone.pk}
    cast.propose()
    assert list(Proposal.objects.values_list("tip_id", flat=True)) == [kept.pk]
    assert loading.work_out_again() == 3
    cast.propose()
    assert list(Proposal.objects.values_list("tip_id", flat=True)) == [kept.pk]


def test_a_tip_is_placed_down_to_the_station_and_the_log_says_so_once(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    tip = cast.tip(chat, cast.at_pune())
    cast.guard()
    with cast.as_routing():
        cast.propose()
    made = Proposal.objects.get(tip=tip)
    assert (made.country, made.state, made.district) == ("IN", "IN-MH", "LGD:9009")
    assert made.unit == units["PS-RIVERSIDE"] and made.confidence > 50
    told = json.loads(cast.said(tip)[0].body)["data"]
    assert told["unit"] == units["PS-RIVERSIDE"].public_id and told["district"] == "LGD:9009"
    before = Proposal.objects.values().get(tip=tip)
    loading.work_out_again()
    with cast.as_routing():
        cast.propose(cast.NOON + HOUR)
    assert Proposal.objects.values().get(tip=tip) == before  # not even the moment: nothing was written
    assert len(cast.said(tip)) == 1


def test_nothing_that_says_a_place_is_unknown_and_another_country_is_nobody_s(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    silent, abroad = cast.tip(chat), cast.tip(chat, cast.from_address("192.0.2.70"))
    known, region = (cast.tip(chat, cast.from_address(f"2001:db8:1000:{n}::5")) for n in (1, 2))
    cast.propose()
    found = Proposal.objects.in_bulk()
    assert (found[silent.pk].country, found[silent.pk].unit_id, found[silent.pk].confidence) == ("", None, 0)
    assert cast.said(silent) == []
    assert (found[abroad.pk].country, found[abroad.pk].unit_id) == ("US", None)
    assert (found[known.pk].district, found[known.pk].unit) == ("LGD:9001", units["IN-KL"])
    assert (found[region.pk].state, found[region.pk].district) == ("IN-MH", "")
    assert found[region.pk].unit == units["IN-MH"]


def test_another_list_of_districts_places_tips_anew_and_only_then_the_log_says_more(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    tip = cast.tip(chat, cast.at_pune())
    cast.propose()
    other = cast.DISTRICTS.replace("9009,", "9010,").encode()
    loading.import_districts(by=cast.BY, at=cast.NOON, name="districts-2.csv", data=other)
    loading.work_out_again()
    cast.propose()
    made = Proposal.objects.get(tip=tip)
    assert (made.district, made.unit) == ("LGD:9010", units["IN-MH"])
    assert len(cast.said(tip)) == 2


def test_somebody_who_was_cleared_says_nothing_of_the_place(chat: ReporterLogin, units: dict[str, Unit]) -> None:
    tip = cast.tip(chat, cast.at_pune())
    cast.propose()
    part = understand_all([tip])[0].reading
    assert part is not None
    Apart.objects.create(
        public_id="AP-2222-2222", subject=f"tip:{tip.public_id}", part=part.parties[0].source, pseudonym="",
        reason=WHY, by=staff.person("Lara", Role.LEGAL_REVIEWER), at=cast.NOON,
    )  # fmt: skip
    cast.propose()
    made = Proposal.objects.get(tip=tip)
    assert (made.country, made.unit_id) == ("", None)
    assert len(cast.said(tip)) == 2


def test_a_childs_place_is_never_written_out(chat: ReporterLogin, units: dict[str, Unit]) -> None:
    tip = cast.tip(chat, cast.at_pune(), cast.victim_at_kochi())
    cast.propose()
    made = Proposal.objects.get(tip=tip)
    assert made.state == "IN-MH"
    for word in ("Meera", "Temple Tank", "Kochi", "682016", "682…", "Lotus Lane"):
        assert word not in made.body
    entries = "".join(event.body for event in cast.said(tip))
    assert "9001" not in entries
    alone = cast.tip(chat, victim=cast.victim_at_kochi())
    cast.propose()
    made = Proposal.objects.get(tip=alone)
    # It comes to the unit of the district; that it is that district is written nowhere.
    assert (made.state, made.district, made.unit) == ("IN-KL", "", units["IN-KL"])
    (entry,) = cast.said(alone)
    assert json.loads(entry.body)["data"]["state"] == "IN-KL" and "9001" not in entry.body


def test_a_sign_is_refused_to_whoever_may_not_and_where_it_says_nothing(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    tip = cast.tip(chat)
    auditor, legal, analyst = (
        viewer_of(staff.person(name, role), cast.NOON)
        for name, role in (
            ("Aud", Role.AUDITOR), ("Leg", Role.LEGAL_REVIEWER), ("Ana", Role.INTAKE_ANALYST),
        )
    )  # fmt: skip

    def record(by: Viewer = analyst, **more: str) -> OfficerSign:
        said = {"kind": "officer_place", "value": "Pune", "reason": WHY} | more
        return officer_signs.record(by=by, at=cast.NOON, tip=tip.public_id, **said)

    for nobody in (auditor, legal):
        with pytest.raises(NotAllowed):
            record(nobody)
    with pytest.raises(NotFound):
        officer_signs.record(
            by=analyst, at=cast.NOON, tip="NL-2222-2222", kind="officer_place", value="Pune", reason=WHY
        )
    for wrong in (
        {"reason": ""}, {"value": " "}, {"value": "x" * 300}, {"value": "Atlantis"}, {"kind": "address"},
        {"kind": "postal_code", "value": "000000"}, {"kind": "language", "value": "Klingon"},
    ):  # fmt: skip
        with pytest.raises(Conflict):
            record(analyst, **wrong)
    assert not OfficerSign.objects.exists()
    assert record().value == "Pune"
    with pytest.raises(Conflict, match="already"):
        record()


def test_what_an_officer_finds_out_places_the_tip(chat: ReporterLogin, units: dict[str, Unit]) -> None:
    tip = cast.tip(chat)
    cast.propose()
    found = staff.person("Ana", Role.INTAKE_ANALYST)
    cast.guard()
    with cast.as_person(found):
        officer_signs.record(
            by=viewer_of(found, cast.NOON),
            at=cast.NOON,
            tip=tip.public_id,
            kind="officer_place",
            value="Pune, Maharashtra",
            reason=WHY,
        )
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [tip.pk]
    with cast.as_routing():
        cast.propose()
    assert Proposal.objects.get(tip=tip).unit == units["PS-RIVERSIDE"]
    told = json.loads(Event.objects.get(kind="routing.sign-recorded").body)["data"]
    assert told["sign"] == "officer_place" and told["places"] == ["LGD:9009"]
    assert "Pune" not in json.dumps(told)


def test_the_next_unit_is_one_tier_further_and_never_one_that_sent_it_back(
    chat: ReporterLogin, units: dict[str, Unit]
) -> None:
    tip = cast.tip(chat, cast.at_pune())
    cast.propose()
    made = Proposal.objects.get(tip=tip)
    chain = ["IN", "IN-MH", "MH-LAKESIDE", "PS-RIVERSIDE"]
    for holder, to in pairwise(chain):
        first, *others = placing.next_for(units[holder], made)
        assert (first.unit, first.reason, first.pick) == (units[to], placing.Why.TOWARDS, True)
        assert not any(one.pick for one in others)
        refused = placing.next_for(units[holder], made, {units[to].pk})
        assert units[to] not in [one.unit for one in refused] and not any(one.pick for one in refused)
    left = placing.next_for(units["MH-LAKESIDE"], made, {units["PS-RIVERSIDE"].pk})
    assert [one.unit.code for one in left] == ["PS-HILLVIEW", "IN-MH"]
    assert [one.unit.code for one in placing.next_for(units["IN-MH"], None)] == ["IN"]
