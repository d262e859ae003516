# SPDX-License-Identifier: Apache-2.0
"""The second factor: an authenticator app, a passkey, recovery codes; their secrets are encrypted in the database."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

import qrcode
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import stages
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from qrcode.image.svg import SvgPathFillImage

from nightlight.outlook.desk import lockout
from nightlight.trust.accounts import queries

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

    from nightlight.trust.accounts.models import User

SHOWN_ELSEWHERE = "nightlight.second_factor_elsewhere"  # in the session: for whom the identity provider vouches
_FORM = "v1:"
_ABOUT = b"nightlight second factor v1"
_CODE_SECONDS = 120  # longer than any code counts: 30 seconds, and one step before and after


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's second factors, with secrets encrypted and our words."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is wrong, or was used already. Wait for the next one and try again."),
        "cannot_delete_authenticator": gettext_lazy(
            "This is your only second factor, and one is required here. Add another first, then remove this one."
        ),
    }

    def get_totp_issuer(self) -> str:
        """Return the name an authenticator app shows."""
        return f"Nightlight {context.request.get_host()}"

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code dark on white, so that a telephone reads it on a dark page too."""
        svg: str = qrcode.make(url, image_factory=SvgPathFillImage, border=2).to_string(encoding="unicode")
        return svg

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        """Return the name proposed for a new passkey."""
        number = len(queries.second_factors(user)) + 1  # type: ignore[arg-type]
        return _("Passkey %(number)d") % {"number": number}

    def encrypt(self, text: str) -> str:
        """Return the secret under AES-256-GCM (NIST SP 800-38D), nonce first, in base64; ``mfa.key`` opens it."""
        nonce = os.urandom(12)
        sealed = AESGCM(settings.NIGHTLIGHT_MFA_KEY).encrypt(nonce, text.encode(), _ABOUT)
        return _FORM + base64.b64encode(nonce + sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. Raises InvalidTag under another key, ValueError for what `encrypt` did not make."""
        if not encrypted_text.startswith(_FORM):
            raise ValueError("this secret was not encrypted by this installation")
        raw = base64.b64decode(encrypted_text.removeprefix(_FORM))
        return AESGCM(settings.NIGHTLIGHT_MFA_KEY).decrypt(raw[:12], raw[12:], _ABOUT).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether another second factor is left, or none is required."""
        left = queries.second_factors(authenticator.user).keys() - {authenticator.pk}
        return bool(left) or not required()


class _Guarded:
    """A code counts once, and wrong ones count towards the lock."""

    user: User

    def clean_code(self) -> str:
        request = context.request
        if lockout.locked(request, self.user):
            raise Adapter().validation_error("incorrect_code")
        code: str = super().clean_code()  # type: ignore[misc]
        # The library remembers a used code for 30 seconds only; with a step of tolerance it counts for longer.
        used = hashlib.sha256(normalize_user_code(code).encode()).hexdigest()
        if not cache.add(f"nightlight.code:{self.user.pk}:{used}", 1, timeout=_CODE_SECONDS):
            lockout.code_failed(request, self.user)
            raise Adapter().validation_error("incorrect_code")
        return code

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]
        lockout.code_failed(context.request, self.user)


class AuthenticateForm(_Guarded, forms.AuthenticateForm):  # type: ignore[misc]
    """The code asked for after the password."""


class ReauthenticateForm(_Guarded, forms.ReauthenticateForm):  # type: ignore[misc]
    """The code asked for before a change, or to open a locked session."""


class AuthenticateStage(stages.AuthenticateStage):  # type: ignore[misc]
    """Asks for the second factor, unless the identity provider has said that it did."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return bool(super()._should_handle(request)) and not shown_elsewhere(request, self.login.user)


def required() -> bool:
    """Whether nobody works here without a second factor."""
    return bool(settings.ENVIRONMENT.second_factor == "required")


def shown_elsewhere(request: HttpRequest, person: User) -> bool:
    """Whether this person came through the identity provider, and it said that it saw a second factor."""
    records = get_authentication_records(request, person)
    through = any(record["method"] == "socialaccount" for record in records)
    return through and request.session.get(SHOWN_ELSEWHERE) == person.pk
