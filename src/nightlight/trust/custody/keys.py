# SPDX-License-Identifier: Apache-2.0
"""Keeps the key that signs tree heads: one file, readable by its owner alone, made on first use."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from nightlight.foundation import durable

from .checkpoint import SigningKey, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_ORIGIN = "nightlight.example.org/custody"


def origin() -> str:
    """Return the name of this installation's log, from `NIGHTLIGHT_CUSTODY_ORIGIN`."""
    return str(getattr(settings, "NIGHTLIGHT_CUSTODY_ORIGIN", DEFAULT_ORIGIN))


def signing_key() -> SigningKey:
    """Return the key in `NIGHTLIGHT_CUSTODY_KEY_FILE` (PKCS #8, PEM), making it if there is none.

    Raises ValueError when the file is not an Ed25519 key, or can be read by anybody but its owner.
    """
    path = _path()
    if not path.exists():
        _create(path)
    return _load(path)


def trusted_keys() -> Sequence[VerifierKey]:
    """Return the keys whose tree heads count: the present one and `NIGHTLIGHT_CUSTODY_RETIRED_KEYS`.

    Never makes a key. A key is replaced by listing its public half as retired and moving its file away.
    """
    present = [_load(_path()).verifier] if _path().exists() else []
    return [*present, *retired_keys()]


def retired_keys() -> Sequence[VerifierKey]:
    """Return the public halves of earlier keys, each written `name+keyid+key`."""
    return [VerifierKey.parse(text) for text in getattr(settings, "NIGHTLIGHT_CUSTODY_RETIRED_KEYS", ())]


def _path() -> Path:
    return Path(settings.NIGHTLIGHT_CUSTODY_KEY_FILE)


def _load(path: Path) -> SigningKey:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ValueError(f"{path} can be read by others (mode {mode:o}): chmod 600 it, and consider a new key")
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type
    return SigningKey(origin(), private)


def _create(path: Path) -> None:
    """Make a new key; of two processes that start at once, one makes it and both use it."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with suppress(FileExistsError):
        durable.create(path, pem)
