# SPDX-License-Identifier: Apache-2.0
"""A list of random fingerprints, opened to one partner, and whoever asks for it over HTTP."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from nightlight.foundation import clock
from nightlight.pipeline.matching import list_actions, member_actions, schemes, sharing_actions
from nightlight.pipeline.matching.models import Entry
from nightlight.pipeline.matching.sharing import reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http.response import HttpResponseBase

    from nightlight.pipeline.matching.member_actions import IssuedMember
    from nightlight.pipeline.matching.models import HashList
    from nightlight.pipeline.matching.sharing.terms import Page

OWNER = 7000
CLI = "command:cli"


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """An installation that was never collected has no such folder, and whitenoise warns."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


def add_member(number: int = 11, name: str = "Example Platform") -> IssuedMember:
    """Add a partner."""
    return member_actions.add_member(by=CLI, at=clock.now(), number=number, name=name)


def add_list(name: str = "National list", slug: str = "national") -> HashList:
    """Add an empty list that is served under ``slug``."""
    scheme, version = next(iter(schemes.schemes()))
    made = list_actions.add_list(
        by=CLI,
        at=clock.now(),
        name=name,
        owner="Example Authority",
        legal_basis="Example Act",
        scheme=scheme,
        scheme_version=version,
    )
    member_actions.share_list(
        by=CLI, at=clock.now(), hash_list=made, slug=slug, owner_number=OWNER, owner_name="Example Authority"
    )
    return made


def open_to(issued: IssuedMember, hash_list: HashList, *, may_answer: bool = True) -> None:
    """Open a list to a member."""
    member_actions.give_access(by=CLI, at=clock.now(), member=issued.member, hash_list=hash_list, may_answer=may_answer)


def noise(length: int, seed: str) -> bytes:
    """Return bytes that look like a digest and are of no file."""
    return random.Random(seed).randbytes(length)


@transaction.atomic
def put(hash_list: HashList, names: Iterable[str], at: datetime | None = None, **what: object) -> datetime:
    """Add or change entries as an import does: under the list's lock, with the moment that it gives."""
    moment = at or sharing_actions.moment_of_change(hash_list_id=hash_list.pk)
    common: dict[str, Any] = {"classification": "A1", "media": "image", "withdrawn": False, "edition": 1, **what}
    Entry.objects.bulk_create(
        (
            Entry(
                hash_list=hash_list,
                source_id=name,
                changed_at=moment,
                **{"md5": noise(16, name), "sha1": noise(20, name), "pdq": noise(32, name), **common},
            )
            for name in names
        ),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["hash_list", "source_id"],
        update_fields=[*{"md5", "sha1", "pdq", "changed_at", *common}],
    )
    return moment


class Partner:
    """A partner's software; counts what it is given."""

    def __init__(self, issued: IssuedMember, slug: str = "national") -> None:
        self.issued, self.member = issued, issued.member
        self.base = f"/hashsharing/{slug}"
        shown = base64.b64encode(f"{issued.member.username}:{issued.secret}".encode()).decode()
        self.headers = {"Authorization": f"Basic {shown}"}
        self.client = Client(enforce_csrf_checks=True)

    def get(self, target: str, **query: str) -> HttpResponseBase:
        """GET what lies behind the base address."""
        return self.client.get(self.base + target, query, headers=self.headers)

    def put(self, target: str, body: bytes | str) -> HttpResponseBase:
        """PUT an XML document."""
        return self.client.put(
            self.base + target, body, headers=self.headers, content_type="application/xml; charset=utf-8"
        )

    def page(self, target: str = "/v2/entries", **query: str) -> Page:
        """GET a page of entries and read it; nothing in it may be unreadable."""
        answer = self.get(target, **query)
        assert answer.status_code == 200, answer.content  # type: ignore[attr-defined]
        assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
        found = reading.query_result(answer.content)  # type: ignore[attr-defined]
        assert found.problems == ()
        assert all(claim.count == claim.came for claim in found.claims)
        return found

    def pages(self, **query: str) -> list[Page]:
        """GET a range of time to its last page."""
        found = [self.page(**query)]
        while found[-1].next is not None:
            found.append(self.page(found[-1].next))
        return found


@pytest.fixture
def hash_list(db: None) -> HashList:
    """A list."""
    return add_list()


@pytest.fixture
def partner(hash_list: HashList) -> Partner:
    """A partner to whom the list was opened."""
    member = add_member()
    open_to(member, hash_list)
    return Partner(member)
