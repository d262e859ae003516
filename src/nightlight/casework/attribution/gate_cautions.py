# SPDX-License-Identifier: Apache-2.0
"""What does not stop a letter and has to be seen by who checks and signs it: on what a line rests that no field shows.

A page shows all of a letter (`Noticed`) and sends back the digest of what it showed. Who signs what somebody else saw,
or what has changed since, has not seen it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.gate_evidence import port_stated, record_cautions, without_zone
from nightlight.casework.attribution.gate_lines import protocol_of
from nightlight.casework.attribution.gate_words import Care, block, text
from nightlight.casework.attribution.grades import RED
from nightlight.casework.attribution.kinds import Label, Why
from nightlight.casework.attribution.times import TimeFault, TimeRefused, derive
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.casework.attribution.gate_lines import GateFacts, RequestLine, SourceFields
    from nightlight.casework.attribution.gate_words import Block
    from nightlight.casework.attribution.times import Derivation


_BY_REASON = {
    Why.LISTED_BEFORE: Care.LISTED_BEFORE,
    Why.LISTED_LATER: Care.LISTED_LATER,
    Why.NOT_COVERED: Care.NOT_COVERED,
    Why.NO_LIST: Care.NO_LIST,
}


def cautions(line: RequestLine, source: SourceFields, facts: GateFacts) -> tuple[Block, ...]:
    """What does not stop the line and has to be seen by who signs: on what it rests that nothing here can check."""
    if without_zone(source, facts):
        return ()  # stopped for itself, and nothing can be compared with it
    try:
        return tuple(_cautions(line, source, facts))
    except OverflowError:
        return ()  # stopped for itself


@dataclass(frozen=True, slots=True)
class Noticed:
    """The cautions of all lines of a letter, each with the number of its line, as a page shows them."""

    rows: tuple[tuple[int, Block], ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of what is shown, in hexadecimal: of every word, so that whoever sends it back saw this."""
        said = [[number, one.code.value, one.field, one.sentence, one.source, one.line] for number, one in self.rows]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @property
    def codes(self) -> tuple[str, ...]:
        """What was seen, for the log ("1 clock-unknown"): codes, and nothing of the evidence."""
        return tuple(dict.fromkeys(f"{number} {one.code.value}" for number, one in self.rows))

    def seen(self, digest: str) -> bool:
        """Whether what somebody was shown is what there is to see now; nothing to see needs no digest."""
        return not self.rows or digest == self.digest


def _cautions(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    event = source.derived("UTC")
    if isinstance(event, TimeRefused):
        return  # stopped for itself
    yield from _around(line, event, facts)
    yield from record_cautions(source)
    yield from _port(line, source, facts)
    if not facts.clock.stated_by:
        yield block(Care.CLOCK_UNKNOWN, "time")
    if facts.clock.ahead:
        said = f"{facts.clock.ahead}, stated by {facts.clock.stated_by or 'nobody named'}"
        yield block(Care.CLOCK_AHEAD, "time", source.moment_as_sent, line.utc_from, said)
    for other in source.same_event:
        if other.utc.utcoffset() is not None and line.utc_from.utcoffset() is not None and _outside(line, other.utc):
            yield block(Care.STATEMENTS_APART, "time", f"{other.path}: {text(other.utc)}", line.shown)
    if not any(other.independent for other in source.same_event):
        yield block(Care.ONE_STATEMENT, "time", source.moment_as_sent)
    if event.precision == "minute":
        yield block(Care.MINUTE_ONLY, "time", source.moment_as_sent)
    if not event.zone_written:
        by = source.zone.stated_by or "nobody named"
        yield block(Care.DECLARED_ZONE, "zone", source.moment_as_sent, line.zone, by)
    undeclared = derive(source.moment_as_sent, zone=source.zone)
    if isinstance(undeclared, TimeRefused) and undeclared.code is TimeFault.ORDER_NEEDED:
        words = source.order_by or "nobody named"
        yield block(Care.READS_BOTH_WAYS, "time", source.moment_as_sent, line.utc_from, words)
    if source.account_created is None:
        yield block(Care.NO_BEGINNING, "time")
    if not source.subject_as_sent or not facts.subject:
        yield block(Care.NO_SUBJECT, "account", source.subject_as_sent, facts.subject)


def _outside(line: RequestLine, at: datetime) -> bool:
    return line.utc_to.utcoffset() is not None and not line.utc_from <= at < line.utc_to


def _port(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    stated = port_stated(source, facts.clock, asked=line.address)
    if stated.unreadable:
        as_sent = source.port_as_sent or source.address_as_sent
        yield block(Care.PORT_UNREADABLE, "port", as_sent, line.port, stated.unreadable)
    if stated.stale:
        yield block(Care.PORT_OTHER_TIME, "port", source.port_as_sent, source.port_at)
    if protocol_of(source.protocol_as_sent) is None:
        yield block(Care.PROTOCOL_UNREADABLE, "protocol", source.protocol_as_sent, line.protocol)


def _label(facts: GateFacts) -> Iterator[Block]:
    """What the label leaves open: each kind of reason once, with the lists that it is from."""
    for why, care in _BY_REASON.items():
        lists = [reason for reason in facts.label.reasons if reason.why is why and reason.label.anonymises]
        if lists:
            said = dict.fromkeys(" ".join(filter(None, (one.label.value, one.source))) for one in lists)
            yield block(care, "label", facts.label.label.value, "", "; ".join(said))
    if any(reason.why is Why.REPORTER_SAYS and reason.shown != str(Stated.NO) for reason in facts.label.reasons):
        yield block(Care.REPORTER_SAYS, "label", facts.label.label.value)


def _around(line: RequestLine, event: Derivation, facts: GateFacts) -> Iterator[Block]:
    left = None if facts.retention is None or event.utc is None else facts.retention.left(event.utc, facts.now)
    if left is None:
        yield block(Care.RETENTION_UNKNOWN, "retention")
    elif timedelta() < left < RED:
        yield block(Care.RETENTION_SHORT, "retention", "", "", f" ({left.days} days)")
    elif left <= timedelta() and facts.retention is not None and facts.retention.minimum:
        words = f" ({facts.retention.source})" if facts.retention.source else ""
        yield block(Care.RETENTION_PAST_DUTY, "retention", "", "", words)
    if facts.retention is not None and facts.retention.said_shorter is not None:
        yield block(Care.RETENTION_SAID_SHORTER, "retention", facts.retention.said_shorter, facts.retention.keep)
    yield from _label(facts)
    if facts.label.label is Label.UNKNOWN:
        yield block(Care.LABEL_UNKNOWN, "label")
    if facts.label.disagreement:
        yield block(Care.LABEL_DISPUTED, "label", facts.label.label.value)
    if line.port is None and facts.operator_shares is None and ":" not in line.address:
        yield block(Care.SHARING_UNKNOWN, "port")
    if facts.operator is not None and facts.operator.near_change:
        yield block(Care.NEAR_CHANGE, "operator", facts.operator.code, line.operator, facts.operator.near_change)
    if facts.operator is not None:
        others = facts.operator.other_tables
        if not others:
            yield block(Care.ONE_TABLE, "operator", facts.operator.code, line.operator)
        different = "; ".join(f"{table}: {code}" for table, code in others if code != facts.operator.code)
        if different:
            yield block(Care.TABLES_DISAGREE, "operator", facts.operator.code, line.operator, different)
