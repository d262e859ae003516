# SPDX-License-Identifier: Apache-2.0
"""The addresses under which reporters ask. The number in them changes only when an answer breaks a client."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.feedback import views

app_name = "feedback"

urlpatterns = [
    path("v1/reports.json", views.reports, name="reports"),
    path("v1/reports.csv", views.table, name="table"),
    path("v1/reports/<str:report_id>", views.report, name="report"),
    path("<path:rest>", views.nowhere, name="nowhere"),
]
