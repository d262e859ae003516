# SPDX-License-Identifier: Apache-2.0
"""The background steps of linking; each is safe to run twice, and runs one at a time."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.linking import linking
from nightlight.pipeline.linking.deconfliction import preparing, sending
from nightlight.trust import work

_AT_NIGHT = 20  # hour, UTC


@work.task(acts_as="linking", queue="linking", once=True, every="* * * * *", alone="linking")
def link() -> None:
    """Link every tip that waits, newest first; after a while others get their turn."""
    failed: set[int] = set()
    more = linking.link_new(by=work.SERVICE, now=clock.now, passed_over=failed)
    work.wait_for_those_under_way()
    # What could not be linked is tried again in a minute, not at once and for ever.
    if more or linking.waits(at=clock.now(), but=failed):
        work.defer_once(link)


@work.task(acts_as="linking", queue="lists", every="7 * * * *", alone="deconfliction")
def ask_partners() -> None:
    """Prepare the digests of rings, at night all of them anew, and ask the partners that may be asked."""
    at = clock.now()
    if preparing.prepare(whole=at.hour == _AT_NIGHT):
        sending.ask_due(by=work.SERVICE, now=clock.now)
