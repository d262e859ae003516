# SPDX-License-Identifier: Apache-2.0
"""Looks up the addresses of one report: whose they are, what they were at their time, who held them, how long.

A child's addresses never leave this module, nor those of anybody whose identity is sealed: they are counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution import asking, operators
from nightlight.casework.attribution.candidate_stretches import site_of
from nightlight.casework.attribution.gathering_events import Apart, gather
from nightlight.casework.attribution.prepared_body import Body, LookedUp
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.withholding import withhold
from nightlight.pipeline.triage import gathering
from nightlight.trust.law import queries as law
from nightlight.trust.law.records import Holder, Kept
from nightlight.trust.law.rules import kept_until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date

    from nightlight.casework.attribution.gathering_events import Gathered
    from nightlight.casework.attribution.grades import Retention
    from nightlight.casework.attribution.kinds import Event, Labelled
    from nightlight.casework.attribution.loaded import Loaded
    from nightlight.casework.attribution.operators import Directory, Operator
    from nightlight.pipeline.tips.people import Party
    from nightlight.pipeline.tips.reading import Reading

PROTECTED = "protected"
"""Why an event is kept apart: it is of a reported person whose identity is sealed."""


def look_up(
    reading: Reading, loaded: Loaded, *, tip: str, reporter: str, day: date, cleared: Collection[str] = ()
) -> Body:
    """Return the events of the reported people of a report with what their addresses were.

    ``day``: today; whoever is a child then is one. ``cleared``: places of people who were cleared.
    """
    hidden = withhold(reading, day, frozenset(cleared))
    reported = {
        number: party
        for number, party in enumerate(reading.parties)
        if party.role is Role.REPORTED and party.source not in cleared
    }
    kept = gathering.without(reading, frozenset(cleared))
    shown = {number: party for number, party in reported.items() if not party.protected_on(day)}

    def of(parties: Collection[Party]) -> Gathered:
        sources = {party.source for party in parties}
        return gather(kept, tip=tip, reporter=reporter, day=day, parties=sources)

    gathered = of(shown.values())
    # Where several are reported, an event of a file is nobody's until the report says whose; asked one by one, it does.
    whose = {number: _places(of([party])) for number, party in shown.items()} if len(shown) > 1 else {}
    childs = {
        site_of(one.event.address)
        for one in gathered.apart
        if one.why is Apart.CHILDS and one.event.address is not None
    }
    events = [_masked(event, hidden.mask) for event in gathered.events]
    batch = loaded.labeller.many(
        [event.address if event.address is not None else event.address_as_sent for event in events],
        [event.utc for event in events],
        proxies=[event.possible_proxy for event in events],
    )
    found = []
    for row, event in enumerate(events):
        places = gathered.sources[event.key]
        parties = tuple(number for number, theirs in whose.items() if not theirs.isdisjoint(places))
        looked_up = _looked_up(event, batch.labelled(row), loaded.directory)
        found.append(
            replace(
                looked_up,
                places=places,
                parties=parties if len(shown) > 1 else tuple(shown),
                child_there=event.address is not None and site_of(event.address) in childs,
            )
        )
    return Body(tuple(found), _counted(gathered, reported.values(), shown.values()))


def _places(gathered: Gathered) -> set[str]:
    return {place for event in gathered.events for place in gathered.sources[event.key]}


def _masked(event: Event, mask: Callable[[str], str]) -> Event:
    """The event without a word that names somebody protected, wherever the report wrote it."""
    return replace(
        event,
        account=mask(event.account),
        device=mask(event.device),
        address_as_sent=event.address_as_sent if event.address is not None else mask(event.address_as_sent),
    )


def _counted(gathered: Gathered, reported: Collection[Party], shown: Collection[Party]) -> tuple[tuple[str, int], ...]:
    counted = Counter(one.why.value for one in gathered.apart)
    sealed = sum(len(party.network_events) for party in reported) - sum(len(party.network_events) for party in shown)
    if sealed:
        # Those of a sealed person were put apart as of nobody who was asked for.
        counted[Apart.NOT_THESE.value] = max(0, counted[Apart.NOT_THESE.value] - sealed)
        counted[PROTECTED] = sealed
    return tuple(sorted((why, number) for why, number in counted.items() if number))


def _looked_up(event: Event, labelled: Labelled, directory: Directory) -> LookedUp:
    address = labelled.inner or event.address or ""
    chosen = directory.holder(labelled.asn, address, event.utc, network=labelled.network)
    kept = retention_known(event, chosen.operator)
    return LookedUp(
        event=event,
        labelled=labelled,
        places=(),
        parties=(),
        operator=chosen.operator.code if chosen.operator is not None else "",
        holder=chosen.addressee,
        why_holder=chosen.why,
        shares=asking.shares(chosen.operator),
        keep_seconds=None if kept is None or kept.keep is None else int(kept.keep.total_seconds()),
        keep_source="" if kept is None else kept.source,
        keep_minimum=kept is not None and kept.minimum,
        said_seconds=None if kept is None or kept.said_shorter is None else int(kept.said_shorter.total_seconds()),
    )


def retention_known(event: Event, operator: Operator | None) -> Retention | None:
    """How long the holder keeps what would answer: by its own word, else by the law of where it is, else not known."""
    if event.utc is None or operator is None:
        return None
    rule = law.retention_of(
        Kept(operators.record_asked(operator.kind)),
        country=operator.country,
        holder=Holder(operator.kind.value),
        event=event.utc.date(),
    )
    return operators.retention(operator, event.utc, kept_until(rule, event.utc), "" if rule is None else rule.title)
