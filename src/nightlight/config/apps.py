# SPDX-License-Identifier: Apache-2.0
"""Hooks the story to the custody log when Django is ready."""

from __future__ import annotations

from django.apps import AppConfig


class StoryConfig(AppConfig):
    """Connects what happened to what follows."""

    name = "nightlight.config"
    label = "nightlight_config"

    def ready(self) -> None:
        """Have the custody log tell the story of each event, and sealed names opened only for who sees the record."""
        from nightlight import story
        from nightlight.casework.attribution import destroying as attribution
        from nightlight.outlook.desk import looking
        from nightlight.pipeline.tips import destroying, seeing
        from nightlight.trust.custody import actions as custody
        from nightlight.trust.sealed import actions as sealed
        from nightlight.trust.viewing import preparing

        custody.listen(story.follow, statements=story.follow_in_sql)
        sealed.let_through_only(seeing.sees)
        preparing.let_through_only(looking.may_open)
        destroying.register()
        attribution.register()
