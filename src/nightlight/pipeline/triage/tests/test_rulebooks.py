# SPDX-License-Identifier: Apache-2.0
"""Versions of the rulebook: who may save one, what it would change, and that it then scores every tip."""

from __future__ import annotations

import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.triage import language, rulebook, rulebooks, rules
from nightlight.pipeline.triage.conditions import RulebookRefused
from nightlight.pipeline.triage.models import PastScore, Rulebook, Score
from nightlight.pipeline.triage.tests import cast
from nightlight.trust.custody.models import Event
from nightlight.trust.units.tests import staff

pytestmark = pytest.mark.django_db
NOON, WHY = cast.NOON, cast.WHY
# Every report alone is high.
OTHER = """
extends = "rules-india-1"
schema = 1
version = "district-1"
legal = "An order of work."
[[factors]]
id = "report"
label = "A report was made"
when = { fact = "incident_kind", any_of = ["material"] }
points = 50
base = true
evidence = "an exercise"
assumption = true
group = "report"
"""


def test_only_a_commander_changes_the_rules_and_only_to_ones_that_hold() -> None:
    officer, commander = (staff.looking(staff.person(name, role)) for name, role in
                          (("Asha", "triage-officer"), ("Kavita", "commander")))  # fmt: skip
    with pytest.raises(NotAllowed):
        rulebooks.save(by=officer, at=NOON, body=OTHER, reason=WHY, seen="")
    with pytest.raises(NotAllowed):
        rulebooks.replay(by=officer, at=NOON, body=OTHER)
    with pytest.raises(Conflict, match="why the rules change"):
        rulebooks.save(by=commander, at=NOON, body=OTHER, reason="because", seen="")
    with pytest.raises(RulebookRefused):
        rulebooks.save(by=commander, at=NOON, body=OTHER.replace("incident_kind", "religion"), reason=WHY, seen="")
    with pytest.raises(Conflict, match="count already"):
        rulebooks.save(by=commander, at=NOON, body=rulebooks.current().body, reason=WHY, seen="")
    assert not Rulebook.objects.exists() and rulebooks.current().number == 0


def test_only_what_was_shown_is_saved() -> None:
    commander = staff.looking(staff.person("Kavita", "commander"))
    shown = rulebooks.replay(by=commander, at=NOON, body=OTHER).shown
    changed = OTHER.replace("points = 50", "points = 60")
    for body, seen in ((OTHER, ""), (OTHER, "0" * 64), (OTHER, "ü"), (changed, shown)):
        with pytest.raises(rulebooks.NotShown, match="not-previewed"):
            rulebooks.save(by=commander, at=NOON, body=body, reason=WHY, seen=seen)
    # Others count since: what was shown compares with rules that are gone.
    other = rulebooks.replay(by=commander, at=NOON, body=changed).shown
    rulebooks.save(by=commander, at=NOON, body=changed, reason=WHY, seen=other)
    with pytest.raises(rulebooks.NotShown):
        rulebooks.save(by=commander, at=NOON, body=OTHER, reason=WHY, seen=shown)
    assert Rulebook.objects.get().body == changed
    again = rulebooks.replay(by=commander, at=NOON, body=OTHER).shown
    assert rulebooks.save(by=commander, at=NOON, body=OTHER, reason=WHY, seen=again).number == 2


def test_what_would_change_is_shown_before_and_happens_after() -> None:
    commander = staff.looking(staff.person("Kavita", "commander"))
    tips = [cast.tip(cast.reporter()), cast.tip(cast.reporter("Example Photos"), cast.body(kind="enticement"))]
    cast.assess()
    before = dict(Score.objects.values_list("tip_id", "harm"))
    shown = rulebooks.replay(by=commander, at=NOON, body=OTHER)
    assert (shown.comparison.compared, shown.comparison.stay, shown.more) == (2, 1, False)
    assert [(move.before, move.after, move.tips) for move in shown.comparison.moves] == [
        (rules.Band.LOW, rules.Band.HIGH, 1)
    ]
    assert shown.comparison.largest[0].key == tips[0].public_id
    assert rulebooks.replay(by=commander, at=NOON, body=OTHER, at_most=1).more
    assert dict(Score.objects.values_list("tip_id", "harm")) == before and not PastScore.objects.exists()
    saved = rulebooks.save(by=commander, at=NOON, body=OTHER, reason=WHY, seen=shown.shown)
    assert saved.number == 1 and Event.objects.filter(kind="triage.rulebook-saved", subject="rulebook:1").exists()
    cast.assess()
    after = {score.tip_id: score for score in Score.objects.all()}
    assert {score.rulebook for score in after.values()} == {1}
    assert cast.where(tips[0]).band == rules.Band.HIGH
    assert PastScore.objects.filter(rulebook=0).count() == 2


def test_a_rulebook_that_the_program_cannot_read_any_more_is_passed_over() -> None:
    Rulebook.objects.create(number=1, body=OTHER, reason=WHY, by="command:cli", at=NOON)
    Rulebook.objects.create(number=2, body="schema = 0", reason=WHY, by="command:cli", at=NOON)
    assert rulebooks.current().number == 1
    assert not rulebooks.current().mark.startswith(rulebook.shipped().digest)


@pytest.mark.parametrize("own", [False, True])
def test_scores_of_other_word_lists_are_made_anew_whoever_wrote_the_rules(own: bool) -> None:
    if own:
        Rulebook.objects.create(number=1, body=OTHER, reason=WHY, by="command:cli", at=NOON)
    mark, lists = rulebooks.current().mark, language.lists_digest()
    assert mark.endswith(f"-{rules.VERSION}-{lists}") and len(mark) <= 32
    tip = cast.tip(cast.reporter())
    cast.assess()
    for other in (mark.removesuffix(f"-{lists}"), mark.replace(lists, "0" * 8)):
        Score.objects.update(rules=other)
        cast.assess()
        assert Score.objects.get(tip=tip).rules == mark


def test_the_database_lets_a_commander_save() -> None:
    person = staff.person("Kavita", "commander")
    cast.guard()
    with cast.as_person(person):
        replay = rulebooks.replay(by=staff.looking(person), at=NOON, body=OTHER)
        assert replay.comparison.compared == 0
        rulebooks.save(by=staff.looking(person), at=NOON, body=OTHER, reason=WHY, seen=replay.shown)
    assert rulebooks.current().number == 1
