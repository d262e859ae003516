# SPDX-License-Identifier: Apache-2.0
"""Digests under which identifiers are kept: of this installation alone, so that they say nothing to anybody else.

HMAC-SHA-256 (RFC 2104) under a key derived from the one that searches sealed identities, cut to 16 bytes. A telephone
number is guessed in minutes from a digest without a key. The key is read in the process that asks and leaves it never;
pages ask for no digest. Test reports have digests of their own, so that none of them is ever linked with a real one.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from nightlight.pipeline.linking.kinds import Kind

SIZE = 16  # bytes; of 10^9 values, two agree with a chance of 10^-21
_PURPOSE = b"nightlight linking identifiers v1\n"


def digest(kind: Kind, value: str, *, environment: str) -> bytes:
    """Return the digest of a normalised value: 16 bytes. ``environment`` as reporters have it (production, test)."""
    key = hmac.digest(settings.NIGHTLIGHT_SEALED_SEARCH_KEY, _PURPOSE + environment.encode(), "sha256")
    # What JSON may hold and no text may (half a surrogate pair) still has a digest.
    return hmac.digest(key, f"{kind.value}\0{value}".encode("utf-8", "surrogatepass"), "sha256")[:SIZE]
