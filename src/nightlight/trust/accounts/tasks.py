# SPDX-License-Identifier: Apache-2.0
"""Background steps of sign-in; each is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.accounts import sign_in_actions

FAILURES_KEPT = timedelta(days=30)


@work.task(acts_as="retention", every="10 3 * * *", alone="sign-in-forget")
def forget() -> None:
    """Remove what need not be known any longer of failed sign-ins and of sessions that have ended."""
    at = clock.now()
    sign_in_actions.forget_failed_sign_ins(at=at, older_than=FAILURES_KEPT)
    sign_in_actions.forget_ended_sessions(at=at)
