# SPDX-License-Identifier: Apache-2.0
"""What officers decided about people found in several tips, as pages show it; and what their forms ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk.linked_reasons import found_person, ref_of_value
from nightlight.pipeline.linking import decisions
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Decision, Sighting, Subject, Verdict
from nightlight.pipeline.tips import queries as tips

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from nightlight.outlook.desk.linked_reasons import ShownReason
    from nightlight.pipeline.linking.queries import PersonView
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

_REF = re.compile(r"(.+?)(?:\.([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """What an officer decided, about whom or what, in which tips, and whether a later decision outweighs it."""

    verdict: Verdict
    about: str
    reason: str
    by: str
    at: datetime
    outweighed: bool
    value: str  # how forms name a value that this keeps silent, else empty
    tips: tuple[str, ...]


def values_of(reasons: Sequence[ShownReason]) -> Iterator[tuple[str, str]]:
    """Values that may be said to link nobody: how forms name them, and in words."""
    for one in reasons:
        if not one.silenced:
            yield one.ref, f"{one.kind}: {one.value}" if one.value else f"{one.kind} ({one.sentence})"


def decided(view: PersonView) -> tuple[ShownDecision, ...]:
    """What was decided about these people or about a value of theirs, newest first."""
    them = [one.pk for one in view.members]
    values = Sighting.objects.filter(subject__in=them).values("identifier")
    rows = (
        Decision.objects.filter(Q(first__in=them) | Q(second__in=them) | Q(identifier__in=values))
        .select_related("by", "identifier", "first__tip", "second__tip")
        .order_by("-pk")
    )
    told, about = [], set()
    for row in rows:
        pair = (row.first_id, row.second_id, row.identifier_id)
        told.append(
            ShownDecision(
                verdict=Verdict(row.verdict),
                about=_about(row),
                reason=row.reason,
                by=str(row.by),
                at=row.at,
                outweighed=pair in about,
                value=_kept_silent(row) if pair not in about else "",
                tips=tuple(one.tip.public_id for one in (row.first, row.second) if one is not None),
            )
        )
        about.add(pair)
    return tuple(told)


def _kept_silent(row: Decision) -> str:
    """How forms name the value that a decision which stands keeps silent; nobody takes back what was cleared."""
    value = row.identifier
    silent = row.verdict == Verdict.SILENCE and value is not None and not value.cleared
    return ref_of_value(value.pk) if silent and value is not None else ""


def _about(row: Decision) -> str:
    if row.identifier is not None:
        return Kind(row.identifier.kind).label
    people = [one for one in (row.first, row.second) if one is not None]
    return _(" and ").join(
        _("%(whose)s of %(tip)s") % {"whose": one.pseudonym, "tip": one.tip.public_id} for one in people
    )


def decide(viewer: Viewer, tip: Tip, party: int, *, asked: Mapping[str, str], at: datetime) -> str:
    """Do what a form of the page asks; return what to tell the person. Raises NotAllowed, NotFound, Conflict."""
    subject, view = found_person(viewer, tip, party)
    verdict, reason = asked.get("verdict", ""), asked.get("reason", "")
    if verdict == Verdict.SILENCE:
        identifier = _meant_value(view, asked.get("value", ""))
        decisions.silence(identifier, by=viewer, at=at, reason=reason)
        return _("Recorded: the value links nobody from now on. The proposal is worked out anew.")
    if verdict == Verdict.HEAR:
        decisions.hear(_silenced_value(view, asked.get("value", "")), by=viewer, at=at, reason=reason)
        return _(
            "Recorded: the value links again. What was decided before stays here. The proposal is worked out anew."
        )
    if verdict not in {Verdict.CONFIRM, Verdict.FORBID}:
        raise Conflict(_("Choose whether they are one person or not."))
    first = _meant(viewer, asked.get("first", ""), subject.side)
    second = _meant(viewer, asked.get("second", ""), subject.side)
    if verdict == Verdict.CONFIRM:
        decisions.confirm(first, second, by=viewer, at=at, reason=reason)
        return _("Recorded: these are one person. The proposal is worked out anew.")
    decisions.forbid(first, second, by=viewer, at=at, reason=reason)
    return _("Recorded: these are not one person, whatever they share. The proposal is worked out anew.")


def _meant_value(view: PersonView, ref: str) -> int:
    for one in view.reasons:
        if constant_time_compare(ref_of_value(one.identifier), ref):
            return one.identifier
    raise NotFound(_("That value links nobody here any more. Load the page again."))


def _silenced_value(view: PersonView, ref: str) -> int:
    """The key of a value of these people about which somebody decided; they may share it with nobody here now."""
    mine = Sighting.objects.filter(subject__in=[one.pk for one in view.members]).values("identifier")
    decided = Decision.objects.filter(identifier__in=mine).values_list("identifier_id", flat=True).distinct()
    for identifier in decided:
        if identifier is not None and constant_time_compare(ref_of_value(identifier), ref):
            return identifier
    raise NotFound(_("No officer silenced that value, or nobody here has it any more. Load the page again."))


def _meant(viewer: Viewer, ref: str, side: str) -> int:
    """The key of the person that a form names: a tip, with a number where it has several on this side."""
    told = _REF.fullmatch(ref.strip())
    try:
        public_id = public_ids.normalise(told[1]) if told else ""
    except ValueError:
        public_id = ""
    if told is None or not public_id:
        raise NotFound(_("Say which tip: an identifier like NL-7F3K-9QTX."))
    there = list(Subject.objects.filter(tip=tips.tip(viewer, public_id), side=side, gone=False).order_by("party"))
    if told[2] is not None:
        there = [one for one in there if one.party == int(told[2])]
    if not there:
        raise NotFound(_("There is nobody of that number in tip %(tip)s.") % {"tip": public_id})
    if len(there) > 1:
        which = ", ".join(f"{public_id}.{one.party} ({one.pseudonym})" for one in there)
        raise Conflict(_("That tip is about several people. Say which: %(which)s.") % {"which": which})
    return there[0].pk
