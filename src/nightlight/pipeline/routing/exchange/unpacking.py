# SPDX-License-Identifier: Apache-2.0
"""Takes in a package that has arrived: all of it is verified first, then tip by tip becomes ours, each once.

Who sent it and that no byte was changed is checked before anything is decrypted; every entry and every proof before
the first tip is taken in. Each tip is one transaction, which also counts it: a stop at any moment loses none and takes
none twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from nightlight.pipeline.routing.exchange import (
    arriving,
    cards,
    envelope,
    keys,
    payload,
    receiving,
    returning,
    verifying,
)
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from datetime import datetime
    from typing import BinaryIO

    from nightlight.pipeline.routing.exchange.manifest import Manifest

log = structlog.get_logger("exchange")


def take(package: Package, *, by: str, at: datetime) -> None:
    """Verify a package and take in what it holds, or refuse it with a reason. Safe to run again at any moment.

    Whatever fails on our side (the disk, the database) leaves it where it was, to be gone on with.
    """
    package.refresh_from_db()
    if package.outgoing or package.state not in {Package.State.COMPLETE, Package.State.UNPACKING}:
        return
    try:
        with receiving.path_of(package).open("rb") as file:
            _take(package, file, by=by, at=at)
    except PackageRefused as refused:
        if Package.objects.filter(pk=package.pk, state=Package.State.UNPACKING).exists():
            _ask_again(package, at=at)  # it was verified before: our disk has changed it since
        else:
            _refuse(package, refused, by=by, at=at)
    except FileNotFoundError:
        _ask_again(package, at=at)
    except Exception as error:
        log.exception("package-not-taken-in", package=package.public_id)
        Package.objects.filter(pk=package.pk).update(
            tries=package.tries + 1, why=f"It could not be taken in yet ({type(error).__name__}); it is tried again."
        )


def _ask_again(package: Package, *, at: datetime) -> None:
    """Have a package sent again whose file is lost here: whoever sends it is told that it is not here yet."""
    receiving.path_of(package).unlink(missing_ok=True)
    moved = len(package.header.encode())
    Package.objects.filter(pk=package.pk).update(state=Package.State.RECEIVING, moved=moved, state_at=at)


def _take(package: Package, file: BinaryIO, *, by: str, at: datetime) -> None:
    sender = package.installation
    if sender is None or sender.state != Installation.State.TRUSTED:
        raise PackageRefused(Code.UNKNOWN_SENDER, "The exchange with its sender has ended.")
    ours, card = keys.ours(), cards.read(sender.card)
    head = envelope.check(file, us=ours.fingerprint, public=card.public, fingerprint=sender.fingerprint)
    if head.header.id != package.package_id or head.header.kind != package.kind:
        raise PackageRefused(Code.HEADER, "The package is another than the one announced.")
    if package.state == Package.State.COMPLETE:
        found = payload.read(file, head.header, verifying.Verifying(), identity=ours.identity)
        if found.kind == "receipts":
            returning.check(found, card)
        _begin(package, found, by=by, at=at)
        file.seek(head.size)
    if package.kind == Package.Kind.RECEIPTS:
        found = payload.read(file, head.header, payload.Taker(), identity=ours.identity)
        returning.note(package, found, at=at)
    else:
        taker = arriving.Arriving(package, sender, head, at=at)
        with taker:
            payload.read(file, head.header, taker, identity=ours.identity)
    _finish(package, by=by, at=at)


@transaction.atomic
def _begin(package: Package, found: Manifest, *, by: str, at: datetime) -> None:
    """Note that all of it is verified, and that it is being taken in."""
    package.state, package.state_at = Package.State.UNPACKING, at
    package.tips, package.done = len(found.tips or found.statements), 0
    package.save(update_fields=["state", "state_at", "tips", "done"])
    custody.append(
        by=by,
        at=at,
        kind="exchange.package-verified",
        subject=f"package:{package.public_id}",
        data={
            "installation": package.installation.public_id if package.installation else "",
            "package": package.package_id,
            "kind": package.kind,
            "tips": len(found.tips),
            "statements": len(found.statements),
            "payload_sha256": package.sha256,
        },
    )


@transaction.atomic
def _finish(package: Package, *, by: str, at: datetime) -> None:
    package.refresh_from_db()
    package.state, package.state_at, package.why, package.code = Package.State.TAKEN, at, "", ""
    package.save(update_fields=["state", "state_at", "why", "code"])
    custody.append(
        by=by,
        at=at,
        kind="exchange.package-taken",
        subject=f"package:{package.public_id}",
        data={"kind": package.kind, "done": package.done},
    )


@transaction.atomic
def _refuse(package: Package, refused: PackageRefused, *, by: str, at: datetime) -> None:
    """Keep what was refused, with why, for the page; administrators are told."""
    package.state, package.state_at = Package.State.REFUSED, at
    package.code, package.why = str(refused.code), refused.reason[:300]
    package.save(update_fields=["state", "state_at", "code", "why"])
    subject = f"package:{package.public_id}"
    data = {"code": package.code, "package": package.package_id, "payload_sha256": package.sha256}
    custody.append(by=by, at=at, kind="exchange.package-refused", subject=subject, data=data)
    root = Unit.objects.filter(receives=True).first()
    if root is not None:
        role = Role.ADMINISTRATOR
        notices.tell_role(unit_id=root.pk, role=role, kind="exchange.package-refused", subject=subject, at=at)
