# SPDX-License-Identifier: Apache-2.0
"""Text, tables, exchanges, wrappings: what is refused, what is a bad row, what is in."""

from __future__ import annotations

import csv
import gzip
import io
import random
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.columns import Told
from nightlight.pipeline.matching.lists.rows import Batch, Code, ListDamaged, Made, Repeated
from nightlight.pipeline.matching.lists.source import Source
from nightlight.pipeline.matching.lists.tables import Table, split
from nightlight.pipeline.matching.lists.tests.material import Read, digests, hash_set, media, packed

if TYPE_CHECKING:
    from pathlib import Path

MD5, SHA1 = digests(1)[0].hex(), digests(1)[1].hex()
PDQ = random.Random(5).randbytes(32).hex()


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.txt", Code.EMPTY),
        (b"\n \n", "a.txt", Code.EMPTY),
        (b"\xef\xbb\xbf", "a.txt", Code.EMPTY),
        (b'<?xml version="1.0"?><queryResult/>', "a.xml", Code.UNKNOWN_FORMAT),
        (b"SQLite format 3\0" + bytes(80), "a.db", Code.UNKNOWN_FORMAT),
        (b"a text about kites\nand wind\n", "a.bin", Code.UNKNOWN_FORMAT),
        (b'{"kites": [1, 2]}', "a.json", Code.UNKNOWN_FORMAT),
        (b"name;colour\nkite;red\n", "a.csv", Code.HEADER_MISSING),
        (f"{PDQ}\n".encode(), "a.txt", Code.KIND_NOT_TOLD),
        (f"hash,label\n{PDQ},x\n".encode(), "a.csv", Code.KIND_NOT_TOLD),
        (b"\xff\xfe\0\0" + "x".encode("utf-32-le"), "a.txt", Code.ENCODING),
        (b"\xff\xfe" + f"{MD5}\n".encode("utf-16-le") + b"\x00\xd8x\x00", "a.txt", Code.ENCODING),
        (b"\xff\xfe" + f"{MD5}\n".encode("utf-16-le") + b"a", "a.txt", Code.TRUNCATED),
        (f"{MD5}\n{MD5[:9]}".encode(), "a.txt", Code.TRUNCATED),
        (f"md5,label\n{MD5},x\n{MD5[:9]}".encode(), "a.csv", Code.TRUNCATED),
        (f'md5,label\n{MD5},"x'.encode(), "a.csv", Code.TRUNCATED),
        (f"pdq {PDQ}\npdq {PDQ[:20]}".encode(), "a.txt", Code.TRUNCATED),
        (b"md5\n" + b"x" * (17 << 20), "a.csv", Code.TOO_LARGE),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(data: bytes, name: str, code: Code) -> None:
    damaged = Read(data, name=name).damaged
    assert damaged is not None
    assert damaged.code == code
    assert damaged.sentence.endswith(".")
    if code == Code.UNKNOWN_FORMAT:
        assert "VIC JSON" in damaged.sentence


def test_a_format_nobody_knows_is_refused() -> None:
    damaged = Read(b"x", format="kites").damaged
    assert damaged is not None and damaged.code == Code.UNKNOWN_FORMAT


def _zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_zipped(a=b"1", b=b"2"), Code.ARCHIVE),
        (_zipped(a=f"{MD5}\n".encode() * 100)[:-30], Code.ARCHIVE),
        (gzip.compress(f"{MD5}\n".encode())[:-1], Code.TRUNCATED),
        (gzip.compress(f"{MD5}\n".encode())[:-8] + bytes(8), Code.ARCHIVE),
        (gzip.compress(f"{MD5}\n".encode()) + b"kite", Code.ARCHIVE),
        (gzip.compress(bytes(300 << 20), 1), Code.TOO_LARGE),
    ],
    ids=["two files", "cut zip", "cut gzip", "wrong checksum", "something after it", "bomb"],
)
def test_wrappings_that_are_damaged_or_bombs(data: bytes, code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightlight.pipeline.matching.lists.source.RATIO_LIMIT", 100)
    with pytest.raises(ListDamaged) as damaged:
        source = Source(io.BytesIO(data))
        while source.read():
            pass
    assert damaged.value.code == code


@pytest.mark.parametrize("wrap", [gzip.compress, lambda data: _zipped(**{"list.txt": data}), lambda data: data])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_wrappings_and_encodings(wrap: object, encoding: str, tmp_path: Path) -> None:
    texts = [digests(number)[0].hex() for number in range(3000)]
    data = wrap("\r\n".join([*texts, ""]).encode(encoding))  # type: ignore[operator]
    heard: list[int] = []
    read = Read(data, name="a.txt", progress=heard.append)
    assert [row["md5"].hex() for row in read.rows] == texts
    assert [row["row"] for row in read.rows] == list(range(1, 3001))
    assert heard == sorted(heard)
    assert 0 < heard[-1] <= len(data)


def test_gzip_of_several_members_is_one_list() -> None:
    other = digests(2)[0].hex()
    read = Read(gzip.compress(f"{MD5}\n".encode()) + gzip.compress(f"{other}\n".encode()) + bytes(4), name="a")
    assert [row["md5"].hex() for row in read.rows] == [MD5, other]


def test_lines_bad_ones_told_good_ones_in() -> None:
    text = f"# sha256\n{PDQ}\n\n{MD5.upper()}  kite.png\nkite\n{MD5[:-1]}g\n{MD5[:-1]}\n{SHA1}\t*b.png\n{'0' * 32}\n"
    read = Read(text.encode(), name="a.txt")
    assert read.damaged is None
    assert read.ids == [f"sha256:{PDQ}", f"md5:{MD5}", f"sha1:{SHA1}"]
    assert read.rows[1]["claims"] == {"text": "kite.png"}
    assert [(bad.row, bad.code) for bad in read.bad] == [
        (5, Code.WRONG_LENGTH),
        (6, Code.NOT_HEX),
        (7, Code.WRONG_LENGTH),
        (9, Code.PLACEHOLDER),
    ]
    assert text.encode()[read.bad[1].offset :].startswith(MD5[:-1].encode() + b"g")
    assert read.notes[Code.COUNTED].numbers == {"records": 7, "good": 3, "bad": 4}


@pytest.mark.parametrize(("kind", "media_type"), [("pdq", "image"), ("sha256", "")])
def test_64_digits_are_what_they_are_told_to_be(kind: str, media_type: str) -> None:
    read = Read(f"{PDQ}\n".encode(), name="a.txt", told=Told(kind=kind, classification="x"))
    assert read.rows[0][kind] == bytes.fromhex(PDQ)
    assert (read.rows[0]["media"], read.rows[0]["classification"]) == (media_type, "x")
    assert read.ids == [f"{kind}:{PDQ}"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([MD5, SHA1, MD5.upper(), "", "#c", "kite", MD5[:-1], MD5 + " x", "0" * 32, "Z" * 32, "é"]),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_quick_way_and_the_careful_way_agree(texts: list[str], end: str) -> None:
    read = Read(end.join([*texts, ""]).encode(), name="a.txt", format="lines")
    good = [t.split()[0].lower() for t in texts if t[:32].lower() == MD5 or t == SHA1]
    if not any(texts):
        assert read.damaged is not None
        return
    assert [row_id.partition(":")[2] for row_id in read.ids] == good
    skipped = sum(t in ("", "#c") for t in texts)
    assert len(read.bad) == len(texts) - len(good) - skipped


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_in_any_dialect(separator: str) -> None:
    header = ["ID", "MD5 Hash", "SHA-1", "sha_256", "PDQ", "Quality", "Category", "Media Type", "PhotoDNA", "Remark"]
    photodna = values.encoded(digests(1)[2])
    row = ["7", MD5.upper(), SHA1, "ab" * 32, PDQ, "88", "A1", "image/png", photodna, f'a "{separator}" b']
    out = io.StringIO()
    out.write("# made for a test\n")
    csv.writer(out, delimiter=separator).writerows([header, row, ["8", *[""] * 9], ["9", MD5]])
    read = Read(out.getvalue().encode(), name="a.csv")
    assert read.damaged is None
    assert read.rows == [
        {
            "source_id": "7",
            "media": "image",
            "classification": "A1",
            "md5": bytes.fromhex(MD5),
            "sha1": bytes.fromhex(SHA1),
            "sha256": b"\xab" * 32,
            "pdq": bytes.fromhex(PDQ),
            "pdq_quality": 88,
            "frames": (),
            "opaque": {"PhotoDNA": photodna},
            "claims": {"Remark": f'a "{separator}" b', "media": "image/png"},
            "row": 1,
        }
    ]
    assert [(bad.row, bad.code) for bad in read.bad] == [(2, Code.NO_DIGEST), (3, Code.FIELD_COUNT)]


def test_a_stray_quote_loses_one_row_only() -> None:
    rest = [digests(number)[0].hex() for number in range(2, 400)]
    text = f'md5,remark\n{MD5},"never closed\n' + "".join(f"{digest},x\n" for digest in rest)
    read = Read(text.encode(), name="a.csv")
    assert read.codes == [Code.OPEN_QUOTE]
    assert [row["md5"].hex() for row in read.rows] == rest


def test_a_table_whose_values_are_told_by_length_or_type() -> None:
    read = Read(f"hash,type,quality\n{MD5},md5,\n{PDQ},PDQ,101\n{SHA1},\n{SHA1},,\nkite,,\n".encode(), name="a.csv")
    assert read.ids == [f"md5:{MD5}", f"pdq:{PDQ}", f"sha1:{SHA1}"]
    assert read.codes == [Code.BAD_QUALITY, Code.FIELD_COUNT, Code.WRONG_LENGTH]


def test_rows_that_are_no_utf8_are_read_and_noted() -> None:
    read = Read(b"md5,remark\n" + MD5.encode() + b",\xe9t\xe9\n", name="a.csv")
    assert read.rows[0]["claims"] == {"remark": "été"}
    assert read.notes[Code.NOT_UTF8].numbers == {"rows": 1}


_CELL = st.text(st.sampled_from("ab \",\n'é"), max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(_CELL, min_size=2, max_size=4), min_size=1, max_size=6))
def test_quoting_is_read_as_the_csv_module_writes_it(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    read = [row.fields for row in Table(Source(io.BytesIO(out.getvalue().encode())), ",").rows()]  # type: ignore[union-attr]
    assert read == rows
    plain = [[cell.replace("\n", " ") for cell in row] for row in rows]
    for row in plain:
        line = io.StringIO()
        csv.writer(line).writerow(row)
        assert split(line.getvalue().rstrip("\r\n"), ",") == row


@given(st.binary(min_size=16, max_size=16), st.booleans())
def test_a_digest_is_read_or_refused_alone_as_in_a_column(raw: bytes, upper: bool) -> None:
    text = raw.hex().upper() if upper else raw.hex()
    column = values.column("md5", [text, MD5])
    if any(raw) and raw != values.EMPTY["md5"]:
        assert values.digest("md5", text) == raw
    if column is not None:
        assert column == [raw, bytes.fromhex(MD5)]


ODD = [None, 5, "", MD5[:-1], MD5 + "0", MD5[:-1] + "g", MD5[:-1] + "\n", "é" * 32, MD5[:-2] + " 1"]


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_value_sends_the_column_back(odd: object) -> None:
    assert values.column("md5", [MD5, odd, MD5]) is None
    assert values.column("md5", [MD5[:-1], MD5 + "0"]) is None
    assert values.column("md5", [MD5, MD5]) == [bytes.fromhex(MD5)] * 2


@pytest.mark.parametrize(
    ("said", "means"),
    [("/Date(0)/", "1970-01-01T00:00:00.000Z"), ("/Date(-1000+0200)/", "1969-12-31T23:59:59.000Z"),
     ("/Date(9999999999999999)/", "/Date(9999999999999999)/"), ("2026-03-01", "2026-03-01"), (7, 7), (None, None)],
)  # fmt: skip
def test_moments(said: object, means: object) -> None:
    assert values.moment(said) == means


def test_columns_that_cost_nothing_behave_as_lists() -> None:
    for column in (Repeated("x", 3), Made(["X", "X", "X"], str.lower)):
        assert list(column) == ["x"] * 3 == column[:]
        assert (len(column), column[-1], "x" in column) == (3, "x", True)
        with pytest.raises(IndexError):
            column[3]


def test_a_batch_of_a_vic_file_may_be_read_twice() -> None:
    from nightlight.pipeline.matching.lists import detect

    batch = next(i for i in detect.read(io.BytesIO(packed(hash_set([media(1)]))), name="x") if isinstance(i, Batch))
    assert list(batch.claims) == list(batch.claims) == batch.claims[:]
