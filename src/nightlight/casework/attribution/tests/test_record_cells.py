# SPDX-License-Identifier: Apache-2.0
"""A field of the evidence is a whole cell of its record; a piece of one, or what another cell holds, is none."""

from __future__ import annotations

import json

import pytest

from nightlight.casework.attribution.record_cells import How, cells, stand

FIELDS = {"address": "203.0.113.5", "port": "40961", "time": "2026-05-11T19:14:36Z", "account": "ravi"}


def how(
    record: str | bytes, places: dict[str, str] | None = None, *, fields: dict[str, str] | None = None, **more: str
) -> dict[str, How]:
    raw = record.encode() if isinstance(record, str) else record
    return dict(stand(raw, {**dict.fromkeys(FIELDS, ""), **(fields or {}), **more}, places or {}).how)


@pytest.mark.parametrize(
    ("field", "piece", "cell"),
    [
        ("address", "203.0.113.5", "203.0.113.50"),
        ("address", "203.0.113.5", "1203.0.113.5"),
        ("address", "203.0.113.5", "203.0.113.5/24"),
        ("address", "203.0.113.5", "203.0.113.5-203.0.113.90"),
        ("address", "203.0.113.5", "203.0.113.5 - 203.0.113.90"),
        ("address", "203.0.113.5", "203.0.113.5:80"),
        ("address", "2001:db8::1", "2001:db8::1%eth0"),
        ("address", "2001:db8::5", "2001:db8::5:77"),
        ("address", "2001:db8:1::", "2001:db8:1::/64"),
        ("port", "4096", "40961"),
        ("port", "40961", "40961-41000"),
        ("time", "2026-05-12 00:44:36", "2026-05-12 00:44:36 GMT+0530"),
        ("time", "2026-05-12 00:44:36", "2026-05-12 00:44:36+05:30"),
        ("time", "05/12/2026 01:44:36", "05/12/2026 01:44:36 PM"),
        ("time", "2/05/2026 00:44:36", "12/05/2026 00:44:36"),
        ("account", "ravi", "ravi.kumar@mail.example"),
        ("account", "kumar", "ravi.kumar@mail.example"),
        ("account", "ravi", "ravi-2"),
    ],
)
def test_a_piece_of_a_cell_does_not_stand_in_the_record(field: str, piece: str, cell: str) -> None:
    for record in (f"7,{cell},x", json.dumps({"a": cell}), f"<a><b>{cell}</b></a>"):
        assert how(record, fields={field: piece})[field] is How.NOT
        assert how(record, fields={field: cell})[field] is How.WHOLE


def test_another_cell_than_the_one_that_is_named_does_not_count() -> None:
    record = json.dumps({"ip": "203.0.113.5", "server": "192.0.2.1"})
    assert how(record, {"address": "ip"}, address="192.0.2.1")["address"] is How.NOT
    assert how(record, {"address": "ip"}, address="203.0.113.5")["address"] is How.WHOLE
    rows = b"203.0.113.5,2026-05-11T19:14:36Z\r\n192.0.2.1,2026-05-11T20:00:00Z"
    two = stand(rows, {"address": "203.0.113.5", "time": "2026-05-11T20:00:00Z"}, {})
    assert How.NOT in two.how.values()  # each stands in another row


@pytest.mark.parametrize(
    "beside",
    [
        "{t} PM", "{t} IST", "{t} UTC+05:30", "{t} local time", "{t} to 19:20:00", "{t} in the evening",
        "{t} Asia/Dhaka", "{t} and 198.51.100.9", "{t} to {t}",
    ],
)  # fmt: skip
def test_a_sentence_that_goes_on_holds_no_field(beside: str) -> None:
    time = "2026-05-11 19:14:36"
    record = json.dumps({"text": f"A login from 203.0.113.5 by ravi at {beside.format(t=time)}"})
    assert set(how(record, address="203.0.113.5", time=time, account="ravi").values()) >= {How.NOT}


def test_a_sentence_that_holds_the_fields_and_nothing_that_goes_on_is_told_from_a_cell() -> None:
    record = json.dumps({"text": "Login from\n203.0.113.5\tport\t40961\nat\n2026-05-11T19:14:36Z ravi"})
    assert set(how(record, fields=FIELDS).values()) == {How.PROSE}


@pytest.mark.parametrize(
    "record",
    [
        b'{"t":"2026-05-12T00:44:36\\u002b05:30","a":"a&b"}',
        b"<t>2026-05-12T00:44:36+05:30</t><a>a&amp;b</a>",
        '{"t":"2026-05-12T00:44:36+05:30","a":"a&b"}'.encode("utf-16"),
        "2026-05-12T00:44:36+05:30,a&b".encode("utf-16-le"),
    ],
)
def test_what_is_compared_is_what_the_escapes_say(record: bytes) -> None:
    said = how(record, time="2026-05-12T00:44:36+05:30", account="a&b")
    assert (said["time"], said["account"]) == (How.WHOLE, How.WHOLE)


def test_a_time_may_stand_in_cells_side_by_side_and_never_in_others() -> None:
    for row, text in (("12/05/2026,00:44:36", "12/05/2026 00:44:36"), ("12/05/2026,01:44,PM", "12/05/2026 01:44 PM")):
        assert how(row, time=text)["time"] is How.JOINED
    assert how("12/05/2026,x,00:44:36", time="12/05/2026 00:44:36")["time"] is How.NOT


def test_what_else_could_be_meant_is_found() -> None:
    row = b"203.0.113.5,40961,11/05/2026 19:14:36,11/05/2026 19:50:00,443,198.51.100.1,PM,+05:30"
    found = stand(row, {"address": "203.0.113.5", "port": "40961", "time": "11/05/2026 19:14:36"}, {})
    assert found.others == {"address": ("198.51.100.1",), "port": ("443",), "time": ("11/05/2026 19:50:00",)}
    assert found.beside == ("PM", "+05:30")
    epoch = stand(b"1778526876,1778530000,0", {"time": "1778526876", "port": ""}, {})
    assert epoch.others["time"] == ("1778530000",)
    assert stand(b'{"port":"40961"}', {"port": ""}, {}).others["port"] == ("40961",)


def test_what_is_cut_off_is_still_read_without_a_fault() -> None:
    assert cells(b"") == ()
    for record in (b"{", b"<a>", b"\xff\xfe\x00", b'"', b"[" * 5000):
        assert isinstance(cells(record), tuple)
        stand(record, FIELDS, {})
