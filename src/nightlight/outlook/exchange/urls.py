# SPDX-License-Identifier: Apache-2.0
"""The addresses other installations ask; docs/exchange/referral.md describes them."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.exchange import views

app_name = "exchange"

urlpatterns = [
    path("v1/card", views.card, name="card"),
    path("v1/packages", views.packages, name="packages"),
    path("v1/packages/<str:package_id>", views.package, name="package"),
    path("v1/packages/<str:package_id>/complete", views.complete, name="package-complete"),
    path("<path:rest>", views.nowhere, name="nowhere"),
]
