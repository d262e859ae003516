# SPDX-License-Identifier: Apache-2.0
"""What the page of a tip says of taking it along as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from nightlight.foundation import clock
from nightlight.outlook.exchange import exporting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.pipeline.tips.models import Tip

register = template.Library()


@register.simple_tag(takes_context=True)
def exports(context: Mapping[str, Any], tip: Tip) -> bool:
    """Whether the viewer may take this tip along."""
    return exporting.may_export(context["viewer"], tip, clock.now())
