# SPDX-License-Identifier: Apache-2.0
"""Single key files that only their owner may read: an Ed25519 key to sign with, or another secret as text."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightlight.foundation import durable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def first(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return what is in the file, making it where there is none; of processes that start at once one makes it.

    Raises ValueError where anybody but its owner can read it.
    """
    if not path.exists():
        with suppress(FileExistsError):
            durable.create(path, make())
    return read(path)


def read(path: Path) -> bytes:
    """Return what is in the file. Raises ValueError where anybody but its owner can read it."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ValueError(f"{path} can be read by others (mode {mode:o}): chmod 600 it, and consider a new key")
    return path.read_bytes()


def ed25519_pem() -> bytes:
    """Return a new Ed25519 key (PKCS #8, PEM)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def ed25519(pem: bytes, path: Path) -> Ed25519PrivateKey:
    """Return the key that the file at ``path`` holds. Raises ValueError where it is not an Ed25519 key."""
    private = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type
    return private
