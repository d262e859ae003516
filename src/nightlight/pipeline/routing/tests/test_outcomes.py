# SPDX-License-Identifier: Apache-2.0
"""What a reporter is told: one code for everything that can become of a report, late enough, and never taken back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.routing import outcomes
from nightlight.pipeline.routing.outcomes import Outcome, of, told
from nightlight.pipeline.tips.models import State
from nightlight.pipeline.triage.models import Disposition

TODAY = date(2026, 11, 20)
_ANY = st.sampled_from(Outcome)
_BEFORE = st.none() | _ANY
_BY_REPORTER = set(outcomes.OF_STATE.values())


def test_every_disposition_and_every_code_has_its_place() -> None:
    assert set(outcomes.OF_DISPOSITION) == set(Disposition.values)
    assert set(outcomes.OF_STATE) < set(State.values)
    assert all(code.words for code in Outcome)


@pytest.mark.parametrize(
    ("told_of", "said"),
    [
        ({"state": "received"}, Outcome.RECEIVED),
        ({"state": "received", "lane": "open"}, Outcome.IN_PROGRESS),
        ({"state": "received", "lane": "snoozed"}, Outcome.IN_PROGRESS),
        ({"state": "received", "lane": "open", "disposition": "referred"}, Outcome.IN_PROGRESS),  # opened again
        ({"state": "received", "lane": "closed", "disposition": "referred"}, Outcome.ACTIONED),
        ({"state": "received", "lane": "closed", "disposition": "linked"}, Outcome.LINKED),
        ({"state": "received", "lane": "closed", "disposition": "linked", "repeats": True}, Outcome.DUPLICATE),
        ({"state": "received", "lane": "closed", "disposition": "cannot-work"}, Outcome.INSUFFICIENT),
        ({"state": "received", "lane": "closed", "disposition": "not-ours"}, Outcome.NOT_THIS_COUNTRY),
        ({"state": "received", "lane": "closed", "disposition": "not-ours", "handed_on": True}, Outcome.PASSED_ON),
        ({"state": "received", "lane": "closed", "disposition": "of a later version"}, Outcome.IN_PROGRESS),
        ({"state": "received", "lane": "open", "handed_on": True}, Outcome.PASSED_ON),
        ({"state": "received", "lane": "open", "handed_on": True, "elsewhere": "no-offence"}, Outcome.NO_OFFENCE),
        ({"state": "received", "lane": "open", "handed_on": True, "elsewhere": "in-progress"}, Outcome.PASSED_ON),
        ({"state": "received", "lane": "open", "elsewhere": "of a later version"}, Outcome.IN_PROGRESS),
        ({"state": "retracted", "lane": "closed", "disposition": "referred"}, Outcome.RETRACTED),
        ({"state": "expired"}, Outcome.EXPIRED),
        ({"state": "unreadable"}, Outcome.UNREADABLE),
    ],
)
def test_what_became_of_it(told_of: dict[str, object], said: Outcome) -> None:
    assert of(**told_of) is said  # type: ignore[arg-type]


def _told(outcome: Outcome, before: Outcome | None = Outcome.IN_PROGRESS, **more: object) -> outcomes.Told:
    facts = {"decided_on": TODAY, "today": TODAY, "held_back": False, "actioned_after": 30, **more}
    return told(outcome, before=before, **facts)  # type: ignore[arg-type]


@given(outcome=_ANY, before=_BEFORE)
def test_while_it_is_held_back_nothing_new_is_told(outcome: Outcome, before: Outcome | None) -> None:
    said = _told(outcome, before, held_back=True).outcome
    if outcome in _BY_REPORTER:
        assert said is outcome
    elif before is None:
        assert said is Outcome.RECEIVED
    else:
        assert said is (Outcome.IN_PROGRESS if before is Outcome.RECEIVED else before)


@given(outcome=st.sampled_from(sorted(outcomes.TELLING)), days=st.integers(0, 60), after=st.none() | st.integers(1, 60))
def test_that_police_work_on_somebody_is_told_late_or_never(outcome: Outcome, days: int, after: int | None) -> None:
    said = _told(outcome, decided_on=TODAY - timedelta(days=days), actioned_after=after)
    if after is not None and days >= after:
        assert said == outcomes.Told(outcome)
    else:
        due = None if after is None else TODAY + timedelta(days=after - days)
        assert said == outcomes.Told(Outcome.IN_PROGRESS, due)


def test_on_the_first_day_a_report_was_received_and_on_the_next_it_is_in_progress() -> None:
    assert _told(Outcome.NO_OFFENCE, None) == outcomes.Told(Outcome.RECEIVED, TODAY + timedelta(days=1))
    assert _told(Outcome.RECEIVED, Outcome.RECEIVED).outcome is Outcome.IN_PROGRESS  # looked at by nobody yet
    assert _told(Outcome.IN_PROGRESS, Outcome.RECEIVED).outcome is Outcome.IN_PROGRESS


def test_a_report_that_is_opened_again_is_in_progress_again() -> None:
    assert _told(Outcome.IN_PROGRESS, Outcome.NO_OFFENCE).outcome is Outcome.IN_PROGRESS
    assert _told(Outcome.ACTIONED, Outcome.NO_OFFENCE).outcome is Outcome.IN_PROGRESS  # and not what it was before
    assert _told(Outcome.ACTIONED, Outcome.ACTIONED).outcome is Outcome.ACTIONED  # not told anew after thirty days
