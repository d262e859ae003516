# SPDX-License-Identifier: Apache-2.0
"""How well subscribers are supported: the answers that came back, held against everything known of a person's events.

One way for every page and every finding, and the one that is measured on invented people whose lines are known
(benches/attribution_truth.py): candidates over all tips of a person first, then what operators answered about them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution import candidate_words, crowds, loaded, naming, queries
from nightlight.casework.attribution.candidate_answers import with_answers
from nightlight.casework.attribution.candidate_facts import facts_from
from nightlight.casework.attribution.candidate_kinds import AddressFacts, Graded
from nightlight.casework.attribution.candidates import rank
from nightlight.casework.attribution.operators import OperatorKind
from nightlight.casework.attribution.returns.answer_words import corroboration_lines
from nightlight.casework.attribution.returns.corroborating import Band, corroborated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, tzinfo

    from nightlight.casework.attribution.candidate_answers import Answered
    from nightlight.casework.attribution.candidate_kinds import Con
    from nightlight.casework.attribution.queries import Traces
    from nightlight.casework.attribution.returns.corroborating import Corroboration, Finding
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

_LINES = {OperatorKind.MOBILE: "mobile", OperatorKind.FIXED: "fixed"}


@dataclass(frozen=True, slots=True)
class Weighed:
    """How well one subscriber is supported; ``corroboration`` has the band as everything leaves it.

    ``contradicting``: what was grave about the addresses before anybody answered.
    """

    corroboration: Corroboration
    contradicting: tuple[Con, ...] = ()

    @property
    def band(self) -> Band:
        """How well it is supported."""
        return self.corroboration.band

    @property
    def lines(self) -> tuple[str, ...]:
        """In words, contradictions first."""
        return (*map(candidate_words.against, self.contradicting), *corroboration_lines(self.corroboration))


def answered(
    found: Traces,
    graded: Sequence[Graded] | None = None,
    *,
    at: datetime,
    zone: tzinfo | None = None,
    organisations: Iterable[tuple[str, str]] = (),
) -> Answered:
    """Rank the events of a person and fold in what came back for any of their tips.

    ``graded``: the events as they are graded at ``at``, where the caller has them. ``zone``: for hours of the day.
    ``organisations``: operator and subscriber of those who are about to be stated to be none but organisations.
    """
    some = [Graded(one.event, one.labelled, one.traceability(at)) for one in found.events] if graded is None else graded
    facts, crowd = facts_from(loaded.current_directory(), some), crowds.around(found)

    def known(address: str, when: datetime | None) -> AddressFacts | None:
        said, many = facts(address, when), crowd(address, when)
        return replace(said or AddressFacts(""), unrelated_accounts=many) if many else said

    ranking = rank(
        some,
        known,
        now=at,
        zone=zone,
        childs=[one.event for one in found.events if one.child_there],
    )
    return with_answers(ranking, naming.answers(found.tips, found.events, at=at, organisations=organisations))


def of_tip(
    viewer: Viewer, tip: Tip, *, at: datetime, organisations: Iterable[tuple[str, str]] = ()
) -> tuple[Weighed, ...]:
    """Return every subscriber that the returns of a tip, and of those linked to it, name; the best supported first.

    An answer to an event that leads nowhere by itself (an exit, one of nobody in the report) supports weakly at most.
    Raises NotAllowed.
    """
    told, made, used = tuple(organisations), [], set[str]()
    first = queries.traces(viewer, tip)
    others = [number for number, _name in first.people if number != first.party]
    for found in (first, *(queries.traces(viewer, tip, number) for number in others)):
        weighed = answered(found, at=at, organisations=told)
        used |= {key for one in weighed.ranking.candidates for key in one.events}
        made += [
            Weighed(replace(one.corroboration, band=Band(one.band.value)), one.contradicting)
            for one in weighed.subscribers
        ]
    left = naming.answers((tip.public_id,), (), at=at, organisations=told)
    made += [Weighed(one) for one in _weak([one for one in left if one.answer.asked.key not in used])]
    order = list(Band)
    return tuple(sorted(made, key=lambda one: order.index(one.band)))


def _weak(left: Sequence[Finding]) -> list[Corroboration]:
    """Answers to events of no candidate, by the kind of line that the operator has."""
    directory = loaded.current_directory()
    kinds = {one.operator: directory.with_code(one.operator) for one in left}
    lines: dict[str, list[Finding]] = {}
    for one in left:
        operator = kinds[one.operator]
        line = "" if operator is None else _LINES.get(operator.kind, "")
        lines.setdefault(line, []).append(replace(one, line=line))
    found = [one for line in sorted(lines) for one in corroborated(lines[line])]
    return [replace(one, band=Band.WEAK) if one.band in {Band.STRONG, Band.MODERATE} else one for one in found]
