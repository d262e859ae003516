# SPDX-License-Identifier: Apache-2.0
"""A partner's token asks by digest; the database counts, answers and tells our units, all in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from nightlight.foundation.refusals import Refusal
from nightlight.pipeline.linking.deconfliction.asking import SERVICE, log_told, notice_ids
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.accounts.queries import TokenLogin

_ASK = "SELECT linking_partner_ask(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


class NotOfRing(Refusal):
    """The token belongs to no partner of the ring that is asked about."""


class NoSuchEpoch(Refusal):
    """Nothing is prepared here under a key of that epoch."""


class TooMuch(Refusal):
    """The partner has asked for as much as it may in a day; in ``seconds`` something is free again."""

    def __init__(self, reason: str, *, seconds: int, left: int) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.left = left


@dataclass(frozen=True, slots=True)
class Question:
    """What a partner asks, and whom we are to call."""

    ring: str
    epoch: str
    digests: tuple[bytes, ...]
    unit: str
    call: str


@dataclass(frozen=True, slots=True)
class Told:
    """One digest that a unit holds: of which kind, since which month ("2026-03"), and whom to call there."""

    digest: str
    kind: str
    unit: str
    call: str
    since: str


def answer(question: Question, *, by: TokenLogin, at: datetime) -> Sequence[Told]:
    """Return which of the digests are held here, by which units. Raises NotOfRing, NoSuchEpoch and TooMuch.

    The asking is counted and recorded, and the units concerned are told, before anything is returned.
    """
    with transaction.atomic():
        with identity.acting_as(service=SERVICE), connection.cursor() as cursor:
            cursor.execute(
                _ASK,
                [
                    by.token_id,
                    question.ring,
                    question.epoch,
                    list(question.digests),
                    question.unit,
                    question.call,
                    settings.NIGHTLIGHT_DECONFLICTION_DAILY,
                    at,
                    notice_ids(),
                ],
            )
            (said,) = cursor.fetchone()
        found: dict[str, Any] = said if isinstance(said, dict) else json.loads(said)
        refusal = _refusal(found)
        if found.get("partner"):
            subject = f"partner:{found['partner']}"
            data: dict[str, Json] = {
                "ring": question.ring,
                "epoch": question.epoch,
                "digests": len(set(question.digests)),
            }
            if refusal is None:
                data["held"] = found["hits"]
                custody.append(by=by.actor, at=at, kind="deconfliction.partner-asked", subject=subject, data=data)
                log_told(found["told"], by=by.actor, at=at, to=subject)
            elif found["first"]:  # one that keeps asking does not fill the log
                data["why"] = found["problem"]
                custody.append(by=by.actor, at=at, kind="deconfliction.partner-refused", subject=subject, data=data)
    if refusal is not None:
        raise refusal
    return [Told(one["digest"], one["kind"], one["unit"], one["call"], one["since"]) for one in found["held"]]


def _refusal(found: dict[str, Any]) -> Refusal | None:
    match found["problem"]:
        case "ring":
            return NotOfRing("This token belongs to no partner of that ring.")
        case "epoch":
            return NoSuchEpoch(
                "Nothing is prepared here under a key of that epoch; agree with your partner on the epoch."
            )
        case "limit":
            return TooMuch(
                f"At most {settings.NIGHTLIGHT_DECONFLICTION_DAILY} digests in 24 hours.",
                seconds=int(found["seconds"]),
                left=int(found["left"]),
            )
    return None
