# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/deconfliction: a partner asks by digest who holds an identifier here, and learns whom to call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import JsonResponse

from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal
from nightlight.outlook.api.access import for_scope
from nightlight.outlook.api.problems import problem
from nightlight.pipeline.linking.deconfliction import rules
from nightlight.pipeline.linking.deconfliction.answering import NoSuchEpoch, NotOfRing, Question, TooMuch, answer
from nightlight.trust.accounts.models import Scope

if TYPE_CHECKING:
    from nightlight.outlook.api.access import ApiRequest

_FIELDS = frozenset({"ring", "epoch", "digests", "call"})
_CALL = frozenset({"unit", "contact"})
_LARGEST = 32_768  # bytes; 200 digests are 7,000
_HEX = frozenset("0123456789abcdef")


class Unclear(Refusal):
    """The question cannot be read; ``kind`` says to a program what is wrong."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@for_scope(Scope.DECONFLICTION_ASK, "POST")
def ask(request: ApiRequest) -> JsonResponse:
    """Say which of the digests are held here; what is not held is not in the answer."""
    try:
        question = read(request.body if _size(request) <= _LARGEST else None)
        told = answer(question, by=request.login, at=clock.now())
    except Unclear as unclear:
        return problem(400, unclear.kind, unclear.reason)
    except NotOfRing as refusal:
        return problem(403, "ring", refusal.reason)
    except NoSuchEpoch as refusal:
        return problem(409, "epoch", refusal.reason)
    except TooMuch as refusal:
        refused = problem(429, "limit", refusal.reason, left=refusal.left)
        refused.headers["Retry-After"] = str(refusal.seconds)
        return refused
    here = settings.NIGHTLIGHT_DECONFLICTION_NAME
    nobody = f"No contact is set; ask the administrator of {here}."
    held = [
        {
            "digest": one.digest,
            "kind": one.kind,
            "since_month": one.since,
            "call": {"installation": here, "unit": one.unit, "contact": one.call or nobody},
        }
        for one in told
    ]
    return JsonResponse({"ring": question.ring, "epoch": question.epoch, "held": held})


def read(body: bytes | None) -> Question:
    """Return what a body asks; None for one that is too large. Raises Unclear."""
    if body is None:
        raise Unclear("size", f"A question is at most {_LARGEST} bytes.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Unclear("json", "The body is no JSON.") from None
    if not isinstance(told, dict) or set(told) != _FIELDS:
        raise Unclear("fields", f"A question is an object with {', '.join(sorted(_FIELDS))}, and nothing else.")
    for name in ("ring", "epoch"):
        if not isinstance(told[name], str) or not rules.name_of_ring(told[name]):
            raise Unclear(name, f"The {name} is small letters, digits and hyphens, at most 40.")
    return Question(told["ring"], told["epoch"], _digests(told["digests"]), *_call(told["call"]))


def _digests(told: object) -> tuple[bytes, ...]:
    if not isinstance(told, list) or not told:
        raise Unclear("digests", "Give a list of digests.")
    if len(told) > rules.MOST_AT_ONCE:
        raise Unclear("too-many", f"At most {rules.MOST_AT_ONCE} digests in a question.")
    if not all(isinstance(one, str) and len(one) == 2 * rules.SIZE and set(one) <= _HEX for one in told):
        raise Unclear("digests", f"A digest is {2 * rules.SIZE} hex digits, small letters.")
    return tuple(bytes.fromhex(one) for one in told)


def _call(told: object) -> tuple[str, str]:
    """Whom we are to call: two that hold one value both learn of it, so nobody asks without a number of their own."""
    if not isinstance(told, dict) or set(told) != _CALL or not all(isinstance(one, str) for one in told.values()):
        raise Unclear("call", "Say whom to call at yours: an object with unit and contact.")
    unit, contact = rules.one_line(told["unit"], most=200), rules.one_line(told["contact"])
    if not unit or not contact:
        raise Unclear("call", "Say whom to call at yours: neither unit nor contact may be empty.")
    return unit, contact


def _size(request: ApiRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0
