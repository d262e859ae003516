# SPDX-License-Identifier: Apache-2.0
"""How a reporter's secret is made and recognised."""

from __future__ import annotations

import hmac
import secrets


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
