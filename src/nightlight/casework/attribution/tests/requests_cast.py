# SPDX-License-Identifier: Apache-2.0
"""Operators that take requests, a tip whose addresses lead to them, and the people of one unit. All of it invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import request_drafting, request_facts, request_notices, requesting
from nightlight.casework.attribution.operators import Contact, Directory, Known, Operator, OperatorKind
from nightlight.casework.attribution.request_body import read
from nightlight.casework.attribution.requesting import MARKS
from nightlight.casework.attribution.tests import prepared_cast
from nightlight.casework.attribution.tests.prepared_cast import FIBRE, MOBILE, NOW, TOR, prepare, reported, used
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from nightlight.casework.attribution.loaded import Loaded
    from nightlight.casework.attribution.models import Request
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

__all__ = ["FIBRE", "MOBILE", "NOW", "TOR"]
PASSWORD = "a-long-invented-password"  # as in the tests of the desk
HOUR = timedelta(hours=1)
HIRED = NOW - timedelta(days=1)
REFERENCE = "FIR 14/2026 of 19 November 2026"
WRITTEN = "bnss-94"
_MAIL = "records@{}.example.org"


def _takes_requests(one: Operator) -> Operator:
    contact = Contact("e-mail", _MAIL.format(one.code), "every day")
    return replace(one, contacts=(contact,), layouts=("generic",), zone="Asia/Kolkata", exercise=False)


def using(days: int = 365, mobile: str = "lakeside") -> Loaded:
    """What is loaded: two operators (``mobile``: the code of one), and the platform that reports, in India too."""
    plain = prepared_cast.lists(days=days)
    platform = Operator(
        "example-chat",
        "Example Chat",
        "IN",
        OperatorKind.PLATFORM,
        reporters=("Example Chat",),
        contacts=(Contact("portal", "https://records.example.org"),),
        shares_addresses=Known.UNKNOWN,
        source="exercise",
        as_of=date(2026, 10, 1),
    )
    named = [replace(one, code=mobile) if one.code == "lakeside" else one for one in plain.directory.operators]
    operators = (*map(_takes_requests, named), platform)
    return replace(plain, directory=Directory("Example directory", "2026-10", operators))


def load(monkeypatch: pytest.MonkeyPatch, days: int = 365, mobile: str = "lakeside") -> Loaded:
    """Have these loaded."""
    return prepared_cast.load(monkeypatch, using(days, mobile))


def tip(*events: str) -> Tip:
    """A finished report with these uses of addresses, looked up; by default one shared address with its port."""
    told = events or (used(MOBILE, "2026-11-09T18:32:11Z", 41000, "Upload"),)
    made = prepared_cast.tip(prepared_cast.reporter(), reported(*told))
    prepare()
    return made


def person(name: str, role: str = "investigator", *, rank: str = "", unit: Unit | None = None) -> User:
    """Somebody with a post, and the rank that stands in it."""
    made = accounts.add_person(
        by="command:cli", at=HIRED, username=name.lower(), password=PASSWORD, full_name=f"{name} Example"
    )
    where = unit or Unit.objects.get(receives=True)
    units.appoint(by="command:cli", at=HIRED, person=made, unit=where, role=role, rank=rank)
    return made


def viewer(user: User) -> Viewer:
    """Somebody with the posts they hold."""
    return viewer_of(user, NOW)


def keys(of: Tip) -> list[str]:
    """All events of a tip."""
    return [one.event.key for one in request_facts.of_tip(of, at=NOW)]


def powers(of: Tip, at: datetime = NOW, power: str = WRITTEN) -> dict[str, str]:
    """This power for every letter that could rest on it."""
    found = request_facts.of_tip(of, at=at)
    proposal = request_drafting.propose(of, found, at=at, drafter="officer:OF", powers={})
    return {draft.powers.field: power for draft in proposal.drafts if draft.powers is not None}


def drafted(by: Viewer, of: Tip, at: datetime = NOW) -> list[Request]:
    """The letters for all events of a tip."""
    return request_drafting.draft(by=by, at=at, tip=of, events=keys(of), powers=powers(of, at), reference=REFERENCE)


def marks(request: Request) -> dict[int, tuple[str, ...]]:
    """Every mark of every line."""
    return dict.fromkeys(range(1, request.lines + 1), MARKS)


def seen(request: Request, at: datetime) -> str:
    """That all of what has to be known was read."""
    return request_notices.shown(request, read(request.body), at=at).digest


def read_out(request: Request) -> dict[int, str]:
    """The check values as they stand in the letter."""
    lines = read(request.body).lines
    return {number: one.line.check_value for number, one in enumerate(lines, 1)}


def compared(by: Viewer, request: Request, at: datetime = NOW + HOUR) -> Request:
    """Compare every line, having read what has to be known."""
    told, heard = seen(request, at), read_out(request)
    return requesting.check(by=by, at=at, request=request, marks=marks(request), read_back=heard, seen=told)


def sign(by: Viewer, request: Request, at: datetime = NOW + 2 * HOUR, **other: object) -> Request:
    """Sign as somebody who says what there is to say; ``other`` says it otherwise."""
    said = {"acts": [], "in_post": True, "seen": seen(request, at), **other}
    return requesting.sign(by=by, at=at, request=request, **said)  # type: ignore[arg-type]


def signed(by: Viewer, request: Request) -> Request:
    """Compare and sign."""
    return sign(by, compared(by, request))


def on_the_way(by: Viewer, request: Request) -> Request:
    """Compare, sign and send."""
    held, at = signed(by, request), NOW + 3 * HOUR
    return requesting.sent(by=by, at=at, request=held, way="e-mail", when=at)
