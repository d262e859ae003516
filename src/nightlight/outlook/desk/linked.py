# SPDX-License-Identifier: Apache-2.0
"""What pages say of people found in several tips: a proposal, its reasons, and what officers decided about it.

Of people on the child's side pseudonyms are said and never a value, here as in what is taken away.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.outlook.desk import linked_decisions, linked_drawing
from nightlight.outlook.desk.linked_drawing import Point, Shared
from nightlight.outlook.desk.linked_reasons import found_person, members_of, oldest_first, reasons_of, ref_of_value
from nightlight.pipeline.linking import decisions, queries
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.models import Sighting, Subject, Verdict
from nightlight.pipeline.linking.queries import Strength
from nightlight.pipeline.linking.weights import weights
from nightlight.pipeline.tips import seeing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from nightlight.outlook.desk.linked_decisions import ShownDecision
    from nightlight.outlook.desk.linked_reasons import Member, ShownReason
    from nightlight.outlook.desk.network import TimeLine
    from nightlight.pipeline.linking.queries import PersonView, Reason, Taken
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

MOST_PAIRS = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """One strength to filter by."""

    label: str
    number: int
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """Everything the page of a linked person shows."""

    title: str
    pseudonym: str
    child: bool
    next_step: str
    next_anchor: str
    next_word: str
    tips: int
    beyond: int
    counted: Mapping[str, int]
    filters: tuple[Choice, ...]
    shown: bool  # whether there is any reason, of whatever strength
    reasons: tuple[ShownReason, ...]
    links: tuple[ShownReason, ...]
    pairs: tuple[tuple[Member, Member, str], ...]
    more_pairs: int
    members: tuple[Member, ...]
    more_members: int
    drawing: TimeLine | None
    graph: dict[str, object]
    undrawn: int
    decisions: tuple[ShownDecision, ...]
    decides: bool
    values: tuple[tuple[str, str], ...]
    threshold: int
    names_tips: frozenset[str]  # every tip of which the page shows anything


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Somebody of a tip who is found in others too, in a line: "also in 2 other tips (strong: same device ...)"."""

    party: int
    pseudonym: str
    told: str
    why: str
    beyond: str


def page(viewer: Viewer, tip: Tip, party: int, *, strength: str, at: datetime) -> LinkedPage:
    """Return the page of somebody of a tip; ``strength`` leaves reasons of that strength. Raises NotFound."""
    asked, view = found_person(viewer, tip, party)
    zone = ZoneInfo(settings.ENVIRONMENT.zone)
    child = view.side is Side.CHILD
    members = members_of(view, asked)
    reasons = reasons_of(view, members)
    chosen = strength if strength in set(Strength) else ""
    counted = {one.value: sum(reason.strength == one for reason in reasons) for one in Strength}
    kept = tuple(reason for reason in reasons if chosen in {"", reason.strength})
    links = tuple(reason for reason in kept if chosen or reason.strength != Strength.NONE)
    points = tuple(
        Point(one.pk, one.tip.public_id, one.pseudonym, one.tip.reporter.name, one.tip.opened_at)
        for one in oldest_first(view)
    )
    of = {ref_of_value(one.identifier): one for one in view.reasons}
    drawn = linked_drawing.graph(points, [_drawn(one, of[one.ref]) for one in links], _confirmed(view))
    decided = linked_decisions.decided(view)
    step, anchor, word = _next_step(view, counted, decided)
    return LinkedPage(
        title=_title(view, zone, at),
        pseudonym=asked.pseudonym,
        child=child,
        next_step=step,
        next_anchor=anchor,
        next_word=word,
        tips=view.tips + view.more,
        beyond=view.hidden,
        counted=counted,
        filters=_filters(tip, party, chosen, counted),
        shown=bool(reasons),
        reasons=kept,
        links=links,
        pairs=tuple(_pairs(view, members))[:MOST_PAIRS],
        more_pairs=max(0, len(view.joins) - MOST_PAIRS),
        members=tuple(members.values()),
        more_members=view.more,
        drawing=linked_drawing.time_line(points, _seen(reasons), zone),
        graph={"nodes": drawn.nodes, "edges": drawn.edges},
        undrawn=drawn.undrawn,
        decisions=decided,
        decides=viewer.may(decisions.DECIDES) and seeing.works_with(viewer, tip, at),
        values=tuple(linked_decisions.values_of(reasons)),
        threshold=weights().threshold,
        names_tips=frozenset(one.tip for one in members.values()).union(*(one.tips for one in decided)),
    )


def _title(view: PersonView, zone: ZoneInfo, at: datetime) -> str:
    when = linked_drawing.span(view.first_at, view.last_at, zone, at)
    if view.tips == 1 and not view.hidden:
        return _("In one tip only, %(when)s") % {"when": when}
    number, reporters = view.tips + view.more, len(view.reporters)
    tips = _("at least %(n)d tips") if view.many else ngettext("%(n)d tip", "%(n)d tips", number)
    told = {
        "tips": tips % {"n": number},
        "providers": ngettext("%(n)d provider", "%(n)d providers", reporters) % {"n": reporters},
        "when": when,
    }
    return _("Proposed as one person: %(tips)s from %(providers)s, %(when)s") % told


def _next_step(view: PersonView, counted: Mapping[str, int], decided: Sequence[ShownDecision]) -> tuple[str, str, str]:
    """What to do next, where on the page, and the word of the link there."""
    if view.hidden:
        said = _("Ask who else holds this: other units have tips that are part of it.")
        return said, "beyond", _("How to ask")
    if view.tips == 1:
        return _("Nothing to do: no other tip shares enough to be taken for the same person."), "", ""
    if any(one.verdict is Verdict.CONFIRM and not one.outweighed for one in decided):
        return _("Work these tips as one: an officer confirmed it."), "decisions", _("The decision")
    if not counted[Strength.STRONG]:
        said = _("Compare the tips before you act on this: no reason is strong by itself.")
        return said, "reasons", _("The reasons")
    return _("Read the reasons. If you know that it is so, or that it is not, say it."), "decisions", _("Decide")


def _filters(tip: Tip, party: int, chosen: str, counted: Mapping[str, int]) -> tuple[Choice, ...]:
    address = reverse("desk:linked", args=(tip.public_id, party))
    every = Choice(_("All"), sum(counted.values()), address, not chosen)
    return every, *(
        Choice(capfirst(one.label), counted[one], f"{address}?{urlencode({'strength': one.value})}", chosen == one)
        for one in Strength
        if one is not Strength.NONE or counted[one]
    )


def _seen(reasons: Sequence[ShownReason]) -> Mapping[str, list[tuple[datetime, str]]]:
    """When values that link were seen, by tip, for the line of time."""
    found: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for reason in reasons:
        for place in reason.places:
            if place.at is not None and reason.strength != Strength.NONE:
                found[place.tip].append((place.at, reason.kind))
    return found


def _drawn(reason: ShownReason, of: Reason) -> Shared:
    return Shared(Kind(of.kind), reason.value, reason.strength, reason.sentence, of.subjects)


def _confirmed(view: PersonView) -> list[tuple[int, int]]:
    return [(join.a, join.b) for join in view.joins if join.confirmed]


def _pairs(view: PersonView, members: Mapping[int, Member]) -> Iterator[tuple[Member, Member, str]]:
    kind_of = {one.identifier: one.kind.label for one in view.reasons}
    for join in sorted(view.joins, key=lambda one: (not one.confirmed, -one.weight, one.a, one.b)):
        by = list(dict.fromkeys(kind_of[one] for one in join.identifiers))
        points = [_("%(n)d points") % {"n": join.weight}] if join.weight else []
        said = [_("an officer confirmed it")] if join.confirmed else []
        yield members[join.a], members[join.b], ", ".join([*said, *by, *points])


def of_tip(viewer: Viewer, tip: Tip) -> tuple[Elsewhere, ...]:
    """Return who of a tip is found in other tips too. Two queries more than ``queries.person_of``."""
    taken = [one for one in queries.person_of(viewer, tip) if one.tips > 1]
    if not taken:
        return ()
    others = Subject.objects.filter(person__in={one.subject.person for one in taken}, gone=False).order_by("pk")
    person_of = dict(others.values_list("pk", "person")[: queries.MOST])
    person_of |= {one.subject.pk: one.subject.person for one in taken}
    held: defaultdict[int, set[int]] = defaultdict(set)
    worth: dict[int, tuple[str, int, int, bool]] = {}
    sightings = Sighting.objects.filter(subject__in=person_of, identifier__silenced=False)
    for one, subject, kind, suspects, children, verified in sightings.values_list(
        "identifier", "subject", "identifier__kind", "identifier__suspects", "identifier__children", "verified"
    ).distinct():
        held[one].add(subject)
        worth[one] = (kind, suspects, children, bool(verified) or worth.get(one, ("", 0, 0, False))[3])
    return tuple(_elsewhere(one, person_of, held, worth) for one in taken)


def _elsewhere(
    one: Taken,
    person_of: Mapping[int, int],
    held: Mapping[int, set[int]],
    worth: Mapping[int, tuple[str, int, int, bool]],
) -> Elsewhere:
    subject, table = one.subject, weights()
    weighed = []
    for identifier, holders in held.items():
        if subject.pk in holders and any(
            other != subject.pk and person_of[other] == subject.person for other in holders
        ):
            kind, suspects, children, verified = worth[identifier]
            count = children if subject.side == Side.CHILD else suspects
            weighed.append((table.weight(kind, count, verified), kind))
    best, kind = max(weighed, default=(0, ""))
    why = f"{queries.strength(best, table).label}: {_('same')} {Kind(kind).label}" if best else ""
    seen, beyond = one.seen - 1, one.tips - one.seen
    words = ngettext("also in %(n)d other tip", "also in %(n)d other tips", seen) % {"n": seen}
    if seen >= queries.MOST_COUNTED:
        words = _("also in at least %(n)d other tips") % {"n": seen}
    more = ngettext("%(n)d tip you may not see", "%(n)d tips you may not see", beyond) % {"n": beyond}
    if not seen:
        words = _("also in tips you may not see")
    return Elsewhere(subject.party, subject.pseudonym, words, why, more if beyond > 0 else "")
