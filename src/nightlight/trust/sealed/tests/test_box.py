# SPDX-License-Identifier: Apache-2.0
"""What is closed opens for one key, in one place, whole, and never again once its key part is erased."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed, Damaged, Key, Keyring, KeysRefused, Sealer, unseal

KEY = Key(bytes(range(32)))
RING = Keyring((KEY,))
SEALER = Sealer(KEY.lock.public)
PLACE = b"identity of tip:NL-7F3K-9QTX"


def ephemeral(closed: Closed) -> bytes:
    return closed.key_part[9:41]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(KeysRefused, match=f"32 bytes, not {size}"):
        Key(bytes(size))
    with pytest.raises(KeysRefused, match=f"32 bytes, not {size}"):
        Sealer(bytes(size))


def test_a_public_key_that_gives_no_secret_is_refused() -> None:
    with pytest.raises(KeysRefused, match="gives a secret"):
        Sealer(bytes(32))  # the neutral point: everybody would know the secret


def test_an_ephemeral_key_that_gives_no_secret_is_refused() -> None:
    closed = SEALER.seal(b"x", PLACE)
    forged = Closed(closed.key_part[:9] + bytes(32) + closed.key_part[41:], closed.body)
    with pytest.raises(Damaged, match="ephemeral key"):
        unseal(RING, forged, PLACE)


def test_a_ring_without_keys_is_refused() -> None:
    with pytest.raises(KeysRefused, match="no private sealing key"):
        Keyring(())


def test_another_key_does_not_open() -> None:
    with pytest.raises(KeysRefused, match=f"{KEY.lock.id.hex()} is not on the ring"):
        unseal(Keyring((box.one_time(),)), SEALER.seal(b"x", PLACE), PLACE)


def test_a_key_that_claims_anothers_id_does_not_open() -> None:
    other = box.one_time()
    closed = SEALER.seal(b"x", PLACE)
    claimed = Closed(closed.key_part[:1] + other.lock.id + closed.key_part[9:], closed.body)
    with pytest.raises(Damaged):
        unseal(Keyring((KEY, other)), claimed, PLACE)


def test_another_place_does_not_open() -> None:
    with pytest.raises(Damaged, match="another place"):
        unseal(RING, SEALER.seal(b"x", PLACE), PLACE + b"!")


@pytest.mark.parametrize("part", [b"", b"\x01", bytes(73), bytes(74)])
def test_a_key_part_that_is_none_is_refused(part: bytes) -> None:
    with pytest.raises(Damaged):
        unseal(RING, Closed(part, SEALER.seal(b"x", PLACE).body), PLACE)


def test_an_erased_key_part_leaves_the_text_destroyed() -> None:
    closed = SEALER.seal(b"a text of any length", PLACE)
    with pytest.raises(Damaged, match="destroyed"):
        unseal(RING, Closed(b"", closed.body), PLACE)
    salt_erased = Closed(closed.key_part[:41] + bytes(32), closed.body)
    with pytest.raises(Damaged):  # the salt alone is enough
        unseal(RING, salt_erased, PLACE)


def test_the_key_part_of_another_text_does_not_open_this_one() -> None:
    one, two = SEALER.seal(b"one", PLACE), SEALER.seal(b"two", PLACE)
    assert ephemeral(one) == ephemeral(two)
    with pytest.raises(Damaged):
        unseal(RING, Closed(one.key_part, two.body), PLACE)


def test_any_flipped_bit_is_refused() -> None:
    closed = SEALER.seal(b"forty-two", PLACE)
    whole = closed.key_part + closed.body
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Damaged, KeysRefused)):
            unseal(RING, Closed(bytes(flipped[:73]), bytes(flipped[73:])), PLACE)


@given(cut=st.integers(1, 25))
def test_a_shortened_body_is_refused(cut: int) -> None:
    closed = SEALER.seal(b"forty-two", PLACE)
    with pytest.raises(Damaged):
        unseal(RING, Closed(closed.key_part, closed.body[:-cut]), PLACE)


@given(plain=st.binary(max_size=5000), context=st.binary(max_size=200))
def test_what_is_closed_opens_as_it_was(plain: bytes, context: bytes) -> None:
    closed = SEALER.seal(plain, context)
    assert len(closed.key_part) == box.KEY_PART_SIZE
    assert len(closed.body) == len(plain) + 16
    assert closed.key_id == KEY.lock.id
    assert unseal(RING, closed, context) == plain


def test_the_same_text_never_gives_the_same_bytes() -> None:
    closed = [SEALER.seal(b"same", PLACE) for _ in range(50)]
    assert len({one.body for one in closed}) == 50
    assert len({one.key_part for one in closed}) == 50


def test_the_ephemeral_key_changes_after_a_quarter_of_an_hour() -> None:
    now = [0.0]
    sealer = Sealer(KEY.lock.public, tick=lambda: now[0])
    first = sealer.seal(b"x", PLACE)
    now[0] = 899.9
    assert ephemeral(sealer.seal(b"x", PLACE)) == ephemeral(first)
    now[0] = 900.0
    second = sealer.seal(b"x", PLACE)
    assert ephemeral(second) != ephemeral(first)
    assert unseal(RING, first, PLACE) == unseal(RING, second, PLACE) == b"x"


def test_the_ephemeral_key_changes_after_its_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "MOST_USES", 3)
    sealer = Sealer(KEY.lock.public)
    used = [ephemeral(sealer.seal(b"x", PLACE)) for _ in range(7)]
    assert [used.count(key) for key in dict.fromkeys(used)] == [3, 3, 1]


def test_many_threads_close_and_open_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "MOST_USES", 20)
    sealer, ring = Sealer(KEY.lock.public), Keyring((Key(KEY.secret),))
    wrong: list[bytes] = []
    used: list[bytes] = []

    def work(name: int) -> None:
        for turn in range(100):
            plain = f"{name} {turn}".encode()
            closed = sealer.seal(plain, PLACE)
            used.append(ephemeral(closed))
            if unseal(ring, closed, PLACE) != plain:
                wrong.append(plain)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert {used.count(key) for key in set(used)} == {20}


def test_a_private_key_remembers_a_bounded_number_of_secrets() -> None:
    key = box.one_time()
    ring = Keyring((key,))
    for _ in range(70):
        assert unseal(ring, Sealer(key.lock.public).seal(b"x", PLACE), PLACE) == b"x"
    assert len(key._remembered) == 64


def test_nothing_secret_is_printed() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert str(KEY.secret) not in repr(KEY)


def test_the_secret_is_that_of_the_standard() -> None:
    # RFC 7748, section 6.1: Alice's private key, Bob's public key, their shared secret.
    alice = Key(bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    bob = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    assert alice.lock.public.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert alice.shared(bob).hex() == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
