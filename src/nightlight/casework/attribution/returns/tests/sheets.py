# SPDX-License-Identifier: Apache-2.0
"""Workbooks for tests, made by hand so that what they hold is exactly known."""

from __future__ import annotations

import datetime as dt

from nightlight.casework.attribution.returns.tests.helping import zipped

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
_DAY = dt.date(1899, 12, 30)


def workbook(rows: list[list[str | float | dt.datetime]]) -> bytes:
    """A workbook of one sheet, as small as ECMA-376 allows: texts, numbers, and dates in a date format."""
    parts = []
    for number, cells in enumerate(rows, 1):
        written = []
        for cell in cells:
            if isinstance(cell, str):
                written.append(f'<c t="inlineStr"><is><t>{cell}</t></is></c>')
            elif isinstance(cell, dt.datetime):
                days = (cell - dt.datetime.combine(_DAY, dt.time())).total_seconds() / 86_400
                written.append(f'<c s="1"><v>{days!r}</v></c>')
            else:
                written.append(f"<c><v>{cell}</v></c>")
        parts.append(f'<row r="{number}">{"".join(written)}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    relations = f'<Relationships xmlns="{package}/relationships">'
    book = (
        f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Log" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>"
    )
    links = (
        f'{relations}<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/styles" Target="styles.xml"/></Relationships>'
    )
    styles = f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    root = f'{relations}<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    return zipped(
        {
            "[Content_Types].xml": kinds.encode(),
            "_rels/.rels": root.encode(),
            "xl/workbook.xml": book.encode(),
            "xl/_rels/workbook.xml.rels": links.encode(),
            "xl/styles.xml": styles.encode(),
            "xl/worksheets/sheet1.xml": SHEET.format("".join(parts)).encode(),
        }
    )
