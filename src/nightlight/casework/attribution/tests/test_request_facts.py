# SPDX-License-Identifier: Apache-2.0
"""What is asked about an event as it is judged now, and what the gate says of a request that is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import loaded, request_facts
from nightlight.casework.attribution.asking import Kind
from nightlight.casework.attribution.gate import Care, Purpose, Stop
from nightlight.casework.attribution.grades import Retention, grade
from nightlight.casework.attribution.kinds import Event, Label, Labelled
from nightlight.casework.attribution.operators import Directory, Operator, OperatorKind, Span, prefix
from nightlight.casework.attribution.request_facts import Judged
from nightlight.casework.attribution.tests.test_gate import FACTS, LINE, SOURCE
from nightlight.pipeline.tips.values import read_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.casework.attribution.gate import SourceFields

WHEN = "2026-05-11T19:14:36Z"


def judged(label: Label, when: str = WHEN, port: int | None = 3519, retention: Retention | None = None) -> Judged:
    event = Event("E", "203.0.113.2", "203.0.113.2", 4, read_moment(when, "a"), "a", port=port)
    labelled = Labelled(label, ())
    found = grade(event, labelled, retention, now=FACTS.now, shares=False)
    return Judged(event, labelled, SimpleNamespace(operator=None), None, found)  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [Label.RESIDENTIAL_PROXY, Label.TOR_EXIT, Label.RESERVED])
def test_nothing_is_asked_about_a_line_that_leads_to_nobody(label: Label) -> None:
    found = judged(label)
    assert found.wanted is None
    assert "over, or" not in request_facts.leads_to_nobody(found)


@pytest.mark.parametrize("label", [Label.VPN, Label.PUBLIC_PROXY, Label.PRIVATE_RELAY, Label.HOSTING])
def test_of_a_service_in_between_no_subscriber_is_asked(label: Label) -> None:
    wanted = judged(label).wanted
    assert wanted is Kind.VPN_SUBSCRIBER
    assert wanted.purpose is Purpose.CUSTOMER


@pytest.mark.parametrize("when", ["2026-05-11T19:14Z", "2026-05-11T19:14:36", "2026-05-11"])
@pytest.mark.parametrize("label", [Label.FIXED, Label.MOBILE_SHARED, Label.EDUCATION, Label.UNKNOWN])
def test_nobody_is_asked_for_a_person_while_something_has_to_be_asked_first(label: Label, when: str) -> None:
    assert judged(label, when).wanted is Kind.PARTICULARS
    assert judged(label, when, port=None).wanted in {Kind.PARTICULARS, Kind.SOURCE_PORT}
    assert judged(Label.VPN, when).wanted is Kind.PARTICULARS
    over = Retention(timedelta(days=1), "a licence", minimum=True)  # perhaps still there, and still half known
    assert judged(label, when, retention=over).wanted is Kind.PARTICULARS
    assert judged(label).wanted is Kind.SUBSCRIBER


def test_a_block_that_the_directory_names_does_not_confirm_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    span = Span()
    mine = Operator(
        "mine",
        "Mine",
        "IN",
        OperatorKind.FIXED,
        networks=((64500, span),),
        prefixes=((prefix("203.0.113.0/24"), Span(since=date(2020, 1, 1))),),
    )
    using = SimpleNamespace(directory=Directory("d", "1", [mine]))
    monkeypatch.setattr(loaded, "current", lambda: using)
    tables = [("a", 64500, "203.0.113.0/24"), ("b", 64500, "203.0.113.0/24"), ("c", 64510, "203.0.112.0/23")]
    monkeypatch.setattr(request_facts, "_said", lambda *_a: iter(tables))
    one = judged(Label.FIXED)
    holder = using.directory.holder(64500, "203.0.113.2", one.event.utc)
    told = request_facts.facts(
        replace(one, holder=holder, labelled=Labelled(Label.FIXED, (), asn=64500)),
        at=FACTS.now,
        to_platform="",
        zone="Asia/Kolkata",
        operator=mine,
        drafter="D",
    )
    assert told.operator is not None
    assert (told.operator.code, told.operator.by) == ("mine", "prefix")
    assert told.operator.other_tables == (("a", "mine"), ("b", "mine"), ("c", "AS64510"))


def kept(monkeypatch: pytest.MonkeyPatch, also: Sequence[SourceFields] = ()) -> SimpleNamespace:
    """A request of one line, with what is known around it as in the tests of the gate."""
    line = SimpleNamespace(line=LINE, source=SOURCE, event=judged(Label.MOBILE_SHARED).event, received_at=FACTS.now)
    line.also_sources = tuple(also)
    directory = SimpleNamespace(with_code=lambda _code: None)
    monkeypatch.setattr(loaded, "current", lambda: SimpleNamespace(directory=directory))
    monkeypatch.setattr(request_facts, "judged", lambda *_a, **_k: None)
    monkeypatch.setattr(request_facts, "facts", lambda *_a, **_k: FACTS)
    return SimpleNamespace(code="OP-AMBER", to_platform=False, lines=(line,))


def blocks(request: SimpleNamespace) -> list[tuple[int, str]]:
    found = request_facts.blocks_of(
        request,  # type: ignore[arg-type]
        at=FACTS.now,
        drafter="D",
        checker="C",
        authority=FACTS.authority,
    )
    return [(number, one.code) for number, one in found]


def test_the_other_events_of_a_line_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = replace(SOURCE, port_at=LINE.utc_from - timedelta(days=1))
    assert blocks(kept(monkeypatch, [SOURCE, stale])) == [(1, Stop.PORT_STALE)]
    assert blocks(kept(monkeypatch, [SOURCE])) == []


def test_what_has_to_be_seen_of_a_request_has_the_number_of_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = replace(SOURCE, same_event=())
    request = kept(monkeypatch, [alone])
    found = request_facts.noticed_of(request, at=FACTS.now)  # type: ignore[arg-type]
    assert {number for number, _ in found.rows} == {1}
    assert Care.ONE_STATEMENT in {one.code for _, one in found.rows}
    assert len(found.rows) == len(set(found.rows))
