# SPDX-License-Identifier: Apache-2.0
"""Other installations in a ring: set up, told where and by what token we ask them, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.linking.deconfliction import rules
from nightlight.pipeline.linking.deconfliction.models import Partner, RingDigest
from nightlight.pipeline.linking.deconfliction.wire import address
from nightlight.trust.accounts.models import ApiToken, Scope
from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import keys

if TYPE_CHECKING:
    from datetime import datetime


@transaction.atomic
def add(*, by: str, at: datetime, name: str, ring: str, token: str = "", url: str = "", secret: str = "") -> Partner:
    """Set a partner up in a ring. ``token`` ("TK-…") is by which it asks here; ``url`` and ``secret`` are where we ask.

    Each half may be left out: one that only asks, one that is only asked. Raises Conflict for odd names, a name there
    is already, a token that is unknown, ended, another partner's or not for this, and an address that is none.
    """
    name = rules.one_line(name, most=121)
    if not name or len(name) > 120:
        raise Conflict("A partner has a name of 1 to 120 characters.")
    if not rules.name_of_ring(ring):
        raise Conflict("A ring is called by small letters, digits and hyphens, at most 40, such as states.")
    if Partner.objects.filter(name=name).exists():
        raise Conflict(f"There is a partner {name!r} already.")
    if not token and not url:
        raise Conflict("Give the token by which they ask here, or the address where we ask, or both.")
    if bool(url) != bool(secret):
        raise Conflict("To ask there, the address and the token they gave us are needed, both.")
    public_id = public_ids.new("DP")
    closed = keys.current_sealer().seal(secret.encode(), context(public_id)) if secret else None
    newest = RingDigest.objects.filter(ring__name=ring).aggregate(newest=Max("pk"))["newest"] or 0
    made = Partner.objects.create(
        public_id=public_id,
        name=name,
        ring=ring,
        token=_token(token, at) if token else None,
        url=address(url) if url else "",
        secret=closed.body if closed else b"",
        secret_key_part=closed.key_part if closed else b"",
        # What is prepared by now is asked for from the newest back, what comes later as it comes.
        asked_low=newest + 1,
        asked_high=newest,
        added_at=at,
    )
    custody.append(
        by=by,
        at=at,
        kind="deconfliction.partner-added",
        subject=f"partner:{public_id}",
        data={"name": name, "ring": ring, "token": token, "url": made.url},
    )
    return made


@transaction.atomic
def end(*, by: str, at: datetime, partner: Partner) -> None:
    """End a partner: it is answered no more, and asked no more. Raises Conflict where it has ended already."""
    if not Partner.objects.filter(pk=partner.pk, ended_at=None).update(ended_at=at, secret=b"", secret_key_part=b""):
        raise Conflict(f"{partner.name!r} has ended already.")
    custody.append(by=by, at=at, kind="deconfliction.partner-ended", subject=f"partner:{partner.public_id}", data={})


def called(name: str) -> Partner:
    """Return a partner by its name or DP-… number. Raises NotFound."""
    found = Partner.objects.filter(name=name).first() or Partner.objects.filter(public_id=name.upper()).first()
    if found is None:
        raise NotFound(f"There is no partner {name!r}; see: nightlight deconfliction list")
    return found


def context(public_id: str) -> bytes:
    """What the token for a partner is closed for."""
    return f"nightlight deconfliction token {public_id}".encode()


def _token(public_id: str, at: datetime) -> ApiToken:
    found = ApiToken.objects.filter(public_id=public_id, revoked_at=None, expires_at__gt=at).first()
    if found is None:
        raise Conflict(f"There is no token {public_id[:16]!r} that opens anything.")
    if Scope.DECONFLICTION_ASK not in found.scopes:
        raise Conflict(f"The token {public_id} is not for this; issue one with --scope {Scope.DECONFLICTION_ASK}.")
    if Partner.objects.filter(token=found).exists():
        raise Conflict(f"The token {public_id} is another partner's; each has one of its own.")
    return found
