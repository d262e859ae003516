# SPDX-License-Identifier: Apache-2.0
"""Whom returns name for the events of a person over all their tips, and what officers have stated of it.

The answers are weighed anew whenever they are shown: what came back later may speak against what was stated before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightlight.casework.attribution import grades, kept_answers, loaded
from nightlight.casework.attribution.kinds import Grade
from nightlight.casework.attribution.models import Finding, Return, ReturnState
from nightlight.casework.attribution.returns import corroborating
from nightlight.casework.attribution.returns.fields import Field, is_organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from nightlight.casework.attribution.kept_answers import Explained
    from nightlight.casework.attribution.prepared_body import LookedUp
    from nightlight.casework.attribution.returns.answers import Named


@dataclass(frozen=True, slots=True)
class Stated:
    """What an officer stated, with the return and the answer it rests on; None where that return is read anew."""

    finding: Finding
    body: Mapping[str, Any]
    came: Return | None
    answer: Explained | None


def answers(
    tips: Iterable[str],
    events: Iterable[LookedUp],
    *,
    at: datetime,
    organisations: Iterable[tuple[str, str]] = (),
) -> list[corroborating.Finding]:
    """Return what the returns of these tips say, ready to be weighed. Two queries.

    Who is an organisation is read from a column of the return that says so, and from what officers stated;
    ``organisations`` are more of them, by operator and subscriber.
    """
    tips = [*tips]
    returns = Return.objects.filter(request__tip__public_id__in=tips, state=ReturnState.READ).order_by("pk")
    rows = list(returns.values_list("request__operator", "answers"))
    if not rows:
        return []
    known = {*organisations, *_organisations(tips)}
    directory = loaded.current_directory()
    # Whatever is left of the records: they were asked already.
    grade = {
        one.event.key: grades.grade(one.event, one.labelled, None, now=at, shares=one.shares).grade for one in events
    }
    found = []
    for code, text in rows:
        operator = directory.with_code(code)
        pool = None if operator is None else operator.subscribers
        stated = {subscriber for holder, subscriber in known if holder == code}
        for kept in kept_answers.answers_of(text):
            names = frozenset(
                one.subscriber for one in kept.answer.named if one.subscriber in stated or says_organisation(one)
            )
            level = grade.get(kept.answer.asked.key, Grade.U)
            found.append(corroborating.Finding(kept.answer, level, code, pool, organisations=names))
    return found


def says_organisation(named: Named) -> bool:
    """Whether a row calls the subscriber an organisation, in a column for the kind of customer."""
    return any(is_organisation(row.detail(Field.CUSTOMER_KIND.value)) for row in named.rows)


def _organisations(tips: Iterable[str]) -> set[tuple[str, str]]:
    """Whom officers called organisations."""
    rows = Finding.objects.filter(tip__public_id__in=tips).exclude(body="")
    return {
        (operator, subscriber)
        for operator, subscriber, body in rows.values_list("request__operator", "subscriber", "body")
        if json.loads(body).get("organisation")
    }


def stated(tips: Iterable[str]) -> Sequence[Stated]:
    """Return what was stated of these tips, oldest first. Two queries."""
    found = list(
        Finding.objects.filter(tip__public_id__in=[*tips])
        .exclude(body="")  # destroyed with its tip
        .select_related("request__unit", "request__tip", "by")
        .order_by("pk")
    )
    bodies = [json.loads(one.body) for one in found]
    named = {body.get("return") for body in bodies}
    returns = {
        one.public_id: one
        for one in Return.objects.filter(public_id__in=named).select_related("by", "layout").defer("bad", "proposal")
    }
    return [_stated(one, body, returns.get(body.get("return"))) for one, body in zip(found, bodies, strict=True)]


def _stated(finding: Finding, body: Mapping[str, Any], came: Return | None) -> Stated:
    read = came is not None and came.state == ReturnState.READ
    kept = kept_answers.answers_of(came.answers) if came is not None and read else ()
    answer = next(
        (one for one in kept if one.answer.asked.key == finding.line and finding.subscriber in one.answer.subscribers),
        None,
    )
    return Stated(finding, body, came, answer)
