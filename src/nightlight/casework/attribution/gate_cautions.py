# SPDX-License-Identifier: Apache-2.0
"""What does not stop a letter and has to be seen by who signs it: on what a line rests that no field can check."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution.gate_words import Care, block
from nightlight.casework.attribution.grades import RED
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.times import TimeFault, TimeRefused, derive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.casework.attribution.gate_lines import GateFacts, RequestLine, SourceFields
    from nightlight.casework.attribution.gate_words import Block
    from nightlight.casework.attribution.times import Derivation


def cautions(line: RequestLine, source: SourceFields, facts: GateFacts) -> tuple[Block, ...]:
    """What does not stop the line and has to be seen by who signs: on what it rests that nothing here can check."""
    return tuple(_cautions(line, source, facts))


def _cautions(line: RequestLine, source: SourceFields, facts: GateFacts) -> Iterator[Block]:
    event = source.derived("UTC")
    if isinstance(event, TimeRefused):
        return  # stopped for itself
    yield from _around(line, event, facts)
    if not facts.clock.stated_by:
        yield block(Care.CLOCK_UNKNOWN, "time")
    if not source.same_event:
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


def _around(line: RequestLine, event: Derivation, facts: GateFacts) -> Iterator[Block]:
    left = None if facts.retention is None or event.utc is None else facts.retention.left(event.utc, facts.now)
    if left is None:
        yield block(Care.RETENTION_UNKNOWN, "retention")
    elif timedelta() < left < RED:
        yield block(Care.RETENTION_SHORT, "retention", "", "", f" ({left.days} days)")
    if facts.label.label is Label.UNKNOWN:
        yield block(Care.LABEL_UNKNOWN, "label")
    if facts.label.disagreement:
        yield block(Care.LABEL_DISPUTED, "label", facts.label.label.value)
    if line.port is None and facts.operator_shares is None and ":" not in line.address:
        yield block(Care.SHARING_UNKNOWN, "port")
    if facts.operator is not None:
        others = facts.operator.other_tables
        if not others:
            yield block(Care.ONE_TABLE, "operator", facts.operator.code, line.operator)
        different = "; ".join(f"{table}: {code}" for table, code in others if code != facts.operator.code)
        if different:
            yield block(Care.TABLES_DISAGREE, "operator", facts.operator.code, line.operator, different)
