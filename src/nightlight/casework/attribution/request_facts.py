# SPDX-License-Identifier: Apache-2.0
"""What is known now around the events of a tip: the gate judges by this, and never by what an earlier step noted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, summarize_address_range
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from nightlight.casework.attribution import asking, gate, grades, loaded, looking_up, prepared_body, sources
from nightlight.casework.attribution.asking import Kind
from nightlight.casework.attribution.gate import GateFacts, Noticed
from nightlight.casework.attribution.grades import AskFor
from nightlight.casework.attribution.kinds import Label, Way
from nightlight.casework.attribution.lists import Network
from nightlight.casework.attribution.models import Prepared
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.operators import By
from nightlight.trust.law import queries as law

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.casework.attribution.gate import Authority, Block
    from nightlight.casework.attribution.grades import Retention, Traceability
    from nightlight.casework.attribution.kinds import Event, Labelled
    from nightlight.casework.attribution.loaded import Loaded
    from nightlight.casework.attribution.operators import Chosen, Operator
    from nightlight.casework.attribution.request_body import KeptLine, KeptRequest
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.law.records import RecordPower

# What only later steps can fill: at the draft nobody has compared, and before the signature nobody has approved.
UNSIGNED = frozenset({gate.Stop.APPROVER_MISSING, gate.Stop.POWER_MISSING})
UNCHECKED = UNSIGNED | {gate.Stop.CHECKER_MISSING}
_LEFT_OPEN = frozenset({AskFor.ADDRESS, AskFor.TIME, AskFor.SECONDS, AskFor.ZONE})


@dataclass(frozen=True, slots=True)
class Judged:
    """An event as it is judged now. `kept` None: its record is not there, so nothing can be asked about it."""

    event: Event
    labelled: Labelled
    holder: Chosen
    retention: Retention | None
    graded: Traceability
    kept: sources.Kept | None = None

    @property
    def wanted(self) -> Kind | None:
        """What would be asked about it; None: nothing, it leads to nobody."""
        if self.graded.way is Way.UNTRACEABLE:
            return None
        # Nobody can say who had an address at a time that is half known, and an answer to it names somebody else too:
        # first it is asked what the report leaves open.
        if not _LEFT_OPEN.isdisjoint(self.graded.ask_for):
            return Kind.PARTICULARS
        if self.labelled.label is Label.RESIDENTIAL_PROXY:
            return None  # whoever has the line did nothing: strangers went through it
        if AskFor.PORT in self.graded.ask_for:
            return Kind.SOURCE_PORT
        return Kind.VPN_SUBSCRIBER if self.labelled.label.anonymises else Kind.SUBSCRIBER


def judged(event: Event, using: Loaded, *, at: datetime, kept: sources.Kept | None = None) -> Judged:
    """Judge an event by what is loaded now."""
    labelled = using.labeller.label(event)
    address = labelled.inner or event.address or ""
    holder = using.directory.holder(labelled.asn, address, event.utc, network=labelled.network)
    retention = looking_up.retention_known(event, holder.operator)
    shares = asking.shares(holder.operator)
    return Judged(
        event, labelled, holder, retention, grades.grade(event, labelled, retention, now=at, shares=shares), kept
    )


def of_tip(tip: Tip, *, at: datetime) -> list[Judged]:
    """Return the events of a tip's reported people, in the order of work; empty where they were not looked up yet."""
    row = Prepared.objects.filter(tip=tip).first()
    body = prepared_body.read(row.body) if row is not None else None
    if body is None:
        return []
    using, kept = loaded.current(), sources.of(tip)
    # A network that the child used too is the child's as well: nothing is asked about it.
    found = {
        one.event.key: judged(one.event, using, at=at, kept=kept.get(one.event.key))
        for one in body.events
        if not one.child_there
    }
    return [found[place.event.key] for place in grades.in_order((one.event, one.graded) for one in found.values())]


def facts(
    found: Judged,
    *,
    at: datetime,
    to_platform: str,
    zone: str,
    operator: Operator | None,
    drafter: str,
    checker: str = "",
    authority: Authority | None = None,
) -> GateFacts:
    """Return what the gate is told of a line. ``operator``: the addressee's entry as it is now."""
    event = found.event
    when = event.utc if event.utc is not None else at
    using = loaded.current()
    asked = found.labelled.inner or event.address or ""
    chosen = asking.for_gate(found.holder, asn=found.labelled.asn, prefix=_range(using, found, asked), at=when)
    return GateFacts(
        now=at,
        operator=replace(chosen, other_tables=tuple(_other_tables(using, found, asked))),
        # A platform keeps other records than the holder of the address, and for another time.
        retention=None if to_platform else found.retention,
        authority=authority,
        drafter=drafter,
        checker=checker,
        label=found.labelled,
        label_address=event.address or "",
        label_at=when,
        allowed_formats=frozenset(operator.layouts) if operator is not None else frozenset(),
        operator_shares=asking.shares(found.holder.operator),
        received_at=None if found.kept is None else found.kept.received_at,
        to_platform=to_platform,
        zone=zone,
    )


def zone_for(operator: Operator | None) -> str:
    """The zone of a letter's local times: the addressee's, else the unit's (as `asking.compose` takes it)."""
    unit: str = settings.ENVIRONMENT.zone
    return operator.zone if operator is not None and operator.zone not in {"", "UTC"} else unit


def blocks_of(
    request: KeptRequest, *, at: datetime, drafter: str, checker: str, authority: Authority | None
) -> list[tuple[int, Block]]:
    """Everything that stops a kept request now, with the number of the line."""
    found = []
    for number, one, told in _told(request, at=at, drafter=drafter, checker=checker, authority=authority):
        blocks = (*gate.check(one.line, one.source, told), *gate.check_also(one.line, one.also_sources, told))
        found += [(number, block) for block in dict.fromkeys(blocks)]
    return found


def noticed_of(request: KeptRequest, *, at: datetime, drafter: str = "", checker: str = "") -> Noticed:
    """What does not stop a kept request and has to be seen by who checks and who signs it, by what is known now."""
    found = []
    for number, one, told in _told(request, at=at, drafter=drafter, checker=checker, authority=None):
        seen = [gate.cautions(one.line, source, told) for source in (one.source, *one.also_sources)]
        found += [(number, caution) for caution in dict.fromkeys(caution for each in seen for caution in each)]
    return Noticed(tuple(found))


def _told(
    request: KeptRequest, *, at: datetime, drafter: str, checker: str, authority: Authority | None
) -> Iterator[tuple[int, KeptLine, GateFacts]]:
    using = loaded.current()
    operator = using.directory.with_code(request.code)
    for number, one in enumerate(request.lines, 1):
        kept = sources.Kept(one.event.key, one.source, one.received_at)
        told = facts(
            judged(one.event, using, at=at, kept=kept),
            at=at,
            to_platform=request.code if request.to_platform else "",
            zone=zone_for(operator),
            operator=operator,
            drafter=drafter,
            checker=checker,
            authority=authority,
        )
        yield number, one, told


def power(power_id: str) -> RecordPower | None:
    """The power of the law pack as it is now."""
    return next((one for one in law.current_pack().records.powers if one.id == power_id), None)


def _range(using: Loaded, found: Judged, address: str) -> str:
    """The smallest range of a loaded table that gave the network of an address; empty where none did."""
    ranges = [shown for _name, asn, shown in _said(using, address) if asn == found.labelled.asn]
    return max(ranges, key=lambda shown: int(shown.partition("/")[2]), default="")


def _other_tables(using: Loaded, found: Judged, address: str) -> Iterator[tuple[str, str]]:
    """Whom the other tables lead to, by the number of the network alone.

    A block that the directory names would give the same answer whatever a table says, and confirm it.
    """
    names = dict.fromkeys((name, asn) for name, asn, _shown in _said(using, address))
    # Where the directory names the block itself, every table is another one.
    by_block = found.holder.by is By.PREFIX
    first = "" if by_block else next((name for name, asn in names if asn == found.labelled.asn), "")
    for name, asn in names:
        if name != first:
            other = using.directory.holder(asn, "", found.event.utc)
            yield name, asking.addressee_code(other) or f"AS{asn}"


def _said(using: Loaded, address: str) -> Iterator[tuple[str, int, str]]:
    """What each loaded table of networks says of an address: its name, the network, the range."""
    if not address:
        return
    read = ip_address(address)
    for table in using.lists.tables:
        if table.kind is not ListKind.NETWORKS:
            continue
        if read.version == 4:
            place = table.v4.place(int(read))
            ends = (int(table.v4.starts[place]), int(table.v4.ends[place])) if place >= 0 else None
            value = int(table.v4.values[place]) if place >= 0 else -1
        else:
            halves = np.array([int(read) >> 64], np.uint64), np.array([int(read) & (1 << 64) - 1], np.uint64)
            place = int(table.v6.places(*halves)[0])
            ends = table.v6.range_at(place) if place >= 0 else None
            value = int(table.v6.values[place]) if place >= 0 else -1
        said = table.values[value] if ends else None
        if ends is None or not isinstance(said, Network):
            continue
        make = type(read)
        for prefix in summarize_address_range(make(ends[0]), make(ends[1])):
            if read in prefix:
                yield table.name, said.asn, str(prefix)


def leads_to_nobody(found: Judged) -> str:
    """Why nothing is asked about an event."""
    if found.labelled.label is Label.TOR_EXIT:
        return "The address was a Tor exit at that time: whoever runs it does not know who used it."
    if found.labelled.label is Label.RESERVED:
        return "The address is not one of the public network, or one of the platform's own."
    if found.labelled.label is Label.RESIDENTIAL_PROXY:
        return "Strangers' traffic went through this line at that time: whoever has it is not who is looked for."
    return "The time for which the holder keeps such records is over, or the event leads to nobody."
