# SPDX-License-Identifier: Apache-2.0
"""Lists of districts and networks are refused whole or loaded whole, kept, and seen at once by whoever places tips."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing import geofeed, loading
from nightlight.pipeline.routing.models import District, DistrictList, Feed
from nightlight.pipeline.routing.tests import placing_cast as cast
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
FIRST = date(2026, 9, 1)
WHEN = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for the files of lists."""
    monkeypatch.setattr(loading, "FOLDER", str(tmp_path))
    return tmp_path


def networks(text: str = cast.NETWORKS, *, as_of: date = FIRST, **more: object) -> loading.Done:
    """Load a list of networks."""
    return loading.import_networks(
        by=cast.BY,
        at=cast.NOON,
        name="ops.csv",
        data=text.encode(),
        as_of=as_of,
        **more,  # type: ignore[arg-type]
    )


def districts(text: str = cast.DISTRICTS, **more: bool) -> loading.Done:
    """Load a list of districts."""
    return loading.import_districts(by=cast.BY, at=cast.NOON, name="districts.csv", data=text.encode(), **more)


def test_a_list_with_faults_or_with_nothing_in_it_is_refused_whole() -> None:
    for text in ("", "code,name\n1,Pune\n", "code,name,state\n", "code,name,state\n9009,Pune,XX\n"):
        with pytest.raises(Conflict, match="nothing was loaded"):
            districts(text)
    with pytest.raises(Conflict, match=r"1 lines cannot be read, .* line 4"):
        districts(f"{cast.DISTRICTS}9011,Nowhere,XX,,\n")
    with pytest.raises(Conflict, match="nothing was loaded"):
        networks("nothing\n")
    with pytest.raises(Conflict, match="1 lines cannot be read"):
        networks(f"{cast.NETWORKS}203.0.113.0/99,IN,,,\n")
    assert not DistrictList.objects.exists() and not Feed.objects.exists()
    assert districts(f"{cast.DISTRICTS}9011,Nowhere,XX,,\n", pass_over=True)[:2] == (2, 1)


def test_days_that_make_no_sense_and_the_same_list_twice_are_refused(folder: Path) -> None:
    with pytest.raises(Conflict, match="day to come"):
        networks(as_of=cast.NOON.date() + timedelta(days=1))
    with pytest.raises(Conflict, match="before its first"):
        networks(until=FIRST - timedelta(days=1))
    districts()
    networks()
    with pytest.raises(Conflict, match="in use already"):
        districts()
    with pytest.raises(Conflict, match="loaded already"):
        networks()
    assert Feed.objects.count() == 1 and len(list(folder.iterdir())) == 1
    networks(as_of=FIRST + timedelta(days=30))  # the same bytes, taken again a month later
    assert Feed.objects.count() == 2 and len(list(folder.iterdir())) == 1


def test_what_was_loaded_is_never_changed() -> None:
    districts()
    networks()
    for change in (
        lambda: District.objects.update(name="Elsewhere"),
        lambda: DistrictList.objects.all().delete(),
        lambda: Feed.objects.update(as_of=FIRST - timedelta(days=9)),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_another_list_counts_at_once_and_the_earlier_one_is_kept() -> None:
    assert loading.gazetteer().by_postal("411001")[0].district == ""
    districts()
    held = loading.gazetteer()
    assert held.by_postal("411001")[0].district == "LGD:9009"
    assert loading.gazetteer() is held
    districts(cast.DISTRICTS.replace("9009,", "9010,"))
    assert loading.gazetteer().by_postal("411001")[0].district == "LGD:9010"
    assert [made.districts.count() for made in DistrictList.objects.order_by("pk")] == [2, 2]
    told = [json.loads(one.body)["data"]["rows"] for one in Event.objects.filter(kind="places.districts-imported")]
    assert told == [2, 2]


def test_each_list_of_networks_counts_for_its_time() -> None:
    assert loading.networks().at("2001:db8:1000:1::9", WHEN) is None
    networks()
    networks("2001:db8:1000:1::/64,IN,IN-TN,Chennai,\n", as_of=date(2026, 10, 15))
    networks("2001:db8:1000:1::/64\n", as_of=FIRST, kind=geofeed.ListKind.ANONYMISERS, until=date(2026, 9, 20))
    found = loading.networks()
    assert loading.networks() is found
    early, late = found.at("2001:db8:1000:1::9", WHEN), found.at("2001:db8:1000:1::9", WHEN + timedelta(days=20))
    assert early is not None and early.city == "Kochi" and not early.note
    assert late is not None and late.city == "Chennai"
    hidden = found.at("2001:db8:1000:1::9", datetime(2026, 9, 10, tzinfo=UTC))
    assert hidden is not None and "anonymiser" in hidden.note


def test_a_file_that_was_changed_or_lost_is_not_used_and_comes_back_when_loaded_again(folder: Path) -> None:
    networks()
    assert loading.verify() == []
    (file,) = folder.iterdir()
    for harm in (lambda: file.write_text("203.0.113.0/25,US,,,\n"), file.unlink):
        file.chmod(0o600)
        harm()
        (fault,) = loading.verify()
        assert fault.name == "ops.csv" and "load it again as of 2026-09-01" in fault.sentence
        loading._networks.get(None, lambda: geofeed.Feeds(()))  # nothing held in memory any more
        assert loading.networks().at("2001:db8:1000:1::9", WHEN) is None
        networks()
        loading._networks.get(None, lambda: geofeed.Feeds(()))
        assert loading.verify() == [] and loading.networks().at("2001:db8:1000:1::9", WHEN) is not None
    assert Feed.objects.count() == 1
    assert settings.ENVIRONMENT.home.is_absolute()
