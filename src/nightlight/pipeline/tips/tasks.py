# SPDX-License-Identifier: Apache-2.0
"""Background steps of the intake; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.tips import actions, importing, summarising
from nightlight.trust import work


@work.task(once=True, every="* * * * *")
def read() -> None:
    """Work out the inbox summary of every received tip that has none yet, newest first."""
    summarising.summarise_new()
    work.wait_for_those_under_way()
    summarising.summarise_new()


@work.task(queue="imports")
def import_upload(*, subject: str) -> None:
    """Import what was dropped on the import page."""
    importing.run_upload(public_id=subject.removeprefix("import:"), at=clock.now)


@work.task(every="*/5 * * * *", alone="expire")
def expire() -> None:
    """Mark reports that were never finished."""
    actions.expire_due(by=work.SERVICE, at=clock.now())
