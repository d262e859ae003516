# SPDX-License-Identifier: Apache-2.0
"""Every address of the installation. The reporting API under /ispws/ is answered before these (see wsgi.py)."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path

urlpatterns = [
    # Only what is offered: no sign-up, no e-mail address, no reset by mail. People are added by an administrator.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/signup/", account.signup, name="account_signup"),  # says that it is closed
    path("", include("nightlight.outlook.desk.urls")),
]
