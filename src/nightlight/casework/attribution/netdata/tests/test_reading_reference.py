# SPDX-License-Identifier: Apache-2.0
"""Readers on recorded lists with their known faults, and on databases in MaxMind's format, broken ones among them."""

from __future__ import annotations

import gzip
import io
import ipaddress
import itertools
import tempfile
from datetime import date, timedelta
from pathlib import Path

import maxminddb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.netdata.archive import IntervalArchive, ListedState
from nightlight.casework.attribution.netdata.kinds import About, ListKind
from nightlight.casework.attribution.netdata.lookup import disjoint
from nightlight.casework.attribution.netdata.reading.lines import DamageCode, NetdataDamaged, ProblemCode, Tally
from nightlight.casework.attribution.netdata.reading.mmdb import Database, Sign, engine, facts_of, signed
from nightlight.casework.attribution.netdata.reading.networks import read_networks, read_numbers
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.casework.attribution.netdata.reading.tor import read_tor_exits
from nightlight.casework.attribution.netdata.spans import Family

REFERENCE = Path(__file__).parents[7] / "shared" / "reference" / "ip"
DATABASES = REFERENCE / "maxmind-test"
recorded = pytest.mark.skipif(not REFERENCE.exists(), reason="The recorded lists are not here.")


@recorded
class TestRecordedLists:
    @pytest.mark.parametrize(
        ("name", "about", "entries"),
        [
            ("x4bnet/vpn-ipv4.txt", About.ADDRESSES, 10_862),
            ("x4bnet/vpn-ipv6.txt", About.ADDRESSES, 498),
            ("x4bnet/apple-private-relay-ipv4.txt", About.ADDRESSES, 3_290),
            ("x4bnet/vpn-ASN.txt", About.NUMBERS, 15),
            ("x4bnet/datacenter-ASN.txt", About.NUMBERS, 892),
        ],
    )
    def test_lists_of_prefixes_and_numbers(self, name: str, about: About, entries: int) -> None:
        with (REFERENCE / name).open("rb") as stream:
            read = read_prefixes(stream, about)
        assert len(read.entries) == entries
        assert not read.tally.left_out

    def test_a_list_of_tor_exits_of_both_versions(self) -> None:
        with (REFERENCE / "tor" / "tor-exit-nodes-2024-02-27.lst").open("rb") as stream:
            read = read_tor_exits(stream)
        assert not read.tally.left_out
        assert {entry.span.family for entry in read.entries} == {Family.IPV4, Family.IPV6}
        assert len(read.entries) + read.tally.by_code[ProblemCode.TWICE] == read.tally.lines

    def test_numbers_of_hosting_networks_with_blanks_before_quotes(self) -> None:
        with (REFERENCE / "asn" / "bad-asn-list.csv").open("rb") as stream:
            read = read_numbers(stream)
        assert not read.tally.left_out
        second = next(entry for entry in read.entries if entry.span.lo == 51447)
        assert second.note == "RootLayer Web Services Ltd, NL"

    def test_networks_of_a_country_and_their_overlap(self) -> None:
        found = {}
        for version in (4, 6):
            with (REFERENCE / "india" / f"india-asn-ipv{version}.csv.gz").open("rb") as stream:
                found[version] = read_networks(stream)
        assert [len(found[v].entries) for v in (4, 6)] == [11_038, 4_100]
        assert len({row.number for row in found[4].entries}) == 3_281
        assert sum(read.tally.left_out for read in found.values()) == 0
        overlaps = sum(read.tally.by_code[ProblemCode.OVERLAP] for read in found.values())
        for version, read in found.items():
            cut, counted = disjoint((row.span.lo, row.span.hi, place) for place, row in enumerate(read.entries))
            assert counted == read.tally.by_code[ProblemCode.OVERLAP], version
            assert all(one[1] < two[0] for one, two in itertools.pairwise(cut))
        assert overlaps == 0  # the pair of the whole table is not of this country


def test_the_known_faults_of_recorded_histories_are_named() -> None:
    """What stands in the histories in place of addresses: a downloader's chatter, and prefixes of impossible length."""
    chatter = (
        "192.0.2.1\nResolving check.example... 192.0.2.9, 192.0.2.8\nHTTP request sent, awaiting response... 200 OK\n"
        "Saving to: 'exits.lst'\n--2020-01-01 00:00:00--  https://check.example/exits\n\n"
        "     0K .......... ....  100% 1.2M=0.01s\nLength: unspecified [text/plain]\n"
    )
    read = read_tor_exits(io.BytesIO(chatter.encode()))
    assert read.tally.by_code == {ProblemCode.NOT_AN_ADDRESS: 6}
    lines = [f"198.51.100.0/{length}" for length in (33, 39, 128, 999)] * 46 + ["198.51.100.0/-1", "198.51.100/24"]
    read = read_prefixes(io.BytesIO("\n".join(["192.0.2.0/24", *lines]).encode()))
    assert read.tally.left_out == 186
    assert read.tally.by_code == {ProblemCode.PREFIX_LENGTH: 184, ProblemCode.NOT_AN_ADDRESS: 2}


@recorded
class TestDatabases:
    @pytest.mark.parametrize(
        "name", ["MaxMind-DB-test-broken-pointers-24.mmdb", "MaxMind-DB-test-broken-search-tree-24.mmdb"]
    )
    @pytest.mark.parametrize("compiled", [True, False])
    def test_broken_ones_are_refused_with_a_code(self, name: str, compiled: bool) -> None:
        with pytest.raises(NetdataDamaged) as refused, Database(DATABASES / name, compiled=compiled) as database:
            list(database.rows(Tally()))
        assert refused.value.code is DamageCode.DAMAGED

    def test_one_that_joins_ipv4_with_the_rest_can_be_asked_but_not_gone_through(self) -> None:
        with Database(DATABASES / "MaxMind-DB-no-ipv4-search-tree.mmdb") as database:
            with pytest.raises(NetdataDamaged) as refused:
                list(database.rows(Tally()))
            assert refused.value.code is DamageCode.NO_ADDRESSES
            assert database.look_up("192.0.2.1") is not None

    def test_what_is_no_database_is_refused(self, tmp_path: Path) -> None:
        whole = (DATABASES / "GeoLite2-ASN-Test.mmdb").read_bytes()
        for data in (b"", b"no database", whole[: len(whole) // 2], gzip.compress(whole)):
            path = tmp_path / "given.mmdb"
            path.write_bytes(data)
            with pytest.raises(NetdataDamaged) as refused:
                Database(path)
            assert refused.value.code is DamageCode.NOT_THIS_FORMAT
        with pytest.raises(NetdataDamaged):
            Database(tmp_path / "missing.mmdb")

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_damaged_bytes_never_end_the_program(self, data: st.DataObject) -> None:
        whole = bytearray((DATABASES / "MaxMind-DB-test-mixed-32.mmdb").read_bytes())
        for _ in range(data.draw(st.integers(1, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "given.mmdb"
            path.write_bytes(whole)
            try:
                with Database(path, compiled=data.draw(st.booleans())) as database:
                    list(database.rows(Tally()))
            except NetdataDamaged:
                pass

    @pytest.mark.parametrize("path", sorted(DATABASES.glob("Geo*.mmdb")), ids=lambda path: path.stem)
    def test_rows_say_what_a_look_up_says(self, path: Path) -> None:
        tally = Tally()
        with Database(path) as database, maxminddb.open_database(path) as plain:
            assert database.about.kinds
            assert database.about.built.year >= 2026
            rows = list(database.rows(tally))
            assert not tally.problems
            assert rows
            for row in rows[:: max(1, len(rows) // 40)]:
                bits = ipaddress.IPv4Address if row.span.family is Family.IPV4 else ipaddress.IPv6Address
                for number in (row.span.lo, row.span.hi):
                    assert database.look_up(str(bits(number))) == row
                    record = plain.get(str(bits(number)))
                    assert isinstance(record, dict)
                    assert record.get("autonomous_system_number", 0) == row.facts.number

    def test_builds_of_a_database_grow_archives(self) -> None:
        with Database(DATABASES / "GeoIP2-Anonymous-IP-Test.mmdb") as database:
            found = signed(database.rows(Tally()))
            built = database.about.built
        assert {kind: len(spans) for kind, spans in found.items() if kind is ListKind.VPN} == {ListKind.VPN: 4}
        both = {Family.IPV4, Family.IPV6}
        archive = IntervalArchive().grown(built, found[ListKind.TOR_EXIT], both)
        archive = archive.grown(built + timedelta(hours=6), [], both)
        address = str(found[ListKind.TOR_EXIT][0]).partition("/")[0]
        assert archive.at(address, built + timedelta(hours=1)).state is ListedState.LISTED
        assert archive.at(address, built + timedelta(hours=6)).state is ListedState.BEFORE

    def test_what_the_kinds_carry(self) -> None:
        asked = {
            "GeoIP2-Anonymous-IP-Test": ListKind.ANONYMOUS,
            "GeoIP-Anonymous-Plus-Test": ListKind.ANONYMOUS,
            "GeoIP-Residential-Proxy-Test": ListKind.RESIDENTIAL_PROXY,
            "GeoIP2-User-Count-Test": ListKind.USER_COUNT,
            "GeoIP2-Static-IP-Score-Test": ListKind.STATIC_SCORE,
            "GeoIP2-Connection-Type-Test": ListKind.CONNECTION_TYPE,
            "GeoLite2-Country-Test": ListKind.COUNTRIES,
        }
        found = {}
        for name, kind in asked.items():
            with Database(DATABASES / f"{name}.mmdb") as database:
                assert database.about.kinds == (kind,)
                found[name] = [row.facts for row in database.rows(Tally())]
        assert any(facts.signs == {Sign.ANONYMOUS, Sign.VPN} for facts in found["GeoIP2-Anonymous-IP-Test"])
        assert any(facts.signs >= {Sign.TOR_EXIT} for facts in found["GeoIP-Anonymous-Plus-Test"])
        plus = [facts for facts in found["GeoIP-Anonymous-Plus-Test"] if facts.provider]
        assert plus[0].last_seen == date(2025, 4, 14)
        assert plus[0].confidence == 30
        assert all(facts.provider for facts in found["GeoIP-Residential-Proxy-Test"])
        assert any((facts.users or 0) > 1 for facts in found["GeoIP2-User-Count-Test"])
        assert any((facts.score or 0) > 1 for facts in found["GeoIP2-Static-IP-Score-Test"])
        assert {"Cellular", "Cable/DSL"} <= {facts.connection for facts in found["GeoIP2-Connection-Type-Test"]}
        assert "GB" in {facts.country for facts in found["GeoLite2-Country-Test"]}
        with Database(DATABASES / "GeoIP2-ISP-Test.mmdb") as database:
            assert database.about.kinds == (ListKind.ISP, ListKind.NETWORKS)
            row = database.look_up("1.128.0.0")
        assert row is not None
        assert (row.facts.number, row.facts.isp) == (1221, "Telstra Internet")


def test_the_compiled_part_is_told() -> None:
    told = engine()
    assert told.compiled is (maxminddb.MODE_AUTO != maxminddb.MODE_MMAP and hasattr(maxminddb, "MODE_MMAP_EXT"))
    assert ("with its compiled part" in told.sentence) is told.compiled
    assert told.version == maxminddb.__version__


def test_fields_of_a_wrong_form_are_named_and_left_empty() -> None:
    record = {
        "asn": "AS64496",
        "as_name": "Example Net",
        "country_code": "xa",
        "isp": 7,
        "ipv4_32": -1,
        "score": "high",
        "is_tor_exit_node": "yes, sometimes",
        "network_last_seen": "yesterday",
        "anonymizer_confidence": True,
    }
    facts, wrong = facts_of(record, Family.IPV4)
    assert (facts.number, facts.network, facts.country) == (64496, "Example Net", "XA")
    assert set(wrong) == {"isp", "ipv4_32", "score", "network_last_seen", "anonymizer_confidence"}
    assert facts_of(["no", "map"], Family.IPV4)[1] == ("the record",)
    assert not facts.signs
