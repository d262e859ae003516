# SPDX-License-Identifier: Apache-2.0
"""A partner asks by digest: what is refused, what an answer holds and nothing else, that both sides are told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client

from nightlight.foundation import clock
from nightlight.pipeline.linking.deconfliction import asking, contacts, keys, partners, preparing, rules, wire
from nightlight.pipeline.linking.deconfliction.models import Held, Partner, PartnerAsking, RingDigest
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Waiting
from nightlight.pipeline.linking.tests.db_cast import LATER, link, person, reporter, root, suspect, victim
from nightlight.trust.accounts import token_actions
from nightlight.trust.accounts.models import Scope
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice
from nightlight.trust.units.viewer import viewer_of
from tests.deconfliction.cast import (
    EMAIL,
    PHONE,
    as_nobody,
    as_pages,
    given,
    hold_to_rights,
    told,
    two_units,
)

if TYPE_CHECKING:
    from pathlib import Path

    from django.http.response import HttpResponseBase
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

    from nightlight.trust.accounts.token_actions import IssuedToken

URL = "/api/v1/deconfliction"
RING, EPOCH = "states", "2026-11"
CALL = {"unit": "State Unit East", "contact": "+91 2 · duty@east.example.org"}

pytestmark = pytest.mark.django_db


def issue(*scopes: str) -> IssuedToken:
    """A token with these scopes."""
    return token_actions.issue_token(
        by="command:cli", at=clock.now(), name="East", scopes=scopes, unit=root().public_id, days=30
    )


@pytest.fixture(autouse=True)
def key(settings: Settings, tmp_path: Path) -> bytes:
    """The key of the ring, as both sides have it."""
    settings.NIGHTLIGHT_DECONFLICTION_KEYS_DIR = tmp_path / "rings"
    settings.NIGHTLIGHT_DECONFLICTION_NAME = "West"
    return rules.read_key(keys.make(RING, EPOCH).read_text())


@pytest.fixture
def token() -> IssuedToken:
    """The token of a partner in the ring."""
    made = issue(Scope.DECONFLICTION_ASK)
    partners.add(by="command:cli", at=clock.now(), name="East", ring=RING, token=made.token.public_id)
    return made


def digest(key: bytes, kind: Kind, value: str, *, environment: str = "production") -> str:
    """What another installation works out with the same key."""
    return rules.digest(key, ring=RING, epoch=EPOCH, environment=environment, kind=kind, value=value).hex()


def ask(token: IssuedToken | None, *digests: str, **changed: Any) -> HttpResponseBase:  # noqa: ANN401
    """Ask as this token; nobody is acting, and the pages' role asks the database."""
    question = {"ring": RING, "epoch": EPOCH, "call": CALL, "digests": list(digests), **changed}
    headers = {"Authorization": f"Bearer {token.text}"} if token else {}
    with as_nobody():
        return Client().post(URL, json.dumps(question), content_type="application/json", headers=headers)


def is_problem(answer: HttpResponseBase, status: int, kind: str) -> None:
    """See that it is refused so."""
    assert answer.status_code == status, answer.content  # type: ignore[attr-defined]
    assert json.loads(answer.content)["type"] == f"urn:nightlight:problem:{kind}"  # type: ignore[attr-defined]
    assert not Held.objects.exists()
    assert not PartnerAsking.objects.exists()


def test_who_has_no_token_no_scope_or_is_no_partner_of_the_ring_is_refused(key: bytes) -> None:
    preparing.prepare()
    one = digest(key, Kind.PHONE, PHONE)
    hold_to_rights()
    is_problem(ask(None, one), 401, "token")
    is_problem(ask(issue(Scope.EXPORTS_READ), one), 403, "scope")
    with_scope = issue(Scope.DECONFLICTION_ASK)
    is_problem(ask(with_scope, one), 403, "ring")
    made = partners.add(by="command:cli", at=clock.now(), name="South", ring="others", token=with_scope.token.public_id)
    is_problem(ask(with_scope, one), 403, "ring")
    is_problem(ask(with_scope, one, ring="others"), 409, "epoch")
    partners.end(by="command:cli", at=clock.now(), partner=made)
    is_problem(ask(with_scope, one, ring="others"), 403, "ring")
    with as_nobody():
        got = Client().get(URL, headers={"Authorization": f"Bearer {with_scope.text}"})
    is_problem(got, 405, "method")


def test_an_epoch_without_a_key_is_refused_and_it_is_on_record(key: bytes, token: IssuedToken) -> None:
    preparing.prepare()
    hold_to_rights()
    is_problem(ask(token, digest(key, Kind.PHONE, PHONE), epoch="2027-01"), 409, "epoch")
    (event,) = Event.objects.filter(kind="deconfliction.partner-refused")
    assert json.loads(event.body)["data"]["why"] == "epoch"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"digests": []}, "digests"),
        ({"digests": "00" * 16}, "digests"),
        ({"digests": ["00" * 15]}, "digests"),
        ({"digests": ["AB" * 16]}, "digests"),
        ({"digests": [7]}, "digests"),
        ({"digests": ["00" * 16] * 201}, "too-many"),
        ({"digests": ["00" * 16] * 2000}, "size"),
        ({"ring": "../x"}, "ring"),
        ({"ring": 1}, "ring"),
        ({"epoch": ""}, "epoch"),
        ({"call": {}}, "call"),
        ({"call": {"unit": "x", "contact": " \n"}}, "call"),
        ({"call": {"unit": "x", "contact": ["+91"]}}, "call"),
        ({"more": 1}, "fields"),
    ],
)
def test_a_question_that_is_not_one_is_refused_with_a_code(token: IssuedToken, changed: dict, kind: str) -> None:  # type: ignore[type-arg]
    hold_to_rights()
    is_problem(ask(token, "00" * 16, **changed), 400, kind)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 9000, b"null"])
def test_a_body_that_is_none_is_refused(token: IssuedToken, body: bytes) -> None:
    got = Client().post(URL, body, content_type="application/json", headers={"Authorization": f"Bearer {token.text}"})
    assert got.status_code == 400
    assert got.json()["type"].rpartition(":")[2] in {"json", "fields"}


def test_past_the_limit_of_a_day_it_waits(key: bytes, token: IssuedToken, settings: Settings) -> None:
    settings.NIGHTLIGHT_DECONFLICTION_DAILY = 3
    given(reporter(), two_units().a, suspect(phone=PHONE))
    link()
    preparing.prepare()
    hold_to_rights()
    misses = [f"{n:032x}" for n in range(5)]
    assert ask(token, *misses[:2], misses[0]).status_code == 200  # one twice is one
    refused = ask(token, *misses[2:4])
    assert (refused.status_code, json.loads(refused.content)["left"]) == (429, 1)  # type: ignore[attr-defined]
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert ask(token, digest(key, Kind.PHONE, PHONE)).status_code == 200
    assert ask(token, digest(key, Kind.PHONE, PHONE)).status_code == 429
    assert Held.objects.count() == 1
    events = Event.objects.filter(subject=f"partner:{Partner.objects.get().public_id}").order_by("pk")
    assert [event.kind.rpartition("-")[2] for event in events] == ["added", "asked", "refused", "asked"]
    assert all(miss not in event.body for event in events for miss in misses)


def test_both_sides_learn_whom_to_call_and_the_answer_holds_nothing_else(key: bytes, token: IssuedToken) -> None:
    two = two_units()
    chat = reporter()
    theirs = [given(chat, two.b, suspect("blue-kite-77", phone=PHONE, email=EMAIL)) for _ in range(3)]
    link()
    preparing.prepare()
    boss = person("Bina", "commander", two.b)
    contacts.set_contact(
        by=viewer_of(boss, LATER), at=LATER, unit=two.b, telephone="+91 1", email="", duty="night desk"
    )
    hold_to_rights()
    one = digest(key, Kind.PHONE, PHONE)
    answer = ask(token, one, digest(key, Kind.PHONE, "+919990000002"), digest(key, Kind.EMAIL, PHONE))
    said = json.loads(answer.content)  # type: ignore[attr-defined]
    assert said == {
        "ring": RING,
        "epoch": EPOCH,
        "held": [
            {
                "digest": one,
                "kind": "phone",
                "since_month": "2026-11",
                "call": {"installation": "West", "unit": "Unit B", "contact": "+91 1 · night desk"},
            }
        ],
    }
    assert not re.search(rf"NL-|{re.escape(PHONE)}|{EMAIL}|kite", answer.content.decode())  # type: ignore[attr-defined]
    newest = f"tip:{theirs[-1].public_id}"
    partner = Partner.objects.get()
    about = f"partner:{partner.public_id}"
    assert told() == {("B", role, newest, about) for role in ("triage-officer", "investigator", "commander")}
    with as_pages(two.dev) as dev:
        (seen,) = asking.elsewhere(dev, theirs[0], at=LATER)
    assert (seen.partner, seen.unit, seen.call.told, seen.value) == ("East", CALL["unit"], CALL["contact"], PHONE)
    with as_pages(two.asha) as asha:
        assert asking.elsewhere(asha, theirs[0], at=LATER) == ()
    assert ask(token, one).status_code == 200
    assert Notice.objects.filter(kind="deconfliction.held").count() == 3  # once
    logged = Event.objects.filter(kind="deconfliction.told")
    assert {event.subject for event in logged} == {f"tip:{their.public_id}" for their in theirs}
    assert len(logged) == len(theirs)  # once
    assert json.loads(logged[0].body)["data"] == {"to": about, "kinds": ["phone"]}
    (event, _again) = Event.objects.filter(kind="deconfliction.partner-asked").order_by("pk")
    data = {"ring": RING, "epoch": EPOCH, "digests": 3, "held": 1}
    body = json.loads(event.body)
    assert (body["by"], body["subject"], body["data"]) == (f"token:{token.token.public_id}", about, data)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE linking_identifier SET silenced = true",
        f"UPDATE linking_identifier SET suspects = {rules.MOST_PEOPLE + 1}",
        "UPDATE linking_sighting SET value = ''",
        "UPDATE linking_sighting SET side = 'child'",
        "UPDATE linking_subject SET gone = true",
        "UPDATE tips_tip SET set_apart = true",
        "UPDATE linking_identifier SET kind = 'handle'",
    ],
)
def test_what_may_be_told_no_longer_is_answered_no_longer(key: bytes, token: IssuedToken, sql: str) -> None:
    given(reporter(), two_units().a, suspect(phone=PHONE))
    link()
    preparing.prepare()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("DELETE FROM linking_waiting")
    hold_to_rights()
    answer = ask(token, digest(key, Kind.PHONE, PHONE))
    assert json.loads(answer.content)["held"] == []  # type: ignore[attr-defined]
    assert (told(), Held.objects.count()) == (set(), 0)


def test_a_partner_that_calls_itself_ever_another_unit_tells_us_nothing_new(key: bytes, token: IssuedToken) -> None:
    given(reporter(), two_units().a, suspect(phone=PHONE))
    link()
    preparing.prepare()
    hold_to_rights()
    one = digest(key, Kind.PHONE, PHONE)
    for number in range(7):
        assert ask(token, one, call={**CALL, "unit": f"Cell {number}"}).status_code == 200
    assert sorted(Held.objects.values_list("their_unit", flat=True)) == [f"Cell {n}" for n in range(2, 7)]
    assert Notice.objects.filter(kind="deconfliction.held").count() == 3
    assert Event.objects.filter(kind="deconfliction.told").count() == 1


def test_who_waits_to_be_linked_has_no_digest_yet(key: bytes) -> None:
    mine = given(reporter(), two_units().a, suspect(phone=PHONE))
    link()
    Waiting.objects.create(tip=mine)
    assert [one.added for one in preparing.prepare()] == [0]
    Waiting.objects.all().delete()
    assert [one.added for one in preparing.prepare(whole=True)] == [1]


def test_digests_are_prepared_of_strong_kinds_of_reported_people_alone(key: bytes) -> None:
    two = two_units()
    chat = reporter()
    given(chat, two.a, suspect("blue-kite-77", phone=PHONE, device="490154203237518"), victim(email=EMAIL))
    given(chat, two.a, suspect("green-kite-77", email=EMAIL))  # a child's too
    given(reporter("Example Tests", "test"), two.a, suspect("red-kite-77", phone=PHONE))
    link()
    (done,) = preparing.prepare()
    kinds = sorted(RingDigest.objects.values_list("identifier__kind", flat=True))
    assert kinds == ["device", "phone", "phone"]
    assert (done.added, [one.added for one in preparing.prepare(whole=True)]) == (3, [0])
    held = {bytes(one).hex() for one in RingDigest.objects.values_list("digest", flat=True)}
    assert {digest(key, Kind.PHONE, PHONE), digest(key, Kind.PHONE, PHONE, environment="test")} < held
    with connection.cursor() as cursor:
        cursor.execute("UPDATE linking_identifier SET silenced = true WHERE kind = 'device'")
    assert [one.removed for one in preparing.prepare(whole=True)] == [1]
    (keys.folder() / f"{RING}.{EPOCH}.key").unlink()
    assert preparing.prepare() == []
    assert not RingDigest.objects.exists()


def test_a_partner_that_hardly_ever_hits_is_reported_to_administrators_once_a_day(token: IssuedToken) -> None:
    admin = person("Chen", "administrator")
    preparing.prepare()
    partner = Partner.objects.get()
    now = clock.now()
    PartnerAsking.objects.create(partner=partner, digests=998, held=0, at=now - timedelta(days=2))
    hold_to_rights()
    for number in range(3):
        assert ask(token, f"{number:032x}").status_code == 200
        expected = set() if number == 0 else {("IN", "administrator", f"partner:{partner.public_id}", "")}
        assert told("deconfliction.guessing") == expected
    assert Notice.objects.filter(kind="deconfliction.guessing").count() == 1
    with as_pages(admin):
        assert Notice.objects.filter(kind="deconfliction.guessing").exists()


@pytest.mark.django_db(transaction=True)
def test_another_installation_asks_over_http_with_a_key_of_its_own(
    key: bytes, token: IssuedToken, live_server: LiveServer
) -> None:
    """The other side is our own client with the same key, and nothing else that is here."""
    two = two_units()
    given(reporter(), two.b, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    one, none = digest(key, Kind.PHONE, PHONE), digest(key, Kind.PHONE, "+919990000009")
    question: dict[str, Any] = {"ring": RING, "epoch": EPOCH, "call": CALL, "digests": [none, one]}
    (said,) = wire.ask(live_server.url, token.text, question)
    assert (said.digest.hex(), said.installation, said.unit, said.since) == (one, "West", "Unit B", "2026-11")
    assert said.contact == "No contact is set; ask the administrator of West."
    assert wire.ask(live_server.url, token.text, {**question, "digests": [none]}) == []
    stranger = digest(bytes(range(32)), Kind.PHONE, PHONE)
    assert wire.ask(live_server.url, token.text, {**question, "digests": [stranger]}) == []
    with pytest.raises(wire.AskingFailed, match="401 token"):
        wire.ask(live_server.url, f"{token.text[:-1]}?", question)
    with pytest.raises(wire.AskingFailed, match="403 ring") as refused:
        wire.ask(live_server.url, token.text, {**question, "ring": "others"})
    assert token.text not in str(refused.value)
    assert {row.call for row in Held.objects.all()} == {CALL["contact"]}
