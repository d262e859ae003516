# SPDX-License-Identifier: Apache-2.0
"""The Django app of the audit pages."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Pages for auditors over the custody log. Has no tables: what it writes stands in the log."""

    name = "nightlight.outlook.audit"
    label = "audit"
