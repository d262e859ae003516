# SPDX-License-Identifier: Apache-2.0
"""A tip with all that attribution can come to hold of one: asked, answered, stated, and a wrong door. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import (
    findings,
    request_notices,
    request_steps,
    requesting,
    return_reading,
    returning,
    wrong_doors,
)
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests import return_cast
from nightlight.casework.attribution.tests.requests_cast import NOW
from nightlight.casework.attribution.wrong_door_kinds import DoorKind
from nightlight.pipeline.triage.tests.cast import as_step, guard
from nightlight.trust import identity, work
from nightlight.trust.law.queries import pack
from nightlight.trust.retention import actions

if TYPE_CHECKING:
    from nightlight.casework.attribution.models import Request, Return
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.retention.models import Destruction
    from nightlight.trust.units.viewer import Viewer

HOUR = timedelta(hours=1)
USED = datetime(2026, 11, 9, 18, 32, 11, tzinfo=UTC)
ANSWERED = NOW + 5 * HOUR
SUBSCRIBER = "SUB-1"
LAW, LATER = pack("IN"), NOW + timedelta(days=4 * 366)  # when its time is over


@dataclass(frozen=True)
class Case:
    """Who acted, and what there is."""

    asha: Viewer
    ravi: Viewer
    tip: Tip
    request: Request
    returned: Return


def people() -> tuple[Viewer, Viewer]:
    """Who drafts, and who compares and signs."""
    return cast.viewer(cast.person("Asha")), cast.viewer(cast.person("Ravi", rank="Inspector"))


def sent(asha: Viewer, ravi: Viewer, tip: Tip) -> Request:
    """The letter about a tip, on its way."""
    (request,) = cast.drafted(asha, tip)
    marks, back = cast.marks(request), cast.read_out(request)
    seen = request_notices.shown(request, request_steps.kept(request), at=NOW + HOUR).digest
    held = requesting.check(by=ravi, at=NOW + HOUR, request=request, marks=marks, read_back=back, seen=seen)
    said = "Signed for the invented case 14"
    held = requesting.sign(by=ravi, at=NOW + 2 * HOUR, request=held, acts=(), in_post=True, seen=seen, said=said)
    return requesting.sent(by=asha, at=NOW + 3 * HOUR, request=held, way="e-mail", when=NOW + 3 * HOUR)


def read(tip: Tip) -> None:
    """What the worker does with a file that came back."""
    with identity.acting_as(service="attribution"):
        return_reading.read_waiting(tip=tip.public_id, by="service:worker", now=lambda: ANSWERED)


def answered(asha: Viewer, request: Request, content: bytes) -> Return:
    """Take a file in, name its columns where that is asked, and have it read."""
    made = returning.receive(by=asha, at=ANSWERED, request=request, file=[content], name="a. subscriber.csv")
    read(request.tip)
    made.refresh_from_db()
    if made.state == "unknown-layout":
        returning.confirm_layout(by=asha, at=ANSWERED, found=made, answers=return_cast.ANSWERS)
        read(request.tip)
        made.refresh_from_db()
    assert made.state == "read", made.problem
    return made


def sheet(address: str = cast.MOBILE) -> bytes:
    """A file of the operator that names one subscriber for the line, and has a row that cannot be read."""
    good = return_cast.row(SUBSCRIBER, at=USED, address=address)
    return return_cast.sheet(good, good.replace(address, "no address"))


def case() -> Case:
    """All of it. Lists have to be loaded before (`requests_cast.load`)."""
    asha, ravi = people()
    tip = cast.tip()
    request = sent(asha, ravi, tip)
    made = answered(asha, request, sheet())
    (line,) = cast.keys(tip)
    findings.state(
        by=asha, at=ANSWERED, found=made, line=line, subscriber=SUBSCRIBER, why="It fits the account's mail."
    )
    wrong_doors.record(
        by=ravi,
        at=ANSWERED,
        tip=tip,
        path="operator:lakeside",
        kind=DoorKind.WRONG_TIME,
        reached=False,
        note="Their clock was stated in another zone",
        request=request,
    )
    request.refresh_from_db()
    return Case(asha, ravi, tip, request, made)


def agreed(tip: Tip) -> Destruction:
    """What two people decide once the time of a tip is over."""
    legal = cast.viewer(cast.person("Lena", "legal-reviewer"))
    commander = cast.viewer(cast.person("Kamal", "commander"))
    row = actions.ask(by=legal, at=LATER, subject=f"tip:{tip.public_id}", law=LAW)
    return actions.decide(by=commander, at=LATER, public_id=row.public_id, agreed=True, law=LAW)


def destroyed(tip: Tip) -> Destruction:
    """What the worker does then, with the rights of its step."""
    row = agreed(tip)
    guard()
    with as_step("retention"):
        done = actions.carry_out(by=work.SERVICE, at=LATER, public_id=row.public_id, law=LAW)
    assert done is not None
    return done
