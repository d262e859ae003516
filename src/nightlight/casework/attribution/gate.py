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

import hashlib
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addresses import Address, NotRead, Trouble, read_address, read_port
from nightlight.casework.attribution.gate_cautions import cautions
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
from nightlight.casework.attribution.kinds import Label, Transition
from nightlight.casework.attribution.time_texts import Unread
from nightlight.casework.attribution.times import Derivation, Role, TimeFault, TimeRefused, zone_info
from nightlight.casework.attribution.transition import Inside, transition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Authority",
    "Block",
    "Care",
    "Chosen",
    "GateFacts",
    "Purpose",
    "RequestLine",
    "SourceFields",
    "Statement",
    "Stop",
    "cautions",
    "check",
    "check_value",
    "read_back",
    "shown_times",
]

_NEVER_ASKED = frozenset({Label.RESERVED, Label.TOR_EXIT})
_PROTOCOLS = frozenset({"", "tcp", "udp"})
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check(line: RequestLine, source: SourceFields, facts: GateFacts) -> tuple[Block, ...]:
    """Everything that stops this line from going out; empty: nothing does. Never raises for what a line holds."""
    try:
        return (
            *_evidence(source, facts),
            *_address(line, source),
            *_port(line, source, facts),
            *_times(line, source, facts),
            *_operator(line, source, facts),
            *_authority(facts),
            *_label(line, source, facts),
            *_letter(line, facts),
        )
    except OverflowError:
        words = "A time in the line lies outside the calendar."
        return (Block(TimeFault.YEAR_IMPLAUSIBLE, "time", words, source.moment_as_sent, str(line.utc_from)),)


def _evidence(source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    if not source.path or not _DIGEST.fullmatch(source.digest) or not source.record:
        yield block(Stop.SOURCE_MISSING, "source", source.path or source.digest)
        return
    found = hashlib.sha256(source.record).hexdigest()
    if found != source.digest:
        yield block(Stop.SOURCE_CHANGED, "source", source.digest, found)
    for field, words in (
        ("address", source.address_as_sent),
        ("port", source.port_as_sent or ""),
        ("time", source.moment_as_sent),
        ("account", source.subject_as_sent),
    ):
        if not all(_stands_in(source.record, word) for word in words.split()):
            yield block(Stop.NOT_IN_RECORD, field, source.path, words)
    if source.subject_as_sent and facts.subject and source.subject_as_sent != facts.subject:
        yield block(Stop.SUBJECT_DIFFERS, "account", source.subject_as_sent, facts.subject)


def _stands_in(record: bytes, word: str) -> bool:
    # UTF-16 puts zeros between, JSON may put a backslash before a slash: neither changes what is said.
    plain = record.replace(b"\0", b"").replace(b"\\/", b"/")
    return (
        re.search(
            rb"(?<![0-9A-Za-z.])" + re.escape(word.encode(errors="surrogateescape")) + rb"(?![0-9A-Za-z]|\.[0-9])",
            plain,
        )
        is not None
    )


def _address(line: RequestLine, source: SourceFields) -> Iterator[Block]:
    read = read_address(source.address_as_sent)
    if isinstance(read, NotRead):
        yield block(Stop.ADDRESS_UNREADABLE, "address", source.address_as_sent, line.address, read.trouble.value)
    asked = read_address(line.address)
    if isinstance(asked, NotRead) or asked.text != line.address:
        yield block(Stop.ADDRESS_FORM, "address", source.address_as_sent, line.address)
    if not isinstance(read, NotRead) and line.address not in _names(read):
        yield block(Stop.ADDRESS_DIFFERS, "address", read.text, line.address)


def _names(read: Address) -> set[str]:
    """The address, and the IPv4 address that its transition form carries: that may be the one to ask about."""
    return {read.text, _inside(read).inner or read.text}


def _inside(read: Address | NotRead) -> Inside:
    if isinstance(read, NotRead) or read.version != 6:
        return Inside(Transition.NONE)
    return transition_of(ipaddress.IPv6Address(read.text))


def _port(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    read = read_address(source.address_as_sent)
    stated: int | Trouble | None = None if isinstance(read, NotRead) else read.port or read.port_trouble
    if source.port_as_sent is not None:
        written, stated = stated, read_port(source.port_as_sent)
        if isinstance(written, int) and written != stated:
            yield block(Stop.PORT_DIFFERS, "port", f"{source.address_as_sent}, {source.port_as_sent}", line.port)
    inside = _inside(read)
    if inside.inner and line.address == inside.inner and inside.port is not None:
        stated = inside.port
    if isinstance(stated, Trouble):
        yield block(
            Stop.PORT_UNREADABLE, "port", source.port_as_sent or source.address_as_sent, line.port, stated.value
        )
        return
    if line.protocol not in _PROTOCOLS:
        yield block(Stop.PROTOCOL, "protocol", "", line.protocol)
    if line.port is not None and stated is None:
        yield block(Stop.PORT_NOT_STATED, "port", "", line.port)
    elif line.port is None and stated is not None:
        yield block(Stop.PORT_LEFT_OUT, "port", stated)
    elif line.port != stated:
        yield block(Stop.PORT_DIFFERS, "port", stated, line.port)
    shared = facts.label.label.shared or (facts.operator_shares is True and ":" not in line.address)
    # A preservation names nobody, and the platform is the one who is asked for the port.
    names_people = line.purpose is not Purpose.PRESERVATION and not facts.to_platform
    if line.port is None and shared and names_people:
        yield block(Stop.PORT_NEEDED, "port", source.port_as_sent)
    if line.port is not None and source.port_at is not None and not facts.to_platform:
        event = source.derived(line.zone if _zone_stands(line.zone) else "UTC")
        if isinstance(event, TimeRefused):
            return  # the time is stopped for itself
        if not _within(source.port_at, event, facts):
            yield block(Stop.PORT_STALE, "port", source.port_at, event.utc)


def _within(at: datetime, event: Derivation, facts: GateFacts) -> bool:
    window = event.window.widened(facts.clock)
    return at.utcoffset() is not None and window.earliest <= at < window.latest


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
    yield from _source_time(event, source, facts)
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


def _source_time(event: Derivation, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    """Whether the time that the evidence gives can be the time of the event."""
    assert event.utc is not None  # noqa: S101 - for the type checker; the caller has looked
    if source.role is not Role.OFFENCE:
        yield block(Stop.DETECTION_TIME, "time", source.moment_as_sent)
    if facts.received_at is not None and event.window.earliest > facts.received_at:
        extra = _slip(facts.received_at, event.utc, event.zone_name)
        yield block(Stop.AFTER_RECEIPT, "time", facts.received_at, event.utc, extra)
    for other in source.same_event:
        if other.utc.utcoffset() is None or abs(other.utc - event.utc) > facts.agreement + facts.clock.plus_minus:
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
    if left is not None and left <= timedelta() and facts.retention is not None:
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
    if not chosen.asn or not chosen.prefix or not chosen.derivation:
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


def _authority(facts: GateFacts) -> Iterator[Block]:
    authority = facts.authority
    if authority is None or not authority.power:
        yield block(Stop.POWER_MISSING, "power")
    if authority is None or not authority.approver:
        yield block(Stop.APPROVER_MISSING, "approver")
    if authority is not None:
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
    elif facts.checker == facts.drafter:
        yield block(Stop.CHECKER_SAME, "checker", facts.drafter, facts.checker)


def _label(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    label = facts.label.label
    nobody = label in _NEVER_ASKED or (label.anonymises and line.purpose is Purpose.SUBSCRIBER)
    if nobody and not facts.to_platform:
        yield block(Stop.LABEL_NOT_ASKED, "label", label.value, line.purpose.value, label.value)
    event, read = source.derived("UTC"), read_address(source.address_as_sent)
    other = not isinstance(event, TimeRefused) and event.utc is not None and event.utc != facts.label_at
    if other or (not isinstance(read, NotRead) and facts.label_address not in _names(read)):
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
