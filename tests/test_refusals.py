# SPDX-License-Identifier: Apache-2.0
"""Who tries what they may not is in the logs, without saying which record it was about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from structlog.testing import capture_logs

from nightlight.outlook.desk.tests.cast import person

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _static_folder(settings: Settings) -> None:
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)  # whitenoise warns without it


def test_a_refused_attempt_is_logged_with_who_and_what_and_no_record() -> None:
    administrator = person("charlie", "administrator")
    browser = Client()
    browser.force_login(administrator)
    with capture_logs() as entries:
        answer = browser.get("/tips/NL-2222-2222/")
    assert answer.status_code == 403
    (entry,) = [entry for entry in entries if entry["event"] == "refused"]
    assert entry["who"] == administrator.public_id
    assert (entry["page"], entry["method"], entry["address"]) == ("desk:tip", "GET", "127.0.0.1")
    assert "NL-2222" not in str(entry)


def test_what_is_allowed_is_no_refusal() -> None:
    browser = Client()
    browser.force_login(person("charlie", "administrator"))
    with capture_logs() as entries:
        assert browser.get("/system/").status_code == 200
    assert [entry for entry in entries if entry["event"] == "refused"] == []
