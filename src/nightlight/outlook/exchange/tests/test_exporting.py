# SPDX-License-Identifier: Apache-2.0
"""A tip is exported with a reason by who works on tips; what may not be shown is not in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pypdfium2
import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.exchange import exporting
from nightlight.pipeline.routing import offers, proposals
from nightlight.pipeline.routing.models import Proposal
from nightlight.pipeline.routing.sign_kinds import SignKind, Whose
from nightlight.pipeline.triage.models import Band, OfficerFact, Override
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Kind

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip

pytestmark = pytest.mark.django_db
WHY = "for the case file 12 of 2026"


@pytest.fixture
def tip() -> Tip:
    """The example report with everything in it: a child among its people, one file."""
    return cast.Desk(cast.reporter()).full()


def _made(tip: Tip, form: str, role: str = "investigator", reason: str = WHY) -> exporting.Export:
    who = cast.viewer(cast.person("Alice", role))
    return exporting.export(tip=tip, form=form, by=who.actor, officer=who.name, at=cast.NOON, reason=reason, viewer=who)


def _text(body: bytes) -> str:
    with pypdfium2.PdfDocument(body) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "\n")


@pytest.mark.parametrize("role", ["auditor", "legal-reviewer"])
def test_who_does_not_work_on_tips_exports_none(tip: Tip, role: str) -> None:
    with pytest.raises(NotAllowed):
        _made(tip, "pdf", role)
    assert not Event.objects.filter(kind="tip.exported").exists()


@pytest.mark.parametrize(("form", "reason"), [("pdf", "because"), ("json", " " * 40), ("xml", WHY), ("", WHY)])
def test_without_a_reason_or_a_format_nothing_is_made(tip: Tip, form: str, reason: str) -> None:
    with pytest.raises(Conflict):
        _made(tip, form, reason=reason)
    assert not Event.objects.filter(kind="tip.exported").exists()


def test_no_child_is_in_either(tip: Tip) -> None:
    for text in (_made(tip, "json").body.decode(), _text(_made_again(tip, "pdf").body)):
        assert not any(word.lower() in text.lower() for word in cast.CHILD_WORDS)
        assert "Kiran" in text


def _made_again(tip: Tip, form: str) -> exporting.Export:
    return exporting.export(
        tip=tip, form=form, by="command:cli", officer="the command line", at=cast.NOON, reason=WHY, viewer=None
    )


def test_what_was_given_can_be_proved_and_is_not_kept(tip: Tip) -> None:
    made = _made(tip, "json")
    event = Event.objects.get(kind="tip.exported")
    told = json.loads(event.body)
    assert told["subject"] == f"tip:{tip.public_id}"
    assert told["data"] == {
        "what": "tip",
        "format": "json",
        "reason_sha256": hashlib.sha256(WHY.encode()).hexdigest(),
        "file_sha256": hashlib.sha256(made.body).hexdigest(),
        "size": len(made.body),
        "roles": ["investigator"],
    }
    assert WHY not in event.body


def test_the_json_says_whence_it_is_and_why(tip: Tip) -> None:
    notes = json.loads(_made(tip, "json").body)["reportedInformation"]["additionalInformations"]
    told = " ".join(one["value"] for one in notes if one["value"].startswith("Nightlight:"))
    assert tip.public_id in told
    assert WHY in told
    assert "Alice Example" in told
    assert "under pseudonyms" in told


def test_the_pdf_has_its_first_page_and_four_parts(tip: Tip) -> None:
    lines = _text(_made(tip, "pdf").body).splitlines()
    for said in (
        f"Report number: {tip.report_id}",
        "Incident type: Online enticement of a child",
        "Uploaded files: 1",
        "The reporter asks for urgent handling: They have agreed to meet today.",
        f"Why: {WHY}",
        "A. Reported information",
        "IP Address: 192.0.2.44",
        "Port: 51820",
        "Filename: pattern-07.png",
        "Viewed by the reporter: Yes: a person at the reporter viewed the entire file",
        "B. Automated additions",
        "C. Additions by officers",
        "D. With whom the tip is",
    ):
        assert said in lines, said
    assert any(line.startswith("MD5: ") and len(line) == 37 for line in lines)
    assert any("2026-01-05T10:10:00, zone not stated" in line for line in lines)


def test_what_machines_and_officers_added_is_in_their_parts(tip: Tip) -> None:
    officer = cast.person("Ravi", "investigator")
    OfficerFact.objects.create(
        tip=tip, fact="same_home", value=True, reason="they told me on the telephone", by=officer, at=cast.NOON
    )
    Override.objects.create(
        tip=tip, band=Band.CRITICAL, rules_band=Band.LOW, reason="a meeting is today", by=officer, at=cast.NOON
    )
    station = units.add_unit(
        by="command:cli", at=cast.NOON, parent=cast.root(), kind=Kind.STATE, code="x", name="Delta"
    )
    sign = proposals.Reason(SignKind.PHONE, Whose.REPORTED, "+91", 40, "", against=False)
    found = proposals.Proposed(
        (proposals.Candidate("IN", "IN-MH", "", 80, (sign,)),), unknown=False, why="", foreign=""
    )
    Proposal.objects.create(
        tip=tip,
        version=1,
        body=proposals.to_json(found),
        country="IN",
        state="IN-MH",
        district="",
        confidence=80,
        unit=station,
        made_at=cast.NOON,
    )
    offer = offers.offer(by="command:cli", at=cast.NOON, tip=tip, to=station, why="area")
    text = _text(_made(tip, "pdf").body)
    added = text[text.index("B. Automated additions") :]
    for said in (
        "Proposed place: IN-MH, IN, confidence 80 of 100",
        "Unit responsible there: Delta",
        "Sign: phone, +91, weight 40",
        "Ravi Example",
        f"Hand-over {offer.public_id}",
        "Receipt: Sent: 20 Nov 2026, 12:00:00 IST (20 Nov 2026, 06:30:00 UTC)",
    ):
        assert said in added, said
    assert "they told me" not in text
    assert "a meeting is today" not in text
    assert "Set by: Ravi Example" in text[: text.index("A. Reported")]


def test_a_report_that_could_not_be_read_is_exported_as_pdf_only(tip: Tip) -> None:
    tip.shown.delete()
    with pytest.raises(Conflict):
        _made(tip, "json")
    assert "could not be read" in _text(_made_again(tip, "pdf").body)


def test_the_same_moment_gives_the_same_bytes(tip: Tip) -> None:
    for form in exporting.Format:
        assert _made_again(tip, form).body == _made_again(tip, form).body
