# SPDX-License-Identifier: Apache-2.0
"""The installation's own settings, whatever they are, with the floor of ``floor.py`` in front."""

from __future__ import annotations

from nightlight.config import settings
from nightlight.config.settings import *  # noqa: F403

# The rest stays: nothing reaches it, as nothing of the wire does.
MIDDLEWARE = ["floor.floor_first", *settings.MIDDLEWARE]
DATABASES = {"default": settings.DATABASES["intake"]}  # whoever takes reports in connects as the intake
