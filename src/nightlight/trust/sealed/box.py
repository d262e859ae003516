# SPDX-License-Identifier: Apache-2.0
"""Closes a text so that only the holder of a private key can open it, and so that it can be destroyed for good.

Whoever closes needs the public key alone. What comes out has two parts. The body is the text, encrypted. The key part
(73 bytes) is what the holder of the private key needs besides; without it the body is unopenable even for them, so
erasing 73 bytes destroys a text of any length.

key part: version (1 byte) | id of the recipient's key (8) | ephemeral public key (32) | salt (32)
body:     AES-256-GCM ciphertext and tag (NIST SP 800-38D), additional data: the context

The data key is HKDF-SHA-256 (RFC 5869) of the X25519 secret (RFC 7748) between ephemeral and recipient's key, with the
salt, and with label, both public keys and the context as info. The salt is fresh for every text, so a data key serves
once, and the nonce may be zero. The ephemeral key serves for up to 15 minutes, because one X25519 exchange costs more
than all the rest. The context says what the text is and where it belongs: a text put in another's place does not open.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
KEY_SIZE = 32
ID_SIZE = 8
KEY_PART_SIZE = 1 + ID_SIZE + KEY_SIZE + KEY_SIZE
LONGEST_USE = 15 * 60.0  # seconds for which one ephemeral key serves
MOST_USES = 100_000
_REMEMBERED = 64  # secrets that a private key remembers while it opens many texts of the same minutes
_ID_LABEL = b"nightlight sealing key id v1\n"
_LABEL = b"nightlight sealed v1\n"
_NONCE = bytes(12)


class Damaged(Exception):
    """What lies there is not what was closed, or was closed for another place; ``reason`` says how it was noticed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysRefused(Exception):
    """There is no key that opens this; ``reason`` says which is missing or what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed text: ``body`` opens only with ``key_part``, and with both only for the private key's holder."""

    key_part: bytes
    body: bytes

    @property
    def key_id(self) -> bytes:
        """Which key opens it, 8 bytes; nothing where the key part was erased."""
        return self.key_part[1 : 1 + ID_SIZE]


@dataclass(frozen=True)
class Lock:
    """The public side of a sealing key: can close, cannot open."""

    public: bytes

    def __post_init__(self) -> None:
        if len(self.public) != KEY_SIZE:
            raise KeysRefused(f"a public sealing key is {KEY_SIZE} bytes, not {len(self.public)}")

    @property
    def id(self) -> bytes:
        """The first 8 bytes of SHA-256 over a label and the public key."""
        return hashlib.sha256(_ID_LABEL + self.public).digest()[:ID_SIZE]


@dataclass(frozen=True)
class Key:
    """The private side of a sealing key. Raises KeysRefused unless it is 32 bytes."""

    secret: bytes = field(repr=False)
    _remembered: dict[bytes, bytes] = field(default_factory=dict, repr=False, compare=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_SIZE:
            raise KeysRefused(f"a private sealing key is {KEY_SIZE} bytes, not {len(self.secret)}")

    @property
    def lock(self) -> Lock:
        """The public side."""
        return Lock(X25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw())

    def shared(self, ephemeral: bytes) -> bytes:
        """Return the X25519 secret with a public key. Raises Damaged for one of the few that give no secret."""
        with self._guard:
            if known := self._remembered.get(ephemeral):
                return known
        try:
            found = X25519PrivateKey.from_private_bytes(self.secret).exchange(
                X25519PublicKey.from_public_bytes(ephemeral)
            )
        except ValueError as error:
            raise Damaged("the ephemeral key in the key part is none") from error
        with self._guard:
            while len(self._remembered) >= _REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[ephemeral] = found
        return found


class Keyring:
    """Private sealing keys by the id of their locks, the current one last. Raises KeysRefused if there is none."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        if not keys:
            raise KeysRefused("there is no private sealing key")
        self._keys = {key.lock.id: (key, key.lock) for key in keys}

    @property
    def ids(self) -> frozenset[bytes]:
        """The ids of all keys on the ring."""
        return frozenset(self._keys)

    def find(self, key_id: bytes) -> tuple[Key, Lock]:
        """Return a key and its lock. Raises KeysRefused if it is not on the ring."""
        if key_id not in self._keys:
            raise KeysRefused(f"sealing key {key_id.hex()} is not on the ring")
        return self._keys[key_id]


@dataclass(frozen=True, slots=True)
class _Session:
    ephemeral: bytes
    shared: bytes = field(repr=False)
    until: float
    uses: int


class Sealer:
    """Closes texts for one public key, from any number of threads.

    The private half of the ephemeral key is forgotten as soon as the shared secret is known. The secret stays in
    memory for up to 15 minutes: whoever reads this process's memory can open what it closed in that time, and
    nothing older. ``tick`` gives seconds that only grow. Raises KeysRefused for a public key that is none.
    """

    def __init__(self, public_key: bytes, *, tick: Callable[[], float] = time.monotonic) -> None:
        self.lock = Lock(public_key)
        self._head = bytes([VERSION]) + self.lock.id
        self._tick = tick
        self._guard = threading.Lock()
        self._session = self._fresh()
        self._used = 0

    def seal(self, plain: bytes, context: bytes) -> Closed:
        """Close ``plain`` for the place that ``context`` names; the same context opens it."""
        with self._guard:
            if self._used >= self._session.uses or self._tick() >= self._session.until:
                self._session, self._used = self._fresh(), 0
            self._used += 1
            session = self._session
        salt = secrets.token_bytes(KEY_SIZE)
        key = _data_key(session.shared, salt, session.ephemeral, self.lock.public, context)
        body = AESGCM(key).encrypt(_NONCE, plain, context)
        return Closed(self._head + session.ephemeral + salt, body)

    def _fresh(self) -> _Session:
        private = X25519PrivateKey.generate()
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(self.lock.public))
        except ValueError as error:
            raise KeysRefused("the public sealing key is none that gives a secret") from error
        return _Session(private.public_key().public_bytes_raw(), shared, self._tick() + LONGEST_USE, MOST_USES)


def unseal(keys: Keyring, closed: Closed, context: bytes) -> bytes:
    """Return the text. Raises KeysRefused if its key is not on the ring, Damaged if anything is not as it was closed.

    An erased key part is Damaged: nobody can open the body again.
    """
    part = bytes(closed.key_part)
    if not part:
        raise Damaged("the key part was erased; the text is destroyed")
    if len(part) != KEY_PART_SIZE or part[0] != VERSION:
        raise Damaged("the key part is not as this version writes it")
    key, lock = keys.find(part[1 : 1 + ID_SIZE])
    ephemeral, salt = part[1 + ID_SIZE : 1 + ID_SIZE + KEY_SIZE], part[-KEY_SIZE:]
    data_key = _data_key(key.shared(ephemeral), salt, ephemeral, lock.public, context)
    try:
        return AESGCM(data_key).decrypt(_NONCE, bytes(closed.body), context)
    except InvalidTag as error:
        raise Damaged("this is not what was closed, or it was closed for another place") from error


def one_time() -> Key:
    """Return a new key that serves for one answer."""
    return Key(X25519PrivateKey.generate().private_bytes_raw())


def _data_key(shared: bytes, salt: bytes, ephemeral: bytes, recipient: bytes, context: bytes) -> bytes:
    # Label and keys are of fixed length, so no two contexts give the same info.
    info = _LABEL + ephemeral + recipient + context
    return HKDF(SHA256(), KEY_SIZE, salt, info).derive(shared)
