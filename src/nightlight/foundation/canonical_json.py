# SPDX-License-Identifier: Apache-2.0
"""Writes a value as JSON in exactly one way: the same facts always give the same bytes and the same digest.

The form is RFC 8785 (JSON Canonicalization Scheme) for the values that events hold: text, whole numbers,
true, false, null, lists and mappings. Fractions are refused, because their text form differs between
programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

# RFC 8785 appendix D: beyond this a JavaScript reader silently rounds.
LARGEST_INTEGER = 2**53 - 1
DEEPEST = 100

_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def encode(value: Json) -> bytes:
    """Return the RFC 8785 form of `value` as UTF-8 bytes.

    Raises ValueError for a float, an integer beyond 2**53 - 1, a lone surrogate, a key that is not text,
    nesting deeper than 100 levels, or any other type.
    """
    return _write(_ordered(value, DEEPEST)).encode()


def _ordered(value: object, depth: int) -> object:
    """Check `value` and return it with the keys of every mapping in canonical order."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return value
        raise ValueError(f"integer {value} is beyond 2**53 - 1; write it as text")
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return {key: _ordered(value[key], depth - 1) for key in _sorted_keys(value)}
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    raise ValueError(f"{type(value).__name__} has no canonical JSON form")


def _sorted_keys(mapping: Mapping[str, object]) -> list[str]:
    ascii_only = True
    for key in mapping:
        if not isinstance(key, str):
            raise ValueError(f"key {key!r} is not text")  # noqa: TRY004 - one error type for every refusal
        ascii_only = ascii_only and key.isascii()
    # RFC 8785 section 3.2.3 sorts by UTF-16 code unit, which for ASCII is Python's own order.
    return sorted(mapping) if ascii_only else sorted(mapping, key=lambda key: key.encode("utf-16-be"))
