# SPDX-License-Identifier: Apache-2.0
"""The addresses of the hotline; without the setting NIGHTLIGHT_HOTLINE they all answer 404."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.hotline import views

app_name = "hotline"

urlpatterns = [
    path("", views.languages, name="languages"),
    path("<str:language>/", views.tell, name="tell"),
    path("<str:language>/back/", views.back, name="back"),
]
