# SPDX-License-Identifier: Apache-2.0
"""The addresses of the Hash Sharing API. A client's base address is ``/hashsharing/<slug>``; the rest is protocol."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.sharing import views

app_name = "sharing"

urlpatterns = [
    path("<str:slug>/v2/status", views.status, name="status"),
    path("<str:slug>/v2/members", views.members, name="members"),
    path("<str:slug>/v2/entries", views.entries, name="entries"),
    # Ids of entries may hold slashes.
    path("<str:slug>/v2/entries/<str:member>/<path:entry>/<str:kind>/feedback", views.feedback, name="feedback"),
    path("<str:slug>/v2/feedback/<str:kind>/reasons", views.reasons, name="reasons"),
    path("<str:slug>/v2/categorizations", views.categorizations, name="categorizations"),
    path("<str:slug>/<path:rest>", views.nowhere, name="nowhere"),
]
