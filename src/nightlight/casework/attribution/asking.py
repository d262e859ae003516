# SPDX-License-Identifier: Apache-2.0
"""What a request holds, composed from the fields of the evidence; nothing in it is typed again by anybody.

Each event is read once more from what was sent, becomes one line with its window in UTC and in the operator's zone, and
goes to whoever held the address that day, or, where the port is missing, to the platform that may have it. Lines for
one addressee, kind and power stand in one letter. Records that may soon be gone are preserved first, by a letter of
their own. What cannot be composed is handed back with the reason; nothing is left out silently. A customer behind an
address is asked only of who is known to run a service that others go through.

Which law, who signs and who approves come from the law pack; `gate.check` decides whether a line goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addressees import addressee_code, for_gate, runs_a_service, shares
from nightlight.casework.attribution.addresses import NotRead, read_address
from nightlight.casework.attribution.asking_kinds import Hindrance, Hold, Kind, Power
from nightlight.casework.attribution.gate_evidence import inside, port_stated
from nightlight.casework.attribution.gate_lines import (
    RequestLine,
    SourceFields,
    check_value,
    protocol_of,
    shown_times,
)
from nightlight.casework.attribution.operators import By, Chosen, OperatorKind
from nightlight.casework.attribution.times import ClockError, TimeRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nightlight.casework.attribution.grades import AskFor, Retention
    from nightlight.casework.attribution.operators import Contact, Operator

__all__ = [
    "GENERIC",
    "Drafts",
    "Hindrance",
    "Hold",
    "Kind",
    "LeftOut",
    "Line",
    "Power",
    "Question",
    "Request",
    "Wanted",
    "addressee_code",
    "compose",
    "for_gate",
    "line_for",
    "shares",
]

RED = timedelta(days=30)  # so little left of a known retention: preserve first
OLD = timedelta(days=120)  # an event older than that: preserve first, known retention or not
GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event, what is wanted of whom about it, and what is known of the holder's logs.

    `holder`: who held the address then. `platform`: the entry of whoever recorded the event; asked for the port.
    `account`: by which the platform knows the user, as its report states it.
    """

    key: str
    kind: Kind
    source: SourceFields
    holder: Chosen
    platform: Operator | None = None
    account: str = ""
    protocol: str = ""
    clock: ClockError = field(default_factory=ClockError)
    retention: Retention | None = None
    ask_for: tuple[AskFor, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """An event whose time cannot be derived, so that it has no line: whoever recorded it is asked what it meant.

    What was sent is quoted as it is; nothing is read into it.
    """

    key: str
    source: SourceFields
    ask_for: tuple[AskFor, ...]
    account: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An event that is in no letter of a kind, and why."""

    key: str
    kind: Kind
    code: Hindrance
    explanation: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a letter with what it rests on. `also`: other events for which it is the same row.

    Their evidence is `also_sources`, in the same order: the gate reads each of them (`gate.check_also`).

    `account` only where the addressee is the platform that has it: an access provider need not know it.
    """

    line: RequestLine
    source: SourceFields
    holder: Chosen
    account: str = ""
    clock: ClockError = field(default_factory=ClockError)
    also: tuple[str, ...] = ()
    hours_left: float | None = None  # of the retention; None: not known
    also_sources: tuple[SourceFields, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A letter to one addressee, by one power. `preserve` names the kinds of letters this one goes before."""

    kind: Kind
    code: str  # of the operator, or AS64496 where the directory has no entry
    addressee: str
    country: str
    operator: Operator | None
    contacts: tuple[Contact, ...]
    power: Power | None
    zone: str
    layout: str  # of the annex
    lines: tuple[Line, ...]
    hindrances: tuple[Hindrance, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def hours_left(self) -> float | None:
        """Of the line whose records go first; None where none is known."""
        return min((one.hours_left for one in self.lines if one.hours_left is not None), default=None)

    @property
    def people_at_most_one(self) -> bool:
        """Whether each line has a port or needs none, so that an answer of many people would be an error."""
        return all(one.line.port is not None or ":" in one.line.address for one in self.lines)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The letters in the order in which they go out, and what is in none."""

    requests: tuple[Request, ...]
    left_out: tuple[LeftOut, ...]


def line_for(wanted: Wanted, *, operator: str, zone: str, layout: str, inner: bool = True) -> RequestLine | LeftOut:
    """Return the line of an event, read anew from what was sent; `zone`: the IANA zone of its local times.

    `inner`: where the address carries an IPv4 address (Teredo, 6to4), that one is asked about, with the port that the
    address holds; whoever recorded the event saw the outer one. A port that is none, and one of another time, is not
    put into a line: the gate's cautions name it.
    """
    source, refused = wanted.source, _refusal(wanted)
    read = read_address(source.address_as_sent)
    if isinstance(read, NotRead):
        return refused(Hindrance.ADDRESS, f"{source.address_as_sent!r} is no address: {read.trouble.value}.")
    address = (inside(read).inner or read.text) if inner and not wanted.kind.of_platform else read.text
    port = port_stated(source, wanted.clock, asked=address)
    if port.two:
        return refused(Hindrance.PORT, f"{source.address_as_sent!r} and {source.port_as_sent!r} are two ports.")
    event = source.derived(zone)
    if isinstance(event, TimeRefused):
        return refused(Hindrance.TIME, event.explanation)
    if event.utc is None or event.local is None:
        return refused(Hindrance.DAY_ONLY, f"{source.moment_as_sent!r} names a day and no clock.")
    window, info = event.window.widened(wanted.clock), event.local.tzinfo
    made = RequestLine(
        address=address,
        port=port.number,
        protocol=(protocol_of(source.protocol_as_sent) or "") if source.protocol_as_sent else wanted.protocol,
        utc_from=window.earliest.astimezone(UTC),
        utc_to=window.latest.astimezone(UTC),
        local_from=window.earliest.astimezone(info),
        local_to=window.latest.astimezone(info),
        zone=zone,
        operator=operator,
        derivation=event.steps,
        purpose=wanted.kind.purpose,
        format=layout,
        key=wanted.key,
    )
    made = replace(made, shown=shown_times(made))
    return replace(made, check_value=check_value(made))


def _refusal(wanted: Wanted) -> Callable[[Hindrance, str], LeftOut]:
    return lambda code, words: LeftOut(wanted.key, wanted.kind, code, words)


def compose(
    wanted: Iterable[Wanted],
    power_for: Callable[[Kind, str, str], Power | None],
    *,
    now: datetime,
    zone: str,
    red: timedelta = RED,
    old: timedelta = OLD,
    exercise: bool = False,
) -> Drafts:
    """Return the letters for events, preservation first.

    `power_for(kind, country, kind of holder)`: the power chosen for it, None where none is: the letter is drafted and
    says that it cannot go out. `now` aware. `zone`: the IANA zone of local times where the addressee's is not known.
    `red`, `old`: how little has to be left of the retention, or how old an event has to be, for preservation first.
    `exercise`: whether invented operators are meant.
    """
    if now.tzinfo is None:
        raise ValueError("a time needs a zone")
    letters: dict[tuple[Kind, str, str], Request] = {}
    left: list[LeftOut] = []
    for one in wanted:
        if one.kind is Kind.VPN_SUBSCRIBER and not runs_a_service(one.holder):
            words = f"{one.holder.addressee or 'The holder'} is not known to run a service that others go through."
            left.append(_refusal(one)(Hindrance.NOT_A_SERVICE, words))
            continue
        for asked, addressee in _letters_of(one, now, red, old):
            drafted = _draft(asked, addressee, power_for, zone=zone, now=now, exercise=exercise)
            if isinstance(drafted, LeftOut):
                left.append(drafted)
                continue
            place = (drafted.kind, drafted.code, drafted.power.id if drafted.power else "")
            letters[place] = _joined(letters[place], drafted) if place in letters else drafted
    order = list(Kind)
    ordered = sorted(letters.values(), key=lambda one: (order.index(one.kind), _urgency(one), one.addressee, one.code))
    return Drafts(tuple(ordered), tuple(dict.fromkeys(left)))


def _urgency(request: Request) -> float:
    return float("inf") if request.hours_left is None else request.hours_left


def _letters_of(one: Wanted, now: datetime, red: timedelta, old: timedelta) -> list[tuple[Wanted, Chosen]]:
    """What is asked of whom about one event: what is wanted, and before it that the records be kept."""
    asked = [(one, _of_platform(one) if one.kind.of_platform else one.holder)]
    if one.kind is Kind.PRESERVATION:
        return asked
    if _may_be_gone_soon(one, now, red, old):
        keep = replace(one, kind=Kind.PRESERVATION)
        # While a platform looks for the port, the operator's log runs out: both are asked to keep what they have.
        first = [(keep, asked[0][1])]
        if one.kind.of_platform and addressee_code(one.holder):
            first.append((keep, one.holder))
        asked = [*(pair for pair in first if addressee_code(pair[1])), *asked]
    return asked


def _of_platform(one: Wanted) -> Chosen:
    if one.platform is None:
        return Chosen(None, By.NOTHING, "", "The directory has no entry for whoever recorded this event.")
    why = f"{one.platform.name} recorded this event and reported it."
    return Chosen(one.platform, By.NAME, one.platform.name, why, shown=one.platform.code)


def _may_be_gone_soon(one: Wanted, now: datetime, red: timedelta, old: timedelta) -> bool:
    event = one.source.derived("UTC", now)
    if isinstance(event, TimeRefused):
        return False
    left = None if one.retention is None else one.retention.left(event.window.earliest, now)
    if left is not None and left <= timedelta():
        return one.retention is not None and one.retention.minimum  # what is certainly gone cannot be kept
    hurry = None if one.retention is None else one.retention.hurry(event.window.earliest, now)
    return (hurry is not None and hurry < red) or now - event.window.earliest >= old


def _draft(
    one: Wanted,
    addressee: Chosen,
    power_for: Callable[[Kind, str, str], Power | None],
    *,
    zone: str,
    now: datetime,
    exercise: bool,
) -> Request | LeftOut:
    operator, code = addressee.operator, addressee_code(addressee)
    if not code:
        return _refusal(one)(Hindrance.NO_PLATFORM if one.kind.of_platform else Hindrance.NOBODY, addressee.why)
    # Who reads UTC gets UTC in any case; beside it stands the time of the unit, so that both dates are seen.
    zone = operator.zone if operator and operator.zone not in {"", "UTC"} else zone
    layout = operator.layouts[0] if operator and operator.layouts else GENERIC
    line = line_for(one, operator=code, zone=zone, layout=layout, inner=addressee is one.holder)
    account = one.account if operator and operator.kind is OperatorKind.PLATFORM else ""
    asked: tuple[Question, ...] = ()
    if isinstance(line, LeftOut):
        if not one.kind.of_platform or line.code not in {Hindrance.TIME, Hindrance.DAY_ONLY}:
            return line
        asked = (Question(one.key, one.source, one.ask_for, account),)
    power = power_for(one.kind, operator.country, operator.kind.value) if operator else None
    contacts = operator.contacts_for(one.kind.purpose.value) if operator else ()
    rows: tuple[Line, ...] = ()
    if isinstance(line, RequestLine):
        left = None if one.retention is None else one.retention.hurry(line.utc_from, now)
        hours = None if left is None or addressee is not one.holder else max(0.0, left.total_seconds() / 3600)
        rows = (Line(line, one.source, addressee, account, one.clock, hours_left=hours),)
    hindrances = (
        *(() if contacts else (Hindrance.NO_CONTACT,)),
        *(() if power else (Hindrance.NO_POWER,)),
        *((Hindrance.EXERCISE_ONLY,) if operator and operator.exercise and not exercise else ()),
    )
    return Request(
        kind=one.kind,
        code=code,
        addressee=addressee.addressee,
        country=operator.country if operator else "",
        operator=operator,
        contacts=contacts,
        power=power,
        zone=zone,
        layout=layout,
        lines=rows,
        hindrances=hindrances,
        questions=asked,
    )


def _joined(letter: Request, more: Request) -> Request:
    """Put another event's line into a letter; a line that asks the same is not asked twice."""
    if not more.lines:
        asked = tuple(dict.fromkeys((*letter.questions, *more.questions)))
        return replace(letter, questions=asked)
    new = more.lines[0]
    for place, old in enumerate(letter.lines):
        if (old.line.check_value, old.account) == (new.line.check_value, new.account):
            if new.line.key == old.line.key or new.line.key in old.also:
                return letter
            sources = (*old.also_sources, new.source)
            both = replace(old, also=(*old.also, new.line.key), also_sources=sources)
            return replace(letter, lines=(*letter.lines[:place], both, *letter.lines[place + 1 :]))
    return replace(letter, lines=(*letter.lines, new))
