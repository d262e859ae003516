# SPDX-License-Identifier: Apache-2.0
"""A tip that no rule can be applied to is lost to nobody: it stands in the queue, is counted, and is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog
from django.db import connection

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.linking import linking, waiting
from nightlight.pipeline.linking.models import Progress
from nightlight.pipeline.linking.models import Waiting as Unlinked
from nightlight.pipeline.tips import understanding
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.queries import Counted
from nightlight.pipeline.triage import assessing, defeated, gathering, queue, working
from nightlight.pipeline.triage.models import Band, Group, OfficerFact, Row, Score, Standing, Waiting
from nightlight.pipeline.triage.queue import Filter
from nightlight.pipeline.triage.tests import cast
from nightlight.trust.custody.models import Event
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def chat() -> ReporterLogin:
    """A reporter."""
    return cast.reporter()


class Defeat:
    """What is known of some tips cannot be gathered, for as long as they are named here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tips: set[int] = set()
        self.tried = 0
        real = gathering.gather

        def gather(tips: list[Tip], at: object) -> object:
            hit = self.tips & {tip.pk for tip in tips}
            self.tried += len(tips) == 1 and bool(hit)
            if hit:
                raise LookupError("defeated")
            return real(tips, at)  # type: ignore[arg-type]

        monkeypatch.setattr(gathering, "gather", gather)


@pytest.fixture
def defeat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Defeat]:
    """Nothing defeats us yet."""
    with structlog.testing.capture_logs():  # a trace with all that was at hand takes a second to write
        yield Defeat(monkeypatch)


def _run(minutes: float = 0) -> waiting.Left:
    return assessing.assess_new(by=cast.BY, now=lambda: cast.NOON + minutes * MINUTE)


def _kinds(tip: Tip) -> list[str]:
    return [kind for kind in cast.events(tip) if kind.startswith("tip.") and "assessed" in kind]


def test_a_tip_that_cannot_be_scored_stands_at_the_top_of_its_band(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    high, dying = (cast.tip(chat, cast.body(kind="enticement")) for _ in range(2))
    defeat.tips = {lost.pk}
    assert _run() == (False, {lost.pk})
    assert {cast.where(one).band for one in (lost, high, dying)} >= {Band.HIGH}
    for one in (high, dying):  # as urgent, and the evidence of one is about to die
        Standing.objects.filter(tip=one).update(band=Band.HIGH, dies_at=cast.NOON if one == dying else None)
    asha = staff.looking(staff.person("Asha", "triage-officer"))
    lines = queue.queue(asha, Filter()).lines
    assert [line.row.lead_id for line in lines] == [lost.pk, dying.pk, high.pk]
    assert lines[0].score is None
    assert (lines[0].row.kind, lines[0].row.tips) == (Group.SINGLE, 1)
    following = queue.queue(asha, Filter(), after=lines[0].cursor).lines
    assert [line.row.lead_id for line in following] == [dying.pk, high.pk]
    assert not Score.objects.filter(tip=lost).exists()
    assert _kinds(lost) == ["tip.not-assessed"]
    event = Event.objects.get(kind="tip.not-assessed")
    assert '"why":"LookupError"' in event.body and '"queued":true' in event.body


def test_it_is_tried_ever_less_often_and_after_all_others(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    tried = []
    for minute in range(8):
        _run(minute)
        assert not assessing.waits(at=cast.NOON + minute * MINUTE)  # or the step would begin again at once, for ever
        tried.append(defeat.tried)
    assert tried == [1, 2, 2, 3, 3, 3, 4, 4]
    waits = Waiting.objects.get()
    assert (waits.failed_since, waits.failed_times, waits.why) == (cast.NOON, 4, "LookupError")
    fresh = cast.tip(chat)
    assert assessing._next(cast.NOON + 60 * MINUTE, ()) == [fresh.pk, lost.pk]
    assert _kinds(lost) == ["tip.not-assessed"]  # once, not with each try


def test_who_knows_more_has_it_tried_at_once_and_then_it_is_a_tip_like_others(
    chat: ReporterLogin, defeat: Defeat
) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    _run()
    officer = staff.person("Asha", "triage-officer")
    OfficerFact.objects.create(tip=lost, fact="prior_record", value=True, reason=cast.WHY, by=officer, at=cast.NOON)
    assert assessing.waits(at=cast.NOON)
    defeat.tips = set()
    assert _run() == (False, set())
    assert not Waiting.objects.exists()
    where, score = cast.where(lost), Score.objects.get(tip=lost)
    assert (where.band, where.harm) == (score.band, score.harm) and where.harm > 0
    assert (where.dies_at is None) == (score.dies_at is None) and Row.objects.get().dies_at == where.dies_at
    assert _kinds(lost) == ["tip.not-assessed", "tip.assessed"]


def test_one_that_was_scored_before_stays_where_it_stands_and_is_seen_to_fail(
    chat: ReporterLogin, defeat: Defeat
) -> None:
    known = cast.tip(chat)
    _run()
    before = cast.where(known).band
    defeat.tips = {known.pk}
    # It is due by the clock and waits in no list: its failing is written down all the same, and tried in turn.
    Score.objects.update(due_at=cast.NOON)
    assert _run() == (False, {known.pk})
    assert _run(0.5) == (False, set())
    assert cast.where(known).band == before and Score.objects.filter(tip=known).exists()
    (told,) = defeated.of_tip(known)
    assert (told.step, told.why, told.times, told.next_at) == ("triage", "LookupError", 1, cast.NOON + MINUTE)


def test_what_was_set_apart_is_put_nowhere(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    Tip.objects.filter(pk=lost.pk).update(set_apart=True)
    _run()
    assert not Standing.objects.exists()


def test_officers_work_on_it_as_on_any_other(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    _run()
    asha = staff.looking(staff.person("Asha", "triage-officer"))
    with pytest.raises(Conflict, match="rules decide already"):
        working.override(by=asha, at=cast.NOON, tip=lost.public_id, band=None, reason=cast.WHY)
    working.take(by=asha, at=cast.NOON, tip=lost.public_id)
    working.override(by=asha, at=cast.NOON, tip=lost.public_id, band=Band.CRITICAL, reason=cast.WHY)
    assert cast.where(lost).band == Band.CRITICAL
    working.override(by=asha, at=cast.NOON, tip=lost.public_id, band=None, reason=cast.WHY)
    assert cast.where(lost).band == Band.HIGH
    working.close(by=asha, at=cast.NOON, tip=lost.public_id, disposition="not-ours", reason=cast.WHY)
    _run(5)
    assert cast.where(lost).lane == "closed"  # what was decided stands, however often it fails


def test_a_tip_that_cannot_be_compared_is_scored_and_seen(chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, other = cast.tip(chat), cast.tip(chat)
    real = understanding.understand_all

    def fails(tips: list[Tip]) -> object:
        if lost in tips:
            raise KeyError("defeated")
        return real(tips)

    monkeypatch.setattr(linking, "understand_all", fails)
    failed: set[int] = set()
    assert not linking.link_new(by=cast.BY, now=lambda: cast.NOON, passed_over=failed)
    assert failed == {lost.pk}
    assert not linking.waits(at=cast.NOON) and linking.waits(at=cast.NOON + MINUTE)
    _run()
    assert cast.where(lost).band == cast.where(other).band
    assert [(one.step, one.why) for one in defeated.of_tip(lost)] == [("linking", "KeyError")]
    assert "tip.not-linked" in cast.events(lost) and "tip.not-linked" not in cast.events(other)
    monkeypatch.setattr(linking, "understand_all", real)
    linking.again([lost.pk])
    assert not linking.link_new(by=cast.BY, now=lambda: cast.NOON + MINUTE)
    assert not Unlinked.objects.exists() and defeated.of_tip(lost) == ()


def test_what_other_rules_read_and_fails_does_not_keep_the_step_busy(
    chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = cast.tip(chat)
    cast.link()
    Progress.objects.update(version=0)
    monkeypatch.setattr(linking, "_understood", lambda tips, **_: {tip.pk: None for tip in tips if tip != lost})
    for minute in (0, 0.5):
        assert not linking.link_new(by=cast.BY, now=lambda minute=minute: cast.NOON + minute * MINUTE)  # type: ignore[misc]
    assert Unlinked.objects.get().failed_times == 1


def test_who_sees_what_of_them(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    _run()
    admin, auditor = staff.person("Joy", "administrator"), staff.person("Noor", "auditor")
    asha, away = staff.person("Asha", "triage-officer"), staff.person("Dev", "triage-officer", staff.unit("B"))
    cast.guard()
    for person, figures, tips in ((admin, 1, 0), (auditor, 1, 1), (asha, 0, 1), (away, 0, 0)):
        with cast.as_person(person):
            told = defeated.figures()
            assert len(told) == figures, person
            assert [one.tip for one in defeated.tips(staff.looking(person))] == [lost.public_id] * tips, person
            assert len(defeated.of_tip(lost)) == tips, person
            if told:
                assert (told[0].step, told[0].why, told[0].tips, told[0].since) == (
                    "triage", "LookupError", 1, cast.NOON,
                )  # fmt: skip


def test_the_step_may_do_what_it_does(chat: ReporterLogin, defeat: Defeat) -> None:
    lost = cast.tip(chat)
    defeat.tips = {lost.pk}
    cast.guard()
    with cast.as_triage():
        assert _run() == (False, {lost.pk})
        assert _run(1) == (False, {lost.pk})
    assert cast.where(lost).band == Band.HIGH


def test_a_row_of_very_many_is_counted_to_a_point(chat: ReporterLogin) -> None:
    tips = [cast.tip(chat) for _ in range(3)]
    cast.assess()
    unit = cast.where(tips[0]).unit_id
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")  # so that standings need no tips of their own
        cursor.execute(
            """
            INSERT INTO triage_standing (tip_id, unit_id, environment, band, harm, dies_at, workability, kind, anchor,
                                         lane, arrived_at)
            SELECT 1000000000 + n, %s, 'production', 0, 0, %s::timestamptz + n * interval '1 minute', 10, 'viral', 7,
                   'open', %s::timestamptz + n * interval '1 second'
            FROM generate_series(1, 130) n""",
            [unit, cast.NOON, cast.NOON],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
        early = cast.NOON - timedelta(days=3)
        Standing.objects.filter(tip=tips[0]).update(kind=Group.VIRAL, anchor=7, arrived_at=early, band=Band.MEDIUM)
        Standing.objects.filter(tip=tips[1]).update(
            kind=Group.VIRAL, anchor=7, arrived_at=cast.NOON + timedelta(days=1), lane="closed"
        )
        row = Row.objects.get(kind=Group.VIRAL)
        assert row.tips == queue.MOST_COUNTED + 1
        assert queue.counted(row.tips) == Counted(queue.MOST_COUNTED, more=True)
        assert (row.first_at, row.newest_at) == (early, cast.NOON + timedelta(seconds=130))
        assert (row.lead_id, row.band) == (tips[0].pk, Band.MEDIUM)
        assert queue.first_of([row])[row.pk] == tips[0]
        assert queue.first_of([]) == {}
        cursor.execute("DELETE FROM triage_standing WHERE tip_id > 1000000000")
