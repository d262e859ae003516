# SPDX-License-Identifier: Apache-2.0
"""Returns as they come: opened or refused by name, read row by row, every bad row kept."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution.returns.layouts import LayoutRefused, built_in
from nightlight.casework.attribution.returns.opening import ADVICE, Limits, NotOpened, Return, ReturnRefused, Table
from nightlight.casework.attribution.returns.plain import find
from nightlight.casework.attribution.returns.reading import (
    BadRow,
    BadRows,
    HeaderUnknown,
    Reading,
)
from nightlight.casework.attribution.returns.rows import Sought, number_of, text_of
from nightlight.casework.attribution.returns.tests.helping import (
    BLOCKS,
    HEADER,
    codes,
    layout,
    lines,
    read,
    row,
    zipped,
)
from nightlight.casework.attribution.returns.tests.sheets import workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EVENT = Sought(number_of("203.0.113.7"), 1500, 1_778_527_000)


OPEN: list[Return] = []


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().__exit__(None, None, None)


def _opened(content: bytes, *passwords: str, limits: Limits | None = None) -> list[Table | NotOpened]:
    OPEN.append(Return(io.BytesIO(content), "return", passwords=passwords, limits=limits))
    return list(OPEN[-1])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7z"),
        (b"Rar!\x1a\x07", "rar"),
        (b"%PDF-1.7", "pdf"),
        (b"PK\x03\x04" + bytes(40), "zip-damaged"),
        (b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "sheet-encrypted"),
        (zipped({"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(9)}), "7z"),
        (zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({"d.csv": b"x"})})})}), "too-deep"),
    ],
)
def test_what_is_not_opened_says_why_and_what_to_do(content: bytes, code: str) -> None:
    (refused,) = _opened(content)
    assert isinstance(refused, NotOpened)
    assert (refused.code, refused.explanation) == (code, ADVICE[code])


def test_a_zip_with_aes_is_refused_with_advice() -> None:
    data = bytearray(zipped({"a.csv": b"x" * 50}))
    for at in (data.find(b"PK\x03\x04") + 8, data.find(b"PK\x01\x02") + 10):
        data[at : at + 2] = (99).to_bytes(2, "little")
    (refused,) = _opened(bytes(data), "secret")
    assert isinstance(refused, NotOpened)
    assert refused.code == "zip-aes"


def test_a_bomb_is_stopped_by_what_comes_out_not_by_what_it_claims() -> None:
    limits = Limits(size=1 << 20, files=3)
    (found,) = _opened(zipped({"log.csv": (HEADER + "\n").encode() + bytes(4 << 20)}), limits=limits)
    assert isinstance(found, Table)
    with pytest.raises(ReturnRefused) as refused:
        list(Reading(found, [BLOCKS]))
    assert refused.value.code == "too-large"
    assert _codes(_opened(zipped({"in.zip": zipped({"a": bytes(4 << 20)}) + bytes(2 << 20)}), limits=limits)) == [
        "too-large"
    ]
    assert _codes(_opened(zipped({str(n): b"x" for n in range(5)}), limits=limits)) == ["too-many-files"]


def _codes(found: list[Table | NotOpened]) -> list[str]:
    return [one.code for one in found if isinstance(one, NotOpened)]


def _with_password(content: bytes, password: bytes) -> bytes:
    """A zip in PKWARE's old cipher (APPNOTE 6.1): the standard library reads it and does not write it."""

    def crc(old: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), old ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    check = zlib.crc32(content)
    sealed = bytearray()
    for byte in bytes(11) + bytes([check >> 24]) + content:
        temp = keys[2] | 2
        sealed.append(byte ^ ((temp * (temp ^ 1)) >> 8 & 0xFF))
        update(byte)
    name = b"log.csv"
    sizes = check.to_bytes(4, "little") + len(sealed).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    common = (1).to_bytes(2, "little") + bytes(2) + bytes(2) + (0x21).to_bytes(2, "little") + sizes
    local = b"PK\x03\x04" + b"\x14\x00" + common + len(name).to_bytes(2, "little") + bytes(2) + name
    central = (
        b"PK\x01\x02"
        + b"\x14\x00\x14\x00"
        + common
        + len(name).to_bytes(2, "little")
        + bytes(2 + 2 + 2 + 2 + 4 + 4)
        + name
    )
    end = b"PK\x05\x06" + bytes(4) + b"\x01\x00\x01\x00" + len(central).to_bytes(4, "little")
    return bytes(local + sealed + central + end + (len(local) + len(sealed)).to_bytes(4, "little") + bytes(2))


def test_a_zip_with_a_password_needs_the_right_one() -> None:
    content = lines(row(), row(who="SUB2")).encode()
    sealed = _with_password(content, b"example-pass")
    assert _codes(_opened(sealed)) == ["zip-password-needed"]
    assert _codes(_opened(sealed, "wrong", "other")) == ["zip-password-wrong"]
    (found,) = _opened(sealed, "wrong", "example-pass")
    assert isinstance(found, Table)
    assert find(found, [BLOCKS], [EVENT]).matches == [(0, 2), (0, 3)]


def test_a_zip_of_zips_of_many_files_gives_each() -> None:
    inner = zipped({f"part{n}.csv": lines(row(who=f"SUB{n}")).encode() for n in range(3)})
    found = _opened(
        zipped({"in/answer.zip": inner, "note.pdf": b"%PDF-1.4", "log.csv.gz": gzip.compress(lines(row()).encode())})
    )
    assert [one.name for one in found] == [
        *(f"return/in/answer.zip/part{n}.csv" for n in range(3)),
        "return/note.pdf",
        "return/log.csv.gz",
    ]
    tables = [one for one in found if isinstance(one, Table)]
    assert [next(iter(Reading(one, [BLOCKS]))).subscriber for one in tables] == ["SUB0", "SUB1", "SUB2", "SUB1"]


def test_an_unknown_header_is_shown_with_rows_and_not_read() -> None:
    with pytest.raises(HeaderUnknown) as unknown:
        read("My IP;User ID;Start\n\nWAN IP;User ID;Start Time\n203.0.113.7;S1;12/05/2026\n")
    assert unknown.value.head.header == ("WAN IP", "User ID", "Start Time")
    assert unknown.value.samples == [["203.0.113.7", "S1", "12/05/2026"]]


def test_a_layout_whose_zone_nobody_stated_reads_nothing() -> None:
    flow = next(one for one in built_in() if one.code == "flow-ipdr")
    header = ",".join(column.name for column in flow.columns)
    with pytest.raises(LayoutRefused):
        read(header + "\n", flow)


def test_every_bad_row_is_kept_counted_and_written_out() -> None:
    content = lines(
        row(),
        row(ports="0"),
        row(ports="70000"),
        row(start="12/05/1970 00:00:00"),
        row(end="12/05/2106 00:00:00"),
        row(end="01/05/2026 00:00:00"),
        row(ip="203.0.113.007"),
        row() + ",more",
        "A,B,C",
        "Total records: 9",
        row(name='"open'),
        row(name="=1+1", who=""),
        HEADER,
        row(ip="::ffff:203.0.113.7", who="SUB2"),
    )
    rows, bad, reading = read(content)
    assert [(one.number, one.subscriber, text_of(one.address)) for one in rows] == [
        (2, "SUB1", "203.0.113.7"),
        (15, "SUB2", "203.0.113.7"),
    ]
    assert codes(bad) == [
        "port-zero",
        "port-too-high",
        "year-default",
        "year-default",
        "end-before-start",
        "address-leading-zero",
        "cells-too-many",
        "cells-missing",
        "not-a-row",
        "quote-open",
        "no-subscriber",
    ]
    tally = reading.tally
    assert (tally.rows, tally.good, sum(tally.bad.values()), tally.remarks["header-again"]) == (14, 2, 11, 1)
    assert tally.first_lines["year-default"] == [5, 6]
    assert (tally.people, tally.people_exact, tally.unnamed) == (2, False, 3)
    target = io.StringIO()
    write = BadRows(target)
    for one in [*bad, BadRow(1, "x", "y", "=1+1")]:
        write(one)
    written = list(csv.reader(io.StringIO(target.getvalue())))
    assert written[0] == ["line", "code", "why", "text"]
    assert written[1][3] == row(ports="0")
    assert written[-1][3] == "'=1+1"


def test_lines_before_the_header_apostrophes_and_another_encoding() -> None:
    quoted = "\n".join(",".join(f"'{cell}'" for cell in line.split(",")) for line in (row(name="Zoë"), row(who="SUB2")))
    content = f"Report of Example Net\r\nCase: 5\r\n\r\n{HEADER}\r\n{quoted}\r\n*** end of report ***\r\n"
    rows, bad, reading = read(content.encode("latin-1"))
    assert [(one.number, one.subscriber, one.detail("name")) for one in rows] == [(5, "SUB1", "Zoë"), (6, "SUB2", "A")]
    assert codes(bad) == ["not-a-row"]
    assert (reading.head.line, reading.head.before[0]) == (4, "Report of Example Net")
    assert reading.tally.remarks["other-encoding"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    rows, bad, _ = read(lines(row(name="Zoë")).replace(",", separator).encode(encoding))
    assert ([one.detail("name") for one in rows], bad) == (["Zoë"], [])


def test_a_file_with_carriage_returns_alone_has_lines_too() -> None:
    rows, _, _ = read(lines(row(), row()).replace("\n", "\r").encode())
    assert [one.number for one in rows] == [2, 3]


def test_mixed_encodings_spoil_no_line() -> None:
    content = (
        lines(row(name="Zoë")).encode()
        + (row(name="Zoë") + "\n").encode("cp1252")
        + (row(name="\x81") + "\n").encode("latin-1")
    )
    rows, bad, reading = read(content)
    assert ([one.detail("name") for one in rows], bad) == (["Zoë", "Zoë", "\x81"], [])
    assert reading.tally.first_lines["other-encoding"] == [3, 4]


@pytest.mark.parametrize(
    "content", ["No Records Found\n", HEADER + "\nNo records found\n", "Example Net\n\n'No Data Available'\n"]
)
def test_a_return_that_says_there_is_nothing_is_an_answer(content: str) -> None:
    rows, bad, reading = read(content)
    assert (rows, bad, reading.tally.no_records) == ([], [], True)


def test_a_damaged_gzip_is_named_while_reading() -> None:
    (found,) = _opened(gzip.compress(lines(*[row()] * 999).encode())[:-12])
    assert isinstance(found, Table)
    with pytest.raises(ReturnRefused) as refused:
        list(Reading(found, [BLOCKS]))
    assert refused.value.code in {"zip-damaged", "gzip-damaged"}


def test_two_date_orders_of_one_regulation_are_read_each_by_its_own() -> None:
    nat = layout("dot-2013-nat")
    header = ",".join(column.name for column in nat.columns)
    content = f"{header}\n05:12:2026 00:44:36,05:12:2026 01:00:48,100.64.0.9,7164,203.0.113.7,1500,198.51.100.1,443\n"
    (first,), _, _ = read(content, nat)
    (second,), _, _ = read(lines(row()))
    assert (first.start, first.end) == (second.start, second.end)
    assert (first.subscriber, nat.names_inside_only) == ("100.64.0.9", True)


def test_what_only_looks_like_a_workbook_is_refused() -> None:
    (found,) = _opened(zipped({"[Content_Types].xml": b"<x", "xl/workbook.xml": b"<x"}))
    assert isinstance(found, Table)
    with pytest.raises(ReturnRefused) as refused:
        Reading(found, [BLOCKS])
    assert refused.value.code == "sheet-damaged"
    assert _codes(_opened(workbook([["x" * 999]] * 99), limits=Limits(sheet=9_000))) == ["too-large"]


def test_what_lies_beside_a_workbook_is_named_and_workbooks_count_against_the_whole() -> None:
    content = workbook([list(HEADER.split(","))])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    found = _opened(zipped({**parts, "log.csv": lines(row()).encode()}))
    assert [(one.name, one.code) for one in found if isinstance(one, NotOpened)] == [
        ("return/log.csv", "beside-workbook")
    ]
    padded = zipped({**parts, "xl/pad.bin": bytes(600_000)})
    many = zipped({f"{n}.xlsx": padded for n in range(4)})
    assert _codes(_opened(many, limits=Limits(size=2_000_000))) == ["too-large"]


def test_quotes_left_open_over_many_lines_are_parsed_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = csv.reader
    parsed = 0

    def counted(of: Iterable[str], *, delimiter: str, quotechar: str, strict: bool = False) -> Iterator[list[str]]:
        nonlocal parsed
        parsed += 1
        return reader(of, delimiter=delimiter, quotechar=quotechar, strict=strict)

    monkeypatch.setattr(csv, "reader", counted)
    rows, bad, _ = read(lines(*['x","z' + "y" * 6000] * 400, row()))
    assert (len(rows), len(bad)) == (1, 400)
    assert parsed < 4 * 400  # not anew with each line that is joined


def test_a_last_line_without_an_end_is_remarked() -> None:
    assert read(lines(row()))[2].tally.remarks["last-line-open"] == 0
    assert read(lines(row()).removesuffix("1\n"))[2].tally.first_lines["last-line-open"] == [2]
