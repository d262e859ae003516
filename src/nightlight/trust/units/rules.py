# SPDX-License-Identifier: Apache-2.0
"""Which role reaches which units' records, and what each role may do there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.trust.accounts.models import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

# An administrator manages people and sees no case.
READS = frozenset(Role) - {Role.ADMINISTRATOR}
# Who answers for what is below reaches it; who works on records reaches those of their own unit.
REACHES_BELOW = frozenset({Role.TRIAGE_OFFICER, Role.COMMANDER, Role.AUDITOR})
IMPORTS = frozenset({Role.INTAKE_ANALYST, Role.TRIAGE_OFFICER})
HANDS_OVER = frozenset({Role.INTAKE_ANALYST, Role.TRIAGE_OFFICER, Role.COMMANDER})
VIEWS_MEDIA = frozenset({Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION, Role.TRIAGE_OFFICER})
UNSEALS = frozenset({Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION})
BREAKS_GLASS = frozenset(
    {Role.INTAKE_ANALYST, Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION, Role.COMMANDER}
)
SIGNS_OFF = frozenset({Role.COMMANDER, Role.AUDITOR})
AUDITS = frozenset({Role.AUDITOR})
MANAGES = frozenset({Role.ADMINISTRATOR})

# Long enough to act for a person in danger, short enough that it is not a way of working.
GLASS_STAYS_BROKEN = timedelta(hours=4)
# Whoever needs it more often than this in a day needs another post, or somebody beside them.
GLASS_AT_MOST = 5
GLASS_COUNTED_OVER = timedelta(hours=24)
LONGEST_SHIFT = timedelta(hours=24)
SHORTEST_REASON = 15


def may_be_held_together(roles: Iterable[str]) -> bool:
    """Whether one person may hold these roles at one time.

    Who manages people sees no case, and who audits has no part in what is audited (separation of duties,
    NIST SP 800-53 AC-5).
    """
    held = set(roles)
    return len(held) <= 1 or not held & {Role.ADMINISTRATOR, Role.AUDITOR}


def reason_given(text: str) -> str:
    """Return the reason with single blanks, or an empty text if it says too little to be one."""
    told = " ".join(text.split())
    return told if len(told) >= SHORTEST_REASON else ""
