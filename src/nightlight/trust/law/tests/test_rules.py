# SPDX-License-Identifier: Apache-2.0
"""Files stay locked when in doubt, children are not named when in doubt, and nothing is destroyed a day too early."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation.refusals import NotFound
from nightlight.trust.law.facts import Check, Hold, Record, Standing
from nightlight.trust.law.queries import pack
from nightlight.trust.law.reading import period
from nightlight.trust.law.rules import (
    Lock,
    Time,
    after,
    due_for_destruction,
    may_unseal,
    protected,
    sealed_again_at,
    view_lock,
)

INDIA, USA = pack("IN"), pack("US")
UNKNOWN = st.none() | st.booleans()
AMERICAN = st.sampled_from(["", "US", *sorted(area for court in USA.view_lock.courts for area in court.areas), "US-AS"])
MOMENTS = st.dates(date(1990, 1, 1), date(2070, 1, 1)).flatmap(
    lambda day: st.times(timezones=st.just(UTC)).map(lambda time: datetime.combine(day, time))
)
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
MATCHING_CIRCUITS = {"US-LA", "US-MS", "US-TX", "US-KY", "US-MI", "US-OH", "US-TN"}


def american(jurisdiction: str, *, viewed: bool | None = None, matched: bool | None = None) -> Lock:
    return view_lock(USA, viewed_by_provider=viewed, warrant=False, jurisdiction=jurisdiction, hash_matched=matched)


# ---------------------------------------------------------------- may the file be opened


def test_an_unviewed_file_is_locked_in_the_ninth_circuit_even_where_its_hash_matched() -> None:
    lock = american("US-CA", viewed=False, matched=True)
    assert (lock.locked, lock.warning, lock.rule, lock.court) == (True, False, "us-ca9-wilson", "Ninth Circuit")
    assert lock.basis is not None
    assert lock.basis.check is Check.OFFICIAL
    assert "warrant" in lock.reason


def test_where_no_court_has_decided_the_file_is_locked() -> None:
    for where in ("", "US", "US-IL", "US-CO", "US-DC", "US-AS"):
        assert american(where, matched=True).locked
        assert american(where, matched=True).rule == "us-undecided"


def test_a_matched_hash_opens_with_a_warning_in_two_circuits_only() -> None:
    assert american("US-TX").locked
    assert american("US-TX", matched=False).locked
    lock = american("US-OH-CLEVELAND-1", matched=True)
    assert (lock.locked, lock.warning, lock.rule) == (False, True, "us-ca6-miller")


def test_india_has_no_such_lock_and_does_not_pretend_that_this_was_checked() -> None:
    for where in ("", "IN", "IN-MH", "IN-TS"):
        lock = view_lock(INDIA, viewed_by_provider=None, warrant=False, jurisdiction=where)
        assert (lock.locked, lock.warning, lock.rule) == (False, False, "in-no-such-rule")
        assert lock.basis is not None
        assert lock.basis.check is Check.UNCHECKED


@pytest.mark.parametrize("where", ["US-CA", "us-ca", "MH-EXAMPLE", "IND", "in", " ", "IN-MH\n", "IN-"])
def test_a_place_the_law_in_use_does_not_speak_for_stays_locked(where: str) -> None:
    lock = view_lock(INDIA, viewed_by_provider=True, warrant=True, jurisdiction=where, consent=True)
    assert (lock.locked, lock.rule) == (True, "not-this-law")


@given(AMERICAN, st.tuples(UNKNOWN, st.booleans(), UNKNOWN, st.booleans()), UNKNOWN)
def test_a_file_opens_for_a_known_reason_only(
    where: str, facts: tuple[bool | None, bool, bool | None, bool], matched: bool | None
) -> None:
    viewed, warrant, public, consent = facts
    lock = view_lock(
        USA,
        viewed_by_provider=viewed,
        warrant=warrant,
        jurisdiction=where,
        publicly_available=public,
        consent=consent,
        hash_matched=matched,
    )
    by_fact = True in facts
    by_rule = matched is True and where in MATCHING_CIRCUITS
    assert lock.locked is not (by_fact or by_rule)
    assert lock.warning is (by_rule and not by_fact)
    assert (lock.basis is None) is by_fact
    assert lock.reason.endswith(".")


@given(AMERICAN, st.booleans(), UNKNOWN)
def test_what_is_not_known_counts_as_no(where: str, warrant: bool, matched: bool | None) -> None:
    unknown, no = (
        view_lock(USA, viewed_by_provider=viewed, warrant=warrant, jurisdiction=where, hash_matched=matched)
        for viewed in (None, False)
    )
    assert unknown == no


# ---------------------------------------------------------------- may the person be named


@given(st.sampled_from([INDIA, USA]), st.sampled_from(Standing), st.none() | st.integers(0, 120))
def test_a_child_and_whoever_may_be_one_is_never_named(law: object, standing: Standing, age: int | None) -> None:
    assert law in (INDIA, USA)
    found = protected(INDIA if law is INDIA else USA, standing=standing, age=age)
    assert found.protected is (age is None or age < 18)
    assert bool(found.statutes) is bool(found.identifying) is found.protected
    assert all(standing in statute.protects for statute in found.statutes)
    assert all(statute.section in found.reason for statute in found.statutes)


def test_a_child_in_conflict_with_law_is_protected_by_the_juvenile_justice_act() -> None:
    assert [one.id for one in protected(INDIA, standing=Standing.ACCUSED, age=17).statutes] == ["JJA-74"]
    assert "school" in protected(INDIA, standing=Standing.ACCUSED, age=17).identifying
    assert not protected(INDIA, standing=Standing.ACCUSED, age=18).protected


def test_an_age_is_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        protected(INDIA, standing=Standing.VICTIM, age=-1)


# ---------------------------------------------------------------- is the time over


def test_what_cannot_be_answered_is_refused() -> None:
    day = date(2026, 1, 1)
    with pytest.raises(NotFound, match="'tips'"):
        due_for_destruction(INDIA, "tips", day, day)
    with pytest.raises(ValueError, match="curiosity"):
        due_for_destruction(INDIA, Record.TIP, day, day, ["curiosity"])
    with pytest.raises(ValueError, match="zone"):
        due_for_destruction(INDIA, Record.TIP, datetime(2026, 1, 1), day)  # noqa: DTZ001
    with pytest.raises(ValueError, match="sooner"):
        due_for_destruction(INDIA, Record.TIP, day, day, sooner=day)


def test_while_a_case_runs_nothing_of_it_is_due() -> None:
    for record in (Record.CASE, Record.MEDIA, Record.VICTIM_IDENTITY):
        due = due_for_destruction(INDIA, record, None, date(2099, 1, 1))
        assert (due.time, due.on) == (Time.OPEN, None)


def test_a_tip_without_a_case_is_reviewed_after_three_years() -> None:
    since = date(2026, 11, 22)
    before = due_for_destruction(INDIA, "tip_no_case", since, date(2029, 11, 21))
    assert (before.time, before.on) == (Time.RUNNING, date(2029, 11, 22))
    on_the_day = due_for_destruction(INDIA, "tip_no_case", since, date(2029, 11, 22))
    assert (on_the_day.time, on_the_day.then.value) == (Time.DUE, "review")
    held = due_for_destruction(INDIA, "tip_no_case", since, date(2030, 1, 1), [Hold.AUDIT])
    assert (held.time, held.held_by) == (Time.HELD, (Hold.AUDIT,))


def test_an_investigation_does_not_keep_the_data_of_a_cleared_person() -> None:
    due = due_for_destruction(INDIA, Record.CLEARED_PERSON, date(2026, 1, 1), date(2026, 4, 1), ["open-investigation"])
    assert (due.time, due.on, due.set_aside) == (Time.DUE, date(2026, 4, 1), (Hold.OPEN_INVESTIGATION,))
    held = due_for_destruction(INDIA, Record.CLEARED_PERSON, date(2026, 1, 1), date(2026, 4, 1), ["complaint"])
    assert held.time is Time.HELD


def test_the_day_is_the_latest_it_was_anywhere_and_today_the_earliest() -> None:
    evening = datetime(2026, 1, 1, 23, tzinfo=UTC)  # the 2nd of January east of Greenwich
    due = due_for_destruction(INDIA, Record.CLEARED_PERSON, evening, datetime(2026, 4, 2, 11, tzinfo=UTC))
    assert (due.time, due.on) == (Time.RUNNING, date(2026, 4, 2))  # at 11:00 it is still the 1st of April somewhere
    later = due_for_destruction(INDIA, Record.CLEARED_PERSON, evening, datetime(2026, 4, 2, 12, tzinfo=UTC))
    assert later.time is Time.DUE


def test_an_order_of_the_board_ends_the_seven_years() -> None:
    finding, order = date(2020, 5, 5), date(2023, 1, 1)
    running = due_for_destruction(INDIA, Record.CHILD_ACCUSED, finding, order)
    assert (running.time, running.on) == (Time.RUNNING, date(2027, 5, 5))
    ordered = due_for_destruction(INDIA, Record.CHILD_ACCUSED, finding, order, sooner=order)
    assert (ordered.time, ordered.on) == (Time.DUE, order)
    heinous = due_for_destruction(INDIA, Record.CHILD_ACCUSED, finding, order, ["heinous-finding"], sooner=order)
    assert heinous.time is Time.HELD


def test_the_29th_of_february_and_a_year_is_the_1st_of_march() -> None:
    assert after(date(2024, 2, 29), period("P1Y")) == date(2025, 3, 1)
    assert after(date(2024, 1, 31), period("P1M")) == date(2024, 3, 1)
    assert after(date(2024, 12, 31), period("P1M2D")) == date(2025, 2, 2)
    assert after(date(9999, 1, 1), period("P1Y")) == date.max


@given(st.sampled_from(["P0D", "P90D", "P3Y", "P7Y", "P18M", "P2W"]), DAYS, st.integers(0, 4000))
def test_a_later_beginning_never_ends_sooner(text: str, day: date, days: int) -> None:
    keep = period(text)
    assert day <= after(day, keep) <= after(day + timedelta(days=days), keep)


@given(
    st.sampled_from([(law, one.id) for law in (INDIA, USA) for one in law.retention]),
    MOMENTS,
    MOMENTS,
    st.integers(-12, 14),
    st.sets(st.sampled_from(Hold)),
)
def test_no_zone_and_no_hold_makes_a_destruction_early(
    where: tuple[object, str], since: datetime, today: datetime, hours: int, holds: set[Hold]
) -> None:
    law = INDIA if where[0] is INDIA else USA
    due = due_for_destruction(law, where[1], since, today, holds)
    local = timezone(timedelta(hours=hours))
    if due.time is Time.DUE:
        keep = due.retention_class.keep
        assert today.astimezone(local).date() >= after(since.astimezone(local).date(), keep)
        assert not holds & due.retention_class.holds
    assert {*due.held_by, *due.set_aside} == holds
    assert due.time is not Time.OPEN
    again = due_for_destruction(law, where[1], since, today + timedelta(days=400), holds)
    assert [Time.RUNNING, Time.HELD, Time.DUE].index(again.time) >= [Time.RUNNING, Time.HELD, Time.DUE].index(due.time)


# ---------------------------------------------------------------- opening a sealed name


@given(
    st.sets(
        st.sampled_from(["intake-analyst", "triage-officer", "commander", "legal-reviewer", "auditor", "administrator"])
    )
)
def test_no_other_role_opens_a_sealed_name(roles: set[str]) -> None:
    assert not may_unseal(INDIA, roles=roles, reason="child-in-danger")
    assert not may_unseal(INDIA, roles={*roles, "investigator"}, reason="because")
    assert may_unseal(INDIA, roles={*roles, "investigator"}, reason="child-in-danger")


def test_a_sealed_name_closes_again_after_half_an_hour() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert sealed_again_at(INDIA, opened_at=at) == at + timedelta(minutes=30)
