# SPDX-License-Identifier: Apache-2.0
"""Whether words an officer typed name somebody whom a tip protects. Nothing is opened: keyed digests are compared.

What leaves as a file is written by officers too, and no mask goes over their words. The database compares, for those
alone who export the tip, and says yes or no (``insight_names_protected``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

from nightlight.trust.sealed import rules
from nightlight.trust.sealed.rules import Sought

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip

_MOST_WORDS = 6  # of a name, a school or an account that are compared as one
_ENDING = 3  # letters that hang on a name: "Meera's", "मीराला"
_SHORTEST = 3  # of what is left without them
_NUMBER = re.compile(r"\+?\d[\d\s().-]{3,}\d")
_EDGES = ".,;:!?\"'()[]<>{}«»“”\u2018\u2019„…|/\\"


def forms(text: str) -> frozenset[tuple[Sought, str]]:
    """Return everything in a text by which a protected person may be found (``sealed.rules.terms``)."""
    found: set[tuple[Sought, str]] = set()
    for word in rules.words(text):
        for length in range(max(_SHORTEST, len(word) - _ENDING), len(word) + 1):
            found.add((Sought.NAME, word[:length]))
    tokens = [token.strip(_EDGES) for token in text.split()]
    tokens = [token for token in tokens if token]
    for first in range(len(tokens)):
        for last in range(first + 1, min(first + _MOST_WORDS, len(tokens)) + 1):
            run = " ".join(tokens[first:last])
            found |= {(Sought.ACCOUNT, form) for form in rules.normal_forms(Sought.ACCOUNT, run)}
            found |= _whole(Sought.NAME, run)
            if last > first + 1:  # "school" by itself names none
                found |= _whole(Sought.SCHOOL, run)
        found |= {(Sought.EMAIL, form) for form in rules.normal_forms(Sought.EMAIL, tokens[first])}
        # The last part of a link may be an account.
        tail = tokens[first].rstrip("/").rpartition("/")[2]
        found |= {(Sought.ACCOUNT, form) for form in rules.normal_forms(Sought.ACCOUNT, tail)}
    for number in _NUMBER.findall(text):
        found |= {(Sought.PHONE, form) for form in rules.normal_forms(Sought.PHONE, number)}
    return frozenset(found)


def _whole(kind: Sought, run: str) -> set[tuple[Sought, str]]:
    return {(kind, form) for way in rules.asked_forms(kind, run)[:1] for form in way}


def names_protected(tip: Tip, text: str) -> bool:
    """Whether the text holds a name, contact, account or school of somebody protected in this tip."""
    key = settings.NIGHTLIGHT_SEALED_SEARCH_KEY
    digests = [rules.search_digest(key, kind, form) for kind, form in forms(text)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT insight_names_protected(%s, %s)", [tip.pk, digests])
        (named,) = cursor.fetchone()
    return bool(named)
