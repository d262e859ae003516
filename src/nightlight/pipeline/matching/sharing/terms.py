# SPDX-License-Identifier: Apache-2.0
"""The words of the Hash Sharing API, version 2: entries, tombstones, pages, members, feedback and its reasons.

Names as in the public documentation of the API (June 2025). Times are aware and in UTC, at most to the
millisecond when we write them; fingerprints are kept under the element name of the wire ("md5", "tmk-pdqf").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"
VERSION = "/v2"
PAGE_SIZE = 1000
"""Entries a page; what the clients of the field count on when they guess how much is to come."""


class Media(StrEnum):
    """What a fingerprint was taken of; the value is the element's name."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fingerprint: its element, its name in addresses and feedback, and what a value looks like.

    `large` ones never stand in a page, only a relative address under which their bytes can be had.
    `hex_digits` is None where the value is opaque text to us, compared as it is.
    """

    element: str
    type: str
    large: bool = False
    hex_digits: int | None = None


KINDS = (
    Kind("md5", "MD5", hex_digits=32),
    Kind("sha1", "SHA1", hex_digits=40),
    Kind("pdna", "PDNA"),
    Kind("pdq", "PDQ", hex_digits=64),
    Kind("netclean", "NETCLEAN"),
    Kind("videntifier", "VIDENTIFIER", large=True),
    Kind("tmk-pdqf", "TMK_PDQF", large=True),
    # The elements of these two are not public; written after the pattern of the one above.
    Kind("ssvh-pdna", "SSVH_PDNA", large=True),
    Kind("ssvh-safer-hash", "SSVH_SAFER_HASH", large=True),
)
BY_ELEMENT = {kind.element: kind for kind in KINDS}
# One page of the documentation names the last one differently.
BY_TYPE = {kind.type: kind for kind in KINDS} | {"TMK_SAFER_HASH": BY_ELEMENT["ssvh-safer-hash"]}

Identity = tuple[int, str]
"""Member id and entry id: what makes an entry the same entry."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who shares: the server's number for them, and their name."""

    id: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a fingerprint is disputed. `types`: the kinds of fingerprint it can be said of ("MD5", ...)."""

    guid: str
    name: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Affirmative:
    """Members who say that one fingerprint of an entry is right; `at` is the newest of what they said."""

    type: str
    members: tuple[Member, ...] = ()
    at: datetime | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Objection:
    """Members who dispute a fingerprint for one reason."""

    reason: Reason
    members: tuple[Member, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Negative:
    """What is said against one fingerprint of an entry, reason by reason."""

    type: str
    objections: tuple[Objection, ...] = ()
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Categorization:
    """A label from the server's own catalogue; ids are static on one server, different between servers."""

    guid: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the catalogue, and whether an entry may carry several of its labels."""

    name: str
    allow_multiple: bool
    categorizations: tuple[Categorization, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A known file in its latest state. `large` holds the relative addresses of fingerprints not in the page.

    `classification` is opaque: a label of the source's own scheme, or None.
    """

    member_id: int
    entry_id: str
    media: Media
    timestamp: datetime
    classification: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    large: Mapping[str, str] = field(default_factory=dict)
    categorizations: tuple[Categorization, ...] = ()
    feedback: tuple[Affirmative | Negative, ...] = ()
    member_name: str = ""

    @property
    def identity(self) -> Identity:
        return self.member_id, self.entry_id


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An entry that was withdrawn."""

    member_id: int
    entry_id: str
    media: Media
    timestamp: datetime
    member_name: str = ""

    @property
    def identity(self) -> Identity:
        return self.member_id, self.entry_id


Change = Entry | Tombstone


def supersedes(new: Change, old: Change) -> bool:
    """Whether `new`, which came after `old`, is the state to keep of the entry that both speak of.

    Pages are not in order of time, so a later page may bring an older state. At equal times the one that was
    read later counts: a server shows an entry as it is at that moment.
    """
    return new.timestamp >= old.timestamp


class Code(StrEnum):
    """What can be wrong with a row of a page."""

    MEMBER = "member"
    ENTRY_ID = "entry_id"
    TIMESTAMP = "timestamp"
    FINGERPRINT = "fingerprint"
    LARGE = "large"
    FEEDBACK = "feedback"
    UNKNOWN = "unknown_row"


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be read (`lost`), or a part of one that was left out while the rest was taken.

    `row` counts all rows of the page from 1; `raw` is the row as it stood there, cut to RAW characters.
    """

    row: int
    code: Code
    reason: str
    lost: bool
    raw: str
    member_id: int | None = None
    entry_id: str | None = None


RAW = 4000


@dataclass(frozen=True, slots=True)
class Claim:
    """What a page says about itself for one medium, beside what it held (`came`, every row counted)."""

    media: Media
    count: int | None
    newest: datetime | None
    came: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of entries: `changes` as they stood (images first), what the server claims, and what was wrong.

    `next` is the address of the next page, to be put after the base address; None on the last one.
    """

    changes: tuple[Change, ...] = ()
    claims: tuple[Claim, ...] = ()
    next: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(change for change in self.changes if isinstance(change, Entry))

    @property
    def tombstones(self) -> tuple[Tombstone, ...]:
        return tuple(change for change in self.changes if isinstance(change, Tombstone))

    @property
    def rows(self) -> int:
        """Every row that stood in the page, read or not."""
        return sum(claim.came for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Status:
    """Who the server takes us for."""

    ip_address: str
    username: str
    member: Member


@dataclass(frozen=True, slots=True)
class Submission:
    """Feedback on one fingerprint: that it is right, or the GUIDs of the reasons against it (at least one)."""

    affirmative: bool
    reasons: tuple[str, ...] = ()
