# SPDX-License-Identifier: Apache-2.0
"""A child's event is never gathered as the reported's, an event is gathered once, and no time is put in its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.gathering_events import Apart, Gathered, gather
from nightlight.casework.attribution.kinds import Event, EventKind
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.people import Account, Device, Party, Person, Role, with_pseudonyms
from nightlight.pipeline.tips.reading import (
    FileReading,
    Incident,
    IncidentType,
    InternetDetail,
    Reading,
    ReporterStatement,
)
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON, FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import BirthDate, NetworkEvent, Stated, Text, read_moment, read_network_event

WHEN = "2026-03-02T10:00:00Z"


def capture(
    address: str,
    place: str,
    when: str = WHEN,
    port: str | None = None,
    *,
    name: str | None = None,
    proxy: Stated = Stated.NOT_STATED,
) -> NetworkEvent:
    moment = read_moment(when, f"{place}/dateTime") if when else None
    return read_network_event(address, place, port=port, moment=moment, event_name=name, possible_proxy=proxy)


def party(role: Role, source: str, *events: NetworkEvent, name: str = "", **more: object) -> Party:
    accounts = (Account(source, "Example Chat", name),) if name else ()
    return Party(role=role, source=source, network_events=events, accounts=accounts, **more)  # type: ignore[arg-type]


def report(
    *parties: Party,
    files: tuple[FileReading, ...] = (),
    webs: tuple[InternetDetail, ...] = (),
    kind: IncidentType = IncidentType.MATERIAL,
) -> Reading:
    return Reading(
        format="test",
        incident=Incident(kind, "report/incident", at=read_moment("2026-03-05T00:00:00Z", "report/at")),
        reporter=ReporterStatement("report/reporter", esp_name="Example Chat"),
        parties=with_pseudonyms(parties, date(2026, 3, 5)),
        webs=webs,
        files=files,
    )


def of(reading: Reading, **more: object) -> Gathered:
    return gather(reading, tip="NL-1", **more)  # type: ignore[arg-type]


def file(*events: NetworkEvent, source: str = "file[1]", **more: object) -> FileReading:
    return FileReading(source=source, network_events=events, **more)  # type: ignore[arg-type]


def addresses(events: tuple[Event, ...]) -> list[str | None]:
    return [event.address for event in events]


REPORTED = party(Role.REPORTED, "report/p[1]", capture("192.0.2.7", "report/p[1]/ip", name="Login"), name="kite77")


def test_a_childs_events_are_never_gathered() -> None:
    ip = capture("198.51.100.4", "report/v/ip")
    victim = party(Role.VICTIM, "report/v", ip, name="minnow")
    account = party(Role.ASSOCIATED, "report/v/a", capture("198.51.100.5", "report/v/a/ip"), belongs_to="report/v")
    young = Person("report/r/person", birth_date=BirthDate("2012-01-01", date(2012, 1, 1), "report/r/born"))
    recipient = party(Role.RECIPIENT, "report/r", capture("198.51.100.6", "report/r/ip"), persons=(young,))
    adult = party(Role.RECIPIENT, "report/s", capture("198.51.100.7", "report/s/ip"), name="other")
    nobodys = party(Role.ASSOCIATED, "report/x", capture("198.51.100.8", "report/x/ip"))
    found = of(report(REPORTED, victim, account, recipient, adult, nobodys))
    assert addresses(found.events) == ["192.0.2.7"]
    assert [one.why for one in found.apart] == [
        Apart.CHILDS, Apart.CHILDS, Apart.CHILDS, Apart.RECIPIENTS, Apart.NOBODYS,
    ]  # fmt: skip
    assert all(not one.event.account for one in found.apart if one.why is Apart.CHILDS)


def test_somebody_who_is_a_child_on_the_day_asked_for_is_one() -> None:
    born = Person("p", birth_date=BirthDate("2008-03-01", date(2008, 3, 1), "b"))
    recipient = party(Role.RECIPIENT, "report/r", capture("198.51.100.6", "report/r/ip"), persons=(born,))
    reading = report(REPORTED, recipient)
    assert [one.why for one in of(reading).apart] == [Apart.RECIPIENTS]
    assert [one.why for one in of(reading, day=date(2026, 1, 1)).apart] == [Apart.CHILDS]


@pytest.mark.parametrize("address", ["198.51.100.4", "2001:db8:1:2::9"])
def test_a_file_from_the_childs_network_is_the_childs(address: str) -> None:
    victim = party(Role.VICTIM, "report/v", capture("198.51.100.4", "a"), capture("2001:db8:1:2::1", "b"), name="m")
    sent = file(capture(address, "file[1]/ip", "2026-03-03T10:00:00Z", name="Upload"))
    found = of(report(REPORTED, victim, files=(sent,)))
    assert addresses(found.events) == ["192.0.2.7"]
    assert found.apart[-1].why is Apart.CHILDS_NETWORK
    # Whoever is reported may live with the child: what stands under the reported stays, the file waits.
    home = party(Role.REPORTED, "report/p[1]", capture(address, "report/p[1]/ip"), name="kite77")
    found = of(report(home, victim, files=(sent,)))
    assert (addresses(found.events), found.apart[-1].why) == ([address], Apart.SHARED_NETWORK)


def test_a_child_that_is_reported_itself_keeps_its_own_files() -> None:
    child = replace(REPORTED, persons=(Person("p", birth_date=BirthDate("2012-01-01", date(2012, 1, 1), "b")),))
    found = of(report(child, files=(file(capture("192.0.2.7", "file[1]/ip", "2026-03-03T10:00:00Z")),)))
    assert (addresses(found.events), found.apart) == (["192.0.2.7", "192.0.2.7"], ())


def test_a_file_that_a_child_may_have_sent_waits() -> None:
    victim = party(Role.VICTIM, "report/v", name="minnow")
    sent = capture("203.0.113.5", "file[1]/ip", name="Upload")
    talk = report(REPORTED, victim, files=(file(sent),), kind=IncidentType.ENTICEMENT)
    made = report(REPORTED, victim, files=(file(sent, annotations=("possibleSelfProduction",)),))
    for reading in (talk, made):
        assert [one.why for one in of(reading).apart] == [Apart.MAYBE_CHILDS]
    plain = report(REPORTED, victim, files=(file(sent),))
    described = report(REPORTED, party(Role.VICTIM, "report/v"), files=(file(sent),), kind=IncidentType.ENTICEMENT)
    for reading in (plain, described):
        assert addresses(of(reading).events) == ["192.0.2.7", "203.0.113.5"]


def test_of_several_reported_only_those_meant_are_gathered_and_files_are_nobodys() -> None:
    other = party(Role.REPORTED, "report/p[2]", capture("198.51.100.20", "report/p[2]/ip"), name="lark")
    reading = report(REPORTED, other, files=(file(capture("203.0.113.5", "file[1]/ip")),))
    assert len(of(reading).events) == 3
    found = of(reading, parties={"report/p[1]"})
    assert addresses(found.events) == ["192.0.2.7"]
    assert [one.why for one in found.apart] == [Apart.NOT_THESE, Apart.SEVERAL_REPORTED]


def test_one_event_in_two_places_is_one_with_the_port_and_both_sources() -> None:
    first = party(Role.REPORTED, "p", capture("192.0.2.7", "p/ip", name="Upload"), name="kite77")
    again = file(capture("192.0.2.7", "file[1]/ip", port="40001", proxy=Stated.YES))
    found = of(report(first, files=(again,)))
    (event,) = found.events
    assert (event.port, event.source, event.key) == (40_001, "file[1]/ip", "NL-1:file[1]/ip")
    assert (event.kind, event.possible_proxy, event.offence) == (EventKind.UPLOAD, Stated.YES, True)
    assert event.account == "example chat: kite77"
    assert set(found.sources[event.key]) == {"p/ip", "file[1]/ip"}
    # Another port, or no time at all, is another event.
    other = party(Role.REPORTED, "p", capture("192.0.2.7", "p/ip", port="40002"), name="kite77")
    assert len(of(report(other, files=(again,))).events) == 2
    timeless = party(Role.REPORTED, "p", capture("192.0.2.7", "p/1", ""), capture("192.0.2.7", "p/2", ""))
    assert len(of(report(timeless)).events) == 2


def test_no_time_of_the_report_or_of_an_upload_becomes_an_events_time() -> None:
    uploaded = read_moment("2026-03-01T09:00:00Z", "file[1]/uploaded")
    found = of(report(REPORTED, files=(file(capture("192.0.2.9", "file[1]/ip", ""), uploaded_at=uploaded),)))
    assert found.events[1].moment is None
    assert found.stated_at is not None
    assert found.uploads == (("file[1]", uploaded),)


@pytest.mark.parametrize(
    ("name", "kind", "offence"),
    [
        ("Upload", EventKind.UPLOAD, True),
        (" upload ", EventKind.UPLOAD, True),
        (None, EventKind.UNKNOWN, True),
        ("Download", EventKind.UNKNOWN, True),
        ("Login", EventKind.LOGIN, False),
        ("Registration", EventKind.REGISTRATION, False),
        ("Purchase", EventKind.PURCHASE, False),
        ("Other", EventKind.OTHER, True),
    ],
)
def test_kinds_are_those_of_the_interface_and_a_login_is_not_the_offence(
    name: str | None, kind: EventKind, offence: bool
) -> None:
    (event,) = of(report(files=(file(capture("192.0.2.9", "file[1]/ip", name=name)),))).events
    assert (event.kind, event.offence) == (kind, offence)
    (supplemental,) = of(
        report(files=(file(capture("192.0.2.9", "file[1]/ip", name=name), relevance="Supplemental Reported"),))
    ).events
    assert not supplemental.offence


def test_a_device_is_tied_only_by_its_time_or_by_being_the_only_one_of_a_file() -> None:
    same = Device("IMEI", "356938035643809", "p/d[1]", moment=read_moment(WHEN, "p/d[1]"))
    other = Device("IMEI", "490154203237518", "p/d[2]")
    tied = party(Role.REPORTED, "p", capture("192.0.2.7", "p/ip"), devices=(same, other))
    assert of(report(tied)).events[0].device == "IMEI: 356938035643809"
    loose = party(Role.REPORTED, "p", capture("192.0.2.7", "p/ip"), devices=(other,))
    assert of(report(loose)).events[0].device == ""
    assert of(report(files=(file(capture("192.0.2.9", "f/ip"), devices=(other,)),))).events[0].device.endswith("7518")


def test_of_several_accounts_nobody_says_which() -> None:
    two = replace(REPORTED, accounts=(Account("a", "X", "one"), Account("b", "Y", "two")))
    assert of(report(two)).events[0].account == ""
    named = replace(REPORTED, accounts=(), screen_names=(Text("Kite77 ", "s"),))
    assert of(report(named), reporter="Example Games").events[0].account == "example games: Kite77"


def test_events_of_a_place_are_of_the_incident() -> None:
    web = InternetDetail("chat", "report/w", network_events=(capture("192.0.2.9", "report/w/ip"),))
    assert [event.offence for event in of(report(REPORTED, webs=(web,))).events] == [False, True]


def test_the_example_reports_are_gathered_whole() -> None:
    for reading in (read_report(REPORT_XML, [FILE_DETAILS_XML]), cybertip_json.read(CYBERTIP_JSON)):
        found = of(reading)
        kept = [place for places in found.sources.values() for place in places]
        assert sorted(kept) == sorted(event.source for event in reading.network_events)
        assert found.events


_CAPTURES = st.lists(
    st.builds(
        lambda n, host, hour, port, name: capture(
            f"192.0.2.{host}", f"place[{n}]", f"2026-03-02T{hour:02}:00:00Z" if hour else "", port, name=name
        ),
        st.integers(0, 10**6),
        st.integers(1, 3),
        st.integers(0, 2),
        st.sampled_from([None, "40000", "40001"]),
        st.sampled_from([None, "Login", "Upload"]),
    ),
    max_size=8,
    unique_by=lambda one: one.source,
)


@settings(max_examples=60, deadline=None)
@given(_CAPTURES, _CAPTURES)
def test_every_capture_is_kept_as_a_source_of_exactly_one_event(
    first: list[NetworkEvent], second: list[NetworkEvent]
) -> None:
    theirs = [replace(one, source=f"p/{one.source}") for one in first]
    files = file(*[replace(one, source=f"f/{one.source}") for one in second])
    found = of(report(party(Role.REPORTED, "p", *theirs, name="kite77"), files=(files,)))
    kept = [place for places in found.sources.values() for place in places]
    assert sorted(kept) == sorted([f"p/{one.source}" for one in first] + [f"f/{one.source}" for one in second])
    assert {event.key for event in found.events} == set(found.sources)
    assert len({event.key for event in found.events}) == len(found.events)


def _teredo(inner: str, port: int) -> str:
    number = int(IPv4Address(inner)) ^ 0xFFFFFFFF
    return str(IPv6Address(0x20010000 << 96 | 0xC0000201 << 64 | 0x8000 << 48 | (port ^ 0xFFFF) << 32 | number))


@pytest.mark.parametrize(
    ("child", "files"),
    [
        (_teredo("198.51.100.7", 5000), _teredo("198.51.100.7", 6000)),
        ("64:ff9b::c633:6407", "64:ff9b::c633:6407"),
        ("198.51.100.7", "2002:c633:6407::1"),
        ("198.51.100.7", "198[.]51[.]100[.]7"),
        ("198[.]51[.]100[.]7", "198.51.100.7/32"),
        ("not an address", "Not  an address"),
    ],
)
def test_the_childs_network_is_the_childs_in_every_notation_whatever_the_reported_shares(
    child: str, files: str
) -> None:
    # The reported uses the same Teredo server and the same NAT64 prefix, which belong to everybody.
    reported = party(
        Role.REPORTED,
        "report/p[1]",
        capture(_teredo("203.0.113.5", 4000), "p/a"),
        capture("64:ff9b::cb00:7105", "p/b"),
        name="kite77",
    )
    victim = party(Role.VICTIM, "report/v", capture(child, "report/v/ip"), name="minnow")
    found = of(report(reported, victim, files=(file(capture(files, "file[1]/ip")),)))
    assert [one.why for one in found.apart] == [Apart.CHILDS, Apart.CHILDS_NETWORK]
    assert len(found.events) == 2


def test_what_a_child_or_a_recipient_shares_with_the_reported_waits() -> None:
    for role in (Role.VICTIM, Role.RECIPIENT):
        other = party(role, "report/o", capture("192.0.2.7", "report/o/ip"), name="other")
        found = of(report(REPORTED, other, files=(file(capture("192.0.2.7", "file[1]/ip", "2026-03-03T10:00:00Z")),)))
        assert addresses(found.events) == ["192.0.2.7"]
        assert found.apart[-1].why is Apart.SHARED_NETWORK


def test_a_recipients_network_under_a_file_or_a_place_is_the_recipients() -> None:
    recipient = party(Role.RECIPIENT, "report/r", capture("198.51.100.5", "report/r/ip"), name="other")
    web = InternetDetail("chat", "report/w", network_events=(capture("198.51.100.5", "report/w/ip"),))
    found = of(report(REPORTED, recipient, webs=(web,), files=(file(capture("198.51.100.5", "file[1]/ip")),)))
    assert addresses(found.events) == ["192.0.2.7"]
    assert [one.why for one in found.apart] == [Apart.RECIPIENTS, *[Apart.RECIPIENTS_NETWORK] * 2]


@pytest.mark.parametrize("name", ["Login", "Upload", None])
def test_an_event_that_could_be_of_two_accounts_is_of_none_in_any_order(name: str | None) -> None:
    pair = [
        party(Role.REPORTED, f"report/p[{n}]", capture("192.0.2.7", f"report/p[{n}]/ip", name=name), name=who)
        for n, who in enumerate(("anna", "bert"), 1)
    ]
    for both in (pair, pair[::-1]):
        found = of(report(*both, files=(file(capture("192.0.2.7", "file[1]/ip")),)))
        offences = [event for event in found.events if event.offence]
        assert [(event.source, event.account) for event in offences] == [("file[1]/ip", "")]
        assert len(found.events) == 3


def test_a_file_is_never_made_the_offence_of_a_login() -> None:
    found = of(report(REPORTED, files=(file(capture("192.0.2.7", "file[1]/ip")),)))
    assert [(event.kind, event.offence) for event in found.events] == [
        (EventKind.LOGIN, False), (EventKind.UNKNOWN, True),
    ]  # fmt: skip
