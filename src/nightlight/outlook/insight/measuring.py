# SPDX-License-Identifier: Apache-2.0
"""How much a report holds of what leads to somebody. Counts what was sent, judges nobody; no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from nightlight.pipeline.tips.reading import Moment, Reading

VERSION = 1
LONGEST = 36_500  # days: an older incident is a slip of the pen
_OF_THE_REPORTED = frozenset({Role.REPORTED, Role.ASSOCIATED})


@dataclass(frozen=True, slots=True)
class Measured:
    """One report, counted. ``days`` is from the incident to its arrival, None where that cannot be said.

    Of network events: how many there are, have an address, that and its port, and a time with its zone. Of files: how
    many the report describes, how many came, and of how many it says whether a person viewed the whole.
    """

    happened_on: date | None = None
    days: int | None = None
    events: int = 0
    addressed: int = 0
    with_port: int = 0
    with_zone: int = 0
    files: int = 0
    arrived: int = 0
    viewed_stated: int = 0
    contact: bool = False
    account: bool = False
    narrative: bool = False

    @property
    def thin(self) -> bool:
        """Whether there is nothing to begin with: no address, no contact, no account, no file."""
        return not (self.addressed or self.contact or self.account or self.arrived)


def measure(reading: Reading | None, *, arrived_at: datetime) -> Measured:
    """Count what is in a report; None is one that could not be read."""
    if reading is None:
        return Measured()
    events = reading.network_events
    addressed = [event for event in events if event.address is not None]
    reported = [party for party in reading.parties if party.role in _OF_THE_REPORTED]
    happened_on, days = _since(reading.incident.at, arrived_at)
    texts = (*reading.statements, *(text for party in reading.parties for text in party.statements))
    return Measured(
        happened_on=happened_on,
        days=days,
        events=len(events),
        addressed=len(addressed),
        with_port=sum(event.port is not None for event in addressed),
        with_zone=sum(event.moment is not None and event.moment.zone == "stated" for event in events),
        files=len(reading.files),
        arrived=sum(file.received is not None for file in reading.files),
        viewed_stated=sum(file.viewed_by_esp in {Stated.YES, Stated.NO} for file in reading.files),
        contact=any(party.emails or party.phones for party in reported),
        account=any(p.accounts or p.screen_names or p.profile_urls or p.urls for p in reported),
        narrative=any(text.value.strip() for text in texts),
    )


def _since(moment: Moment | None, arrived_at: datetime) -> tuple[date | None, int | None]:
    """The day of the incident and the days until the report came; a day to come is none."""
    if moment is None:
        return None, None
    day = moment.utc.date() if moment.utc is not None else moment.day
    if day is None:
        return None, None
    days = (arrived_at.astimezone(UTC).date() - day).days
    # One day ahead is a clock in another zone.
    return day, max(days, 0) if -1 <= days <= LONGEST else None


def lacks(found: Measured) -> tuple[str, ...]:
    """Return the codes of what the report did not have (``outcomes.LACKS``), in their order."""
    said = {
        "no-address": not found.addressed,
        "no-port": found.with_port < found.addressed,
        "no-zone": found.with_zone < found.events,
        "no-file": not found.arrived,
        "viewed-not-stated": found.viewed_stated < found.files,
        "no-contact": not (found.contact or found.account),
    }
    return tuple(name for name, lacking in said.items() if lacking)
