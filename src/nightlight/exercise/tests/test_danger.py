# SPDX-License-Identifier: Apache-2.0
"""Where a child is at risk is decided first; reports show it or do not; the languages are all heard."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace

import pytest

from nightlight.exercise import danger, signs, speech, wording
from nightlight.exercise.danger import OF_A_PERSON, Chances, Risk
from nightlight.exercise.files import PLANTED
from nightlight.exercise.measures import at_risk_keys
from nightlight.exercise.plan import Case, PlannedReport, Slot
from nightlight.exercise.tests.test_world import FORBIDDEN
from nightlight.exercise.world import World, build


@pytest.fixture(scope="module")
def world() -> World:
    return build(31, 560)


@pytest.fixture(scope="module")
def large() -> World:
    return build(32, 1500)


def by_key(world: World) -> dict[str, PlannedReport]:
    return {one.key: one for one in world.reports}


def planted(world: World, name: str) -> tuple[str, ...]:
    return next((one.reports for one in world.truth.planted if one.name == name), ())


def test_a_tiny_world_has_nobody_at_risk_but_the_meeting() -> None:
    assert not build(1, 4).truth.children_at_risk
    assert [one.reason for one in build(1, 6).truth.children_at_risk] == [Risk.MEETING]


def test_no_batched_report_counts_and_no_sharer_but_the_one_with_signs(world: World) -> None:
    risky = {one.report for one in world.truth.children_at_risk}
    assert not risky & {one.key for one in world.reports if one.batched}
    assert not risky & set(planted(world, Case.THREE_PLATFORMS))
    assert risky & set(planted(world, Case.SHARED_BY_MANY)) == set(planted(world, Case.WITH_SIGNS))
    assert set(planted(world, Case.MEETING)) <= risky


@pytest.mark.parametrize("seed", [31, 33])
def test_four_to_six_in_a_hundred_are_at_risk(seed: int) -> None:
    made = build(seed, 560)
    assert 0.04 < len(at_risk_keys(made)) / len(made.reports) < 0.065


def test_every_reason_occurs_and_a_danger_that_is_the_person_is_in_all_reports_about_them(large: World) -> None:
    told = {one.report: one for one in large.truth.children_at_risk}
    assert {one.reason for one in told.values()} == set(Risk)
    assert all(one.by_person == (one.reason in OF_A_PERSON) for one in told.values())
    reports = by_key(large)
    for one in [one for one in told.values() if one.by_person]:
        about = [r for r in large.reports if not r.batched and r.people == reports[one.report].people]
        assert {told[report.key].reason for report in about} == {one.reason}
        assert one.reason != Risk.ACCESS or len(about) >= 2


def test_what_is_true_does_not_depend_on_what_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = dict.fromkeys(Risk, Chances())
    monkeypatch.setattr(signs, "SIGNS", silent)
    monkeypatch.setattr(signs, "CALM_CHILD", Chances(escalated=1.0, words=1.0))
    other = build(31, 560)
    assert [(one.report, one.reason) for one in other.truth.children_at_risk] == [
        (one.report, one.reason) for one in world.truth.children_at_risk
    ]
    plain = {Case.MEETING, Case.WITH_SIGNS}
    shown = {one.report for one in other.truth.children_at_risk if one.signs}
    assert shown == {key for name in plain for key in planted(other, name)}


def test_signs_are_missing_here_and_stand_there_without_reason(large: World) -> None:
    told = large.truth.children_at_risk
    quiet = [one for one in told if not one.signs]
    assert 0.03 < len(quiet) / len(told) < 0.2
    loud = [one for one in large.truth.false_alarms if one.escalated]
    escalated = {one.key for one in large.reports if one.escalation}
    assert len(loud) >= 5
    assert {one.report for one in loud} <= escalated
    assert {one.report for one in told if "escalated" in one.signs} == escalated - {one.report for one in loud}
    assert {sign for one in told for sign in one.signs} >= {"escalated", "words", "camera", "access", "annotated"}


def test_the_false_alarms_are_not_at_risk_and_some_only_look_like_a_need(large: World) -> None:
    risky = {one.report for one in large.truth.children_at_risk}
    assert not risky & {one.report for one in large.truth.false_alarms}
    said = [one for one in large.truth.spoken if one.crisis and one.report not in risky]
    assert all(one.what in set(speech.Need) for one in said)
    assert {one.what for one in large.truth.spoken if not one.crisis} == set(speech.Trap)


def test_a_copy_is_at_risk_like_its_original(large: World) -> None:
    risky = {one.report for one in large.truth.children_at_risk}
    copies = [one for one in large.reports if one.duplicate_of]
    assert copies
    assert all((one.key in risky) == (one.duplicate_of in risky) for one in copies)


def test_all_languages_are_heard_and_the_lines_stand_in_the_reports(large: World) -> None:
    reports = by_key(large)
    heard = {(one.language, one.romanised, one.crisis) for one in large.truth.spoken}
    assert heard == {(v.language, v.romanised, crisis) for v in speech.VOICES for crisis in (True, False)}
    for one in large.truth.spoken:
        report = reports[one.report]
        voice = speech.Voice(one.language, one.romanised)
        if one.report in planted(large, Case.MEETING):
            lines: tuple[str, ...] = wording.URGENT_CHAT
        elif one.crisis:
            lines = speech.CRISIS[voice][speech.Need(one.what)]
        else:
            lines = speech.LOOK_ALIKE[voice][speech.Trap(one.what)]
        texts = [text for detail in report.details for name, text in detail.fields if name == "content"]
        assert "\n".join(lines) in texts


def test_every_voice_says_everything_in_its_own_letters() -> None:
    script = {"hi": "DEVANAGARI", "mr": "DEVANAGARI", "ml": "MALAYALAM", "en": "LATIN"}
    for table, kinds in ((speech.CRISIS, set(speech.Need)), (speech.LOOK_ALIKE, set(speech.Trap))):
        assert set(table) == set(speech.VOICES)
        for voice, lines in table.items():
            assert set(lines) == kinds
            text = "".join(line[2:] for some in lines.values() for line in some if line != speech.HELPLINE)
            used = {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}
            assert used == {"LATIN" if voice.romanised else script[voice.language]}


def test_no_prepared_line_holds_a_forbidden_word() -> None:
    chats = [
        lines for table in (speech.CRISIS, speech.LOOK_ALIKE) for some in table.values() for lines in some.values()
    ]
    plain = [*wording.REASONS.values(), *wording.LOUD, *wording.ACCESS_NOTES, wording.WORRIED]
    plain += [line for lines in (*chats, *wording.REVIEWED.values()) for line in lines]
    words = re.findall(r"[a-z]+", " ".join(plain).lower())
    assert len(words) > 300
    assert not [word for word in words if any(word.startswith(stem) for stem in FORBIDDEN)]


def test_the_earliest_uploader_of_the_clip_is_reported_late(world: World) -> None:
    reports = by_key(world)
    sharers = [reports[key] for key in planted(world, Case.SHARED_BY_MANY)]
    (early,) = [reports[key] for key in planted(world, Case.EARLIEST)]
    uploads = {
        file.uploaded_at: one.key
        for one in sharers
        for file in one.files
        if file.shared == PLANTED and file.uploaded_at
    }
    assert uploads[min(uploads)] == early.key
    assert min(sharers, key=lambda one: one.at) is early
    assert sum(one.order < early.order for one in sharers) >= 30
    assert sorted(uploads)[1].timestamp() - min(uploads).timestamp() > 10 * 86_400


def test_one_sharer_brings_new_pictures_of_one_camera(world: World) -> None:
    (key,) = planted(world, Case.WITH_SIGNS)
    fresh = [file for file in by_key(world)[key].files if file.shared is None and file.exif]
    assert len(fresh) >= 2
    assert all(file.described for file in fresh)
    assert len({dict(file.exif)["Model"] for file in fresh}) == 1
    assert planted(world, Case.EARLIEST) != (key,)


def test_drawing_again_gives_the_same_states_and_the_truth_goes_into_json(world: World) -> None:
    person = world.people[0]
    slots = [Slot(one.kind, one.reporter, person, one.at, batched=one.batched) for one in world.reports]
    assert danger.draw(5, slots) == danger.draw(5, [replace(one) for one in slots])
    document = json.loads(world.truth.to_json())
    assert len(document["children_at_risk"]) == len(world.truth.children_at_risk)
    assert {"reason", "report", "signs", "by_person"} == set(document["children_at_risk"][0])
