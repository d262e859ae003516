# SPDX-License-Identifier: Apache-2.0
"""The addresses of the scorecards, and of what is held back from a reporter."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.insight import views

app_name = "insight"

urlpatterns = [
    path("providers/", views.providers, name="providers"),
    path("providers/<str:public_id>/", views.provider, name="provider"),
    path("providers/<str:public_id>/export/", views.export, name="export"),
    path("tips/<str:public_id>/feedback/", views.hold_back, name="hold-back"),
]
