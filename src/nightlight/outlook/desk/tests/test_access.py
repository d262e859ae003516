# SPDX-License-Identifier: Apache-2.0
"""Deny by default: every address of the desk has a decision, and every role meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from nightlight.trust.accounts.models import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.outlook.desk.tests.cast import Desk

# Signing in and out, and what the sign-in library brings along. All of it is about the asker's own account.
OWN_ACCOUNT = "accounts/"
HOTLINE = "tell/"  # for anybody, who is nobody
TIP_PAGES = ["/", "/arrivals/?since=0-00000000", "/find/?q=x", "/tips/NL-1111-1111/", "/imports/", "/custody/"]


def _addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, object]]:
    for one in patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _addresses(one.url_patterns, here)
        else:
            yield here, one.callback


def test_every_address_has_a_decision() -> None:
    undecided = [
        address
        for address, view in _addresses(get_resolver().url_patterns)
        if not address.startswith((OWN_ACCOUNT, HOTLINE)) and not hasattr(view, "decision")
    ]
    assert undecided == []


# What an administrator is for: people, units and the system; tests/access holds the whole table.
WITHOUT_TIPS = ("system/", "notices/", "units/", "people/", "me/", "installations/")


def test_no_decision_lets_an_administrator_see_tips() -> None:
    for address, view in _addresses(get_resolver().url_patterns):
        decision = getattr(view, "decision", None)
        if decision is not None and not address.startswith(WITHOUT_TIPS):
            assert Role.ADMINISTRATOR not in decision.roles, address


@pytest.mark.parametrize("address", [*TIP_PAGES, "/system/"])
@pytest.mark.django_db
def test_nobody_gets_in_without_signing_in(address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=")


def test_a_page_asking_for_news_after_the_session_ended_is_loaded_anew(db: None) -> None:
    answer = Client().get("/arrivals/?since=0-00000000", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"


@pytest.mark.parametrize("address", TIP_PAGES)
def test_an_administrator_is_told_why_not(charlie: Client, address: str) -> None:
    answer = charlie.get(address)
    assert answer.status_code == 403
    assert "sees no tip" in answer.content.decode()


def test_an_officer_does_not_see_the_system_page(alice: Client) -> None:
    assert alice.get("/system/").status_code == 403


def test_an_auditor_starts_no_import(bob: Client) -> None:
    answer = bob.post("/imports/new/", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 403
    assert "form" not in bob.get("/imports/").content.decode().split("<main", 1)[1]


@pytest.mark.parametrize("address", ["/", "/imports/", "/custody/", "/system/"])
def test_an_auditor_sees_everything(bob: Client, desk: Desk, address: str) -> None:
    tip = desk.received()
    assert bob.get(address).status_code == 200
    assert bob.get(f"/tips/{tip.public_id}/").status_code == 200


def test_pages_are_never_kept_by_a_browser(alice: Client) -> None:
    assert "no-store" in alice.get("/").headers["Cache-Control"]


def test_pages_allow_no_inline_script_or_style(alice: Client, desk: Desk) -> None:
    tip = desk.full()
    for address in ("/", f"/tips/{tip.public_id}/", "/imports/", "/custody/"):
        answer = alice.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        page = answer.content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page
