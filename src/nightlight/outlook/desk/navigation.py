# SPDX-License-Identifier: Apache-2.0
"""Which pages each role is led to: the few its work begins on at the top, the others one click away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from nightlight.foundation import clock
from nightlight.trust import identity
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import glass, notices, rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the navigation; ``number`` is what waits there, 0 for nothing or not known."""

    view: str
    address: str
    label: str
    number: int = 0


_RETAINS = frozenset({Role.LEGAL_REVIEWER, Role.COMMANDER, Role.AUDITOR})
_SCORES = frozenset({Role.TRIAGE_OFFICER, Role.COMMANDER, Role.AUDITOR, Role.LEGAL_REVIEWER})
_INSTALLATIONS = frozenset({Role.ADMINISTRATOR, Role.COMMANDER, Role.AUDITOR})
_OPENINGS = rules.UNSEALS | {Role.COMMANDER, Role.AUDITOR}

# view, label, who is led there, and for whom it is at the top.
_ENTRIES: tuple[tuple[str, StrPromise, Callable[[Viewer], bool], Callable[[Viewer], bool]], ...] = (
    ("desk:queue", _("Queue"), lambda v: v.reads_tips, lambda v: True),
    ("desk:inbox", _("Inbox"), lambda v: v.reads_tips, lambda v: True),
    ("desk:hand-overs", _("Hand-overs"), lambda v: v.reads_tips, lambda v: v.works),
    ("desk:wrong-doors", _("Wrong doors"), lambda v: v.reads_tips, lambda v: False),
    ("desk:requests", _("Requests"), lambda v: v.reads_tips, lambda v: False),
    ("desk:alerts", _("Alerts"), lambda v: v.reads_tips, lambda v: v.works),
    ("desk:units", _("Units"), lambda v: bool(v.posts), lambda v: v.manages),
    ("desk:people", _("People"), lambda v: v.manages or v.audits, lambda v: v.manages),
    ("audit:entries", _("Audit"), lambda v: v.audits, lambda v: True),
    ("desk:phone-call", _("Take a call"), lambda v: v.imports, lambda v: False),
    ("desk:imports", _("Imports"), lambda v: v.reads_tips, lambda v: v.imports),
    ("desk:hashes", _("Known files"), lambda v: v.reads_tips, lambda v: Role.VICTIM_IDENTIFICATION in v.roles),
    ("desk:notices", _("Notices"), lambda v: bool(v.posts), lambda v: True),
    ("desk:glass", _("Broken glass"), lambda v: v.works or v.signs_off, lambda v: v.signs_off),
    ("desk:retention", _("Retention"), lambda v: v.may(_RETAINS), lambda v: Role.LEGAL_REVIEWER in v.roles),
    ("desk:exposure", _("Exposure"), lambda v: v.views_media or v.commands, lambda v: False),
    ("desk:openings", _("Opened names"), lambda v: v.may(_OPENINGS), lambda v: False),
    ("desk:sealed-search", _("Search sealed names"), lambda v: v.unseals, lambda v: False),
    ("insight:providers", _("Providers"), lambda v: v.may(_SCORES), lambda v: False),
    ("desk:rulebook", _("Rules of triage"), lambda v: v.reads_tips, lambda v: False),
    ("desk:custody", _("Custody"), lambda v: v.reads_tips, lambda v: False),
    ("desk:installations", _("Other installations"), lambda v: v.may(_INSTALLATIONS), lambda v: False),
    ("desk:system", _("System"), lambda v: v.manages or v.audits, lambda v: v.manages),
)


def of(viewer: Viewer) -> tuple[list[Entry], list[Entry]]:
    """Return the links at the top and the others, with what waits behind notices and broken glass."""
    waiting = {"desk:notices": SimpleLazyObject(lambda: _unread(viewer))}
    if viewer.signs_off:
        waiting["desk:glass"] = SimpleLazyObject(lambda: _glass(viewer))
    top: list[Entry] = []
    others: list[Entry] = []
    for view, label, led, at_the_top in _ENTRIES:
        if led(viewer):
            entry = Entry(view, reverse(view), str(label), waiting.get(view, 0))  # type: ignore[arg-type]
            (top if at_the_top(viewer) else others).append(entry)
    return top, others


def _unread(viewer: Viewer) -> int:
    with identity.acting_as(viewer=viewer.user_id):
        return notices.unread(viewer, at=clock.now())


def _glass(viewer: Viewer) -> int:
    with identity.acting_as(viewer=viewer.user_id):
        return glass.waiting(viewer).filter(broken_at__lte=clock.now())[:99].count()
