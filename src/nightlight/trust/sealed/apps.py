# SPDX-License-Identifier: Apache-2.0
"""Makes sealed identities known to Django under the name that their tables begin with."""

from __future__ import annotations

from django.apps import AppConfig


class SealedConfig(AppConfig):
    """Names of children and of other protected people, closed to whoever has no reason to know them."""

    name = "nightlight.trust.sealed"
    label = "sealed"
