# SPDX-License-Identifier: Apache-2.0
"""The background step of linking; safe to run twice, one at a time."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.linking import linking
from nightlight.trust import work


@work.task(acts_as="linking", queue="linking", once=True, every="* * * * *", alone="linking")
def link() -> None:
    """Link every tip that waits, newest first; after a while others get their turn."""
    failed: set[int] = set()
    more = linking.link_new(by=work.SERVICE, now=clock.now, passed_over=failed)
    work.wait_for_those_under_way()
    # What could not be linked is tried again in a minute, not at once and for ever.
    if more or linking.waits(but=failed):
        work.defer_once(link)
