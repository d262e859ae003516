# SPDX-License-Identifier: Apache-2.0
"""A list opens to the members it was opened to and to nobody else, and does not even exist for the others."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from structlog.testing import capture_logs

from nightlight.config import rights
from nightlight.foundation import clock
from nightlight.outlook.sharing.tests.conftest import CLI, Partner, add_list, add_member, open_to, put
from nightlight.pipeline.matching import member_actions
from nightlight.pipeline.matching.sharing import reading
from nightlight.pipeline.matching.sharing.terms import Member
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import WEB

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

    from nightlight.pipeline.matching.models import HashList

pytestmark = pytest.mark.django_db
ADDRESSES = (
    "/v2/status",
    "/v2/members",
    "/v2/entries",
    "/v2/categorizations",
    "/v2/feedback/MD5/reasons",
    "/v2/entries/7000/one/MD5/feedback",
    "/v2/nowhere",
)


def _is_challenge(answer: HttpResponseBase) -> None:
    assert answer.status_code == 401
    assert answer.content == b""  # type: ignore[attr-defined]
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("slug", ["national", "no-such-list"])
def test_without_a_login_nothing_is_answered(partner: Partner, address: str, slug: str) -> None:
    _is_challenge(Client().get(f"/hashsharing/{slug}{address}"))
    _is_challenge(Client(enforce_csrf_checks=True).put(f"/hashsharing/{slug}{address}", b"<x/>"))


def _basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


WRONG: dict[str, Callable[[bytes, bytes], str]] = {
    "no word": lambda _name, _secret: "Basic",
    "no base64": lambda _name, _secret: "Basic !!!",
    "another scheme": lambda _name, _secret: "Bearer nlt_TK-7F3K-9QTX_" + "x" * 43,
    "no colon": lambda name, _secret: _basic(name),
    "no secret": lambda name, _secret: _basic(name + b":"),
    "wrong secret": lambda name, secret: _basic(name + b":" + secret[:-1]),
    "wrong name": lambda name, secret: _basic(name[:-1] + b":" + secret),
    "NUL": lambda name, secret: _basic(name + b"\x00:" + secret),
    "not UTF-8": lambda name, secret: _basic(name + b"\xff\xfe:" + secret),
    "capitals": lambda name, secret: _basic(name.upper() + b":" + secret),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_login_is_none_and_is_logged_without_the_secret(partner: Partner, case: str) -> None:
    header = WRONG[case](partner.member.username.encode(), partner.issued.secret.encode())
    with capture_logs() as lines:
        _is_challenge(Client().get("/hashsharing/national/v2/status", headers={"Authorization": header}))
    (line,) = [line for line in lines if line["event"] == "sharing-refused"]
    assert (line["status"], line["who"], line["page"]) == (401, "", "sharing:status")
    assert partner.issued.secret[:20] not in str(lines)


def test_a_member_whose_access_ended_is_nobody(partner: Partner) -> None:
    assert partner.get("/v2/status").status_code == 200
    member_actions.end_member(by=CLI, at=clock.now(), member=partner.member)
    _is_challenge(partner.get("/v2/status"))


def test_a_list_that_is_taken_away_is_gone(partner: Partner, hash_list: HashList) -> None:
    assert partner.get("/v2/entries").status_code == 200
    member_actions.take_access(by=CLI, at=clock.now(), member=partner.member, hash_list=hash_list)
    assert partner.get("/v2/entries").status_code == 404


def test_a_session_of_a_person_opens_nothing(partner: Partner) -> None:
    client = Client()
    client.force_login(User.objects.create(username="alice", public_id="OF-0000-0000"))
    _is_challenge(client.get("/hashsharing/national/v2/status"))


def test_a_login_opens_no_page_for_people(partner: Partner) -> None:
    assert Client().get("/", headers=partner.headers).headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_list_of_others_answers_exactly_like_none(partner: Partner, address: str) -> None:
    put(add_list("Another", "another"), ["one"])
    add_list("Not shared any more", "closed").share.delete()
    for method in ("get", "put", "post", "delete"):
        answers = [
            getattr(partner.client, method)(f"/hashsharing/{slug}{address}", headers=partner.headers)
            for slug in ("another", "closed", "no-such-list", "a%00b")
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(answer.headers.items()) for answer in answers}) == 1
    assert Event.objects.filter(kind="hashes.pulled").count() == 0


def test_another_method_and_an_unknown_address_are_refused(partner: Partner) -> None:
    for address in ADDRESSES[:5]:
        answer = partner.put(address, b"")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    answer = partner.get("/v2/entries/7000/one/MD5/feedback")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "PUT")
    for address in ("/v2/nowhere", "/v2/", "/v1/entries", "/v2/feedback/CRC32/reasons"):
        answer = partner.get(address)
        assert answer.status_code == 404
        assert reading.error(answer.content)  # type: ignore[attr-defined]


def test_a_member_is_told_who_it_is_and_who_else_there_is(partner: Partner) -> None:
    add_member(3, "Example Helpline")
    past = add_member(4, "Example Past")
    member_actions.end_member(by=CLI, at=clock.now(), member=past.member)
    answer = partner.get("/v2/status")
    assert answer.headers["Cache-Control"] == "no-store"
    told = reading.status(answer.content)  # type: ignore[attr-defined]
    assert (told.ip_address, told.username) == ("127.0.0.1", partner.member.username)
    assert told.member == Member(11, "Example Platform")
    found = reading.members(partner.get("/v2/members").content)  # type: ignore[attr-defined]
    assert found == (Member(3, "Example Helpline"), Member(11, "Example Platform"), Member(7000, "Example Authority"))


def test_the_database_itself_shows_a_member_its_lists_alone(partner: Partner, hash_list: HashList) -> None:
    """Under the role and the row security of the pages, with all that a pull and an answer need."""
    put(hash_list, ["one", "two"])
    put(add_list("Another", "another"), ["three"])
    stranger = Partner(add_member(12, "Example Stranger"))
    reader = Partner(add_member(13, "Example Reader"))
    open_to(reader.issued, hash_list, may_answer=False)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.apply(connection)
    yes = (
        b'<feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><affirmative/></feedbackSubmission>'
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WEB}")
        for table in ("entry", "list", "share", "access", "feedback", "member"):
            cursor.execute(f"SELECT count(*) FROM matching_{table}")
            assert cursor.fetchone() == (0,), table
    answers = [asked.get("/v2/entries").status_code for asked in (stranger, partner, reader)]
    put_answers = [
        asked.put("/v2/entries/7000/one/MD5/feedback", yes).status_code for asked in (stranger, partner, reader)
    ]
    page = partner.page()
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert answers == [404, 200, 200]
    assert put_answers == [404, 200, 403]
    assert {entry.entry_id for entry in page.entries} == {"one", "two"}
    assert {entry.entry_id: len(entry.feedback) for entry in page.entries} == {"one": 1, "two": 0}
    assert {e.actor for e in Event.objects.filter(kind="hashes.pulled")} == {
        f"partner:{asked.member.public_id}" for asked in (partner, reader)
    }
