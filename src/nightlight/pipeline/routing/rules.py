# SPDX-License-Identifier: Apache-2.0
"""Where a tip seems to belong: its signs weighed against each other, with a reason for everything that counted.

The reported person's side (their own signs, files, the place where it happened, an officer's) decides where the suspect
is. A child's side (the child's, a recipient's) is worked out apart: it may point elsewhere, and then both places are
candidates; it comes first where nothing says where the suspect is. Pure: no clock, no database; docs/routing.md
explains the arithmetic, the rules hold its numbers. A confidence is no probability.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import prod
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from nightlight.pipeline.routing.proposals import (
    BOTH,
    CHILD,
    REPORTED,
    Candidate,
    Proposed,
    Reason,
    from_json,
    to_json,
)
from nightlight.pipeline.routing.sign_kinds import Sign, SignKind, Whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from nightlight.pipeline.routing.rulebook import RoutingRules

__all__ = ["BOTH", "CHILD", "REPORTED", "Candidate", "Proposed", "Reason", "from_json", "propose", "to_json"]

_CHILD_SIDE = frozenset({Whose.CHILD, Whose.RECIPIENT})
_AGES = frozenset({SignKind.ADDRESS, SignKind.ESTIMATED_LOCATION})


def propose(
    signs: Iterable[Sign],
    rules: RoutingRules,
    *,
    at: datetime | None = None,
    names: Mapping[str, str] | None = None,
) -> Proposed:
    """Return where a tip with these signs belongs.

    `at`: when the report was received; events are as old as then (default: as of the newest sign). `names` by code
    (`Gazetteer.names`) make the sentence readable. The same signs in any order give the same answer.
    """
    ordered = sorted(signs, key=_order)
    reference = at or max((sign.at for sign in ordered if sign.at), default=None)
    weighed = [_Weighed(sign, _weight(sign, rules, reference)) for sign in ordered]
    counting = [one for one in weighed if one.weight > 0 and one.sign.country]
    unused = _reasons((one for one in weighed if one.weight <= 0 or not one.sign.country), rules)
    suspect = [one for one in counting if one.sign.whose not in _CHILD_SIDE]
    child = [one for one in counting if one.sign.whose in _CHILD_SIDE]
    theirs, childs = _side(suspect, rules, REPORTED), _side(child, rules, CHILD)
    candidates = _together(theirs, childs, rules)
    abroad = tuple(sorted({one.sign.country for one in counting} - {rules.home}))
    best = candidates[0] if candidates else None
    foreign = best.country if best is not None and best.country != rules.home else ""
    tied = _tied(candidates, rules)
    proposed = Proposed(
        candidates=tuple(_with_abroad(one, counting, rules) for one in candidates),
        unknown=best is None,
        why="",
        foreign=foreign,
        tied=tied,
        abroad=abroad,
        unused=unused[: rules.propose.most_reasons],
        rules=rules.version,
    )
    return replace(proposed, why=_sentence(proposed, rules, names or {}, some=bool(counting)))


class _Weighed(NamedTuple):
    """A sign and what it weighs, 0 to 1."""

    sign: Sign
    weight: float


def _order(sign: Sign) -> tuple[str, ...]:
    at = sign.at.isoformat() if sign.at else ""
    return (
        sign.kind,
        sign.whose,
        sign.country,
        sign.state,
        sign.district,
        sign.source,
        at,
        sign.shown,
        sign.note,
        sign.code,
        *sign.marks,
    )


def _weight(sign: Sign, rules: RoutingRules, reference: datetime | None) -> float:
    of_kind = rules.weights[sign.kind]
    weight = (of_kind.state if sign.state else of_kind.country) / 100
    weight *= rules.whose[sign.whose] / 100
    weight *= prod(rules.marks[mark].keeps / 100 for mark in sign.marks)
    if sign.kind in _AGES and sign.at is not None and reference is not None:
        days = max((reference - sign.at).total_seconds() / 86_400, 0.0)
        keep = rules.propose.events_keep / 100
        weight *= keep + (1 - keep) * 0.5 ** (days / rules.propose.events_half_life_days)
    return weight


def _strengths(
    weighed: Sequence[_Weighed], key: Callable[[Sign], str], rules: RoutingRules
) -> dict[str, dict[SignKind, float]]:
    """For each place, what each kind of sign says for it: its strongest, less where others of it disagree."""
    strongest: dict[tuple[str, SignKind], float] = defaultdict(float)
    share: dict[tuple[str, SignKind], float] = defaultdict(float)
    of_kind: dict[SignKind, float] = defaultdict(float)
    for sign, weight in weighed:
        if place := key(sign):
            strongest[place, sign.kind] = max(strongest[place, sign.kind], weight)
            share[place, sign.kind] += weight / sign.among
            of_kind[sign.kind] += weight / sign.among
    rests = rules.propose.agreement / 100
    found: dict[str, dict[SignKind, float]] = defaultdict(dict)
    for (place, kind), most in strongest.items():
        found[place][kind] = most * (1 - rests + rests * share[place, kind] / of_kind[kind])
    return found


def _any(parts: Iterable[float]) -> float:
    """How much independent signs say together (noisy or)."""
    return 1 - prod(1 - part for part in parts)


def _contested(strength: Mapping[str, float], rules: RoutingRules) -> dict[str, float]:
    """The strength of each place with what all its rivals together take off."""
    takes = rules.propose.contradiction / 100
    return {place: own * (1 - takes * _rivals(place, strength)) for place, own in strength.items()}


def _rivals(place: str, strength: Mapping[str, float]) -> float:
    return _any(other for rival, other in strength.items() if rival != place)


def _side(weighed: Sequence[_Weighed], rules: RoutingRules, side: str) -> list[Candidate]:
    """The candidates of one side, the best first."""
    countries = {
        place: _any(kinds.values()) for place, kinds in _strengths(weighed, attrgetter("country"), rules).items()
    }
    if side == REPORTED and len(countries) > 1 and _enough(countries.get(rules.home, 0.0), rules):
        countries[rules.home] = _any((countries[rules.home], rules.propose.home_prior / 100))
    takes = rules.propose.contradiction / 100
    found = []
    for country, confidence in _contested(countries, rules).items():
        within = [one for one in weighed if one.sign.country == country]
        rival = _rivals(country, countries)
        only = [one for one in within if not one.sign.state]
        support = [
            rules.propose.support / 100 * part for part in _strengths(only, _country, rules).get(country, {}).values()
        ]
        by_state = _strengths(within, attrgetter("state"), rules)
        states = {state: _any((*kinds.values(), *support)) for state, kinds in by_state.items()}
        said = {state: value * (1 - takes * rival) for state, value in _contested(states, rules).items()}
        enough = {state: _of_hundred(value) for state, value in said.items() if _enough(value, rules)}
        for state, percent in enough.items():
            here = [one for one in within if one.sign.state == state]
            found.append(
                Candidate(country, state, _district(here, rules), percent, _why(weighed, country, state, rules), side)
            )
        if not enough and _enough(confidence, rules):
            reasons = _why(weighed, country, "", rules)
            found.append(Candidate(country, "", "", _of_hundred(confidence), reasons, side))
    return sorted(found, key=_rank)


_country = attrgetter("country")


def _rank(one: Candidate) -> tuple[int, str, str]:
    return -one.confidence, one.country, one.state


def _of_hundred(value: float) -> int:
    return min(100, max(0, round(value * 100)))


def _enough(value: float, rules: RoutingRules) -> bool:
    return _of_hundred(value) >= rules.propose.least


def _district(here: Sequence[_Weighed], rules: RoutingRules) -> str:
    """The district within a state that clearly stands out; empty where none does."""
    by_place = _strengths(here, attrgetter("district"), rules)
    contested = _contested({place: _any(kinds.values()) for place, kinds in by_place.items()}, rules)
    ranked = sorted(((-_of_hundred(value), place) for place, value in contested.items()))
    if not ranked or -ranked[0][0] < rules.propose.least_district:
        return ""
    clear = len(ranked) == 1 or ranked[1][0] - ranked[0][0] > rules.propose.tie
    return ranked[0][1] if clear else ""


# Both sides together.


def _together(theirs: list[Candidate], childs: list[Candidate], rules: RoutingRules) -> list[Candidate]:
    """The reported person's places first; where they name no state, the child's in the same country before them."""
    places = {(one.country, one.state): one for one in childs}
    merged = [
        _merged(one, places.pop((one.country, one.state)), rules) if (one.country, one.state) in places else one
        for one in theirs
    ]
    merged.sort(key=_rank)
    rest = sorted(places.values(), key=_rank)
    if merged and not merged[0].state:
        nearer = [one for one in rest if one.country == merged[0].country and one.state]
        return [*nearer, *merged, *(one for one in rest if one not in nearer)]
    return [*merged, *rest]


def _merged(theirs: Candidate, childs: Candidate, rules: RoutingRules) -> Candidate:
    other = rules.propose.other_side / 100 * childs.confidence / 100
    confidence = _of_hundred(_any((theirs.confidence / 100, other)))
    reasons = (*theirs.reasons, *childs.reasons)[: 2 * rules.propose.most_reasons]
    return replace(
        theirs,
        confidence=confidence,
        district=theirs.district or childs.district,
        reasons=tuple(sorted(reasons, key=_by_weight)),
        side=BOTH,
    )


def _tied(candidates: Sequence[Candidate], rules: RoutingRules) -> bool:
    if len(candidates) < 2:
        return False
    first, second = candidates[:2]
    # A suspect's place and a child's are two duties, no tie.
    same_side = BOTH in (first.side, second.side) or first.side == second.side
    return same_side and abs(first.confidence - second.confidence) <= rules.propose.tie


def _with_abroad(one: Candidate, counting: Iterable[_Weighed], rules: RoutingRules) -> Candidate:
    """A candidate at home with what says that somebody else in the tip is abroad, where it is not told already."""
    if one.country != rules.home:
        return one
    told = {reason.country for reason in one.reasons}
    others = [item for item in counting if item.sign.country not in told]
    return replace(one, reasons=(*one.reasons, *_reasons(others, rules, against=True))) if others else one


# Reasons and the sentence.


def _why(weighed: Sequence[_Weighed], country: str, state: str, rules: RoutingRules) -> tuple[Reason, ...]:
    """What speaks for a place and what against it, of one side."""
    fits, others = list[_Weighed](), list[_Weighed]()
    for one in weighed:
        fit = one.sign.country == country and (not state or one.sign.state in ("", state))
        (fits if fit else others).append(one)
    # What may mean this place among others does not speak against it.
    meant = {(one.sign.kind, one.sign.source, one.sign.at) for one in fits if one.sign.among > 1}
    against = [one for one in others if (one.sign.kind, one.sign.source, one.sign.at) not in meant]
    most = rules.propose.most_reasons
    return (*_reasons(fits, rules)[:most], *_reasons(against, rules, against=True)[: max(most // 2, 1)])


def _by_weight(reason: Reason) -> tuple[bool, int, str, str, str]:
    return reason.against, -reason.weight, reason.kind, reason.whose, reason.shown


def _same(sign: Sign) -> tuple[object, ...]:
    return sign.kind, sign.whose, sign.shown, sign.country, sign.state, sign.district, sign.note, sign.marks, sign.code


def _reasons(weighed: Iterable[_Weighed], rules: RoutingRules, *, against: bool = False) -> tuple[Reason, ...]:
    """One reason for all signs that say the same, with the weight and the place of the strongest."""
    grouped: dict[tuple[object, ...], list[_Weighed]] = defaultdict(list)
    for one in weighed:
        # Of a child, and of anybody of whom nothing is shown, a reason says the state and no more.
        if one.sign.district and (one.sign.whose is Whose.CHILD or not one.sign.shown):
            one = one._replace(sign=replace(one.sign, district=""))  # noqa: PLW2901
        grouped[_same(one.sign)].append(one)
    made = []
    for alike in grouped.values():
        sign, weight = max(alike, key=lambda one: one.weight)
        words = "; ".join((*((sign.note,) if sign.note else ()), *(rules.marks[mark].words for mark in sign.marks)))
        made.append(
            Reason(
                kind=sign.kind,
                whose=sign.whose,
                shown=sign.shown,
                weight=_of_hundred(weight) if sign.country else 0,
                note=words,
                against=against,
                country=sign.country,
                state=sign.state,
                district=sign.district,
                marks=sign.marks,
                source=sign.source,
                at=sign.at,
                count=len(alike),
                code=sign.code,
            )
        )
    return tuple(sorted(made, key=_by_weight))


def _sentence(proposed: Proposed, rules: RoutingRules, names: Mapping[str, str], *, some: bool) -> str:
    """What came out and why, in one to three sentences of plain English."""

    def name(one: Candidate) -> str:
        codes = [code for code in (one.named, one.state) if code] or [one.country]
        return ", ".join(names.get(code, code) for code in codes)

    best = proposed.best
    if best is None:
        if not proposed.unused and not some:
            return "Nothing in this tip says where it belongs."
        if not some:
            words = sorted({reason.note for reason in proposed.unused if reason.note})
            return f"Nothing that counts says where this tip belongs. Seen and not counted: {'; '.join(words[:3])}."
        least = rules.propose.least
        return f"What says where this tip belongs is too weak or contradicts itself: nothing reaches {least} of 100."
    said = []
    if proposed.tied:
        tied = [one for one in proposed.candidates if best.confidence - one.confidence <= rules.propose.tie]
        places = [f"{name(one)} ({one.confidence})" for one in tied[:4]]
        said.append(f"{' and '.join(places)} fit equally well; an officer has to decide.")
    elif best.side == CHILD:
        nobody = not any(one.side in (REPORTED, BOTH) for one in proposed.candidates)
        unknown = "nothing says where" if nobody else "nothing says in which state"
        said.append(
            f"The child's side points to {name(best)} ({best.confidence} of 100); {unknown} the reported person is."
        )
    else:
        said.append(f"The signs point to {name(best)} ({best.confidence} of 100).")
    if not best.state and best.country == rules.home:
        said.append("Which state is not known.")
    if best.side != CHILD:
        elsewhere = [one for one in proposed.candidates if one.side == CHILD]
        said += [f"A child's side points to {name(elsewhere[0])}."] if elsewhere else []
    others = [country for country in proposed.abroad if country != best.country]
    if others:
        said.append(f"Somebody in this tip may be abroad: {', '.join(names.get(one, one) for one in others[:4])}.")
    return " ".join(said)
