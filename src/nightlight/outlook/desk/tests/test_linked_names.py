# SPDX-License-Identifier: Apache-2.0
"""What is held back in one tip is named by no page about the person it is linked with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.linking.models import Subject
from nightlight.pipeline.linking.tests.db_cast import link, reporter, suspect, tip

if TYPE_CHECKING:
    from django.test import Client

_EMAIL = "heron@example.org"


def test_the_address_of_a_minor_is_not_told_by_another_tip_that_has_it(alice: Client) -> None:
    chat = reporter()
    grown = suspect("other-name", email=_EMAIL)
    minor = suspect("grey-heron", email=_EMAIL).replace("</email>", "</email><dateOfBirth>2012-03-04</dateOfBirth>", 1)
    protected, other = tip(chat, minor, read=True), tip(chat, grown, read=True)
    link()
    for one in (protected, other):
        party = Subject.objects.get(tip=one).party
        page = alice.get(f"/tips/{one.public_id}/linked/{party}/").content.decode()
        assert "2 tips" in page
        assert _EMAIL not in page
        assert _EMAIL not in alice.get(f"/tips/{one.public_id}/linked/{party}/export.csv").content.decode()
    assert _EMAIL in alice.get(f"/tips/{other.public_id}/").content.decode()
