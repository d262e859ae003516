# SPDX-License-Identifier: Apache-2.0
"""The app of looking at files."""

from __future__ import annotations

from django.apps import AppConfig


class ViewingConfig(AppConfig):
    """Guarded viewing, the exposure ledger, and the export of originals."""

    name = "nightlight.trust.viewing"
    label = "viewing"
    default_auto_field = "django.db.models.BigAutoField"
