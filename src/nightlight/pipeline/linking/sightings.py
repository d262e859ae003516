# SPDX-License-Identifier: Apache-2.0
"""What of a tip is kept for linking: its people, and where in it each identifier stands.

Worked out from the bytes received, and compared with what is kept: reading a tip again writes what changed and nothing
else, and the key of a subject stays as long as its place among the parties does. Values stand in clear only where
pages show them too; all others are kept as digests, so that no child is named (``tips/withholding.py``).

Of somebody who was cleared nothing is kept but the digests of what is theirs alone, and those link nothing any more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from nightlight.pipeline.linking import blinding, identifiers, rows
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.tips.reading import READING_VERSION
from nightlight.pipeline.tips.withholding import withhold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

    from nightlight.pipeline.linking.identifiers import Found, Subject
    from nightlight.pipeline.tips.reading import Reading

VERSION = READING_VERSION * 100 + 2  # 2: more forms of the names of protected people are masked
"""Of the reading, and of the rules by which identifiers are found in it; with a higher one, every tip is read anew."""

# What is somebody's own. A file, a web address, a group, an address that a household or a cafe shares is not: that it
# was seen with somebody who was cleared says nothing about the next person.
_OWN = frozenset(
    {
        Kind.EMAIL,
        Kind.PHONE,
        Kind.ACCOUNT,
        Kind.HANDLE,
        Kind.ANY_HANDLE,
        Kind.PROFILE_URL,
        Kind.DEVICE,
        Kind.PAYMENT,
        Kind.ENDPOINT,
    }
)
Key = tuple[str, bytes]  # kind and digest


class Line(NamedTuple):
    """One sighting as it is kept; ``party`` is the place of the subject it counts towards, None for nobody's."""

    kind: str
    digest: bytes
    party: int | None
    side: str
    role: str
    source: str
    as_sent: str
    value: str
    verified: bool | None
    from_text: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Read:
    """What is to be kept of a tip; ``cleared`` are identifiers of people who were cleared."""

    subjects: tuple[Subject, ...] = ()
    lines: tuple[Line, ...] = ()
    cleared: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Moved:
    """What writing a tip changed on one side.

    ``before`` and ``after`` count the tip's subjects by identifier, for those identifiers that concern somebody else.
    """

    fresh: set[int] = field(default_factory=set)  # subjects that were not there
    corrected: set[int] = field(default_factory=set)  # subjects that were, and have something else now
    before: dict[int, int] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)
    newly_verified: set[int] = field(default_factory=set)
    no_longer_verified: set[int] = field(default_factory=set)

    @property
    def grown(self) -> dict[int, int]:
        """By how many subjects each count grew or shrank."""
        grown = ((one, many - self.before[one]) for one, many in self.after.items())
        return {one: by for one, by in grown if by}

    @property
    def only_new(self) -> bool:
        """Whether nothing changed but that somebody came."""
        return bool(self.fresh) and not self.corrected and not self.no_longer_verified


@dataclass(slots=True)
class Written:
    """What writing a tip changed: on each side, and which identifiers link nothing any more, or again, since now."""

    sides: dict[Side, Moved] = field(default_factory=lambda: {Side.SUSPECT: Moved(), Side.CHILD: Moved()})
    switched: set[int] = field(default_factory=set)


def read(
    reading: Reading, *, apart: frozenset[str], today: date, environment: str, reporter: str | None = None
) -> Read:
    """Return what is to be kept of a tip. ``apart`` are the places of people who were cleared.

    ``today`` decides who is a child by now. ``reporter`` is the lasting name of whoever filed, for accounts.
    """
    found = identifiers.found(reading, reporter=reporter)
    subjects = identifiers.subjects(reading)
    party_of = {one: party for party, one in identifiers.attach(reading, found)}
    shown = _shown(reading, found, apart=apart, today=today, reporter=reporter)
    gone = {one.party for one in subjects if reading.parties[one.party].source in apart}
    theirs = {(one.kind, one.value) for one in found if one.party in gone or _lies_in(one.source, apart)}
    # Whoever else states it for somebody keeps it; in the tip's own words it is the cleared person's.
    lines = []
    for one in found:
        if one.party in gone or _lies_in(one.source, apart):
            continue
        if (one.side is Side.TIP or party_of.get(one) in gone) and (one.kind, one.value) in theirs:
            continue
        party = party_of.get(one)
        open_ = (one.kind, one.value, one.as_sent, one.source) in shown
        lines.append(
            Line(
                one.kind.value,
                blinding.digest(one.kind, one.value, environment=environment),
                None if party in gone else party,
                one.side.value,
                one.role.value if one.role else "",
                _text(one.source),
                _text(one.as_sent) if open_ else "",
                _text(one.value) if open_ else "",
                one.verified,
                one.from_text,
                one.at,
            )
        )
    cleared = {
        (kind.value, blinding.digest(kind, value, environment=environment)) for kind, value in theirs if kind in _OWN
    }
    return Read(tuple(one for one in subjects if one.party not in gone), tuple(lines), frozenset(cleared))


def _shown(
    reading: Reading, found: Iterable[Found], *, apart: frozenset[str], today: date, reporter: str | None
) -> set[tuple[str, str, str, str]]:
    """What may stand in clear: what is found at the same place in the reading that pages show."""
    withheld = withhold(reading, today, apart)
    seen = identifiers.found(withheld.reading, reporter=reporter) if withheld.protected else found
    return {(one.kind, one.value, one.as_sent, one.source) for one in seen}


def _lies_in(source: str, parts: Collection[str]) -> bool:
    return any(source == part or source.startswith(f"{part}/") for part in parts)


def _text(text: str) -> str:
    """What the database can hold of a text."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


# A sighting as a row: identifier, subject, then what Line has from its side on.
_Row = tuple[Any, ...]


def write(tip: int, wanted: Read) -> Written:
    """Make what is kept of a tip what is wanted; return what that changed. In the caller's transaction.

    For one at a time. Subjects that are new stand alone, until they are linked. Where somebody changed sides, the
    caller first writes the tip without them (``changed_sides``).
    """
    written = Written()
    known = rows.identifiers({(line.kind, line.digest) for line in wanted.lines} | wanted.cleared)
    old_subjects, old_rows = rows.subjects_of_tip(tip), rows.sightings_of_tip(tip)
    subject_of = _write_subjects(tip, wanted, old_subjects, written)
    new_rows = Counter(
        (known[line.kind, line.digest], subject_of[line.party] if line.party is not None else None, *line[3:])
        for line in wanted.lines
    )
    before = Counter(row[1:] for row in old_rows)
    gone, came = before - new_rows, new_rows - before
    if gone:
        left = Counter(gone)
        numbers = []
        for number, *row in old_rows:
            if left[tuple(row)] > 0:
                left[tuple(row)] -= 1
                numbers.append(number)
        rows.delete_sightings(numbers)
    rows.add_sightings(tip, list(came.elements()))
    sides = {key: side for key, _party, side, _pseudonym, _gone in old_subjects}
    sides |= {subject_of[one.party]: one.side.value for one in wanted.subjects}
    _note(tip, written, sides, before, new_rows)
    rows.count(written.sides[Side.SUSPECT].grown, written.sides[Side.CHILD].grown)
    touched = {row[0] for row in (*before, *new_rows)}
    written.switched = rows.switch(touched, [known[key] for key in wanted.cleared])
    rows.untell(tip, {row[0] for row in gone}, {row[0] for row in new_rows})
    rows.forget({row[0] for row in gone} - {row[0] for row in came})
    return written


def changed_sides(tip: int, wanted: Read) -> frozenset[int]:
    """Return the parties of people who are kept on the other side than they are wanted on."""
    kept = {party: side for _key, party, side, _pseudonym, _gone in rows.subjects_of_tip(tip)}
    return frozenset(one.party for one in wanted.subjects if kept.get(one.party, one.side.value) != one.side.value)


def without(wanted: Read, parties: Collection[int]) -> Read:
    """Return the same without these people and what is theirs."""
    return Read(
        tuple(one for one in wanted.subjects if one.party not in parties),
        tuple(line for line in wanted.lines if line.party not in parties),
        wanted.cleared,
    )


def _write_subjects(tip: int, wanted: Read, old: Iterable[rows.SubjectRow], written: Written) -> dict[int, int]:
    """Write the people of the tip; return their keys by party."""
    kept = {party: (key, side, pseudonym, gone) for key, party, side, pseudonym, gone in old}
    keys = {party: row[0] for party, row in kept.items()}
    new = [one for one in wanted.subjects if one.party not in kept]
    if new:
        made = rows.add_subjects(tip, [(one.party, one.side.value, one.pseudonym[:60]) for one in new])
        keys |= made
        for one in new:
            written.sides[one.side].fresh.add(made[one.party])
    there = set()
    for one in wanted.subjects:
        there.add(one.party)
        if one.party not in kept:
            continue
        key, side, pseudonym, gone = kept[one.party]
        if (side, pseudonym, gone) != (one.side.value, one.pseudonym[:60], False):
            rows.change_subject(key, side=one.side.value, pseudonym=one.pseudonym[:60], gone=False)
        if gone:
            written.sides[one.side].corrected.add(key)
    for party, (key, side, pseudonym, gone) in kept.items():
        if party not in there and not gone:
            rows.change_subject(key, side=side, pseudonym=pseudonym, gone=True)
            written.sides[Side(side)].corrected.add(key)
    return keys


def _held(sides: Mapping[int, str], sightings: Iterable[_Row]) -> dict[str, dict[int, set[int]]]:
    """The subjects of each identifier, by side."""
    held: dict[str, dict[int, set[int]]] = {side: defaultdict(set) for side in (Side.SUSPECT, Side.CHILD)}
    for identifier, subject, *_ in sightings:
        if subject is not None:
            held[sides[subject]][identifier].add(subject)
    return held


def _note(tip: int, written: Written, sides: Mapping[int, str], before: Iterable[_Row], after: Iterable[_Row]) -> None:
    """Note whose identifiers changed, and how many subjects of this tip have and had each of these."""
    was, now = _held(sides, before), _held(sides, after)
    for side, moved in written.sides.items():
        told, tells = _verified(side, before), _verified(side, after)
        other = rows.verified_elsewhere(tip, told ^ tells, child=side is Side.CHILD)
        moved.newly_verified, moved.no_longer_verified = tells - told - other, told - tells - other
        changed = moved.newly_verified | moved.no_longer_verified
        for identifier in sorted(was[side].keys() | now[side].keys()):
            had, has = was[side].get(identifier, set()), now[side].get(identifier, set())
            if had != has:
                moved.corrected |= (had ^ has) - moved.fresh
            if identifier in changed:
                moved.corrected |= had - moved.fresh
            if had != has or identifier in changed:
                moved.before[identifier], moved.after[identifier] = len(had), len(has)


def _verified(side: Side, sightings: Iterable[_Row]) -> set[int]:
    """The identifiers that a provider verified for somebody on this side. Place 2 is the side, 7 whether verified."""
    child = side is Side.CHILD
    return {row[0] for row in sightings if row[7] and row[1] is not None and (row[2] == Side.CHILD) == child}
