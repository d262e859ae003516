# SPDX-License-Identifier: Apache-2.0
"""What an officer states of a line, from the answer of a return: whom the operator's records name, and how surely.

A finding names a subscriber, never who did something. Where an answer is ambiguous, or nothing says of which kind the
subscriber's address is, a reason has to be given; where nobody is named, nothing can be stated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from nightlight.casework.attribution import grades, kept_answers, prepared_body
from nightlight.casework.attribution.kinds import Grade
from nightlight.casework.attribution.models import Finding, Prepared, Return, ReturnState
from nightlight.casework.attribution.request_steps import must_ask
from nightlight.casework.attribution.returns import corroborating
from nightlight.casework.attribution.returns.answer_words import WHO, corroboration_lines
from nightlight.casework.attribution.returns.answers import Certainty, Mark
from nightlight.casework.attribution.returns.corroborating import Band, Corroboration, corroborated
from nightlight.casework.attribution.returns.fields import POSTAL, Field
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.foundation.storable import storable
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.rules import SHORTEST_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.casework.attribution.kept_answers import Explained
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Standing:
    """How an answer stands towards a finding: who may be named, and which reasons have to be given first."""

    subscribers: tuple[str, ...]
    wants_reason: tuple[str, ...]


@transaction.atomic
def state(*, by: Viewer, at: datetime, found: Return, line: str, subscriber: str, why: str = "") -> Finding:
    """State whom the operator's records name for a line (its key); ``why`` where the answer is not plain.

    Raises NotAllowed, NotFound, and Conflict where nothing can be stated, or not without a reason.
    """
    row = Return.objects.select_related("request__tip").defer("bad").filter(pk=found.pk).first()
    if row is None:
        raise NotFound(_("There is no such return."))
    must_ask(by, row.request.unit_id)
    if row.state != ReturnState.READ:
        raise Conflict(_("This return has not been read."))
    kept = next((one for one in kept_answers.answers_of(row.answers) if one.answer.asked.key == line), None)
    if kept is None or subscriber not in kept.answer.subscribers:
        raise Conflict(_("The records do not name this subscriber for this line."))
    standing = standing_of(kept)
    reason = why.strip()
    if standing.wants_reason and (len(reason) < SHORTEST_REASON or not storable(reason)):
        raise Conflict(" ".join((*standing.wants_reason, _("So a reason has to be given."))))
    if len(subscriber) > 200 or not storable(subscriber):
        raise Conflict(_("What the records have for a subscriber is too long to be a name of one."))
    request, tip = row.request, row.request.tip
    if Finding.objects.filter(request=request, line=line, subscriber=subscriber).exists():
        raise Conflict(_("This was stated already."))
    weighed = next((one for one in corroboration(tip, at=at) if _is(one, request.operator, subscriber)), None)
    band = Band.NONE if weighed is None else weighed.band
    body = {
        "return": row.public_id,
        "said": WHO,
        "certainty": str(kept.answer.certainty),
        "marks": [str(mark) for mark in kept.answer.marks],
        "reason": reason,
        "derivation": list(kept.derivation),
        "corroboration": [] if weighed is None else list(corroboration_lines(weighed)),
        "address_types": list(next(n.address_types for n in kept.answer.named if n.subscriber == subscriber)),
    }
    made = Finding.objects.create(
        tip=tip,
        request=request,
        line=line[:200],
        subscriber=subscriber,
        band=band.value,
        body=json.dumps(body),
        by_id=by.user_id,
        at=at,
    )
    # The log is for ever and a subscriber is a person: their name stays in the record.
    custody.append(
        by=by.actor,
        at=at,
        kind="attribution.found",
        subject=f"tip:{tip.public_id}",
        data={
            "finding": made.pk,
            "return": row.public_id,
            "request": request.public_id,
            "operator": request.operator,
            "line": line[:200],
            "band": band.value,
            "certainty": str(kept.answer.certainty),
            "with_reason": bool(reason),
        },
    )
    return made


def standing_of(kept: Explained) -> Standing:
    """Who may be named by an answer, and what has to be explained before."""
    answer = kept.answer
    wants = []
    if answer.certainty is Certainty.AMBIGUOUS:
        wants.append(_("The answer is not one subscriber throughout."))
    if Mark.GIVEN_TWICE in answer.marks:
        wants.append(_("The records give the same port to two subscribers."))
    if answer.named and not answer.usable_address:
        wants.append(_("Of which kind the subscriber's address is (for bills, of the installation) is not known."))
    return Standing(answer.subscribers, tuple(wants))


def corroboration(tip: Tip, *, at: datetime) -> tuple[Corroboration, ...]:
    """Every subscriber that the returns of a tip name, the best supported first."""
    grade_of = grades_of(tip, at=at)
    found = []
    returns = Return.objects.filter(request__tip=tip, state=ReturnState.READ).select_related("request")
    for row in returns.defer("bad", "proposal").order_by("pk"):
        for kept in kept_answers.answers_of(row.answers):
            grade = grade_of.get(kept.answer.asked.key, Grade.U)
            found.append(corroborating.Finding(kept.answer, grade, row.request.operator))
    return corroborated(found)


def grades_of(tip: Tip, *, at: datetime) -> Mapping[str, Grade]:
    """How far each event of a tip leads, by its key, whatever is left of the records: they were asked already."""
    row = Prepared.objects.filter(tip=tip).first()
    body = prepared_body.read(row.body) if row is not None else None
    if body is None:
        return {}
    return {
        one.event.key: grades.grade(one.event, one.labelled, None, now=at, shares=one.shares).grade
        for one in body.events
    }


def usable(types: tuple[str, ...]) -> bool:
    """Whether postal addresses of these types say where somebody could be found: at least one type is stated."""
    return any(kind != POSTAL[Field.POSTAL_ADDRESS] for kind in types)


def _is(one: Corroboration, operator: str, subscriber: str) -> bool:
    return (one.operator, one.subscriber) == (operator, subscriber)
