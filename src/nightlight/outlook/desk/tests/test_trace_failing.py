# SPDX-License-Identifier: Apache-2.0
"""A tip whose addresses cannot be looked up is not passed over in silence: its pages say so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog

from nightlight.casework.attribution import defeated, looking_up, preparing
from nightlight.casework.attribution.models import Waiting
from nightlight.casework.attribution.tests import prepared_cast as cast
from nightlight.pipeline.linking.tests.db_cast import link

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin


@pytest.fixture
def chat(db: None, monkeypatch: pytest.MonkeyPatch) -> ReporterLogin:
    """A reporter, with lists loaded."""
    cast.load(monkeypatch)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: cast.NOW + timedelta(hours=2))
    return cast.reporter()


def _fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise LookupError("defeated")

    with monkeypatch.context() as patched, structlog.testing.capture_logs():
        patched.setattr(looking_up, "look_up", look_up)
        preparing.prepare_new(by="service:worker", now=lambda: cast.NOW)


def _shown(client: Client, of: Tip) -> tuple[str, str]:
    own, addresses = (client.get(f"/tips/{of.public_id}/{part}").content.decode() for part in ("", "addresses/"))
    return " ".join(own.split()), " ".join(addresses.split())


def test_a_tip_that_defeats_the_step_says_so_on_its_pages_until_it_is_done(
    alice: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    _fail(monkeypatch)
    own, addresses = _shown(alice, tip)
    for page in (own, addresses):
        assert "The addresses of this tip could not be looked up. Nobody knows what they were" in page
        assert "<code>LookupError</code>" in page
        assert "being looked up" not in page
    assert "Read them in the report itself until they are." in addresses
    assert Waiting.objects.get(tip=tip).try_at is not None
    Waiting.objects.filter(tip=tip).update(tip_id=tip.pk)  # as a list that is loaded does: it is tried at once
    assert Waiting.objects.get(tip=tip).try_at is None
    cast.prepare()
    assert not Waiting.objects.exists()
    assert not any("of this tip could not be looked up" in page for page in _shown(alice, tip))
    Waiting.objects.create(tip=tip)
    _fail(monkeypatch)
    for page in _shown(alice, tip):
        assert "could not be looked up again: what follows may be out of date" in page


def test_of_other_tips_of_the_person_it_says_how_many(
    alice: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine, failing = (
        cast.tip(chat, cast.through_a_tunnel(name=name, email="kite77@example.org")) for name in ("kite77", "reed-9")
    )
    link()
    Waiting.objects.filter(tip=fine).delete()
    _fail(monkeypatch)
    Waiting.objects.create(tip=fine)
    cast.prepare()
    assert "1 tip whose addresses could not be looked up." in _shown(alice, fine)[1]
    assert defeated.of_tip(fine) is None
    assert defeated.of_tip(failing) is not None


def test_who_runs_the_installation_sees_figures_and_no_tip(
    charlie: Client, bob: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    _fail(monkeypatch)
    for client, named in ((charlie, False), (bob, True)):  # an administrator, an auditor
        text = client.get("/system/").content.decode()
        told = text.split('id="defeated"')[1].split("</section>")[0]
        assert "LookupError" in told
        assert "looking up addresses" in told
        assert (tip.public_id in text) is named
