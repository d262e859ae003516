# SPDX-License-Identifier: Apache-2.0
"""Old reports that are imported raise alerts that call nobody, unless there is a sign that it goes on."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips import importing
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import alerting, calling, queries_alerts
from nightlight.pipeline.triage.models import Alert, Band, OfficerFact
from nightlight.pipeline.triage.tests import cast
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
NOON, DAY = cast.NOON, timedelta(days=1)
DANGER = "She wrote: I do not want to live anymore."


@pytest.fixture
def asha() -> User:
    """Who would be called."""
    return staff.person("Asha", "triage-officer")


def imported(received: datetime | str | None, *, event: datetime | None = None, number: int = 1) -> Tip:
    """A report downloaded today that its source received then; ``event`` is when an account was last used."""
    incident = {"incidentType": "Online Enticement of Children for Sexual Acts"}
    told = {"additionalInformations": [{"value": DANGER}], "incidentSummary": incident}
    if event is not None:
        used = {"captureType": "IP Address", "value": "192.0.2.44", "dateTime": f"{event:%Y-%m-%dT%H:%M:%S}"}
        told["reportedPeople"] = {
            "reportedPersons": [{"screenName": {"value": "blue-kite"}, "sourceInformation": {"sourceCaptures": [used]}}]
        }
    report: dict[str, object] = {"reportId": number, "reportedInformation": told}
    if received is not None:
        report["dateReceived"] = received if isinstance(received, str) else received.isoformat()
    batch = importing.start(by="command:cli", at=NOON, name=f"{number}.json", expected=1)
    body = json.dumps(report).encode()
    file = importing.Candidate(f"{number}.json", lambda: io.BytesIO(body), is_json=True)
    importing.run(batch=batch, files=[file], at=lambda: NOON)
    return Tip.objects.order_by("-pk")[0]


def _called() -> int:
    return len(calling.call_due(by=cast.BY, now=lambda: NOON))


def test_an_old_report_is_listed_in_its_band_and_calls_nobody(asha: User) -> None:
    old = imported(NOON - 31 * DAY)
    cast.assess()
    alert = Alert.objects.get()
    assert (alert.call_at, alert.quiet, alert.get_quiet_display()) == (None, "old", "Old; nobody was called")
    assert cast.where(old).band == Band.CRITICAL
    assert _called() == 0 and not Notice.objects.exists()
    looking = staff.looking(asha)
    assert [one.pk for one in queries_alerts.waiting(looking)] == [alert.pk]
    assert queries_alerts.number_waiting(looking) == 0
    assert '"quiet":"old"' in Event.objects.get(kind="alert.raised").body
    alerting.acknowledge(by=looking, at=NOON, public_id=alert.public_id)
    assert queries_alerts.waiting(looking) == []


@pytest.mark.parametrize(
    ("received", "event"),
    [
        (NOON - 29 * DAY, None),
        (NOON - 400 * DAY, NOON - 2 * DAY),  # the account was used the day before yesterday
        (None, None),  # nobody knows when: it may be now
        ("some day", None),
        (NOON + 400 * DAY, None),  # somebody's clock: as good as none
    ],
    ids=["new", "old, but it goes on", "no time", "no readable time", "time to come"],
)
def test_what_may_be_going_on_calls(asha: User, received: datetime | str | None, event: datetime | None) -> None:
    imported(received, event=event)
    cast.assess()
    assert Alert.objects.get().quiet == ""
    assert _called() == 1
    assert Notice.objects.get().user == asha


def test_what_reporters_send_now_calls_however_old_it_is(asha: User) -> None:
    cast.tip(cast.reporter(), cast.body(said=DANGER).replace(b"2026-11-18", b"2019-11-18"))
    cast.assess()
    assert Alert.objects.get().quiet == "" and _called() == 1


def test_from_when_it_is_old_is_a_setting(asha: User, settings: Settings) -> None:
    settings.NIGHTLIGHT_ALERT_OLD_DAYS = 60
    imported(NOON - 31 * DAY)
    imported(NOON - 61 * DAY, number=2)
    cast.assess()
    assert list(Alert.objects.order_by("tip").values_list("quiet", flat=True)) == ["", "old"]


def test_what_an_officer_finds_out_now_wakes_an_old_alert(asha: User) -> None:
    old = imported(NOON - 400 * DAY)
    cast.assess()
    assert _called() == 0
    for value in (False, True):  # that something is not so wakes nobody
        OfficerFact.objects.create(
            tip=old, fact="access_to_children", value=value, reason=cast.WHY, by=asha, at=NOON + DAY
        )
        cast.assess(NOON + DAY)
        assert Alert.objects.get().quiet == ("" if value else "old")
    alert = Alert.objects.get()
    assert alert.call_at == NOON + DAY and cast.events(old).count("alert.raised") == 2
    assert len(calling.call_due(by=cast.BY, now=lambda: NOON + DAY)) == 1


def test_an_alert_that_somebody_answered_for_wakes_nobody(asha: User) -> None:
    old = imported(NOON - 400 * DAY)
    cast.assess()
    alerting.acknowledge(by=staff.looking(asha), at=NOON, public_id=Alert.objects.get().public_id)
    OfficerFact.objects.create(tip=old, fact="prior_record", value=True, reason=cast.WHY, by=asha, at=NOON)
    cast.assess()
    assert Alert.objects.get().call_at is None and _called() == 0


def test_a_tip_that_lay_here_calls_when_an_officer_finds_danger_in_it(asha: User) -> None:
    plain = cast.tip(cast.reporter())
    cast.assess()
    later = NOON + 90 * DAY
    OfficerFact.objects.create(tip=plain, fact="self_harm_stated", value=True, reason=cast.WHY, by=asha, at=later)
    cast.assess(later)
    assert Alert.objects.get().quiet == ""


def test_old_ones_hide_no_new_one(asha: User) -> None:
    for number in range(3):
        imported(NOON - 31 * DAY, number=number + 1)
    cast.assess()
    new = cast.tip(cast.reporter(), cast.body(urgent="Please look at this first."))
    cast.assess(NOON)
    Alert.objects.filter(tip=new).update(raised_at=NOON - DAY)
    looking = staff.looking(asha)
    assert queries_alerts.waiting(looking, at_most=1)[0].tip == new
    assert queries_alerts.number_waiting(looking) == 1


def test_the_step_may_do_what_it_does(asha: User) -> None:
    old = imported(NOON - 400 * DAY)
    cast.guard()
    with cast.as_triage():
        cast.assess()
    with cast.as_person(asha):
        OfficerFact.objects.create(tip=old, fact="prior_record", value=True, reason=cast.WHY, by=asha, at=NOON)
    with cast.as_triage():
        cast.assess()
        assert len(calling.call_due(by=cast.BY, now=lambda: NOON)) == 1
