# SPDX-License-Identifier: Apache-2.0
"""The gate before any request: the line of a letter against the evidence, read anew, and against what is known.

Each line is compared with the bytes of the evidence, not with what an earlier step made of them: address, port and time
are read here once more. Anything that does not fit stops the letter, with a code, a sentence, the field, and the value
of the source beside the value of the line. What cannot be read stops it too; nothing has a default.

What the gate cannot see, because no field in front of it says otherwise: a zone or an order of dates declared wrongly
for a layout, where the time that comes out is possible and no second place of the evidence disagrees; a source that was
itself wrong; the right record of the wrong account; a directory of operators that is wrong. `cautions` names what a
line rests on in these respects.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import gate_evidence
from nightlight.casework.attribution.addresses import NotRead, read_address
from nightlight.casework.attribution.gate_cautions import Noticed, cautions
from nightlight.casework.attribution.gate_lines import (
    Authority,
    Chosen,
    GateFacts,
    Purpose,
    RequestLine,
    SourceFields,
    Statement,
    check_value,
    read_back,
    shown_times,
)
from nightlight.casework.attribution.gate_words import Block, Care, Stop, block, text
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.time_texts import Unread
from nightlight.casework.attribution.times import Derivation, Role, TimeFault, TimeRefused, zone_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Authority",
    "Block",
    "Care",
    "Chosen",
    "GateFacts",
    "Noticed",
    "Purpose",
    "RequestLine",
    "SourceFields",
    "Statement",
    "Stop",
    "cautions",
    "check",
    "check_also",
    "check_value",
    "read_back",
    "shown_times",
]

# Behind a line that strangers' traffic went through stands somebody who did nothing: it is not even named in a letter.
_NEVER_ASKED = frozenset({Label.RESERVED, Label.TOR_EXIT, Label.RESIDENTIAL_PROXY})
_SERVICES = frozenset({"hosting", "vpn"})
_OF_PLATFORMS = frozenset({Purpose.LOGS, Purpose.PRESERVATION})
_QUARTER, _MINUTE = timedelta(minutes=15), timedelta(minutes=1)


def check(line: RequestLine, source: SourceFields, facts: GateFacts) -> tuple[Block, ...]:
    """Everything that stops this line from going out; empty: nothing does. Never raises for what a line holds."""
    naive = gate_evidence.without_zone(source, facts)
    if naive:
        return (block(Stop.FACT_ZONE_MISSING, "time", ", ".join(naive), text(line.utc_from)),)
    try:
        return (
            *gate_evidence.evidence(source, facts),
            *gate_evidence.address(line, source),
            *gate_evidence.port(line, source, facts),
            *_clock(facts),
            *_times(line, source, facts),
            *_operator(line, source, facts),
            *_authority(line, facts),
            *_label(line, source, facts),
            *_letter(line, facts),
        )
    except OverflowError:
        words = "A time in the line lies outside the calendar."
        return (Block(TimeFault.YEAR_IMPLAUSIBLE, "time", words, source.moment_as_sent, str(line.utc_from)),)


def check_also(line: RequestLine, sources: Iterable[SourceFields], facts: GateFacts) -> tuple[Block, ...]:
    """What stops a line because of the other events that it stands for: each is read from its own evidence.

    The printed derivation is that of the line's own event, and is not compared here.
    """
    found: list[Block] = []
    for source in sources:
        event = source.derived(line.zone) if _zone_stands(line.zone) else None
        steps = line.derivation if event is None or isinstance(event, TimeRefused) else event.steps
        at = None if event is None or isinstance(event, TimeRefused) else event.utc
        told = facts if at is None else replace(facts, label_at=at)
        found += check(replace(line, derivation=steps), source, told)
    return tuple(dict.fromkeys(found))


def _clock(facts: GateFacts) -> Iterator[Block]:
    """Whether what is stated of the clock can be said of a clock: a zone put in as an error of it moves every time."""
    ahead = abs(facts.clock.ahead)
    if ahead and not facts.clock.stated_by:
        yield block(Stop.CLOCK_UNSTATED, "clock", "", facts.clock.ahead)
    if ahead > facts.max_ahead:
        yield block(Stop.CLOCK_FAR, "clock", facts.clock.stated_by, facts.clock.ahead, f"{facts.max_ahead} at most")
    elif ahead and not ahead % _QUARTER:
        yield block(Stop.CLOCK_LIKE_ZONE, "clock", facts.clock.stated_by, facts.clock.ahead)


def _zone_stands(zone: str) -> bool:
    try:
        zone_info(zone)
    except Unread:
        return False
    return True


def _times(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    ends = (line.utc_from, line.utc_to, line.local_from, line.local_to)
    if any(at.utcoffset() is None for at in ends):
        yield block(Stop.LINE_ZONE_MISSING, "time", source.moment_as_sent, "; ".join(map(str, ends)))
        return
    if not _zone_stands(line.zone):
        yield block(Stop.LINE_ZONE_UNKNOWN, "zone", facts.zone, line.zone)
        return
    if facts.zone and facts.zone != line.zone:
        yield block(Stop.LINE_ZONE_OTHER, "zone", facts.zone, line.zone)
    yield from _line_times(line)
    event = source.derived(line.zone, facts.now)
    if isinstance(event, TimeRefused):
        yield Block(event.code, "time", event.explanation, source.moment_as_sent, text(line.utc_from))
        return
    if event.utc is None:
        words = "Only a day is known; a request needs the clock."
        yield Block(TimeFault.NOT_AN_INSTANT, "time", words, source.moment_as_sent, text(line.utc_from))
        return
    yield from _source_time(event, line, source, facts)
    expected = event.window.widened(facts.clock)
    off = line.utc_from - expected.earliest
    if off and off == line.utc_to - expected.latest:
        extra = _slip(event.utc, event.utc + off, line.zone)
        yield block(Stop.TIME_DIFFERS, "time", event.utc, event.utc + off, extra)
    elif (line.utc_from, line.utc_to) != (expected.earliest, expected.latest):
        both = (f"{text(at)} to {text(until)}" for at, until in ((expected.earliest, expected.latest), ends[:2]))
        yield block(Stop.WINDOW_DIFFERS, "time", *both)
    if line.derivation != event.steps:
        yield block(Stop.DERIVATION_DIFFERS, "derivation", " ".join(event.steps), " ".join(line.derivation))
    if line.utc_to - line.utc_from > facts.max_window:
        yield block(Stop.WINDOW_WIDE, "time", "", line.utc_to - line.utc_from, f"{facts.max_window} at most")
    yield from _retention(event, line, facts)


def _line_times(line: RequestLine) -> Iterator[Block]:
    """Whether the line agrees with itself."""
    for utc, local, field in ((line.utc_from, line.local_from, "from"), (line.utc_to, line.local_to, "to")):
        if utc.utcoffset() != timedelta():
            yield block(Stop.LINE_NOT_UTC, field, "", utc.isoformat(" "))
        if utc != local:
            yield block(Stop.LOCAL_DIFFERS, field, utc, local.isoformat(" "), _slip(utc, local, line.zone))
        if local.utcoffset() != local.astimezone(zone_info(line.zone)).utcoffset():
            clocks = local.astimezone(zone_info(line.zone)).isoformat(" ")
            yield block(Stop.LOCAL_OFFSET, field, clocks, local.isoformat(" "))
    if line.utc_to <= line.utc_from:
        yield block(Stop.WINDOW_EMPTY, "time", line.utc_from, line.utc_to)
    if line.shown != shown_times(line):
        yield block(Stop.SHOWN_DIFFERS, "shown", shown_times(line), line.shown)


def _source_time(event: Derivation, line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    """Whether the time that the evidence gives can be the time of the event."""
    assert event.utc is not None  # noqa: S101 - for the type checker; the caller has looked
    if source.role is not Role.OFFENCE:
        yield block(Stop.DETECTION_TIME, "time", source.moment_as_sent)
    # By the clock that wrote it, and by the stated error of that clock.
    earliest = max(event.window.earliest, event.window.widened(facts.clock).earliest)
    if facts.received_at is not None and earliest > facts.received_at:
        extra = _slip(facts.received_at, event.utc, event.zone_name)
        yield block(Stop.AFTER_RECEIPT, "time", facts.received_at, event.utc, extra)
    # Where many share an address, a few minutes make it somebody else's.
    apart = min(facts.agreement, _MINUTE) if gate_evidence.shared(line, facts) else facts.agreement
    for other in source.same_event:
        aware = other.utc.utcoffset() is not None
        # Another place of the same platform went by the same clock; one of somebody else's is in true time.
        moved = (event.utc, event.utc - facts.clock.ahead)
        if not aware or min(abs(other.utc - at) for at in moved) > apart + facts.clock.plus_minus:
            extra = "" if other.utc.utcoffset() is None else _slip(other.utc, event.utc, event.zone_name)
            yield block(Stop.SOURCES_DISAGREE, "time", f"{other.path}: {text(other.utc)}", event.utc, extra)


def _slip(one: datetime, other: datetime, zone: str) -> str:
    """What kind of mistake lies between two instants, as far as its shape tells."""
    apart = abs(other - one)
    info = zone_info(zone) if _zone_stands(zone) else UTC
    for in_zone in (UTC, info):
        a, b = one.astimezone(in_zone), other.astimezone(in_zone)
        if a.time() == b.time() and (a.month, a.day) == (b.day, b.month) and a.year == b.year:
            return ": day and month are exchanged"
        if a.year != b.year and (a.month, a.day, a.time()) == (b.month, b.day, b.time()):
            return ": the year is another"
    if timedelta() < apart <= timedelta(hours=14) and not apart % timedelta(minutes=15):
        hours, minutes = divmod(int(apart.total_seconds()) // 60, 60)
        return f": they are {hours} h {minutes:02} min apart, as two zones are"
    return f": they are {apart} apart" if apart else ""


def _retention(event: Derivation, line: RequestLine, facts: GateFacts) -> Iterator[Block]:
    assert event.utc is not None  # noqa: S101 - for the type checker; the caller has looked
    left = None if facts.retention is None else facts.retention.left(event.utc, facts.now)
    # A duty to keep that is over does not mean that the records are gone: that is named, and stops nothing.
    if left is not None and left <= timedelta() and facts.retention is not None and not facts.retention.minimum:
        words = f" ({facts.retention.source})" if facts.retention.source else ""
        yield block(Stop.RETENTION_OVER, "retention", f"{facts.retention.keep} from {text(event.utc)}", "", words)


def _operator(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    if facts.to_platform:
        if facts.to_platform != line.operator:
            yield block(Stop.OPERATOR_DIFFERS, "operator", facts.to_platform, line.operator)
        return
    chosen = facts.operator
    if chosen is None or not chosen.code:
        yield block(Stop.OPERATOR_UNKNOWN, "operator", "", line.operator)
        return
    by_number = chosen.by != "prefix"
    if (by_number and not chosen.asn) or not chosen.prefix or not chosen.derivation:
        yield block(Stop.OPERATOR_UNFOUNDED, "operator", chosen.code, line.operator)
    if chosen.code != line.operator:
        yield block(Stop.OPERATOR_DIFFERS, "operator", chosen.code, line.operator)
    try:
        network, address = ipaddress.ip_network(chosen.prefix), ipaddress.ip_address(line.address)
    except ValueError:
        yield block(Stop.OPERATOR_PREFIX, "operator", chosen.prefix, line.address)
    else:
        if address not in network:
            yield block(Stop.OPERATOR_PREFIX, "operator", chosen.prefix, line.address)
    event = source.derived("UTC")
    if isinstance(event, TimeRefused) or event.utc is None:
        return  # the time is stopped for itself
    same_day = chosen.at.utcoffset() is not None and chosen.at.astimezone(UTC).date() == event.utc.date()
    after = chosen.since is None or chosen.since <= event.utc
    before = chosen.until is None or event.utc < chosen.until
    if not (same_day and after and before):
        yield block(Stop.OPERATOR_DAY, "operator", chosen.at, event.utc)
    elif line.utc_from.utcoffset() is not None and line.utc_to.utcoffset() is not None:
        begins, ends = chosen.since, chosen.until
        if (begins is not None and line.utc_from < begins) or (ends is not None and line.utc_to > ends):
            days = " to ".join("" if day is None else f"{day:%Y-%m-%d}" for day in (begins, ends))
            yield block(Stop.OPERATOR_CHANGES, "operator", days, line.shown)


def _authority(line: RequestLine, facts: GateFacts) -> Iterator[Block]:
    authority = facts.authority
    if authority is None or not authority.power:
        yield block(Stop.POWER_MISSING, "power")
    if authority is None or not authority.approver:
        yield block(Stop.APPROVER_MISSING, "approver")
    if authority is not None:
        if authority.asks and line.purpose.value not in authority.asks:
            yield block(Stop.POWER_OTHER, "power", ", ".join(sorted(authority.asks)), line.purpose.value)
        if authority.least_place is not None and authority.place is None:
            yield block(Stop.RANK_UNKNOWN, "rank", authority.least_rank, authority.rank)
        if (
            authority.least_place is not None
            and authority.place is not None
            and authority.place < authority.least_place
        ):
            yield block(Stop.RANK_LOW, "rank", authority.least_rank, authority.rank)
        if authority.approved_at.utcoffset() is None or authority.approved_at > facts.now:
            yield block(Stop.APPROVED_LATER, "approver", facts.now, authority.approved_at)
    if not facts.checker:
        yield block(Stop.CHECKER_MISSING, "checker", facts.drafter)
    elif facts.checker.strip().casefold() == facts.drafter.strip().casefold():
        yield block(Stop.CHECKER_SAME, "checker", facts.drafter, facts.checker)


def _label(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    label = facts.label.label
    if facts.to_platform:
        if line.purpose not in _OF_PLATFORMS:
            yield block(Stop.PLATFORM_PURPOSE, "label", ", ".join(sorted(_OF_PLATFORMS)), line.purpose.value)
    elif label in _NEVER_ASKED:
        yield block(Stop.LABEL_NOT_ASKED, "label", label.value, line.purpose.value, label.value)
    elif label.anonymises and line.purpose.names_people:
        kind = "" if facts.operator is None else facts.operator.kind
        if line.purpose is not Purpose.CUSTOMER:
            yield block(Stop.LABEL_NOT_ASKED, "label", label.value, line.purpose.value, label.value)
        elif kind not in _SERVICES:
            yield block(Stop.NOT_A_SERVICE, "operator", kind or "not known", line.operator, label.value)
    elif line.purpose is Purpose.CUSTOMER:
        yield block(Stop.NO_CUSTOMER, "label", label.value, line.purpose.value)
    event, read = source.derived("UTC"), read_address(source.address_as_sent)
    other = not isinstance(event, TimeRefused) and event.utc is not None and event.utc != facts.label_at
    if other or (not isinstance(read, NotRead) and facts.label_address not in gate_evidence.names(read)):
        yield block(Stop.LABEL_STALE, "label", source.moment_as_sent, f"{facts.label_address}, {text(facts.label_at)}")


def _letter(line: RequestLine, facts: GateFacts) -> Iterator[Block]:
    if facts.allowed_formats and line.format not in facts.allowed_formats:
        yield block(Stop.FORMAT, "format", ", ".join(sorted(facts.allowed_formats)), line.format)
    try:
        due = check_value(line)
    except ValueError:
        return  # a time without a zone is stopped for itself
    if line.check_value != due:
        yield block(Stop.CHECK_VALUE, "check value", due, line.check_value)
