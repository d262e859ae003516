# SPDX-License-Identifier: Apache-2.0
"""Holds back from an entry what the page of its tip would hold back: the same mask, not another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.outlook.desk import tip_page
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import shown
from nightlight.pipeline.tips.models import Tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightlight.trust.units.viewer import Viewer


def mask_of(viewer: Viewer, subject: str) -> Callable[[str], str] | None:
    """Return the mask for entries about a subject; None where its tip cannot be read, so nothing may be shown.

    What belongs to no tip has nothing to mask.
    """
    kind, _colon, public_id = subject.partition(":")
    if kind == "tip":
        tip = Tip.objects.filter(public_id=public_id).first()
    elif kind == "item":
        tip = Tip.objects.filter(files__item__public_id=public_id).first()
        if tip is None:
            return _as_it_is  # a file of an import, or one that belongs to nothing in the viewer's reach
    else:
        return _as_it_is
    if tip is None:
        return None
    return tip_page.build(shown.of(tips.tip(viewer, tip.public_id)), repeats=None).mask


def _as_it_is(text: str) -> str:
    return text
