# SPDX-License-Identifier: Apache-2.0
"""What is the same of many addresses, said once: exits that lead to nobody, and the rows of the time line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.casework.attribution import candidate_words, label_words
from nightlight.outlook.desk import network
from nightlight.outlook.desk.templatetags.desk import zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.casework.attribution.candidate_kinds import Apart, Candidate, Ranking
    from nightlight.outlook.desk.network import TimeLine
    from nightlight.outlook.desk.trace_ladder import Use


@dataclass(frozen=True, slots=True)
class ApartGroup:
    """Addresses that lead to nobody's door for the same reason: each with its number of uses, and what they were."""

    words: str
    labels: tuple[tuple[str, int], ...]
    addresses: tuple[tuple[str, int], ...]
    events: int


def groups(apart: Iterable[Apart]) -> tuple[ApartGroup, ...]:
    """Group by what is said of them; the largest group first."""
    by_reason: dict[tuple[str, bool], list[Apart]] = {}
    for one in apart:
        by_reason.setdefault((one.why, one.ask_provider), []).append(one)
    made = [_group(some) for some in by_reason.values()]
    return tuple(sorted(made, key=lambda one: -one.events))


def _group(some: Sequence[Apart]) -> ApartGroup:
    labels: Counter[str] = Counter()
    addresses: Counter[str] = Counter()
    for one in some:
        labels[str(label_words.LABELS[one.label])] += len(one.events)
        addresses[one.target] += len(one.events)
    words = candidate_words.apart_words(some[0]).partition(": ")[2]
    return ApartGroup(words, tuple(labels.most_common()), tuple(addresses.items()), labels.total())


def drawing(uses: Mapping[str, Use], ranking: Ranking, shown: Sequence[Candidate]) -> TimeLine | None:
    """Draw when each address that may lead somewhere was used, and all others in one row below them."""
    row_of = {key: one.target for one in shown for key in one.events}
    apart = {key for one in ranking.apart for key in one.events}
    exits, weak = set(apart), {key for key in uses if key not in row_of and key not in apart}
    rows = [_row(use, row_of.get(key, "")) for key, use in uses.items()]
    names = {one.target: place for place, one in enumerate(shown)}
    tunnels = ngettext("%(n)d exit", "%(n)d exits", len(exits)) % {"n": len(exits)}
    others = ngettext("%(n)d not known", "%(n)d not known", len(weak)) % {"n": len(weak)}
    keys = list(uses)
    rows = [
        row if row.address else replace(row, address=tunnels if key in exits else others)
        for key, row in zip(keys, rows, strict=True)
    ]
    order = {**names, others: len(names), tunnels: len(names) + 1}
    return network.time_line(network.ordered(rows), None, zone(), order=order)


def _row(use: Use, address: str) -> network.EventRow:
    event = use.event
    return network.EventRow(
        address=address,
        as_sent="",
        port=str(event.port or ""),
        whose=_("%(address)s in %(tip)s") % {"address": event.address or event.address_as_sent, "tip": event.tip},
        event_name=event.kind.value,
        moment=event.moment,
        proxy="",
        missing=(),
    )
