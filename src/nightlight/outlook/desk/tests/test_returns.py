# SPDX-License-Identifier: Apache-2.0
"""What the page of a return shows of whoever was stated, and an organisation that an officer ticks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from nightlight.casework.attribution.models import Finding
from nightlight.casework.attribution.tests import prepared_cast, return_cast
from nightlight.casework.attribution.tests.return_cast import NOW, row, sheet
from nightlight.outlook.desk.tests import cast
from nightlight.trust.accounts.models import User
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ticked", [False, True])
def test_a_name_that_is_an_organisations_is_said_to_be_nobodys_door(
    alice: Client, monkeypatch: pytest.MonkeyPatch, *, ticked: bool
) -> None:
    prepared_cast.load(monkeypatch)
    asha = User.objects.get(username="alice")
    tip = prepared_cast.tip(prepared_cast.reporter(), prepared_cast.through_a_tunnel())
    request = return_cast.sent_request(tip, asha, cast.person("Kavita", "commander"))
    made = return_cast.read_through(viewer_of(asha, NOW), request, sheet(row()))
    page = reverse("desk:return", args=[made.public_id])
    assert 'name="organisation"' in alice.get(page).content.decode()
    told = {"line": "E-1", "subscriber": "SUB-1"} | ({"organisation": "1"} if ticked else {})
    alice.post(reverse("desk:return-found", args=[made.public_id]), told)
    assert json.loads(Finding.objects.get().body)["organisation"] is ticked
    assert ("The records name an organisation here" in alice.get(page).content.decode()) is ticked
