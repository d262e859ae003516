# SPDX-License-Identifier: Apache-2.0
"""Answers what the law pack says: may this file be opened, may this child be named, is this record's time over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.trust.law.facts import (
    Basis,
    Event,
    Hold,
    Pack,
    PackRefused,
    Period,
    Record,
    RetentionClass,
    Standing,
    Statute,
    Then,
    WithoutWarrant,
)
from nightlight.trust.law.reading import load

if TYPE_CHECKING:
    from collections.abc import Collection

    from nightlight.trust.law.records import LogRetention

__all__ = [
    "Due",
    "Lock",
    "Pack",
    "PackRefused",
    "Protection",
    "Time",
    "due_for_destruction",
    "kept_until",
    "load",
    "may_unseal",
    "protected",
    "sealed_again_at",
    "view_lock",
]

_JURISDICTION = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3})(?:-[A-Z0-9-]+)?)?")
_EAST, _WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


@dataclass(frozen=True, slots=True)
class Lock:
    """Whether an officer may open a file, and why. ``warning`` opens it with a sentence to read first."""

    locked: bool
    warning: bool
    reason: str
    rule: str  # the rule's id in the pack, or what made the rule needless ("warrant")
    court: str  # the court that binds there; empty where none is named
    basis: Basis | None  # None where the facts of the tip, not the pack, decided


def view_lock(
    pack: Pack,
    *,
    viewed_by_provider: bool | None,
    warrant: bool,
    jurisdiction: str,
    publicly_available: bool | None = None,
    consent: bool = False,
    hash_matched: bool | None = None,
) -> Lock:
    """Return whether an officer may open a file.

    `viewed_by_provider`: a person at the provider viewed this whole file (not one like it; not the clearing house,
    which counts as the state). None, not known, counts as no, and so do the other two facts that may be None.
    `jurisdiction`: the ISO 3166 code of where the officer's unit is ("IN-MH", "US-CA", "IN"); empty: not known.
    `hash_matched`: it is the same file, by digest, as one that the provider's people viewed before.

    Where the pack does not speak for the jurisdiction the file stays locked, warrant or not: that is a setting to
    put right, not a question to guess at.
    """
    match = _JURISDICTION.fullmatch(jurisdiction)
    if jurisdiction and (match is None or match[1] != pack.id):
        sentence = f"The law in use is that of {pack.title}; it does not speak for {jurisdiction!r}."
        return Lock(True, False, sentence, "not-this-law", "", None)
    for holds, rule, sentence in (
        (warrant, "warrant", "A warrant for this file is recorded."),
        (viewed_by_provider is True, "viewed-by-provider", "A person at the provider has viewed this file."),
        (publicly_available is True, "publicly-available", "The file was open to the public."),
        (consent, "consent", "The consent of a person entitled to give it is recorded."),
    ):
        if holds:
            return Lock(False, False, sentence, rule, "", None)
    area = f"{match[1]}-{match[2]}" if match and match[2] else pack.id
    found, court = pack.view_lock.for_area(area)
    matched = found.without_warrant is WithoutWarrant.IF_HASH_MATCHED and hash_matched is True
    return Lock(
        locked=found.without_warrant is not WithoutWarrant.OPEN and not matched,
        warning=matched,
        reason=found.sentence,
        rule=found.id,
        court=court.title if court else "",
        basis=found.basis,
    )


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a person may never be named, under which sections, and what would name them."""

    protected: bool
    reason: str
    statutes: tuple[Statute, ...]
    identifying: tuple[str, ...]


def protected(pack: Pack, *, standing: Standing, age: int | None) -> Protection:
    """Return whether the law forbids naming a person.

    `age`: in whole years on the day of the offence, so a victim who has grown up stays protected. None, which is
    also how a doubted age is passed, counts as a child until there is proof (India: Juvenile Justice Act s.94).
    Raises ValueError for a negative age.
    """
    law = pack.protected_identities
    if age is not None and age < 0:
        raise ValueError("an age is not negative")
    if age is not None and age >= law.child_age_below:
        return Protection(False, f"The person was {law.child_age_below} or older.", (), ())
    statutes = tuple(statute for statute in law.statutes if standing in statute.protects)
    known = "The age is not proved and counts as a child's" if age is None else "The person was a child"
    sections = "; ".join(statute.section for statute in statutes)
    return Protection(True, f"{known}; naming is forbidden by {sections}.", statutes, law.identifying)


class Time(StrEnum):
    """Where a record stands in its time."""

    RUNNING = "running"  # kept; the day is in the future
    OPEN = "open"  # kept; what the period counts from has not happened
    HELD = "held"  # the time is over, and something allowed by the law makes it wait
    DUE = "due"  # the time is over


@dataclass(frozen=True, slots=True)
class Due:
    """Where a record stands, from which day on it is due, and what is to be done then."""

    time: Time
    on: date | None  # None while nothing is counted
    then: Then
    held_by: tuple[Hold, ...]  # what makes it wait, or would on the day
    set_aside: tuple[Hold, ...]  # reasons that were given and that the class does not allow
    reason: str
    retention_class: RetentionClass


def due_for_destruction(
    pack: Pack,
    class_id: str | Record,
    since: date | datetime | None,
    today: date | datetime,
    holds: Collection[str] = (),
    *,
    sooner: date | datetime | None = None,
) -> Due:
    """Return whether a record's time is over.

    `class_id`: a class of the pack, or the kind of record. `since`: when the class's ``counted_from`` happened, None
    when it has not. `sooner`: when its ``sooner_on`` happened. `holds`: values of Hold. A datetime has a zone; it is
    taken to be the latest day it was anywhere (`today`: the earliest), so no zone makes a destruction early.

    Raises NotFound for a class the pack does not have; ValueError for an unknown hold, a time without a zone, and
    `sooner` where the class has no such event.
    """
    found = pack.class_of(class_id) if isinstance(class_id, Record) else pack.retention_class(class_id)
    if sooner is not None and found.sooner_on is None:
        raise ValueError(f"nothing ends the time of {found.id!r} sooner")
    given = {Hold(hold) for hold in holds}
    held_by, set_aside = tuple(sorted(given & found.holds)), tuple(sorted(given - found.holds))
    days = [] if since is None else [after(_day(since, _EAST), found.keep)]
    days += [] if sooner is None else [_day(sooner, _EAST)]
    on = min(days, default=None)
    if on is None:
        sentence = f"{found.title}: {_words(found.counted_from)} has not happened, and the time does not run yet."
        time = Time.OPEN
    elif _day(today, _WEST) < on:
        time, sentence = Time.RUNNING, f"{found.title}: kept until {on.isoformat()}."
    elif held_by:
        waits = ", ".join(_words(hold) for hold in held_by)
        time, sentence = Time.HELD, f"{found.title}: the time ended on {on.isoformat()}; it waits for: {waits}."
    else:
        time, sentence = Time.DUE, f"{found.title}: the time ended on {on.isoformat()}; now {_words(found.then)}."
    return Due(time, on, found.then, held_by, set_aside, sentence, found)


def kept_until(rule: LogRetention | None, event: date | datetime) -> date | None:
    """Return the first day on which a record of `event` need not be kept any more; None where no rule gives a time.

    A datetime has a zone and is taken to be the earliest day it was anywhere: a log is never said to last longer than
    it may. Where the rule counts from something later than the event (the end of a service), it is the least.
    """
    if rule is None or rule.keep is None:
        return None
    return after(_day(event, _WEST), rule.keep)


def _words(value: Event | Hold | Then) -> str:
    return value.value.replace("-", " ")


def _day(moment: date | datetime, zone: timezone) -> date:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    try:
        return moment.astimezone(zone).date()
    except OverflowError:  # at the very ends of the calendar
        return moment.astimezone(UTC).date()


def after(day: date, keep: Period) -> date:
    """Return the first day on which `keep` is over: years, then months, then days after `day`.

    A day the month does not have becomes the first of the next, never an earlier one: 29 February and a year is
    1 March. Beyond the calendar's end it is the calendar's last day.
    """
    months = day.year * 12 + day.month - 1 + keep.years * 12 + keep.months
    year, month = divmod(months, 12)
    try:
        try:
            moved = date(year, month + 1, day.day)
        except ValueError:
            year, month = divmod(months + 1, 12)
            moved = date(year, month + 1, 1)
        return moved + timedelta(days=keep.days)
    except (ValueError, OverflowError):
        return date.max


def may_unseal(pack: Pack, *, roles: Collection[str], reason: str) -> bool:
    """Return whether somebody with these roles (values of Role) may open a sealed name for this reason (its id)."""
    law = pack.unsealing
    return not law.roles.isdisjoint(roles) and any(one.id == reason for one in law.reasons)


def sealed_again_at(pack: Pack, *, opened_at: datetime) -> datetime:
    """Return the moment from which a sealed name opened at `opened_at` is closed again."""
    return opened_at + timedelta(minutes=pack.unsealing.open_minutes)
