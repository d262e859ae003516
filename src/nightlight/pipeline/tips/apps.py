# SPDX-License-Identifier: Apache-2.0
"""The Django app of received reports."""

from __future__ import annotations

from django.apps import AppConfig


class TipsConfig(AppConfig):
    """Reports as they came, their files, and what was worked out from them."""

    name = "nightlight.pipeline.tips"
    label = "tips"
