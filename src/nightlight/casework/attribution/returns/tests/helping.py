# SPDX-License-Identifier: Apache-2.0
"""Small returns for tests: invented, documentation addresses only."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import Field
from nightlight.casework.attribution.returns.layouts import Column, Layout, built_in
from nightlight.casework.attribution.returns.opening import Return, Table
from nightlight.casework.attribution.returns.reading import BadRow, Reading
from nightlight.casework.attribution.time_texts import DateOrder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightlight.casework.attribution.returns.rows import LogRow

INDIA = "Asia/Kolkata"
BLOCKS = Layout(
    code="blocks",
    name="Blocks, day first",
    columns=(
        Column("Name", Field.NAME),
        Column("Public IP", Field.ADDRESS),
        Column("Ports", Field.PORT),
        Column("From", Field.START),
        Column("Until", Field.END),
        Column("Subscriber", Field.SUBSCRIBER),
    ),
    order=DateOrder.DMY,
    zone=INDIA,
)
HEADER = "Name,Public IP,Ports,From,Until,Subscriber"


def layout(code: str) -> Layout:
    """One that comes along, with India's zone where its source states none."""
    found = next(one for one in built_in() if one.code == code)
    return found if found.zone else found.in_zone(INDIA, by="Officer A")


def table(content: bytes | str, name: str = "log.csv", **how: object) -> Table:
    """The one table of a return."""
    data = content.encode() if isinstance(content, str) else content
    (found,) = Return(io.BytesIO(data), name, **how)  # type: ignore[arg-type]
    assert isinstance(found, Table), found
    return found


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def read(content: bytes | str, *layouts: Layout) -> tuple[list[LogRow], list[BadRow], Reading]:
    """Everything a reading of one table gives."""
    bad: list[BadRow] = []
    reading = Reading(table(content), layouts or (BLOCKS,), bad=bad.append)
    return list(reading), bad, reading


def lines(*rows: str, header: str = HEADER) -> str:
    """A file of these rows."""
    return "\n".join((header, *rows)) + "\n"


def row(
    ip: str = "203.0.113.7",
    *,
    ports: str = "1024-2047",
    start: str = "12/05/2026 00:44:36",
    end: str = "12/05/2026 01:00:48",
    who: str = "SUB1",
    name: str = "A",
) -> str:
    """A row of the layout BLOCKS."""
    return ",".join((name, ip, ports, start, end, who))


def codes(bad: Sequence[BadRow]) -> list[str]:
    """Why rows do not count, in their order."""
    return [one.code for one in bad]
