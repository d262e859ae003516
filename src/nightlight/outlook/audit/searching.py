# SPDX-License-Identifier: Apache-2.0
"""Records that a person searched: where, by which filters, with how many hits, and never the words themselves."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Viewer

# Turning the pages of a result, or loading it anew, is the same search.
SAME_SEARCH = timedelta(minutes=10)
MOST_HITS = 10_000
# Filters whose values are chosen from lists, or days. Whatever else an address holds is kept as a digest only.
ENUMERATED = frozenset({"environment", "state", "reporter", "type", "from", "to", "unit"})
# The newest acts of one person, by the index on actor; own entries are always visible.
_MADE_ALREADY = """
SELECT EXISTS (
    SELECT 1 FROM (
        SELECT at, kind, body FROM custody_event WHERE actor = %(actor)s ORDER BY id DESC LIMIT 200
    ) newest
    WHERE kind = 'search.made' AND at > %(since)s AND at <= %(at)s AND strpos(body, %(mark)s) > 0
)
"""


def digest_of(text: str) -> dict[str, Json]:
    """Return what the log keeps of searched words.

    An identifier of ours is no secret: its plain SHA-256 lets an auditor ask who searched for it. Anything else may
    name a person: its HMAC under the installation's search key tells equal searches apart, and nothing more.
    """
    try:
        return {"id_digest": hashlib.sha256(public_ids.normalise(text).encode()).hexdigest()}
    except ValueError:
        words = " ".join(text.split()).casefold()
        keyed = hmac.new(settings.NIGHTLIGHT_SEARCH_DIGEST_KEY, words.encode(), hashlib.sha256)
        return {"words_digest": keyed.hexdigest()}


@transaction.atomic
def record_search(
    *, by: Viewer, at: datetime, where: str, filters: Mapping[str, str] | None = None, text: str = "", hits: int
) -> bool:
    """Append ``search.made`` unless this person made the same search in the last ten minutes; tell whether it did.

    ``where`` is "find", "custody", "inbox" or "hashes". ``hits`` is kept up to 10,000.
    """
    asked: dict[str, Json] = {"where": where}
    kept: dict[str, Json] = {}
    for name, value in sorted((filters or {}).items()):
        kept[name] = value[:40] if name in ENUMERATED else digest_of(value)
    if kept:
        asked["filters"] = kept
    if text:
        asked.update(digest_of(text))
    search = hashlib.sha256(canonical_json.encode(asked)).hexdigest()[:32]
    with connection.cursor() as cursor:
        told: dict[str, str | datetime] = {
            "actor": by.actor,
            "at": at,
            "since": at - SAME_SEARCH,
            "mark": f'"search":"{search}"',
        }
        cursor.execute(_MADE_ALREADY, told)
        if cursor.fetchone()[0]:
            return False
    custody.append(
        by=by.actor,
        at=at,
        kind="search.made",
        subject=by.actor,
        data={**asked, "search": search, "hits": min(hits, MOST_HITS)},
    )
    return True
