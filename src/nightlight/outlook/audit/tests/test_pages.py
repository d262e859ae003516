# SPDX-License-Identifier: Apache-2.0
"""The audit pages: for auditors only, and quick: the list of who did what, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from nightlight.foundation import clock
from nightlight.outlook.audit import period, queries
from nightlight.outlook.audit.tests.conftest import signed_in
from nightlight.outlook.desk.tests import cast
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Kind

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
from nightlight.outlook.audit.tests.reading import sign, text

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


# --- who may not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_no_other_role_opens_an_audit_page(db: None, role: str) -> None:
    client = signed_in(cast.person("Dora", role))
    for address in ADDRESSES:
        assert "for auditors" in text(client, address, 403)
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
    assert "no such entry" in text(bob, "/audit/entry/99/", 404)
    assert "no such entry" in text(bob, f"/audit/entry/{'ab' * 32}/", 404)
    assert "no such entry" in text(bob, "/audit/entry/nonsense/", 404)
    assert "nobody with the identifier" in text(
        bob, "/audit/person/OF-2222-222N/".replace("N", _check("OF-2222-222")), 404
    )
    assert "typing slip" in text(bob, "/audit/record/NL-1111-1111/", 404)
    assert "no entries about NL-1111-111" in text(bob, f"/audit/record/NL-1111-111{_check('NL-1111-111')}/", 404)
    assert "is not an identifier" in text(bob, "/audit/record/x/", 404)


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
    assert "Nothing in these days" in text(bob, "/audit/?from=2020-01-01&to=2020-01-02")


def test_filters_that_make_no_sense_are_said_and_left_out(bob: Client) -> None:
    page = text(bob, "/audit/?from=yesterday&person=NL-1111&group=x&unit=nowhere", 400)
    for said in ("is no day", "is not an identifier", "no such kind", "no unit"):
        assert said in page
    assert "swapped" in text(bob, "/audit/?from=2026-11-20&to=2026-11-01", 400)


def test_who_looked_and_searched_is_listed_newest_first_and_counted(
    bob: Client, alice: Client, officer: User, desk: cast.Desk
) -> None:
    tip = desk.received()
    alice.get(f"/tips/{tip.public_id}/")
    alice.get("/find/", {"q": "nothing of the kind"})
    page = text(bob, "/audit/")
    assert page.index("Searched <span") < page.index("Tip opened on the desk")
    assert "Find a tip, 0 hits" in page
    assert "Alice Example" in page
    assert "Report finished" not in page
    assert "Report finished" in text(bob, "/audit/?group=all")
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
    sign()
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
        assert "more entries than can be looked through" in text(bob, address)
    with connection.cursor() as cursor:  # what limits one question does not limit the next
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
