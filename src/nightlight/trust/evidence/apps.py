# SPDX-License-Identifier: Apache-2.0
"""Makes the evidence vault known to Django under the name that its tables begin with."""

from __future__ import annotations

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """Files: received, digested, encrypted, kept."""

    name = "nightlight.trust.evidence"
    label = "evidence"
