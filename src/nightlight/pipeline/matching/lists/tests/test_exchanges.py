# SPDX-License-Identifier: Apache-2.0
"""INTERPOL's CSV, ThreatExchange in its shapes, vPDQ; and what any damage to any format leads to."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.rows import Code
from nightlight.pipeline.matching.lists.signals import MOST_FRAMES
from nightlight.pipeline.matching.lists.tests.material import Read, digests, hash_set, media, packed

MD5, SHA1 = digests(1)[0].hex(), digests(1)[1].hex()
PDQ = random.Random(5).randbytes(32).hex()

HEADER = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;"
    "Number of submissions;File Available;Media Type;Baseline"
)


def test_interpols_csv_keeps_its_claims_apart() -> None:
    photodna = values.encoded(digests(1)[2])
    text = (
        f"{HEADER}\n{MD5};{SHA1};{photodna};901;true;FALSE;0;Blue kites;12;1;Image;true\n"
        f"{MD5[1:]};{SHA1};;902;no;;;;;;Video;false\n;;;903;;;;;;;Image;true\n"
    )
    read = Read(text.encode("utf-8-sig"), name="x.dat")
    assert read.damaged is None
    first, second = read.rows
    assert first["claims"] == {
        "Is distributed": True,
        "Victim identified": False,
        "Offender identified": False,
        "Series name": "Blue kites",
        "Number of submissions": 12,
        "File Available": True,
        "Media Type": "Image",
        "Baseline": True,
    }
    assert (first["source_id"], first["media"], first["classification"]) == ("901", "image", "baseline")
    assert first["opaque"] == {"PhotoDNA": photodna}
    assert (second["source_id"], second["media"], second["classification"]) == ("902", "video", "")
    assert second["md5"] is None
    assert [(bad.row, bad.code) for bad in read.bad] == [(2, Code.WRONG_LENGTH), (3, Code.NO_DIGEST)]


FRAMES = [
    f"{random.Random(number).randbytes(32).hex()},{quality},{number}.0" for number, quality in enumerate([100, 60, 9])
]


def test_the_command_lines_csv() -> None:
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ["signal_type", "signal_str", "collab", "category", "tags"],
            ["pdq", PDQ, "Kites", "POSITIVE_CLASS", "a b"],
            ["video_md5", MD5, "Kites", "NEGATIVE_CLASS", ""],
            ["vpdq", json.dumps(FRAMES), "Kites", "POSITIVE_CLASS", ""],
            ["raw_text", "a kite", "Kites", "POSITIVE_CLASS", ""],
        ]
    )
    read = Read(out.getvalue().encode(), name="x.csv")
    assert [(row["media"], row["classification"]) for row in read.rows] == [
        ("image", "POSITIVE_CLASS"),
        ("video", "NEGATIVE_CLASS"),
        ("video", "POSITIVE_CLASS"),
    ]
    assert [frame.hex() for frame in read.rows[2]["frames"]] == [frame[:64] for frame in FRAMES[:2]]
    assert read.codes == [Code.TYPE_NOT_USED]
    assert read.notes[Code.FRAMES_LEFT_OUT].numbers == {"frames": 1}
    assert read.rows[0]["claims"] == {"collab": "Kites", "tags": "a b"}


OPINIONS = {"data": [{"status": "NON_MALICIOUS"}, {"status": "MALICIOUS"}]}
RECORDS = [
    {"id": "1", "indicator": PDQ, "type": "HASH_PDQ", "status": "MALICIOUS", "tags": ["x"]},
    {
        "id": "2",
        "indicator": MD5,
        "type": "HASH_VIDEO_MD5",
        "descriptors": OPINIONS,
    },
    {"id": "3", "indicator": SHA1, "type": "HASH_SHA1", "should_delete": True},
    {"id": "4", "indicator": "https://example.org", "type": "URI"},
    {"id": "5", "indicator": PDQ[1:], "type": "HASH_PDQ"},
    {"id": "6", "type": "HASH_PDQ"},
    {"id": "7", "indicator": "verbatim", "type": "HASH_TMK"},
]
CODES = [Code.WITHDRAWN_BY_SOURCE, Code.TYPE_NOT_USED, Code.WRONG_LENGTH, Code.NO_DIGEST, Code.TYPE_NOT_USED]


@pytest.mark.parametrize("shape", ["page", "array", "lines"])
def test_exchange_json(shape: str) -> None:
    document = {"data": RECORDS, "paging": {"cursors": {}, "next": "https://example.org/next"}}
    data = {
        "page": packed(document),
        "array": packed(RECORDS),
        "lines": b"\n".join(packed(record) for record in RECORDS) + b"\n",
    }[shape]
    read = Read(data)
    assert read.damaged is None
    assert read.ids == ["1", "2"]
    assert [row["classification"] for row in read.rows] == ["MALICIOUS", "MALICIOUS/NON_MALICIOUS"]
    assert read.rows[1]["media"] == "video"
    assert read.codes == CODES
    assert (Code.MORE_PAGES in read.notes) == (shape == "page")
    for cut in range(1, len(data) - 1):
        part = Read(data[:cut], format=f"threatexchange-json{'-lines' if shape == 'lines' else ''}")
        if shape == "lines":  # a cut between two lines leaves a list; one within a line is told
            assert (part.damaged is None) == (data[:cut].count(b"{") == data[:cut].count(b"}")), cut
        else:
            assert part.damaged is not None and part.damaged.code == Code.TRUNCATED, cut


def test_broken_lines_of_json_are_bad_rows() -> None:
    read = Read(packed(RECORDS[0]) + b"\n{kite}\n[1]\n\n" + packed(RECORDS[1]) + b"\n")
    assert (read.ids, read.codes) == (["1", "2"], [Code.NOT_JSON, Code.NOT_A_RECORD])


def test_other_exchanges_pages() -> None:
    stop = {"count": 3, "hasMoreRecords": True, "hashRecords": [
        {"lastModtimestamp": 1, "signalType": "ImagePDQ", "hashValue": PDQ, "hashStatus": "Active"},
        {"lastModtimestamp": 1, "signalType": "VideoMD5", "hashValue": MD5, "hashStatus": "Withdrawn"},
    ]}  # fmt: skip
    read = Read(packed(stop))
    assert (read.ids, read.codes) == ([f"pdq:{PDQ}"], [Code.WITHDRAWN_BY_SOURCE])
    assert Code.MORE_PAGES in read.notes
    tcap = {"count": 1, "next": None, "results": [
        {"hash_digest": MD5, "algorithm": "MD5", "file_type": "mp4", "deleted": False, "id": 5},
    ]}  # fmt: skip
    read = Read(packed(tcap))
    assert (read.ids, read.rows[0]["media"], read.bad) == (["5"], "video", [])


def test_a_page_that_lies_about_its_count_is_noted() -> None:
    read = Read(packed({"results": [{"hash_digest": MD5, "algorithm": "MD5", "id": 5}], "count": 7}))
    assert read.notes[Code.COUNT_DIFFERS].numbers == {"claimed": 7, "counted": 1}


def test_local_files_of_typed_lines() -> None:
    read = Read(f"pdq {PDQ}\nvideo_md5 {MD5}\nkite {MD5}\nvpdq {json.dumps(FRAMES)}\n".encode(), name="x")
    assert read.ids[:2] == [f"pdq:{PDQ}", f"md5:{MD5}"]
    assert read.ids[2].startswith("frames:")
    assert read.codes == [Code.TYPE_NOT_USED]


@pytest.mark.parametrize(
    "document",
    [
        FRAMES,
        [{"hash": f.split(",")[0], "quality": int(f.split(",")[1]), "timestamp": 0.5} for f in FRAMES],
        {str(n): {"hash": f.split(",")[0], "quality": int(f.split(",")[1])} for n, f in enumerate(FRAMES)},
    ],
    ids=["strings", "objects", "by frame"],
)
def test_the_frames_of_one_video(document: object) -> None:
    data = packed(document)
    read = Read(data)
    assert len(read.rows) == 1
    assert [frame.hex() for frame in read.rows[0]["frames"]] == [frame[:64] for frame in FRAMES[:2]]
    assert all(Read(data[:cut], format="vpdq").damaged for cut in range(len(data)))
    broken = Read(data.replace(FRAMES[0][:64].encode(), b"kite"), format="vpdq")
    assert broken.codes == [Code.BAD_FRAME]
    assert len(broken.rows[0]["frames"]) == 1


def _film(count: int, *, first: int = 1) -> list[str]:
    return [f"{number:064x},100,{number}.0" for number in range(first, first + count)]


@pytest.mark.parametrize("form", ["vpdq", "typed lines", "csv", "records"])
def test_a_film_with_frames_without_end_is_refused_and_the_others_are_in(form: str) -> None:
    most, over = _film(MOST_FRAMES), _film(MOST_FRAMES + 1)

    def read(frames: list[str]) -> Read:
        if form == "vpdq":
            return Read(packed(frames), format="vpdq")
        if form == "typed lines":
            return Read(f"vpdq {json.dumps(frames)}\npdq {PDQ}\n".encode(), name="x")
        if form == "records":
            record = {"id": 5, "type": "HASH_VPDQ", "indicator": json.dumps(frames)}
            return Read(packed({"data": [record, *RECORDS]}))
        out = io.StringIO()
        table = [["signal_type", "signal_str"], ["vpdq", json.dumps(frames)], ["pdq", PDQ]]
        csv.writer(out).writerows(table)
        return Read(out.getvalue().encode(), name="x.csv")

    refused, taken = read(over), read(most)
    assert Code.BAD_FRAME in refused.codes
    assert any("7,200" in bad.reason for bad in refused.bad)
    assert not any(row["frames"] for row in refused.rows)
    assert len(refused.rows) == len(taken.rows) - 1
    assert [len(row["frames"]) for row in taken.rows if row["frames"]] == [MOST_FRAMES]
    assert not any("7,200" in bad.reason for bad in taken.bad)


def test_repeated_frames_are_dropped_and_counted_and_do_not_make_a_film_too_long() -> None:
    read = Read(packed([*_film(3), *_film(2), *_film(1) * MOST_FRAMES, *_film(1, first=9)]), format="vpdq")
    assert [int(frame.hex(), 16) for frame in read.rows[0]["frames"]] == [1, 2, 3, 9]
    assert read.notes[Code.FRAMES_LEFT_OUT].numbers == {"frames": 2 + MOST_FRAMES}
    assert "repeated" in read.notes[Code.FRAMES_LEFT_OUT].text
    assert read.bad == []


_WHOLE = {
    "vic": packed(hash_set([media(number) for number in range(1, 6)])),
    "threatexchange-json": packed({"data": RECORDS}),
    "threatexchange-json-lines": b"\n".join(packed(record) for record in RECORDS),
    "icse": f"{HEADER}\n{MD5};{SHA1};;901;true;FALSE;0;Blue kites;12;1;Image;true\n".encode(),
    "csv": f'md5,remark\n{MD5},"a ""b"""\n'.encode(),
    "lines": f"{MD5}\n{SHA1}  x\n".encode(),
    "vpdq": packed(FRAMES),
    "threatexchange-lines": f"pdq {PDQ}\nvpdq {json.dumps(FRAMES)}\n".encode(),
}


_BYTES = st.binary(max_size=4) | st.sampled_from([b'"', b"}", b"]", b"\\u0000"])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(_WHOLE)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), _BYTES)),
    st.booleans(),
)
def test_whatever_is_done_to_a_file_it_is_read_or_refused(
    kind: str, damage: list[tuple[float, int, bytes]], told: bool
) -> None:
    data = _WHOLE[kind]
    for where, taken, put in damage:
        at = int(where * len(data))
        data = data[:at] + put + data[at + taken :]
    read = Read(data, format=kind if told else None, name="x", chunk=700)  # raises nothing but ListDamaged, inside
    for row in read.rows:
        assert row["source_id"]
        assert row["md5"] or row["sha1"] or row["sha256"] or row["pdq"] or row["frames"]
        assert [len(row[name] or bytes(size)) for name, size in values.SIZES.items()] == list(values.SIZES.values())
    if not damage:
        assert read.rows
