# SPDX-License-Identifier: Apache-2.0
"""The page of the rules: everybody reads them, a commander sees what others would change and then saves them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.desk.tests.test_queue_pages import names, notices, page, shown, signed_in
from nightlight.pipeline.triage import rulebook, rulebooks
from nightlight.pipeline.triage.models import Rulebook
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.pipeline.triage.tests.test_rulebooks import OTHER

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip

RULES = "/queue/rules/"
WHY = "Reports alone come too late in this district."


@pytest.fixture
def commander(db: None) -> Client:
    """A commander, signed in."""
    return signed_in("Kavita", "commander")


@pytest.fixture
def tips(db: None) -> list[Tip]:
    """Two tips, scored by the rules that came with the program."""
    made = [pile.tip(pile.reporter()), pile.tip(pile.reporter("Example Photos"), pile.body(kind="enticement"))]
    pile.assess()
    return made


def _sent(client: Client, status: int = 200, **form: str) -> str:
    answer = client.post(RULES, form)
    assert answer.status_code == status
    return answer.content.decode()


def _typed(text: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.S)
    assert found is not None
    return found[1].replace("&quot;", '"').replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">")


def _shown(text: str) -> str:
    """What the form says was shown."""
    found = re.search(r'<input type="hidden" name="shown" value="([0-9a-f]{64})">', text)
    assert found is not None
    return found[1]


def test_who_does_not_command_reads_the_rules_and_changes_nothing(alice: Client, bob: Client) -> None:
    for client in (alice, bob):
        text = page(client, RULES)
        assert "What counts now: india-1" in text
        assert 'country = "IN"' in text
        assert "<textarea" not in text
        assert "Save: they count" not in text
        for do in ("show", "save", ""):
            assert client.post(RULES, {"do": do, "body": OTHER, "reason": WHY}).status_code == 403
    assert not Rulebook.objects.exists()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("this is no TOML", "file"),
        (OTHER.replace("incident_kind", "religion"), "factors"),
        (OTHER.replace("points = 50", 'points = "many"'), "factors"),
        ("# " + "x" * rulebook.LONGEST, "file: is longer than"),
        ("", "file"),
    ],
    ids=["no TOML", "a fact that no rule may ask for", "words for points", "too long", "nothing"],
)
def test_a_bad_rulebook_shows_its_place_and_keeps_what_was_typed(commander: Client, body: str, place: str) -> None:
    for do in ("show", "save"):
        text = _sent(commander, 409, do=do, body=body, reason=WHY)
        said = re.search(r'<p class="notice notice-error" role="alert">(.*?)</p>', text, re.S)
        assert said is not None
        assert place in said[1]
        assert _typed(text) == body
        assert f'value="{WHY}"' in text
        assert 'value="save"' not in text
        assert 'id="replay"' not in text
    assert not Rulebook.objects.exists()


def test_saving_needs_a_reason_and_a_change(commander: Client) -> None:
    text = _sent(commander, 409, do="save", body=OTHER, reason="because")
    assert "Say why the rules change" in text
    assert _typed(text) == OTHER
    text = _sent(commander, 409, do="save", body=rulebooks.current().body, reason=WHY)
    assert "These rules count already" in text
    assert not Rulebook.objects.exists()


def test_a_commander_sees_what_would_change_and_then_saves(commander: Client, tips: list[Tip]) -> None:
    assert "Show what would change" in page(commander, RULES)
    assert 'value="save"' not in page(commander, RULES)
    text = _sent(commander, do="show", body=OTHER.replace("\n", "\r\n"), reason=WHY)  # as browsers send it
    replay = text.split('id="replay"')[1].split("</section>")[0]
    assert "2 tips of the last 90 days compared; 1 stay in their band." in replay
    moves = re.findall(r'<td data-label="(?:From|To|Tips)">([^<]+)</td>', replay)
    assert moves == ["Low", "High", "1"]
    assert tips[0].public_id in replay
    assert "Low (15)" in replay
    assert _typed(text) == OTHER
    assert 'value="save"' in text
    assert not Rulebook.objects.exists()
    pile.assess()
    assert shown(page(commander, "/queue/")) == names(tips[1], tips[0])
    # Another text than the one that was shown: what it would change is shown, and nothing is saved.
    changed = OTHER.replace("points = 50", "points = 16")
    for body, seen in ((changed, _shown(text)), (OTHER, ""), (OTHER, "something else")):
        refused = _sent(commander, 409, do="save", body=body, reason=WHY, shown=seen)
        assert "What is saved has to be what was shown" in refused
        assert "[not-previewed]" in refused
        assert "2 tips of the last 90 days compared" in refused
        assert _typed(refused) == body
        assert f'value="{WHY}"' in refused
        assert not Rulebook.objects.exists()
    form = {"do": "save", "body": OTHER.replace("\n", "\r\n"), "reason": WHY, "shown": _shown(refused)}
    answer = commander.post(RULES, form, follow=True)
    text = answer.content.decode()
    assert notices(text) == ["success: Version 1 of the rules counts now."]
    assert "What counts now: district-1" in text
    assert WHY in text.split("Earlier versions")[1]
    assert Rulebook.objects.get().reason == WHY
    pile.assess()
    assert shown(page(commander, "/queue/")) == names(tips[0], tips[1])


def test_rules_that_change_nothing_say_so(commander: Client, tips: list[Tip]) -> None:
    text = _sent(commander, do="show", body=rulebooks.current().body)
    assert "2 tips of the last 90 days compared; 2 stay in their band." in text
    assert "No tip would change its band." in text
