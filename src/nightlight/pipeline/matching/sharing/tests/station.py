# SPDX-License-Identifier: Apache-2.0
"""What tests of polling share: who polls, what there is to poll, and what can go wrong."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.pipeline.matching.sharing.polling import (
    MAX_PAGES,
    Checkpoint,
    Outcome,
    Trouble,
    poll,
)
from nightlight.pipeline.matching.sharing.reading import Why
from nightlight.pipeline.matching.sharing.source import Fault, HttpSource
from nightlight.pipeline.matching.sharing.terms import Change, Identity, Page, supersedes

from . import rows
from .hash_server import PASSWORD, USERNAME

if TYPE_CHECKING:
    from collections.abc import Sequence


NOON = rows.START + timedelta(hours=12)


class Station:
    """What a caller does: stages pages by identity, stores checkpoints as JSON, and looks at a clock of its own."""

    def __init__(self, base: str) -> None:
        self.source = HttpSource(base, USERNAME, PASSWORD, timeout=2.0, max_bytes=1_000_000, sleep=lambda _: None)
        self.stored = json.dumps(Checkpoint().as_data())
        self.staged: dict[Identity, Change] = {}
        self.pages: list[Page] = []
        self.now = NOON

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.from_data(json.loads(self.stored))

    def keep(self, page: Page) -> None:
        self.pages.append(page)
        for change in page.changes:
            old = self.staged.get(change.identity)
            if old is None or supersedes(change, old):
                self.staged[change.identity] = change

    def mark(self, checkpoint: Checkpoint) -> None:
        self.stored = json.dumps(checkpoint.as_data())

    def poll(self, max_pages: int = MAX_PAGES) -> Outcome:
        outcome = poll(self.source, self.checkpoint, lambda: self.now, self.keep, self.mark, max_pages=max_pages)
        self.mark(outcome.checkpoint)
        return outcome


def many(count: int, seed: int = 1) -> list[Change]:
    """Entries and tombstones, many in the same second, out of the order of time."""
    made: list[Change] = [rows.entry(n, n // 4) if n % 5 else rows.tombstone(n, n // 4) for n in range(count)]
    random.Random(seed).shuffle(made)
    return made


def truth(changes: Sequence[Change]) -> dict[Identity, Change]:
    return {change.identity: change for change in changes}


BROKEN = [
    ("500", Fault.BUSY),
    ("401", Fault.SIGN_IN),
    ("403", Fault.FORBIDDEN),
    ("404", Fault.REFUSED),
    ("302", Fault.REDIRECTED),
    ("cut", Fault.BROKEN_OFF),
    ("half gzip", Fault.BROKEN_OFF),
    ("huge", Fault.TOO_LARGE),
    ("gzip bomb", Fault.TOO_LARGE),
    ("html", Why.NOT_XML),
    ("bomb", Why.NOT_XML),
]


ASTRAY = [
    ("loop", Trouble.LOOP),
    ("back", Trouble.LOOP),
    ("same", Trouble.LOOP),
    ("other host", Trouble.ELSEWHERE),
    ("absolute", Trouble.ELSEWHERE),
    ("no host", Trouble.ELSEWHERE),
    ("other path", Trouble.ELSEWHERE),
    ("up", Trouble.ELSEWHERE),
    ("other range", Trouble.OTHER_RANGE),
]
