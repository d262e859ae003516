# SPDX-License-Identifier: Apache-2.0
"""The exercise: a running installation that fills with invented, benign reports before one's eyes."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nightlight.commands import base, organisation
from nightlight.commands.running import Port
from nightlight.config import postgres
from nightlight.foundation import clock

_FILE = "demo.json"


def demo(
    port: Port = 8000,
    reports: Annotated[int, typer.Option(help="How many reports the exercise files.", min=1, max=20_000)] = 560,
    seed: Annotated[int, typer.Option(help="Another seed makes another world.")] = 7,
    per_second: Annotated[float, typer.Option(help="How many reports are filed a second.", min=0.1)] = 20,
) -> None:
    """Start everything, file the exercise through the reporting API, and print address and sign-ins.

    Everything in it is invented and benign. Data goes to NIGHTLIGHT_HOME, by default ~/.nightlight-demo.
    """
    os.environ.setdefault("NIGHTLIGHT_HOME", str(Path("~/.nightlight-demo").expanduser()))
    os.environ["NIGHTLIGHT_DEMO"] = "yes"
    os.environ.setdefault("NIGHTLIGHT_INSECURE_HTTP", "yes")
    os.environ.setdefault("NIGHTLIGHT_LOG_LEVEL", "WARNING")  # the terminal shows the progress instead
    from nightlight.commands import running
    from nightlight.config.supervisor import Part

    arguments = [
        "--port",
        str(port),
        "--reports",
        str(reports),
        "--seed",
        str(seed),
        "--per-second",
        str(per_second),
    ]
    errand = Part("exercise", [sys.executable, "-m", "nightlight.commands.demo", *arguments])
    running.run_all(port=port, host="127.0.0.1", tls_cert=None, tls_key=None, errand=errand, prepare=_prepare)


def _prepare() -> None:
    """Make the people and reporters of the exercise once, in a database that runs."""
    env = base.settings()
    kept = env.home / _FILE
    if kept.exists():
        return
    postgres.act_as_worker()
    base.set_up_django()
    from nightlight.trust import identity, rights

    identity.act_as_service(rights.COMMAND)
    from nightlight.exercise.reporters import REPORTERS
    from nightlight.trust.accounts import actions

    at = clock.now()
    people = organisation.make(by=base.BY, at=at)
    logins = {}
    for reporter in REPORTERS:
        issued = actions.add_credential(by=base.BY, at=at, name=reporter.name, environment="production")
        logins[reporter.key] = {"username": issued.username, "password": issued.password}
    handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump({"people": people, "reporters": logins, "filed": []}, out)


def _file(*, port: int, reports: int, seed: int, per_second: float) -> None:
    """File the exercise at the installation on ``port``, once per seed, and print where to look."""
    from nightlight.exercise import filing, world

    env = base.settings()
    kept = env.home / _FILE
    held = json.loads(kept.read_text())
    address = f"http://127.0.0.1:{port}/"
    _wait_for(address)
    _say_where(address, held)
    if seed in held["filed"]:
        base.say(f"The exercise with seed {seed} has been filed here before; --seed makes another.")
        return
    made = world.build(seed, reports, now=clock.now())
    logins = {key: filing.Login(**login) for key, login in held["reporters"].items()}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=base.people) as progress:
        bar = progress.add_task("Filing the exercise", total=len(made.reports))
        filed = filing.file_world(
            made,
            logins,
            f"{address}ispws",
            per_second=per_second,
            on_progress=lambda told: progress.update(bar, completed=told.done),
        )
    filed.write_truth(made, env.home / f"ground-truth-{seed}.json")
    kept.write_text(json.dumps(held | {"filed": [*held["filed"], seed]}))
    endings = Counter(str(r.ending) for r in filed.receipts)
    told = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    base.say(f"The exercise is filed: {told}. {len(filed.surprises)} did not go as planned.")
    base.say(f"{_hand_out()} of them were handed to the units of the exercise.")
    _say_where(address, held)


def _hand_out() -> int:
    """Hand tips on to the units below, as the national centre does."""
    postgres.act_as_worker()
    base.set_up_django()
    from nightlight.trust import identity, rights

    identity.act_as_service(rights.COMMAND)
    return sum(organisation.hand_out(by=base.BY, at=clock.now()).values())


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}accounts/login/", timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.2)
        else:
            return
    base.fail(f"{address} does not answer.")


def _say_where(address: str, held: dict[str, list[dict[str, str]]]) -> None:
    base.say(f"\n[b]{address}[/b]")
    for person in held["people"]:
        base.say(
            f"  sign in as [b]{person['username']}[/b] / {person['password']}  ({person['name']}, {person['role']})"
        )
    base.say("")


def _errand(port: int = 8000, reports: int = 560, seed: int = 7, per_second: float = 20.0) -> None:
    _file(port=port, reports=reports, seed=seed, per_second=per_second)


if __name__ == "__main__":
    typer.run(_errand)
