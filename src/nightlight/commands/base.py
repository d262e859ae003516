# SPDX-License-Identifier: Apache-2.0
"""What the commands share: set-up of database and Django, printing for people and for machines."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from nightlight.config import environment, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightlight.config.environment import Environment

BY = "command:cli"
people = Console(stderr=True, highlight=False, soft_wrap=True)
_out = Console(highlight=False, soft_wrap=True)


def fail(text: str, *, code: int = 1) -> NoReturn:
    """Say what went wrong in a sentence and end."""
    people.print(f"[red]✗[/red] {text}")
    raise SystemExit(code)


def say(text: str) -> None:
    """Tell a person something on standard error, so that standard output stays for results."""
    people.print(text)


def put(value: Mapping[str, object], *, as_json: bool, text: str = "") -> None:
    """Print a result: one JSON object, or text for people."""
    if as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()
    else:
        _out.print(text)


def put_exactly(text: str) -> None:
    """Print text byte for byte, for results that are kept and compared."""
    sys.stdout.write(text)
    sys.stdout.flush()


def settings() -> Environment:
    """Read the settings or end with a sentence."""
    try:
        return environment.read()
    except environment.WrongSetting as wrong:
        fail(str(wrong), code=2)


@contextlib.contextmanager
def database(*, owner: bool = False) -> Iterator[Environment]:
    """Have the database running and migrated, and Django ready.

    If this command had to start the embedded database, it stops it again at the end.
    """
    env = settings()
    started = False
    try:
        if env.embedded:
            started = postgres.ensure_running(env.home)
        postgres.act_as_worker()
        set_up_django(owner=owner)
        bring_up_to_date(env)
        from nightlight.trust import identity, rights

        identity.act_as_service(rights.COMMAND)
        yield env
    except postgres.DatabaseFailed as failure:
        fail(f"The database could not be started. {failure}")
    finally:
        if started:
            _close()
            postgres.stop(env.home)


def set_up_django(*, owner: bool = False) -> None:
    """Load Django, connecting as the tables' owner or as the application."""
    if owner:
        postgres.act_as_owner()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nightlight.config.settings")
    import django

    from nightlight.config import logs

    logs.set_up()
    django.setup()


def bring_up_to_date(env: Environment) -> None:
    """Migrate in a process of its own, as the owner, if anything is missing."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.utils import DatabaseError

    try:
        executor = MigrationExecutor(connection)
        missing = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        missing = True
    finally:
        connection.close()
    if missing:
        import subprocess

        done = subprocess.run([sys.executable, "-m", "nightlight", "migrate"], check=False)
        if done.returncode:
            fail("The tables could not be brought up to date; see the lines above.")


def _close() -> None:
    from django.db import connections

    with contextlib.suppress(Exception):
        connections.close_all()
