# SPDX-License-Identifier: Apache-2.0
"""The gate: every reason that stops a letter, one at a time; the check value; what it names without stopping."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution import gate_words
from nightlight.casework.attribution.gate import (
    Block,
    Care,
    GateFacts,
    Purpose,
    RequestLine,
    SourceFields,
    Statement,
    Stop,
    cautions,
    check,
    check_value,
    read_back,
    shown_times,
)
from nightlight.casework.attribution.grades import Retention
from nightlight.casework.attribution.kinds import Label, Labelled
from nightlight.casework.attribution.planted_world import completed, facts_of, line_of, source_of, truth_of
from nightlight.casework.attribution.times import ClockError, DateOrder, Role, TimeFault, Zone

if TYPE_CHECKING:
    from enum import StrEnum

# One truth, written as the IPDR of 2013 does: day first, in IST, with a port.
TRUTH = replace(
    truth_of(Random(7), forms=("dmy",)),
    at=datetime(2026, 5, 11, 19, 14, 36, tzinfo=UTC),
    address="203.0.113.2",
    port=3519,
    zone="Asia/Kolkata",
    written_in="Asia/Kolkata",
    label=Label.MOBILE_SHARED,
    shape=64,
    agrees=True,
    age=40,
    delay=20,
)
SOURCE, FACTS = source_of(TRUTH), facts_of(TRUTH)
LINE = line_of(TRUTH, SOURCE)


def codes(line: RequestLine = LINE, source: SourceFields = SOURCE, facts: GateFacts = FACTS) -> set[StrEnum]:
    return {stop.code for stop in check(line, source, facts)}


def line(**changed: object) -> RequestLine:
    return completed(replace(LINE, **changed))  # type: ignore[arg-type]


def source(**changed: object) -> SourceFields:
    return replace(SOURCE, **changed)  # type: ignore[arg-type]


def facts(**changed: object) -> GateFacts:
    return replace(FACTS, **changed)  # type: ignore[arg-type]


def with_record(text: str, **changed: object) -> SourceFields:
    record = text.encode()
    return source(record=record, digest=hashlib.sha256(record).hexdigest(), **changed)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"address": "203.0.113.3"}, {Stop.ADDRESS_DIFFERS}),
        ({"address": "203.0.113.02"}, {Stop.ADDRESS_FORM, Stop.ADDRESS_DIFFERS, Stop.OPERATOR_PREFIX}),
        ({"address": "198.51.100.2"}, {Stop.ADDRESS_DIFFERS, Stop.OPERATOR_PREFIX}),
        ({"port": 3520}, {Stop.PORT_DIFFERS}),
        ({"port": None}, {Stop.PORT_LEFT_OUT, Stop.PORT_NEEDED}),
        ({"protocol": "icmp"}, {Stop.PROTOCOL}),
        ({"operator": "OP-OTHER"}, {Stop.OPERATOR_DIFFERS}),
        ({"derivation": ()}, {Stop.DERIVATION_DIFFERS}),
        ({"utc_to": LINE.utc_to + timedelta(seconds=1)}, {Stop.LOCAL_DIFFERS, Stop.WINDOW_DIFFERS}),
    ],
)
def test_a_wrong_field_of_the_line_stops_it(changed: dict[str, object], expected: set[Stop]) -> None:
    assert codes(line(**changed)) == expected


def test_times_of_a_line_without_a_zone_stop_it() -> None:
    naive = replace(LINE, utc_from=LINE.utc_from.replace(tzinfo=None))
    assert codes(naive) == {Stop.LINE_ZONE_MISSING}
    with pytest.raises(ValueError, match="without a zone"):
        check_value(naive)
    assert Stop.LINE_ZONE_UNKNOWN in codes(replace(LINE, zone="IST"))
    assert Stop.LINE_ZONE_OTHER in codes(facts=facts(zone="Asia/Dhaka"))


def test_a_line_that_disagrees_with_itself_stops() -> None:
    dhaka = timezone(timedelta(hours=6))
    off = line(local_from=LINE.local_from.astimezone(dhaka), local_to=LINE.local_to.astimezone(dhaka))
    assert codes(off) == {Stop.LOCAL_OFFSET}
    not_utc = line(utc_from=LINE.local_from)
    assert codes(not_utc) == {Stop.LINE_NOT_UTC}
    backwards = line(utc_from=LINE.utc_to, utc_to=LINE.utc_from, local_from=LINE.local_to, local_to=LINE.local_from)
    assert Stop.WINDOW_EMPTY in codes(backwards)
    assert codes(replace(LINE, shown=LINE.shown.replace("05-12", "05-11"))) == {Stop.SHOWN_DIFFERS}
    assert codes(replace(LINE, check_value="0000-0000")) == {Stop.CHECK_VALUE}
    far = replace(LINE, local_to=datetime.max.replace(tzinfo=UTC), utc_to=datetime.max.replace(tzinfo=UTC))
    assert codes(far) == {TimeFault.YEAR_IMPLAUSIBLE}


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (timedelta(hours=-5, minutes=-30), "5 h 30 min apart, as two zones are"),
        (datetime(2026, 12, 5) - datetime(2026, 5, 12), "day and month are exchanged"),  # noqa: DTZ001
        (timedelta(days=-365), "the year is another"),
        (timedelta(seconds=1), "0:00:01 apart"),
    ],
)
def test_a_slip_is_named_by_its_shape(by: timedelta, words: str) -> None:
    ends = {name: getattr(LINE, name) + by for name in ("utc_from", "utc_to", "local_from", "local_to")}
    stop = next(stop for stop in check(line(**ends), SOURCE, FACTS) if stop.code is Stop.TIME_DIFFERS)
    assert words in stop.sentence
    assert stop.source == "UTC 2026-05-11 19:14:36"
    assert stop.field == "time"
    assert stop.line != stop.source


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"digest": ""}, {Stop.SOURCE_MISSING}),
        ({"record": SOURCE.record + b" "}, {Stop.SOURCE_CHANGED}),
        ({"role": Role.DETECTION}, {Stop.DETECTION_TIME}),
        ({"port_at": TRUTH.at - timedelta(hours=2)}, {Stop.PORT_STALE}),
        ({"port_at": datetime(2026, 5, 11)}, {Stop.PORT_STALE}),  # noqa: DTZ001
        ({"account_created": TRUTH.at + timedelta(days=1)}, {TimeFault.BEFORE_ACCOUNT}),
        ({"same_event": (Statement("summary", TRUTH.at - timedelta(minutes=330)),)}, {Stop.SOURCES_DISAGREE}),
        ({"order": None}, {TimeFault.ORDER_NEEDED}),
        ({"order": DateOrder.YMD}, {TimeFault.ORDER_CONTRADICTS}),
        ({"zone": Zone.as_written()}, {TimeFault.ZONE_MISSING}),
        ({"port_as_sent": None}, {Stop.PORT_NOT_STATED}),
    ],
)
def test_what_the_evidence_says_stops_it(changed: dict[str, object], expected: set[StrEnum]) -> None:
    assert codes(source=source(**changed)) == expected


@pytest.mark.parametrize(
    ("text", "changed", "expected"),
    [
        ("203.0.113.2,3519", {"moment_as_sent": "rubbish"}, {TimeFault.UNREADABLE, Stop.NOT_IN_RECORD}),
        ("203.0.113.21,3519,12/05/2026 00:44:36", {}, {Stop.NOT_IN_RECORD}),
        ("010.0.0.1,3519,12/05/2026 00:44:36", {"address_as_sent": "010.0.0.1"}, {Stop.ADDRESS_UNREADABLE}),
        ("203.0.113.2,0,12/05/2026 00:44:36", {"port_as_sent": "0"}, {Stop.PORT_UNREADABLE}),
        ("203.0.113.2,70000,12/05/2026 00:44:36", {"port_as_sent": "70000"}, {Stop.PORT_UNREADABLE}),
        (
            "203.0.113.2:80,3519,12/05/2026 00:44:36",
            {"address_as_sent": "203.0.113.2:80"},
            {Stop.PORT_DIFFERS},
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_and_never_a_default(
    text: str, changed: dict[str, object], expected: set[StrEnum]
) -> None:
    assert codes(source=with_record(f"{text},tcp", subject_as_sent="", **changed)) == expected


def test_a_day_alone_is_no_time_for_a_request() -> None:
    day = with_record(f"203.0.113.2,3519,12/05/2026,{TRUTH.account},tcp", moment_as_sent="12/05/2026")
    assert codes(source=day) == {TimeFault.NOT_AN_INSTANT}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"now": TRUTH.at - timedelta(days=1)}, {TimeFault.FUTURE, Stop.APPROVED_LATER}),
        ({"received_at": TRUTH.at - timedelta(hours=1)}, {Stop.AFTER_RECEIPT}),
        ({"operator": None}, {Stop.OPERATOR_UNKNOWN}),
        ({"operator": replace(FACTS.operator, at=TRUTH.at - timedelta(days=1))}, {Stop.OPERATOR_DAY}),  # type: ignore[type-var]
        ({"operator": replace(FACTS.operator, since=TRUTH.at + timedelta(1))}, {Stop.OPERATOR_DAY}),  # type: ignore[type-var]
        ({"operator": replace(FACTS.operator, until=TRUTH.at)}, {Stop.OPERATOR_DAY}),  # type: ignore[type-var]
        ({"operator": replace(FACTS.operator, asn=0)}, {Stop.OPERATOR_UNFOUNDED}),  # type: ignore[type-var]
        ({"operator": replace(FACTS.operator, prefix="nowhere")}, {Stop.OPERATOR_PREFIX}),  # type: ignore[type-var]
        ({"retention": Retention(timedelta(days=30), "a licence")}, {Stop.RETENTION_OVER}),
        ({"authority": None}, {Stop.POWER_MISSING, Stop.APPROVER_MISSING}),
        ({"authority": replace(FACTS.authority, power="")}, {Stop.POWER_MISSING}),  # type: ignore[type-var]
        ({"authority": replace(FACTS.authority, approver="")}, {Stop.APPROVER_MISSING}),  # type: ignore[type-var]
        ({"authority": replace(FACTS.authority, place=None)}, {Stop.RANK_UNKNOWN}),  # type: ignore[type-var]
        ({"authority": replace(FACTS.authority, place=1)}, {Stop.RANK_LOW}),  # type: ignore[type-var]
        ({"checker": ""}, {Stop.CHECKER_MISSING}),
        ({"checker": FACTS.drafter}, {Stop.CHECKER_SAME}),
        ({"label": Labelled(Label.TOR_EXIT, ())}, {Stop.LABEL_NOT_ASKED}),
        ({"label": Labelled(Label.VPN, ())}, {Stop.LABEL_NOT_ASKED}),
        ({"label": Labelled(Label.RESERVED, ())}, {Stop.LABEL_NOT_ASKED}),
        ({"label_at": TRUTH.at + timedelta(days=180)}, {Stop.LABEL_STALE}),
        ({"label_address": "203.0.113.9"}, {Stop.LABEL_STALE}),
        ({"allowed_formats": frozenset({"jio-sheet"})}, {Stop.FORMAT}),
        ({"max_window": timedelta(seconds=30)}, {Stop.WINDOW_WIDE}),
        ({"clock": ClockError(timedelta(seconds=90))}, {Stop.WINDOW_DIFFERS}),
        ({"subject": "heron12"}, {Stop.SUBJECT_DIFFERS}),
    ],
)
def test_what_is_known_around_it_stops_it(changed: dict[str, object], expected: set[StrEnum]) -> None:
    assert codes(facts=facts(**changed)) == expected


def test_the_right_line_passes_and_says_what_it_rests_on() -> None:
    assert check(LINE, SOURCE, FACTS) == ()
    named = {one.code for one in cautions(LINE, SOURCE, FACTS)}
    assert named == {Care.DECLARED_ZONE, Care.READS_BOTH_WAYS, Care.ONE_TABLE}
    assert LINE.shown == (
        "UTC 2026-05-11 19:14:06 up to UTC 2026-05-11 19:15:07; IST 2026-05-12 00:44:06 up to IST 2026-05-12 00:45:07"
    )


def test_a_port_or_a_vpn_may_be_asked_for_what_it_can_answer() -> None:
    vpn = facts(label=Labelled(Label.VPN, ()))
    assert codes(line(purpose=Purpose.LOGS), facts=vpn) == {Stop.LABEL_NOT_ASKED}
    assert codes(line(purpose=Purpose.CUSTOMER), facts=vpn) == {Stop.NOT_A_SERVICE}
    assert FACTS.operator is not None
    service = replace(FACTS.operator, kind="vpn")
    assert codes(line(purpose=Purpose.CUSTOMER), facts=replace(vpn, operator=service)) == set()
    somebodys = facts(label=Labelled(Label.RESIDENTIAL_PROXY, ()), operator=service)
    for purpose in (Purpose.SUBSCRIBER, Purpose.LOGS, Purpose.CUSTOMER):
        assert codes(line(purpose=purpose), facts=somebodys) == {Stop.LABEL_NOT_ASKED}
    assert codes(line(purpose=Purpose.CUSTOMER)) == {Stop.NO_CUSTOMER}
    assert Stop.LABEL_NOT_ASKED in codes(line(purpose=Purpose.LOGS), facts=facts(label=Labelled(Label.TOR_EXIT, ())))
    fixed = facts(label=Labelled(Label.FIXED, ()), operator_shares=True)
    no_port = with_record(f"203.0.113.2,,12/05/2026 00:44:36,{TRUTH.account},tcp", port_as_sent=None)
    assert codes(line(port=None), no_port, fixed) == {Stop.PORT_NEEDED}
    assert codes(line(port=None), no_port, replace(fixed, operator_shares=False)) == set()


def test_the_platform_is_asked_for_what_the_holder_cannot_be() -> None:
    tor, stale = Labelled(Label.TOR_EXIT, ()), source(port_at=TRUTH.at - timedelta(days=1))
    platform = facts(to_platform="example-chat", operator=None, label=tor)
    asked = line(operator="example-chat", purpose=Purpose.LOGS, port=None)
    assert codes(line(operator="OP-OTHER", purpose=Purpose.LOGS, port=None), stale, platform) == {Stop.OPERATOR_DIFFERS}
    assert codes(asked, stale, platform) == set()
    assert codes(replace(asked, port=3519), stale, platform) >= {Stop.PORT_STALE}
    assert codes(line(operator="example-chat", port=None), stale, platform) == {Stop.PLATFORM_PURPOSE}
    no_port = with_record(f"203.0.113.2,,12/05/2026 00:44:36,{TRUTH.account},tcp", port_as_sent=None)
    assert codes(asked, no_port, facts(to_platform="example-chat")) == set()
    assert codes(line(port=None, purpose=Purpose.PRESERVATION), no_port) == set()


def test_the_address_inside_a_teredo_form_may_be_asked_about_with_its_own_port() -> None:
    form, carried = "2001:0:cb00:7102:0:8ace:34ff:8efd", "203.0.113.2"  # RFC 4380: port and address inverted
    teredo = with_record(f"{form},,12/05/2026 00:44:36,{TRUTH.account},tcp", address_as_sent=form, port_as_sent=None)
    around = facts(label_address=form)
    port = 0x8ACE ^ 0xFFFF
    assert codes(line(address=carried, port=port), teredo, around) == set()
    assert codes(line(address=carried, port=port), teredo, facts(label_address="")) == {Stop.LABEL_STALE}
    assert codes(line(address="203.0.113.3", port=port), teredo, around) == {Stop.ADDRESS_DIFFERS, Stop.PORT_NOT_STATED}
    assert codes(line(address=carried, port=port - 1), teredo, around) == {Stop.PORT_DIFFERS}
    assert codes(line(address=carried, port=None), teredo, around) == {Stop.PORT_LEFT_OUT, Stop.PORT_NEEDED}


def test_what_is_open_is_named() -> None:
    open_facts = facts(
        retention=None,
        label=Labelled(Label.UNKNOWN, (), disagreement=True),
        clock=ClockError(timedelta(seconds=30)),
        subject="",
        operator=replace(FACTS.operator, other_tables=(("registry", "OP-OTHER"),)),  # type: ignore[type-var]
    )
    bare = source(same_event=(), account_created=None)
    named = {one.code: one for one in cautions(line(port=None), bare, open_facts)}
    assert set(named) == {
        *(Care.RETENTION_UNKNOWN, Care.LABEL_UNKNOWN, Care.LABEL_DISPUTED, Care.CLOCK_UNKNOWN, Care.ONE_STATEMENT),
        *(Care.DECLARED_ZONE, Care.READS_BOTH_WAYS, Care.NO_BEGINNING, Care.NO_SUBJECT, Care.TABLES_DISAGREE),
        Care.SHARING_UNKNOWN,
    }
    assert "registry: OP-OTHER" in named[Care.TABLES_DISAGREE].sentence
    short = facts(retention=Retention(FACTS.now - TRUTH.at + timedelta(days=5)))
    assert Care.RETENTION_SHORT in {one.code for one in cautions(LINE, SOURCE, short)}
    minute = with_record("203.0.113.2,3519,12/05/2026 00:44", moment_as_sent="12/05/2026 00:44")
    assert Care.MINUTE_ONLY in {one.code for one in cautions(LINE, minute, FACTS)}
    assert cautions(LINE, source(moment_as_sent="rubbish"), FACTS) == ()


def test_every_code_has_a_sentence() -> None:
    for code in (*Stop, *Care):
        assert "{" not in gate_words.sentence(code, "x")
    assert Block(Stop.FORMAT, "format", gate_words.sentence(Stop.FORMAT)).source == ""


def test_the_check_value_is_read_back_and_forgives_only_how_symbols_sound() -> None:
    code = LINE.check_value
    assert read_back(LINE, code.lower().replace("-", " "))
    assert read_back(LINE, code.replace("0", "O").replace("1", "L"))
    assert not read_back(LINE, code[:-1] + ("0" if code[-1] != "0" else "2"))
    assert not read_back(LINE, "")


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_any_change_of_what_is_acted_on_changes_the_check_value(seed: int, seconds: int) -> None:
    truth = truth_of(Random(seed))
    made = line_of(truth, source_of(truth))
    by = timedelta(seconds=seconds)
    others = (
        replace(made, address=made.address + "1"),
        replace(made, port=1),
        replace(made, protocol="udp"),
        replace(made, utc_from=made.utc_from - by),
        replace(made, utc_to=made.utc_to + by),
        replace(made, local_from=made.local_from - by),
        replace(made, local_to=made.local_to.astimezone(timezone(timedelta(minutes=7)))),
        replace(made, zone="Asia/Tokyo"),
        replace(made, operator="OP-OTHER"),
    )
    assert made.check_value not in {check_value(other) for other in others}
    assert shown_times(made) == made.shown
