# SPDX-License-Identifier: Apache-2.0
"""Versions of the rulebook: the one that counts, saving another, and what another would change before it is saved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.crypto import constant_time_compare

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.triage import language, models, rulebook, rules
from nightlight.pipeline.triage.conditions import RulebookRefused
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules as unit_rules

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer

AT_MOST = 5_000  # tips that a replay looks at, the newest first
log = structlog.get_logger("triage")


@dataclass(frozen=True, slots=True)
class InUse:
    """The rulebook that counts. ``number`` is 0 for the one that came with the program."""

    number: int
    body: str
    rulebook: rulebook.Rulebook

    @property
    def mark(self) -> str:
        """What exactly is applied, at most 32 letters: scores that bear another mark are made anew.

        The word lists are part of it: what a report says is read anew when they change, whoever wrote the rules.
        """
        return f"{self.rulebook.digest}-{rules.VERSION}-{language.lists_digest()}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What another rulebook would change; ``more``: there are older tips that were not looked at.

    ``shown`` names what was compared with what: saving asks for it.
    """

    comparison: rules.Comparison
    shown: str
    unreadable: int  # scores that an earlier program wrote so that they cannot be replayed
    more: bool


class NotShown(Conflict):
    """These rules were not the last whose changes were shown, or others count since. ``code`` for programs."""

    code = "not-previewed"

    def __init__(self) -> None:
        super().__init__(
            "What is saved has to be what was shown: either the text changed since, or other rules count by now. "
            f"Look at what would change now, and save again. [{self.code}]"
        )


def shown(body: str, now: InUse) -> str:
    """Return the name of a comparison of this text with the rules that count: SHA-256 of both, in hex."""
    return hashlib.sha256(f"{now.number}\n{now.mark}\n{body}".encode()).hexdigest()


def current() -> InUse:
    """Return the rulebook that counts. Two queries at most.

    One that the program cannot read any more is passed over for the one before it: a tripwire must not wait for a
    commander to mend the rules.
    """
    for row in models.Rulebook.objects.order_by("-number")[:5]:
        try:
            return InUse(row.number, row.body, _loaded(row.body))
        except RulebookRefused as refused:
            log.error("rulebook-passed-over", number=row.number, why=str(refused))  # noqa: TRY400 - no trace needed
    return InUse(0, _shipped_text(), rulebook.shipped())


@lru_cache(maxsize=8)
def _loaded(body: str) -> rulebook.Rulebook:
    return rulebook.load(body)


def _shipped_text() -> str:
    file = resources.files("nightlight.pipeline.triage") / "data" / f"{rulebook.SHIPPED}.toml"
    return file.read_text(encoding="utf-8")


def save(*, by: Viewer, at: datetime, body: str, reason: str, seen: str) -> models.Rulebook:
    """Make another version of the rules count; every tip is scored by it from now on, the newest first.

    ``seen`` is ``Replay.shown`` of the replay that the commander looked at. Raises NotAllowed for anybody but a
    commander, RulebookRefused for a body that is none, Conflict without a reason, for rules that count already, and
    where somebody else saved theirs in this moment; NotShown where ``seen`` was of another text or other rules.
    """
    _must_command(by)
    told = unit_rules.reason_given(reason)
    if not told:
        raise Conflict(f"Say why the rules change, in at least {unit_rules.SHORTEST_REASON} characters.")
    wanted, now = rulebook.load(body), current()
    if wanted.digest == now.rulebook.digest:
        raise Conflict("These rules count already; nothing would change.")
    if not constant_time_compare(seen, shown(body, now)):
        raise NotShown
    number = (models.Rulebook.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            made = models.Rulebook.objects.create(number=number, body=body, reason=told, by=by.actor, at=at)
            custody.append(
                by=by.actor,
                at=at,
                kind="triage.rulebook-saved",
                subject=f"rulebook:{number}",
                data={
                    "version": wanted.book.version,
                    "preview": seen,
                    "digest": wanted.digest,
                    "body_sha256": hashlib.sha256(body.encode()).hexdigest(),
                    "reason_sha256": hashlib.sha256(told.encode()).hexdigest(),
                },
            )
    except IntegrityError as error:
        raise Conflict("Somebody else has just saved other rules. Look at theirs first.") from error
    return made


def replay(*, by: Viewer, at: datetime, body: str, days: int = 90, at_most: int = AT_MOST) -> Replay:
    """Return what this rulebook would change in the tips of the last ``days``, by the facts their scores kept.

    Both sides are worked out for ``at``, so that time alone makes no difference. Writes nothing, opens no report.
    Raises NotAllowed and RulebookRefused.
    """
    _must_command(by)
    wanted, counts = rulebook.load(body), current()
    now = counts.rulebook
    rows = models.Score.objects.filter(tip__state_at__gte=at - timedelta(days=days), tip__set_apart=False)
    if by.reach is not None:
        rows = rows.filter(tip__unit__in=by.reach)
    found = list(rows.order_by("-tip").values_list("tip__public_id", "body")[: at_most + 1])
    before: dict[str, rules.Score] = {}
    after: dict[str, rules.Score] = {}
    for public_id, kept in found[:at_most]:
        try:
            old = rules.from_json(kept)
        except msgspec.DecodeError:
            continue
        before[public_id] = rules.score_again(old, now, at)
        after[public_id] = rules.score_again(old, wanted, at)
    unreadable = min(len(found), at_most) - len(before)
    return Replay(rules.compare(before, after), shown(body, counts), unreadable, len(found) > at_most)


def _must_command(by: Viewer) -> None:
    if not by.commands:
        raise NotAllowed("The rules of triage are changed by a commander.")
