# SPDX-License-Identifier: Apache-2.0
"""What is printed, before it is known how: labelled lines and texts, in blocks and sections; and how much of it.

Reports have no end: 20,000 network events, a hundred thousand letters of a script that has to be shaped. So that a PDF
takes seconds, what goes beyond a bound is counted and not printed, and the sheet says so where it lacks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.outlook.exchange.letters import needs_shaping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

# One is a printed line of plain letters: about half a millisecond of work.
MOST_OF_REPORT = 3200.0  # for section A
MOST_OF_REST = 400.0  # for the first page, and for each other section
_LEAST_OF_BLOCK = 150.0  # a block that begins has this much
_ON_A_LINE = 80  # plain letters
_SHAPED = 0.15  # of a line: one letter that has to be shaped
_UNSEEN = re.compile("[\x7f-\x9f\xad]")  # their code points are printed, each many times as long
_LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A label and what stands behind it; without a label a remark."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines about one thing, and texts that were written about it."""

    title: str = ""
    lines: tuple[Line, ...] = ()
    prose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the sheet: who said what is in it stands in its title and note."""

    title: str
    note: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is printed of a tip. ``footer`` stands on each page, ``warning`` in red on the first."""

    tip: str
    title: str
    at: datetime
    warning: str
    front: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...]


# --- how much is printed --------------------------------------------------------------------------------------------


def bounded(blocks: Iterable[Block], most: float) -> tuple[Block, ...]:
    """Return what is printed of the blocks: short ones whole, long ones up to a length that all have in common."""
    all_of = [_short_titled(block) for block in blocks]
    costs = [_cost_of(block) for block in all_of]
    level, left = max(_level(costs, most), _LEAST_OF_BLOCK), most
    printed: list[Block] = []
    for number, (block, cost) in enumerate(zip(all_of, costs, strict=True)):
        if left < min(cost, 1):
            rest = len(all_of) - number
            printed.append(Block("", (Line("", _("Too long to print: %(n)d more parts. %(where)s") % _where(n=rest)),)))
            break
        given = min(cost, level, left)
        printed.append(block if cost <= given + 0.5 else _cut(block, given))
        left -= given
    return tuple(printed)


def _where(**numbers: int) -> dict[str, int | str]:
    where = _("They are on the tip's page and, as far as that format holds them, in its CyberTip JSON.")
    return {**numbers, "where": where}


def _level(costs: Sequence[float], most: float) -> float:
    """The cost to which blocks are cut so that all together cost at most ``most``."""
    left = most
    for number, cost in enumerate(sorted(costs)):
        share = left / (len(costs) - number)
        if cost > share:
            return share
        left -= cost
    return most


def _short_titled(block: Block) -> Block:
    return replace(block, title=_short(block.title)) if len(block.title) > _LONGEST_LABEL else block


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…"


def _cost(text: str) -> float:
    # Every line's end begins a line.
    ends = text.count("\n") + text.count("\r")
    costly = needs_shaping(text) or _UNSEEN.search(text)
    return 1 + ends + len(text) * (_SHAPED if costly else 1 / _ON_A_LINE)


def _cost_of(block: Block) -> float:
    lines = sum(_cost(_short(line.label) + line.text) for line in block.lines)
    return lines + sum(map(_cost, block.prose)) + (_cost(block.title) if block.title else 0)


def _cut(block: Block, most: float) -> Block:
    """The beginning of a block, and how much more there is."""
    left = most - (_cost(block.title) if block.title else 0)
    lines: list[Line] = []
    prose: list[str] = []
    lacking = letters = 0
    for line in block.lines:
        label = _short(line.label)
        text, cost = _beginning(line.text, left - _cost(label) + 1)
        if cost:
            lines.append(Line(label, text))
            left -= cost + _cost(label) - 1
        else:
            lacking += 1
        letters += max(len(line.text) - len(text), 0)
    for one in block.prose:
        text, cost = _beginning(one, left)
        if cost:
            prose.append(text)
            left -= cost
        else:
            lacking += 1
        letters += max(len(one) - len(text), 0)
    if lacking or letters:
        numbers = _where(n=lacking, letters=letters)
        prose.append(_("[Too long to print: %(n)d more lines or texts, %(letters)d characters. %(where)s]") % numbers)
    return replace(block, lines=tuple(lines), prose=tuple(prose))


def _beginning(text: str, most: float) -> tuple[str, float]:
    """As much of a text as may be printed, and what that costs; nothing where it would be a few letters."""
    cost = _cost(text)
    if cost <= most:
        return text, cost
    kept = text[: int(len(text) * max(most - 1, 0) / cost)]
    if len(kept) < _ON_A_LINE:
        return "", 0.0
    return f"{kept} […]", most
