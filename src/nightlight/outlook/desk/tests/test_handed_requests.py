# SPDX-License-Identifier: Apache-2.0
"""The pages of a request whose tip was handed over: they say who drew it up, and who takes the next step."""

from __future__ import annotations

import pytest

from nightlight.casework.attribution import request_queries
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.outlook.desk.tests.sealed_cast import client_of
from nightlight.pipeline.routing import answering, offers
from nightlight.trust import identity
from nightlight.trust.units.tests import staff

_OTHER = "One unit"
_WITHDRAW = {"reason": "It is asked by another unit already"}


@pytest.mark.django_db
def test_the_pages_name_both_units_and_let_the_holder_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: cast.NOW + cast.HOUR)
    other, tip, asha = staff.unit("ONE", kind="state"), cast.tip(), cast.person("Asha")
    ravi = cast.person("Ravi", rank="Inspector", unit=other)
    (request,) = cast.drafted(cast.viewer(asha), tip)
    path = f"/requests/{request.public_id}/"
    offer = offers.offer(by=cast.viewer(asha), at=cast.NOW, tip=tip, to=other, why="area", kind="whole")
    old, new = client_of(asha), client_of(ravi)
    # Offered: the other unit reads it, is given no step, and is refused where it tries.
    page = new.get(path).content.decode()
    assert "drawn up by" not in page and f"{path}check/" not in page
    assert new.post(f"{path}withdraw/", _WITHDRAW).status_code == 403
    with identity.acting_as(viewer=ravi.pk):
        answering.accept(by=cast.viewer(ravi), at=cast.NOW, offer=offer)
    assert old.post(f"{path}withdraw/", _WITHDRAW).status_code == 403  # row security, off here, does not even show it
    page = new.get(path).content.decode()
    assert f"drawn up by {staff.root().name}" in page and f"{path}check/" in page
    assert f"{staff.root().name} drew this letter up" in page
    assert f"drawn up by {staff.root().name}" in new.get("/requests/").content.decode()
    who = cast.viewer(ravi)
    cast.signed(who, request_queries.request(who, request.public_id))
    assert f"Ravi Example, Inspector, {_OTHER}" in " ".join(new.get(f"{path}letter/").content.decode().split())
    assert new.post(f"{path}withdraw/", _WITHDRAW).status_code == 302
