# SPDX-License-Identifier: Apache-2.0
"""Background steps of lists; each is safe to run twice."""

from __future__ import annotations

from nightlight.pipeline.matching import list_actions, polling_lists
from nightlight.trust import work


@work.task(acts_as="lists", every="* * * * *", alone="hashes-poll", queue="lists")
def poll() -> None:
    """Poll every list whose time has come; tell as failed what a killed process left half read."""
    list_actions.close_abandoned()
    polling_lists.poll_due(by=work.SERVICE)
