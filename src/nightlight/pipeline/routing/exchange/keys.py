# SPDX-License-Identifier: Apache-2.0
"""The keys by which other installations know this one: one signs what goes out, the other opens what comes in.

Two files in the keys folder, each mode 0600 and made once: ``signing.pem`` (Ed25519, PKCS #8) and ``age.txt`` (an
X25519 identity in the form of age-keygen, so that the age program opens a package with ``age -d -i``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
from django.conf import settings

from nightlight.pipeline.routing.exchange.cards import Card
from nightlight.trust import key_files
from nightlight.trust.custody import keys as custody_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Both keys of this installation; never printed, never in the database."""

    signing: Ed25519PrivateKey
    identity: pyrage.x25519.Identity

    @property
    def public(self) -> bytes:
        """The 32 bytes by which others check what we signed."""
        return self.signing.public_key().public_bytes_raw()

    @property
    def recipient(self) -> str:
        """What others encrypt to ("age1…")."""
        return str(self.identity.to_public())

    @property
    def fingerprint(self) -> str:
        """By which others know us: 64 hex digits."""
        return Card("", "", self.public, self.recipient, ()).fingerprint

    def card(self, *, name: str, url: str, logs: tuple[str, ...]) -> str:
        """Return our signed card. Raises ValueError (CardRefused) for a name or an address no card can state."""
        return Card(name, url, self.public, self.recipient, logs).signed(self.signing)


def ours() -> Keys:
    """Return this installation's keys, making them on first use.

    Raises ValueError for a file that others may read, or that does not hold the key it should.
    """
    return in_folder(Path(settings.NIGHTLIGHT_EXCHANGE_KEYS_DIR))


@lru_cache(maxsize=4)
def in_folder(folder: Path) -> Keys:
    """Return the keys in this folder; otherwise as ``ours``."""
    pem, age = folder / "signing.pem", folder / "age.txt"
    signing = key_files.ed25519(key_files.first(pem, key_files.ed25519_pem), pem)
    return Keys(signing, _identity(key_files.first(age, _new_identity), age))


def our_card() -> str:
    """Return the card that this installation hands out, with the name and the address from its settings."""
    return ours().card(
        name=settings.NIGHTLIGHT_EXCHANGE_NAME,
        url=settings.NIGHTLIGHT_EXCHANGE_URL,
        logs=tuple(str(key) for key in [custody_keys.signing_key().verifier, *custody_keys.retired_keys()]),
    )


def _new_identity() -> bytes:
    identity = pyrage.x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n".encode()


def _identity(body: bytes, path: Path) -> pyrage.x25519.Identity:
    lines = [line for line in body.decode(errors="replace").splitlines() if line and not line.startswith("#")]
    try:
        (line,) = lines
        return pyrage.x25519.Identity.from_str(line)
    except (ValueError, pyrage.IdentityError):
        raise ValueError(f"{path} is not an age identity") from None
