# SPDX-License-Identifier: Apache-2.0
"""The addresses of the audit pages. They are stable: a link to an entry or a filtered list may be kept and shared."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.audit import views

app_name = "audit"

urlpatterns = [
    path("", views.entries, name="entries"),
    path("entry/<str:ref>/", views.entry, name="entry"),
    path("entry/<str:ref>/bundle/", views.take_out, name="take-out"),
    path("person/<str:public_id>/", views.person, name="person"),
    path("record/<str:public_id>/", views.record, name="record"),
    path("patterns/", views.patterns, name="patterns"),
    path("patterns/answer/", views.answer, name="answer"),
]
