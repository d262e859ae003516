# SPDX-License-Identifier: Apache-2.0
"""What a package says it holds: tips with their entries, or statements of what became of tips. Read strictly.

Nothing in a manifest is used as a path, and whatever is not expected is refused: a field that this version does not
know, a text that is too long, a form that would not have been written so.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from nightlight.foundation import canonical_json
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused

FORMAT: Final = "nightlight-payload/1"
LARGEST = 64 * 1024 * 1024  # bytes of a manifest
MOST_TIPS = 2000
MOST_ENTRIES = 200_000
MOST_STATEMENTS = 20_000
LARGEST_DOCUMENT = 64 * 1024 * 1024  # bytes of a report, of details, of proofs; files have no limit but the package's
LONGEST_FILE_NAME = 4096
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # written out, as JSON does it; no column holds it
_STATEMENT_DOMAIN = b"nightlight statement\n"

Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Stamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")]
NoStamp = Annotated[str, Meta(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)?\Z")]
TipId = Annotated[str, Meta(pattern=r"^NL-[0-9A-Z]{4}-[0-9A-Z]{4}\Z")]
OfferId = Annotated[str, Meta(pattern=r"^HO-[0-9A-Z]{4}-[0-9A-Z]{4}\Z")]
Word = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,24}\Z")]
NoWord = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{0,24}\Z")]
FileId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{0,32}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1 << 40)]


class Entry(Struct, forbid_unknown_fields=True, frozen=True):
    """Bytes that follow the manifest, in its order. A document or a proof is small; a file may be of any size.

    ``what`` "document": ``kind`` as in the tip's record; "file": ``name`` as the reporter sent it; "proof": entries of
    the sender's custody log about this tip; "earlier": the proof with which the sender itself was sent the tip.
    """

    what: Literal["document", "file", "proof", "earlier"]
    kind: NoWord
    file_id: FileId
    name: Annotated[str, Meta(max_length=LONGEST_FILE_NAME)]
    size: Count
    sha256: Hex
    received_at: NoStamp


class Offered(Struct, forbid_unknown_fields=True, frozen=True):
    """The offer with which a tip comes, as the sender's officers made it; ``id`` is what receipts name."""

    id: OfferId
    kind: Literal["whole", "part", "joint"]
    why: Word
    note: Annotated[str, Meta(max_length=20_000)]
    parties: Annotated[list[Annotated[int, Meta(ge=0, le=100_000)]], Meta(max_length=50)]
    band: Annotated[int, Meta(ge=0, le=9)]
    sent_at: Stamp


class Believed(Struct, forbid_unknown_fields=True, frozen=True):
    """Where the sender worked out that the tip belongs; ISO 3166 codes, a district code, 0 to 100."""

    country: Annotated[str, Meta(max_length=2)]
    state: Annotated[str, Meta(max_length=8)]
    district: Annotated[str, Meta(max_length=40)]
    confidence: Annotated[int, Meta(ge=0, le=100)]


class Tip(Struct, forbid_unknown_fields=True, frozen=True):
    """One report. ``tip`` is its number at the sender, ``origin`` and ``origin_tip`` where it was first received."""

    tip: TipId
    origin: Hex
    origin_tip: TipId
    report_id: Annotated[int, Meta(ge=1, le=canonical_json.LARGEST_INTEGER)]
    source: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,16}\Z")]
    environment: Literal["production", "test"]
    reporter: Name
    reporter_origin: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,24}\Z")]
    incident_type: Word
    batched: bool
    escalated: bool
    payload_sha256: Hex
    opened_at: Stamp
    received_at: Stamp
    offer: Offered | None
    believed: Believed | None
    entries: Annotated[list[Entry], Meta(min_length=1, max_length=20_000)]


class Statement(Struct, forbid_unknown_fields=True, frozen=True):
    """What became of one offer at the other end, signed by itself so that it can be kept by itself.

    ``offer`` and ``tip`` are the numbers that the one who is told gave them. ``leaf`` is the hash of the issuer's own
    entry about it in their custody log: what they say now can be held against that log later. Of ``reason``, which are
    free words, the signature covers the digest: so the words can be destroyed and the statement still be proved.
    """

    kind: Literal["delivered", "opened", "accepted", "bounced", "given-back", "outcome"]
    issuer: Hex
    receiver: Hex
    offer: OfferId
    tip: TipId
    at: Stamp
    code: NoWord
    reason: Annotated[str, Meta(max_length=20_000)]
    reason_sha256: Hex
    leaf: Hex
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]

    def _signed(self) -> bytes:
        body = msgspec.to_builtins(self)
        del body["signature"], body["reason"]
        return _STATEMENT_DOMAIN + canonical_json.encode(body)

    def signed(self, key: Ed25519PrivateKey) -> Statement:
        """Return the same statement with the issuer's signature."""
        return msgspec.structs.replace(self, signature=key.sign(self._signed()).hex())

    def is_by(self, public: bytes) -> bool:
        """Whether the holder of this key (32 bytes) signed it, and the reason is the one signed."""
        if hashlib.sha256(self.reason.encode()).hexdigest() != self.reason_sha256:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(self.signature), self._signed())
        except InvalidSignature:
            return False
        return True

    def text(self) -> str:
        """Return the statement as canonical JSON, signature and all, to be kept."""
        return canonical_json.encode(msgspec.to_builtins(self)).decode()


class Manifest(Struct, forbid_unknown_fields=True, frozen=True):
    """What a package holds. ``package``, ``sender`` and ``receiver`` repeat the header, inside what is encrypted.

    ``card`` is the sender's card as it is now, ``head`` the signed tree head of the sender's custody log under which
    all proofs of the package lie ("" where there are none).
    """

    format: Literal["nightlight-payload/1"]
    kind: Literal["referral", "receipts"]
    package: Annotated[str, Meta(pattern=r"^PK-[0-9A-Z]{4}-[0-9A-Z]{4}\Z")]
    sender: Hex
    receiver: Hex
    made_at: Stamp
    card: Annotated[str, Meta(max_length=16 * 1024)]
    head: Annotated[str, Meta(max_length=4096)]
    tips: Annotated[list[Tip], Meta(max_length=MOST_TIPS)]
    statements: Annotated[list[Statement], Meta(max_length=MOST_STATEMENTS)]

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON."""
        return canonical_json.encode(msgspec.to_builtins(self))


_T = TypeVar("_T", bound=Struct)


def read(body: bytes) -> Manifest:
    """Read a manifest. Raises PackageRefused (manifest) for whatever this version would not have written."""
    found = strictly(body, Manifest)
    if (found.kind == "referral") != bool(found.tips) or (found.kind == "receipts") != bool(found.statements):
        raise PackageRefused(Code.MANIFEST, "The manifest does not hold what a package of its kind holds.")
    if sum(len(tip.entries) for tip in found.tips) > MOST_ENTRIES:
        raise PackageRefused(Code.MANIFEST, "The manifest lists more files than a package may hold.")
    if len({tip.tip for tip in found.tips}) < len(found.tips):
        raise PackageRefused(Code.MANIFEST, "The manifest lists a tip twice.")
    for tip in found.tips:
        _check_tip(tip)
    return found


def strictly(body: bytes, kind: type[_T]) -> _T:
    """Read canonical JSON of exactly this shape. Raises PackageRefused (manifest)."""
    try:
        found = msgspec.json.decode(body, type=kind)
        text = body.decode()
        # Not only the shape: another form of the same facts is something that we did not write.
        same = canonical_json.encode(msgspec.to_builtins(found)) == body and not _NUL.search(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        same = False
    if not same:
        raise PackageRefused(Code.MANIFEST, "The package states what it holds in a form that this version cannot read.")
    return found


def as_data(statement: Statement) -> dict[str, canonical_json.Json]:
    """Return a statement as plain members, as receipts keep it."""
    found: dict[str, canonical_json.Json] = msgspec.to_builtins(statement)
    return found


def moment(stamp: str) -> datetime:
    """Return the moment that a stamp of a manifest states. Raises PackageRefused for one that never was."""
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        raise PackageRefused(Code.MANIFEST, "The manifest states a moment that is none.") from None


def _check_tip(tip: Tip) -> None:
    moments = [tip.opened_at, tip.received_at, *(entry.received_at for entry in tip.entries if entry.received_at)]
    if tip.offer is not None:
        moments.append(tip.offer.sent_at)
    for stamp in moments:
        moment(stamp)
    seen = set()
    for entry in tip.entries:
        key = (entry.what, entry.kind, entry.file_id)
        small = entry.what != "file"
        dated = entry.what in {"document", "file"}
        named = {"document": bool(entry.kind), "file": bool(entry.file_id) and not entry.kind}
        bare = not (entry.kind or entry.file_id)
        if (
            key in seen
            or (small and (entry.size > LARGEST_DOCUMENT or entry.name))
            or bool(entry.received_at) != dated
            or not named.get(entry.what, bare)
        ):
            raise PackageRefused(Code.MANIFEST, f"The manifest lists an entry of {tip.tip} that no tip can have.")
        seen.add(key)
    if ("proof", "", "") not in seen or not any(what == "document" for what, _kind, _id in seen):
        raise PackageRefused(Code.MANIFEST, f"The manifest lists {tip.tip} without its report or without its proof.")
