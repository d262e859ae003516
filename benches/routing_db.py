# SPDX-License-Identifier: Apache-2.0
"""Routing in PostgreSQL: the whole step over tips that came in through the product's own actions, and over all again.

The reports are those of worlds of the exercise, without their files. The units are as many as a country has: 36 states,
750 districts with 20 stations each; the lists are the exercise's and, beside them, invented ones of that size. The step
runs as the worker does, with its rights and row security.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from machine import Installation, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_WORLD, EACH = 7001, 560
STATES, DISTRICTS, STATIONS, PREFIXES = 36, 750, 20, 200_000
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
BY = "command:cli"


def measure(tips: int) -> dict[str, Any]:
    """File that many reports, then place them, then place them all again; times in seconds."""
    with Installation() as nightlight:
        assert nightlight.process is not None
        stop(nightlight.process)  # its worker would place what comes in before we do
        os.environ |= {"NIGHTLIGHT_HOME": str(nightlight.home), "NIGHTLIGHT_INSECURE_HTTP": "yes"}
        return _measured(tips, nightlight)


def _measured(tips: int, nightlight: Installation) -> dict[str, Any]:
    from nightlight.config import postgres

    postgres.ensure_running(nightlight.home)
    os.environ["NIGHTLIGHT_DATABASE_OWNER_URL"] = postgres.url(nightlight.home, role=postgres.SUPERUSER)
    postgres.act_as_owner()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nightlight.config.settings")
    import django

    django.setup()
    from django.db import connection

    from nightlight.pipeline.routing import loading
    from nightlight.pipeline.routing.models import Proposal, Waiting
    from nightlight.trust.custody.models import Event

    _load()
    began = time.perf_counter()
    filed = _file(tips)
    filing = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    events = Event.objects.filter(kind="tip.routed")
    first = _placed()
    told, unplaced = events.count(), Waiting.objects.count()
    loading.work_out_again()
    again = _placed()
    connection.close()
    return {
        "tips": filed,
        "filing_seconds": round(filing, 1),
        "units": 1 + STATES + DISTRICTS * (1 + STATIONS),
        "prefixes": PREFIXES,
        "seconds": round(first, 2),
        "tips_a_second": round(filed / first),
        "again_seconds": round(again, 2),
        "entries_in_the_log": told,
        "entries_when_placed_again": events.count() - told,
        "still_waiting": unplaced,
        "with_a_unit": Proposal.objects.exclude(unit=None).count(),
    }


def _placed() -> float:
    """Place all that waits as the worker does; how long it took."""
    from django.db import connection

    from nightlight.pipeline.routing import proposing
    from nightlight.trust import identity
    from nightlight.trust.rights import WORKER

    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {WORKER}")
    began = time.perf_counter()
    with identity.acting_as(service="routing"):
        left = proposing.propose_new(by="service:worker", now=lambda: NOON, patience=3600)
    took = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert left == (False, set())
    return took


def _load() -> None:
    """Units and lists of the size of a country."""
    from nightlight.exercise import places, world
    from nightlight.pipeline.routing import geofeed, loading
    from nightlight.pipeline.routing.place_rows import shipped
    from nightlight.trust.units.models import Area, Unit

    top = Unit.objects.get(receives=True)
    codes = [row.code for row in shipped().states]
    states = [_unit(top, "state", code) for code in codes]
    Unit.objects.bulk_create(states)
    ours = {one.state: one for one in places.DISTRICTS.values()}
    districts = [_unit(states[n % len(states)], "district", f"D{n}") for n in range(DISTRICTS)]
    Unit.objects.bulk_create(districts)
    stations = [_unit(one, "station", f"PS-{one.code}-{n}") for one in districts for n in range(STATIONS)]
    Unit.objects.bulk_create(stations, batch_size=2000)
    areas = [Area(unit=one, code=one.code) for one in states]
    lines = [places.district_list().decode()]
    taken = {one.code for one in places.DISTRICTS.values()}
    for number, unit in enumerate(districts):
        code = f"LGD:{number + 1}"
        state = codes[number % len(codes)]
        if state in ours and ours[state].code in taken:
            taken.discard(ours[state].code)
            code = ours[state].code
        else:
            lines.append(f"{number + 1},District {number},{state},,\n")
        areas.append(Area(unit=unit, code=code))
    areas += [Area(unit=one, code=f"PIN:{100000 + n}") for n, one in enumerate(stations)]
    Area.objects.bulk_create(areas, batch_size=2000)
    loading.import_districts(by=BY, at=NOON, name="districts.csv", data="".join(lines).encode())
    feeds = [places.network_places(FIRST_WORLD, world.build(FIRST_WORLD, EACH).people)]
    feeds.append("".join(_many()).encode())
    for number, data in enumerate(feeds):
        loading.import_networks(by=BY, at=NOON, name=f"ops-{number}.csv", data=data, as_of=date(2026, 9, 1))
    loading.import_networks(
        by=BY,
        at=NOON,
        name="anonymisers.csv",
        data=places.anonymisers(),
        as_of=date(2026, 9, 1),
        kind=geofeed.ListKind.ANONYMISERS,
    )


def _many() -> Iterator[str]:
    """Lines about networks that nobody in the exercise uses: within 2001:db8:8000::/33 (RFC 3849)."""
    for number in range(PREFIXES):
        yield f"2001:db8:{0x8000 + number // 65536:x}:{number % 65536:x}::/64,IN,IN-MH,Pune,\n"


def _unit(parent: Any, kind: str, code: str) -> Any:  # noqa: ANN401 - units, before Django is there
    from nightlight.foundation import public_ids
    from nightlight.trust.units.models import Unit

    return Unit(
        public_id=public_ids.new("UN"), parent=parent, kind=kind, code=code, name=f"{code} (bench)", created_at=NOON
    )


def _file(tips: int) -> int:
    """File reports of as many worlds as it takes; return how many were received."""
    from nightlight.exercise.plan import Ending
    from nightlight.exercise.reports import write_report
    from nightlight.exercise.world import build
    from nightlight.pipeline.matching.tests.cast import reporter
    from nightlight.pipeline.tips import actions
    from nightlight.pipeline.tips.formats.cybertipline import check

    chat, done, seed = reporter(), 0, FIRST_WORLD
    while done < tips:
        for report in build(seed, EACH).reports:
            if report.ending is not Ending.FINISHED or done >= tips:
                continue
            body = write_report(report, {})
            checked = check.check_report(
                body, profile=check.Profile.ADVISE, now=NOON, newer=True, known_reports=lambda ids: ids
            )
            number, _ = actions.open_report(by=chat, at=NOON, body=body, checked=checked, sent_from="192.0.2.1")
            actions.finish(by=chat, at=NOON, report_id=number)
            done += 1
        seed += 1
    return done
