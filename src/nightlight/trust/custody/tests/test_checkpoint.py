# SPDX-License-Identifier: Apache-2.0
"""A tree head is signed as public logs sign theirs, and anything else is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ..checkpoint import Checkpoint, NoteRefused, SigningKey, VerifierKey, open_note, sign, sign_note, verify

ORIGIN = "log.example.org/custody"
KEY = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
HEAD = Checkpoint(ORIGIN, 300, bytes(range(32)), datetime(2026, 11, 22, 9, 30, 0, 5, UTC))
NOTE = sign(HEAD, KEY)

# The example of Go's golang.org/x/mod/sumdb/note, which the signed-note specification describes.
GO_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_a_note_with_any_byte_changed_is_refused(index: int, change: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[index] ^= change
    with pytest.raises(ValueError):  # UnicodeDecodeError is one
        verify(raw.decode(), [KEY.verifier])


def test_a_note_signed_by_a_stranger_is_refused() -> None:
    with pytest.raises(NoteRefused, match="not signed by a trusted key"):
        verify(NOTE, [OTHER.verifier])
    with pytest.raises(NoteRefused, match="not signed by a trusted key"):
        verify(NOTE, [])


def test_a_wrong_signature_under_a_trusted_name_is_refused_even_beside_a_right_one() -> None:
    forged = base64.b64encode(KEY.verifier.key_id + bytes(64)).decode()
    with pytest.raises(NoteRefused, match="is wrong"):
        verify(f"{NOTE}\u2014 {ORIGIN} {forged}\n", [KEY.verifier])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(ValueError, match="does not sign for"):
        sign(HEAD, SigningKey("elsewhere.example.org", KEY.private))
    stranger = SigningKey("elsewhere.example.org", KEY.private)
    with pytest.raises(NoteRefused, match="signed a checkpoint of"):
        verify(sign_note(HEAD.text(), stranger), [stranger.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n",
        HEAD.text().replace("\n300\n", "\n0300\n"),
        HEAD.text().replace("\n300\n", "\n-1\n"),
        HEAD.text().replace("time ", "Time "),
        HEAD.text().replace("2026-11-22", "2026-13-22"),
        HEAD.text().replace("Hh8=", "Hh9="),
        HEAD.text() + "another line\n",
        HEAD.text().removesuffix("\n"),
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        Checkpoint.parse(text)


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "new\nline"])
def test_a_key_name_the_form_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a key"):
        VerifierKey(name, bytes(32))


@pytest.mark.parametrize(
    "text",
    ["", "a+b", GO_VERIFIER[:-4], GO_VERIFIER.replace("c74f", "c74e"), GO_VERIFIER.replace("+AR", "+BR")],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        VerifierKey.parse(text)


def test_the_published_example_is_signed_and_read_byte_for_byte() -> None:
    key = SigningKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(base64.b64decode(GO_PRIVATE)[1:]))
    assert str(key.verifier) == GO_VERIFIER
    assert VerifierKey.parse(GO_VERIFIER) == key.verifier
    assert sign_note(GO_TEXT, key) == GO_NOTE
    assert open_note(GO_NOTE, [key.verifier]) == (GO_TEXT, key.verifier)


def test_a_checkpoint_is_read_as_it_was_signed_and_foreign_signatures_are_passed_over() -> None:
    assert verify(NOTE, [OTHER.verifier, KEY.verifier]) == HEAD
    witness = SigningKey("witness.example.org", OTHER.private)
    cosigned = NOTE + sign_note(HEAD.text(), witness).rpartition("\n\n")[2]
    assert verify(cosigned, [KEY.verifier]) == HEAD


def test_a_signing_key_never_prints_its_private_half() -> None:
    assert repr(KEY) == f"SigningKey({KEY.verifier})"
