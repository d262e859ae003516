# SPDX-License-Identifier: Apache-2.0
"""The word lists as data: what is refused, and what the ones that come with Nightlight promise."""

from __future__ import annotations

from importlib import resources

import pytest

from nightlight.pipeline.triage.language import ListRefused, lists_in_use
from nightlight.pipeline.triage.language.letters import fold, roman, shapes
from nightlight.pipeline.triage.language.lists import CODES, LANGUAGES, PARTS, read_combinations, read_list, word_lists


def _file(name: str) -> str:
    return (resources.files("nightlight.pipeline.triage.language") / "data" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("schema = 1", "schema = 2", "schema"),
        ("schema = 1", "schema = ", "TOML"),
        ('language = "en"', 'language = "hi"', "language"),
        ("reviewed = false", 'reviewed = "no"', "reviewed"),
        ('version = "2"', 'version = ""', "version"),
        ('version = "2"', 'version = "2"\nextra = 1', "extra"),
        ("[reply]\nyes", "[reply]\nmaybe = []\nyes", "maybe"),
        ('code = "self-harm"', 'code = "other"', "code"),
        ('part = "agree"', 'part = "weather"', "part"),
        ('part = "agree"\n', "", "part"),
        ('id = "en-not-live"', 'id = "en-suicide"', "id"),
        ('id = "en-not-live"', 'id = "hi-not-live"', "id"),
        ("even_if = true", "even_if = 1", "even_if"),
        ('unless = "<figure>"', 'unless = "<figures>"', "figures"),
        ('unless = "<figure>"', 'unless = "two words"', "unless"),
        ('"suicidal"', '"suicidal", "suicidal"', "twice"),
        ('"suicidal"', '"..."', "gap"),
        ('"suicidal"', '"a ....... b"', "gap"),
        ('"suicidal"', '"a . b . c . d"', "gaps"),
        ('"suicidal"', '"maybe? b"', "optional"),
        ('"suicidal"', '"a*b"', "not one word"),
        ('"suicidal"', '"a b c d e f g h i j k"', "more than"),
        ('"suicidal"', '"!"', "not one word"),
        ('"suicidal"', '""', "texts"),
    ],
)
def test_a_damaged_list_is_refused_whole(old: str, new: str, place: str) -> None:
    text = _file("en.toml")
    assert old in text
    with pytest.raises(ListRefused, match=place):
        read_list(text.replace(old, new, 1), language="en")


@pytest.mark.parametrize(
    ("together", "said"),
    [
        ("[]", "empty"),
        ('[["agree"]]', "two parts"),
        ('[["place", "time"]]', "agree or secrecy"),
        ('[["agree", "weather"]]', "weather"),
        ('[["ask", "place"]]', "ask"),
        ("3", "no list"),
    ],
)
def test_a_meeting_needs_two_parts_and_one_of_agreement_and_secrecy(together: str, said: str) -> None:
    with pytest.raises(ListRefused, match=said):
        read_combinations(f'schema = 1\nversion = "2"\ntogether = {together}\n')


def test_each_language_has_something_for_each_code_and_part_and_says_that_nobody_reviewed_it() -> None:
    assert [words.language for words in word_lists()] == list(LANGUAGES)
    for words in word_lists():
        assert {phrase.code for phrase in words.phrases} == set(CODES)
        assert {phrase.part for phrase in words.phrases} - {""} == set(PARTS)
    assert not any(words.reviewed for words in lists_in_use())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("don\u2019t", "dont"),
        ("DIE", "die"),
        ("d\u0456\u0435", "die"),  # Cyrillic letters
        ("\U0001d41d\U0001d422\U0001d41e", "die"),  # mathematical bold
        ("d\u200bie", "die"),
        ("di\u0301e", "die"),
        ("\u0939\u0942\u0901", "\u0939\u0942\u0902"),  # chandrabindu, anusvara
        ("\u091c\u093c\u093f\u0902\u0926\u093e", "\u091c\u093f\u0902\u0926\u093e"),  # nukta
        ("\u0d1e\u0d3e\u0d7b", "\u0d1e\u0d3e\u0d28\u0d4d\u200d"),  # chillu letter, or virama and joiner
    ],
)
def test_ways_of_typing_one_word_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_other_spellings_to_try() -> None:
    assert "die" in shapes(fold("diiiie"))
    assert shapes("meet") == ()
    assert "kill" in shapes("k1ll") or "kiil" in shapes("k1ll")
    assert roman("jeena") == roman("jina")
    assert roman("mar") == ""
