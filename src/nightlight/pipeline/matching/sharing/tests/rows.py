# SPDX-License-Identifier: Apache-2.0
"""Invented entries, tombstones and feedback: random digits and words, the fingerprints of nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from nightlight.pipeline.matching.sharing.terms import (
    Affirmative,
    Categorization,
    Change,
    Entry,
    Media,
    Member,
    Negative,
    Objection,
    Reason,
    Tombstone,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def entry(number: int, seconds: int = 0, *, media: Media = Media.IMAGE, label: str | None = "A1") -> Entry:
    """One plain entry; its fingerprints follow from its number."""
    return Entry(
        member_id=7,
        entry_id=f"entry-{number}",
        media=media,
        timestamp=START + timedelta(seconds=seconds),
        classification=label,
        fingerprints={"md5": f"{number:032x}", "sha1": f"{number:040x}", "pdq": f"{number:064x}"},
        member_name="Example Member",
    )


def tombstone(number: int, seconds: int = 0, *, media: Media = Media.IMAGE) -> Tombstone:
    """The end of `entry(number)`."""
    return Tombstone(7, f"entry-{number}", media, START + timedelta(seconds=seconds), "Example Member")


def _hex(digits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


# Text that XML can hold, without the white space at its ends that readers take off.
words = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
    .map(str.strip)
    .filter(bool)
)
numbers = st.integers(0, 2**63 - 1)
times = st.integers(0, 4_000_000_000_000).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
_addresses = st.from_regex(r"/v2/[!-~]{1,30}", fullmatch=True)
_people = st.lists(st.builds(Member, numbers, words), max_size=3).map(tuple)
_types = st.sampled_from(["MD5", "SHA1", "PDNA", "PDQ", "TMK_PDQF"])
_maybe = st.none() | times


@st.composite
def _negative(draw: st.DrawFn) -> Negative:
    kind = draw(_types)
    reasons = st.builds(Reason, words, words, st.just((kind,)))
    objections = draw(st.lists(st.builds(Objection, reasons, _people, _maybe), max_size=3))
    return Negative(kind, tuple(objections), draw(_maybe))


feedback = st.lists(st.builds(Affirmative, _types, _people, _maybe, _maybe) | _negative(), max_size=3).map(tuple)
entries = st.builds(
    Entry,
    member_id=numbers,
    entry_id=words,
    media=st.sampled_from(Media),
    timestamp=times,
    classification=st.none() | words,
    fingerprints=st.fixed_dictionaries(
        {},
        optional={"md5": _hex(32), "sha1": _hex(40), "pdq": _hex(64), "pdna": words, "netclean": words, "new": words},
    ),
    large=st.dictionaries(st.sampled_from(["videntifier", "tmk-pdqf", "ssvh-pdna", "later"]), _addresses, max_size=2),
    categorizations=st.lists(st.builds(Categorization, words, words), max_size=2).map(tuple),
    feedback=feedback,
    member_name=st.just("") | words,
)
tombstones = st.builds(Tombstone, numbers, words, st.sampled_from(Media), times, st.just("") | words)
changes: st.SearchStrategy[list[Change]] = st.lists(entries | tombstones, max_size=6)
