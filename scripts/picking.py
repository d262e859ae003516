# SPDX-License-Identifier: Apache-2.0
"""Chooses which tips the pictures of the guides show, out of those that a demo has. Pure: rows in, a row out.

A demo is as large as somebody made it, and what it holds differs with its seed. So nothing is asked for that must be
there: each want names the next best, and where nothing fits the answer says in words what was looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

CHILD = "victim|recipient"
OPENED = "viewed by the reporter"
UNKNOWN = "new to everyone"
DISPUTED = "disputed"
_PEOPLE = re.compile(r"(\d+) tips, proposed as one person")
_DRAWN = range(3, 7)  # tips of one person: enough for a drawing to say something, few enough to read it


class NothingFits(LookupError):
    """Nothing of what is there fits; says in a sentence what was looked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the inbox or of the queue: the tip's number, and all its words."""

    tip: str
    words: str


@dataclass(frozen=True, slots=True)
class Want:
    """What a picture needs: ``says`` is it in words, ``needs`` and ``better`` are patterns of a row's words.

    ``better`` stands in the order of how much each matters.
    """

    says: str
    needs: tuple[str, ...]
    better: tuple[str, ...] = ()


# What the officer works on: whose files may be looked at without a warrant, with a child's name to open.
WORK = (
    Want("a child, and a file new to everyone that the provider opened", (CHILD, OPENED, UNKNOWN)),
    Want("a child, and a disputed file that the provider opened", (CHILD, OPENED, DISPUTED)),
    Want("a file that is not known, and that the provider opened", (OPENED, f"{UNKNOWN}|{DISPUTED}"), (CHILD,)),
    Want("a child, and a file that is not known", (CHILD, f"{UNKNOWN}|{DISPUTED}")),
)
NAMED = (Want("a child", (CHILD,), ("victim",)),)
KEPT = (
    Want("one reported person, and addresses with their ports", ("1 reported person", "with port")),
    Want("a reported person", ("reported person",), ("with port",)),
)
KNOWN = (Want("files that are all known", ("all . files known|its file is known",)),)
NEW = (Want("a file new to everyone", (UNKNOWN,)),)
CONTESTED = (Want("a disputed file", (DISPUTED,)),)
BEHIND_A_TUNNEL = (
    Want("many addresses with their ports", (r"1\d network events \(1\d with port\)",)),
    Want("addresses with their ports", (r"\([1-9]\d* with port\)",)),
)
URGENT = (Want("a row of the queue", ("harm",), ("Critical", "High", "evidence dies")),)


def choose(rows: Sequence[Row], wants: Sequence[Want], but: Collection[str] = ()) -> tuple[Row, Want]:
    """Return the best row for the first want that any row serves, and that want.

    Of several the one that has more of what is ``better`` wins, then the one that stands first. Raises NothingFits.
    """
    left = [row for row in rows if row.tip not in but]
    for want in wants:
        fitting = [row for row in left if all(_has(row, pattern) for pattern in want.needs)]
        if fitting:
            return max(fitting, key=lambda row: [_has(row, pattern) for pattern in want.better]), want
    sought = "; nor: ".join(want.says for want in wants)
    raise NothingFits(f"None of the {len(left)} tips looked through has: {sought}.")


def in_several_tips(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that stand for one person in several tips, best drawn first. Raises NothingFits."""
    counted = [(int(found[1]), row) for row in rows if (found := _PEOPLE.search(row.words))]
    if not counted:
        raise NothingFits(f"None of the {len(rows)} rows of the queue stands for one person in several tips.")
    return [row for _, row in sorted(counted, key=lambda one: (one[0] not in _DRAWN, -one[0]))]


def _has(row: Row, pattern: str) -> bool:
    return re.search(pattern, row.words, re.IGNORECASE) is not None
