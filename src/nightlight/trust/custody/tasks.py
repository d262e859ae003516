# SPDX-License-Identifier: Apache-2.0
"""Background steps of the custody log; each is safe to run twice."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.trust import work
from nightlight.trust.custody import actions, keys


@work.task(acts_as="custody", every="* * * * *", alone="custody", queue="custody")
def sign_head() -> None:
    """Place what was appended and sign the tree, every minute: the shorter the gap, the less can be altered unseen."""
    actions.sign_head(at=clock.now(), key=keys.signing_key())
