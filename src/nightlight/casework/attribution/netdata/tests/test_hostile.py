# SPDX-License-Identifier: Apache-2.0
"""Databases, archives and tables that are made to harm: refused with a code, in little time and memory."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nightlight.casework.attribution.lists import Network, Table
from nightlight.casework.attribution.netdata import packing, seeking, table_packing
from nightlight.casework.attribution.netdata.archive import IntervalArchive
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reading.lines import DamageCode, NetdataDamaged, Tally
from nightlight.casework.attribution.netdata.reading.mmdb import Database, facts_of
from nightlight.casework.attribution.netdata.spans import Family, Span
from nightlight.casework.attribution.netdata.tests import mmdb_cast
from nightlight.casework.attribution.netdata.tracks import LAST_TIME, ArchiveFault, ArchiveRefused

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime(2026, 3, 1, tzinfo=UTC)
BUILT = 1_772_323_200  # DAY


class TestDatabases:
    @pytest.mark.parametrize("compiled", [True, False])
    def test_a_tree_whose_ways_double_at_each_node_is_refused(self, tmp_path: Path, *, compiled: bool) -> None:
        path = tmp_path / "given.mmdb"
        for depth in (2, 40, 128):
            path.write_bytes(mmdb_cast.each_node_twice(depth))
            with pytest.raises(NetdataDamaged) as refused:
                Database(path, compiled=compiled)
            assert refused.value.code is DamageCode.DAMAGED

    def test_a_value_that_cannot_be_compared_is_named(self) -> None:
        for odd in ({"a": 1}, ["AS64496"], 1.5, True):
            facts, wrong = facts_of({"asn": odd}, Family.IPV4)
            assert facts.number == 0
            assert wrong == (() if odd is True else ("asn",))
        for empty in (None, ""):
            assert facts_of({"asn": empty, "autonomous_system_number": 64496}, Family.IPV4)[0].number == 64496

    @pytest.mark.parametrize("compiled", [True, False])
    def test_a_sound_one_of_ipv4_inside_ipv6_is_read(self, tmp_path: Path, *, compiled: bool) -> None:
        path = tmp_path / "given.mmdb"
        rows = {
            prefix: {"autonomous_system_number": number, "autonomous_system_organization": "Example"}
            for prefix, number in (("192.0.2.0/25", 64496), ("192.0.2.128/25", 64497), ("2001:db8::/33", 64498))
        }
        path.write_bytes(mmdb_cast.database("GeoLite2-ASN", rows, built=BUILT))
        with Database(path, compiled=compiled) as held:
            assert held.about.built == DAY
            read = [(str(row.span), row.facts.number) for row in held.rows(Tally())]
        assert read == [("192.0.2.0/25", 64496), ("192.0.2.128/25", 64497), ("2001:db8::/33", 64498)]


def _nested(count: int) -> list[Span]:
    """Ranges of which each lies in the one before."""
    return [Span(Family.IPV4, place, (1 << 32) - 1 - place) for place in range(count)]


class TestArchives:
    def test_ranges_that_nest_too_deeply_are_refused_before_they_are_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(seeking, "_NESTED", 1000)
        deep = IntervalArchive().grown(DAY, _nested(400))
        with pytest.raises(ArchiveRefused) as refused:
            deep.to_bytes()
        assert refused.value.code is ArchiveFault.TOO_LARGE
        flat = IntervalArchive().grown(DAY, [f"192.0.2.{place}" for place in range(0, 250, 2)])
        assert IntervalArchive.from_bytes(flat.to_bytes()).at("192.0.2.2", DAY).state == "listed"

    def test_times_that_have_no_date_are_refused(self) -> None:
        found = IntervalArchive().grown(DAY, ["192.0.2.7"])
        for seconds in (LAST_TIME + 1, (1 << 62)):
            track = replace(found._tracks[Family.IPV4], times=np.array([seconds], np.int64))
            with pytest.raises(ArchiveRefused) as refused:
                packing.packed({Family.IPV4: track}, 60)
            assert refused.value.code is ArchiveFault.BAD_ROW
        data = bytearray(found.to_bytes())
        column = packing._column(np.array([1 << 62], np.uint64))
        start = packing._HEAD.size + 1
        end = start + len(packing._column(np.array([int(DAY.timestamp())], np.uint64)))
        body = bytes(data[:start]) + column + bytes(data[end : -packing._DIGEST])
        with pytest.raises(ArchiveRefused) as refused:
            packing.unpacked(body + hashlib.sha256(body).digest())
        assert refused.value.code is ArchiveFault.MALFORMED

    def test_columns_are_held_to_what_they_may_hold_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = IntervalArchive().grown(DAY, [f"192.0.2.{place}" for place in range(0, 100, 2)])
        data = found.to_bytes()
        monkeypatch.setattr(packing, "_MOST_CELLS", 60)
        for refusing in (found.to_bytes, lambda: IntervalArchive.from_bytes(data)):
            with pytest.raises(ArchiveRefused) as refused:
                refusing()
            assert refused.value.code is ArchiveFault.TOO_LARGE

    def test_a_column_that_goes_on_behind_its_end_is_refused(self) -> None:
        """A few bytes may say that they are gigabytes: no more than was promised is unpacked."""
        packed = zlib.compress(bytes(1 << 20))
        column = packing._COLUMN.pack(4, 1, len(packed)) + packed
        with pytest.raises(ArchiveRefused) as refused:
            packing._read_column(memoryview(column), 0, 100)
        assert refused.value.code is ArchiveFault.MALFORMED

    def test_a_list_taken_six_hours_late_is_still_believed(self) -> None:
        gap = ListKind.TOR_EXIT.meaning.longest_gap
        assert timedelta(hours=26) < gap < timedelta(hours=36)
        late = IntervalArchive(longest_gap=gap).grown(DAY, ["192.0.2.7"])
        late = late.grown(DAY + timedelta(days=1, hours=3), ["192.0.2.7"])
        assert late.at("192.0.2.7", DAY + timedelta(hours=12)).state == "listed"
        missed = (
            IntervalArchive(longest_gap=gap).grown(DAY, ["192.0.2.7"]).grown(DAY + timedelta(days=2), ["192.0.2.7"])
        )
        assert missed.at("192.0.2.7", DAY + timedelta(hours=20)).state == "not-covered"


class TestTables:
    table = Table.of(ListKind.NETWORKS, "example", "1", DAY, [(4, 0xC0000200, 0xC00002FF, Network(64496, "Example"))])

    def _again(self, values: bytes, *, size: int | None = None) -> bytes:
        data = table_packing.packed(self.table)
        head = list(table_packing._HEAD.unpack_from(data))
        place = next(
            n for n, one in enumerate(head) if isinstance(one, int) and one == len(zlib.compress(_written(), 6))
        )
        rest = data[table_packing._HEAD.size + head[place] : -table_packing._DIGEST]
        head[place] = len(values) if size is None else size
        body = table_packing._HEAD.pack(*head) + values + rest
        return body + hashlib.sha256(body).digest()

    def _refused(self, data: bytes) -> None:
        with pytest.raises(ArchiveRefused) as refused:
            table_packing.unpacked(data, ListKind.NETWORKS, "example", "1", DAY)
        assert refused.value.code is ArchiveFault.MALFORMED

    def test_values_that_unpack_to_more_than_is_allowed_or_lie_deep_in_each_other_are_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again = self._again(zlib.compress(_written(), 6))
        assert table_packing.unpacked(again, ListKind.NETWORKS, "example", "1", DAY).values == self.table.values
        self._refused(self._again(zlib.compress(b"[" * 100_000, 6)))
        self._refused(self._again(zlib.compress(_written(), 6) + b"more"))
        self._refused(self._again(zlib.compress(_written(), 6), size=1 << 40))
        monkeypatch.setattr(table_packing, "_MOST_WRITTEN", 1 << 10)
        self._refused(self._again(zlib.compress(b"[" + b" " * (1 << 20) + b"]", 6)))
        monkeypatch.setattr(table_packing, "_MOST_WRITTEN", 3)
        with pytest.raises(ArchiveRefused) as refused:
            table_packing.packed(self.table)
        assert refused.value.code is ArchiveFault.TOO_LARGE


def _written() -> bytes:
    table = TestTables.table
    return json.dumps([table_packing._written(one) for one in table.values], ensure_ascii=False).encode()
