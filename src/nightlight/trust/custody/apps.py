# SPDX-License-Identifier: Apache-2.0
"""Makes the custody log known to Django under the name that its tables begin with."""

from __future__ import annotations

from django.apps import AppConfig


class CustodyConfig(AppConfig):
    """The append-only log of who did what."""

    name = "nightlight.trust.custody"
    label = "custody"
