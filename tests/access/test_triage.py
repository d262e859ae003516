# SPDX-License-Identifier: Apache-2.0
"""What the table of tables cannot say of linking and triage: pairs and rows across units, who may do what only once."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection
from django.db.models import F

from nightlight.foundation import public_ids
from nightlight.pipeline.linking import models as linking
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import models as triage
from nightlight.pipeline.triage.models_shift import Handover
from nightlight.trust import identity
from tests.access import triage as made
from tests.access.world import database_role, relation, undone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightlight.trust.accounts.models import User
    from tests.access.world import World

pytestmark = pytest.mark.django_db
_FIVE = ("lane", "holder_id", "held_since", "snoozed_until", "snooze_reason")
_ANOTHER = {
    "tip_id": "0", "unit_id": "0", "environment": "'test'", "band": "3", "harm": "99", "dies_at": "now()",
    "workability": "99", "kind": "'viral'", "anchor": "0", "arrived_at": "now()",
    "lane": "'snoozed'", "holder_id": "units_viewer()", "held_since": "now()", "snoozed_until": "now()",
    "snooze_reason": "'another'",
}  # fmt: skip


@contextlib.contextmanager
def _as(user: User | None) -> Iterator[None]:
    """Act for this person with the rights of the pages."""
    acting = identity.acting_as(viewer=user.pk) if user else contextlib.nullcontext()
    with acting:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # tells the database who acts
        with database_role("nightlight_app"):
            yield


def _run(sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401 - what the database says
    raw: Any = connection.connection
    done = raw.execute(sql, list(parameters) or None)
    return done.fetchall() if done.description else done.rowcount


def _refused(sql: str, parameters: Sequence[object] = ()) -> bool:
    """Whether the database refuses it for its privileges or its rows; what happened is taken back."""
    raw: Any = connection.connection
    with undone():
        try:
            raw.execute(sql, list(parameters) or None)
        except psycopg.errors.InsufficientPrivilege:
            return True
        return False


def _user(world: World, role: str, unit: str) -> User:
    user = world.person(role, unit).user
    assert user is not None
    return user


# --- linking


@pytest.mark.parametrize(
    ("role", "unit", "may"),
    [
        ("investigator", "PS-A1A", False),  # sees one of the two
        ("commander", "DI-A1", False),
        ("legal-reviewer", "IN", False),
        ("auditor", "IN", False),  # sees both, and decides nothing
        ("triage-officer", "IN", True),
        ("commander", "IN", True),
    ],
)
def test_a_pair_is_decided_by_whoever_sees_both(world: World, role: str, unit: str, may: bool) -> None:
    one, other = (world.full[code].subjects.get(party=0) for code in ("PS-A1A", "ST-B"))
    first, second = sorted((one.pk, other.pk))
    user = _user(world, role, unit)
    sees = may or (role, unit) == ("auditor", "IN")
    with undone():
        stands = linking.Decision.objects.create(
            public_id=public_ids.new("LD"), verdict="confirm", first_id=first, second_id=second,
            reason="They said so", by=made.worker(world, "ST-B"), at=world.at,
        )  # fmt: skip
        with _as(user):
            assert bool(_run("SELECT 1 FROM linking_decision WHERE id = %s", [stands.pk])) is sees
            assert _refused(_DECIDE, ["confirm", first, second, None, user.pk]) is not may


_DECIDE = """
INSERT INTO linking_decision (public_id, verdict, first_id, second_id, identifier_id, reason, by_id, at)
VALUES ('LD-1111-1111', %s, %s, %s, %s, 'They said so', %s, now())
"""


@pytest.mark.parametrize(("unit", "may"), [("PS-A1A", True), ("SP-N", True), ("SP-A", False), ("ST-A", False)])
def test_a_value_is_silenced_by_whoever_sees_it_somewhere(world: World, unit: str, may: bool) -> None:
    value = linking.Identifier.objects.get(kind="phone", suspects=1, sightings__tip=world.full["SP-N"])
    assert value.sightings.count() == len(made.SHARED)
    user = made.worker(world, unit)
    with _as(user):
        assert bool(_run("SELECT 1 FROM linking_identifier WHERE id = %s", [value.pk])) is may
        places = _run("SELECT count(*) FROM linking_sighting WHERE identifier_id = %s", [value.pk])
        assert places == [(int(may),)], "and sees no more of it than the place in the own tip"
        assert _refused(_DECIDE, ["silence", None, None, value.pk, user.pk]) is not may
        assert _refused(_DECIDE, ["silence", None, None, None, user.pk]), "about nothing"


def test_an_empty_value_of_a_child_stays_empty_for_everybody(world: World) -> None:
    """Where a value would name a protected person nothing of it is kept: there is nothing that a role could see."""
    assert linking.Sighting.objects.filter(side="child").exclude(value="", as_sent="").count() == 0
    shown = 0
    for person in world.everybody:
        with _as(person.user):
            found = _run("SELECT value || as_sent FROM linking_sighting WHERE side = 'child'")
            shown += len(found)
            assert {text for (text,) in found} <= {""}, person
            for column in ("value", "as_sent"):
                assert _refused(f"UPDATE linking_sighting SET {column} = 'somebody'"), person
    assert shown > 0
    columns = {field.column for field in linking.Identifier._meta.fields}
    expected = {"id", "kind", "digest", "suspects", "children", "silenced", "cleared"}
    assert columns == expected, "a value stands nowhere else"


# --- the queue


def test_a_group_over_two_units_is_two_rows_each_of_its_own(world: World) -> None:
    near, far = world.full["PS-A1A"], world.full["SP-N"]
    with undone():
        triage.Standing.objects.filter(tip__in=[near, far]).update(kind="person", anchor=7)
        rows = {row.unit_id: row.tips for row in triage.Row.objects.filter(kind="person", anchor=7)}
        assert rows == {world.units[unit].pk: 1 for unit in ("PS-A1A", "SP-N")}
        for unit, sees in (("PS-A1A", [near.pk]), ("SP-N", [far.pk]), ("SP-A", [])):
            with _as(made.worker(world, unit)):
                assert [lead for (lead,) in _run("SELECT lead_id FROM triage_row WHERE kind = 'person'")] == sees


def test_nobody_sees_a_row_of_a_unit_beyond_reach(world: World) -> None:
    for person in world.everybody:
        with _as(person.user):
            shown = {world.codes[unit] for (unit,) in _run("SELECT DISTINCT unit_id FROM triage_row")}
        assert shown == set(world.reached_units(person)), person


def test_pages_cannot_write_rows_of_the_queue(world: World) -> None:
    assert triage.Row.objects.exists()
    with _as(_user(world, "commander", "IN")):
        assert _run("SELECT count(*) FROM triage_row") != [(0,)]
        for sql in (
            "UPDATE triage_row SET band = 3",
            "DELETE FROM triage_row",
            "INSERT INTO triage_row SELECT * FROM triage_row",
            "SELECT id FROM triage_row FOR UPDATE",
        ):
            assert _refused(sql), sql


@pytest.mark.parametrize("column", _ANOTHER)
def test_pages_change_what_officers_decide_of_a_standing_and_nothing_else(world: World, column: str) -> None:
    assert {field.column for field in triage.Standing._meta.fields} == _ANOTHER.keys()
    with _as(_user(world, "commander", "IN")):
        assert _refused(f"UPDATE triage_standing SET {column} = {_ANOTHER[column]}") is (column not in _FIVE)


def test_taking_a_tip_shows_in_its_row_at_once(world: World) -> None:
    tip, user = world.full["PS-A1A"], made.worker(world, "PS-A1A")
    with undone(), _as(user):
        done = _run("UPDATE triage_standing SET holder_id = units_viewer() WHERE tip_id = %s", [tip.pk])
        assert done == 1
        assert _run("SELECT holder_id FROM triage_row WHERE lead_id = %s", [tip.pk]) == [(user.pk,)]
        _run("UPDATE triage_standing SET lane = 'closed' WHERE tip_id = %s", [tip.pk])
        assert _run("SELECT 1 FROM triage_row WHERE lead_id = %s", [tip.pk]) == []


def test_another_band_counts_at_once_and_until_it_is_taken_back(world: World) -> None:
    tip, user = world.full["PS-A1A"], made.worker(world, "PS-A1A")
    said = (
        "INSERT INTO triage_override (tip_id, band, rules_band, reason, by_id, at) VALUES (%s, %s, 1, 'x', %s, now())"
    )
    bands = "SELECT s.band, r.band FROM triage_standing s JOIN triage_row r ON r.lead_id = s.tip_id WHERE s.tip_id = %s"
    with undone(), _as(user):
        for band, stands in ((3, 3), (0, 0), (None, 1)):  # none takes it back to what the rules said
            _run(said, [tip.pk, band, user.pk])
            assert _run(bands, [tip.pk]) == [(stands, stands)]
    with undone(), _as(made.worker(world, "SP-A")):
        assert _refused(said, [tip.pk, 3, made.worker(world, "SP-A").pk]), "beyond reach"


def test_who_broke_the_glass_reads_and_does_no_work_there(world: World) -> None:
    tip, user = world.full["ST-B"], world.specials["breaker"].user
    assert user is not None
    with _as(user):
        assert _run("SELECT count(*) FROM triage_standing WHERE tip_id = %s", [tip.pk]) == [(1,)]
        assert _run("SELECT count(*) FROM triage_row WHERE lead_id = %s", [tip.pk]) == [(0,)]
        assert _run("UPDATE triage_standing SET lane = 'closed' WHERE tip_id = %s", [tip.pk]) == 0
        for sql in (
            "INSERT INTO triage_override (tip_id, band, rules_band, reason, by_id, at)"
            " VALUES (%s, 0, 0, 'x', %s, now())",
            "INSERT INTO triage_closure (tip_id, disposition, reason, sampled, by_id, at)"
            " VALUES (%s, 'not-ours', 'x', false, %s, now())",
            "INSERT INTO triage_officerfact (tip_id, fact, value, reason, by_id, at)"
            " VALUES (%s, 'same_home', true, 'x', %s, now())",
        ):
            assert _refused(sql, [tip.pk, user.pk]), sql


def test_a_tip_that_is_handed_over_stands_with_the_other_unit_at_once(world: World) -> None:
    tip, near, to = world.full["PS-A1A"], world.units["PS-A1A"], world.units["SP-N"]
    with undone():
        triage.Standing.objects.filter(tip=tip).update(
            holder=made.worker(world, "PS-A1A"), held_since=world.at, lane="snoozed", snoozed_until=world.at,
            snooze_reason="The school is closed",
        )  # fmt: skip
        Tip.objects.filter(pk=tip.pk, unit=near).update(unit=to)
        stands = triage.Standing.objects.get(tip=tip)
        assert (stands.unit_id, stands.lane, stands.holder_id, stands.snoozed_until) == (to.pk, "open", None, None)
        assert triage.Row.objects.get(lead=tip).unit_id == to.pk
        with _as(made.worker(world, "PS-A1A")):
            assert _run("SELECT 1 FROM triage_standing WHERE tip_id = %s", [tip.pk]) == []


def test_a_tip_about_people_who_were_cleared_leaves_the_queue_at_once(world: World) -> None:
    tip = world.full["PS-A1A"]
    with undone():
        Tip.objects.filter(pk=tip.pk).update(set_apart=True)
        assert not triage.Standing.objects.filter(tip=tip).exists()
        assert not triage.Row.objects.filter(lead=tip).exists()


# --- second looks, alerts


@pytest.mark.parametrize(("closer", "may"), [("investigator", False), ("triage-officer", True)])
def test_who_closed_a_tip_does_not_look_at_it_a_second_time(world: World, closer: str, may: bool) -> None:
    tip, user = world.full["PS-A1A"], made.worker(world, "PS-A1A")
    with undone():
        closure = triage.Closure.objects.create(
            tip=tip, disposition="cannot-work", reason="Nothing leads to anybody", sampled=True,
            by=_user(world, closer, "PS-A1A"), at=world.at,
        )  # fmt: skip
        look = "INSERT INTO triage_secondlook (closure_id, agrees, reason, by_id, at) VALUES (%s, true, 'x', %s, now())"
        with _as(user):
            assert _refused(look, [closure.pk, user.pk]) is not may
            assert _refused(look, [closure.pk, closure.by_id if may else _user(world, "commander", "PS-A1A").pk])


@pytest.mark.parametrize(("writer", "may"), [("investigator", False), ("triage-officer", True)])
def test_who_handed_a_shift_on_does_not_take_it_over(world: World, writer: str, may: bool) -> None:
    user = made.worker(world, "PS-A1A")
    with undone():
        handover = Handover.objects.create(
            public_id=public_ids.new("HV"), unit=world.units["PS-A1A"], since=world.at - timedelta(hours=8),
            until=world.at, figures=made.FIGURES, note="", by=_user(world, writer, "PS-A1A"), at=world.at,
        )  # fmt: skip
        read = "INSERT INTO triage_handoverread (handover_id, by_id, at) VALUES (%s, %s, now())"
        with _as(user):
            assert _refused(read, [handover.pk, user.pk]) is not may
            assert _refused(read, [handover.pk, _user(world, "commander", "PS-A1A").pk])


def test_an_alert_is_answered_once_in_ones_own_name_and_not_put_off(world: World) -> None:
    alert = triage.Alert.objects.get(public_id=world.alerts["PS-A1A"])
    user, other = made.worker(world, "PS-A1A"), _user(world, "commander", "PS-A1A")
    answer = "UPDATE triage_alert SET acknowledged_by_id = %s, acknowledged_at = now(), call_at = NULL WHERE id = %s"
    with undone(), _as(user):
        assert _refused(answer, [other.pk, alert.pk]), "in the name of another"
        for put_off in ("call_at + interval '1 day'", "NULL"):
            with undone(), pytest.raises(psycopg.errors.RestrictViolation):
                _run(f"UPDATE triage_alert SET call_at = {put_off} WHERE id = %s", [alert.pk])
    with undone():
        with _as(user):
            assert _run(answer, [user.pk, alert.pk]) == 1
        with _as(other):
            assert _run(answer, [other.pk, alert.pk]) == 0, "somebody has answered"
        with _as(user), undone(), pytest.raises(psycopg.errors.RestrictViolation):
            _run("UPDATE triage_alert SET acknowledged_by_id = NULL, acknowledged_at = NULL WHERE id = %s", [alert.pk])
        assert triage.Alert.objects.filter(pk=alert.pk, acknowledged_by=user, call_at=None).exists()
    # The step calls further people, and that is no answer.
    with undone():
        triage.Alert.objects.filter(pk=alert.pk).update(level=F("level") + 1, call_at=world.at)
        assert triage.Alert.objects.get(pk=alert.pk).level == 1


def test_units_of_rows_are_of_every_relation(world: World) -> None:
    """What the tests above rest on: rows stand to those who look in every way there is."""
    units = {world.codes[unit] for unit in triage.Row.objects.values_list("unit_id", flat=True).distinct()}
    found = {relation("DI-A1", unit) for unit in units}
    assert found == {"own", "child", "parent", "sibling", "unrelated"}
