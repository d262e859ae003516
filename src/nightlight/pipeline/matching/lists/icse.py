# SPDX-License-Identifier: Apache-2.0
"""Reads the hash CSV of INTERPOL's ICSE database: ``;``, one header, as IPED's HashDBTool.java reads it.

What the source claims (distributed, victim or offender identified, series, submissions, baseline) stays apart. The
classification is the baseline alone, the only category the file has: "baseline" where it says so, "" where it says
not, and any other word as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.matching.lists.columns import TableReader, Told, plain

if TYPE_CHECKING:
    from nightlight.pipeline.matching.lists import values
    from nightlight.pipeline.matching.lists.rows import Entry
    from nightlight.pipeline.matching.lists.source import Source

COLUMNS = (
    "MD5",
    "SHA1",
    "PhotoDNA",
    "Image ID",
    "Is distributed",
    "Victim identified",
    "Offender identified",
    "Series name",
    "Number of submissions",
    "File Available",
    "Media Type",
    "Baseline",
)
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TRUTHS = ("Is distributed", "Victim identified", "Offender identified", "File Available", "Baseline")
_COUNT = "Number of submissions"


def is_header(line: str) -> bool:
    """Whether a header line is this format's: its own columns, in any order and case, more of them allowed."""
    names = {plain(name) for name in line.split(";")}
    return names >= {"imageid", "numberofsubmissions", "isdistributed"} and bool(names & {"md5", "sha1"})


class IcseReader(TableReader):
    """The table, with this format's classification and truths."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, ";", Told())

    def fill(self, entry: Entry, given: dict[str, str], report: values.Report) -> None:
        """Fill as any table does, then read truths and the count."""
        super().fill(entry, given, report)
        entry.claims.pop("media", None)
        if "media" in given:
            entry.claims["Media Type"] = given["media"]
        names = {plain(name): name for name in COLUMNS}
        entry.claims = {names.get(plain(name), name): value for name, value in entry.claims.items()}
        for name in _TRUTHS:
            if name in entry.claims:
                entry.claims[name] = _WORDS.get(entry.claims[name].lower(), entry.claims[name])
        count = entry.claims.get(_COUNT, "")
        if count.isascii() and count.isdigit() and len(count) < 16:
            entry.claims[_COUNT] = int(count)
        baseline = entry.claims.get("Baseline", "")
        entry.classification = baseline if isinstance(baseline, str) else "baseline" if baseline else ""
