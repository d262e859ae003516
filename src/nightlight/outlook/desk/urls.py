# SPDX-License-Identifier: Apache-2.0
"""The addresses of the pages. They are stable: links to tips, filters and imports may be kept and shared."""

from __future__ import annotations

from django.urls import path

from nightlight.outlook.desk.views import custody, imports, inbox, system, tip

app_name = "desk"

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("arrivals/", inbox.arrivals, name="arrivals"),
    path("find/", inbox.find, name="find"),
    path("tips/<str:public_id>/", tip.tip, name="tip"),
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.upload, name="upload"),
    path("imports/<str:public_id>/", imports.one, name="import"),
    path("imports/<str:public_id>/progress/", imports.progress, name="import-progress"),
    path("custody/", custody.custody, name="custody"),
    path("system/", system.system, name="system"),
]
