# SPDX-License-Identifier: Apache-2.0
"""What has to be seen of a request before it is compared or signed: what the gate notices by line, and of all.

A page shows it and sends back the digest of what it showed. Where more is known by then, the step is refused and the
page shows the rest: nobody answers for what they did not see. The log keeps codes and digests, no words of a case.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.casework.attribution import request_facts, wrong_doors
from nightlight.foundation.refusals import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.gate import Noticed
    from nightlight.casework.attribution.gate_words import Block
    from nightlight.casework.attribution.models import Request
    from nightlight.casework.attribution.request_body import KeptRequest
    from nightlight.foundation.canonical_json import Json


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to see now. `general`: of the letter as a whole, in words."""

    general: tuple[str, ...]
    lines: Noticed

    @property
    def digest(self) -> str:
        """The SHA-256 of every word of it, in hexadecimal; empty where there is nothing to see."""
        if not self.general and not self.lines.rows:
            return ""
        return hashlib.sha256(json.dumps([self.lines.digest, *self.general]).encode()).hexdigest()

    def of_line(self, number: int) -> tuple[Block, ...]:
        return tuple(one for line, one in self.lines.rows if line == number)

    def must_be_seen(self, digest: str) -> None:
        """Raise Conflict where somebody was shown something else, or did not say that they saw it."""
        if digest != self.digest:
            raise Conflict(
                _("Read what has to be known about each line, and say that you have. More may be known by now.")
            )

    def for_log(self) -> dict[str, Json]:
        """By code the lines that it was shown at ("1-3,7"), and digests of the words about the whole letter."""
        by_code: dict[str, list[int]] = defaultdict(list)
        for number, one in self.lines.rows:
            if number not in by_code[one.code.value]:
                by_code[one.code.value].append(number)
        return {
            "seen": {code: _ranges(numbers) for code, numbers in sorted(by_code.items())},
            "seen_sha256": self.digest or None,
        }


def shown(request: Request, body: KeptRequest, *, at: datetime) -> Shown:
    """Return what has to be seen of a request by what is known now."""
    doors = [found.words for found in wrong_doors.cautions(wrong_doors.paths_of(request))]
    return Shown((*_from_elsewhere(request), *body.letter.cautions, *doors), request_facts.noticed_of(body, at=at))


def _from_elsewhere(request: Request) -> tuple[str, ...]:
    """The letter is as it was drawn up: of a tip that was handed over, it names who held that before."""
    if request.unit_id == request.tip.unit_id:
        return ()
    return (
        _(
            "%(old)s drew this letter up, and it names them as who asks and is to be answered. %(new)s holds the tip "
            "now. Where the answer has to come to you, withdraw the letter and draw it up anew."
        )
        % {"old": request.unit.name, "new": request.tip.unit.name},
    )


def _ranges(numbers: list[int]) -> str:
    """Whole numbers as text, those that follow one another as one range."""
    runs = groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    found = [[number for _place, number in run] for _gap, run in runs]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)
