# SPDX-License-Identifier: Apache-2.0
"""A rulebook that is not exactly as it must be is refused with a code and a place; nothing in one is ever run."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.triage.conditions import Condition, RulebookRefused, compiled
from nightlight.pipeline.triage.rulebook import LONGEST, load, shipped
from nightlight.pipeline.triage.tests.readings import HOUR, NOW
from nightlight.pipeline.triage.vocabulary import FACTS, NEVER, Type

if TYPE_CHECKING:
    from nightlight.pipeline.triage.vocabulary import Value

SMALL = """
schema = 1
version = "small-1"
legal = "For tests."
bands = { critical = 70, high = 45, medium = 20 }

[[factors]]
id = "one"
label = "One"
when = { fact = "enticement", is = true }
points = 25
evidence = "none"

[[factors]]
id = "record"
label = "Record"
when = { fact = "prior_record", is = true }
points = 20
evidence = "none"

[[tripwires]]
id = "wire"
label = "Wire"
when = { fact = "escalated_by_reporter", is = true }
evidence = "none"

[[caps]]
id = "viral"
label = "Viral"
when = { fact = "viral_share_only", is = true }
points = -30
evidence = "none"

[[lives]]
id = "life"
label = "Life"
since = "newest_event"
hours = 10
evidence = "none"

[[workability]]
id = "place"
label = "Place"
when = { fact = "place_stated", is = true }
points = 5

[[unknowns]]
fact = "prior_record"
check = "Look."
minutes = 5
"""

ENTICEMENT = '{ fact = "enticement", is = true }'


def when(condition: str) -> str:
    """Return the small rulebook with another condition for its first factor."""
    return SMALL.replace(ENTICEMENT, condition)


REFUSED = {
    "not toml": ("bands = {", "not-toml", "file"),
    "empty": ("", "wrong-shape", "file"),
    "a newer schema": (SMALL.replace("schema = 1", "schema = 2"), "schema", "schema"),
    "no version": (SMALL.replace('"small-1"', '" "'), "empty", "version"),
    "a misspelt key": (SMALL.replace("legal =", "leagl ="), "wrong-shape", "file"),
    "an unknown key in a factor": (
        SMALL.replace("points = 25", "points = 25\nweight = 3"),
        "wrong-shape",
        "factors[0]",
    ),
    "points as text": (SMALL.replace("points = 25", 'points = "25"'), "wrong-shape", "factors[0].points"),
    "points of half": (SMALL.replace("points = 25", "points = 2.5"), "wrong-shape", "factors[0].points"),
    "a negative factor": (SMALL.replace("points = 25", "points = -25"), "points", "factors.one.points"),
    "too many points": (SMALL.replace("points = 25", "points = 101"), "points", "factors.one.points"),
    "a cap that adds": (SMALL.replace("points = -30", "points = 30"), "points", "caps.viral.points"),
    "a cap of every tip": (SMALL.replace("points = -30", "points = -30\nbase = true"), "points", "caps.viral.base"),
    "no evidence": (
        SMALL.replace('points = 25\nevidence = "none"', "points = 25"),
        "no-evidence",
        "factors.one.evidence",
    ),
    "no label": (SMALL.replace('"One"', '" "'), "empty", "factors.one"),
    "bands upside down": (SMALL.replace("high = 45", "high = 75"), "bands", "bands"),
    "the same id twice": (SMALL.replace('"record"', '"one"'), "twice", "factors"),
    "an unknown fact": (when('{ fact = "wealth", is = true }'), "unknown-fact", "factors.one.when.fact"),
    "two operators": (
        when('{ fact = "enticement", is = true, at_least = 1 }'),
        "wrong-operator",
        "factors.one.when",
    ),
    "no operator": (when('{ fact = "enticement" }'), "wrong-operator", "factors.one.when"),
    "an operator of another type": (when('{ fact = "files", is = true }'), "wrong-operator", "factors.one.when"),
    "no condition": (when("{ }"), "wrong-condition", "factors.one.when"),
    "all of nothing": (when("{ all = [] }"), "wrong-condition", "factors.one.when"),
    "fact and all": (
        when('{ fact = "enticement", is = true, all = [] }'),
        "wrong-condition",
        "factors.one.when",
    ),
    "an operator beside not": (
        when('{ is = true, not = { fact = "enticement", is = true } }'),
        "wrong-condition",
        "factors.one.when",
    ),
    "a place deep inside": (
        when('{ any = [{ fact = "enticement", is = true }, { not = { fact = "wealth", is = true } }] }'),
        "unknown-fact",
        "factors.one.when.any[2].not[1].fact",
    ),
    "an unknown code": (
        when('{ fact = "incident_kind", any_of = ["theft"] }'),
        "unknown-code",
        "factors.one.when.any_of",
    ),
    "no codes": (when('{ fact = "incident_kind", any_of = [] }'), "unknown-code", "factors.one.when.any_of"),
    "points for what is not known": (
        when('{ fact = "prior_record", unknown = true }'),
        "unknown-adds-points",
        "factors.one.when",
    ),
    "harm by a place": (when('{ fact = "place_stated", is = true }'), "not-for-harm", "factors.one.when.fact"),
    "no check for an unknown fact": (
        when('{ fact = "same_home", is = true }'),
        "no-check",
        "unknowns.same_home",
    ),
    "a check without words": (SMALL.replace('"Look."', '""'), "no-check", "unknowns.prior_record"),
    "a check for what is always known": (
        SMALL.replace('fact = "prior_record"\ncheck', 'fact = "files"\ncheck'),
        "never-unknown",
        "unknowns.files.fact",
    ),
    "a life of no hours": (
        SMALL.replace('since = "newest_event"', 'since = "files"'),
        "wrong-operator",
        "lives.life.since",
    ),
    "a life too long": (SMALL.replace("hours = 10", "hours = 999999999"), "life", "lives.life.hours"),
    "a parent nobody has": ('extends = "mars-1"\n' + SMALL, "extends", "extends"),
    "a parent outside": ('extends = "../core-1"\n' + SMALL, "extends", "extends"),
    "a parent that is no name": ("extends = 7\n" + SMALL, "extends", "extends"),
    "a NUL in words": (SMALL.replace('"Look."', '"Look\\u0000."'), "nul", "file"),
    "too long": ("#" * (LONGEST + 1), "too-long", "file"),
    "too deep": (when("{ not = " * 9 + ENTICEMENT + " }" * 9), "too-deep", "factors.one.when" + ".not[1]" * 8),
    "much too deep": (when("{ not = " * 3000 + ENTICEMENT + " }" * 3000), "too-deep", "file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_rulebook_is_refused_with_a_code_and_a_place(name: str) -> None:
    text, code, place = REFUSED[name]
    with pytest.raises(RulebookRefused) as refused:
        load(text)
    assert (refused.value.code, refused.value.place) == (code, place), refused.value
    assert refused.value.reason


@pytest.mark.parametrize("name", sorted(NEVER))
@pytest.mark.parametrize("form", ["{}", "home_{}", "{}_of_suspect", "Home-{}"])
def test_no_rule_may_ask_who_somebody_is(name: str, form: str) -> None:
    with pytest.raises(RulebookRefused) as refused:
        load(when(f'{{ fact = "{form.format(name)}", is = true }}'))
    assert (refused.value.code, refused.value.place) == ("never-a-fact", "factors.one.when.fact")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(SMALL)))
def test_any_text_is_read_or_refused(text: str, place: int) -> None:
    for written in (text, SMALL[:place] + text + SMALL[place:]):
        try:
            book = load(written)
        except RulebookRefused as refused:
            assert refused.code
            assert refused.place
        else:
            assert book.digest


def test_the_rulebooks_that_come_with_the_program_are_whole() -> None:
    folder = resources.files("nightlight.pipeline.triage") / "data"
    names = {file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")}
    assert names >= {"core-1", "rules-india-1"}
    assert len({shipped(name).digest for name in names}) == len(names)
    for name in names:
        book = shipped(name).book
        for line in (*book.factors, *book.tripwires, *book.caps):
            assert line.evidence


def test_a_country_says_only_what_differs() -> None:
    core, india = shipped("core-1").book, shipped().book
    assert (india.version, india.country, core.country) == ("india-1", "IN", "")
    assert india.factors == core.factors
    hours = {life.id: life.hours for life in india.lives}
    assert hours == {life.id: life.hours for life in core.lives} | {"address-with-port": 180 * 24, "address": 730 * 24}
    assert len(india.unknowns) == len(core.unknowns)


def test_what_a_child_says_twice_is_not_merged_away() -> None:
    life = SMALL[SMALL.index("[[lives]]") : SMALL.index("[[workability]]")]
    with pytest.raises(RulebookRefused) as refused:
        load('extends = "core-1"\nschema = 1\nversion = "x"\nlegal = "y"\n' + life + life)
    assert refused.value.code == "twice"


def test_the_digest_changes_with_anything_in_the_rulebook() -> None:
    assert load(SMALL).digest == load("# a remark\n" + SMALL).digest
    for old, new in (("25", "26"), ('"Look."', '"Look again."'), ("hours = 10", "hours = 11"), ("small-1", "small-2")):
        assert load(SMALL.replace(old, new)).digest != load(SMALL).digest


def test_the_number_of_files_is_there_and_switched_off() -> None:
    book = shipped()
    assert next(line for line in book.book.factors if line.id == "many-files").points == 0
    assert "many-files" not in {rule.line.id for rule in book.factors}


# --- conditions ------------------------------------------------------------------------------------------------------

_NAMES = {kind: [fact.name for fact in FACTS.values() if fact.type is kind] for kind in Type}
_NUMBERS = st.integers(-3, 3)


def _leaf_of(kind: Type) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(_NAMES[kind])
    if kind is Type.FLAG:
        return st.builds(lambda name, said: {"fact": name, "is": said}, names, st.booleans())
    if kind is Type.CODES:
        return st.just({"fact": "severe_unmatched", "any_of": ["infant"]})
    return st.builds(
        lambda name, operator, number: {"fact": name, operator: number},
        names,
        st.sampled_from(["at_least", "at_most"]),
        _NUMBERS,
    )


_CONDITIONS = st.recursive(
    st.one_of([_leaf_of(kind) for kind in Type]),
    lambda inner: st.one_of(
        st.builds(lambda found: {"all": found}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda found: {"any": found}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda found: {"not": found}, inner),
    ),
    max_leaves=6,
)


def _value_of(kind: Type) -> st.SearchStrategy[Value]:
    known: dict[Type, st.SearchStrategy[Value]] = {
        Type.FLAG: st.booleans(),
        Type.NUMBER: st.integers(0, 3),
        Type.HOURS: _NUMBERS.map(lambda hours: NOW - hours * HOUR),
        Type.CODES: st.sampled_from([(), ("infant",), ("bestiality",)]),
    }
    return st.one_of(st.none(), known[kind])


_VALUES = st.fixed_dictionaries({name: _value_of(fact.type) for name, fact in FACTS.items()})


def plainly(said: dict[str, Any], values: dict[str, Value]) -> bool | None:
    """Return what a condition says, worked out from the tables of Kleene's logic by minimum and maximum."""
    order = {False: 0, None: 1, True: 2}
    answers = {number: answer for answer, number in order.items()}
    if "all" in said:
        return answers[min(order[plainly(one, values)] for one in said["all"])]
    if "any" in said:
        return answers[max(order[plainly(one, values)] for one in said["any"])]
    if "not" in said:
        return answers[2 - order[plainly(said["not"], values)]]
    value = values[said["fact"]]
    return None if value is None else _holds(said, value)


def _holds(said: dict[str, Any], value: Any) -> bool:  # noqa: ANN401 - of the fact's type
    if "is" in said:
        return bool(value == said["is"])
    if "any_of" in said:
        return bool(set(value) & set(said["any_of"]))
    number = value if isinstance(value, int) else (NOW - value).total_seconds() / 3600
    return bool(number >= said["at_least"] if "at_least" in said else number <= said["at_most"])


@settings(max_examples=150, deadline=None)
@given(_CONDITIONS, _VALUES)
def test_conditions_follow_the_logic_of_three_values(said: dict[str, Any], values: dict[str, Value]) -> None:
    assert compiled(msgspec.convert(said, Condition))(values, NOW) is plainly(said, values)
