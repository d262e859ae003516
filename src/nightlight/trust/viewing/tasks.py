# SPDX-License-Identifier: Apache-2.0
"""Background steps of looking at files; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.viewing import actions, exporting, preparing


@work.task(acts_as="rendering", queue="steps")
def render(*, subject: str) -> None:
    """Prepare every viewing that waits for this file; ``subject`` is "item:EV-…"."""
    preparing.prepare(by=work.SERVICE, now=clock.now, item=subject.removeprefix("item:"))


@work.task(acts_as="rendering", every="* * * * *", alone="viewing-expire")
def expire() -> None:
    """End viewings and exports whose time is over; the pictures are erased."""
    actions.expire_due(by=work.SERVICE, at=clock.now())
    exporting.expire_due(by=work.SERVICE, at=clock.now())
