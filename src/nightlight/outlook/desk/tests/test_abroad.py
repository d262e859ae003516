# SPDX-License-Identifier: Apache-2.0
"""A tip whose signs point to another country says by which ways of the law pack that country is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.routing import proposing
from nightlight.trust import identity, work

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_page_of_a_tip_that_points_abroad_names_the_ways_there(alice: Client) -> None:
    abroad = (
        b"<personOrUserReported><personOrUserReportedPerson><address><address>7 Fjord Road</address><city>Bergen</city>"
        b"<country>NO</country></address></personOrUserReportedPerson>"
    )
    tip = cast.Desk(cast.reporter("Example Mail")).received(cast.PLAIN.replace(b"<personOrUserReported>", abroad, 1))
    with identity.acting_as(service="routing"):
        proposing.propose_new(by=work.SERVICE, now=clock.now)
    page = " ".join(alice.get(f"/tips/{tip.public_id}/").content.decode().split())
    assert "Signs point to Norway: the ways there" in page
    assert "INTERPOL National Central Bureau" in page
    assert "Nothing is sent abroad by itself" in page
