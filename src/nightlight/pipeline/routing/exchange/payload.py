# SPDX-License-Identifier: Apache-2.0
"""The inside of a package: a manifest, then the bytes it lists, one after the other, encrypted with age as they go.

There is no framing beside the manifest and no name that could be taken for a path: where an entry begins and ends
follows from the sizes in the manifest, which come first. So there is one thing to parse, and it is parsed once.
Everything streams; memory holds one piece and the manifest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pyrage

from nightlight.pipeline.routing.exchange import envelope, manifest
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedIOBase
    from typing import BinaryIO

    from nightlight.pipeline.routing.exchange.envelope import Header
    from nightlight.pipeline.routing.exchange.manifest import Entry, Manifest, Tip

_FIRST = manifest.FORMAT.encode() + b"\n"
_LENGTH = 9  # decimal digits of the manifest's size, filled with zeroes in front


class Damaged(Exception):
    """What was to go into a package is not what its manifest says; ``reason`` names it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Taker:
    """Who is handed what a package holds, in order; this one wants nothing, others are made from it.

    The bytes of an entry come before it is known whether they are right: only when ``entry_ends`` is called they may
    be used. ``tip_ends`` follows the last entry of a tip. What any of these raises ends the reading.
    """

    def begins(self, manifest: Manifest) -> None:
        """Be told what comes."""

    def entry_begins(self, tip: Tip, entry: Entry) -> None:
        """Be told whose bytes come next."""

    def takes(self, piece: bytes) -> None:
        """Take the next bytes of the entry."""

    def entry_ends(self, tip: Tip, entry: Entry) -> None:
        """Learn that the bytes of the entry are those of the manifest."""

    def tip_ends(self, tip: Tip) -> None:
        """Learn that all of a tip was there."""


@dataclass(frozen=True, slots=True)
class Written:
    """The age file as it was written: size in bytes and SHA-256 in hex."""

    size: int
    sha256: str


def write(to: BinaryIO, told: Manifest, parts: Iterable[Iterable[bytes]], *, recipient: str) -> Written:
    """Encrypt a manifest and what it lists to the age recipient; ``parts`` are the bytes of each entry, in order.

    Raises Damaged where they are not those that the manifest lists; then what was written is no package.
    """
    body = told.to_bytes()
    manifest.read(body)  # nobody could read another
    out = _Digesting(to)
    source = _Source(_plain(body, told, parts))
    try:
        pyrage.encrypt_io(_file(source), _file(out), [pyrage.x25519.Recipient.from_str(recipient)])
    except BaseException:
        if not (source.failed or out.failed):
            raise
    if own := source.failed or out.failed:  # the library need not say so: what it writes last it writes in passing
        raise own
    return Written(out.size, out.digest.hexdigest())


def read(file: BinaryIO, header: Header, taker: Taker, *, identity: pyrage.x25519.Identity) -> Manifest:
    """Decrypt the age file that begins where ``file`` stands, and hand on what is in it as it is verified.

    ``header`` is that of the package, whose signature and digest were checked. Returns the manifest when the last byte
    was right. Raises PackageRefused (decrypt, manifest, entry), and whatever the taker raises.
    """
    reading, source = _Reading(header, taker), _Source(iter(lambda: file.read(envelope.PIECE), b""))
    try:
        pyrage.decrypt_io(_file(source), _file(reading), [identity])
    except BaseException as error:
        if reading.failed or source.failed:
            pass  # told below
        elif not isinstance(error, pyrage.DecryptError | OSError):
            raise
        else:
            raise PackageRefused(
                Code.DECRYPT, "The package cannot be decrypted: it was encrypted to another key, or badly."
            ) from error
    # What went wrong on our side of the library is told as it was, also where the library keeps it to itself.
    if own := reading.failed or source.failed:
        raise own
    return reading.finish()


def _file(one: _Source | _Digesting | _Reading) -> BufferedIOBase:
    """The library asks its files for read, write and flush alone."""
    return cast("BufferedIOBase", one)


def _plain(body: bytes, told: Manifest, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    yield _FIRST + b"%0*d\n" % (_LENGTH, len(body)) + body
    entries = [(tip, entry) for tip in told.tips for entry in tip.entries]
    for (tip, entry), part in zip(entries, parts, strict=True):
        digest, size = hashlib.sha256(), 0
        for piece in part:
            digest.update(piece)
            size += len(piece)
            yield piece
        if size != entry.size or digest.hexdigest() != entry.sha256:
            what = f"{entry.what} {entry.kind or entry.file_id}".strip()
            raise Damaged(f"The {what} of {tip.tip} is not what was recorded when it came.")


class _Source:
    """Reads from a generator as from a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.failed: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            try:
                piece = next(self._pieces, None)
            except BaseException as error:
                self.failed = error
                raise
            if piece is None:
                return b""
            self._left = memoryview(piece)
        taken = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(taken) :]
        return bytes(taken)


class _Digesting:
    """Writes to a file and digests what it wrote."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self.digest, self.size = hashlib.sha256(), 0
        self.failed: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.failed is not None:
            raise self.failed
        self.digest.update(piece)
        self.size += len(piece)
        try:
            self._to.write(piece)
        except BaseException as error:
            self.failed = error
            raise
        return len(piece)

    def flush(self) -> None:
        self._to.flush()


class _Reading:
    """Takes decrypted bytes as they come and sorts them into manifest and entries."""

    def __init__(self, header: Header, taker: Taker) -> None:
        self._header, self._taker = header, taker
        self._start = bytearray()
        self._manifest: Manifest | None = None
        self._coming: Iterator[tuple[Tip, Entry, bool]] = iter(())
        self._now: tuple[Tip, Entry, bool] | None = None
        self._left = 0
        self._digest = hashlib.sha256()
        self.failed: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.failed is not None:
            raise self.failed  # the library tries once more to get rid of what it holds
        try:
            rest = memoryview(piece) if self._manifest is not None else self._take_manifest(piece)
            while rest:
                if self._now is None:
                    raise PackageRefused(Code.ENTRY, "The package holds more than its manifest lists.")
                part = bytes(rest[: self._left])
                rest = rest[len(part) :]
                self._left -= len(part)
                self._digest.update(part)
                self._taker.takes(part)
                self._go_on()
        except BaseException as error:
            self.failed = error
            raise
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def finish(self) -> Manifest:
        """Return the manifest when nothing is missing. Raises PackageRefused."""
        if self._manifest is None:
            raise PackageRefused(Code.MANIFEST, "The package ends before it says what it holds.")
        if self._now is not None:
            tip, entry, _last = self._now
            raise PackageRefused(Code.ENTRY, f"The package ends within the {entry.what} of {tip.tip}.")
        return self._manifest

    def _take_manifest(self, piece: bytes) -> memoryview:
        self._start += piece
        first = len(_FIRST) + _LENGTH + 1
        if not _FIRST.startswith(self._start[: len(_FIRST)]):
            raise PackageRefused(Code.MANIFEST, "What was encrypted is not the inside of a package of this version.")
        if len(self._start) < first:
            return memoryview(b"")
        digits, end = bytes(self._start[len(_FIRST) : first - 1]), self._start[first - 1 : first]
        if not digits.isdigit() or end != b"\n" or int(digits) > manifest.LARGEST:
            raise PackageRefused(Code.MANIFEST, "The size of the manifest is not one that a manifest has.")
        stop = first + int(digits)
        if len(self._start) < stop:
            return memoryview(b"")
        found = manifest.read(bytes(self._start[first:stop]))
        rest = memoryview(bytes(self._start[stop:]))
        self._start = bytearray()
        self._check(found)
        self._manifest = found
        self._coming = (
            (tip, entry, number == len(tip.entries))
            for tip in found.tips
            for number, entry in enumerate(tip.entries, 1)
        )
        self._taker.begins(found)
        self._go_on()
        return rest

    def _check(self, found: Manifest) -> None:
        """What is inside must be what the header says: else somebody put their own cover on what another encrypted."""
        header = self._header
        stated = (found.kind, found.package, found.sender, found.receiver)
        if stated != (str(header.kind), header.id, header.sender, header.receiver):
            raise PackageRefused(Code.MANIFEST, "The manifest is that of another package than the header says.")
        inside = sum(entry.size for tip in found.tips for entry in tip.entries)
        if inside > header.size:
            raise PackageRefused(Code.MANIFEST, "The manifest lists more bytes than the package has.")

    def _go_on(self) -> None:
        """End the entry that is complete and begin the next; one without bytes ends as it begins."""
        while not self._left:
            if self._now is not None:
                tip, entry, last = self._now
                if self._digest.hexdigest() != entry.sha256:
                    raise PackageRefused(Code.ENTRY, f"The {entry.what} of {tip.tip} is not the one listed.")
                self._taker.entry_ends(tip, entry)
                if last:
                    self._taker.tip_ends(tip)
            self._now = next(self._coming, None)
            if self._now is None:
                return
            tip, entry, last = self._now
            self._left, self._digest = entry.size, hashlib.sha256()
            self._taker.entry_begins(tip, entry)
