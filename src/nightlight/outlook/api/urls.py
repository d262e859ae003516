# SPDX-License-Identifier: Apache-2.0
"""The addresses of the API. The number in them changes only when an answer changes in a way that breaks a partner."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.api import deconfliction, views

app_name = "api"

urlpatterns = [
    path("v1/whoami", views.whoami, name="whoami"),
    path("v1/deconfliction", deconfliction.ask, name="deconfliction"),
    path("<path:rest>", views.nowhere, name="nowhere"),
]
