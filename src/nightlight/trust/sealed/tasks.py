# SPDX-License-Identifier: Apache-2.0
"""Background steps of sealed identities; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions


@work.task(acts_as="unsealing")
def answer(*, subject: str) -> None:
    """Open what was asked for, or refuse it; ``subject`` is "unsealing:US-…"."""
    actions.answer(
        by=work.SERVICE,
        at=clock.now(),
        unsealing=subject.removeprefix("unsealing:"),
        law=current_pack().unsealing,
    )


@work.task(acts_as="unsealing", every="*/5 * * * *", alone="sealed-expire")
def expire() -> None:
    """End openings whose time is over, and erase their answers."""
    actions.expire_due(by=work.SERVICE, at=clock.now())
