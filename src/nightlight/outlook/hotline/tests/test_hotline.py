# SPDX-License-Identifier: Apache-2.0
"""The hotline's pages: what they refuse, what they keep, and that they know nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from nightlight.config import environment, rights
from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.hotline import forms, views
from nightlight.pipeline.linking import linking
from nightlight.pipeline.linking import models as linking_models
from nightlight.pipeline.routing import models as routing_models
from nightlight.pipeline.routing import proposing
from nightlight.pipeline.tips import summarising, telling
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.models import Document, Tip
from nightlight.pipeline.triage import assessing
from nightlight.pipeline.triage import models as triage_models
from nightlight.pipeline.triage.tests.cast import as_step
from nightlight.trust.accounts import verify as accounts_verify
from nightlight.trust.sealed import verify as sealed_verify

if TYPE_CHECKING:
    from django.http import HttpResponse
    from pytest_django.fixtures import Settings

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = "A stranger keeps writing to a pupil on Example Chat."
PLAIN = "application/x-www-form-urlencoded"
ADDRESS = "198.51.100.23"


def fields(**more: str) -> dict[str, str]:
    """A form that was opened a minute ago."""
    return {"token": forms.token(clock.now() - timedelta(minutes=1)), "what": WORDS, "danger": "unknown", **more}


def post(address: str, **more: str) -> HttpResponse:
    """Send a form as a browser without any cookie does, from one address."""
    from urllib.parse import urlencode

    client = Client(enforce_csrf_checks=True)
    answer = client.post(address, urlencode(fields(**more)), content_type=PLAIN, REMOTE_ADDR=ADDRESS)
    assert not client.cookies
    return answer  # type: ignore[return-value]


def code_on(answer: HttpResponse) -> str:
    """The code that a receipt shows."""
    found = re.search(r"(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}", answer.content.decode())
    assert found
    return found[0]


def tip_page(name: str, role: str, tip: Tip | None = None) -> str:
    """The page of a tip (of the only one), as somebody of the receiving unit sees it."""
    client = Client()
    client.force_login(cast.person(name, role))
    return client.get(f"/tips/{(tip or Tip.objects.get()).public_id}/").content.decode()


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tell/", "/tell/en/", "/tell/hi/back/"])
def test_there_is_no_such_page_unless_it_is_switched_on(path: str, settings: Settings, db: None) -> None:
    settings.NIGHTLIGHT_HOTLINE = False
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code == 404


@pytest.mark.parametrize(
    "address", ["http://example.org/", "javascript:alert(1)", "example.org", 'https://a.org/"><b>é']
)
def test_leaving_leads_to_a_page_over_tls_and_to_nothing_else(address: str) -> None:
    with pytest.raises(environment.WrongSetting, match="NIGHTLIGHT_HOTLINE_EXIT"):
        environment.read({"NIGHTLIGHT_HOTLINE_EXIT": address})
    assert environment.read({}).hotline is False


@pytest.mark.parametrize("path", ["/tell/fr/", "/tell/en-GB/", "/tell/de/back/"])
def test_a_language_that_is_not_spoken_is_not_there(path: str, db: None) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"what": "  \r\n "}, "Say in a few words what happened."),
        ({"what": "x" * (hotline.LONGEST_TEXT + 1)}, "too long"),
        ({"contact": "x" * (hotline.LONGEST_LINE + 1)}, "too long"),
        ({forms.TRAP: "https://example.org"}, "leave the last field empty"),
        ({"token": ""}, "once more"),
        ({"token": forms.token(NOW - timedelta(days=400))}, "once more"),
        ({"token": "1:forged"}, "once more"),
    ],
)
def test_a_form_that_is_not_right_is_shown_again_with_every_word(db: None, wrong: dict[str, str], says: str) -> None:
    answer = post("/tell/en/", **{"place": "Example Nagar", **wrong})
    assert answer.status_code == 400
    body = answer.content.decode()
    assert says in body
    assert "Example Nagar" in body
    assert "112" in body
    assert not Tip.objects.exists()


def test_a_form_sent_at_once_is_a_programs_and_one_of_yesterday_is_too_old() -> None:
    at = {seconds: forms.sent({"token": forms.token(NOW), "what": "x"}, NOW + timedelta(seconds=seconds)) for seconds in
          (-1, 0, 2, 3, 60, 86_400, 86_401)}  # fmt: skip
    assert [seconds for seconds, found in at.items() if not found.problem] == [3, 60, 86_400]


@given(st.dictionaries(st.sampled_from(["what", "danger", "state", "token", "contact", "when"]), st.text(max_size=40)))
def test_whatever_is_sent_the_form_takes_it_apart(sent: dict[str, str]) -> None:
    found = forms.sent(sent, NOW)
    assert found.problem
    assert found.fields["danger"] in hotline.DANGER
    assert found.told("en").what == found.fields["what"]


def test_no_file_is_ever_read(db: None) -> None:
    sent = Client().post("/tell/en/", {**fields(), "file": "x"})  # as multipart, which a form with a file is
    assert sent.status_code == 415
    assert Client().post("/tell/en/", "x" * (views.MOST_BYTES + 1), content_type=PLAIN).status_code == 413
    for path in ("/tell/en/", "/tell/en/back/"):
        page = Client().get(path).content.decode()
        assert 'type="file"' not in page
        assert "multipart" not in page
    assert not Tip.objects.exists()


def test_too_much_is_answered_with_the_numbers_to_call_and_the_words_stay(db: None, settings: Settings) -> None:
    settings.NIGHTLIGHT_HOTLINE_PER_ADDRESS = 2
    assert [post("/tell/en/", what=f"{WORDS} {n}").status_code for n in range(2)] == [200, 200]
    answer = post("/tell/en/", what=f"{WORDS} third")
    assert answer.status_code == 429
    assert f"{WORDS} third" in answer.content.decode()
    assert "tel:1098" in answer.content.decode()
    assert Tip.objects.count() == 2


def test_wrong_codes_are_answered_alike_and_held_to_a_limit(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightlight.pipeline.tips.telling.CODES_PER_ADDRESS", 3)
    wrong = ("", "not a code", "0000-0000-0000-0000-0000")
    answers = [post("/tell/en/back/", code=code, what="") for code in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert post("/tell/en/back/", code="0000").status_code == 429


def test_the_intake_may_do_all_of_it_and_read_none_of_it(db: None) -> None:
    rights.apply(connection)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE nightlight_intake")
        try:
            sent = fields(danger="yes")
            code = code_on(post("/tell/en/", **sent))
            assert code_on(post("/tell/en/", **sent)) == code
            assert post("/tell/en/back/", code=code, what="He wrote again.").status_code == 200
            cursor.execute("RESET ROLE")
            Tip.objects.update(set_apart=True)
            cursor.execute("SET LOCAL ROLE nightlight_intake")
            assert post("/tell/en/back/", code=code, what="Another one wrote.").status_code == 200
            for table, column in (("tips_tellingcode", "digest"), ("tips_document", "body")):
                cursor.execute("SELECT has_column_privilege('nightlight_intake', %s, %s, 'SELECT')", [table, column])
                assert cursor.fetchone() == (False,)
        finally:
            cursor.execute("RESET ROLE")
    assert Tip.objects.count() == 2
    new = Tip.objects.filter(set_apart=False)
    with as_step("reading"):
        summarising.summarise(list(new), by="service:worker", at=clock.now())
    with as_step("triage"):
        assessing.assess_new(by="service:worker", now=clock.now)
    with as_step("expiry"):
        assert telling.sweep(at=clock.now() + timedelta(days=1)) > 0
    assert "Another one wrote." in tip_page("Ira", "intake-analyst", new.get())


# --- taken ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", hotline.LANGUAGES)
def test_what_is_told_is_kept_and_the_code_leads_back(db: None, language: str) -> None:
    answer = post(f"/tell/{language}/", danger="yes", contact="teller@example.org")
    assert answer.status_code == 200
    tip = Tip.objects.get()
    assert tip.escalated
    assert tip.public_id not in answer.content.decode()
    code = code_on(answer)
    back = f"/tell/{language}/back/"
    first = Client().post(back, f"code={code}", content_type=PLAIN).content.decode()
    assert "<textarea" in first
    assert tip.public_id not in first
    added = post(back, code=code, what="He wrote again today.")
    assert added.status_code == 200
    assert [*Document.objects.order_by("id").values_list("kind", flat=True)] == ["told", "addition"]
    empty = post(back, code=code, what=" ")
    assert empty.status_code == 400


def work_through(tip: Tip, at: datetime) -> None:
    """What the worker does with a tip."""
    summarising.summarise([tip], by="service:worker", at=at)
    linking.link_new(by="service:worker", now=lambda: at)
    proposing.propose_new(by="service:worker", now=lambda: at)
    assessing.assess_new(by="service:worker", now=lambda: at)


@pytest.mark.parametrize("danger", ["yes", "unknown"])
def test_danger_that_is_added_calls_however_old_the_tip_is_and_each_time(
    db: None, danger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = clock.now() - timedelta(days=30)
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: old)
        code = code_on(post("/tell/en/", addresses="@fern_kite", danger=danger))
    tip = Tip.objects.get()
    work_through(tip, old)
    triage_models.Alert.objects.update(
        call_at=None, acknowledged_at=old, acknowledged_by=cast.person("Omar", "commander")
    )
    calls = triage_models.Alert.objects.filter(quiet="", call_at__isnull=False)
    for times, words in enumerate(("He is in the house with her now.", "He is in the house again."), 1):
        assert "It was added" in post("/tell/en/back/", code=code, what=words, danger="yes").content.decode()
        for _ in range(2):  # what is scored once more raises no second one
            work_through(tip, clock.now())
            triage_models.Waiting.objects.create(tip=tip)
        assert calls.count() == times
    post("/tell/en/back/", code=code, what="It is quiet now.")
    work_through(tip, clock.now())
    assert calls.count() == 2


def test_a_page_that_is_sent_again_is_answered_alike_and_the_same_words_another_day_are_kept(db: None) -> None:
    sent = fields()
    first, again = (post("/tell/en/", **sent) for _ in range(2))
    assert first.content == again.content
    assert Tip.objects.count() == 1
    more = fields(code=code_on(first))
    for form in (more, more, fields(code=code_on(first))):
        assert "It was added" in post("/tell/en/back/", **form).content.decode()
    assert Document.objects.filter(kind="addition").count() == 2


def test_a_form_of_a_thousand_fields_is_answered_with_the_numbers_to_call(db: None) -> None:
    body = "&".join(f"f{n}=1" for n in range(3000))
    for path in ("/tell/en/", "/tell/en/back/"):
        answer = Client().post(path, body, content_type=PLAIN)
        assert answer.status_code == 400
        assert "tel:1098" in answer.content.decode()
        assert answer["Referrer-Policy"] == "no-referrer"


def test_what_whoever_told_it_can_see_is_held_back_on_the_page_of_the_tip(db: None) -> None:
    post("/tell/en/")
    summarising.summarise([Tip.objects.get()], by="service:worker", at=clock.now())
    assert "/feedback/" in tip_page("Com", "commander")
    assert "/feedback/" not in tip_page("Ira", "intake-analyst")


def test_a_child_in_danger_now_calls_people_and_what_is_added_is_scored_anew(db: None) -> None:
    code = code_on(post("/tell/en/", addresses="@fern_kite"))
    tip = Tip.objects.get()

    def worked_through() -> None:
        work_through(tip, clock.now())

    worked_through()
    assert not triage_models.Alert.objects.exists()
    waiting = (linking_models.Waiting, triage_models.Waiting, routing_models.Waiting)
    assert not any(one.objects.exists() for one in waiting)
    post("/tell/en/back/", code=code, what="He wrote again today.", danger="yes")
    assert all(one.objects.exists() for one in waiting)
    worked_through()
    assert [*triage_models.Alert.objects.values_list("tip", "code")] == [(tip.pk, "escalated")]
    checks = (tips_verify.check, tips_verify.check_summaries, sealed_verify.check, accounts_verify.check)
    assert [found for check in checks for found in check()] == []


def test_how_to_reach_who_told_it_is_opened_by_few_and_shown_to_nobody(db: None) -> None:
    post("/tell/en/", contact="teller@example.org")
    summarising.summarise([Tip.objects.get()], by="service:worker", at=clock.now())
    reads, opens = tip_page("Ira", "intake-analyst"), tip_page("Omar", "investigator")
    assert "Who told us" in reads
    assert "/sealed/" not in reads
    assert "/sealed/" in opens
    assert "teller@" not in reads + opens


def test_two_tips_of_one_teller_are_not_linked_by_how_to_reach_them(db: None) -> None:
    contact = "Ramesh <ramesh.k@example.org> or 09876543210"
    for words in ("I am Ramesh, ramesh.k@example.org", "Write to ramesh.k@example.org or +91 98765-43210"):
        post("/tell/en/", what=words, contact=contact, addresses="ramesh.k@example.org\n9876543210")
    for tip in Tip.objects.all():
        summarising.summarise([tip], by="service:worker", at=clock.now())
    linking.link_new(by="service:worker", now=clock.now)
    assert not linking_models.Sighting.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tips_shown t WHERE t::text ~* 'ramesh|43210'")
        assert cursor.fetchone() == (0,)


def test_nothing_of_who_told_it_is_kept_and_nothing_is_left_in_the_browser(
    db: None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = post("/tell/en/")
    post("/tell/en/", token="")
    Client().get("/tell/en/?q=%00", REMOTE_ADDR=ADDRESS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{ADDRESS}%"])
            assert cursor.fetchone() == (0,), table
    out = capfd.readouterr()
    assert ADDRESS not in caplog.text + out.out + out.err
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "Set-Cookie" not in answer
    assert "Cookie" not in answer.get("Vary", "")


def test_the_language_of_the_hotline_is_not_that_of_the_desk(db: None) -> None:
    assert "काय घडले?" in Client().get("/tell/mr/").content.decode()
    assert "Sign in" in Client().get("/accounts/login/").content.decode()
    assert [one["number"] for one in views.helplines("IN")] == ["112", "1098"]
