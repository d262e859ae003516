# SPDX-License-Identifier: Apache-2.0
"""Background steps of retention; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.law.queries import current_pack
from nightlight.trust.retention import actions, custodians


@work.task(acts_as="reading")
def set_apart(*, subject: str) -> None:
    """Hide what was set apart in a record, and match it no more."""
    custodians.of(subject).set_apart(subject, by=work.SERVICE, at=clock.now())


@work.task(acts_as="retention")
def carry_out(*, subject: str) -> None:
    """Destroy what two people agreed on; ``subject`` is "destruction:DE-…"."""
    actions.carry_out(
        by=work.SERVICE, at=clock.now(), public_id=subject.removeprefix("destruction:"), law=current_pack()
    )
