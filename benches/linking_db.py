# SPDX-License-Identifier: Apache-2.0
"""Links in PostgreSQL: all people worked out anew from the tables and back, then one more tip at a time at that size.

The tables of an installation are filled in bulk, past triggers and log, with what tips of an invented population say:
e-mail, telephone, device, account, screen name, addresses; some names and addresses are shared by very many. Then
reports come in through the product's own steps, each about somebody of the population (every fourth with a name that
a twentieth of a fifth share), and the step links each in a transaction of its own.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from machine import Installation, percentile, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.linking.kinds import Kind

SEED, FIRST, WARM, TIMED = 7, 1000, 20, 200
_TIPS = """
INSERT INTO tips_tip SELECT (jsonb_populate_record(NULL::tips_tip, to_jsonb(one) || jsonb_build_object(
    'id', %(first)s + g, 'public_id', 'S' || g, 'report_id', 20000000000 + g))).*
FROM (SELECT * FROM tips_tip LIMIT 1) AS one, generate_series(1, %(tips)s) g
"""
_SUBJECTS = """
INSERT INTO linking_subject (id, tip_id, party, side, pseudonym, component, person, gone)
SELECT %(first)s + g, %(first)s + g, 0, 'suspect', 'Reported person 1', %(first)s + g, %(first)s + g, false
FROM generate_series(1, %(tips)s) g
"""
_SIGHTINGS = """
COPY linking_sighting (tip_id, identifier_id, subject_id, side, role, source, as_sent, value, from_text) FROM STDIN
"""
_IDENTIFIERS = "COPY linking_identifier (id, kind, digest, suspects, children, silenced, cleared) FROM STDIN"
_NEXT = """
SELECT setval(pg_get_serial_sequence('linking_identifier', 'id'), max(id) + 1) FROM linking_identifier;
SELECT setval(pg_get_serial_sequence('linking_subject', 'id'), max(id) + 1) FROM linking_subject;
SELECT setval(pg_get_serial_sequence('tips_tip', 'id'), max(id) + 1) FROM tips_tip;
"""


def measure(tips: int) -> dict[str, Any]:
    """Fill, rebuild and link one by one; times of the rebuild in seconds, of one more tip in milliseconds."""
    with Installation() as nightlight:
        assert nightlight.process is not None
        stop(nightlight.process)  # its worker would link what comes in before we do
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

    from nightlight.pipeline.linking import linking, rebuilding
    from nightlight.pipeline.linking.tests import db_cast

    dice = random.Random(SEED)
    chat = db_cast.reporter()
    db_cast.tip(chat, db_cast.suspect())
    db_cast.link()
    began = time.perf_counter()
    sightings = _fill(tips, dice)
    filled = time.perf_counter() - began
    began = time.perf_counter()
    rebuilding.rebuild()
    rebuilt = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    took: list[float] = []
    for number in range(WARM + TIMED):
        person = _somebody(dice, tips)
        name = f"name{person}" if number % 4 else "common1"
        suspect = db_cast.suspect(name, email=f"p{person}@example.org", phone=f"+9199{person:08}")
        tip = db_cast.tip(chat, suspect)
        understood = linking._understood([tip])[tip.pk]  # reading a report is another step's time
        began = time.perf_counter()
        linking.link(tip.pk, understood, by=db_cast.BY, at=db_cast.LATER)
        took.append((time.perf_counter() - began) * 1000)
    again = rebuilding.rebuild()
    connection.close()
    timed = took[WARM:]
    return {
        "tips": tips,
        "sightings": sightings,
        "fill_seconds": round(filled, 1),
        "rebuild_seconds": round(rebuilt, 1),
        "one_more_mean_ms": round(statistics.mean(timed), 1),
        "one_more_95_of_100_ms": round(percentile(timed, 0.95), 1),
        "one_more_max_ms": round(max(timed), 1),
        "people_that_a_rebuild_changes_then": again.persons_changed,
    }


def _somebody(dice: random.Random, tips: int) -> int:
    return int(tips // 3 * dice.random() ** 2)


def _fill(tips: int, dice: random.Random) -> int:
    """Fill the tables; return how many sightings there are."""
    from django.db import connection

    from nightlight.pipeline.linking import blinding

    keys: dict[tuple[Kind, str], int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_TIPS, {"first": FIRST, "tips": tips})
        cursor.execute(_SUBJECTS, {"first": FIRST, "tips": tips})
        with cursor.copy(_SIGHTINGS) as copy:
            lines: list[str] = []
            for tip in range(FIRST + 1, FIRST + tips + 1):
                for said in _said(dice, tips):
                    key = keys.setdefault(said, FIRST + len(keys))
                    lines.append(f"{tip}\t{key}\t{tip}\tsuspect\treported\tpersonOrUserReported\tx\tx\tf\n")
                if len(lines) > 50_000:
                    copy.write("".join(lines))
                    lines.clear()
            copy.write("".join(lines))
        with cursor.copy(_IDENTIFIERS) as copy:
            for (kind, value), key in keys.items():
                digest = blinding.digest(kind, value, environment="production").hex()
                copy.write(f"{key}\t{kind.value}\t\\\\x{digest}\t0\t0\tf\tf\n")
        cursor.execute(_NEXT)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
        cursor.execute("SELECT count(*) FROM linking_sighting")
        return int(cursor.fetchone()[0])


def _said(dice: random.Random, tips: int) -> Iterator[tuple[Kind, str]]:
    """What one report says of the person in it, normalised."""
    from nightlight.pipeline.linking.kinds import Kind

    person = _somebody(dice, tips)
    for share, kind, value in (
        (0.6, Kind.EMAIL, f"p{person}@example.org"),
        (0.5, Kind.PHONE, f"+9199{person:08}"),
        (0.4, Kind.DEVICE, f"d{person:012}"),
        (0.5, Kind.ACCOUNT, f"s{person % 3}|{person}"),
    ):
        if dice.random() < share:
            yield kind, value
    name = f"name{person}" if dice.random() < 0.8 else f"common{dice.randrange(20)}"
    yield Kind.HANDLE, f"s{person % 3}|{name}"
    yield Kind.ANY_HANDLE, name
    yield Kind.NETWORK, f"n{dice.randrange(20_000)}"
    yield Kind.ADDRESS, f"a{dice.randrange(300_000)}"
    yield Kind.URL, f"u{dice.randrange(1000)}"
