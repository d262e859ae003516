# SPDX-License-Identifier: Apache-2.0
"""How fast the queue opens over a million open tips, 50,000 of them in the officer's own unit: the whole page.

The tips are those of ``many_tips.py``, spread over 21 units. Where each stands is made in bulk: bands as often as the
exercise has them, three in ten tips together with others about the same person, rows by the statement that the trigger
on standings follows. The scores of the unit's tips are real ones, made of reports of the exercise. Then a triage
officer of the unit asks the running server for each kind of page in turn, as in ``inbox.py``.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import many_tips
from inbox import Browser, Times, WrongPage
from machine import Installation, cpu_seconds, percentile
from nightlight.pipeline.triage import rulebook, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

UNITS = 20
DEEP = 20_000  # rows
WITHIN_MS = 150.0
_MADE_UNITS = """
INSERT INTO units_unit (public_id, parent_id, kind, code, name, receives, created_at)
SELECT 'ST-' || lpad(n::text, 4, '0'), (SELECT id FROM units_unit WHERE kind = 'national'), 'state', 'ST' || n,
       'state ' || n, false, now() FROM generate_series(1, %s) n RETURNING id, code
"""
# 5 in 100 critical, 3 high, 8 low. A tenth has nothing that dies; of every ten tips in a unit three are two or more
# about one person.
_STANDINGS = """
INSERT INTO triage_standing (tip_id, unit_id, environment, band, harm, dies_at, workability, kind, anchor, lane,
                             holder_id, snooze_reason, arrived_at)
SELECT t.id, t.unit_id, t.environment,
       CASE WHEN t.by < 5 THEN 3 WHEN t.by < 8 THEN 2 WHEN t.by < 92 THEN 1 ELSE 0 END, t.by * 7 % 100,
       CASE WHEN t.id % 10 = 0 THEN NULL ELSE now() + interval '1 day' * 180 * random() END,
       (random() * 90)::int, CASE WHEN t.id % 10 < 3 THEN 'person' ELSE 'single' END,
       CASE WHEN t.id % 10 < 3 THEN t.place / 4 ELSE t.id END, 'open', NULL, '', t.state_at
FROM (SELECT id, unit_id, environment, state_at, floor(random() * 100)::int AS by,
             row_number() OVER (PARTITION BY unit_id, id % 10 < 3 ORDER BY id) AS place
      FROM tips_tip WHERE state = 'received') t
"""
_HELD = """
UPDATE triage_standing SET holder_id = %s, held_since = now()
WHERE tip_id IN (SELECT tip_id FROM triage_standing WHERE unit_id = %s AND kind = 'single' ORDER BY tip_id LIMIT 300)
"""
_ROWS = """
INSERT INTO triage_row (unit_id, environment, kind, anchor, lead_id, tips, band, harm, dies_at, workability, first_at,
                        newest_at, holder_id)
SELECT unit_id, environment, kind, anchor,
       (array_agg(tip_id ORDER BY band DESC, dies_at NULLS LAST, workability DESC, tip_id))[1], count(*), max(band),
       max(harm), min(dies_at), max(workability), min(arrived_at), max(arrived_at),
       (array_agg(holder_id ORDER BY band DESC, dies_at NULLS LAST, workability DESC, tip_id))[1]
FROM triage_standing WHERE lane = 'open' GROUP BY unit_id, environment, kind, anchor
"""
_SCORES = """
INSERT INTO triage_score (tip_id, rulebook, rules, band, harm, dies_at, workability, body, at, due_at)
SELECT s.tip_id, 0, %(mark)s, s.band, s.harm, s.dies_at, s.workability,
       CASE WHEN s.unit_id = %(unit)s THEN (%(bodies)s::text[])[1 + s.tip_id %% cardinality(%(bodies)s::text[])]
            ELSE '' END, now(), NULL
FROM triage_standing s
"""
_PLACE = """
SELECT band, dies_at, workability, id FROM triage_row WHERE unit_id = %s AND environment = 'production'
ORDER BY band DESC, dies_at ASC NULLS LAST, workability DESC, id OFFSET %s LIMIT 1
"""


def measure(tips: int, own: int, times: int, scores: Sequence[rules.Score]) -> dict[str, Any]:
    """Fill an installation with ``tips`` open tips, ``own`` of them in one unit, and measure the pages of its queue."""
    offered = {"NIGHTLIGHT_SECOND_FACTOR": "offered"}  # a password is enough here
    with Installation(settings=offered) as nightlight, nightlight.database() as database:
        for quieter in ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"):
            database.execute(quieter)
        began = time.perf_counter()
        unit, code = _fill(database, tips, own)
        login = nightlight.command("person", "add", "asha", "--role", "triage-officer", "--unit", code)
        _stand(database, unit, scores)
        filled = time.perf_counter() - began
        counted = "SELECT count(*), count(*) FILTER (WHERE unit_id = %s) FROM {}"
        in_all, in_unit = _pair(database, counted.format("triage_standing"), unit)
        rows, rows_of_unit = _pair(database, counted.format("triage_row"), unit)
        pages = {
            "first page": "/queue/",
            f"after row {min(DEEP, rows_of_unit // 2):,}": f"/queue/?after={_place(database, unit, rows_of_unit)}",
            "band: high": "/queue/?band=high",
            "band: medium": "/queue/?band=medium",
            "mine": "/queue/?whose=mine",
            "nobody's": "/queue/?whose=nobody",
        }
        found = {name: Times() for name in pages}
        browser = Browser(nightlight.port, login["username"], login["password"])
        try:
            for name, address in (*pages.items(),) * 5:
                _one(browser, address, found[name], counts=False)
            working = [pid for part in ("web", "database") for pid in nightlight.parts().get(part, [])]
            used = cpu_seconds(working)
            for name, address in (*pages.items(),) * times:
                _one(browser, address, found[name], counts=True)
            used = cpu_seconds(working) - used
        finally:
            browser.close()
    first = found["first page"].ms
    return {
        "queue_p50_ms": round(percentile(first, 0.5), 1),
        "queue_p95_ms": round(percentile(first, 0.95), 1),
        "queue_slowest_p95_ms": round(max(percentile(took.ms, 0.95) for took in found.values()), 1),
        # Of web and database together, over all kinds of page: what a busy machine does not change.
        "processor_ms_per_page": round(used / (times * len(pages)) * 1000, 1),
        "open_tips": in_all,
        "open_tips_of_unit": in_unit,
        "rows": rows,
        "rows_of_unit": rows_of_unit,
        "pages": {
            name: {
                "p50_ms": round(percentile(took.ms, 0.5), 1),
                "p95_ms": round(percentile(took.ms, 0.95), 1),
                "max_ms": round(max(took.ms), 1),
                "bytes": took.size,
            }
            for name, took in found.items()
        },
        "fill_s": round(filled, 1),
        "requests_per_page": times,
        "load_average": round(os.getloadavg()[0], 2),
    }


def _fill(database: psycopg.Connection[tuple[object, ...]], tips: int, own: int) -> tuple[int, str]:
    """Make units and tips; return the key and the code of the unit that holds ``own`` of them."""
    made = [(int(str(key)), str(code)) for key, code in database.execute(_MADE_UNITS, [UNITS]).fetchall()]
    (root,) = database.execute("SELECT units_receiving()").fetchone() or (0,)
    rest = tips - own
    held = {made[0][0]: own, int(str(root)): rest // 10}
    held |= {key: (rest - rest // 10) // (UNITS - 1) for key, _ in made[1:]}
    # Of these some were taken back or never finished, and stand in no queue.
    many_tips.fill(database, round(tips * 1.04), held=held)
    return made[0]


def _stand(database: psycopg.Connection[tuple[object, ...]], unit: int, scores: Sequence[rules.Score]) -> None:
    """Write where every tip stands; no trigger runs, as in ``many_tips``."""
    (person,) = database.execute("SELECT max(id) FROM accounts_user").fetchone() or (0,)
    database.execute("SET session_replication_role = replica")
    database.execute("SELECT setseed(0.5)")
    database.execute(_STANDINGS)
    database.execute(_HELD, [person, unit])
    database.execute(_ROWS)
    # With the mark of the rules in use, or the worker would begin to score them all anew.
    told = {
        "mark": f"{rulebook.shipped().digest}-{rules.VERSION}",
        "unit": unit,
        "bodies": [rules.to_json(score).decode() for score in scores],
    }
    database.execute(_SCORES, told)
    database.execute("SET session_replication_role = origin")
    database.execute("VACUUM (ANALYZE)")


def _pair(database: psycopg.Connection[tuple[object, ...]], statement: str, unit: int) -> tuple[int, int]:
    row = database.execute(statement, [unit]).fetchone()
    if row is None:
        raise WrongPage("Nothing was counted.")
    return int(str(row[0])), int(str(row[1]))


def _place(database: psycopg.Connection[tuple[object, ...]], unit: int, rows: int) -> str:
    """Return the place of a row far down, as the queue's addresses write it."""
    row = database.execute(_PLACE, [unit, min(DEEP, rows // 2)]).fetchone()
    if row is None:
        raise WrongPage("The unit has too few rows.")
    band, dies_at, workability, key = row
    told = "x"
    if isinstance(dies_at, datetime):
        told = str((dies_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    return f"{band}-{told}-{workability}-{key}"


def _one(browser: Browser, address: str, found: Times, *, counts: bool) -> None:
    started = time.perf_counter()
    status, body = browser.get(address)
    took = (time.perf_counter() - started) * 1000
    if status != 200 or body.count(b"/tips/NL-") < 50:
        raise WrongPage(f"{address} was answered {status} with {len(body)} bytes.")
    if counts:
        found.ms.append(took)
        found.size = max(found.size, len(body))
