# SPDX-License-Identifier: Apache-2.0
"""The life of a report: refused where it should be, kept for ever, closed once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction

from nightlight.pipeline.tips import actions, rules
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.formats.cybertipline.answers import Preset, Situation
from nightlight.pipeline.tips.formats.cybertipline.check import Profile, Refused
from nightlight.pipeline.tips.intake import IntakeSettings
from nightlight.pipeline.tips.models import Document, LikelyDuplicate, Summary, Tip
from nightlight.pipeline.tips.summarising import summarise
from nightlight.pipeline.tips.tests.conftest import AT, login
from nightlight.trust.accounts import queries as accounts
from nightlight.trust.custody import verify as custody_verify
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import verify as evidence_verify
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.evidence.vault import Vault

REPORT = (
    b"<report><incidentSummary><incidentType>Misleading Domain Name</incidentType><incidentDateTime>"
    b"2026-11-01T08:00:00Z</incidentDateTime></incidentSummary><reporter><reportingPerson>"
    b"<email>desk@example.org</email></reportingPerson></reporter></report>"
)
HOUR = timedelta(hours=1)
SETTINGS = IntakeSettings(profile=Profile.ADVISE, preset=Preset.MODERN, newer=False)


def opened(by: ReporterLogin, at: datetime = AT, body: bytes = REPORT) -> int:
    checked = check.check_report(body, profile=Profile.ADVISE, now=at, newer=False, known_reports=lambda ids: ids)
    return actions.open_report(by=by, at=at, body=body, checked=checked, sent_from="192.0.2.1")[0]


def upload(vault: Vault, by: ReporterLogin, report_id: int, body: bytes = b"pattern", at: datetime = AT) -> str:
    with vault.stage() as staging:
        staging.write(body)
        sealed = staging.seal()
    return actions.add_file(by=by, at=at, report_id=report_id, sealed=sealed, name_as_sent="a.png")[0]


def describe(by: ReporterLogin, report_id: int, file_id: str, at: datetime = AT) -> None:
    body = f"<fileDetails><reportId>{report_id}</reportId><fileId>{file_id}</fileId></fileDetails>".encode()
    actions.describe_file(by=by, at=at, body=body, settings=SETTINGS, note=lambda _id: None)


def refused(situation: Situation, *, by: ReporterLogin, report_id: int, at: datetime) -> None:
    with pytest.raises(Refused) as caught:
        actions.finish(by=by, at=at, report_id=report_id)
    assert caught.value.situation is situation


# --- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_wrong_password_an_unknown_name_and_an_inactive_credential_open_nothing() -> None:
    who = login()
    assert accounts.reporter_login(who.username, "wrong") is None
    assert accounts.reporter_login("rp-nobody", "wrong") is None
    assert accounts.reporter_login("", "") is None


@pytest.mark.django_db
def test_a_report_of_another_reporter_or_environment_is_unknown() -> None:
    mine = opened(login())
    refused(Situation.UNKNOWN_REPORT, by=login("Example Forum"), report_id=mine, at=AT)
    refused(Situation.UNKNOWN_REPORT, by=login(environment="test"), report_id=mine, at=AT)


@pytest.mark.django_db
def test_an_unfinished_report_lapses_after_a_day() -> None:
    who = login()
    number = opened(who)
    refused(Situation.ALREADY_RETRACTED, by=who, report_id=number, at=AT + 24 * HOUR)
    assert actions.expire_due(by="service:worker", at=AT + 24 * HOUR - timedelta(seconds=1)) == 0
    assert actions.expire_due(by="service:worker", at=AT + 24 * HOUR) == 1
    assert actions.expire_due(by="service:worker", at=AT + 25 * HOUR) == 0
    assert Tip.objects.get(report_id=number).state == "expired"
    refused(Situation.ALREADY_RETRACTED, by=who, report_id=number, at=AT + 25 * HOUR)
    assert Document.objects.get(tip__report_id=number).body is not None  # what came is kept


@pytest.mark.django_db
def test_a_late_upload_or_file_details_give_one_more_hour(vault: Vault) -> None:
    who = login()
    number = opened(who)
    file_id = upload(vault, who, number, at=AT + 23.5 * HOUR)
    assert actions.expire_due(by="service:worker", at=AT + 24 * HOUR) == 0
    describe(who, number, file_id, at=AT + 24.25 * HOUR)
    assert actions.expire_due(by="service:worker", at=AT + 25 * HOUR) == 0
    refused(Situation.ALREADY_RETRACTED, by=who, report_id=number, at=AT + 25.25 * HOUR)
    assert actions.finish(by=who, at=AT + 25.2 * HOUR, report_id=number)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_change_what_was_received(vault: Vault) -> None:
    who = login()
    number = opened(who)
    upload(vault, who, number)
    actions.finish(by=who, at=AT, report_id=number)
    forbidden = (
        "UPDATE tips_tip SET sent_by = 'somebody'",
        "UPDATE tips_tip SET state = 'open'",
        "UPDATE tips_tip SET state = 'retracted'",
        "DELETE FROM tips_tip",
        "TRUNCATE tips_tip CASCADE",
        "UPDATE tips_document SET body = ''",
        "DELETE FROM tips_document",
        "DELETE FROM tips_tipfile",
    )
    for sql in forbidden:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


# --- the way it goes ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_finished_report_is_summarised_and_its_repeat_flagged(vault: Vault) -> None:
    who = login()
    first, second, other = opened(who), opened(who), opened(login("Example Forum"))
    for number, reporter in ((first, who), (second, who)):
        upload(vault, reporter, number)
        actions.finish(by=reporter, at=AT, report_id=number)
        summarise([Tip.objects.get(report_id=number)], by="service:worker", at=AT)
    summarise([Tip.objects.get(report_id=other)], by="service:worker", at=AT)
    assert Summary.objects.get(tip__report_id=first).files == 1
    assert LikelyDuplicate.objects.get().tip.report_id == second
    assert LikelyDuplicate.objects.get().earlier.report_id == first
    summarise([Tip.objects.get(report_id=second)], by="service:worker", at=AT)  # safe to run twice
    assert LikelyDuplicate.objects.count() == 1


@pytest.mark.django_db
def test_the_same_report_days_later_is_no_retry() -> None:
    who = login()
    opened(who)
    late = opened(who, at=AT + rules.REPEAT_WITHIN + HOUR)
    summarise([Tip.objects.get(report_id=late)], by="service:worker", at=AT)
    assert not LikelyDuplicate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_uploads_that_race_with_finish_are_in_the_receipt_or_refused(vault: Vault) -> None:
    who = login()
    number = opened(who)
    told: list[str] = []
    receipts: list[bytes] = []

    def send(count: int) -> None:
        try:
            for turn in range(8):
                told.append(upload(vault, who, number, f"{count} {turn}".encode()))  # noqa: PERF401
        except Refused:
            pass
        finally:
            connection.close()

    def close() -> None:
        receipts.append(actions.finish(by=who, at=AT, report_id=number))
        connection.close()

    senders = [threading.Thread(target=send, args=(count,)) for count in range(4)]
    for thread in senders:
        thread.start()
    while len(told) < 6 and any(thread.is_alive() for thread in senders):
        pass
    closer = threading.Thread(target=close)
    closer.start()
    for thread in (*senders, closer):
        thread.join()
    assert all(file_id.encode() in receipts[0] for file_id in told)
    assert receipts[0].count(b"<fileId>") == len(told)


@pytest.mark.django_db(transaction=True)
def test_verification_finds_any_altered_field_document_or_file(vault: Vault) -> None:
    who = login()
    number = opened(who)
    describe(who, number, upload(vault, who, number))
    actions.finish(by=who, at=AT, report_id=number)
    open_one = opened(who)
    assert _problems() == []
    public_id = Tip.objects.get(report_id=number).public_id
    root = Unit.objects.get(receives=True)
    units.add_unit(by="command:cli", at=AT, code="ELSEWHERE", name="Elsewhere", kind="district", parent=root)
    changes = {
        "tips_tip": [
            "sent_by = 'x'",
            "environment = 'test'",
            "incident_type = 'material'",
            "batched = true",
            "escalated = true",
            "report_id = 1",
            "opened_at = opened_at + interval '1 second'",
            "state_at = state_at + interval '1 second'",
            "state = 'retracted'",
            "unit_id = (SELECT max(id) FROM units_unit)",
            "payload_sha256 = decode('00', 'hex')",
            "public_id = 'NL-0000-0000'",
        ],
        "tips_document": [
            "body = set_byte(body, 3, 7)",
            "key_part = set_byte(key_part, 60, 9)",
            "size = size + 1",
            "sha256 = decode('00', 'hex')",
            "kind = 'download'",
        ],
        "tips_tipfile": ["file_id = 'x'"],
        "evidence_item": ["context = 'tip:other'", "name_closed = set_byte(name_closed, 2, 9)"],
        "evidence_blob": ["size = size + 1", "md5 = sha1"],
        "custody_event": ["kind = 'tip.seen'", "actor = 'officer:x'"],
    }
    for table, updates in changes.items():
        for update in updates:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                one = f"(SELECT max(id) FROM {table})" if table != "tips_tip" else "0"
                where = f"public_id = '{public_id}'" if table == "tips_tip" else f"id = {one}"
                if table == "custody_event":
                    where = "kind = 'tip.received'"
                cursor.execute(f"UPDATE {table} SET {update} WHERE {where}")
                assert cursor.rowcount == 1, (table, update)
                assert _problems(), (table, update)
                transaction.set_rollback(True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM tips_tip WHERE report_id = %s", [open_one])
        assert "tip-missing" in _problems()
        transaction.set_rollback(True)
    assert _problems() == []


def _problems() -> list[str]:
    found = [problem.code for check in (evidence_verify.check, tips_verify.check) for problem in check()]
    run = custody_verify._Run([], lambda _done, _total: None)
    run.placed([])
    run.unplaced()
    return [str(code) for code in (*found, *(problem.code for problem in run.report.problems))]


@pytest.mark.django_db
def test_each_step_is_one_custody_event_in_its_transaction(vault: Vault) -> None:
    who = login()
    number = opened(who)
    describe(who, number, upload(vault, who, number))
    actions.finish(by=who, at=AT, report_id=number)
    kinds = [event.kind for event in Event.objects.order_by("id") if event.actor.startswith("reporter:")]
    assert kinds == ["tip.opened", "evidence.received", "tip.file-described", "tip.received"]
