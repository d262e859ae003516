# SPDX-License-Identifier: Apache-2.0
"""The gate where an innocent door is near: services in between, clocks, other statements, other cells; what is seen."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from nightlight.casework.attribution.gate import (
    Care,
    GateFacts,
    Noticed,
    Purpose,
    RequestLine,
    SourceFields,
    Statement,
    Stop,
    cautions,
    check,
    check_also,
)
from nightlight.casework.attribution.grades import Retention
from nightlight.casework.attribution.kinds import Label, Labelled, Reason, Why
from nightlight.casework.attribution.planted_world import completed, line_of
from nightlight.casework.attribution.tests.test_gate import FACTS, LINE, SOURCE, TRUTH, facts, line, source, with_record
from nightlight.casework.attribution.times import ClockError, Role, Zone
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from enum import StrEnum

    from nightlight.casework.attribution.gate import Authority, Chosen

OPERATOR = cast("Chosen", FACTS.operator)
AUTHORITY = cast("Authority", FACTS.authority)
ROW = f"203.0.113.2,3519,12/05/2026 00:44:36,{TRUTH.account},tcp"


def codes(line: RequestLine = LINE, source: SourceFields = SOURCE, facts: GateFacts = FACTS) -> set[StrEnum]:
    return {stop.code for stop in check(line, source, facts)}


def cares(line: RequestLine = LINE, source: SourceFields = SOURCE, facts: GateFacts = FACTS) -> set[StrEnum]:
    return {one.code for one in cautions(line, source, facts)}


def with_clock(error: ClockError) -> tuple[RequestLine, GateFacts]:
    """The line as it follows from a stated error of the clock."""
    moved = replace(TRUTH, at=TRUTH.at - error.ahead)
    ends = line_of(moved, SOURCE)
    return completed(replace(ends, derivation=LINE.derivation)), facts(clock=error)


@pytest.mark.parametrize(
    "label",
    [Label.VPN, Label.PRIVATE_RELAY, Label.PUBLIC_PROXY, Label.HOSTING, Label.RESIDENTIAL_PROXY, Label.TOR_EXIT],
)
@pytest.mark.parametrize("kind", ["", "mobile", "fixed", "platform", "organisation"])
def test_no_person_is_asked_of_who_has_the_line_behind_a_service(label: Label, kind: str) -> None:
    around = facts(label=Labelled(label, ()), operator=replace(OPERATOR, kind=kind))
    for purpose in (Purpose.SUBSCRIBER, Purpose.LOGS, Purpose.CUSTOMER):
        assert codes(line(purpose=purpose), facts=around) & {Stop.LABEL_NOT_ASKED, Stop.NOT_A_SERVICE}


@pytest.mark.parametrize("label", [Label.VPN, Label.PRIVATE_RELAY, Label.PUBLIC_PROXY, Label.HOSTING])
def test_of_who_runs_the_service_only_its_customer_is_asked(label: Label) -> None:
    around = facts(label=Labelled(label, ()), operator=replace(OPERATOR, kind="vpn"))
    for purpose in (Purpose.SUBSCRIBER, Purpose.LOGS):
        assert codes(line(purpose=purpose), facts=around) == {Stop.LABEL_NOT_ASKED}
    assert codes(line(purpose=Purpose.CUSTOMER), facts=around) == set()


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_line_that_strangers_went_through_is_in_no_letter_to_its_holder(purpose: Purpose) -> None:
    around = facts(label=Labelled(Label.RESIDENTIAL_PROXY, ()), operator=replace(OPERATOR, kind="vpn"))
    assert codes(line(purpose=purpose), facts=around) == {Stop.LABEL_NOT_ASKED}


def test_a_protocol_that_is_not_the_one_in_the_evidence_stops_it() -> None:
    udp = with_record(ROW.replace("tcp", "UDP"), protocol_as_sent="UDP")
    assert codes(source=udp) == {Stop.PROTOCOL_DIFFERS}
    assert codes(line(protocol="")) == {Stop.PROTOCOL_DIFFERS}
    assert codes(line(protocol="udp"), udp) == set()
    odd = with_record(ROW.replace("tcp", "sctp"), protocol_as_sent="sctp")
    assert codes(line(protocol=""), odd) == set()
    assert Care.PROTOCOL_UNREADABLE in cares(line(protocol=""), odd)


@pytest.mark.parametrize(
    ("ahead", "by", "expected"),
    [
        (timedelta(minutes=20, seconds=7), "", {Stop.CLOCK_UNSTATED}),
        (timedelta(minutes=31), "the platform", {Stop.CLOCK_FAR}),
        (timedelta(minutes=330), "the platform", {Stop.CLOCK_FAR}),
        (timedelta(days=-365), "the platform", {Stop.CLOCK_FAR, Stop.AFTER_RECEIPT}),
        (timedelta(minutes=-30), "the platform", {Stop.CLOCK_LIKE_ZONE}),
        (timedelta(minutes=20, seconds=7), "the platform", set()),
    ],
)
def test_a_stated_error_of_a_clock_is_bounded_and_always_named(
    ahead: timedelta, by: str, expected: set[StrEnum]
) -> None:
    moved, around = with_clock(ClockError(timedelta(seconds=30), ahead, by))
    assert codes(moved, source(same_event=()), around) == expected
    assert Care.CLOCK_AHEAD in cares(moved, source(same_event=()), around)


def test_a_stated_error_of_a_clock_does_not_carry_an_event_past_its_receipt() -> None:
    moved, around = with_clock(ClockError(timedelta(seconds=30), timedelta(minutes=-20, seconds=-7), "the platform"))
    received = replace(around, received_at=TRUTH.at + timedelta(minutes=5))
    assert codes(moved, source(same_event=()), received) == {Stop.AFTER_RECEIPT}
    assert codes(moved, source(same_event=()), around) == set()


def test_a_port_of_another_time_is_stale_by_the_clock_that_wrote_both() -> None:
    moved, around = with_clock(ClockError(timedelta(seconds=30), timedelta(minutes=20, seconds=7), "the platform"))
    assert codes(moved, source(port_at=TRUTH.at), around) == set()
    assert Stop.PORT_STALE in codes(moved, source(port_at=TRUTH.at - timedelta(minutes=20, seconds=7)), around)


def test_two_statements_of_a_shared_address_agree_within_a_minute_or_stop_it() -> None:
    apart = source(same_event=(Statement("summary", TRUTH.at + timedelta(minutes=4), independent=True),))
    assert codes(source=apart) == {Stop.SOURCES_DISAGREE}
    alone = facts(label=Labelled(Label.FIXED, ()), operator_shares=False)
    assert codes(source=apart, facts=alone) == set()
    assert Care.STATEMENTS_APART in cares(source=apart, facts=alone)


def test_a_copy_of_a_statement_is_no_second_one() -> None:
    assert Care.ONE_STATEMENT in cares(source=source(same_event=(Statement("another place", TRUTH.at),)))
    assert Care.ONE_STATEMENT not in cares()


@pytest.mark.parametrize(
    ("row", "changed", "expected"),
    [
        (f"{ROW},198.51.100.9", {}, {Stop.SEVERAL_ADDRESSES}),
        (f"{ROW},443", {}, {Stop.SEVERAL_VALUES}),
        (f"{ROW},12/05/2026 01:30:00", {}, {Stop.SEVERAL_VALUES}),
        (f"{ROW},PM", {}, {Stop.BESIDE_THE_TIME}),
        (f"{ROW},UTC", {}, {Stop.BESIDE_THE_TIME}),
        (f"{ROW},+05:30", {}, set()),
        (f"{ROW},IST", {}, set()),  # as the layout declares
        (f"{ROW},AM", {}, {Stop.BESIDE_THE_TIME}),  # no clock shows 00:44 AM
        (f"{ROW},Asia/Dhaka", {}, {Stop.BESIDE_THE_TIME}),
        (f"{ROW},Asia/Kolkata", {}, set()),
        (f"{ROW},AT,POST,Chrome/Windows", {}, set()),  # a country, a method and a browser are no zones
        (f"{ROW},198.51.100.9,443,12/05/2026 01:30:00", {"places": "all"}, set()),
        (f"{ROW},198.51.100.9", {"places": (("address", "column 6"),)}, {Stop.NOT_IN_RECORD}),
    ],
)
def test_what_stands_beside_a_field_stops_it_where_nobody_says_which_is_meant(
    row: str, changed: dict[str, object], expected: set[StrEnum]
) -> None:
    if changed.get("places") == "all":
        changed = {"places": tuple((name, f"column {at}") for at, name in enumerate(("address", "port", "time"), 1))}
    assert codes(source=with_record(row, **changed)) == expected


@pytest.mark.parametrize("port", ["0", "70000", "-"])
def test_a_port_that_is_none_counts_as_not_stated_and_is_named(port: str) -> None:
    none = with_record(ROW.replace("3519", port), port_as_sent=port)
    alone = facts(label=Labelled(Label.FIXED, ()), operator_shares=False)
    assert codes(source=none, facts=alone) == {Stop.PORT_UNREADABLE}
    assert codes(line(port=None), none, alone) == set()
    assert Care.PORT_UNREADABLE in cares(line(port=None), none, alone)
    assert codes(line(port=None), none) == {Stop.PORT_NEEDED}
    stale = source(port_at=TRUTH.at - timedelta(days=1))
    assert codes(line(port=None), stale, alone) == set()
    assert Care.PORT_OTHER_TIME in cares(line(port=None), stale, alone)


@pytest.mark.parametrize(
    ("reason", "care"),
    [
        (Reason(Why.NOT_COVERED, Label.VPN, "a list"), Care.NOT_COVERED),
        (Reason(Why.LISTED_LATER, Label.VPN, "a list"), Care.LISTED_LATER),
        (Reason(Why.LISTED_BEFORE, Label.TOR_EXIT, "a list"), Care.LISTED_BEFORE),
        (Reason(Why.NO_LIST, Label.PRIVATE_RELAY), Care.NO_LIST),
        (Reason(Why.REPORTER_SAYS, Label.UNKNOWN, shown=str(Stated.YES)), Care.REPORTER_SAYS),
    ],
)
def test_what_the_label_leaves_open_is_named(reason: Reason, care: Care) -> None:
    assert care not in cares()
    assert care in cares(facts=facts(label=replace(FACTS.label, reasons=(reason,))))
    told_no = Reason(Why.REPORTER_SAYS, Label.UNKNOWN, shown=str(Stated.NO))
    assert Care.REPORTER_SAYS not in cares(facts=facts(label=replace(FACTS.label, reasons=(told_no,))))


def test_a_power_for_something_else_and_a_window_into_another_holder_stop_it() -> None:
    keep = facts(authority=replace(AUTHORITY, asks=frozenset({"preservation"})))
    assert codes(facts=keep) == {Stop.POWER_OTHER}
    assert codes(line(purpose=Purpose.PRESERVATION), facts=keep) == set()
    change = facts(operator=replace(OPERATOR, until=TRUTH.at + timedelta(seconds=20)))
    assert codes(facts=change) == {Stop.OPERATOR_CHANGES}
    near = facts(operator=replace(OPERATOR, near_change="OP-OTHER on 2026-05-12"))
    assert Care.NEAR_CHANGE in cares(facts=near)
    block = facts(operator=replace(OPERATOR, by="prefix", asn=0))
    assert codes(facts=block) == set()


def test_a_duty_to_keep_that_is_over_is_named_and_stops_nothing() -> None:
    over = Retention(timedelta(days=30), "a licence", minimum=True)
    assert codes(facts=facts(retention=over)) == set()
    assert Care.RETENTION_PAST_DUTY in cares(facts=facts(retention=over))
    short = Retention(timedelta(days=730), "a licence", minimum=True, said_shorter=timedelta(days=90))
    assert Care.RETENTION_SAID_SHORTER in cares(facts=facts(retention=short))


NAIVE = datetime(2026, 5, 20)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("changed", "of_source"),
    [
        ({"now": NAIVE}, {}),
        ({"received_at": NAIVE}, {}),
        ({"operator": replace(OPERATOR, since=NAIVE)}, {}),
        ({"operator": replace(OPERATOR, until=NAIVE)}, {}),
        ({}, {"account_created": NAIVE}),
    ],
)
def test_a_time_around_the_line_without_a_zone_is_a_block_and_no_failure(
    changed: dict[str, object], of_source: dict[str, object]
) -> None:
    assert codes(source=source(**of_source), facts=facts(**changed)) == {Stop.FACT_ZONE_MISSING}
    assert cares(source=source(**of_source), facts=facts(**changed)) == set()


def test_other_times_without_a_zone_are_blocks_and_no_failure() -> None:
    assert Stop.SOURCES_DISAGREE in codes(source=source(same_event=(Statement("summary", NAIVE),)))
    assert Stop.OPERATOR_DAY in codes(facts=facts(operator=replace(OPERATOR, at=NAIVE)))
    assert Stop.APPROVED_LATER in codes(facts=facts(authority=replace(AUTHORITY, approved_at=NAIVE)))
    assert Stop.LABEL_STALE in codes(facts=facts(label_at=NAIVE))
    assert isinstance(cares(replace(LINE, utc_from=NAIVE)), set)


def test_each_event_that_a_line_stands_for_is_read_from_its_own_evidence() -> None:
    record = f"203.0.113.2,3519,2026-05-11T19:14:36Z,{TRUTH.account},tcp".encode()
    also = source(
        record=record,
        digest=hashlib.sha256(record).hexdigest(),
        moment_as_sent="2026-05-11T19:14:36Z",
        zone=Zone.as_written(),
        order=None,
    )
    assert check_also(LINE, (), FACTS) == ()
    assert check_also(LINE, (also,), FACTS) == ()
    for wrong, code in (
        (replace(also, moment_as_sent="2026-05-11T19:14:37Z"), Stop.NOT_IN_RECORD),
        (replace(also, role=Role.DETECTION), Stop.DETECTION_TIME),
        (replace(also, digest="0" * 64), Stop.SOURCE_CHANGED),
        (replace(also, port_at=TRUTH.at - timedelta(days=1)), Stop.PORT_STALE),
    ):
        assert code in {stop.code for stop in check_also(LINE, (also, wrong), FACTS)}


def test_who_has_not_seen_what_there_is_to_see_now_has_not_seen_it() -> None:
    found = Noticed(tuple((1, one) for one in cautions(LINE, SOURCE, FACTS)))
    assert found.rows
    assert not found.seen("")
    later = facts(label=replace(FACTS.label, disagreement=True))
    now = Noticed(tuple((1, one) for one in cautions(LINE, SOURCE, later)))
    assert not now.seen(found.digest)
    second = Noticed(tuple((2, one) for _, one in found.rows))
    assert not second.seen(found.digest)
    assert found.seen(found.digest)
    assert found.codes == ("1 one-table", "1 declared-zone", "1 reads-both-ways")
    assert Noticed(()).seen("")


def test_what_was_seen_is_logged_without_the_evidence() -> None:
    found = Noticed(tuple((1, one) for one in cautions(LINE, source(same_event=()), FACTS)))
    said = " ".join((*found.codes, found.digest))
    assert SOURCE.address_as_sent not in said
    assert TRUTH.account not in said
    assert datetime(2026, 5, 12, tzinfo=UTC).strftime("%d/%m/%Y") not in said
