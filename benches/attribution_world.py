# SPDX-License-Identifier: Apache-2.0
"""The trails of the exercise as Nightlight would have them: events, loaded lists, operators' answers."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import AddressFacts, Graded
from nightlight.casework.attribution.grades import Retention, grade
from nightlight.casework.attribution.kinds import Event, EventKind
from nightlight.casework.attribution.labelling import Labeller
from nightlight.casework.attribution.operators import Known
from nightlight.casework.attribution.operators_reading import read_directory
from nightlight.casework.attribution.prefixes import prefix
from nightlight.casework.attribution.tests.exercise_lists import loaded
from nightlight.exercise.directory import operator_directory
from nightlight.pipeline.tips.values import Stated, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.casework.attribution.kinds import Grade, Labelled
    from nightlight.casework.attribution.operators import Operator
    from nightlight.exercise.trails import Record, Trails


def event(world: Trails, record: Record) -> Event:
    """Return a record as an event, as the reading of a report would give it."""
    address = ip_address(record.address)
    moment = read_moment(record.time, record.key)
    port_at = read_moment(record.port_time, record.key).utc if record.port_time else None
    return Event(
        key=record.key,
        address_as_sent=record.address,
        address=str(address),
        version=address.version,
        moment=moment,
        source=record.key,
        kind=EventKind(record.kind.lower()),
        port=record.port,
        port_as_sent=None if record.port is None else str(record.port),
        port_at=port_at,
        possible_proxy={True: Stated.YES, False: Stated.NO, None: Stated.NOT_STATED}[record.proxy],
        tip=record.subject,
        reporter=record.site,
        account=f"{record.site}: {record.account}",
        device=record.device,
        offence=record.offence,
    )


class Unit:
    """What a unit knows before it asks anybody: labels, grades, whom to ask, what it has seen at an address."""

    def __init__(self, world: Trails) -> None:
        self.world = world
        self.labeller = Labeller(loaded(world.books, world.exits))
        self.directory = read_directory(operator_directory(world.now))
        self.events = {record.key: event(world, record) for record in world.records}
        self.labelled = self._labels()
        self.grades: dict[str, Grade] = {}
        self.seen: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for one in self.events.values():
            if one.address is not None and one.utc is not None:
                self.seen[_door(one.address)].append((one.utc, one.tip))

    def _labels(self) -> dict[str, Labelled]:
        some = list(self.events.values())
        batch = self.labeller.many(
            [one.address or one.address_as_sent for one in some],
            [one.utc for one in some],
            proxies=[one.possible_proxy for one in some],
        )
        return {one.key: batch.labelled(place) for place, one in enumerate(some)}

    def holder(self, key: str) -> Operator | None:
        """Return whose the address was, by network and day."""
        found, labelled = self.events[key], self.labelled[key]
        return self.directory.holder(labelled.asn, found.address or "", found.utc, network=labelled.network).operator

    def graded(self, subject: str) -> list[Graded]:
        """Return the events of one cluster, labelled and graded."""
        made = []
        for record in self.world.by_subject[subject]:
            found, labelled = self.events[record.key], self.labelled[record.key]
            operator = self.holder(record.key) if found.utc is not None else None
            keeps = None if operator is None else Retention(timedelta(days=730), "directory")
            stated = self.world.site[record.site].stated_error is not None
            shares = None if operator is None else _YES.get(operator.shares_addresses)
            how = grade(found, labelled, keeps, now=self.world.now, shares=shares, clock_stated=stated)
            self.grades[record.key] = how.grade
            made.append(Graded(found, labelled, how))
        return made

    def facts(self, subject: str) -> Callable[[str, datetime | None], AddressFacts | None]:
        """Return what is known of an address at a time, for a cluster."""
        by_address = {
            self.events[record.key].address: record.key
            for record in self.world.by_subject[subject]
            if self.events[record.key].utc is not None
        }

        def known(address: str, at: datetime | None) -> AddressFacts | None:
            key = by_address.get(address)
            if key is None or at is None:
                return None
            asn, network = self.labelled[key].asn, self.labelled[key].network
            operator = self.directory.holder(asn, address, at, network=network).operator
            if operator is None:
                return None
            near = {who for when, who in self.seen[_door(address)] if abs(when - at) < AROUND and who != subject}
            return AddressFacts(
                operator.code,
                shared=_YES.get(operator.shares_addresses),
                block=operator.port_block,
                unrelated_accounts=len(near),
            )

        return known


def _door(address: str) -> str:
    return prefix(address) if ":" in address else address


AROUND = timedelta(hours=12)
_YES = {Known.YES: True, Known.NO: False}
