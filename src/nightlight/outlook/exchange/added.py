# SPDX-License-Identifier: Apache-2.0
"""What was added to a tip here, for its sheet: by machines (B), by officers (C), and with whom it is (D).

Row security decides what is there. Nothing that officers wrote in their own words is printed: no mask goes over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.outlook.desk import history, triage
from nightlight.outlook.exchange.sheets import Block, Line, Section
from nightlight.outlook.exchange.tip_sheet import moment_of
from nightlight.pipeline.routing import proposals
from nightlight.pipeline.routing.models import Offer, OfferKind, Proposal, Receipt
from nightlight.pipeline.routing.sign_kinds import SignKind
from nightlight.pipeline.triage import standing
from nightlight.pipeline.triage.models import Band, Closure, OfficerFact, Override, Score, Standing
from nightlight.pipeline.triage.vocabulary import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.outlook.desk.tip_page import TipPage
    from nightlight.pipeline.tips.models import Tip

_MOST_WHY = 12  # of a proposal; the tip's page has all


def sections(page: TipPage, *, repeats: str | None, repeated_by: list[str]) -> list[Section]:
    """B, C and D of a tip's sheet."""
    tip = page.tip
    return [
        Section(
            _("B. Automated additions"),
            _("Worked out by machines from what was reported and from lists. Nobody has looked."),
            tuple(_shown([*_files(page), *_urgency(tip), *_place(tip), *_weak(page)])),
        ),
        Section(
            _("C. Additions by officers"),
            _("Stated by officers who worked on this tip."),
            tuple(_shown([_found_out(tip), _decided(tip), _related(repeats, repeated_by)])),
        ),
        Section(
            _("D. With whom the tip is"),
            _("The unit that holds it, and each step by which it was handed over."),
            tuple(_shown([_holder(tip), *_handed(tip)])),
        ),
    ]


def _shown(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if block.lines] or [Block("", (Line("", _("Nothing.")),))]


# --- first page -----------------------------------------------------------------------------------------------------


def priority(page: TipPage) -> Block:
    """How urgent the tip is, and who says so."""
    tip = page.tip
    stands = Standing.objects.filter(tip=tip).first()
    override = Override.objects.select_related("by").filter(tip=tip).order_by("-id").first()
    score = Score.objects.filter(tip=tip).first()
    band = Band(stands.band) if stands else None
    lines = [Line(_("Priority"), str(band.label) if band is not None else _("not worked out yet"))]
    if override is not None and override.band is not None:
        # Their reason is not printed: no mask goes over what officers write.
        told = _("%(who)s, %(at)s") % {"who": str(override.by), "at": moment_of(override.at)}
        lines.append(Line(_("Set by"), told))
    elif score is not None:
        lines.append(Line(_("Set by"), _("the rules of triage, %(at)s") % {"at": moment_of(score.at)}))
    elif stands is not None:
        said = _("no rule could judge it: a person is to look (%(band)s)")
        said %= {"band": Band(standing.unscored(tip)).label}
        lines.append(Line(_("Set by"), said))
    if page.urgency is not None:
        lines.append(Line(_("The reporter asks for urgent handling"), page.urgency or _("without a reason")))
    return Block(_("Priority"), tuple(lines))


# --- B ----------------------------------------------------------------------------------------------------------------


def _files(page: TipPage) -> Iterator[Block]:
    lines: list[Line] = []
    for file in page.files:
        if file.known is None:
            continue
        lines.append(Line(_("File %(n)d") % {"n": file.number}, f"{file.known.label}. {file.known.text}"))
        for one in (*file.known.said, *file.known.labels):
            told = (one.list_name, one.owner, one.standing, one.classification, one.by)
            lines.append(Line(_("On a list"), ", ".join(filter(None, told))))
        if file.known.before:
            lines.append(Line("", file.known.before))
    yield Block(_("Files compared with lists and with other tips"), tuple(lines))


def _urgency(tip: Tip) -> Iterator[Block]:
    score = Score.objects.filter(tip=tip).first()
    said = triage.told_score(score) if score else None
    if said is None:
        return
    lines = [Line(_("Harm"), str(said.harm)), Line(_("Workability"), str(said.workability))]
    if said.dies_at is not None:
        lines.append(Line(_("Records may be gone from"), moment_of(said.dies_at)))
    lines += [Line(_("Tripwire"), one.label) for one in said.tripwires]
    lines += [Line(_("Counted"), f"{one.label} ({one.points:+d})") for one in (*said.factors, *said.caps)]
    yield Block(_("Urgency by the rules of triage"), tuple(lines))


def _place(tip: Tip) -> Iterator[Block]:
    proposal = Proposal.objects.select_related("unit").filter(tip=tip).first()
    if proposal is None:
        return
    place = ", ".join(filter(None, (proposal.district, proposal.state, proposal.country)))
    said = _("%(place)s, confidence %(n)d of 100") % {"place": place, "n": proposal.confidence}
    lines = [Line(_("Proposed place"), said if place else _("unknown"))]
    if proposal.unit is not None:
        lines.append(Line(_("Unit responsible there"), proposal.unit.name))
    lines += _because(proposal.body)
    yield Block(_("Where it seems to belong, with look-ups of addresses and numbers"), tuple(lines))


def _because(body: str) -> Iterator[Line]:
    """Why the first candidate is the first, sign by sign; nothing where other rules wrote it."""
    try:
        proposed = proposals.from_json(body)
    except ValueError:
        return
    if proposed.why:
        yield Line(_("Why"), proposed.why)
    for reason in (proposed.best.reasons if proposed.best else ())[:_MOST_WHY]:
        against = _("says elsewhere") if reason.against else ""
        weight = _("weight %(n)d") % {"n": reason.weight}
        kind = _("address on the network") if reason.kind is SignKind.ADDRESS else str(reason.kind).replace("_", " ")
        words = (kind, reason.shown, reason.note, weight, against)
        yield Line(_("Sign"), ", ".join(filter(None, words)))


def _weak(page: TipPage) -> Iterator[Block]:
    lines = (Line("", ": ".join(filter(None, (remark.title, remark.text)))) for remark in page.remarks)
    yield Block(_("What is weak about the report"), tuple(lines))


# --- C ----------------------------------------------------------------------------------------------------------------


def _found_out(tip: Tip) -> Block:
    latest: dict[str, OfficerFact] = {}
    for row in OfficerFact.objects.select_related("by").filter(tip=tip).order_by("id"):
        latest[row.fact] = row
    return Block(_("Facts found out"), tuple(_fact(row) for row in latest.values()))


def _fact(row: OfficerFact) -> Line:
    fact = FACTS.get(row.fact)
    if row.moment is not None:
        answer = moment_of(row.moment)
    else:
        answer = _("not known") if row.value is None else _("yes") if row.value else _("no")
    said = {"answer": answer, "who": str(row.by), "at": moment_of(row.at)}
    return Line(str(fact.label) if fact else row.fact, _("%(answer)s (%(who)s, %(at)s)") % said)


def _decided(tip: Tip) -> Block:
    closure = Closure.objects.select_related("by").filter(tip=tip).order_by("-id").first()
    stands = Standing.objects.select_related("holder").filter(tip=tip).first()
    lines = []
    if stands is not None:
        lines.append(Line(_("Work"), str(stands.get_lane_display())))
        if stands.holder is not None:
            lines.append(Line(_("Worked on by"), str(stands.holder)))
    if closure is not None:
        said = {"how": closure.get_disposition_display(), "who": str(closure.by), "at": moment_of(closure.at)}
        lines.append(Line(_("Closed"), _("%(how)s (%(who)s, %(at)s)") % said))
    return Block(_("Work on it"), tuple(lines))


def _related(repeats: str | None, repeated_by: list[str]) -> Block:
    lines = [Line(_("Repeats"), repeats)] if repeats else []
    return Block(_("Related reports"), (*lines, *(Line(_("Repeated by"), one) for one in repeated_by)))


# --- D ----------------------------------------------------------------------------------------------------------------


def _holder(tip: Tip) -> Block:
    return Block(_("Holds it"), (Line(_("Unit"), f"{tip.unit.name} ({tip.unit.public_id})"),))


def _handed(tip: Tip) -> Iterator[Block]:
    offers = list(Offer.objects.select_related("from_unit", "to_unit").filter(tip=tip).order_by("sent_at", "id"))
    receipts = list(Receipt.objects.filter(offer__in=offers).select_related("installation").order_by("at", "id"))
    names = history.names_of({row.by for row in receipts}) if receipts else {}
    for offer in offers:
        lines = [
            Line(_("From"), offer.from_unit.name),
            Line(_("To"), offer.to_unit.name),
            Line(_("What"), str(OfferKind(offer.kind).label)),
            Line(_("State"), str(offer.get_state_display())),
        ]
        if offer.bounce_code:
            lines.append(Line(_("Sent back because"), str(offer.get_bounce_code_display())))
        for row in receipts:
            if row.offer_id == offer.pk:
                who = row.installation.name if row.installation else names.get(row.by, row.by)
                said = {"at": moment_of(row.at), "who": who, "entry": row.event}
                text = _("%(at)s, %(who)s, entry %(entry)d of the custody log") % said
                lines.append(Line(_("Receipt: %(step)s") % {"step": row.get_kind_display()}, text))
        yield Block(_("Hand-over %(id)s") % {"id": offer.public_id}, tuple(lines))
