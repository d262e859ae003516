# SPDX-License-Identifier: Apache-2.0
"""Databases are loaded as lists are; a family that empties is over; archives that have grown are taken away."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import checking_lists, importing_lists, loaded, store
from nightlight.casework.attribution.import_kinds import ListFile, Refused
from nightlight.casework.attribution.models_lists import Archive, ListImport
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.tests import mmdb_cast
from nightlight.casework.attribution.tests.test_importing_lists import DAY, folder, load, write

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import DjangoCaptureOnCommitCallbacks

    from nightlight.casework.attribution.lists import Table

__all__ = ["folder"]
pytestmark = pytest.mark.django_db
BUILT = int(DAY.timestamp())
WEEK = timedelta(days=7)


def _state(address: str, days: float) -> str:
    (archived,) = loaded.current_lists().archives
    return str(archived.archive.at(address, DAY + timedelta(days=days)).state)


def _database(folder: Path, name: str, kind: str, rows: dict[str, dict[str, object]], *, weeks: int = 0) -> Path:
    path = folder / name
    path.write_bytes(mmdb_cast.database(kind, rows, built=BUILT + weeks * 7 * 86_400))
    return path


def _value(address: str) -> object:
    table: Table
    (table,) = loaded.current_lists().tables
    found = ip_address(address)
    return table.values[table.v4.find(found) if found.version == 4 else table.v6.find(found)]


def test_a_database_that_says_nothing_of_the_kind_or_is_of_a_time_to_come_is_refused(folder: Path) -> None:
    asns = _database(folder, "asn.mmdb", "GeoLite2-ASN", {"192.0.2.0/24": {"autonomous_system_number": 64496}})
    cut = folder / "cut.mmdb"
    cut.write_bytes(asns.read_bytes()[:-20])
    bomb = folder / "bomb.mmdb"
    bomb.write_bytes(mmdb_cast.each_node_twice(100))
    later = _database(folder, "later.mmdb", "GeoLite2-ASN", {"192.0.2.0/24": {"as_name": "x"}}, weeks=9)
    for path, kind, code in (
        (asns, ListKind.VPN, "wrong-kind"),
        (asns, ListKind.COUNTRIES, "wrong-kind"),
        (cut, ListKind.NETWORKS, None),
        (bomb, ListKind.NETWORKS, "damaged"),
        (bomb, ListKind.VPN, "damaged"),
        (later, ListKind.NETWORKS, "time-to-come"),
    ):
        with pytest.raises(Refused) as refused:
            load(path, kind=kind)
        assert code is None or refused.value.code == code, (path, kind, refused.value.code)
    assert not ListImport.objects.exists() and not Archive.objects.exists()


def test_a_database_of_networks_is_a_table_of_the_day_on_which_it_was_built(folder: Path) -> None:
    rows: dict[str, dict[str, object]] = {
        "192.0.2.0/24": {"autonomous_system_number": 64496, "autonomous_system_organization": "Example Fibre"},
        "2001:db8::/32": {"autonomous_system_number": 64497, "autonomous_system_organization": "Example Mobile"},
    }
    load(_database(folder, "asn.mmdb", "GeoLite2-ASN", rows), kind=ListKind.NETWORKS)
    (row,) = Archive.objects.all()
    assert (row.as_of, row.rows) == (DAY, 2)
    assert [str(getattr(_value(address), "name", "")) for address in ("192.0.2.7", "2001:db8::7")] == [
        "Example Fibre",
        "Example Mobile",
    ]
    assert not checking_lists.verify().faults


def test_a_database_of_anonymisers_is_a_snapshot_also_of_what_it_does_not_list(folder: Path) -> None:
    first = {"192.0.2.0/25": {"is_anonymous_vpn": True}, "2001:db8::/48": {"is_anonymous_vpn": True}}
    second = {"192.0.2.0/25": {"is_anonymous_vpn": True}}
    third = {"192.0.2.0/25": {"is_hosting_provider": True}}
    for weeks, rows in enumerate((first, second, third)):
        load(_database(folder, f"{weeks}.mmdb", "GeoIP2-Anonymous-IP", rows, weeks=weeks))  # type: ignore[arg-type]
    assert [_state("2001:db8::7", days) for days in (1, 7)] == ["listed", "before"]
    assert [_state("192.0.2.7", days) for days in (1, 8, 14)] == ["listed", "listed", "before"]
    assert not checking_lists.verify().faults


def test_what_a_family_had_is_over_when_a_later_list_names_none_of_it(folder: Path) -> None:
    both = write(folder, "a.txt", "192.0.2.7\n2001:db8::7\n")
    fours = write(folder, "b.txt", "192.0.2.7\n")
    load(both, as_of=DAY)
    load(fours, as_of=DAY + WEEK)
    assert [_state("2001:db8::7", days) for days in (1, 7)] == ["listed", "before"]
    assert _state("192.0.2.7", 7) == "listed"
    assert not checking_lists.verify().faults
    load(ListFile(both, DAY), ListFile(fours, DAY + WEEK), series="At once")
    assert len(set(Archive.objects.values_list("sha256", flat=True))) == 1


def test_which_was_loaded_first_changes_no_label(folder: Path) -> None:
    head = "start,end,asn,as_name\n"
    tables = {
        name: write(folder, f"{name}.csv", f"{head}192.0.2.0,192.0.2.255,{number},{name}\n")
        for name, number in (("one", 64496), ("two", 64497))
    }
    said = []
    for order in (("one", "two"), ("two", "one")):
        Archive.objects.all().delete()
        for name in order:
            load(tables[name], kind=ListKind.NETWORKS, as_of=DAY, series=f"{name} {order[0]} first")
        found = loaded.current_lists()
        said.append([table.name.split()[0] for table in found.tables])
    assert said[0] == said[1] == ["one", "two"]


def test_an_archive_that_has_grown_is_taken_away_and_no_list_ever_is(
    folder: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for days in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            load(write(folder, f"{days}.txt", f"192.0.2.{days}\n"), as_of=DAY + timedelta(days=days))
        (kept,) = store.folder(store.ARCHIVES).iterdir()
        assert kept.name == Archive.objects.get().sha256
    assert len(list(store.folder(store.FILES).iterdir())) == 3
    (store.folder(store.ARCHIVES) / ("0" * 64)).write_bytes(b"left by an import that was cut off")
    (store.folder(store.FILES) / ("1" * 64)).write_bytes(b"as it came")
    assert checking_lists.verify().unspoken == 2
    assert checking_lists.verify(mend=True).unspoken == 1
    assert (store.folder(store.FILES) / ("1" * 64)).is_file()
    assert not checking_lists.verify().faults


def test_an_import_that_would_miss_what_another_brought_meanwhile_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write(folder, "a.txt", "192.0.2.7\n"), as_of=DAY)
    real, lock = importing_lists._lock, importing_lists._lock

    def another() -> None:
        monkeypatch.setattr(importing_lists, "_lock", real)
        load(write(folder, "b.txt", "192.0.2.7\n2001:db8::7\n"), as_of=DAY + WEEK)
        lock()

    monkeypatch.setattr(importing_lists, "_lock", another)
    with pytest.raises(Refused, match="load again"):
        load(write(folder, "c.txt", "192.0.2.9\n"), as_of=DAY + 2 * WEEK)
    load(folder / "b.txt", as_of=DAY + WEEK)  # here it was part of what was refused
    load(folder / "c.txt", as_of=DAY + 2 * WEEK)
    assert _state("2001:db8::7", 14) == "before"
    assert not checking_lists.verify().faults
