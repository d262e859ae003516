# SPDX-License-Identifier: Apache-2.0
"""Readers of lists: a bad line is named and left out, a file that is no list is refused with a code."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.netdata.archive import IntervalArchive, ListedState
from nightlight.casework.attribution.netdata.kinds import About, ListKind, ListSource, SourceRefused
from nightlight.casework.attribution.netdata.reading import tables
from nightlight.casework.attribution.netdata.reading.lines import (
    MOST_PROBLEMS,
    DamageCode,
    Limits,
    NetdataDamaged,
    ProblemCode,
    Read,
    Tally,
)
from nightlight.casework.attribution.netdata.reading.networks import read_networks, read_numbers
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.casework.attribution.netdata.reading.registry import read_delegated
from nightlight.casework.attribution.netdata.reading.tables import read_history
from nightlight.casework.attribution.netdata.reading.tor import date_in_name, read_tor_exits
from nightlight.casework.attribution.netdata.spans import Family, Span, span_of

READERS = (read_prefixes, read_tor_exits, read_networks, read_numbers, read_delegated, read_history)


def file(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def spans(read: Read) -> list[str]:  # type: ignore[type-arg]
    return [str(entry.span) for entry in read.entries]


def named(tally: Tally) -> list[tuple[int, ProblemCode]]:
    return [(problem.line, problem.code) for problem in tally.problems]


def whole(tally: Tally) -> bool:
    """Every line is accounted for once."""
    return tally.lines == tally.entries + tally.comments + tally.blank + tally.left_out + tally.passed_over


class TestPrefixes:
    def test_names_each_bad_line_and_reads_the_others(self) -> None:
        text = (
            "# a list\n\n192.0.2.0/24\n192.0.2.7 # one address\n198.51.100.0/39\nnot an address\n010.0.0.1\n"
            "192.0.2.1-192.0.2.9 ; a range\r\n192.0.2.9-192.0.2.1\n192.0.2.1-2001:db8::1\n0.0.0.0/0\n::/0\n"
            "192.0.2.77/24\n2001:DB8::/32,XA,XA-01,Example,\nAS64496\n192.0.2.7\n::ffff:198.51.100.0/120\n"
            "203.0.113.0/24/8\n203.0.113.0/+8\n203.0.113.5%eth0\n"
        )
        read = read_prefixes(file(text))
        assert spans(read) == [
            "192.0.2.0/24",
            "192.0.2.7",
            "192.0.2.1-192.0.2.9",
            "2001:db8::/32",
            "198.51.100.0/24",
        ]
        assert [entry.note for entry in read.entries] == ["", "one address", "a range", "XA,XA-01,Example", ""]
        code = ProblemCode
        assert named(read.tally) == [
            (5, code.PREFIX_LENGTH),
            (6, code.NOT_AN_ADDRESS),
            (7, code.NOT_AN_ADDRESS),
            (9, code.REVERSED),
            (10, code.MIXED),
            (11, code.TOO_WIDE),
            (12, code.TOO_WIDE),
            (13, code.HOST_BITS),
            (13, code.TWICE),
            (15, code.WRONG_SORT),
            (16, code.TWICE),
            (18, code.PREFIX_LENGTH),
            (19, code.PREFIX_LENGTH),
            (20, code.NOT_AN_ADDRESS),
        ]
        assert whole(read.tally)
        assert (read.tally.comments, read.tally.blank, read.tally.left_out) == (1, 1, 11)
        assert read.tally.problems[1].text == "not an address"

    def test_reads_numbers_of_networks_with_their_names(self) -> None:
        read = read_prefixes(
            file("AS64496 # Example Net, XA\nas64497\n192.0.2.1\nAS99999999999\nAS4294967296\n"), About.NUMBERS
        )
        assert [(e.span.lo, e.note) for e in read.entries] == [(64496, "Example Net, XA"), (64497, "")]
        code = ProblemCode
        assert named(read.tally) == [(3, code.WRONG_SORT), (4, code.NOT_AN_ADDRESS), (5, code.NUMBER_TOO_LARGE)]

    def test_long_problems_are_cut_and_many_are_counted(self) -> None:
        read = read_prefixes(file("192.0.2.1\n" + "x" * 500 + "\x07\n" + "bad\n" * 1500))
        assert len(read.tally.problems) == MOST_PROBLEMS
        assert read.tally.by_code[ProblemCode.NOT_AN_ADDRESS] == 1501
        assert read.tally.problems[0].text == "x" * 120 + "…"

    def test_a_line_without_end_and_bytes_that_are_no_text_are_problems(self) -> None:
        data = b"192.0.2.1\n" + b"7" * 400_000 + b"\n192.0.2.2 # caf\xe9\n" + b"8" * 20_000
        read = read_prefixes(io.BytesIO(data))
        assert spans(read) == ["192.0.2.1", "192.0.2.2"]
        code = ProblemCode
        assert named(read.tally) == [(2, code.LINE_TOO_LONG), (3, code.NOT_UTF8), (4, code.LINE_TOO_LONG)]
        assert whole(read.tally)


class TestFiles:
    @pytest.mark.parametrize("reader", READERS)
    def test_what_is_no_list_is_refused_with_a_code(self, reader: object) -> None:
        for data in (
            b"",
            b"\n\n",
            b"<html>\n<body>Too many requests</body>\n",
            bytes(range(256)) * 9,
            b"\x1f\x8b\x08cut",
        ):
            with pytest.raises(NetdataDamaged) as refused:
                reader(io.BytesIO(data))  # type: ignore[operator]
            assert refused.value.sentence

    def test_packed_lists_are_read_and_cut_ones_refused(self) -> None:
        packed = gzip.compress(b"192.0.2.1\n192.0.2.2\n")
        assert spans(read_prefixes(io.BytesIO(packed))) == ["192.0.2.1", "192.0.2.2"]
        with pytest.raises(NetdataDamaged) as refused:
            read_prefixes(io.BytesIO(packed[:-3]))
        assert refused.value.code is DamageCode.CUT_OFF
        utf16 = "192.0.2.1\r\n".encode("utf-16")
        assert spans(read_prefixes(io.BytesIO(utf16))) == ["192.0.2.1"]

    def test_what_unpacks_without_end_is_refused(self) -> None:
        bomb = io.BytesIO(gzip.compress((b"# " + b"0" * 4000 + b"\n") * 8_000, 1))
        with pytest.raises(NetdataDamaged) as refused:
            read_prefixes(bomb)
        assert refused.value.code is DamageCode.TOO_LARGE
        for limits in (Limits(size=10), Limits(lines=2)):
            with pytest.raises(NetdataDamaged) as refused:
                read_prefixes(file("192.0.2.1\n192.0.2.2\n192.0.2.3\n"), limits=limits)
            assert refused.value.code is DamageCode.TOO_LARGE

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(READERS), st.binary(max_size=300), st.booleans())
    def test_no_bytes_end_in_anything_but_a_list_or_a_refusal(self, reader: object, data: bytes, lead: bool) -> None:
        start = b"192.0.2.1,192.0.2.9,64496\n2|apnic|20240101|1|19830613|20240101|+1000\n" if lead else b""
        try:
            read = reader(io.BytesIO(start + data))  # type: ignore[operator]
        except NetdataDamaged:
            return
        assert whole(read.tally)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.text(alphabet='0123456789abcdefAS.:/-,|#; "x', max_size=30), max_size=12))
    def test_no_line_stops_the_reading(self, texts: list[str]) -> None:
        read = read_prefixes(file("192.0.2.1\n" + "\n".join(texts)))
        assert whole(read.tally)
        assert read_networks(file("192.0.2.0/24,64496,x\n" + "\n".join(texts))).entries


class TestTorExits:
    DATED = (
        "@type tordnsel 1.0\nDownloaded 2024-01-02 03:02:03\nExitNode 00AA\nPublished 2024-01-01 20:00:00\n"
        "LastStatus 2024-01-02 02:00:00\nExitAddress 192.0.2.7 2024-01-02 02:10:00\n"
        "ExitAddress 2001:db8::7 2024-01-02 01:00:00\n"
    )

    def test_reads_the_date_the_list_gives_itself(self) -> None:
        read = read_tor_exits(file(self.DATED))
        assert spans(read) == ["192.0.2.7", "2001:db8::7"]
        assert read.entries[0].note == "seen 2024-01-02T02:10:00Z"
        assert read.as_of == datetime(2024, 1, 2, 3, 2, 3, tzinfo=UTC)
        assert whole(read.tally)
        without = read_tor_exits(file(self.DATED.replace("Downloaded 2024-01-02 03:02:03\n", "")))
        assert without.as_of == datetime(2024, 1, 2, 2, 10, tzinfo=UTC)

    def test_plain_lists_have_no_date_and_chatter_is_named(self) -> None:
        read = read_tor_exits(file("192.0.2.7\n--2024-01-02 03:00:01--  https://lists.example/exits\n2001:db8::1\n"))
        assert spans(read) == ["192.0.2.7", "2001:db8::1"]
        assert named(read.tally) == [(2, ProblemCode.NOT_AN_ADDRESS)]
        assert read.as_of is None

    def test_bad_dates_are_named_and_two_lists_in_one_file_refused(self) -> None:
        read = read_tor_exits(file(self.DATED + "ExitAddress 192.0.2.8 2024-13-02 02:10:00\nExitAddress 192.0.2.8\n"))
        assert named(read.tally) == [(8, ProblemCode.DATE), (9, ProblemCode.DATE)]
        with pytest.raises(NetdataDamaged):
            read_tor_exits(file(self.DATED * 2))

    def test_a_day_in_the_name_is_only_found_when_it_is_one(self) -> None:
        assert date_in_name("exits-2024-02-27.lst") == date(2024, 2, 27)
        assert date_in_name("2024-02-27-00-02-00") == date(2024, 2, 27)
        assert date_in_name("20240227-20240228.csv") is None
        assert date_in_name("list-2024-13-45.txt") is None


class TestNetworks:
    def test_names_overlapping_ranges_and_keeps_both(self) -> None:
        text = (
            "start,end,asn,as_name\n192.0.2.0,192.0.2.255,64496,Example Net\n"
            '192.0.2.16,192.0.2.31,AS64497,"Inner, Inc"\n'
            "198.51.100.0,198.51.100.255,64498,C\n198.51.100.0,198.51.100.255,64498,C\n"
        )
        read = read_networks(file(text))
        assert [(str(r.span), r.number, r.name) for r in read.entries][:2] == [
            ("192.0.2.0/24", 64496, "Example Net"),
            ("192.0.2.16/28", 64497, "Inner, Inc"),
        ]
        assert named(read.tally) == [(3, ProblemCode.OVERLAP), (5, ProblemCode.TWICE)]
        assert read.tally.problems[0].text == "192.0.2.16/28 lies over 192.0.2.0/24 of line 2"

    def test_bad_rows_are_named(self) -> None:
        text = (
            "192.0.2.0,192.0.2.255,64496,Example\n192.0.2.9,192.0.2.1,64496,x\n192.0.2.1,192.0.2.2\n192.0.2.1,192.0.2.2,many,x\n"
            '192.0.2.1,192.0.2.2,4294967296,x\n203.0.113.0,203.0.113.9,0,Not routed\n"192.0.2.1,192.0.2.2,1,x\n'
        )
        read = read_networks(file(text))
        code = ProblemCode
        assert named(read.tally) == [
            (2, code.REVERSED),
            (3, code.FIELDS),
            (4, code.NOT_A_NUMBER),
            (5, code.NUMBER_TOO_LARGE),
            (7, code.FIELDS),
        ]
        assert (read.tally.passed_over, len(read.entries)) == (1, 1)
        assert whole(read.tally)

    def test_countries_and_prefixes_in_place_of_ends(self) -> None:
        read = read_networks(file("2001:db8::,2001:db8::ff,XA\n2001:db8:1::,2001:db8:1::1,xaa\n"))
        assert [(str(r.span), r.country) for r in read.entries] == [("2001:db8::/120", "XA")]
        assert named(read.tally) == [(2, ProblemCode.COUNTRY)]
        text = "network,autonomous_system_number,autonomous_system_organization\n192.0.2.0/24,64496,Example\n"
        read = read_networks(file(text))
        assert (str(read.entries[0].span), read.entries[0].number) == ("192.0.2.0/24", 64496)

    def test_lists_of_numbers_quoted_with_blanks(self) -> None:
        read = read_numbers(file('ASN,Entity\n64496,"A, XA"\n64497, "B, XA"\n64496,again\nnone,C\n5000000000,D\n\n'))
        assert [(e.span.lo, e.note) for e in read.entries] == [(64496, "A, XA"), (64497, "B, XA")]
        code = ProblemCode
        assert named(read.tally) == [(4, code.TWICE), (5, code.NOT_A_NUMBER), (6, code.NUMBER_TOO_LARGE)]
        assert whole(read.tally)


class TestRegistry:
    TEXT = (
        "2|apnic|20240102|6|19830613|20240101|+1000\napnic|*|ipv4|*|3|summary\napnic|*|asn|*|1|summary\n"
        "apnic|XA|ipv4|192.0.2.0|768|20100101|allocated|A1\napnic|XA|ipv6|2001:db8::|32|20100102|assigned|A1\n"
        "apnic|XA|asn|64496|2|00000000|allocated|A1\napnic||ipv4|198.51.100.0|256||available|\n"
    )

    def test_reads_ranges_that_are_no_prefixes_and_checks_the_counts(self) -> None:
        read = read_delegated(file(self.TEXT))
        assert [(str(d.span), d.country, d.day) for d in read.entries] == [
            ("192.0.2.0-192.0.4.255", "XA", date(2010, 1, 1)),
            ("2001:db8::/32", "XA", date(2010, 1, 2)),
            ("AS64496-AS64497", "XA", None),
        ]
        assert [(p.line, p.code, p.text) for p in read.tally.problems] == [
            (0, ProblemCode.COUNT_DIFFERS, "apnic ipv4: 3 records promised, 2 there")
        ]
        assert read.as_of == datetime(2024, 1, 1, 23, 59, 59, tzinfo=UTC)
        assert whole(read.tally)

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ("apnic|XA|ipv4|192.0.2.0", ProblemCode.FIELDS),
            ("apnic|XA|ipv5|192.0.2.0|256|20100101|allocated", ProblemCode.FIELDS),
            ("apnic|XA|ipv4|2001:db8::|256|20100101|allocated", ProblemCode.WRONG_SORT),
            ("apnic|XA|ipv4|255.255.255.0|257|20100101|allocated", ProblemCode.VALUE),
            ("apnic|XA|ipv4|192.0.2.0|0|20100101|allocated", ProblemCode.VALUE),
            ("apnic|XA|ipv4|192.0.2.0|256|20101301|allocated", ProblemCode.DATE),
            ("apnic|XA|ipv4|192.0.2.0|256|20100101|sold", ProblemCode.VALUE),
            ("apnic|X1|ipv4|192.0.2.0|256|20100101|allocated", ProblemCode.COUNTRY),
            ("apnic|XA|ipv6|2001:db8::|129|20100101|allocated", ProblemCode.PREFIX_LENGTH),
            ("apnic|XA|ipv6|2001:db8::1|32|20100101|allocated", ProblemCode.PREFIX_LENGTH),
            ("apnic|XA|asn|AS|1|20100101|allocated", ProblemCode.NOT_AN_ADDRESS),
        ],
    )
    def test_a_bad_record_is_named(self, line: str, code: ProblemCode) -> None:
        read = read_delegated(file(self.TEXT + line + "\n"))
        assert (8, code) in named(read.tally)
        assert len(read.entries) == 3


class TestHistory:
    @staticmethod
    def table(rows: list[tuple[int, int, int, int]], **more: object) -> io.BytesIO:
        names = ("lo", "hi", "start", "end")
        columns = {name: np.array([row[i] for row in rows], dtype=np.int64) for i, name in enumerate(names)}
        out = io.BytesIO()
        np.savez_compressed(out, **{**columns, **more})  # type: ignore[arg-type]
        out.seek(0)
        return out

    def test_bad_rows_are_named_and_the_rest_is_an_archive(self) -> None:
        day, start = 86_400, int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
        first, last = Span(Family.IPV4, *span_of("192.0.2.0/24")[1:]), start + 3 * day
        rows = [
            (first.lo, first.hi, start, start + day),
            (first.lo + 256, first.lo + 256, start + day, last),
            (first.hi, first.lo, start, last),  # reversed
            (first.lo, first.hi, start + day, start + day),  # empty
            (1 << 40, 1 << 40, start, last),
            (first.lo + 512, first.lo + 512, last, last),  # new in the last snapshot
        ]
        read = read_history(self.table(rows), timedelta(days=2))
        archive = read.entries[0]
        assert named(read.tally) == [(3, ProblemCode.REVERSED), (4, ProblemCode.DATE), (5, ProblemCode.REVERSED)]
        assert archive.at("192.0.2.3", datetime(2024, 1, 1, 12, tzinfo=UTC)).state is ListedState.LISTED
        assert archive.at("192.0.2.3", datetime(2024, 1, 2, tzinfo=UTC)).state is ListedState.BEFORE
        assert archive.at("192.0.4.0", datetime(2024, 1, 4, tzinfo=UTC)).state is ListedState.LISTED
        assert read.as_of == datetime(2024, 1, 4, tzinfo=UTC)
        assert IntervalArchive.from_bytes(archive.to_bytes()) == archive

    def test_objects_other_columns_and_bombs_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [(1, 1, 1, 2)]
        with pytest.raises(NetdataDamaged) as refused:
            read_history(self.table(rows, lo=np.array([{"not": "a number"}], dtype=object)))
        assert refused.value.code is DamageCode.DAMAGED
        for wrong in (np.zeros(2, np.int64), np.zeros((1, 1), np.int64), np.zeros(1, np.float64)):
            with pytest.raises(NetdataDamaged) as refused:
                read_history(self.table(rows, hi=wrong))
            assert refused.value.code is DamageCode.NOT_THIS_FORMAT
        missing = io.BytesIO()
        np.savez(missing, lo=np.zeros(1))
        with pytest.raises(NetdataDamaged):
            read_history(missing)
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("lo.npy", "w") as member:
            for _ in range(9):
                member.write(b"\0" * (1 << 20))
        monkeypatch.setattr(tables, "MOST_ROWS", 1 << 20)
        with pytest.raises(NetdataDamaged) as refused:
            read_history(bomb)
        assert refused.value.code is DamageCode.TOO_LARGE


class TestKinds:
    def test_each_kind_has_a_meaning(self) -> None:
        assert ListKind.TOR_EXIT.label is Label.TOR_EXIT
        assert all((kind.label is not None) is kind.archived for kind in ListKind)
        assert all(kind.meaning.longest_gap > timedelta(0) for kind in ListKind)

    def test_a_list_without_a_licence_is_refused(self) -> None:
        when = datetime(2024, 1, 1, tzinfo=UTC)
        assert ListSource(ListKind.VPN, "Example list", "1", when, "MIT").licence == "MIT"
        with pytest.raises(SourceRefused) as refused:
            ListSource(ListKind.VPN, "Example list", " ", datetime(2024, 1, 1), "")  # noqa: DTZ001
        assert refused.value.missing == ("version", "licence", "as_of with its zone")
