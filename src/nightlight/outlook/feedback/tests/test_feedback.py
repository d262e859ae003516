# SPDX-License-Identifier: Apache-2.0
"""A reporter sees what became of its own reports, a day at a time, and of nobody else's."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.insight import holding
from nightlight.outlook.insight.models import Told
from nightlight.outlook.insight.tests.days import pass_to
from nightlight.pipeline.routing import recording
from nightlight.pipeline.routing.models import Installation, Offer, ReceiptKind, Seal
from nightlight.pipeline.routing.outcomes import Outcome
from nightlight.pipeline.tips import actions as tips
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import working
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts import queries
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import INTAKE, WEB
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from nightlight.trust.accounts.actions import Issued

pytestmark = pytest.mark.django_db
WHY = "The provider called and said so."


class Reporter:
    """A platform with a credential and the reports it filed."""

    def __init__(self, name: str = "Example Chat", environment: str = "production") -> None:
        self.issued: Issued = accounts.add_credential(
            by="command:cli", at=clock.now(), name=name, environment=environment
        )
        login = queries.reporter_login(self.issued.username, self.issued.password)
        assert login is not None
        self.login = login

    def ask(self, address: str, *, password: str = "", method: str = "get", **headers: str) -> HttpResponseBase:
        """Ask as the platform's software does."""
        secret = f"{self.issued.username}:{password or self.issued.password}"
        shown = {"Authorization": "Basic " + b64encode(secret.encode()).decode(), **headers}
        answer: HttpResponseBase = getattr(Client(), method)(f"/feedback/v1/{address}", headers=shown)
        return answer

    def told(self, tip: Tip) -> dict[str, object]:
        """What it is told of one report."""
        answer = self.ask(f"reports/{tip.report_id}")
        assert answer.status_code == 200, body(answer)
        found: dict[str, object] = json.loads(body(answer))
        return found

    def filed(self) -> Tip:
        """A report that stands in the queue, and was counted."""
        tip = pile.tip(self.login, at=clock.now())
        pile.assess(clock.now())
        pass_to()
        return Tip.objects.get(pk=tip.pk)


@pytest.fixture
def chat() -> Reporter:
    """A platform."""
    return Reporter()


def body(answer: HttpResponseBase) -> str:
    """The whole of an answer."""
    parts = getattr(answer, "streaming_content", None)
    return (b"".join(parts) if parts is not None else answer.content).decode()  # type: ignore[attr-defined]


def _close(tip: Tip, disposition: str, *, role: str = "commander") -> None:
    boss = cast.viewer(cast.person(f"Kavita {disposition}".replace(" ", "-"), role))
    working.close(by=boss, at=clock.now(), tip=tip.public_id, disposition=disposition, reason=WHY)


def _is_problem(answer: HttpResponseBase, status: int, kind: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(body(answer))["type"] == f"urn:nightlight:problem:{kind}"


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["reports/123", "reports.json", "reports.csv", "nowhere"])
def test_without_the_credential_nothing_is_answered(chat: Reporter, address: str) -> None:
    _is_problem(Client().get(f"/feedback/v1/{address}"), 401, "credential")
    refused = chat.ask(address, password="wrong")
    _is_problem(refused, 401, "credential")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    accounts.revoke_credential(by="command:cli", at=clock.now(), username=chat.issued.username)
    _is_problem(chat.ask(address), 401, "credential")


def test_a_session_or_a_token_opens_nothing(alice: Client) -> None:
    _is_problem(alice.get("/feedback/v1/reports.json"), 401, "credential")
    bearer = {"Authorization": "Bearer nlt_TK-7F3K-9QTX_" + "x" * 43}
    _is_problem(Client().get("/feedback/v1/reports.json", headers=bearer), 401, "credential")


def test_a_report_of_somebody_else_is_one_that_does_not_exist(chat: Reporter) -> None:
    theirs = Reporter("Example Forum").filed()
    tried = Reporter("Example Chat", "test")  # the same platform, in the other environment
    mine = chat.filed()
    none = body(chat.ask("reports/123"))
    for who, report in ((chat, theirs), (tried, mine)):
        answer = who.ask(f"reports/{report.report_id}")
        _is_problem(answer, 404, "refused")
        assert body(answer) == none
        assert str(report.report_id) not in body(who.ask("reports.json")) + body(who.ask("reports.csv"))


def test_what_is_not_finished_or_no_number_is_not_there(chat: Reporter) -> None:
    report_id, _tip = cast.Desk(chat.login).opened()
    for address in (f"reports/{report_id}", "reports/NL-7F3K-9QTX", "reports/" + "9" * 30, "reports/-1", "elsewhere"):
        _is_problem(chat.ask(address), 404, "refused")


@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "since=2026-02-30", "after=7", "after=2026-13-01.7", "limit=0", "limit=1001", "page=2"],
)
def test_a_question_that_makes_no_sense_is_refused(chat: Reporter, query: str) -> None:
    _is_problem(chat.ask(f"reports.json?{query}"), 400, "refused")


def test_nothing_is_changed_by_asking(chat: Reporter) -> None:
    tip = chat.filed()
    for address in (f"reports/{tip.report_id}", "reports.json", "reports.csv"):
        for method in ("post", "put", "delete", "patch"):
            _is_problem(chat.ask(address, method=method), 405, "method")


# --- what is told ---------------------------------------------------------------------------------------------------


def test_a_report_is_received_at_once_and_in_progress_from_the_next_day(chat: Reporter) -> None:
    tip = pile.tip(chat.login, at=clock.now())
    assert chat.told(tip)["outcome"] == "received"  # before anything was worked out
    pile.assess(clock.now())
    pass_to()
    told = chat.told(tip)
    assert told.pop("receivedOn") == told.pop("since") == f"{clock.now():%Y-%m-%d}"
    assert told == {
        "reportId": tip.report_id,
        "outcome": "received",
        "ended": False,
        "lacks": ["no-address", "no-file"],
    }
    pass_to(1)
    assert chat.told(tip)["outcome"] == "in-progress"
    assert pass_to(1) == 0  # nothing is worked out twice


def test_an_outcome_is_told_from_the_next_day_and_taken_back_when_it_is_opened_again(chat: Reporter) -> None:
    tip = chat.filed()
    pass_to(1)
    _close(tip, "cannot-work")
    pass_to()
    assert chat.told(tip)["outcome"] == "in-progress"  # not on the day itself
    pass_to(1)
    told = chat.told(tip)
    assert (told["outcome"], told["ended"]) == ("insufficient", True)
    assert Event.objects.filter(kind="feedback.told", subject=f"tip:{tip.public_id}").count() == 1
    boss = cast.viewer(cast.person("Ravi", "commander"))
    working.reopen(by=boss, at=clock.now(), tip=tip.public_id, reason=WHY)
    assert chat.told(tip)["outcome"] == "insufficient"
    pass_to(2)
    assert chat.told(tip)["outcome"] == "in-progress"


def test_a_report_closed_on_the_day_it_came_is_received_on_that_day(chat: Reporter) -> None:
    tip = pile.tip(chat.login, at=clock.now())
    pile.assess(clock.now())
    _close(tip, "no-offence")
    pass_to()
    assert chat.told(tip)["outcome"] == "received"
    pass_to(1)
    assert chat.told(tip)["outcome"] == "no-offence"


def test_that_it_was_made_into_a_case_is_told_a_month_later(chat: Reporter) -> None:
    tip = chat.filed()
    _close(tip, "referred")
    for days in (1, 29):
        pass_to(days)
        assert chat.told(tip)["outcome"] == "in-progress"
    assert Told.objects.get(tip=tip).outcome == Outcome.ACTIONED  # what is so, and what is told, are two things
    pass_to(31)
    assert chat.told(tip)["outcome"] == "actioned"


def test_what_is_held_back_is_in_progress_until_it_is_released(chat: Reporter) -> None:
    tip = chat.filed()
    boss = cast.viewer(cast.person("Ravi", "commander"))
    holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=True, reason=WHY)
    _close(tip, "no-offence")
    for days in (1, 400):
        pass_to(days)
        assert chat.told(tip)["outcome"] == "in-progress"
    holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=False, reason=WHY)
    pass_to()
    assert chat.told(tip)["outcome"] == "in-progress"
    pass_to(1)
    assert chat.told(tip)["outcome"] == "no-offence"


def test_of_a_sealed_tip_nothing_more_is_told(chat: Reporter) -> None:
    tip = chat.filed()
    Seal.objects.create(tip=tip, unit=cast.root(), reason=WHY, by="officer:OF-1111-1111", at=clock.now())
    _close(tip, "no-offence")
    pass_to(1)
    assert chat.told(tip)["outcome"] == "in-progress"


def test_what_became_of_it_elsewhere_is_told_as_if_it_were_here(chat: Reporter) -> None:
    tip = chat.filed()
    pass_to(1)
    there = units.add_unit(
        by="command:cli", at=cast.NOON, parent=cast.root(), kind="state", code="ST-9", name="Example State"
    )
    other = Installation.objects.create(
        public_id="NI-1111-1111", name="Example State", card="{}", fingerprint="0" * 64, state="waiting",
        added_by="command:cli", added_at=cast.NOON,
    )  # fmt: skip
    offer = Offer.objects.create(
        public_id="HO-1111-1111", tip=tip, kind="whole", from_unit=cast.root(), to_unit=there, why="area",
        state="sent", band=0, by="officer:OF-1111-1111", sent_at=clock.now(), due_at=clock.now(),
    )  # fmt: skip
    pass_to(1)
    assert chat.told(tip)["outcome"] == "in-progress"
    Offer.objects.filter(pk=offer.pk).update(
        state="accepted", delivered_at=clock.now(), answered_at=clock.now(), answered_by="installation:NI-1111-1111"
    )
    pass_to(1)
    assert chat.told(tip)["outcome"] == "passed-on"
    for told, here in (("in-progress", "passed-on"), ("too-late", "too-late")):
        recording.record(
            offer, ReceiptKind.OUTCOME, by="installation:NI-1111-1111", at=clock.now(), installation=other, outcome=told
        )
        pass_to(1)
        assert chat.told(tip)["outcome"] == here


def test_what_the_reporter_did_itself_is_told_at_once(chat: Reporter) -> None:
    report_id, public_id = cast.Desk(chat.login).opened(at=clock.now())
    tips.retract(by=chat.login, at=clock.now(), report_id=report_id)
    assert chat.told(Tip.objects.get(public_id=public_id))["outcome"] == "retracted"


def test_no_answer_says_who_where_or_which_unit(chat: Reporter) -> None:
    tip = chat.filed()
    _close(tip, "referred")
    pass_to(40)
    answers = "".join(body(chat.ask(where)) for where in (f"reports/{tip.report_id}", "reports.json", "reports.csv"))
    assert set(json.loads(body(chat.ask(f"reports/{tip.report_id}")))) == {
        *("reportId", "receivedOn", "outcome", "since", "ended", "lacks"),
    }
    for word in ("heron", "Kavita", "NL-", "UN-", "OF-", cast.root().name, "referred", "critical", "provider called"):
        assert word not in answers


# --- lists ----------------------------------------------------------------------------------------------------------


def test_pages_and_the_table_hold_every_report_once(chat: Reporter) -> None:
    filed = [pile.tip(chat.login, at=clock.now()) for _ in range(5)]
    pass_to()
    today = f"{clock.now():%Y-%m-%d}"
    address, found = f"reports.json?limit=2&since={today}", []
    while address:
        page = json.loads(body(chat.ask(address)))
        found += [one["reportId"] for one in page["reports"]]
        assert len(page["reports"]) <= 2
        address = (page["next"] or "").removeprefix("/feedback/v1/")
    assert found == sorted(tip.report_id for tip in filed)
    rows = list(csv.DictReader(io.StringIO(body(chat.ask("reports.csv")))))
    assert [int(row["report_id"]) for row in rows] == found
    assert {row["outcome"] for row in rows} == {"received"}
    later = f"{clock.now() + timedelta(days=1):%Y-%m-%d}"
    assert json.loads(body(chat.ask(f"reports.json?since={later}"))) == {"reports": [], "next": None}
    assert body(chat.ask(f"reports.csv?since={later}")).count("\r\n") == 1


def test_no_cell_of_the_table_can_be_a_formula(chat: Reporter) -> None:
    chat.filed()
    for line in body(chat.ask("reports.csv")).splitlines()[1:]:
        assert re.fullmatch(r"\d+,[\d-]{10},[a-z-]+,[\d-]{10},(yes|no),[a-z -]*", line)
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in line.split(","))


def test_who_knows_the_answer_already_is_told_so(chat: Reporter) -> None:
    tip = chat.filed()
    marks = {}
    for address in (f"reports/{tip.report_id}", "reports.json", "reports.csv"):
        answer = chat.ask(address)
        assert answer.headers["Cache-Control"] == "no-store"
        marks[address] = answer.headers["ETag"]
        body(answer)
        known = chat.ask(address, **{"If-None-Match": marks[address]})
        assert (known.status_code, body(known)) == (304, "")
    pass_to(1)
    assert all(chat.ask(address).headers["ETag"] != mark for address, mark in marks.items())


def test_that_a_list_was_taken_is_recorded_and_single_questions_are_not(chat: Reporter) -> None:
    tip = chat.filed()
    chat.ask(f"reports/{tip.report_id}")
    body(chat.ask("reports.csv?since=2026-01-01"))
    (event,) = Event.objects.filter(kind="feedback.listed")
    assert event.actor == event.subject == chat.login.actor
    assert json.loads(event.body)["data"] == {
        "environment": "production",
        "credential": chat.issued.username,
        "form": "csv",
        "since": "2026-01-01",
    }


def test_a_list_is_recorded_once_a_day_from_wherever_it_is_taken(chat: Reporter) -> None:
    chat.filed()
    found = Event.objects.filter(kind="feedback.listed")
    whole = json.loads(body(chat.ask("reports.json?after=1970-01-01.0")))
    assert len(whole["reports"]) == 1
    assert found.count() == 1
    for query in ("", "?since=2999-01-01", "?after=1970-01-01.7", "?limit=1"):
        chat.ask(f"reports.json{query}")
    assert found.count() == 1
    body(chat.ask("reports.csv"))
    assert found.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("UPDATE insight_listed SET day = day - 1")
    chat.ask("reports.json?after=1970-01-01.0")
    assert found.count() == 3


# --- the database ---------------------------------------------------------------------------------------------------


def test_the_functions_are_the_intakes_alone_and_it_reads_no_table_of_insight(chat: Reporter) -> None:
    tip = chat.filed()
    pile.guard()
    asked = f"SELECT told FROM insight_feedback({chat.login.reporter_id}, 'production', {tip.report_id})"
    for role, statement in (
        (WEB, asked),
        (WEB, "SELECT * FROM insight_facts(ARRAY[1])"),
        (INTAKE, "SELECT * FROM insight_facts(ARRAY[1])"),
        (INTAKE, "SELECT * FROM insight_told"),
        (INTAKE, "SELECT * FROM triage_closure"),
    ):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SET LOCAL ROLE {role}")
            cursor.execute(statement)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {INTAKE}")
        cursor.execute(asked)
        assert cursor.fetchall() == [("received",)]
