# SPDX-License-Identifier: Apache-2.0
"""A package with invented keys and an invented report, made without a database; also the test vector of the format.

``python -m nightlight.pipeline.routing.exchange.tests.vectors`` prints ``docs/exchange/referral-vector.json`` anew. Its
keys are written there for everybody to read: they are keys of nobody, and stand for no installation.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightlight.foundation.clock import stamp
from nightlight.pipeline.routing.exchange import cards, envelope, manifest, payload, proofs
from nightlight.trust.custody import checkpoint, merkle, rules
from nightlight.trust.custody.checkpoint import Checkpoint, SigningKey
from nightlight.trust.custody.tests.trees import MemoryTree

if TYPE_CHECKING:
    from nightlight.foundation.canonical_json import Json

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
REPORT = b"<report><incidentSummary><incidentType>Test vector</incidentType></incidentSummary></report>"
FILE = b"a pattern of squares, and nothing else"
TIP, OFFER, PACKAGE = "NL-1111-111A", "HO-2222-222B", "PK-3333-333C"


@dataclass(frozen=True)
class Side:
    """An installation that does not exist, with keys that everybody may know."""

    name: str
    signing: Ed25519PrivateKey
    identity: pyrage.x25519.Identity
    log: SigningKey

    @property
    def card(self) -> cards.Card:
        public = self.signing.public_key().public_bytes_raw()
        url = f"https://{self.name.lower().replace(' ', '-')}.example.org"
        return cards.Card(self.name, url, public, str(self.identity.to_public()), (str(self.log.verifier),))


def side(name: str, identity: str = "") -> Side:
    """Return an installation whose Ed25519 keys follow from its name; age identities are drawn, unless given."""

    def key(what: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"test vector {name} {what}".encode()).digest())

    age = pyrage.x25519.Identity.from_str(identity) if identity else pyrage.x25519.Identity.generate()
    return Side(name, key("signing"), age, SigningKey("log.example.org/test-vector", key("log")))


def digest(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def told(sender: Side, receiver: Side) -> tuple[manifest.Manifest, list[list[bytes]]]:
    """Return a manifest with one tip, and the bytes of its entries."""
    facts: list[tuple[str, str, dict[str, Json]]] = [
        ("tip.opened", f"tip:{TIP}", {"report_sha256": digest(REPORT), "size": len(REPORT)}),
        (
            "evidence.received",
            "item:EV-4444-444D",
            {"sha256": digest(FILE), "size": len(FILE), "context": f"tip:{TIP}"},
        ),
        ("tip.received", f"tip:{TIP}", {"files": ["f0"]}),
        ("unit.added", "unit:UN-5555-555E", {"name": "of another thing"}),
    ]
    entries = [
        rules.entry(by="reporter:RP-6666-666F", at=AT, kind=kind, subject=subject, data=data, unique=f"{n:032x}")
        for n, (kind, subject, data) in enumerate(facts)
    ]
    leaves = [entry.leaf_hash for entry in entries]
    tree = MemoryTree(leaves)
    head = Checkpoint(sender.log.name, len(leaves), merkle.root(tree, len(leaves)), AT)
    proved = [
        proofs.ProvedEntry(n, entries[n].body, [one.hex() for one in merkle.inclusion_path(tree, n, len(leaves))])
        for n in range(3)
    ]
    proof = proofs.Proof(1, TIP, proved).to_bytes()
    at = stamp(AT)
    tip = manifest.Tip(
        tip=TIP,
        origin=sender.card.fingerprint,
        origin_tip=TIP,
        report_id=412345678901,
        source="reporting-api",
        environment="test",
        reporter="Example Chat",
        reporter_origin="api",
        incident_type="other",
        batched=False,
        escalated=False,
        payload_sha256=digest(REPORT),
        opened_at=at,
        received_at=at,
        offer=manifest.Offered(OFFER, "whole", "area", "For you.", [], 2, at),
        believed=manifest.Believed("IN", "IN-KL", "", 80),
        entries=[
            manifest.Entry("document", "report", "", "", len(REPORT), digest(REPORT), at),
            manifest.Entry("proof", "", "", "", len(proof), digest(proof), ""),
            manifest.Entry("file", "", "f0", "squares.png", len(FILE), digest(FILE), at),
        ],
    )
    whole = manifest.Manifest(
        format=manifest.FORMAT,
        kind="referral",
        package=PACKAGE,
        sender=sender.card.fingerprint,
        receiver=receiver.card.fingerprint,
        made_at=at,
        card=sender.card.signed(sender.signing),
        head=checkpoint.sign(head, sender.log),
        tips=[tip],
        statements=[],
    )
    return whole, [[REPORT], [proof], [FILE]]


def covered(sender: Side, receiver: Side, age: bytes, *, package: str = PACKAGE) -> bytes:
    """Put a signed head in front of an age file."""
    header = envelope.Header(
        kind=envelope.Kind.REFERRAL,
        id=package,
        made_at=AT,
        sender=sender.card.fingerprint,
        sender_name=sender.name,
        receiver=receiver.card.fingerprint,
        size=len(age),
        sha256=digest(age),
    )
    return envelope.sign(header, sender.signing).to_bytes() + age


def package(sender: Side, receiver: Side) -> bytes:
    """Return a whole package."""
    whole, parts = told(sender, receiver)
    out = io.BytesIO()
    payload.write(out, whole, parts, recipient=receiver.card.recipient)
    return covered(sender, receiver, out.getvalue())


def vector() -> dict[str, object]:
    """Return the test vector as it stands in the documentation."""
    sender, receiver = side("Test Vector Sender"), side("Test Vector Receiver")
    whole, _parts = told(sender, receiver)
    return {
        "about": "Test vector of nightlight-package/1. Every key here is invented and public; none belongs to anybody.",
        "sender": {
            "ed25519_seed_hex": sender.signing.private_bytes_raw().hex(),
            "fingerprint": sender.card.fingerprint,
            "spoken": cards.spoken(sender.card.fingerprint),
            "card": sender.card.signed(sender.signing),
        },
        "receiver": {
            "ed25519_seed_hex": receiver.signing.private_bytes_raw().hex(),
            "age_identity_test_vector": str(receiver.identity),
            "fingerprint": receiver.card.fingerprint,
            "card": receiver.card.signed(receiver.signing),
        },
        "manifest": json.loads(whole.to_bytes()),
        "report": REPORT.decode(),
        "file": FILE.decode(),
        "package_base64": base64.b64encode(package(sender, receiver)).decode(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vector(), indent=1, ensure_ascii=False) + "\n")
