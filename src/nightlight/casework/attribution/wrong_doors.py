# SPDX-License-Identifier: Apache-2.0
"""The wrong-door register: near misses and errors, each on the path that produced it. Counted, never removed.

Near misses are noted by themselves when a return was read. Whoever works on a tip records what came out later. Neither
names a person. What stands here is said again wherever the same path is about to be relied on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from nightlight.casework.attribution.models import Request, Return, ReturnState, WrongDoor
from nightlight.casework.attribution.request_steps import digest
from nightlight.casework.attribution.wrong_door_kinds import BY_HAND, PATHS, Caution, DoorKind, Path, caution, path_of
from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.foundation.storable import storable
from nightlight.pipeline.triage.capacity import likely_share
from nightlight.trust.accounts.models import Reporter, Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.rules import SHORTEST_REASON

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.casework.attribution.returns.answers import Answer
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

RECORDS = frozenset(
    {Role.INTAKE_ANALYST, Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER, Role.AUDITOR},
)
_LONGEST_NOTE = 2000


@transaction.atomic
def record(
    *,
    by: Viewer,
    at: datetime,
    tip: Tip,
    path: str,
    kind: str,
    reached: bool,
    note: str,
    request: Request | None = None,
) -> WrongDoor:
    """Record what a person found out: ``reached`` says that somebody unconnected was troubled.

    ``note`` says what happened, without names. Raises NotAllowed and Conflict.
    """
    if not by.may(RECORDS):
        raise NotAllowed(_("Wrong doors are recorded by those who work on tips, and by auditors."))
    if kind not in BY_HAND:
        raise Conflict(_("Choose what went wrong."))
    what, _colon, which = path.partition(":")
    if what not in PATHS or not which.strip() or len(path) > 120 or not storable(path):
        raise Conflict(_("Say on which path it came about: the operator, the reporter, the layout or the list."))
    said = note.strip()
    if len(said) < SHORTEST_REASON or len(said) > _LONGEST_NOTE or not storable(said):
        raise Conflict(_("Say in a sentence or two what happened, without the names of people."))
    return _add(by.actor, at, tip, path, DoorKind(kind), reached=reached, note=said, request=request)


def note_near_misses(found: Return, answers: Sequence[Answer], *, by: str, at: datetime) -> int:
    """Note the near misses of a return that was just read, once for each request, line, kind and path; return how many.

    In the transaction of the reading.
    """
    request = found.request
    tip = request.tip
    known = set(WrongDoor.objects.filter(request=request).values_list("path", "kind", "note"))
    noted = 0
    for answer in answers:
        for near in answer.near_misses:
            path = path_of(near, operator=request.operator, reporter=tip.reporter.public_id)
            kind, note = DoorKind(str(near.kind)), f"line {near.key}"
            if (path, kind.value, note) not in known:
                known.add((path, kind.value, note))
                _add(by, at, tip, path, kind, reached=False, note=note, request=request)
                noted += 1
    return noted


def register(viewer: Viewer) -> list[Path]:
    """What stands against each path in the tips that the viewer sees, the worst first."""
    return _paths(WrongDoor.objects.all()) if viewer.reads_tips else []


def entries(viewer: Viewer, path: str = "", most: int = 100) -> list[WrongDoor]:
    """The newest entries, of one path where it is named."""
    if not viewer.reads_tips:
        return []
    rows = WrongDoor.objects.select_related("tip", "request").order_by("-pk")
    return list(rows.filter(path=path)[:most] if path else rows[:most])


def cautions(paths: Iterable[str]) -> tuple[Caution, ...]:
    """What to know before relying on these paths; nothing of a path without entries."""
    wanted = sorted(set(paths))
    return tuple(caution(one) for one in _paths(WrongDoor.objects.filter(path__in=wanted))) if wanted else ()


def paths_of(request: Request) -> tuple[str, ...]:
    """The paths by which a request leads somewhere: its operator and whoever reported the tip."""
    return (f"operator:{request.operator}", f"reporter:{request.tip.reporter.public_id}")


def layout_path(found: Return) -> str:
    """The path that is the layout of a return; empty where it was read by none."""
    if found.layout is not None:
        return f"layout:{found.layout.operator} {found.layout.fingerprint[:8]}"
    return f"layout:{found.built_in}" if found.built_in else ""


def _add(
    by: str, at: datetime, tip: Tip, path: str, kind: DoorKind, *, reached: bool, note: str, request: Request | None
) -> WrongDoor:
    made = WrongDoor.objects.create(
        public_id=public_ids.new("WD"),
        path=path,
        kind=kind.value,
        reached=reached,
        tip=tip,
        request=request,
        note=note,
        by=by,
        at=at,
    )
    custody.append(
        by=by,
        at=at,
        kind="attribution.wrong-door",
        subject=f"tip:{tip.public_id}",
        data={
            "wrong_door": made.public_id,
            "path": path,
            "what": kind.value,
            "reached": reached,
            "request": request.public_id if request else "",
            "note_sha256": digest(note),
        },
    )
    return made


def _paths(rows: QuerySet[WrongDoor]) -> list[Path]:
    near: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    last: dict[str, datetime] = {}
    for path, kind, wrong, at in rows.values_list("path", "kind", "reached", "at"):
        (reached if wrong else near)[path] += 1
        kinds[path][kind] += 1
        last[path] = max(at, last.get(path, at))
    used = _used(kinds)
    reporters = [path.removeprefix("reporter:") for path in kinds if path.startswith("reporter:")]
    names = dict(Reporter.objects.filter(public_id__in=reporters).values_list("public_id", "name"))
    found = [
        Path(
            path,
            near[path],
            reached[path],
            max(used[path], near[path] + reached[path]) if used[path] else 0,
            _least(near[path] + reached[path], used[path]),
            tuple(sorted(kinds[path].items(), key=lambda one: (-one[1], one[0]))),
            last[path],
            names.get(path.removeprefix("reporter:"), ""),
        )
        for path in kinds
    ]
    return sorted(found, key=lambda one: (-one.reached, -one.near, one.path))


def _least(wrong: int, used: int) -> int | None:
    """The least share of answers, in 100, that can be taken as right."""
    span = likely_share(min(wrong, used), used)
    return None if span is None else int(100 * (1 - span[1]))


def _used(paths: Iterable[str]) -> Counter[str]:
    """How many lines were answered by each path, in the tips that are seen."""
    wanted = set(paths)
    used: Counter[str] = Counter()
    named = {which: {one.partition(":")[2] for one in wanted if one.startswith(f"{which}:")} for which in PATHS}
    if not wanted:
        return used
    by_either = Q(operator__in=named["operator"]) | Q(tip__reporter__public_id__in=named["reporter"])
    answered = Request.objects.filter(by_either, pk__in=Return.objects.filter(state=ReturnState.READ).values("request"))
    for operator, reporter, lines in answered.values_list("operator", "tip__reporter__public_id", "lines"):
        used[f"operator:{operator}"] += lines
        used[f"reporter:{reporter}"] += lines
    if named["layout"]:
        of_layouts = Return.objects.filter(state=ReturnState.READ).select_related("layout", "request")
        for one in of_layouts.defer("answers", "bad", "proposal"):
            if (path := layout_path(one)) in wanted:
                used[path] += one.request.lines
    return used
