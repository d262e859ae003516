# SPDX-License-Identifier: Apache-2.0
"""The fields of an event as they stand in what was received, and what other places of the same report state."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

from nightlight.casework.attribution import sources
from nightlight.casework.attribution.gate import Care, Stop, cautions, check
from nightlight.casework.attribution.kinds import Event
from nightlight.casework.attribution.tests.test_gate import FACTS, LINE
from nightlight.pipeline.tips.models import DocumentKind
from nightlight.pipeline.tips.values import read_moment, read_network_event

if TYPE_CHECKING:
    import pytest

    from nightlight.casework.attribution.gate import SourceFields

PERSON, PLACE = "report/personOrUserReported[1]/ipCaptureEvent[1]", "report/internetDetails[1]/ipCaptureEvent[1]"
ADDRESS, WHEN = "203.0.113.2", "2026-05-11T19:14:36Z"
USE = "<ipCaptureEvent><ipAddress>{}</ipAddress><dateTime>{}</dateTime></ipCaptureEvent>"


def made(monkeypatch: pytest.MonkeyPatch, second: str, read_as: str = "", intact: bool = True) -> SourceFields:
    """The fields of an event that a report states twice; ``second``: the time as it stands in the second place."""
    first = USE.format(ADDRESS, WHEN)
    other = USE.format(ADDRESS, second)
    body = (
        f"<report><internetDetails>{other}</internetDetails><personOrUserReported>{first}</personOrUserReported>"
        "</report>"
    ).encode()
    document = SimpleNamespace(
        kind=DocumentKind.REPORT, sha256=hashlib.sha256(body).digest(), received_at=datetime(2026, 5, 13, tzinfo=UTC)
    )
    monkeypatch.setattr(sources, "_opened", lambda _tip, _documents: [(document, body if intact else b"")])
    uses = {
        place: read_network_event(ADDRESS, place, moment=read_moment(text, place))
        for place, text in ((PERSON, WHEN), (PLACE, read_as or second))
    }
    parts = {name: (SimpleNamespace(network_events=(uses[place],)),) for name, place in (("a", PERSON), ("b", PLACE))}
    understood = SimpleNamespace(
        tip=SimpleNamespace(public_id="NL-7F3K-9QTX"),
        documents=(),
        reading=SimpleNamespace(parties=parts["a"], webs=parts["b"], files=()),
    )
    event = Event(f"NL:{PERSON}", ADDRESS, ADDRESS, 4, read_moment(WHEN, PERSON), PERSON)
    found = sources.made(understood, [(event, (PERSON, PLACE))])  # type: ignore[arg-type]
    return found[0].source if found else SimpleNamespace(same_event=None)  # type: ignore[return-value]


def test_without_the_bytes_there_are_no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, WHEN, intact=False).same_event is None


def test_what_does_not_stand_in_the_second_place_is_no_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, "2026-05-12T00:44:36Z", read_as=WHEN).same_event == ()
    assert made(monkeypatch, "2026-05-12T00:44:36").same_event == ()  # without a zone it states no instant


def test_another_place_of_a_report_is_read_by_itself_and_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(monkeypatch, WHEN)
    assert source.places == (("address", "ipAddress"), ("time", "dateTime"))
    ((path, utc, independent),) = ((one.path, one.utc, one.independent) for one in source.same_event)
    assert (path, utc, independent) == (PLACE, datetime(2026, 5, 11, 19, 14, 36, tzinfo=UTC), False)
    assert Care.ONE_STATEMENT in {one.code for one in cautions(LINE, source, FACTS)}
    slipped = made(monkeypatch, "2026-05-12T00:44:36Z")
    assert Stop.SOURCES_DISAGREE in {one.code for one in check(LINE, slipped, FACTS)}
