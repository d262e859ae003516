# SPDX-License-Identifier: Apache-2.0
"""An identifier forgives how it is written down and refuses every slip it promises to notice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import public_ids

BODY_PLACES = [3, 4, 5, 6, 8, 9, 10, 11]  # of NL-7F3K-9QTX

identifiers = st.sampled_from(["NL", "EV", "UNIT"]).flatmap(lambda prefix: st.builds(public_ids.new, st.just(prefix)))


@pytest.mark.parametrize("prefix", ["", "N", "nl", "N1", "TOOLONG", "NL-"])
def test_a_prefix_that_is_not_two_to_four_capitals_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="two to four capital letters"):
        public_ids.new(prefix)


@pytest.mark.parametrize(
    "text", ["", "NL", "7F3K9QTX", "NL-7F3K-9QT", "NL-7F3K-9QTU", "NL-7F3K-9QTX-A", "Ⅻ", "NL-7F3K-9QT\u0663"]
)
def test_what_is_no_identifier_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="looks like NL-7F3K-9QTX"):
        public_ids.normalise(text)


def test_every_wrong_symbol_is_noticed() -> None:
    made = public_ids.new("NL")
    for place in BODY_PLACES:
        for symbol in public_ids.ALPHABET.replace(made[place], ""):
            with pytest.raises(ValueError, match="slip"):
                public_ids.normalise(made[:place] + symbol + made[place + 1 :])


def test_every_pair_of_symbols_that_changed_places_is_noticed() -> None:
    """All pairs of symbols in all pairs of places; the code is linear, so the rest may stay zero."""
    for first in range(7):
        for second in range(first + 1, 7):
            for one in range(32):
                for other in range(one + 1, 32):
                    body = ["0"] * 7
                    body[first], body[second] = public_ids.ALPHABET[one], public_ids.ALPHABET[other]
                    check = public_ids.check_symbol("NL", "".join(body))
                    body[first], body[second] = body[second], body[first]
                    assert public_ids.check_symbol("NL", "".join(body)) != check


@given(identifiers, st.data())
def test_the_check_symbol_and_its_neighbours_are_guarded_alike(made: str, data: st.DataObject) -> None:
    prefix, *groups = made.split("-")
    dense = "".join(groups)
    place = data.draw(st.integers(0, 6))
    swapped = dense[:place] + dense[place + 1] + dense[place] + dense[place + 2 :]
    if swapped != dense:
        with pytest.raises(ValueError, match="slip"):
            public_ids.normalise(prefix + swapped)


def test_an_identifier_of_another_kind_is_not_taken_for_this_one() -> None:
    for _ in range(200):
        with pytest.raises(ValueError, match="slip"):
            public_ids.normalise(public_ids.new("NL").replace("NL", "EV"))


@given(identifiers)
def test_a_new_identifier_reads_as_itself(made: str) -> None:
    assert re.fullmatch(r"[A-Z]{2,4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", made)
    assert public_ids.normalise(made) == made


@given(identifiers)
def test_handwriting_is_forgiven(made: str) -> None:
    prefix, body = made.split("-", 1)
    assert public_ids.normalise(f"  {made.lower()} ") == made
    assert public_ids.normalise(made.replace("-", "")) == made
    assert public_ids.normalise(made.replace("-", " \u2013 ")) == made
    assert public_ids.normalise(f"{prefix}-{body.replace('0', 'O').replace('1', 'l')}") == made
    assert public_ids.normalise(f"{prefix}-{body.replace('0', 'o').replace('1', 'I')}") == made
