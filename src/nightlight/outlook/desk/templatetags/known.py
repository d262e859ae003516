# SPDX-License-Identifier: Apache-2.0
"""What lists of tips say of files, and the exact moment of a remark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from nightlight.foundation import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.pipeline.matching.models import Progress

register = template.Library()


@register.filter
def stamp(at: datetime) -> str:
    """A moment for a form that comes back: exact, in UTC."""
    return clock.stamp(at)


@register.filter
def of(found: Mapping[str, Progress] | None, public_id: str) -> Progress | None:
    """What is known of the files of this tip; None while they have not been looked up."""
    return found.get(public_id) if found else None
