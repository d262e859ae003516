# SPDX-License-Identifier: Apache-2.0
"""Cards and the keys behind them: made once, kept from others, changed by nobody, read out over the telephone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyrage
import pytest

from nightlight.pipeline.routing.exchange import cards, keys
from nightlight.pipeline.routing.exchange.cards import CardRefused
from nightlight.pipeline.routing.exchange.tests import vectors

if TYPE_CHECKING:
    from pathlib import Path

SIDE = vectors.side("Kerala")
TEXT = SIDE.card.signed(SIDE.signing)


def test_keys_that_others_may_read_are_not_used(tmp_path: Path) -> None:
    keys.in_folder(tmp_path / "a")
    for name in ("signing.pem", "age.txt"):
        (tmp_path / "a" / name).chmod(0o640)
        keys.in_folder.cache_clear()
        with pytest.raises(ValueError, match="can be read by others"):
            keys.in_folder(tmp_path / "a")
        (tmp_path / "a" / name).chmod(0o600)


def test_keys_are_made_once_and_serve_the_age_program(tmp_path: Path) -> None:
    first = keys.in_folder(tmp_path / "a")
    keys.in_folder.cache_clear()
    assert keys.in_folder(tmp_path / "a").fingerprint == first.fingerprint
    assert keys.in_folder(tmp_path / "b").fingerprint != first.fingerprint
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").iterdir()} == {0o600}
    comment, line = (tmp_path / "a" / "age.txt").read_text().splitlines()
    assert comment == f"# public key: {first.recipient}"
    assert str(pyrage.x25519.Identity.from_str(line).to_public()) == first.recipient
    assert "SECRET" not in repr(first)


def test_a_file_that_is_no_identity_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "age.txt").write_text("# public key\n")
    (tmp_path / "age.txt").chmod(0o600)
    with pytest.raises(ValueError, match="is not an age identity"):
        keys.in_folder(tmp_path)


def test_a_card_says_who_it_is() -> None:
    card = cards.read(TEXT)
    assert card == SIDE.card
    assert card.fingerprint == SIDE.card.fingerprint
    renamed = cards.Card("Another name", "", card.public, card.recipient, card.custody_keys)
    assert renamed.fingerprint == card.fingerprint  # the keys are who it is


def test_every_letter_of_a_card_is_signed() -> None:
    told = json.loads(TEXT)
    for name, value in {
        "name": "Kerala Policf",
        "url": "https://elsewhere.example.org",
        "recipient": vectors.side("Other").card.recipient,
        "signing_key": json.loads(vectors.side("Other").card.signed(vectors.side("Other").signing))["signing_key"],
        "custody_keys": list(vectors.side("Other").card.custody_keys),
    }.items():
        with pytest.raises(CardRefused, match="was changed"):
            cards.read(json.dumps({**told, name: value}))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"url": "http://kerala.example.org"},
        {"url": "https://kerala.example.org/?a=1"},
        {"url": "https://somebody@kerala.example.org"},
        {"recipient": SIDE.card.recipient[:-1] + "q"},
        {"recipient": "age1"},
        {"signing_key": "AAAA"},
        {"custody_keys": []},
        {"custody_keys": ["x"]},
        {"format": "nightlight-card/2"},
        {"further": 1},
    ],
)
def test_what_is_no_card_is_refused_with_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(CardRefused, match=r"\."):
        cards.read(json.dumps({**json.loads(TEXT), **change}))


@pytest.mark.parametrize("text", ["", "[]", "{", "x" * 20_000, "[" * 5000])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CardRefused):
        cards.read(text)


def test_a_fingerprint_is_heard_as_it_is_read_out() -> None:
    fingerprint = SIDE.card.fingerprint
    spoken = cards.spoken(fingerprint)
    assert [len(group) for group in spoken.split()] == [5] * 8
    assert spoken.replace(" ", "").isdecimal()
    assert cards.heard(spoken.replace(" ", "-"), fingerprint)
    assert cards.heard(fingerprint, fingerprint)
    changed = spoken[:-1] + str((int(spoken[-1]) + 1) % 10)
    assert not cards.heard(changed, fingerprint)
    assert not cards.heard("", fingerprint)
    assert not cards.heard(spoken[:35], fingerprint)


def test_a_card_is_signed_with_the_key_it_names() -> None:
    with pytest.raises(ValueError, match="the key it names"):
        SIDE.card.signed(vectors.side("Other").signing)
