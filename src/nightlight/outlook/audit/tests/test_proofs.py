# SPDX-License-Identifier: Apache-2.0
"""What an auditor of a part sees, and the proof of one viewing, which notices one byte."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.audit import masking
from nightlight.outlook.audit.tests.conftest import signed_in
from nightlight.outlook.audit.tests.web_role import apply_rights, as_web_role
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.custody import bundle, keys
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.tests.conftest import superuser
from nightlight.trust.rights import COMMAND
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit
from nightlight.outlook.audit.tests.reading import sign, text

# --- what a state's auditor sees ----------------------------------------------------------------------------------


@pytest.fixture
def wall(transactional_db: None) -> None:
    apply_rights()


def _state(code: str) -> Unit:
    return units.add_unit(
        by="command:cli", at=cast.NOON, code=code, name=f"State {code}", kind=Kind.STATE, parent=cast.root()
    )


def test_an_auditor_of_a_state_sees_their_own_subtree_only(wall: None) -> None:
    desk = cast.Desk(cast.reporter())
    east, west = _state("E"), _state("W")
    station = units.add_unit(by="command:cli", at=cast.NOON, code="E-1", name="Station", kind=Kind.STATION, parent=east)
    tips: dict[str, Tip] = {}
    people: dict[str, User] = {}
    for unit in (station, west):
        # Not the same report twice: that would be a repetition of one in the other state.
        tips[unit.code] = tip = desk.received(cast.PLAIN.replace(b"grey-heron", f"heron-{unit.code}".encode()))
        with identity.acting_as(service=COMMAND):
            handing.hand_over(by="command:cli", at=cast.NOON, tip=tip, to=unit, why="area")
        people[unit.code] = cast.person(f"Worker{unit.code}", "investigator", unit)
    clients = {code: signed_in(user) for code, user in people.items()}
    auditor, national = cast.person("Ed", "auditor", east), cast.person("Nat", "auditor")
    client, all_seeing = signed_in(auditor), signed_in(national)
    with as_web_role():
        for code, tip in tips.items():
            assert clients[code].get(f"/tips/{tip.public_id}/").status_code == 200
            clients[code].get("/find/", {"q": "nothing of the kind"})
    sign()
    with as_web_role():
        for address in ("/audit/", "/audit/?group=all", "/audit/patterns/"):
            page = text(client, address)
            assert tips["W"].public_id not in page
            assert people["W"].public_id not in page
        page = text(client, "/audit/?group=all")
        assert tips["E-1"].public_id in page
        assert people["E-1"].public_id in page
        assert "Searched" in page
        assert text(client, f"/audit/record/{tips['E-1'].public_id}/")
        assert text(client, f"/audit/record/{tips['W'].public_id}/", 404)
        assert "Nothing in these days" in text(client, f"/audit/person/{people['W'].public_id}/")
        everything = text(all_seeing, "/audit/?group=all")
        assert tips["W"].public_id in everything
        assert tips["E-1"].public_id in everything
        # An entry of the other state has a number, and no page for this auditor.
        (theirs,) = [
            line.ref for line in all_seeing.get(f"/audit/?group=looked&record={tips['W'].public_id}").context["lines"]
        ]
        assert text(client, f"/audit/entry/{theirs}/", 404)
        assert "Verified just now" in text(all_seeing, f"/audit/entry/{theirs}/")


# --- the proof of one viewing, end to end ---------------------------------------------------------------------------

CONSTRAINT = "custody_event_hash_is_of_body"
_TABLES = ("custody_event", "custody_leaf", "custody_tree_head")


@contextmanager
def _tampered(sql: str) -> Iterator[None]:
    """Alter what is stored, as only a superuser can, and put everything back afterwards."""
    with superuser() as raw:
        raw.execute(f"ALTER TABLE custody_event DROP CONSTRAINT IF EXISTS {CONSTRAINT}")
        kept = {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES}
        raw.execute(sql)
    yield
    with superuser() as raw:
        for table, rows in kept.items():
            raw.execute(f"DELETE FROM {table}")
            with raw.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)


@pytest.fixture
def guarded(wall: None) -> Iterator[None]:
    yield
    with superuser() as raw:
        raw.execute("TRUNCATE custody_event, custody_pending, custody_leaf, custody_subtree, custody_tree_head")
        raw.execute(
            f"ALTER TABLE custody_event DROP CONSTRAINT IF EXISTS {CONSTRAINT}, ADD CONSTRAINT {CONSTRAINT}"
            " CHECK (leaf_hash = sha256('\\x00'::bytea || convert_to(body, 'UTF8')))"
        )


@pytest.fixture
def viewed(guarded: None) -> tuple[Client, Client, str, str]:
    """A tip that an officer opened over HTTP: the officer, the auditor, the tip, and the entry of the viewing."""
    desk = cast.Desk(cast.reporter())
    officer, auditor = signed_in(cast.person("Alice", "triage-officer")), signed_in(cast.person("Bob", "auditor"))
    tip = desk.full()
    with as_web_role():
        assert officer.get(f"/tips/{tip.public_id}/").status_code == 200
        page = text(auditor, f"/audit/record/{tip.public_id}/")
        assert "Alice Example" in page
        (ref,) = {look.ref for look in auditor.get(f"/audit/record/{tip.public_id}/").context["looks"]}
        assert len(ref) == 64  # not placed yet: found by its hash
        assert "Not signed yet" in text(auditor, f"/audit/entry/{ref}/")
    sign()
    with as_web_role():
        moved = auditor.get(f"/audit/entry/{ref}/")
        assert moved.status_code == 302
        (ref,) = {look.ref for look in auditor.get(f"/audit/record/{tip.public_id}/").context["looks"]}
        assert moved.headers["Location"] == f"/audit/entry/{ref}/"
    return officer, auditor, tip.public_id, ref


def test_an_auditors_page_proves_one_viewing(viewed: tuple[Client, Client, str, str]) -> None:
    _officer, auditor, tip, ref = viewed
    with as_web_role():
        answer = auditor.get(f"/audit/entry/{ref}/")
    page = answer.content.decode()
    assert "Verified just now" in page
    assert "does not verify" not in page
    assert "Does not hold" not in page
    proved = answer.context["proved"]
    assert proved.verified
    assert proved.root == proved.signed_root
    assert proved.steps[-1][2] == proved.root
    assert proved.head.note.splitlines()[2] in page.replace("&#x2B;", "+")
    assert str(keys.signing_key().verifier) in page.replace("&#x2B;", "+")
    body = json.loads(answer.context["body"])
    assert (body["kind"], body["subject"]) == ("tip.viewed", f"tip:{tip}")
    assert not any(word in page for word in cast.CHILD_WORDS)


# What was altered, how, and which checks must notice it.
ALTERED: list[tuple[str, str, set[str]]] = [
    (
        "one byte of the entry",
        "UPDATE custody_event SET body = replace(body, '\"v\":1', '\"v\":2') WHERE kind = 'tip.viewed'",
        {"entry", "leaf", "root"},
    ),
    (
        "the entry with its hash",
        "UPDATE custody_event SET body = replace(body, 'triage-officer', 'triage-0fficer'),"
        " leaf_hash = sha256('\\x00'::bytea ||"
        " convert_to(replace(body, 'triage-officer', 'triage-0fficer'), 'UTF8'))"
        " WHERE kind = 'tip.viewed'",
        {"leaf", "root"},
    ),
    (
        "the entry, its hash and its leaf",
        "UPDATE custody_event SET body = replace(body, 'triage-officer', 'triage-0fficer'),"
        " leaf_hash = sha256('\\x00'::bytea ||"
        " convert_to(replace(body, 'triage-officer', 'triage-0fficer'), 'UTF8'))"
        " WHERE kind = 'tip.viewed';"
        " UPDATE custody_leaf l SET hash = e.leaf_hash FROM custody_event e WHERE e.id = l.event_id",
        {"root"},
    ),
    ("who did it", "UPDATE custody_event SET actor = 'officer:OF-0000-0000' WHERE kind = 'tip.viewed'", {"entry"}),
    ("another leaf", "UPDATE custody_leaf SET hash = sha256('x') WHERE position = 0", {"root"}),
    ("the signature", "UPDATE custody_tree_head SET note = replace(note, 'time 2', 'time 3')", {"signature"}),
    ("the head's root", "UPDATE custody_tree_head SET root = sha256('x')", {"signature", "root"}),
    (
        "no body at all",
        "UPDATE custody_event SET body = 'gone' WHERE kind = 'tip.viewed'",
        {"entry", "leaf", "root"},
    ),
]


def test_the_page_says_so_when_something_was_altered(viewed: tuple[Client, Client, str, str]) -> None:
    _officer, auditor, _tip, ref = viewed
    address = f"/audit/entry/{ref}/"
    for what, sql, not_holding in ALTERED:
        with _tampered(sql):
            answer = auditor.get(address)
        page = answer.content.decode()
        assert "This entry does not verify" in page, what
        assert "Verified just now" not in page
        assert "Take the entry out" not in page
        assert not answer.context["proved"].verified
        found = {check.code for check in answer.context["proved"].checks if not check.holds}
        assert found == not_holding, what
        assert "Verified just now" in text(auditor, address)  # and when it is as it was, that is said too


def test_an_entry_taken_out_verifies_on_another_computer_and_its_leaving_is_in_the_log(
    viewed: tuple[Client, Client, str, str], tmp_path: Path
) -> None:
    _officer, auditor, tip, ref = viewed
    with as_web_role():
        answer = auditor.post(f"/audit/entry/{ref}/bundle/")
    assert answer.status_code == 200, answer.content[:1000]
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    (name,) = [name for name in packed.namelist() if name.startswith("events/")]
    assert json.loads(packed.read(name))["kind"] == "tip.viewed"
    (tmp_path / "entry.zip").write_bytes(answer.content)
    command = [
        sys.executable,
        str(bundle.VERIFIER),
        str(tmp_path / "entry.zip"),
        "--key",
        str(keys.signing_key().verifier),
    ]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    event = Event.objects.get(kind="audit.entry-exported")
    assert event.subject == f"tip:{tip}"
    assert json.loads(event.body)["data"] == {"position": int(ref)}


def test_an_entry_in_which_names_are_held_back_does_not_leave(
    viewed: tuple[Client, Client, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _officer, auditor, _tip, ref = viewed
    monkeypatch.setattr(masking, "mask_of", lambda _viewer, _subject: lambda text: text.replace("officer", "[x]"))
    page = text(auditor, f"/audit/entry/{ref}/")
    assert "held back below" in page
    assert "Verified just now" in page
    assert "Take the entry out" not in page
    assert auditor.post(f"/audit/entry/{ref}/bundle/").status_code == 409
    monkeypatch.setattr(masking, "mask_of", lambda _viewer, _subject: None)
    assert "You may not read the record" in text(auditor, f"/audit/entry/{ref}/")
    assert auditor.post(f"/audit/entry/{ref}/bundle/").status_code == 409
    assert not Event.objects.filter(kind="audit.entry-exported").exists()
