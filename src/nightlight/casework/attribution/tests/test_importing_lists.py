# SPDX-License-Identifier: Apache-2.0
"""Lists are refused whole or loaded whole, grow one archive in any order, and are seen at once by whoever judges."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from nightlight.casework.attribution import checking_lists, importing_lists, list_queries, loaded, store
from nightlight.casework.attribution.import_kinds import ListFile, Refused, Stated
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.models_lists import Archive, ListImport
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.trust.custody.models import Event as Entry

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.casework.attribution.import_kinds import Done

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 1, 6, tzinfo=UTC)
BY = "command:test"
VPN = "192.0.2.0/28\n2001:db8:f000::/44\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the files of lists, and nothing held in memory."""
    monkeypatch.setattr(store, "FOLDER", str(tmp_path / "kept"))
    loaded._held.forget()
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def stated(kind: ListKind = ListKind.VPN, **more: object) -> Stated:
    return Stated(kind, str(more.pop("series", "Example list")), "CC0", **more)  # type: ignore[arg-type]


def load(*files: ListFile | Path, **more: object) -> Done:
    kind = more.pop("kind", ListKind.VPN)
    assert isinstance(kind, ListKind)
    return importing_lists.import_lists(by=BY, at=NOW, stated=stated(kind, **more), files=files)


def label(address: str, at: datetime) -> Label:
    return loaded.current_labeller().many([address], [at]).main(0)


def code(*files: Path, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        load(*files, **more)
    return refused.value.code


def test_what_may_not_be_loaded_is_refused_with_a_code_and_leaves_nothing(folder: Path) -> None:
    good = write(folder, "a.txt", VPN)
    assert code(folder / "missing", as_of=DAY) == "unreadable"
    assert code(good) == "time-not-known"
    assert code(good, by_name=True) == "time-not-known"
    assert code(good, as_of=NOW + timedelta(seconds=1)) == "time-to-come"
    assert code(good, as_of=DAY, series=" ") == "not-stated"
    assert code(as_of=DAY) == "not-stated"
    assert code(good, as_of=DAY, kind=ListKind.ISP) == "wrong-kind"
    assert code(good, as_of=DAY, kind=ListKind.CONNECTION_TYPE) == "wrong-kind"
    assert code(write(folder, "b.txt", f"{VPN}192.0.2.300\n"), as_of=DAY) == "bad-lines"
    assert code(write(folder, "c.txt", "# nothing\n"), as_of=DAY) == "empty"
    assert code(write(folder, "d.csv", "a,b,c\n"), as_of=DAY, kind=ListKind.NETWORKS) == "not-this-format"
    other = write(folder, "e.txt", "198.51.100.0/24\n")
    assert code(good, other, as_of=DAY) == "conflict"
    tor = write(folder, "f.txt", "Downloaded 2026-11-05 00:00:00\nExitAddress 192.0.2.7 2026-11-04 23:00:00\n")
    assert code(tor, as_of=DAY, kind=ListKind.TOR_EXIT) == "time-before-its-own"
    assert not ListImport.objects.exists() and not Archive.objects.exists()
    assert not Entry.objects.filter(kind="netdata.imported").exists()
    assert load(folder / "b.txt", as_of=DAY, pass_over=True)[:3] == (1, 2, 1)


def test_snapshots_in_any_order_make_one_archive_and_each_import_is_in_the_log(folder: Path) -> None:
    days = [DAY + timedelta(days=number) for number in range(5)]
    files = [write(folder, f"{day:%Y-%m-%d}.txt", f"192.0.2.{day.day}\n198.51.100.1\n") for day in days]
    given = [ListFile(path, day) for path, day in zip(files, days, strict=True)]
    load(given[3], given[0])
    load(given[4])
    done = load(given[2], given[1], given[0])
    assert (done.files, done.there) == (2, 1)
    (row,) = Archive.objects.all()
    assert (row.snapshots, row.covers_from, row.covers_until) == (5, days[0], days[-1])
    load(*given, series="At once")
    assert Archive.objects.get(series="At once").sha256 == row.sha256
    assert label("192.0.2.3", days[2] + timedelta(hours=1)) is not Label.VPN  # a range for documentation
    (archived, _) = loaded.current_lists().archives
    assert archived.archive.at("192.0.2.3", days[2] + timedelta(hours=1)).state == "listed"
    assert archived.archive.at("192.0.2.3", days[3]).state == "before"
    with pytest.raises(Refused, match="loaded already"):
        load(given[1])
    assert len(Entry.objects.filter(kind="netdata.imported")) == 4
    for change in (lambda: ListImport.objects.update(entries=1), lambda: ListImport.objects.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    found = checking_lists.verify()
    assert (found.faults, found.archives, found.imports, found.entries, found.unspoken) == ((), 2, 10, 4, 2)


def test_a_day_in_the_name_counts_until_its_end(folder: Path) -> None:
    load(write(folder, "exits-2026-11-03.txt", "192.0.2.7\n"), kind=ListKind.TOR_EXIT, by_name=True)
    today = write(folder, f"exits-{NOW:%Y-%m-%d}.txt", "192.0.2.8\n")
    load(today, kind=ListKind.TOR_EXIT, by_name=True)
    times = list(ListImport.objects.order_by("pk").values_list("as_of", flat=True))
    assert times == [datetime(2026, 11, 3, 23, 59, 59, tzinfo=UTC), NOW]


def test_tables_stand_beside_each_other_and_another_of_the_same_time_is_refused(folder: Path) -> None:
    head = "start,end,asn,as_name\n"
    old = write(folder, "old.csv", f"{head}203.0.113.0,203.0.113.255,64496,Kadal\n2001:db8::,2001:db8::ff,64497,Six\n")
    new = write(folder, "new.csv", f"{head}203.0.113.0,203.0.113.255,64499,Malar\n")
    later = DAY + timedelta(days=9)
    load(ListFile(new, later), ListFile(old, DAY, "r1"), kind=ListKind.NETWORKS, series="Networks")
    tables = loaded.current_lists().series(ListKind.NETWORKS)[0]
    assert [(one.version, one.as_of) for one in tables] == [("r1", DAY), (f"{later:%Y-%m-%dT%H:%MZ}", later)]
    assert [network.asn for one in tables for network in one.values] == [64496, 64497, 64499]  # type: ignore[union-attr]
    assert tables[0].v6.find("2001:db8::7") == 1
    assert code(new, kind=ListKind.NETWORKS, series="Networks", as_of=DAY) == "another-table"
    with pytest.raises(Refused, match="loaded already"):
        load(new, kind=ListKind.NETWORKS, series="Networks", as_of=later)
    registry = write(
        folder,
        "delegated",
        "2|apnic|20261030|1|19830613|20261030|+1000\napnic|IN|ipv4|203.0.113.0|256|20100101|allocated|A1\n",
    )
    load(registry, kind=ListKind.COUNTRIES, series="APNIC")
    (country,) = loaded.current_lists().series(ListKind.COUNTRIES)[0]
    assert (country.values, country.as_of) == (("IN",), datetime(2026, 10, 30, 23, 59, 59, tzinfo=UTC))
    assert not checking_lists.verify().faults
    shown = {one.name: one for one in list_queries.overview(NOW).lists}
    assert (shown["Networks"].snapshots, shown["Networks"].licence) == (2, "CC0")


def test_a_history_of_columns_grows_with_ones_own_snapshots(folder: Path) -> None:
    begin = int(DAY.timestamp())
    path = folder / "history.npz"
    lo = np.array([0xC0000207, 0xC0000208], np.uint32)
    np.savez(path, lo=lo, hi=lo, start=np.array([begin, begin + 3600]), end=np.array([begin + 3600, begin + 7200]))
    load(path, kind=ListKind.TOR_EXIT, series="Tor")
    load(write(folder, "next.txt", "192.0.2.9\n"), kind=ListKind.TOR_EXIT, series="Tor", as_of=DAY + timedelta(hours=3))
    (archived,) = loaded.current_lists().archives
    assert archived.archive.at("192.0.2.7", DAY + timedelta(minutes=5)).state == "listed"
    assert archived.archive.at("192.0.2.9", DAY + timedelta(minutes=5)).state == "later"
    assert not checking_lists.verify().faults


def test_what_was_changed_or_lost_is_found_not_used_and_made_anew(folder: Path) -> None:
    load(write(folder, "a.txt", VPN), as_of=DAY)
    held = loaded.current()
    assert loaded.current() is held and held.lists.archives
    (archive,) = store.folder(store.ARCHIVES).iterdir()
    archive.chmod(0o600)
    for harm in (lambda: archive.write_bytes(b"other"), archive.unlink):
        harm()
        loaded._held.forget()
        assert not loaded.current().lists.archives
        assert [one.code for one in checking_lists.verify().faults] == ["archive-gone"]
        with pytest.raises(Refused, match="verify --mend"):
            load(write(folder, "b.txt", "192.0.2.9\n"), as_of=DAY + timedelta(days=1))
        assert [one.mended for one in checking_lists.verify(mend=True).faults] == [True]
        assert loaded.current().lists.archives  # seen without anybody restarting anything
    (kept,) = store.folder(store.FILES).iterdir()
    kept.unlink()
    assert [one.code for one in checking_lists.verify().faults] == ["file-gone"]
    store.keep_file(folder / "a.txt")
    assert not checking_lists.verify().faults
    with connection.cursor() as cursor:  # somebody with the keys to the database
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE attribution_listimport SET as_of = as_of - interval '1 day'")
        cursor.execute("SET session_replication_role = DEFAULT")
    assert {one.code for one in checking_lists.verify().faults} == {"log-differs", "comes-out-differently"}


def test_an_import_that_was_cut_off_leaves_files_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder, "a.txt", VPN)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importing_lists, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            load(path, as_of=DAY)
    assert not Archive.objects.exists() and checking_lists.verify().unspoken == 2
    load(path, as_of=DAY)
    found = checking_lists.verify()
    assert (found.faults, found.unspoken) == ((), 0)


def test_what_is_shown_says_gaps_and_what_nothing_could_say(folder: Path) -> None:
    first = list_queries.overview(NOW)
    assert first.lists == () and Label.TOR_EXIT in first.missing and not first.exercise
    paths = [write(folder, f"{n}.txt", f"192.0.2.{n}\n") for n in (1, 2)]
    load(ListFile(paths[0], DAY), ListFile(paths[1], DAY + timedelta(days=3)), kind=ListKind.TOR_EXIT, series="Tor")
    shown = list_queries.overview(NOW)
    (one,) = shown.lists
    assert one.gaps == ((DAY, DAY + timedelta(days=3)),) and "too old" in one.age()
    assert Label.TOR_EXIT not in shown.missing
    assert json.dumps(shown.as_json())


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_lose_neither(folder: Path) -> None:
    """Both read before either writes; the one that waits grows what the other made."""
    failed: list[BaseException] = []
    ready = threading.Barrier(2)

    def one(number: int) -> None:
        try:
            path = write(folder, f"{number}.txt", f"192.0.2.{number}\n")
            ready.wait(10)
            load(path, as_of=DAY + timedelta(days=number))
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    (row,) = Archive.objects.all()
    assert row.snapshots == 2
    assert not checking_lists.verify().faults
