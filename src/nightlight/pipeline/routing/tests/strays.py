# SPDX-License-Identifier: Apache-2.0
"""Another installation, a package on its way to it, and a tip that was destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from nightlight.pipeline.routing.models import Installation, Package, PackageTip
from nightlight.pipeline.routing.tests.handing_cast import NOON

if TYPE_CHECKING:
    from nightlight.pipeline.routing.models import Offer
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit


def partner(unit: Unit) -> Installation:
    """Another installation, trusted, in which this unit works."""
    return Installation.objects.create(
        public_id="NI-1111-1111",
        name="East",
        url="https://east.example.org",
        card="{}",
        fingerprint="f" * 64,
        state="trusted",
        unit=unit,
        added_by="command:cli",
        added_at=NOON,
        compared_by="command:cli",
        compared_at=NOON,
    )


def pack(offer: Offer, to: Installation) -> None:
    """Put what is offered into a package that the other installation has."""
    package = Package.objects.create(
        public_id="PK-1111-1111",
        outgoing=True,
        kind="referral",
        installation=to,
        package_id="x",
        state="delivered",
        by="command:cli",
        made_at=NOON,
        state_at=NOON,
    )
    PackageTip.objects.create(package=package, tip=offer.tip, offer=offer)


def unreadable(tip: Tip) -> None:
    """Make of a tip one that came in an import and could not be read."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE tips_tip DISABLE TRIGGER tips_guard")
        cursor.execute("UPDATE tips_tip SET state = 'unreadable' WHERE id = %s", [tip.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE tips_tip ENABLE TRIGGER tips_guard")


def destroy(tip: Tip) -> None:
    """Take the keys of a tip's documents away, as its destruction does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("UPDATE tips_document SET key_part = '' WHERE tip_id = %s AND kind <> 'receipt'", [tip.pk])
