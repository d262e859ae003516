# SPDX-License-Identifier: Apache-2.0
"""Pages of the queue and of alerts; written by hand. What is done to a tip is done by the unit that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.access import objects
from tests.access.asking import AUDITOR, COMMANDER, OFFICER, READ, TRIAGE, Page, any_of, near

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.access.world import Person, World

    Named = Callable[[World, Person, str], str]
    Before = Callable[[Person, objects.Told], None]

_WORKS = frozenset({TRIAGE, OFFICER, COMMANDER})
_LINKED = {"public_id": objects.tip, "party": 0}
_WHY = {"reason": "The provider called and said so"}


def _done(*, named: Named = objects.tip, before: Before | None = None, **form: str | Named) -> list[Page]:
    """A form that changes something about a tip in reach; what is beyond it is not there.

    Who broke the glass reads the tip and is told who holds it, and that is all.
    """
    return [
        Page(
            near(_WORKS, broken=False),
            of="tip",
            method="POST",
            kwargs={"public_id": named},
            data=form,
            others=("refused", "absent"),
            behind_glass=("refused",) if named is objects.tip else ("absent",),
            effect=True,
            before=before,
        )
    ]


NEW_PAGES: dict[str, list[Page]] = {
    "desk:queue": [Page(any_of(READ), lists="queue")],
    "desk:alerts": [Page(any_of(READ), lists="queue")],
    "desk:rulebook": [
        Page(any_of(READ)),
        Page(
            any_of(frozenset({COMMANDER})),
            method="POST",
            data={"do": "save", "body": objects.other_rules, "shown": objects.rules_shown, **_WHY},
            effect=True,
        ),
    ],
    "desk:handover": [Page(any_of(READ))],
    "desk:hand-on": [Page(any_of(_WORKS), method="POST", data={"note": "Somebody calls back at noon"}, effect=True)],
    "desk:handed-on": [
        Page(near(READ, broken=False), of="tip", kwargs={"public_id": objects.handover}, behind_glass=("absent",))
    ],
    "desk:take-over": _done(named=objects.handover),
    "desk:second-looks": [Page(any_of(_WORKS | {AUDITOR}))],
    "desk:second-look": _done(before=objects.closed_by_another, agrees="no", **_WHY),
    "desk:capacity": [Page(any_of(frozenset({TRIAGE, COMMANDER})))],
    "desk:linked": [
        Page(near(READ), of="tip", kwargs=_LINKED),
        Page(near(READ), of="tip", kwargs={"public_id": objects.tip, "party": 77}, inside=("absent",)),
    ],
    "desk:linked-export": [Page(near(READ), of="tip", kwargs=_LINKED, effect=True)],
    "desk:linked-decide": [Page(near(_WORKS), of="tip", method="POST", kwargs=_LINKED, data={"verdict": "guess"})],
    "desk:acknowledge": _done(named=objects.alert),
    "desk:take": _done(),
    "desk:release": _done(before=objects.takes),
    "desk:assign": _done(to=objects.on_the_tip),
    "desk:snooze": _done(until=objects.shift_until, **_WHY),
    "desk:close-tip": _done(disposition="no-offence", **_WHY),
    "desk:reopen": _done(before=objects.closed, **_WHY),
    "desk:override": _done(band="critical", **_WHY),
    "desk:found-out": _done(fact="same_home", value="yes", **_WHY),
}
# Without its decision each answers an administrator as with it; the rules may be read by whoever gets as far as that.
# The rules, second looks and the backlog are for all who read tips as far as their queries know, and whoever decides
# about a link is told first what is wrong with the form.
_ASKED_ONCE = {"desk:rulebook", "desk:linked-decide", "desk:second-looks", "desk:capacity"}
REFUSED_TWICE = dict.fromkeys(NEW_PAGES.keys() - _ASKED_ONCE, "the query or the action asks again for the role")
