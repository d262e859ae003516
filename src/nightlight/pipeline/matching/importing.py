# SPDX-License-Identifier: Apache-2.0
"""Reads a file into a list: kept as it came, counted by ourselves, applied whole or not at all.

The file goes into the vault first. Its rows are staged on this connection alone while the version before goes on
serving; one transaction at the end brings the list to what the file says. Whatever fails before that end (a damaged
file, a full disk, a process that is killed) leaves every entry as it was, and the edition says why.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import Conflict, Refusal
from nightlight.pipeline.matching import applying
from nightlight.pipeline.matching.list_actions import alone, next_number, subject
from nightlight.pipeline.matching.lists import detect
from nightlight.pipeline.matching.lists.columns import Told
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Code, ListDamaged, Note
from nightlight.pipeline.matching.lists.source import Source
from nightlight.pipeline.matching.models import Edition, EditionFile, EditionState, Entry, Feed, HashList
from nightlight.pipeline.matching.sharing_actions import moment_of_change
from nightlight.pipeline.matching.staging import Staging
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.matching.applying import Counts

BLOCK = 1 << 20
MOST_NOTES = 200
_STEPS = 200  # how often the progress of one file is written down


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an import that went through."""

    edition: Edition
    counts: Counts
    notes: tuple[Note, ...]


class ImportFailed(Refusal):
    """The file was not taken in; the edition says why, and the list is as it was."""

    def __init__(self, reason: str, edition: Edition) -> None:
        super().__init__(reason)
        self.edition = edition


def run(
    *,
    hash_list: HashList,
    path: Path | None = None,
    stream: IO[bytes] | None = None,
    name: str = "",
    format: str = "",  # noqa: A002 - the word people know
    told: Told | None = None,
    replaces: bool,
    most_may_go: bool = False,
    by: str,
    at: Callable[[], datetime],
    progress: Callable[[int, int, str], None] | None = None,
) -> Done:
    """Read a file (``path``, or an open ``stream`` that can be rewound) into a list.

    ``format`` is one of ``detect.Format``, or empty to be found out; ``told`` is what the importing person says where
    the file does not. ``replaces``: entries that are not in the file are withdrawn; else they stay. A file that lacks
    more than half of them is refused unless ``most_may_go``: it is more likely cut short. ``progress`` hears
    bytes done, bytes in all, and "keeping", "reading" (the file is passed over twice) or "applying".
    Raises Conflict, before anything is written, if the list is polled or somebody else reads into it; ImportFailed
    for a damaged file and one that lacks too much.
    """
    if Feed.objects.filter(hash_list=hash_list).exists():
        raise Conflict(
            f"{hash_list.name!r} is polled from a server; a file would contradict it. Make a list of its own."
        )
    with contextlib.ExitStack() as stack:
        if stream is None:
            if path is None:
                raise ValueError("an import needs a path or a stream")
            try:
                stream = stack.enter_context(path.open("rb"))
            except OSError as error:
                raise Conflict(f"{path} cannot be read: {error.strerror}.") from error
        stack.enter_context(alone(hash_list))
        name = name or (path.name if path else "")
        reading = _Reading(
            hash_list, stream, name, format, told or Told(), replaces=replaces, by=by, at=at, progress=progress
        )
        reading.most_may_go = most_may_go
        return reading.run()


MOST_WOULD_GO = "most-would-go"


class MostWouldGo(Exception):
    """A version would withdraw more than half of what stands."""


class _Reading:
    """One import while it runs."""

    def __init__(
        self,
        hash_list: HashList,
        stream: IO[bytes],
        name: str,
        format_: str,
        told: Told,
        *,
        replaces: bool,
        by: str,
        at: Callable[[], datetime],
        progress: Callable[[int, int, str], None] | None,
    ) -> None:
        self.hash_list, self.stream, self.name, self.told = hash_list, stream, name, told
        self.replaces, self.by, self.at = replaces, by, at
        self.most_may_go = False
        self.tell = progress or (lambda _done, _all, _what: None)
        self.notes: list[Note] = []
        self.size = stream.seek(0, os.SEEK_END)
        self.sha256 = ""
        self.state = _state(stream)  # what is kept and what is read must be the same
        self.edition = Edition.objects.create(
            hash_list=hash_list,
            number=next_number(hash_list),
            state=EditionState.LOADING,
            source=format_[:40],
            name=name[:255],
            replaces=replaces,
            started_at=at(),
            by=by,
            notes=[],
            all_bytes=self.size,
        )

    def run(self) -> Done:
        """Keep the file, stage its rows, apply them. Raises ImportFailed; any other failure passes on, told too."""
        try:
            self._keep()
            with Staging() as staging:
                staging.edition_id = self.edition.pk
                self._stage(staging)
                self.tell(self.size, self.size, "applying")
                counts = self._apply(staging)
        except ListDamaged as damaged:
            self._failed(str(damaged.code), damaged.sentence)
            raise ImportFailed(f"{damaged.sentence} The list is as it was.", self.edition) from damaged
        except MostWouldGo as refused:
            self._failed(MOST_WOULD_GO, str(refused))
            raise ImportFailed(f"{refused} The list is as it was.", self.edition) from refused
        except BaseException as error:  # also when somebody stops it: the edition says so
            with contextlib.suppress(Exception):  # the database itself may be what failed
                self._failed("stopped", f"It was stopped: {type(error).__name__}.")
            raise
        return Done(self.edition, counts, tuple(self.notes))

    def _keep(self) -> None:
        """Put the file into the vault as it came."""
        self.stream.seek(0)
        done = 0
        with current_vault().stage() as kept:
            while block := self.stream.read(min(BLOCK, self.size - done)):  # a file that grows ends here
                kept.write(block)
                done += len(block)
                self.tell(done, self.size, "keeping")
            sealed = kept.seal()
        self.sha256 = sealed.digests.sha256
        with transaction.atomic():
            item = evidence.receive(
                by=self.by,
                at=self.at(),
                sealed=sealed,
                name_as_sent=self.name[:255],
                context=subject(self.hash_list),
                data={"edition": self.edition.number},
            )
            EditionFile.objects.create(edition=self.edition, item_id=item.id)
            self._edition(sha256=bytes.fromhex(self.sha256), all_bytes=sealed.digests.size)
        self.size = sealed.digests.size

    def _stage(self, staging: Staging) -> None:
        step, told, done = max(BLOCK, self.size // _STEPS), 0, 0
        self._edition(source=self.edition.source or self._found_out())
        self.stream.seek(0)

        def heard(packed: int) -> None:
            nonlocal done
            done = packed

        rows = detect.read(self.stream, name=self.name, format=self.edition.source, told=self.told, progress=heard)
        for part in rows:
            if isinstance(part, Batch):
                staging.add(part)
            elif isinstance(part, BadRow):
                staging.refuse(part)
            else:
                self.notes.append(part)
            if done - told >= step:
                told = done
                staging.pause()
                self._edition(done_bytes=done)
                self.tell(done, self.size, "reading")
        staging.pause()
        if _state(self.stream) != self.state:
            raise Conflict("The file was changed while it was read. Import it again when it is whole.")

    def _found_out(self) -> str:
        """Tell the format by the beginning of the text. Raises ListDamaged."""
        self.stream.seek(0)
        head = Source(self.stream).peek(detect.HEAD)
        if not head.strip():
            raise ListDamaged(Code.EMPTY, "The file is empty.")
        return detect.detect(head, self.name).value

    def _apply(self, staging: Staging) -> Counts:
        """Bring the list to what was staged, in one transaction."""
        with transaction.atomic():
            counts = applying.settle(edition_id=self.edition.pk, bad=staging.bad)
        with transaction.atomic():
            applying.compare(counts, list_id=self.hash_list.pk, replaces=self.replaces)
            self._spare_most(counts)
            at = moment_of_change(hash_list_id=self.hash_list.pk)  # readers of the list wait from here on
            applying.write(counts, list_id=self.hash_list.pk, number=self.edition.number, at=at)
            notes = [note_as_data(note) for note in self.notes[:MOST_NOTES]]
            ended_at = self.at()
            self._edition(
                state=EditionState.WHOLE,
                ended_at=ended_at,
                done_bytes=self.size,
                notes=notes,
                **edition_counts(counts),
            )
            custody.append(
                by=self.by,
                at=ended_at,
                kind="hashes.imported",
                subject=subject(self.hash_list),
                data={
                    **self._facts(),
                    **counts_as_data(counts),
                    "notes": sorted({str(note.code) for note in self.notes}),
                },
            )
        return counts

    def _spare_most(self, counts: Counts) -> None:
        """Refuse to withdraw more than half: a text that was cut between two rows looks like a whole one."""
        if not counts.withdrawn or self.most_may_go:
            return
        standing = Entry.objects.filter(hash_list=self.hash_list, withdrawn=False).count()
        if 2 * counts.withdrawn > standing:
            raise MostWouldGo(f"The file lacks {counts.withdrawn} of the {standing} entries that stand.")

    def _failed(self, code: str, why: str) -> None:
        bad = self.edition.bad_rows.count()
        with transaction.atomic():
            at = self.at()
            notes = [note_as_data(note) for note in self.notes[:MOST_NOTES]]
            self._edition(state=EditionState.FAILED, ended_at=at, why=why, bad=bad, notes=notes)
            custody.append(
                by=self.by,
                at=at,
                kind="hashes.import-failed",
                subject=subject(self.hash_list),
                data={**self._facts(), "code": code, "why": why, "bad": bad},
            )

    def _facts(self) -> dict[str, Json]:
        facts: dict[str, Json] = {
            "edition": self.edition.number,
            "format": self.edition.source,
            "replaces": self.replaces,
        }
        return {**facts, "sha256": self.sha256} if self.sha256 else facts

    def _edition(self, **values: object) -> None:
        for field, value in values.items():
            setattr(self.edition, field, value)
        Edition.objects.filter(pk=self.edition.pk).update(**values)


def _state(stream: IO[bytes]) -> tuple[int, int] | None:
    """What tells whether a file was written to; None where there is no file behind the stream."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, AttributeError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def note_as_data(note: Note) -> dict[str, Json]:
    """Return a note as it is kept with an edition."""
    return {"code": str(note.code), "text": note.text, "numbers": {**note.numbers}, "facts": {**note.facts}}


def edition_counts(counts: Counts) -> dict[str, int]:
    """Return the counts an edition has columns for."""
    names = ("rows", "good", "bad", "repeated", "added", "updated", "withdrawn", "unchanged")
    return {name: value for name, value in asdict(counts).items() if name in names}


def counts_as_data(counts: Counts) -> dict[str, int]:
    """Return every count, for the log and for people."""
    return {name: value for name, value in asdict(counts).items() if name not in {"replaces", "first"}}
