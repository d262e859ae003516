# SPDX-License-Identifier: Apache-2.0
"""Whether a child is at risk now: decided by the story of the world, before anything is told.

First the world decides, from streams of its own, and without a look at any rule that ranks tips:

- Two states belong to a person, and then every report about that person is at risk, whatever it says: NEW_MATERIAL
  (makes new pictures of a child at hand) and ACCESS (lives or works with children and was reported before; at least
  two reports). People are taken in random order until `PERSON_SHARE` of all reports is covered, for each of the two.
- The other states belong to one report; `REPORT_SHARE` says for each type of incident how many reports have which.
- The planted meeting is at risk. One of those who share the clip of `SHARED_BY_MANY` also makes new pictures; the
  others who share it, and the person on three platforms, are not at risk.
- A batched report is about a clip and not about a person: none counts as at risk. Copies are what their original is.

In all 4 to 6 in 100 reports of a world of some hundred. Then each state leaves signs in the report, or does not:
`SIGNS` gives the probability of each sign by state, and of the same sign where nobody is at risk (`CALM`, and
`CALM_CHILD` where a young person is in the report). Signs are drawn independently (see `signs`). A report of a platform
that tells nothing shows none but files. Words come in the language of the slot's voice.

- `escalated`: the platform asks for high priority; one in seven of the true ones for a general reason only.
- `words`: chat lines or a reviewer's sentence that speak of the state.
- `camera`: two to four pictures nobody has seen, with the details of one camera, taken on the day of upload;
  one in a hundred of all other files has details of a camera as well, with an older date.
- `access`: a profile or a note that speaks of work with children; three in two hundred of all profiles do so anyway.
- `annotated`: the label of the interface that fits (sextortion, liveStreaming).
- `look_alike`: chat lines that only look like a need.

The ordinary narratives and chats of `wording` are drawn without regard to the state: a reviewer writes that somebody
was asked for money in one enticement of five, and such a report is annotated too, whether a child is at risk or not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.plan import Case, IncidentType
from nightlight.exercise.speech import VOICES, Need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.exercise.plan import Slot


class Risk(StrEnum):
    """Why a child is at risk now: the reason code in the truth."""

    MEETING = "meeting-arranged"
    SELF_HARM = "self-harm"
    HOME = "unsafe-at-home"
    PRESSURE = "pressure-for-money"
    OFFERED = "offered-now"
    LIVE = "live-now"
    NEW_MATERIAL = "new-material"
    ACCESS = "access-and-repeat"


NEEDS = {
    Risk.MEETING: Need.MEETING, Risk.SELF_HARM: Need.SELF_HARM, Risk.HOME: Need.HOME, Risk.PRESSURE: Need.PRESSURE,
}  # fmt: skip
"""What the young person says in the states that belong to a chat."""

OF_A_PERSON = frozenset({Risk.NEW_MATERIAL, Risk.ACCESS})

PERSON_SHARE = 0.014
"""Part of all reports that each state of a person covers."""

REPORT_SHARE: dict[IncidentType, dict[Risk, float]] = {
    IncidentType.ENTICEMENT: {Risk.MEETING: 0.15, Risk.SELF_HARM: 0.11, Risk.HOME: 0.1, Risk.PRESSURE: 0.14},
    IncidentType.TRAFFICKING: {Risk.OFFERED: 0.6},
    IncidentType.TOURISM: {Risk.OFFERED: 0.4},
    IncidentType.MOLESTATION: {Risk.HOME: 0.7},
    IncidentType.UNSOLICITED: {Risk.SELF_HARM: 0.1, Risk.MEETING: 0.1},
    IncidentType.MATERIAL: {Risk.LIVE: 0.004},
}


BROADCASTERS = frozenset({"chat", "video", "game"})
"""Platforms on which a broadcast can run."""


@dataclass(frozen=True, slots=True)
class Chances:
    """The probability of each sign."""

    escalated: float = 0.0
    words: float = 0.0
    camera: float = 0.0
    access: float = 0.0
    annotated: float = 0.0
    look_alike: float = 0.0


SIGNS: dict[Risk, Chances] = {
    Risk.MEETING: Chances(escalated=0.45, words=0.85, camera=0.05, access=0.1),
    Risk.SELF_HARM: Chances(escalated=0.6, words=0.85),
    Risk.HOME: Chances(escalated=0.45, words=0.8, camera=0.05, access=0.1),
    Risk.PRESSURE: Chances(escalated=0.3, words=0.8, camera=0.05, annotated=0.7),
    Risk.OFFERED: Chances(escalated=0.35, words=0.8, camera=0.1),
    Risk.LIVE: Chances(escalated=0.7, words=0.6, camera=0.2, annotated=0.7),
    Risk.NEW_MATERIAL: Chances(escalated=0.2, words=0.45, camera=0.92, access=0.15),
    Risk.ACCESS: Chances(escalated=0.2, words=0.5, camera=0.4, access=0.75),
}

CALM = Chances(escalated=0.007, words=0.003, camera=0.004, annotated=0.003, look_alike=0.02)
CALM_CHILD = Chances(escalated=0.15, words=0.06, camera=0.03, annotated=0.1, look_alike=0.4)


def draw(seed: int, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots with the state of each and the voice in which it speaks, in the same order.

    Takes no notice of moments, platforms' habits or rules; the same slots give the same states.
    """
    rng = chance.stream(seed, "danger", len(slots))
    threats = _threats(seed, slots)
    risks: dict[int, Risk] = {}
    for kind, shares in REPORT_SHARE.items():
        fit = [n for n, one in enumerate(slots) if one.kind is kind and _plain(one) and one.person.key not in threats]
        rng.shuffle(fit)
        for risk, share in shares.items():
            # The fraction left over is decided by chance, so that rare types are at risk in some worlds only.
            number = floor(share * len(fit) + rng.random())
            free = [n for n in fit if n not in risks and (risk is not Risk.LIVE or slots[n].reporter in BROADCASTERS)]
            risks |= dict.fromkeys(free[:number], risk)
    for place, slot in enumerate(slots):
        if slot.planted is Case.MEETING:
            risks[place] = Risk.MEETING
        elif not slot.batched and slot.person.key in threats:
            risks[place] = threats[slot.person.key]
    return _with_voices(seed, [replace(slot, risk=risks.get(n)) for n, slot in enumerate(slots)])


def _plain(slot: Slot) -> bool:
    return slot.planted is None and not slot.batched


def _threats(seed: int, slots: Sequence[Slot]) -> dict[str, Risk]:
    """Return the people who are a danger themselves: the sharer with other signs, then by chance."""
    rng = chance.stream(seed, "threats", len(slots))
    threats = {slot.person.key: Risk.NEW_MATERIAL for slot in slots if slot.signed}
    barred = {slot.person.key for slot in slots if slot.planted is not None}
    counts = Counter(slot.person.key for slot in slots if not slot.batched)
    people = sorted(key for key in counts if key not in barred)
    rng.shuffle(people)
    for risk, least in ((Risk.ACCESS, 2), (Risk.NEW_MATERIAL, 1)):
        left = round(PERSON_SHARE * len(slots))
        for key in people:
            if least <= counts[key] <= left and key not in threats:
                threats[key] = risk
                left -= counts[key]
    return threats


def _with_voices(seed: int, slots: Sequence[Slot]) -> list[Slot]:
    """Let those in need, other young people and the rest speak all languages in turn, English twice as often."""
    voices = (VOICES[0], *VOICES)
    start = chance.stream(seed, "voices").randrange(len(voices))
    turns: Counter[str] = Counter()
    found = []
    for slot in slots:
        who = "young" if slot.kind in {IncidentType.ENTICEMENT, IncidentType.UNSOLICITED} else "rest"
        who = "in need" if slot.risk in NEEDS else who
        # 5 has no divisor in common with the eight places, so every voice has its turn.
        found.append(replace(slot, voice=voices[(start + 5 * turns[who]) % len(voices)]))
        turns[who] += slot.planted is None
    return found
