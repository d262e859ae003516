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

from nightlight.casework.attribution import kept_answers, naming, weighing
from nightlight.casework.attribution.models import Finding, Return, ReturnState
from nightlight.casework.attribution.request_steps import digest, must_act
from nightlight.casework.attribution.returns.answer_words import WHO
from nightlight.casework.attribution.returns.answers import Certainty, Mark
from nightlight.casework.attribution.returns.corroborating import Band
from nightlight.casework.attribution.returns.fields import POSTAL, Field
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.foundation.storable import storable
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.rules import SHORTEST_REASON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from nightlight.casework.attribution.kept_answers import Explained
    from nightlight.casework.attribution.weighing import Weighed
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Standing:
    """How an answer stands towards a finding: who may be named, and which reasons have to be given first."""

    subscribers: tuple[str, ...]
    wants_reason: tuple[str, ...]


@transaction.atomic
def state(
    *,
    by: Viewer,
    at: datetime,
    found: Return,
    line: str,
    subscriber: str,
    why: str = "",
    organisation: bool = False,
) -> Finding:
    """State whom the operator's records name for a line (its key); ``why`` where the answer is not plain.

    ``organisation``: the officer reads the name as that of a shop, an employer, a school: nobody's door.

    Raises NotAllowed, NotFound, and Conflict where nothing can be stated, or not without a reason.
    """
    row = Return.objects.select_related("request__tip__unit").defer("bad").filter(pk=found.pk).first()
    if row is None:
        raise NotFound(_("There is no such return."))
    must_act(by, row.request)
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
    told = ((request.operator, subscriber),) if organisation else ()
    mine = weighed_of(by, tip, request.operator, {subscriber}, at=at, organisations=told)
    weighed = next((one for one in mine if any(line in group for group in one.corroboration.independent)), None)
    band = Band.NONE if weighed is None else weighed.band
    named = next(one for one in kept.answer.named if one.subscriber == subscriber)
    body = {
        "return": row.public_id,
        "said": WHO,
        "certainty": str(kept.answer.certainty),
        "marks": [str(mark) for mark in kept.answer.marks],
        "reason": reason,
        "derivation": list(kept.derivation),
        "corroboration": [] if weighed is None else list(weighed.lines),
        "organisation": organisation or naming.says_organisation(named),
        "address_types": list(named.address_types),
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
            "unit": tip.unit.public_id,
            "operator": request.operator,
            "line": line[:200],
            "band": band.value,
            "certainty": str(kept.answer.certainty),
            "with_reason": bool(reason),
            "stated_sha256": stated_digest(made),
        },
    )
    return made


def stated_digest(made: Finding) -> str:
    """The digest of what was stated: the name alone could be guessed from one of its own."""
    return digest(f"{made.subscriber}\n{made.body}")


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


def weighed_of(
    viewer: Viewer,
    tip: Tip,
    operator: str,
    names: Collection[str],
    *,
    at: datetime,
    organisations: Iterable[tuple[str, str]] = (),
) -> list[Weighed]:
    """How well subscribers of an operator are supported over all returns of the people of a tip; at ``at``."""
    found = weighing.of_tip(viewer, tip, at=at, organisations=organisations)
    return [one for one in found if one.corroboration.operator == operator and one.corroboration.subscriber in names]


def usable(types: tuple[str, ...]) -> bool:
    """Whether postal addresses of these types say where somebody could be found: at least one type is stated."""
    return any(kind != POSTAL[Field.POSTAL_ADDRESS] for kind in types)
