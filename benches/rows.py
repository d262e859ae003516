# SPDX-License-Identifier: Apache-2.0
"""What row security costs: the same pages over the same tips with it and without it, for each kind of reach.

1,000 units (a national centre, 36 states, 260 districts, 703 stations) hold 1,000,000 tips unevenly: the centre, which
receives, a tenth; the busiest station about 30,000; a hundred stations ten each. Five people look: an investigator at
the busiest station and one at a quiet one, the commander of the busy one's district, the triage officer of its state,
and the auditor of the centre, who reaches everything. The pages come from a real server over loopback connections.

Without row security means: the owner switches it off for all tables (``ALTER TABLE … DISABLE ROW LEVEL SECURITY``), the
statements stay the same. Lists filter by unit themselves as well, and only tips within reach are opened, so both ways
give the same pages; each page is compared. On and off take turns, so that both meet the same noise; ``ratio`` is the
median over the turns of one turn's median with row security by its neighbour's without.

    python benches/rows.py                    # 1,000,000 tips, a table for people, about six minutes
    python benches/rows.py --quick --json     # 50,000 tips; about a minute; the last line is one JSON object
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

import machine
import many_tips
from filing import Load
from inbox import Browser, WrongPage
from machine import Installation, percentile

if TYPE_CHECKING:
    import psycopg

FULL, QUICK = 1_000_000, 50_000
ALLOWED, WITHIN_MS = 0.15, 100.0  # what row security may cost; what an inbox page may take (95 of 100)
STATES, DISTRICTS, STATIONS = 36, 260, 703
SAMPLED = 6  # tips of each person that are opened; they have everything a report that came over the wire has
LISTS = ("first page", "by incident type", "by reporter", "older page", "never finished", "news")
# What differs each time: the form's token, and since when an empty list asks for news.
_EVER_NEW = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"|since=[0-9]+-00000000')
_TIP = re.compile(rb"NL-[0-9A-Z]{4}-[0-9A-Z]{4}")
people = Console(stderr=True, highlight=False)
Seen = dict[tuple[str, str], object]  # by person and address: what was shown

_UNITS = """
INSERT INTO units_unit (public_id, parent_id, kind, code, name, receives, created_at)
SELECT %(mark)s::text || '-' || lpad(n::text, 4, '0'), p.id, %(kind)s::text, %(mark)s::text || n,
       %(kind)s::text || ' ' || n, false, now()
FROM generate_series(1, %(many)s) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS among
      FROM units_unit WHERE kind = %(above)s::text) p ON p.place = 1 + (n - 1) %% p.among
"""
# Beside each tip: a document, a file with its item and its blob, a reading, an entry in the log.
_BESIDE = (
    """INSERT INTO tips_document (tip_id, kind, file_id, body, key_part, size, sha256, received_at)
       SELECT t.id, 'report', '', decode(repeat(md5(t.id::text), 8), 'hex'), decode(repeat(md5(t.id::text), 5), 'hex'),
              2000 + t.id %% 3000, t.payload_sha256, t.opened_at FROM tips_tip t WHERE t.id > {example}""",
    """INSERT INTO evidence_blob (id, public_id, sha256, sha1, md5, size, locator, envelope, stored_at)
       SELECT t.id + 1000, 'BL-' || t.id, t.payload_sha256, substr(t.payload_sha256, 13), substr(t.payload_sha256, 17),
              100000 + t.id %% 1000, 'none/' || t.id, 1, t.opened_at FROM tips_tip t WHERE t.id > {example}""",
    """INSERT INTO evidence_item (id, public_id, blob_id, received_at, source, context)
       SELECT t.id + 1000, 'EV-' || t.id, t.id + 1000, t.opened_at, 'bench', ''
       FROM tips_tip t WHERE t.id > {example}""",
    """INSERT INTO tips_tipfile (tip_id, item_id, file_id)
       SELECT t.id, t.id + 1000, lpad(to_hex(t.id), 32, '0') FROM tips_tip t WHERE t.id > {example}""",
    """INSERT INTO tips_shown (tip_id, version, body)
       SELECT t.id, s.version, CASE WHEN t.public_id = ANY (%(sampled)s) THEN s.body
                                    ELSE '{{"reading":null,"held_back":{{}},"findings":[]}}' END
       FROM tips_tip t, tips_shown s WHERE s.tip_id = {example} AND t.id > {example}""",
    """INSERT INTO custody_event (at, kind, actor, subject, body, leaf_hash)
       SELECT t.state_at, 'report.opened', 'reporter:none', 'tip:' || t.public_id, told.body,
              sha256('\\x00'::bytea || convert_to(told.body, 'UTF8'))
       FROM tips_tip t, LATERAL (SELECT '{{"subject":"tip:' || t.public_id || '"}}') AS told (body)
       WHERE t.id > {example}""",
)
# These as they are written in earnest, so that the log gives each its place and its proof.
_ENTRIES = """
INSERT INTO custody_event (at, kind, actor, subject, body, leaf_hash)
SELECT e.at, e.kind, e.actor, 'tip:' || s.id, replace(e.body, %(example)s, s.id),
       sha256('\\x00'::bytea || convert_to(replace(e.body, %(example)s, s.id), 'UTF8'))
FROM unnest(%(sampled)s::text[]) AS s (id), custody_event e WHERE e.subject = 'tip:' || %(example)s ORDER BY e.id
"""


@dataclass
class Person:
    """Somebody who looks, and the addresses they ask for, by page."""

    name: str
    role: str
    code: str  # of the unit
    unit: int  # its key
    below: bool  # whether they reach what is below it
    browser: Browser = field(init=False)
    pages: dict[str, list[str]] = field(default_factory=dict)
    tips: int = 0


@dataclass
class Figures:
    """Times in milliseconds of one page for one person: a list for each turn, with row security and without."""

    turns: dict[bool, list[list[float]]] = field(default_factory=lambda: {True: [], False: []})

    @property
    def ratio(self) -> float:
        """The median over the turns of median with by median without."""
        pairs = zip(self.turns[True], self.turns[False], strict=True)
        return statistics.median(statistics.median(on) / statistics.median(off) for on, off in pairs)

    def ms(self, share: float, *, on: bool) -> float:
        """The percentile over all turns."""
        return percentile([ms for turn in self.turns[on] for ms in turn], share)


def measure(tips: int, turns: int, each: int) -> dict[str, Any]:
    """Fill an installation, measure its pages with and without row security in turn, clean up."""
    offered = {"NIGHTLIGHT_SECOND_FACTOR": "offered"}  # a password is enough here
    with Installation(settings=offered) as nightlight, nightlight.database() as database:
        began = time.perf_counter()
        looking = _prepare(nightlight, database, tips)
        people.print(f"  {tips:,} tips made in {time.perf_counter() - began:.0f} s", style="dim")
        secured = [
            str(name)
            for (name,) in database.execute(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
            )
        ]
        seen: Seen = {}
        figures: dict[tuple[str, str], Figures] = defaultdict(Figures)
        try:
            for on in (False, True):  # warms both, and makes every search once, which the log then knows
                _switch(database, secured, on=on)
                for person in looking:
                    for page, addresses in person.pages.items():
                        for address in addresses:
                            _ask(seen, person, page, address)
            for turn in range(turns):
                for on in (turn % 2 == 0, turn % 2 == 1):
                    _switch(database, secured, on=on)
                    _turn(looking, seen, defaultdict(Figures), 1, on=on)  # plans are made anew after a switch
                    _turn(looking, seen, figures, each, on=on)
        finally:
            for person in looking:
                person.browser.close()
    return _result(looking, figures, tips)


def _prepare(nightlight: Installation, database: psycopg.Connection[tuple[object, ...]], tips: int) -> list[Person]:
    for quieter in ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"):
        database.execute(quieter)
    held, busiest = _units(database, tips)
    example = _example(nightlight, database)
    reporters = many_tips.fill(database, tips, held=held)
    looking = _people(database, busiest)
    chance = random.Random(5)
    sampled = []
    for person in looking:
        sampled += _pages(database, person, reporters, chance)
    told = {"sampled": sorted(set(sampled)), "example": example[1]}
    for statement in _BESIDE:
        database.execute(statement.format(example=example[0]), told)  # type: ignore[arg-type]  # our own text
    database.execute("SET session_replication_role = origin")
    database.execute(_ENTRIES, told)
    database.execute("VACUUM (ANALYZE)")
    logins = [
        nightlight.command("person", "add", person.name, "--role", person.role, "--unit", person.code)
        for person in looking
    ]
    _wait(database, "SELECT count(*) = 0 FROM custody_pending")
    for person, login in zip(looking, logins, strict=True):
        person.browser = Browser(nightlight.port, login["username"], login["password"])
    return looking


def _units(database: psycopg.Connection[tuple[object, ...]], tips: int) -> tuple[dict[int, int], int]:
    """Make the units; return how many tips each is to hold of so many, and the key of the busiest station."""
    for kind, above, mark, many in (
        ("state", "national", "ST", STATES),
        ("district", "state", "DI", DISTRICTS),
        ("station", "district", "PS", STATIONS),
    ):
        database.execute(_UNITS, {"kind": kind, "above": above, "mark": mark, "many": many})
    rows = database.execute("SELECT id, kind FROM units_unit ORDER BY id").fetchall()
    kinds = {int(str(key)): str(kind) for key, kind in rows}
    root = next(key for key, kind in kinds.items() if kind == "national")
    stations = [key for key, kind in kinds.items() if kind == "station"]
    others = [key for key in kinds if key != root]
    random.Random(3).shuffle(others)
    others.remove(stations[100])
    quiet = set(stations[-100:])
    ranked = [stations[100], *(key for key in others if key not in quiet)]
    # The n-th busiest unit holds n to the power of -0.65 of what the busiest holds; together nine tenths.
    weights = [n**-0.65 for n in range(1, len(ranked) + 1)]
    most = 0.9 * tips / sum(weights)
    return {
        root: tips // 10,
        **{key: max(1, round(most * weight)) for key, weight in zip(ranked, weights, strict=True)},
        **dict.fromkeys(quiet, 10),
    }, ranked[0]


def _people(database: psycopg.Connection[tuple[object, ...]], busiest: int) -> list[Person]:
    """Return who looks: at the busiest station and above it, and at a quiet one."""
    rows = database.execute(
        "SELECT u.kind, u.code, u.id FROM units_unit u JOIN units_below b ON b.ancestor_id = u.id WHERE b.unit_id = %s",
        [busiest],
    ).fetchall()
    above = {str(kind): (str(code), int(str(key))) for kind, code, key in rows}
    quiet = database.execute("SELECT code, id FROM units_unit WHERE kind = 'station' ORDER BY id DESC").fetchone()
    if quiet is None or set(above) != {"national", "state", "district", "station"}:
        raise WrongPage("The units are not as they were meant.")
    return [
        Person("Asha", "investigator", *above["station"], below=False),
        Person("Bela", "investigator", str(quiet[0]), int(str(quiet[1])), below=False),
        Person("Chand", "commander", *above["district"], below=True),
        Person("Devi", "triage-officer", *above["state"], below=True),
        Person("Esha", "auditor", *above["national"], below=True),
    ]


def _example(nightlight: Installation, database: psycopg.Connection[tuple[object, ...]]) -> tuple[int, str]:
    """Send one report with a file over the wire, wait until it has been read, and return its key and identifier."""
    login = nightlight.command("reporter", "add", "Example Chat", "--environment", "production")
    Load(nightlight.port, login["username"], login["password"], exact=True).run(clients=1, seconds=0, warm_up=0)
    _wait(database, "SELECT count(*) = 1 FROM tips_shown")
    key, public_id = database.execute("SELECT id, public_id FROM tips_tip").fetchone() or (0, "")
    return int(str(key)), str(public_id)


def _wait(database: psycopg.Connection[tuple[object, ...]], question: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while database.execute(question).fetchone() != (True,):  # type: ignore[arg-type]  # our own text
        if time.monotonic() > end:
            raise WrongPage(f"Still not so after {seconds:.0f} s: {question}")
        time.sleep(0.2)


def _pages(
    database: psycopg.Connection[tuple[object, ...]], person: Person, reporters: list[str], chance: random.Random
) -> list[str]:
    """Choose the person's addresses; return the identifiers of the tips that are opened."""
    reach = "unit_id IN (SELECT unit_id FROM units_below WHERE ancestor_id = %s)" if person.below else "unit_id = %s"
    listed = f"FROM tips_tip WHERE {reach} AND environment = 'production' AND state = 'received'"
    rows = database.execute(
        f"SELECT public_id, report_id, (extract(epoch FROM state_at) * 1000000)::bigint {listed}"  # type: ignore[arg-type]
        " ORDER BY state_at DESC, id DESC LIMIT 30000",
        [person.unit],
    ).fetchall()
    found = [(str(public_id), int(str(number)), int(str(at))) for public_id, number, at in rows]
    (person.tips,) = database.execute(f"SELECT count(*) {listed}", [person.unit]).fetchone() or (0,)  # type: ignore[arg-type, assignment]
    opened = chance.sample(found, min(SAMPLED, len(found)))
    deep = [found[min(place, len(found) - 1)] for place in (len(found) // 2, len(found) // 3)]
    person.pages = {
        "first page": ["/"],
        "by incident type": [f"/?type={kind}" for kind in ("material", "enticement", "tourism", "trafficking")],
        "by reporter": [f"/?reporter={reporter}" for reporter in islice(reporters, 0, 60, 10)],
        "older page": [f"/?after={_place(tip)}" for tip in deep],
        "never finished": ["/?state=expired"],
        "news": [f"/arrivals/?since={_place(found[0])}"],
        "tip": [f"/tips/{public_id}/" for public_id, _, _ in opened],
        "find by identifier": [f"/find/?q={public_id}" for public_id, _, _ in opened[:4]],
        "find by number": [f"/find/?q={number}" for _, number, _ in opened[:4]],
        "find nothing": ["/find/?q=777"],
    }
    return [public_id for public_id, _, _ in opened]


def _place(tip: tuple[str, int, int]) -> str:
    return f"{tip[2]}-{tip[0].removeprefix('NL-').replace('-', '')}"


def _switch(database: psycopg.Connection[tuple[object, ...]], tables: list[str], *, on: bool) -> None:
    verb = "ENABLE" if on else "DISABLE"
    for table in tables:
        database.execute(f"ALTER TABLE {table} {verb} ROW LEVEL SECURITY")  # type: ignore[arg-type]  # names of ours


def _turn(looking: list[Person], seen: Seen, figures: dict[tuple[str, str], Figures], each: int, *, on: bool) -> None:
    """Ask ``each`` times for each page of each person, its addresses in turn."""
    for person in looking:
        for page in person.pages:
            figures[person.name, page].turns[on].append([])
    for time_of in range(each):
        for person in looking:
            for page, addresses in person.pages.items():
                took = _ask(seen, person, page, addresses[time_of % len(addresses)])
                figures[person.name, page].turns[on][-1].append(took)


def _ask(seen: Seen, person: Person, page: str, address: str) -> float:
    """Return how many milliseconds a page took. Refuses another page than the same person got before."""
    began = time.perf_counter()
    status, body = person.browser.get(address)
    took = (time.perf_counter() - began) * 1000
    if page in LISTS:
        told: object = (status, _EVER_NEW.sub(b"", body))
    else:  # who looked is part of a tip's page, and grows
        told = (status, sorted(set(_TIP.findall(body))))
    if status not in _ANSWERS.get(page, {200}) or seen.setdefault((person.name, address), told) != told:
        raise WrongPage(f"{address} for {person.role} {person.name} was answered {status} and is not as before.")
    return took


_ANSWERS = {"news": {204}, "find by identifier": {302}, "find by number": {302}, "find nothing": {404}}


def _result(looking: list[Person], figures: dict[tuple[str, str], Figures], tips: int) -> dict[str, Any]:
    measured = [
        {
            "role": person.role,
            "unit": person.code,
            "tips": person.tips,
            "page": page,
            "ratio": round(found.ratio, 3),
            "on_p50_ms": round(found.ms(0.5, on=True), 1),
            "off_p50_ms": round(found.ms(0.5, on=False), 1),
            "on_p95_ms": round(found.ms(0.95, on=True), 1),
            "off_p95_ms": round(found.ms(0.95, on=False), 1),
        }
        for person in looking
        for page in person.pages
        for found in [figures[person.name, page]]
    ]

    def together(*pages: str) -> float:
        """The sum of the medians with row security by the sum of those without."""
        chosen = [line for line in measured if line["page"] in pages]
        return round(sum(line["on_p50_ms"] for line in chosen) / sum(line["off_p50_ms"] for line in chosen), 3)

    return {
        "inbox_ratio": together(*LISTS),
        "tip_ratio": together("tip"),
        "ratio": together(*LISTS, "tip"),
        "worst_ratio": max(line["ratio"] for line in measured if line["page"] in {*LISTS, "tip"}),
        "inbox_p95_ms": max(line["on_p95_ms"] for line in measured if line["page"] in LISTS),
        "tip_p95_ms": max(line["on_p95_ms"] for line in measured if line["page"] == "tip"),
        "tips": tips,
        "units": 1 + STATES + DISTRICTS + STATIONS,
        "same_pages": True,  # or this would not have been reached
        "pages": measured,
        "cpu_count": os.cpu_count(),
    }


def show(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    table = Table(title=f"Row security over {result['tips']:,} tips in {result['units']:,} units")
    for name in ("who", "tips in reach", "page", "with, p50 ms", "p95", "without, p50 ms", "p95", "cost"):
        table.add_column(name, justify="left" if name in {"who", "page"} else "right")
    before = ""
    for line in result["pages"]:
        who = f"{line['role']}, {line['unit']}"
        table.add_row(
            who if who != before else "",
            f"{line['tips']:,}" if who != before else "",
            line["page"],
            *(f"{line[name]:.1f}" for name in ("on_p50_ms", "on_p95_ms", "off_p50_ms", "off_p95_ms")),
            f"{line['ratio'] - 1:+.0%}",
        )
        before = who
    out = Console(highlight=False)
    out.print(table)
    good = max(result["inbox_ratio"], result["tip_ratio"]) <= 1 + ALLOWED and result["inbox_p95_ms"] <= WITHIN_MS
    out.print(
        f"[{'green' if good else 'red'}]Row security costs {result['inbox_ratio'] - 1:+.1%} on the inbox and "
        f"{result['tip_ratio'] - 1:+.1%} on the tip page[/] (allowed: {ALLOWED:.0%}); at worst "
        f"{result['worst_ratio'] - 1:+.0%} on one page of one person. With it the slowest page of the inbox takes "
        f"{result['inbox_p95_ms']:.0f} ms (95 of 100; needed: {WITHIN_MS:.0f}). Both ways gave the same pages."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} tips instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    chosen = parser.parse_args()
    machine.end_on_signals()
    began, load = time.perf_counter(), os.getloadavg()[0]
    result = measure(QUICK, 4, 3) if chosen.quick else measure(FULL, 8, 4)
    result |= {"quick": chosen.quick, "load_average_before": round(load, 2)}
    result["seconds"] = round(time.perf_counter() - began, 1)
    if chosen.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)


if __name__ == "__main__":
    main()
