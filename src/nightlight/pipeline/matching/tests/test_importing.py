# SPDX-License-Identifier: Apache-2.0
"""A file is read into a list whole or not at all; what changed is kept, what did not is not touched."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.matching import applying, importing, list_actions, list_queries, polling_lists, staging
from nightlight.pipeline.matching.importing import ImportFailed
from nightlight.pipeline.matching.lists.rows import Batch, Repeated, batch_of
from nightlight.pipeline.matching.lists.rows import Entry as Row
from nightlight.pipeline.matching.lists.tests.material import hash_set, media, packed
from nightlight.pipeline.matching.models import BadRow, EditionState, Entry, EntryChange, HashList
from nightlight.pipeline.matching.tests.list_world import (
    AT,
    BY,
    logged,
    make_list,
    read_in,
    said,
    standing,
    vault,
    vic,
)
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["vault"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def filled() -> HashList:
    """A list with ten entries."""
    made = make_list()
    read_in(made, vic(range(1, 11)))
    return made


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (vic(range(20, 30))[:-9], "truncated"),
        (vic(range(20, 30)) + b"{}", "malformed"),
        (gzip.compress(vic(range(20, 30)))[:-12], "truncated"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "unknown_format"),
    ],
)
def test_a_damaged_file_leaves_the_list_as_it_was(filled: HashList, body: bytes, code: str) -> None:
    before = said(filled)
    with pytest.raises(ImportFailed, match="The list is as it was") as refused:
        read_in(filled, body)
    assert said(filled) == before
    edition = refused.value.edition
    edition.refresh_from_db()
    assert (edition.state, edition.number) == (EditionState.FAILED, 2)
    assert edition.why in refused.value.reason
    assert logged(filled)[-1] == "hashes.import-failed"
    told = json.loads(Event.objects.filter(kind="hashes.import-failed").latest("id").body)["data"]
    assert told["code"] == code
    # The damaged file is kept as well, as it came.
    assert b"".join(evidence.read(edition.kept.item)) == body


def test_a_failure_between_reading_and_applying_leaves_the_list_as_it_was(
    filled: HashList, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = said(filled)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    for step in ("settle", "compare", "write"):
        with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
            patched.setattr(applying, step, full)
            read_in(filled, vic(range(5, 20)))
        assert said(filled) == before
        assert filled.editions.latest("number").why == "It was stopped: OSError."
    read_in(filled, vic(range(5, 20)))
    assert standing(filled) == {str(number) for number in range(5, 20)}


def test_a_failure_after_everything_was_written_undoes_it(filled: HashList, monkeypatch: pytest.MonkeyPatch) -> None:
    before = said(filled)
    monkeypatch.setattr(importing, "counts_as_data", lambda _counts: {"not": {"canonical": object()}})
    with pytest.raises((TypeError, ValueError)):
        read_in(filled, vic(range(5, 20)))
    assert said(filled) == before
    assert not EntryChange.objects.exists()


def test_two_cannot_read_into_one_list_at_once(filled: HashList) -> None:
    other = psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": psycopg.Cursor})
    try:
        key = f"matching list {filled.pk}"
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        with pytest.raises(Conflict, match="being read in just now"):
            read_in(filled, vic(range(3)))
    finally:
        other.close()
    assert filled.editions.count() == 1
    read_in(filled, vic(range(1, 9)))


def test_what_a_killed_process_left_is_told_as_failed(filled: HashList) -> None:
    filled.editions.update(state=EditionState.LOADING)
    assert list_actions.close_abandoned() == 1
    edition = filled.editions.get()
    assert (edition.state, "cut short" in edition.why) == (EditionState.FAILED, True)
    assert list_actions.close_abandoned() == 0


def test_a_polled_list_takes_no_file(filled: HashList) -> None:
    polled = make_list("Polled")
    polling_lists.add_feed(
        by=BY, at=AT, hash_list=polled, url="https://x.example.org", username="us", password="p", every_minutes=60
    )
    with pytest.raises(Conflict, match="polled from a server"):
        read_in(polled, vic(range(3)))
    assert not polled.editions.exists()


def test_a_file_that_changes_while_it_is_read_is_refused(filled: HashList, tmp_path: Path) -> None:
    before = said(filled)
    path = tmp_path / "list.json"
    path.write_bytes(vic(range(1, 400)))

    def touch(_done: int, _size: int, doing: str) -> None:
        if doing == "keeping":
            with path.open("ab") as more:
                more.write(b" ")

    with pytest.raises(Conflict, match="changed while it was read"):
        importing.run(hash_list=filled, path=path, replaces=True, by=BY, at=lambda: AT, progress=touch)
    assert said(filled) == before
    with pytest.raises(Conflict, match="cannot be read"):
        importing.run(hash_list=filled, path=path.with_name("none"), replaces=True, by=BY, at=lambda: AT)


# --- rows that are not in --------------------------------------------------------------------------------------------


def test_every_bad_row_is_kept_and_every_good_one_is_in() -> None:
    made = make_list()
    records = [media(number) for number in range(1, 21)]
    records[4] |= {"MD5": "zz", "SHA1": None, "PhotoDNA": None}
    records[6] |= {"MD5": "00ff", "SHA1": records[6]["SHA1"]}
    records[9] = 7  # type: ignore[call-overload]
    done = read_in(made, packed(hash_set(records)))
    assert (done.counts.rows, done.counts.good) == (20, 18)
    assert standing(made) == {str(number) for number in range(1, 21)} - {"5", "10"}
    kept = {(row.row, row.code) for row in BadRow.objects.all()}
    assert {row for row, _ in kept} == {5, 7, 10}
    assert done.counts.bad == len(BadRow.objects.all()) == done.edition.bad
    rows = list(list_queries.bad_rows(list_queries.edition(made, None)))
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert all(row[0] == 1 and row[3] for row in rows)


def test_an_id_that_comes_twice_is_counted_or_refused() -> None:
    made = make_list()
    records = [media(1), media(2), media(1), media(2) | {"Category": 5}, media(3), media(2), media(4) | {"MediaID": 3}]
    done = read_in(made, packed(hash_set(records)))
    assert (done.counts.rows, done.counts.good, done.counts.repeated, done.counts.bad) == (7, 3, 2, 2)
    assert Entry.objects.get(source_id="2").classification == "2"  # the first stays
    assert [(row.row, row.code) for row in BadRow.objects.order_by("row")] == [
        (4, "duplicate_conflict"),
        (7, "duplicate_conflict"),
    ]
    assert b'"id": "2"' in bytes(BadRow.objects.get(row=4).raw)


def test_odd_texts_come_through_and_an_endless_id_does_not() -> None:
    made = make_list()
    odd: dict[str, Any] = {
        "Comments": "tab\tline\nback\\slash \\N \\. \u0000 \U0001f512 “quoted”",
        "Tags": {"a\u0000b": [1, 10**40, None, True, "\\u0000"]},
    }
    done = read_in(made, vic([1, 2, 3], n1=odd, n2={"MediaID": "x" * 1200}, n3={"MediaID": "a\tb\\c\nd\u0000"}))
    assert standing(made) == {"1", "a\tb\\c\nd\\x00"}
    assert [(row.row, row.code) for row in BadRow.objects.all()] == [(2, "row_too_long")]
    assert done.counts.rows == 3
    claims = Entry.objects.get(source_id="1").claims
    assert claims["Comments"] == odd["Comments"].replace("\u0000", "\\x00")
    assert claims["Tags"]["a\\x00b"][4] == "\\u0000"


def test_bad_rows_of_a_file_that_fails_are_kept_too(filled: HashList) -> None:
    records = [media(number) | {"MD5": "zz", "SHA1": None, "PhotoDNA": None} for number in range(50)]
    with pytest.raises(ImportFailed):
        read_in(filled, packed(hash_set(records))[:-2])
    assert filled.editions.get(number=2).bad == BadRow.objects.count() > 0


# --- what becomes of entries -----------------------------------------------------------------------------------------


def test_the_same_file_once_more_touches_nothing(filled: HashList) -> None:
    before = said(filled)
    done = read_in(filled, vic(range(1, 11)))
    assert (done.counts.unchanged, done.counts.added, done.counts.updated, done.counts.withdrawn) == (10, 0, 0, 0)
    assert said(filled) == before  # not even the transaction
    assert not EntryChange.objects.exists()
    kept = [bytes(edition.sha256).hex() for edition in filled.editions.all()]
    assert len(set(kept)) == 1
    assert filled.editions.latest("number").kept.item.blob == filled.editions.earliest("number").kept.item.blob


def test_entries_are_updated_withdrawn_and_restored_with_their_past(filled: HashList) -> None:
    before = said(filled)
    second = vic([*range(1, 9), 20], n3={"Category": 0, "MediaSize": 1})
    done = read_in(filled, second)
    assert (done.counts.added, done.counts.updated, done.counts.withdrawn, done.counts.unchanged) == (1, 1, 2, 7)
    after = said(filled)
    assert {name for name in before if before[name] != after[name]} == {"3", "9", "10"}
    assert standing(filled) == {*map(str, range(1, 9)), "20"}
    changed = EntryChange.objects.get(entry__source_id="3")
    assert (changed.what, changed.edition) == ("updated", 2)
    assert (changed.before["classification"], changed.before["edition"]) == ("3", 1)
    assert changed.before["md5"] == media(3)["MD5"].lower()
    assert changed.before["claims"]["MediaSize"] == 1003
    assert not EntryChange.objects.filter(entry__source_id="20").exists()

    third = read_in(filled, vic(range(1, 11)))
    assert (third.counts.restored, third.counts.updated, third.counts.withdrawn) == (2, 3, 1)
    assert standing(filled) == set(map(str, range(1, 11)))
    past = EntryChange.objects.filter(entry__source_id="9").order_by("id")
    assert [(one.what, one.before["withdrawn"]) for one in past] == [("withdrawn", False), ("restored", True)]
    assert [edition.state for edition in filled.editions.order_by("number")] == [EditionState.WHOLE] * 3


def test_a_file_that_lacks_most_of_the_list_is_refused_unless_that_is_meant(filled: HashList) -> None:
    """A text that was cut between two rows looks like a whole one."""
    before = list(Entry.objects.filter(hash_list=filled).order_by("id").values())
    few = vic([int(before[0]["source_id"])])
    with pytest.raises(importing.ImportFailed, match=r"lacks \d+ of the \d+ entries"):
        read_in(filled, few)
    assert list(Entry.objects.filter(hash_list=filled).order_by("id").values()) == before
    newest = filled.editions.order_by("-number")[0]
    assert (newest.state, newest.withdrawn) == ("failed", 0)
    done = importing.run(
        hash_list=filled, stream=io.BytesIO(few), name="few", replaces=True, most_may_go=True, by=BY, at=lambda: AT
    )
    assert done.counts.withdrawn == len(before) - 1


def test_a_file_that_comes_on_top_withdraws_nothing(filled: HashList) -> None:
    done = read_in(filled, vic([3, 30]), replaces=False)
    assert (done.counts.added, done.counts.withdrawn, done.counts.unchanged) == (1, 0, 1)
    assert standing(filled) == {*map(str, range(1, 11)), "30"}


def test_an_entry_carries_what_the_source_said_and_nothing_more() -> None:
    made = make_list()
    done = read_in(made, vic([7]), name="set.json")
    entry = Entry.objects.get()
    record = media(7)
    assert ((entry.md5 or b"").hex(), (entry.sha1 or b"").hex()) == (record["MD5"].lower(), record["SHA1"].lower())
    assert (entry.classification, entry.opaque) == ("1", {"PhotoDNA": record["PhotoDNA"]})
    assert entry.claims["MediaSize"] == 1007
    assert (entry.sha256, entry.pdq, bytes(entry.frames), entry.withdrawn) == (None, None, b"", False)
    edition = done.edition
    edition.refresh_from_db()
    assert (edition.source, edition.name, edition.rows, edition.done_bytes) == ("vic", "set.json", 1, edition.all_bytes)
    assert {note["code"] for note in edition.notes} >= {"scheme_hint", "counted"}
    told = json.loads(Event.objects.filter(kind="hashes.imported").get().body)["data"]
    assert (told["sha256"], told["added"], told["format"]) == (bytes(edition.sha256).hex(), 1, "vic")
    assert record["MD5"].lower() not in json.dumps(told)
    assert logged(made) == ["hashes.list-added", "hashes.imported"]


def test_other_formats_and_what_the_person_says_of_them() -> None:
    made = make_list("CSV", scheme="plain", scheme_version="1")
    table = "sha256,pdq\n" + "".join(f"{n:064x},{n + 99:064x}\n" for n in range(1, 4))
    done = read_in(made, table.encode(), name="list.csv")
    assert (done.edition.source, done.counts.added) == ("csv", 3)
    assert sorted((one.pdq or b"-")[-1] for one in Entry.objects.all()) == [100, 101, 102]
    with pytest.raises(ImportFailed):
        read_in(made, table.encode(), name="list.csv", format="no-such-format")


def test_progress_is_told_and_written_down() -> None:
    made = make_list()
    heard: list[tuple[int, int, str]] = []
    body = vic(range(1, 8000))
    read_in(made, body, progress=lambda *told: heard.append(told))
    doings = [doing for _, _, doing in heard]
    assert list(dict.fromkeys(doings)) == ["keeping", "reading", "applying"]
    reading = [done for done, _, doing in heard if doing == "reading"]
    assert reading == sorted(reading)
    assert 0 < reading[0] < len(body)


def test_rows_are_written_as_copy_takes_them_whatever_the_columns() -> None:
    rows = [Row(1, "a", digests={"md5": bytes(16)}), Row(2, "b", frames=(bytes(32), bytes(range(32))), pdq_quality=7)]
    alike = Batch(
        source_id=["c", "d"],
        media=Repeated("image", 2),
        classification=Repeated("x\ty", 2),
        md5=Repeated(b"\1" * 16, 2),
        sha1=Repeated(None, 2),
        sha256=Repeated(None, 2),
        pdq=Repeated(None, 2),
        pdq_quality=Repeated(None, 2),
        frames=Repeated((), 2),
        opaque=Repeated({"k": "v\\"}, 2),
        claims=Repeated({}, 2),
        row=range(3, 5),
    )
    with staging.Staging() as stage:
        stage.add(batch_of(rows))
        stage.add(alike)
        stage.pause()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT row, source_id, classification, md5, pdq_quality, length(frames), opaque->>'k'"
                f" FROM {staging.TABLE} ORDER BY n"
            )
            found = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
    assert found == [
        (1, "a", "", bytes(16), None, 0, None),
        (2, "b", "", None, 7, 64, None),
        (3, "c", "x\ty", b"\1" * 16, None, 0, "v\\"),
        (4, "d", "x\ty", b"\1" * 16, None, 0, "v\\"),
    ]


def test_a_staging_that_is_broken_off_leaves_the_connection_usable() -> None:
    def rows() -> Iterator[Batch]:
        yield batch_of([Row(1, "a", digests={"md5": bytes(16)})])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk"), staging.Staging() as stage:
        for batch in rows():
            stage.add(batch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_stream_is_read_like_a_file(filled: HashList) -> None:
    with pytest.raises(ValueError, match="path or a stream"):
        importing.run(hash_list=filled, replaces=True, by=BY, at=lambda: AT)
    stream = io.BytesIO(gzip.compress(vic([1])))
    done = importing.run(
        hash_list=filled, stream=stream, name="x.gz", replaces=True, most_may_go=True, by=BY, at=lambda: AT
    )
    assert done.counts.withdrawn == 9
