# SPDX-License-Identifier: Apache-2.0
"""The request desk in the tables of pages and of rows; written by hand.

Whoever sees the tip sees its requests; steps are taken by officers of the unit that holds it, and from above by those
who answer for it there. That a step goes through is shown in the tests of attribution.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from nightlight.casework.attribution import planted_world, request_body
from nightlight.casework.attribution.asking import Kind
from nightlight.casework.attribution.kinds import Event
from nightlight.casework.attribution.letters import Letter
from nightlight.casework.attribution.models import Request, RequestState, Sources, StepKind
from nightlight.casework.attribution.request_steps import note
from nightlight.foundation import public_ids
from nightlight.pipeline.tips.values import read_moment
from tests.access import objects
from tests.access.asking import COMMANDER, OFFICER, READ, TRIAGE, Near, Page, any_of, near
from tests.access.stated import BY_TIP, RECORD, Rule, Table, by, reach

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from tests.access.world import Person, World

__all__ = ["PAGES", "REFUSED_TWICE", "TABLES", "build"]
_ASKS = frozenset({TRIAGE, OFFICER, COMMANDER})
_OF_UNIT: Near = {"own": _ASKS, "child": frozenset({TRIAGE, COMMANDER})}
_NOT_THEIRS = ("refused", "absent")
_WHY = {"reason": "It is asked by another unit already"}


def drafted(world: World, _person: Person, code: str) -> str:
    """The request of the unit's report."""
    return Request.objects.get(tip=world.full[code], state=RequestState.DRAFT).public_id


def _seen() -> list[Page]:
    return [Page(near(READ), of="tip", kwargs={"public_id": drafted})]


def _step(*, effect: bool = False, **form: object) -> list[Page]:
    return [
        Page(
            _OF_UNIT,
            of="tip",
            method="POST",
            kwargs={"public_id": drafted},
            data=form,
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=effect,
        )
    ]


PAGES: dict[str, list[Page]] = {
    "desk:requests": [Page(any_of(READ)), Page(any_of(READ), data={"show": "mine"})],
    "desk:request-operators": [Page(any_of(READ))],
    "desk:request-districts": [Page(any_of(READ))],
    "desk:request-new": [
        Page(near(READ), of="tip", kwargs={"public_id": objects.tip}),
        Page(
            _OF_UNIT,
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            data={"reference": "FIR 14/2026"},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
        ),
    ],
    "desk:request": _seen(),
    "desk:request-letter": _seen(),
    "desk:request-sheet": _seen(),
    "desk:request-check": _step(),
    "desk:request-dispute": _step(effect=True, line="1", mark="port", note="The record writes another port"),
    "desk:request-sign": _step(),
    "desk:request-sent": _step(way="post", when="2026-11-20T08:00"),
    "desk:request-reminded": _step(way="post"),
    "desk:request-refused": _step(**_WHY),
    "desk:request-escalate": _step(note="They were reminded twice by telephone"),
    "desk:request-withdraw": _step(effect=True, **_WHY),
}
REFUSED_TWICE = dict.fromkeys(PAGES, "the query asks again for a role that reads tips")

# Glass shows the tip; steps are taken by who holds it, past the pages too.
_HELD = {role: where - {"broken"} for role, where in reach(_ASKS).items()}
_ADDS: Rule = {"": _HELD, "apart": {COMMANDER: _HELD[COMMANDER]}}
_OF_REQUEST = by("x.id = (SELECT r.tip_id FROM attribution_request r WHERE r.id = t.request_id)")

TABLES: dict[str, Table] = {
    "attribution_sources": Table(
        "S",
        "",
        "S I U D",
        "verifying S retention SD attribution command SIUD",
        sees=RECORD,
        worker_sets="version = 1",
        **BY_TIP,
    ),
    "attribution_request": Table(
        "S I U(state,checked_by_id,signed_by_id,sent_at,due_at,reminded_at,ended_at)",
        "",
        "S U(state,body,reminded_at,ended_at)",
        "verifying S retention attribution command SU",
        sees=RECORD,
        adds=_ADDS,
        adds_own=True,
        owner="drafted_by_id",
        person="t.drafted_by_id",
        changes=_ADDS,
        sets="state = 'withdrawn', ended_at = now()",
        worker_sets="reminded_at = NULL",
        samples="t.state = 'draft'",
        spoilt=({"drafted_by_id": -1},),
        **BY_TIP,
    ),
    "attribution_step": Table(
        "S I",
        "",
        "S I U(data)",
        "verifying S attribution SI retention command SIU",
        sees=RECORD,
        adds=_ADDS,
        adds_own=True,
        owner="by",
        person="(SELECT a.id FROM accounts_user a WHERE t.by = 'officer:' || a.public_id)",
        names=lambda person: f"officer:{person.user.public_id}",
        worker_sets="data = ''",
        spoilt=({"by": "command:cli"}, {"by": "officer:OF-1111-1111"}),
        **_OF_REQUEST,
    ),
}


def build(world: World) -> None:
    """A request about each unit's report, drawn up by somebody who can take no further step of it."""
    truth = planted_world.truth_of(Random(7), port=True)
    source = planted_world.source_of(truth)
    event = Event(
        key="E-1",
        address_as_sent=source.address_as_sent,
        address=truth.address,
        version=6 if ":" in truth.address else 4,
        moment=read_moment(f"{truth.at:%Y-%m-%dT%H:%M:%SZ}", source.path),
        source=source.path,
        port=truth.port,
    )
    facts = planted_world.facts_of(truth)
    line = planted_world.line_of(truth, source)
    kept = request_body.KeptRequest(
        kind=Kind.SUBSCRIBER,
        code="nobody",
        addressee="Example Mobile",
        country="IN",
        zone=line.zone,
        layout="generic",
        to_platform=False,
        power=request_body.KeptPower("bnss-94", "Written order", "section 94(1)", "Officer in charge"),
        reference="FIR 14/2026",
        letter=Letter("Request", (), ready=True),
        lines=(request_body.KeptLine(line, source, event, world.at, facts.clock),),
    )
    body = request_body.written(kept)
    for code in world.full:
        drafter = _drafter(world, code)
        for tip in (world.full[code], world.tips[code][1]):
            Sources.objects.create(tip=tip, version=1, body='{"_": "sources._All", "kept": []}', made_at=world.at)
            made = Request.objects.create(
                public_id=public_ids.new("RQ"),
                tip=tip,
                unit=world.units[code],
                kind=kept.kind,
                operator=kept.code,
                addressee=kept.addressee,
                power=kept.power.id,
                body=body,
                lines=1,
                state=RequestState.DRAFT,
                drafted_by=drafter,
                drafted_at=world.at,
            )
            note(made, StepKind.DRAFTED, by=f"officer:{drafter.public_id}", at=world.at)


def _drafter(world: World, code: str) -> User:
    """Somebody of the unit who takes no steps of requests; of one that has nobody like that, somebody of another."""
    others = [person for person in world.people if person.user is not None and person.role not in _ASKS]
    found = next((person for person in others if person.unit == code), others[0]).user
    assert found is not None
    return found
