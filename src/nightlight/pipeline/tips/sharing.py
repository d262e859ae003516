# SPDX-License-Identifier: Apache-2.0
"""Lets another unit than the one that holds a tip see it, and ends that.

No entry of the log of its own: a share is part of an act (an offer, an answer) that writes one in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import NotAllowed
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.trust.units import rules
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.models import Unit

# The database holds the same roles in the row security of the table.
HANDS_ON = rules.BREAKS_GLASS  # whoever works on records


@transaction.atomic
def let(*, by: Viewer | str, at: datetime, tip: Tip, unit: Unit, kind: Share.Kind) -> Share:
    """Let a unit see a tip: ``OFFERED`` to read it, ``JOINT`` to work on it as well.

    One that sees it keeps what it has; an offered share becomes a joint one, never the other way round.
    Raises NotAllowed for a role that hands nothing on.
    """
    _may(by)
    share, new = Share.objects.get_or_create(tip=tip, unit=unit, until=None, defaults={"kind": kind, "since": at})
    if not new and share.kind == Share.Kind.OFFERED and kind == Share.Kind.JOINT:
        Share.objects.filter(pk=share.pk).update(kind=kind)
        share.kind = kind
    return share


@transaction.atomic
def end(*, by: Viewer | str, at: datetime, tip: Tip, unit: Unit, only: Share.Kind | None = None) -> bool:
    """End what a unit sees of a tip, if it is of the kind ``only`` names; return whether there was any such share.

    Raises NotAllowed for a role that hands nothing on.
    """
    _may(by)
    shares = Share.objects.filter(tip=tip, unit=unit, until=None)
    return bool((shares if only is None else shares.filter(kind=only)).update(until=at))


def _may(by: Viewer | str) -> None:
    if isinstance(by, Viewer) and not by.may(HANDS_ON):
        raise NotAllowed("Tips are shared by whoever works on tips.")
