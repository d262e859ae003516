# SPDX-License-Identifier: Apache-2.0
"""What an entry of the custody log consists of, and how to tell that a stored one is what was written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.foundation.canonical_json import Json, encode
from nightlight.foundation.clock import stamp

from . import merkle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VERSION = 1
FIELDS = frozenset({"v", "id", "at", "kind", "by", "subject", "data"})
# "tip.received", "reporter.credential-issued"
KIND = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")
# "officer:OF-7F3K-9QTX", "command:cli", "tip:NL-7F3K-9QTX"
NAME = re.compile(r"[a-z][a-z-]*:[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored: the canonical JSON that was hashed, and the columns to search it by."""

    at: datetime
    kind: str
    actor: str
    subject: str
    body: str
    leaf_hash: bytes


def entry(*, by: str, at: datetime, kind: str, subject: str, data: Mapping[str, Json], unique: str) -> Entry:
    """Return the entry that says: at `at`, `by` did `kind` to `subject`, with these particulars.

    `by` and `subject` are "what:which", for example "officer:OF-7F3K-9QTX". `unique` is a random number in
    hex: it makes two entries with equal facts differ, and keeps a published hash from revealing a guessable
    entry. Raises ValueError for a malformed name or kind, a time without zone, and data without a canonical
    form.
    """
    if not KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is not an event kind such as 'tip.received'")
    for name in (by, subject):
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name such as 'tip:NL-7F3K-9QTX'")
    body = encode(
        {
            "v": VERSION,
            "id": unique,
            "at": stamp(at),
            "kind": kind,
            "by": by,
            "subject": subject,
            "data": data,
        }
    )
    return Entry(at, kind, by, subject, body.decode(), merkle.leaf_hash(body))


def discrepancy(stored: Entry) -> str | None:
    """Return what is wrong with a stored entry, or None when body, columns and hash agree."""
    raw = stored.body.encode()
    try:
        body = json.loads(raw)
        canonical = encode(body)
    except (ValueError, RecursionError) as error:
        return f"body is not canonical JSON: {error}"
    if canonical != raw:
        return "body is not in canonical form"
    if not isinstance(body, dict) or body.keys() != FIELDS or body["v"] != VERSION:
        return "body does not have the fields of an entry"
    if (body["at"], body["kind"], body["by"], body["subject"]) != (
        stamp(stored.at),
        stored.kind,
        stored.actor,
        stored.subject,
    ):
        return "columns differ from the body"
    if merkle.leaf_hash(raw) != stored.leaf_hash:
        return "leaf hash is not that of the body"
    return None
