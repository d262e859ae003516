# SPDX-License-Identifier: Apache-2.0
"""Takes a login out of an Authorization header of the kind Basic (RFC 7617)."""

from __future__ import annotations

import base64
import binascii


def read(header: str) -> tuple[str, str] | None:
    """Return user name and password; None for another kind, and for what is no such header."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, _, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):  # not base64, or not UTF-8 inside
        return None
    if "\x00" in username:  # PostgreSQL text cannot hold it, and no name of ours does
        return None
    return username, password
