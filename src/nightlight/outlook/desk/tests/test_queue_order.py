# SPDX-License-Identifier: Apache-2.0
"""The order of the queue, and its pages: no row is lost between two of them and none stands on both."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_queue_pages import HOUR, NOON, an_hour_later, chat, names, page, shown, three
from nightlight.pipeline.triage import queue
from nightlight.pipeline.triage.models import Row, Score, Standing
from nightlight.pipeline.triage.tests import cast as pile

if TYPE_CHECKING:
    import pytest
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["an_hour_later", "chat", "three"]


def test_rows_go_by_band_then_by_the_hours_left_then_by_what_can_be_worked(alice: Client, chat: ReporterLogin) -> None:
    minute = timedelta(minutes=1)
    later = pile.tip(chat, at=NOON + 25 * minute)
    workable = pile.tip(chat, pile.body(email="heron@mail.example.org"), at=NOON + 20 * minute)
    sooner = pile.tip(chat, at=NOON - HOUR)
    never, lured = pile.tip(chat, at=NOON), pile.tip(chat, pile.body(kind="enticement"), at=NOON + 2 * HOUR)
    pile.assess(NOON + 2 * HOUR)
    Standing.objects.filter(tip=never).update(dies_at=None, workability=90)
    assert Score.objects.get(tip=workable).dies_at < Score.objects.get(tip=later).dies_at  # type: ignore[operator]
    Score.objects.filter(tip=later).update(dies_at=NOON)  # what the row says counts, and it says the hour
    assert pile.where(later).dies_at == pile.where(workable).dies_at
    # The band first, whatever dies; then the hour; within one hour what can be worked; last what has no clock.
    assert shown(page(alice, "/queue/")) == names(lured, sooner, workable, later, never)


_AT = st.none() | st.integers(0, 3).map(lambda hours: NOON + hours * HOUR)
_ROWS = st.lists(st.tuples(st.integers(0, 3), _AT, st.integers(0, 2)), max_size=14)


@settings(max_examples=30, deadline=None)
@given(rows=_ROWS, at_most=st.integers(1, 5), band=st.none() | st.integers(0, 3))
def _pages_are_the_whole(
    lead: Tip, viewer: User, rows: list[tuple[int, datetime | None, int]], at_most: int, band: int | None
) -> None:
    Row.objects.all().delete()
    made = Row.objects.bulk_create(
        Row(
            unit_id=lead.unit_id, environment="production", kind="single", anchor=number, lead=lead, tips=1,
            band=of, harm=0, dies_at=dies_at, workability=workability, first_at=NOON, newest_at=NOON,
        )
        for number, (of, dies_at, workability) in enumerate(rows)
    )  # fmt: skip
    never = datetime.max.replace(tzinfo=UTC)
    wanted = [one for one in made if band is None or one.band == band]
    wanted.sort(key=lambda one: (-one.band, one.dies_at or never, -one.workability, one.pk))
    looking, found, after = cast.viewer(viewer), [], None
    for _ in range(len(rows) + 1):
        part = queue.queue(looking, queue.Filter(band=band), after=after, at_most=at_most)
        assert len(part.lines) <= at_most
        found += [line.row.pk for line in part.lines]
        if part.following is None:
            break
        after = queue.Cursor.parse(str(part.following))
        assert after == part.following
    assert found == [one.pk for one in wanted]


def test_pages_lose_no_row_and_repeat_none(three: list[Tip]) -> None:
    _pages_are_the_whole(three[0], cast.person("Alice", "triage-officer"))


@given(
    st.builds(
        queue.Cursor,
        st.integers(0, 3),
        st.none() | st.datetimes(NOON.replace(tzinfo=None), timezones=st.just(UTC)),
        st.integers(0, 100),
        st.integers(1, 10**18 - 1),
    )
)
def test_a_place_is_read_as_it_was_written_whatever_year_a_mistaken_report_names(place: queue.Cursor) -> None:
    assert queue.Cursor.parse(str(place)) == place


def test_pages_lead_on_and_back_to_the_top(alice: Client, three: list[Tip], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = queue.queue
    monkeypatch.setattr(queue, "queue", lambda viewer, wanted, after: whole(viewer, wanted, after=after, at_most=2))
    first = page(alice, "/queue/?whose=nobody")
    assert shown(first) == names(three[2], three[1])
    assert "To the top" not in first
    onwards = re.search(r'rel="next" href="([^"]+)"', first)
    assert onwards is not None
    rest = page(alice, f"/queue/{onwards[1]}")
    assert shown(rest) == names(three[0])
    assert 'rel="next"' not in rest
    assert '<a href="?whose=nobody">← To the top' in rest
    onwards = re.search(r'rel="next" href="([^"]+)"', page(alice, "/queue/"))
    assert onwards is not None
    assert '<a href="?">← To the top' in page(alice, f"/queue/{onwards[1]}")


def test_more_rows_cost_no_more_queries(alice: Client, chat: ReporterLogin) -> None:
    numbers = []
    for more in (2, 6):
        for _ in range(more):
            pile.tip(chat)
        pile.assess()
        page(alice, "/queue/")  # the first look writes that it was
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(alice, "/queue/")
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]
