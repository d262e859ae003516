# SPDX-License-Identifier: Apache-2.0
"""The roles there are, and what a page is stated with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

INTAKE, TRIAGE, OFFICER, SPECIALIST = "intake-analyst", "triage-officer", "investigator", "victim-identification"
COMMANDER, LEGAL, AUDITOR, ADMIN = "commander", "legal-reviewer", "auditor", "administrator"
ALL = frozenset({INTAKE, TRIAGE, OFFICER, SPECIALIST, COMMANDER, LEGAL, AUDITOR, ADMIN})
READ = ALL - {ADMIN}
BELOW = frozenset({TRIAGE, COMMANDER, AUDITOR})  # who reach what lies below their unit
WORK = READ - {LEGAL, AUDITOR}
LOOKS = frozenset({TRIAGE, OFFICER, SPECIALIST})
Roles = frozenset[str]
Near = Mapping[str, Roles]


def near(roles: Roles, *, broken: bool = True) -> Near:
    """These roles for records of their own unit, those that reach below for those below, those behind broken glass."""
    found: dict[str, Roles] = {"own": roles, "child": roles & BELOW}
    return {**found, "broken": roles - {LEGAL, AUDITOR, ADMIN}} if broken else found


@dataclass(frozen=True)
class Page:
    """Who is let in, by how the record named stands to them ("any" where none is named), and what others get."""

    let_in: Near
    of: str = ""  # what it is about: "" for nothing in particular
    method: str = "GET"
    kwargs: Mapping[str, Any] = field(default_factory=dict)  # of the address
    data: Mapping[str, Any] = field(default_factory=dict)  # query or form
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""
    anonymous: str = "sign-in"  # what those get who are not signed in
    others: tuple[str, ...] = ("refused",)  # what roles get that are let in nowhere
    inside: tuple[str, ...] = ("in",)  # what those get who are let in
    effect: bool = False  # let in is only whose request left an entry in the log
    personal: bool = False  # what is named belongs to the unit's investigator alone
    outside: tuple[str, ...] = ("absent",)  # what roles get for records beyond their reach
    behind_glass: tuple[str, ...] = ()  # what those get who broke the glass, where it lets nobody in
    anybody: bool = False  # whoever is signed in, with a post or without
    lists: str = ""  # what it must list completely
    names_others: str = ""  # why it may name records beyond reach
    before: Callable[[Any, Any], None] | None = None  # what is done first, for this person and what is named


def any_of(roles: Roles) -> Near:
    """These roles, for a page that is about nothing in particular."""
    return {"any": roles}


def anywhere(roles: Roles) -> Near:
    """These roles, wherever what is named stands."""
    return dict.fromkeys(("own", "child", "parent", "sibling", "unrelated", "broken"), roles)
