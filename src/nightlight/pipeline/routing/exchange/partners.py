# SPDX-License-Identifier: Apache-2.0
"""Other installations: added from the card they hand out, trusted once two people compared fingerprints, and ended.

One adds the card, another hears the fingerprint from an officer there and types it: a card that somebody put in the
place of the real one is found out before anything is sent, and nobody lets an installation in alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing.exchange import cards, keys, wire
from nightlight.pipeline.routing.exchange.cards import Card, CardRefused
from nightlight.pipeline.routing.exchange.line import Line, Unreached
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.models import Unit

COMPARED = {True: "exchange.installation-compared", False: "exchange.installation-compare-failed"}
_LARGEST_CA = 32_768
_STATES = Installation.State


def read_card(text: str) -> Card:
    """Read a card that somebody handed in. Raises Conflict with a sentence where it is none, or our own."""
    try:
        card = cards.read(text.strip())
    except CardRefused as refused:
        raise Conflict(str(refused)) from None
    if card.fingerprint == keys.ours().fingerprint:
        raise Conflict("This is the card of this installation itself. Add the card of the other one.")
    return card


def fetch_card(url: str, *, ca: str = "") -> str:
    """Return the card that an installation shows at its address. Raises Conflict where it shows none.

    Whoever answers at an address says nothing of who it is: the card is to be compared like any other.
    """
    try:
        with Line(url.strip().rstrip("/"), ca=_authority(ca)) as line:
            answer = line.ask("GET", wire.CARD)
    except (Unreached, ValueError) as failed:
        raise Conflict(f"No card could be fetched: {getattr(failed, 'reason', 'this is no address')}.") from None
    if answer.status != 200:
        raise Conflict(f"No card could be fetched: the other side answers {answer.status}.")
    return answer.body.decode(errors="replace")


@transaction.atomic
def add(*, by: str, at: datetime, card: str, ca: str = "", unit: Unit | None = None) -> Installation:
    """Add an installation from its card. Nothing is sent there and nothing taken from it before ``compare``.

    ``ca`` (PEM) is the authority its certificate is checked with where it is no public one; ``unit`` is the unit of
    ours that works there. Raises Conflict.
    """
    told = read_card(card)
    if Installation.objects.filter(fingerprint=told.fingerprint).exclude(state=_STATES.ENDED).exists():
        raise Conflict("An installation with these keys has been added already.")
    _free(unit)
    made = Installation.objects.create(
        public_id=public_ids.new("NI"),
        name=told.name,
        url=told.url,
        card=card.strip(),
        fingerprint=told.fingerprint,
        state=_STATES.WAITING,
        unit=unit,
        ca=_authority(ca),
        added_by=by,
        added_at=at,
    )
    custody.append(
        by=by,
        at=at,
        kind="exchange.installation-added",
        subject=f"installation:{made.public_id}",
        data={
            "name": made.name,
            "url": made.url,
            "fingerprint": made.fingerprint,
            "unit": unit.public_id if unit else "",
            "own_authority": bool(made.ca),
        },
    )
    return made


def compare(*, by: str, at: datetime, installation: Installation, told: str, second: str = "") -> bool:
    """Compare the fingerprint that an officer heard and typed; only if it is the same is the installation trusted.

    ``second`` names the person who heard it ("officer:OF-…") where a command types it. Returns whether it was the same:
    a wrong one is recorded and changes nothing. Raises NotAllowed for whoever added the installation, Conflict where it
    is not waiting.
    """
    who = second or by
    if who == installation.added_by:
        raise NotAllowed("Somebody else than the one who added the installation has to compare the fingerprint.")
    same = cards.heard(told, installation.fingerprint)
    with transaction.atomic():
        if same:
            trusted = Installation.objects.filter(pk=installation.pk, state=_STATES.WAITING).update(
                state=_STATES.TRUSTED, compared_by=who, compared_at=at
            )
            if not trusted:
                raise Conflict("The fingerprint of this installation was compared already, or it has ended.")
        elif installation.state != _STATES.WAITING:
            raise Conflict("The fingerprint of this installation was compared already, or it has ended.")
        custody.append(
            by=by,
            at=at,
            kind=COMPARED[same],
            subject=f"installation:{installation.public_id}",
            data={"fingerprint": installation.fingerprint, "added_by": installation.added_by, "heard_by": who},
        )
    return same


@transaction.atomic
def tie(*, by: str, at: datetime, installation: Installation, unit: Unit | None, ca: str | None = None) -> None:
    """Say which unit of ours works there (None: none), and by which authority its certificate is checked.

    Raises Conflict for a unit that another stands for, for the one that receives, and for one that has ended.
    """
    if installation.state == _STATES.ENDED:
        raise Conflict("The exchange with this installation has ended.")
    _free(unit, but=installation)
    authority = installation.ca if ca is None else _authority(ca)
    Installation.objects.filter(pk=installation.pk).update(unit=unit, ca=authority)
    custody.append(
        by=by,
        at=at,
        kind="exchange.installation-tied",
        subject=f"installation:{installation.public_id}",
        data={"unit": unit.public_id if unit else "", "own_authority": bool(authority)},
    )


@transaction.atomic
def end(*, by: str, at: datetime, installation: Installation, why: str) -> None:
    """End the exchange: nothing more is taken from it or sent there. Raises Conflict without a reason, or if ended."""
    why = " ".join(why.split())[:300]
    if not why:
        raise Conflict("Say why the exchange with this installation ends.")
    rows = Installation.objects.filter(pk=installation.pk).exclude(state=_STATES.ENDED)
    if not rows.update(state=_STATES.ENDED, ended_at=at):
        raise Conflict("The exchange with this installation has ended already.")
    custody.append(
        by=by,
        at=at,
        kind="exchange.installation-ended",
        subject=f"installation:{installation.public_id}",
        data={"fingerprint": installation.fingerprint, "why": why},
    )


@transaction.atomic
def release(*, by: str, at: datetime, package: Package) -> None:
    """Take in a package that was held, now that its sender is trusted. Raises Conflict while it is not."""
    held = _held(package)
    sender = Installation.objects.filter(fingerprint=held.sender, state=_STATES.TRUSTED).first()
    if sender is None:
        raise Conflict("Its sender is not trusted: add its card and have somebody compare the fingerprint first.")
    if not held.path:
        raise Conflict("Only the head of this package is here. Its sender sends it again by itself.")
    Package.objects.filter(pk=held.pk).update(installation=sender, state=Package.State.COMPLETE, state_at=at)
    custody.append(
        by=by,
        at=at,
        kind="exchange.package-released",
        subject=f"package:{held.public_id}",
        data={"installation": sender.public_id, "package": held.package_id, "sha256": held.sha256},
    )


@transaction.atomic
def discard(*, by: str, at: datetime, package: Package, why: str) -> None:
    """Drop a package that was held. Raises Conflict without a reason, or where it is not held."""
    why = " ".join(why.split())[:300]
    if not why:
        raise Conflict("Say why the package is dropped.")
    held = _held(package)
    Package.objects.filter(pk=held.pk).update(state=Package.State.REFUSED, state_at=at, code="discarded", why=why)
    custody.append(
        by=by,
        at=at,
        kind="exchange.package-discarded",
        subject=f"package:{held.public_id}",
        data={"sender": held.sender, "package": held.package_id, "why": why},
    )


def called(name: str) -> Installation:
    """Return an installation by its NI-… number, or by its name where it is the only one. Raises NotFound."""
    found = list(Installation.objects.filter(public_id=name.upper())) or list(
        Installation.objects.filter(name=name).exclude(state=_STATES.ENDED)[:2]
    )
    if len(found) != 1:
        raise NotFound(f"There is no one installation {name!r}; see: nightlight exchange list")
    return found[0]


def shown_card() -> str:
    """Return our own card as it is handed out."""
    return keys.our_card()


def reached_here() -> bool:
    """Whether others can send packages to this installation over the wire."""
    return bool(settings.NIGHTLIGHT_EXCHANGE_URL)


def _held(package: Package) -> Package:
    held = Package.objects.select_for_update().get(pk=package.pk)
    if held.outgoing or held.state != Package.State.QUARANTINED:
        raise Conflict("This package is not held any more.")
    return held


def _free(unit: Unit | None, *, but: Installation | None = None) -> None:
    if unit is None:
        return
    if unit.receives:
        raise Conflict("The unit that receives works here, not in another installation.")
    others = Installation.objects.filter(unit=unit).exclude(state=_STATES.ENDED)
    if (others.exclude(pk=but.pk) if but else others).exists():
        raise Conflict("Another installation stands for this unit already.")


def _authority(pem: str) -> str:
    """Return the certificates in a text, and nothing else of it. Raises Conflict where there are none."""
    if not pem.strip():
        return ""
    try:
        if len(pem) > _LARGEST_CA:
            raise ValueError
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise Conflict("This is no certificate of an authority in PEM (-----BEGIN CERTIFICATE-----).") from None
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
