# SPDX-License-Identifier: Apache-2.0
"""Pages of tips that a step cannot work through, of rows of very many tips, and of times that officers find out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import structlog

from nightlight.outlook.desk.tests.test_queue_pages import WHY, address, chat, notices, page, sent, shown, three
from nightlight.pipeline.triage import assessing, gathering
from nightlight.pipeline.triage.models import Band, Group, OfficerFact, Row, Standing
from nightlight.pipeline.triage.tests import cast as pile

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["chat", "three"]


@pytest.fixture
def lost(chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch) -> Tip:
    """A tip that cannot be scored, beside one that can."""
    pile.tip(chat)
    made = pile.tip(chat)
    real = gathering.gather

    def gather(tips: list[Tip], at: datetime) -> object:
        if made in tips:
            raise LookupError("defeated")
        return real(tips, at)

    monkeypatch.setattr(gathering, "gather", gather)
    with structlog.testing.capture_logs():
        assessing.assess_new(by=pile.BY, now=lambda: pile.NOON)
    return made


def test_a_tip_that_cannot_be_scored_is_in_the_queue_and_says_so(alice: Client, lost: Tip) -> None:
    text = page(alice, "/queue/")
    assert shown(text)[0] == lost.public_id
    row = text.split(f'id="row-{lost.public_id}"')[1].split("</li>\n")[0]
    assert "Not assessed: look at it" in row
    assert "No rule could be applied to this report." in row
    assert "evidence" not in row  # nobody knows what dies when
    assert "harm" not in row
    assert lost.public_id in shown(page(alice, "/queue/?band=high"))
    panel = page(alice, address(lost)).split('id="triage"')[1].split("</section>")[0]
    assert "This report could not be scored. Nobody knows how urgent it is" in panel
    assert "<code>LookupError</code>" in panel
    assert "of 100" not in panel
    assert notices(sent(alice, address(lost, "take/")))[0] == "success: You have taken 1 tip."
    text = sent(alice, address(lost, "band/"), band="critical", reason=WHY)
    assert notices(text)[0].startswith("success: Decided.")
    assert f"Alice Example put it into Critical: {WHY}" in " ".join(text.split())
    assert pile.where(lost).band == Band.CRITICAL


def test_who_runs_the_installation_sees_figures_and_no_tip(charlie: Client, bob: Client, lost: Tip) -> None:
    for client, named in ((charlie, False), (bob, True)):  # an administrator, an auditor
        text = client.get("/system/").content.decode()
        told = text.split('id="defeated"')[1].split("</section>")[0]
        assert "LookupError" in told
        assert "scoring" in told
        assert "1</b> report not worked through" in text
        assert "Look at the reports that a step cannot work through." in text
        assert (lost.public_id in text) is named
        assert ("Which reports these are is seen by those who work on them." in told) is not named


def test_with_nothing_wrong_the_page_says_nothing_of_it(charlie: Client) -> None:
    text = charlie.get("/system/").content.decode()
    assert 'id="defeated"' not in text
    assert "Nothing to do" in text


def test_a_row_of_very_many_says_more_than(alice: Client, three: list[Tip]) -> None:
    Standing.objects.filter(tip__in=three).update(kind=Group.VIRAL, anchor=7)
    Row.objects.filter(kind=Group.VIRAL).update(tips=121)
    assert "one file in more than 120 tips" in page(alice, "/queue/")
    panel = page(alice, address(three[0]))
    assert "More than 120 tips stand in one row of the queue; what you do here is done to them, up to 500" in panel


def test_a_time_that_was_found_out_is_recorded_and_counts(alice: Client, three: list[Tip]) -> None:
    tip = three[0]
    form = page(alice, address(tip)).split("Tell a time that you found out")[1].split("</form>")[0]
    assert '<option value="preserved_until">' in form
    assert 'type="datetime-local" name="moment"' in form
    for fact, moment, reason, refusal in (
        ("preserved_until", "soon", WHY, "Give day and hour"),
        ("preserved_until", "0001-01-01T00:00", WHY, "Choose a time that is at most 10 years from now."),
        ("preserved_until", "9999-12-31T23:59", WHY, "Choose a time that is at most 10 years from now."),
        ("preserved_until", "2026-12-24T08:00", "mail", "Say how you know"),
        ("prior_record", "2026-12-24T08:00", WHY, "Say yes or no."),
        ("newest_event", "2026-12-24T08:00", WHY, "This is no fact that an officer records."),
    ):
        (told,) = notices(sent(alice, address(tip, "found-out/"), fact=fact, moment=moment, reason=reason))
        assert told.startswith(f"error: {refusal}"), told
    (told,) = notices(sent(alice, address(tip, "found-out/"), fact="preserved_until", value="yes", reason=WHY))
    assert told == "error: Say a time."
    assert not OfficerFact.objects.exists()
    form_sent = {"fact": "preserved_until", "moment": "2026-12-24T08:00", "reason": WHY}
    text = sent(alice, address(tip, "found-out/"), **form_sent)
    assert notices(text) == ["success: Recorded. The tip is scored anew within seconds."]
    told_time = OfficerFact.objects.get()
    assert told_time.moment == datetime(2026, 12, 24, 2, 30, tzinfo=UTC)  # eight o'clock in India
    assert told_time.value is None
    pile.assess()
    known = gathering.gather([tip], pile.NOON)[0].facts.values["preserved_until"]
    assert known == told_time.moment
    # Nobody knows any more: what was said stays written, and counts no longer.
    sent(alice, address(tip, "found-out/"), fact="preserved_until", moment="", reason=WHY)
    assert list(OfficerFact.objects.order_by("id").values_list("moment", flat=True)) == [told_time.moment, None]
    assert gathering.gather([tip], pile.NOON)[0].facts.values["preserved_until"] is None
