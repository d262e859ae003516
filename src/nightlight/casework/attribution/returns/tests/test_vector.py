# SPDX-License-Identifier: Apache-2.0
"""The vectorised matcher, compiled and in numpy, against the definition, over logs as they are written."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.returns import event_index, log_writing, vector
from nightlight.casework.attribution.returns.column_files import Events, Log, WrongColumns
from nightlight.casework.attribution.returns.engines import NoEngine, engine
from nightlight.casework.attribution.returns.log_writing import read_rows, write_log
from nightlight.casework.attribution.returns.plain import find
from nightlight.casework.attribution.returns.rows import (
    FOREVER,
    MAPPED,
    WHOLE,
    LogRow,
    Sought,
    match_all,
    matches,
    number_of,
)
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, lines, read, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nightlight.casework.attribution.returns.column_files import Array, Rows
    from nightlight.casework.attribution.returns.rows import Matches


def match(events: Sequence[Sought], rows: Iterable[LogRow], error: int) -> Matches:
    """The definition, asked only for rows of the same address."""
    at: dict[int, list[int]] = {}
    for index, event in enumerate(events):
        at.setdefault(event.address, []).append(index)
    found = {(i, row.number) for row in rows for i in at.get(row.address, ()) if matches(events[i], row, error)}
    return sorted(found)


WAYS = [pytest.param(True, id="compiled"), pytest.param(False, id="numpy")]
T = 1_760_000_000
_EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

addresses = st.sampled_from(
    [number_of(text) for text in ("192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::1", "2001:db8:0:1::2", "::1")]
    + [0, MAPPED, MAPPED | 0xFFFFFFFF, (1 << 128) - 1]
)
ports = st.one_of(st.integers(0, 4), st.sampled_from([1023, 1024, 65535]))
times = st.one_of(st.integers(T, T + 20), st.sampled_from([0, -5, 0xFFFFFFFF, 1 << 32, FOREVER]))
events_of = st.lists(st.builds(Sought, addresses, st.none() | ports, times), max_size=12)


@st.composite
def rows_of(draw: st.DrawFn) -> list[LogRow]:
    found, number = [], draw(st.integers(0, 3))
    for _ in range(draw(st.integers(0, 20))):
        number += draw(st.sampled_from([1, 1, 1, 0, 2, 1 << 33]))
        bits = draw(st.sampled_from([WHOLE, WHOLE, 127, 120, 96, 95, 64, 56, 0]))
        who = draw(st.sampled_from(["sub-1", "sub-2"]))
        where = draw(addresses), draw(ports), draw(ports)
        found.append(LogRow(number, *where, draw(times), draw(times), who, bits, (("city", who),)))
    return found


@_EXAMPLES
@given(events=events_of, rows=rows_of(), error=st.sampled_from([0, 1, 7, 1 << 33]), data=st.data())
def test_it_finds_what_the_definition_says(
    tmp_path_factory: pytest.TempPathFactory, events: list[Sought], rows: list[LogRow], error: int, data: st.DataObject
) -> None:
    log = write_log(rows, tmp_path_factory.mktemp("log"))
    expected = match_all(events, rows, error)
    for compiled in (True, False):
        assert vector.join(Events.of(events, error), log, compiled=compiled).matches == expected
    errors = [data.draw(st.integers(0, 5)) for _ in events]
    expected = sorted((i, n) for i, e in enumerate(events) for _, n in match_all([e], rows, errors[i]))
    assert vector.join(Events.of(events, errors), log, threads=1).matches == expected
    numbers = [row.number for row in rows][::2]
    assert sorted(map(repr, read_rows(log, numbers))) == sorted(repr(row) for row in rows if row.number in numbers)


def _world(
    rng: np.random.Generator, many: int, rows: int, where: int, span: int, *, no_port: float = 0.1
) -> tuple[list[Sought], list[LogRow]]:
    """Events and leases at random over `where` addresses and `span` seconds; blocks, single ports, whole addresses."""
    place = [MAPPED | 0xC6336400 + i for i in range(where)]
    events = [
        Sought(place[rng.integers(where)], None if rng.random() < no_port else int(rng.integers(65536)), T + int(at))
        for at in rng.integers(0, span, many)
    ]
    found = []
    for number, at in enumerate(rng.integers(0, span, rows), 1):
        low = int(rng.integers(65536))
        width = int(rng.choice([0, 1007, 65535], p=[0.3, 0.6, 0.1]))
        low, high = (0, 65535) if width == 65535 else (low, min(65535, low + width))
        end = T + int(at + rng.exponential(span / 20) * (1 if number % 4 else 60))  # some reach nearly all events
        found.append(LogRow(number, place[rng.integers(where)], low, high, T + int(at), end, f"s{number}"))
    return events, found


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("where", [1, 300])
def test_many_events_at_one_address_and_many_addresses_are_found_as_the_other_matcher_finds_them(
    tmp_path: Path, *, compiled: bool, where: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector, "AT_ONCE", 300)
    events, rows = _world(np.random.default_rng(where), 2 * event_index.MANY, 700, where, 86_400)
    log = write_log(rows, tmp_path)
    expected = match(events, rows, 2)
    assert len(expected) > 20
    assert vector.join(Events.of(events, 2), log, compiled=compiled).matches == expected


@pytest.mark.parametrize("compiled", WAYS)
def test_row_groups_are_read_by_several_threads_and_left_out_where_they_cannot_match(
    tmp_path: Path, *, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, rows = _world(np.random.default_rng(3), 400, 4_000, 50, 10_000)
    rows = [row for row in rows if row.number % 97]  # gaps
    log = _regrouped(write_log(rows, tmp_path / "log"), 100)
    few = [event for event in events if event.at < T + 1_000][:20]
    for some in (events, few):
        assert vector.join(Events.of(some), log, threads=3, compiled=compiled).matches == match(some, rows, 0)
    probed: list[int] = []
    real = event_index.Index.probe

    def counting(self: event_index.Index, rows: Rows, chosen: Array | None = None) -> tuple[Array, Array]:
        probed.append(rows.many)
        return real(self, rows, chosen)

    monkeypatch.setattr(event_index.Index, "probe", counting)
    rows = sorted(rows, key=lambda row: row.start)
    rows = [LogRow(i, r.address, r.port_low, r.port_high, r.start, r.start + 60, "s") for i, r in enumerate(rows)]
    log = _regrouped(write_log(rows, tmp_path / "sorted"), 100)
    assert vector.join(Events.of(few), log, compiled=compiled).matches == match(few, rows, 0)
    assert len(probed) < 10  # of 40 row groups
    nowhere = [Sought(number_of("203.0.113.9"), None, T + 50), Sought(number_of("2001:db8::9"), 5, T + 50)]
    probed.clear()
    assert (len(vector.join(Events.of(nowhere), log, compiled=compiled)), probed) == (0, [])


def _regrouped(log: Log, rows: int) -> Log:
    (part,) = log.parts
    table = pq.read_table(part.path)
    path = part.path.with_name("regrouped.parquet")
    pq.write_table(table, path, row_group_size=rows)
    return Log.open(path)


@pytest.mark.parametrize("compiled", WAYS)
def test_a_log_may_come_as_batches_of_the_columns_both_matchers_name(*, compiled: bool) -> None:
    events, rows = _world(np.random.default_rng(5), 200, 600, 5, 5_000)
    events.append(Sought(number_of("2001:db8::5"), 80, T))
    rows.append(LogRow(601, number_of("2001:db8::5"), 80, 80, T, T + 1, "s"))
    expected = match(events, rows, 0)
    columns = {
        "high": pa.array([row.address >> 64 for row in rows], pa.uint64()),
        "low": pa.array([row.address & (1 << 64) - 1 for row in rows], pa.uint64()),
        **{name: [getattr(row, name) for row in rows] for name in ("port_low", "port_high", "end")},
        "start": pa.array([datetime.fromtimestamp(row.start, UTC) for row in rows], pa.timestamp("ms", "UTC")),
    }
    numbered = pa.table(columns | {"number": [row.number for row in rows]})
    found = vector.join_batches(Events.of(events), numbered.to_batches(70), compiled=compiled)
    assert found.matches == expected
    found = vector.join_batches(Events.of(events), pa.table(columns).to_batches(70), compiled=compiled)
    assert found.matches == [(event, row - 1) for event, row in expected]


def test_fractions_of_a_second_widen_a_lease() -> None:
    half = datetime.fromtimestamp(T, UTC) + timedelta(milliseconds=500)
    zone = pa.timestamp("us", "Asia/Kolkata")
    columns = {"address": [0xC0000201], "start": pa.array([half], zone), "end": pa.array([half], zone)}
    events = Events.of([Sought(number_of("192.0.2.1"), port, T + at) for at in (-1, 0, 1) for port in (None, 9)])
    for compiled in (True, False):
        found = vector.join_batches(events, pa.table(columns).to_batches(), compiled=compiled)
        assert found.matches == [(2, 0), (3, 0)]


def test_what_is_no_event_is_refused_by_name() -> None:
    with pytest.raises(WrongColumns, match="port") as told:
        Events.of([Sought(MAPPED, 70_000, T)])
    assert told.value.code == "no-port"
    for sought, error, code in (
        (Sought(MAPPED, 1, T), -1, "negative-error"),
        (Sought(MAPPED, 1, 1 << 62), 0, "no-time"),
        (Sought(MAPPED, 1, 1 << 70), 0, "too-large"),
        (Sought(1 << 128, 1, T), 0, "too-large"),
        (Sought(MAPPED, 1, T), [1, 2], "lengths-differ"),
    ):
        with pytest.raises(WrongColumns) as told:
            Events.of([sought], error)
        assert told.value.code == code


def test_what_is_no_log_is_refused_by_name(tmp_path: Path) -> None:
    good = {"address": [1], "start": [T], "end": [T + 9]}
    bits = pa.array([90], pa.uint8())
    naive = pa.array([datetime.fromtimestamp(T, UTC)], pa.timestamp("s"))
    for columns, code in (
        ({"address": [1], "start": [T]}, "columns-missing"),
        (good | {"start": naive}, "no-zone"),
        (good | {"end": pa.array([None], pa.int64())}, "nothing-there"),
        (good | {"address": [-1]}, "wrong-type"),
        (good | {"start": ["today"]}, "wrong-type"),
        (good | {"port_low": [70_000], "port_high": [70_000]}, "wrong-type"),
        (good | {"bits": bits}, "no-prefix"),
    ):
        path = tmp_path / "log.parquet"
        pq.write_table(pa.table(columns), path)
        with pytest.raises(WrongColumns) as told:
            vector.join(Events.of([Sought(MAPPED | 1, None, T)]), Log.open(path), threads=1)
        assert told.value.code == code
    path.write_bytes(b"no such file")
    with pytest.raises(WrongColumns, match="Parquet"):
        Log.open(path)


def test_a_log_is_not_written_over_another_nor_with_numbers_that_go_back(tmp_path: Path) -> None:
    row = LogRow(2, MAPPED, 0, 9, T, T + 9, "s")
    for rows, code in (
        ([row, LogRow(1, MAPPED, 0, 9, T, T, "s")], "numbers"),
        ([LogRow(1, MAPPED, 0, 70_000, T, T, "s")], "too-large"),
    ):
        with pytest.raises(WrongColumns) as told:
            write_log(rows, tmp_path / code)
        assert told.value.code == code
    write_log([row], tmp_path / "log")
    with pytest.raises(WrongColumns, match="already"):
        write_log([row], tmp_path / "log")
    assert Log.open(tmp_path / "log").rows == 1


def test_an_engine_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoEngine) as told:
        engine("duck")
    assert told.value.code == "unknown-engine"
    row = LogRow(7, MAPPED, 0, 9, T, T + 9, "s")
    local = engine("local")
    assert local.join(Events.of([Sought(MAPPED, 9, T)]), write_log([row], tmp_path)).matches == [(0, 7)]
    local.close()


def test_a_log_of_many_row_groups_keeps_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "GROUP", 1 << 10)
    monkeypatch.setattr(log_writing, "GROUP", 1 << 10)
    monkeypatch.setattr(log_writing, "_AT_ONCE", 1 << 9)
    numbers = itertools.chain(range(1, 1_100), range(1_101, 2_500))
    log = write_log((LogRow(n, MAPPED | n, 0, 65535, T, T + 1, "s") for n in numbers), tmp_path)
    wanted = [1, 1_024, 1_025, 1_099, 1_101, 2_049, 2_499]
    found = vector.join(Events.of([Sought(MAPPED | n, 5, T) for n in wanted]), log)
    assert found.row.tolist() == wanted
    assert log.parts[0].meta.num_row_groups == 3


def test_both_matchers_agree_on_a_return_as_it_came(tmp_path: Path) -> None:
    where = [
        "203.0.113.7",
        "203.0.113.9",
        "::ffff:203.0.113.7",
        "2001:db8:40:1::5",
        "203.0.113.0/29",
        "2001:db8:40::/48",
    ]
    hours = [(f"12/05/2026 0{h}:44:36", f"1{2 + h % 2}/05/2026 0{h + 1}:00:48") for h in range(4)]
    ports = ["1024-2047", "1500", ""]
    cells = itertools.product(where, ports, hours)
    text = lines(*(",".join(("A", ip, port, *times, f"S{i}")) for i, (ip, port, times) in enumerate(cells)))
    at = 1_778_527_000  # 2026-05-12 00:46:40 in India
    sought = [
        Sought(number_of(ip), port, at + hour * 3_600)
        for ip in ("203.0.113.7", "203.0.113.9", "203.0.113.6", "2001:db8:40:1::5", "2001:db8:40:2::5")
        for port in (None, 1_500, 2_000)
        for hour in range(5)
    ]
    found, bad, _ = read(text)
    assert not bad
    plainly = find(table(text.encode()), [BLOCKS], sought, 60).matches
    assert plainly
    assert vector.join(Events.of(sought, 60), write_log(found, tmp_path)).matches == plainly
