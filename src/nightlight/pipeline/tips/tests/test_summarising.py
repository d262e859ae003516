# SPDX-License-Identifier: Apache-2.0
"""New tips are read in batches; one that defeats us holds up no other, and two readers take different tips."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.pipeline.tips import actions, summarising
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.models import Summary, Tip, Unread
from nightlight.pipeline.tips.tests.conftest import AT, login
from nightlight.pipeline.tips.tests.test_actions import REPORT, opened
from nightlight.trust.accounts import verify as accounts_verify
from nightlight.trust.accounts.models import Credential, Reporter

if TYPE_CHECKING:
    from nightlight.pipeline.tips.understanding import Understood


def finished(count: int) -> list[int]:
    who = login()
    numbers = [opened(who, body=REPORT + b" " * n) for n in range(count)]
    for number in numbers:
        actions.finish(by=who, at=AT, report_id=number)
    return numbers


@pytest.mark.django_db
def test_a_tip_that_defeats_us_is_said_so_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = finished(4)
    bad = Tip.objects.get(report_id=numbers[1])
    made = summarising.summary_of

    def brittle(understood: Understood) -> Summary:
        if understood.tip == bad:
            raise ValueError("a rule of ours failed")
        return made(understood)

    monkeypatch.setattr(summarising, "summary_of", brittle)
    assert summarising.summarise_new(by="service:worker", at=AT) == 4
    assert Summary.objects.count() == 4
    assert Summary.objects.get(tip=bad).sentence.startswith("No summary could be made")
    assert not Unread.objects.exists()


@pytest.mark.django_db
def test_every_closed_tip_waits_to_be_read_and_an_open_one_does_not() -> None:
    who = login()
    retracted, still_open = opened(who), opened(who)
    actions.retract(by=who, at=AT, report_id=retracted)
    assert [unread.tip.report_id for unread in Unread.objects.select_related("tip")] == [retracted]
    assert summarising.summarise_new(by="service:worker", at=AT) == 1
    assert not Summary.objects.filter(tip__report_id=still_open).exists()
    assert summarising.summarise_new(by="service:worker", at=AT) == 0


@pytest.mark.django_db(transaction=True)
def test_two_readers_share_the_work() -> None:
    finished(130)
    taken: list[int] = []

    def read() -> None:
        taken.append(summarising.summarise_new(by="service:worker", at=AT))
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sum(taken) == 130
    assert Summary.objects.count() == 130


@pytest.mark.django_db
def test_an_altered_summary_reporter_or_credential_is_noticed() -> None:
    finished(1)
    summarising.summarise_new(by="service:worker", at=AT)
    checks = (accounts_verify.check, tips_verify.check_summaries)
    assert [problem for check in checks for problem in check()] == []
    changes = {
        "summary-altered": Summary.objects.filter().update(sentence="Nothing to see here."),
        "reporter-altered": Reporter.objects.filter().update(name="Example Chaf"),
        "credential-altered": Credential.objects.filter().update(active=False),
    }
    assert all(changes.values())
    assert {problem.code for check in checks for problem in check()} == set(changes)
