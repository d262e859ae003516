# SPDX-License-Identifier: Apache-2.0
"""Hooks the story to the custody log when Django is ready."""

from __future__ import annotations

from django.apps import AppConfig


class StoryConfig(AppConfig):
    """Connects what happened to what follows."""

    name = "nightlight.config"
    label = "nightlight_config"

    def ready(self) -> None:
        """Have the custody log tell the story of each event, in the event's own transaction."""
        from nightlight import story
        from nightlight.trust.custody import actions as custody

        custody.listen(story.follow, statements=story.follow_in_sql)
