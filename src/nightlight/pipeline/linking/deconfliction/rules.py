# SPDX-License-Identifier: Apache-2.0
"""Rules of deconfliction: which kinds are told, the digest that partners exchange, whom to call. Pure."""

from __future__ import annotations

import hmac
import re
import unicodedata

from nightlight.pipeline.linking.kinds import Kind

# What is one person's own, and the same wherever it is seen. Never screen names, files, web or network addresses: they
# are shared, guessed or reused. An account is the number a service gave it, together with the service.
KINDS = frozenset({Kind.PHONE, Kind.EMAIL, Kind.DEVICE, Kind.PAYMENT, Kind.ACCOUNT})
MOST_PEOPLE = 64  # a value of more people of tips is a shop's, a school's, a mistake's: it is told to nobody

SIZE = 16  # bytes of a digest; of 10^9 values, two agree with a chance of 10^-21
LEAST_KEY = 32  # bytes
MOST_AT_ONCE = 200  # digests in a request
MOST_A_DAY = 100  # askings of one officer in 24 hours
LONGEST_CALL = 300  # characters
# Of this many digests at least one in a thousand is held, or somebody looks at who is asking.
WATCHED = 1000
_PURPOSE = b"nightlight deconfliction v1\n"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def name_of_ring(text: str) -> bool:
    """Whether this may be the name of a ring or of an epoch: small letters, digits and hyphens, at most 40."""
    return _NAME.fullmatch(text) is not None


def digest(key: bytes, *, ring: str, epoch: str, environment: str, kind: Kind, value: str) -> bytes:
    """Return the digest of a normalised value as a ring of partners exchanges it: 16 bytes (HMAC-SHA-256, RFC 2104).

    Another ring, epoch, environment (production, test) or kind gives another digest, and no digest of this
    installation alone is like it. Raises ValueError for a key of less than 32 bytes, and for names with a NUL.
    """
    if len(key) < LEAST_KEY:
        raise ValueError(f"a key of a ring has at least {LEAST_KEY} bytes")
    parts = (ring, epoch, environment, kind.value, value)
    if any("\0" in part for part in parts[:-1]):
        raise ValueError("a name holds a NUL")
    message = _PURPOSE + "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256")[:SIZE]


def read_key(text: str) -> bytes:
    """Return the key that a file holds in hex. Raises ValueError where it is none, too short, or plainly no key."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise ValueError("a key is written in hex") from None
    if len(key) < LEAST_KEY:
        raise ValueError(f"a key has at least {LEAST_KEY} bytes, {2 * LEAST_KEY} hex digits")
    if len(set(key)) < 8:
        raise ValueError("this is no random key: make one with nightlight deconfliction new-key")
    return key


def one_line(text: str, *, most: int = LONGEST_CALL) -> str:
    """Return a text as one line of plain signs: what others send is shown to officers."""
    kept = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(kept.split())[:most]


def call(telephone: str, email: str, duty: str) -> str:
    """Return how a unit is called, in a line."""
    return " · ".join(part for part in (telephone, email, duty) if part)


def suspicious(asked: int, held: int) -> bool:
    """Whether so few of the digests asked for are held that they may be guessed."""
    return asked >= WATCHED and held * 1000 < asked
