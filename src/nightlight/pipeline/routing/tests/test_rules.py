# SPDX-License-Identifier: Apache-2.0
"""Signs are weighed against each other; what comes out has its reasons, and unknown is an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.routing.rulebook import RulesRefused, load, shipped
from nightlight.pipeline.routing.rules import BOTH, CHILD, REPORTED, Proposed, from_json, propose, to_json
from nightlight.pipeline.routing.sign_kinds import MARKS, Mark, Sign, SignKind, Whose
from nightlight.pipeline.routing.tests.making import NOW, gazetteer, sign

if TYPE_CHECKING:
    import random

RULES = shipped()
ADDRESS, PHONE, STATED = SignKind.ADDRESS, SignKind.PHONE, SignKind.STATED_PLACE
ESTIMATED, PAYMENT, LANGUAGE = SignKind.ESTIMATED_LOCATION, SignKind.PAYMENT, SignKind.LANGUAGE


def proposed(*signs: Sign) -> Proposed:
    return propose(signs, RULES, at=NOW, names=gazetteer().names)


def best(*signs: Sign) -> tuple[str, str, str]:
    found = proposed(*signs).best
    assert found is not None
    return found.country, found.state, found.district


def test_without_any_sign_it_is_unknown_and_says_so() -> None:
    found = proposed()
    assert (found.unknown, found.candidates, found.best, found.foreign) == (True, (), None, "")
    assert found.why == "Nothing in this tip says where it belongs."
    assert found.rules == RULES.version


def test_what_does_not_count_is_shown_and_proposes_nothing() -> None:
    found = proposed(sign(ADDRESS, "", marks=(Mark.ANONYMISER,)), sign(ADDRESS, "SC", marks=(Mark.HOSTING,)))
    assert found.unknown
    assert "an anonymiser" in found.why
    assert [reason.weight for reason in found.unused] == [0, 0]


def test_a_sign_too_weak_proposes_nothing_and_the_sentence_says_how_much_is_needed() -> None:
    found = proposed(sign(PAYMENT, "IN", whose=Whose.PLACE))
    assert found.unknown
    assert f"{RULES.propose.least} of 100" in found.why


def test_signs_that_contradict_each_other_leave_it_unknown_or_in_a_tie_that_says_so() -> None:
    weak = [sign(LANGUAGE, "IN", state, whose=Whose.OFFICER) for state in ("IN-KL", "IN-MH", "IN-TN", "IN-KA")]
    found = proposed(*weak)
    assert found.best is None or not found.best.state
    scattered = [sign(ADDRESS, "IN", f"IN-{letters}") for letters in ("KL", "MH", "TN", "KA", "GA", "DL", "WB")]
    assert best(*scattered) == ("IN", "", "")
    tie = proposed(sign(ADDRESS, "IN", "IN-KL"), sign(STATED, "IN", "IN-GA"))
    assert tie.tied
    assert {one.state for one in tie.candidates} == {"IN-KL", "IN-GA"}
    assert "an officer has to decide" in tie.why
    assert "Kerala" in tie.why


def test_more_signs_of_one_place_raise_its_confidence_and_a_rival_lowers_it() -> None:
    alone = proposed(sign(ADDRESS, "IN", "IN-KL")).candidates[0].confidence
    two = proposed(sign(ADDRESS, "IN", "IN-KL"), sign(STATED, "IN", "IN-KL")).candidates[0].confidence
    rivalled = proposed(
        sign(ADDRESS, "IN", "IN-KL"), sign(STATED, "IN", "IN-KL"), sign(PHONE, "IN", "IN-GA")
    ).candidates[0]
    assert alone < two
    assert RULES.propose.least < rivalled.confidence < two
    assert [(reason.state, reason.against) for reason in rivalled.reasons] == [
        ("IN-KL", False),
        ("IN-KL", False),
        ("IN-GA", True),
    ]


def test_many_events_of_one_place_outweigh_one_of_another() -> None:
    events = [sign(ADDRESS, "IN", "IN-KL", at=NOW - timedelta(days=day), source=f"{day}") for day in range(9)]
    found = proposed(*events, sign(ADDRESS, "IN", "IN-MH", at=NOW))
    assert found.candidates[0].state == "IN-KL"
    assert not found.tied
    assert found.candidates[0].reasons[0].count == 9


def test_old_events_lose_weight_and_never_all_of_it() -> None:
    ages = (0, 30, 180, 2_000, 20_000)
    weights = [
        proposed(sign(ADDRESS, "IN", "IN-KL", at=NOW - timedelta(days=days))).candidates[0].reasons[0].weight
        for days in ages[:3]
    ]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3
    recent, old = sign(ADDRESS, "IN", "IN-KL", at=NOW), sign(ADDRESS, "IN", "IN-MH", at=NOW - timedelta(days=2_000))
    assert best(recent, old) == ("IN", "IN-KL", "")
    # Without the day of the report, events are as old as they are beside the newest.
    assert propose([recent, old], RULES) == propose([recent, old], RULES, at=NOW)
    future = proposed(sign(ADDRESS, "IN", "IN-KL", at=NOW + timedelta(days=9_000)))
    assert future.candidates[0].reasons[0].weight == RULES.weights["address"].state


def test_signs_of_the_country_support_a_state_and_are_no_state() -> None:
    country = proposed(sign(PHONE, "IN"), sign(PAYMENT, "IN"))
    assert [(one.country, one.state) for one in country.candidates] == [("IN", "")]
    assert "Which state is not known" in country.why
    alone = proposed(sign(ADDRESS, "IN", "IN-KL")).candidates
    supported = proposed(sign(ADDRESS, "IN", "IN-KL"), sign(PHONE, "IN")).candidates
    assert [one.state for one in supported] == ["IN-KL"]
    assert supported[0].confidence > alone[0].confidence


def test_a_name_of_two_places_gives_both_and_another_sign_decides() -> None:
    both = [
        sign(STATED, "IN", state, source="a", among=2, marks=(Mark.SEVERAL_PLACES,)) for state in ("IN-MH", "IN-BR")
    ]
    found = proposed(*both)
    assert {one.state for one in found.candidates} == {"IN-MH", "IN-BR"}
    assert found.tied
    assert not any(reason.against for one in found.candidates for reason in one.reasons)
    decided = proposed(*both, sign(PHONE, "IN", "IN-BR"))
    assert decided.best is not None
    assert decided.best.state == "IN-BR"
    assert not decided.tied


def test_the_district_is_named_where_one_stands_out() -> None:
    assert best(sign(STATED, "IN", "IN-KL", "LGD:482")) == ("IN", "IN-KL", "LGD:482")
    assert best(sign(STATED, "IN", "IN-KL", "LGD:482"), sign(ADDRESS, "IN", "IN-KL")) == ("IN", "IN-KL", "LGD:482")
    assert best(sign(STATED, "IN", "IN-KL", "LGD:482"), sign(ADDRESS, "IN", "IN-KL", "LGD:483")) == ("IN", "IN-KL", "")
    three = [sign(kind, "IN", "IN-KL", "LGD:482") for kind in (STATED, ESTIMATED, SignKind.POSTAL_CODE)]
    assert best(*three, sign(ADDRESS, "IN", "IN-KL", "LGD:483")) == ("IN", "IN-KL", "LGD:482")


def test_where_the_reported_person_is_comes_first_and_the_childs_place_is_a_candidate_too() -> None:
    suspect = sign(ADDRESS, "IN", "IN-MH")
    child = [sign(kind, "IN", "IN-KL", whose=Whose.CHILD, shown="") for kind in (ADDRESS, STATED, PHONE)]
    found = proposed(suspect, *child)
    assert [(one.state, one.side) for one in found.candidates] == [("IN-MH", REPORTED), ("IN-KL", CHILD)]
    assert found.candidates[1].confidence > found.candidates[0].confidence
    assert not found.tied
    assert {reason.whose for reason in found.candidates[1].reasons} == {Whose.CHILD}
    assert "A child's side points to Kerala" in found.why
    alone = proposed(*child)
    assert alone.best is not None
    assert (alone.best.state, alone.best.side) == ("IN-KL", CHILD)
    assert "nothing says where the reported person is" in alone.why


def test_a_childs_state_comes_first_where_the_reported_person_has_only_a_country() -> None:
    found = proposed(sign(PHONE, "IN"), sign(ADDRESS, "IN", "IN-KL", whose=Whose.CHILD))
    assert [(one.state, one.side) for one in found.candidates] == [("IN-KL", CHILD), ("", REPORTED)]


def test_of_a_child_the_state_is_said_and_the_district_only_finds_the_unit() -> None:
    child = sign(STATED, "IN", "IN-KL", "LGD:482", whose=Whose.CHILD, shown="")
    young = sign(STATED, "IN", "IN-KL", "LGD:482", shown="")
    for found in (proposed(child), proposed(young), proposed(sign(ADDRESS, "IN", "IN-GA"), child)):
        one = found.candidates[-1]
        assert (one.state, one.district, one.named) == ("IN-KL", "LGD:482", "")
        assert not any(reason.district for one in found.candidates for reason in one.reasons)
        assert "LGD:482" not in found.why
    shown = proposed(sign(STATED, "IN", "IN-KL", "LGD:482"), child).candidates[0]
    assert (shown.side, shown.named) == (BOTH, "LGD:482")


def test_both_in_one_place_are_one_candidate_that_says_whose_each_sign_is() -> None:
    found = proposed(sign(ADDRESS, "IN", "IN-KL"), sign(STATED, "IN", "IN-KL", "LGD:482", whose=Whose.CHILD))
    (one,) = found.candidates
    assert (one.side, one.district, one.named) == (BOTH, "LGD:482", "")
    assert {reason.whose for reason in one.reasons} == {Whose.REPORTED, Whose.CHILD}
    assert one.confidence > proposed(sign(ADDRESS, "IN", "IN-KL")).candidates[0].confidence


def test_a_place_abroad_is_foreign_and_beside_a_place_at_home_a_reason_says_so() -> None:
    abroad = proposed(sign(PHONE, "NO"), sign(ESTIMATED, "NO"))
    assert (abroad.foreign, abroad.abroad) == ("NO", ("NO",))
    assert abroad.best_in("IN") is None
    mixed = proposed(sign(ADDRESS, "IN", "IN-KL"), sign(STATED, "IN", "IN-KL"), sign(PHONE, "US", whose=Whose.CHILD))
    assert (mixed.foreign, mixed.abroad) == ("", ("US",))
    assert mixed.best is not None
    assert [(reason.country, reason.against) for reason in mixed.best.reasons][-1] == ("US", True)
    assert "may be abroad: United States" in mixed.why
    danger = proposed(sign(ADDRESS, "US"), sign(ADDRESS, "IN", "IN-KL", whose=Whose.CHILD))
    at_home = danger.best_in("IN")
    assert danger.foreign == "US"
    assert at_home is not None
    assert (at_home.state, at_home.side) == ("IN-KL", CHILD)


def test_that_a_tip_was_sent_to_us_decides_between_equals_only() -> None:
    equal = proposed(sign(ADDRESS, "IN"), sign(ESTIMATED, "NO", marks=(Mark.COUNTRY_NOT_STATED,)))
    assert equal.best is not None
    assert equal.best.country == "IN"
    assert proposed(sign(ADDRESS, "NO")).foreign == "NO"
    assert "IN" not in {one.country for one in proposed(sign(ADDRESS, "NO")).candidates}


def test_an_officers_place_outweighs_a_platforms_guess() -> None:
    said = sign(SignKind.OFFICER_PLACE, "IN", "IN-GA", whose=Whose.OFFICER)
    assert best(said, sign(ADDRESS, "IN", "IN-KL"), sign(PHONE, "IN")) == ("IN", "IN-GA", "")


countries = st.sampled_from([("IN", ""), ("IN", "IN-KL"), ("IN", "IN-MH"), ("NO", ""), ("US", ""), ("", "")])
some_signs = st.lists(
    st.builds(
        lambda kind, place, district, whose, days, marks, among: sign(
            kind,
            place[0],
            place[1],
            district if place[1] else "",
            whose=whose,
            at=NOW - timedelta(days=days),
            marks=tuple(sorted(marks)),
            among=among,
        ),
        st.sampled_from(SignKind),
        countries,
        st.sampled_from(["", "LGD:482", "LGD:501"]),
        st.sampled_from(Whose),
        st.integers(0, 4000),
        st.frozensets(st.sampled_from(sorted(MARKS)), max_size=2),
        st.integers(1, 3),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(some_signs, st.randoms(use_true_random=False))
def test_whatever_the_signs_the_answer_is_whole_and_the_same_in_any_order(
    signs: list[Sign], rng: random.Random
) -> None:
    found = proposed(*signs)
    shuffled = signs[:]
    rng.shuffle(shuffled)
    assert proposed(*shuffled) == found
    assert from_json(to_json(found)) == found
    assert found.unknown == (not found.candidates)
    assert found.why
    places = [(one.country, one.state) for one in found.candidates]
    assert len(set(places)) == len(places)
    for one in found.candidates:
        assert RULES.propose.least <= one.confidence <= 100
        assert one.country
        assert any(not reason.against and reason.weight for reason in one.reasons)
        assert one.state.startswith(f"{one.country}-") or not one.state
        assert one.state or not one.district
    assert found.foreign in {"", *(one.country for one in found.candidates[:1])} - {"IN"} | {""}


@settings(deadline=None)
@given(some_signs)
def test_a_sign_that_does_not_count_changes_nothing_but_what_is_shown(signs: list[Sign]) -> None:
    ignored = sign(ADDRESS, "", source="ignored", marks=(Mark.ANONYMISER,), at=NOW - timedelta(days=5000))
    with_it, without = proposed(*signs, ignored), proposed(*signs)
    assert with_it.candidates == without.candidates


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"candidates": 1}', b"\xff", "null"])
def test_what_is_no_proposal_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="no proposal"):
        from_json(text)


def test_no_rule_knows_religion_caste_or_a_name() -> None:
    fields = " ".join(replace(sign(PHONE, "IN")).__dataclass_fields__)
    words = (*SignKind, *Whose, *MARKS, fields, msgspec.json.encode(RULES).decode())
    for never in ("religion", "caste", "ethnic", "first_name", "last_name", "surname"):
        assert not any(never in word.lower() for word in words), never


def test_the_rules_of_hand_over() -> None:
    assert sorted(RULES.answer_hours) == sorted(RULES.work_hours) == [0, 1, 2, 3]
    assert RULES.answer_hours[3] < RULES.answer_hours[2] < RULES.answer_hours[1] < RULES.answer_hours[0]
    assert all(RULES.answer_hours[band] <= RULES.work_hours[band] for band in range(4))
    assert set(RULES.stop_reasons.values()) == {True, False}
    assert RULES.rerouting.most_automatic >= 1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('version = "routing-india-1"', 'version = " "', "file"),
        ('home = "IN"', 'home = "India"', "home"),
        ("least = 20 ", "least = 200 ", "propose.least"),
        ("least = 20 ", 'least = "20" ', "propose.least"),
        ("tie = 5 ", "ties = 5 ", "propose"),
        ("[weights]\n", "[weights]\nreligion = { state = 10, country = 10 }\n", "weights.religion"),
        ("[whose]\n", "[whose]\nneighbour = 10\n", "whose.neighbour"),
        ("child = 100\n", "", "whose.child"),
        ("several-places = {", "several = {", "marks.several"),
        ("[sla.critical]", "[sla.urgent]", "sla.critical"),
        ("answer = 2\n", "answer = 0\n", "sla[...].answer"),
        ("most_automatic = 2", "most_automatic = 99", "rerouting.most_automatic"),
        ('code = "waits-for-court"', 'code = "waits-abroad"', "stop"),
        ('version = "routing-india-1"', "version = ", "file"),
    ],
)
def test_rules_with_one_wrong_line_are_refused_and_the_place_is_named(old: str, new: str, place: str) -> None:
    file = resources.files("nightlight.pipeline.routing") / "data" / "rules-india-1.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(RulesRefused) as refusal:
        load(text.replace(old, new, 1))
    assert refusal.value.place == place
    assert refusal.value.reason


def test_rules_that_do_not_come_with_nightlight_are_refused() -> None:
    for name in ("../rules-india-1", "rules-xx-1", ""):
        with pytest.raises(RulesRefused):
            shipped(name)
