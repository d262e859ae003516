# SPDX-License-Identifier: Apache-2.0
"""Refuses a password that is made of words anybody would try here: the person's name, ours, those of the work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

# OWASP ASVS 5.0, 6.1.2 and 6.2.11: words of this place, beside the common passwords Django refuses.
WORDS = ("nightlight", "cybertip", "tipline", "police", "officer", "inspector", "station", "password", "welcome")
_LEFT = 8  # characters that must be something else


class WordsOfThePlace:
    """Refuses what has fewer than eight characters left once those words are taken out."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raise ValidationError for such a password."""
        own = [getattr(user, name, "") or "" for name in ("username", "first_name", "last_name")]
        rest = password.casefold()
        for word in (*WORDS, *(part.casefold() for text in own for part in re.split(r"\W+", text))):
            rest = rest.replace(word, "") if len(word) > 2 else rest
        if len(rest) < _LEFT:
            raise ValidationError(_("This password is made of words anybody would try here."), code="password_of_words")

    def get_help_text(self) -> str:
        """Return what the form says beforehand."""
        return _("Your password must not be made of your name, ours, or words of the work.")
