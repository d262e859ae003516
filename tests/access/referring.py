# SPDX-License-Identifier: Apache-2.0
"""What came from other installations and goes to them, in the table of tables and in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation import public_ids
from nightlight.pipeline.routing.models import Came, Installation, Offer, Owed, Package, PackageTip, Referred
from tests.access.asking import READ
from tests.access.offers import _OFFER_OF
from tests.access.stated import BY_TIP, RECORD, Table, by, reach

if TYPE_CHECKING:
    from tests.access.world import World


def build(world: World) -> None:
    """Each unit's report came from another installation, and goes back there with the offer of it."""
    there = Installation.objects.create(
        public_id=public_ids.new("NI"),
        name="Another installation",
        card="{}",
        fingerprint="ab" * 32,
        state=Installation.State.WAITING,
        added_by="command:cli",
        added_at=world.at,
    )
    package = Package.objects.create(
        public_id=public_ids.new("PK"),
        outgoing=False,
        kind=Package.Kind.REFERRAL,
        installation=there,
        sender=there.fingerprint,
        package_id=public_ids.new("PK"),
        state=Package.State.TAKEN,
        by="command:cli",
        made_at=world.at,
        state_at=world.at,
    )
    for tip in world.full.values():
        offer = Offer.objects.get(tip=tip)
        number = public_ids.new("HO")
        PackageTip.objects.create(package=package, tip=tip, offer=offer)
        Referred.objects.create(
            tip=tip,
            installation=there,
            origin=there.fingerprint,
            origin_tip=public_ids.new("NL"),
            origin_offer=number,
            package=package,
            offer=offer,
            proof="{}",
            at=world.at,
        )
        Came.objects.create(
            offer=offer, installation=there, their_offer=number, their_tip=public_ids.new("NL"), package=package
        )
        Owed.objects.create(installation=there, their_offer=number, kind="bounced", body="{}", made_at=world.at)


TABLES: dict[str, Table] = {
    "routing_packagetip": Table("S", "", "S I", "routing verifying S exchange command SI", sees=RECORD, **BY_TIP),
    "routing_referred": Table(
        "S",
        "",
        "S I U",
        "routing verifying S exchange command SIU",
        sees=RECORD,
        worker_sets="proof = '{\"v\":1}'",
        **BY_TIP,
    ),
    "routing_came": Table(
        "S",
        "",
        "S I",
        "routing verifying S exchange command SI",
        sees={"*": reach(READ)},
        units=f"ARRAY[{_OFFER_OF.format('from_unit_id')}, {_OFFER_OF.format('to_unit_id')}]",
        tip=by(f"x.id = {_OFFER_OF.format('tip_id')}")["tip"],
    ),
    "routing_owed": Table("", "", "S I U", "verifying S exchange command SIU", worker_sets="kind = 'outcome'"),
}
