# SPDX-License-Identifier: Apache-2.0
"""The form of the hotline: what was typed, what is wrong with it, and the token that shows when it was opened."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.formats.hotline import Added, Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# A person needs longer than this to write; a program does not.
QUICKEST = timedelta(seconds=3)
LONGEST = timedelta(hours=24)
TRAP = "website"  # hidden from people; programs fill in whatever looks like a field


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form sent: the fields by name, cleaned, and the sentence that says what is wrong ("" for nothing).

    ``form`` names the page that was filled in, and nobody: the same page sent again is the same.
    """

    fields: Mapping[str, str]
    problem: str = ""
    form: str = ""

    def told(self, language: str) -> Told:
        """What was told, as it is kept."""
        return Told(hotline.HOTLINE, language=language, **self.fields)

    @property
    def added(self) -> Added:
        """What was added to what was told before."""
        return Added(self.fields["what"], danger="yes" if self.fields["danger"] == "yes" else "")


def token(at: datetime) -> str:
    """Return what a form carries: when it was opened and a random number, signed. It names nobody."""
    return _signer().sign(f"{int(at.timestamp())}-{secrets.token_hex(16)}")


def sent(fields: Mapping[str, str], at: datetime) -> Sent:
    """Return what a form sent, and what is wrong with it. Nothing of what was written is lost over it."""
    cleaned = hotline.cleaned(fields)
    found = Sent(cleaned)
    if fields.get(TRAP):
        return replace(found, problem=_("Please send it once more, and leave the last field empty."))
    opened, form = _opened(fields.get("token", ""))
    if opened is None or not QUICKEST <= timedelta(seconds=at.timestamp() - opened) <= LONGEST:
        return replace(
            found,
            problem=_(
                "Please press the button once more: the page was open too long or only a moment. Nothing is lost."
            ),
        )
    if not cleaned["what"]:
        return replace(found, problem=_("Say in a few words what happened."))
    if hotline.too_long(cleaned):
        return replace(found, problem=_("One of the texts is too long. Shorten it, or send it in two parts."))
    return replace(found, form=form)


def _opened(signed: str) -> tuple[int | None, str]:
    """When the form was opened, and what names it."""
    try:
        opened, _dash, form = _signer().unsign(signed).partition("-")
        return int(opened), form
    except (BadSignature, ValueError):
        return None, ""


def _signer() -> Signer:
    return Signer(salt="nightlight.hotline.form")
