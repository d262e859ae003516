# SPDX-License-Identifier: Apache-2.0
"""The audit pages: for auditors only, each within their reach, quick, and with a proof that notices one byte."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from nightlight.foundation import clock
from nightlight.outlook.audit import kinds, masking, patterns, period, queries, views
from nightlight.outlook.audit.tests.conftest import signed_in
from nightlight.outlook.audit.tests.web_role import apply_rights, as_web_role
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import bundle, keys
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.tests.conftest import superuser
from nightlight.trust.rights import COMMAND
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Glass, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit

ADDRESSES = [
    "/audit/",
    "/audit/?group=all",
    "/audit/entry/0/",
    "/audit/person/OF-1111-1111/",
    "/audit/record/NL-1111-1111/",
    "/audit/patterns/",
]
POSTS = ["/audit/entry/0/bundle/", "/audit/patterns/answer/"]
OTHERS = [role for role in Role.values if role != Role.AUDITOR]


def _text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


def _sign() -> None:
    assert custody.sign_head(at=clock.now(), key=keys.signing_key()) is not None


def _entries(page: str) -> list[str]:
    return re.findall(r'href="/audit/entry/([0-9a-f]+)/"', page)


# --- who may not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_no_other_role_opens_an_audit_page(db: None, role: str) -> None:
    client = signed_in(cast.person("Dora", role))
    for address in ADDRESSES:
        assert "for auditors" in _text(client, address, 403)
    for address in POSTS:
        assert client.post(address).status_code == 403


@pytest.mark.parametrize("address", [*ADDRESSES, *POSTS])
def test_nobody_gets_in_without_signing_in(db: None, address: str) -> None:
    for answer in (Client().get(address), Client().post(address)):
        assert answer.status_code in {302, 405}
        assert answer.status_code == 405 or answer.headers["Location"].startswith("/accounts/login/")


def test_no_query_answers_anybody_but_an_auditor(officer: User, db: None) -> None:
    from nightlight.foundation.refusals import NotAllowed

    viewer = cast.viewer(officer)
    for asked in (
        lambda: queries.entry(viewer, "0"),
        lambda: queries.person(viewer, "OF-1111-1111"),
        lambda: queries.of_record(viewer, "NL-1111-1111"),
        lambda: queries.broken_glass(viewer, since=cast.NOON, until=cast.NOON),
    ):
        with pytest.raises(NotAllowed):
            asked()


def test_what_is_not_there_is_said(bob: Client) -> None:
    assert "no such entry" in _text(bob, "/audit/entry/99/", 404)
    assert "no such entry" in _text(bob, f"/audit/entry/{'ab' * 32}/", 404)
    assert "no such entry" in _text(bob, "/audit/entry/nonsense/", 404)
    assert "nobody with the identifier" in _text(
        bob, "/audit/person/OF-2222-222N/".replace("N", _check("OF-2222-222")), 404
    )
    assert "typing slip" in _text(bob, "/audit/record/NL-1111-1111/", 404)
    assert "no entries about NL-1111-111" in _text(bob, f"/audit/record/NL-1111-111{_check('NL-1111-111')}/", 404)
    assert "is not an identifier" in _text(bob, "/audit/record/x/", 404)


def _check(start: str) -> str:
    from nightlight.foundation import public_ids

    for symbol in public_ids.ALPHABET:
        try:
            public_ids.normalise(start + symbol)
        except ValueError:
            continue
        return symbol
    raise AssertionError(start)


# --- the list --------------------------------------------------------------------------------------------------


def test_an_empty_period_says_what_to_do(bob: Client) -> None:
    assert "Nothing in these days" in _text(bob, "/audit/?from=2020-01-01&to=2020-01-02")


def test_filters_that_make_no_sense_are_said_and_left_out(bob: Client) -> None:
    page = _text(bob, "/audit/?from=yesterday&person=NL-1111&group=x&unit=nowhere", 400)
    for said in ("is no day", "is not an identifier", "no such kind", "no unit"):
        assert said in page
    assert "swapped" in _text(bob, "/audit/?from=2026-11-20&to=2026-11-01", 400)


def test_who_looked_and_searched_is_listed_newest_first_and_counted(
    bob: Client, alice: Client, officer: User, desk: cast.Desk
) -> None:
    tip = desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    alice.get("/find/", {"q": "nothing of the kind"})
    page = _text(bob, "/audit/")
    assert page.index("Searched <span") < page.index("Tip opened on the desk")
    assert "Find a tip, 0 hits" in page
    assert "Alice Example" in page
    assert "Report finished" not in page
    assert "Report finished" in _text(bob, "/audit/?group=all")
    assert bob.get("/audit/").context["by_person"][0] == queries.Tally("Alice Example", officer.public_id, 1, 1, 0)
    assert bob.get("/audit/").context["by_unit"][0].name == "National centre"


def test_each_filter_narrows(bob: Client, alice: Client, officer: User, desk: cast.Desk) -> None:
    ann = cast.person("Ann", "investigator")
    tip, other = desk.received(), desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    signed_in(ann).get(f"/tips/{other.public_id}/")

    def shown(query: str) -> list[tuple[str, str]]:
        lines = bob.get(f"/audit/?group=looked&{query}").context["lines"]
        return [(line.who, line.subject) for line in lines]

    first, second = ("Alice Example", tip.public_id), ("Ann Example", other.public_id)
    assert shown("") == [second, first]
    assert shown(f"person={officer.public_id.lower()}") == [first]
    assert shown(f"record={other.public_id}") == [second]
    assert shown("to=2026-11-01&from=2026-11-01") == []
    assert shown("unit=IN") == [second, first]
    state = units.add_unit(
        by="command:cli", at=cast.NOON, code="X-1", name="State", kind=Kind.STATE, parent=cast.root()
    )
    assert shown(f"unit={state.public_id}") == []
    assert bob.get("/audit/?group=exported").context["lines"] == []


def test_pages_go_on_where_the_one_before_ended_and_their_addresses_last(bob: Client, auditor: User) -> None:
    with transaction.atomic():
        for n in range(120):
            custody.append(
                by="command:cli", at=clock.now(), kind="unit.renamed", subject="unit:UN-2222-2222", data={"n": n}
            )

    def walk() -> list[str]:
        seen, address = [], "/audit/?group=changed"
        while address:
            answer = bob.get(address)
            seen += [line.ref for line in answer.context["lines"]]
            address = answer.context["older"] and f"/audit/?{answer.context['older']}"
        return seen

    waiting = walk()
    assert len(set(waiting)) == len(waiting) >= 120
    older = bob.get("/audit/?group=changed").context["older"]
    _sign()
    placed = walk()
    assert len(set(placed)) == len(placed) == len(waiting)
    # The address of a page that was made before the entries had their places still leads to the same entries.
    assert [line.ref for line in bob.get(f"/audit/?{older}").context["lines"]] == placed[50:100]


def test_the_list_costs_the_same_however_long_it_is(bob: Client, alice: Client, desk: cast.Desk) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert bob.get(address).status_code == 200
        return len(asked)

    tip = desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    pages = ("/audit/", "/audit/?group=all", f"/audit/record/{tip.public_id}/", "/audit/patterns/")
    bob.get("/audit/")  # what is asked once after a start is asked now
    before = [cost(page) for page in pages]
    for n in range(4):
        client = signed_in(cast.person(f"Somebody{n}", "investigator"))
        client.get(f"/tips/{desk.received().public_id}/")
        client.get(f"/tips/{tip.public_id}/")
    assert [cost(page) for page in pages][:3] == before[:3]
    assert cost("/audit/patterns/") <= before[3] + 2
    assert max(before) < 40


def test_a_question_too_large_says_so_and_asks_for_fewer_days(bob: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PATIENCE_MS", 50)
    monkeypatch.setattr(period, "_AFTER", "SELECT 0 FROM pg_sleep(5) WHERE %s > '2000-01-01'")
    for address in ("/audit/", "/audit/patterns/"):
        assert "more entries than can be looked through" in _text(bob, address)
    with connection.cursor() as cursor:  # what limits one question does not limit the next
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


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
    _sign()
    with as_web_role():
        for address in ("/audit/", "/audit/?group=all", "/audit/patterns/"):
            page = _text(client, address)
            assert tips["W"].public_id not in page
            assert people["W"].public_id not in page
        page = _text(client, "/audit/?group=all")
        assert tips["E-1"].public_id in page
        assert people["E-1"].public_id in page
        assert "Searched" in page
        assert _text(client, f"/audit/record/{tips['E-1'].public_id}/")
        assert _text(client, f"/audit/record/{tips['W'].public_id}/", 404)
        assert "Nothing in these days" in _text(client, f"/audit/person/{people['W'].public_id}/")
        everything = _text(all_seeing, "/audit/?group=all")
        assert tips["W"].public_id in everything
        assert tips["E-1"].public_id in everything
        # An entry of the other state has a number, and no page for this auditor.
        (theirs,) = [
            line.ref for line in all_seeing.get(f"/audit/?group=looked&record={tips['W'].public_id}").context["lines"]
        ]
        assert _text(client, f"/audit/entry/{theirs}/", 404)
        assert "Verified just now" in _text(all_seeing, f"/audit/entry/{theirs}/")


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
        page = _text(auditor, f"/audit/record/{tip.public_id}/")
        assert "Alice Example" in page
        (ref,) = {look.ref for look in auditor.get(f"/audit/record/{tip.public_id}/").context["looks"]}
        assert len(ref) == 64  # not placed yet: found by its hash
        assert "Not signed yet" in _text(auditor, f"/audit/entry/{ref}/")
    _sign()
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
        assert "Verified just now" in _text(auditor, address)  # and when it is as it was, that is said too


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
    page = _text(auditor, f"/audit/entry/{ref}/")
    assert "held back below" in page
    assert "Verified just now" in page
    assert "Take the entry out" not in page
    assert auditor.post(f"/audit/entry/{ref}/bundle/").status_code == 409
    monkeypatch.setattr(masking, "mask_of", lambda _viewer, _subject: None)
    assert "You may not read the record" in _text(auditor, f"/audit/entry/{ref}/")
    assert auditor.post(f"/audit/entry/{ref}/bundle/").status_code == 409
    assert not Event.objects.filter(kind="audit.entry-exported").exists()


# --- one person, one record, patterns -------------------------------------------------------------------------------


def test_a_persons_page_counts_by_day_and_shows_searches_and_sign_ins(
    bob: Client, alice: Client, officer: User, desk: cast.Desk
) -> None:
    tip = desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    alice.get("/find/", {"q": "nothing of the kind"})
    page = _text(bob, f"/audit/person/{officer.public_id}/")
    assert "Alice Example" in page
    assert "Find a tip, 0 hits" in page
    assert "Triage officer, National centre" in page
    (day,) = bob.get(f"/audit/person/{officer.public_id}/").context["days"]
    assert {label: number for label, number, _ in day[1]} == {"Looked": 1, "Searched": 1}
    assert bob.get(f"/audit/person/{officer.public_id.lower()}/").status_code == 302


def test_a_records_page_tells_who_when_in_which_role_how_long_apart_and_who_searched_for_it(
    bob: Client, alice: Client, desk: cast.Desk
) -> None:
    tip = desk.full()
    alice.get("/find/", {"q": tip.public_id})
    alice.get(f"/tips/{tip.public_id}/")
    alice.get(f"/tips/{tip.public_id}/")
    answer = bob.get(f"/audit/record/{tip.public_id}/")
    last, first = answer.context["looks"]
    assert (first.after, last.after) == (None, 0)
    assert first.roles == "Triage officer"
    (viewer,) = answer.context["viewers"]
    assert (viewer.who, viewer.times) == ("Alice Example", 2)
    assert [line.detail for line in answer.context["searches"]] == ["Find a tip, 1 hit"]
    assert "File received into the vault" in answer.content.decode()


def _views(officer: User, tips: int) -> None:
    with transaction.atomic():
        for n in range(tips):
            custody.append(
                by=f"officer:{officer.public_id}",
                at=clock.now() - timedelta(seconds=n),
                kind="tip.viewed",
                subject=f"tip:NL-{n:04}-0000",
                data={"roles": ["triage-officer"]},
            )


def test_no_question_is_a_page_too(bob: Client) -> None:
    assert "No question is open" in _text(bob, "/audit/patterns/")


def test_a_question_is_shown_with_its_reason_and_answered_into_the_log(bob: Client, officer: User) -> None:
    _views(officer, 20)
    answer = bob.get("/audit/patterns/")
    asked = next(one for one in answer.context["waiting"] if one.title.startswith("Many records"))
    page = answer.content.decode()
    assert "20 records were opened and nothing was done to them" in page
    assert "not an accusation" in page
    assert bob.post("/audit/patterns/answer/", {"finding": "0" * 16, "answer": "work"}).status_code == 404
    assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": "because"}).status_code == 409
    assert not Event.objects.filter(kind="audit.finding-answered").exists()
    for choice in ("asked", "work"):
        assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": choice}).status_code == 302
    event = Event.objects.filter(kind="audit.finding-answered").latest("id")
    assert event.subject == f"officer:{officer.public_id}"
    assert json.loads(event.body)["data"] == {"finding": asked.key, "rule": "views-without-work", "answer": "work"}
    after = bob.get("/audit/patterns/")
    assert asked.key not in [one.key for one in after.context["waiting"]]
    (done,) = [one for one in after.context["answered"] if one.key == asked.key]
    assert done.answer.startswith("It was work")
    assert done.answered_by == "Bob Example"


def test_nobody_answers_a_question_about_themselves(bob: Client, auditor: User) -> None:
    _views(auditor, 20)
    answer = bob.get("/audit/patterns/")
    asked = next(one for one in answer.context["waiting"] if one.title.startswith("Many records"))
    assert "This is about you" in answer.content.decode()
    assert bob.post("/audit/patterns/answer/", {"finding": asked.key, "answer": "work"}).status_code == 403
    assert not Event.objects.filter(kind="audit.finding-answered").exists()


def test_no_more_questions_than_one_can_answer_are_on_a_page(
    bob: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _views(officer, 20)
    now = clock.now()
    for n in range(3):
        Glass.objects.create(
            public_id=f"BG-{n}",
            user=officer,
            unit=cast.root(),
            subject="tip:NL-1111-1111",
            reason="An invented reason here.",
            broken_at=now - timedelta(hours=80),
            until=now - timedelta(hours=76),
        )
    monkeypatch.setattr(views, "MOST_QUESTIONS", 2)
    answer = bob.get("/audit/patterns/")
    assert len(answer.context["waiting"]) == 2
    assert answer.context["more"] >= 2
    assert "more questions wait" in answer.content.decode()


def test_broken_glass_that_waits_too_long_is_among_the_questions(bob: Client, officer: User, auditor: User) -> None:
    Glass.objects.create(
        public_id="BG-1", user=officer, unit=cast.root(), subject="tip:NL-1111-1111", reason="An invented reason here.",
        broken_at=clock.now() - timedelta(hours=80), until=clock.now() - timedelta(hours=76),
    )  # fmt: skip
    assert "nobody has signed it off" in _text(bob, "/audit/patterns/")
    assert "not yet" in _text(bob, f"/audit/person/{officer.public_id}/")


def test_work_on_a_file_counts_as_work_on_its_tip(bob: Client, officer: User, desk: cast.Desk) -> None:
    tips = [desk.full() for _ in range(20)]
    for tip in tips:
        with transaction.atomic():
            custody.append(
                by=f"officer:{officer.public_id}",
                at=clock.now(),
                kind="tip.viewed",
                subject=f"tip:{tip.public_id}",
                data={},
            )
    assert len(bob.get("/audit/patterns/").context["waiting"]) >= 1
    with transaction.atomic():
        custody.append(
            by=f"officer:{officer.public_id}",
            at=clock.now(),
            kind="person.added",  # a kind that counts as work
            subject=f"item:{tips[0].files.get().item.public_id}",
            data={},
        )
    limits = patterns.Thresholds()
    assert limits.idle_records == 20
    titles = [one.title for one in bob.get("/audit/patterns/").context["waiting"]]
    assert "Many records opened, nothing done to them" not in titles


# --- words ----------------------------------------------------------------------------------------------------------


def test_kinds_fall_into_the_groups_an_auditor_expects() -> None:
    expected = {
        "tip.viewed": "looked",
        "evidence.viewing-asked": "looked",
        "evidence.shown": "looked",
        "search.made": "searched",
        "sealed.searched": "searched",
        "tip.handed-over": "handed-over",
        "tip.exported": "exported",
        "export.approved": "exported",
        "audit.entry-exported": "exported",
        "glass.broken": "glass",
        "sealed.opened": "unsealed",
        "sealed.unsealing-asked": "unsealed",
        "person.signed-in": "signed-in",
        "person.sign-in-failed": "failed",
        "tip.received": "received",
        "post.given": "changed",
        "something.nobody-foresaw": "changed",
    }
    assert {kind: str(kinds.group_of(kind)) for kind in expected} == expected
    assert set(kinds.looks()) >= {"tip.viewed", "evidence.shown"}
    assert "evidence.viewing-asked" not in kinds.looks()


def test_every_documented_kind_is_known_to_the_filters() -> None:
    root = next(folder for folder in Path(__file__).parents if (folder / "docs" / "custody-events.md").exists())
    text = (root / "docs" / "custody-events.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", text, re.MULTILINE))
    assert documented <= kinds.known(), "give these kinds words in outlook/desk/wording.py"
