# SPDX-License-Identifier: Apache-2.0
"""What the table of tables cannot say of known files: pairs across two units, and what a partner sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from nightlight.foundation import clock
from nightlight.pipeline.matching import models as matching
from nightlight.pipeline.matching.models import Near
from nightlight.trust import identity
from tests.access.world import database_role, undone

if TYPE_CHECKING:
    from tests.access.world import World

WEB = "nightlight_app"


def _rows(sql: str) -> Any:  # noqa: ANN401 - what the database says
    raw: Any = connection.connection
    return raw.execute(sql).fetchall()


def _tell() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize(
    ("role", "unit", "sees"),
    [
        ("investigator", "PS-A1A", False),  # one of the two only
        ("commander", "DI-A1", False),
        ("triage-officer", "IN", True),
        ("administrator", "IN", False),
    ],
)
def test_a_pair_is_seen_by_whoever_sees_both(world: World, role: str, unit: str, sees: bool) -> None:
    one, other = (world.full[code].files.get().item.blob_id for code in ("PS-A1A", "ST-B"))
    user = world.person(role, unit).user
    assert user is not None
    with undone():
        pair = Near.objects.create(blob_id=one, other_id=other, distance=2, orientation=0, version=1)
        turned = Near.objects.create(blob_id=other, other_id=one, distance=2, orientation=0, version=1)
        with identity.acting_as(viewer=user.pk):
            _tell()
            with database_role(WEB):
                seen = {row[0] for row in _rows("SELECT id FROM matching_near")}
        assert ({pair.pk, turned.pk} <= seen) is sees
        assert not sees or len(seen) > 0


@pytest.mark.parametrize("service", ["", "sharing", "sharing:999999999", "sharing:1; SELECT", "matching"])
def test_nobody_but_a_partner_sees_a_list_without_a_post(world: World, service: str) -> None:
    assert world.hash_list
    with undone():
        if service:
            with identity.acting_as(service=service):
                _tell()
                with database_role(WEB):
                    found = [_rows(f"SELECT 1 FROM {table}") for table in ("matching_list", "matching_entry")]
        else:
            _tell()
            with database_role(WEB):
                found = [_rows(f"SELECT 1 FROM {table}") for table in ("matching_list", "matching_entry")]
    assert found == [[], []]


def test_a_partner_sees_what_was_opened_to_it_and_nothing_of_tips(world: World) -> None:
    member = matching.Member.objects.get(number=17)
    with undone():
        closed = matching.HashList.objects.create(
            public_id="HL-1111-1111", name="Closed", owner="x", legal_basis="x", scheme="plain", scheme_version="1",
            purpose="known", made_at=clock.now(), made_by="command:cli",
        )  # fmt: skip
        matching.Entry.objects.create(hash_list=closed, source_id="1", md5=b"1" * 16, edition=1, changed_at=clock.now())
        with identity.acting_as(service=f"sharing:{member.pk}"):
            _tell()
            with database_role(WEB):
                lists = {row[0] for row in _rows("SELECT public_id FROM matching_list")}
                entries = {row[0] for row in _rows("SELECT source_id FROM matching_entry")}
                others = {
                    table: len(_rows(f"SELECT 1 FROM {table}"))
                    for table in (
                        "tips_tip", "evidence_blob", "evidence_item", "matching_match", "matching_near",
                        "matching_fingerprint", "matching_filestate", "matching_sighting", "matching_edition",
                        "matching_badrow", "matching_entrychange", "matching_feed", "matching_feedbackanswer",
                        "custody_event",
                    )
                }  # fmt: skip
    assert lists == {world.hash_list}
    assert entries == {"7/17"}
    assert set(others.values()) == {0}, others


def test_a_partner_answers_in_its_own_name_about_lists_it_may_answer_about(world: World) -> None:
    member, entry = matching.Member.objects.get(number=17), matching.Entry.objects.get(source_id="7/17")
    with undone():
        other = matching.Member.objects.create(
            public_id="HM-1111-1111", number=18, name="Other", username="other", secret_digest=b"", made_at=clock.now(),
            made_by="command:cli",
        )  # fmt: skip
        assert not _answered(member.pk, other.pk, entry.pk), "in the name of another"
        assert not _answered(other.pk, other.pk, entry.pk), "about a list that was not opened to it"
        assert not _answered(None, member.pk, entry.pk), "without signing in"
        assert _answered(member.pk, member.pk, entry.pk)
        matching.Access.objects.filter(member=member).update(may_answer=False)
        assert not _answered(member.pk, member.pk, entry.pk), "where it may only read"
    assert world.people


def _answered(acting: int | None, member: int, entry: int) -> bool:
    """Whether the database lets a partner's session add this answer; taken back at once."""
    sql = """INSERT INTO matching_feedback (entry_id, member_id, type, affirmative, reasons, at)
        VALUES (%s, %s, 'MD5', true, '[]', now())"""
    raw: Any = connection.connection
    with undone(), identity.acting_as(service=f"sharing:{acting}" if acting else "sharing"):
        _tell()
        with database_role(WEB):
            try:
                raw.execute(sql, [entry, member])
            except Exception as failure:
                assert "row-level security" in str(failure)
                return False
            return True


def test_a_partner_writes_entries_of_the_log_in_its_own_name_only(world: World) -> None:
    member = matching.Member.objects.get(number=17)
    sql = (
        "INSERT INTO custody_event (at, kind, actor, subject, body, leaf_hash) VALUES (now(), 'x.y', %s, 'x:1', '', '')"
    )
    raw: Any = connection.connection
    for actor, may in ((f"partner:{member.public_id}", True), ("partner:HM-1111-1111", False), ("officer:OF-1", False)):
        with undone(), identity.acting_as(service=f"sharing:{member.pk}"):
            _tell()
            with database_role(WEB):
                try:
                    raw.execute(sql, [actor])
                    refused = False
                except Exception as failure:
                    refused = "row-level security" in str(failure)
            assert refused is not may, actor
    assert world.people
