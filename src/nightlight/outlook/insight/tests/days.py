# SPDX-License-Identifier: Apache-2.0
"""Days that pass in tests: what the worker does at the turn of each."""

from __future__ import annotations

from datetime import timedelta

from nightlight.foundation import clock
from nightlight.outlook.insight import filling
from nightlight.trust import identity

BY = "service:worker"


def pass_to(days: int = 0) -> int:
    """Do what is due so many days from now."""
    with identity.acting_as(service="reading"):
        return filling.fill(by=BY, at=clock.now() + timedelta(days=days))
