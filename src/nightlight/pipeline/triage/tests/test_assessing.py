# SPDX-License-Identifier: Apache-2.0
"""Tips are scored when they come and whenever more is known, and stand in the queue where that puts them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.pipeline.matching.tests.cast import pattern, png
from nightlight.pipeline.tips.models import Document, Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.pipeline.triage import assessing, gathering, rules
from nightlight.pipeline.triage.models import (
    Alert,
    Band,
    Group,
    Lane,
    OfficerFact,
    Override,
    PastScore,
    Row,
    Score,
    Standing,
    Waiting,
)
from nightlight.pipeline.triage.tests import cast
from nightlight.trust.custody.models import Event
from nightlight.trust.retention.models import Apart
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def chat() -> ReporterLogin:
    """A reporter."""
    return cast.reporter()


def said(of: Tip) -> rules.Score:
    """What the rules said of a tip last."""
    return rules.from_json(Score.objects.get(tip=of).body)


def assessed(of: Tip) -> int:
    """How often the log says that a tip was assessed."""
    return Event.objects.filter(subject=f"tip:{of.public_id}", kind="tip.assessed").count()


def _damage(tip: Tip) -> None:
    """Change a byte of what was received, past the guard that lets nobody do so."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE tips_document SET body = set_byte(body, 40, 7) WHERE tip_id = %s", [tip.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_report_that_cannot_be_opened_goes_on_waiting_and_holds_up_no_other(chat: ReporterLogin) -> None:
    before, damaged, after = cast.tip(chat), cast.tip(chat), cast.tip(chat)
    _damage(damaged)
    assert assessing.assess_new(by=cast.BY, now=lambda: cast.NOON) == (False, {damaged.pk})
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [damaged.pk]
    assert set(Standing.objects.values_list("tip_id", flat=True)) == {before.pk, damaged.pk, after.pk}
    assert set(Score.objects.values_list("tip_id", flat=True)) == {before.pk, after.pk}


def test_what_was_set_apart_or_destroyed_is_not_in_the_queue(chat: ReporterLogin) -> None:
    kept, apart, gone = (cast.tip(chat) for _ in range(3))
    cast.assess()
    assert Standing.objects.count() == 3
    Tip.objects.filter(pk=apart.pk).update(set_apart=True)
    Document.objects.filter(tip=gone, kind="report").update(key_part=b"")
    Waiting.objects.get_or_create(tip=gone)
    cast.assess()
    assert set(Standing.objects.values_list("tip_id", flat=True)) == {kept.pk}
    assert set(Row.objects.values_list("lead_id", flat=True)) == {kept.pk}
    assert Score.objects.count() == 3  # what it was scored stays


def test_a_tripwire_waits_for_no_fingerprint_and_no_link(chat: ReporterLogin) -> None:
    urgent = cast.tip(chat, cast.body(urgent="Please look at this first."), png(pattern(1)))
    cast.assess()
    first = said(urgent)
    assert first.band is rules.Band.CRITICAL
    assert [one.id for one in first.tripwires] == ["escalated"]
    assert first.inputs["files_new"] is None and first.inputs["linked_tips"] is None
    assert Alert.objects.get(tip=urgent).code == "escalated"
    cast.look_up()
    cast.link()
    assert Waiting.objects.filter(tip=urgent).exists()
    cast.assess()
    second = said(urgent)
    assert second.inputs["files_new"] == 1 and second.inputs["linked_tips"] == 1
    assert PastScore.objects.filter(tip=urgent).count() == 1
    # Nothing that decides who is called changed: one entry, one alert.
    assert assessed(urgent) == 1 and Alert.objects.count() == 1


def test_words_of_danger_are_a_tripwire_and_denied_ones_are_not(chat: ReporterLogin) -> None:
    stated = cast.tip(chat, cast.body(said="She wrote: I do not want to live anymore."))
    denied = cast.tip(chat, cast.body(said="She wrote: I do not want to die."))
    cast.assess()
    assert [one.id for one in said(stated).tripwires] == ["self-harm"]
    assert not said(denied).tripwires


def test_scoring_again_without_anything_new_writes_nothing(chat: ReporterLogin) -> None:
    plain = cast.tip(chat)
    cast.assess()
    before = Score.objects.values().get(tip=plain)
    Waiting.objects.create(tip=plain)
    cast.assess(cast.NOON + HOUR)
    assert Score.objects.values().get(tip=plain) == before
    assert not PastScore.objects.exists() and assessed(plain) == 1


def test_what_an_officer_found_out_counts_and_can_be_taken_back(chat: ReporterLogin) -> None:
    officer = staff.person("Asha", "triage-officer")
    plain = cast.tip(chat)
    cast.assess()
    low = Score.objects.get(tip=plain).harm
    for value, expected in ((True, low + 20), (None, low)):
        OfficerFact.objects.create(
            tip=plain, fact="prior_record", value=value, reason=cast.WHY, by=officer, at=cast.NOON
        )
        cast.assess()
        assert Score.objects.get(tip=plain).harm == expected


def test_an_override_stands_whatever_is_scored_later(chat: ReporterLogin) -> None:
    officer = staff.person("Asha", "triage-officer")
    plain = cast.tip(chat)
    cast.assess()
    Override.objects.create(tip=plain, band=Band.HIGH, rules_band=0, reason=cast.WHY, by=officer, at=cast.NOON)
    assert cast.where(plain).band == Band.HIGH
    Waiting.objects.create(tip=plain)
    cast.assess()
    assert cast.where(plain).band == Band.HIGH and Score.objects.get(tip=plain).band == Band.LOW


def test_what_was_put_off_comes_back_in_time_or_when_its_band_rises(chat: ReporterLogin) -> None:
    timed, raised, still = (cast.tip(chat) for _ in range(3))
    cast.assess()
    off = Standing.objects.filter(tip__in=[timed, raised, still])
    off.update(lane=Lane.SNOOZED, snoozed_until=cast.NOON + 24 * HOUR)
    off.filter(tip=timed).update(snoozed_until=cast.NOON + HOUR)
    officer = staff.person("Asha", "triage-officer")
    for fact in ("prior_record", "access_to_children"):
        OfficerFact.objects.create(tip=raised, fact=fact, value=True, reason=cast.WHY, by=officer, at=cast.NOON)
    cast.assess(cast.NOON + HOUR)
    assert [cast.where(one).lane for one in (timed, raised, still)] == [Lane.OPEN, Lane.OPEN, Lane.SNOOZED]


def test_time_alone_scores_a_tip_again_when_it_is_due(chat: ReporterLogin) -> None:
    plain = cast.tip(chat)
    cast.assess()
    due = Score.objects.get(tip=plain).due_at
    if due is None:
        Score.objects.filter(tip=plain).update(due_at=cast.NOON + HOUR)
        due = cast.NOON + HOUR
    cast.assess(due)
    later = Score.objects.get(tip=plain).due_at
    assert later is None or later > due


def test_the_same_report_again_stands_with_the_first(chat: ReporterLogin) -> None:
    same = cast.body()
    first = cast.tip(chat, same)
    cast.assess()
    assert cast.row(first) == (Group.SINGLE, first.pk)
    second, third = cast.tip(chat, same), cast.tip(chat, same)
    cast.link()
    cast.assess()
    assert {cast.row(one) for one in (first, second, third)} == {(Group.REPEATS, first.pk)}
    assert said(first).inputs["linked_tips"] == 1  # one report three times is one report
    assert Row.objects.get().tips == 3


def test_tips_of_one_person_make_one_row_and_part_again(chat: ReporterLogin) -> None:
    other = cast.reporter("Example Photos")
    mail = "heron@mail.example.org"
    one = cast.tip(chat, cast.body(email=mail))
    cast.link()
    cast.assess()
    assert cast.row(one)[0] == Group.SINGLE
    two = cast.tip(other, cast.body(email=mail), at=cast.NOON + 24 * HOUR)
    cast.link()
    cast.assess(cast.NOON + 25 * HOUR)
    assert cast.row(one) == cast.row(two) and cast.row(one)[0] == Group.PERSON
    for tip in (one, two):
        inputs = said(tip).inputs
        assert (inputs["linked_tips"], inputs["linked_providers"], inputs["linked_span_days"]) == (2, 2, 1)
    Tip.objects.filter(pk=two.pk).update(set_apart=True)
    cast.link()
    cast.assess(cast.NOON + 25 * HOUR)
    assert cast.row(one) == (Group.SINGLE, one.pk) and said(one).inputs["linked_tips"] == 1


def test_one_file_passed_on_by_many_is_one_row_but_for_those_with_a_sign_of_their_own(chat: ReporterLogin) -> None:
    clip = png(pattern(3))
    early = [cast.tip(chat, b"", clip) for _ in range(gathering.VIRAL - 1)]
    cast.look_up()
    cast.link()
    cast.assess()
    assert {cast.row(one)[0] for one in early} == {Group.SINGLE}
    late = [cast.tip(chat, b"", clip), cast.tip(chat, cast.body(kind="enticement"), clip)]
    cast.look_up()
    cast.link()
    cast.assess()
    shared = [*early, late[0]]
    assert len({cast.row(one) for one in shared}) == 1 and cast.row(early[0])[0] == Group.VIRAL
    assert cast.row(late[1]) == (Group.SINGLE, late[1].pk)
    assert {cast.where(one).harm for one in shared} == {0}


def test_whoever_was_cleared_in_a_tip_counts_no_more(chat: ReporterLogin) -> None:
    officer = staff.person("Asha", "triage-officer")
    plain = cast.tip(chat, cast.body(email="heron@mail.example.org"))
    cast.assess()
    assert said(plain).inputs["emails"] == 1
    part = understand_all([plain])[0].reading
    assert part is not None
    Apart.objects.create(
        public_id="AP-2222-2222", subject=f"tip:{plain.public_id}", part=part.parties[0].source, pseudonym="",
        reason=cast.WHY, by=officer, at=cast.NOON,
    )  # fmt: skip
    Waiting.objects.create(tip=plain)
    cast.assess()
    assert said(plain).inputs["emails"] == 0


def test_queries_do_not_grow_with_the_number_of_tips(chat: ReporterLogin) -> None:
    numbers = []
    for many in (2, 12):
        tips = [cast.tip(chat) for _ in range(many)]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            gathering.gather(tips, cast.NOON)
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


def test_the_step_may_do_what_it_does(chat: ReporterLogin) -> None:
    urgent = cast.tip(chat, cast.body(urgent="Please look at this first."))
    cast.guard()
    with cast.as_triage():
        cast.assess()
        Waiting.objects.create(tip=urgent)
        cast.assess(cast.NOON + HOUR)
    assert cast.where(urgent).band == Band.CRITICAL
