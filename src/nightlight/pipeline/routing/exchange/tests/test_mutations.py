# SPDX-License-Identifier: Apache-2.0
"""A package in which anything was changed, on its way or by its maker, is refused with a reason, or says no less."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyrage
import pytest

from nightlight.pipeline.routing.exchange import cards, envelope, manifest, payload, verifying
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused
from nightlight.pipeline.routing.exchange.tests import vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.routing.exchange.manifest import Manifest

VECTOR = Path(__file__).parents[6] / "docs/exchange/referral-vector.json"
SENDER, RECEIVER = vectors.side("Sender"), vectors.side("Receiver")
STRANGER = vectors.side("Stranger")
BODY = vectors.package(SENDER, RECEIVER)
HEAD = envelope.read_head(io.BytesIO(BODY))


def _take(body: bytes, *, sender: vectors.Side = SENDER, receiver: vectors.Side = RECEIVER) -> Manifest:
    """Check a package from end to end, as it is before a tip is taken in."""
    file, card = io.BytesIO(body), sender.card
    head = envelope.check(file, us=receiver.card.fingerprint, public=card.public, fingerprint=card.fingerprint)
    return payload.read(file, head.header, verifying.Verifying(), identity=receiver.identity)


def _code(body: bytes) -> str:
    with pytest.raises(PackageRefused) as refused:
        _take(body)
    assert len(refused.value.reason) > 20
    return str(refused.value.code)


def test_the_package_as_it_was_made_is_taken() -> None:
    found = _take(BODY)
    assert [tip.tip for tip in found.tips] == [vectors.TIP]


def _mutations(count: int) -> Iterator[bytes]:
    """Bytes flipped, cut out, put in, repeated, exchanged, and taken from another package by the same sender."""
    chance = random.Random(20261123)
    other = vectors.covered(SENDER, RECEIVER, vectors.package(SENDER, RECEIVER)[HEAD.size :], package="PK-9999-999Z")
    of_other = envelope.read_head(io.BytesIO(other))
    lines, theirs = BODY[: HEAD.size].split(b"\n"), other[: of_other.size].split(b"\n")
    age = BODY[HEAD.size :]
    yield b"\n".join([lines[0], theirs[1], lines[2], b""]) + age  # another header under this signature
    yield b"\n".join([lines[0], lines[1], theirs[2], b""]) + age  # another signature under this header
    yield BODY[: HEAD.size] + other[of_other.size :]  # another inside
    yield other[: of_other.size] + age
    yield b"\n".join([b"nightlight-package/2", *lines[1:]]) + age
    yield b"\n".join([lines[0], lines[1].replace(b'"payload"', b'"payload" '), *lines[2:]]) + age
    yield BODY[: HEAD.size].replace(b"\n", b"\r\n") + age
    yield from (BODY[:end] for end in range(0, len(BODY), 40))
    for _ in range(count):
        body, place = bytearray(BODY), chance.randrange(len(BODY))
        if chance.random() < 0.4:
            place = chance.randrange(HEAD.size + 300)  # the heads, of the package and of age
        what = chance.randrange(6)
        length = chance.choice((1, 1, 2, 16, 200))
        if what == 0:
            body[place] ^= 1 << chance.randrange(8)
        elif what == 1:
            body[place] = (body[place] + chance.randrange(1, 256)) % 256
        elif what == 2:
            del body[place : place + length]
        elif what == 3:
            body[place:place] = chance.randbytes(length)
        elif what == 4:
            body[place:place] = body[place : place + length]
        else:
            end = chance.randrange(len(BODY))
            body[place], body[end] = body[end], body[place]
        if body != BODY:
            yield bytes(body)


def test_a_package_with_any_byte_changed_is_refused_with_a_reason() -> None:
    codes = Counter(_code(body) for body in _mutations(2000))
    assert codes.total() >= 2000
    assert set(codes) <= {
        "not-a-package",
        "version",
        "header",
        "not-for-us",
        "unknown-sender",
        "signature",
        "size",
        "digest",
    }
    assert {"version", "header", "signature", "size", "digest"} <= set(codes)


def test_each_byte_of_the_head_counts() -> None:
    for place in range(HEAD.size):
        changed = bytearray(BODY)
        changed[place] ^= 0x10
        assert _code(bytes(changed))


def test_who_knows_the_sender_cannot_be_told_by_another() -> None:
    stolen = vectors.covered(STRANGER, RECEIVER, BODY[HEAD.size :])
    assert _code(stolen) == Code.UNKNOWN_SENDER
    # Trusted as well, but what is inside was made by somebody else.
    with pytest.raises(PackageRefused) as refused:
        _take(stolen, sender=STRANGER)
    assert refused.value.code == Code.MANIFEST


def test_what_was_encrypted_to_another_does_not_open() -> None:
    out = io.BytesIO()
    payload.write(out, *vectors.told(SENDER, RECEIVER), recipient=STRANGER.card.recipient)
    assert _code(vectors.covered(SENDER, RECEIVER, out.getvalue())) == Code.DECRYPT


def _inside(plain: bytes) -> bytes:
    """A package that its sender signed over whatever this is."""
    return vectors.covered(SENDER, RECEIVER, pyrage.encrypt(plain, [RECEIVER.identity.to_public()]))


def test_a_sender_who_writes_something_else_is_refused_or_says_no_less() -> None:
    """Signed and encrypted as it should be, and wrong inside: the fault of a program, or of whoever holds its keys."""
    plain = pyrage.decrypt(BODY[HEAD.size :], [RECEIVER.identity])
    chance, codes = random.Random(7), Counter[str]()
    for _ in range(400):
        body, place = bytearray(plain), chance.randrange(len(plain))
        what = chance.randrange(4)
        if what == 0:
            body[place] ^= 1 << chance.randrange(8)
        elif what == 1:
            del body[place : place + chance.choice((1, 30, 3000))]
        elif what == 2:
            body[place:place] = chance.choice((b"\0", b'"', b"{", b"9", b"\xff\xfe", body[place : place + 50]))
        else:
            body += chance.randbytes(chance.randrange(1, 99))
        try:
            found = _take(_inside(bytes(body)))
        except PackageRefused as refused:
            codes[str(refused.code)] += 1
        else:  # such as a letter of the note that goes with it
            assert [len(tip.entries) for tip in found.tips] == [3]
            codes["taken"] += 1
    assert codes["taken"] < 60
    assert {"manifest", "entry", "proof"} <= set(codes)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sender": STRANGER.card.fingerprint}, "manifest"),
        ({"receiver": STRANGER.card.fingerprint}, "manifest"),
        ({"package": "PK-9999-999Z"}, "manifest"),
        ({"format": "nightlight-payload/2"}, "manifest"),
        ({"further": 1}, "manifest"),
        ({"tips": []}, "manifest"),
        ({"card": STRANGER.card.signed(STRANGER.signing)}, "manifest"),
        ({"head": vectors.told(STRANGER, RECEIVER)[0].head.replace("log.", "log2.")}, "proof"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(change: dict[str, object], code: str) -> None:
    whole, parts = vectors.told(SENDER, RECEIVER)
    told = json.loads(whole.to_bytes()) | change
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    entries = b"".join(piece for part in parts for piece in part)
    assert _code(_inside(b"nightlight-payload/1\n%09d\n%s%s" % (len(body), body, entries))) == code


def test_a_proof_must_be_of_this_tip_and_record_all_of_it() -> None:
    whole, parts = vectors.told(SENDER, RECEIVER)
    (tip,) = whole.tips
    unrecorded = b"bytes that no entry of the log records"
    entry = manifest.Entry("file", "", "f1", "x", len(unrecorded), vectors.digest(unrecorded), tip.opened_at)
    tips = [msgspec.structs.replace(tip, entries=[*tip.entries, entry])]
    more = msgspec.structs.replace(whole, tips=tips)
    out = io.BytesIO()
    payload.write(out, more, [*parts, [unrecorded]], recipient=RECEIVER.card.recipient)
    assert _code(vectors.covered(SENDER, RECEIVER, out.getvalue())) == Code.PROOF


def test_what_goes_in_must_be_what_was_recorded() -> None:
    whole, parts = vectors.told(SENDER, RECEIVER)
    with pytest.raises(payload.Damaged, match="not what was recorded"):
        payload.write(io.BytesIO(), whole, [*parts[:2], [b"another file"]], recipient=RECEIVER.card.recipient)


def test_the_vector_in_the_documentation_reads_as_it_says() -> None:
    vector = json.loads(VECTOR.read_text())
    sender = vectors.side("Test Vector Sender")
    receiver = vectors.side("Test Vector Receiver", vector["receiver"]["age_identity_test_vector"])
    card = cards.read(vector["sender"]["card"])
    assert sender.signing.private_bytes_raw().hex() == vector["sender"]["ed25519_seed_hex"]
    assert (card.fingerprint, cards.spoken(card.fingerprint)) == (
        vector["sender"]["fingerprint"],
        vector["sender"]["spoken"],
    )
    assert cards.read(vector["receiver"]["card"]).fingerprint == vector["receiver"]["fingerprint"]
    body = base64.b64decode(vector["package_base64"])
    file = io.BytesIO(body)
    head = envelope.check(file, us=vector["receiver"]["fingerprint"], public=card.public, fingerprint=card.fingerprint)
    kept: dict[str, bytes] = {}

    class Keeping(payload.Taker):
        def entry_begins(self, tip: manifest.Tip, entry: manifest.Entry) -> None:
            self.body = b""

        def takes(self, piece: bytes) -> None:
            self.body += piece

        def entry_ends(self, tip: manifest.Tip, entry: manifest.Entry) -> None:
            kept[entry.what] = self.body

    found = payload.read(file, head.header, Keeping(), identity=receiver.identity)
    assert json.loads(found.to_bytes()) == vector["manifest"]
    assert (kept["document"].decode(), kept["file"].decode()) == (vector["report"], vector["file"])
    file.seek(head.size)
    assert payload.read(file, head.header, verifying.Verifying(), identity=receiver.identity) == found


def test_the_sender_of_the_vector_signs_with_a_key_that_follows_from_its_name() -> None:
    seed = hashlib.sha256(b"test vector Test Vector Sender signing").hexdigest()
    assert json.loads(VECTOR.read_text())["sender"]["ed25519_seed_hex"] == seed
