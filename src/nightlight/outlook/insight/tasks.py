# SPDX-License-Identifier: Apache-2.0
"""The background step of insight; safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.outlook.insight import filling
from nightlight.trust import work


@work.task(acts_as="reading", once=True, every="* * * * *")
def fill() -> None:
    """Count what was read, and work out what reporters are told where its day has come."""
    filling.fill(by=work.SERVICE, at=clock.now())
