# SPDX-License-Identifier: Apache-2.0
"""The words pages use for codes: event kinds, states, findings, yes and no. One place, so that they agree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_EVENTS: dict[str, StrPromise] = {
    "tip.opened": gettext_lazy("Report opened by the reporter"),
    "tip.file-described": gettext_lazy("Details of a file received"),
    "tip.received": gettext_lazy("Report finished; receipt sent"),
    "tip.retracted": gettext_lazy("Report withdrawn by the reporter"),
    "tip.expired": gettext_lazy("Report lapsed; it was never finished"),
    "tip.imported": gettext_lazy("Imported from a CyberTip download"),
    "tip.viewed": gettext_lazy("Tip opened on the desk"),
    "evidence.received": gettext_lazy("File received into the vault"),
    "person.signed-in": gettext_lazy("Signed in"),
    "person.signed-out": gettext_lazy("Signed out"),
    "person.password-changed": gettext_lazy("Password changed"),
}
_FINDINGS: dict[str, StrPromise] = {
    "capture-without-port": gettext_lazy("A network event has no port"),
    "capture-without-time": gettext_lazy("A network event has no time"),
    "zone-not-stated": gettext_lazy("A time has no zone"),
    "viewing-not-stated": gettext_lazy("Not stated whether the reporter viewed the file"),
    "thin-report": gettext_lazy("Nothing to follow"),
    "victim-is-reported": gettext_lazy("A victim may have been named as reported person"),
    "email-of-nobody": gettext_lazy("An e-mail address that belongs to nobody in the report"),
    "prior-report-unknown": gettext_lazy("An earlier report that is not known here"),
    "several-persons-reported": gettext_lazy("More than one reported person"),
    "future-date": gettext_lazy("A time in the future"),
    "no-longer-valid": gettext_lazy("Would not be accepted under today's rules"),
    "tolerated": gettext_lazy("Accepted although not in the required form"),
    "reporter-without-email": gettext_lazy("The reporter gave no e-mail address"),
}
_ROLES: dict[Role, StrPromise] = {
    Role.REPORTED: gettext_lazy("Reported"),
    Role.RECIPIENT: gettext_lazy("Recipient"),
    Role.VICTIM: gettext_lazy("Victim"),
    Role.ASSOCIATED: gettext_lazy("Associated account"),
}
_STATED: dict[Stated, StrPromise] = {
    Stated.YES: gettext_lazy("yes"),
    Stated.NO: gettext_lazy("no"),
    Stated.NOT_STATED: gettext_lazy("not stated"),
    Stated.UNREADABLE: gettext_lazy("unreadable"),
}
_ACTORS: dict[str, StrPromise] = {
    "command:cli": gettext_lazy("Administrator at the command line"),
    "service:worker": gettext_lazy("Nightlight itself"),
}


def event(kind: str) -> str:
    """What an event kind says; an unknown one stays as it is."""
    return str(_EVENTS.get(kind, kind))


def finding(code: str) -> str:
    """What a finding's code says."""
    return str(_FINDINGS[code]) if code in _FINDINGS else humane(code)


def role(of: Role) -> str:
    """What part somebody has in a report."""
    return str(_ROLES[of])


def stated(answer: Stated) -> str:
    """Yes, no, not stated or unreadable."""
    return str(_STATED[answer])


def actor(name: str) -> str | None:
    """The words for an actor that is no person and no reporter; None for others."""
    return str(_ACTORS[name]) if name in _ACTORS else None


def humane(code: str) -> str:
    """A name such as `minorToMinorInteraction` or `too-many` as words: "Minor to minor interaction"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-_]+", " ", code).lower()
    return re.sub(r"\bai\b", "AI", words[:1].upper() + words[1:])


def size(number: int) -> str:
    """A number of bytes for people, with the exact number where the two differ."""
    if number < 1000:
        return ngettext("%(n)d byte", "%(n)d bytes", number) % {"n": number}
    short, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if short < 1000:
            break
        short, unit = short / 1000, larger
    return _("%(short)s %(unit)s (%(exact)s bytes)") % {
        "short": f"{short:.1f}",
        "unit": unit,
        "exact": f"{number:,}",
    }
