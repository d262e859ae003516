# SPDX-License-Identifier: Apache-2.0
"""People found in several tips: who they are as far as the viewer sees, why, and where each reason stands.

Of people on the child's side pseudonyms are said and never a value, here as in what is taken away.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.crypto import salted_hmac
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.linking import queries
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.models import Sighting, Subject
from nightlight.pipeline.linking.weights import weights
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from nightlight.pipeline.linking.queries import PersonView, Reason
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

MOST_PLACES = 50  # of one reason, on a page; what is taken away has all
COLUMNS = (
    *("tip", "person", "provider", "received_utc", "kind", "value", "as_sent", "strength", "why", "place", "role"),
    *("seen_utc", "verified", "from_text"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: in which tip, with whom, in which part; ``as_sent`` where it was written otherwise."""

    tip: str
    whose: str
    source: str
    at: datetime | None
    as_sent: str
    verified: bool
    from_text: bool


@dataclass(frozen=True, slots=True)
class ShownReason:
    """A reason in words, and where what it says can be read. ``held`` where the value may not be shown."""

    anchor: str
    ref: str
    strength: str
    label: str
    sentence: str
    kind: str
    value: str
    held: bool
    silenced: bool
    remarks: tuple[str, ...]
    places: tuple[Place, ...]
    more_places: int
    whom: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One of the tips with the person in it; ``ref`` names them in forms."""

    ref: str
    tip: str
    pseudonym: str
    reporter: str
    unit: str
    at: datetime
    here: bool
    other: bool


def found_person(viewer: Viewer, tip: Tip, party: int) -> tuple[Subject, PersonView]:
    asked = Subject.objects.filter(tip=tip, party=party, gone=False).first() if party < 2**15 else None
    if asked is None:
        raise NotFound(_("There is nobody of that number in this tip, or the tip is still being read."))
    return asked, queries.person(viewer, asked.pk)


def oldest_first(view: PersonView) -> list[Subject]:
    return sorted(view.members, key=lambda one: (one.tip.opened_at, one.pk))


def members_of(view: PersonView, asked: Subject) -> dict[int, Member]:
    """The members by key, oldest first; the first of the others is offered to be decided about."""
    ordered = oldest_first(view)
    unit_of = dict(Unit.objects.filter(pk__in={one.tip.unit_id for one in ordered}).values_list("pk", "name"))
    other = next((one.pk for one in ordered if one.pk != asked.pk), None)
    return {
        one.pk: Member(
            ref=f"{one.tip.public_id}.{one.party}",
            tip=one.tip.public_id,
            pseudonym=one.pseudonym,
            reporter=one.tip.reporter.name,
            unit=unit_of[one.tip.unit_id],
            at=one.tip.opened_at,
            here=one.pk == asked.pk,
            other=len(ordered) == 2 and one.pk == other,
        )
        for one in ordered
    }


def reasons_of(view: PersonView, members: Mapping[int, Member]) -> tuple[ShownReason, ...]:
    places = _places(view, members)
    return tuple(
        _reason(number, one, places[one.identifier], view, members) for number, one in enumerate(view.reasons, 1)
    )


def _reason(
    number: int, one: Reason, places: Sequence[Place], view: PersonView, members: Mapping[int, Member]
) -> ShownReason:
    value = "" if view.side is Side.CHILD else readable(one.kind, one.value)
    holders = set(one.subjects)
    return ShownReason(
        anchor=f"reason-{number}",
        ref=ref_of_value(one.identifier),
        strength=one.strength.value,
        label=one.strength.label,
        sentence=f"{capfirst(one.sentence)}.",
        kind=one.kind.label,
        value=value,
        held=not value,
        silenced=one.silenced,
        remarks=tuple(_remarks(one, view.side)),
        places=tuple(places[:MOST_PLACES]),
        more_places=max(0, len(places) - MOST_PLACES),
        whom=tuple((of.tip, of.pseudonym) for subject, of in members.items() if subject in holders),
    )


def readable(kind: Kind, value: str) -> str:
    """Return a value as people say it: what a service calls somebody, and then which service."""
    service, bar, name = value.partition("|")
    return f"{name} ({service})" if bar and kind in {Kind.ACCOUNT, Kind.HANDLE} else value


def _remarks(one: Reason, side: Side) -> Iterator[str]:
    if one.weight:
        need = weights().threshold
        yield _("%(n)d points; %(need)d are enough to propose one person") % {"n": one.weight, "need": need}
    elif not one.silenced:
        yield _("shared by so many that it says nothing")
    more = one.everywhere - len(one.subjects)
    if more > 0:
        words = ngettext("%(n)d more person of a tip has it", "%(n)d more people of tips have it", more)
        yield words % {"n": more}
    if one.other_side:
        seen = _("also seen on the child's side") if side is Side.SUSPECT else _("also seen with reported people")
        yield _("%(seen)s: a remark, never a link") % {"seen": seen}


def _places(view: PersonView, members: Mapping[int, Member]) -> Mapping[int, list[Place]]:
    """Where the values of all reasons stand, by identifier, in order of time. One query."""
    found: defaultdict[int, list[Place]] = defaultdict(list)
    named = {one.identifier for one in view.reasons if one.value}
    for row in sightings_of(view):
        held = view.side is Side.CHILD or not row.value or row.identifier_id not in named
        member = members[row.subject_id or 0]
        found[row.identifier_id].append(
            Place(
                tip=member.tip,
                whose=member.pseudonym,
                source=row.source,
                at=row.at,
                as_sent="" if held or row.as_sent in {row.value, row.value.partition("|")[2]} else row.as_sent,
                verified=bool(row.verified),
                from_text=row.from_text,
            )
        )
    return found


def sightings_of(view: PersonView) -> list[Sighting]:
    """Return every place where a shared value stands with a member, oldest first."""
    shared = [one.identifier for one in view.reasons]
    came = {one.pk: one.tip.opened_at for one in view.members}
    rows = Sighting.objects.filter(identifier__in=shared, subject__in=came)
    return sorted(rows, key=lambda row: (row.at or came[row.subject_id or 0], row.pk))


def ref_of_value(identifier: int) -> str:
    """Return how forms name a value: keys of the database stay inside."""
    return salted_hmac("desk.linked.value", str(identifier)).hexdigest()[:20]


def rows(viewer: Viewer, tip: Tip, party: int) -> list[tuple[str, ...]]:
    """Return rows under ``COLUMNS``: every place of every reason, and the tips that share nothing shown here."""
    asked, view = found_person(viewer, tip, party)
    members, of = members_of(view, asked), {one.identifier: one for one in view.reasons}
    found: list[tuple[str, ...]] = []
    told = set()
    for row in sightings_of(view):
        key, why = row.subject_id or 0, of[row.identifier_id]
        held = view.side is Side.CHILD or not why.value
        told.add(key)
        found.append(
            (
                *_member_cells(members[key]),
                why.kind.label,
                "" if held else row.value,
                "" if held else row.as_sent,
                why.strength.label,
                why.sentence,
                row.source,
                row.role,
                clock.stamp(row.at) if row.at else "",
                {True: "yes", False: "no", None: ""}[row.verified],
                "yes" if row.from_text else "no",
            )
        )
    found += [(*_member_cells(members[key]), *[""] * 10) for key in members if key not in told]
    return sorted(found)


def _member_cells(member: Member) -> tuple[str, str, str, str]:
    return member.tip, member.pseudonym, member.reporter, clock.stamp(member.at)
