# SPDX-License-Identifier: Apache-2.0
"""Base files and what changed since answer as one list that is up to date; generations are swapped under readers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.matching.index import overlay as overlays
from nightlight.pipeline.matching.index.files import IndexDamaged, SourceDigest
from nightlight.pipeline.matching.index.known import Known
from nightlight.pipeline.matching.index.overlay import WITHDRAWN, Entry, Overlay
from nightlight.pipeline.matching.index.store import Folder, batch

from .hashes import brute, flipped, triples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightlight.pipeline.matching.index.store import Batch

CHANCE = np.random.default_rng(5)
CENTRE = CHANCE.integers(0, 256, 32, np.uint8)


def entry(number: int, distance: int | None = None) -> Entry:
    """An entry whose digests follow from a number; with a PDQ hash so far from the centre, or none."""
    chance = np.random.default_rng([number, 9 if distance is None else distance])
    pdq = None if distance is None else flipped(chance, CENTRE, distance).tobytes()
    return Entry(number.to_bytes(16, "big"), number.to_bytes(20, "big"), number.to_bytes(32, "big"), pdq)


def near(known: Known | Overlay, radius: int = 31) -> list[tuple[int, int]]:
    return [(number, distance) for _, number, distance in triples(known.near(CENTRE.reshape(1, -1), radius))]


@pytest.mark.parametrize(
    "changes", [{1: Entry(md5=b"short")}, {1: Entry(pdq=b"x" * 31)}, {-1: WITHDRAWN}, {2: entry(2), 3: Entry(sha1=b"")}]
)
def test_changes_with_a_wrong_one_are_refused_whole(changes: dict[int, Entry]) -> None:
    known = Known()
    with pytest.raises(ValueError, match=r"bytes|begin"):
        known.apply(changes)
    assert len(known.overlay) == 0


def test_what_changed_counts_and_the_base_of_it_does_not(tmp_path: Path) -> None:
    rows = {number: entry(number, number) for number in range(1, 25)}
    made = Folder(tmp_path / "index").build([batch(rows.items())], since=41)
    known = Known(made)
    assert near(known) == [(number, number) for number in range(1, 25)]
    known.apply({3: WITHDRAWN, 4: entry(4, 40), 5: Entry(md5=b"n" * 16), 90: entry(90, 2), 91: entry(91)})
    assert near(known, 6) == [(1, 1), (2, 2), (90, 2), (6, 6)]
    assert known.exact(md5=rows[3].md5, sha256=rows[6].sha256) == {"md5": [], "sha256": [6]}
    assert known.exact(md5=rows[5].md5) == {"md5": []}
    assert known.exact(md5=b"n" * 16, sha1=entry(91).sha1) == {"md5": [5], "sha1": [91]}
    asked = np.frombuffer(b"".join(entry(number).md5 or b"" for number in (2, 3, 90, 77)), np.uint8).reshape(-1, 16)
    assert [column.tolist() for column in known.exact_many("md5", asked)] == [[0, 2], [2, 90]]
    known.apply({3: entry(3, 3), 90: WITHDRAWN})
    assert near(known, 3) == [(1, 1), (2, 2), (3, 3)]
    with pytest.raises(ValueError, match="20 bytes"):
        known.exact(sha1=b"x" * 16)


def test_an_overlay_once_taken_does_not_change() -> None:
    first = Overlay().changed({1: entry(1, 5)})
    second = first.changed({1: WITHDRAWN, 2: entry(2, 6)})
    assert (near(first), near(second)) == ([(1, 5)], [(2, 6)])
    assert (first.exact("md5", entry(1).md5 or b""), second.exact("md5", entry(1).md5 or b"")) == ([1], [])
    assert (len(first), len(second), 1 in second, 3 in second) == (1, 2, True, False)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.dictionaries(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 40)), max_size=6), max_size=8
    )
)
def test_any_changes_as_in_a_dictionary(steps: list[dict[int, int | None]]) -> None:
    """Some settle while others are recent: the answer is that of the last word on each id."""
    few, overlays._RECENT = overlays._RECENT, 4
    try:
        overlay, told = Overlay(), dict[int, int | None]()
        for step in steps:
            overlay = overlay.changed({n: WITHDRAWN if d is None else entry(n, d) for n, d in step.items()})
            told |= step
            assert near(overlay) == sorted(
                ((n, d) for n, d in told.items() if d is not None and d <= 31), key=lambda pair: (pair[1], pair[0])
            )
            for n, d in told.items():
                assert overlay.exact("sha1", entry(n).sha1 or b"") == ([] if d is None else [n])
    finally:
        overlays._RECENT = few


def test_a_hundred_thousand_changes(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    hashes = chance.integers(0, 256, (100_000, 32), np.uint8)
    overlay = Overlay().changed({n: Entry(pdq=row.tobytes()) for n, row in enumerate(hashes)})
    overlay = overlay.changed({7: WITHDRAWN, 200_000: Entry(pdq=CENTRE.tobytes())})
    queries = np.array([flipped(chance, hashes[n], n % 34) for n in range(100)])
    expected = {found for found in brute(np.arange(100_000), hashes, queries, 31) if found[1] != 7}
    assert set(triples(overlay.near(queries))) == expected
    assert near(overlay) == [(200_000, 0)]


def test_the_manifest_tells_counts_and_digests_of_the_source(tmp_path: Path) -> None:
    rows = [(number, entry(number, number if number % 2 else None)) for number in range(50)]
    folder = Folder(tmp_path / "index")
    assert folder.current() is None
    folder.build((batch(rows[start : start + 7]) for start in range(0, 50, 7)), since=12, xip=[7, 9])
    current = folder.current()
    assert current is not None
    assert (current.number, current.since, current.xip) == (1, 12, (7, 9))
    assert current.counts == {"md5": 50, "sha1": 50, "sha256": 50, "pdq": 25}
    for kind, told in current.sources.items():
        digest = SourceDigest()
        for number, row in rows:
            if (value := getattr(row, kind)) is not None:
                digest.add_one(number, value)
        assert digest.hexdigest() == told
    current.verify()
    assert sorted(path.name for path in current.folder.iterdir()) == [
        "manifest.json", "md5.index", "pdq.index", "sha1.index", "sha256.index",
    ]  # fmt: skip


def test_a_build_that_fails_leaves_what_counted(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "index")
    folder.build([batch([(1, entry(1, 1))])], since=1)
    twice = batch([(1, entry(1, 1))])
    for wrong in ([twice, twice], [{"crc": twice["md5"]}], [{"md5": twice["sha1"]}]):
        with pytest.raises(ValueError, match=r"ids|hash|values"):
            folder.build(wrong, since=2)
    current = folder.current()
    assert current is not None
    assert current.since == 1
    assert [path.name for path in (tmp_path / "index").glob("generation-*")] == ["generation-1"]


def test_only_one_builds(tmp_path: Path) -> None:
    folder, other = Folder(tmp_path / "index"), Folder(tmp_path / "index")

    def rows() -> object:
        with pytest.raises(Conflict):
            other.build([], since=2)
        with pytest.raises(Conflict):
            other.sweep()
        with pytest.raises(Conflict):
            other.wait(0.2)
        yield batch([(1, entry(1, 1))])

    assert folder.build(rows(), since=1).number == 1  # type: ignore[arg-type]
    assert other.build([], since=2).number == 2


def test_who_waits_for_a_build_finds_it(tmp_path: Path) -> None:
    folder, other = Folder(tmp_path / "index"), Folder(tmp_path / "index")
    begun, go_on = threading.Event(), threading.Event()

    def rows() -> Iterator[Batch]:
        begun.set()
        assert go_on.wait(60)
        yield batch([(1, entry(1, 1))])

    builds = threading.Thread(target=lambda: folder.build(rows(), since=1))
    builds.start()
    try:
        assert begun.wait(60)
        threading.Timer(0.3, go_on.set).start()
        other.wait(60)
        current = other.current()
    finally:
        go_on.set()
        builds.join()
    assert current is not None
    assert current.counts["pdq"] == 1


def test_sweeping_keeps_what_counts_and_takes_nothing_from_its_readers(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "index")
    old = folder.build([batch([(1, entry(1, 1))])], since=1)
    folder.build([batch([(2, entry(2, 2))])], since=2)
    (tmp_path / "index" / "generation-9").mkdir()  # a build that was interrupted
    assert folder.sweep() == [1, 9]
    assert folder.sweep() == []
    current = folder.current()
    assert current is not None
    assert (near(Known(old)), near(Known(current))) == ([(1, 1)], [(2, 2)])


def test_damage_of_a_generation_is_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "index")
    made = folder.build([batch([(1, entry(1, 1))])], since=1)
    other = Folder(tmp_path / "other").build([batch([(1, entry(2, 1))])], since=1)
    manifest = (made.folder / "manifest.json").read_bytes()
    for name, body, code in [
        ("manifest.json", b"{", "header"),
        ("manifest.json", manifest.replace(b'"format":2', b'"format":1'), "version"),
        ("manifest.json", manifest.replace(b'"xip"', b'"old"'), "header"),
        ("manifest.json", manifest, ""),
        ("md5.index", (other.folder / "md5.index").read_bytes(), "content"),
        ("md5.index", (made.folder / "pdq.index").read_bytes(), "foreign"),
    ]:
        (made.folder / name).unlink()
        (made.folder / name).write_bytes(body)
        if code:
            with pytest.raises(IndexDamaged) as refused:
                folder.current()
            assert refused.value.code == code
        else:
            assert folder.current() is not None
    (made.folder / "md5.index").unlink()
    with pytest.raises(IndexDamaged):
        folder.current()
    (tmp_path / "index" / "current").write_text("../elsewhere")
    with pytest.raises(IndexDamaged):
        folder.current()


def test_readers_see_one_state_or_the_next_while_bases_and_changes_are_swapped(tmp_path: Path) -> None:
    """Each state holds one number at distances 1 (base) and 2 (change). A reader must never see two numbers."""
    folder = Folder(tmp_path / "index")

    def state(number: int) -> tuple[int, int]:
        return 100 + number, 500 + number

    def build(number: int) -> tuple[object, dict[int, Entry]]:
        base, changed = state(number)
        # The change also withdraws an entry that every base has: if it shows, the two were mixed.
        made = folder.build([batch([(base, entry(base, 1)), (1, entry(1, 3))])], since=number)
        return made, {changed: entry(changed, 2), 1: WITHDRAWN}

    known = Known()
    known.replace_base(*build(0))  # type: ignore[arg-type]
    allowed = [[(base, 1), (changed, 2)] for base, changed in map(state, range(12))]
    wrong: list[object] = []
    done = threading.Event()
    looked = [0, 0, 0]

    def read(which: int) -> None:
        while not done.is_set():
            looked[which] += 1
            if (seen := near(known)) not in allowed:
                wrong.append(seen)

    readers = [threading.Thread(target=read, args=(which,)) for which in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 12):
            known.replace_base(*build(number))  # type: ignore[arg-type]
            folder.sweep()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert min(looked) > 0
    assert near(known) == allowed[11]
