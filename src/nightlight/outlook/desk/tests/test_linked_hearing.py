# SPDX-License-Identifier: Apache-2.0
"""A value that an officer silenced is heard again from the page where that was decided; very large persons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.desk.tests.test_linked import PHONE, REASON, _address, _page
from nightlight.outlook.desk.tests.test_queue_pages import notices, sent
from nightlight.pipeline.linking import queries
from nightlight.pipeline.linking.models import Decision, Identifier, Verdict
from nightlight.pipeline.linking.tests.db_cast import link, persons, reporter, suspect, tip

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip

pytestmark = pytest.mark.django_db
AGAIN = "Let this value link again"


@pytest.fixture
def two() -> tuple[Tip, Tip]:
    """Two tips of two providers that share a telephone."""
    made = tip(reporter(), suspect(phone=PHONE)), tip(reporter("Example Video"), suspect(phone=PHONE))
    link()
    return made


def _decide(client: Client, of: Tip, **form: str) -> list[str]:
    return notices(sent(client, _address(of, 0, "decide/"), **form))


def _refused(client: Client, of: Tip, status: int, **form: str) -> str:
    answer = client.post(_address(of, 0, "decide/"), form)
    assert answer.status_code == status
    return answer.content.decode()


def _value(page: str, name: str) -> str:
    found = re.search(name, page)
    assert found is not None
    return found[1]


def test_a_value_that_was_silenced_links_again(alice: Client, bob: Client, two: tuple[Tip, Tip]) -> None:
    first, second = two
    page = _page(alice, first)
    assert AGAIN not in page
    shared = _value(page, r'<option value="([0-9a-f]{20})">telephone number')
    for ref in (shared, "nothing", ""):
        told = _refused(alice, first, 404, verdict="hear", value=ref, reason=REASON)
        assert "No officer silenced that value" in told
    assert not Decision.objects.exists()
    _decide(alice, first, verdict="silence", value=shared, reason=REASON)
    link()
    assert persons() == []
    page = _page(alice, second)  # parted from the other, and what was decided about its value still stands there
    assert "This value links nobody" in page
    silent = _value(page, r'name="verdict" value="hear"><input type="hidden" name="value" value="([0-9a-f]{20})">')
    assert AGAIN not in _page(bob, second)  # an auditor decides nothing
    _refused(bob, second, 403, verdict="hear", value=silent, reason=REASON)
    assert "Give a reason" in _refused(alice, second, 409, verdict="hear", value=silent, reason="so")
    assert persons() == []
    (told,) = _decide(alice, second, verdict="hear", value=silent, reason=REASON)
    assert told.startswith("success: Recorded: the value links again.")
    link()
    assert persons() == [[first.pk, second.pk]]
    page = _page(alice, first)
    assert "This value links again" in page
    assert "outweighed by a later one" in page
    assert AGAIN not in page
    told_verdicts = Decision.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(told_verdicts) == [Verdict.SILENCE, Verdict.HEAR]


def test_of_somebody_who_was_cleared_no_page_offers_it(alice: Client, two: tuple[Tip, Tip]) -> None:
    page = _page(alice, two[0])
    shared = _value(page, r'<option value="([0-9a-f]{20})">telephone number')
    _decide(alice, two[0], verdict="silence", value=shared, reason=REASON)
    Identifier.objects.filter(kind="phone").update(cleared=True)
    link()
    assert AGAIN not in _page(alice, two[0])
    told = _refused(alice, two[0], 409, verdict="hear", value=shared, reason=REASON)
    assert "Whoever this value belongs to was cleared. It goes on linking nobody." in told


def test_where_there_are_very_many_a_page_says_at_least(
    alice: Client, two: tuple[Tip, Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_COUNTED", 1)
    assert "Proposed as one person: at least 2 tips from 2 providers" in _page(alice, two[0])
