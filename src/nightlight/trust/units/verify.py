# SPDX-License-Identifier: Apache-2.0
"""Checks that every unit, post, switched-off person and broken glass is what the custody log says."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.units.models import Glass, Post, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightlight.foundation.canonical_json import Json

# The roles of the time before units; whoever had one then was given a post by a migration, without an entry.
_EARLIER = {"officer": "investigator", "auditor": "auditor", "administrator": "administrator"}


class _Said(NamedTuple):
    subject: str
    actor: str
    data: Mapping[str, Json]


def check() -> Iterator[Problem]:
    """Compare units, posts, people and broken glass with their entries; yield what does not agree."""
    yield from _units()
    yield from _posts()
    yield from _people()
    yield from _glass()


def _units() -> Iterator[Problem]:
    added = {said.subject: said.data for said in _said("unit.added")}
    renamed = {said.subject: said.data["name"] for said in _said("unit.renamed")}  # the last one stays
    there: set[str] = set()
    for unit in Unit.objects.select_related("parent").prefetch_related("areas").order_by("id"):
        where = f"unit:{unit.public_id}"
        there.add(where)
        entered = added.get(where)
        if unit.parent is None:
            # The first unit came with the installation and has no entry; only its name may have been changed since.
            agrees = entered is None and unit.receives and renamed.get(where, unit.name) == unit.name
        else:
            stored = {
                "code": unit.code,
                "name": unit.name,
                "kind": unit.kind,
                "parent": unit.parent.public_id,
                "areas": sorted(area.code for area in unit.areas.all()),
            }
            agrees = entered is not None and stored == {
                **entered,
                "name": renamed.get(where, entered["name"]),
                "areas": sorted(map(str, entered["areas"])),  # type: ignore[arg-type]
            }
        if not agrees:
            yield Problem("unit-altered", where, "It is not what was entered.")
    for where in sorted(added.keys() - there):
        yield Problem("unit-missing", where, "It was entered and is gone.")


def _posts() -> Iterator[Problem]:
    given = {str(said.data["post"]): said for said in _said("post.given")}
    ended = {str(said.data["post"]): said for said in _said("post.ended")}
    earlier = {said.subject: _EARLIER.get(str(said.data.get("role", ""))) for said in _said("person.added")}
    began = Unit.objects.filter(parent__isnull=True).values_list("created_at", flat=True).first()
    there: set[str] = set()
    for post in Post.objects.select_related("user", "unit").order_by("id").iterator():
        where = f"officer:{post.user.public_id}"
        there.add(post.public_id)
        entry, end = given.get(post.public_id), ended.get(post.public_id)
        if entry is None:
            agrees = post.starts_at == began and post.unit.receives and earlier.get(where) == post.role
            until = ""
        else:
            agrees = entry.subject == where and (
                entry.data["unit"],
                entry.data["role"],
                entry.data["rank"],
                _moment(entry.data["starts_at"]),
            ) == (post.unit.public_id, post.role, post.rank, post.starts_at)
            until = entry.data["ends_at"]  # type: ignore[assignment]
        if end is not None:
            until = end.data["ends_at"]  # type: ignore[assignment]
        if not agrees or _moment(until) != post.ends_at:
            yield Problem("post-altered", where, f"The post {post.public_id} is not what was given and ended.")
    for public_id in sorted(given.keys() - there):
        yield Problem("post-missing", given[public_id].subject, f"The post {public_id} was given and is gone.")


def _people() -> Iterator[Problem]:
    switched: dict[str, bool] = {}
    kinds = ("person.suspended", "person.reinstated")
    for subject, kind in Event.objects.filter(kind__in=kinds).order_by("id").values_list("subject", "kind"):
        switched[subject] = kind == "person.reinstated"
    for public_id, active in User.objects.order_by("id").values_list("public_id", "is_active"):
        where = f"officer:{public_id}"
        if switched.get(where, True) != active:
            yield Problem("person-switched", where, "Whether this person may sign in is not what was recorded.")


def _glass() -> Iterator[Problem]:
    broken = {str(said.data["glass"]): said for said in _said("glass.broken")}
    signed: dict[str, list[_Said]] = defaultdict(list)
    for said in _said("glass.signed-off"):
        signed[str(said.data["glass"])].append(said)
    there: set[str] = set()
    for glass in Glass.objects.select_related("user", "unit", "signed_off_by").order_by("id").iterator():
        there.add(glass.public_id)
        entry = broken.get(glass.public_id)
        agrees = entry is not None and (
            entry.subject,
            entry.actor,
            entry.data["holder"],
            entry.data["reason_sha256"],
            _moment(entry.data["until"]),
        ) == (
            glass.subject,
            f"officer:{glass.user.public_id}",
            glass.unit.public_id,
            _digest(glass.reason),
            glass.until,
        )
        answers = [
            (said.actor, said.data["justified"], said.data["finding_sha256"]) for said in signed[glass.public_id]
        ]
        stored = []
        if glass.signed_off_by is not None:
            stored = [(f"officer:{glass.signed_off_by.public_id}", glass.justified, _digest(glass.finding))]
        if not agrees or answers != stored:
            yield Problem("glass-altered", f"glass:{glass.public_id}", "It is not what was recorded and answered for.")
    for public_id in sorted(broken.keys() - there):
        yield Problem("glass-missing", f"glass:{public_id}", "It was recorded and is gone.")


def _said(kind: str) -> Iterator[_Said]:
    found = Event.objects.filter(kind=kind).order_by("id").values_list("subject", "actor", "body")
    for subject, actor, body in found.iterator():
        yield _Said(subject, actor, json.loads(body)["data"])


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
