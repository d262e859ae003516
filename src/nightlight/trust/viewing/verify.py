# SPDX-License-Identifier: Apache-2.0
"""Checks that every look, finding and export is what the custody log says, and that none is missing from either."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.viewing import actions, exporting
from nightlight.trust.viewing.models import Assessment, Export, ExportState, Exposure, State, Viewing, Warrant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH = 500


class Code(StrEnum):
    """What can be wrong with looks and exports."""

    VIEWING_ALTERED = "viewing-altered"
    VIEWING_STATE = "viewing-state"
    VIEWING_MISSING = "viewing-missing"
    EXPOSURE_ALTERED = "exposure-altered"
    ASSESSMENT_ALTERED = "assessment-altered"
    WARRANT_ALTERED = "warrant-altered"
    EXPORT_ALTERED = "export-altered"
    EXPORT_MISSING = "export-missing"


def check() -> Iterator[Problem]:
    """Compare viewings, exposures, assessments, warrants and exports with their events; yield what does not agree."""
    yield from _viewings()
    yield from _gone("evidence.viewing-asked", "viewing", Viewing.objects.all(), Code.VIEWING_MISSING)
    yield from _warrants()
    yield from _exports()
    yield from _gone("export.asked", "export", Export.objects.all(), Code.EXPORT_MISSING)


def _viewings() -> Iterator[Problem]:
    last = 0
    rows = Viewing.objects.select_related("item__blob", "user").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        said = _said("viewing", {actions.item_subject(row) for row in batch})
        exposures: dict[int, list[Exposure]] = defaultdict(list)
        for exposure in Exposure.objects.filter(viewing__in=batch).order_by("pk"):
            exposures[exposure.viewing_id].append(exposure)
        assessed = {one.viewing_id: one for one in Assessment.objects.filter(viewing__in=batch)}
        for row in batch:
            told = said.get(row.public_id, {})
            yield from _viewing(row, told)
            yield from _exposures(row, exposures[row.pk], told)
            yield from _assessment(row, assessed.get(row.pk), told)
        last = batch[-1].pk


def _viewing(row: Viewing, told: dict[str, list[dict[str, Any]]]) -> Iterator[Problem]:
    where = f"viewing {row.public_id}"
    asked = told.get(actions.ASKED, [])
    if [one["data"] for one in asked] != [actions.asked_data(row)] or asked[0]["by"] != row.person:
        yield Problem(Code.VIEWING_ALTERED, where, "It was not asked as the custody log says.")
    meant = State.ASKED
    if "evidence.rendition-refused" in told:
        meant = State.REFUSED
    elif "evidence.viewing-closed" in told:
        meant = State.CLOSED
    elif "evidence.rendered" in told:
        meant = State.READY
    if row.state != meant:
        yield Problem(Code.VIEWING_STATE, where, f"It is {row.state}; by the custody log it is {meant.value}.")
    if row.overrode and "exposure.limit-overridden" not in told:
        yield Problem(Code.VIEWING_STATE, where, "A limit was overridden; the custody log does not say so.")


def _exposures(row: Viewing, found: list[Exposure], told: dict[str, list[dict[str, Any]]]) -> Iterator[Problem]:
    where = f"viewing {row.public_id}"
    kept = Counter((one.mode, one.number, one.weight) for one in found if one.milliseconds is None)
    said = told.get("evidence.shown", [])
    logged = Counter((one["data"]["mode"], one["data"]["number"], one["data"]["weight"]) for one in said)
    if kept != logged or any(one.user_id != row.user_id for one in found):
        yield Problem(Code.EXPOSURE_ALTERED, where, "The ledger does not hold the looks that the custody log holds.")
    for closed in told.get("evidence.viewing-closed", []):
        sums = (sum(one.weight for one in found), sum(one.milliseconds or 0 for one in found))
        if sums != (closed["data"]["weight"], closed["data"]["milliseconds"]):
            yield Problem(Code.EXPOSURE_ALTERED, where, "The sums of the ledger are not those of the custody log.")


def _assessment(row: Viewing, found: Assessment | None, told: dict[str, list[dict[str, Any]]]) -> Iterator[Problem]:
    said = [(one["by"], one["data"]["outcome"], one["data"]["violent"]) for one in told.get("evidence.assessed", [])]
    kept = []
    if found is not None:
        by = row.person if found.user_id == row.user_id and found.blob_id == row.item.blob_id else ""
        kept = [(by, found.outcome, found.violent)]
    if said != kept:
        yield Problem(
            Code.ASSESSMENT_ALTERED, f"viewing {row.public_id}", "What was found is not what the custody log says."
        )


def _warrants() -> Iterator[Problem]:
    for row in Warrant.objects.select_related("item").order_by("pk").iterator():
        told = _said("warrant", {f"item:{row.item.public_id}"}).get(row.public_id, {})
        said = [one["data"] for one in told.get("evidence.warrant-recorded", [])]
        words = actions.sha256(f"{row.number}\n{row.court}")
        kept = {"warrant": row.public_id, "words_sha256": words, "issued_on": row.issued_on.isoformat()}
        if said != [kept]:
            yield Problem(Code.WARRANT_ALTERED, f"warrant {row.public_id}", "It is not what the custody log says.")


_EXPORT_STATES = {
    "export.written": ExportState.WRITTEN,
    "export.expired": ExportState.EXPIRED,
    "export.refused": ExportState.REFUSED,
    "export.approved": ExportState.APPROVED,
}


def _exports() -> Iterator[Problem]:
    for row in Export.objects.select_related("user", "decided_by").order_by("pk").iterator():
        where = f"export {row.public_id}"
        told = _said("export", {row.subject}).get(row.public_id, {})
        asked = [(one["by"], one["data"]) for one in told.get("export.asked", [])]
        if asked != [(f"officer:{row.user.public_id}", exporting.asked_data(row))]:
            yield Problem(Code.EXPORT_ALTERED, where, "It was not asked as the custody log says.")
        meant = next((state for kind, state in _EXPORT_STATES.items() if kind in told), ExportState.ASKED)
        decided = [one["by"] for kind in ("export.approved", "export.refused") for one in told.get(kind, [])]
        kept = [f"officer:{row.decided_by.public_id}"] if row.decided_by else []
        if row.state != meant or decided != kept:
            yield Problem(Code.EXPORT_ALTERED, where, f"It is {row.state}; the custody log says otherwise.")


def _said(name: str, subjects: Iterable[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the events about these subjects by the id under ``name`` in their data, and by kind."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    events = Event.objects.filter(subject__in=list(subjects)).order_by("pk")
    for kind, body in events.values_list("kind", "body"):
        said = json.loads(body)
        which = said["data"].get(name)
        if isinstance(which, str):
            found.setdefault(which, {}).setdefault(kind, []).append(said)
    return found


def _gone(kind: str, name: str, rows: Any, code: Code) -> Iterator[Problem]:  # noqa: ANN401 - either table
    last = 0
    events = Event.objects.filter(kind=kind).order_by("pk")
    while batch := list(events.filter(pk__gt=last).values_list("pk", "body")[:BATCH]):
        ids = [json.loads(body)["data"][name] for _, body in batch]
        there = set(rows.filter(public_id__in=ids).values_list("public_id", flat=True))
        for one in ids:
            if one not in there:
                yield Problem(code, f"{name} {one}", "It was asked for; the record is gone.")
        last = batch[-1][0]
