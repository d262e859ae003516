# SPDX-License-Identifier: Apache-2.0
"""A request as it is kept: the letter word for word, and each line with the fields it was made of.

It is written once, when it is drafted. What is printed, checked, signed and answered is this and nothing newer; the
gate alone looks at what is known today.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.casework.attribution import annex, asking, gate_lines, kinds, letters, times
from nightlight.casework.attribution.gate_lines import RequestLine, SourceFields
from nightlight.casework.attribution.grade_words import asked as words_of
from nightlight.casework.attribution.grades import AskFor
from nightlight.casework.attribution.sources import SOURCE_CLASSES
from nightlight.casework.attribution.times import ClockError, zone_info
from nightlight.foundation.tagged_json import Keeper, NotKept
from nightlight.pipeline.tips import values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeptLine:
    """One line with what it rests on; `also`: keys of other events that ask the same, `also_sources` their evidence."""

    line: RequestLine
    source: SourceFields
    event: kinds.Event
    received_at: datetime
    clock: ClockError
    account: str = ""
    also: tuple[str, ...] = ()
    also_sources: tuple[SourceFields, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """An event without a line: what was sent of it is quoted, and whoever sent it is asked what it meant."""

    source: SourceFields
    event: kinds.Event
    received_at: datetime
    ask_for: tuple[AskFor, ...]

    @property
    def missing(self) -> str:
        """What is asked for, in words that follow "please state"."""
        return words_of(self.ask_for)


@dataclass(frozen=True, slots=True)
class KeptPower:
    """The power it is asked by, as the law pack had it that day."""

    id: str
    title: str
    section: str
    signs: str
    least_rank: str = ""
    answer_hours: int | None = None


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """All of a request. `to_platform`: its addressee is the one who recorded the events, not the address's holder."""

    kind: asking.Kind
    code: str
    addressee: str
    country: str
    zone: str
    layout: str
    to_platform: bool
    power: KeptPower
    reference: str
    letter: letters.Letter
    lines: tuple[KeptLine, ...]
    questions: tuple[KeptQuestion, ...] = ()

    @property
    def entries(self) -> int:
        """How many there are to compare: lines, and after them questions."""
        return len(self.lines) + len(self.questions)


_KEEPER = Keeper(
    (
        *(KeptRequest, KeptPower, KeptLine, asking.Kind, RequestLine, gate_lines.Purpose, ClockError, kinds.Event),
        *(values.Moment, values.Stated, letters.Letter, letters.Facts, letters.Paragraph, letters.Items),
        *(letters.Rows, letters.Row, times.DateOrder, *SOURCE_CLASSES, KeptQuestion, AskFor),
    )
)


class Unreadable(Exception):
    """What lies there is not a request of this version."""


def written(kept: KeptRequest) -> str:
    """Return a request as text that the database holds."""
    return json.dumps(_KEEPER.keep(kept), separators=(",", ":"))


def read(text: str) -> KeptRequest:
    """Return what was written. Raises Unreadable."""
    try:
        found = _KEEPER.read(json.loads(text))
    except (NotKept, ValueError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(found, KeptRequest):
        raise Unreadable("no request")
    return replace(found, lines=tuple(_in_zone(one) for one in found.lines))


def _in_zone(one: KeptLine) -> KeptLine:
    """Kept times are in UTC; the local ones are those of the line's zone again."""
    info = zone_info(one.line.zone)
    begins, ends = one.line.local_from.astimezone(info), one.line.local_to.astimezone(info)
    return replace(one, line=replace(one.line, local_from=begins, local_to=ends))


def sheet(kept: KeptRequest) -> annex.Annex:
    """Return the list that goes with the letter, in the columns of the addressee. Raises AnnexRefused."""
    known = annex.layouts()
    layout = known.get(kept.layout, known[asking.GENERIC])
    return annex.write(layout, [one.line for one in kept.lines])


def check_values(lines: Sequence[KeptLine]) -> list[str]:
    """Return the check values of lines, in a fixed order: two letters with the same ones ask the same."""
    return sorted(one.line.check_value for one in lines)


def asked(kept: KeptRequest) -> set[str]:
    """Return what a letter asks, so that two can be compared: check values of lines, our numbers of questions."""
    questions = {gate_lines.event_number(one.event.key) for one in kept.questions}
    return {*check_values(kept.lines), *questions}
