# SPDX-License-Identifier: Apache-2.0
"""Packs the history of things for a court: every entry, the proof that it is in the signed log, a checker.

The same history under the same tree head always gives the same bytes, so two copies can be compared by
digest.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nightlight.foundation import canonical_json
from nightlight.foundation.refusals import Conflict, NotFound

from . import keys, merkle, queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .models import TreeHead
    from .queries import EventRow

VERIFIER = Path(__file__).with_name("verify_bundle.py")

README = """\
CUSTODY BUNDLE

This bundle holds entries of a custody log about
{subjects}

events/        the entries, byte for byte as they were written
checkpoints/   signed statements of what the whole log held at a time
bundle.json    for each entry, the proof that leads from it to the signed statement
public-key.txt the key that signed

To check it on any computer, connected or not, with Python 3.9 or newer and the package "cryptography":

    python verify_bundle.py BUNDLE.zip --key PUBKEY

PUBKEY is the public key of the log. Get it, and verify_bundle.py, from a source other than this bundle:
the daily report, the court's register, or another unit. To check files received with the bundle, put them in
a folder of their own and add --files FOLDER.

What a valid result shows: each entry was in the log, in exactly this form, no later than the time shown as
"signed", and the log has only been added to from that statement to the latest one in this bundle.

What it does not show: that what an entry says is true; that the clock of the log was right; that there are no
other entries about these subjects. To rule out a log rewritten in secret, compare the statements in
checkpoints/ with those that the court, or another unit, received when they were signed.
"""


def export(*, subjects: Sequence[str], to: BinaryIO) -> int:
    """Write the bundle about `subjects` ("tip:NL-7F3K-9QTX") to `to` as a ZIP; return the number of entries.

    Writes nothing to the database: sign a head first, and record the export, in the action that calls this.
    Raises NotFound when a subject has no entries, Conflict when an entry is not under a signed head yet.
    """
    events = queries.history(subjects)
    absent = set(subjects) - {event.subject for event in events}
    if absent:
        raise NotFound(f"The log has no entries about {', '.join(sorted(absent))}.")
    return _export(events, to)


def export_entry(*, event: EventRow, to: BinaryIO) -> None:
    """Write the bundle of one entry alone; otherwise as `export`. Raises Conflict."""
    _export([event], to)


def export_entries(*, events: Sequence[EventRow], to: BinaryIO) -> None:
    """Write the bundle of these entries alone; otherwise as `export`. Raises Conflict."""
    _export(list(events), to)


def _export(events: list[EventRow], to: BinaryIO) -> int:
    # Read after the entries, so that it covers as many of them as any head can.
    head = queries.latest_head()
    uncovered = [event for event in events if event.position is None or not head or event.position >= head.size]
    if head is None or uncovered:
        raise Conflict(f"{len(uncovered)} entries are not under a signed tree head yet. Sign one, then export again.")
    events.sort(key=_position)
    _write_zip(_contents(events, head), to)
    return len(events)


def _contents(events: Sequence[EventRow], head: TreeHead) -> Mapping[str, bytes]:
    subjects = sorted({event.subject for event in events})
    documents = {
        "README.txt": README.format(subjects="\n".join(f"    {subject}" for subject in subjects)).encode(),
        "verify_bundle.py": VERIFIER.read_bytes(),
    }
    tree = queries.StoredTree()
    heads = list(_heads_since(events, head))
    manifest: canonical_json.Json = {
        "v": 1,
        "documents": {name: hashlib.sha256(content).hexdigest() for name, content in documents.items()},
        "subjects": subjects,
        "checkpoints": [
            {"size": old.size, "consistency": _hex(merkle.consistency_path(tree, old.size, head.size))} for old in heads
        ],
        "events": [
            {
                "position": _position(event),
                "path": _hex(merkle.inclusion_path(tree, _position(event), head.size)),
            }
            for event in events
        ],
    }
    return {
        **documents,
        "bundle.json": canonical_json.encode(manifest),
        "public-key.txt": "".join(f"{key}\n" for key in keys.trusted_keys()).encode(),
        **{f"checkpoints/{old.size:012d}.txt": old.note.encode() for old in heads},
        **{f"events/{_position(event):012d}.json": event.body.encode() for event in events},
    }


def _heads_since(events: Sequence[EventRow], latest: TreeHead) -> Iterator[TreeHead]:
    """The first head over each entry, which says since when it is fixed, and the latest, which proofs use."""
    covered = 0
    for event in events:
        if _position(event) >= covered:
            head = queries.first_head_over(_position(event))
            if head is None or head.size >= latest.size:
                break
            covered = head.size
            yield head
    yield latest


def _position(event: EventRow) -> int:
    if event.position is None:
        raise ValueError(f"event {event.id} has no place yet")
    return event.position


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


def _write_zip(contents: Mapping[str, bytes], to: BinaryIO) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:  # stored: compressors differ between versions
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name])
