# SPDX-License-Identifier: Apache-2.0
"""Signs and checks the statement "at this time the log held so many entries with this root".

The form is the C2SP checkpoint (c2sp.org/tlog-checkpoint) in a C2SP signed note (c2sp.org/signed-note) with
Ed25519, the form that public transparency logs and their witnesses use. The time stands in an extension
line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nightlight.foundation.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<data>[A-Za-z0-9+/]+={0,2})")
_BODY = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]*)\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"
)


class NoteRefused(ValueError):
    """The note is malformed, or no trusted key signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half: whose signature, and the 32 bytes of an Ed25519 public key."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\s+]+", self.name):
            raise ValueError(f"{self.name!r} cannot name a key: spaces and + are not allowed")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || 0x01 || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read `name+keyid+base64(0x01 || public key)`; raises ValueError when malformed."""
        name, key_id, data = _three(text.strip())
        raw = _base64(data)
        if raw[:1] != ED25519 or len(raw) != 33:
            raise ValueError("not an Ed25519 verifier key")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise ValueError("the key does not match its own key id")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half; never printed, never stored in the database."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        """The public half of this key."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a tree head states: whose log, how many entries, their root (32 bytes), and when (aware)."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\ntime {stamp(self.at)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint; raises NoteRefused for what `text` would not have written."""
        found = _BODY.fullmatch(text)
        if not found:
            raise NoteRefused("not a checkpoint with a time line")
        try:
            at = datetime.fromisoformat(found["at"])
            result = cls(found["origin"], int(found["size"]), _base64(found["root"]), at)
        except ValueError as error:
            raise NoteRefused(str(error)) from error
        if result.text() != text:
            raise NoteRefused("the checkpoint is not in its only form")
        return result


def sign_note(text: str, key: SigningKey) -> str:
    """Return `text`, which ends in a newline, as a signed note; raises ValueError otherwise."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends in a newline")
    data = key.verifier.key_id + key.private.sign(text.encode())
    return f"{text}\n\u2014 {key.name} {base64.b64encode(data).decode()}\n"


def open_note(note: str, trusted: Iterable[VerifierKey]) -> tuple[str, VerifierKey]:
    """Return the text of a signed note and the trusted key that signed it.

    Signatures by other keys are passed over, as the specification asks. Raises NoteRefused when the note is
    malformed, when a trusted key's signature is wrong, or when no trusted key signed.
    """
    keys = {(key.name, key.key_id): key for key in trusted}
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    if not blank or not signatures.endswith("\n") or any(ord(char) < 0x20 and char != "\n" for char in note):
        raise NoteRefused("not a signed note")
    signer = None
    for line in signatures[:-1].split("\n"):
        found = _SIGNATURE_LINE.fullmatch(line)
        if not found:
            raise NoteRefused("malformed signature line")
        data = _base64(found["data"])
        key = keys.get((found["name"], data[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(data[4:], text.encode())
        except InvalidSignature as error:
            raise NoteRefused(f"the signature of {key.name} is wrong") from error
        signer = signer or key
    if signer is None:
        raise NoteRefused("not signed by a trusted key")
    return text, signer


def sign(checkpoint: Checkpoint, key: SigningKey) -> str:
    """Return the signed note of a checkpoint; the key carries the name of the log."""
    if checkpoint.origin != key.name:
        raise ValueError(f"key {key.name} does not sign for {checkpoint.origin}")
    return sign_note(checkpoint.text(), key)


def verify(note: str, trusted: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint that a trusted key signed for its own log; raises NoteRefused."""
    text, signer = open_note(note, trusted)
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != signer.name:
        raise NoteRefused(f"{signer.name} signed a checkpoint of {checkpoint.origin}")
    return checkpoint


def _three(text: str) -> tuple[str, str, str]:
    parts = text.split("+", 2)  # the base64 part may itself hold a +
    if len(parts) != 3:
        raise ValueError("a verifier key is name+keyid+key")
    return parts[0], parts[1], parts[2]


def _base64(text: str) -> bytes:
    """Decode base64 that has exactly one form: unused bits zero, padding complete."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteRefused(f"not base64: {error}") from error
    if base64.b64encode(data).decode() != text:
        raise NoteRefused("base64 with stray bits")
    return data
