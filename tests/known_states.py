# SPDX-License-Identifier: Apache-2.0
"""Compares what an installation says of the files of an exercise with what was planted.

In the environment of the installation, while it runs:

    python -m tests.known_states bring SEED REPORTS
    python -m tests.known_states renew SEED REPORTS LIST
    python -m tests.known_states compare GROUND-TRUTH.json first|second [REPORTS]

Each prints one JSON object. "bring" imports the lists of that world, "renew" the second version of the national one
(LIST is the number that "bring" gave it). "compare" says how many of the tips are not looked up yet, how many files
were compared, how often each state was said, and what differs from the plan; "first" is before the second version is
in, "second" after. REPORTS is how many the world has, where fewer of them were filed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightlight.exercise.expected import Expected
    from tests.installation import Installation


def ask(installation: Installation, *words: object) -> dict[str, Any]:
    """Run this module against a running installation and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.known_states", *map(str, words)],
        env=installation.environment,
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def compare(truth: Mapping[str, Any], lists: str, reports: int) -> dict[str, Any]:
    """Compare in a process that may read the database; the world is built anew from the seed in the truth."""
    from nightlight.exercise import expected, world
    from nightlight.exercise.lists import make_lists
    from nightlight.pipeline.matching.models import FileState, Progress
    from nightlight.pipeline.tips.models import Tip

    receipts = {one["key"]: one for one in truth["receipts"]}
    made = world.build(truth["seed"], reports, now=datetime.fromisoformat(truth["now"]))
    listed = make_lists(truth["seed"], reports)
    filed = {one["report_id"]: key for key, one in receipts.items() if one["report_id"]}
    tips = Tip.objects.filter(report_id__in=filed, state="received").order_by("state_at", "id")
    keys = {tip.pk: filed[tip.report_id] for tip in tips if tip.report_id}
    arrived = {name for one in receipts.values() for name, _id in one["files"]}
    lost = {file.key for report in made.reports for file in report.files} - arrived
    some = listed.first if lists == "first" else listed.then
    states = expected.states(made, some, order=keys.values(), refused=lost)
    rows = FileState.objects.filter(tip__in=keys).values_list("tip_id", "blob__sha256", "state")
    said = {(keys[tip], bytes(sha256)): state for tip, sha256, state in rows}
    finished = Progress.objects.filter(tip__in=keys, finished_at__isnull=False).count()
    return {
        "waiting": len(keys) - finished,
        "files": len(states),
        "said": Counter(said.values()),
        "differs": differences(made, states, said),
    }


def differences(made: Any, states: Sequence[Expected], said: Mapping[tuple[str, bytes], str]) -> list[dict[str, str]]:  # noqa: ANN401
    """Return every file of which something else was said than expected, or nothing."""
    from nightlight.exercise.prints import digests

    files = {file.key: file for report in made.reports for file in report.files}
    found = []
    for one in states:
        told = said.get((one.report, digests(files[one.file].picture).sha256), "nothing")
        if told not in (one.state, one.either):
            facts = {"report": one.report, "file": one.file, "expected": one.state, "said": told}
            picture = files[one.file].picture
            found.append({**facts, "picture": f"{picture.motif}, {picture.format}, {files[one.file].shared}"})
    return found


def main() -> None:
    """Do what the words say, and print."""
    from nightlight.commands import base, exhibits
    from nightlight.exercise.lists import make_lists
    from nightlight.foundation import clock

    what, *words = sys.argv[1:]
    with base.database():
        if what == "compare":
            truth = json.loads(Path(words[0]).read_text(encoding="utf-8"))
            told: Any = compare(truth, words[1], int(words[2]) if words[2:] else len(truth["receipts"]))
        else:
            made = make_lists(int(words[0]), int(words[1]))
            if what == "bring":
                told = exhibits.make(by=base.BY, now=clock.now, made=made, seed=int(words[0]))
            else:
                withdrawn, updated = exhibits.renew(by=base.BY, now=clock.now, made=made, list_id=words[2])
                told = {"withdrawn": withdrawn, "updated": updated}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
