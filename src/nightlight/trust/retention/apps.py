# SPDX-License-Identifier: Apache-2.0
"""Tells Django about the app."""

from __future__ import annotations

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """The retention app."""

    name = "nightlight.trust.retention"
    label = "retention"
