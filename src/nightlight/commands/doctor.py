# SPDX-License-Identifier: Apache-2.0
"""Explains a broken set-up in sentences."""

from __future__ import annotations

import os
import stat
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base, production
from nightlight.commands.production import Finding
from nightlight.config import postgres
from nightlight.foundation import clock, native

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.config.environment import Environment

_LEAST_FREE = 2 * 2**30


def doctor(
    for_production: Annotated[
        bool, typer.Option("--production", help="Refuse what is too weak for real reports.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look at this installation and say in sentences what is wrong and what to do.

    Exit code 0: fit for work; 1: something needs doing. With --production also weak settings, missing protections
    and people of the exercise count as wrong.
    """
    env = base.settings()
    findings = list(_look(env, for_production=for_production))
    marks = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]·[/yellow]"}
    base.put(
        {"ok": all(f.ok is not False for f in findings), "findings": [vars(f) for f in findings]},
        as_json=as_json,
        text="\n".join(f"{marks[f.ok]} {f.text}" for f in findings),
    )
    if any(f.ok is False for f in findings):
        raise typer.Exit(1)


def _look(env: Environment, *, for_production: bool) -> Iterator[Finding]:
    if for_production:
        yield from production.settings(env)
        yield from production.machine()
    if not env.home.exists():
        yield Finding(False, f"There is nothing in {env.home} yet. Run 'nightlight up' once to make it.")
        return
    yield from _home(env)
    yield _disk(env.home)
    yield _core()
    yield from _times_and_databases()
    if env.embedded and not postgres.answers(env.home):
        yield Finding(False, "The database does not run. Start everything with 'nightlight up'.")
        return
    postgres.act_as_worker()  # as commands do: what background steps may see
    base.set_up_django()
    from nightlight.trust import identity, rights

    yield from _database(env)
    with identity.acting_as(service=rights.COMMAND):
        yield from _networks()
    if for_production:
        with identity.acting_as(service=rights.COMMAND):
            yield from production.database()


def _home(env: Environment) -> Iterator[Finding]:
    for folder in (env.keys, env.keys / "vault"):
        if not folder.exists():
            yield Finding(False, f"{folder} is missing: without it, what was received cannot be read.")
            continue
        loose = [p for p in [folder, *folder.iterdir()] if stat.S_IMODE(p.stat().st_mode) & 0o077]
        if loose:
            yield Finding(False, f"Others may read {loose[0]}; run 'chmod -R go= {env.keys}'.")
        else:
            yield Finding(True, f"The secrets in {folder} can be read by their owner only.")
    free = _free(env.home)
    least = f"{_LEAST_FREE / 2**30:.0f} GB"
    if free < _LEAST_FREE:
        yield Finding(False, f"Only {free / 2**30:.1f} GB are free for {env.home}; make at least {least} free.")
    else:
        yield Finding(True, f"{free / 2**30:.0f} GB are free for {env.home}.")


def _free(path: Path) -> int:
    info = os.statvfs(path)
    return info.f_bavail * info.f_frsize


def _disk(home: Path) -> Finding:
    """Measure how long the disk takes to keep 8 kB for good: it explains most slow installations."""
    path, times = home / ".doctor", []
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(20):
            os.pwrite(handle, os.urandom(8192), 0)
            started = time.perf_counter()
            os.fsync(handle)
            times.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    middle = statistics.median(times)
    text = f"The disk takes {middle:.1f} ms to keep 8 kB for good (median of 20)."
    return Finding(None if middle > 10 else True, text + (" That is slow; expect slow intake." if middle > 10 else ""))


def _core() -> Finding:
    if native.LIBRARY is not None:
        return Finding(True, "The compiled core is in use for fingerprints and look-ups.")
    return Finding(
        None, "The compiled core is not in use; everything works, several times slower (scripts/build-native makes it)."
    )


def _times_and_databases() -> Iterator[Finding]:
    """Whether times are worked out as they must be, and what reads databases of networks."""
    from nightlight.casework.attribution import times
    from nightlight.casework.attribution.netdata.reading import mmdb

    wrong = times.self_check()
    if wrong:
        yield Finding(False, f"Times of events are worked out wrongly; state none until this is mended: {wrong[0]}")
    else:
        yield Finding(True, "Times of events are worked out as the built-in examples say.")
    engine = mmdb.engine()
    yield Finding(True if engine.compiled else None, f"Databases of networks are read by {engine.sentence}")


def _networks() -> Iterator[Finding]:
    from nightlight.casework.attribution import list_queries

    shown = list_queries.overview(clock.now())
    for one in shown.lists:
        if not one.readable:
            yield Finding(False, f"The list {one.name} is gone or changed; run 'nightlight netdata verify --mend'.")
    old = [one.name for one in shown.lists if one.age_days > one.longest_gap_days]
    if old:
        yield Finding(None, f"Too old to speak of today: {', '.join(old)}; load newer ones (netdata import).")
    if not shown.lists:
        yield Finding(None, "No list about networks is loaded, so nothing knows who anonymises (netdata import).")


def _database(env: Environment) -> Iterator[Finding]:
    from django.db import connection
    from django.db.utils import DatabaseError

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), current_setting('fsync'), current_user")
            version, fsync, user = cursor.fetchone()
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            (superuser,) = cursor.fetchone()
            cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
            (owned,) = cursor.fetchone()
            cursor.execute(
                "SELECT count(*), min(e.at) FROM custody_pending p JOIN custody_event e ON e.id = p.event_id"
            )
            pending, oldest = cursor.fetchone()
            cursor.execute("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 min'")
            (workers,) = cursor.fetchone()
            cursor.execute("SELECT status, count(*) FROM procrastinate_jobs GROUP BY status")
            jobs = dict(cursor.fetchall())
    except DatabaseError as error:
        yield Finding(False, f"The database answers with an error: {str(error).strip().splitlines()[0]}")
        return
    yield Finding(True, f"PostgreSQL {version} answers {'from the embedded server' if env.embedded else ''}.")
    yield Finding(
        fsync == "on",
        "The database keeps what it confirms." if fsync == "on" else "fsync is off: turn it on.",
    )
    if superuser or owned:
        what = "is superuser" if superuser else f"owns {owned} tables"
        yield Finding(False, f"Nightlight connects as {user}, which {what}; give it a role that owns nothing.")
    else:
        yield Finding(True, f"Nightlight connects as {user}, which owns no table.")
    yield Finding(
        bool(workers),
        f"{workers} background worker(s) at work."
        if workers
        else "No background worker is at work: run 'nightlight up'.",
    )
    waiting, failed = jobs.get("todo", 0), jobs.get("failed", 0)
    yield Finding(None if waiting > 1000 else True, f"{waiting} background steps are waiting.")
    if failed:
        yield Finding(False, f"{failed} background steps have failed for good; see the System page.")
    if oldest and (clock.now() - oldest).total_seconds() > 180:
        yield Finding(False, f"{pending} custody events have waited too long for a signed tree head.")
    else:
        yield Finding(True, f"{pending} custody events await the next signed tree head.")
