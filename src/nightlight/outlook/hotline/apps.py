# SPDX-License-Identifier: Apache-2.0
"""The Django app of the hotline."""

from __future__ import annotations

from django.apps import AppConfig


class HotlineConfig(AppConfig):
    """The hotline has pages and no tables: what is told is kept by the pipeline."""

    name = "nightlight.outlook.hotline"
    label = "hotline"
