# SPDX-License-Identifier: Apache-2.0
"""Readings for the tests of triage: those of the exercise, and one report with something in every field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import World, build
from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.reading import FileReading, Reading, ReceivedFile, Stated
from nightlight.pipeline.tips.tests.example_reports import FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import NamedValue
from nightlight.pipeline.triage.facts import Facts, Linked, facts

if TYPE_CHECKING:
    from nightlight.exercise.plan import PlannedReport

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A planned report of the exercise as read here, with what matching and linking would say of it."""

    report: PlannedReport
    reading: Reading
    states: dict[str, State]
    linked: Linked


@cache
def world() -> World:
    """Return a small world with every planted case."""
    return build(21, 150)


@cache
def told() -> tuple[Told, ...]:
    """Return every report of the world as read."""
    spread = {key for shared in world().truth.shared_files if len(shared.reports) >= 10 for key in (shared.key,)}
    return tuple(_told(report, spread) for report in world().reports)


def _told(report: PlannedReport, spread: set[str]) -> Told:
    names = {f"f{number}": file for number, file in enumerate(report.files)}
    received = [ReceivedFile(name, file.name, 1, "", "", file.key, world().now) for name, file in names.items()]
    details = [write_file_details(report, file, 1, name) for name, file in names.items() if file.described]
    viral = frozenset(name for name, file in names.items() if file.shared in spread)
    states = {name: State.SEEN if file.shared else State.NEW for name, file in names.items()}
    return Told(report, read_report(write_report(report, {}), details, received), states, Linked(viral_files=viral))


def facts_of(one: Told) -> Facts:
    """Return the facts of a report of the exercise, its words read and nothing found in them."""
    return facts(
        one.reading,
        file_states=one.states,
        linked=one.linked,
        language={},
        officer={},
        at=world().now,
        received_at=world().now,
    )


@cache
def full() -> Reading:
    """Return the example report that fills every field, with its file as received."""
    received = ReceivedFile("b0c1", "pattern-07.png", 1, "", "", "", NOW)
    return read_report(REPORT_XML, [FILE_DETAILS_XML], [received])


def with_file(**fields: Any) -> Reading:  # noqa: ANN401 - fields of FileReading
    """Return the example report with one file of these fields, received, without annotations and camera data."""
    file = FileReading(source="file", file_id="f", received=ReceivedFile("f", "a.png", 1, "", "", "", NOW))
    return replace(full(), files=(replace(file, **fields),))


def camera(name: str = "Model", value: str = "Sample 3") -> tuple[NamedValue, ...]:
    """Return the camera data of a file."""
    return (NamedValue(name, value, "file/details", "EXIF"),)


__all__ = ["HOUR", "NOW", "Stated", "Told", "camera", "facts_of", "full", "told", "with_file", "world"]
