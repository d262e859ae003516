# SPDX-License-Identifier: Apache-2.0
"""A layout: which column of a return means what, in which order dates are written, and in which zone. Never guessed.

A file is recognised by its header alone: the digest of the names of its columns, in their order. What is unknown gets a
`Proposal` (see `proposing`), which a person confirms once for an operator; the layout is then kept as JSON.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nightlight.casework.attribution.returns.fields import DATA, NAMES_SUBSCRIBER, TIMES, Field, normalised
from nightlight.casework.attribution.time_texts import DateOrder, Unread
from nightlight.casework.attribution.times import Zone, zone_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WRITTEN = "written"  # the zone stands in each time


class LayoutRefused(ValueError):
    """A mapping by which no row could be read with certainty. ``code`` says why."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code, self.explanation = code, explanation


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name in the file; `field` None: not mapped."""

    name: str
    field: Field | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How an operator writes its returns.

    `zone` is an IANA name, "written" (each time states its own), or empty: not known, then nothing can be read until
    somebody states it. `order` None: dates are not in figures, or in an order that only one reading allows. `open_end`:
    an empty end means that the assignment lasted when the return was made. `numbers`: addresses are whole numbers in
    network order. `confirmed_by` and `source` say by whose word all this is so.
    """

    code: str
    name: str
    columns: tuple[Column, ...]
    order: DateOrder | None
    zone: str
    source: str = ""
    operator: str = ""
    open_end: bool = False
    numbers: bool = False
    confirmed_by: str = ""

    @property
    def fingerprint(self) -> str:
        """The digest of the header by which a file of this layout is known."""
        return fingerprint([column.name for column in self.columns])

    @property
    def subscriber(self) -> Field:
        """Which field says whom a row names."""
        return next(field for field in NAMES_SUBSCRIBER if self.index(field) is not None)

    @property
    def names_inside_only(self) -> bool:
        """Whether rows name an address inside the operator's network only: whose it was has to be asked."""
        return self.subscriber is Field.INSIDE_ADDRESS

    def index(self, field: Field) -> int | None:
        """At which place the first column of a field stands."""
        return next((place for place, column in enumerate(self.columns) if column.field is field), None)

    def places(self, field: Field) -> tuple[int, ...]:
        """All places of a field: an IPv4 and an IPv6 address may stand in two columns."""
        return tuple(place for place, column in enumerate(self.columns) if column.field is field)

    def declared_zone(self) -> Zone:
        """The zone as times are read by. Raises LayoutRefused where it is not known."""
        if not self.zone:
            raise LayoutRefused("zone-not-stated", "Nobody has stated in which zone this operator writes its times.")
        by = f"the layout {self.name!r}" + (
            f" ({self.source or self.confirmed_by})" if self.source or self.confirmed_by else ""
        )
        return Zone(stated_by=by) if self.zone == WRITTEN else Zone.named(self.zone, by)

    def in_zone(self, zone: str, *, by: str) -> Layout:
        """The same with a zone that somebody states."""
        return replace(self, zone=zone, confirmed_by=by).checked()

    def checked(self) -> Layout:
        """Itself, if rows can be read by it. Raises LayoutRefused with what is missing."""
        if self.index(Field.ADDRESS) is None:
            raise LayoutRefused("no-address-column", "No column holds the public address.")
        if all(self.index(field) is None for field in NAMES_SUBSCRIBER):
            raise LayoutRefused("no-subscriber-column", "No column says whom a row names.")
        for which, (whole, day, clock) in TIMES.items():
            joined, parts = self.index(whole), (self.index(day), self.index(clock))
            if joined is None and None in parts and (which == "start" or parts != (None, None) or not self.open_end):
                raise LayoutRefused(
                    f"no-{which}-column", f"No column, or no pair of date and clock, holds the {which}."
                )
            if joined is not None and parts != (None, None):
                raise LayoutRefused(
                    f"two-{which}-columns", f"The {which} stands in a column of its own and in two others."
                )
        if (self.index(Field.PORT_LOW) is None) != (self.index(Field.PORT_HIGH) is None):
            raise LayoutRefused("half-a-port-block", "Only one end of the block of ports has a column.")
        seen = [column.field for column in self.columns if column.field not in {None, Field.OTHER, Field.ADDRESS}]
        if doubles := {field for field in seen if seen.count(field) > 1}:
            listed = ", ".join(sorted(field.value for field in doubles if field is not None))
            raise LayoutRefused("field-twice", f"Two columns are said to hold the same: {listed}.")
        if self.zone not in {"", WRITTEN}:
            try:
                zone_info(self.zone)
            except Unread as error:
                raise LayoutRefused("zone-unknown", str(error)) from error
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be kept."""
        return {
            "code": self.code,
            "name": self.name,
            "columns": [[column.name, None if column.field is None else column.field.value] for column in self.columns],
            "order": None if self.order is None else self.order.value,
            "zone": self.zone,
            "source": self.source,
            "operator": self.operator,
            "open_end": self.open_end,
            "numbers": self.numbers,
            "confirmed_by": self.confirmed_by,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Layout:
        """What `to_json` gave. Raises LayoutRefused for anything else."""
        try:
            return cls(
                code=str(kept["code"]),
                name=str(kept["name"]),
                columns=tuple(
                    Column(str(name), None if field is None else Field(field)) for name, field in kept["columns"]
                ),
                order=None if kept.get("order") is None else DateOrder(kept["order"]),
                zone=str(kept.get("zone", "")),
                source=str(kept.get("source", "")),
                operator=str(kept.get("operator", "")),
                open_end=kept.get("open_end", False) is True,
                numbers=kept.get("numbers", False) is True,
                confirmed_by=str(kept.get("confirmed_by", "")),
            ).checked()
        except (KeyError, TypeError, AttributeError) as error:
            raise LayoutRefused("not-a-layout", f"This is no layout: {error!r}.") from error
        except ValueError as error:
            if isinstance(error, LayoutRefused):
                raise
            raise LayoutRefused("not-a-layout", f"This is no layout: {error}.") from error


def fingerprint(header: Sequence[str]) -> str:
    """The digest of the names of columns, normalised, in their order; empty columns at the end do not count."""
    names = [normalised(name) for name in header]
    while names and not names[-1]:
        names.pop()
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


@cache
def built_in() -> tuple[Layout, ...]:
    """The public layouts that come along."""
    with (DATA / "layouts.toml").open("rb") as file:
        return tuple(Layout.from_json(row) for row in tomllib.load(file)["layouts"])


def fingerprints(kept: Iterable[Layout] = ()) -> frozenset[str]:
    """The digests of all headers that a layout is known for."""
    return frozenset(layout.fingerprint for layout in (*kept, *built_in()))


def recognised(header: Sequence[str], kept: Iterable[Layout] = ()) -> Layout | None:
    """The layout of this header: one that was confirmed before one that comes along; None where it is unknown."""
    digest = fingerprint(header)
    return next((layout for layout in (*kept, *built_in()) if layout.fingerprint == digest), None)
