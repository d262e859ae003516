# SPDX-License-Identifier: Apache-2.0
"""The background step of routing that works out where tips belong; safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.routing import proposing
from nightlight.trust import work


@work.task(acts_as="routing", queue="routing", once=True, every="* * * * *", alone="routing")
def propose() -> None:
    """Place every tip that waits, newest first; after a while others get their turn."""
    left = proposing.propose_new(by=work.SERVICE, now=clock.now)
    work.wait_for_those_under_way()
    # What could not be placed is tried again in a minute, not at once and for ever.
    if left.more or proposing.waits(at=clock.now(), but=left.passed_over):
        work.defer_once(propose)
