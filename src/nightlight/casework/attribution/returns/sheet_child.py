# SPDX-License-Identifier: Apache-2.0
"""Reads a workbook in a process of its own, which may take so much memory and no more. Run as a file, by `reading`.

A workbook of a few hundred bytes can claim a cell in its last row and column, and whoever lays out all cells between
then asks for terabytes. Here only this process ends. Standard input is the workbook; standard output has a line of JSON
for each row that holds anything: [number, cells, places of dates], or one with the code of a refusal.
"""

import datetime as dt
import io
import json
import re
import resource
import sys
import zipfile

MEMORY = 6 << 30  # bytes of addresses, of which the reader's own libraries take some
CELLS = 1 << 25  # between the first and the last cell of a sheet
SPARSE = 1 << 22  # above it, one cell in so many has to be there
SHARE = 16
_CELL = re.compile(rb"<(?:[A-Za-z0-9]+:)?c\b[^>]*?\br=\"([A-Z]{1,4})([0-9]{1,8})\"")
_LONGEST_TAG = 200
ROUNDED = 10**15  # a spreadsheet keeps 15 digits of a number (ECMA-376 leaves it to IEEE 754, programs to 15)


def main() -> None:
    """Read standard input, write rows."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        sys.stdout.writelines(lines(content))
    except MemoryError:
        sys.stdout.write(json.dumps("too-large") + "\n")


def lines(content: bytes) -> list[str]:
    """The rows, or the code of a refusal."""
    if laid_out_too_large(content):
        return [json.dumps("too-large") + "\n"]
    import python_calamine  # only once memory is bounded

    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError, ValueError):
        return [json.dumps("sheet-damaged") + "\n"]
    filled = [sheet for sheet in sheets if any(any(cell not in {"", None} for cell in row) for row in sheet)]
    if len(filled) > 1:
        return [json.dumps("sheets-several") + "\n"]
    found = []
    for number, cells in enumerate(filled[0] if filled else [], 1):
        if any(cell not in {"", None} for cell in cells):
            dates = [place for place, cell in enumerate(cells) if isinstance(cell, dt.date)]
            found.append(json.dumps([number, [shown(cell) for cell in cells], dates]) + "\n")
    return found


def laid_out_too_large(content: bytes) -> bool:
    """Whether a sheet of an XML workbook has its cells so far apart that laying it out takes too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = [one for one in archive.namelist() if re.match(r"xl[/\\]worksheets[/\\].*\.xml$", one)]
            return any(_too_large(archive, name) for name in sheets)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError, NotImplementedError):
        return False  # no such workbook: the reader says what it is


def _too_large(archive: zipfile.ZipFile, name: str) -> bool:
    many = column = row = 0
    rest = b""
    with archive.open(name) as stream:
        while block := stream.read(1 << 20):
            text = rest + block
            upto = 0
            for found in _CELL.finditer(text):
                many += 1
                column, row, upto = max(column, _column(found[1])), max(row, int(found[2])), found.end()
            rest = text[max(upto, len(text) - _LONGEST_TAG) :]
    area = column * row
    return area > CELLS or (area > SPARSE and area > SHARE * many)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def shown(cell: object) -> str:
    """A cell as text; a number too long for a spreadsheet in the form that says that its end is lost."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= ROUNDED:
        return f"{cell:.14E}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return "" if cell is None else str(cell)


if __name__ == "__main__":
    main()
