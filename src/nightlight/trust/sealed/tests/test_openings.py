# SPDX-License-Identifier: Apache-2.0
"""What was opened is read by who asked and nobody else, ends by itself, and searches show no name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.sealed import actions, box, keeping, queries, rules
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.sealed.rules import Sought
from nightlight.trust.sealed.tests.conftest import AT, LAW, OTHER, TIP, past_triggers

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.sealed.tests.conftest import World
    from nightlight.trust.units.viewer import Viewer
from nightlight.trust.sealed.tests.asking import LATER, ONE_MINUTE, answer, ask, events, read

# ------------------------------------------------------------------ reading and ending


def test_nobody_reads_before_the_answer_or_after_the_end(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = ask(by, child, minutes=1)
    with pytest.raises(Conflict, match="is being opened"):
        read(by, row, key)
    answer(row)
    assert read(by, row, key)
    with pytest.raises(Conflict, match="is over"):
        read(by, row, key, AT + ONE_MINUTE)


def test_another_browser_or_another_person_reads_nothing(world: World, child: Identity) -> None:
    row, key = ask(world.viewer(), child)
    answer(row)
    with pytest.raises(Conflict, match="another browser"):
        read(world.viewer(), row, box.one_time().secret)
    with pytest.raises(Conflict, match="another browser"):
        read(world.viewer(), row, b"short")
    with pytest.raises(NotFound):
        read(world.viewer(name="second"), row, key)
    with pytest.raises(NotFound):
        actions.close(by=world.viewer(name="second"), at=LATER, unsealing=row.public_id)


def test_a_refusal_is_told_to_who_asked(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = ask(by, child, minutes=1)
    answer(row, AT + ONE_MINUTE)
    with pytest.raises(Conflict, match="Ask again"):
        read(by, row, key)


def test_the_answer_of_one_request_does_not_pass_as_that_of_another(world: World, child: Identity) -> None:
    by = world.viewer()
    one, key = ask(by, child)
    two, _ = ask(by, Identity.objects.get(pseudonym="Child B"))
    answer(one)
    answer(two)
    one.refresh_from_db()
    with past_triggers():
        Unsealing.objects.filter(pk=two.pk).update(answer_key_part=one.answer_key_part, answer_body=one.answer_body)
    with pytest.raises(Conflict):
        read(by, two, key)


def test_who_is_done_ends_the_opening_and_the_answer_is_gone(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = ask(by, child)
    answer(row)
    assert [one.pk for one in queries.under_way(by, LATER)] == [row.pk]
    actions.close(by=by, at=LATER, unsealing=row.public_id)
    row = queries.own(by, row.public_id)
    assert (row.state, row.answer_key_part, row.answer_body) == (State.CLOSED, None, None)
    assert not queries.under_way(by, LATER).exists()
    with pytest.raises(Conflict, match="is over"):
        read(by, row, key)
    with pytest.raises(Conflict, match="ended already"):
        actions.close(by=by, at=LATER, unsealing=row.public_id)
    (event,) = events("sealed.unsealing-closed")
    assert (event["by"], event["data"]["why"]) == (by.actor, "done")
    assert answer(row) is None


def test_openings_end_by_themselves(world: World, child: Identity) -> None:
    by = world.viewer()
    opened, _ = ask(by, child, minutes=5)
    answer(opened)
    waiting, _ = ask(by, child, minutes=5)
    longer, _ = ask(by, child, minutes=30)
    assert actions.expire_due(by="service:worker", at=AT + timedelta(minutes=4)) == 0
    assert actions.expire_due(by="service:worker", at=AT + timedelta(minutes=5)) == 2
    assert actions.expire_due(by="service:worker", at=AT + timedelta(minutes=5)) == 0
    states = dict(Unsealing.objects.values_list("public_id", "state"))
    assert states == {opened.public_id: "closed", waiting.public_id: "closed", longer.public_id: "asked"}
    assert Unsealing.objects.filter(answer_body__isnull=False).count() == 0
    assert {event["data"]["why"] for event in events("sealed.unsealing-closed")} == {"expired"}


# ------------------------------------------------------------------ searching


def found(by: Viewer, kind: str, text: str, at: datetime = AT) -> list[str]:
    return [hit.pseudonym for hit in actions.search(by=by, at=at, kind=kind, text=text, law=LAW)]


@pytest.mark.parametrize(("kind", "text"), [("name", "  - "), ("phone", "112"), ("face", "Zyxandra"), ("", "x")])
def test_a_search_for_nothing_is_refused_and_not_logged(world: World, kind: str, text: str) -> None:
    with pytest.raises(Conflict):
        actions.search(by=world.viewer(), at=AT, kind=kind, text=text, law=LAW)
    assert not events("sealed.searched")


def test_a_search_finds_the_child_without_showing_the_name(world: World, child: Identity) -> None:
    by = world.viewer("victim-identification")
    assert found(by, "name", "nobody at all") == []
    assert found(by, "name", "Tesselate Zyxandra") == []  # one child has one of the words each
    assert found(by, "school", "Zyxandra") == []
    for kind, text in [
        ("name", "ZYXANDRA"),
        ("name", "moller zyxandra"),
        ("phone", "5550123456"),
        ("email", "zyxandra@example.org"),
        ("account", "zyx.quill"),
        ("school", "gradient"),
    ]:
        assert actions.search(by=by, at=AT, kind=kind, text=text, law=LAW) == [
            actions.Hit(TIP, "Child A", child.public_id)
        ]


def test_a_search_is_logged_as_a_digest(world: World, child: Identity) -> None:
    by = world.viewer()
    found(by, "name", " Zyxandra  Quillfeather-Möller")
    (event,) = events("sealed.searched")
    digest = rules.search_digest(b"s" * 32, Sought.NAME, "zyxandra quillfeather-moller").hex()
    assert event["by"] == event["subject"] == by.actor
    assert event["data"] == {"kind": "name", "digest": digest, "hits": [child.public_id]}


def test_a_person_searches_a_bounded_number_of_times_an_hour(world: World) -> None:
    by = world.viewer()
    for _ in range(30):
        found(by, "name", "Zyxandra")
    with pytest.raises(Conflict, match="30 times within the hour"):
        found(by, "name", "Zyxandra")
    assert found(world.viewer(name="second"), "name", "Zyxandra") == ["Child A"]
    assert found(by, "name", "Zyxandra", AT + timedelta(minutes=61)) == ["Child A"]
    assert len(events("sealed.searched")) == 32


def test_a_search_shows_twenty_at_most_newest_first(world: World) -> None:
    for number in range(25):
        keeping.renew(by="service:worker", at=AT, subject=f"tip:NL-{number}", identities=[OTHER], rule_version=1)
    hits = actions.search(by=world.viewer(), at=AT, kind="name", text="Orvokki", law=LAW)
    assert [hit.subject for hit in hits] == [f"tip:NL-{number}" for number in range(24, 4, -1)]
