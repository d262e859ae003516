# SPDX-License-Identifier: Apache-2.0
"""The wiring on one page: what follows what.

An action appends a custody event; this page says which tasks follow it. They are put in the queue in the same
transaction as the event, so nothing is lost between commit and queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.tips import tasks as tips
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.trust.evidence import verify as evidence_verify

if TYPE_CHECKING:
    from nightlight.trust.custody.actions import EventRef

STORY = {
    "tip.received": [tips.read],
    "tips.upload-received": [tips.import_upload],
}


def follow(event: EventRef) -> None:
    """Put into the queue whatever follows ``event``."""
    for task in STORY.get(event.kind, ()):
        task.defer(subject=event.subject)


# What ``nightlight custody verify`` compares with the log, beyond the log itself.
CHECKS = (evidence_verify.check, tips_verify.check)
