# SPDX-License-Identifier: Apache-2.0
"""Loads what is known about places: lists of districts into the database, lists of networks as files beside it.

What is in use is held in memory and read again when another list is loaded. Every version stays, and each loading is
an entry in the custody log: a proposal of last year can be understood by what was known then.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import structlog
from django.conf import settings
from django.db import connection, transaction

from nightlight.foundation import durable
from nightlight.foundation.held import Held
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing import districts, geofeed
from nightlight.pipeline.routing.gazetteer import Gazetteer, india
from nightlight.pipeline.routing.models import District, DistrictList, Feed
from nightlight.pipeline.routing.place_rows import DistrictRow
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

FOLDER = "networks"
SHOWN = 20  # problems told of one file
_AGAIN = """
INSERT INTO routing_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING
"""
log = structlog.get_logger("routing")


class Done(NamedTuple):
    """What was loaded: how many rows, how many lines were passed over, and what was wrong with the first of them."""

    rows: int
    passed_over: int
    problems: tuple[str, ...]


class Fault(NamedTuple):
    """What `verify` finds: a list by its name, and what is wrong with it."""

    name: str
    sentence: str


# What is in use.


_gazetteer, _networks = Held[Gazetteer](), Held[geofeed.Feeds]()


def gazetteer() -> Gazetteer:
    """Return the places as they are known now: those that come with Nightlight and the newest list of districts."""
    newest = DistrictList.objects.order_by("-pk").values_list("pk", "sha256").first()
    return _gazetteer.get(newest, lambda: _with_districts(None if newest is None else newest[0]))


def networks() -> geofeed.Feeds:
    """Return where networks are, by all lists. A file that is gone or not as it was is passed over, and logged."""
    feeds = list(Feed.objects.order_by("pk"))
    return _networks.get(tuple((one.pk, one.sha256) for one in feeds), lambda: _read_feeds(feeds))


def _with_districts(key: int | None) -> Gazetteer:
    rows = District.objects.filter(list=key).order_by("code")
    return india().with_districts(
        DistrictRow(0, one.code, one.name, one.state, _several(one.aliases), _several(one.pins)) for one in rows
    )


def _read_feeds(feeds: Sequence[Feed]) -> geofeed.Feeds:
    found = []
    for one in feeds:
        data = _kept(one)
        if data is None:
            log.error("network-list-passed-over", name=one.name, sha256=one.sha256)
            continue
        kind = geofeed.ListKind(one.kind)
        found.append(geofeed.Feed(one.name, one.as_of, geofeed.read(data), until=one.until, kind=kind))
    return geofeed.Feeds(found)


def _kept(feed: Feed) -> bytes | None:
    """The bytes of a list as they were loaded; None where they are not there any more, or others are."""
    try:
        data = _path(feed.sha256).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == feed.sha256 else None


def _path(sha256: str) -> Path:
    return settings.ENVIRONMENT.home / FOLDER / f"{sha256}.csv"


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


# Loading.


@transaction.atomic
def import_districts(*, by: str, at: datetime, name: str, data: bytes, pass_over: bool = False) -> Done:
    """Load a list of districts; from now on it counts alone. See `districts` for the form.

    Raises Conflict for a list in use already, one without any district, and one with faults unless ``pass_over``.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    newest = DistrictList.objects.order_by("-pk").first()
    if newest is not None and newest.sha256 == sha256:
        raise Conflict(f"This list of districts is in use already (loaded {newest.at:%Y-%m-%d %H:%M} UTC).")
    read = districts.read_districts(data)
    bad = [one for one in read.problems if one.fault is not districts.Fault.UNKNOWN_COLUMN]
    told = tuple(f"line {one.line}: {one.sentence}" for one in read.problems[:SHOWN])
    _refuse(rows=len(read.rows), bad=len(bad), told=told, what="district", pass_over=pass_over)
    made = DistrictList.objects.create(
        name=name[:200], sha256=sha256, rows=len(read.rows), passed_over=len(bad), by=by, at=at
    )
    District.objects.bulk_create(
        (
            District(
                list=made,
                code=row.code,
                name=row.name,
                state=row.state,
                aliases=";".join(row.aliases),
                pins=";".join(row.pins),
            )
            for row in read.rows
        ),
        batch_size=1000,
    )
    custody.append(
        by=by,
        at=at,
        kind="places.districts-imported",
        subject="places:districts",
        data={"sha256": sha256, "rows": made.rows, "passed_over": made.passed_over},
    )
    return Done(made.rows, made.passed_over, told)


@transaction.atomic
def import_networks(
    *,
    by: str,
    at: datetime,
    name: str,
    data: bytes,
    as_of: date,
    until: date | None = None,
    kind: geofeed.ListKind = geofeed.ListKind.PLACES,
    pass_over: bool = False,
) -> Done:
    """Load a list of networks as of a day; it counts beside the others, each for its time. See `geofeed` for the form.

    A list whose file was lost is brought back by loading it again. Raises Conflict for one that is there already, for
    days that make no sense, one without any prefix, and one with faults unless ``pass_over``.
    """
    if as_of > at.date():
        raise Conflict("The list is of a day to come; give the day on which it was taken from its source.")
    if until is not None and until < as_of:
        raise Conflict("The last day of the list lies before its first.")
    sha256 = hashlib.sha256(data).hexdigest()
    path, there = _path(sha256), Feed.objects.filter(sha256=sha256, kind=kind, as_of=as_of).first()
    if there is not None and _kept(there) is not None:
        raise Conflict(f"This list of networks is loaded already, as of {as_of:%Y-%m-%d}.")
    read = geofeed.read(data)
    told = tuple(f"line {one.line}: {one.sentence}" for one in read.problems[:SHOWN])
    _refuse(rows=read.rows, bad=read.problem_count, told=told, what="prefix", pass_over=pass_over)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        path.unlink()  # not what was loaded: the right bytes are here again
    with suppress(FileExistsError):  # the same bytes, loaded as of another day
        durable.create(path, data)
    if there is not None:
        return Done(read.rows, read.problem_count, told)
    made = Feed.objects.create(
        name=name[:200],
        kind=kind,
        sha256=sha256,
        size=len(data),
        rows=read.rows,
        passed_over=read.problem_count,
        as_of=as_of,
        until=until,
        by=by,
        at=at,
    )
    custody.append(
        by=by,
        at=at,
        kind="places.networks-imported",
        subject="places:networks",
        data={
            "sha256": sha256,
            "kind": str(kind),
            "rows": made.rows,
            "passed_over": made.passed_over,
            "as_of": as_of.isoformat(),
            "until": until.isoformat() if until else "",
        },
    )
    return Done(made.rows, made.passed_over, told)


def _refuse(*, rows: int, bad: int, told: Sequence[str], what: str, pass_over: bool) -> None:
    first = f" The first: {told[0]}" if told else ""
    if not rows:
        raise Conflict(f"There is no {what} in this file, so nothing was loaded.{first}")
    if bad and not pass_over:
        raise Conflict(f"{bad} lines cannot be read, so nothing was loaded; --pass-over loads the other {rows}.{first}")


# What was loaded.


def verify() -> list[Fault]:
    """Compare what was loaded with what is there. Empty where all is as it was."""
    found = [
        Fault(one.name, f"the file {one.sha256}.csv is gone or was changed; load it again as of {one.as_of:%Y-%m-%d}")
        for one in Feed.objects.order_by("pk")
        if _kept(one) is None
    ]
    for made in DistrictList.objects.order_by("pk"):
        rows = made.districts.count()
        if rows != made.rows:
            found.append(Fault(made.name, f"{made.rows} districts were loaded and {rows} are there"))
    return found


@transaction.atomic
def work_out_again() -> int:
    """Have all received tips placed once more; return how many were put on the list. The worker does the rest."""
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN)
        return int(cursor.rowcount)
