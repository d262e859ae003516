# SPDX-License-Identifier: Apache-2.0
"""Checks that every offer, receipt, stop and seal is what the custody log says, and that none is missing."""

from __future__ import annotations

import json
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nightlight.pipeline.routing import recording
from nightlight.pipeline.routing.models import Offer, OfferState, Receipt, ReceiptKind, Seal, Stop
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

BATCH = 500
_STEPS = {
    ReceiptKind.SENT: OfferState.SENT,
    ReceiptKind.DELIVERED: OfferState.DELIVERED,
    ReceiptKind.OPENED: OfferState.OPENED,
    ReceiptKind.ACCEPTED: OfferState.ACCEPTED,
    ReceiptKind.BOUNCED: OfferState.BOUNCED,
    ReceiptKind.RECALLED: OfferState.RECALLED,
    ReceiptKind.GIVEN_BACK: OfferState.ACCEPTED,
}
_ENDS = frozenset({ReceiptKind.ACCEPTED, ReceiptKind.BOUNCED, ReceiptKind.RECALLED, ReceiptKind.GIVEN_BACK})


class Code(StrEnum):
    """What can be wrong with hand-overs."""

    OFFER_ALTERED = "offer-altered"
    OFFER_STATE = "offer-state"
    RECEIPT_ALTERED = "receipt-altered"
    RECEIPT_MISSING = "receipt-missing"
    CLOCK_ALTERED = "clock-altered"
    SEAL_ALTERED = "seal-altered"


def check() -> Iterator[Problem]:
    """Compare offers with their receipts, and receipts, stops and seals with their entries; yield what disagrees."""
    yield from _offers()
    yield from _missing()
    yield from _stops()
    yield from _seals()


def _offers() -> Iterator[Problem]:
    last = 0
    rows = Offer.objects.select_related("tip", "from_unit", "to_unit", "previous").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        receipts: dict[int, list[Receipt]] = defaultdict(list)
        for one in Receipt.objects.filter(offer__in=batch).order_by("pk"):
            receipts[one.offer_id].append(one)
        entries = Event.objects.in_bulk([one.event for found in receipts.values() for one in found])
        for row in batch:
            for one in receipts[row.pk]:
                yield from _receipt(row, one, entries.get(one.event))
            yield from _offer(row, receipts[row.pk])
        last = batch[-1].pk


def _receipt(row: Offer, one: Receipt, entry: Event | None) -> Iterator[Problem]:
    said: tuple[object, ...] = ()
    if entry is not None:
        said = (entry.kind, entry.actor, entry.at, entry.subject, json.loads(entry.body)["data"])
    kept = recording.KINDS[ReceiptKind(one.kind)], one.by, one.at, f"tip:{row.tip.public_id}", recording.facts(one)
    if said != kept or kept[-1].get("offer") != row.public_id:
        yield Problem(
            Code.RECEIPT_ALTERED, f"offer {row.public_id}", f"The receipt {one.kind} is not what the custody log says."
        )


def _offer(row: Offer, receipts: Sequence[Receipt]) -> Iterator[Problem]:
    where = f"offer {row.public_id}"
    begun = next((one for one in receipts if one.kind in {ReceiptKind.SENT, ReceiptKind.GIVEN_BACK}), None)
    if begun is None or (begun.kind == ReceiptKind.GIVEN_BACK) is not row.given_back:
        yield Problem(Code.RECEIPT_MISSING, where, "There is no receipt of how it began.")
        return
    if not _as_sent(row, begun):
        yield Problem(Code.OFFER_ALTERED, where, "What was offered, to whom or by whom is not what the log says.")
    ends = [one for one in receipts if one.kind in _ENDS]
    steps = [_STEPS[ReceiptKind(one.kind)] for one in ends or receipts if one.kind in _STEPS]
    meant = max(steps, key=list(OfferState).index)
    if len(ends) > 1 or row.state != meant:
        yield Problem(Code.OFFER_STATE, where, f"It is {row.state}; its receipts say {meant}.")
    elif ends and not _as_ended(row, ends[0]):
        yield Problem(Code.OFFER_ALTERED, where, "Who ended it, when or why is not what the log says.")


def _as_sent(row: Offer, begun: Receipt) -> bool:
    said = recording.facts(begun)
    kept: dict[str, Any] = {
        "offer": row.public_id,
        "tip": row.tip.public_id,
        "from": row.from_unit.public_id,
        "to": row.to_unit.public_id,
        "kind": row.kind,
        "previous": row.previous.public_id if row.previous else None,
    }
    if not row.given_back:
        kept |= {
            "why": row.why,
            "automatic": row.automatic,
            "parties": json.loads(row.parties),
            "note_sha256": recording.digest(row.note) if row.note else None,
        }
    return begun.by == row.by and begun.at == row.sent_at and all(said.get(key) == value for key, value in kept.items())


def _as_ended(row: Offer, end: Receipt) -> bool:
    said = recording.facts(end)
    told = {"code": row.bounce_code or None, "reason_sha256": recording.digest(row.answer) if row.answer else None}
    if end.kind == ReceiptKind.BOUNCED and not row.answer:
        told.pop("reason_sha256")  # another installation need not say more than a code
    return (row.answered_by, row.answered_at) == (end.by, end.at) and all(
        said.get(key) == value for key, value in told.items()
    )


def _missing() -> Iterator[Problem]:
    last = 0
    entries = Event.objects.filter(kind__in=sorted(recording.KINDS.values())).order_by("pk")
    while batch := list(entries.filter(pk__gt=last).values_list("pk", "subject", "kind")[:BATCH]):
        there = set(Receipt.objects.filter(event__in=[pk for pk, _, _ in batch]).values_list("event", flat=True))
        for pk, subject, kind in batch:
            if pk not in there:
                yield Problem(Code.RECEIPT_MISSING, subject, f"The log holds {kind} and there is no receipt of it.")
        last = batch[-1][0]


def _stops() -> Iterator[Problem]:
    for row in Stop.objects.select_related("tip", "unit").order_by("pk").iterator(BATCH):
        began = _said("routing.clock-stopped", row.tip.public_id, row.unit.public_id)
        note = recording.digest(row.note) if row.note else None
        ended = _said("routing.clock-started", row.tip.public_id, row.unit.public_id)
        fits = (row.by, row.at, row.reason, note) in [
            (event.actor, event.at, data["reason"], data["note_sha256"]) for event, data in began
        ]
        if row.ended_at is not None:
            fits = fits and row.ended_by in [event.actor for event, data in ended if event.at >= row.ended_at]
        if not fits:
            yield Problem(Code.CLOCK_ALTERED, f"tip:{row.tip.public_id}", "A stop of a clock is not what the log says.")


def _seals() -> Iterator[Problem]:
    sealed = {}
    for row in Seal.objects.select_related("tip", "unit").order_by("pk").iterator(BATCH):
        sealed[row.tip.public_id] = row
        told = [
            (event.actor, event.at, data["reason_sha256"])
            for event, data in _said("routing.sealed", row.tip.public_id, row.unit.public_id)
        ]
        if told != [(row.by, row.at, recording.digest(row.reason))]:
            yield Problem(Code.SEAL_ALTERED, f"tip:{row.tip.public_id}", "Its seal is not what the custody log says.")
    for subject in _subjects(Event.objects.filter(kind="routing.sealed")):
        if subject.removeprefix("tip:") not in sealed:
            yield Problem(Code.SEAL_ALTERED, subject, "It was sealed; the seal is gone.")


def _subjects(entries: QuerySet[Event]) -> Iterator[str]:
    return entries.order_by("pk").values_list("subject", flat=True).iterator(BATCH)


def _said(kind: str, tip: str, unit: str) -> list[tuple[Event, dict[str, Any]]]:
    entries = Event.objects.filter(kind=kind, subject=f"tip:{tip}").order_by("pk")
    told = [(entry, json.loads(entry.body)["data"]) for entry in entries]
    return [(entry, data) for entry, data in told if data.get("unit") == unit]
