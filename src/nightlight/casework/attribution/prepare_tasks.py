# SPDX-License-Identifier: Apache-2.0
"""The background step of attribution that looks up the addresses of tips; safe to run twice."""

from __future__ import annotations

from nightlight.casework.attribution import preparing
from nightlight.foundation import clock
from nightlight.trust import work


@work.task(acts_as="attribution", queue="attribution", once=True, every="* * * * *", alone="attribution")
def prepare() -> None:
    """Look up the addresses of every tip that waits, newest first; after a while others get their turn."""
    left = preparing.prepare_new(by=work.SERVICE, now=clock.now)
    work.wait_for_those_under_way()
    # What defeats us is tried again in a minute, not at once and for ever.
    if left.more or preparing.waits(at=clock.now(), but=left.passed_over):
        work.defer_once(prepare)
