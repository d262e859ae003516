# SPDX-License-Identifier: Apache-2.0
"""Background steps of hand-over; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.routing import answering, reminding, rerouting, rising
from nightlight.trust import work


@work.task(acts_as="routing", queue="routing", once=True, every="* * * * *", alone="routing-deliver")
def deliver() -> None:
    """Tell units what was offered to them."""
    if answering.deliver(by=work.SERVICE, now=clock.now):
        work.wait_for_those_under_way()
        work.defer_once(deliver)


@work.task(acts_as="routing", queue="routing")
def reroute(subject: str) -> None:
    """Offer a tip that came back ("tip:NL-…") to the next unit, or have its holder decide."""
    rerouting.reroute(by=work.SERVICE, at=clock.now(), tip=subject.removeprefix("tip:"))


@work.task(acts_as="routing", queue="routing", once=True, every="* * * * *", alone="routing-hurry")
def hurry() -> None:
    """Have offers answered sooner of tips whose band has risen."""
    rising.hurry(by=work.SERVICE, now=clock.now)


@work.task(acts_as="routing", queue="routing", once=True, every="*/3 * * * *", alone="routing-remind")
def remind() -> None:
    """Remind of what is overdue, and end offers of tips that went another way."""
    reminding.remind(by=work.SERVICE, now=clock.now)
