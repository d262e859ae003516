# SPDX-License-Identifier: Apache-2.0
"""The Django app of people and reporters."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, roles, reporters and their credentials."""

    name = "nightlight.trust.accounts"
    label = "accounts"
