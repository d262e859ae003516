# SPDX-License-Identifier: Apache-2.0
"""The outside of a package: who sends what to whom, signed, in front of what only the receiver can open.

A package is four parts (docs/exchange/referral.md): the line ``nightlight-package/1``, one line of canonical JSON (the
header), one line with the sender's Ed25519 signature (RFC 8032) over both, and an age file (age-encryption.org/v1).
The header names size and SHA-256 of the age file, so the signature covers every byte, and a reader knows whose package
it is and that it is whole before anything is decrypted or parsed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nightlight.foundation import canonical_json
from nightlight.foundation.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from nightlight.foundation.canonical_json import Json

FORMAT = "nightlight-package/1"
FAMILY = "nightlight-package/"
LONGEST_HEADER = 4096  # bytes of the header line; what is longer is not read
SIGNATURE_CHARS = 88  # base64 of 64 bytes
LONGEST_HEAD = len(FORMAT) + 1 + LONGEST_HEADER + 1 + SIGNATURE_CHARS + 1
LONGEST_NAME = 120
MOST_BYTES = 1 << 40  # of the age file; a referral larger than this is several
PIECE = 1 << 18
_DOMAIN = b"nightlight package header\n"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"PK-[0-9A-Z]{4}-[0-9A-Z]{4}")
_MADE_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Code(StrEnum):
    """Why a package is refused; for programs. The sentence beside it is for people."""

    NOT_A_PACKAGE = "not-a-package"
    VERSION = "version"
    HEADER = "header"
    UNKNOWN_SENDER = "unknown-sender"
    NOT_FOR_US = "not-for-us"
    SIGNATURE = "signature"
    SIZE = "size"
    DIGEST = "digest"
    DECRYPT = "decrypt"
    MANIFEST = "manifest"
    ENTRY = "entry"
    PROOF = "proof"
    REPLAY = "replay"


class PackageRefused(Exception):
    """A package is not taken; ``code`` says why to programs, ``reason`` is a sentence for people."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Kind(StrEnum):
    """What a package carries."""

    REFERRAL = "referral"
    RECEIPTS = "receipts"


@dataclass(frozen=True, slots=True)
class Header:
    """What the sender signs. Fingerprints and digests are 64 lower-case hex digits, ``size`` is in bytes.

    ``id`` is the sender's name for the package ("PK-7F3K-9QTX"); together with ``sender`` it is unique for ever.
    """

    kind: Kind
    id: str
    made_at: datetime
    sender: str
    sender_name: str
    receiver: str
    size: int
    sha256: str

    def line(self) -> bytes:
        """Return the header as its one line, without the line's end."""
        body: Json = {
            "format": FORMAT,
            "kind": str(self.kind),
            "id": self.id,
            "made_at": stamp(self.made_at),
            "sender": {"fingerprint": self.sender, "name": self.sender_name},
            "receiver": self.receiver,
            "payload": {"size": self.size, "sha256": self.sha256},
        }
        return canonical_json.encode(body)


@dataclass(frozen=True, slots=True)
class Head:
    """The first three lines of a package as they came; ``size`` is their length: there the age file begins.

    Nothing in it is to be believed before ``check_signature``.
    """

    header: Header
    signature: bytes
    size: int

    @property
    def whole(self) -> int:
        """The size in bytes of the whole package, head and age file."""
        return self.size + self.header.size

    def to_bytes(self) -> bytes:
        """Return the three lines."""
        return b"%s\n%s\n%s\n" % (FORMAT.encode(), self.header.line(), base64.b64encode(self.signature))


def sign(header: Header, key: Ed25519PrivateKey) -> Head:
    """Return the signed head of a package. Raises ValueError for a header that no reader would take."""
    line = header.line()
    try:
        if _read_header(line) != header:
            raise ValueError("the header does not read as it was written")
    except PackageRefused as refused:
        raise ValueError(refused.reason) from refused
    signature = key.sign(_signed(line))
    return Head(header, signature, len(FORMAT) + 1 + len(line) + 1 + SIGNATURE_CHARS + 1)


def read_head(file: BinaryIO) -> Head:
    """Read the three lines at the start of a package and leave the file where the age file begins.

    Reads ``LONGEST_HEAD`` bytes at most. Raises PackageRefused (not-a-package, version, header); OSError passes on.
    """
    first = _line(file, len(FORMAT), Code.NOT_A_PACKAGE, "This is not a Nightlight package.")
    if first != FORMAT.encode():
        if first.startswith(FAMILY.encode()):
            version = first.decode("ascii", "replace").removeprefix(FAMILY)
            raise PackageRefused(
                Code.VERSION, f"The package has format version {version}; this installation reads version 1."
            )
        raise PackageRefused(Code.NOT_A_PACKAGE, "This is not a Nightlight package.")
    line = _line(file, LONGEST_HEADER, Code.HEADER, "The header of the package is too long or cut off.")
    header = _read_header(line)
    coded = _line(file, SIGNATURE_CHARS, Code.HEADER, "The signature of the package is too long or cut off.")
    try:
        signature = base64.b64decode(coded, validate=True)
    except binascii.Error:
        signature = b""
    if len(signature) != 64 or base64.b64encode(signature) != coded:
        raise PackageRefused(Code.HEADER, "The signature of the package is not written as one.")
    return Head(header, signature, len(first) + len(line) + len(coded) + 3)


def check_addressed(head: Head, *, us: str) -> None:
    """Say no to a package for somebody else; ``us`` is our fingerprint. Raises PackageRefused (not-for-us)."""
    if head.header.receiver != us:
        raise PackageRefused(Code.NOT_FOR_US, "The package is addressed to another installation.")


def check_signature(head: Head, *, public: bytes, fingerprint: str) -> None:
    """Check that the installation with this Ed25519 key (32 bytes) and fingerprint signed the head.

    Raises PackageRefused (unknown-sender where the header names another, signature).
    """
    if head.header.sender != fingerprint:
        raise PackageRefused(Code.UNKNOWN_SENDER, "The package states another sender than the one known here.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(head.signature, _signed(head.header.line()))
    except InvalidSignature:
        raise PackageRefused(
            Code.SIGNATURE, "The signature is not that of the installation the package names as its sender."
        ) from None


def check_payload(file: BinaryIO, head: Head) -> None:
    """Read the file from where the age file begins to its end; it must be the bytes that were signed.

    Constant memory. Raises PackageRefused (size, digest); OSError passes on.
    """
    digest, seen = hashlib.sha256(), 0
    for piece in _pieces(file):
        seen += len(piece)
        if seen > head.header.size:
            break
        digest.update(piece)
    if seen != head.header.size:
        less = "less" if seen < head.header.size else "more"
        raise PackageRefused(Code.SIZE, f"The package holds {less} bytes than its header states.")
    if digest.hexdigest() != head.header.sha256:
        raise PackageRefused(Code.DIGEST, "The package was changed on its way: its digest is not the one signed.")


def check(file: BinaryIO, *, us: str, public: bytes, fingerprint: str) -> Head:
    """Check a whole package from a known sender, from its first byte to its last, without decrypting anything.

    Leaves the file where the age file begins. Raises PackageRefused.
    """
    head = read_head(file)
    check_addressed(head, us=us)
    check_signature(head, public=public, fingerprint=fingerprint)
    check_payload(file, head)
    file.seek(head.size)
    return head


def _signed(line: bytes) -> bytes:
    return _DOMAIN + FORMAT.encode() + b"\n" + line


def _line(file: BinaryIO, longest: int, code: Code, reason: str) -> bytes:
    line = file.readline(longest + 1)
    if not line.endswith(b"\n"):
        raise PackageRefused(code, reason)
    return line[:-1]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _read_header(line: bytes) -> Header:
    """Read the header line; only the one form in which it would have been written is taken."""
    try:
        body = json.loads(line)
        header = Header(
            kind=Kind(body["kind"]),
            id=_matching(_ID, body["id"]),
            made_at=datetime.fromisoformat(_matching(_MADE_AT, body["made_at"])),
            sender=_matching(_FINGERPRINT, body["sender"]["fingerprint"]),
            sender_name=_name(body["sender"]["name"]),
            receiver=_matching(_FINGERPRINT, body["receiver"]),
            size=_count(body["payload"]["size"]),
            sha256=_matching(_FINGERPRINT, body["payload"]["sha256"]),
        )
        same = header.line() == line
    except (ValueError, KeyError, TypeError, RecursionError):
        same = False
    if not same:
        raise PackageRefused(Code.HEADER, "The header of the package is not one that this version writes.")
    return header


def _matching(form: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or not form.fullmatch(text):
        raise ValueError("not of the form asked for")
    return text


def _name(text: object) -> str:
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise ValueError("not a name")
    return text


def _count(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= MOST_BYTES:
        raise ValueError("not a size")
    return number
