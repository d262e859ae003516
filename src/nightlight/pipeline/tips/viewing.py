# SPDX-License-Identifier: Apache-2.0
"""Records that a person opened a tip: who looked is part of its chain of custody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import NotAllowed
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@transaction.atomic
def record_view(*, by: Viewer, at: datetime, tip: Tip) -> None:
    """Append ``tip.viewed`` for this person. Raises NotAllowed if the person's role reads no tips."""
    if not by.reads_tips:
        raise NotAllowed("Your role does not read tips.")
    custody.append(
        by=by.actor,
        at=at,
        kind="tip.viewed",
        subject=f"tip:{tip.public_id}",
        data={"roles": sorted(by.roles)},
    )
