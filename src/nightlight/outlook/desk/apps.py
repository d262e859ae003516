# SPDX-License-Identifier: Apache-2.0
"""The Django app of the pages people work on."""

from __future__ import annotations

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Sign-in, inbox, tip, imports, custody and system pages. Has no tables."""

    name = "nightlight.outlook.desk"
    label = "desk"
