# SPDX-License-Identifier: Apache-2.0
"""Other installations in the table of pages and in the table of tables; written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.routing.exchange import cards
from nightlight.pipeline.routing.models import Installation, Package
from tests.access.asking import ADMIN, AUDITOR, COMMANDER, INTAKE, LEGAL, TRIAGE, Page, any_of
from tests.access.stated import Rule, Table

if TYPE_CHECKING:
    from tests.access.world import Person, World

_BOSS = frozenset({ADMIN, COMMANDER})
_SEES = _BOSS | {AUDITOR}
_STAFF: Rule = {"*": {role: {"any"} for role in (INTAKE, TRIAGE, COMMANDER, AUDITOR, ADMIN, LEGAL)}}
_ADMIN: Rule = {"*": {ADMIN: {"any"}}}


def installation(_world: World, _person: Person, _code: str) -> str:
    """The installation that nobody compared yet."""
    return Installation.objects.get().public_id


def package(_world: World, _person: Person, _code: str) -> str:
    """The package that came from it."""
    return Package.objects.get().public_id


def heard(_world: World, _person: Person, _code: str) -> str:
    """What an officer there reads out."""
    return cards.spoken(Installation.objects.get().fingerprint)


_ONE = {"public_id": installation}
_SIGNED = Page({}, others=("sign-in",), kwargs={"package_id": "PK-1111-1111"})
PAGES: dict[str, list[Page]] = {
    "desk:installations": [Page(any_of(_SEES))],
    "desk:installation": [Page(any_of(_SEES), kwargs=_ONE)],
    "desk:installation-add": [Page(any_of(frozenset({ADMIN})), method="POST", data={"card": "{}"})],
    "desk:installation-compare": [
        Page(any_of(_BOSS), method="POST", kwargs=_ONE, data={"heard": heard}, effect=True),
    ],
    "desk:installation-tie": [Page(any_of(frozenset({ADMIN})), method="POST", kwargs=_ONE, effect=True)],
    "desk:installation-end": [
        Page(any_of(frozenset({ADMIN})), method="POST", kwargs=_ONE, data={"why": "its key was stolen"}, effect=True)
    ],
    "desk:package-decide": [
        Page(any_of(frozenset({ADMIN})), method="POST", kwargs={"public_id": package}, data={"do": "retry"})
    ],
    # The card is for anybody. All else shows a signature: whoever is signed in with a session is nobody here.
    "exchange:card": [Page({}, anybody=True, anonymous="in")],
    "exchange:packages": [Page({}, anybody=True, anonymous="in", method="POST")],  # an empty head is none (400)
    "exchange:package": [_SIGNED],
    "exchange:package-complete": [Page({}, others=("sign-in",), kwargs=_SIGNED.kwargs, method="POST")],
    "exchange:nowhere": [Page({}, others=("absent",), anonymous="absent", kwargs={"rest": "elsewhere"})],
}

TABLES: dict[str, Table] = {
    "routing_installation": Table(
        "S I U",
        "S U(last_seen_at)",
        "S I U",
        "routing verifying S exchange SU command SIU",
        sees=_STAFF,
        adds=_ADMIN,
        adds_own=True,
        changes={"*": {ADMIN: {"any"}, COMMANDER: {"any"}}},
        sets="name = 'Another name'",  # by a commander stopped by the guard, who compares alone
        worker_sets="last_seen_at = now()",
        owner="added_by",
        person="(SELECT a.id FROM accounts_user a WHERE t.added_by = 'officer:' || a.public_id)",
        names=lambda person: f"officer:{person.user.public_id}",
        spoilt=({"added_by": "command:cli"}, {"state": "trusted"}),
    ),
    "routing_package": Table(
        "S U(state,state_at,installation_id,code,why,not_before)",
        "S I U",
        "S I U",
        "routing verifying S exchange command SIU",
        sees=_STAFF,
        changes=_ADMIN,
        sets="why = 'for another reason'",
        worker_sets="why = 'for another reason'",
    ),
}
