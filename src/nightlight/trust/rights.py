# SPDX-License-Identifier: Apache-2.0
"""How an app states who may do what with its tables; ``config/rights.py`` makes the database hold to it.

Three roles in the database, none of which owns anything: web (pages, for the person who is acting), intake (the
reporting API and uploads, which add and do not read), worker (background steps and commands, each step by name).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = "nightlight_app"
INTAKE = "nightlight_intake"
WORKER = "nightlight_worker"
COMMAND = "command"  # the step of whoever is at the command line of the machine; it may what any step may
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# Of a tip ``t`` that the person sees: it is their unit's, or they broke the glass; or they work on it with that unit.
# One that another unit has only offered is neither.
HELD_TIP = """((SELECT units_reaches_all()) OR t.unit_id IN (SELECT units_reach())
    OR t.id IN (SELECT tips_broken_into()))"""
OPENED_TIP = """((SELECT units_reaches_all()) OR t.unit_id IN (SELECT units_reach())
    OR t.id IN (SELECT tips_opened()))"""


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what with one table. Deny first: what is not stated is refused.

    ``web`` and ``intake`` are privileges as GRANT takes them ("SELECT, INSERT", "UPDATE (name)"). ``sees``, ``adds``
    and ``changes`` are SQL conditions on the rows a page may read, add, and alter or remove for the acting person.
    ``steps`` maps the name of a background step to its privileges. ``open_because`` says why a table needs no row
    security; then it has none.
    """

    web: str = ""
    intake: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)
    command: str = ""  # what the command line may beyond what the steps may
    sees: str = "false"
    adds: str = "false"
    changes: str = "false"
    open_because: str = ""

    @property
    def worker(self) -> str:
        """The privileges of the worker's role: all that any of its steps has."""
        stated = {verb for privileges in (*self.steps.values(), self.command) for verb in parts(privileges)}
        return ", ".join(sorted(stated))

    def steps_that(self, verb: str) -> list[str]:
        """The steps that may do this; the command line is among them where anybody is."""
        found = [step for step, privileges in self.steps.items() if any(p.startswith(verb) for p in parts(privileges))]
        if found or any(p.startswith(verb) for p in parts(self.command)):
            found.append(COMMAND)
        return sorted(found)


def parts(privileges: str) -> list[str]:
    """Split "SELECT, UPDATE (a, b)" into its privileges."""
    found: list[str] = []
    depth, word = 0, ""
    for letter in privileges:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append(word.strip())
            word = ""
        else:
            word += letter
    return [part for part in (*found, word.strip()) if part]
