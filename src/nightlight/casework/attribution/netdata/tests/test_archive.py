# SPDX-License-Identifier: Apache-2.0
"""The interval archive against a plain table of snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.netdata.archive import (
    STATES,
    ArchiveFault,
    ArchiveRefused,
    IntervalArchive,
    ListedState,
    Row,
)
from nightlight.casework.attribution.netdata.spans import Family, NotASpan, Span, halves, keys_of, span_of

START = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GAP = timedelta(hours=3)
BASES = {Family.IPV4: 0xC0000200, Family.IPV6: 0x20010DB8 << 96, Family.NUMBERS: 64496}
TOPS = {family: (1 << family.bits) - 8 for family in Family}

Snapshots = dict[int, frozenset[tuple[int, int]]]  # hour -> ranges as (lowest, highest), of 16 addresses


def at(hour: float) -> datetime:
    return START + hour * HOUR


def spans(ranges: frozenset[tuple[int, int]], family: Family, base: int) -> list[Span]:
    return [Span(family, base + lo, base + hi) for lo, hi in ranges]


def grown(snapshots: Snapshots, order: list[int], family: Family, base: int) -> IntervalArchive:
    archive = IntervalArchive(longest_gap=GAP)
    for hour in order:
        archive = archive.grown(at(hour), spans(snapshots[hour], family, base), {family})
    return archive


def naive(snapshots: Snapshots, address: int, hour: float) -> ListedState:
    """What the snapshots say, one after the other."""
    held = [h for h in snapshots if h <= hour]
    if not held:
        return ListedState.NOT_COVERED
    now = max(held)
    following = [h for h in snapshots if h > hour]
    if now != hour and (not following or min(following) - now > GAP / HOUR):
        return ListedState.NOT_COVERED

    def has(h: int) -> bool:
        return any(lo <= address <= hi for lo, hi in snapshots[h])

    if has(now):
        return ListedState.LISTED
    earlier, later = any(has(h) for h in held), any(has(h) for h in following)
    if earlier:
        return ListedState.BETWEEN if later else ListedState.BEFORE
    return ListedState.LATER if later else ListedState.NEVER


RANGES = st.tuples(st.integers(0, 7), st.integers(0, 7)).map(lambda pair: (min(pair), max(pair)))
SNAPSHOTS = st.dictionaries(st.integers(0, 24), st.frozensets(RANGES, max_size=4), max_size=7)
PLACES = st.sampled_from([(family, base[family]) for family in Family for base in (BASES, TOPS)])


class TestAgainstThePlainTable:
    @settings(max_examples=80, deadline=None)
    @given(SNAPSHOTS, PLACES, st.randoms(use_true_random=False))
    def test_says_what_the_snapshots_say_in_any_order(
        self, snapshots: Snapshots, place: tuple[Family, int], random: object
    ) -> None:
        family, base = place
        order = list(snapshots)
        random.shuffle(order)  # type: ignore[attr-defined]
        archive = grown(snapshots, order, family, base)
        assert archive == grown(snapshots, sorted(order), family, base)
        assert archive.to_bytes() == grown(snapshots, sorted(order), family, base).to_bytes()
        assert IntervalArchive.from_bytes(archive.to_bytes()) == archive
        asked = [(a, h / 2) for a in range(8) for h in range(-1, 51)]
        codes = ask(archive, family, [base + a for a, _ in asked], [at(h) for _, h in asked])
        for (address, hour), code in zip(asked, codes, strict=True):
            assert STATES[code] is naive(snapshots, address, hour), (address, hour)

    @settings(max_examples=60, deadline=None)
    @given(SNAPSHOTS, st.integers(0, 7), st.integers(0, 48))
    def test_a_verdict_names_a_row_that_bears_it_out(self, snapshots: Snapshots, address: int, half: int) -> None:
        base, when = BASES[Family.IPV4], at(half / 2)
        archive = grown(snapshots, list(snapshots), Family.IPV4, base)
        verdict = archive.at(str(Span(Family.IPV4, base + address, base + address)), when)
        assert verdict.state is naive(snapshots, address, half / 2)
        having = {h for h, ranges in snapshots.items() if any(lo <= address <= hi for lo, hi in ranges)}
        covered = verdict.state is not ListedState.NOT_COVERED
        now = max((h for h in snapshots if h <= half / 2), default=-1)
        assert verdict.later is any(h > half / 2 for h in having)
        assert verdict.earlier is any(h <= half / 2 and not (covered and h == now) for h in having)
        assert (verdict.row is None) is (not having)
        if verdict.row is None:
            return
        row = verdict.row
        assert row.span.lo <= base + address <= row.span.hi
        assert row in list(archive.rows(Family.IPV4))
        ended = row.until is not None and row.until <= when
        if verdict.state is ListedState.LISTED:
            assert row.since <= when
            assert not ended
            size = min(hi - lo for lo, hi in snapshots[now] if lo <= address <= hi)
            assert row.span.hi - row.span.lo == size
        elif covered:
            assert ended if verdict.earlier else row.since > when

    @settings(max_examples=60, deadline=None)
    @given(SNAPSHOTS, SNAPSHOTS)
    def test_two_archives_come_together_as_their_snapshots_do(self, one: Snapshots, other: Snapshots) -> None:
        base = BASES[Family.IPV6]
        parts = [grown(part, list(part), Family.IPV6, base) for part in (one, other)]
        if all(one[h] == other[h] for h in one.keys() & other.keys()):
            both = one | other
            assert parts[0].together(parts[1]) == grown(both, list(both), Family.IPV6, base)
        else:
            with pytest.raises(ArchiveRefused) as refused:
                parts[0].together(parts[1])
            assert refused.value.code is ArchiveFault.CONFLICT

    @settings(max_examples=40, deadline=None)
    @given(SNAPSHOTS.filter(len))
    def test_many_at_once_and_rows_give_the_same_archive(self, snapshots: Snapshots) -> None:
        base = BASES[Family.IPV4]
        archive = grown(snapshots, list(snapshots), Family.IPV4, base)
        listed = {h: spans(r, Family.IPV4, base) for h, r in snapshots.items() if r}
        some = IntervalArchive.of_snapshots([(at(h), s) for h, s in reversed(listed.items())], longest_gap=GAP)
        assert some == grown({h: snapshots[h] for h in listed}, list(listed), Family.IPV4, base)
        rows = list(archive.rows(Family.IPV4))
        if rows and not archive.gaps:
            made = IntervalArchive.of(rows, at(max(snapshots)), longest_gap=timedelta(days=9))
            for hour in range(min(h for h, r in snapshots.items() if r), max(snapshots) + 1):
                assert set(made.listed_at(at(hour), Family.IPV4) or ()) == set(
                    archive.listed_at(at(hour), Family.IPV4) or ()
                )


def ask(archive: IntervalArchive, family: Family, numbers: list[int], when: list[datetime]) -> list[int]:
    times = np.array([int(moment.timestamp()) for moment in when], dtype=np.int64)
    keys = keys_of(numbers, family)
    if family is Family.IPV6:
        return list(archive.many6(*halves(keys), times))
    return list(archive.many(keys, times) if family is Family.IPV4 else archive.many_numbers(keys, times))


class TestRefusals:
    def test_another_list_for_the_same_second_is_refused_and_the_same_one_changes_nothing(self) -> None:
        archive = IntervalArchive().grown(at(0), ["192.0.2.1", "2001:db8::/32"])
        assert archive.grown(at(0), ["2001:db8::/32", "192.0.2.1", "192.0.2.1"]) == archive
        with pytest.raises(ArchiveRefused) as refused:
            archive.grown(at(0), ["192.0.2.2", "2001:db8::/32"])
        assert refused.value.code is ArchiveFault.CONFLICT
        assert str(int(at(0).timestamp())) in refused.value.sentence

    def test_a_time_without_a_zone_and_a_text_that_is_no_address_are_refused(self) -> None:
        archive = IntervalArchive().grown(at(0), ["192.0.2.1"])
        with pytest.raises(ValueError, match="zone"):
            archive.at("192.0.2.1", datetime(2025, 1, 1))  # noqa: DTZ001
        with pytest.raises(NotASpan):
            archive.at("192.0.2.010", at(0))
        with pytest.raises(ArchiveRefused) as refused:
            archive.grown(at(1), [])
        assert refused.value.code is ArchiveFault.EMPTY
        with pytest.raises(ValueError, match="family"):
            archive.grown(at(1), ["2001:db8::1"], {Family.IPV4})

    @pytest.mark.parametrize(("since", "until"), [(2, 2), (2, 1), (2, 9), (7, None)])
    def test_rows_that_contradict_themselves_are_refused(self, since: int, until: int | None) -> None:
        row = Row(span_of("192.0.2.0/24"), at(since), None if until is None else at(until))
        with pytest.raises(ArchiveRefused) as refused:
            IntervalArchive.of([row], at(6))
        assert refused.value.code is ArchiveFault.BAD_ROW

    def test_every_damaged_byte_and_every_cut_is_refused(self) -> None:
        archive = IntervalArchive()
        for hour in range(5):
            archive = archive.grown(at(hour), [f"192.0.2.{hour}", "198.51.100.0/25", "2001:db8::/48", "AS64500"])
        data = archive.to_bytes()
        for place in range(len(data)):
            with pytest.raises(ArchiveRefused):
                IntervalArchive.from_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            with pytest.raises(ArchiveRefused):
                IntervalArchive.from_bytes(data[:place])
        assert refusal(b"") is ArchiveFault.NOT_AN_ARCHIVE
        assert refusal(b"no archive at all, but long enough to be one") is ArchiveFault.NOT_AN_ARCHIVE
        assert refusal(data + b"!") is ArchiveFault.CHECKSUM
        assert refusal(data[:20]) is ArchiveFault.TRUNCATED
        assert refusal(data[:4] + b"\x09" + data[5:]) is ArchiveFault.VERSION

    @settings(max_examples=120, deadline=None)
    @given(st.integers(0, 10_000), st.integers(0, 255))
    def test_forged_bytes_with_a_right_checksum_are_read_or_refused_with_a_code(self, place: int, byte: int) -> None:
        body = bytearray(FORGED[:-32])
        body[place % len(body)] = byte
        refusal_or_none = None
        try:
            IntervalArchive.from_bytes(sealed(bytes(body)))
        except ArchiveRefused as refused:
            refusal_or_none = refused.code
        assert refusal_or_none in {
            None,
            ArchiveFault.MALFORMED,
            ArchiveFault.TOO_LARGE,
            ArchiveFault.VERSION,
            ArchiveFault.NOT_AN_ARCHIVE,
        }


def sealed(body: bytes) -> bytes:
    import hashlib

    return body + hashlib.sha256(body).digest()


def refusal(data: bytes) -> ArchiveFault:
    with pytest.raises(ArchiveRefused) as refused:
        IntervalArchive.from_bytes(data)
    return refused.value.code


FORGED = (
    IntervalArchive()
    .grown(at(0), ["192.0.2.1", "192.0.2.0/24"])
    .grown(at(1), ["192.0.2.1", "2001:db8::/32"])
    .to_bytes()
)


class TestWhatItSays:
    def test_an_empty_archive_knows_nothing(self) -> None:
        archive = IntervalArchive()
        assert archive.coverage is None
        assert archive.gaps == ()
        assert archive.at("192.0.2.1", at(0)).state is ListedState.NOT_COVERED
        assert list(archive.many(np.zeros(2, np.uint32), np.zeros(2, np.int64))) == [ListedState.NOT_COVERED.code] * 2
        assert IntervalArchive.from_bytes(archive.to_bytes()) == archive

    def test_between_two_snapshots_too_far_apart_nothing_is_claimed(self) -> None:
        archive = IntervalArchive(longest_gap=GAP)
        for hour in (0, 2, 10, 12):
            archive = archive.grown(at(hour), ["192.0.2.0/24"])
        assert archive.gaps == ((at(2), at(10)),)
        assert archive.coverage == (at(0), at(12))
        verdict = archive.at("192.0.2.77", at(5))
        assert (verdict.state, verdict.earlier, verdict.later) == (ListedState.NOT_COVERED, True, True)
        assert verdict.row == Row(span_of("192.0.2.0/24"), at(0), at(2) + timedelta(seconds=1))
        assert archive.at("192.0.2.77", at(2)).state is ListedState.LISTED
        assert archive.at("192.0.2.77", at(12)).until is None
        assert archive.at("192.0.2.77", at(12.001)).state is ListedState.NOT_COVERED

    def test_a_file_of_one_family_says_nothing_of_the_other(self) -> None:
        archive = IntervalArchive().grown(at(0), ["192.0.2.0/24", "2001:db8::/32"]).grown(at(1), ["192.0.2.0/24"])
        assert archive.coverage_of(Family.IPV6) == (at(0), at(0))
        assert archive.at("2001:db8::1", at(1)).state is ListedState.NOT_COVERED
        empty = archive.grown(at(1), [], {Family.IPV6})
        assert empty.at("2001:db8::1", at(1)).state is ListedState.BEFORE
        assert archive.at("::ffff:192.0.2.9", at(0.5)).state is ListedState.LISTED

    def test_the_most_specific_of_nested_ranges_is_named(self) -> None:
        archive = IntervalArchive().grown(at(0), ["192.0.2.0/24", "192.0.2.0/28", "192.0.2.4"])
        for last, prefix in ((4, "192.0.2.4"), (5, "192.0.2.0/28"), (99, "192.0.2.0/24")):
            row = archive.at(f"192.0.2.{last}", at(0)).row
            assert row is not None
            assert row.prefix == prefix

    def test_numbers_of_networks_are_archived_too(self) -> None:
        archive = IntervalArchive().grown(at(0), ["AS64496", "AS4200000000"]).grown(at(1), ["AS64496"])
        assert archive.at_number(64496, at(0.5)).state is ListedState.LISTED
        assert archive.at_number(4_200_000_000, at(1)).state is ListedState.BEFORE
        assert archive.at_number(64511, at(1)).state is ListedState.NEVER
