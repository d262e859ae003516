# SPDX-License-Identifier: Apache-2.0
"""Writes down what is true of the reports told: where a child is at risk, what only looks so, who is who."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nightlight.exercise.danger import OF_A_PERSON
from nightlight.exercise.hard import Cast, Hard
from nightlight.exercise.incidents import SAME_MAIL, Told
from nightlight.exercise.plan import Fault
from nightlight.exercise.truth import AtRisk, FalseAlarm, Spoken, TrueParty, TruePerson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightlight.exercise.people import Person
    from nightlight.exercise.plan import PlannedReport

LOOK_URGENT = {"escalated", "words", "look_alike", "camera", "annotated"}
"""Signs by which a report in which nobody is at risk may seem to be more."""


def at_risk(told: Sequence[Told]) -> tuple[AtRisk, ...]:
    """Return the reports in whose matter a child is at risk now; a copy stands beside its original."""
    return tuple(
        AtRisk(one.report.key, one.risk.value, one.risk in OF_A_PERSON, one.signs)
        for one in told
        if one.risk is not None
    )


def false_alarms(told: Sequence[Told]) -> tuple[FalseAlarm, ...]:
    """Return the reports that show signs though nobody is at risk."""
    return tuple(
        FalseAlarm(one.report.key, one.report.escalation is not None, one.signs)
        for one in told
        if one.risk is None and LOOK_URGENT & set(one.signs)
    )


def spoken(told: Sequence[Told]) -> tuple[Spoken, ...]:
    """Return which lines stand in which report; one fault puts something else where the lines were."""
    return tuple(
        replace(line, report=one.report.key)
        for one in told
        if one.report.fault is not Fault.EMAIL_NOT_NAMED
        for line in one.spoken
    )


def child_of(report: str) -> str:
    """Return the key of the young person whom a report is the first to name."""
    return f"child-of-{report}"


def parties(reports: Sequence[PlannedReport], same_child: Mapping[str, str]) -> tuple[TrueParty, ...]:
    """Return who every party of every report is; `same_child` gives the young person of some reports."""
    return tuple(one for report in reports for one in _parties(report, same_child))


def _parties(report: PlannedReport, same_child: Mapping[str, str]) -> Iterator[TrueParty]:
    for index, who in enumerate(report.people):
        yield TrueParty(report.key, "reported", index, who)
    child = same_child.get(report.key) or child_of(report.duplicate_of or report.key)
    for role, count in (("recipient", len(report.recipients)), ("victim", len(report.victims))):
        for index in range(count):
            yield TrueParty(report.key, role, index, child)


def hard_case(
    case: Hard, reports: Sequence[PlannedReport], cast: Cast, same_child: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the keys of the reports in which a hard case shows."""
    if case is Hard.ONE_VICTIM:
        return tuple(one.key for one in reports if one.key in same_child)
    if case is Hard.SAME_MAIL:
        return tuple(one.key for one in reports if SAME_MAIL in one.findings)
    if case is Hard.OWN_MAIL:
        return tuple(
            one.key
            for one in reports
            if one.victims and SAME_MAIL not in one.findings and one.key not in same_child and not one.duplicate_of
        )
    return cast.reports(case, reports)


def true_person(person: Person, reports: Sequence[str]) -> TruePerson:
    """Return what is true of a person and the reports about them."""
    return TruePerson(
        key=person.key,
        name=f"{person.first_name} {person.last_name}",
        country=person.country,
        city=person.postal.city,
        home=None if person.home is None else person.home.key,
        mobile=person.mobile.key,
        accounts=tuple(f"{account.platform}:{account.identifier}" for account in person.accounts),
        reports=tuple(reports),
    )
