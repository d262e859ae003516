# SPDX-License-Identifier: Apache-2.0
"""The planted cases: what a good system has to find in the exercise, put there on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.files import PLANTED
from nightlight.exercise.people import Account
from nightlight.exercise.plan import (
    Case,
    Detail,
    Email,
    Fault,
    IncidentType,
    PlannedFile,
    PlannedReport,
    Slot,
)
from nightlight.exercise.reporters import BY_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from nightlight.exercise.people import Person

PLATFORMS = ("chat", "mail", "market")


def shared_by(reports: int) -> int:
    """Return how many reports of a world carry the planted shared file: forty from 80 reports on."""
    if reports >= 80:
        return 40
    return reports // 3 if reports >= 12 else 0


def meeting_person(person: Person) -> Person:
    """Return the person with a chat account and no anonymiser, so that the address leads to the line."""
    accounts = (*(a for a in person.accounts if a.platform != "chat"), _account(person, "chat"))
    return replace(person, accounts=accounts, anonymised=0.0)


def three_platform_person(person: Person) -> Person:
    """Return the person with accounts on three platforms that share one e-mail address and one device."""
    shared = Email(f"{person.handle}@{BY_KEY['mail'].host}", verified=True)
    accounts = tuple(replace(_account(person, platform), email=shared) for platform in PLATFORMS)
    return replace(person, accounts=accounts, anonymised=0.0)


def _account(person: Person, platform: str) -> Account:
    rng = chance.stream(person.key, platform)
    reporter = BY_KEY[platform]
    name = person.handle.replace(".", "_")
    identifier = f"{person.handle}@{reporter.host}" if platform == "mail" else chance.hexadecimal(rng, 16)
    email = Email(f"{person.handle}@example.org")
    return Account(platform, identifier, name, person.first_name, email, reporter.url(f"u/{name}"), None)


def slots(
    rng: Random,
    reports: int,
    chosen: tuple[Person, Person],
    members: Mapping[str, Sequence[Person]],
    now: datetime,
) -> list[Slot]:
    """Return the slots of the planted cases; `chosen`: who arranges the meeting, who is on three platforms.

    Small worlds hold fewer cases.
    """
    meeting, three = chosen
    found: list[Slot] = []
    if reports >= 5:
        at = (now - timedelta(minutes=50)).replace(microsecond=0)
        found.append(Slot(IncidentType.ENTICEMENT, "chat", meeting, at, planted=Case.MEETING))
    if reports >= 12:
        for days, platform in zip((11, 6, 2), PLATFORMS, strict=True):
            at = (now - timedelta(days=days, hours=3, minutes=7 * days)).replace(microsecond=0)
            found.append(Slot(IncidentType.MATERIAL, platform, three, at, planted=Case.THREE_PLATFORMS))
    found.extend(_sharers(rng, shared_by(reports), members, now))
    return found


def _sharers(rng: Random, count: int, members: Mapping[str, Sequence[Person]], now: datetime) -> list[Slot]:
    """Return `count` slots, one person each, within four days, over every platform that carries files."""
    start = now - timedelta(days=9)
    taken: set[str] = set()
    found: list[Slot] = []
    platforms = [key for key in members if key not in {"game", "forum"}]
    while len(found) < count:
        platform = rng.choice(platforms)
        free = [person for person in members[platform] if person.key not in taken] or members[platform]
        person = rng.choice(free)
        taken.add(person.key)
        at = chance.moment_between(rng, start, start + timedelta(days=4))
        found.append(Slot(IncidentType.MATERIAL, platform, person, at, shared=PLANTED, planted=Case.SHARED_BY_MANY))
    return _two_apart(found)


def _two_apart(found: list[Slot]) -> list[Slot]:
    """Make one sharer the earliest uploader, reported among the last, and give another one other signs.

    The earliest had the file sixteen days before the time in which all others passed it on.
    """
    if len(found) < 4:
        return found
    order = sorted(range(len(found)), key=lambda place: (found[place].at, place))
    early, signed = order[len(order) * 4 // 5], order[len(order) // 2]
    slot = found[early]
    found[early] = replace(slot, at=slot.at - timedelta(days=20), filed_at=slot.at)
    found[signed] = replace(found[signed], signed=True)
    return found


def spoil(report: PlannedReport, fault: Fault, person: Person, now: datetime) -> PlannedReport:
    """Return the report with the fault in it; faults of form alone are added when it is written down."""
    report = replace(report, fault=fault)
    if fault is Fault.FUTURE_DATE:
        return replace(report, at=now.replace(microsecond=0) + timedelta(days=30))
    if fault is Fault.EMAIL_NOT_NAMED:
        return replace(report, details=(Detail("emailIncident", (("emailAddress", "nobody.named@example.net"),)),))
    if fault is Fault.TWO_FILES_IN_BATCH:
        return replace(report, files=(*report.files, _second(report.files[0])))
    if fault is Fault.LOWER_CASE_COUNTRY:
        first, *rest = report.reported
        return replace(report, reported=(replace(first, location=person.location()), *rest))
    return report


def _second(file: PlannedFile) -> PlannedFile:
    return replace(file, key=f"{file.key}-second", name=f"second_{file.name}", picture=file.picture.smaller())
