# SPDX-License-Identifier: Apache-2.0
"""Takes in the bytes of packages, piece by piece or from a stick; opens none, and believes nothing but who sends.

A piece is on the disk before it is counted: after a crash the file may hold more than was counted, never less, and what
was not counted is written again. Called as the intake (``identity.receiving``) by the web process, and by commands.
"""

from __future__ import annotations

import io
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum

from nightlight.foundation import durable, public_ids
from nightlight.foundation.refusals import NotFound, Refusal
from nightlight.pipeline.routing.exchange import cards, envelope, keys, wire
from nightlight.pipeline.routing.exchange.envelope import PackageRefused
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.pipeline.routing.exchange.envelope import Head

BY_WIRE = "service:exchange"
_ARRIVED = (Package.State.COMPLETE, Package.State.UNPACKING)
_PIECE = 2**20


class NotTaken(Refusal):
    """A package, or a piece of one, is not taken; ``code`` says why to a program, ``wait`` when to ask again (s)."""

    def __init__(self, code: str, reason: str, *, wait: int = 0, offset: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.wait = wait
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Standing:
    """How a package stands, as its sender is told: ``offset`` is where to go on."""

    package: str
    state: str
    offset: int
    size: int
    code: str = ""
    why: str = ""


def folder() -> Path:
    """Where packages lie, those that came below ``in`` and those that go below ``out``."""
    return Path(settings.NIGHTLIGHT_EXCHANGE_FOLDER)


def path_of(package: Package) -> Path:
    """Return the file of a package. Raises NotFound where it has none."""
    if not package.path:
        raise NotFound("There are no bytes of this package here.")
    return folder() / package.path


def known_sender(fingerprint: str) -> Installation:
    """Return the trusted installation that has these keys. Raises NotTaken (unknown-sender, ended)."""
    found = Installation.objects.filter(fingerprint=fingerprint).order_by("-pk")
    states = [one.state for one in found]
    if Installation.State.TRUSTED in states:
        return next(one for one in found if one.state == Installation.State.TRUSTED)
    if Installation.State.WAITING not in states and Installation.State.ENDED in states:
        raise NotTaken("ended", "The exchange with this installation was ended here.")
    raise NotTaken(
        "unknown-sender",
        "This installation is not known here: an officer here has to compare fingerprints first.",
        wait=600,
    )


def sender_of(
    authorization: str, *, package: str, act: str, offset: int = 0, digest: bytes = wire.NO_BODY
) -> Installation:
    """Return which installation signed a request. Raises NotTaken (signature, unknown-sender, ended)."""
    found = wire.shown(authorization)
    if found is None:
        raise NotTaken("signature", "Requests about a package are signed by the installation that sends it.")
    fingerprint, signature = found
    sender = known_sender(fingerprint)
    us = keys.ours().fingerprint
    text = wire.signed(sender=fingerprint, receiver=us, package=package, act=act, offset=offset, digest=digest)
    if not wire.is_by(cards.read(sender.card).public, signature, text):
        raise NotTaken("signature", "The signature of this request is not that of the installation it names.")
    return sender


def announce(head: bytes, *, at: datetime, by: str = BY_WIRE) -> Standing:
    """Take the head of a package: its signature is who sends it. Return where to go on.

    A package that is here already is answered with how it stands. Raises NotTaken: unknown-sender and ended (the head
    of an unknown one is held, see ``hold``), other-package (this name was used for other bytes), too-large, no-room,
    too-many, and the codes of ``envelope``.
    """
    file = io.BytesIO(head)
    told = _read(file)
    if told.size != len(head):
        raise NotTaken("header", "Behind the head of a package came bytes; they are sent piece by piece.")
    try:
        sender = known_sender(told.header.sender)
    except NotTaken as refusal:
        if refusal.code == "unknown-sender":
            hold(told, at=at, by=by)
        raise
    _check(told, sender)
    with transaction.atomic():
        package = _begun(told, sender, at=at, by=by)
    Installation.objects.filter(pk=sender.pk).update(last_seen_at=at)
    return _standing(package)


def standing(sender: Installation, package_id: str) -> Standing:
    """Return how a package of this sender stands. Raises NotFound."""
    return _standing(_package(sender, package_id))


@transaction.atomic
def append(sender: Installation, package_id: str, *, offset: int, piece: bytes | bytearray, at: datetime) -> Standing:
    """Add the next piece, which begins at ``offset``. Raises NotFound, NotTaken (offset: with where to go on, size)."""
    package = _package(sender, package_id, lock=True)
    if package.state != Package.State.RECEIVING:
        return _standing(package)
    if offset != package.moved:
        raise NotTaken("offset", f"The next piece begins at {package.moved}.", offset=package.moved)
    if not piece or package.moved + len(piece) > package.size:
        raise NotTaken("size", "The pieces are more than the head of the package states, or none.")
    path = path_of(package)
    try:
        with path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) < package.moved:
                raise FileNotFoundError
            file.seek(package.moved)
            file.write(piece)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:  # lost, such as after an older backup was put back: begun anew
        _put_head(path, package.header.encode())
        package.moved = len(package.header.encode())
        package.save(update_fields=["moved"])
        return _standing(package)
    package.moved += len(piece)
    package.state_at = at
    package.save(update_fields=["moved", "state_at"])
    return _standing(package)


@transaction.atomic
def complete(sender: Installation, package_id: str, *, at: datetime, by: str = BY_WIRE) -> Standing:
    """Note that all bytes are here, and have them taken in. Raises NotFound, NotTaken (offset)."""
    package = _package(sender, package_id, lock=True)
    if package.state == Package.State.RECEIVING:
        if package.moved != package.size:
            raise NotTaken("offset", f"The next piece begins at {package.moved}.", offset=package.moved)
        arrived(package, at=at, by=by)
    return _standing(package)


def arrived(package: Package, *, at: datetime, by: str) -> None:
    """Put a whole package in line to be verified and taken in (story.py). In the caller's transaction."""
    package.state, package.state_at = Package.State.COMPLETE, at
    package.save(update_fields=["state", "state_at"])
    custody.append(
        by=by,
        at=at,
        kind="exchange.package-arrived",
        subject=f"package:{package.public_id}",
        data={
            "installation": package.installation.public_id if package.installation else "",
            "package": package.package_id,
            "kind": package.kind,
            "size": package.size,
            "sha256": package.sha256,
        },
    )


def hold(head: Head, *, at: datetime, by: str, path: str = "", size: int = 0) -> Package | None:
    """Hold what an unknown sender sent, as many as the settings allow; return it, or None where there are too many.

    Of a package that comes over the wire the head alone is held: its sender tries again.
    """
    header = head.header
    with transaction.atomic():
        known = Package.objects.filter(outgoing=False, sender=header.sender, package_id=header.id).first()
        if known is not None:
            return known
        held = Package.objects.filter(outgoing=False, state=Package.State.QUARANTINED)
        if held.count() >= settings.NIGHTLIGHT_EXCHANGE_HELD:
            return None
        package = Package.objects.create(
            public_id=public_ids.new("PK"),
            outgoing=False,
            kind=header.kind.value,
            sender=header.sender,
            package_id=header.id,
            header=head.to_bytes().decode(),
            state=Package.State.QUARANTINED,
            path=path,
            size=head.whole,
            moved=size,
            sha256=header.sha256,
            by=by,
            made_at=at,
            state_at=at,
        )
        custody.append(
            by=by,
            at=at,
            kind="exchange.package-held",
            subject=f"package:{package.public_id}",
            data={"sender": header.sender, "name": header.sender_name, "package": header.id, "size": head.whole},
        )
    return package


def take_file(file: BinaryIO, *, at: datetime, by: str) -> Package:
    """Take a whole package from a stick: kept as it is, then taken in; of an unknown sender held as it is.

    Raises NotTaken as ``announce`` does, and NotTaken (size) where the file holds more or less than its head states.
    """
    head = _read(file)
    sender: Installation | None
    try:
        sender = known_sender(head.header.sender)
        _check(head, sender)
    except NotTaken as refusal:
        if refusal.code != "unknown-sender":
            raise
        sender = None
    known = Package.objects.filter(outgoing=False, sender=head.header.sender, package_id=head.header.id).first()
    if known is not None and known.header != head.to_bytes().decode():
        raise NotTaken("other-package", "This name was used for another package of this sender.")
    if known is not None and known.state != Package.State.RECEIVING and (known.path or sender is None):
        return known
    if sender is None and known is None:
        held = Package.objects.filter(outgoing=False, state=Package.State.QUARANTINED).count()
        if held >= settings.NIGHTLIGHT_EXCHANGE_HELD:
            raise NotTaken("too-many", "Too many packages of unknown senders are held; discard some first.")
    _room(head.whole, at)
    name = known.path if known is not None and known.path else f"in/{public_ids.new('PK')}.nlp"
    with _whole_file(file, head, folder() / name), transaction.atomic():
        if sender is None:
            package = hold(head, at=at, by=by, path=name, size=head.whole)
            if package is None:
                raise NotTaken("too-many", "Too many packages of unknown senders are held; discard some first.")
            return package
        package = _begun(head, sender, at=at, by=by, path=name)
        if package.state == Package.State.RECEIVING:
            package.moved = package.size
            package.save(update_fields=["moved"])
            arrived(package, at=at, by=by)
    return package


def _begun(head: Head, sender: Installation, *, at: datetime, by: str, path: str = "") -> Package:
    """Return the package with this head, begun if it is new. In the caller's transaction."""
    header, lines = head.header, head.to_bytes()
    known = (
        Package.objects.select_for_update().filter(outgoing=False, sender=header.sender, package_id=header.id).first()
    )
    if known is not None and known.header != lines.decode():
        raise NotTaken("other-package", "This name was used for another package of this sender.")
    if known is not None and known.state != Package.State.QUARANTINED:
        return known
    if not path:
        _limits(head, sender, at)
    if known is None:
        known = Package(
            public_id=public_ids.new("PK"),
            outgoing=False,
            sender=header.sender,
            package_id=header.id,
            made_at=at,
            by=by,
            kind=header.kind.value,
            header=lines.decode(),
            size=head.whole,
            sha256=header.sha256,
        )
    known.installation, known.state, known.state_at = sender, Package.State.RECEIVING, at
    if not known.path:
        known.path, known.moved = path or f"in/{known.public_id}.nlp", head.size
        if not path:
            _put_head(folder() / known.path, lines)
    known.save()
    return known


def _limits(head: Head, sender: Installation, at: datetime) -> None:
    if head.whole > settings.NIGHTLIGHT_EXCHANGE_LARGEST:
        most = settings.NIGHTLIGHT_EXCHANGE_LARGEST // 10**9
        raise NotTaken("too-large", f"A package may have {most} GB here; send it as several.")
    coming = Package.objects.filter(outgoing=False, installation=sender, state=Package.State.RECEIVING)
    if coming.count() >= settings.NIGHTLIGHT_EXCHANGE_OPEN:
        raise NotTaken("too-many", "Too many packages are on their way already.", wait=60)
    _room(head.whole, at)


def _room(size: int, _at: datetime) -> None:
    """Say no where the disk would be too full; what has been begun has been promised its room."""
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    promised = Package.objects.filter(outgoing=False, state=Package.State.RECEIVING).aggregate(
        left=Sum(F("size") - F("moved"))
    )["left"]
    # What is taken in lies in the vault as well until the package is cleared away.
    needed = 2 * (size + (promised or 0)) + settings.NIGHTLIGHT_EXCHANGE_DISK
    if shutil.disk_usage(folder()).free < needed:
        raise NotTaken("no-room", "There is not enough disk here for this package now.", wait=1800)


def _standing(package: Package) -> Standing:
    state = {
        Package.State.TAKEN: wire.TAKEN,
        Package.State.REFUSED: wire.REFUSED,
        **dict.fromkeys(_ARRIVED, wire.ARRIVED),
    }.get(Package.State(package.state), wire.RECEIVING)
    refused = state == wire.REFUSED
    why = package.why if refused else ""
    return Standing(package.package_id, state, package.moved, package.size, package.code if refused else "", why)


def _package(sender: Installation, package_id: str, *, lock: bool = False) -> Package:
    rows = Package.objects.select_for_update() if lock else Package.objects.all()
    mine = Q(outgoing=False, sender=sender.fingerprint, installation__isnull=False)
    found = rows.filter(mine, package_id=package_id).first()
    if found is None:
        raise NotFound("No such package has been announced here.")
    return found


def _read(file: BinaryIO) -> Head:
    try:
        return envelope.read_head(file)
    except PackageRefused as refused:
        raise NotTaken(str(refused.code), refused.reason) from None


def _check(head: Head, sender: Installation) -> None:
    try:
        envelope.check_addressed(head, us=keys.ours().fingerprint)
        envelope.check_signature(head, public=cards.read(sender.card).public, fingerprint=sender.fingerprint)
    except PackageRefused as refused:
        raise NotTaken(str(refused.code), refused.reason) from None


def _put_head(path: Path, head: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(head)
        file.flush()
        os.fsync(file.fileno())
    durable.sync_folder(path.parent)


@contextmanager
def _whole_file(source: BinaryIO, head: Head, path: Path) -> Iterator[None]:
    """Copy a package to its place; it is gone again where the block fails. Raises NotTaken (size)."""
    _put_head(path, head.to_bytes())
    try:
        left = head.header.size
        with path.open("ab") as file:
            while left and (piece := source.read(min(_PIECE, left))):
                file.write(piece)
                left -= len(piece)
            file.flush()
            os.fsync(file.fileno())
        if left or source.read(1):
            raise NotTaken("size", "The file holds more or less than the head of the package states.")
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
