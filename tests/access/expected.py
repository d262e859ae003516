# SPDX-License-Identifier: Apache-2.0
"""The tables: who may open which page and see which rows. Written by hand, not read from the code that they check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.access import (
    attribution_pages_requests,
    attribution_pages_returns,
    attribution_pages_trace,
    deconfliction,
    exchanging,
    handing_pages,
    insight,
    objects,
    telling_pages,
    triage_pages,
)
from tests.access.asking import (
    ADMIN,
    ALL,
    AUDITOR,
    COMMANDER,
    INTAKE,
    LEGAL,
    LOOKS,
    OFFICER,
    READ,
    SPECIALIST,
    TRIAGE,
    WORK,
    Page,
    any_of,
    anywhere,
    near,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIP = {"public_id": objects.tip}
_SEALED = {"public_id": objects.tip, "identity": objects.identity}
_VIEWING = {"public_id": objects.viewing}
_OPENING = {"public_id": objects.opening}
_PERSON = {"public_id": objects.colleague}
_POST = {"public_id": objects.colleague, "post_id": objects.post}
_UNIT = {"public_id": objects.unit}
_LIST = {"public_id": objects.hash_list}
_SHARED = {"slug": "example"}
_ENTRY = {**_SHARED, "member": "7", "entry": "17", "kind": "MD5"}
_OWN_ACCOUNT = Page({}, anybody=True)
_OWN_FORM = Page({}, anybody=True, method="POST")
_FOR_ALL, _FOR_ALL_FORM = Page({}, anybody=True, anonymous="in"), Page({}, anybody=True, anonymous="in", method="POST")
_HAVE_NONE, _HAVE_NONE_FORM = (
    Page({}, anybody=True, inside=("absent",)),
    Page({}, anybody=True, inside=("absent",), method="POST"),
)
_NOT_SET_UP = Page({}, anybody=True, anonymous="absent", inside=("absent",))
_NOT_THEIRS = ("refused", "absent")
_ADMIN, _AUDITOR = frozenset({ADMIN}), frozenset({AUDITOR})
_COMMANDER, _INVESTIGATOR = frozenset({COMMANDER}), frozenset({OFFICER})
_MANAGE = _ADMIN | _AUDITOR
_OPENS = frozenset({OFFICER, SPECIALIST})
_APART = frozenset(
    {LEGAL, COMMANDER, AUDITOR}
)  # who sees what was set apart, and decides or checks how long it is kept
_DECIDE = frozenset({LEGAL, COMMANDER})
# People and duty: an administrator everywhere, a commander in their unit and below.
_STAFF = {**anywhere(_ADMIN), "own": _ADMIN | _COMMANDER, "child": _ADMIN | _COMMANDER}
_LOG = "an entry of the log about a person in reach may name a record beyond it"

PAGES: dict[str, list[Page]] = {
    # the person's own account
    "account_login": [
        Page({}, anybody=True, anonymous="in"),
        Page({}, anybody=True, anonymous="in", method="POST"),
    ],
    "account_logout": [Page({}, anybody=True, anonymous="in"), Page({}, anybody=True, anonymous="in", method="POST")],
    "account_change_password": [_OWN_ACCOUNT, Page({}, anybody=True, method="POST")],
    "account_reauthenticate": [_OWN_ACCOUNT, Page({}, anybody=True, method="POST")],
    "account_inactive": [Page({}, anybody=True, anonymous="in")],
    "account_signup": [Page({}, anybody=True, anonymous="in"), Page({}, anybody=True, anonymous="in", method="POST")],
    "mfa_index": [_OWN_ACCOUNT],
    "mfa_authenticate": [_FOR_ALL, _FOR_ALL_FORM],
    "mfa_reauthenticate": [_OWN_ACCOUNT, _OWN_FORM],
    "mfa_activate_totp": [_OWN_ACCOUNT, _OWN_FORM],
    "mfa_deactivate_totp": [_HAVE_NONE, _HAVE_NONE_FORM],
    "mfa_view_recovery_codes": [_HAVE_NONE],
    "mfa_generate_recovery_codes": [_OWN_ACCOUNT, _OWN_FORM],
    "mfa_list_webauthn": [_OWN_ACCOUNT],
    "mfa_add_webauthn": [_OWN_ACCOUNT, _OWN_FORM],
    "mfa_login_webauthn": [
        Page({}, anybody=True, anonymous="in"),
        Page({}, anybody=True, anonymous="in", method="POST"),
    ],
    "mfa_reauthenticate_webauthn": [_OWN_ACCOUNT, _OWN_FORM],
    "mfa_remove_webauthn": [
        Page({}, anybody=True, kwargs={"pk": 0}),
        Page({}, anybody=True, kwargs={"pk": 0}, method="POST"),
    ],
    "mfa_edit_webauthn": [
        Page({}, anybody=True, kwargs={"pk": 0}),
        Page({}, anybody=True, kwargs={"pk": 0}, method="POST"),
    ],
    "usersessions_list": [_OWN_ACCOUNT, _OWN_FORM],
    "end-session": [Page({}, anybody=True, method="POST", kwargs={"number": objects.session})],
    "still-open": [_FOR_ALL],
    "openid_connect_login": [_NOT_SET_UP],
    "openid_connect_callback": [
        Page({}, anybody=True, anonymous="absent", inside=("absent",), kwargs={"provider_id": "oidc"})
    ],
    "socialaccount_login_cancelled": [Page({}, anybody=True, anonymous="in")],
    "sign-in-of": [
        Page(_STAFF, of="person", kwargs=_PERSON, outside=("absent", "refused")),
        Page(
            _STAFF, of="person", kwargs=_PERSON, method="POST", data={"deed": "unlock"}, outside=("absent", "refused")
        ),
    ],
    # partners: a person's session opens nothing
    "api:whoami": [Page({}, others=("sign-in",))],
    "api:nowhere": [
        Page({}, others=("sign-in",), kwargs={"rest": "v1/tips"}),
        Page({}, others=("sign-in",), kwargs={"rest": "v1/tips"}, method="POST"),
    ],
    # Partners show a login of their own: whoever is signed in with a session is nobody here.
    "sharing:status": [Page({}, others=("sign-in",), kwargs=_SHARED)],
    "sharing:members": [Page({}, others=("sign-in",), kwargs=_SHARED)],
    "sharing:entries": [Page({}, others=("sign-in",), kwargs=_SHARED)],
    "sharing:categorizations": [Page({}, others=("sign-in",), kwargs=_SHARED)],
    "sharing:reasons": [Page({}, others=("sign-in",), kwargs={**_SHARED, "kind": "MD5"})],
    "sharing:feedback": [
        Page({}, others=("sign-in",), kwargs=_ENTRY),
        Page({}, others=("sign-in",), kwargs=_ENTRY, method="POST"),
    ],
    "sharing:nowhere": [
        Page({}, others=("sign-in",), kwargs={**_SHARED, "rest": "v2/nowhere"}),
        Page({}, others=("sign-in",), kwargs={**_SHARED, "rest": "v2/nowhere"}, method="POST"),
    ],
    # --- known files
    "desk:tip-known": [Page(near(READ), of="tip", kwargs=_TIP)],
    "desk:match": [Page(near(READ), of="tip", kwargs={**_TIP, "number": 1, "match": 1})],
    "desk:seen": [Page(near(READ), of="tip", kwargs={**_TIP, "number": 1})],
    "desk:hashes": [Page(any_of(READ))],
    "desk:hash-list": [Page(any_of(READ), kwargs=_LIST)],
    "desk:hash-list-progress": [Page(any_of(READ), kwargs=_LIST)],
    "desk:hash-entry": [
        Page(any_of(READ), kwargs=_LIST, data={"id": "7/17"}),
        Page(any_of(READ), kwargs=_LIST, data={"id": "nothing"}, inside=("absent",)),
    ],
    "desk:hash-bad-rows": [Page(any_of(READ), kwargs={**_LIST, "number": 1}, effect=True)],
    "desk:hash-answer": [
        Page(
            any_of(frozenset({SPECIALIST, COMMANDER})),
            method="POST",
            kwargs=_LIST,
            data={
                "entry": "7/17",
                "member": objects.partner,
                "type": "MD5",
                "at": objects.remark_at,
                "verdict": "agreed",
            },
            effect=True,
        )
    ],
    # tips
    "desk:inbox": [Page(any_of(READ), lists="tips")],
    "desk:arrivals": [Page(any_of(READ), data={"since": "0-00000000", "live": "yes"}, lists="tips")],
    "desk:find": [
        Page(near(READ), of="tip", data={"q": objects.tip}),
        Page(near(_APART, broken=False), of="tip", data={"q": objects.apart}, others=("absent", "refused")),
        Page(any_of(READ), data={"q": "NL-1111-1111"}, inside=("absent",)),
    ],
    "desk:tip": [
        Page(near(READ), of="tip", kwargs=_TIP),
        Page(near(READ, broken=False), of="tip", kwargs={"public_id": objects.repeat}),
        Page(near(_APART, broken=False), of="tip", kwargs={"public_id": objects.apart}, others=("absent", "refused")),
    ],
    "desk:break-glass": [
        Page(anywhere(WORK), of="tip", kwargs=_TIP),
        Page(anywhere(WORK), of="tip", kwargs=_TIP, method="POST", data={"reason": "A child is in danger tonight"}),
    ],
    # files
    "desk:look": [
        Page(near(LOOKS), of="tip", kwargs={**_TIP, "number": 1}),
        Page(near(LOOKS), of="tip", kwargs={**_TIP, "number": 1}, method="POST", data={"reason_kind": "urgency"}),
    ],
    "desk:warrant": [Page(near(LOOKS), of="tip", kwargs={**_TIP, "number": 1}, method="POST")],
    "desk:viewing": [Page({"own": _INVESTIGATOR}, of="viewing", kwargs=_VIEWING, personal=True, others=_NOT_THEIRS)],
    "desk:viewing-state": [
        Page({"own": _INVESTIGATOR}, of="viewing", kwargs=_VIEWING, personal=True, others=_NOT_THEIRS)
    ],
    "desk:viewing-shown": [
        Page(
            {"own": _INVESTIGATOR},
            of="viewing",
            method="POST",
            kwargs=_VIEWING,
            data={"mode": "still", "n": 0},
            personal=True,
            others=_NOT_THEIRS,
        )
    ],
    "desk:viewing-held": [
        Page({"own": _INVESTIGATOR}, of="viewing", method="POST", kwargs=_VIEWING, personal=True, others=_NOT_THEIRS)
    ],
    "desk:viewing-close": [
        Page(
            {"own": _INVESTIGATOR},
            of="viewing",
            method="POST",
            kwargs=_VIEWING,
            data={"without": "1"},
            personal=True,
            others=_NOT_THEIRS,
        )
    ],
    "desk:viewing-picture": [
        Page(
            {"own": _INVESTIGATOR},
            of="viewing",
            kwargs={**_VIEWING, "mode": "still"},
            personal=True,
            others=_NOT_THEIRS,
        )
    ],
    "desk:exposure": [Page(any_of(LOOKS | {COMMANDER}))],
    "desk:tip-export": [
        Page(
            near(WORK),
            of="tip",
            method="POST",
            kwargs=_TIP,
            data={"format": "json", "reason": "for the case file 12 of 2026"},
            others=("refused", "absent"),
            effect=True,
        )
    ],
    "desk:originals": [
        Page(near(frozenset({OFFICER, COMMANDER, LEGAL, AUDITOR})), of="tip", kwargs=_TIP),
        Page(near(_INVESTIGATOR), of="tip", kwargs=_TIP, method="POST", others=("refused", "absent")),
    ],
    "desk:originals-decide": [
        Page(
            near(_COMMANDER, broken=False),
            of="tip",
            method="POST",
            kwargs={**_TIP, "export": objects.export},
            data={"decision": "approve"},
            outside=("absent", "refused"),
        )
    ],
    "desk:outcome": [
        Page(near(frozenset({COMMANDER, LEGAL})), of="tip", kwargs=_TIP, method="POST", data={"outcome": "no-lead"})
    ],
    # sealed identities
    "desk:sealed-ask": [
        Page(near(_OPENS), of="tip", kwargs=_SEALED),
        Page(near(_OPENS), of="tip", kwargs=_SEALED, method="POST"),
    ],
    "desk:openings": [Page(any_of(_OPENS | {COMMANDER, AUDITOR}))],
    "desk:opening": [Page({"own": _INVESTIGATOR}, of="opening", kwargs=_OPENING, personal=True, others=_NOT_THEIRS)],
    "desk:close-opening": [
        Page({"own": _INVESTIGATOR}, of="opening", kwargs=_OPENING, method="POST", personal=True, others=_NOT_THEIRS)
    ],
    "desk:sealed-search": [
        Page(any_of(_OPENS)),
        Page(any_of(_OPENS), method="POST", data={"kind": "school", "text": "Example School"}),
    ],
    # retention
    "desk:retention": [Page(any_of(_APART))],
    "desk:retention-record": [Page(near(_APART), of="tip", kwargs=_TIP)],
    "desk:hold": [Page(near(_DECIDE), of="tip", kwargs=_TIP, method="POST")],
    "desk:clear": [Page(near(_DECIDE), of="tip", kwargs=_TIP, method="POST")],
    "desk:destruction-ask": [Page(near(frozenset({LEGAL})), of="tip", kwargs=_TIP, method="POST")],
    "desk:hold-lift": [Page(near(_DECIDE), of="tip", kwargs={"public_id": objects.hold}, method="POST")],
    "desk:destruction-decide": [
        Page(
            near(_COMMANDER, broken=False),
            of="tip",
            kwargs={"public_id": objects.destruction},
            method="POST",
            data={"agreed": "no"},
        )
    ],
    "desk:certificate": [Page(near(_APART, broken=False), of="tip", kwargs={"public_id": objects.certificate})],
    # glass, notices
    "desk:glass": [Page(any_of(WORK | {AUDITOR}), names_others="glass is answered for on both sides of the wall")],
    "desk:glass-sign-off": [
        Page(
            near(frozenset({COMMANDER, AUDITOR}), broken=False),
            of="glass",
            method="POST",
            kwargs={"public_id": objects.glass},
            data={"justified": "yes", "finding": "The child was met in time"},
            effect=True,
        )
    ],
    "desk:notices": [Page(any_of(ALL), names_others="a notice says what it is about")],
    "desk:notices-seen": [Page(any_of(ALL), method="POST")],
    # units and people
    "desk:units": [Page(any_of(ALL))],
    "desk:unit": [Page(anywhere(ALL), of="unit", kwargs=_UNIT)],
    "desk:unit-add": [Page(anywhere(_ADMIN), of="unit", kwargs=_UNIT, method="POST")],
    "desk:unit-rename": [
        Page(anywhere(_ADMIN), of="unit", kwargs=_UNIT, method="POST", data={"name": "X"}, effect=True)
    ],
    "desk:unit-duty": [
        Page(
            _STAFF,
            of="unit",
            kwargs=_UNIT,
            method="POST",
            data={"person": objects.colleague, "from": objects.shift_from, "until": objects.shift_until},
            outside=("refused",),
            effect=True,
        )
    ],
    "desk:me": [Page(any_of(ALL))],
    "desk:people": [Page(any_of(_MANAGE))],
    "desk:person-new": [Page(any_of(_ADMIN)), Page(any_of(_ADMIN), method="POST")],
    "desk:person": [Page({**anywhere(_ADMIN), "own": _MANAGE, "child": _MANAGE}, of="person", kwargs=_PERSON)],
    "desk:person-switch": [Page(anywhere(_ADMIN), of="person", kwargs=_PERSON, method="POST")],
    "desk:post-give": [Page(anywhere(_ADMIN), of="person", kwargs=_PERSON, method="POST")],
    "desk:post-end": [Page(anywhere(_ADMIN), of="person", kwargs=_POST, method="POST", effect=True)],
    "desk:post-transfer": [
        Page(anywhere(_ADMIN), of="person", kwargs=_POST, method="POST", data={"unit": objects.other_unit}, effect=True)
    ],
    # imports
    "desk:imports": [Page(any_of(READ), lists="imports")],
    "desk:upload": [
        Page(
            any_of(frozenset({INTAKE, TRIAGE})),
            method="POST",
            content_type=objects.FORM,
            body=objects.UPLOAD,
            effect=True,
        )
    ],
    "desk:import": [Page(near(READ, broken=False), of="import", kwargs={"public_id": objects.batch})],
    "desk:import-progress": [Page(near(READ, broken=False), of="import", kwargs={"public_id": objects.batch})],
    # log, audit and system
    "desk:custody": [Page(any_of(READ)), Page(near(READ), of="tip", data={"q": objects.tip})],
    "desk:system": [Page(any_of(_MANAGE))],
    "audit:entries": [Page(any_of(_AUDITOR), names_others=_LOG)],
    "audit:entry": [Page(near(_AUDITOR), of="tip", kwargs={"ref": objects.entry})],
    "audit:take-out": [Page(near(_AUDITOR), of="tip", kwargs={"ref": objects.entry}, method="POST")],
    "audit:person": [Page(anywhere(_AUDITOR), of="person", kwargs=_PERSON, names_others=_LOG)],
    "audit:record": [Page(near(_AUDITOR), of="tip", kwargs=_TIP)],
    "audit:patterns": [Page(any_of(_AUDITOR), names_others=_LOG)],
    "audit:answer": [Page(any_of(_AUDITOR), method="POST", inside=("absent", "in"))],
}

# Pages of the sign-in library and of the own account: there is no role to decide by.
PAGES |= handing_pages.PAGES | triage_pages.NEW_PAGES | deconfliction.PAGES | insight.PAGES | telling_pages.PAGES
PAGES |= (
    exchanging.PAGES
    | attribution_pages_trace.PAGES
    | attribution_pages_requests.PAGES
    | attribution_pages_returns.PAGES
)
UNDECIDED = {
    name for name in PAGES if name.startswith(("account_", "mfa_", "usersessions_", "openid_", "socialaccount_"))
}
UNDECIDED |= {"end-session", "still-open"}
# For anybody, who is nobody: there is nothing to decide by either.
UNDECIDED |= {name for name in PAGES if name.startswith("hotline:")}

# The reporting API: method, and the status by who asks. The report named is that of "Example Chat".
_REPORT = {"Example Chat": {200}, "Example Forum": {404}, "may not submit": {200}, "Example Gone": {401}, "": {401}}
_ANY = {"Example Chat": {200}, "Example Forum": {200}, "may not submit": {200}, "Example Gone": {401}, "": {401}}
WIRE: dict[str, tuple[str, Mapping[str, set[int]]]] = {
    "status": ("GET", _ANY),
    "xsd": ("GET", _ANY),
    "submit": ("POST", {**_ANY, "may not submit": {403}}),
    "upload": ("POST", _REPORT),
    "fileinfo": ("POST", _REPORT),
    "finish": ("POST", _REPORT),
    "retract": ("POST", _REPORT),
}

# Differences that are defects, found by these tests and not mended yet: a pattern of the line, and what is wrong. A
# line that nothing matches any more fails too.
OPEN_DEFECTS: dict[str, str] = {}
