# SPDX-License-Identifier: Apache-2.0
"""What officers do with a tip of the queue and with alerts: refusals first, then that it acts and says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_queue_pages import (
    ESCALATED,
    LURED,
    NOON,
    URGENT,
    WHY,
    address,
    an_hour_later,
    chat,
    names,
    notices,
    page,
    sent,
    shown,
    signed_in,
    three,
)
from nightlight.pipeline.triage.models import Alert, Closure, Lane, OfficerFact, Override, Score, Standing
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["an_hour_later", "chat", "three"]


# --- what is done with a tip


def test_what_another_took_is_a_message_with_the_name(alice: Client, three: list[Tip]) -> None:
    ravi = signed_in("Ravi", "triage-officer")
    assert notices(sent(ravi, address(three[0], "take/"))) == ["success: You have taken 1 tip."]
    text = sent(alice, address(three[0], "take/"))
    assert notices(text) == ["error: Ravi Example has taken this already."]
    assert "With Ravi Example since" in text
    assert str(pile.where(three[0]).holder) == "Ravi Example"
    assert notices(sent(alice, address(three[0], "release/"))) == ["error: Ravi Example has taken this already."]


def test_a_row_is_taken_and_given_back_as_one(alice: Client, chat: ReporterLogin) -> None:
    same = pile.body()
    for _ in range(2):
        repeated = pile.tip(chat, same)
    pile.link()
    pile.assess()
    assert notices(sent(alice, address(repeated, "take/"))) == ["success: You have taken 2 tips."]
    assert Standing.objects.filter(holder__username="alice").count() == 2
    assert notices(sent(alice, address(repeated, "release/"))) == ["success: 2 tips are free again."]
    assert notices(sent(alice, address(repeated, "release/"))) == [
        "error: Nobody holds this; there is nothing to give back."
    ]


def test_a_tip_is_given_to_a_colleague_and_to_nobody_else(alice: Client, charlie: Client, three: list[Tip]) -> None:
    ravi, admin = cast.person("Ravi", "investigator"), User.objects.get(username="charlie")
    panel = page(alice, address(three[0]))
    assert f'<option value="{ravi.public_id}">Ravi Example</option>' in panel
    assert admin.public_id not in panel
    (told,) = notices(sent(alice, address(three[0], "assign/"), to=admin.public_id))
    assert told.startswith("error: There is no person")
    assert pile.where(three[0]).holder is None
    assert notices(sent(alice, address(three[0], "assign/"), to=ravi.public_id)) == [
        "success: It is with Ravi Example now."
    ]


def test_a_tip_is_put_off_with_a_time_and_a_reason_and_opened_again(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    for until, reason, refusal in (
        ("soon", WHY, "Give day and hour"),
        ("", WHY, "Give day and hour"),
        ("0001-01-01T00:00", WHY, "Choose a time to come"),
        ("9999-12-31T23:59", WHY, "Choose a time to come"),
        ("2026-11-21T08:00", "later", "Say why this can wait"),
    ):
        (told,) = notices(sent(alice, address(tip, "put-off/"), until=until, reason=reason))
        assert told.startswith(f"error: {refusal}"), told
    assert pile.where(tip).lane == Lane.OPEN
    text = sent(alice, address(tip, "put-off/"), until="2026-11-21T08:00", reason=WHY)
    assert notices(text) == ["success: 1 tip was put off; it comes back by itself."]
    assert pile.where(tip).snoozed_until == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)  # eight o'clock in India
    assert "Put off until" in text
    assert WHY in text
    assert tip.public_id not in shown(page(alice, "/queue/"))
    assert notices(sent(alice, address(tip, "open-again/"), reason="so"))[0].startswith("error: Say why")
    assert notices(sent(alice, address(tip, "open-again/"), reason=WHY)) == ["success: It is open again."]
    assert tip.public_id in shown(page(alice, "/queue/"))


def test_a_tip_is_closed_with_how_it_ended(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    for how, reason in (("", WHY), ("done", WHY), ("no-offence", "")):
        (told,) = notices(sent(alice, address(tip, "close/"), disposition=how, reason=reason))
        assert told.startswith("error: Say "), told
    assert not Closure.objects.exists()
    text = sent(alice, address(tip, "close/"), disposition="no-offence", reason=WHY)
    assert notices(text) == ["success: 1 tip is closed."]
    assert f"Closed. No offence under the law that applies: {WHY}" in " ".join(text.split())
    assert "/open-again/" in text
    assert shown(page(alice, "/queue/")) == names(three[2], three[1])
    assert notices(sent(alice, address(tip, "take/"))) == ["error: This tip is closed; open it again first."]


def test_a_closure_that_is_looked_at_again_is_said_to_be(
    alice: Client, three: list[Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightlight.pipeline.triage.working.ONE_IN", 1)
    (told,) = notices(sent(alice, address(three[0], "close/"), disposition="cannot-work", reason=WHY))
    assert told.startswith("success: 1 tip is closed. Somebody else will look at it a second time")


def test_another_band_is_decided_and_what_the_rules_say_stays_beside_it(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    for band, reason, refusal in (
        ("", WHY, "There is no such band."),
        ("worst", WHY, "There is no such band."),
        ("rules", WHY, "The rules decide already."),
        ("critical", "now", "Say why"),
    ):
        (told,) = notices(sent(alice, address(tip, "band/"), band=band, reason=reason))
        assert told.startswith(f"error: {refusal}"), told
    assert not Override.objects.exists()
    text = sent(alice, address(tip, "band/"), band="critical", reason=WHY)
    assert notices(text)[0].startswith("success: Decided.")
    assert f"The rules say Low; Alice Example decided otherwise: {WHY}" in text
    assert set(shown(page(alice, "/queue/?band=critical"))) == set(names(tip, three[2]))
    assert notices(sent(alice, address(tip, "band/"), band="rules", reason=WHY))[0].startswith("success: Decided.")
    assert "decided otherwise" not in page(alice, address(tip))


def test_what_was_found_out_is_recorded_and_counts(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    for fact, value, reason, refusal in (
        ("religion", "yes", WHY, "This is no fact that an officer records."),
        ("prior_record", "yes", "", "Say how you know"),
        ("prior_record", "", WHY, "Say whether it is so"),
        ("prior_record", "maybe", WHY, "Say whether it is so"),
    ):
        (told,) = notices(sent(alice, address(tip, "found-out/"), fact=fact, value=value, reason=reason))
        assert told.startswith(f"error: {refusal}"), told
    assert not OfficerFact.objects.exists()
    harm = Score.objects.get(tip=tip).harm
    for value, expected in (("yes", harm + 20), ("unknown", harm), ("no", harm)):
        told = notices(sent(alice, address(tip, "found-out/"), fact="prior_record", value=value, reason=WHY))[0]
        assert told == "success: Recorded. The tip is scored anew within seconds."
        pile.assess()
        assert Score.objects.get(tip=tip).harm == expected
    assert list(OfficerFact.objects.order_by("id").values_list("value", flat=True)) == [True, None, False]


def test_the_panel_of_a_tip_says_why_and_what_is_not_known(alice: Client, three: list[Tip]) -> None:
    panel = page(alice, address(three[2])).split('id="triage"')[1].split("</section>")[0]
    assert f'<ul class="reasons reasons-tripwire"><li><b>{ESCALATED}</b>' in panel
    assert "<code>report/incidentSummary</code>" in panel  # where in the report it stands
    assert "Nobody has taken this yet." in panel
    lured = page(alice, address(three[1])).split('id="triage"')[1].split("</section>")[0]
    assert f'<b class="points">+25</b> {LURED}' in lured
    assert "Not known, and could lift this to" in lured
    assert "CCTNS" in lured  # the cheapest way to find out, as it is done in this country
    assert "An order of work, not a probability." in lured


# --- alerts


@pytest.fixture
def both_alerts(chat: ReporterLogin) -> tuple[Tip, Tip]:
    """A tip with two tripwires, and a later one with one."""
    two = pile.tip(chat, pile.body(urgent=URGENT, said="She wrote: I do not want to live anymore."))
    one = pile.tip(chat, pile.body(urgent=URGENT), at=NOON + timedelta(minutes=5))
    pile.assess()
    assert sorted(Alert.objects.values_list("tip_id", flat=True)) == [two.pk, two.pk, one.pk]
    return two, one


def _articles(text: str) -> list[str]:
    return text.split('<article class="alert')[1:]


def test_an_alert_that_is_not_there_is_not_answered(alice: Client, both_alerts: tuple[Tip, Tip]) -> None:
    (told,) = notices(sent(alice, "/alerts/AL-2222-2222/answer/"))
    assert told == "error: There is no alert AL-2222-2222 in your units."
    assert alice.get(f"/alerts/{Alert.objects.all()[0].public_id}/answer/").status_code == 405
    assert not Alert.objects.exclude(acknowledged_by=None).exists()


def test_answering_for_one_alert_answers_for_its_tip_and_no_other(alice: Client, both_alerts: tuple[Tip, Tip]) -> None:
    two, one = both_alerts
    assert "3 alerts wait for an answer." in page(alice, "/queue/")
    articles = _articles(page(alice, "/alerts/"))
    assert len(articles) == 2  # by tip
    (double,) = (part for part in articles if two.public_id in part)
    assert ESCALATED in double
    assert "Somebody writes of harming or killing themselves" in double
    assert double.count("I answer for it") == 1
    assert "Nobody has been called yet." in double
    answer = Alert.objects.filter(tip=two).first()
    assert answer is not None
    text = sent(alice, f"/alerts/{answer.public_id}/answer/")
    assert notices(text) == [f"success: You answer for {two.public_id} now. Nobody else is called."]
    assert {str(alert.acknowledged_by) for alert in Alert.objects.filter(tip=two)} == {"Alice Example"}
    assert not Alert.objects.filter(tip=two, call_at__isnull=False).exists()
    assert Alert.objects.get(tip=one).acknowledged_by is None
    waiting, answered = text.split("<h2>Answered</h2>")
    assert [one.public_id in part for part in _articles(waiting)] == [True]
    (done,) = _articles(answered)
    assert two.public_id in done
    assert "Alice Example answered for it" in done
    assert "I answer for it" not in done
    assert "1 alert waits for an answer." in page(alice, "/queue/")


def test_what_somebody_answered_for_is_theirs(alice: Client, both_alerts: tuple[Tip, Tip]) -> None:
    alert = Alert.objects.get(tip=both_alerts[1])
    ravi = signed_in("Ravi", "investigator")
    sent(ravi, f"/alerts/{alert.public_id}/answer/")
    text = sent(alice, f"/alerts/{alert.public_id}/answer/")
    assert notices(text) == ["error: Ravi Example has answered for this alert already."]
    alert.refresh_from_db()
    assert str(alert.acknowledged_by) == "Ravi Example"


def test_with_no_alert_the_page_says_so(alice: Client) -> None:
    text = page(alice, "/alerts/")
    assert "No alert waits for an answer." in text
    assert _articles(text) == []
    assert "alert-bar" not in page(alice, "/queue/")
