# SPDX-License-Identifier: Apache-2.0
"""Background steps of triage; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.triage import assessing, calling
from nightlight.trust import work


@work.task(acts_as="triage", queue="triage", once=True, every="* * * * *", alone="triage")
def assess() -> None:
    """Score every tip that waits, newest first, and what is due; after a while others get their turn."""
    left = assessing.assess_new(by=work.SERVICE, now=clock.now)
    work.wait_for_those_under_way()
    # What could not be scored is tried again in a minute, not at once and for ever.
    if left.more or assessing.waits(at=clock.now(), but=left.passed_over):
        work.defer_once(assess)


@work.task(acts_as="triage", queue="alerts", once=True, every="* * * * * */15", alone="alerts")
def call() -> None:
    """Page whoever is next in line for alerts that nobody has answered for."""
    called = calling.call_due(by=work.SERVICE, now=clock.now)
    if called:
        work.defer_once(deliver)
    if len(called) == calling.EACH_RUN:
        work.defer_once(call)


@work.task(acts_as="triage", queue="alerts", once=True, every="* * * * *", alone="alerts-deliver")
def deliver() -> None:
    """Send what leaves the building, beside the pages and never before them."""
    if calling.deliver_due(by=work.SERVICE, now=clock.now):
        work.defer_once(deliver)
