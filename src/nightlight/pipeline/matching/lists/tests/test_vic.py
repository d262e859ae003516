# SPDX-License-Identifier: Apache-2.0
"""VIC JSON: damaged files first, then every dialect, then that chunks never change the answer."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.lists import vic
from nightlight.pipeline.matching.lists.jsonstream import JsonStream
from nightlight.pipeline.matching.lists.rows import Batch, Code, ListDamaged
from nightlight.pipeline.matching.lists.tests.material import (
    CASES,
    CONTEXT_1,
    Read,
    digests,
    expected,
    found,
    hash_set,
    media,
    packed,
)

NESTED = {
    "Exifs": [{"MD5": "00", "PropertyName": "Make", "PropertyValue": '} ], {\\ " ☂'}],
    "MediaFiles": [
        {"FileName": "kite }.png", "FilePath": "C:\\kites\\", "Unallocated": False},
        {"FileName": '{"MediaID": 7}', "FilePath": '"}]}'},
    ],
}


@pytest.mark.parametrize("record", [{}, NESTED], ids=["flat", "nested"])
def test_no_prefix_of_a_file_counts_as_a_whole_one(record: dict[str, Any]) -> None:
    data = packed(hash_set([media(1, **record), media(2, Comments='a "}" b'), media(3)], TotalMediaFiles=3))
    for cut in range(len(data)):
        damaged = Read(data[:cut], format="vic").damaged
        assert damaged is not None, cut
        assert damaged.code in (Code.TRUNCATED, Code.EMPTY), (cut, damaged.sentence)
    assert Read(data).damaged is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[{"MediaID": 1}]', Code.HEADER_MISSING),
        ('{"@odata.context": "#Media"}', Code.HEADER_MISSING),
        ('{"@odata.context": "#Media", "value": {"MediaID": 1}}', Code.HEADER_MISSING),
        ('{"@odata.context": "#Media", "value": []} more', Code.MALFORMED),
        ('{"@odata.context": "#Media", "value": [] "x": 1}', Code.MALFORMED),
        ('{"@odata.context": "#Media", "value": [{"MediaID": 1} {"MediaID": 2}]}', Code.MALFORMED),
        ('{"@odata.context": "#Media", "value": [{"MediaID": 1},]}', Code.MALFORMED),
        ('{"@odata.context": "#Media", "value": [,{"MediaID": 1}]}', Code.MALFORMED),
        ('{"@odata.context": "#Media", "value": [{"MediaID": 1}}}', Code.MALFORMED),
        ('{"@odata.context" "#Media", "value": []}', Code.MALFORMED),
        ('{"@odata.context": tru, "value": []}', Code.MALFORMED),
        ('{"MediaID": 1, value: []}', Code.MALFORMED),
    ],
)
def test_what_is_no_hash_set_is_refused(text: str, code: Code) -> None:
    read = Read(text.encode(), format=None if text.startswith("[") else "vic")
    assert read.damaged is not None
    assert read.damaged.code == code


def test_one_record_may_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = JsonStream(_Repeating(b'{"value":[{"Comments":"', b"x" * 1000, b'"}]}', 1000).readinto, limit=1 << 18)
    monkeypatch.setattr(vic, "JsonStream", lambda *_, **__: stream)
    with pytest.raises(ListDamaged) as damaged:
        list(vic.read(lambda _: 0))
    assert damaged.value.code == Code.TOO_LARGE


def test_bad_rows_are_told_and_good_rows_are_in() -> None:
    records: list[Any] = [
        media(1),
        media(2, MD5="12"),  # in, with its SHA-1
        media(3, MD5="Z" * 32, SHA1=None),
        media(4, SHA1="0" * 40),
        media(5, MD5=None, SHA1=""),
        media(6, PhotoDNA="!" * 192),
        media(7, MD5="d41d8cd98f00b204e9800998ecf8427e"),
        media(8, MD5=123456),
        "no record",
        None,
        media(11),
    ]
    read = Read(packed(hash_set(records)))
    assert read.damaged is None
    assert read.ids == ["1", "2", "4", "6", "7", "8", "11"]
    assert [(bad.row, bad.code) for bad in read.bad] == [
        (2, Code.WRONG_LENGTH),
        (3, Code.NOT_HEX),
        (4, Code.PLACEHOLDER),
        (5, Code.NO_DIGEST),
        (6, Code.BAD_OPAQUE),
        (7, Code.EMPTY_FILE),
        (8, Code.NOT_TEXT),
        (9, Code.NOT_A_RECORD),
        (10, Code.NOT_A_RECORD),
    ]
    by_id = {row["source_id"]: row for row in read.rows}
    assert by_id["2"]["md5"] is None
    assert by_id["2"]["sha1"] == digests(2)[1]
    assert by_id["6"]["opaque"] == {}
    assert [row["row"] for row in read.rows] == [1, 2, 4, 6, 7, 8, 11]
    assert all(len(bad.raw) <= 500 and bad.raw for bad in read.bad)
    numbers = read.notes[Code.COUNTED].numbers
    assert (numbers["records"], numbers["good"], numbers["bad"]) == (11, 7, 4)


def test_a_broken_record_between_good_ones_is_one_bad_row() -> None:
    data = packed(hash_set([media(1), media(2), media(3)])).replace(b'"MediaID": 2', b'"MediaID": 2x')
    read = Read(data)
    assert (read.ids, read.codes, read.bad[0].row) == (["1", "3"], [Code.NOT_JSON], 2)
    assert read.bad[0].raw.startswith(b'{"MediaID": 2x')


def test_a_record_that_is_no_utf8_is_one_bad_row() -> None:
    data = packed(hash_set([media(1), media(2, Series="kite"), media(3)])).replace(b"kite", b"k\xfft")
    read = Read(data)
    assert (read.ids, read.codes) == (["1", "3"], [Code.NOT_JSON])


def test_the_columns_are_what_json_loads_says() -> None:
    records = [media(number) for number in range(1, 700)]
    read = Read(packed(hash_set(records)))
    assert found(read) == expected(records)
    assert read.rows[3]["claims"] == {
        "VictimIdentified": True,
        "DateUpdated": "2026-03-01T10:00:00Z",
        "MediaSize": 1004,
    }
    scheme = read.notes[Code.SCHEME_HINT]
    assert scheme.facts == {"model": "2.0", "scheme": "US", "kind": "Media"}
    assert read.notes[Code.COUNTED].numbers["category 0"] == 116


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("indent", [None, 2])
def test_encodings_and_layouts_do_not_matter(encoding: str, indent: int | None) -> None:
    records = [media(number, Comments="Drachen über ☂ 🪁") for number in range(1, 50)]
    text = json.dumps(hash_set(records), ensure_ascii=False, indent=indent)
    read = Read(text.encode(encoding), chunk=4096)
    assert read.damaged is None
    assert found(read) == expected(records)
    assert read.rows[0]["claims"]["Comments"] == "Drachen über ☂ 🪁"


def test_1_x_names_and_habits() -> None:
    photodna = digests(1)[2]
    records = [
        media(
            1, PhotoDNA=photodna.hex(), VictimIdentified="true", IsDistributed="False", DateUpdated="/Date(86400000)/"
        ),
        media(2, PhotoDNA=None, Category="3", MediaID=None) | {"odata.id": "x", "Media@odata.navigationLinkUrl": "y"},
    ]
    read = Read(packed({"odata.metadata": CONTEXT_1, "value": records}))
    assert read.damaged is None
    assert read.rows[0]["opaque"] == {"PhotoDNA": base64.b64encode(photodna).decode()}
    assert read.rows[0]["claims"]["VictimIdentified"] is True
    assert read.rows[0]["claims"]["IsDistributed"] is False
    assert read.rows[0]["claims"]["DateUpdated"] == "1970-01-02T00:00:00.000Z"
    assert read.rows[1]["classification"] == "3"
    assert read.rows[1]["source_id"] == f"sha1:{digests(2)[1].hex()}"
    assert read.notes[Code.SCHEME_HINT].facts["model"] == "1.3"
    assert Code.UNKNOWN_FIELDS not in read.notes


def test_category_0_is_a_value_and_none_is_none() -> None:
    read = Read(packed(hash_set([media(6), media(7, Category=None), media(8, Category=9)])))
    assert [row["classification"] for row in read.rows] == ["0", "", "9"]
    assert read.notes[Code.CATEGORY_OUT_OF_RANGE].numbers == {"records": 1}


@pytest.mark.parametrize("several", [False, True])
def test_alternative_hashes(several: bool) -> None:
    records = [media(number, PhotoDNA=None) for number in range(1, 9)]
    for number, record in enumerate(records, 1):
        record["AlternativeHashes"] = [
            {"HashName": "PhotoDNA", "HashValue": base64.b64encode(digests(number)[2]).decode()}
        ]
    if several:
        records[2]["AlternativeHashes"] += [
            {"HashName": "SHA-256", "HashValue": "ab" * 32},
            {"HashName": "PDQ", "HashValue": "0f" * 32},
            {"HashName": "TMK", "HashValue": "as it came"},
            {"HashValue": "nameless"},
        ]
    read = Read(packed(hash_set(records)))
    assert [row["opaque"]["PhotoDNA"] for row in read.rows] == [
        base64.b64encode(digests(number)[2]).decode() for number in range(1, 9)
    ]
    if several:
        assert read.rows[2]["sha256"] == b"\xab" * 32
        assert read.rows[2]["pdq"] == b"\x0f" * 32
        assert read.rows[2]["opaque"]["TMK"] == "as it came"
        assert read.codes == [Code.BAD_OPAQUE]


def test_cases_count_for_themselves_and_keep_the_claims_of_the_file_apart() -> None:
    cases: list[dict[str, Any]] = [
        {"CaseID": "A-1", "TotalMediaFiles": 3, "TotalPrecategorized": 5, "CaseMetadata": [{"a": "}]"}]},
        {"CaseNumber": "B", "Media": [media(1, IsPrecategorized="true")], "ContactPhone": None},
        {"CaseID": "C", "Media": []},
    ]
    cases[0]["Media"] = [media(1, **NESTED), media(2, IsPrecategorized=True, Miniature="AAAA", Odd=1)]
    read = Read(packed({"@odata.context": CASES, "value": cases}))
    assert read.damaged is None
    assert read.ids == ["A-1/1", "A-1/2", "2/1"]
    assert [row["row"] for row in read.rows] == [1, 2, 3]
    assert read.rows[0]["claims"]["MediaFiles"] == NESTED["MediaFiles"]
    assert all("Miniature" not in row["claims"] for row in read.rows)
    assert read.notes[Code.PICTURES_LEFT_OUT].numbers == {"records": 1}
    assert read.notes[Code.COUNT_DIFFERS].numbers == {"claimed": 5, "counted": 2}
    assert "3 records came" in read.notes[Code.COUNTED].text


def test_cases_are_told_by_their_fields_where_the_context_is_late_or_missing() -> None:
    cases = [{"CaseNumber": "B", "Media": [media(1)]}, {"Media": [media(2)]}]
    for document in ({"value": cases}, {"value": cases, "@odata.context": CASES}):
        assert Read(packed(document)).ids == ["1/1", "2/2"]


def test_fields_nobody_reads_are_named() -> None:
    read = Read(packed(hash_set([media(1, Weather="fine")])))
    assert "Weather" in read.notes[Code.UNKNOWN_FIELDS].text


def test_several_records_may_name_one_file() -> None:
    twice = [media(1), media(1) | {"MediaID": 2}]
    read = Read(packed(hash_set(twice)))
    assert read.ids == ["1", "2"]
    assert read.rows[0]["md5"] == read.rows[1]["md5"]


def test_a_truncated_gzip_is_no_whole_list() -> None:
    data = gzip.compress(packed(hash_set([media(number) for number in range(1, 40)])))
    assert len(Read(data).rows) == 39
    for cut in (*range(0, len(data), 97), len(data) - 1, len(data) - 8):
        damaged = Read(data[:cut], format="vic").damaged
        assert damaged is not None and damaged.code in (Code.TRUNCATED, Code.EMPTY)


_TEXT = st.text(st.sampled_from('ab{}[],":\\ ☂\n\t\x00'), max_size=30)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_RECORDS = st.lists(
    st.fixed_dictionaries(
        {"Comments": _TEXT, "Tags": _VALUES, "MediaFiles": st.none() | st.lists(_VALUES, max_size=3)}
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    more=_RECORDS,
    chunk=st.integers(1, 6000),
    step=st.integers(1, 5000),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_chunks_never_change_what_json_loads_says(
    more: list[dict[str, Any]], chunk: int, step: int, indent: int | None, ascii_only: bool
) -> None:
    records = [media(number, **extra) for number, extra in enumerate(more, 1)]
    data = json.dumps(hash_set(records, After=more), indent=indent, ensure_ascii=ascii_only).encode()
    view, at = memoryview(data), 0

    def readinto(target: memoryview) -> int:
        nonlocal at
        size = min(step, len(target), len(data) - at)
        target[:size] = view[at : at + size]
        at += size
        return size

    rows: list[tuple[Any, ...]] = []
    for item in vic.read(readinto, chunk=chunk):
        if isinstance(item, Batch):
            rows += zip(item.row, item.source_id, item.md5, item.claims, strict=True)
    assert [row[:3] for row in rows] == [
        (number, str(number), digests(number)[0]) for number in range(1, len(records) + 1)
    ]
    for row, record in zip(rows, json.loads(data)["value"], strict=True):
        for name in ("Comments", "Tags", "MediaFiles"):
            said = record[name]
            assert row[3].get(name) == (None if said == "" else said)


@settings(max_examples=60, deadline=None)
@given(more=_RECORDS.filter(bool), data=st.data(), chunk=st.integers(16, 3000))
def test_no_prefix_is_whole_whatever_is_in_the_records(
    more: list[dict[str, Any]], data: st.DataObject, chunk: int
) -> None:
    whole = packed(hash_set([media(number, **extra) for number, extra in enumerate(more, 1)]))
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert Read(whole[:cut], format="vic", chunk=chunk).damaged is not None


@pytest.mark.parametrize("chunk", [4096, 65536, 131072, 1 << 20])
def test_chunk_sizes_give_identical_rows(chunk: int) -> None:
    records = [media(number, **(NESTED if number % 7 == 0 else {})) for number in range(1, 1200)]
    read = Read(packed(hash_set(records)), chunk=chunk)
    assert found(read) == expected(records)
    assert read.bad == []


class _Repeating:
    """A file that is never there as a whole: a beginning, one piece again and again, an end."""

    def __init__(self, head: bytes, piece: bytes, tail: bytes, times: int) -> None:
        self._parts = iter([head, *()])
        self._piece, self._tail, self._times = piece, tail, times
        self._left = memoryview(b"")

    def _more(self) -> bytes:
        for head in self._parts:
            return head
        if self._times:
            block = min(self._times, 200)
            self._times -= block
            return self._piece * block
        tail, self._tail = self._tail, b""
        return tail

    def readinto(self, view: memoryview) -> int:
        if not self._left:
            self._left = memoryview(self._more())
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


@pytest.mark.parametrize("nested", [False, True])
def test_a_long_single_line_needs_a_chunk_of_memory(nested: bool) -> None:
    record = packed(media(1, **(NESTED if nested else {})), separators=(",", ":"))
    times = 15_000
    source = _Repeating(b'{"value":[' + record, b"," + record, b"]}", times - 1)
    tracemalloc.start()
    try:
        count = sum(len(item) for item in vic.read(source.readinto) if isinstance(item, Batch))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == times
    assert peak < 3 << 20, peak  # of 6 to 9 MB
