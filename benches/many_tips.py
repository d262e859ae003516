# SPDX-License-Identifier: Apache-2.0
"""Fills an installation's tables with invented tips in bulk, past triggers and log, for measuring pages only.

What is made has no custody events and no files, so ``nightlight custody verify`` would refuse it: it serves to
see how the pages behave over two years of tips, and is thrown away. Written as superuser with
``session_replication_role = replica``; tips by COPY, summaries by INSERT … SELECT.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from nightlight.foundation import public_ids
from nightlight.pipeline.tips.reading import READING_VERSION  # of the rules there are: nothing is read anew

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

REPORTERS = 300
YEARS = 2
BEING_READ = 20  # the newest tips have no summary yet
_TYPES = {
    "material": 62,
    "enticement": 16,
    "unsolicited_material": 6,
    "trafficking": 5,
    "molestation": 4,
    "misleading_content": 3,
    "misleading_domain": 2,
    "tourism": 2,
}
_STATES = {"received": 9650, "retracted": 100, "expired": 245, "open": 5}
_TIP = """
COPY tips_tip (public_id, report_id, source, environment, reporter_id, sent_by, incident_type, batched, escalated,
               payload_sha256, opened_at, state, state_at, unit_id) FROM STDIN
"""
_SUMMARIES = """
INSERT INTO tips_summary (tip_id, version, external_number, sentence, people, accounts, network_events, files)
SELECT id, %(version)s, '',
       (ARRAY['One account named blue-kite, seen at 192.0.2.',
              'Two people, a chat named cricket-talk, last at 198.51.100.',
              'A page at example.org and one account, seen at 203.0.113.'])[1 + id %% 3] || (id %% 250)
         || '; ' || (id %% 5) || ' files, reported within the hour by the platform''s own review.',
       id %% 4, 1 + id %% 3, id %% 12, id %% 5
FROM tips_tip WHERE state <> 'open' ORDER BY id LIMIT (SELECT count(*) FROM tips_tip WHERE state <> 'open') - %(unread)s
ON CONFLICT DO NOTHING
"""
_REPEATS = """
INSERT INTO tips_likelyduplicate (tip_id, earlier_id)
SELECT t.id, e.id FROM tips_tip t JOIN tips_tip e ON e.id = t.id - 7 AND e.unit_id = t.unit_id
WHERE t.id %% 50 = 0  -- in one unit: nobody sees the other end of one that leads to another
"""


def fill(
    database: psycopg.Connection[tuple[object, ...]],
    tips: int,
    *,
    held: Mapping[int, int] | None = None,
    seed: int = 7,
) -> list[str]:
    """Make ``tips`` tips of 300 reporters over two years; return the reporters' public ids, busiest first.

    ``held`` maps keys of units to how many of the tips each holds (as a share, which comes out nearly exactly); without
    it the unit that receives holds all.
    """
    chance = random.Random(seed)
    (receiving,) = database.execute("SELECT units_receiving()").fetchone() or (0,)
    shares = held or {int(str(receiving)): tips}
    holders = random.Random(seed + 1).choices(list(shares), list(shares.values()), k=tips)
    database.execute("SET session_replication_role = replica")
    now = datetime.now(UTC)
    reporters = [public_ids.new("RP") for _ in range(REPORTERS)]
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO accounts_reporter (id, public_id, name, origin, created_at) VALUES (%s, %s, %s, 'api', %s)",
            [(1000 + i, reporter, f"Example Platform {i + 1:03}", now) for i, reporter in enumerate(reporters)],
        )
        with cursor.copy(_TIP) as copy:
            for line, holder in zip(_tips(tips, now, chance), holders, strict=True):
                copy.write(f"{line}\t{holder}\n")
        cursor.execute(_SUMMARIES, {"unread": BEING_READ, "version": READING_VERSION})
        cursor.execute(_REPEATS, {})
        cursor.execute("VACUUM (ANALYZE)")
    return reporters


def _tips(tips: int, now: datetime, chance: random.Random) -> Iterator[str]:
    # A few reporters send most: the weight of the n-th is 1/n.
    by = chance.choices(range(REPORTERS), cum_weights=list(accumulate(1 / n for n in range(1, REPORTERS + 1))), k=tips)
    kinds = chance.choices(list(_TYPES), list(_TYPES.values()), k=tips)
    states = chance.choices(list(_STATES), list(_STATES.values()), k=tips)
    span = timedelta(days=365 * YEARS)
    seen: set[str] = set()
    for i in range(tips):
        public_id = public_ids.new("NL")
        while public_id in seen:
            public_id = public_ids.new("NL")
        seen.add(public_id)
        # More come from year to year.
        opened = now - span + span * ((i + chance.random()) / tips) ** 0.8
        if states[i] == "open":  # not so old that it expires meanwhile
            opened = now - timedelta(minutes=20 * chance.random())
        closed = opened if states[i] == "open" else opened + timedelta(seconds=chance.random() * 90)
        environment = "test" if chance.random() < 0.03 else "production"
        yield (
            f"{public_id}\t{10**11 + i}\treporting-api\t{environment}\t{1000 + by[i]}\trp-{by[i]:010x}\t{kinds[i]}\t"
            f"{'t' if chance.random() < 0.05 else 'f'}\t{'t' if chance.random() < 0.02 else 'f'}\t\\\\x{i:064x}\t"
            f"{opened.isoformat()}\t{states[i]}\t{min(closed, now).isoformat()}"
        )
