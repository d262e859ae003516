# SPDX-License-Identifier: Apache-2.0
"""The Django app of the scorecard and of what reporters are told."""

from __future__ import annotations

from django.apps import AppConfig


class InsightConfig(AppConfig):
    """What was worked out of each report for its provider, and what the provider is told."""

    name = "nightlight.outlook.insight"
    label = "insight"
    default_auto_field = "django.db.models.BigAutoField"
