# SPDX-License-Identifier: Apache-2.0
"""How often an attribution is right, on trails whose truth is known: ours beside the latest address on no list.

Each world has sixty people with months of records (`exercise.trails`): VPN with slips, Tor, private relay, borrowed
lines of innocent people, shared addresses with and without ports, clocks that are off, zones that lie. Everything is
done as a unit would: lists as of the event, the grade, the ranking, the operator by network and day, its answer as a
file with the flaws such files have, both clock errors, and what may be said after all answers.

Right is a line of whoever really acted in the events it rests on, or of that household (`precision_corroborated`).
Counted apart: a line of somebody else who got into the account and really used it (`precision_of_owner` takes that for
wrong), and a line of a shop or a workplace that the person did use (`precision_with_organisations` takes both for
wrong; the operator's answer names an organisation). A wrong door is a line of anybody else.

    python benches/attribution_truth.py                    # 20 worlds
    python benches/attribution_truth.py --quick --json     # 3 worlds; one JSON object last
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from attribution_asking import LEADS, Asking
from attribution_baseline import Latest
from attribution_world import Unit
from nightlight.casework.attribution.candidate_answers import with_answers
from nightlight.casework.attribution.candidate_kinds import Confidence, State
from nightlight.casework.attribution.candidates import rank
from nightlight.exercise import trails
from nightlight.exercise.habits import Habits
from telling import people, run, told

if TYPE_CHECKING:
    from nightlight.casework.attribution.candidate_answers import Answered, Explained
    from nightlight.exercise.trails import Trails, User

SEEDS = range(9_100, 9_120)  # nothing was tuned on these
QUICK = 3
KEPT = Habits(borrowed_kept=1.0)
"""The worst case: whoever goes through somebody's line keeps to it for months, which no record tells apart."""


def _reachable(world: Trails, user: User) -> bool:
    """Whether any record shows a line of the person or the household directly."""
    return any(
        true.actor == user.key and not true.exit and true.line in user.own
        for true in (world.true[record.key] for record in world.by_subject.get(user.key, ()))
    )


def _stated(answered: Answered) -> dict[str, Explained]:
    """The subscribers that may be stated as traceable and corroborated."""
    keys = {one.key for one in answered.ranking.candidates if one.state is State.CORROBORATED}
    return {
        one.subscriber: one
        for one in answered.subscribers
        if one.band is Confidence.STRONG and keys & set(one.candidates)
    }


def _events(one: Explained) -> list[str]:
    """The events that a statement rests on."""
    return [key for group in one.corroboration.independent for key in group]


def _kind(world: Trails, user: User, one: Explained) -> str:
    """Return how the line of a finding stands to who really acted in the events it rests on."""
    if one.subscriber in user.own:
        return "right"
    users = {each.key: each for each in world.users}
    actors = [users[world.true[key].actor] for key in _events(one)]
    if all(one.subscriber in actor.own for actor in actors):
        return "other_user"
    if any(one.subscriber in actor.used for actor in actors):
        return "used"
    return "wrong"


def _world(seed: int, count: Counter[str], doors: list[str], habits: Habits | None = None) -> None:
    world = trails.build(seed, habits=habits)
    unit, latest = Unit(world), Latest(world)
    asking = Asking(unit)
    for user in world.users:
        if user.key not in world.by_subject:
            continue
        count["people"] += 1
        reachable = _reachable(world, user)
        count["reachable"] += reachable
        graded = unit.graded(user.key)
        ranking = rank(graded, unit.facts(user.key), now=world.now)
        answered = with_answers(ranking, asking.ask(user.key, ranking))
        stated = _stated(answered)
        for name, one in sorted(stated.items()):
            kind = _kind(world, user, one)
            count[f"stated_{kind}"] += 1
            count["stated_organisations"] += name in asking.organisations
            if kind != "right":
                lines = {world.true[key].line for key in _events(one)}
                why = {"other_user": "a line of somebody else who really used the account", "used": "an organisation"}
                innocent = "a line of somebody innocent was used"
                why["wrong"] = innocent if name in lines else "the answer or the time was wrong"
                doors.append(f"world {seed}, {user.key} ({user.style.value}): {name}, {why[kind]}")
        for one in answered.subscribers:
            if one.organisation:
                count["organisations_named"] += 1
                count["organisations_right"] += _kind(world, user, one) == "used"
        count["found"] += bool(set(stated) & user.own)
        if reachable and not stated and not any(one.state in LEADS for one in answered.ranking.candidates):
            count[f"instead_{answered.ranking.nothing_leads or 'corroborate-first'}"] += 1
        moderate = {one.subscriber for one in answered.subscribers if one.band is Confidence.MODERATE}
        count["moderate"] += len(moderate)
        count["moderate_right"] += len(moderate & user.own)
        count["found_or_moderate"] += bool((set(stated) | moderate) & user.own)
        guess = latest.names(user.key)
        count["baseline_stated"] += guess is not None
        count["baseline_right"] += guess in user.own
        count["baseline_used"] += guess in user.used
    count["lines_asked"] += asking.lines
    count["people_disclosed"] += asking.people
    for kind, times in asking.near_misses.items():
        count[f"near_misses_{kind}"] += times
    for flaw, times in asking.flaws.items():
        count[f"answers_with_{flaw}"] += times


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    seeds = SEEDS[:QUICK] if chosen.quick else SEEDS
    count: Counter[str] = Counter()
    doors: list[str] = []
    for seed in seeds:
        told(f"world {seed}", _world, seed, count, doors)
    for door in doors:
        people.print("not their own door:", door)
    kept, kept_doors = Counter[str](), list[str]()
    for seed in seeds[: 1 if chosen.quick else 4]:
        told(f"world {seed} where every borrowed line is kept", _world, seed, kept, kept_doors, KEPT)
    right, wrong = count["stated_right"], count["stated_wrong"]
    others, used = count["stated_other_user"], count["stated_used"]
    return {
        "parts": {"counted": dict(sorted(count.items())), "every borrowed line kept": dict(sorted(kept.items()))},
        "worlds": len(seeds),
        "precision_corroborated": (right + others) / max(1, right + others + wrong),
        "precision_of_owner": right / max(1, right + others + wrong),
        "precision_with_organisations": right / max(1, right + others + wrong + used),
        "wrong_doors": count["stated_wrong"],
        "recall": count["found"] / max(1, count["reachable"]),
        "recall_with_moderate": count["found_or_moderate"] / max(1, count["reachable"]),
        "precision_moderate": count["moderate_right"] / max(1, count["moderate"]),
        "baseline_precision": count["baseline_right"] / max(1, count["baseline_stated"]),
        "baseline_recall": count["baseline_right"] / max(1, count["reachable"]),
    }


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} worlds")
    run(parser, measure)


if __name__ == "__main__":
    main()
