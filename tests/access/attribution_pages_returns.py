# SPDX-License-Identifier: Apache-2.0
"""Pages and tables of what operators send back, and of the wrong-door register; written by hand.

Answers are read by whoever sees the tip; files are taken in, explained and stated from by those of the unit that asked.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from nightlight.casework.attribution import kept_answers
from nightlight.casework.attribution.kept_answers import Counts, Explained, Unknown
from nightlight.casework.attribution.models import Finding, Layout, Request, Return, WrongDoor
from nightlight.casework.attribution.returns.answers import Answer, Asked, Certainty, Disclosure, Named
from nightlight.casework.attribution.returns.rows import LogRow, number_of
from nightlight.casework.attribution.tests import return_cast
from nightlight.foundation import public_ids
from tests.access import objects, triage
from tests.access.asking import AUDITOR, COMMANDER, INTAKE, OFFICER, READ, TRIAGE, WORK, Near, Page, any_of, near
from tests.access.stated import APART, BY_TIP, RECORD, Rule, Table, by, reach

if TYPE_CHECKING:
    from tests.access.world import Person, World

_ASKS = frozenset({TRIAGE, OFFICER, COMMANDER})
_RECORDS = frozenset({INTAKE, TRIAGE, OFFICER, COMMANDER, AUDITOR})
_OF_THE_UNIT: Near = {"own": _ASKS, "child": frozenset({TRIAGE, COMMANDER})}
_NOT_THEIRS = ("refused", "absent")
_WHY = "The operator writes UTC in its sheets."
_KEY = "ipCaptureEvent[1]"


def _return(world: World, code: str, state: str) -> str:
    return Return.objects.get(request__tip=world.full[code], state=state).public_id


def answered(world: World, _person: Person, code: str) -> str:
    """The return of the unit's request that was read."""
    return _return(world, code, "read")


def unexplained(world: World, _person: Person, code: str) -> str:
    """One whose columns nobody has named."""
    return _return(world, code, "unknown-layout")


def spoilt(world: World, _person: Person, code: str) -> str:
    """One that could not be read."""
    return _return(world, code, "damaged")


def request(world: World, _person: Person, code: str) -> str:
    """The request of the unit to which the returns belong."""
    return Return.objects.filter(request__tip=world.full[code])[0].request.public_id


def _seen(named: object, **told: object) -> Page:
    return Page(near(READ), of="tip", kwargs={"public_id": named}, **told)  # type: ignore[arg-type]


def _done(named: object, **form: object) -> list[Page]:
    return [
        Page(
            _OF_THE_UNIT,
            of="tip",
            method="POST",
            kwargs={"public_id": named},
            data=form,
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
        )
    ]


PAGES: dict[str, list[Page]] = {
    "desk:return-new": [
        Page(
            {**_OF_THE_UNIT, "broken": _ASKS},
            of="tip",
            kwargs={"public_id": request},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
        )
    ],
    "desk:return-upload": [
        Page(
            _OF_THE_UNIT,
            of="tip",
            method="POST",
            kwargs={"public_id": request},
            content_type=objects.FORM,
            body=objects.UPLOAD,
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            behind_glass=_NOT_THEIRS,
            effect=True,
        )
    ],
    "desk:return": [_seen(answered), _seen(unexplained), _seen(spoilt)],
    "desk:return-state": [_seen(answered)],
    "desk:return-bad-rows": [_seen(answered)],
    "desk:return-columns": _done(unexplained, **{"ask-zone": "Asia/Kolkata", "ask-date-order": "dmy"}),
    "desk:return-again": _done(spoilt),
    "desk:return-found": _done(answered, line=_KEY, subscriber="SUB-1", why=_WHY),
    "desk:wrong-doors": [Page(any_of(READ))],
    "desk:wrong-door-record": [
        Page(
            {**near(_RECORDS), "broken": _RECORDS & WORK},
            of="tip",
            method="POST",
            data={"tip": objects.tip, "kind": "other", "path": "operator:example", "reached": "no", "note": _WHY},
            others=_NOT_THEIRS,
            outside=_NOT_THEIRS,
            effect=True,
        )
    ],
}
# What the query answers with "not there", or with an empty page, is seen to be another answer than a refusal.
_ONCE = ("return", "return-new", "return-upload", "return-state", "return-bad-rows", "wrong-doors")
REFUSED_TWICE = dict.fromkeys(
    (name for name in PAGES if name.removeprefix("desk:") not in _ONCE),
    "the query or the action asks again for the role",
)

_SIGNED_IN: Rule = {"*": {"signed-in": {"any"}}}
_OF_REQUEST = by("x.id = (SELECT r.tip_id FROM attribution_request r WHERE r.id = t.request_id)")
_HELD = {role: where - {"broken"} for role, where in reach(_ASKS).items()}
_BY_THOSE_WHO_ASK: Rule = {"": _HELD, "apart": {role: where for role, where in _HELD.items() if role in APART}}

TABLES: dict[str, Table] = {
    # The names of columns; nothing of any case.
    "attribution_layout": Table(
        "S I",
        "",
        "S",
        "attribution verifying command S",
        sees=_SIGNED_IN,
        adds={"*": {role: {"any"} for role in _ASKS}},
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1},),
    ),
    "attribution_return": Table(
        "S U(state,layout_id,proposal,password_closed,password_key_part)",
        "S(id,public_id,request_id,sha256) I",
        "S U",
        "verifying S retention attribution command SU",
        sees=RECORD,
        changes=_BY_THOSE_WHO_ASK,
        sets="state = 'received'",
        worker_sets="built_in = ''",
        **_OF_REQUEST,
    ),
    "attribution_finding": Table(
        "S I",
        "",
        "S U(subscriber,body)",
        "attribution verifying S retention command SU",
        worker_sets="body = ''",
        sees=RECORD,
        adds=_BY_THOSE_WHO_ASK,
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1},),
        **BY_TIP,
    ),
    "attribution_wrongdoor": Table(
        "S I",
        "",
        "S I U(note)",
        "verifying S attribution SI retention SU command SIU",
        worker_sets="note = ''",
        sees=RECORD,
        adds={"": reach(_RECORDS), "apart": reach(APART & _RECORDS)},
        adds_own=True,
        person="(SELECT a.id FROM accounts_user a WHERE t.by = 'officer:' || a.public_id)",
        owner="by",
        names=lambda person: f"officer:{person.user.public_id}",
        spoilt=({"by": "service:worker"},),
        **BY_TIP,
    ),
}


def build(world: World) -> None:
    """Rows as the intake, officers and the step leave them: three returns of one request, a finding on another."""
    row = LogRow(2, number_of(return_cast.MOBILE), 1024, 2047, 0, 60, "SUB-1")
    asked = Asked(_KEY, row.address, 1500, 30, 1)
    answer = Answer(asked, Certainty.STABLE, (Named("SUB-1", (row,), True, ("installation",)),))
    answers = kept_answers.written((Explained(answer, ("Asked.", "Found.")),))
    header = tuple(return_cast.HEADER.split(","))
    cells = tuple(return_cast.row().replace('"', "").replace("Road, ", "Road ").split(","))
    proposal = kept_answers.written(Unknown("a.csv", header, (cells,)))
    counts = kept_answers.written(Counts(disclosed=Disclosure(1, 1, 0), bad_kept=1))
    other = world.person("commander", "IN").user
    assert other is not None
    for code in world.full:
        who = triage.worker(world, code)
        layout = Layout.objects.create(
            operator=f"operator-{code}", fingerprint="0" * 64, body="{}", by=who, at=world.at
        )
        for tip in (world.full[code], world.tips[code][1]):
            wanted = return_cast.Wanted(_KEY)
            asking, stated = (return_cast.sent_request(tip, who, other, wanted) for _ in range(2))
            read = _made(world, asking, who.pk, "0")
            Return.objects.filter(pk=read.pk).update(
                state="read", answers=answers, counts=counts, bad=gzip.compress(b"file,line\r\n"), read_at=world.at
            )
            unknown = _made(world, asking, who.pk, "1")
            Return.objects.filter(pk=unknown.pk).update(state="unknown-layout", proposal=proposal)
            damaged = _made(world, asking, who.pk, "2")
            Return.objects.filter(pk=damaged.pk).update(state="damaged", problem="rar", layout=layout)
            told = {"tip": tip, "request": stated, "at": world.at}
            Finding.objects.create(line=_KEY, subscriber="SUB-1", band="moderate", body=json.dumps({}), by=who, **told)
            actor = f"officer:{who.public_id}"
            WrongDoor.objects.create(
                public_id=public_ids.new("WD"), path="operator:lakeside", kind="other", reached=False, by=actor, **told
            )


def _made(world: World, request: Request, by: int, digit: str) -> Return:
    return Return.objects.create(
        public_id=public_ids.new("RT"),
        request=request,
        item=public_ids.new("EV"),
        name="answer.csv",
        size=1,
        sha256=digit * 64,
        state="received",
        by_id=by,
        at=world.at,
    )
