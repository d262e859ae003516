# SPDX-License-Identifier: Apache-2.0
"""Tells Django about the app."""

from __future__ import annotations

from django.apps import AppConfig


class UnitsConfig(AppConfig):
    """The units app."""

    name = "nightlight.trust.units"
    label = "units"
