# SPDX-License-Identifier: Apache-2.0
"""Nothing is destroyed by one person, early, or while something holds it; and what is destroyed cannot be read."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from nightlight.config import rights
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.cast import NOON, Desk
from nightlight.pipeline.tips import closing, shown, summarising
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.tips.models import Document, Tip, TipFile
from nightlight.trust import identity, work
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence import verify as evidence_verify
from nightlight.trust.evidence.models import BlobKey
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.law.queries import pack
from nightlight.trust.retention import actions, custodians
from nightlight.trust.retention import verify as retention_verify
from nightlight.trust.retention.models import Destruction
from nightlight.trust.rights import WEB, WORKER
from nightlight.trust.sealed.box import Damaged
from nightlight.trust.sealed.models import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.trust.units.viewer import Viewer

LAW = pack("IN")
LATER = NOON + timedelta(days=4 * 366)
REASON = "order 17 of an invented court"


@pytest.fixture
def legal(db: None) -> Viewer:
    return cast.viewer(cast.person("Lena", "legal-reviewer"))


@pytest.fixture
def commander(db: None) -> Viewer:
    return cast.viewer(cast.person("Kamal", "commander"))


def _subject(tip: Tip) -> str:
    return f"tip:{tip.public_id}"


@contextmanager
def _acting(role: str, *, viewer: int | None = None, service: str = "") -> Iterator[None]:
    """As the database's role for pages or background steps, under row security."""
    with transaction.atomic():
        rights.apply(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        with identity.acting_as(viewer=viewer, service=service):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def _carry_out(row: Destruction) -> Destruction | None:
    return actions.carry_out(by=work.SERVICE, at=LATER, public_id=row.public_id, law=LAW)


def test_an_investigator_decides_nothing(desk: Desk) -> None:
    tip = desk.received()
    investigator = cast.viewer(cast.person("Ira", "investigator"))
    with pytest.raises(NotAllowed):
        actions.place_hold(by=investigator, at=NOON, subject=_subject(tip), kind="court-order", reason=REASON)
    with pytest.raises(NotAllowed):
        actions.clear(by=investigator, at=NOON, subject=_subject(tip), part="x", reason=REASON)
    with pytest.raises(NotAllowed):
        actions.ask(by=investigator, at=LATER, subject=_subject(tip), law=LAW)


def test_before_its_time_nothing_can_be_asked(desk: Desk, legal: Viewer) -> None:
    tip = desk.received()
    with pytest.raises(Conflict, match="not time"):
        actions.ask(by=legal, at=NOON, subject=_subject(tip), law=LAW)
    with pytest.raises(NotFound):
        actions.ask(by=legal, at=LATER, subject="tip:NL-0000-0000", law=LAW)


def test_one_person_is_not_enough(desk: Desk, legal: Viewer, commander: Viewer) -> None:
    tip = desk.received()
    with pytest.raises(NotAllowed):
        actions.ask(by=commander, at=LATER, subject=_subject(tip), law=LAW)
    row = actions.ask(by=legal, at=LATER, subject=_subject(tip), law=LAW)
    with pytest.raises(NotAllowed):
        actions.decide(by=legal, at=LATER, public_id=row.public_id, agreed=True, law=LAW)
    assert _carry_out(row) is None  # nobody has agreed
    # The database holds to it as well.
    with pytest.raises(IntegrityError), transaction.atomic():
        Destruction.objects.filter(pk=row.pk).update(state="approved", decided_by_id=legal.user_id)


def test_a_hold_stops_it_also_after_both_have_agreed(desk: Desk, legal: Viewer, commander: Viewer) -> None:
    tip = desk.received()
    row = actions.ask(by=legal, at=LATER, subject=_subject(tip), law=LAW)
    actions.decide(by=commander, at=LATER, public_id=row.public_id, agreed=True, law=LAW)
    hold = actions.place_hold(by=legal, at=LATER, subject=_subject(tip), kind="court-order", reason=REASON)
    with pytest.raises(Conflict, match="court order"):
        _carry_out(row)
    assert shown.of(Tip.objects.get(pk=tip.pk)).read
    actions.lift_hold(by=commander, at=LATER, public_id=hold.public_id)
    with pytest.raises(Conflict):
        actions.lift_hold(by=commander, at=LATER, public_id=hold.public_id)
    assert _carry_out(row) is not None


def test_a_reason_is_needed(desk: Desk, legal: Viewer) -> None:
    tip = desk.received()
    with pytest.raises(Conflict, match="reason"):
        actions.place_hold(by=legal, at=NOON, subject=_subject(tip), kind="court-order", reason="because")
    with pytest.raises(Conflict, match="law pack"):
        actions.place_hold(by=legal, at=NOON, subject=_subject(tip), kind="no-such", reason=REASON)


@pytest.mark.django_db(transaction=True)
def test_what_is_destroyed_cannot_be_read_by_anybody() -> None:
    desk = Desk(cast.reporter())
    legal, commander = (cast.viewer(cast.person(n, r)) for n, r in (("Lena", "legal-reviewer"), ("Kamal", "commander")))
    tip, other = desk.full(), desk.full()
    item = TipFile.objects.get(tip=tip).item
    locator, before = item.blob.locator, b"".join(evidence.read(item))
    assert before
    assert Identity.objects.filter(subject=_subject(tip)).exists()
    with _acting(WEB, viewer=legal.user_id):
        row = actions.ask(by=legal, at=LATER, subject=_subject(tip), law=LAW)
    with _acting(WEB, viewer=commander.user_id):
        actions.decide(by=commander, at=LATER, public_id=row.public_id, agreed=True, law=LAW)
    with _acting(WORKER, service="retention"):
        done = _carry_out(row)
    assert done is not None
    assert done.state == "done"
    for document in Document.objects.filter(tip=tip).exclude(kind="receipt"):
        with pytest.raises(Damaged, match="erased"):
            closing.opened(document, tip=tip.public_id)
    item.refresh_from_db()
    with pytest.raises(BlobKey.DoesNotExist):
        b"".join(evidence.read(item))
    assert current_vault().store.size(locator) is None
    with pytest.raises(Damaged):
        _ = item.name_as_sent
    assert all(identity.destroyed for identity in Identity.objects.filter(subject=_subject(tip)))
    assert not shown.of(Tip.objects.get(pk=tip.pk)).read
    # Another tip is untouched, and everything agrees with the log.
    assert b"".join(evidence.read(TipFile.objects.get(tip=other).item))
    assert list(tips_verify.check()) == []
    assert list(tips_verify.check_summaries()) == []
    assert list(evidence_verify.check()) == []
    assert list(retention_verify.check()) == []
    certificate = json.loads(done.certificate)
    assert certificate["asked_by"] == legal.actor
    assert certificate["agreed_by"] == commander.actor
    assert {piece["what"] for piece in certificate["pieces"]} >= {"report", "file", "file name", "sealed identity"}
    event = json.loads(Event.objects.get(kind="record.destroyed").body)
    assert event["data"]["certificate_sha256"]
    assert _carry_out(row) is None  # once


@pytest.mark.django_db(transaction=True)
def test_bytes_that_others_sent_too_stay_for_them_and_can_come_again() -> None:
    desk = Desk(cast.reporter())
    legal, commander = (cast.viewer(cast.person(n, r)) for n, r in (("Lena", "legal-reviewer"), ("Kamal", "commander")))
    first = desk.full()
    blob = TipFile.objects.get(tip=first).item.blob
    content = b"".join(evidence.read(TipFile.objects.get(tip=first).item))
    second = desk.full(content=content)
    assert TipFile.objects.get(tip=second).item.blob == blob
    for tip, bytes_too in ((first, False), (second, True)):
        row = actions.ask(by=legal, at=LATER, subject=_subject(tip), law=LAW)
        actions.decide(by=commander, at=LATER, public_id=row.public_id, agreed=True, law=LAW)
        done = _carry_out(row)
        assert done is not None
        pieces = [piece for piece in json.loads(done.certificate)["pieces"] if piece["what"] == "file"]
        assert [piece["destroyed"] for piece in pieces] == [bytes_too]
        assert BlobKey.objects.filter(blob=blob).exists() is not bytes_too
    third = desk.full(content=content)
    assert b"".join(evidence.read(TipFile.objects.get(tip=third).item)) == content
    assert list(evidence_verify.check()) == []


def test_only_the_key_of_a_document_can_be_erased(desk: Desk) -> None:
    tip = desk.received()
    for change in ("body = ''", "sha256 = ''", "key_part = 'x'", "size = 1"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE tips_document SET {change} WHERE tip_id = %s AND kind = 'report'", [tip.pk])
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(tip=tip).delete()


@pytest.mark.django_db(transaction=True)
def test_who_was_cleared_is_shown_and_found_no_more() -> None:
    desk = Desk(cast.reporter())
    legal = cast.viewer(cast.person("Lena", "legal-reviewer"))
    tip = desk.received()
    (party,) = shown.of(tip).reading.parties  # type: ignore[union-attr]
    assert "grey-heron" in str(party)
    with pytest.raises(NotFound):
        actions.clear(by=legal, at=NOON, subject=_subject(tip), part="nobody", reason=REASON)
    with _acting(WEB, viewer=legal.user_id):
        actions.clear(by=legal, at=NOON, subject=_subject(tip), part=party.source, reason=REASON)
    with pytest.raises(Conflict):
        actions.clear(by=legal, at=NOON, subject=_subject(tip), part=party.source, reason=REASON)
    with _acting(WORKER, service="reading"):
        custodians.of(_subject(tip)).set_apart(_subject(tip), by=work.SERVICE, at=NOON)
    tip.refresh_from_db()
    assert tip.set_apart
    assert "grey-heron" not in str(shown.of(tip).reading)
    (identity,) = Identity.objects.filter(subject=_subject(tip))
    assert not identity.digests.exists()  # no search finds them
    assert actions.due(_subject(tip), law=LAW, at=NOON).on is not None
    assert actions.due(_subject(tip), law=LAW, at=NOON + timedelta(days=95)).time == "due"
    summarising.summarise([tip], by=work.SERVICE, at=NOON)  # read again, they stay apart
    assert "grey-heron" not in str(shown.of(tip).reading)


def test_the_pages_are_for_those_who_decide_and_check(alice: Client, charlie: Client, bob: Client, desk: Desk) -> None:
    tip = desk.received()
    for client in (alice, charlie):
        assert client.get("/retention/").status_code == 403
        assert client.post(f"/retention/tips/{tip.public_id}/hold/").status_code == 403
    assert bob.get("/retention/").status_code == 200
    assert bob.get(f"/retention/tips/{tip.public_id}/").status_code == 200
    assert bob.post(f"/retention/tips/{tip.public_id}/hold/").status_code == 403


def test_a_legal_reviewer_walks_through_it(desk: Desk) -> None:
    client = Client()
    client.force_login(cast.person("Lena", "legal-reviewer"))
    tip = desk.received()
    address = f"/retention/tips/{tip.public_id}/"
    assert "kept until 2029-11-2" in client.get(address).content.decode()
    assert client.post(f"{address}destroy/").status_code == 409
    assert client.post(f"{address}hold/", {"kind": "audit", "reason": REASON}).status_code == 302
    page = client.get(address).content.decode()
    assert REASON in page
    assert "Held" in client.get("/retention/").content.decode()
    held = page.split("/retention/holds/")[1].split("/")[0]
    assert client.post(f"/retention/holds/{held}/lift/").status_code == 302
