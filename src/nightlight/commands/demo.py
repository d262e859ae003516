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
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nightlight.commands import base, organisation
from nightlight.commands.running import Port
from nightlight.config import postgres
from nightlight.foundation import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.exercise.lists import Lists
    from nightlight.exercise.world import World

_FILE = "demo.json"
_KEPT_BACK = 2  # tips that stay at the national centre, for whoever tries to hand them on to a station
# Planted cases that stay together, so that one person meets them; by their names in the ground truth.
_CASES = ("meeting this evening", "one person on three platforms", "one file shared by many")


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
    os.environ.setdefault("NIGHTLIGHT_HOTLINE", "yes")
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
    _act_as_command()
    from nightlight.exercise.reporters import REPORTERS
    from nightlight.trust.accounts import actions

    at = clock.now()
    people = organisation.make(by=base.BY, at=at)
    organisation.load_districts(by=base.BY, at=at)
    logins = {}
    for reporter in REPORTERS:
        issued = actions.add_credential(by=base.BY, at=at, name=reporter.name, environment="production")
        logins[reporter.key] = {"username": issued.username, "password": issued.password}
    handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump({"people": people, "reporters": logins, "filed": []}, out)


def _file(*, port: int, reports: int, seed: int, per_second: float) -> None:
    """Bring the lists, file the exercise at the installation on ``port``, once per seed, and print where to look."""
    from nightlight.commands import attributing, exhibits
    from nightlight.exercise import expected, filing, slips, world
    from nightlight.exercise.lists import make_lists

    env = base.settings()
    kept = env.home / _FILE
    held = json.loads(kept.read_text())
    address = f"http://127.0.0.1:{port}/"
    _wait_for(address)
    _say_where(address, held)
    if seed in held["filed"]:
        base.say(f"The exercise with seed {seed} has been filed here before; --seed makes another.")
        return
    _act_as_command()
    made, listed = slips.add(world.build(seed, reports, now=clock.now())), make_lists(seed, reports)
    partner = _bring_lists(kept, held, listed, seed)
    organisation.load_networks(by=base.BY, at=clock.now(), seed=seed, people=made.people)
    files, entries = attributing.load(by=base.BY, now=made.now, seed=seed, folder=env.home / "exercise" / str(seed))
    returned = attributing.write_returns(env.home / "exercise" / f"returns-{seed}", seed, made.now)
    base.say(f"Lists about networks are here: {files} files, {entries:,} entries; and a directory of operators.")
    named = ", ".join(f"{one.name} ({len(one.entries)})" for one in listed.first)
    base.say(
        f"Hash lists are here: {named}. A partner pulls the first from {address}{partner['path']}"
        f" as [b]{partner['username']}[/b] / {partner['password']}\n"
    )
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
    states = {
        name: expected.states(made, some, order=filed.finished, refused=filed.refused_files)
        for name, some in (("first", listed.first), ("second", listed.then))
    }
    filed.write_truth(made, env.home / f"ground-truth-{seed}.json", states=states)
    kept.write_text(json.dumps(held | {"filed": [*held["filed"], seed]}))
    endings = Counter(str(r.ending) for r in filed.receipts)
    told = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    base.say(f"The exercise is filed: {told}. {len(filed.surprises)} did not go as planned.")
    cases = {key for case in made.truth.planted if case.name in _CASES for key in case.reports}
    slipped = {key for case in made.truth.planted if case.name in set(slips.Slip) for key in case.reports}
    planted, traced = ({filed.ids[key] for key in some if key in filed.ids} for some in (cases, slipped))
    others = [key for key in _for_riverside(made) if key in filed.ids and key not in cases | slipped]
    to_hand_on = [filed.ids[key] for key in others]
    kept_back = to_hand_on[:_KEPT_BACK]
    went = organisation.hand_out(by=base.BY, at=clock.now(), planted=planted, traced=traced, kept=kept_back)
    handed = sum(went.values())
    base.say(f"{handed} of them were handed to the units of the exercise.")
    _say_what_to_hand_on(kept_back, held, address)
    walks = attributing.walks(seed, made.now, filed.ids, returned, address)
    base.say("\n".join(["To find the right address (as officer; the commander compares and signs):", *walks]))
    withdrawn, updated = exhibits.renew(by=base.BY, now=clock.now, made=listed, list_id=partner["list"])
    base.say(f"A second version of the first list withdrew {withdrawn} entries and updated {updated}.")
    _say_where(address, held)


def _for_riverside(made: World) -> tuple[str, ...]:
    """The planned reports whose signs lead to the Riverside station."""
    from nightlight.exercise import places

    return places.clearly_in(organisation.LAKESIDE, made.reports)


def _say_what_to_hand_on(reports: Sequence[int], held: dict[str, Any], address: str) -> None:
    """Name the tips that were kept at the national centre for somebody to hand on, tier by tier."""
    from nightlight.pipeline.tips.models import Tip

    tips = Tip.objects.filter(report_id__in=reports).order_by("report_id").values_list("public_id", flat=True)
    if tips:
        who = " → ".join(one for one in ("analyst", "triage", "commander", "officer") if one in _names(held))
        base.say(
            f"For the Riverside station, from tier to tier ({who}): {', '.join(f'{address}tips/{t}/' for t in tips)}"
        )


def _names(held: dict[str, Any]) -> set[str]:
    return {person["username"] for person in held["people"]}


def _bring_lists(kept: Path, held: dict[str, Any], listed: Lists, seed: int) -> dict[str, str]:
    """Import the lists once per seed, before the first report, so that files are known when they arrive."""
    from nightlight.commands import exhibits

    brought: dict[str, dict[str, str]] = held.setdefault("lists", {})
    if str(seed) not in brought:
        brought[str(seed)] = exhibits.make(by=base.BY, now=clock.now, made=listed, seed=seed)
        kept.write_text(json.dumps(held))
    return brought[str(seed)]


def _act_as_command() -> None:
    postgres.act_as_worker()
    base.set_up_django()
    from nightlight.trust import identity, rights

    identity.act_as_service(rights.COMMAND)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}accounts/login/", timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.2)
        else:
            return
    base.fail(f"{address} does not answer.")


def _say_where(address: str, held: dict[str, Any]) -> None:
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
