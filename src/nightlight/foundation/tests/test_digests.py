# SPDX-License-Identifier: Apache-2.0
"""The digests agree with the published test vectors, whichever way the bytes arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation.digests import Bytes, Digester, Digests


def test_the_empty_file_has_the_published_digests() -> None:
    assert Digester().result() == Digests(
        md5="d41d8cd98f00b204e9800998ecf8427e",
        sha1="da39a3ee5e6b4b0d3255bfef95601890afd80709",
        sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        size=0,
    )


def test_abc_has_the_digests_of_rfc_1321_and_fips_180_4() -> None:
    digester = Digester()
    digester.update(b"abc")
    assert digester.result() == Digests(
        md5="900150983cd24fb0d6963f7d28e17f72",
        sha1="a9993e364706816aba3e25717850c26c9cd0d89d",
        sha256="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        size=3,
    )


@given(st.lists(st.binary(max_size=300)))
def test_it_does_not_matter_how_the_bytes_are_cut(pieces: list[bytes]) -> None:
    whole, cut = Digester(), Digester()
    whole.update(b"".join(pieces))
    for index, piece in enumerate(pieces):
        kinds: list[Bytes] = [piece, bytearray(piece), memoryview(piece)]
        cut.update(kinds[index % 3])
    assert cut.result() == whole.result()
