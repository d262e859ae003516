# SPDX-License-Identifier: Apache-2.0
"""The part of the gate that reads the evidence anew: the record, the address, the port and the protocol."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addresses import Address, NotRead, Trouble, read_address, read_port
from nightlight.casework.attribution.gate_lines import Purpose, protocol_of
from nightlight.casework.attribution.gate_words import Care, Stop, block
from nightlight.casework.attribution.kinds import Transition
from nightlight.casework.attribution.record_cells import How, stand
from nightlight.casework.attribution.times import ClockError, TimeRefused
from nightlight.casework.attribution.transition import Inside, transition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.casework.attribution.gate_lines import GateFacts, RequestLine, SourceFields
    from nightlight.casework.attribution.gate_words import Block
    from nightlight.casework.attribution.record_cells import Found

_HALF = re.compile(r"[AaPp]\.?[Mm]\.?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SEVERAL = {"address": Stop.SEVERAL_ADDRESSES, "time": Stop.SEVERAL_VALUES, "port": Stop.SEVERAL_VALUES}


def without_zone(source: SourceFields, facts: GateFacts) -> list[str]:
    """Which of the times around the line have no zone: with such a one nothing can be compared."""
    chosen = facts.operator
    times = {
        "now": facts.now,
        "the day the evidence came in": facts.received_at,
        "the beginning of the account": source.account_created,
        "the operator's first day": chosen.since if chosen else None,
        "the operator's last day": chosen.until if chosen else None,
    }
    return [name for name, at in times.items() if at is not None and at.utcoffset() is None]


def evidence(source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    """Whether the record is what came in, and each field a whole cell of it."""
    if not source.path or not _DIGEST.fullmatch(source.digest) or not source.record:
        yield block(Stop.SOURCE_MISSING, "source", source.path or source.digest)
        return
    digest = hashlib.sha256(source.record).hexdigest()
    if digest != source.digest:
        yield block(Stop.SOURCE_CHANGED, "source", source.digest, digest)
    found, said = standing(source), fields_of(source)
    for name, how in found.how.items():
        if how is How.NOT:
            yield block(Stop.NOT_IN_RECORD, name, source.path, said[name])
    yield from _several(source, found)
    yield from _beside(source, found)
    if source.subject_as_sent and facts.subject and source.subject_as_sent != facts.subject:
        yield block(Stop.SUBJECT_DIFFERS, "account", source.subject_as_sent, facts.subject)


def _several(source: SourceFields, found: Found) -> Iterator[Block]:
    """Whether the record holds other values that could be meant, and nobody says in which cell this one stands."""
    said, named = fields_of(source), dict(source.places)
    for name, code in _SEVERAL.items():
        others = found.others.get(name, ())
        if others and found.how[name] is not How.NOT and name not in named:
            yield block(code, name, "; ".join(others[:3]), said[name])


def _beside(source: SourceFields, found: Found) -> Iterator[Block]:
    """Whether a half of the day or a zone in a cell of its own makes the time another one."""
    event = source.derived("UTC")
    if isinstance(event, TimeRefused) or found.how["time"] is How.NOT:
        return  # stopped for itself
    for words in found.beside:
        if (event.zone_written and not _HALF.fullmatch(words)) or words == source.zone.name:
            continue  # the time writes its own zone, or the declared one stands there
        whole = replace(source, moment_as_sent=f"{source.moment_as_sent} {words}").derived("UTC")
        if isinstance(whole, TimeRefused) or whole.window != event.window:
            yield block(Stop.BESIDE_THE_TIME, "time", words, source.moment_as_sent)


def fields_of(source: SourceFields) -> dict[str, str]:
    """What is claimed to stand in the record."""
    return {
        "address": source.address_as_sent,
        "port": source.port_as_sent or "",
        "time": source.moment_as_sent,
        "account": source.subject_as_sent,
        "protocol": source.protocol_as_sent or "",
    }


def standing(source: SourceFields) -> Found:
    """How the fields stand in the record."""
    return stand(source.record, fields_of(source), dict(source.places))


def record_cautions(source: SourceFields) -> Iterator[Block]:
    """What the record leaves to whoever read it: a place in running text."""
    said = fields_of(source)
    for name, how in standing(source).how.items():
        if how is How.PROSE:
            yield block(Care.IN_PROSE, name, said[name])


def address(line: RequestLine, source: SourceFields) -> Iterator[Block]:
    """Whether the line asks for the address of the evidence, in its one form."""
    read = read_address(source.address_as_sent)
    if isinstance(read, NotRead):
        yield block(Stop.ADDRESS_UNREADABLE, "address", source.address_as_sent, line.address, read.trouble.value)
    asked = read_address(line.address)
    if isinstance(asked, NotRead) or asked.text != line.address:
        yield block(Stop.ADDRESS_FORM, "address", source.address_as_sent, line.address)
    if not isinstance(read, NotRead) and line.address not in names(read):
        yield block(Stop.ADDRESS_DIFFERS, "address", read.text, line.address)


def names(read: Address) -> set[str]:
    """The address, and the IPv4 address that its transition form carries: that may be the one to ask about."""
    return {read.text, inside(read).inner or read.text}


def inside(read: Address | NotRead) -> Inside:
    """What an IPv6 address carries."""
    if isinstance(read, NotRead) or read.version != 6:
        return Inside(Transition.NONE)
    return transition_of(ipaddress.IPv6Address(read.text))


@dataclass(frozen=True, slots=True)
class Port:
    """The port that may stand in a line, or why none may: it was unreadable, or is of another time."""

    number: int | None
    unreadable: str = ""
    stale: bool = False
    two: bool = False  # two ports are written, and they differ

    @property
    def unusable(self) -> bool:
        return bool(self.unreadable) or self.stale


def port_stated(source: SourceFields, clock: ClockError, *, asked: str = "") -> Port:
    """Return the port that the evidence states for the event; `asked`: the address that the line asks for.

    One that is none ("0", "70000", "-"), and one that was recorded for another time, count as not stated. Both times
    are by the same clock, so how far that was ahead or behind does not matter here; only its doubt does.
    """
    read = read_address(source.address_as_sent)
    carried = inside(read)
    if carried.inner and asked == carried.inner:
        return Port(carried.port)  # the port beside the address is not one of the address inside it
    stated: int | Trouble | None = None if isinstance(read, NotRead) else read.port or read.port_trouble
    two = False
    if source.port_as_sent is not None and source.port_as_sent.strip():
        written, stated = stated, read_port(source.port_as_sent)
        two = isinstance(written, int) and written != stated
    if isinstance(stated, Trouble):
        return Port(None, unreadable=stated.value, two=two)
    if stated is not None and source.port_at is not None and not _of_event(source, clock):
        return Port(None, stale=True, two=two)
    return Port(stated, two=two)


def _of_event(source: SourceFields, clock: ClockError) -> bool:
    event, at = source.derived("UTC"), source.port_at
    if isinstance(event, TimeRefused) or at is None or at.utcoffset() is None:
        return False
    window = event.window.widened(ClockError(clock.plus_minus))
    return window.earliest <= at < window.latest


def port(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    """Whether the line has the port and the protocol of the evidence, and whether it may go without."""
    stated = port_stated(source, facts.clock, asked=line.address)
    as_sent = source.port_as_sent or source.address_as_sent
    if stated.two:
        yield block(Stop.PORT_DIFFERS, "port", f"{source.address_as_sent}, {source.port_as_sent}", line.port)
    elif line.port is not None and stated.unreadable:
        yield block(Stop.PORT_UNREADABLE, "port", as_sent, line.port, stated.unreadable)
    elif line.port is not None and stated.stale:
        yield block(Stop.PORT_STALE, "port", source.port_at, line.port)
    elif line.port is not None and stated.number is None:
        yield block(Stop.PORT_NOT_STATED, "port", "", line.port)
    elif line.port is None and stated.number is not None:
        yield block(Stop.PORT_LEFT_OUT, "port", stated.number)
    elif line.port != stated.number:
        yield block(Stop.PORT_DIFFERS, "port", stated.number, line.port)
    # A preservation names nobody, and the platform is the one who is asked for the port.
    names_people = line.purpose is not Purpose.PRESERVATION and not facts.to_platform
    if line.port is None and shared(line, facts) and names_people:
        yield block(Stop.PORT_NEEDED, "port", source.port_as_sent)
    yield from _protocol(line, source)


def _protocol(line: RequestLine, source: SourceFields) -> Iterator[Block]:
    stated = protocol_of(source.protocol_as_sent)
    if line.protocol not in {"", "tcp", "udp"}:
        yield block(Stop.PROTOCOL, "protocol", source.protocol_as_sent, line.protocol)
    elif line.protocol != (stated or ""):
        yield block(Stop.PROTOCOL_DIFFERS, "protocol", source.protocol_as_sent, line.protocol)


def shared(line: RequestLine, facts: GateFacts) -> bool:
    """Whether many subscribers have the address at once, as far as it is known."""
    return facts.label.label.shared or (facts.operator_shares is True and ":" not in line.address)
