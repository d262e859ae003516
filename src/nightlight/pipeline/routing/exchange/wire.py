# SPDX-License-Identifier: Apache-2.0
"""What both ends of the exchange over HTTPS must agree on: addresses, words, and what a request is signed over. Pure.

Each request about a package is signed by the installation that sends it (Ed25519): no secret is handed out that could
be copied from an answer or a log, a header that somebody found on a stick opens nothing, and after a crash there is
nothing to agree on anew. A request that is repeated does nothing twice, so none needs a clock or a nonce: a piece is
written where the bytes end or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "/exchange/v1/card"
PACKAGES = "/exchange/v1/packages"
LARGEST_CHUNK = 8 * 2**20
OFFSET = "Upload-Offset"
DIGEST = "Content-Digest"  # RFC 9530
# What is asked about a package.
STATE, CHUNK, COMPLETE = "state", "chunk", "complete"
# How a package stands with the one who takes it in, as it is told on the wire.
RECEIVING, ARRIVED, TAKEN, REFUSED = "receiving", "arrived", "taken", "refused"
NO_BODY = hashlib.sha256(b"").digest()
_SCHEME = "Nightlight-Exchange"
_PACKAGE = re.compile(r"PK-[0-9A-Z]{4}-[0-9A-Z]{4}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SHOWN = re.compile(rf"{_SCHEME} ([0-9a-f]{{64}}):([A-Za-z0-9+/]{{86}}==)")
_SHA256 = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def is_package(text: str) -> bool:
    """Whether this can be the name that a sender gives a package."""
    return _PACKAGE.fullmatch(text) is not None


def is_fingerprint(text: str) -> bool:
    """Whether this is a fingerprint: 64 hex digits, small letters."""
    return _FINGERPRINT.fullmatch(text) is not None


def signed(*, sender: str, receiver: str, package: str, act: str, offset: int = 0, digest: bytes = NO_BODY) -> bytes:
    """Return the bytes that a request is signed over: one that was meant for another receiver counts for none.

    ``digest`` is the SHA-256 of the body. A header states it too, so that who asks is known before a body is read.
    """
    lines = ("nightlight exchange request v1", receiver, sender, package, act, str(offset), digest.hex(), "")
    return "\n".join(lines).encode("ascii")


def authorization(sender: str, text: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return the header that shows who asks."""
    return f"{_SCHEME} {sender}:{base64.b64encode(sign(text)).decode()}"


def shown(header: str) -> tuple[str, bytes] | None:
    """Return the fingerprint and the signature in such a header, or None where it is none."""
    found = _SHOWN.fullmatch(header)
    return (found[1], base64.b64decode(found[2])) if found else None


def is_by(key: bytes, signature: bytes, text: bytes) -> bool:
    """Whether the holder of this public key (32 bytes) signed the text."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def stating(digest: bytes) -> str:
    """Return the header that states a SHA-256."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def stated_digest(header: str) -> bytes | None:
    """Return the SHA-256 that a header states, or None where it states none."""
    found = _SHA256.fullmatch(header)
    return base64.b64decode(found[1]) if found else None


def offset_in(text: str) -> int | None:
    """Return the offset in a header, or None where it is no number that a file can have."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
