# SPDX-License-Identifier: Apache-2.0
"""How fast the inbox opens over a million tips: the whole page, as a signed-in officer's browser gets it.

The tables are filled in bulk (see ``many_tips.py``): 300 reporters, 8 incident types, two years, 3 % test, some
withdrawn or never finished, all with summaries but the newest 20. Then one client asks the running server for
each kind of page in turn; a time is that of one request over a lasting loopback connection, from sending it to
the last byte of the page: server, database and page making, without a browser. ``inbox_p50_ms`` and
``inbox_p95_ms`` are those of the first page; ``pages`` has them all. ``news`` is the small question a page
asks every few seconds ("anything new?"), answered with 204 and no body.

    python benches/inbox.py                    # 1,000,000 tips, a table for people
    python benches/inbox.py --quick --json     # 200,000 tips; the last line is one JSON object
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

import machine
import many_tips
from machine import Installation, percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

FULL, QUICK = 1_000_000, 200_000
PAGE = 50
DEEP = 500  # pages
TYPES = ("enticement", "material", "tourism", "trafficking")
_PLACE = """
SELECT state_at, public_id FROM tips_tip WHERE environment = 'production' AND state = 'received'
ORDER BY state_at DESC, id DESC OFFSET %s LIMIT 1
"""
people = Console(stderr=True, highlight=False)


class WrongPage(Exception):
    """The server did not show the page asked for; the measurement is worth nothing."""


class Browser:
    """A signed-in officer's lasting connection."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self._http = HTTPConnection(machine.ADDRESS, port, timeout=60)
        self._cookies: dict[str, str] = {}
        page = self.get("/accounts/login/")[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if token is None:
            raise WrongPage("The sign-in page has no form.")
        form = urlencode({"csrfmiddlewaretoken": token[1], "login": username, "password": password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = self._send("POST", "/accounts/login/", form.encode(), kind)
        if status != 302 or "sessionid" not in self._cookies:
            raise WrongPage(f"Signing in was answered {status}.")

    def get(self, address: str) -> tuple[int, bytes]:
        """Return status and body."""
        return self._send("GET", address, None, {})

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def _send(self, method: str, address: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._http.request(method, address, body, {**headers, "Cookie": cookie})
        response = self._http.getresponse()
        for header in response.headers.get_all("Set-Cookie") or ():
            name, _, value = header.partition(";")[0].partition("=")
            self._cookies[name] = value
        return response.status, response.read()


@dataclass
class Times:
    """What one kind of page took, in milliseconds, and its largest size in bytes."""

    ms: list[float] = field(default_factory=list)
    size: int = 0


def measure(tips: int, times: int) -> dict[str, Any]:
    """Fill an installation, measure its pages, clean up."""
    chance = random.Random(11)
    offered = {"NIGHTLIGHT_SECOND_FACTOR": "offered"}  # a password is enough here
    with Installation(settings=offered) as nightlight, nightlight.database() as database:
        login = nightlight.command("person", "add", "asha", "--role", "triage-officer")
        began = time.perf_counter()
        reporters = many_tips.fill(database, tips)
        filled = time.perf_counter() - began
        people.print(f"  {tips:,} tips made in {filled:.0f} s", style="dim")
        pages = _pages(database, reporters, chance)
        found = {name: Times() for name in pages}
        browser = Browser(nightlight.port, login["username"], login["password"])
        try:
            for turn in range(times + 5):
                for name, address in pages.items():
                    _one(browser, name, address(), found[name], counts=turn >= 5)
        finally:
            browser.close()
        (size,) = database.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    first = found["first page"].ms
    return {
        "inbox_p50_ms": round(percentile(first, 0.5), 1),
        "inbox_p95_ms": round(percentile(first, 0.95), 1),
        "tips": tips,
        "pages": {
            name: {
                "p50_ms": round(percentile(took.ms, 0.5), 1),
                "p95_ms": round(percentile(took.ms, 0.95), 1),
                "max_ms": round(max(took.ms), 1),
                "bytes": took.size,
            }
            for name, took in found.items()
        },
        "reporters": many_tips.REPORTERS,
        "requests_per_page": times,
        "fill_s": round(filled, 1),
        "database_mb": round(int(str(size)) / 2**20),
        "cpu_count": os.cpu_count(),
    }


def _one(browser: Browser, name: str, address: str, found: Times, *, counts: bool) -> None:
    started = time.perf_counter()
    status, body = browser.get(address)
    took = (time.perf_counter() - started) * 1000
    if status != (204 if name == "news" else 200) or (name == "first page" and body.count(b"/tips/NL-") < PAGE):
        raise WrongPage(f"{address} was answered {status} with {len(body)} bytes.")
    if counts:
        found.ms.append(took)
        found.size = max(found.size, len(body))


def _pages(
    database: psycopg.Connection[tuple[object, ...]], reporters: list[str], chance: random.Random
) -> dict[str, Callable[[], str]]:
    """Return the kinds of page, each as a function that gives the address to ask for next."""
    first, deep = _place(database, 0), _place(database, DEEP * PAGE)

    def week() -> str:
        day = datetime.now(UTC).date() - timedelta(days=chance.randrange(8, 700))
        return f"/?from={day}&to={day + timedelta(days=6)}"

    def both() -> str:
        return f"/?type={chance.choice(TYPES)}&reporter={chance.choice(reporters[:40])}"

    return {
        "first page": lambda: "/",
        "by incident type": lambda: f"/?type={chance.choice(TYPES)}",
        "by reporter": lambda: f"/?reporter={chance.choice(reporters)}",
        "by type and reporter": both,
        "by week": week,
        f"page {DEEP}": lambda: f"/?after={deep}",
        "test": lambda: "/?environment=test",
        "news": lambda: f"/arrivals/?since={first}",
    }


def _place(database: psycopg.Connection[tuple[object, ...]], offset: int) -> str:
    """Return the place of the tip that so many come before, as the inbox's addresses write it."""
    row = database.execute(_PLACE, [offset]).fetchone()
    if row is None or not isinstance(row[0], datetime):
        raise WrongPage(f"There are fewer than {offset} tips.")
    microseconds = (row[0] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{microseconds}-{str(row[1]).removeprefix('NL-').replace('-', '')}"


def show(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    table = Table(title=f"The inbox over {result['tips']:,} tips ({result['database_mb']:,} MB)")
    for name in ("page", "p50 ms", "p95 ms", "slowest ms", "kB"):
        table.add_column(name, justify="left" if name == "page" else "right")
    for name, page in result["pages"].items():
        table.add_row(
            name,
            f"{page['p50_ms']:.1f}",
            f"{page['p95_ms']:.1f}",
            f"{page['max_ms']:.1f}",
            f"{page['bytes'] / 1000:.0f}",
        )
    out = Console(highlight=False)
    out.print(table)
    out.print(f"{result['requests_per_page']} requests each; the tips were made in {result['fill_s']:.0f} s.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} tips instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    chosen = parser.parse_args()
    machine.end_on_signals()
    began, load = time.perf_counter(), os.getloadavg()[0]
    result = measure(QUICK if chosen.quick else FULL, 40 if chosen.quick else 60)
    result |= {"quick": chosen.quick, "load_average_before": round(load, 2)}
    result["seconds"] = round(time.perf_counter() - began, 1)
    if chosen.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)


if __name__ == "__main__":
    main()
