# SPDX-License-Identifier: Apache-2.0
"""A request is made of the evidence's own fields, goes to who held the address, and says exactly what is asked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import annex, asking, gate, gate_evidence
from nightlight.casework.attribution.addresses import read_address
from nightlight.casework.attribution.asking import Hindrance, Kind, Wanted, compose
from nightlight.casework.attribution.gate_lines import Authority, GateFacts, SourceFields, check_value
from nightlight.casework.attribution.grades import AskFor, Retention
from nightlight.casework.attribution.kinds import Label, Labelled
from nightlight.casework.attribution.letters import Heading, Letter, Rows, letter
from nightlight.casework.attribution.operators_reading import shipped
from nightlight.casework.attribution.times import ClockError, Zone
from nightlight.trust.law.queries import pack
from nightlight.trust.law.records import Asked, Holder

if TYPE_CHECKING:
    from nightlight.casework.attribution.asking import Drafts, Power

IST = "Asia/Kolkata"
NOW = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)
DIRECTORY = shipped("exercise")
HEADING = Heading(
    reference="CC/14/2026",
    on=date(2026, 5, 20),
    unit="Example Town Cyber Police Station",
    case="FIR 14/2026 of 19 May 2026",
    sections=("IT Act s.67B",),
    officer="A. Officer",
    post="Officer in charge",
    rank="Inspector",
    mail="cyber@police.example",
    purpose="To find out who used the account when the reported files were uploaded.",
)


def source(address: str, moment: str, port: str | None = "40961", path: str = "ipCaptureEvent[1]") -> SourceFields:
    record = f'{{"ip": "{address}", "at": "{moment}", "port": "{port or ""}"}}'.encode()
    digest = hashlib.sha256(record).hexdigest()
    return SourceFields(path, digest, record, address, moment, Zone.as_written(), port_as_sent=port)


def wanted(
    key: str = "E-1",
    kind: Kind = Kind.SUBSCRIBER,
    *,
    address: str = "198.51.100.7",
    moment: str = "2026-05-11T18:31:07Z",
    port: str | None = "40961",
    asn: int = 64499,
    **more: object,
) -> Wanted:
    holder = DIRECTORY.holder(asn, address, datetime(2026, 5, 11, 18, 31, 7, tzinfo=UTC), network="Some Network")
    platform = DIRECTORY.of_reporter("Kitefield Games")
    made = Wanted(key, kind, source(address, moment, port), holder, platform, account="kite77")
    return replace(made, **more)  # type: ignore[arg-type]


def power_for(kind: Kind, country: str, holder: str) -> Power | None:
    found = pack("IN").records.powers_for(
        Asked(kind.purpose.value),
        country=country,
        holder=Holder(holder),
        at=NOW.date(),
        began=date(2026, 5, 19),
    )
    return found.found[0] if found.found else None


def drafted(*these: Wanted, exercise: bool = True, now: datetime = NOW) -> Drafts:
    return compose(these, power_for, now=now, zone=IST, exercise=exercise)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"address": "198.51.100.700"}, Hindrance.ADDRESS),
        ({"address": "010.0.0.1"}, Hindrance.ADDRESS),
        ({"kind": Kind.VPN_SUBSCRIBER}, Hindrance.NOT_A_SERVICE),  # a mobile operator has subscribers
        ({"moment": "2026-05-11 18:31:07"}, Hindrance.TIME),  # no zone
        ({"moment": "11/05/2026 18:31:07Z"}, Hindrance.TIME),  # an order nobody declared
        ({"moment": "soon"}, Hindrance.TIME),
        ({"asn": 0, "holder": DIRECTORY.holder(0, "192.0.2.1", NOW)}, Hindrance.NOBODY),
        ({"kind": Kind.SOURCE_PORT, "platform": None}, Hindrance.NO_PLATFORM),
    ],
)
def test_what_cannot_be_composed_is_handed_back_with_the_reason(changes: dict[str, object], code: Hindrance) -> None:
    try:
        one = wanted(**changes)  # type: ignore[arg-type]
    except ValueError:  # no holder can be asked for what is no address
        raw = {key: value for key, value in changes.items() if key in {"address", "port", "moment"}}
        one = replace(wanted(), source=source(**{"address": "198.51.100.7", "moment": "2026-05-11T18:31:07Z", **raw}))  # type: ignore[arg-type]
    made = drafted(one)
    assert made.requests == ()
    assert [(left.key, left.code) for left in made.left_out] == [("E-1", code)]
    assert made.left_out[0].explanation.endswith(".")


def test_a_letter_that_cannot_go_out_yet_is_drafted_and_says_why() -> None:
    nobody = drafted(wanted(asn=64511, address="192.0.2.9")).requests[0]
    assert (nobody.code, nobody.addressee) == ("AS64511", "Some Network")
    assert nobody.hindrances == (Hindrance.NO_CONTACT, Hindrance.NO_POWER)
    text = letter(nobody, HEADING)
    assert not text.ready
    assert "add a contact to the operator directory" in text.text
    assert drafted(wanted(), exercise=False).requests[0].hindrances == (Hindrance.EXERCISE_ONLY,)
    assert (
        Hindrance.NO_CONTACT
        in drafted(wanted(kind=Kind.SOURCE_PORT, platform=DIRECTORY.of_reporter("Millpond"))).requests[0].hindrances
    )


def test_a_line_is_the_evidence_in_both_clocks_and_passes_the_gate() -> None:
    one = wanted()
    request = drafted(one).requests[0]
    row = request.lines[0]
    assert (row.line.address, row.line.port, row.line.operator) == ("198.51.100.7", 40961, "neela")
    assert row.line.utc_from == datetime(2026, 5, 11, 18, 31, 7, tzinfo=UTC)
    assert row.line.local_from.isoformat() == "2026-05-12T00:01:07+05:30"
    assert row.line.check_value == check_value(row.line)
    at = row.line.utc_from
    facts = GateFacts(
        now=NOW,
        operator=asking.for_gate(one.holder, asn=64499, prefix="198.51.100.0/26", at=at),
        retention=Retention(timedelta(days=730)),
        authority=Authority("bnss-94", "", None, "B", "Inspector", 4, NOW - timedelta(hours=1)),
        drafter="A",
        checker="C",
        label=Labelled(Label.MOBILE_SHARED, ()),
        label_address="198.51.100.7",
        label_at=at,
        operator_shares=asking.shares(one.holder.operator),
        zone=IST,
        allowed_formats=frozenset({"tab-compact-ist", "generic"}),
    )
    assert gate.check(row.line, one.source, facts) == ()
    # A digit changed anywhere after it was composed is seen.
    codes = {block.code for block in gate.check(replace(row.line, port=40916), one.source, facts)}
    assert {gate.Stop.PORT_DIFFERS, gate.Stop.CHECK_VALUE} <= codes
    assert gate.check(replace(row.line, operator="vayu"), one.source, facts) != ()


def test_events_of_one_operator_stand_in_one_letter_and_the_same_line_only_once() -> None:
    made = drafted(
        wanted("E-1"),
        wanted("E-2", moment="2026-05-12T18:31:07Z"),
        wanted("E-3"),  # the same connection as the first
        wanted("E-4", address="198.51.100.70", asn=64500),
        wanted("E-5", kind=Kind.LOGS),
        wanted("E-1"),
    )
    assert [(one.kind, one.code, len(one.lines)) for one in made.requests] == [
        (Kind.LOGS, "neela", 1),
        (Kind.SUBSCRIBER, "neela", 2),
        (Kind.SUBSCRIBER, "vayu", 1),
    ]
    assert made.requests[1].lines[0].also == ("E-3",)
    assert [one.layout for one in made.requests] == ["tab-compact-ist", "tab-compact-ist", "csv-month-name-ist"]
    for request in made.requests:
        lines = [row.line for row in request.lines]
        read = annex.read(
            annex.layouts()[request.layout], annex.write(annex.layouts()[request.layout], lines).text, IST
        )
        assert [(row.address, row.port, row.utc_from) for row in read] == [
            (line.address, line.port, line.utc_from) for line in lines
        ]


def test_records_that_may_soon_be_gone_are_preserved_first() -> None:
    short = Retention(timedelta(days=20))  # eleven days of it are left
    red = wanted("E-1", retention=short)
    fresh = wanted("E-2", moment="2026-05-12T18:31:07Z", retention=Retention(timedelta(days=730)))
    made = drafted(fresh, red)
    assert [(one.kind, [row.line.key for row in one.lines]) for one in made.requests] == [
        (Kind.PRESERVATION, ["E-1"]),
        (Kind.SUBSCRIBER, ["E-2", "E-1"]),
    ]
    first = made.requests[0]
    assert [one.address for one in first.contacts] == ["preserve@neela.example"]
    assert first.hours_left == pytest.approx(
        (short.keep or timedelta()).total_seconds() / 3600 - 24 * 8 - 14.5, abs=0.1
    )
    # Old, and nothing known of its retention: kept first too. Surely gone: nothing left to keep.
    old = drafted(wanted(), now=NOW + timedelta(days=200))
    assert [one.kind for one in old.requests] == [Kind.PRESERVATION, Kind.SUBSCRIBER]
    gone = drafted(wanted(retention=short), now=NOW + timedelta(days=200))
    assert [one.kind for one in gone.requests] == [Kind.SUBSCRIBER]
    least = drafted(wanted(retention=replace(short, minimum=True)), now=NOW + timedelta(days=200))
    assert [one.kind for one in least.requests] == [Kind.PRESERVATION, Kind.SUBSCRIBER]


def test_without_the_port_the_platform_is_asked_and_both_keep_their_logs() -> None:
    missing = wanted(kind=Kind.SOURCE_PORT, port=None, retention=Retention(timedelta(days=20)))
    made = drafted(missing)
    assert [(one.kind, one.code) for one in made.requests] == [
        (Kind.PRESERVATION, "neela"),
        (Kind.PRESERVATION, "kitefield"),
        (Kind.SOURCE_PORT, "kitefield"),
    ]
    asked = made.requests[-1]
    assert asked.power is not None
    assert asked.power.id == "order-by-policy-us"
    assert asked.zone == IST  # beside UTC the unit's own time, so that both dates are seen
    text = letter(asked, HEADING)
    assert text.ready
    said = " ".join(text.text.split())
    for words in (
        "source port",
        "TCP or UDP",
        "destination address and port",
        "to the second or finer",
        "The zone of that time",
        "How far your clock may have been off",
        "the last one seen",
        "over IPv6",
        "If you hold no port",
        "Until when these records are kept",
        "198.51.100.7",
        "UTC 2026-05-11 18:31:07 = IST 2026-05-12 00:01:07",
        "Purpose and reason To find out who used the account",
        "nothing about other accounts or people",
        "kite77",
        "you may decline",
        "Please do not tell the user",
        "To be signed by: Officer in charge of the police station",
        "By e-mail: records@kitefield.example.org",
        check_value(asked.lines[0].line),
    ):
        assert words in said, words


def test_the_letter_to_the_operator_says_all_that_has_to_be_in_the_answer() -> None:
    request = drafted(wanted(clock=ClockError(timedelta(seconds=30), stated_by="the platform"))).requests[0]
    made = letter(request, HEADING)
    said = " ".join(made.text.split())
    assert "kite77" not in said  # the access provider need not know the account
    for words in (
        "The clock that wrote the time may have been off by 30 s, as stated by the platform.",
        "the subscriber to whom your records assign the address",
        "billing address, installation address, or the address where the service is used",
        "please do not choose one",
        "section 63(4) of the Bharatiya Sakshya Adhiniyam",
        "Bharatiya Nagarik Suraksha Sanhita 2023, section 94(1)",
        "Please do not tell the subscriber",
        "UTC 2026-05-11 18:30:37 = IST 2026-05-12 00:00:37",
        "UTC 2026-05-11 18:31:38 = IST 2026-05-12 00:01:38",
        "The date in UTC is another than the local one in line 1",
        "up to, and not including",
        "'2026-05-11T18:31:07Z', port '40961'",
        "which the directory 'Exercise operators' 2026-11 gives to Neela Mobile",
    ):
        assert words in said, words
    rows = next(part for part in made.parts if isinstance(part, Rows))
    assert (rows.rows[0].port, rows.rows[0].dates_differ) == ("40961", True)
    fixed_mapping = drafted(wanted(address="198.51.100.225", asn=64501)).requests[0]
    assert "RFC 7422" in letter(fixed_mapping, HEADING).text
    named = letter(fixed_mapping, HEADING).cautions
    assert named[0] == "Minnal Mobile answers only with the destination address; the evidence states none."
    assert "not checked" in named[-1]  # the power was not read in its text


def test_a_line_without_a_port_asks_not_to_send_everybody() -> None:
    both = drafted(wanted("E-1"), wanted("E-2", port=None, moment="2026-05-13T18:31:07Z")).requests[0]
    said = " ".join(letter(both, HEADING).text.split())
    assert "Line 2 has no port." in said
    assert "please name nobody for it, whatever is asked above, and do not send a list of everybody on it" in said
    assert said.count("has no port") == 1  # what is asked of each line says nothing else of such a line
    assert "Line 2: Neela Mobile cannot tell anybody apart without the port." in letter(both, HEADING).cautions
    six = drafted(wanted(address="2001:db8:5000::7", port=None)).requests[0]
    assert six.people_at_most_one
    assert "has no port" not in letter(six, HEADING).text


def every_letter() -> list[Letter]:
    these = [
        wanted(kind=kind, asn=asn, address=address, retention=Retention(timedelta(days=20)))
        for kind in Kind
        for asn, address in ((64499, "198.51.100.7"), (64504, "192.0.2.130"), (64496, "203.0.113.9"))
    ]
    return [letter(request, HEADING) for request in drafted(*these).requests]


def test_no_letter_calls_anybody_a_suspect_and_each_has_its_parts() -> None:
    made = every_letter()
    assert len({one.title for one in made}) == len(Kind)
    for one in made:
        low = one.text.casefold()
        for word in ("suspect", "accused", "offender", "criminal who", "none", "null"):
            assert f" {word}" not in low.replace("if none", ""), word
        assert "Check value:" in one.text
        assert "ipCaptureEvent" not in one.text  # where it stands in the report says who was reported
        assert all(len(row) <= 130 for row in one.text.splitlines())


def test_a_preservation_says_how_long() -> None:
    asked = drafted(wanted(kind=Kind.PRESERVATION, holder=asking._of_platform(wanted()))).requests[0]
    said = " ".join(letter(asked, HEADING).text.split())
    assert "It is asked for 90 days from the day you receive this, and may be asked for once more." in said
    assert "nothing needs to be handed over now" in said
    assert "what the account was registered with" in said


def test_a_block_that_changed_hands_that_day_is_a_caution_for_who_signs() -> None:
    moment = "2026-07-31T23:00:00Z"
    holder = DIRECTORY.holder(64496, "203.0.113.170", datetime.fromisoformat(moment))
    near = replace(wanted(address="203.0.113.170", moment=moment), holder=holder)
    made = letter(drafted(near, now=NOW + timedelta(days=90)).requests[0], HEADING)
    assert made.cautions[0] == (
        "Line 1: the block changed hands within a day of it: Malar Cable on 2026-08-01 "
        "(203.0.113.160/27 from 2026-08-01)."
    )
    assert "Malar" not in made.text


def test_what_the_directory_says_of_sharing_is_handed_on_as_it_is() -> None:
    assert asking.shares(None) is None
    assert asking.shares(DIRECTORY.with_code("vanigam")) is None
    assert asking.shares(DIRECTORY.with_code("neela")) is True
    assert asking.shares(DIRECTORY.with_code("kadal")) is False


def test_the_time_now_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        compose([], power_for, now=datetime(2026, 5, 20), zone=IST)  # noqa: DTZ001 - the refusal is the test
    assert compose([], power_for, now=NOW, zone=IST) == asking.Drafts((), ())


@pytest.mark.parametrize("port", ["0", "70000", "-", ""])
def test_a_port_that_is_none_or_of_another_time_is_not_asked_about(port: str) -> None:
    assert drafted(wanted(port=port)).requests[0].lines[0].line.port is None
    stale = replace(wanted().source, port_at=datetime(2026, 1, 2, tzinfo=UTC))
    request = drafted(wanted(source=stale)).requests[0]
    assert request.lines[0].line.port is None
    assert "40961" not in letter(request, HEADING).text  # nobody looks for it at the time of the event
    platform = drafted(wanted(kind=Kind.SOURCE_PORT, source=stale)).requests[0]
    assert "port '40961'" in letter(platform, HEADING).text  # they sent it, and are asked what it was


def test_a_time_that_cannot_be_derived_is_asked_of_the_platform_as_it_was_sent() -> None:
    one = wanted(kind=Kind.PARTICULARS, moment="2026-05-11 18:31:07", ask_for=(AskFor.ZONE,))
    made = drafted(one, replace(one, key="E-2"))
    assert made.left_out == ()
    (request,) = made.requests
    assert (request.lines, len(request.questions)) == ((), 2)
    said = " ".join(letter(request, HEADING).text.split())
    assert "time '2026-05-11 18:31:07'" in said
    assert "Please state the time zone of its times, best in UTC." in said
    assert "Check value:" not in said
    subscriber = drafted(wanted(moment="2026-05-11 18:31:07"))
    assert subscriber.requests == ()


def test_the_address_inside_a_tunnel_is_asked_with_the_port_inside_it() -> None:
    form = "2001:0:cb00:7101:0:ffff:39cd:9bf8"
    holder = DIRECTORY.holder(64499, "198.50.100.7", datetime(2026, 5, 11, 18, 31, 7, tzinfo=UTC))
    line = drafted(replace(wanted(), source=source(form, "2026-05-11T18:31:07Z"), holder=holder)).requests[0].lines[0]
    carried = gate_evidence.inside(read_address(form))
    assert (line.line.address, line.line.port) == (carried.inner, carried.port)
    tunnel = letter(
        drafted(replace(wanted(), source=source(form, "2026-05-11T18:31:07Z"), holder=holder)).requests[0], HEADING
    )
    assert "40961" not in tunnel.text  # the port of the outer address is none of the inner one's
    platform = drafted(replace(wanted(kind=Kind.SOURCE_PORT), source=source(form, "2026-05-11T18:31:07Z")))
    assert platform.requests[0].lines[0].line.address == "2001:0:cb00:7101:0:ffff:39cd:9bf8"


def test_a_merged_event_keeps_its_own_evidence() -> None:
    second = replace(wanted("E-2"), source=source("198.51.100.7", "2026-05-12T00:01:07+05:30"))
    (line,) = drafted(wanted(), second).requests[0].lines
    assert (line.also, line.also_sources) == (("E-2",), (second.source,))


def test_a_report_is_not_named_to_whoever_is_asked() -> None:
    said = letter(drafted(wanted("NL-7F3K-9QTX:report/personOrUserReported[1]")).requests[0], HEADING).text
    assert "NL-7F3K" not in said
    assert "personOrUserReported" not in said
    assert "child" not in said.casefold()
