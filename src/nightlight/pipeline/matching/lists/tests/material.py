# SPDX-License-Identifier: Apache-2.0
"""Invented lists: random digests, names of nothing. And a careful second reading of VIC JSON with json.loads."""

from __future__ import annotations

import base64
import io
import json
import random
from typing import TYPE_CHECKING, Any

from nightlight.pipeline.matching.lists.detect import read
from nightlight.pipeline.matching.lists.jsonstream import CHUNK
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Code, ListDamaged, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightlight.pipeline.matching.lists.columns import Told

CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"
CASES = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/UK/$metadata#Cases"
CONTEXT_1 = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media"


def digests(seed: int) -> tuple[bytes, bytes, bytes]:
    """MD5, SHA-1 and PhotoDNA of a file that does not exist."""
    raw = random.Random(seed).randbytes(180)
    return raw[:16], raw[16:36], raw[36:]


def media(number: int, **more: object) -> dict[str, Any]:
    """A record of a flat hash set."""
    md5, sha1, photodna = digests(number)
    return {
        "MediaID": number,
        "Category": number % 6,
        "MD5": md5.hex().upper(),
        "SHA1": sha1.hex().upper(),
        "PhotoDNA": base64.b64encode(photodna).decode(),
        "MediaSize": 1000 + number,
        "DateUpdated": "2026-03-01T10:00:00Z",
        "VictimIdentified": number % 2 == 0,
        "Series": "",
    } | more


def hash_set(records: list[Any], context: str = CONTEXT, **more: object) -> dict[str, Any]:
    """A hash set around records."""
    return {"@odata.context": context, "value": records} | more


def packed(document: object, *, separators: tuple[str, str] | None = None) -> bytes:
    """A document as UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=separators).encode()


class Read:
    """Everything a reading yielded, flattened."""

    def __init__(
        self,
        data: bytes,
        *,
        name: str = "list.json",
        format: str | None = None,  # noqa: A002
        told: Told | None = None,
        progress: Callable[[int], None] | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self.bad: list[BadRow] = []
        self.notes: dict[Code, Note] = {}
        self.damaged: ListDamaged | None = None
        try:
            for item in read(io.BytesIO(data), name=name, format=format, told=told, progress=progress, chunk=chunk):
                if isinstance(item, Batch):
                    columns = {column: list(getattr(item, column)) for column in Batch.__slots__}
                    assert {len(values) for values in columns.values()} == {len(item)}
                    names = list(columns)
                    self.rows += [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
                elif isinstance(item, BadRow):
                    self.bad.append(item)
                else:
                    self.notes[item.code] = item
        except ListDamaged as damaged:
            self.damaged = damaged

    @property
    def codes(self) -> list[Code]:
        """The codes of the bad rows in order."""
        return [bad.code for bad in self.bad]

    @property
    def ids(self) -> list[str]:
        """The ids of the good rows in order."""
        return [row["source_id"] for row in self.rows]


def expected(records: list[dict[str, Any]]) -> list[tuple[str, str, bytes, bytes, str | None, int]]:
    """What rows good flat records must give, worked out from json.loads one record at a time."""
    return [
        (
            str(record["MediaID"]),
            str(record["Category"]),
            bytes.fromhex(record["MD5"]),
            bytes.fromhex(record["SHA1"]),
            record.get("PhotoDNA"),
            number,
        )
        for number, record in enumerate(records, 1)
    ]


def found(read: Read) -> list[tuple[str, str, bytes, bytes, str | None, int]]:
    """The same facts of a reading."""
    return [
        (row["source_id"], row["classification"], row["md5"], row["sha1"], row["opaque"].get("PhotoDNA"), row["row"])
        for row in read.rows
    ]
