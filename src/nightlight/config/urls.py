# SPDX-License-Identifier: Apache-2.0
"""Every address of the installation. The reporting API under /ispws/ is answered before these (see wsgi.py)."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from allauth.usersessions import views as sessions
from django.urls import include, path

from nightlight.outlook.desk import single_sign_on
from nightlight.outlook.desk.views import account as ours
from nightlight.outlook.desk.views.account import recorded, renewed, shown_lately

# Only what is offered: no sign-up, no e-mail address, no reset by mail. People are added by an administrator.
_ACCOUNT = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("reauthenticate/", renewed(account.reauthenticate), name="account_reauthenticate"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),  # says that it is closed
    path("second-factor/", mfa.index, name="mfa_index"),
    path("second-factor/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/reauthenticate/", renewed(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("second-factor/app/add/", recorded(totp.activate_totp), name="mfa_activate_totp"),
    path("second-factor/app/remove/", recorded(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-factor/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", recorded(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("passkeys/add/", recorded(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("passkeys/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("passkeys/reauthenticate/", renewed(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("passkeys/<int:pk>/remove/", recorded(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("passkeys/<int:pk>/rename/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path("sessions/", shown_lately(sessions.list_usersessions), name="usersessions_list"),
    path("sessions/<int:number>/end/", shown_lately(ours.end_session), name="end-session"),
    path("open/", ours.still_open, name="still-open"),
    # One identity provider, by setting; without it these answer 404.
    path("oidc/login/", oidc.login, {"provider_id": "oidc"}, name="openid_connect_login"),
    path("<str:provider_id>/login/callback/", single_sign_on.callback, name="openid_connect_callback"),
    path("oidc/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
]

urlpatterns = [
    path("accounts/", include(_ACCOUNT)),
    path("system/people/<str:public_id>/", ours.sign_in_of, name="sign-in-of"),
    path("api/", include("nightlight.outlook.api.urls")),
    path("hashsharing/", include("nightlight.outlook.sharing.urls")),
    path("exchange/", include("nightlight.outlook.exchange.urls")),
    path("tell/", include("nightlight.outlook.hotline.urls")),
    path("feedback/", include("nightlight.outlook.feedback.urls")),
    path("insight/", include("nightlight.outlook.insight.urls")),
    path("audit/", include("nightlight.outlook.audit.urls")),
    path("", include("nightlight.outlook.desk.urls")),
]
