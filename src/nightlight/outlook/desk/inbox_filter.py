# SPDX-License-Identifier: Apache-2.0
"""Reads the inbox's filters from an address and writes them back: a link shows what its sender saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from nightlight.pipeline.tips.models import State
from nightlight.pipeline.tips.queries import Cursor, Filter
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Asked:
    """The filters as asked for. What makes no sense is said in `problems` and not applied."""

    environment: str = Environment.PRODUCTION
    state: str = State.RECEIVED
    reporter: str = ""
    incident_type: str = ""
    unit: str = ""
    first_day: date | None = None
    last_day: date | None = None
    after: Cursor | None = None
    before: Cursor | None = None
    problems: list[str] = field(default_factory=list)

    def filter(self, zone: ZoneInfo) -> Filter:
        """The filter for the query; days are those of the officers' zone, the last one included."""
        return Filter(
            environment=self.environment,
            state=self.state,
            reporter=self.reporter,
            incident_type=self.incident_type,
            unit=self.unit,
            since=_midnight(self.first_day, zone),
            until=_midnight(self.last_day and self.last_day + timedelta(days=1), zone),
        )

    @property
    def narrowed(self) -> bool:
        """Whether fewer tips are shown than the state alone would show."""
        return bool(self.reporter or self.incident_type or self.unit or self.first_day or self.last_day)

    @property
    def live(self) -> bool:
        """Whether new tips belong at the top of what is shown: the first page, of no certain days."""
        return not (self.first_day or self.last_day or self.after or self.before)

    def query(self, **changed: object) -> str:
        """The filters as the query of an address, in one order, without what is the default."""
        values: dict[str, object] = {
            "environment": "" if self.environment == Environment.PRODUCTION else self.environment,
            "state": "" if self.state == State.RECEIVED else self.state,
            "reporter": self.reporter,
            "type": self.incident_type,
            "unit": self.unit,
            "from": self.first_day or "",
            "to": self.last_day or "",
        } | changed
        return urlencode({name: str(value) for name, value in values.items() if value})


def read(parameters: Mapping[str, str], reporters: Sequence[tuple[str, str]] | None) -> Asked:
    """Read the filters; with `reporters` (public id, name) given, an unknown reporter is a problem."""
    asked = Asked()
    asked.environment = _one_of(asked, parameters, "environment", Environment.values, asked.environment)
    asked.state = _one_of(asked, parameters, "state", State.values, asked.state)
    asked.incident_type = _one_of(asked, parameters, "type", [kind.value for kind in IncidentType], "")
    known = None if reporters is None else [public_id for public_id, _name in reporters]
    asked.reporter = _one_of(asked, parameters, "reporter", known, "")
    asked.unit = _one_of(asked, parameters, "unit", None, "").upper()
    asked.first_day = _day(asked, parameters, "from")
    asked.last_day = _day(asked, parameters, "to")
    asked.after = _place(asked, parameters, "after")
    asked.before = None if asked.after else _place(asked, parameters, "before")
    if asked.first_day and asked.last_day and asked.first_day > asked.last_day:
        asked.problems.append(_("The first day lies after the last, so there is nothing between them."))
    return asked


def _one_of(
    asked: Asked, parameters: Mapping[str, str], name: str, allowed: Sequence[str] | None, otherwise: str
) -> str:
    text = parameters.get(name, "").strip()
    if not text:
        return otherwise
    if allowed is not None and text not in allowed:
        words = {"name": name, "text": text[:40]}
        asked.problems.append(_("There is no %(name)s “%(text)s”, so it was left out.") % words)
        return otherwise
    return text


def _day(asked: Asked, parameters: Mapping[str, str], name: str) -> date | None:
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 9000:
        asked.problems.append(_("“%(text)s” is no day, so it was left out.") % {"text": text[:40]})
        return None
    return day


def _place(asked: Asked, parameters: Mapping[str, str], name: str) -> Cursor | None:
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        return Cursor.parse(text)
    except (ValueError, OverflowError):
        asked.problems.append(_("The place in the list was not understood; this is its beginning."))
        return None


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, zone)
