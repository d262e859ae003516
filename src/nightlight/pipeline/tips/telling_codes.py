# SPDX-License-Identifier: Apache-2.0
"""The code with which somebody who told us something comes back, and the digests that are kept instead of secrets.

A code is 19 random symbols (95 bits) and a check symbol, in Crockford's base 32, shown in groups of four. It is shown
once and kept nowhere: only its keyed digest is. An address on the network is never kept either, only a digest of it
under a random key of the day, so that afterwards nobody can try which address it was.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets

from nightlight.foundation.public_ids import ALPHABET, check_symbol

LENGTH = 20
LIMIT_KEY = 16  # bytes
_PREFIX = "TC"  # counts in the check symbol only; it is not shown
_MISREAD = str.maketrans("OIL", "011")


def new_code() -> str:
    """Return a new code as it is shown: ``7F3K-9QTX-…``, five groups of four."""
    return _code(secrets.randbits(5 * (LENGTH - 1)))


def code_of(key: bytes, form: str) -> str:
    """Return the code with which a form is answered: the same for the same form, as good as random to everybody else.

    ``form`` is what names the form, drawn at random when the page was made.
    """
    said = hmac.digest(key, b"nightlight telling form v1\n" + form.encode(), "sha256")
    return _code(int.from_bytes(said, "big") & ((1 << 5 * (LENGTH - 1)) - 1))


def _code(number: int) -> str:
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(0, 5 * (LENGTH - 1), 5))
    return grouped(body + check_symbol(_PREFIX, body))


def grouped(symbols: str) -> str:
    """Return the twenty symbols in groups of four."""
    return "-".join(symbols[at : at + 4] for at in range(0, LENGTH, 4))


def meant(text: str) -> str | None:
    """Return the twenty symbols that a person meant; None where it is no code or holds a slip."""
    symbols = re.sub(r"[\s\u2010-\u2015-]", "", text[:200]).upper().translate(_MISREAD)
    if len(symbols) != LENGTH or not set(symbols) <= set(ALPHABET):
        return None
    return symbols if check_symbol(_PREFIX, symbols[:-1]) == symbols[-1] else None


def digest(key: bytes, symbols: str) -> bytes:
    """Return what is kept of a code: HMAC-SHA-256, 32 bytes. ``symbols`` as ``meant`` returns them."""
    return hmac.digest(key, b"nightlight telling code v1\n" + symbols.encode("ascii"), "sha256")


def network_of(address: str) -> str:
    """Return the network that counts as one teller: an IPv4 address, or the first 64 bits of an IPv6 address.

    What is no address counts as one teller together with all others of that kind.
    """
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)


def limit_key(key: bytes, address: str) -> bytes:
    """Return under what the tries of an address are counted: 16 bytes of an HMAC-SHA-256 under the key of a day."""
    said = f"nightlight telling address v2\n{network_of(address)}"
    return hmac.digest(key, said.encode(), "sha256")[:LIMIT_KEY]
