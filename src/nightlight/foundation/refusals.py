# SPDX-License-Identifier: Apache-2.0
"""The ways an action says no, each with a reason a person can act on."""

from __future__ import annotations


class Refusal(Exception):
    """An action was not carried out; ``reason`` is a sentence for the person who asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAllowed(Refusal):
    """The asker may not do this."""


class Conflict(Refusal):
    """The thing is in a state in which this cannot be done."""


class NotFound(Refusal):
    """There is no such thing, or none that the asker may know of."""
