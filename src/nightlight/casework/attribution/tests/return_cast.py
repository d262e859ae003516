# SPDX-License-Identifier: Apache-2.0
"""Requests that were sent, and returns for them: invented names, documentation addresses only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import asking, kinds, letters, request_body, return_reading, returning
from nightlight.casework.attribution.gate_lines import RequestLine, SourceFields, check_value
from nightlight.casework.attribution.models import Request, RequestState, Return
from nightlight.casework.attribution.request_body import KeptLine, KeptPower, KeptRequest
from nightlight.casework.attribution.returns.proposing import Asked
from nightlight.casework.attribution.times import ClockError, Zone, zone_info
from nightlight.foundation import public_ids
from nightlight.trust import identity

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
INDIA = "Asia/Kolkata"
MOBILE = "203.0.113.7"
SLIP = datetime(2026, 11, 9, 8, 32, 11, tzinfo=UTC)  # 14:02:11 in India
LATER = datetime(2026, 11, 12, 8, 32, 11, tzinfo=UTC)
HEADER = "Name,Installation Address,Public IP,Ports,From,Until,Subscriber"
ANSWERS = {Asked.DATE_ORDER: "dmy", Asked.ZONE: INDIA}


@dataclass(frozen=True)
class Wanted:
    """One line of a request: who is asked for."""

    key: str = "E-1"
    at: datetime = SLIP
    port: int | None = 41000
    address: str = MOBILE
    clock: ClockError = ClockError(timedelta(seconds=2), stated_by="Example Chat")  # noqa: RUF009 - frozen


def kept_line(one: Wanted) -> KeptLine:
    """The line as a request keeps it."""
    source = SourceFields(
        "report/ipCaptureEvent[1]", "0" * 64, b"{}", one.address, one.at.isoformat(), Zone.as_written()
    )
    begins, ends = one.at - one.clock.plus_minus, one.at + one.clock.plus_minus + timedelta(seconds=1)
    line = RequestLine(
        address=one.address,
        port=one.port,
        protocol="tcp",
        utc_from=begins,
        utc_to=ends,
        local_from=begins.astimezone(zone_info(INDIA)),
        local_to=ends.astimezone(zone_info(INDIA)),
        zone=INDIA,
        operator="lakeside",
        derivation=("As written.",),
        key=one.key,
    )
    event = kinds.Event(one.key, one.address, one.address, 4, None, "the report", port=one.port)
    made = KeptLine(line, source, event, NOW, one.clock)
    assert check_value(line)
    return made


def sent_request(tip: Tip, drafted: User, checked: User, *wanted: Wanted, state: str = "sent") -> Request:
    """A request to the invented mobile operator that was drafted, compared, signed and sent."""
    lines = tuple(kept_line(one) for one in wanted or (Wanted(),))
    power = KeptPower("in-94", "Example power", "section 94", "officer in charge")
    body = KeptRequest(
        kind=asking.Kind.SUBSCRIBER,
        code="lakeside",
        addressee="Lakeside Mobile",
        country="IN",
        zone=INDIA,
        layout="generic",
        to_platform=False,
        power=power,
        reference="CC/14/2026",
        letter=letters.Letter("Request for records", (), ready=True),
        lines=lines,
    )
    tip.refresh_from_db(fields=["unit"])  # it may have been handed over
    made = Request.objects.create(
        public_id=public_ids.new("RQ"),
        tip=tip,
        unit_id=tip.unit_id,
        kind=asking.Kind.SUBSCRIBER,
        operator="lakeside",
        addressee="Lakeside Mobile",
        power="in-94",
        body=request_body.written(body),
        lines=len(lines),
        state=RequestState.DRAFT,
        drafted_by=drafted,
        drafted_at=NOW,
    )
    steps: dict[str, dict[str, object]] = {
        "checked": {"checked_by": checked},
        "signed": {"signed_by": checked},
        "sent": {"sent_at": NOW, "due_at": NOW + timedelta(days=14)},
    }
    for step, fields in steps.items():
        if state == "draft":
            break
        Request.objects.filter(pk=made.pk).update(state=step, **fields)
        if step == state:
            break
    made.refresh_from_db()
    return made


def row(
    who: str = "SUB-1",
    *,
    at: datetime = SLIP,
    ports: str = "40960-41983",
    address: str = MOBILE,
    home: str = "4 Example Road, Pune",
    minutes: int = 20,
) -> str:
    """A row of the operator's sheet that begins some minutes before ``at`` and ends some minutes after."""
    ends = [(at + timedelta(minutes=by)).astimezone(zone_info(INDIA)) for by in (-minutes, minutes)]
    start, end = (f"{one:%d/%m/%Y %H:%M:%S}" for one in ends)
    return f'A. Subscriber,"{home}",{address},{ports},{start},{end},{who}'


def sheet(*rows: str, header: str = HEADER) -> bytes:
    """The file the operator sends."""
    return ("\n".join((header, *rows)) + "\n").encode()


def receive(by: Viewer, request: Request, content: bytes, *, name: str = "answer.csv", **more: object) -> Return:
    """Take a file in."""
    return returning.receive(by=by, at=NOW, request=request, file=[content], name=name, **more)  # type: ignore[arg-type]


def read(tip: Tip) -> None:
    """What the worker does."""
    with identity.acting_as(service="attribution"):
        return_reading.read_waiting(tip=tip.public_id, by="service:worker", now=lambda: NOW)


def read_through(by: Viewer, request: Request, content: bytes) -> Return:
    """Take a file in, name its columns where that is asked, and have it read."""
    made = receive(by, request, content)
    read(request.tip)
    made.refresh_from_db()
    if made.state == "unknown-layout":
        returning.confirm_layout(by=by, at=NOW, found=made, answers=ANSWERS)
        read(request.tip)
        made.refresh_from_db()
    return made


def digest(content: bytes) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(content).hexdigest()
