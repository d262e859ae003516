# SPDX-License-Identifier: Apache-2.0
"""Whether a text can be kept at all: PostgreSQL's text holds no NUL, and UTF-8 no half of a surrogate pair."""

from __future__ import annotations

import re

_NEITHER = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> bool:
    """Tell whether ``text`` is free of U+0000 (PostgreSQL 8.3) and of lone surrogates (RFC 3629, 3)."""
    return _NEITHER.search(text) is None
