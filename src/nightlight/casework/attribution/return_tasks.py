# SPDX-License-Identifier: Apache-2.0
"""The background step that reads returns of operators; safe to run twice."""

from __future__ import annotations

from nightlight.casework.attribution import return_reading
from nightlight.foundation import clock
from nightlight.trust import work


@work.task(acts_as="attribution", queue="returns")
def read_return(*, subject: str) -> None:
    """Read what came back for the requests of the tip ``subject`` ("tip:NL-…") and waits."""
    return_reading.read_waiting(tip=subject.removeprefix("tip:"), by=work.SERVICE, now=clock.now)
