# SPDX-License-Identifier: Apache-2.0
"""Reads of imports for people: which there were, how far each has come, and what became of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Q

from nightlight.pipeline.tips.models import Import, ImportedFile, ImportState
from nightlight.pipeline.tips.queries import PAGE, must_read_tips

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Progress:
    """One import and how far it has come. `expected` is 0 until the files have been counted."""

    public_id: str
    name: str
    by: str
    started_at: datetime
    state: str
    expected: int
    new: int
    known: int
    unreadable: int
    not_a_tip: int
    last_at: datetime | None

    @property
    def done(self) -> int:
        """How many files have been dealt with."""
        return self.new + self.known + self.unreadable + self.not_a_tip

    @property
    def working(self) -> bool:
        """Whether it is still going on, or about to."""
        return self.state in {ImportState.WAITING, ImportState.RUNNING}

    @property
    def state_label(self) -> str:
        """The state in words."""
        return ImportState(self.state).label

    @property
    def rate(self) -> float | None:
        """Files a second since it began; None before there is anything to measure."""
        if self.last_at is None or self.done < 2:
            return None
        seconds = (self.last_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> int | None:
        """How long it will still take at this rate; None when not known or not running."""
        if not self.working or not self.expected or not self.rate:
            return None
        return round(max(0, self.expected - self.done) / self.rate)


def imports(viewer: Viewer, *, public_id: str = "", at_most: int = PAGE) -> list[Progress]:
    """Return imports, newest first, or the one that is asked for, with their counts by outcome."""
    must_read_tips(viewer)
    batches = Import.objects.order_by("-started_at", "-id")
    if viewer.reach is not None:
        batches = batches.filter(unit__in=viewer.reach)
    if public_id:
        batches = batches.filter(public_id=public_id)
    by_outcome = {
        outcome: Count("entries", filter=Q(entries__outcome=value))
        for outcome, value in (
            ("new", "new"),
            ("known", "known"),
            ("unreadable", "unreadable"),
            ("not_a_tip", "not-a-tip"),
        )
    }
    # The newest imports first, by themselves: only their entries are then counted.
    keys = list(batches.values_list("pk", flat=True)[:at_most])
    rows = (
        Import.objects.filter(pk__in=keys)
        .annotate(**by_outcome, last_at=Max("entries__at"))
        .order_by("-started_at", "-id")
    )
    names = ("public_id", "name", "by", "started_at", "state", "expected", *by_outcome, "last_at")
    return [Progress(**row) for row in rows.values(*names)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an import and what became of it; `tip` is the public id of its tip."""

    name: str
    outcome: str
    reason: str
    tip: str | None
    at: datetime


def entries(viewer: Viewer, public_id: str, *, outcome: str = "", after: str = "") -> tuple[list[Entry], str]:
    """Return one page of an import's files by name, and the name after which the next page begins."""
    must_read_tips(viewer)
    files = ImportedFile.objects.filter(batch__public_id=public_id).order_by("name")
    if outcome:
        files = files.filter(outcome=outcome)
    if after:
        files = files.filter(name__gt=after)
    rows = files.values_list("name", "outcome", "reason", "tip__public_id", "at")
    found = [Entry(*row) for row in rows[: PAGE + 1]]
    return found[:PAGE], found[PAGE - 1].name if len(found) > PAGE else ""


def reasons(viewer: Viewer, public_id: str, *, at_most: int = 10) -> list[tuple[str, str, int]]:
    """Return (outcome, reason, how many) of an import's files that made no tip, the commonest first."""
    must_read_tips(viewer)
    files = ImportedFile.objects.filter(batch__public_id=public_id).exclude(reason="")
    counts = files.values_list("outcome", "reason").annotate(files=Count("pk")).order_by("-files", "reason")
    return list(counts[:at_most])
