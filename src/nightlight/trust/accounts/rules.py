# SPDX-License-Identifier: Apache-2.0
"""How a reporter's secret is made and recognised."""

from __future__ import annotations

import hmac
import secrets
import unicodedata

TOKEN_PREFIX = "nlt"  # noqa: S105 - what every token begins with, so that a leaked one is recognised


def new_password() -> str:
    """Return a random 256-bit secret as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_username() -> str:
    """Return a random user name a reporter can type, such as ``rp-4f1c09ab27``."""
    return f"rp-{secrets.token_hex(5)}"


def digest(pepper: bytes, username: str, password: str) -> bytes:
    """Return the keyed digest under which a credential is stored: HMAC-SHA-256 (RFC 2104), 32 bytes.

    A slow password hash guards guessable secrets; ours are 256 random bits, so one keyed digest is enough, and
    the intake does not spend a quarter of a second on each request.
    """
    return hmac.digest(pepper, f"{username}\x00{password}".encode(), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Compare two digests without telling by time where they differ."""
    return hmac.compare_digest(left, right)


def token_text(public_id: str, secret: str) -> str:
    """Return a token as it is handed over: ``nlt_TK-7F3K-9QTX_`` and 43 characters."""
    return f"{TOKEN_PREFIX}_{public_id}_{secret}"


def read_bearer(header: str) -> tuple[str, str] | None:
    """Return (public id, secret) of a token shown as ``Authorization: Bearer …`` (RFC 6750), or None if it is none."""
    scheme, _, text = header.strip().partition(" ")
    prefix, _, rest = text.strip().partition("_")
    public_id, _, secret = rest.partition("_")
    if scheme.lower() != "bearer" or prefix != TOKEN_PREFIX or len(public_id) > 16 or len(secret) != 43:
        return None
    return public_id, secret


def name_digest(key: bytes, name: str) -> str:
    """Return what is kept of a name typed at the sign-in page: a keyed digest, 64 hex digits.

    People type their password into the wrong field. Letter case and look-alike forms of Unicode do not matter.
    """
    typed = unicodedata.normalize("NFKC", name).strip().casefold()
    return hmac.digest(key, f"sign-in name\x00{typed}".encode(), "sha256").hex()


def identity_digest(key: bytes, provider: str, subject: str) -> str:
    """Return what the custody log keeps of an identity at another provider: a keyed digest, 64 hex digits."""
    return hmac.digest(key, f"identity\x00{provider}\x00{subject}".encode(), "sha256").hex()
