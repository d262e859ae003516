# SPDX-License-Identifier: Apache-2.0
"""The digest that partners exchange, their keys and names, and whom to call: what is refused, and what agrees."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.linking.deconfliction import rules
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.normalising import normalise
from nightlight.pipeline.linking.weights import weights

KEY = bytes(range(32))
_names = st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)
_told = st.tuples(
    _names, _names, st.sampled_from(["production", "test"]), st.sampled_from(sorted(rules.KINDS)), st.text(max_size=30)
)


def _digest(told: tuple[str, str, str, Kind, str], key: bytes = KEY) -> bytes:
    ring, epoch, environment, kind, value = told
    return rules.digest(key, ring=ring, epoch=epoch, environment=environment, kind=kind, value=value)


def test_a_short_key_and_names_with_a_nul_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        _digest(("r", "e", "production", Kind.PHONE, "+915550000001"), KEY[:31])
    with pytest.raises(ValueError, match="NUL"):
        _digest(("r", "e\0production", "test", Kind.PHONE, "+915550000001"))


@pytest.mark.parametrize("text", ["", "no key", "00" * 31, "00" * 32, "ab" * 64, "0" * 63])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        rules.read_key(text)


def test_a_key_of_at_least_32_bytes_is_read_as_written() -> None:
    assert rules.read_key(f" {KEY.hex()}\n") == KEY
    assert rules.read_key((KEY + KEY).hex()) == KEY + KEY


@pytest.mark.parametrize("text", ["", "A", "a/b", "..", "-a", "a-", "a b", "a.b", "ä", "a" * 41, "a\n"])
def test_what_names_no_ring_is_refused(text: str) -> None:
    assert not rules.name_of_ring(text)


@given(_told, _told)
def test_digests_agree_where_everything_does_and_nowhere_else(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assert (_digest(one) == _digest(other)) == (one == other)
    assert len(_digest(one)) == rules.SIZE


@given(_told, st.binary(min_size=32, max_size=40))
def test_another_key_gives_another_digest(told: tuple, key: bytes) -> None:  # type: ignore[type-arg]
    # HMAC pads keys with NUL bytes, so a key and the same with NULs after it are one key; a random one ends otherwise.
    assert (_digest(told) == _digest(told, key)) == (key.rstrip(b"\0") == KEY.rstrip(b"\0"))


@given(_told)
def test_a_neighbouring_ring_epoch_environment_or_kind_gives_another_digest(told: tuple) -> None:  # type: ignore[type-arg]
    ring, epoch, environment, kind, value = told
    others = {
        (ring + "x", epoch, environment, kind, value),
        (ring, epoch + "x", environment, kind, value),
        (ring, epoch, "test" if environment == "production" else "production", kind, value),
        *((ring, epoch, environment, one, value) for one in rules.KINDS - {kind}),
    }
    assert _digest(told) not in {_digest(one) for one in others}


def test_the_digest_is_what_the_decision_says() -> None:
    message = b"nightlight deconfliction v1\nstates\x002026-11\0production\0phone\0+915550000001"
    told = ("states", "2026-11", "production", Kind.PHONE, "+915550000001")
    expected = hmac.digest(KEY, message, "sha256")[:16]
    got = _digest(told)
    assert got == expected


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.EMAIL, "Grey.Heron@Example.ORG", " grey.heron@example.org "),
        (Kind.PHONE, "+91 98765 43210", "+91-98765-43210"),
    ],
)
def test_what_is_one_value_after_normalising_has_one_digest(kind: Kind, one: str, other: str) -> None:
    first, second = normalise(kind, one), normalise(kind, other)
    assert first is not None
    assert second is not None
    assert _digest(("r", "e", "production", kind, first)) == _digest(("r", "e", "production", kind, second))


def test_a_value_is_told_of_fewer_people_than_those_past_whom_it_links_nobody() -> None:
    assert all(weights().kinds[kind].ceiling >= rules.MOST_PEOPLE for kind in rules.KINDS)
    assert all(weights().weight(kind, 2) >= weights().threshold for kind in rules.KINDS)


def test_what_others_send_becomes_one_line_of_plain_signs() -> None:
    assert rules.one_line("Duty\r\n desk\t\x1b[31m +91 1\u2028x\u202e") == "Duty desk [31m +91 1 x"
    assert rules.one_line("a" * 400) == "a" * 300
    assert rules.call("+91 1", "", "night desk") == "+91 1 · night desk"


@pytest.mark.parametrize(
    ("asked", "held", "so"), [(999, 0, False), (1000, 0, True), (1000, 1, False), (5000, 4, True), (5000, 5, False)]
)
def test_whoever_hardly_ever_hits_is_looked_at(asked: int, held: int, so: bool) -> None:
    assert rules.suspicious(asked, held) is so
