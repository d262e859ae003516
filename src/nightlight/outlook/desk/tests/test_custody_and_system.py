# SPDX-License-Identifier: Apache-2.0
"""The custody page shows the log and its newest head; the system page shows no tip and no secret."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.outlook.desk.tests import cast
from nightlight.trust.accounts.models import Credential
from nightlight.trust.custody import actions, keys

if TYPE_CHECKING:
    from django.test import Client


def test_before_the_first_head_the_custody_page_says_so(bob: Client) -> None:
    assert "No head has been signed yet" in bob.get("/custody/").content.decode()


def test_the_custody_page_shows_the_note_and_the_entries_of_a_tip(bob: Client, desk: cast.Desk) -> None:
    tip = desk.received()
    head = actions.sign_head(at=cast.NOON + timedelta(hours=1), key=keys.signing_key())
    assert head is not None
    page = bob.get("/custody/", {"q": tip.public_id}).content.decode()
    assert head.note.splitlines()[2] in page.replace("&#x2B;", "+")
    assert "Report finished; receipt sent" in page
    assert f"in signed tree head of size {head.size}" in page


def test_looking_up_what_is_not_there_is_said(bob: Client) -> None:
    answer = bob.get("/custody/", {"q": "NL-1111-1111"})
    assert answer.status_code == 404
    assert "No tip is called" in answer.content.decode()


def test_the_system_page_shows_people_and_reporters_and_neither_tip_nor_secret(
    charlie: Client, desk: cast.Desk
) -> None:
    tip = desk.received()
    page = charlie.get("/system/").content.decode()
    assert "Charlie Example" in page
    assert "Example Chat" in page
    assert tip.public_id not in page
    assert Credential.objects.get().username not in page


def test_failed_jobs_are_counted_by_kind_without_what_they_were_about(charlie: Client, desk: cast.Desk) -> None:
    tip = desk.received(read=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    page = charlie.get("/system/").content.decode()
    assert "pipeline.tips.tasks.read" in page
    assert "nightlight doctor" in page
    assert tip.public_id not in page
