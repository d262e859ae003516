# SPDX-License-Identifier: Apache-2.0
"""The folder of collected files that whitenoise looks for."""

from __future__ import annotations

from nightlight.outlook.desk.tests.conftest import _static_folder, alice

__all__ = ["_static_folder", "alice"]
