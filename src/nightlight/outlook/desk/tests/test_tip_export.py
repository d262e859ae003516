# SPDX-License-Identifier: Apache-2.0
"""The page of a tip gives the tip as a file, to those who work on it and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.outlook.desk.tests import cast
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip

pytestmark = pytest.mark.django_db
WHY = "for the case file 12 of 2026"


@pytest.fixture
def tip(desk: cast.Desk) -> Tip:
    """The example report with everything in it."""
    return desk.full()


def _client(role: str) -> Client:
    client = Client()
    client.force_login(cast.person("Alice", role))
    return client


def test_the_page_gives_a_download_that_nobody_keeps(tip: Tip) -> None:
    client = _client("investigator")
    page = client.get(f"/tips/{tip.public_id}/").content.decode()
    assert "Export this tip" in page
    for form, kind in (("pdf", "application/pdf"), ("json", "application/json")):
        answer = client.post(f"/tips/{tip.public_id}/export/", {"format": form, "reason": WHY})
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
        assert answer["Content-Disposition"] == f'attachment; filename="{tip.public_id}.{form}"'
        assert "no-store" in answer["Cache-Control"]
    assert Event.objects.filter(kind="tip.exported").count() == 2


def test_the_page_says_what_lacks_and_gives_nothing(tip: Tip) -> None:
    client = _client("investigator")
    answer = client.post(f"/tips/{tip.public_id}/export/", {"format": "pdf", "reason": "short"}, follow=True)
    assert "Say in 15 characters or more" in answer.content.decode()
    assert client.get(f"/tips/{tip.public_id}/export/").status_code == 405
    assert "Export this tip" not in _client_page(tip)


def _client_page(tip: Tip) -> str:
    client = Client()
    client.force_login(cast.person("Bob", "auditor"))
    assert client.post(f"/tips/{tip.public_id}/export/", {"format": "pdf", "reason": WHY}).status_code == 403
    return client.get(f"/tips/{tip.public_id}/").content.decode()
