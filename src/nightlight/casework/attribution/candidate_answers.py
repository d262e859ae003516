# SPDX-License-Identifier: Apache-2.0
"""What operators' answers make of a ranking: which subscriber explains how many independent events, and what does not.

How answers bear on one subscriber is weighed in `returns.corroborating`, apart for mobile and for other lines, because
the two lines of one person have different subscribers. Here that is held against the candidates: what was grave about
them before the answers still is, and no candidate stays corroborated whose own answers differ, name several people or
nobody, or fit only another time. Contradictions come first. The words are "the subscriber to whom the records assign
this address", never more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import DOUBTFUL, GRAVE, Against, Con, Confidence, State
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.returns.answers import Certainty
from nightlight.casework.attribution.returns.corroborating import Band, corroborated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nightlight.casework.attribution.candidate_kinds import Candidate, Ranking
    from nightlight.casework.attribution.returns.answers import Answer
    from nightlight.casework.attribution.returns.corroborating import Corroboration, Finding

_MOBILE = frozenset({Label.MOBILE_SHARED, Label.MOBILE_IPV6})
# An operator's answer settles who holds an address and whether it is shared; and another line does not unsay a record.
_SETTLED = frozenset({Against.SHARING_NOT_KNOWN, Against.HOLDER_NOT_KNOWN, Against.ELSEWHERE_BETWEEN})
_CARRIED = GRAVE - _SETTLED
_BANDS = {
    Band.STRONG: Confidence.STRONG,
    Band.MODERATE: Confidence.MODERATE,
    Band.WEAK: Confidence.WEAK,
    Band.NONE: Confidence.NONE,
}
_ORDER = {band: place for place, band in enumerate(Confidence)}
_STATES = {state: place for place, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Explained:
    """One subscriber, by the operator's identifier: what contradicts first, then how the answers bear on them.

    `contradicting` is what was already grave about the candidates, `corroboration.contradictions` what the answers say.
    `band` is that of the answers, lowered where a candidate was doubtful. `candidates`: keys of those it explains.
    """

    operator: str
    subscriber: str
    contradicting: tuple[Con, ...]
    band: Confidence
    corroboration: Corroboration
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The ranking with its states as the answers leave them, and the subscribers, strongest first."""

    ranking: Ranking
    subscribers: tuple[Explained, ...]
    people: int  # how many different subscribers all answers named


def with_answers(ranking: Ranking, findings: Iterable[Finding]) -> Answered:
    """Fold answers into the ranking of the events they answer. Answers to events of no candidate are left aside."""
    candidate = {key: one for one in ranking.candidates for key in one.events}
    known = sorted((one for one in findings if one.answer.asked.key in candidate), key=lambda one: one.answer.asked.key)
    lines: dict[bool, list[Finding]] = {}
    for one in known:
        lines.setdefault(candidate[one.answer.asked.key].label in _MOBILE, []).append(one)
    weighed = [found for mobile in sorted(lines) for found in corroborated(lines[mobile])]
    subscribers = [_explained(found, ranking.candidates) for found in weighed]
    subscribers.sort(key=lambda one: _ORDER[one.band])  # stable: within a band the order stays
    strong = {(one.operator, one.subscriber) for one in subscribers if one.band is Confidence.STRONG}
    answers = {one.answer.asked.key: one for one in known}
    settled = [
        _settled(one, [answers[key] for key in one.events if key in answers], strong) for one in ranking.candidates
    ]
    settled.sort(key=lambda one: _STATES[one.state])
    people = len({(one.operator, name) for one in known for name in one.answer.subscribers})
    return Answered(replace(ranking, candidates=tuple(settled)), tuple(subscribers), people)


def _explained(found: Corroboration, candidates: Sequence[Candidate]) -> Explained:
    keys = {key for group in found.independent for key in group}
    own = [one for one in candidates if keys & set(one.events)]
    cons = tuple(dict.fromkeys(con for one in own for con in one.contradicting if con.why in _CARRIED))
    band = _BANDS[found.band]
    lowest = Confidence.STRONG
    if cons:
        lowest = Confidence.WEAK if any(con.why in DOUBTFUL for con in cons) else Confidence.MODERATE
    band = max(band, lowest, key=_ORDER.__getitem__)
    return Explained(found.operator, found.subscriber, cons, band, found, tuple(one.key for one in own))


def _one(answer: Answer) -> bool:
    return answer.certainty is Certainty.STABLE and len(answer.subscribers) == 1


def _settled(one: Candidate, mine: Sequence[Finding], strong: set[tuple[str, str]]) -> Candidate:
    """The candidate with what its own answers say: corroborated by them, or put back."""
    if not mine:
        return one
    named = {
        (finding.operator, name) for finding in mine if _one(finding.answer) for name in finding.answer.subscribers
    }
    wrong = [finding for finding in mine if finding.answer.probable_errors]
    several = [finding for finding in mine if finding.answer.subscribers and not _one(finding.answer)]
    nobody = [finding for finding in mine if not finding.answer.subscribers and not finding.answer.probable_errors]
    differ = [finding for finding in mine if _one(finding.answer)] if len(named) > 1 else []
    cons = tuple(
        Con(why, tuple(finding.answer.asked.key for finding in found), len(found))
        for why, found in (
            (Against.ANSWERS_DIFFER, differ),
            (Against.TIME_LIKELY_WRONG, wrong),
            (Against.ANSWER_UNSTABLE, several),
            (Against.NO_RECORD, nobody),
        )
        if found
    )
    state = one.state
    grave = {con.why for con in one.contradicting} & _CARRIED
    if differ or wrong:
        state = State.CORROBORATE
    elif named and named <= strong and not cons and not grave:
        state = State.CORROBORATED
    elif cons and state is State.CORROBORATED:
        state = State.TRACEABLE
    elif several and not named and state is State.TRACEABLE:
        state = State.CORROBORATE
    confidence = one.confidence
    if state is not one.state:
        confidence = Confidence.STRONG if state is State.CORROBORATED else Confidence.WEAK
    return replace(one, contradicting=(*cons, *one.contradicting), state=state, confidence=confidence)
