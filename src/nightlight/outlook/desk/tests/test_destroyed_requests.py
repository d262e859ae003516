# SPDX-License-Identifier: Apache-2.0
"""Once a tip was destroyed, no page shows anything of what was asked about it, and none of them breaks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution.tests import case_cast
from nightlight.casework.attribution.tests import requests_cast as cast

if TYPE_CHECKING:
    from django.test import Client

_KNOWN = (cast.MOBILE, case_cast.SUBSCRIBER, cast.REFERENCE, "another zone", "a. subscriber")


@pytest.mark.django_db
def test_pages_of_a_destroyed_tip_say_so_and_nothing_of_it(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: case_cast.LATER + timedelta(hours=1))
    case = case_cast.case()
    request, returned, tip = (f"/{part}/" for part in _paths(case))
    before = alice.get(request).content.decode()
    assert cast.MOBILE in before and cast.REFERENCE in before
    case_cast.destroyed(case.tip)
    for page in (request, f"{request}letter/", f"{request}lines/", returned):
        answer = alice.get(page)
        assert answer.status_code == 409, page
        assert "was destroyed with its tip" in answer.content.decode()
    lists = ("/requests/?show=mine", "/requests/?show=ended", "/requests/operators/", "/wrong-doors/")
    for page in (*lists, tip, f"{tip}addresses/", f"{request}return/"):
        answer = alice.get(page)
        assert answer.status_code == 200, page
        assert not [word for word in _KNOWN if word in answer.content.decode()], page
    assert case.request.public_id in alice.get("/requests/?show=ended").content.decode()


def _paths(case: case_cast.Case) -> tuple[str, str, str]:
    return (
        f"requests/{case.request.public_id}",
        f"returns/{case.returned.public_id}",
        f"tips/{case.tip.public_id}",
    )
