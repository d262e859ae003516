# SPDX-License-Identifier: Apache-2.0
"""The background step of requests: what is due is said, once."""

from __future__ import annotations

from nightlight.casework.attribution import reminding_requests
from nightlight.foundation import clock
from nightlight.trust import work


@work.task(acts_as="attribution", queue="attribution", once=True, every="*/10 * * * *", alone="request-remind")
def remind() -> None:
    """Tell units of answers that are due, and their commanders of those long overdue."""
    reminding_requests.remind(by=work.SERVICE, now=clock.now)
