# SPDX-License-Identifier: Apache-2.0
"""What officers do on the pages, done in an installation at once for many tips; run by the tests as a process.

Standard input: a list of acts, JSON; standard output: what each returned. The database must run.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightlight.trust.units.viewer import Viewer


def main() -> None:
    """Do the acts in order: as the command line does, or under the rights of the pages for the person named."""
    from nightlight.commands import base

    acts: list[dict[str, Any]] = json.load(sys.stdin)
    told = []
    if len(sys.argv) > 1:
        base.set_up_django()
        from nightlight.foundation import clock
        from nightlight.trust import identity
        from nightlight.trust.accounts.models import User
        from nightlight.trust.units.viewer import viewer_of

        user = User.objects.get(username=sys.argv[1])
        for act in acts:
            with identity.acting_as(viewer=user.pk):
                told.append(_ACTS[act.pop("do")](by=viewer_of(user, clock.now()), **act))
    else:
        with base.database():
            told = [_ACTS[act.pop("do")](**act) for act in acts]
    sys.stdout.write(json.dumps(told))


def _offer(tips: list[str], to: str) -> int:
    from nightlight.foundation import clock
    from nightlight.pipeline.routing import offers
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit

    unit = Unit.objects.get(code=to)
    found = list(Tip.objects.select_related("unit").filter(public_id__in=tips).order_by("pk"))
    for tip in found:
        offers.offer(by="command:cli", at=clock.now(), tip=tip, to=unit, why="area")
    return len(found)


def _accept(offers: list[str], by: Viewer) -> int:
    from nightlight.foundation import clock
    from nightlight.pipeline.routing import answering
    from nightlight.pipeline.routing.models import Offer

    for offer in Offer.objects.filter(public_id__in=offers).order_by("pk"):
        answering.accept(by=by, at=clock.now(), offer=offer)
    return len(offers)


def _bounce(offer: str, reason: str, by: Viewer) -> None:
    from nightlight.foundation import clock
    from nightlight.pipeline.routing import answering
    from nightlight.pipeline.routing.models import Offer

    found = Offer.objects.get(public_id=offer)
    answering.bounce(by=by, at=clock.now(), offer=found, code="other-area", reason=reason)


def _work(tip: str, disposition: str, by: Viewer) -> None:
    from nightlight.foundation import clock
    from nightlight.pipeline.triage import working

    working.take(by=by, at=clock.now(), tip=tip)
    reason = "nothing in it leads to anybody, as three officers agree"
    working.close(by=by, at=clock.now(), tip=tip, disposition=disposition, reason=reason)


def _digests() -> dict[str, dict[str, object]]:
    """By the number a report had where it was received first: what is here of it, opened and hashed anew."""
    from nightlight.pipeline.routing.models import Referred
    from nightlight.pipeline.tips import closing
    from nightlight.pipeline.tips.models import Document, Tip, TipFile
    from nightlight.trust.evidence import queries

    came = {one.tip_id: one.origin_tip for one in Referred.objects.all()}
    found: dict[str, dict[str, object]] = {}
    for tip in Tip.objects.order_by("pk"):
        name = came.get(tip.pk, tip.public_id)
        assert name not in found, f"{name} is here twice"
        documents = []
        for one in Document.objects.filter(tip=tip).exclude(kind="receipt").order_by("kind", "file_id"):
            body = closing.opened(one, tip=tip.public_id)
            documents.append([one.kind, hashlib.sha256(body).hexdigest()])
        files = []
        for file in TipFile.objects.filter(tip=tip).select_related("item__blob").order_by("pk"):
            digest = hashlib.sha256()
            for piece in queries.read(file.item):
                digest.update(piece)
            files.append([file.file_id, digest.hexdigest()])
        found[name] = {"documents": sorted(documents), "files": files, "state": str(tip.state), "unit": tip.unit.code}
    return found


_ACTS: dict[str, Any] = {"offer": _offer, "accept": _accept, "bounce": _bounce, "work": _work, "digests": _digests}

if __name__ == "__main__":
    main()
