# SPDX-License-Identifier: Apache-2.0
"""What a report shows of the state it is in: signs, drawn by chance from what is true (see `danger`).

Each report has a stream of its own, so nothing else in the world depends on what is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance, names, wording
from nightlight.exercise.danger import CALM, CALM_CHILD, NEEDS, SIGNS, Chances, Risk
from nightlight.exercise.patterns import Format, Motif, Picture
from nightlight.exercise.plan import Case, Detail, IncidentType, PlannedFile, PlannedReport
from nightlight.exercise.reporters import BY_KEY
from nightlight.exercise.speech import CRISIS, EN, LOOK_ALIKE, Chat, Trap, Voice, chat
from nightlight.exercise.truth import Spoken

if TYPE_CHECKING:
    from random import Random

    from nightlight.exercise.plan import Slot

LABELS = {Risk.PRESSURE: "sextortion", Risk.LIVE: "liveStreaming"}
"""Names of elements in the schema: `sextortion` of a report, `liveStreaming` of a file."""

ALWAYS = Chances(camera=1.0, words=0.4, access=0.3)
"""The sharer who was planted with other signs shows the files for certain."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A report with its signs: their names, and which lines it quotes."""

    report: PlannedReport
    signs: tuple[str, ...] = ()
    spoken: tuple[Spoken, ...] = ()


def show(rng: Random, report: PlannedReport, slot: Slot) -> Shown:
    """Return the report with the signs that its state leaves; a batched one has none."""
    if report.batched:
        return Shown(report)
    if slot.planted is Case.MEETING:
        spoken = Spoken(report.key, "en", romanised=False, crisis=True, what=NEEDS[Risk.MEETING].value)
        return Shown(replace(report, escalation=wording.URGENT), ("escalated", "words"), (spoken,))
    if slot.planted is not None and slot.risk is None:
        return Shown(report)
    shown, chances = Shown(report), _chances(report, slot)
    drawn = {name: rng.random() < getattr(chances, name) for name in Chances.__slots__}
    told = not _tells_nothing(report)
    steps = {
        "words": _words, "look_alike": _look_alike, "camera": _camera, "access": _access, "annotated": _annotated,
        "escalated": _escalated,
    }  # fmt: skip
    for name, step in steps.items():
        fits = name != "look_alike" or "words" not in shown.signs
        if drawn[name] and fits and (told or name == "camera"):
            shown = step(rng, shown, slot)
    return shown


def _chances(report: PlannedReport, slot: Slot) -> Chances:
    if slot.signed:
        return ALWAYS
    if slot.risk is not None:
        return SIGNS[slot.risk]
    return CALM_CHILD if report.victims or report.recipients else CALM


def _tells_nothing(report: PlannedReport) -> bool:
    return BY_KEY[report.reporter].thin and not report.details


def _add(shown: Shown, sign: str, report: PlannedReport, *spoken: Spoken) -> Shown:
    return Shown(report, (*shown.signs, sign), (*shown.spoken, *spoken))


def _words(rng: Random, shown: Shown, slot: Slot) -> Shown:
    """Lines of a chat, or a sentence of the reviewer; without risk the same words mean nothing (a game, a quarrel)."""
    report, risk = shown.report, slot.risk
    if risk is None and (report.victims or report.recipients):
        risk = rng.choice(tuple(NEEDS))
    if risk in NEEDS:
        spoken = Spoken(report.key, *_voice(slot), crisis=True, what=NEEDS[risk].value)
        return _add(shown, "words", _quoting(report, CRISIS[slot.voice or EN][NEEDS[risk]]), spoken)
    sentence = rng.choice(wording.REVIEWED[risk or rng.choice((Risk.NEW_MATERIAL, Risk.ACCESS))])
    return _add(shown, "words", _telling(report, sentence))


def _look_alike(rng: Random, shown: Shown, slot: Slot) -> Shown:
    if shown.report.kind in {IncidentType.DOMAIN_NAME, IncidentType.WORDS_OR_IMAGES}:
        return shown
    trap = rng.choice(tuple(Trap))
    spoken = Spoken(shown.report.key, *_voice(slot), crisis=False, what=trap.value)
    return _add(shown, "look_alike", _quoting(shown.report, LOOK_ALIKE[slot.voice or EN][trap]), spoken)


def _voice(slot: Slot) -> tuple[str, bool]:
    voice: Voice = slot.voice or EN
    return voice.language, voice.romanised


def _quoting(report: PlannedReport, lines: Chat) -> PlannedReport:
    """Put the chat where the report quotes one already, or into a detail of its own."""
    talk = chat(lines)
    details = tuple(
        replace(one, fields=tuple((name, talk if name == "content" else text) for name, text in one.fields))
        for one in report.details
    )
    if details == report.details:
        details = (*details, Detail("chatImIncident", (("content", talk),)))
    return replace(report, details=details)


def _telling(report: PlannedReport, sentence: str) -> PlannedReport:
    return replace(report, narrative=f"{report.narrative} {sentence}" if report.narrative else sentence)


def _camera(rng: Random, shown: Shown, slot: Slot) -> Shown:
    """Add pictures nobody has seen, of one camera, taken within hours of the upload."""
    report, reporter = shown.report, BY_KEY[slot.reporter]
    model = chance.stream(slot.person.key, "camera").choice(names.PHONE_MODELS)
    uploaded = slot.at - timedelta(minutes=rng.randint(3, 90))
    taken = uploaded - timedelta(minutes=rng.randint(20, 900))
    described = slot.signed or rng.random() < max(reporter.describes, 0.6)
    files = []
    for number in range(len(report.files), len(report.files) + rng.randint(2, 4)):
        taken += timedelta(seconds=rng.randint(5, 60))
        picture = Picture(Motif.PATCHWORK, Format.PNG, rng.getrandbits(40), 96, 72)
        files.append(
            PlannedFile(
                key=f"{report.key}/{number}",
                name=f"IMG_{taken:%Y%m%d}_{rng.randint(1, 9999):04d}.{picture.suffix}",
                picture=picture,
                described=described,
                uploaded_at=uploaded,
                viewed=True if rng.random() < reporter.views else None,
                state_hash=reporter.states_hash,
                exif=(("Model", model), ("DateTimeOriginal", f"{taken:%Y:%m:%d %H:%M:%S}")),
            )
        )
    return _add(shown, "camera", replace(report, files=(*report.files, *files)))


def _access(rng: Random, shown: Shown, slot: Slot) -> Shown:
    party, *rest = shown.report.reported
    if rng.random() < 0.6:
        party = replace(party, profile_bio=rng.choice(names.WORK_BIOS))
    else:
        party = replace(party, note=rng.choice(wording.ACCESS_NOTES))
    return _add(shown, "access", replace(shown.report, reported=(party, *rest)))


def _annotated(rng: Random, shown: Shown, slot: Slot) -> Shown:
    report = shown.report
    asked = report.kind is IncidentType.ENTICEMENT
    label = LABELS.get(slot.risk) if slot.risk else ("sextortion" if asked else "liveStreaming")
    if label == "sextortion":
        return _add(shown, "annotated", replace(report, annotations=("sextortion",)))
    if label is None or not report.files or "potentialMeme" in report.files[0].annotations:
        return shown
    first, *rest = report.files
    first = replace(first, annotations=(*first.annotations, label))
    return _add(shown, "annotated", replace(report, files=(first, *rest)))


def _escalated(rng: Random, shown: Shown, slot: Slot) -> Shown:
    """Ask for high priority; where nobody is at risk the reason is as often loud as it is precise."""
    if slot.risk is None:
        reason = rng.choice(wording.LOUD if rng.random() < 0.6 else wording.ESCALATIONS)
    else:
        reason = wording.REASONS[slot.risk] if rng.random() < 6 / 7 else wording.WORRIED
    return _add(shown, "escalated", replace(shown.report, escalation=reason))
