# SPDX-License-Identifier: Apache-2.0
"""Background steps of the intake; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.tips import actions, importing, seeing, summarising, telling
from nightlight.trust import work


@work.task(acts_as="reading", once=True, every="* * * * *")
def read() -> None:
    """Work out the inbox summary of every received tip that has none yet, newest first."""
    summarising.summarise_new(by=work.SERVICE, at=clock.now())
    work.wait_for_those_under_way()
    summarising.summarise_new(by=work.SERVICE, at=clock.now())


@work.task(acts_as="importing", queue="imports")
def import_upload(*, subject: str) -> None:
    """Import what was dropped on the import page."""
    importing.run_upload(public_id=subject.removeprefix("import:"), at=clock.now)


@work.task(acts_as="notices")
def tell_owner(*, subject: str) -> None:
    """Tell the unit that holds a tip that one of its sealed identities was opened."""
    seeing.tell_holder(subject=subject, kind="sealed.opened", at=clock.now())


@work.task(acts_as="notices")
def tell_of_addition(*, subject: str) -> None:
    """Tell the unit that holds a tip that whoever told it has come back with more."""
    seeing.tell_of_addition(subject=subject, at=clock.now())


@work.task(acts_as="expiry", every="1 * * * *", alone="forget")
def forget() -> None:
    """Forget how often an address told something in an earlier hour, and the key of a day that is over."""
    telling.sweep(at=clock.now())


@work.task(acts_as="expiry", every="*/5 * * * *", alone="expire")
def expire() -> None:
    """Mark reports that were never finished."""
    actions.expire_due(by=work.SERVICE, at=clock.now())
