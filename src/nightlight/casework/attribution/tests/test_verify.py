# SPDX-License-Identifier: Apache-2.0
"""Whatever is changed behind the back of the log is found, and where nothing was changed nothing is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from nightlight.casework.attribution import importing_lists, loaded, loading_operators, store, verify
from nightlight.casework.attribution.import_kinds import Stated
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.tests import case_cast
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests.requests_cast import NOW
from nightlight.exercise.directory import operator_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.django_db
# What is done by SQL -> the code that says so.
_DONE = (
    ("UPDATE attribution_request SET body = replace(body, '203.0.113.7', '203.0.113.8')", "request-altered"),
    ("UPDATE attribution_request SET body = ''", "request-altered"),
    ("UPDATE attribution_request SET state = 'sent', ended_at = NULL", "request-state"),
    ("UPDATE attribution_request SET signed_by_id = drafted_by_id", "request-altered"),
    ("UPDATE attribution_request SET drafted_at = drafted_at - interval '1 day'", "request-altered"),
    ("UPDATE attribution_request SET due_at = due_at + interval '1 day'", "request-altered"),
    ("UPDATE attribution_request SET log_until = now()", "request-altered"),
    ("UPDATE attribution_request SET power = 'other'", "request-altered"),
    ("UPDATE attribution_request SET operator = 'hillview'", "request-step-altered"),
    (
        "UPDATE attribution_step SET data = replace(data, 'Signed for', 'Not for') WHERE kind = 'signed'",
        "request-step-altered",
    ),
    ("UPDATE attribution_step SET data = '' WHERE kind = 'checked'", "request-step-altered"),
    ("UPDATE attribution_step SET by = 'officer:OF-1111-1111' WHERE kind = 'checked'", "request-step-altered"),
    ("DELETE FROM attribution_step WHERE kind = 'checked'", "request-step-missing"),
    ("DELETE FROM attribution_step WHERE kind = 'drafted'", "request-step-missing"),
    ("UPDATE attribution_return SET answers = replace(answers, 'SUB-1', 'SUB-2')", "return-altered"),
    ("UPDATE attribution_return SET counts = '', answers = ''", "return-altered"),
    ("UPDATE attribution_return SET disclosed = disclosed + 1", "return-altered"),
    ("UPDATE attribution_return SET state = 'damaged'", "return-altered"),
    ("UPDATE attribution_return SET sha256 = repeat('0', 64)", "return-altered"),
    ("DELETE FROM attribution_return", "return-missing"),
    ("UPDATE attribution_layout SET body = replace(body, 'Asia/Kolkata', 'Asia/Dhaka')", "layout-altered"),
    ("DELETE FROM attribution_layout", "layout-altered"),
    ("UPDATE attribution_finding SET subscriber = 'SUB-2'", "finding-altered"),
    ("UPDATE attribution_finding SET subscriber = '', body = ''", "finding-altered"),
    ("UPDATE attribution_finding SET band = 'strong'", "finding-altered"),
    ("DELETE FROM attribution_finding", "finding-missing"),
    ("UPDATE attribution_wrongdoor SET reached = NOT reached", "wrong-door-altered"),
    ("UPDATE attribution_wrongdoor SET note = 'Nothing went wrong at all'", "wrong-door-altered"),
    ("DELETE FROM attribution_wrongdoor", "wrong-door-missing"),
    ("UPDATE attribution_prepared SET grade = 'U'", "looked-up-altered"),
    ("UPDATE attribution_prepared SET kept_until = kept_until + interval '1 year'", "looked-up-altered"),
    ("ALTER TABLE attribution_step DISABLE TRIGGER only_erasure", "guard-missing"),
    ("ALTER TABLE attribution_request DISABLE TRIGGER attribution_guard_request", "guard-missing"),
    ("ALTER TABLE attribution_directory DISABLE TRIGGER append_only", "guard-missing"),
)
_LISTS = (
    ("UPDATE attribution_listimport SET licence = 'another'", "import-altered"),
    ("UPDATE attribution_listimport SET entries = entries + 1", "import-altered"),
    ("UPDATE attribution_listimport SET sha256 = repeat('0', 64)", "netdata-log-differs"),
    ("DELETE FROM attribution_listimport", "import-altered"),
    ("UPDATE attribution_archive SET sha256 = repeat('0', 64)", "netdata-archive-differs"),
    ("UPDATE attribution_directory SET body = replace(body, 'IN', 'XX')", "netdata-directory-differs"),
    ("DELETE FROM attribution_directory", "directory-missing"),
)


def _codes() -> list[str]:
    return [str(one.code) for one in verify.check()]


def _missed(done: Sequence[tuple[str, str]]) -> list[tuple[str, str, list[str]]]:
    """Do each behind the log's back, by itself; return those that are not found, or changed nothing."""
    missed = []
    for sql, code in done:
        mark = transaction.savepoint()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql)
            touched = cursor.rowcount
            cursor.execute("SET LOCAL session_replication_role = origin")
        found = _codes()
        if code not in found or not touched:
            missed.append((sql, code, found))
        transaction.savepoint_rollback(mark)
    return missed


def test_every_change_behind_the_back_of_the_log_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch)
    case_cast.case()
    assert _codes() == []
    assert _missed(_DONE) == []
    assert _codes() == []


def test_a_list_or_a_directory_that_is_not_what_was_loaded_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FOLDER", str(tmp_path / "kept"))
    loaded._held.forget()
    for day in (1, 2):
        path = tmp_path / f"{day}.txt"
        path.write_text(f"192.0.2.{day}\n", encoding="utf-8")
        stated = Stated(ListKind.VPN, "Example list", "CC0", as_of=datetime(2026, 11, day, tzinfo=UTC))
        importing_lists.import_lists(by="command:test", at=NOW, stated=stated, files=[path])
    loading_operators.load(by="command:test", at=NOW, text=operator_directory(NOW), exercise=True)
    assert _codes() == []
    assert _missed(_LISTS) == []
