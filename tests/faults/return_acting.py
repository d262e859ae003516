# SPDX-License-Identifier: Apache-2.0
"""A request that was sent, and an operator's large answer to it, in an installation; run by the tests as a process.

Arguments: what to do and who does it, as on the pages ("ask:asker"). Standard output: what the last one told, JSON.
The database must run.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

ROWS = 150_000


def main() -> None:
    """Do it."""
    from nightlight.commands import base

    base.set_up_django()
    from nightlight.foundation import clock
    from nightlight.trust import identity
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import viewer_of

    users = {name: User.objects.get(username=name) for name in ("asker", "checker")}
    told: str = ""
    for what, name in (one.split(":") for one in sys.argv[1:]):
        with identity.acting_as(viewer=users[name].pk):
            told = _ACTS[what](viewer_of(users[name], clock.now()), users)
    sys.stdout.write(json.dumps(told))


def _ask(_by: Viewer, users: Mapping[str, User]) -> str:
    from nightlight.casework.attribution.tests.return_cast import sent_request
    from nightlight.pipeline.tips.models import Tip

    tip = Tip.objects.select_related("unit").get()
    return sent_request(tip, users["asker"], users["checker"], state="draft").public_id


def _send(_by: Viewer, users: Mapping[str, User]) -> str:
    """Compare, sign and send it: not by whoever drafted it."""
    from nightlight.casework.attribution.models import Request
    from nightlight.foundation import clock

    at = clock.now()
    for step, fields in (
        ("checked", {"checked_by": users["checker"]}),
        ("signed", {"signed_by": users["checker"]}),
        ("sent", {"sent_at": at, "due_at": at + timedelta(days=14)}),
    ):
        assert Request.objects.update(state=step, **fields) == 1
    return "sent"


def _content() -> Iterator[bytes]:
    """Two subscribers on one port at the time that is asked about, among many people of other addresses."""
    from nightlight.casework.attribution.tests import return_cast as cast

    yield f"{cast.HEADER}\n".encode()
    for first in range(0, ROWS, 1000):
        rows = [
            cast.row(f"SUB-{10 + number}", address=f"198.18.{number >> 8 & 255}.{number & 255}")
            for number in range(first, first + 1000)
        ]
        yield "".join(f"{one}\n" for one in rows).encode()
    yield "".join(f"{cast.row(who)}\n" for who in ("SUB-1", "SUB-2")).encode()


def _receive(by: Viewer, _users: Mapping[str, User]) -> str:
    from nightlight.casework.attribution import returning
    from nightlight.casework.attribution.models import Request
    from nightlight.foundation import clock

    request = Request.objects.select_related("tip").get()
    return returning.receive(by=by, at=clock.now(), request=request, file=_content(), name="answer.csv").public_id


def _confirm(by: Viewer, _users: Mapping[str, User]) -> str:
    from nightlight.casework.attribution import returning
    from nightlight.casework.attribution.models import Return
    from nightlight.casework.attribution.tests.return_cast import ANSWERS
    from nightlight.foundation import clock

    found = Return.objects.defer("bad").get()
    returning.confirm_layout(by=by, at=clock.now(), found=found, answers=ANSWERS)
    return found.public_id


_ACTS = {"ask": _ask, "send": _send, "receive": _receive, "confirm": _confirm}

if __name__ == "__main__":
    main()
