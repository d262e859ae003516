# SPDX-License-Identifier: Apache-2.0
"""Background steps of the evidence vault; each is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.evidence import actions


@work.task(acts_as="sweeping", every="30 2 * * *", alone="sweep")
def sweep() -> None:
    """Remove what an upload cut short left in the vault: sealed or half written, never recorded, a day old."""
    actions.sweep(by=work.SERVICE, at=clock.now(), older_than=timedelta(days=1))
