# SPDX-License-Identifier: Apache-2.0
"""Signing in through another provider (OpenID Connect): only as somebody an administrator has linked beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404
from django.shortcuts import render

from nightlight.foundation import clock
from nightlight.outlook.desk import second_factor
from nightlight.trust.accounts import rules, sign_in_actions

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialApp, SocialLogin
    from django.http import HttpRequest, HttpResponse


_SIGNED_BY = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class _Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The provider, whose signature under an ID token is checked even though the token came from it directly."""

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, object]:
        try:
            algorithm = jwt.get_unverified_header(id_token).get("alg")
        except jwt.PyJWTError as error:
            raise OAuth2Error("The ID token cannot be read.") from error
        if algorithm not in _SIGNED_BY:
            raise OAuth2Error("The ID token is not signed with the provider's own key.")
        claims: dict[str, object] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return claims


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Answer somebody who comes back from the provider."""
    if provider_id != sign_in_actions.PROVIDER or not settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]:
        raise Http404
    answer: HttpResponse = OAuth2CallbackView.adapter_view(_Provider(request, sign_in_actions.PROVIDER))(request)
    return answer


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """allauth's single sign-on without sign-up, and without anybody linking an identity to themselves."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """People are added by an administrator."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse an identity nobody was linked to, on record; note whether the provider saw a second factor."""
        request.session.pop(second_factor.SHOWN_ELSEWHERE, None)
        subject = sociallogin.account.uid
        if not sociallogin.is_existing or sociallogin.state.get("process") != "login":
            sign_in_actions.sign_in_failed(
                at=clock.now(),
                person=None,
                name_digest=rules.identity_digest(settings.NIGHTLIGHT_MFA_KEY, sign_in_actions.PROVIDER, subject),
                address=request.META.get("REMOTE_ADDR", ""),
                step="single-sign-on",
            )
            raise ImmediateHttpResponse(render(request, "socialaccount/unknown.html", status=403))
        said = sociallogin.account.extra_data.get("id_token") or {}
        # What the provider says about a person is not kept: the link is all that is needed.
        SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})
        if settings.ENVIRONMENT.oidc_trusts_second_factor and "mfa" in (said.get("amr") or []):  # RFC 8176
            request.session[second_factor.SHOWN_ELSEWHERE] = sociallogin.user.pk
