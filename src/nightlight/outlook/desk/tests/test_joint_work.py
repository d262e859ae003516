# SPDX-License-Identifier: Apache-2.0
"""What two units work on together stands in a list of both, and either ends it on the tip's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.pipeline.routing.models import Offer
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import WHY, Country
from nightlight.pipeline.tips.models import Share
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country; the first state works on the centre's tip as well."""
    made = Country()
    made.accept(made.offer(kind="joint"))
    return made


def as_(user: User) -> Client:
    """A window of somebody who is signed in."""
    client = Client()
    client.force_login(user)
    return client


def listed(user: User) -> str:
    """What the list of joint work says."""
    return as_(user).get("/hand-overs/", {"show": "together"}).content.decode()


def test_both_sides_have_it_in_a_list_and_nobody_else(country: Country) -> None:
    for who in (country.mira, country.anil, country.looker):
        assert country.tip.public_id in listed(who)
    for who in (country.dev, country.ravi):
        assert country.tip.public_id not in listed(who)


def test_either_side_ends_it_with_a_reason_and_the_other_is_told(country: Country) -> None:
    address, form = f"/tips/{country.tip.public_id}/joint-work/end/", {"unit": country.first.code, "reason": WHY}
    for who in (country.looker, country.dev):
        assert as_(who).post(address, form).status_code == 403
    as_(country.anil).post(address, {**form, "reason": ""})
    assert Share.objects.filter(until=None).count() == 1
    page = as_(country.mira).get(f"/tips/{country.tip.public_id}/").content.decode()
    assert f"End joint work with {country.first.name}" in page
    answer = as_(country.anil).post(address, form)
    assert answer.status_code == 302
    assert not Share.objects.filter(until=None).exists()
    assert f"{country.centre.code}:triage-officer" in cast.noticed("routing.joint-ended")
    assert country.tip.public_id not in listed(country.anil)


def test_the_holder_ends_it_and_the_unit_is_told(country: Country) -> None:
    form = {"unit": country.first.code, "reason": WHY}
    as_(country.mira).post(f"/tips/{country.tip.public_id}/joint-work/end/", form)
    assert not Share.objects.filter(until=None).exists()
    assert "ONE:investigator" in cast.noticed("routing.joint-ended")


def test_whoever_offers_to_a_unit_without_people_is_told_so_and_of_people_who_are_not_there(country: Country) -> None:
    empty = staff.unit("EMPTY", country.second)
    who, address = as_(country.mira), f"/tips/{country.tip.public_id}/hand-over/"
    part = {"unit": empty.code, "why": "area", "kind": "part", "people": ["9999"]}
    assert "nobody with the number 9999" in who.post(address, part, follow=True).content.decode()
    assert not Offer.objects.filter(to_unit=empty).exists()
    said = who.post(address, {"unit": empty.code, "why": "area"}, follow=True).content.decode()
    assert "where nobody works yet" in said
