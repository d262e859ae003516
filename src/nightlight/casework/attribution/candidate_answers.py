# SPDX-License-Identifier: Apache-2.0
"""What operators' answers make of a ranking: which subscriber explains how many independent events, and what does not.

How answers bear on one subscriber is weighed in `returns.corroborating`, apart for mobile and for other lines, because
the two lines of one person have different subscribers. Here that is held against the candidates: what was grave about
them before the answers still is, and no candidate stays corroborated whose own answers differ, name several people or
nobody, or fit only another time, nor one whose subscriber is one of several doors, or was met with devices that the
account's other events do not know. Where the answer names an organisation, the candidate leads to that, and is never
called corroborated. Contradictions come first. The words are "the subscriber to whom the records assign
this address", never more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution.candidate_kinds import DOUBTFUL, GRAVE, Against, Con, Confidence, State
from nightlight.casework.attribution.candidate_stretches import outweighed
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.returns.answers import Certainty
from nightlight.casework.attribution.returns.corroborating import Against as Contradicts
from nightlight.casework.attribution.returns.corroborating import Band, corroborated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightlight.casework.attribution.candidate_kinds import Candidate, Ranking
    from nightlight.casework.attribution.returns.answers import Answer
    from nightlight.casework.attribution.returns.corroborating import Corroboration, Finding

_MOBILE = frozenset({Label.MOBILE_SHARED, Label.MOBILE_IPV6})
# An operator's answer settles who holds an address and whether it is shared; another line does not unsay a record; and
# of a line that was seldom called a proxy only the other events count.
_SETTLED = frozenset(
    {
        Against.SHARING_NOT_KNOWN,
        Against.HOLDER_NOT_KNOWN,
        Against.ELSEWHERE_BETWEEN,
        Against.SELDOM_SAYS_PROXY,
    }
)
_CARRIED = GRAVE - _SETTLED
# Said of an event by its platform or by a list: it need not be so of the other events of a line.
_OF_EVENTS = frozenset({Against.REPORTER_SAYS_PROXY, Against.LISTED_AT_ANOTHER_TIME, Against.NOT_CHECKED})
_OF_PERSON = frozenset({Against.OTHER_DEVICES})
_BANDS = {
    Band.STRONG: Confidence.STRONG,
    Band.MODERATE: Confidence.MODERATE,
    Band.WEAK: Confidence.WEAK,
    Band.NONE: Confidence.NONE,
}
_FEWEST, _ONE_IN = 3, 4
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

    @property
    def organisation(self) -> bool:
        """Whether it leads to an organisation: it is to be said so, and nobody is named."""
        return self.corroboration.organisation


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
        mobile = candidate[one.answer.asked.key].label in _MOBILE
        lines.setdefault(mobile, []).append(replace(one, line="mobile" if mobile else "fixed"))
    weighed = [found for mobile in sorted(lines) for found in corroborated(lines[mobile])]
    subscribers = [_explained(found, ranking) for found in weighed]
    subscribers.sort(key=lambda one: _ORDER[one.band])  # stable: within a band the order stays
    by_name = {(one.operator, one.subscriber): one for one in subscribers}
    answers = {one.answer.asked.key: one for one in known}
    settled = [
        _settled(one, [answers[key] for key in one.events if key in answers], by_name) for one in ranking.candidates
    ]
    settled.sort(key=lambda one: _STATES[one.state])
    people = len({(one.operator, name) for one in known for name in one.answer.subscribers})
    return Answered(replace(ranking, candidates=tuple(settled)), tuple(subscribers), people)


def _explained(found: Corroboration, ranking: Ranking) -> Explained:
    keys = {key for group in found.independent for key in group}
    own = [one for one in ranking.candidates if keys & set(one.events)]
    cons = tuple(dict.fromkeys(con for one in own for con in one.contradicting if con.why in _CARRIED))
    cons = (*_other_devices({key for one in own for key in one.events}, ranking), *cons)
    band = _BANDS[found.band]
    lowest = Confidence.STRONG
    if standing := _standing(cons, found):
        lowest = Confidence.WEAK if any(con.why in DOUBTFUL for con in standing) else Confidence.MODERATE
    band = max(band, lowest, key=_ORDER.__getitem__)
    return Explained(found.operator, found.subscriber, cons, band, found, tuple(one.key for one in own))


def _standing(cons: Sequence[Con], found: Corroboration) -> list[Con]:
    """What lowers a subscriber: not what is said of single events, where enough times lead there without those."""
    single = [con for con in cons if con.why in _OF_EVENTS]
    spoken_of = {key for con in single for key in con.events}
    groups = [set(group) for group in found.independent]
    clean = sum(bool(group & set(found.alone)) and not group & spoken_of for group in groups)
    if not outweighed(clean, sum(bool(group & spoken_of) for group in groups)):
        return list(cons)
    return [con for con in cons if con.why not in _OF_EVENTS]


def _other_devices(keys: set[str], ranking: Ranking) -> tuple[Con, ...]:
    """Whether the devices stated at a line are hardly stated elsewhere: whoever got into an account brings their own.

    Nothing is said where no device is stated at the line, or at fewer than three events elsewhere.
    """
    here = {device for key, device in ranking.devices if key in keys}
    elsewhere = [device for key, device in ranking.devices if key not in keys]
    known = sum(device in here for device in elsewhere)
    if not here or len(elsewhere) < _FEWEST or known * _ONE_IN >= len(elsewhere):
        return ()
    events = tuple(key for key, _ in ranking.devices if key in keys)
    return (Con(Against.OTHER_DEVICES, events, len(elsewhere)),)


def _one(answer: Answer) -> bool:
    return answer.certainty is Certainty.STABLE and len(answer.subscribers) == 1


def _settled(one: Candidate, mine: Sequence[Finding], weighed: Mapping[tuple[str, str], Explained]) -> Candidate:
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
    who = [weighed[name] for name in sorted(named)]
    organisations = [each for each in who if each.organisation]
    cons = _of_subscribers(one, who) + tuple(
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
    elif organisations:
        state = State.ORGANISATION
    elif who and all(each.band is Confidence.STRONG for each in who) and not cons and not grave:
        state = State.CORROBORATED
    elif cons and state is State.CORROBORATED:
        state = State.TRACEABLE
    elif several and not named and state is State.TRACEABLE:
        state = State.CORROBORATE
    confidence = one.confidence
    if state is not one.state:
        confidence = Confidence.STRONG if state is State.CORROBORATED else Confidence.WEAK
    return replace(one, contradicting=(*cons, *one.contradicting), state=state, confidence=confidence)


def _of_subscribers(one: Candidate, who: Sequence[Explained]) -> tuple[Con, ...]:
    """What speaks against the subscribers whom a candidate's own answers name, with the candidate's first event."""
    found = []
    for each in who:
        others = sum(con.against is Contradicts.OTHER_LINES for con in each.corroboration.contradictions)
        if others:
            found.append(Con(Against.OTHER_LINES, one.events[:1], others))
        if each.organisation:
            found.append(Con(Against.ORGANISATION, one.events[:1], 1))
        found += [Con(con.why, one.events[:1], con.number) for con in each.contradicting if con.why in _OF_PERSON]
    return tuple(dict.fromkeys(found))
