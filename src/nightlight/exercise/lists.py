# SPDX-License-Identifier: Apache-2.0
"""Hash lists of the exercise: invented entries that know some of its harmless pictures, in the formats lists come in.

What is on which list is told by the number of the shared picture, so that every world has the same story:

- 0, the planted one that forty reports carry, is on no list: the first of them is new to everyone, the last has been
  here thirty-nine times.
- two in three are on the national list: exact copies are known, copies at half the size are near.
- 1 is known, and labelled as passed around beside; 2 is labelled and nothing else, which lowers nothing.
- 3 is put into different categories by two lists of one scheme: a dispute.
- 4 is known until the second version of the national list withdraws it; 7 is put into another category there.
- 6 is named by the partner's list with the right MD5 and the SHA-1 of another file: a dispute about the bytes.
- 8 is on the partner's list, which has not said yet what it is: a person looks.
- 5, 11, 14, 17 and so on are on no list and come again and again: here before.

All other entries are random bytes. Worlds of fewer than forty reports have pictures 0 to 3 only.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.files import make_pool
from nightlight.exercise.prints import digests, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from nightlight.exercise.patterns import Picture

LABELLED_TOO, LABELLED_ONLY, CATEGORY, WITHDRAWN, COLLISION, UPDATED, UNSETTLED = 1, 2, 3, 4, 6, 7, 8
"""The numbers of the shared pictures that have a part of their own."""

CODES = ("A1", "A2", "B1", "B2")
VIC = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media"
NATIONAL, PARTNER, INDUSTRY, VIRAL = "national", "partner", "industry", "viral"
RANDOM = {NATIONAL: 3000, PARTNER: 2000, INDUSTRY: 400, VIRAL: 250}
BAD_ROWS = (
    ("bad-1", "0123456789abcdef", "", "", "", "B2"),  # half an MD5
    ("bad-2", "", "zz" * 20, "", "", "B2"),  # no hexadecimal digits
    ("bad-3", "", "", "a" * 63, "", "A2"),  # one digit short
    ("bad-4", "", "", "", "f" * 65, "A2"),  # one digit too many
    ("bad-5", "d41d8cd98f00b204e9800998ecf8427e", "", "", "", "B1"),  # the file without any bytes
    ("bad-6", "0" * 32, "", "", "", "B1"),  # a placeholder
    ("bad-7", "", "", "", "", "B1"),  # nothing to compare
    ("bad-8", "5" * 32),  # the row breaks off
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is written; `picture` names the shared picture it is about, None for random bytes."""

    id: str
    classification: str
    md5: bytes | None = None
    sha1: bytes | None = None
    sha256: bytes | None = None
    pdq: bytes | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class HashList:
    """One version of a list: who answers for it, what it says, and the file it comes in.

    `purpose` is "known" or "label"; `bad_rows` counts the rows of `data` that nobody can take in.
    """

    key: str
    name: str
    owner: str
    legal_basis: str
    scheme: str
    scheme_version: str
    purpose: str
    file_name: str
    entries: tuple[Entry, ...]
    data: bytes
    bad_rows: int = 0


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of a world: those that are there from the start, and the national one as it is brought later."""

    first: tuple[HashList, ...]
    second: HashList

    @property
    def then(self) -> tuple[HashList, ...]:
        """The lists as they stand once the second version is in."""
        return tuple(self.second if one.key == self.second.key else one for one in self.first)

    def pictures(self, key: str) -> tuple[str, ...]:
        """Return the shared pictures that the first version of a list names."""
        found = next(one for one in self.first if one.key == key)
        return tuple(sorted({entry.picture for entry in found.entries if entry.picture}))


def make_lists(seed: int, reports: int) -> Lists:
    """Return the lists of the world of `seed` with that many planned reports: the same bytes for the same arguments."""
    maker = _Maker(seed, reports)
    national = maker.national()
    first = (_national(national), _partner(maker.partner()), _industry(maker.industry()), _viral(maker.viral()))
    return Lists(first, _national(_later(national), version=2))


class _Maker:
    """Makes the entries of each list from the shared pictures of one world."""

    def __init__(self, seed: int, reports: int) -> None:
        self.seed = seed
        self.pictures = {int(key.rsplit("-", 1)[1]): one for key, one in make_pool(seed, reports).pictures.items()}

    def national(self) -> tuple[Entry, ...]:
        rng = self._rng(NATIONAL)
        numbers = [number for number in self.pictures if _on_the_national_list(number)]
        ours = [self._entry(number, f"EX-{number:05d}", _code(number)) for number in numbers]
        others = [
            replace(_random(rng, rng.choices(CODES, (1, 2, 3, 4))[0], pdq=rng.random() < 0.6), id=f"EX-{number:05d}")
            for number in range(1000, 1000 + RANDOM[NATIONAL])
        ]
        return _mixed(rng, ours, others)

    def partner(self) -> tuple[Entry, ...]:
        """MD5 and SHA-1 only: agrees on most of what the national list has."""
        rng = self._rng(PARTNER)
        agreed = [n for n in self.pictures if _on_the_national_list(n) and n not in (CATEGORY, WITHDRAWN, COLLISION)]
        ours = [self._entry(n, "", str(1 + n % 3)) for n in agreed]
        if COLLISION in self.pictures:
            ours.append(replace(self._entry(COLLISION, "", "2"), sha1=rng.randbytes(20)))
        if UNSETTLED in self.pictures:
            ours.append(self._entry(UNSETTLED, "", "0"))
        others = [_random(rng, str(rng.randint(0, 3))) for _ in range(RANDOM[PARTNER])]
        mixed = _mixed(rng, [replace(one, sha256=None, pdq=None) for one in ours], others)
        return tuple(replace(one, id=str(70_001 + place), sha256=None, pdq=None) for place, one in enumerate(mixed))

    def industry(self) -> tuple[Entry, ...]:
        """A second list of the scheme that the national one has, with another category for one picture."""
        rng = self._rng(INDUSTRY)
        ours = [self._entry(CATEGORY, "", _other(_code(CATEGORY)))] if CATEGORY in self.pictures else []
        ours += [self._entry(n, "", _code(n)) for n in self.pictures if n >= 9 and n % 6 == 3]
        others = [_random(rng, rng.choice(CODES), pdq=True) for _ in range(RANDOM[INDUSTRY])]
        return tuple(
            replace(one, id=f"IN{place:06d}", sha1=None) for place, one in enumerate(_mixed(rng, ours, others))
        )

    def viral(self) -> tuple[Entry, ...]:
        """One signal for each entry, as exchanges write them: the MD5 of a file, or the fingerprint of a picture."""
        rng = self._rng(VIRAL)
        found: list[Entry] = []
        for number, label in ((LABELLED_TOO, "viral"), (LABELLED_ONLY, "potentialMeme")):
            whole = self._entry(number, "", label)
            blank = Entry("", label, picture=whole.picture)
            found += [replace(blank, md5=whole.md5), replace(blank, pdq=whole.pdq)]
        for _ in range(RANDOM[VIRAL]):
            signal = Entry("", rng.choice(("viral", "potentialMeme")))
            of_bytes = rng.random() < 0.5
            found.append(replace(signal, md5=rng.randbytes(16)) if of_bytes else replace(signal, pdq=rng.randbytes(32)))
        return tuple(replace(one, id=f"V{place:06d}") for place, one in enumerate(_mixed(rng, found, ())))

    def _rng(self, key: str) -> Random:
        return chance.stream(self.seed, "lists", key)

    def _entry(self, number: int, name: str, classification: str) -> Entry:
        picture: Picture = self.pictures[number]
        made, seen = digests(picture), fingerprint(picture)
        pdq = seen.hash if seen else None
        return Entry(name, classification, made.md5, made.sha1, made.sha256, pdq, f"shared-{number:02d}")


def _on_the_national_list(number: int) -> bool:
    return number % 3 != 2 and number > 0


def _code(number: int) -> str:
    return {CATEGORY: "B1", WITHDRAWN: "B2", UPDATED: "B2"}.get(number, CODES[(number + 1) % 4])


def _other(code: str) -> str:
    return CODES[CODES.index(code) - 1]


def _random(rng: Random, classification: str, *, pdq: bool = False) -> Entry:
    """Return an entry about a file that nobody will ever have."""
    seen = rng.randbytes(32) if pdq else None
    return Entry("", classification, rng.randbytes(16), rng.randbytes(20), rng.randbytes(32), seen)


def _mixed(rng: Random, ours: Iterable[Entry], others: Iterable[Entry]) -> tuple[Entry, ...]:
    both = [*ours, *others]
    rng.shuffle(both)
    return tuple(both)


def _later(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The next version: one entry that was a match is gone with three others, one is put into another category."""
    gone = {one.id for one in [entry for entry in entries if entry.picture is None][:3]}
    gone |= {one.id for one in entries if one.picture == f"shared-{WITHDRAWN:02d}"}
    return tuple(
        replace(one, classification=_other(one.classification)) if one.picture == f"shared-{UPDATED:02d}" else one
        for one in entries
        if one.id not in gone
    )


# --- the files ---


def _hex(value: bytes | None) -> str:
    return value.hex() if value else ""


def _rows(rows: Iterable[Sequence[str]], separator: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _national(entries: tuple[Entry, ...], *, version: int = 1) -> HashList:
    """CSV with a header, the bad rows spread among the good ones."""
    rows: list[Sequence[str]] = [
        (one.id, _hex(one.md5), _hex(one.sha1), _hex(one.sha256), _hex(one.pdq), one.classification) for one in entries
    ]
    for place, bad in enumerate(BAD_ROWS):
        rows.insert((place + 1) * len(entries) // (len(BAD_ROWS) + 1), bad)
    return HashList(
        key=NATIONAL,
        name="Example National List",
        owner="Example National Unit",
        legal_basis="Invented order 7/2026 of the exercise",
        scheme="industry",
        scheme_version="1",
        purpose="known",
        file_name=f"example-national-{version}.csv",
        entries=entries,
        data=_rows([("id", "md5", "sha1", "sha256", "pdq", "classification"), *rows]),
        bad_rows=len(BAD_ROWS),
    )


def _partner(entries: tuple[Entry, ...]) -> HashList:
    """VIC JSON 2.0 as it comes: a byte order mark, truths as text, and a count that is not right."""
    records = [
        {
            "MediaID": int(one.id),
            "Category": int(one.classification),
            "MD5": _hex(one.md5).upper(),
            "SHA1": _hex(one.sha1).upper(),
            "MediaSize": "40000",
            "DateUpdated": f"2026-{1 + place % 9:02d}-{1 + place % 27:02d}T08:00:00Z",
            "VictimIdentified": "false",
            "IsDistributed": "true" if place % 5 == 0 else "false",
            "IsPrecategorized": True,
            "Series": f"EXAMPLE-{place % 12:02d}" if place % 4 == 0 else None,
            "Comments": "An invented entry of the exercise." if one.picture else None,
        }
        for place, one in enumerate(entries)
    ]
    document = {"@odata.context": VIC, "TotalMediaFiles": len(records) + 3, "value": records}
    return HashList(
        key=PARTNER,
        name="Example Partner List",
        owner="Example Partner Police",
        legal_basis="Invented agreement 12/2026 of the exercise",
        scheme="vic",
        scheme_version="2.0/Default",
        purpose="known",
        file_name="example-partner.json",
        entries=entries,
        data=b"\xef\xbb\xbf" + json.dumps(document).encode(),
    )


def _industry(entries: tuple[Entry, ...]) -> HashList:
    """CSV as a company writes it: other names for the columns, and semicolons."""
    rows = [(one.id, _hex(one.md5), _hex(one.sha256), _hex(one.pdq), one.classification) for one in entries]
    return HashList(
        key=INDUSTRY,
        name="Example Industry List",
        owner="Example Association of Platforms",
        legal_basis="Invented agreement 3/2026 of the exercise",
        scheme="industry",
        scheme_version="1",
        purpose="known",
        file_name="example-industry.csv",
        entries=entries,
        data=_rows([("Entry ID", "MD5 Hash", "SHA-256", "PDQ Hash", "Category"), *rows], ";"),
    )


def _viral(entries: tuple[Entry, ...]) -> HashList:
    """ThreatExchange's columns: one signal a row."""
    rows = [(one.id, "md5" if one.md5 else "pdq", _hex(one.md5 or one.pdq), one.classification) for one in entries]
    return HashList(
        key=VIRAL,
        name="Example Viral List",
        owner="Example Association of Platforms",
        legal_basis="Invented agreement 3/2026 of the exercise",
        scheme="labels",
        scheme_version="1",
        purpose="label",
        file_name="example-viral.csv",
        entries=entries,
        data=_rows([("id", "signal_type", "signal_str", "label"), *rows]),
    )
