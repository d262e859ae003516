# SPDX-License-Identifier: Apache-2.0
"""A tip is taken along by the unit that works on it; no words in the file name a child; one PDF is made at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from nightlight.config import rights
from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.exchange import exporting, naming, tip_pdf
from nightlight.outlook.exchange.tests.test_exporting import WHY, _text
from nightlight.pipeline.routing import answering, offers
from nightlight.pipeline.tips import queries
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.models import Band, Override
from nightlight.pipeline.triage.tests.cast import as_person
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.sealed.rules import Sought
from nightlight.trust.units import actions as units
from nightlight.trust.units import glass
from nightlight.trust.units.models import Kind

if TYPE_CHECKING:
    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _static() -> None:
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@pytest.fixture
def tip() -> Tip:
    """The example report with everything in it: a child among its people, one file."""
    rights.apply(connection)
    return cast.Desk(cast.reporter()).full()


def _offered(tip: Tip, kind: str = "whole") -> tuple[Offer, User]:
    state = units.add_unit(by="command:cli", at=cast.NOON, parent=cast.root(), kind=Kind.STATE, code="x", name="Delta")
    offer = offers.offer(by="command:cli", at=cast.NOON, tip=tip, to=state, why="area", kind=kind)
    return offer, cast.person("Uma", "investigator", state)


def _accept(offer: Offer) -> None:
    with identity.acting_as(service="command"):
        answering.accept(by="command:cli", at=cast.NOON, offer=offer)


def _made(tip: Tip, user: User, form: str = "json", reason: str = WHY) -> exporting.Export:
    """Export it with the rights of a page, as this person."""
    who = cast.viewer(user)
    with as_person(user):
        found = queries.tip(who, tip.public_id)
        return exporting.export(
            tip=found, form=form, by=who.actor, officer=who.name, at=clock.now(), reason=reason, viewer=who
        )


# --- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "pdf"])
def test_a_unit_to_which_it_is_only_offered_does_not_export_it(tip: Tip, form: str) -> None:
    offer, uma = _offered(tip)
    with pytest.raises(NotAllowed):
        _made(tip, uma, form)
    client = Client()
    client.force_login(uma)
    assert "Export this tip" not in client.get(f"/tips/{tip.public_id}/").content.decode()
    answer = client.post(f"/tips/{tip.public_id}/export/", {"format": form, "reason": WHY})
    assert (answer.status_code, "Content-Disposition" in answer.headers) == (403, False)
    assert not Event.objects.filter(kind="tip.exported").exists()
    _accept(offer)
    assert _made(tip, uma).body


def test_who_works_on_it_jointly_or_broke_the_glass_exports_it(tip: Tip) -> None:
    offer, uma = _offered(tip, "joint")
    with pytest.raises(NotAllowed):
        _made(tip, uma)
    _accept(offer)
    assert _made(tip, uma).body
    station = units.add_unit(by="command:cli", at=cast.NOON, parent=cast.root(), kind=Kind.STATE, code="y", name="Echo")
    vera = cast.person("Vera", "investigator", station)
    glass.break_glass(
        by=cast.viewer(vera),
        at=clock.now(),
        subject=f"tip:{tip.public_id}",
        holder=cast.root(),
        reason=f"I need it {WHY}",
    )
    assert _made(tip, vera).body


@pytest.mark.parametrize("role", ["commander", "investigator"])
def test_what_is_set_apart_is_given_out_by_nobody(tip: Tip, role: str) -> None:
    Tip.objects.filter(pk=tip.pk).update(set_apart=True)
    tip.refresh_from_db()
    user = cast.person("Com", role)
    client = Client()
    client.force_login(user)
    for form in exporting.Format:
        answer = client.post(f"/tips/{tip.public_id}/export/", {"format": form, "reason": WHY})
        assert "Content-Disposition" not in answer.headers
        with pytest.raises(Conflict, match="cleared"):
            exporting.export(tip=tip, form=form, by="command:cli", officer="cli", at=cast.NOON, reason=WHY, viewer=None)
    assert not Event.objects.filter(kind="tip.exported").exists()


def test_what_is_set_apart_while_its_pdf_is_made_is_not_given_out(tip: Tip) -> None:
    def clear(*_args: object, **_more: object) -> bytes:
        Tip.objects.filter(pk=tip.pk).update(set_apart=True)
        return b"%PDF"

    with patch.object(tip_pdf, "write", clear), pytest.raises(Conflict, match="cleared"):
        exporting.export(tip=tip, form="pdf", by="command:cli", officer="cli", at=cast.NOON, reason=WHY, viewer=None)
    assert not Event.objects.filter(kind="tip.exported").exists()


# --- words of officers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["intake-analyst", "commander", "investigator"])
def test_a_reason_that_names_the_child_is_refused_and_recorded(tip: Tip, role: str) -> None:
    user = cast.person("Ira", role)
    with pytest.raises(Conflict, match="held back"):
        _made(tip, user, reason="Meera and her school are named here by me")
    event = Event.objects.get(kind="tip.export-refused")
    assert event.subject == f"tip:{tip.public_id}"
    assert "Meera" not in event.body
    assert _made(tip, user).body


def test_names_cannot_be_guessed_by_it_for_long(tip: Tip) -> None:
    user = cast.person("Ira", "intake-analyst")
    for number in range(exporting.MOST_NAMED):
        with pytest.raises(Conflict, match="held back"):
            _made(tip, user, reason=f"Meera, and this is try number {number}")
    with pytest.raises(Conflict, match="Wait an hour"):
        _made(tip, user)


def test_the_database_answers_about_the_tips_of_ones_own_unit(tip: Tip) -> None:
    station = units.add_unit(by="command:cli", at=cast.NOON, parent=cast.root(), kind=Kind.STATE, code="y", name="Echo")
    for user, known in (
        (cast.person("Vera", "investigator", station), False),
        (cast.person("Bob", "auditor"), False),
        (cast.person("Ira", "intake-analyst"), True),
    ):
        with as_person(user):
            assert naming.names_protected(tip, "about Meera") is known


@pytest.mark.parametrize(
    ("text", "kind", "form"),
    [
        ("Meera's mother said so", Sought.NAME, "meera"),
        ("मीराला धमकी दिली", Sought.NAME, "मीरा"),
        ("call 098765 43210 today", Sought.PHONE, "876543210"),
        ("see https://example.org/u/fern_kite.", Sought.ACCOUNT, "fern_kite"),
        ("(@Fern_Kite)", Sought.ACCOUNT, "fern_kite"),
        ("from a.b@example.org, yesterday", Sought.EMAIL, "a.b@example.org"),
        ("at Example Public School in Pune", Sought.SCHOOL, "example public school"),
    ],
)
def test_a_name_is_found_however_it_is_written(text: str, kind: Sought, form: str) -> None:
    assert (kind, form) in naming.forms(text)


def test_one_word_of_a_school_names_none() -> None:
    assert not any(kind is Sought.SCHOOL for kind, _form in naming.forms("school"))
    assert naming.forms(" ( … ") == frozenset()


def test_no_reason_of_an_officer_is_printed(tip: Tip) -> None:
    ravi = cast.person("Ravi", "investigator")
    Override.objects.create(
        tip=tip, band=Band.CRITICAL, rules_band=Band.LOW, reason="Meera told her teacher", by=ravi, at=cast.NOON
    )
    text = _text(_made(tip, ravi, "pdf").body)
    assert "Ravi Example" in text
    assert "Meera" not in text


# --- how much, and how often ----------------------------------------------------------------------------------------


def test_one_pdf_at_a_time(tip: Tip) -> None:
    client = Client()
    client.force_login(cast.person("Ira", "intake-analyst"))
    form = {"format": "pdf", "reason": WHY}
    with exporting._printing:
        answer = client.post(f"/tips/{tip.public_id}/export/", form)
        assert answer.status_code == 409
        assert "Another PDF is being made" in answer.content.decode()
        assert client.post(f"/tips/{tip.public_id}/export/", {**form, "format": "json"}).status_code == 200
    assert client.post(f"/tips/{tip.public_id}/export/", form).status_code == 200


def test_a_pdf_that_takes_too_long_is_given_up(tip: Tip) -> None:
    ravi = cast.person("Ravi", "investigator")
    with patch.object(exporting, "MOST_SECONDS", 0), pytest.raises(Conflict, match="too long"):
        _made(tip, ravi, "pdf")
    assert not Event.objects.filter(kind="tip.exported").exists()
    assert _made(tip, ravi, "pdf").body


def test_a_pdf_is_made_outside_any_transaction(tip: Tip) -> None:
    depths = []
    write = tip_pdf.write

    def noting(*args: object, **more: object) -> bytes:
        depths.append(len(connection.savepoint_ids))
        return write(*args, **more)  # type: ignore[arg-type]

    before = len(connection.savepoint_ids)  # of this test
    with patch.object(tip_pdf, "write", noting):
        exporting.export(tip=tip, form="pdf", by="command:cli", officer="cli", at=cast.NOON, reason=WHY, viewer=None)
    assert depths == [before]


def test_of_a_report_without_end_the_beginning_is_printed_and_what_lacks_is_said() -> None:
    row = (
        "<ipCaptureEvent><ipAddress>192.0.2.{}</ipAddress><eventName>Login</eventName><port>{}</port></ipCaptureEvent>"
    )
    events = "".join(row.format(n % 250, 1024 + n) for n in range(900))
    body = cast.PLAIN.replace(b"</personOrUserReported>", events.encode() + b"</personOrUserReported>")
    tip = cast.Desk(cast.reporter()).received(body)
    made = {
        form: exporting.export(
            tip=tip, form=form, by="command:cli", officer="cli", at=cast.NOON, reason=WHY, viewer=None
        ).body
        for form in exporting.Format
    }
    text = _text(made[exporting.Format.PDF])
    printed = text.count("Event: Login")
    assert 200 < printed < 300
    assert f"{900 + made_before(tip) - printed} more network events are not printed" in text
    assert made[exporting.Format.JSON].count(b'"Login"') == 900


def made_before(tip: Tip) -> int:
    """Events that the example has by itself."""
    from nightlight.pipeline.tips import shown

    reading = shown.of(tip).reading
    assert reading is not None
    return len(reading.network_events) - 900
