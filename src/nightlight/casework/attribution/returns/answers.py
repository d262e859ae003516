# SPDX-License-Identifier: Apache-2.0
"""What a return answers to an event: a set of subscribers, and whether it stays the same when clocks are a bit wrong.

The stated time counts, and no other. It is asked again with the stated clock error, with a minute either way, with the
zone taken wrongly (5 h 30 min either way, and the hour of summer time), and with day and month changed round. A match
that only one of those gives is a probable error of the source, reported as such and never used in place of an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import POSTAL, Field
from nightlight.casework.attribution.returns.rows import WHOLE, Sought, matches
from nightlight.casework.attribution.returns.twice import given_twice, told_apart

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nightlight.casework.attribution.returns.plain import Found
    from nightlight.casework.attribution.returns.rows import LogRow

MINUTE = 60
_INDIA = 19_800  # seconds that India is before UTC
_HOUR = 3_600
_DAY = 86_400


class Trial(StrEnum):
    """A way in which a return is asked again."""

    STATED = "stated"
    ZONE = "zone"  # India's time taken for UTC, or UTC for India's
    HOUR = "hour"  # summer time
    DAY_MONTH = "day-month"
    PORT = "port"  # the stated time, whatever the port


class Certainty(StrEnum):
    """How much an answer says."""

    STABLE = "stable"  # one subscriber throughout
    AMBIGUOUS = "ambiguous"  # several, or one that not every reading of the clock gives
    NONE = "none"


class Mark(StrEnum):
    """What has to be said beside an answer."""

    NO_PORT = "no-port"
    PORTS_NOT_STATED = "ports-not-stated"  # a row of the log says nothing of ports
    CLOCK_NOT_STATED = "clock-not-stated"
    ADDRESS_TYPE_UNKNOWN = "address-type-unknown"
    NO_POSTAL_ADDRESS = "no-postal-address"
    INSIDE_ONLY = "inside-only"  # the row names an address inside the operator's network
    BY_PREFIX = "by-prefix"
    GIVEN_TWICE = "given-twice"  # the same port at the same time to two subscribers
    MANY = "many"  # a list of candidates, not an answer
    ROWS_REFUSED = "rows-refused"  # rows that could not be read may be of this address, port and time
    BY_DESTINATION = "by-destination"  # rows of several subscribers that differ in protocol or destination
    CUT_OFF = "cut-off"  # it rests on a last row that does not end, so its last cell may be part of a longer one


class Gap(StrEnum):
    """Why there may be no answer."""

    ADDRESS_NOT_IN_LOG = "address-not-in-log"
    NO_ROWS_AT_THE_TIME = "no-rows-at-the-time"
    PORT_NOT_IN_LOG = "port-not-in-log"
    ROWS_REFUSED = "rows-refused"  # no row that counts, and some that could not be read


@dataclass(frozen=True, slots=True)
class Asked:
    """An event as a return is asked for it.

    `at` is Unix seconds, `clock_error` what is stated of both clocks together, in seconds, None where nothing is.
    `offsets` are the zones, in minutes east of UTC, in which the date may have been written: the source's, the log's.
    """

    key: str
    address: int
    port: int | None
    at: int
    clock_error: int | None = None
    offsets: tuple[int, ...] = (0, 330)

    @property
    def error(self) -> int:
        """The stated clock error, 0 where none is stated."""
        return self.clock_error or 0


@dataclass(frozen=True, slots=True)
class Named:
    """A subscriber whom rows name, with those rows, and the types of the postal addresses they give."""

    subscriber: str
    rows: tuple[LogRow, ...]
    at_stated_time: bool  # False: only when a clock is a little wrong
    address_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProbableError:
    """What would match if the source had taken something wrongly. A question to the source, not an answer."""

    trial: Trial
    at: int
    subscribers: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What would have led to another door: recorded, because it lowers trust in the path that produced it."""

    kind: str  # a Trial, "clock", "minute", "given-twice"
    key: str
    subscribers: tuple[str, ...]
    rows: tuple[int, ...]
    shift: int = 0  # seconds by which the time would have had to be another


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one event. `named` is the whole set; `probable_errors` is empty where the stated time matches.

    `refused`: the first rows that could not be read and may be of this event; beside them no answer is stable.
    """

    asked: Asked
    certainty: Certainty
    named: tuple[Named, ...]
    probable_errors: tuple[ProbableError, ...] = ()
    gap: Gap | None = None
    gap_from: int | None = None
    gap_until: int | None = None
    marks: tuple[Mark, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    refused: tuple[int, ...] = ()

    @property
    def subscribers(self) -> tuple[str, ...]:
        """Whom the answer names, sorted."""
        return tuple(each.subscriber for each in self.named)

    @property
    def usable_address(self) -> bool:
        """Whether every subscriber has a postal address whose type is known: required before anybody goes anywhere."""
        return bool(self.named) and all(
            any(kind != POSTAL[Field.POSTAL_ADDRESS] for kind in n.address_types) for n in self.named
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What both matchers are asked for these events: `sought`, with the widest error; `trials` says which is which."""

    sought: tuple[Sought, ...]
    trials: tuple[tuple[int, Trial], ...]  # (index of the event, what is tried)
    error: int


def question(events: Sequence[Asked]) -> Question:
    """Everything that has to be looked for to answer these events, for one pass over a return."""
    sought, trials = [], []
    for index, event in enumerate(events):
        for trial, at in _times(event):
            sought.append(Sought(event.address, event.port, at))
            trials.append((index, trial))
        if event.port is not None:
            sought.append(Sought(event.address, None, event.at))
            trials.append((index, Trial.PORT))
    return Question(tuple(sought), tuple(trials), max((max(event.error, MINUTE) for event in events), default=0))


def answers(events: Sequence[Asked], asked: Question, found: Found) -> tuple[Answer, ...]:
    """The answers from what a matcher found for `question(events)`."""
    rows_of: dict[int, dict[int, LogRow]] = {}
    for index, number in found.matches:
        rows_of.setdefault(asked.trials[index][0], {})[number] = found.rows[number]
    stated = {event: index for index, (event, trial) in enumerate(asked.trials) if trial is Trial.STATED}
    return tuple(
        answer(
            event,
            list(rows_of.get(place, {}).values()),
            seen=found.at_address[stated[place]],
            before=found.before[stated[place]],
            after=found.after[stated[place]],
            inside_only=found.inside_only,
            refused=found.refused.get(stated[place], ()),
        )
        for place, event in enumerate(events)
    )


def answer(
    event: Asked,
    rows: Sequence[LogRow],
    *,
    seen: int | None = None,
    before: int | None = None,
    after: int | None = None,
    inside_only: bool = False,
    refused: Sequence[int] = (),
) -> Answer:
    """The answer of rows: any that could matter to the event; others change nothing.

    `seen`, `before`, `after` tell of the rows of its address (see `plain.Found`), where there is no answer; `refused`
    are the numbers of rows that could not be read and may be of the event.
    """
    rows = sorted(rows, key=lambda row: row.number)
    at = Sought(event.address, event.port, event.at)
    exact = [row for row in rows if matches(at, row)]
    within = [row for row in rows if matches(at, row, event.error)]
    minute = [row for row in rows if matches(at, row, max(event.error, MINUTE))]
    named = _named(minute, {row.number for row in exact})
    certainty = Certainty.NONE
    if named:
        same = _who(exact) == _who(within) == _who(minute)
        certainty = Certainty.STABLE if same and len(named) == 1 and not refused else Certainty.AMBIGUOUS
    twice = given_twice(exact, event.port)
    near = _near_misses(event, exact, within, minute, twice)
    errors: tuple[ProbableError, ...] = ()
    gap: Gap | None = None
    if not within:
        # Also where a neighbour is less than a minute away: it must not hide that the source may be wrong by hours.
        errors = _probable_errors(event, rows)
        near += [NearMiss(e.trial, event.key, e.subscribers, e.rows, e.at - event.at) for e in errors]
    if not named:
        others = [row for row in rows if matches(Sought(event.address, None, event.at), row, event.error)]
        if others:
            gap = Gap.PORT_NOT_IN_LOG
            near.append(NearMiss(Trial.PORT, event.key, _names(others), _numbers(others)))
        elif refused:
            gap = Gap.ROWS_REFUSED
        elif rows or seen:
            gap = Gap.NO_ROWS_AT_THE_TIME
        else:
            gap = Gap.ADDRESS_NOT_IN_LOG
    marks = _marks(event, minute, named, twice=bool(twice), inside_only=inside_only, refused=bool(refused))
    between = (before, after) if gap is Gap.NO_ROWS_AT_THE_TIME else (None, None)
    return Answer(event, certainty, named, errors, gap, *between, marks, tuple(near), tuple(sorted(refused)))


def cut_off(given: Answer, last: Collection[int]) -> Answer:
    """The answer, knowing that the rows of these numbers end their files without an end of their own.

    Such a row may be whole, and may name SUB-1 where SUB-12 was meant: an answer that rests on it is not certain.
    """
    if not any(row.number in last for named in given.named for row in named.rows):
        return given
    return replace(given, certainty=Certainty.AMBIGUOUS, marks=(Mark.CUT_OFF, *given.marks))


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How many people a return names: in all, in answers, and beyond those. `exact` False: at least so many."""

    people: int
    listed: int
    beyond: int
    exact: bool = True


def disclosure(people: int, given: Iterable[Answer], *, exact: bool = True) -> Disclosure:
    """How many people were disclosed by a return that names `people` different subscribers, and for what."""
    listed = {name for one in given for name in one.subscribers}
    return Disclosure(people, len(listed), max(0, people - len(listed)), exact)


def _times(event: Asked) -> list[tuple[Trial, int]]:
    times = [(Trial.STATED, event.at)]
    times += [(Trial.ZONE, event.at + by) for by in (-_INDIA, _INDIA)]
    times += [(Trial.HOUR, event.at + by) for by in (-_HOUR, _HOUR)]
    seen = {at for _, at in times}
    for offset in dict.fromkeys(event.offsets):
        at = _day_month(event.at, offset)
        if at is not None and at not in seen:
            seen.add(at)
            times.append((Trial.DAY_MONTH, at))
    return times


def _day_month(at: int, offset: int) -> int | None:
    """The same clock on the day that is written with day and month changed round; None where that is no other day."""
    # From a fixed day on, by hand: a time far outside the calendar is nobody's, and must not stop a pass.
    try:
        local = datetime.fromtimestamp(at, UTC) + timedelta(minutes=offset)
        swapped = local.replace(day=local.month, month=local.day)
    except (ValueError, OverflowError, OSError):
        return None
    return None if swapped == local else at + int((swapped - local).total_seconds())


def _probable_errors(event: Asked, rows: Sequence[LogRow]) -> tuple[ProbableError, ...]:
    found = []
    for trial, at in _times(event)[1:]:
        matched = [row for row in rows if matches(Sought(event.address, event.port, at), row, event.error)]
        if matched:
            found.append(ProbableError(trial, at, _names(matched), _numbers(matched)))
    return tuple(found)


def _near_misses(
    event: Asked,
    exact: Sequence[LogRow],
    within: Sequence[LogRow],
    minute: Sequence[LogRow],
    twice: Sequence[LogRow],
) -> list[NearMiss]:
    found = []
    for kind, wider, narrower, shift in (
        ("clock", within, _who(exact), event.error),
        ("minute", minute, _who(within), max(event.error, MINUTE)),
    ):
        more = [row for row in wider if row.subscriber not in narrower]
        if more:
            found.append(NearMiss(kind, event.key, _names(more), _numbers(more), shift))
    if twice:
        found.append(NearMiss(Mark.GIVEN_TWICE, event.key, _names(twice), _numbers(twice)))
    return found


def _marks(
    event: Asked, rows: Sequence[LogRow], named: Sequence[Named], *, twice: bool, inside_only: bool, refused: bool
) -> tuple[Mark, ...]:
    postal = POSTAL[Field.POSTAL_ADDRESS]
    facts: Mapping[Mark, bool] = {
        Mark.ROWS_REFUSED: refused,
        Mark.GIVEN_TWICE: twice,
        Mark.BY_DESTINATION: event.port is not None and not twice and told_apart(rows),
        Mark.INSIDE_ONLY: inside_only and bool(named),
        Mark.NO_PORT: event.port is None,
        Mark.PORTS_NOT_STATED: event.port is not None and any(not row.ports_known for row in rows),
        Mark.BY_PREFIX: any(row.bits != WHOLE for row in rows),
        Mark.CLOCK_NOT_STATED: event.clock_error is None,
        Mark.ADDRESS_TYPE_UNKNOWN: any(set(each.address_types) == {postal} for each in named),
        Mark.NO_POSTAL_ADDRESS: any(not each.address_types for each in named),
        Mark.MANY: len(named) > 1,
    }
    return tuple(mark for mark, holds in facts.items() if holds)


def _named(rows: Sequence[LogRow], exact: set[int]) -> tuple[Named, ...]:
    by_name: dict[str, list[LogRow]] = {}
    for row in rows:
        by_name.setdefault(row.subscriber, []).append(row)
    return tuple(
        Named(name, tuple(listed), any(row.number in exact for row in listed), _types(listed))
        for name, listed in sorted(by_name.items())
    )


def _types(rows: Iterable[LogRow]) -> tuple[str, ...]:
    fields = {name for row in rows for name, _ in row.details}
    return tuple(kind for held, kind in POSTAL.items() if held.value in fields)


def _who(rows: Iterable[LogRow]) -> set[str]:
    return {row.subscriber for row in rows}


def _names(rows: Iterable[LogRow]) -> tuple[str, ...]:
    return tuple(sorted(_who(rows)))


def _numbers(rows: Iterable[LogRow]) -> tuple[int, ...]:
    return tuple(sorted({row.number for row in rows}))
