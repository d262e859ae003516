# SPDX-License-Identifier: Apache-2.0
"""How this installation takes reports: profile, status preset, newer elements, and the schema it serves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings as django_settings

from nightlight.pipeline.tips.formats.cybertipline import xsd
from nightlight.pipeline.tips.formats.cybertipline.answers import Preset
from nightlight.pipeline.tips.formats.cybertipline.check import Profile


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """The intake's settings, read once."""

    profile: Profile
    preset: Preset
    newer: bool


@cache
def settings() -> IntakeSettings:
    """Return the intake's settings."""
    environment = django_settings.ENVIRONMENT
    return IntakeSettings(
        profile=Profile(environment.intake_profile),
        preset=Preset(environment.intake_preset),
        newer=environment.intake_newer,
    )


@cache
def served_schema() -> bytes:
    """Return the schema document served at ``/xsd``."""
    return xsd.document(newer=settings().newer)
