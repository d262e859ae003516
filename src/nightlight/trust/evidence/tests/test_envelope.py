# SPDX-License-Identifier: Apache-2.0
"""An envelope opens to the very bytes that were sealed, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.trust.evidence.envelope import (
    CHUNK_SIZE,
    TAG_SIZE,
    Damaged,
    EncryptingWriter,
    decrypt,
    stored_size,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
HERE, THERE = "ab" * 16, "cd" * 16
HEADER = 8
SEALED_CHUNK = CHUNK_SIZE + TAG_SIZE
THREE_CHUNKS = bytes(range(256)) * (2 * CHUNK_SIZE // 256) + b"the last chunk is a short one"


def seal(data: bytes, *, key: bytes = KEY, locator: str = HERE, cuts: int = 1 << 30) -> bytes:
    out = bytearray()
    writer = EncryptingWriter(key, locator, out.extend)
    for start in range(0, len(data), cuts):
        writer.write(memoryview(data)[start : start + cuts])
    writer.finish()
    return bytes(out)


def unseal(stored: bytes, *, key: bytes = KEY, locator: str = HERE, cuts: int = 1 << 30) -> bytes:
    return b"".join(decrypt(key, locator, (stored[at : at + cuts] for at in range(0, len(stored), cuts))))


def chunks(stored: bytes) -> list[bytes]:
    return [stored[at : at + SEALED_CHUNK] for at in range(HEADER, len(stored), SEALED_CHUNK)]


def refused(stored: bytes, **how: str) -> str:
    with pytest.raises(Damaged) as refusal:
        unseal(stored, **how)  # type: ignore[arg-type]
    return refusal.value.reason


def test_another_key_is_refused() -> None:
    with pytest.raises(Damaged, match="chunk 0"):
        unseal(seal(b"gradient"), key=OTHER_KEY)


def test_a_file_put_in_the_place_of_another_is_refused() -> None:
    assert "chunk 0" in refused(seal(b"gradient"), locator=THERE)


@pytest.mark.parametrize(
    ("region", "position"),
    [
        ("magic", 0),
        ("version", 4),
        ("chunk size", 5),
        ("reserved bytes of the header", 7),
        ("first chunk", HEADER),
        ("tag of the first chunk", HEADER + CHUNK_SIZE + 3),
        ("second chunk", HEADER + SEALED_CHUNK + 500),
        ("last chunk", -TAG_SIZE - 1),
        ("tag of the last chunk", -1),
    ],
)
def test_one_flipped_bit_is_noticed_wherever_it_is(region: str, position: int) -> None:
    stored = bytearray(seal(THREE_CHUNKS))
    stored[position] ^= 1
    assert refused(bytes(stored)), region


@pytest.mark.parametrize(
    "kept",
    [
        0,
        5,
        HEADER,
        HEADER + 7,
        HEADER + SEALED_CHUNK,
        HEADER + 2 * SEALED_CHUNK,
        HEADER + 2 * SEALED_CHUNK + 20,
    ],
)
def test_a_file_cut_short_is_noticed_even_between_two_chunks(kept: int) -> None:
    assert refused(seal(THREE_CHUNKS)[:kept])


def test_chunks_that_changed_places_are_noticed() -> None:
    stored = seal(THREE_CHUNKS)
    one, two, three = chunks(stored)
    assert "chunk 0" in refused(stored[:HEADER] + two + one + three)


def test_a_chunk_left_out_repeated_or_added_is_noticed() -> None:
    stored = seal(THREE_CHUNKS)
    one, two, three = chunks(stored)
    assert refused(stored[:HEADER] + one + three)
    assert refused(stored[:HEADER] + one + two + two + three)
    assert refused(stored + three)
    assert refused(stored + b"x")


def test_a_header_that_asks_for_gigabytes_is_refused() -> None:
    stored = bytearray(seal(b"gradient"))
    stored[5] = 40
    assert "chunk size" in refused(bytes(stored))


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1])
def test_files_around_the_chunk_border_come_back_and_take_the_space_foretold(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    stored = seal(data)
    assert len(stored) == stored_size(size)
    assert unseal(stored) == data


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(
        st.integers(0, 300),
        st.builds(lambda chunk, off: max(0, chunk * CHUNK_SIZE + off), st.integers(1, 3), st.integers(-17, 17)),
    ),
    st.integers(400, 3 * CHUNK_SIZE),
    st.integers(400, 3 * CHUNK_SIZE),
)
def test_it_does_not_matter_how_the_bytes_are_cut(size: int, written_in: int, read_in: int) -> None:
    data = (b"calendar" * (size // 8 + 1))[:size]
    stored = seal(data, cuts=written_in)
    assert stored == seal(data)
    assert unseal(stored, cuts=read_in) == data


def test_single_bytes_in_and_single_bytes_out_will_do() -> None:
    assert unseal(seal(b"gradient", cuts=1), cuts=1) == b"gradient"


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_change_of_any_one_byte_goes_unnoticed(data: st.DataObject) -> None:
    stored = bytearray(seal(b"an invented name"))
    position = data.draw(st.integers(0, len(stored) - 1))
    stored[position] ^= data.draw(st.integers(1, 255))
    assert refused(bytes(stored))
