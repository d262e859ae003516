# SPDX-License-Identifier: Apache-2.0
"""A layout for a header nobody has seen: what its columns probably are, and what a person has to say before its use.

Names of columns propose. Which of two figures is the day, which zone, which address and whom a row names are asked,
with what the rows show beside the question; no answer is filled in from the rows.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import (
    NAMES_SUBSCRIBER,
    POSTAL,
    TIMES,
    Field,
    field_named,
    normalised,
)
from nightlight.casework.attribution.returns.layouts import WRITTEN, Column, Layout, LayoutRefused, fingerprint
from nightlight.casework.attribution.returns.values import NOTHING, read_span
from nightlight.casework.attribution.time_texts import DateOrder, TimeFault, Unread, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALL = "all"
_FOUR_DIGITS_FIRST = re.compile(r"\s*[0-9]{4}[^0-9]")


class Asked(StrEnum):
    """What only a person can say of a layout."""

    DATE_ORDER = "date-order"
    ZONE = "zone"
    ADDRESS = "address"  # which column holds the public address
    SUBSCRIBER = "subscriber"  # which column says whom a row names
    POSTAL = "postal-address"  # of which kind the postal addresses are
    OPEN_END = "open-end"  # what an empty end means


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a layout. `choices` may be answered (empty: free text); `shows` is what the rows show."""

    asked: Asked
    choices: tuple[str, ...]
    shows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The columns as they are probably meant, and the questions to be answered before anything is read by them."""

    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    missing: tuple[str, ...]  # codes of LayoutRefused: no such column was found by its name

    @property
    def fingerprint(self) -> str:
        """The header's digest."""
        return fingerprint([column.name for column in self.columns])

    def confirmed(
        self,
        answers: Mapping[Asked, str],
        *,
        by: str,
        name: str,
        operator: str = "",
        fields: Mapping[int, Field | None] | None = None,
    ) -> Layout:
        """The layout as a person confirms it; `fields` corrects columns by place. Raises LayoutRefused.

        Every question needs an answer that is among its choices; a column of a postal address whose kind the operator
        does not state stays one of no stated kind ("postal-address"), and answers from it are marked.
        """
        corrected = list(self.columns)
        for place, field in (fields or {}).items():
            if not 0 <= place < len(corrected):
                raise LayoutRefused("no-such-column", f"There is no column {place + 1}.")
            corrected[place] = Column(corrected[place].name, field)
        for question in self.questions:
            answer = answers.get(question.asked, "").strip()
            if not answer:
                raise LayoutRefused(f"unanswered-{question.asked}", f"Nobody has answered: {question.asked}.")
            if question.choices and answer not in question.choices:
                raise LayoutRefused(
                    f"answer-{question.asked}", f"{answer!r} is none of the choices for {question.asked}."
                )
            corrected = _answered(question.asked, answer, corrected)
        if not by.strip():
            raise LayoutRefused("nobody-confirms", "A layout is confirmed by a person.")
        order = answers.get(Asked.DATE_ORDER, "")
        columns = tuple(corrected)
        # Where every time that was shown states its zone, nobody was asked: each time is held to that.
        zone_asked = any(question.asked is Asked.ZONE for question in self.questions)
        zone = answers.get(Asked.ZONE, "").strip() or ("" if zone_asked else WRITTEN)
        return Layout(
            code=f"{normalised(operator or name).replace(' ', '-')}-{self.fingerprint[:8]}",
            name=name,
            columns=columns,
            order=DateOrder(order) if order in {one.value for one in DateOrder} else None,
            zone=zone,
            operator=operator,
            open_end=answers.get(Asked.OPEN_END) == "still-assigned",
            confirmed_by=by,
        ).checked()


def propose(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Proposal:
    """What the columns of a header probably are, and what has to be asked. `rows` are some of the rows below it."""
    columns = []
    for place, name in enumerate(header):
        field = field_named(name)
        if field in {Field.POSTAL_ADDRESS, None} and _holds_addresses(_cells(rows, place)):
            field = Field.ADDRESS
        columns.append(Column(name, field))
    columns, questions = _doubles(columns, rows)
    questions += _time_questions(columns, rows)
    if any(column.field is Field.POSTAL_ADDRESS for column in columns):
        kinds = tuple(field.value for field in POSTAL)
        shows = tuple(column.name for column in columns if column.field is Field.POSTAL_ADDRESS)
        questions.append(Question(Asked.POSTAL, kinds, shows))
    missing = []
    if all(column.field is not Field.ADDRESS for column in columns):
        missing.append("no-address-column")
    if all(column.field not in NAMES_SUBSCRIBER for column in columns):
        missing.append("no-subscriber-column")
    missing += [
        f"no-{which}-column"
        for which, (whole, day, clock) in TIMES.items()
        if not {whole} <= _fields(columns) and not {day, clock} <= _fields(columns)
    ]
    return Proposal(tuple(columns), tuple(questions), tuple(missing))


def _answered(asked: Asked, answer: str, columns: list[Column]) -> list[Column]:
    """The columns after an answer: the chosen one keeps its field, the others lose it."""
    if asked is Asked.POSTAL:
        return [Column(c.name, Field(answer)) if c.field is Field.POSTAL_ADDRESS else c for c in columns]
    if asked not in {Asked.ADDRESS, Asked.SUBSCRIBER}:
        return columns
    field = Field(asked.value)
    result, taken = [], False
    for place, column in enumerate(columns):
        if f"{place + 1}: {column.name}" == answer:
            result.append(Column(column.name, field))
            taken = True
        else:
            result.append(Column(column.name, Field.OTHER if column.field is field else column.field))
    return result if taken else columns


def _doubles(columns: list[Column], rows: Sequence[Sequence[str]]) -> tuple[list[Column], list[Question]]:
    """What to ask where two columns claim to hold the same; of other fields, only the first column keeps it."""
    questions, result, seen = [], [], set()
    for column in columns:
        field = column.field
        first_of_many = field in seen and field not in {None, Field.OTHER, Field.ADDRESS, Field.SUBSCRIBER}
        result.append(Column(column.name, None) if first_of_many else column)
        seen.add(field)
    for asked, field in ((Asked.ADDRESS, Field.ADDRESS), (Asked.SUBSCRIBER, Field.SUBSCRIBER)):
        places = [place for place, column in enumerate(result) if column.field is field]
        if len(places) > 1:
            shows = tuple(", ".join(dict.fromkeys(_cells(rows, place)[:3])) for place in places)
            choices = tuple(f"{place + 1}: {result[place].name}" for place in places)
            # An IPv4 and an IPv6 address may stand side by side; a row that names two of one kind is then refused.
            both = (ALL,) if asked is Asked.ADDRESS else ()
            questions.append(Question(asked, (*choices, *both), shows))
    return result, questions


def _time_questions(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Question]:
    questions = []
    dates = [
        text
        for place, column in enumerate(columns)
        if column.field in {Field.START, Field.START_DATE, Field.END, Field.END_DATE}
        for text in _cells(rows, place)
    ]
    if dates and not all(_says_order(text) for text in dates):
        questions.append(Question(Asked.DATE_ORDER, tuple(order.value for order in DateOrder), _order_shows(dates)))
    if not dates or not all(_says_zone(text) for text in dates):
        questions.append(Question(Asked.ZONE, (), tuple(dict.fromkeys(dates))[:3]))
    ends = [place for place, column in enumerate(columns) if column.field in {Field.END, Field.END_DATE}]
    if ends and any(len(row) > ends[0] and row[ends[0]].strip().casefold() in NOTHING for row in rows):
        questions.append(Question(Asked.OPEN_END, ("still-assigned", "bad-row"), ()))
    return questions


def _says_order(text: str) -> bool:
    """Whether the form itself says which figure is the day: a named month, or the year first."""
    return bool(_FOUR_DIGITS_FIRST.match(text)) or any(
        letter.isalpha() and letter not in "TZampAMP" for letter in text[:8]
    )


def _order_shows(dates: Sequence[str]) -> tuple[str, ...]:
    """In which orders the dates that are shown can be dates at all, as a help; no order is taken from it."""
    counts = {}
    for order in DateOrder:
        counts[order] = sum(1 for text in dates if _reads(text, order))
    shown = [f"{order.words}: {count} of {len(dates)} are dates" for order, count in counts.items()]
    return (*dict.fromkeys(dates[:3]), *shown)


def _reads(text: str, order: DateOrder) -> bool:
    try:
        read_text(text, order, "")
    except Unread:
        return False
    return True


def _says_zone(text: str) -> bool:
    try:
        written = read_text(text, None, "")
    except Unread as unread:
        # The zone can stand there although the order of the figures is open.
        return unread.code is TimeFault.ORDER_NEEDED and bool(re.search(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$", text))
    return bool(written.zone) and written.zone.upper() != "IST"


def _fields(columns: Sequence[Column]) -> set[Field | None]:
    return {column.field for column in columns}


def _cells(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    return [text for row in rows if len(row) > place and (text := row[place].strip()).casefold() not in NOTHING]


def _holds_addresses(cells: Sequence[str]) -> bool:
    """Whether most of these cells are addresses that can be routed."""
    found = [span for text in cells if (span := read_span(text)) is not None]
    if not cells or len(found) * 2 < len(cells):
        return False
    inside = ipaddress.ip_network("::ffff:a00:0/104"), ipaddress.ip_network("::ffff:6440:0/106")
    return not all(any(ipaddress.IPv6Address(span.address) in network for network in inside) for span in found)
