# SPDX-License-Identifier: Apache-2.0
"""Every address of the installation. The reporting API under /ispws/ is answered before these (see middleware)."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.account.urls")),
    path("", include("nightlight.outlook.desk.urls")),
]
